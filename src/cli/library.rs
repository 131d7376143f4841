//! What templates ask for beside themselves: contents of files among the inputs, and published modules that the Bicep
//! compiler keeps in its cache. Nothing is fetched.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::files::InputFile;
use super::git::{Committed, Repository, Tree};
use crate::input::Library;

/// Contents of the inputs by name, and where the cache of modules lies.
pub struct Shelf {
    contents: HashMap<String, Content>,
    cache: Option<PathBuf>,
}

enum Content {
    File(PathBuf),
    Committed(Committed),
}

/// Longest content that is loaded, in bytes.
const LIMIT: u64 = 16 << 20;

/// Where `br/public:` leads to.
const PUBLIC: &str = "mcr.microsoft.com/bicep/";

impl Shelf {
    pub fn of_files(files: &[InputFile]) -> Self {
        let named = |file: &InputFile| (file.name(), Content::File(file.path.clone()));
        Self::new(files.iter().filter(|file| file.refused.is_none()).map(named))
    }

    /// Files below a directory, by their names in it.
    pub fn of_names(root: &Path, names: &[String]) -> Self {
        Self::new(names.iter().map(|name| (name.clone(), Content::File(root.join(name)))))
    }

    /// What a revision of a repository holds.
    pub fn of_commit(repository: &Repository, tree: &Tree) -> Self {
        let later = repository.later();
        let committed = tree.blobs.iter().map(|blob| (blob.path.clone(), later.text(blob)));
        Self::new(committed.map(|(name, committed)| (name, Content::Committed(committed))))
    }

    fn new(contents: impl Iterator<Item = (String, Content)>) -> Self {
        Shelf {
            contents: contents
                .map(|(name, content)| (crate::input::normal(&name), content))
                .collect(),
            cache: cache(),
        }
    }
}

impl Library for Shelf {
    fn content(&self, name: &str) -> Option<Vec<u8>> {
        match self.contents.get(name)? {
            Content::File(path) => read(path),
            Content::Committed(committed) => committed.read(LIMIT),
        }
    }

    fn module(&self, reference: &str) -> Option<(String, Vec<u8>)> {
        let path = self.cache.as_ref()?.join(place(reference)?).join("main.json");
        let bytes = read(&path)?;
        Some((path.to_string_lossy().into_owned(), bytes))
    }
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(LIMIT + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= LIMIT).then_some(bytes)
}

/// `BICEP_CACHE_DIRECTORY`, else `.bicep` of the home directory, as the compiler has it.
fn cache() -> Option<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("BICEP_CACHE_DIRECTORY").or_else(|| {
        set("HOME")
            .or_else(|| set("USERPROFILE"))
            .map(|home| home.join(".bicep"))
    })
}

/// Where the cache keeps a module: `br/<registry>/<repository with $ for />/<tag>$`.
fn place(reference: &str) -> Option<PathBuf> {
    let is_plain = |part: &str| !part.is_empty() && !part.contains(['\\', '$']) && !part.split('/').any(|s| s == "..");
    if let Some(rest) = reference.strip_prefix("ts:") {
        let (path, version) = rest.rsplit_once(':')?;
        return (is_plain(path) && is_plain(version) && !version.contains('/'))
            .then(|| Path::new("ts").join(path.to_lowercase()).join(version.to_lowercase()));
    }
    let full = match reference.strip_prefix("br/public:") {
        Some(rest) => format!("{PUBLIC}{rest}"),
        None => reference.strip_prefix("br:")?.to_owned(),
    };
    let (path, tag) = full.rsplit_once(':')?;
    let (registry, repository) = path.split_once('/')?;
    if !is_plain(path) || !is_plain(tag) || tag.contains('/') {
        return None;
    }
    let registry = registry.replace(':', "$");
    Some(
        Path::new("br")
            .join(registry)
            .join(repository.replace('/', "$"))
            .join(format!("{tag}$")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_lie_where_the_compiler_keeps_them() {
        let at = |reference: &str| place(reference).map(|path| path.to_string_lossy().replace('\\', "/"));
        let found = at("br/public:avm/res/network/virtual-network:0.5.1");
        let wanted = "br/mcr.microsoft.com/bicep$avm$res$network$virtual-network/0.5.1$";
        assert_eq!(found.as_deref(), Some(wanted));
        assert_eq!(at("br:team.example/a/b:v1").as_deref(), Some("br/team.example/a$b/v1$"));
        assert_eq!(at("ts:S/G/Name:1.0").as_deref(), Some("ts/s/g/name/1.0"));
    }

    #[test]
    fn no_reference_leads_out_of_the_cache() {
        for hostile in [
            "br:x/../../etc:1",
            "br:x/a:../b",
            "ts:../../x:1",
            "br/public:a",
            "br/other:a:1",
        ] {
            assert_eq!(place(hostile), None, "{hostile}");
        }
    }
}

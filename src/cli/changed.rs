//! `--changed-since`: the files that differ from a revision, by the names that a scan gives them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Failure;
use super::git::Repository;

/// Files that differ, by their whole paths.
pub struct Changed {
    files: BTreeSet<PathBuf>,
}

impl Changed {
    /// In the repository around the first of some paths.
    pub fn since(revision: &str, paths: &[PathBuf]) -> Result<Changed, Failure> {
        let Some(first) = paths.first() else {
            return Err(Failure(
                "--changed-since needs files to scan: a live estate has no revisions".to_owned(),
            ));
        };
        let directory = match first.is_dir() {
            true => first.as_path(),
            false => first
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty())
                .unwrap_or(Path::new(".")),
        };
        let repository = Repository::open(Some(directory))?;
        let changed = repository.changed_since(revision)?;
        let root = std::fs::canonicalize(&repository.root)?;
        Ok(Changed {
            files: changed.into_iter().map(|file| root.join(file)).collect(),
        })
    }

    /// The names under which they are read when these files and directories are named.
    pub fn names<'p>(&self, named: impl Iterator<Item = &'p Path>) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for path in named {
            let Some(whole) = whole(path) else { continue };
            let below = self.files.iter().filter_map(|file| file.strip_prefix(&whole).ok());
            names.extend(below.map(|rest| {
                let name = if rest.as_os_str().is_empty() {
                    path.to_path_buf()
                } else {
                    path.join(rest)
                };
                crate::input::normal(&name.to_string_lossy())
            }));
        }
        names
    }

    /// Whether any of these files differs, or anything in these directories.
    pub fn holds<'p>(&self, mut paths: impl Iterator<Item = &'p Path>) -> bool {
        paths.any(|path| whole(path).is_some_and(|whole| self.files.iter().any(|file| file.starts_with(&whole))))
    }
}

fn whole(path: &Path) -> Option<PathBuf> {
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    std::fs::canonicalize(path).ok()
}

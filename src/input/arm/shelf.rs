//! What templates ask for beside themselves: contents among the inputs, the configuration of the compiler, and published
//! modules of its cache. Then all files, with the templates that stand within others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::alias::{Aliases, CONFIGURATION};
use super::files::{self, File, Role};
use super::pending::{self, Opened, Text, What};
use super::{Loaded, catalog, deployment, is_published};
use crate::input::{Given, Library, Reading};
use crate::source::Locator;

/// What was brought.
pub struct Shelf {
    pub loaded: Loaded,
    pub published: Vec<Text>,
    /// Of the files that name published modules, in full.
    aliases: BTreeMap<Arc<str>, Aliases>,
}

/// Brings what the documents ask for.
pub fn fetch(reading: &mut Reading, opened: &[Opened<'_>]) -> Shelf {
    let mut shelf = Shelf {
        loaded: Loaded::new(),
        published: Vec::new(),
        aliases: BTreeMap::new(),
    };
    let Some(library) = reading.library.clone() else {
        return shelf;
    };
    let mut modules: BTreeSet<String> = BTreeSet::new();
    for one in opened {
        for path in &one.parsed.loads {
            let path = deployment::beside(&one.name, path);
            if let Some(bytes) = library.content(&path) {
                shelf.loaded.insert(path, bytes);
            }
        }
        let published = one.parsed.modules.iter().filter(|path| is_published(path));
        for path in published {
            let aliases = shelf
                .aliases
                .entry(one.name.clone())
                .or_insert_with(|| configured(&*library, &one.name));
            modules.insert(aliases.full(path).unwrap_or_else(|| path.clone()));
        }
    }
    for module in modules {
        let Some((name, bytes)) = library.module(&module) else {
            continue;
        };
        shelf.published.push(Text {
            source: reading.sources.add(&name),
            text: String::from_utf8_lossy(&bytes).into_owned(),
            parse: pending::json,
            named: false,
            published_as: Some(module),
        });
        reading.given.push(Given::Found);
    }
    shelf
}

/// The aliases that hold for a file: those of the nearest configuration above it.
fn configured(library: &dyn Library, name: &str) -> Aliases {
    let mut directory = files::directory(name);
    loop {
        let path = match directory.is_empty() {
            true => CONFIGURATION.to_owned(),
            false => format!("{directory}/{CONFIGURATION}"),
        };
        if let Some(bytes) = library.content(&path) {
            return Aliases::read(&String::from_utf8_lossy(&bytes));
        }
        match directory.rsplit_once('/') {
            Some((above, _)) => directory = above.to_owned(),
            None if directory.is_empty() => return Aliases::default(),
            None => directory.clear(),
        }
    }
}

impl Shelf {
    /// All files, and the places in each.
    pub fn files<'w>(&'w self, opened: &'w [Opened<'w>]) -> (Vec<File<'w>>, Vec<&'w Locator<'w>>) {
        let (mut files, mut locators) = (Vec::new(), Vec::new());
        let mut within = Vec::new();
        for one in opened {
            let (Some(root), What::File(role)) = (&one.parsed.root, one.parsed.what) else {
                continue;
            };
            files.push(File {
                published_as: one.published_as,
                aliases: self.aliases.get(&one.name),
                ..File::new(&one.name, one.text, root, role)
            });
            locators.push(&one.locator);
            for (path, template) in files::linked(root) {
                let path = deployment::beside(&one.name, path).to_ascii_lowercase();
                let file = File {
                    path,
                    ..File::new(&one.name, one.text, template, Role::Published)
                };
                within.push((file, &one.locator));
            }
        }
        for (file, locator) in within {
            files.push(file);
            locators.push(locator);
        }
        catalog::complete(&mut files);
        (files, locators)
    }
}

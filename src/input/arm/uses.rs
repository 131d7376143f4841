//! Which file uses which, of templates: those that they deploy, the values that they are given, the contents that they
//! load. A file that is not there is used all the same: taking it away is a change.

use super::Lowered;
use super::catalog::Catalog;
use super::deployment::beside;
use super::files::{File, Role};
use super::pending::Opened;
use crate::input::Links;

pub fn of_templates(links: &mut Links, files: &[File<'_>], lowered: &[Lowered]) {
    for (from, one) in files.iter().zip(lowered) {
        for to in one.linked.iter().filter_map(|at| files.get(*at)) {
            links.add(from.name, to.name);
        }
    }
}

/// A template takes the values that are for it, and those of files that are named.
pub fn of_values(links: &mut Links, files: &[File<'_>], catalog: &Catalog) {
    for (at, template) in files.iter().enumerate().filter(|(_, file)| file.role == Role::Template) {
        let own = catalog.values_of(at).iter().chain(catalog.variants_of(at));
        let values = own.chain(catalog.for_all()).filter_map(|at| files.get(*at));
        values.for_each(|values| links.add(template.name, values.name));
        let stem = template.name.rsplit_once('.').map_or(template.name, |(stem, _)| stem);
        links.add(template.name, &format!("{stem}.parameters.json"));
    }
    for values in files {
        let extended = values.root.get("extends").and_then(|node| node.as_text());
        if let Some(path) = extended {
            links.add(values.name, &beside(values.name, path));
        }
    }
}

pub fn of_contents(links: &mut Links, opened: &[Opened<'_>]) {
    for one in opened {
        for path in &one.parsed.loads {
            links.add(&one.name, &beside(&one.name, path));
        }
    }
}

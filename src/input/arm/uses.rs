//! Which file uses which, of templates: those that they deploy, the values that they are given, the contents that they
//! load. A file that is not there is used all the same: taking it away is a change.

use std::collections::HashMap;
use std::sync::Arc;

use super::deployment::beside;
use super::files::{self, File, Role};
use super::{Lowered, Text};
use crate::input::Links;

pub fn of_templates(links: &mut Links, names: &[Arc<str>], lowered: &[Lowered]) {
    for (from, one) in names.iter().zip(lowered) {
        for to in one.linked.iter().filter_map(|at| names.get(*at)) {
            links.add(from, to);
        }
    }
}

/// A template takes the values that are for it, and those of files that are named.
pub fn of_values(links: &mut Links, files: &[File<'_>]) {
    let named: Vec<&File<'_>> = files.iter().filter(|file| file.role == Role::NamedParameters).collect();
    let mut near: HashMap<String, Vec<&File<'_>>> = HashMap::new();
    for values in files.iter().filter(|file| file.role == Role::Parameters) {
        near.entry(target_directory(values)).or_default().push(values);
    }
    for template in files.iter().filter(|file| file.role == Role::Template) {
        let near = near.get(&files::directory(&template.path)).into_iter().flatten();
        let near = near.filter(|values| files::belongs(values, template));
        near.chain(&named)
            .for_each(|values| links.add(template.name, values.name));
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

/// Where the template lies that values are for, in lower case.
fn target_directory(values: &File<'_>) -> String {
    let using = values.root.get("using").and_then(|node| node.as_text());
    match using {
        Some(path) => files::directory(&beside(values.name, path).to_ascii_lowercase()),
        None => files::directory(&values.path),
    }
}

pub fn of_contents(links: &mut Links, texts: &[Text], names: &[Arc<str>]) {
    for (text, name) in texts.iter().zip(names) {
        let loads = text.made.iter().flat_map(|made| &made.loads);
        loads.for_each(|path| links.add(name, &beside(name, path)));
    }
}

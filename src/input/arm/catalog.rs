//! What files are to each other: which were compiled from which, and what the resource group of each is called.

use std::collections::HashMap;

use super::Placed;
use super::deployment::normal;
use super::files::{File, Role, directory, stem};
use crate::source::Diagnostic;
use crate::syntax::{Node, Span};

/// Finds out, for every file at once.
pub fn complete(files: &mut [File<'_>]) {
    let sources = sources(files);
    for (file, source) in files.iter_mut().zip(sources) {
        file.source = source;
    }
    let groups = groups(files);
    for (file, group) in files.iter_mut().zip(groups) {
        file.group = group;
    }
}

/// The Bicep file beside each template that says it was compiled from one; the source is judged in its place.
fn sources(files: &[File<'_>]) -> Vec<Option<usize>> {
    let named = files.iter().enumerate().filter(|(_, file)| file.template.is_some());
    let by_path: HashMap<&str, usize> = named.map(|(at, file)| (file.path.as_str(), at)).collect();
    let source = |file: &File<'_>| {
        let beside = format!("{}.bicep", file.path.strip_suffix(".json")?);
        let found = by_path.get(beside.as_str()).copied()?;
        (file.role == Role::Template && is_compiled(file.template?)).then_some(found)
    };
    files.iter().map(source).collect()
}

fn is_compiled(template: &Node<'_>) -> bool {
    let generator = template.get("metadata").and_then(|node| node.get("_generator"));
    let name = generator.and_then(|node| node.get("name")).and_then(Node::as_text);
    name == Some("bicep")
}

/// Names that a resource group may have, the shorter before the longer.
const NAMES: &[fn(&str) -> String] = &[stem, with_directory, whole_path];

fn with_directory(name: &str) -> String {
    let directory = directory(name);
    format!("{}-{}", directory.rsplit('/').next().unwrap_or_default(), stem(name))
}

fn whole_path(name: &str) -> String {
    let path = normal(name);
    path.rsplit_once('.').map_or(&*path, |(path, _)| path).replace('/', "-")
}

/// The name of each file, with its directory where two have the same.
fn groups(files: &[File<'_>]) -> Vec<String> {
    let is_judged = |file: &File<'_>| file.role == Role::Template && file.template.is_some() && file.source.is_none();
    let counts = |name: &fn(&str) -> String| {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for file in files.iter().filter(|file| is_judged(file)) {
            *counts.entry(name(file.name).to_ascii_lowercase()).or_default() += 1;
        }
        counts
    };
    let counts: Vec<HashMap<String, usize>> = NAMES.iter().map(counts).collect();
    let group = |file: &File<'_>| {
        let mut candidates = NAMES.iter().map(|name| name(file.name)).zip(&counts);
        let alone = |(name, counts): &(String, &HashMap<String, usize>)| {
            counts.get(&name.to_ascii_lowercase()).is_none_or(|count| *count < 2)
        };
        let found = candidates.find(alone).map(|(name, _)| name);
        found.unwrap_or_else(|| normal(file.name).replace(['/', '.'], "-"))
    };
    files.iter().map(group).collect()
}

/// Says which templates are passed over because their sources are judged.
pub fn compiled(files: &[File<'_>]) -> Vec<Placed> {
    let found = files
        .iter()
        .enumerate()
        .filter_map(|(at, file)| Some((at, file.source?)));
    found
        .map(|(at, source)| {
            let source = files.get(source).map_or("", |file| file.name);
            let message = format!("it was compiled from Bicep, and `{source}` beside it is judged in its place");
            Placed {
                file: at,
                span: Span::default(),
                diagnostic: Diagnostic::note("compiled-template", message).help("name it alone to have it judged"),
                lost: false,
            }
        })
        .collect()
}

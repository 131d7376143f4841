//! What files are to each other: which lies where, which were compiled from which, which values belong to which template,
//! and what the resource group of each is called. Made once, so that nobody looks through all files.

use std::collections::HashMap;

use super::Placed;
use super::deployment::{beside, normal};
use super::files::{File, Role, directory, stem};
use crate::source::Diagnostic;
use crate::syntax::{Node, Span};

/// Finds of each file which source it was compiled from, and what its resource group is called.
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

/// Files by path, by published name, and values by template.
#[derive(Default)]
pub struct Catalog {
    by_path: HashMap<String, usize>,
    published: HashMap<String, usize>,
    /// By template: files of values that say it is theirs, in the order given.
    values: HashMap<usize, Vec<usize>>,
    /// By template: files of values of its name with a word more, such as `X.parameters.prod.json`.
    variants: HashMap<usize, Vec<usize>>,
    /// Files of values that the user named for whatever template declares the parameters.
    for_all: Vec<usize>,
    unmatched: Vec<usize>,
}

impl Catalog {
    pub fn of(files: &[File<'_>]) -> Catalog {
        let mut catalog = Catalog::default();
        for (at, file) in files.iter().enumerate() {
            match file.published_as {
                Some(name) => catalog.published.entry(name.to_owned()).or_insert(at),
                None => catalog.by_path.entry(file.path.clone()).or_insert(at),
            };
        }
        let stems = stems(files);
        for (at, file) in files.iter().enumerate() {
            if !matches!(file.role, Role::Parameters | Role::NamedParameters) {
                continue;
            }
            let using = file.root.get("using");
            if file.role == Role::NamedParameters && using.and_then(Node::as_text).is_none() {
                catalog.for_all.push(at);
                continue;
            }
            if let Some(using) = using {
                let template = catalog.used_by(files, file, using);
                catalog.belong(at, file.role, template.as_slice());
                continue;
            }
            let mut keys = values_keys(file.name).into_iter();
            let own = keys.next().and_then(|key| stems.get(&key));
            let variant = keys.find_map(|key| stems.get(&key));
            match (own, variant) {
                (Some(templates), _) => catalog.belong(at, file.role, templates),
                (None, Some(templates)) => {
                    for template in templates {
                        catalog.variants.entry(*template).or_default().push(at);
                    }
                }
                (None, None) => catalog.belong(at, file.role, &[]),
            }
        }
        catalog
    }

    fn belong(&mut self, at: usize, role: Role, templates: &[usize]) {
        if templates.is_empty() && role == Role::Parameters {
            self.unmatched.push(at);
        }
        for template in templates {
            self.values.entry(*template).or_default().push(at);
        }
    }

    /// The template that a file of values names.
    fn used_by(&self, files: &[File<'_>], values: &File<'_>, using: &Node<'_>) -> Option<usize> {
        let path = beside(values.name, using.as_text()?).to_ascii_lowercase();
        let at = self.by_path.get(&path).copied()?;
        (files.get(at)?.role == Role::Template).then_some(at)
    }

    /// The file at a path, which is normal and in any case.
    pub fn at(&self, path: &str) -> Option<usize> {
        self.by_path.get(&path.to_ascii_lowercase()).copied()
    }

    pub fn published(&self, name: &str) -> Option<usize> {
        self.published.get(name).copied()
    }

    /// Files of values that lie beside a template or name it.
    pub fn values_of(&self, template: usize) -> &[usize] {
        self.values.get(&template).map_or(&[], Vec::as_slice)
    }

    /// Files of values each of which makes a deployment of its own of a template.
    pub fn variants_of(&self, template: usize) -> &[usize] {
        self.variants.get(&template).map_or(&[], Vec::as_slice)
    }

    /// Files of values for every template.
    pub fn for_all(&self) -> &[usize] {
        &self.for_all
    }

    /// Files of values that belong to no template.
    pub fn unmatched(&self) -> &[usize] {
        &self.unmatched
    }
}

/// Templates by directory and stem.
fn stems(files: &[File<'_>]) -> HashMap<(String, String), Vec<usize>> {
    let mut stems: HashMap<(String, String), Vec<usize>> = HashMap::new();
    for (at, file) in files.iter().enumerate() {
        if file.role == Role::Template && file.template.is_some() {
            let key = (directory(file.name), stem(file.name).to_ascii_lowercase());
            stems.entry(key).or_default().push(at);
        }
    }
    stems
}

/// Of `a/X.parameters.json` the directory and the stem of the template that it is for, `X.json` or `X.bicep` beside it; of
/// `a/X.parameters.prod.json` and `a/X.prod.parameters.json` nothing first, and then that.
fn values_keys(name: &str) -> Vec<(String, String)> {
    let lower = name.to_ascii_lowercase();
    let own = stem(name).to_ascii_lowercase();
    if !lower.ends_with(".json") && !lower.ends_with(".jsonc") {
        return Vec::new();
    }
    let key = |stem: &str| (directory(name), stem.to_owned());
    match own.split_once(".parameters") {
        Some((template, "")) => {
            let mut keys = vec![key(template)];
            keys.extend(template.rsplit_once('.').map(|(shorter, _)| key(shorter)));
            keys
        }
        Some((template, word)) if word.starts_with('.') => vec![key(""), key(template)],
        _ => Vec::new(),
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
    let counts = |name: &fn(&str) -> String| {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for file in files.iter().filter(|file| file.is_judged()) {
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

//! ARM templates: JSON with expressions to the resources that a deployment would make, each with its place in the text.
//! Templates may need each other and their parameter files, so they are kept until everything has been read.

mod ambient;
mod catalog;
mod deployment;
pub mod expression;
mod files;
mod frame;
mod import;
mod inline;
mod lower;
mod reference;
pub(super) mod scope;
mod shape;
mod uses;
mod what_if;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, BufRead};
use std::sync::Arc;

use super::exception::{Remarks, in_members, objects};
use super::{Decoded, Input, Reading, decode, recording};
use crate::model::Suppression;
use crate::source::{Diagnostic, Locator, SourceId};
use crate::syntax::{Node, Notation, Span, comments, json};
pub use deployment::normal;
use expression::Value;
use files::{File, Role};
pub(super) use inline::lower_inline;

pub(super) const INPUT: Input = Input {
    name: "arm",
    endings: &[],
    recognise,
    read,
};

/// Marks of a template, its parameters or a preview; what has one and is none of them is a recording after all.
const MARKS: &[&[u8]] = &[
    b"deploymenttemplate.json",
    b"deploymentparameters.json",
    b"\"contentversion\"",
    b"\"changetype\"",
];

fn recognise(head: &[u8]) -> bool {
    let lower = head.to_ascii_lowercase();
    let begins = matches!(lower.first(), Some(b'{')) || lower.starts_with(b"//") || lower.starts_with(b"/*");
    begins && MARKS.iter().any(|mark| memchr::memmem::find(&lower, mark).is_some())
}

/// Texts that wait for the others.
#[derive(Default)]
pub(super) struct Pending {
    texts: Vec<Text>,
}

struct Text {
    source: SourceId,
    text: String,
    role: Role,
    /// The template that another notation was turned into; JSON is parsed again when it is needed.
    made: Option<Made>,
    published_as: Option<String>,
}

/// A text of another notation as a template, and what it asks for beside itself.
pub(super) struct Made {
    pub root: Node<'static>,
    /// Paths of files whose contents it loads.
    pub loads: Vec<String>,
    /// Paths of modules, and names of published ones.
    pub modules: Vec<String>,
}

impl Text {
    fn new(source: SourceId, text: String, role: Role) -> Self {
        Text {
            source,
            text,
            role,
            made: None,
            published_as: None,
        }
    }
}

/// Takes a template, or parameter values, that another notation was turned into.
pub(super) fn take_made(reading: &mut Reading, source: SourceId, text: String, made: Made, named: bool) {
    let role = match (made.root.get("using").is_some(), named) {
        (false, _) => Role::Template,
        (true, false) => Role::Parameters,
        (true, true) => Role::NamedParameters,
    };
    reading.templates.texts.push(Text {
        made: Some(made),
        ..Text::new(source, text, role)
    });
}

/// Whether a path names a published module instead of a file.
pub(super) fn is_published(path: &str) -> bool {
    ["br:", "br/", "ts:", "ts/"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
}

fn read(reading: &mut Reading, source: SourceId, text: &mut dyn BufRead) -> io::Result<()> {
    let Some(text) = recording::load(reading, source, text)? else {
        return Ok(());
    };
    let locator = Locator::new(source, reading.sources.name(source), &text, 1);
    let Some(root) = recording::parse(reading, &text, &locator, json::parse_lenient) else {
        return Ok(());
    };
    let role = if files::template_of(&root).is_some() {
        Role::Template
    } else if files::is_parameters(&root) {
        Role::Parameters
    } else if let Some(changes) = what_if::changes(&root) {
        what_if::take(reading, changes, &locator);
        return Ok(());
    } else {
        recording::take_root(reading, &root, &locator);
        return Ok(());
    };
    if role == Role::Template && Suppression::is_in(&text) {
        reading.suppressions.extend(exceptions(&text, &root, &locator));
    }
    drop(root);
    reading.templates.texts.push(Text::new(source, text, role));
    Ok(())
}

/// Exceptions stand in comments, in the `comments` of a resource, and in `metadata`.
fn exceptions(text: &str, root: &Node<'_>, locator: &Locator<'_>) -> Vec<Suppression> {
    let remarks = Remarks {
        text,
        base: 0,
        comments: comments(text, Notation::Json),
        regions: objects(root),
    };
    let mut all = remarks.exceptions(locator);
    all.extend(in_members(root, &["comments", "metadata"], 0, locator));
    all
}

/// Reads a file that the user named for its parameter values.
pub(super) fn read_parameters(reading: &mut Reading, source: SourceId, text: &mut dyn BufRead) -> io::Result<()> {
    let Some(text) = recording::load(reading, source, text)? else {
        return Ok(());
    };
    let locator = Locator::new(source, reading.sources.name(source), &text, 1);
    let Some(root) = recording::parse(reading, &text, &locator, json::parse_lenient) else {
        return Ok(());
    };
    if !files::is_parameters(&root) {
        let message = format!("`{}` holds no parameter values", reading.sources.name(source));
        let help = "give a file with `{ \"parameters\": { \"name\": { \"value\": ... } } }`";
        let location = locator.locate(root.span.start, root.span.start);
        reading.lose(Diagnostic::error("no-parameters", message).at(location).help(help));
        return Ok(());
    }
    drop(root);
    let role = Role::NamedParameters;
    reading.templates.texts.push(Text::new(source, text, role));
    Ok(())
}

/// A diagnostic and where its text lies.
struct Placed {
    file: usize,
    span: Span,
    diagnostic: Diagnostic,
    /// Resources may be missing because of it.
    lost: bool,
}

/// What became of one template.
#[derive(Default)]
struct Lowered {
    resources: Vec<lower::Resource>,
    unused: BTreeMap<Arc<str>, u64>,
    said: Vec<Placed>,
    linked: BTreeSet<usize>,
}

/// Whether anything needs resources of this type, in lower case.
fn is_needed(resource_type: &str) -> bool {
    decode::is_decoded(resource_type) || shape::WITHIN_PARENT.iter().any(|(known, _)| *known == resource_type)
}

/// The type as ARM spells it, and the list of its parent that it is an element of, if it is one; `None` where no rule
/// needs it. The type is given in lower case.
pub(super) fn known_type(lower: &str) -> Option<(&'static str, Option<&'static str>)> {
    if let Some((known, list)) = shape::WITHIN_PARENT.iter().find(|(known, _)| *known == lower) {
        return Some((*known, Some(*list)));
    }
    decode::decoded_type(lower).map(|known| (known, None))
}

/// Lowers the templates that were read, each with its parameters. Called once, after the last text.
pub(super) fn finish(reading: &mut Reading) {
    let mut texts = std::mem::take(&mut reading.templates).texts;
    if texts.is_empty() {
        return;
    }
    let loaded = load(reading, &mut texts);
    let names: Vec<Arc<str>> = texts.iter().map(|text| reading.sources.name(text.source)).collect();
    // Each was parsed when it was read, so that nothing is lost here.
    let parsed: Vec<Cow<'_, Node<'_>>> = texts
        .iter()
        .filter_map(|text| match &text.made {
            Some(made) => Some(Cow::Borrowed(&made.root)),
            None => json::parse_lenient(&text.text, &mut |_| {}).ok().map(Cow::Owned),
        })
        .collect();
    let with_names = texts.iter().zip(&names).zip(&parsed);
    let mut files: Vec<File<'_>> = with_names
        .map(|((text, name), root)| File {
            published_as: text.published_as.as_deref(),
            ..File::new(name, &text.text, root, text.role)
        })
        .collect();
    let locators: Vec<Locator<'_>> = texts
        .iter()
        .zip(&names)
        .map(|(text, name)| Locator::new(text.source, name.clone(), &text.text, 1))
        .collect();
    catalog::complete(&mut files);
    let used = used(&texts, &files);
    place(reading, &locators, files::unmatched(&files));
    place(reading, &locators, catalog::compiled(&files));
    let lowered = match in_own_thread(&files, &loaded, &used) {
        Ok(lowered) => lowered,
        Err(error) => {
            let message = format!("the templates cannot be evaluated: {error}");
            return reading.lose(Diagnostic::error("unreadable", message));
        }
    };
    uses::of_templates(&mut reading.links, &names, &lowered);
    uses::of_values(&mut reading.links, &files);
    uses::of_contents(&mut reading.links, &texts, &names);
    let linked: Vec<BTreeSet<usize>> = lowered.iter().map(|one| one.linked.clone()).collect();
    let roots = roots(&linked);
    for (at, one) in lowered.into_iter().enumerate() {
        if roots.contains(&at) {
            take(reading, one, &locators);
        }
    }
    let is_template = files.iter().any(|file| file.template.is_some());
    if is_template {
        reading.inventory.coverage.whole = reading.assume_complete;
    }
}

/// Stack for nested expressions, templates and values; what is nested deeper than the limits is refused before.
const STACK: usize = 64 << 20;

fn in_own_thread(files: &[File<'_>], loaded: &Loaded, used: &[BTreeSet<usize>]) -> io::Result<Vec<Lowered>> {
    let roots = roots(used);
    let lower = |at: usize| {
        let mut lowered = match roots.contains(&at) {
            true => lower_one(files, loaded, at),
            false => Lowered::default(),
        };
        lowered.linked.extend(used.get(at).into_iter().flatten());
        lowered
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let handle = thread.spawn_scoped(scope, || (0..files.len()).map(lower).collect())?;
        handle
            .join()
            .map_err(|_| io::Error::other("the evaluation ended abruptly"))
    })
}

/// Steps that any template may take, and more for each byte of a large one.
const STEPS: u64 = 2_000_000;

/// Contents that templates load, by path.
type Loaded = HashMap<String, Vec<u8>>;

/// Brings what templates ask for: contents among the inputs, and published modules of the local cache.
fn load(reading: &mut Reading, texts: &mut Vec<Text>) -> Loaded {
    let Some(library) = reading.library.clone() else {
        return Loaded::new();
    };
    let mut loaded = Loaded::new();
    let mut modules: BTreeSet<String> = BTreeSet::new();
    for text in texts.iter() {
        let name = reading.sources.name(text.source);
        let Some(made) = &text.made else { continue };
        for path in &made.loads {
            let path = deployment::beside(&name, path);
            if let Some(bytes) = library.content(&path) {
                loaded.insert(path, bytes);
            }
        }
        modules.extend(made.modules.iter().filter(|path| is_published(path)).cloned());
    }
    for module in modules {
        let Some((name, bytes)) = library.module(&module) else {
            continue;
        };
        let source = reading.sources.add(&name);
        reading.given.push(super::Given::Found);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if json::parse_lenient(&text, &mut |_| {}).is_ok() {
            texts.push(Text {
                published_as: Some(module),
                ..Text::new(source, text, Role::Published)
            });
        }
    }
    loaded
}

fn lower_one(files: &[File<'_>], loaded: &Loaded, at: usize) -> Lowered {
    let is_judged = |file: &File<'_>| file.role == Role::Template && file.template.is_some() && file.source.is_none();
    if !files.get(at).is_some_and(is_judged) {
        return Lowered::default();
    }
    let deployments = files::deployments(files, at);
    match deployments.as_slice() {
        [] => lower_with(files, loaded, at, None, false),
        [one] => lower_with(files, loaded, at, Some(*one), false),
        many => many.iter().fold(Lowered::default(), |mut all, one| {
            all.join(lower_with(files, loaded, at, Some(*one), true));
            all
        }),
    }
}

impl Lowered {
    fn join(&mut self, other: Lowered) {
        self.resources.extend(other.resources);
        self.said.extend(other.said);
        self.linked.extend(other.linked);
        for (name, count) in other.unused {
            *self.unused.entry(name).or_default() += count;
        }
    }
}

/// One deployment of a template; `several`: it is one of them, each with its own parameter file.
fn lower_with(files: &[File<'_>], loaded: &Loaded, at: usize, values: Option<usize>, several: bool) -> Lowered {
    let Some((file, template)) = files.get(at).and_then(|file| Some((file, file.template?))) else {
        return Lowered::default();
    };
    let lowering = lower::Lowering::new(files, loaded, STEPS + file.text.len() as u64 / 2);
    // Each of several deployments has a group of its own.
    let group = match values.and_then(|values| files.get(values)).filter(|_| several) {
        Some(values) => format!("{}-{}", file.group, files::stem(values.name)),
        None => file.group.clone(),
    };
    let frame = lower::root(at, template, files::given(files, at, values, &lowering), &group);
    let env = frame::Env::new(&lowering, frame.clone());
    if let Some(list) = template.get("resources") {
        let place = lower::Place {
            scope: frame.scope.clone(),
            perhaps: None,
        };
        lower::resources(&env, list, &place, None);
    }
    files::say_values(&lowering, &frame);
    drop(env);
    Lowered {
        resources: shape::join_children(lowering.resources.into_inner()),
        unused: lowering.unused.into_inner(),
        said: lowering.said.into_inner(),
        linked: lowering.linked.into_inner(),
    }
}

/// The modules that each file names, whether it deploys them or not.
fn used(texts: &[Text], files: &[File<'_>]) -> Vec<BTreeSet<usize>> {
    let loaded = Loaded::new();
    let lowering = lower::Lowering::new(files, &loaded, 0);
    let of = |(at, text): (usize, &Text)| {
        let modules = text.made.as_ref().map_or(&[][..], |made| &made.modules);
        let found = modules.iter().filter_map(|path| lowering.find(at, path).ok());
        found.filter(|found| *found != at).collect()
    };
    texts.iter().enumerate().map(of).collect()
}

/// Templates that no other one deploys. Of those that deploy each other, the first.
fn roots(links: &[BTreeSet<usize>]) -> BTreeSet<usize> {
    let below: Vec<BTreeSet<usize>> = (0..links.len()).map(|at| reached(links, at)).collect();
    let reaches = |from: usize, to: usize| below.get(from).is_some_and(|below| below.contains(&to));
    let is_above = |other: usize, at: usize| other != at && reaches(other, at) && !(reaches(at, other) && at < other);
    // Most templates link none, so only those that do are looked at.
    let linking: Vec<usize> = (0..links.len())
        .filter(|at| links.get(*at).is_some_and(|below| !below.is_empty()))
        .collect();
    let is_part = |at: usize| linking.iter().any(|other| is_above(*other, at));
    (0..links.len()).filter(|at| !is_part(*at)).collect()
}

/// Every file that one links, and those that these link.
fn reached(links: &[BTreeSet<usize>], from: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(at) = waiting.pop() {
        for next in links.get(at).into_iter().flatten() {
            if found.insert(*next) {
                waiting.push(*next);
            }
        }
    }
    found
}

fn take(reading: &mut Reading, lowered: Lowered, locators: &[Locator<'_>]) {
    place(reading, locators, lowered.said);
    for (resource_type, count) in lowered.unused {
        *reading.inventory.unused.entry(resource_type).or_default() += count;
    }
    for resource in lowered.resources {
        let Some(locator) = locators.get(resource.file) else {
            continue;
        };
        let node: Node<'static> = resource.value.node();
        let mut diagnostics = Vec::new();
        let decoded: Decoded = decode(&node, locator, &mut diagnostics);
        recording::take(reading, decoded, diagnostics);
    }
}

fn place(reading: &mut Reading, locators: &[Locator<'_>], said: Vec<Placed>) {
    for placed in said {
        let location = locators
            .get(placed.file)
            .map(|locator| locator.locate(placed.span.start, placed.span.end));
        let mut diagnostic = placed.diagnostic;
        diagnostic.location = location;
        if placed.lost {
            reading.lose(diagnostic);
        } else {
            reading.diagnostics.push(diagnostic);
        }
    }
}

/// Evaluates one expression, without its outer brackets, as if it stood in the template; `Ok` is the JSON of its value,
/// with symbols for what is unknown, and `Err` says why there is none.
pub fn evaluate(template: &str, expression: &str) -> Result<String, String> {
    let root = json::parse(template).map_err(|error| error.message)?;
    let tree = expression::parse(expression).map_err(|(message, _)| message)?;
    let files = [File::new("template.json", template, &root, Role::Template)];
    let loaded = Loaded::new();
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let run = || {
            let lowering = lower::Lowering::new(&files, &loaded, STEPS);
            let file = files.first().and_then(|file| file.template);
            let template = file.ok_or_else(|| "it is no template".to_owned())?;
            let frame = lower::root(0, template, HashMap::<String, Value>::new(), "template");
            let env = frame::Env::new(&lowering, frame);
            let outcome = expression::evaluate(&tree, &env, None);
            outcome.map(|value| value.json()).map_err(|fault| fault.message)
        };
        let handle = thread.spawn_scoped(scope, run).map_err(|error| error.to_string())?;
        handle.join().map_err(|_| "the evaluation ended abruptly".to_owned())?
    })
}

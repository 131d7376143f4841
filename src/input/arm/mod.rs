//! ARM templates: JSON with expressions to the resources that a deployment would make, each with its place in the text.
//! Templates may need each other and their parameter files, so they are kept until everything has been read.

mod ambient;
mod deployment;
pub mod expression;
mod files;
mod frame;
mod lower;
mod scope;
mod shape;
mod what_if;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, BufRead};
use std::sync::Arc;

use super::{Decoded, Input, Reading, decode, recording};
use crate::source::{Diagnostic, Locator, SourceId};
use crate::syntax::{Node, Span, json};
pub use deployment::normal as normal_path;
use expression::Value;
use files::{File, Role};

pub(super) const INPUT: Input = Input {
    name: "arm",
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
    drop(root);
    reading.templates.texts.push(Text { source, text, role });
    Ok(())
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
    reading.templates.texts.push(Text { source, text, role });
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

/// Lowers the templates that were read, each with its parameters. Called once, after the last text.
pub(super) fn finish(reading: &mut Reading) {
    let texts = std::mem::take(&mut reading.templates).texts;
    if texts.is_empty() {
        return;
    }
    let names: Vec<Arc<str>> = texts.iter().map(|text| reading.sources.name(text.source)).collect();
    // Each was parsed when it was read, so that nothing is lost here.
    let parsed: Vec<Node<'_>> = texts
        .iter()
        .filter_map(|text| json::parse_lenient(&text.text, &mut |_| {}).ok())
        .collect();
    let with_names = texts.iter().zip(&names).zip(&parsed);
    let files: Vec<File<'_>> = with_names
        .map(|((text, name), root)| File::new(name, text.text.len(), root, text.role))
        .collect();
    let locators: Vec<Locator<'_>> = texts
        .iter()
        .zip(&names)
        .map(|(text, name)| Locator::new(text.source, name.clone(), &text.text, 1))
        .collect();
    let said = files::unmatched(&files);
    place(reading, &locators, said);
    let lowered = match in_own_thread(&files) {
        Ok(lowered) => lowered,
        Err(error) => {
            let message = format!("the templates cannot be evaluated: {error}");
            return reading.lose(Diagnostic::error("unreadable", message));
        }
    };
    for (from, one) in names.iter().zip(&lowered) {
        for to in one.linked.iter().filter_map(|at| names.get(*at)) {
            reading.links.add(from, to);
        }
    }
    link_values(reading, &texts, &names);
    let roots = roots(&lowered);
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

/// A template takes the values that lie beside it, and those of files that are named.
fn link_values(reading: &mut Reading, texts: &[Text], names: &[Arc<str>]) {
    let of_role = |role: Role| {
        let all = texts.iter().zip(names);
        all.filter(move |(text, _)| text.role == role).map(|(_, name)| name)
    };
    for template in of_role(Role::Template) {
        let stem = template.rsplit_once('.').map_or(&**template, |(stem, _)| stem);
        let beside = |values: &&Arc<str>| {
            values
                .get(..stem.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(stem))
        };
        for values in of_role(Role::Parameters)
            .filter(beside)
            .chain(of_role(Role::NamedParameters))
        {
            reading.links.add(template, values);
        }
    }
}

/// Stack for nested expressions, templates and values; what is nested deeper than the limits is refused before.
const STACK: usize = 64 << 20;

fn in_own_thread(files: &[File<'_>]) -> io::Result<Vec<Lowered>> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let handle = thread.spawn_scoped(scope, || {
            let names = files::Names::of(files);
            (0..files.len()).map(|at| lower_one(files, &names, at)).collect()
        })?;
        handle
            .join()
            .map_err(|_| io::Error::other("the evaluation ended abruptly"))
    })
}

/// Steps that any template may take, and more for each byte of a large one.
const STEPS: u64 = 2_000_000;

fn lower_one(files: &[File<'_>], names: &files::Names, at: usize) -> Lowered {
    let Some((file, template)) = files.get(at).and_then(|file| Some((file, file.template?))) else {
        return Lowered::default();
    };
    let lowering = lower::Lowering::new(files, STEPS + file.bytes as u64 / 2);
    let frame = lower::root(at, template, files::given(files, at, &lowering), &names.group(file));
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

/// Templates that no other one deploys. Of those that deploy each other, the first.
fn roots(lowered: &[Lowered]) -> BTreeSet<usize> {
    let links = |from: usize, to: usize| lowered.get(from).is_some_and(|one| one.linked.contains(&to));
    // Most templates link none, so only those that do are looked at.
    let linking: Vec<usize> = (0..lowered.len())
        .filter(|at| lowered.get(*at).is_some_and(|one| !one.linked.is_empty()))
        .collect();
    let is_part = |at: usize| {
        let mut others = linking.iter().copied().filter(|other| *other != at);
        others.any(|other| links(other, at) && !(links(at, other) && at < other))
    };
    (0..lowered.len()).filter(|at| !is_part(*at)).collect()
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
    let files = [File::new("template.json", template.len(), &root, Role::Template)];
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let run = || {
            let lowering = lower::Lowering::new(&files, STEPS);
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

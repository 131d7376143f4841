//! ARM templates: JSON with expressions to the resources that a deployment would make, each with its place in the text.
//! Templates may need each other and their parameter files, so they are kept until everything has been read.

mod alias;
mod ambient;
mod catalog;
mod deployment;
pub mod expression;
mod files;
mod frame;
mod import;
mod inline;
mod lower;
mod pending;
mod reference;
mod related;
pub(super) mod scope;
mod shape;
mod shelf;
mod siblings;
mod uses;
mod what_if;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, BufRead};
use std::sync::Arc;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::{Decoded, Input, Reading, decode, recording, yaml};
use crate::model::{Suppression, choices};
use crate::source::{Diagnostic, Locator, SourceId};
use crate::syntax::{Span, json};
use catalog::Catalog;
pub use deployment::normal;
use files::File;
pub(super) use files::Role;
pub(super) use inline::lower_inline;
use pending::{Opened, Text};
pub(super) use pending::{Parse, Parsed, Pending, What};

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
    b"\"changes\"",
    b"\"maintemplate\"",
];

fn recognise(head: &[u8]) -> bool {
    let lower = head.to_ascii_lowercase();
    let begins = matches!(lower.first(), Some(b'{')) || lower.starts_with(b"//") || lower.starts_with(b"/*");
    begins && MARKS.iter().any(|mark| memchr::memmem::find(&lower, mark).is_some())
}

/// Whether a path names a published module instead of a file.
pub(super) fn is_published(path: &str) -> bool {
    ["br:", "br/", "ts:", "ts/"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
}

fn read(reading: &mut Reading, source: SourceId, text: &mut dyn BufRead) -> io::Result<()> {
    wait(reading, source, text, pending::json, false)
}

/// Reads a file that the user named for its parameter values.
pub(super) fn read_parameters(reading: &mut Reading, source: SourceId, text: &mut dyn BufRead) -> io::Result<()> {
    wait(reading, source, text, pending::json, true)
}

/// Keeps a text until everything has been read; `parse` is how its notation is turned into templates.
pub(super) fn wait(
    reading: &mut Reading,
    source: SourceId,
    text: &mut dyn BufRead,
    parse: Parse,
    named: bool,
) -> io::Result<()> {
    if let Some(text) = recording::load(reading, source, text)? {
        reading.templates.texts.push(Text {
            source,
            text,
            parse,
            named,
            published_as: None,
        });
    }
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
    related: related::Trail,
    /// Exceptions in comments of files that it takes values from.
    suppressions: Vec<Suppression>,
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
    let texts = std::mem::take(&mut reading.templates).texts;
    if texts.is_empty() {
        return;
    }
    let pool = match pool() {
        Ok(pool) => pool,
        Err(error) => {
            let message = format!("the templates cannot be evaluated: {error}");
            return reading.lose(Diagnostic::error("unreadable", message));
        }
    };
    let mut opened = pending::opened(reading, &pool, &texts);
    let shelf = shelf::fetch(reading, &opened);
    opened.extend(pending::opened(reading, &pool, &shelf.published));
    opened.iter_mut().for_each(|one| pending::take(reading, one));
    let (files, locators) = shelf.files(&opened);
    let catalog = Catalog::of(&files);
    let limits = reading.limits.clone();
    let world = World {
        files: &files,
        catalog: &catalog,
        loaded: &shelf.loaded,
        limits: &limits,
    };
    let used = used(&opened, &world);
    place(reading, &locators, files::unmatched(&files, &catalog));
    place(reading, &locators, catalog::compiled(&files));
    let mut lowered = world.lower_all(&pool, &used);
    uses::of_templates(&mut reading.links, &files, &lowered);
    uses::of_values(&mut reading.links, &files, &catalog);
    uses::of_contents(&mut reading.links, &opened);
    let linked: Vec<BTreeSet<usize>> = lowered.iter().map(|one| one.linked.clone()).collect();
    let roots = roots(&linked);
    for (_, one) in lowered.iter_mut().enumerate().filter(|(at, _)| !roots.contains(at)) {
        *one = Lowered::default();
    }
    if !reading.inventory.choices.is(&choices::ONE_GROUP, "apart") {
        reading.inventory.coverage.joined_groups |= siblings::join(&files, &mut lowered);
    }
    let decoded = pool.install(|| {
        lowered
            .par_iter()
            .map(|one| decoded(one, &locators))
            .collect::<Vec<_>>()
    });
    for (one, decoded) in lowered.into_iter().zip(decoded) {
        related::keep(reading, &one.resources, &one.related, &locators);
        reading.suppressions.extend(one.suppressions);
        take(reading, one.said, one.unused, decoded, &locators);
    }
    if files.iter().any(|file| file.template.is_some()) {
        reading.inventory.coverage.whole = reading.assume_complete;
    }
}

/// Stack for nested expressions, templates and values; what is nested deeper than the limits is refused before.
const STACK: usize = 64 << 20;

fn pool() -> Result<ThreadPool, String> {
    ThreadPoolBuilder::new()
        .stack_size(STACK)
        .build()
        .map_err(|error| error.to_string())
}

/// Contents that templates load, by path.
type Loaded = HashMap<String, Vec<u8>>;

/// Everything that templates may ask for.
#[derive(Clone, Copy)]
struct World<'w> {
    files: &'w [File<'w>],
    catalog: &'w Catalog,
    loaded: &'w Loaded,
    limits: &'w super::Limits,
}

impl World<'_> {
    /// Each template that no other one is known to use, side by side.
    fn lower_all(&self, pool: &ThreadPool, used: &[BTreeSet<usize>]) -> Vec<Lowered> {
        let roots = roots(used);
        let lower = |at: usize| {
            let mut lowered = match roots.contains(&at) {
                true => self.lower_guarded(at),
                false => Lowered::default(),
            };
            lowered.linked.extend(used.get(at).into_iter().flatten());
            lowered
        };
        pool.install(|| (0..self.files.len()).into_par_iter().map(lower).collect())
    }

    /// One template whose evaluation fails through a defect of ours must not take the others with it.
    fn lower_guarded(&self, at: usize) -> Lowered {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.lower_one(at)));
        outcome.unwrap_or_else(|_| {
            let help = "report it as a defect, with the template; what it deploys is not judged";
            let diagnostic =
                Diagnostic::error("unreadable", "the evaluation of this template ended abruptly").help(help);
            Lowered {
                said: vec![Placed {
                    file: at,
                    span: Span::default(),
                    diagnostic,
                    lost: true,
                }],
                ..Lowered::default()
            }
        })
    }

    fn lower_one(&self, at: usize) -> Lowered {
        if !self.files.get(at).is_some_and(File::is_judged) {
            return Lowered::default();
        }
        let deployments = files::deployments(self.files, self.catalog, at);
        let several = deployments.len() > 1;
        deployments.into_iter().fold(Lowered::default(), |mut all, values| {
            all.join(self.lower_with(at, values, several));
            all
        })
    }

    /// One deployment of a template; `several`: it is one of them, each with its own parameter file.
    fn lower_with(&self, at: usize, values: Option<usize>, several: bool) -> Lowered {
        let Some((file, template)) = self.files.get(at).and_then(|file| Some((file, file.template?))) else {
            return Lowered::default();
        };
        let lowering = lower::Lowering::new(*self, file.text.len());
        // Each of several deployments has a group of its own.
        let group = match values.and_then(|values| self.files.get(values)).filter(|_| several) {
            Some(values) => format!("{}-{}", file.group, files::stem(values.name)),
            None => file.group.clone(),
        };
        let frame = lower::root(at, template, files::given(at, values, &lowering), &group);
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
        let resources = lowering.resources.into_inner();
        let stated = resources.iter().map(|resource| (resource.id.clone(), &resource.value));
        Lowered {
            suppressions: yaml::exceptions(&lowering.sources.into_inner(), stated),
            resources: shape::join_children(resources),
            unused: lowering.unused.into_inner(),
            said: lowering.said.into_inner(),
            linked: lowering.linked.into_inner(),
            related: lowering.related.into_inner(),
        }
    }
}

impl Lowered {
    fn join(&mut self, other: Lowered) {
        self.resources.extend(other.resources);
        self.said.extend(other.said);
        self.linked.extend(other.linked);
        self.suppressions.extend(other.suppressions);
        related::join(&mut self.related, other.related);
        for (name, count) in other.unused {
            *self.unused.entry(name).or_default() += count;
        }
    }
}

/// The modules that each file names, whether it deploys them or not.
fn used(opened: &[Opened<'_>], world: &World<'_>) -> Vec<BTreeSet<usize>> {
    let lowering = lower::Lowering::new(*world, 0);
    let modules: HashMap<&str, &[String]> = opened
        .iter()
        .map(|one| (&*one.name, one.parsed.modules.as_slice()))
        .collect();
    let of = |(at, file): (usize, &File<'_>)| {
        let named = modules.get(file.name).copied().unwrap_or_default();
        let found = named.iter().filter_map(|path| lowering.find(at, path).ok());
        found.filter(|found| *found != at).collect()
    };
    world.files.iter().enumerate().map(of).collect()
}

/// Templates that no other one deploys. Of those that deploy each other, the first.
fn roots(links: &[BTreeSet<usize>]) -> BTreeSet<usize> {
    // Most templates link none, so only those that do are looked at.
    let linking = (0..links.len()).filter(|at| links.get(*at).is_some_and(|below| !below.is_empty()));
    let below: BTreeMap<usize, BTreeSet<usize>> = linking.map(|at| (at, reached(links, at))).collect();
    let reaches = |from: usize, to: usize| below.get(&from).is_some_and(|below| below.contains(&to));
    let mut roots: BTreeSet<usize> = (0..links.len()).collect();
    for (above, reached) in &below {
        for at in reached.iter().filter(|at| *at != above) {
            if !(reaches(*at, *above) && at < above) {
                roots.remove(at);
            }
        }
    }
    roots
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

/// A resource as the decoder has it, and what the decoder said.
type Outcome = (Decoded, Vec<Diagnostic>);

fn decoded(lowered: &Lowered, locators: &[&Locator<'_>]) -> Vec<Outcome> {
    let one = |resource: &lower::Resource| {
        let locator = locators.get(resource.file)?;
        let mut diagnostics = Vec::new();
        let decoded = decode(&resource.value.node(), locator, &mut diagnostics);
        Some((decoded, diagnostics))
    };
    lowered.resources.iter().filter_map(one).collect()
}

fn take(
    reading: &mut Reading,
    said: Vec<Placed>,
    unused: BTreeMap<Arc<str>, u64>,
    decoded: Vec<Outcome>,
    locators: &[&Locator<'_>],
) {
    place(reading, locators, said);
    for (resource_type, count) in unused {
        *reading.inventory.unused.entry(resource_type).or_default() += count;
    }
    for (decoded, diagnostics) in decoded {
        recording::take(reading, decoded, diagnostics);
    }
}

fn place(reading: &mut Reading, locators: &[&Locator<'_>], said: Vec<Placed>) {
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
    let (loaded, catalog, limits) = (Loaded::new(), Catalog::default(), super::Limits::default());
    let world = World {
        files: &files,
        catalog: &catalog,
        loaded: &loaded,
        limits: &limits,
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let run = || {
            let lowering = lower::Lowering::new(world, 0);
            let file = files.first().and_then(|file| file.template);
            let template = file.ok_or_else(|| "it is no template".to_owned())?;
            let frame = lower::root(0, template, HashMap::new(), "template");
            let env = frame::Env::new(&lowering, frame);
            let outcome = expression::evaluate(&tree, &env, None);
            outcome.map(|value| value.json()).map_err(|fault| fault.message)
        };
        let handle = thread.spawn_scoped(scope, run).map_err(|error| error.to_string())?;
        handle.join().map_err(|_| "the evaluation ended abruptly".to_owned())?
    })
}

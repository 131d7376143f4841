//! Files to directories, directories to roots, roots to instances and those to the reading.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::abreast::{in_order, in_own_thread};
use super::configuration::{Configuration, assemble, constant, is_override};
use super::exception::exceptions;
use super::language::{Fault, Unknown, Value};
use super::syntax::{
    Attribute, Body, Expression, NOTHING_READ, SyntaxError, parse, parse_expression, parse_json, shift,
};
use super::world::{self, Downloaded, Outcome, Use, World, join, parent};
use super::{ENDINGS, Role, Said, Text};
use crate::input::azurerm;
use crate::input::{Library, Links, Reading, Relations};
use crate::model::Suppression;
use crate::source::{Diagnostic, Locator};
use crate::syntax::{Span, json};

/// Lowers the configurations that were read. Called once, after the last text.
pub fn finish(reading: &mut Reading) {
    let pending = std::mem::take(&mut reading.terraform);
    let texts = pending.texts;
    if !texts.iter().any(|text| text.role == Role::Configuration) {
        return only_values(reading, &texts);
    }
    let library = reading.library.clone();
    let names: Vec<Arc<str>> = reading.sources.names().cloned().collect();
    let given = Outside {
        values: &pending.values,
        library: library.as_deref(),
        names: &names,
        planned: &pending.planned,
    };
    join_directories(reading, &texts);
    let bodies: Vec<&str> = texts.iter().map(|text| text.text.as_str()).collect();
    let locators = texts
        .iter()
        .map(|text| Locator::new(text.source, text.name.clone(), &text.text, 1));
    let Some(locator) = Locator::joined(locators.collect()) else {
        return;
    };
    for (text, base) in texts.iter().zip(Locator::bases(&bodies)) {
        let found = except(text, base, &locator);
        reading.suppressions.extend(found);
    }
    reading.inventory.coverage.whole = reading.assume_complete;
    let evaluated = in_own_thread(|| {
        outcomes(&texts, &given, &locator, &mut |settled| {
            take(reading, settled, &locator)
        })
    });
    if let Err(error) = evaluated {
        let message = format!("the Terraform configurations cannot be evaluated: {error}");
        reading.lose(Diagnostic::error("unreadable", message));
    }
}

/// What became of one root, ready to be taken in: its instances are dropped before the next one is evaluated.
#[derive(Default)]
struct Settled {
    said: Vec<Said>,
    uses: Vec<Use>,
    relations: Relations,
    suppressions: Vec<Suppression>,
    resources: azurerm::Decoding,
}

fn settled(outcome: Outcome, locator: &Locator<'_>) -> Settled {
    let instances = &outcome.instances;
    let mut relations = Relations::default();
    azurerm::relate(&mut relations, instances, locator);
    Settled {
        relations,
        suppressions: azurerm::exceptions(&outcome.sources, instances),
        resources: azurerm::decoding(azurerm::lower(instances), locator),
        said: outcome.said,
        uses: outcome.uses,
    }
}

fn take(reading: &mut Reading, settled: Settled, locator: &Locator<'_>) {
    place(reading, settled.said, locator);
    reading.relations.absorb(settled.relations);
    reading.suppressions.extend(settled.suppressions);
    note(&mut reading.links, settled.uses);
    azurerm::take(reading, settled.resources);
}

/// The files of a directory are one text to Terraform; so are the values that it reads by itself.
fn join_directories(reading: &mut Reading, texts: &[Text]) {
    let own = [Role::Configuration, Role::Variables];
    let mut directories = BTreeSet::new();
    for text in texts.iter().filter(|text| own.contains(&text.role)) {
        let directory = join("", parent(&text.name));
        reading.links.add(&directory, &text.name);
        directories.insert(directory);
    }
    for directory in &directories {
        reading.links.join(directory, ENDINGS);
        for named in texts.iter().filter(|text| text.role == Role::NamedVariables) {
            reading.links.add(directory, &named.name);
        }
    }
}

fn note(links: &mut Links, uses: Vec<Use>) {
    for one in uses {
        match one {
            Use::Of { from, what } => links.add(&from, &what),
            Use::Listing { from, below } => links.list(&from, &below),
        }
    }
}

/// Only files that speak of exceptions are parsed for them again.
fn except(text: &Text, base: usize, locator: &Locator<'_>) -> Vec<Suppression> {
    if text.role != Role::Configuration || !Suppression::is_in(&text.text) {
        return Vec::new();
    }
    in_own_thread(|| exceptions(text, base, locator)).unwrap_or_default()
}

fn only_values(reading: &mut Reading, texts: &[Text]) {
    for text in texts.iter().filter(|text| text.role == Role::NamedVariables) {
        let message = format!(
            "`{}` holds values of variables, and no configuration was given",
            text.name
        );
        let help = "name the directory of the configuration too";
        let diagnostic = Diagnostic::error("no-configuration", message).help(help);
        reading.lose(diagnostic.at(reading.start_of(text.source)));
    }
}

fn place(reading: &mut Reading, said: Vec<Said>, locator: &Locator<'_>) {
    for said in said {
        let diagnostic = said.diagnostic.at(locator.locate(said.span.start, said.span.end));
        match said.lost {
            true => reading.lose(diagnostic),
            false => reading.diagnostics.push(diagnostic),
        }
    }
}

/// Everything that was read, put together by directory.
struct Files {
    configurations: BTreeMap<String, Configuration>,
    downloaded: BTreeMap<(String, String), Downloaded>,
    values: Vec<Attribute>,
    said: Vec<Said>,
}

/// What the configurations are evaluated with.
struct Outside<'o> {
    /// `--var`
    values: &'o [(String, String)],
    library: Option<&'o dyn Library>,
    names: &'o [Arc<str>],
    /// Directories of which a plan or a state is read.
    planned: &'o [String],
}

/// Hands over what became of each root in turn, first what there is to say of the files.
fn outcomes(texts: &[Text], given: &Outside<'_>, locator: &Locator<'_>, take: &mut dyn FnMut(Settled)) {
    let mut files = files(texts);
    let said = std::mem::take(&mut files.said);
    let world = World {
        configurations: &files.configurations,
        downloaded: &files.downloaded,
        library: given.library,
        names: given.names,
        values: &files.values,
        texts: given.values,
    };
    let mut roots = roots(&files);
    roots.retain(|directory| !given.planned.contains(directory));
    let many = roots.len() > 1;
    take(Settled {
        uses: local_calls(&files).collect(),
        said: said
            .into_iter()
            .chain(undeclared(&files.configurations, &files.values, given.values))
            .collect(),
        ..Settled::default()
    });
    let configurations: Vec<&Configuration> = roots_of(&files.configurations, &roots).collect();
    let outcome = |configuration: &&Configuration| {
        let outcome = world::evaluate(&world, configuration, subscription(configuration, many));
        settled(outcome, locator)
    };
    in_order(&configurations, LEAST_ROOTS, outcome, take);
}

/// The directories that each one calls by a path.
fn targets(files: &Files) -> BTreeMap<&str, BTreeSet<String>> {
    let of = |(directory, configuration): (&'_ String, &'_ Configuration)| {
        let local = configuration.calls.iter().filter_map(|call| call.source());
        let targets = local.filter(|source| world::is_local(source));
        targets.map(|source| join(directory, source)).collect()
    };
    let all = files.configurations.iter();
    all.map(|(directory, configuration)| (directory.as_str(), of((directory, configuration))))
        .collect()
}

fn roots_of<'c>(
    configurations: &'c BTreeMap<String, Configuration>,
    roots: &'c BTreeSet<String>,
) -> impl Iterator<Item = &'c Configuration> {
    configurations
        .values()
        .filter(|configuration| roots.contains(&configuration.directory))
}

/// Calls of local modules, whether the calling directory is evaluated or read by its plan.
fn local_calls(files: &Files) -> impl Iterator<Item = Use> {
    files.configurations.values().flat_map(|configuration| {
        let local = configuration.calls.iter().filter_map(|call| call.source());
        local.filter(|source| world::is_local(source)).map(|source| Use::Of {
            from: configuration.directory.clone(),
            what: join(&configuration.directory, source),
        })
    })
}

/// Two roots may name things alike; nothing says that they are deployed to one subscription.
fn subscription(configuration: &Configuration, many: bool) -> Option<Value> {
    let directory = if configuration.directory.is_empty() {
        "."
    } else {
        &configuration.directory
    };
    let symbol = format!("subscription of {}", directory.replace('/', "|"));
    many.then(|| Unknown::new("the subscription is not in the configuration", &symbol).into())
}

/// `--var` and value files name variables; a name that no configuration declares is a mistake.
fn undeclared<'c>(
    configurations: &'c BTreeMap<String, Configuration>,
    values: &'c [Attribute],
    texts: &'c [(String, String)],
) -> impl Iterator<Item = Said> + 'c {
    let declared = |name: &str| {
        name.starts_with("terraform.") || configurations.values().any(|one| one.variables.contains_key(name))
    };
    let named = values.iter().map(|attribute| (&*attribute.name, attribute.span));
    let typed = texts.iter().map(|(name, _)| (name.as_str(), Span::default()));
    named
        .chain(typed)
        .filter(move |(name, _)| !declared(name))
        .map(|(name, span)| {
            let message = format!("no configuration declares a variable `{name}`");
            Said::new(
                span,
                Diagnostic::warning("unknown-variable", message).help("correct its name, or leave it out"),
            )
        })
}

/// One parsed file.
struct Parsed {
    body: Body,
    errors: Vec<SyntaxError>,
}

fn parsed(text: &Text, base: usize) -> Parsed {
    let json = text.name.to_ascii_lowercase().ends_with(".json");
    let outcome = match (text.role, json) {
        (Role::Manifest, _) => Ok((Body::default(), Vec::new())),
        (Role::Variables | Role::NamedVariables, true) => values_of_json(&text.text).map(|body| (body, Vec::new())),
        (_, true) => parse_json(&text.text).map(|body| (body, Vec::new())),
        (_, false) => Ok(parse(&text.text)),
    };
    let (mut body, mut errors) = outcome.unwrap_or_else(|error| (Body::default(), vec![error]));
    shift(&mut body, base);
    for error in &mut errors {
        error.span.start += base;
        error.span.end += base;
    }
    Parsed { body, errors }
}

/// Texts that are worth a thread, and roots that are.
const LEAST_TEXTS: usize = 16;
const LEAST_ROOTS: usize = 2;

/// Values are attributes, whatever they are called; their strings are no templates.
fn values_of_json(text: &str) -> Result<Body, SyntaxError> {
    let root = json::parse(text).map_err(|error| SyntaxError {
        message: error.message,
        span: error.span,
        advice: NOTHING_READ,
    })?;
    Ok(Body {
        attributes: super::syntax::plain_members(&root),
        ..Body::default()
    })
}

fn files(texts: &[Text]) -> Files {
    let bodies: Vec<&str> = texts.iter().map(|text| text.text.as_str()).collect();
    let bases = Locator::bases(&bodies);
    let mut said = Vec::new();
    let mut ordinary: BTreeMap<String, Vec<Body>> = BTreeMap::new();
    let mut overrides: BTreeMap<String, BTreeMap<Arc<str>, Body>> = BTreeMap::new();
    let mut given: BTreeMap<String, Vec<(String, Vec<Attribute>)>> = BTreeMap::new();
    let mut values = Vec::new();
    let mut downloaded = BTreeMap::new();
    let based: Vec<(&Text, usize)> = texts.iter().zip(bases).collect();
    let mut bodies = Vec::with_capacity(texts.len());
    in_order(
        &based,
        LEAST_TEXTS,
        |(text, base)| parsed(text, *base),
        |parsed| bodies.push(parsed),
    );
    for ((text, base), parsed) in based.into_iter().zip(bodies) {
        said.extend(parsed.errors.iter().map(|error| refused(text, error)));
        let directory = join("", parent(&text.name));
        match text.role {
            Role::Manifest => manifest(text, base, &mut downloaded, &mut said),
            Role::NamedVariables => values.extend(parsed.body.attributes),
            Role::Variables => {
                let name = text.name.rsplit('/').next().unwrap_or_default().to_owned();
                given.entry(directory).or_default().push((name, parsed.body.attributes));
            }
            Role::Configuration if is_override(text.name.rsplit('/').next().unwrap_or_default()) => {
                // In the order of their names, the last wins.
                overrides
                    .entry(directory)
                    .or_default()
                    .insert(text.name.clone(), parsed.body);
            }
            Role::Configuration => ordinary.entry(directory).or_default().push(parsed.body),
        }
    }
    for directory in overrides.keys() {
        ordinary.entry(directory.clone()).or_default();
    }
    let mut configurations = BTreeMap::new();
    for (directory, bodies) in ordinary {
        let over = overrides.remove(&directory).unwrap_or_default();
        let mut configuration = assemble(&directory, bodies, over.into_values().collect(), &mut said);
        configuration.given = by_strength(given.remove(&directory).unwrap_or_default(), &mut said);
        configurations.insert(directory, configuration);
    }
    Files {
        configurations,
        downloaded,
        values,
        said,
    }
}

fn refused(text: &Text, error: &SyntaxError) -> Said {
    let message = format!("`{}` is not Terraform: {}", text.name, error.message);
    Said::lost(error.span, Diagnostic::error("hcl-syntax", message).help(error.advice))
}

/// The values that Terraform reads by itself, the stronger last; other files are told.
fn by_strength(files: Vec<(String, Vec<Attribute>)>, said: &mut Vec<Said>) -> Vec<Attribute> {
    let rank = |name: &str| match name {
        "terraform.tfvars" => Some(0),
        "terraform.tfvars.json" => Some(1),
        _ if name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json") => Some(2),
        _ => None,
    };
    let mut ranked: Vec<(i32, String, Vec<Attribute>)> = Vec::new();
    for (name, attributes) in files {
        match (rank(&name), attributes.first()) {
            (Some(rank), _) => ranked.push((rank, name, attributes)),
            (None, Some(first)) => {
                let message = format!("`{name}` is not read by Terraform itself, and its values are not used");
                let help = "name it with `--var-file`";
                said.push(Said::new(
                    first.span,
                    Diagnostic::note("values-not-used", message).help(help),
                ));
            }
            (None, None) => {}
        }
    }
    ranked.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    ranked.into_iter().flat_map(|(_, _, attributes)| attributes).collect()
}

/// `.terraform/modules/modules.json`: where `terraform init` put what it downloaded.
fn manifest(text: &Text, base: usize, downloaded: &mut BTreeMap<(String, String), Downloaded>, said: &mut Vec<Said>) {
    let root = parent(parent(parent(&text.name)));
    let parsed = json::parse(&text.text);
    let modules = parsed.as_ref().ok().and_then(|node| node.get("Modules")?.as_list());
    let Some(modules) = modules else {
        let message = format!("`{}` does not say where modules are", text.name);
        let span = Span { start: base, end: base };
        let help = "run `terraform init` again; downloaded modules were not read";
        said.push(Said::lost(
            span,
            Diagnostic::error("module-manifest", message).help(help),
        ));
        return;
    };
    for module in modules {
        let text = |name: &str| module.get(name).and_then(|node| node.as_text().map(str::to_owned));
        if let (Some(key), Some(directory)) = (text("Key"), text("Dir")) {
            let module = Downloaded {
                directory: join(root, &directory.replace('\\', "/")),
                source: text("Source").unwrap_or_default(),
                version: text("Version").unwrap_or_default(),
            };
            downloaded.insert((root.to_owned(), key), module);
        }
    }
}

/// Directories that no other one calls. Of those that call each other, the first.
fn roots(files: &Files) -> BTreeSet<String> {
    let calls = targets(files);
    let called = |directory: &str| {
        calls.iter().any(|(other, targets)| {
            *other != directory
                && targets.contains(directory)
                && !(reaches(&calls, directory, other) && directory < *other)
        })
    };
    let hidden = |directory: &str| directory.split('/').any(|part| part == ".terraform");
    let all = files.configurations.keys();
    all.filter(|directory| !called(directory) && !hidden(directory))
        .cloned()
        .collect()
}

fn reaches(calls: &BTreeMap<&str, BTreeSet<String>>, from: &str, to: &str) -> bool {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut next = vec![from];
    while let Some(one) = next.pop() {
        for target in calls.get(one).into_iter().flatten() {
            if target == to {
                return true;
            }
            if seen.insert(target) {
                next.push(target);
            }
        }
    }
    false
}

/// Evaluates one expression that refers to nothing; `Ok` is what `terraform console` would print, and `Err` says why
/// there is no value.
pub fn evaluate(expression: &str) -> Result<String, String> {
    let run = || {
        let tree: Expression = parse_expression(expression).map_err(|error| error.message)?;
        let value = constant(&tree).map_err(|fault: Fault| fault.message)?;
        Ok(super::language::shown(&value))
    };
    in_own_thread(run).map_err(|error| error.to_string())?
}

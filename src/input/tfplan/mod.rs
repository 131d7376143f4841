//! What Terraform and OpenTofu say in JSON: plans (`terraform show -json plan`), states (`terraform show -json`) and
//! raw state files. They wait until everything has been read, since findings point into the configuration beside them.
//! Values that are marked as sensitive are never looked at: they are unknown.

mod address;
mod blocks;
mod configuration;
mod entry;
mod mask;
mod plan;
mod resolve;
mod state;
mod subscription;

use std::io::{self, BufRead};
use std::sync::Arc;

use super::azurerm::{self, Instance};
use super::{Input, Reading, recording};
use crate::source::{Diagnostic, Locator, SourceId};
use crate::syntax::Span;
use crate::syntax::json::JsonError;
use crate::syntax::scan::Scan;

use blocks::Written;
use configuration::Configuration;
pub use plan::{Action, Change};

pub(super) const INPUT: Input = Input {
    name: "terraform-json",
    endings: &[],
    recognise,
    read,
};

fn recognise(head: &[u8]) -> bool {
    let has = |mark: &[u8]| memchr::memmem::find(head, mark).is_some();
    let begins = matches!(head.first(), Some(b'{'));
    let marks: [&[u8]; 3] = [b"\"terraform_version\"", b"\"planned_values\"", b"\"resource_changes\""];
    let marked = marks.into_iter().any(has);
    let shown = has(b"\"format_version\"") && (marked || is_empty(head));
    let raw = has(b"\"terraform_version\"") && has(b"\"serial\"") && has(b"\"version\"");
    begins && (shown || raw)
}

/// What is shown of an empty state.
fn is_empty(head: &[u8]) -> bool {
    let text: Vec<u8> = head
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    text.starts_with(b"{\"format_version\":\"") && text.len() < 40 && text.ends_with(b"\"}")
}

/// Which estate of a plan is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// As it is, before the plan is applied.
    Before,
    /// As it will be.
    #[default]
    After,
}

/// Texts that wait for the others.
#[derive(Default)]
pub(super) struct Pending {
    texts: Vec<Text>,
    /// Plans that were lowered.
    pub read: usize,
}

impl Pending {
    /// The texts that hold plans and states.
    pub fn sources(&self) -> impl Iterator<Item = SourceId> {
        self.texts.iter().map(|text| text.source)
    }
}

struct Text {
    source: SourceId,
    text: String,
    parts: Parts,
}

/// Where the members of a document lie that matter.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    format_version: Option<Span>,
    version: Option<Span>,
    resource_changes: Option<Span>,
    planned_values: Option<Span>,
    prior_state: Option<Span>,
    configuration: Option<Span>,
    variables: Option<Span>,
    values: Option<Span>,
    resources: Option<Span>,
    errored: Option<Span>,
}

impl Parts {
    fn is_plan(&self) -> bool {
        self.resource_changes.is_some() || self.planned_values.is_some()
    }

    fn of(text: &str) -> Result<Parts, JsonError> {
        let mut parts = Parts::default();
        let mut scan = Scan::new(text);
        scan.members(|name, scan| {
            let span = scan.skip()?;
            let slot = match &*name {
                "format_version" => &mut parts.format_version,
                "version" => &mut parts.version,
                "resource_changes" => &mut parts.resource_changes,
                "planned_values" => &mut parts.planned_values,
                "prior_state" => &mut parts.prior_state,
                "configuration" => &mut parts.configuration,
                "variables" => &mut parts.variables,
                "values" => &mut parts.values,
                "resources" => &mut parts.resources,
                "errored" => &mut parts.errored,
                _ => return Ok(()),
            };
            *slot = Some(span);
            Ok(())
        })?;
        scan.end()?;
        Ok(parts)
    }
}

fn read(reading: &mut Reading, source: SourceId, text: &mut dyn BufRead) -> io::Result<()> {
    let Some(text) = recording::load(reading, source, text)? else {
        return Ok(());
    };
    let locator = Locator::new(source, reading.sources.name(source), &text, 1);
    let parts = match Parts::of(&text) {
        Ok(parts) => parts,
        Err(error) => {
            broken(reading, &locator, &error);
            return Ok(());
        }
    };
    if let Some(diagnostic) = refused(&text, &parts, &locator) {
        reading.lose(diagnostic);
        return Ok(());
    }
    drop(locator);
    reading.plans.texts.push(Text { source, text, parts });
    Ok(())
}

fn broken(reading: &mut Reading, locator: &Locator<'_>, error: &JsonError) {
    let name = reading.sources.name(locator.source());
    let message = format!("`{name}` is no whole Terraform plan or state: {}", error.message);
    let help = "write it again with `terraform show -json`; nothing of this file was judged";
    let location = locator.locate(error.span.start, error.span.end);
    reading.lose(Diagnostic::error("json-syntax", message).at(location).help(help));
}

/// Why a document of another version is not read.
fn refused(text: &str, parts: &Parts, locator: &Locator<'_>) -> Option<Diagnostic> {
    let said = |span: Span| {
        text.get(span.start..span.end)
            .unwrap_or_default()
            .trim_matches('"')
            .to_owned()
    };
    let (span, what, wanted) = match (parts.format_version, parts.version) {
        (Some(span), _) if said(span).split('.').next() != Some("1") && !said(span).starts_with("0.") => {
            (span, "format version", "1")
        }
        (None, Some(span)) if said(span) != "4" => (span, "state version", "4"),
        (None, None) => (Span::default(), "format version", "1"),
        _ => return None,
    };
    let shown: String = said(span).chars().take(16).collect();
    let message = format!("{what} `{shown}` of Terraform is not known");
    let help =
        format!("version {wanted} is read; write the file with a version of Terraform or OpenTofu that makes it");
    let location = locator.locate(span.start, span.end);
    Some(Diagnostic::error("format-version", message).at(location).help(help))
}

/// What a document gives to the table.
#[derive(Default)]
struct Found {
    instances: Vec<Instance>,
    /// What the plan deletes.
    gone: Vec<Instance>,
    changes: Vec<Change>,
    unused: Vec<(Arc<str>, u64)>,
    said: Vec<azurerm::Remark>,
}

impl Found {
    fn absorb(&mut self, other: Found) {
        self.instances.extend(other.instances);
        self.gone.extend(other.gone);
        self.changes.extend(other.changes);
        self.unused.extend(other.unused);
        self.said.extend(other.said);
    }
}

/// Lowers plans and states. Called once, after the last text.
pub(super) fn finish(reading: &mut Reading) {
    let texts = std::mem::take(&mut reading.plans).texts;
    let configurations = std::mem::take(&mut reading.configurations);
    for text in texts {
        lower(reading, &text, &configurations);
        reading.plans.read += usize::from(text.parts.is_plan());
        reading.inventory.coverage.whole = reading.assume_complete;
    }
}

/// Lowers one document. Its places are its own and, behind them, those of the configuration.
fn lower(reading: &mut Reading, text: &Text, configurations: &[(SourceId, Arc<str>)]) {
    let name = reading.sources.name(text.source);
    let own = || Locator::new(text.source, name.clone(), &text.text, 1);
    let configuration = match Configuration::read(&text.text, text.parts.configuration, text.parts.variables) {
        Ok(configuration) => configuration,
        Err(error) => return broken(reading, &own(), &error),
    };
    // A repository may hold many plans, each made of few of the files.
    let directories = blocks::directories(&name, &configuration);
    let beside: Vec<(SourceId, Arc<str>, &str)> = configurations
        .iter()
        .map(|(source, text)| (*source, reading.sources.name(*source), &**text))
        .filter(|(_, name, _)| directories.contains(&blocks::directory(name)))
        .collect();
    let each = beside
        .iter()
        .map(|(source, name, text)| Locator::new(*source, name.clone(), text, 1));
    let Some(locator) = Locator::joined(std::iter::once(own()).chain(each).collect()) else {
        return;
    };
    let written = (1..).zip(&beside).map(|(at, (_, name, text))| Written {
        name,
        text,
        base: locator.base(at),
    });
    let written: Vec<Written<'_>> = written.collect();
    match found(text, reading.plan_side, &configuration, &written, &name) {
        Ok(found) => take(reading, found, &locator),
        Err(error) => broken(reading, &locator, &error),
    }
    if let Some(span) = text
        .parts
        .errored
        .filter(|span| text.text.get(span.start..span.end) == Some("true"))
    {
        let message = "the plan ended with an error, and is not whole";
        let location = locator.locate(span.start, span.end);
        let help = "mend the configuration and plan again";
        reading.lose(Diagnostic::error("plan-errored", message).at(location).help(help));
    }
}

fn found(
    text: &Text,
    side: Side,
    configuration: &Configuration<'_>,
    written: &[Written<'_>],
    name: &str,
) -> Result<Found, JsonError> {
    let (content, parts) = (text.text.as_str(), &text.parts);
    let mut found = match parts.is_plan() {
        true => plan::read(content, parts, side)?,
        false => state::read(content, parts)?,
    };
    subscription::settle(&mut found, configuration);
    resolve::settle(&mut found.instances, configuration);
    blocks::place(&mut found.instances, written, name, configuration);
    Ok(found)
}

fn take(reading: &mut Reading, found: Found, locator: &Locator<'_>) {
    azurerm::relate(&mut reading.relations, &found.instances, locator);
    let mut lowered = azurerm::lower_without(&found.instances, &found.gone);
    for (resource_type, count) in found.unused {
        *lowered.unused.entry(resource_type).or_default() += count;
    }
    lowered.said.extend(found.said);
    reading.changes.extend(found.changes);
    azurerm::take(reading, azurerm::decoding(lowered, locator));
}

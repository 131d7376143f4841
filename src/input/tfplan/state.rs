//! States: as `terraform show -json` prints them, and as Terraform keeps them.

use std::sync::Arc;

use super::entry::{Entry, instance, node};
use super::mask::Secrets;
use super::{Found, Parts};
use crate::input::azurerm::{Remark, is_in_table};
use crate::source::Diagnostic;
use crate::syntax::json::JsonError;
use crate::syntax::scan::Scan;
use crate::syntax::{Member, Node, Span, Value};

pub fn read(text: &str, parts: &Parts) -> Result<Found, JsonError> {
    let secrets = Secrets::default();
    let mut found = Found::default();
    module_values(text, parts.values, Wanted::All, &secrets, &mut found)?;
    if let Some(span) = parts.resources {
        Scan::at(text, span).elements(|scan| {
            let entry = Entry::read(scan)?;
            kept(text, &entry, &secrets, &mut found)
        })?;
    }
    Ok(found)
}

/// Which entries are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    All,
    Data,
}

/// Deepest nesting of modules.
const DEPTH: usize = 64;

/// What stands in `{ "root_module": ... }`.
pub fn module_values(
    text: &str,
    values: Option<Span>,
    wanted: Wanted,
    secrets: &Secrets,
    found: &mut Found,
) -> Result<(), JsonError> {
    let Some(values) = values else { return Ok(()) };
    let mut scan = Scan::at(text, values);
    if scan.peek() != Some(b'{') {
        return Ok(());
    }
    scan.members(|name, scan| match &*name {
        "root_module" => module(text, scan, wanted, secrets, found, 0),
        _ => scan.skip().map(drop),
    })
}

fn module(
    text: &str,
    scan: &mut Scan<'_>,
    wanted: Wanted,
    secrets: &Secrets,
    found: &mut Found,
    depth: usize,
) -> Result<(), JsonError> {
    if depth > DEPTH {
        let start = scan.offset();
        let span = Span { start, end: start };
        let message = format!("modules are nested deeper than {DEPTH} levels");
        let help = "what lies deeper is not judged";
        found.said.push(Remark {
            span,
            diagnostic: Diagnostic::error("too-deep", message).help(help),
            lost: true,
        });
        return scan.skip().map(drop);
    }
    scan.members(|name, scan| match &*name {
        "resources" => scan.elements(|scan| {
            let entry = Entry::read(scan)?;
            match wanted == Wanted::Data && entry.is_managed() {
                true => Ok(()),
                false => shown(text, &entry, secrets, found),
            }
        }),
        "child_modules" => scan.elements(|scan| module(text, scan, wanted, secrets, found, depth + 1)),
        _ => scan.skip().map(drop),
    })
}

/// Whether an entry is of a type that is read; others are counted.
fn is_wanted(entry: &Entry, found: &mut Found) -> bool {
    if is_in_table(&entry.resource_type) {
        return true;
    }
    if entry.is_managed() {
        found.unused.push((Arc::from(&*entry.resource_type), 1));
    }
    false
}

fn shown(text: &str, entry: &Entry, secrets: &Secrets, found: &mut Found) -> Result<(), JsonError> {
    if entry.deposed || !is_wanted(entry, found) {
        return Ok(());
    }
    if let Some(values) = node(text, entry.values)? {
        let sensitive = node(text, entry.sensitive)?;
        let made = instance(entry, &entry.address, &values, None, sensitive.as_ref(), secrets);
        found.instances.push(made);
    }
    Ok(())
}

/// What data sources were answered before a plan was made. Resources are told by what the plan does with them.
pub fn answers(text: &str, prior_state: Span, secrets: &Secrets, found: &mut Found) -> Result<(), JsonError> {
    let mut scan = Scan::at(text, prior_state);
    if scan.peek() != Some(b'{') {
        return Ok(());
    }
    let mut values = None;
    scan.members(|name, scan| {
        let span = scan.skip()?;
        values = values.or((name == "values").then_some(span));
        Ok(())
    })?;
    let mut prior = Found::default();
    module_values(text, values, Wanted::Data, secrets, &mut prior)?;
    // Types that no rule needs were counted where the plan says what becomes of them.
    prior.unused.clear();
    found.absorb(prior);
    Ok(())
}

/// A resource as Terraform keeps it, with its instances.
fn kept(text: &str, entry: &Entry, secrets: &Secrets, found: &mut Found) -> Result<(), JsonError> {
    if !is_wanted(entry, found) {
        return Ok(());
    }
    let prefix = if entry.module.is_empty() {
        String::new()
    } else {
        format!("{}.", entry.module)
    };
    let data = if entry.is_managed() { "" } else { "data." };
    let address = format!("{prefix}{data}{}.{}", entry.resource_type, entry.name);
    let Some(instances) = entry.instances else {
        return Ok(());
    };
    Scan::at(text, instances).elements(|scan| {
        let node = scan.node()?;
        one(entry, &address, &node, secrets, found);
        Ok(())
    })
}

fn one(entry: &Entry, address: &str, node: &Node<'_>, secrets: &Secrets, found: &mut Found) {
    if node.get("deposed").and_then(Node::as_text).is_some() {
        return;
    }
    let address = match node.get("index_key").map(|key| &key.value) {
        Some(Value::Number(number)) => format!("{address}[{number}]"),
        Some(Value::Text(text)) => format!("{address}[\"{text}\"]"),
        _ => address.to_owned(),
    };
    let Some(attributes) = node.get("attributes").filter(|node| node.as_object().is_some()) else {
        let message = format!("the state of `{address}` is written as an older Terraform did");
        let help = "let a current Terraform refresh the state; until then the resource is not judged";
        return found.said.push(Remark {
            span: node.span,
            diagnostic: Diagnostic::error("old-state", message).help(help),
            lost: true,
        });
    };
    let sensitive = sensitive(node);
    let placed = Entry {
        span: node.span,
        mode: entry.mode.clone(),
        resource_type: entry.resource_type.clone(),
        ..Entry::default()
    };
    let made = instance(&placed, &address, attributes, None, Some(&sensitive), secrets);
    found.instances.push(made);
}

/// The mask that the paths of sensitive attributes stand for. Of a path only the first step counts: whatever is said
/// there is not looked at.
fn sensitive(node: &Node<'_>) -> Node<'static> {
    let paths = node
        .get("sensitive_attributes")
        .and_then(Node::as_list)
        .unwrap_or_default();
    let first = |path: &Node<'_>| {
        let step = path.as_list()?.first()?;
        let name = step.get("value").unwrap_or(step).as_text()?.to_owned();
        Some(Member {
            name: name.into(),
            node: Node {
                value: Value::Bool(true),
                span: Span::default(),
            },
        })
    };
    Node {
        value: Value::Object(paths.iter().filter_map(first).collect()),
        span: Span::default(),
    }
}

//! Plans: what each resource is and will be, and which ones are changed.

use std::sync::Arc;

use rayon::prelude::*;

use super::entry::{self, Entry, instance, node};
use super::mask::Secrets;
use super::state::Wanted;
use super::{Found, Parts, Side, state};
use crate::input::azurerm::is_in_table;
use crate::syntax::json::JsonError;
use crate::syntax::scan::Scan;
use crate::syntax::{Node, Span, Value};

/// What a plan does with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Create,
    Update,
    Delete,
    /// Deleted and created, in either order.
    Replace,
    NoOp,
    Read,
    /// No longer kept in the state; the resource itself stays as it is.
    Forget,
    /// A word that is not known: the resource is taken to be changed.
    Other,
}

/// One resource that a plan speaks of.
#[derive(Clone, Debug)]
pub struct Change {
    pub address: Arc<str>,
    /// Where it was before it was moved.
    pub previous: Option<Arc<str>>,
    pub resource_type: Arc<str>,
    pub action: Action,
    pub imported: bool,
    /// The ARM id, where Azure has given one.
    pub id: Option<Arc<str>>,
}

impl Action {
    fn of(words: &[&str]) -> Action {
        match words {
            ["create"] => Action::Create,
            ["update"] => Action::Update,
            ["delete"] => Action::Delete,
            ["no-op"] | [] => Action::NoOp,
            ["read"] => Action::Read,
            ["forget"] => Action::Forget,
            [_, _] if words.contains(&"create") => Action::Replace,
            _ => Action::Other,
        }
    }

    /// Whether there is anything on a side, and in which member of the change it is said.
    fn member(self, side: Side) -> Option<&'static str> {
        match (self, side) {
            (Action::Create, Side::Before) | (Action::Delete, Side::After) => None,
            (Action::Forget, _) | (_, Side::Before) => Some("before"),
            (_, Side::After) => Some("after"),
        }
    }
}

pub fn read(text: &str, parts: &Parts, side: Side) -> Result<Found, JsonError> {
    let secrets = Secrets::default();
    let mut found = Found::default();
    match parts.resource_changes {
        Some(span) => changes(text, span, side, &secrets, &mut found)?,
        None if side == Side::After => {
            state::module_values(text, parts.planned_values, Wanted::All, &secrets, &mut found)?;
        }
        None => {}
    }
    if let Some(prior_state) = parts.prior_state {
        state::answers(text, prior_state, &secrets, &mut found)?;
    }
    Ok(found)
}

/// Changes that are read at once: what they are read into before it is made out is large.
const AT_ONCE: usize = 1024;

fn changes(text: &str, all: Span, side: Side, secrets: &Secrets, found: &mut Found) -> Result<(), JsonError> {
    let mut entries = Vec::new();
    Scan::at(text, all).elements(|scan| {
        entries.push(Entry::read(scan)?);
        Ok(())
    })?;
    for some in entries.chunks(AT_ONCE) {
        let made: Vec<_> = some.par_iter().map(|entry| apart(text, entry, side)).collect();
        for (entry, made) in some.iter().zip(made) {
            match made? {
                Made::Apart(apart) => found.absorb(apart),
                Made::InTurn(spans) => change(text, entry, &spans, side, secrets, found)?,
            }
        }
    }
    Ok(())
}

/// What became of a change that was read beside others.
enum Made {
    Apart(Found),
    /// Stand-ins for secrets are numbered in the order of the plan.
    InTurn(Spans),
}

fn apart(text: &str, entry: &Entry, side: Side) -> Result<Made, JsonError> {
    let mut found = Found::default();
    let Some(stated) = entry.change else {
        return Ok(Made::Apart(found));
    };
    let spans = spans(text, stated)?;
    if spans.may_hold_secrets(text) {
        return Ok(Made::InTurn(spans));
    }
    change(text, entry, &spans, side, &Secrets::default(), &mut found)?;
    Ok(Made::Apart(found))
}

/// The members of a change.
#[derive(Default)]
struct Spans {
    actions: Option<Span>,
    before: Option<Span>,
    after: Option<Span>,
    after_unknown: Option<Span>,
    before_sensitive: Option<Span>,
    after_sensitive: Option<Span>,
    imported: bool,
}

impl Spans {
    fn may_hold_secrets(&self, text: &str) -> bool {
        let masks = [self.before_sensitive, self.after_sensitive].into_iter().flatten();
        let mut masks = masks.filter_map(|span| text.get(span.start..span.end));
        masks.any(|mask| mask.contains("true"))
    }
}

fn spans(text: &str, change: Span) -> Result<Spans, JsonError> {
    let mut spans = Spans::default();
    Scan::at(text, change).members(|name, scan| {
        let is_null = scan.peek() == Some(b'n');
        let span = scan.skip()?;
        let slot = match &*name {
            "actions" => &mut spans.actions,
            "before" => &mut spans.before,
            "after" => &mut spans.after,
            "after_unknown" => &mut spans.after_unknown,
            "before_sensitive" => &mut spans.before_sensitive,
            "after_sensitive" => &mut spans.after_sensitive,
            "importing" => {
                spans.imported = !is_null;
                return Ok(());
            }
            _ => return Ok(()),
        };
        *slot = Some(span);
        Ok(())
    })?;
    Ok(spans)
}

fn change(
    text: &str,
    entry: &Entry,
    spans: &Spans,
    side: Side,
    secrets: &Secrets,
    found: &mut Found,
) -> Result<(), JsonError> {
    let actions = node(text, spans.actions)?;
    let words: Vec<&str> = actions
        .as_ref()
        .and_then(Node::as_list)
        .unwrap_or_default()
        .iter()
        .filter_map(Node::as_text)
        .collect();
    let action = Action::of(&words);
    let mut noted = Change {
        address: Arc::from(&*entry.address),
        previous: entry.previous.as_deref().map(Arc::from),
        resource_type: Arc::from(&*entry.resource_type),
        action,
        imported: spans.imported,
        id: None,
    };
    // What is left over of an earlier replacement has the name of what replaced it.
    let member = action.member(side).filter(|_| !entry.deposed);
    if !is_in_table(&entry.resource_type) {
        if entry.is_managed() && member.is_some() {
            found.unused.push((noted.resource_type.clone(), 1));
        }
        if entry.is_managed() {
            found.changes.push(noted);
        }
        return Ok(());
    }
    let before = node(text, spans.before)?.filter(|node| node.value != Value::Null);
    let stated_id = before.as_ref().and_then(|node| node.get("id")).and_then(Node::as_text);
    noted.id = stated_id.map(Arc::from);
    if action == Action::Delete && side == Side::After && !entry.deposed {
        let sensitive = node(text, spans.before_sensitive)?;
        let gone = before.as_ref().map(|node| {
            let masked = sensitive.as_ref();
            instance(entry, &entry.address, node, None, masked, secrets)
        });
        found.gone.extend(gone.filter(|_| entry.is_managed()));
    }
    match member {
        Some("before") => {
            let sensitive = node(text, spans.before_sensitive)?;
            let made = before
                .as_ref()
                .map(|node| instance(entry, &entry.address, node, None, sensitive.as_ref(), secrets));
            found.instances.extend(made);
        }
        Some(_) => {
            let (after, unknown) = (node(text, spans.after)?, node(text, spans.after_unknown)?);
            let sensitive = node(text, spans.after_sensitive)?;
            let stated = after.as_ref().filter(|node| node.value != Value::Null);
            let made = stated.map(|node| {
                entry::instance(
                    entry,
                    &entry.address,
                    node,
                    unknown.as_ref(),
                    sensitive.as_ref(),
                    secrets,
                )
            });
            found.instances.extend(made);
        }
        None => {}
    }
    if entry.is_managed() {
        found.changes.push(noted);
    }
    Ok(())
}

//! A plan of changes that somebody asked for, in place of those that findings ask for: the same proof, file, journal and way
//! back. Must not know who asks.

use std::collections::BTreeSet;

use serde_json::Value;

use super::compose::{Composer, broken};
use super::documents::Documents;
use super::effect;
use super::finish::finished;
use super::hindrance;
use super::plan::{Expected, Plan};
use super::projection::{self, Kind};
use super::proof;
use super::remedies::{Draft, Settings};
use super::view::{Question, View};
use crate::model::ResourceId;

/// One change of one smallest resource.
#[derive(Clone, Debug)]
pub struct Change {
    /// What the step is called, such as `enable-jit`.
    pub name: &'static str,
    /// A rule of a network security group, or a just-in-time policy.
    pub target: ResourceId,
    /// Of a policy: the machine whose entry is meant.
    pub part: Option<ResourceId>,
    /// The fields as they will be, in the form in which `projection::read` gives them: a rule's properties, an entry without
    /// its `id`. `None`: the rule or the entry goes.
    pub after: Option<Value>,
    /// One sentence, lower case, no full stop.
    pub reason: String,
}

/// Whether management ports may be opened, which a plan that mends never does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Openings {
    Refused,
    /// The plan says who gets access (`proof.gains`).
    Told,
}

/// Makes a plan of these changes, in their order within each phase. Changes that are so already are left out. The error says
/// what stands against it: a lock, a full group, what would change beside the management ports.
pub fn plan_of(
    documents: Documents,
    question: &Question<'_>,
    settings: &Settings,
    changes: &[Change],
    openings: Openings,
) -> Result<Plan, String> {
    let inventory = documents.digest();
    let first = View::of(documents, question);
    let drafts = drafts(&first, changes)?;
    let ports = ports(question, &drafts);
    let mut composer = Composer::new(&first, question, settings, Default::default(), usize::MAX);
    composer.drafts = drafts;
    composer.drafts.sort_by_key(|draft| draft.phase);
    let all: Vec<&Draft> = composer.drafts.iter().collect();
    composer.work = composer.after(&all);
    composer.subjects = composer
        .drafts
        .iter()
        .filter_map(|draft| draft.part.as_ref())
        .map(|machine| machine.as_str().to_ascii_lowercase())
        .collect();
    let mut comparison = proof::compare(&first.documents, &composer.work.documents, &ports);
    if openings == Openings::Told {
        comparison.violations.retain(|violation| !violation.opens);
    }
    if !comparison.violations.is_empty() {
        return Err(broken(&comparison));
    }
    let mut plan = finished(&first, composer, comparison, inventory, question, settings);
    // Nobody asked for findings to be mended.
    plan.unmended.clear();
    plan.digest = plan.computed_digest();
    Ok(plan)
}

fn drafts(view: &View, changes: &[Change]) -> Result<Vec<Draft>, String> {
    let mut drafts: Vec<Draft> = Vec::new();
    for change in changes {
        let draft = draft(view, change)?;
        if projection::same(draft.before.as_ref(), draft.after.as_ref()) {
            continue;
        }
        if drafts.iter().any(|known| known.is_of(&draft)) {
            return Err(format!("two changes of `{}` at once", change.target.name()));
        }
        if let Some((owner, reason)) = hindrance::of(&view.documents, &draft, &drafts) {
            return Err(format!("{reason} ({owner})"));
        }
        drafts.push(draft);
    }
    Ok(drafts)
}

fn draft(view: &View, change: &Change) -> Result<Draft, String> {
    let kind = projection::kind(&change.target)
        .ok_or_else(|| format!("`{}` is no resource that a plan may change", change.target.as_str()))?;
    let part = change.part.as_ref().map(ResourceId::as_str);
    let before = projection::read(kind, part, view.documents.get(&change.target).as_ref());
    let lane = match kind {
        Kind::SecurityRule => change.target.parent().unwrap_or_else(|| change.target.clone()),
        _ => change.target.clone(),
    };
    Ok(Draft {
        remedy: change.name,
        phase: phase(kind, change),
        target: change.target.clone(),
        part: change.part.clone(),
        lane,
        expects: expects(view, kind, change, before.as_ref()),
        before,
        after: change.after.clone(),
        reason: change.reason.clone(),
        mends: Vec::new(),
    })
}

/// As remedies have it: what protects comes before what closes, and what goes comes last.
fn phase(kind: Kind, change: &Change) -> u8 {
    match (kind, &change.after) {
        (_, None) => 3,
        (Kind::JitEntry, Some(_)) => 1,
        (_, Some(_)) => 2,
    }
}

/// The Deny rules that the service will write for ports that come.
fn expects(view: &View, kind: Kind, change: &Change, before: Option<&Value>) -> Vec<Expected> {
    let (Kind::JitEntry, Some(vm)) = (kind, &change.part) else {
        return Vec::new();
    };
    let (had, has) = (effect::ports(before), effect::ports(change.after.as_ref()));
    let fresh: BTreeSet<u16> = has.difference(&had).copied().collect();
    effect::expected(&effect::filtered(view, vm), &fresh)
}

/// The management ports, and the ports of entries that change: just-in-time access may guard any port.
fn ports(question: &Question<'_>, drafts: &[Draft]) -> Vec<u16> {
    let mut ports: BTreeSet<u16> = question.ports.iter().copied().collect();
    for draft in drafts.iter().filter(|draft| draft.part.is_some()) {
        ports.extend(effect::ports(draft.before.as_ref()));
        ports.extend(effect::ports(draft.after.as_ref()));
    }
    ports.into_iter().collect()
}

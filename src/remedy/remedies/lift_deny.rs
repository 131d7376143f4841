//! Raises a Deny rule of just-in-time access above the rules that shadow it, where the user asked for that: only the
//! one machine and its protected ports change. Rules of approved openings stay above it.

use serde_json::json;

use super::close_allow::{Opening, openings};
use super::{Draft, Proposal, Remedy, Sight};
use crate::remedy::effect;
use crate::remedy::rules::{Shape, free_priority};
use crate::rule::Finding;
use crate::rule::facts::JitRuleName;

pub const REMEDY: Remedy = Remedy {
    name: "lift-jit-deny",
    phase: 2,
    mends: &["jit-shadowed", "management-port-exposed"],
    about: "the Deny rule of just-in-time access goes above the Allow rules that shadow it (--lift)",
    propose,
};

/// Why a Deny rule cannot be raised by a plan that changes what it comes from.
pub(super) const NOT_YET: &str = "just-in-time access writes its Deny rule only when this plan has changed its policy; carry \
                                  this plan out, then plan again with --lift";

fn propose(sight: &Sight<'_>, finding: &Finding) -> Proposal {
    let Some((index, vm)) = sight.view.machine_of(finding).filter(|_| sight.settings.lift) else {
        return Proposal::Nothing;
    };
    let openings = openings(sight, index, &finding.rule);
    let paths = effect::filtered(sight.view, &vm.id);
    let mut drafts: Vec<Draft> = Vec::new();
    for (group, address) in &paths {
        let here = |opening: &&Opening| opening.group == *group;
        for opening in openings.iter().filter(here) {
            let Some(name) = effect::denying(&sight.view.documents, group, address, opening.port) else {
                continue;
            };
            let target = group.child("securityRules", &name);
            if drafts.iter().any(|draft| draft.target == target) {
                continue;
            }
            // The service names its rules itself, and no source says whether a port more changes a rule or adds one.
            if effect::brings_deny(sight.first, &sight.view.documents, group, address) {
                return Proposal::cannot("you", NOT_YET);
            }
            let above = openings
                .iter()
                .filter(here)
                .filter_map(|opening| opening.priority)
                .min();
            match above.and_then(|above| lifted(sight, &target, group, above)) {
                Some(draft) => drafts.push(draft),
                None => {
                    let reason = format!(
                        "group `{}` has no free priority above the rules that shadow its Deny rule",
                        group.name()
                    );
                    return Proposal::cannot("you", reason);
                }
            }
        }
    }
    if drafts.is_empty() {
        Proposal::Nothing
    } else {
        Proposal::Steps(drafts)
    }
}

fn lifted(
    sight: &Sight<'_>,
    target: &crate::model::ResourceId,
    group: &crate::model::ResourceId,
    above: u16,
) -> Option<Draft> {
    let rules = sight.view.documents.rules(group);
    let openings = rules
        .iter()
        .filter(|(name, rule)| JitRuleName::parse(name).is_some() && Shape::of(rule).is_inbound_allow());
    let lowest = openings
        .filter_map(|(_, rule)| Shape::of(rule).priority())
        .filter(|at| *at < above)
        .max()
        .unwrap_or(99);
    let priority = free_priority(&rules, (lowest.saturating_add(1)..above).rev(), &sight.taken(group))?;
    let shape = Shape::of(&sight.view.documents.get(target)?);
    if shape.priority().is_some_and(|now| now <= priority) {
        return None;
    }
    Some(Draft {
        remedy: REMEDY.name,
        phase: REMEDY.phase,
        target: target.clone(),
        part: None,
        lane: group.clone(),
        before: Some(shape.properties().clone()),
        after: Some(shape.with("priority", json!(priority))),
        expects: Vec::new(),
        reason: format!(
            "the Deny rule of just-in-time access comes before the rules that shadow it in `{}`",
            group.name()
        ),
        mends: Vec::new(),
    })
}

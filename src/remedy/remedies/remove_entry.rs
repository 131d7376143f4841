//! Removes the entry of a machine that no longer exists from a just-in-time policy.

use super::{Draft, Proposal, Remedy, Sight};
use crate::model::ResourceId;
use crate::remedy::projection::{self, Kind};
use crate::rule::Finding;

pub const REMEDY: Remedy = Remedy {
    name: "remove-jit-entry",
    phase: 1,
    mends: &["jit-stale-entry"],
    about: "the entry of a machine that is gone leaves its just-in-time policy",
    propose,
};

fn propose(sight: &Sight<'_>, finding: &Finding) -> Proposal {
    if finding.subject.machine.is_some() {
        return Proposal::cannot(
            "you",
            "the machine exists and the firewall's address does not; edit the entry by hand",
        );
    }
    let id = ResourceId::new(&finding.subject.id);
    let policy = sight.view.inventory().jit_policies.find(&id);
    let entries = policy
        .and_then(|policy| policy.entries.known())
        .map_or(&[][..], Vec::as_slice);
    let gone = finding
        .evidence
        .iter()
        .filter_map(|evidence| evidence.resource.as_deref())
        .map(ResourceId::new);
    let Some(entry) = gone
        .into_iter()
        .find_map(|vm| entries.iter().find(|entry| entry.vm == vm))
    else {
        return Proposal::Nothing;
    };
    let leaving = sight
        .fresh
        .iter()
        .filter(|draft| draft.target == id && draft.after.is_none())
        .count();
    if entries.len() <= leaving + 1 {
        let reason = format!(
            "it is the last entry: policy `{}` must be deleted, and the record of its requests goes with it; do that by hand",
            id.name()
        );
        return Proposal::cannot("you", reason);
    }
    let before = projection::read(
        Kind::JitEntry,
        Some(entry.vm.as_str()),
        sight.view.documents.get(&id).as_ref(),
    );
    Proposal::Steps(vec![Draft {
        remedy: REMEDY.name,
        phase: REMEDY.phase,
        target: id.clone(),
        part: Some(entry.vm.clone()),
        lane: id,
        before,
        after: None,
        expects: Vec::new(),
        reason: format!("machine `{}` no longer exists", entry.vm.name()),
        mends: Vec::new(),
    }])
}

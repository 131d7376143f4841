//! Deletes an Allow rule that just-in-time access left behind, when no request explains it.

use super::{Draft, Proposal, Remedy, Sight};
use crate::model::ResourceId;
use crate::remedy::rules::Shape;
use crate::rule::Finding;
use crate::rule::facts::JitRuleName;

pub const REMEDY: Remedy = Remedy {
    name: "delete-jit-rule",
    phase: 3,
    mends: &["jit-rule-left-behind"],
    about: "an Allow rule of just-in-time access that no active request explains goes",
    propose,
};

fn propose(sight: &Sight<'_>, finding: &Finding) -> Proposal {
    let target = ResourceId::new(&finding.subject.id);
    let (Some(group), Some(document)) = (target.parent(), sight.view.documents.get(&target)) else {
        return Proposal::Nothing;
    };
    let shape = Shape::of(&document);
    if JitRuleName::parse(target.name()).is_none() || !shape.is_inbound_allow() {
        return Proposal::Nothing;
    }
    Proposal::Steps(vec![Draft {
        remedy: REMEDY.name,
        phase: REMEDY.phase,
        target: target.clone(),
        part: None,
        lane: group.clone(),
        before: Some(shape.properties().clone()),
        after: None,
        expects: Vec::new(),
        reason: format!(
            "no active request explains rule `{}` of `{}`",
            target.name(),
            group.name()
        ),
        mends: Vec::new(),
    }])
}

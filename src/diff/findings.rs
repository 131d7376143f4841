//! Findings of two sides by what became of them. A finding is known again by its fingerprint; where that is another
//! because a further configuration names things alike, by its rule, its subject and the file in which that is stated.

use std::collections::HashMap;

use super::model::{ChangedFinding, FindingChanges};
use crate::model::ResourceId;
use crate::rule::Finding;

/// By what a finding is known again.
type Key = fn(&Finding) -> String;

const KEYS: [Key; 2] = [|finding| finding.fingerprint.to_string(), stated];

pub(super) fn changes(base: &[Finding], head: &[Finding]) -> FindingChanges {
    let mut changes = FindingChanges::default();
    let (mut before, mut after): (Vec<&Finding>, Vec<&Finding>) = (base.iter().collect(), head.iter().collect());
    for key in KEYS {
        (before, after) = join(&before, &after, key, &mut changes);
    }
    changes.new = after.into_iter().cloned().collect();
    changes.fixed = before.into_iter().cloned().collect();
    changes
}

/// Takes those that are known again; what is left of both sides stays in its order.
fn join<'f>(
    before: &[&'f Finding],
    after: &[&'f Finding],
    key: Key,
    changes: &mut FindingChanges,
) -> (Vec<&'f Finding>, Vec<&'f Finding>) {
    let mut known: HashMap<String, Vec<&'f Finding>> = HashMap::new();
    for finding in before {
        known.entry(key(finding)).or_default().push(finding);
    }
    let mut unsettled = Vec::new();
    for finding in after {
        let same = known.get_mut(&key(finding)).and_then(|known| {
            let at = known.iter().position(|known| is_as_it_was(known, finding))?;
            Some(known.remove(at))
        });
        match same {
            Some(_) => changes.unchanged.push(finding.fingerprint.clone()),
            None => unsettled.push(*finding),
        }
    }
    let mut new = Vec::new();
    for finding in unsettled {
        let known = known.get_mut(&key(finding)).filter(|known| !known.is_empty());
        match known.map(|known| known.remove(0)) {
            Some(before) => changes.changed.push(ChangedFinding {
                before: before.clone(),
                after: finding.clone(),
            }),
            None => new.push(finding),
        }
    }
    let is_left = |finding: &&&Finding| {
        let known = known.get(&key(finding));
        known.is_some_and(|known| known.iter().any(|known| std::ptr::eq(*known, **finding)))
    };
    (before.iter().filter(is_left).copied().collect(), new)
}

fn stated(finding: &Finding) -> String {
    let subject = &finding.subject;
    let file = subject.location.as_ref().map_or("", |place| &place.file);
    let id = ResourceId::new(&subject.id).stable();
    format!("{}\n{id}\n{}\n{file}", finding.rule, subject.name)
}

/// Two findings of one fingerprint say the same, whatever the texts around them look like.
fn is_as_it_was(before: &Finding, after: &Finding) -> bool {
    before.verdict == after.verdict
        && before.severity == after.severity
        && before.message == after.message
        && before.waiver.is_some() == after.waiver.is_some()
}

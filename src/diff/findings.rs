//! Findings of two sides by what became of them. A finding is known again by its fingerprint.

use std::collections::HashMap;

use super::model::{ChangedFinding, FindingChanges};
use crate::rule::Finding;

pub(super) fn changes(base: &[Finding], head: &[Finding]) -> FindingChanges {
    let mut before: HashMap<&str, Vec<&Finding>> = HashMap::new();
    for finding in base {
        before.entry(&finding.fingerprint).or_default().push(finding);
    }
    let mut changes = FindingChanges::default();
    let mut unsettled: Vec<&Finding> = Vec::new();
    for finding in head {
        let same = before.get_mut(&*finding.fingerprint).and_then(|known| {
            let at = known.iter().position(|known| is_as_it_was(known, finding))?;
            Some(known.remove(at))
        });
        match same {
            Some(_) => changes.unchanged.push(finding.fingerprint.clone()),
            None => unsettled.push(finding),
        }
    }
    for finding in unsettled {
        let known = before.get_mut(&*finding.fingerprint).filter(|known| !known.is_empty());
        match known.map(|known| known.remove(0)) {
            Some(before) => changes.changed.push(ChangedFinding {
                before: before.clone(),
                after: finding.clone(),
            }),
            None => changes.new.push(finding.clone()),
        }
    }
    let left = base.iter().filter(|finding| {
        let known = before.get(&*finding.fingerprint);
        known.is_some_and(|known| known.iter().any(|known| std::ptr::eq(*known, *finding)))
    });
    changes.fixed = left.cloned().collect();
    changes
}

/// Two findings of one fingerprint say the same, whatever the texts around them look like.
fn is_as_it_was(before: &Finding, after: &Finding) -> bool {
    before.verdict == after.verdict
        && before.severity == after.severity
        && before.message == after.message
        && before.waiver.is_some() == after.waiver.is_some()
}

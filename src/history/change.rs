//! What becomes of a finding that a scan does not show: judged and gone, or not judged. The one place where it is decided,
//! over plain data.

use std::collections::{HashMap, HashSet};

use super::model::{Covered, KeptFinding, Observation, SeenMachine, State};
use crate::rule::Verdict;
use crate::rule::assess::FLOW_RULE;

/// What a scan is able to say of findings that it does not show.
pub struct Sight<'o> {
    observation: &'o Observation,
    coverage: HashMap<&'o str, &'o Covered>,
    rules: HashMap<&'o str, &'o str>,
    machines: HashMap<&'o str, &'o SeenMachine>,
    late: HashSet<&'o str>,
}

impl<'o> Sight<'o> {
    /// `late`: parts of which a younger scan is known.
    pub fn new(observation: &'o Observation, late: HashSet<&'o str>) -> Self {
        let machine = |machine: &'o SeenMachine| (&*machine.resource, machine);
        Sight {
            observation,
            coverage: observation
                .coverage
                .iter()
                .map(|covered| (&*covered.scope, covered))
                .collect(),
            rules: observation
                .rules
                .iter()
                .map(|rule| (&*rule.id, &*rule.digest))
                .collect(),
            machines: observation.machines.iter().map(machine).collect(),
            late,
        }
    }

    /// Whether the scan looked at a part of the estate, and no younger scan did.
    pub fn covers(&self, scope: &str) -> bool {
        self.coverage.contains_key(scope) && !self.late.contains(scope)
    }

    /// Whether all of a part was read, so that what is not there does not exist.
    pub fn is_whole(&self, scope: &str) -> bool {
        self.observation.lost.is_empty() && self.coverage.get(scope).is_some_and(|covered| covered.complete)
    }

    pub fn rule_digest(&self, rule: &str) -> Option<&'o str> {
        self.rules.get(rule).copied()
    }

    /// How an open finding ended that is not among those seen; `None` where nobody can tell.
    pub fn ending(&self, finding: &KeptFinding, certain: bool) -> Option<State> {
        let digest = self.rule_digest(&finding.rule)?;
        if finding.severity < self.observation.least_severity {
            return None;
        }
        let machine = self.machines.get(&*finding.machine).copied();
        if !self.is_whole(&finding.scope) && !settled(finding, machine) {
            return None;
        }
        // A firewall that leads to the machine from another subscription is not seen where that one is not read.
        if !finding.rests_on.iter().all(|part| self.is_whole(part)) {
            return None;
        }
        Some(if machine.is_none() && is_of_its_part(finding) {
            State::Gone
        } else if finding.rule_digest != digest {
            State::Retired
        } else if certain {
            State::Fixed
        } else {
            State::Cleared
        })
    }
}

/// Whether the machine of a finding is in the part of the estate that the finding is in, so that it would have been seen.
fn is_of_its_part(finding: &KeptFinding) -> bool {
    let of_subscription = || {
        finding
            .machine
            .starts_with(&format!("/subscriptions/{}/", finding.scope))
    };
    !finding.machine.is_empty() && (finding.scope.starts_with("files: ") || of_subscription())
}

/// A machine that the flow rule calls healthy is so whatever else of its subscription was not read: an unknown that could
/// change that makes the verdict undetermined.
fn settled(finding: &KeptFinding, machine: Option<&SeenMachine>) -> bool {
    finding.rule == FLOW_RULE && machine.is_some_and(|machine| machine.verdict == Verdict::Healthy)
}

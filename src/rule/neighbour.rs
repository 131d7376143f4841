//! Rules beside the recommendations of Defender for Cloud that ask the same: for each machine what both say.
//! Must not word anything.

use std::collections::HashMap;

use super::recommendation::{Recommendation, neighbour};
use super::{Finding, Verdict};
use crate::model::{Assessment, Inventory, Nic, ResourceId, Vm};

/// What Defender says of a machine, beside what a rule says.
#[derive(Debug)]
pub struct Beside<'i> {
    pub vm: &'i Vm,
    pub recommendation: &'static Recommendation,
    pub theirs: &'i Assessment,
    /// `Unhealthy` and `Undetermined` where the rule has a finding, else `Healthy`.
    pub ours: Verdict,
}

/// Every neighbouring assessment of a machine in the inventory whose rule was asked, in the order of the input.
pub fn neighbours<'i>(
    inventory: &'i Inventory,
    findings: &[Finding],
    was_asked: impl Fn(&str) -> bool,
) -> Vec<Beside<'i>> {
    let complaints = Complaints::of(findings);
    let beside = inventory.assessments.iter().filter_map(|theirs| {
        let recommendation = neighbour(&theirs.key).filter(|known| was_asked(known.rule))?;
        let vm = inventory.vms.find(&theirs.resource)?;
        let ours = complaints.about(inventory, recommendation.rule, vm);
        Some(Beside {
            vm,
            recommendation,
            theirs,
            ours,
        })
    });
    beside.collect()
}

/// The worst that each rule says of a machine or of a group.
struct Complaints<'f>(HashMap<(&'f str, ResourceId), Verdict>);

impl<'f> Complaints<'f> {
    fn of(findings: &'f [Finding]) -> Self {
        let mut worst = HashMap::new();
        for finding in findings.iter().filter(|finding| is_beside(&finding.rule)) {
            let subject = ResourceId::new(&finding.subject.id);
            let of = match subject.resource_type().as_str() {
                "microsoft.network/networksecuritygroups/securityrules" => subject.parent().unwrap_or(subject),
                _ => subject,
            };
            let held = worst.entry((&*finding.rule, of)).or_insert(finding.verdict);
            if finding.verdict == Verdict::Unhealthy {
                *held = Verdict::Unhealthy;
            }
        }
        Complaints(worst)
    }

    /// What a rule says of a machine itself, or of the groups that filter it.
    fn about(&self, inventory: &Inventory, rule: &str, vm: &Vm) -> Verdict {
        let groups = groups(inventory, vm);
        let said: Vec<Verdict> = std::iter::once(&vm.id)
            .chain(groups)
            .filter_map(|id| self.0.get(&(rule, id.clone())).copied())
            .collect();
        if said.contains(&Verdict::Unhealthy) {
            Verdict::Unhealthy
        } else {
            said.first().copied().unwrap_or(Verdict::Healthy)
        }
    }
}

fn is_beside(rule: &str) -> bool {
    super::recommendation::NEIGHBOURS.iter().any(|known| known.rule == rule)
}

/// The groups on the interfaces of a machine and on their subnets.
fn groups<'i>(inventory: &'i Inventory, vm: &'i Vm) -> Vec<&'i ResourceId> {
    let named = vm.nics.known().into_iter().flatten();
    let nics = named.filter_map(|id| inventory.nics.find(id)).chain(&vm.inline_nics);
    nics.flat_map(|nic| groups_of(inventory, nic)).collect()
}

fn groups_of<'i>(inventory: &'i Inventory, nic: &'i Nic) -> Vec<&'i ResourceId> {
    let configurations = nic.ip_configurations.known().into_iter().flatten();
    let subnets = configurations.filter_map(|configuration| configuration.subnet.known()?.as_ref());
    let of_subnets = subnets.filter_map(|id| inventory.subnet(id)?.1.nsg.known()?.as_ref());
    let own = nic.nsg.known().and_then(Option::as_ref);
    own.into_iter().chain(of_subnets).collect()
}

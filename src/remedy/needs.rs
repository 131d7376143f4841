//! What an identity must be allowed for a step, as Azure names actions. Must not know who the identity is.

use super::journal::Direction;
use super::plan::{Plan, Step};
use super::projection::{self, Kind};
use crate::model::ResourceId;

/// A resource and an action on it.
pub type Need = (ResourceId, &'static str);

/// What the steps of a plan need, or what taking them back does.
pub fn of(plan: &Plan, direction: Direction) -> Vec<Need> {
    let mut needs: Vec<Need> = plan.steps.iter().flat_map(|step| of_step(step, direction)).collect();
    needs.sort_by(|a, b| (a.0.as_str(), a.1).cmp(&(b.0.as_str(), b.1)));
    needs.dedup();
    needs
}

fn of_step(step: &Step, direction: Direction) -> Vec<Need> {
    let wanted = match direction {
        Direction::Apply => &step.after,
        Direction::Rollback => &step.before,
    };
    let target = ResourceId::new(&step.target);
    let Some(kind) = projection::kind(&target) else {
        return Vec::new();
    };
    let here = |actions: &[&'static str]| actions.iter().map(|action| (target.clone(), *action)).collect();
    let mut needs: Vec<Need> = match (kind, wanted) {
        (Kind::SecurityRule, Some(_)) => {
            here(&[RULE_READ, "Microsoft.Network/networkSecurityGroups/securityRules/write"])
        }
        (Kind::SecurityRule, None) => here(&[
            RULE_READ,
            "Microsoft.Network/networkSecurityGroups/securityRules/delete",
        ]),
        (Kind::JitEntry, _) => here(&[
            "Microsoft.Security/locations/jitNetworkAccessPolicies/read",
            "Microsoft.Security/locations/jitNetworkAccessPolicies/write",
        ]),
        (Kind::Association, _) if projection::is_subnet(&target) => here(&[
            "Microsoft.Network/virtualNetworks/subnets/read",
            "Microsoft.Network/virtualNetworks/subnets/write",
        ]),
        (Kind::Association, _) => here(&[
            "Microsoft.Network/networkInterfaces/read",
            "Microsoft.Network/networkInterfaces/write",
        ]),
        (Kind::Group, Some(_)) => here(&[GROUP_READ, "Microsoft.Network/networkSecurityGroups/write"]),
        (Kind::Group, None) => here(&[GROUP_READ, "Microsoft.Network/networkSecurityGroups/delete"]),
    };
    // Whoever protects a machine must be allowed to write it.
    if let (Kind::JitEntry, Some(machine)) = (kind, &step.part) {
        needs.push((ResourceId::new(machine), "Microsoft.Compute/virtualMachines/write"));
    }
    if let (Kind::Association, Some(group)) = (kind, wanted.as_ref().and_then(projection::group_of)) {
        needs.push((group, "Microsoft.Network/networkSecurityGroups/join/action"));
    }
    needs.extend(
        step.expects
            .iter()
            .map(|expected| (ResourceId::new(&expected.group), GROUP_READ)),
    );
    needs
}

const RULE_READ: &str = "Microsoft.Network/networkSecurityGroups/securityRules/read";
const GROUP_READ: &str = "Microsoft.Network/networkSecurityGroups/read";

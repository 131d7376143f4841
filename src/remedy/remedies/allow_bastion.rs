//! Keeps Azure Bastion's way open before just-in-time access shuts it: an Allow rule for exactly what Bastion reaches now.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Draft, Proposal, Remedy, Sight, enable_jit};
use crate::exposure::TargetExposure;
use crate::model::{Inventory, ResourceId, Vm};
use crate::net::{AddressSet, PortSet};
use crate::remedy::rules::{free_priority, name_beside};
use crate::rule::Finding;

pub const REMEDY: Remedy = Remedy {
    name: "allow-bastion",
    phase: 0,
    mends: &["management-ports-jit", "management-port-exposed", "jit-port-coverage"],
    about: "an Allow rule for the subnet of Azure Bastion, before the Deny rule of just-in-time access shuts it out",
    propose,
};

fn propose(sight: &Sight<'_>, finding: &Finding) -> Proposal {
    let Some((index, vm)) = sight.view.machine_of(finding) else {
        return Proposal::Nothing;
    };
    let bastion = bastion_ranges(sight.view.inventory());
    let extends = sight.view.policies_of(&vm.id).next().is_some();
    if bastion.is_empty()
        || (!extends && enable_jit::possible(sight.view, index, vm).is_err())
        || extends != (&*finding.rule == "jit-port-coverage")
    {
        return Proposal::Nothing;
    }
    let drafts: Vec<Draft> = sight
        .view
        .targets(index)
        .iter()
        .flat_map(|target| drafts(sight, vm, target, &bastion))
        .collect();
    if drafts.is_empty() {
        Proposal::Nothing
    } else {
        Proposal::Steps(drafts)
    }
}

fn bastion_ranges(inventory: &Inventory) -> AddressSet {
    let subnets = inventory.networks.iter().flat_map(|network| &network.subnets);
    let bastion = subnets.filter(|subnet| subnet.id.name().eq_ignore_ascii_case("AzureBastionSubnet"));
    AddressSet::from_ranges(bastion.filter_map(|subnet| subnet.prefixes.known()).flatten().copied())
}

/// One rule a group, for all ports that Bastion reaches from the same addresses.
fn drafts(sight: &Sight<'_>, vm: &Vm, target: &TargetExposure, bastion: &AddressSet) -> Vec<Draft> {
    let Some(address) = target.address.known() else {
        return Vec::new();
    };
    let mut reached: BTreeMap<Vec<String>, Vec<u16>> = BTreeMap::new();
    for port in sight.ports {
        let reach = sight
            .view
            .exposures
            .stacks
            .get(target.stack as usize)
            .and_then(|stack| stack.reach(*port));
        let admitted = reach
            .map(|reach| reach.certainly_admitted().intersection(bastion))
            .unwrap_or_default();
        if !admitted.is_empty() {
            reached.entry(admitted.cidrs(200)).or_default().push(*port);
        }
    }
    let mut drafts: Vec<Draft> = Vec::new();
    for (sources, ports) in reached {
        for group in sight.view.groups(target) {
            drafts.extend(draft(
                sight,
                vm,
                group,
                &address.to_string(),
                &sources,
                &ports,
                drafts.len(),
            ));
        }
    }
    drafts
}

fn draft(
    sight: &Sight<'_>,
    vm: &Vm,
    group: &ResourceId,
    address: &str,
    sources: &[String],
    ports: &[u16],
    earlier: usize,
) -> Option<Draft> {
    let rules = sight.view.documents.rules(group);
    // The Deny rule takes the last free number; one is left for each entry that may come.
    let entries = sight.view.inventory().vms.len().saturating_mul(2).min(1500);
    let lowest = u16::try_from(entries).unwrap_or(1500);
    let mut taken = sight.taken(group);
    let mut priority = None;
    for _ in 0..=earlier {
        let next = free_priority(&rules, (100..=4096u16.saturating_sub(lowest)).rev(), &taken)?;
        taken.push(next);
        priority = Some(next);
    }
    let name = name_beside(
        &rules,
        &format!("AllowBastionTo-{}", vm.id.name()),
        &format!("-{}", address.replace([':', '.'], "-")),
    );
    let ports_set = PortSet::from_ranges(ports.iter().map(|port| (*port, *port)));
    let after = json!({
        "priority": priority?, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
        "sourceAddressPrefixes": sources, "sourcePortRange": "*",
        "destinationAddressPrefix": address, "destinationPortRanges": ports_set.spelled(),
        "description": "Azure Bastion, before the Deny rule of just-in-time access",
    });
    Some(Draft {
        remedy: REMEDY.name,
        phase: REMEDY.phase,
        target: group.child("securityRules", &name),
        part: None,
        lane: group.clone(),
        before: None,
        after: Some(after),
        expects: Vec::new(),
        reason: format!(
            "Azure Bastion keeps its way to `{}` in group `{}`",
            vm.id.name(),
            group.name()
        ),
        mends: Vec::new(),
    })
}

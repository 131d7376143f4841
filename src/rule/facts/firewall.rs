//! The Azure Firewalls in front of a machine as facts.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::vm::VmFacts;
use super::{texts, unknown};
use crate::exposure::{TargetExposure, Truth, collections, default_route, stated_routes, unread_policies};
use crate::model::{Firewall, FirewallAction, FirewallRule, Inventory, Known, NextHop, RuleCollection, RuleKind};
use crate::net::Protocol;
use crate::rule::fact::Fact;

/// Firewalls by where they stand.
pub(super) struct Placed {
    by_network: HashMap<u32, Vec<u32>>,
    by_address: HashMap<IpAddr, u32>,
}

impl Placed {
    pub fn of(inventory: &Inventory) -> Self {
        let mut placed = Placed { by_network: HashMap::new(), by_address: HashMap::new() };
        for (index, firewall) in (0u32..).zip(inventory.firewalls.iter()) {
            for subnet in &firewall.subnets {
                if let Some((network, _)) = inventory.subnet_position(subnet) {
                    placed.by_network.entry(network).or_default().push(index);
                }
            }
            for address in &firewall.private_addresses {
                placed.by_address.insert(*address, index);
            }
        }
        placed
    }
}

/// The firewalls in front of a machine, and what could not be told.
struct Found {
    by_route: Vec<u32>,
    by_network: Vec<u32>,
    unknown: Option<Arc<str>>,
}

fn find(facts: &VmFacts<'_, '_>) -> Found {
    let mut found = Found { by_route: Vec::new(), by_network: Vec::new(), unknown: None };
    found.unknown = facts.machine.gap.as_ref().map(|why| why.text.clone());
    for target in &facts.machine.targets {
        match target.subnet {
            Some((network, _)) => {
                found.by_network.extend(facts.estate.firewalls.by_network.get(&network).into_iter().flatten());
                route(facts, target, &mut found);
            }
            None => found.unknown = found.unknown.or_else(|| Some(Arc::from("the subnet of the machine is not in the input"))),
        }
    }
    for list in [&mut found.by_route, &mut found.by_network] {
        list.sort_unstable();
        list.dedup();
    }
    found
}

/// Follows the default route of the target's subnet.
fn route(facts: &VmFacts<'_, '_>, target: &TargetExposure, found: &mut Found) {
    let inventory = facts.estate.inventory;
    let subnet = target.subnet.and_then(|(network, subnet)| inventory.networks.get(network)?.subnets.get(subnet as usize));
    let Some(subnet) = subnet else { return };
    let Some(routes) = stated_routes(inventory, subnet) else {
        found.unknown = found.unknown.take().or_else(|| {
            Some(Arc::from(format!("the routes of subnet `{}` are not in the input", subnet.id.name())))
        });
        return;
    };
    let Some((NextHop::VirtualAppliance, Some(address))) = default_route(routes) else { return };
    match facts.estate.firewalls.by_address.get(&address) {
        Some(firewall) => found.by_route.push(*firewall),
        None if inventory.coverage.whole => {}
        None => {
            found.unknown = found.unknown.take().or_else(|| {
                Some(Arc::from(format!("the appliance {address} on the default route is not in the input")))
            });
        }
    }
}

pub(super) fn of_machine(facts: &VmFacts<'_, '_>) -> Fact {
    let found = find(facts);
    let either = |list: &[u32]| match (list.is_empty(), &found.unknown) {
        (false, _) => Fact::Bool(true),
        (true, Some(why)) => Fact::Unknown(why.clone()),
        (true, None) => Fact::Bool(false),
    };
    let all = all(&found);
    let inventory = facts.estate.inventory;
    let names = all.iter().filter_map(|index| inventory.firewalls.get(*index)).map(|firewall| firewall.id.name());
    Fact::record([
        ("protects", either(&all)),
        ("by_route", either(&found.by_route)),
        ("by_network", if found.by_network.is_empty() && facts.machine.gap.is_some() { either(&[]) } else { Fact::Bool(!found.by_network.is_empty()) }),
        ("policy_managed", managed(facts, &all)),
        ("names", texts(names)),
        ("allows", allows(facts, &all)),
    ])
}

fn all(found: &Found) -> Vec<u32> {
    let mut all = [found.by_route.as_slice(), found.by_network.as_slice()].concat();
    all.sort_unstable();
    all.dedup();
    all
}

pub(super) fn protects(facts: &VmFacts<'_, '_>) -> Fact {
    let found = find(facts);
    match (all(&found).is_empty(), found.unknown) {
        (false, _) => Fact::Bool(true),
        (true, Some(why)) => Fact::Unknown(why),
        (true, None) => Fact::Bool(false),
    }
}

pub(super) fn policy_managed(facts: &VmFacts<'_, '_>) -> Fact {
    managed(facts, &all(&find(facts)))
}

fn managed(facts: &VmFacts<'_, '_>, firewalls: &[u32]) -> Fact {
    let by_policy = |firewall: &Firewall| firewall.policy.is_some() || firewall.virtual_hub.is_some();
    let firewalls = firewalls.iter().filter_map(|index| facts.estate.inventory.firewalls.get(*index));
    Fact::Bool(firewalls.into_iter().any(by_policy))
}

fn allows(facts: &VmFacts<'_, '_>, firewalls: &[u32]) -> Fact {
    let inventory = facts.estate.inventory;
    let mut allows = Vec::new();
    for firewall in firewalls.iter().filter_map(|index| inventory.firewalls.get(*index)) {
        if let Some(why) = unread_policies(inventory, firewall) {
            return unknown(&why);
        }
        for collection in collections(inventory, firewall) {
            for rule in &collection.rules {
                for port in &facts.estate.exposures.ports {
                    allows.extend(allow(facts, firewall, collection, rule, *port));
                }
            }
        }
    }
    Fact::list(allows)
}

/// One rule that lets TCP through to a port of the machine.
fn allow(
    facts: &VmFacts<'_, '_>,
    firewall: &Firewall,
    collection: &RuleCollection,
    rule: &FirewallRule,
    port: u16,
) -> Option<Fact> {
    let (kind, reaches) = match collection.kind {
        RuleKind::Nat => ("nat", translates_to(facts, rule, port)),
        RuleKind::Network => ("network", forwards_to(facts, collection, rule, port)),
        RuleKind::Application => return None,
    };
    let tcp = rule.protocols.known().map_or(Truth::Maybe, |set| if set.contains(Protocol::Tcp) { Truth::Yes } else { Truth::No });
    let number = match reaches.min(tcp) {
        Truth::No => return None,
        Truth::Yes => Fact::Int(port.into()),
        Truth::Maybe => {
            Fact::Unknown(Arc::from(format!("whether firewall rule `{}` leads to the machine is not known", rule.name)))
        }
    };
    Some(Fact::record([
        ("port", number),
        ("firewall", Fact::text(firewall.id.name())),
        ("collection", Fact::Text(collection.name.clone())),
        ("rule", Fact::Text(rule.name.clone())),
        ("kind", Fact::text(kind)),
    ]))
}

fn translates_to(facts: &VmFacts<'_, '_>, rule: &FirewallRule, port: u16) -> Truth {
    let leads = match &rule.translated_port {
        Known::Known(Some(translated)) => *translated == port,
        Known::Known(None) => rule.destination_ports.set.contains(port),
        Known::Unknown(_) => return Truth::Maybe,
    };
    if !leads {
        return Truth::No;
    }
    let Some(address) = rule.translated_address else { return Truth::Maybe };
    let targets = &facts.machine.targets;
    if targets.iter().any(|target| target.address.known() == Some(&address)) {
        return Truth::Yes;
    }
    if targets.iter().any(|target| target.address.known().is_none()) { Truth::Maybe } else { Truth::No }
}

fn forwards_to(facts: &VmFacts<'_, '_>, collection: &RuleCollection, rule: &FirewallRule, port: u16) -> Truth {
    match &collection.action {
        Known::Known(FirewallAction::Allow) => {}
        Known::Known(_) => return Truth::No,
        Known::Unknown(_) => return Truth::Maybe,
    }
    if !rule.destination_ports.set.contains(port) {
        return if rule.destination_ports.unknown.is_some() { Truth::Maybe } else { Truth::No };
    }
    let inventory = facts.estate.inventory;
    let direct = facts.machine.targets.iter().map(|target| target.meets(inventory, &rule.destinations)).max();
    let grouped = rule.destination_groups.iter().map(|group| match inventory.ip_groups.find(group).map(|g| &g.ranges) {
        Some(Known::Known(ranges)) => {
            let terms = ranges.iter().map(|range| crate::model::AddressTerm::Range(*range)).collect();
            let addresses = crate::model::Addresses { terms };
            facts.machine.targets.iter().map(|target| target.meets(inventory, &addresses)).max().unwrap_or(Truth::No)
        }
        _ => Truth::Maybe,
    });
    let named = if rule.destination_names.is_empty() { Truth::No } else { Truth::Maybe };
    direct.into_iter().chain(grouped).chain([named]).max().unwrap_or(Truth::No)
}

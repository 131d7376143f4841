//! What just-in-time access does by itself when a policy's entry changes: Deny rules for the private address of the
//! machine in each network security group on the path. Behind the rules that are there, as the service documents.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::digest;
use super::documents::{Documents, member};
use super::plan::Expected;
use super::rules::{Shape, free_priority};
use super::view::View;
use crate::model::ResourceId;
use crate::rule::facts::JitRuleName;

/// The ports of an entry.
pub fn ports(entry: Option<&Value>) -> BTreeSet<u16> {
    let ports = entry.and_then(|entry| member(entry, "ports")).and_then(Value::as_array);
    let numbers = ports.into_iter().flatten().filter_map(|port| member(port, "number"));
    let number = |value: &Value| {
        value
            .as_u64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
    };
    numbers
        .filter_map(number)
        .filter_map(|number| u16::try_from(number).ok())
        .collect()
}

/// Every group that filters the machine, with the private address that it filters.
pub fn filtered(view: &View, vm: &ResourceId) -> Vec<(ResourceId, String)> {
    let Some(machine) = view.inventory().vms.position(vm) else {
        return Vec::new();
    };
    let mut filtered = Vec::new();
    for target in view.targets(machine) {
        let Some(address) = target.address.known() else {
            continue;
        };
        for group in view.groups(target) {
            let pair = (group.clone(), address.to_string());
            if !filtered.contains(&pair) {
                filtered.push(pair);
            }
        }
    }
    filtered
}

/// The Deny rules that an entry asks for, where `paths` are the groups and addresses of the machine.
pub fn expected(paths: &[(ResourceId, String)], ports: &BTreeSet<u16>) -> Vec<Expected> {
    let expected = |(group, address): &(ResourceId, String)| Expected {
        group: group.as_str().to_owned(),
        address: address.clone(),
        ports: ports.iter().copied().collect(),
    };
    if ports.is_empty() {
        return Vec::new();
    }
    paths.iter().map(expected).collect()
}

/// Makes the Deny rules what the entry asks for: those of ports that left it go, those of new ports come.
pub fn enforce(
    documents: &mut Documents,
    policy: &ResourceId,
    vm: &ResourceId,
    paths: &[(ResourceId, String)],
    before: &BTreeSet<u16>,
    after: &BTreeSet<u16>,
) {
    for (group, address) in paths {
        for port in before.difference(after) {
            if let Some(name) = denying(documents, group, address, *port) {
                take_port(documents, &group.child("securityRules", &name), *port);
            }
        }
        let denied = |port: &&u16| denying(documents, group, address, **port).is_some();
        let fresh: Vec<u16> = after.difference(before).filter(|port| !denied(port)).copied().collect();
        if !fresh.is_empty() {
            add(documents, policy, vm, group, address, &fresh);
        }
    }
}

/// The rule of just-in-time access that denies a port of an address.
pub fn denying(documents: &Documents, group: &ResourceId, address: &str, port: u16) -> Option<String> {
    let rules = documents.rules(group);
    rules
        .into_iter()
        .find(|(name, rule)| JitRuleName::parse(name).is_some() && denies(rule, address, port))
        .map(|(name, _)| name)
}

/// Whether just-in-time access denies something of an address by a rule that was not there before.
pub fn brings_deny(before: &Documents, after: &Documents, group: &ResourceId, address: &str) -> bool {
    let fresh = |name: &str| before.get(&group.child("securityRules", name)).is_none();
    after.rules(group).iter().any(|(name, rule)| {
        let shape = Shape::of(rule);
        JitRuleName::parse(name).is_some() && shape.is_inbound_deny() && shape.names_destination(address) && fresh(name)
    })
}

/// Whether a rule document denies a port of an address to everybody.
pub fn denies(rule: &Value, address: &str, port: u16) -> bool {
    let shape = Shape::of(rule);
    shape.is_inbound_deny()
        && shape.names_destination(address)
        && shape.ports().is_some_and(|ports| ports.contains(port))
}

fn take_port(documents: &mut Documents, rule: &ResourceId, port: u16) {
    let Some(document) = documents.get(rule) else { return };
    let shape = Shape::of(&document);
    let rest = shape
        .ports()
        .unwrap_or_default()
        .difference(&crate::net::PortSet::range(port, port));
    if rest.is_empty() {
        documents.unset(rule);
    } else {
        documents.set(rule, &json!({ "properties": shape.with_ports(&rest) }));
    }
}

fn add(
    documents: &mut Documents,
    policy: &ResourceId,
    vm: &ResourceId,
    group: &ResourceId,
    address: &str,
    ports: &[u16],
) {
    let Some(priority) = free_priority(&documents.rules(group), (100..=4096).rev(), &[]) else {
        return;
    };
    let seed = format!(
        "{}|{}|{address}|{ports:?}",
        group.as_str().to_ascii_lowercase(),
        vm.as_str().to_ascii_lowercase()
    );
    let digest = digest::of_text(&seed);
    let hex: String = digest
        .chars()
        .skip("sha256:".len())
        .take(32)
        .collect::<String>()
        .to_ascii_uppercase();
    let name = format!(
        "MicrosoftDefenderForCloud-JITRule_{}_{hex}",
        1_000_000 + u32::from(priority)
    );
    let ranges: Vec<String> = ports.iter().map(u16::to_string).collect();
    let rule = json!({ "properties": {
        "priority": priority, "direction": "Inbound", "access": "Deny", "protocol": "*",
        "sourceAddressPrefix": "*", "sourcePortRange": "*",
        "destinationAddressPrefix": address, "destinationPortRanges": ranges,
        "description": format!("MDC JIT Network Access rule for policy '{}' of VM '{}'.", policy.name(), vm.name()),
    }});
    documents.set(&group.child("securityRules", &name), &rule);
}

//! Puts a network security group of its own before the interface of a machine that nothing filters, where that was asked
//! for: it lets through what reaches the machine today, except at the management ports.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::enable_jit::spelled;
use super::{Draft, Proposal, Remedy, Sight, owner};
use crate::exposure::{Attached, TargetExposure};
use crate::model::{MachineKind, Nic, ResourceId, Vm};
use crate::net::PortSet;
use crate::remedy::documents::member;
use crate::remedy::projection::{self, Kind};
use crate::remedy::rules::NAME_LIMIT;
use crate::rule::Finding;

pub const REMEDY: Remedy = Remedy {
    name: "attach-group",
    phase: 0,
    mends: &["vm-without-filter", "management-port-exposed"],
    about: "with --attach-group, a network security group of its own before an interface that nothing filters",
    propose,
};

/// Prefixes of one rule at most; Azure takes 4,000 in all of a group.
const MOST_PREFIXES: usize = 600;

fn propose(sight: &Sight<'_>, finding: &Finding) -> Proposal {
    let Some((index, vm)) = sight.view.machine_of(finding) else {
        return Proposal::Nothing;
    };
    let bare: Vec<&TargetExposure> = sight
        .view
        .targets(index)
        .iter()
        .filter(|target| is_bare(target))
        .collect();
    if bare.is_empty() {
        return Proposal::Nothing;
    }
    if !sight.settings.attach_group {
        let reason = "no network security group filters it; --attach-group puts one before its interface that keeps every \
                      port but the management ports as it is";
        return Proposal::cannot(owner(vm), reason);
    }
    if vm.kind != MachineKind::Arm {
        return Proposal::cannot(
            owner(vm),
            "it has no interface of its own that a group could be put before",
        );
    }
    let mut drafts = Vec::new();
    for nic in interfaces(sight, vm, &bare) {
        match steps(sight, vm, nic, &bare) {
            Ok(steps) => drafts.extend(steps),
            Err(reason) => return Proposal::cannot(owner(vm), reason),
        }
    }
    match drafts.is_empty() {
        true => Proposal::Nothing,
        false => Proposal::Steps(drafts),
    }
}

/// Nothing filters the address, as is known.
fn is_bare(target: &TargetExposure) -> bool {
    target
        .layers()
        .into_iter()
        .all(|(_, attached)| matches!(attached, Attached::None))
}

fn interfaces<'s>(sight: &Sight<'s>, vm: &Vm, bare: &[&TargetExposure]) -> Vec<&'s Nic> {
    let ids = vm.nics.known().into_iter().flatten();
    let nics = ids.filter_map(|id| sight.view.inventory().nics.find(id));
    nics.filter(|nic| bare.iter().any(|target| is_of(target, nic)))
        .collect()
}

fn is_of(target: &TargetExposure, nic: &Nic) -> bool {
    let name = target.name.split('/').next().unwrap_or_default();
    name.eq_ignore_ascii_case(nic.id.name())
}

/// The group, and the interface that names it.
fn steps(sight: &Sight<'_>, vm: &Vm, nic: &Nic, bare: &[&TargetExposure]) -> Result<Vec<Draft>, String> {
    let name = nic.id.name();
    if nic.ip_forwarding {
        return Err(format!(
            "interface `{name}` forwards packets of others, which a group would stop; change it by hand"
        ));
    }
    let document = sight.view.documents.get(&nic.id);
    let document = document.ok_or_else(|| format!("interface `{name}` cannot be read"))?;
    let region = member(&document, "location")
        .and_then(Value::as_str)
        .unwrap_or(&vm.location);
    let group = new_group(sight, nic)?;
    let sources = sources(sight, nic, bare)?;
    let body = json!({ "location": region, "properties": { "securityRules": rules(sight, &sources) } });
    let made = Draft {
        remedy: REMEDY.name,
        phase: REMEDY.phase,
        target: group.clone(),
        part: None,
        lane: group.clone(),
        before: None,
        after: projection::read(Kind::Group, None, Some(&body)),
        expects: Vec::new(),
        reason: format!(
            "group `{}` keeps what reaches `{}` today at every port but {}",
            group.name(),
            vm.id.name(),
            spelled(sight.ports)
        ),
        mends: Vec::new(),
    };
    let attached = Draft {
        // In the lane of the group, and so behind it: what is attached must exist.
        target: nic.id.clone(),
        before: projection::read(Kind::Association, None, Some(&document)),
        after: Some(json!({ "networkSecurityGroup": { "id": group.as_str() } })),
        reason: format!("group `{}` filters interface `{name}`", group.name()),
        ..made.clone()
    };
    Ok(vec![made, attached])
}

fn new_group(sight: &Sight<'_>, nic: &Nic) -> Result<ResourceId, String> {
    let name = format!("{}-management-nsg", nic.id.name());
    let id = format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/networkSecurityGroups/{name}",
        nic.id.subscription(),
        nic.id.resource_group()
    );
    let id = ResourceId::new(&id);
    if name.chars().count() > NAME_LIMIT {
        return Err(format!(
            "the name `{name}` of its group would have more than {NAME_LIMIT} characters"
        ));
    }
    match sight.view.documents.get(&id) {
        Some(_) => Err(format!(
            "there is a group `{name}` already, which is attached to something else"
        )),
        None => Ok(id),
    }
}

/// From where packets arrive today, the same for every address and port: without a group nothing tells ports apart.
fn sources(sight: &Sight<'_>, nic: &Nic, bare: &[&TargetExposure]) -> Result<Vec<String>, String> {
    let unclear = || {
        format!(
            "from where interface `{}` is reached is not known exactly",
            nic.id.name()
        )
    };
    let mut all = BTreeSet::new();
    for target in bare.iter().filter(|target| is_of(target, nic)) {
        let stack = sight
            .view
            .exposures
            .stacks
            .get(target.stack as usize)
            .ok_or_else(unclear)?;
        for port in sight.ports {
            let reach = stack.reach(*port).ok_or_else(unclear)?;
            let admitted = reach.certainly_admitted();
            if admitted != reach.possibly_admitted() || !reach.tags.is_empty() {
                return Err(unclear());
            }
            all.insert(match admitted.is_full() {
                true => vec!["*".to_owned()],
                false => admitted.cidrs(MOST_PREFIXES + 1),
            });
        }
    }
    match all.pop_first() {
        Some(sources) if all.is_empty() && !sources.is_empty() && sources.len() <= MOST_PREFIXES => Ok(sources),
        _ => Err(unclear()),
    }
}

/// Every protocol as it is today, TCP without the management ports, which stay open to the prefixes of `--narrow-to`.
fn rules(sight: &Sight<'_>, sources: &[String]) -> Vec<Value> {
    let management = PortSet::from_ranges(sight.ports.iter().map(|port| (*port, *port)));
    let others = PortSet::full().difference(&management).spelled();
    let all = ["*".to_owned()];
    let mut rules = vec![
        allow("allow-tcp-but-management", 3900, "Inbound", "Tcp", sources, &others),
        allow("allow-udp", 3910, "Inbound", "Udp", sources, &all),
        allow("allow-icmp", 3920, "Inbound", "Icmp", sources, &all),
        allow("allow-esp", 3930, "Inbound", "Esp", sources, &all),
        allow("allow-ah", 3940, "Inbound", "Ah", sources, &all),
        allow("allow-out", 3900, "Outbound", "*", &all, &all),
    ];
    if !sight.settings.narrow_to.is_empty() && sources == all {
        let ports = management.spelled();
        rules.push(allow(
            "allow-management",
            3890,
            "Inbound",
            "Tcp",
            &sight.settings.narrow_to,
            &ports,
        ));
    }
    rules
}

fn allow(name: &str, priority: u16, direction: &str, protocol: &str, sources: &[String], ports: &[String]) -> Value {
    let mut rule = json!({ "priority": priority, "direction": direction, "access": "Allow", "protocol": protocol,
        "sourcePortRange": "*", "destinationAddressPrefix": "*" });
    let (prefixes, sources) = match sources.len() {
        1 => ("sourceAddressPrefix", json!(sources.first())),
        _ => ("sourceAddressPrefixes", json!(sources)),
    };
    let (ranges, ports) = match ports.len() {
        1 => ("destinationPortRange", json!(ports.first())),
        _ => ("destinationPortRanges", json!(ports)),
    };
    if let Some(members) = rule.as_object_mut() {
        members.insert(prefixes.to_owned(), sources);
        members.insert(ranges.to_owned(), ports);
    }
    json!({ "name": name, "properties": rule })
}

//! Just-in-time access as facts: entries, coverage, what shadows it, and where it cannot be.

use std::sync::Arc;

use super::vm::VmFacts;
use super::{Estate, firewall, known, nsg, texts};
use crate::exposure::{Admitting, PLATFORM, Stack, TargetExposure, admitted, find_rule};
use crate::model::{JitEntry, JitPolicy, JitPort, Known, MachineKind, ResourceId};
use crate::net::PortSet;
use crate::rule::fact::Fact;

/// The name of a rule that JIT wrote: `<prefix>_<int>_<32 hex>` denies, `<prefix>-<int>-<32 hex>` allows.
/// The prefix changed in 2023; old rules keep the old one.
pub struct JitRuleName;

impl JitRuleName {
    pub fn parse(name: &str) -> Option<JitRuleName> {
        const PREFIXES: [&str; 2] = ["MicrosoftDefenderForCloud-JITRule", "SecurityCenter-JITRule"];
        let rest = PREFIXES.iter().find_map(|prefix| strip_prefix(name, prefix))?;
        let separator = rest.chars().next().filter(|c| matches!(c, '_' | '-'))?;
        let (number, digest) = rest.get(1..)?.rsplit_once(separator)?;
        let number = number.strip_prefix('-').unwrap_or(number);
        let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        let hex = digest.len() == 32 && digest.bytes().all(|b| b.is_ascii_hexdigit());
        (digits && hex).then_some(JitRuleName)
    }
}

fn strip_prefix<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| text.get(prefix.len()..))
        .flatten()
}

pub(super) fn of_machine(facts: &VmFacts<'_, '_>) -> Fact {
    let entries = facts.estate.entries_of(&facts.vm.id);
    let unread = if entries.is_empty() {
        facts.estate.policies_unread(&facts.vm.id)
    } else {
        None
    };
    let reasons = unsupported_reasons(facts);
    let when_read = |fact: Fact| unread.clone().map_or(fact, Fact::Unknown);
    Fact::record([
        ("enabled", when_read(Fact::Bool(!entries.is_empty()))),
        ("ports", when_read(ports(entries))),
        (
            "entries",
            when_read(Fact::list(entries.iter().map(|(p, e)| entry(facts.estate, p, e)))),
        ),
        ("shadowed", when_read(shadowed(facts, entries))),
        ("supported", reasons.supported()),
        ("unsupported_reasons", reasons.list()),
    ])
}

fn ports(entries: &[(&JitPolicy, &JitEntry)]) -> Fact {
    let mut ports: Vec<u16> = Vec::new();
    if let Some(why) = entries.iter().find_map(|(_, entry)| entry.unread.as_ref()) {
        return super::unknown(why);
    }
    for port in entries.iter().flat_map(|(_, entry)| &entry.ports) {
        match &port.number {
            Known::Known(number) => ports.push(*number),
            Known::Unknown(why) => return super::unknown(why),
        }
    }
    ports.sort_unstable();
    ports.dedup();
    Fact::list(ports.into_iter().map(|port| Fact::Int(port.into())))
}

/// The facts of one entry.
pub(super) fn entry(estate: &Estate<'_>, policy: &JitPolicy, entry: &JitEntry) -> Fact {
    let exists = estate.machine_index(&entry.vm).is_some();
    Fact::record([
        ("policy", Fact::text(policy.id.name())),
        ("policy_id", Fact::Text(policy.id.text().clone())),
        ("region", Fact::Text(policy.location.clone())),
        ("vm", Fact::text(entry.vm.name())),
        ("vm_id", Fact::Text(entry.vm.text().clone())),
        (
            "vm_exists",
            if exists {
                Fact::Bool(true)
            } else {
                vm_absent(estate, &entry.vm)
            },
        ),
        ("gone", gone(estate, entry)),
        (
            "ports",
            match &entry.unread {
                Some(why) => super::unknown(why),
                None => Fact::list(entry.ports.iter().map(port)),
            },
        ),
        ("active_requests", active_requests(estate, &entry.vm, None)),
    ])
}

/// A machine that is not in the input: gone only where all machines of its subscription were read.
fn vm_absent(estate: &Estate<'_>, vm: &ResourceId) -> Fact {
    let coverage = &estate.inventory.coverage;
    let covered = coverage
        .subscriptions
        .iter()
        .find(|s| s.id.eq_ignore_ascii_case(vm.subscription()));
    let missing = coverage.missing(vm.subscription(), &vm.resource_type());
    let reason = match (covered, missing) {
        (_, Some(reason)) => Some(format!("machines of the subscription were not read: {reason}")),
        (None, None) => Some(format!(
            "subscription `{}` of machine `{}` is not in the input",
            vm.subscription(),
            vm.name()
        )),
        (Some(_), None) if !coverage.whole => Some(format!(
            "machine `{}` is not in the input, which need not hold all machines of its subscription",
            vm.name()
        )),
        (Some(_), None) if !coverage.lost.is_empty() => Some("a part of the input could not be read".to_owned()),
        _ => None,
    };
    reason.map_or(Fact::Bool(false), |reason| Fact::Unknown(Arc::from(reason)))
}

fn gone(estate: &Estate<'_>, entry: &JitEntry) -> Fact {
    match entry_gone(estate, entry) {
        Ok(gone) => texts(gone),
        Err(why) => Fact::Unknown(why),
    }
}

/// What an entry names that no longer exists.
fn entry_gone(estate: &Estate<'_>, entry: &JitEntry) -> Result<Vec<String>, Arc<str>> {
    let mut gone = Vec::new();
    if estate.machine_index(&entry.vm).is_none() {
        match vm_absent(estate, &entry.vm) {
            Fact::Unknown(why) => return Err(why),
            _ => gone.push(format!("machine `{}` does not exist", entry.vm.name())),
        }
    }
    if let Some(address) = &entry.public_address {
        let parsed = address.parse().ok();
        let of_ip = estate
            .inventory
            .public_ips
            .iter()
            .any(|ip| ip.address.is_some() && ip.address == parsed);
        let of_hub = estate
            .inventory
            .firewalls
            .iter()
            .any(|firewall| parsed.is_some_and(|a| firewall.hub_addresses.contains(&a)));
        if !of_ip && !of_hub {
            let subscription = entry.vm.subscription();
            if let Some(reason) = estate
                .inventory
                .coverage
                .missing(subscription, "microsoft.network/publicipaddresses")
            {
                return Err(Arc::from(format!("public addresses were not read: {reason}")));
            }
            gone.push(format!("no public address `{address}` exists"));
        }
    }
    Ok(gone)
}

fn port(port: &JitPort) -> Fact {
    Fact::record([
        ("number", known(&port.number, |number| Fact::Int((*number).into()))),
        (
            "protocol",
            known(&port.protocol, |protocol| Fact::text(protocol.spelled())),
        ),
        ("any_source", nsg::any_source(&port.sources)),
        ("sources", texts(nsg::spelled(&port.sources))),
        ("max_minutes", known(&port.max_minutes, |minutes| Fact::Int(*minutes))),
    ])
}

/// How many openings of a machine (for some of the ports) have not ended.
pub(super) fn active_requests(estate: &Estate<'_>, vm: &ResourceId, ports: Option<&PortSet>) -> Fact {
    let mut active = 0;
    for request in estate.requests_of(vm) {
        let concerns = match (&request.port, ports) {
            (Known::Known(port), Some(ports)) => ports.contains(*port),
            _ => true,
        };
        match request.active(estate.now) {
            Known::Known(true) if concerns => active += 1,
            Known::Unknown(why) if concerns => return super::unknown(&why),
            _ => {}
        }
    }
    Fact::Int(active)
}

/// Customer rules that keep a protected port open while no request is active. Rules for bastion hosts do not count:
/// JIT's own deny would lock these out.
fn shadowed(facts: &VmFacts<'_, '_>, entries: &[(&JitPolicy, &JitEntry)]) -> Fact {
    let estate = facts.estate;
    let mut numbers: Vec<u16> = entries
        .iter()
        .flat_map(|(_, entry)| &entry.ports)
        .filter_map(|port| port.number.known())
        .copied()
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut shadowed = Vec::new();
    let unread = entries.iter().find_map(|(_, entry)| entry.unread.as_ref());
    let mut doubt = unread.or(facts.machine.gap.as_ref()).map(|why| why.text.clone());
    for number in numbers {
        match active_requests(estate, &facts.vm.id, Some(&PortSet::range(number, number))) {
            Fact::Int(0) => {}
            Fact::Unknown(why) => {
                doubt = doubt.or(Some(why));
                continue;
            }
            _ => continue,
        }
        for target in &facts.machine.targets {
            let Some(stack) = estate.exposures.stacks.get(target.stack as usize) else {
                continue;
            };
            for admitting in stack.admitting().iter().filter(|admitting| admitting.port == number) {
                match shadowing(facts, admitting) {
                    Some((fact, true)) => shadowed.push(fact),
                    Some((_, false)) => doubt = doubt.or_else(|| gap(target, stack, number)),
                    None => {}
                }
            }
            if perhaps_through(stack, number) {
                let unread = target.layers().into_iter().find_map(|(_, attached)| attached.unknown());
                doubt = doubt.or_else(|| unread.cloned());
            }
        }
    }
    shadowed.dedup();
    match doubt.filter(|_| shadowed.is_empty()) {
        Some(why) => Fact::Unknown(why),
        None => Fact::list(shadowed),
    }
}

/// The rule, and whether it surely keeps the port open.
fn shadowing(facts: &VmFacts<'_, '_>, admitting: &Admitting) -> Option<(Fact, bool)> {
    let (nsg, rule) = find_rule(facts.estate.inventory, admitting.rule)?;
    let stated = nsg.rules.known().map_or(0, Vec::len);
    let of_bastion = facts.estate.bastion_ranges.is_superset(&admitting.sources);
    if usize::from(admitting.rule.rule) >= stated || JitRuleName::parse(&rule.name).is_some() || of_bastion {
        return None;
    }
    let fact = Fact::record([
        ("port", Fact::Int(admitting.port.into())),
        ("nsg", Fact::text(nsg.id.name())),
        ("rule", Fact::Text(rule.name.clone())),
        (
            "priority",
            known(&rule.priority, |priority| Fact::Int((*priority).into())),
        ),
    ]);
    Some((fact, admitting.sure))
}

/// Whether a group whose rules are not known may let somebody through to a port.
fn perhaps_through(stack: &Stack, port: u16) -> bool {
    let reach = stack.ports.iter().find(|reach| reach.port == port);
    reach.is_some_and(|reach| !admitted(reach.possible()).difference(&PLATFORM).is_empty())
}

fn gap(target: &TargetExposure, stack: &Stack, port: u16) -> Option<Arc<str>> {
    let unread = target
        .layers()
        .into_iter()
        .find_map(|(_, attached)| attached.unknown())
        .cloned();
    let reach = stack.ports.iter().find(|reach| reach.port == port);
    unread
        .or_else(|| reach.and_then(|reach| reach.gaps.first().cloned()))
        .or_else(|| Some(Arc::from("an unknown decides whether a rule keeps the port open")))
}

/// Why JIT cannot be enabled on a machine: what is sure, and what is unknown.
pub(super) struct Reasons {
    sure: Vec<Arc<str>>,
    /// What of groups and firewalls is unknown.
    network_unknown: Option<Arc<str>>,
    plan_unknown: Option<Arc<str>>,
}

impl Reasons {
    fn supported(&self) -> Fact {
        match (
            self.sure.is_empty(),
            self.network_unknown.as_ref().or(self.plan_unknown.as_ref()),
        ) {
            (false, _) => Fact::Bool(false),
            (true, Some(why)) => Fact::Unknown(why.clone()),
            (true, None) => Fact::Bool(true),
        }
    }

    fn list(&self) -> Fact {
        texts(self.sure.iter())
    }
}

/// Where the portal lists a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Configured,
    NotConfigured,
    /// Why just-in-time access cannot be enabled.
    Unsupported(Arc<str>),
    /// What is not known.
    Unknown(Arc<str>),
}

/// The portal's tab of a machine. An unknown plan does not keep a machine from being listed.
pub fn standing(facts: &VmFacts<'_, '_>) -> Standing {
    if !facts.estate.entries_of(&facts.vm.id).is_empty() {
        return Standing::Configured;
    }
    if let Some(why) = facts.estate.policies_unread(&facts.vm.id) {
        return Standing::Unknown(why);
    }
    let reasons = unsupported_reasons(facts);
    match (reasons.sure.first(), reasons.network_unknown) {
        (Some(_), _) => Standing::Unsupported(Arc::from(reasons.sure.join("; "))),
        (None, Some(why)) => Standing::Unknown(why),
        (None, None) => Standing::NotConfigured,
    }
}

pub(super) fn unsupported_reasons(facts: &VmFacts<'_, '_>) -> Reasons {
    let mut reasons = Reasons {
        sure: Vec::new(),
        network_unknown: None,
        plan_unknown: None,
    };
    if facts.vm.kind == MachineKind::Classic {
        reasons.sure.push(Arc::from("it is a classic virtual machine"));
        return reasons;
    }
    let protects = firewall::protects(facts);
    match (nsg::assigned(facts), &protects) {
        (Fact::Bool(false), Fact::Bool(false)) => {
            reasons
                .sure
                .push(Arc::from("no network security group and no Azure Firewall filters it"));
        }
        (Fact::Unknown(why), other) if *other != Fact::Bool(true) => reasons.network_unknown = Some(why),
        (Fact::Bool(false), Fact::Unknown(why)) => reasons.network_unknown = Some(why.clone()),
        _ => {}
    }
    match firewall::in_front_by_policy(facts, nsg::assigned(facts) == Fact::Bool(true)) {
        Fact::Bool(true) => reasons.sure.push(Arc::from(
            "the Azure Firewall in front of it is run by a firewall policy",
        )),
        Fact::Unknown(why) => {
            reasons.network_unknown.get_or_insert(why);
        }
        _ => {}
    }
    if is_off_by_policy(facts) {
        reasons.sure.push(Arc::from(
            "just-in-time access is off in the security policy of its subscription or resource group",
        ));
    }
    match super::defender::jit_included(facts) {
        Fact::Bool(false) => {
            reasons
                .sure
                .push(Arc::from("Defender for Servers Plan 2 is not enabled for it"));
        }
        Fact::Unknown(why) => reasons.plan_unknown = Some(why),
        _ => {}
    }
    reasons
}

/// What only Defender's own verdict says: whether the solution is switched off.
fn is_off_by_policy(facts: &VmFacts<'_, '_>) -> bool {
    let cause = facts
        .estate
        .assessment_of(&facts.vm.id)
        .and_then(|assessment| assessment.cause.as_deref());
    cause.is_some_and(|cause| cause.eq_ignore_ascii_case("OffByPolicy"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_jit_gives_its_rules() {
        let hex = "545C5DBC675443D3BF179EFD1EF8254D";
        for name in [
            format!("MicrosoftDefenderForCloud-JITRule_-1151891693_{hex}"),
            format!("SecurityCenter-JITRule-1170687618-{hex}"),
            format!("securitycenter-jitrule--1170687618-{}", hex.to_lowercase()),
        ] {
            assert!(JitRuleName::parse(&name).is_some(), "{name}");
        }
        for name in [
            "SecurityCenter-JITRule",
            "MyJITRule_1_545C",
            "SecurityCenter-JITRule_1_545C5DBC675443D3BF179EFD1EF8254Z",
        ] {
            assert!(JitRuleName::parse(name).is_none(), "{name}");
        }
    }
}

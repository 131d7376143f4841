//! The rules of just-in-time access in security groups: their names, priorities and places.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::place::place;
use crate::model::ResourceId;
use crate::net::{PortSet, parse_ports};
use crate::sandbox::activity::{Cause, note_service};
use crate::sandbox::state::State;
use crate::sandbox::store::{items, key};

const PREFIXES: [&str; 2] = ["MicrosoftDefenderForCloud-JITRule", "SecurityCenter-JITRule"];

/// Deny rules stand here where no other rule speaks of their ports, else below all others.
const DENY_TOP: u64 = 1000;
const DENY_BOTTOM: u64 = 4096;
/// Allow rules stand here.
const ALLOW_TOP: u64 = 100;

/// A machine as its rules know it.
struct Machine<'m> {
    id: &'m str,
    addresses: &'m [String],
}

/// Puts the deny rule of a machine of a policy into each of its groups, in place of the one before.
pub fn deny(state: &mut State, policy: &str, machine: &Value, cause: &Cause) {
    let Some(id) = machine.get("id").and_then(Value::as_str) else {
        return;
    };
    let ports: Vec<String> = machine
        .get("ports")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|port| port.get("number")?.as_u64())
        .map(|number| number.to_string())
        .collect();
    let placed = place(state, id);
    let machine = Machine {
        id,
        addresses: &placed.addresses,
    };
    for group in &placed.groups {
        let before = denied(state, group, policy, &machine);
        if before
            .as_ref()
            .is_some_and(|rule| same(rule, &ports, &placed.addresses))
        {
            continue;
        }
        let kept = before
            .as_ref()
            .and_then(|rule| rule.pointer("/properties/priority")?.as_u64());
        withdraw_from(state, group, policy, &machine, Some("Deny"), cause);
        // A rule without ports would be none.
        if ports.is_empty() {
            continue;
        }
        let priority = kept.or_else(|| deny_priority(state, group, &ports));
        let Some(priority) = priority else { continue };
        let (name, description) = (
            name("_", policy, id, group),
            format!(
                "MDC JIT Network Access rule for policy '{}' of VM '{}'.",
                last(policy),
                last(id)
            ),
        );
        let rule = Rule {
            name,
            description,
            access: "Deny",
            priority,
            sources: vec!["*".to_owned()],
            ports: ports.clone(),
            addresses: placed.addresses.clone(),
            protocol: "*".to_owned(),
        };
        rule.write(state, group, cause);
    }
}

/// The deny rule of a machine in a group.
fn denied(state: &State, group: &str, policy: &str, machine: &Machine<'_>) -> Option<Value> {
    let group = state.store.own(group)?;
    let found = items(&group.body, "securityRules").find(|rule| is_of(rule, policy, machine, Some("Deny")));
    found.cloned()
}

fn same(rule: &Value, ports: &[String], addresses: &[String]) -> bool {
    many(rule, "destinationPortRange", "destinationPortRanges") == ports
        && many(rule, "destinationAddressPrefix", "destinationAddressPrefixes") == addresses
}

fn many(rule: &Value, one: &str, many: &str) -> Vec<String> {
    let properties = rule.get("properties");
    let stated = properties
        .and_then(|properties| properties.get(one)?.as_str())
        .filter(|one| !one.is_empty());
    let listed = properties.and_then(|properties| properties.get(many)?.as_array());
    let listed = listed.into_iter().flatten().filter_map(Value::as_str);
    stated.into_iter().chain(listed).map(str::to_owned).collect()
}

/// Below the rules that speak of these ports, or at the top where none does; where that is taken, the next free one.
fn deny_priority(state: &State, group: &str, ports: &[String]) -> Option<u64> {
    let wanted: Vec<u16> = ports.iter().filter_map(|port| port.parse().ok()).collect();
    let taken = taken(state, group);
    let holder = state.store.own(group)?;
    let speaks = items(&holder.body, "securityRules")
        .filter(|rule| !is_jit(rule) && is_inbound(rule))
        .any(|rule| {
            let spoken = port_set(rule);
            wanted.iter().any(|port| spoken.contains(*port))
        });
    if speaks {
        (ALLOW_TOP..=DENY_BOTTOM)
            .rev()
            .find(|priority| !taken.contains(priority))
    } else {
        (DENY_TOP..=DENY_BOTTOM).find(|priority| !taken.contains(priority))
    }
}

fn port_set(rule: &Value) -> PortSet {
    let ranges = many(rule, "destinationPortRange", "destinationPortRanges");
    let sets = ranges.iter().filter_map(|range| parse_ports(range).ok());
    sets.fold(PortSet::empty(), |all, (set, _)| all.union(&set))
}

fn is_inbound(rule: &Value) -> bool {
    let direction = rule.pointer("/properties/direction").and_then(Value::as_str);
    direction.is_some_and(|direction| direction.eq_ignore_ascii_case("Inbound"))
}

fn taken(state: &State, group: &str) -> BTreeSet<u64> {
    let holder = state.store.own(group);
    let rules = holder.iter().flat_map(|group| items(&group.body, "securityRules"));
    rules
        .filter(|rule| is_inbound(rule))
        .filter_map(|rule| rule.pointer("/properties/priority")?.as_u64())
        .collect()
}

/// Opens ports of a machine to sources, in each of its groups. The names of the rules.
pub fn allow(
    state: &mut State,
    policy: &str,
    machine: &str,
    port: &str,
    protocol: &str,
    sources: &[String],
    cause: &Cause,
) -> Vec<String> {
    let placed = place(state, machine);
    let mut names = Vec::new();
    for group in &placed.groups {
        let taken = taken(state, group);
        let Some(priority) = (ALLOW_TOP..=DENY_BOTTOM).find(|priority| !taken.contains(priority)) else {
            continue;
        };
        let name = name("-", policy, machine, &format!("{group}:{port}:{}", state.now()));
        let description = format!(
            "MDC JIT Network Access rule created by an initiation request for policy '{}' of VM '{}'.",
            last(policy),
            last(machine)
        );
        let rule = Rule {
            name: name.clone(),
            description,
            access: "Allow",
            priority,
            sources: sources.to_vec(),
            ports: vec![port.to_owned()],
            addresses: placed.addresses.clone(),
            protocol: protocol.to_owned(),
        };
        rule.write(state, group, cause);
        names.push(format!("{group}/securityRules/{name}"));
    }
    names
}

struct Rule {
    name: String,
    description: String,
    access: &'static str,
    priority: u64,
    sources: Vec<String>,
    ports: Vec<String>,
    addresses: Vec<String>,
    protocol: String,
}

impl Rule {
    fn write(self, state: &mut State, group: &str, cause: &Cause) {
        let holder = state.store.own(group).map(|group| group.id.as_str().to_owned());
        let Some(holder) = holder else { return };
        let id = format!("{holder}/securityRules/{}", self.name);
        let mut properties = json!({
            "provisioningState": "Succeeded",
            "description": self.description,
            "protocol": self.protocol,
            "sourcePortRange": "*",
            "access": self.access,
            "priority": self.priority,
            "direction": "Inbound",
            "sourcePortRanges": [],
        });
        spread(
            &mut properties,
            "destinationPortRange",
            "destinationPortRanges",
            &self.ports,
        );
        spread(
            &mut properties,
            "sourceAddressPrefix",
            "sourceAddressPrefixes",
            &self.sources,
        );
        spread(
            &mut properties,
            "destinationAddressPrefix",
            "destinationAddressPrefixes",
            &self.addresses,
        );
        let body = json!({
            "id": id,
            "name": self.name,
            "type": "Microsoft.Network/networkSecurityGroups/securityRules",
            "properties": properties,
        });
        state.store.put(&id, body.clone());
        let operation = "Microsoft.Network/networkSecurityGroups/securityRules/write";
        note_service(state, operation, &id, cause, Some(&body));
    }
}

/// One value in the singular member, several in the plural one.
fn spread(properties: &mut Value, one: &str, many: &str, values: &[String]) {
    let Some(object) = properties.as_object_mut() else {
        return;
    };
    match values {
        [value] => {
            object.insert(one.to_owned(), json!(value));
            object.insert(many.to_owned(), json!([]));
        }
        values => {
            object.insert(many.to_owned(), json!(values));
        }
    }
}

/// Takes the rules of a machine out of all groups: those of one access, or all.
pub fn withdraw(state: &mut State, policy: &str, machine: &str, access: Option<&str>, cause: &Cause) {
    let placed = place(state, machine);
    let machine = Machine {
        id: machine,
        addresses: &placed.addresses,
    };
    for group in groups_with(state, policy, &machine) {
        withdraw_from(state, &group, policy, &machine, access, cause);
    }
}

fn withdraw_from(
    state: &mut State,
    group: &str,
    policy: &str,
    machine: &Machine<'_>,
    access: Option<&str>,
    cause: &Cause,
) {
    let Some(holder) = state.store.own(group) else { return };
    let gone: Vec<String> = items(&holder.body, "securityRules")
        .filter(|rule| is_of(rule, policy, machine, access))
        .filter_map(|rule| rule.get("id")?.as_str())
        .map(str::to_owned)
        .collect();
    gone.iter().for_each(|id| remove(state, id, cause));
}

/// Takes one rule out.
pub fn remove(state: &mut State, id: &str, cause: &Cause) {
    if state.store.exists(id) {
        state.store.remove(id);
        let operation = "Microsoft.Network/networkSecurityGroups/securityRules/delete";
        note_service(state, operation, id, cause, None);
    }
}

/// Groups, wherever they are, with rules of this machine: it may have moved since.
fn groups_with(state: &State, policy: &str, machine: &Machine<'_>) -> Vec<String> {
    let subscription = ResourceId::new(policy);
    let groups = state
        .store
        .of_type(subscription.subscription(), "microsoft.network/networksecuritygroups");
    groups
        .filter(|group| items(&group.body, "securityRules").any(|rule| is_of(rule, policy, machine, None)))
        .map(|group| key(group.id.as_str()))
        .collect()
}

/// The machines, in lower case, that have deny rules of this policy.
pub fn machines_of(state: &State, policy: &str) -> BTreeSet<String> {
    let id = ResourceId::new(policy);
    let machines = state
        .store
        .of_type(id.subscription(), "microsoft.compute/virtualmachines");
    let machines = machines.filter(|machine| machine.id.resource_group().eq_ignore_ascii_case(id.resource_group()));
    machines
        .filter(|machine| {
            let placed = place(state, machine.id.as_str());
            let known = Machine {
                id: machine.id.as_str(),
                addresses: &placed.addresses,
            };
            let mut groups = placed.groups.iter();
            groups.any(|group| denied(state, group, policy, &known).is_some())
        })
        .map(|machine| key(machine.id.as_str()))
        .collect()
}

fn is_jit(rule: &Value) -> bool {
    let name = rule.get("name").and_then(Value::as_str).unwrap_or_default();
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Rules are found again by what their descriptions say and by the machine's addresses: machines of several groups may
/// have one name. A rule for an address that the machine no longer has is left behind.
fn is_of(rule: &Value, policy: &str, machine: &Machine<'_>, access: Option<&str>) -> bool {
    let stated = rule
        .pointer("/properties/description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let about = format!("policy '{}' of VM '{}'.", last(policy), last(machine.id)).to_ascii_lowercase();
    let addresses = many(rule, "destinationAddressPrefix", "destinationAddressPrefixes");
    let has_access = rule
        .pointer("/properties/access")
        .and_then(Value::as_str)
        .unwrap_or_default();
    is_jit(rule)
        && stated.to_ascii_lowercase().ends_with(&about)
        && addresses.iter().any(|address| machine.addresses.contains(address))
        && access.is_none_or(|access| has_access.eq_ignore_ascii_case(access))
}

fn last(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or_default()
}

/// `PREFIX_<number>_<32 hexadecimal digits>` for a deny rule, with `-` for an allow rule.
fn name(mark: &str, policy: &str, machine: &str, seed: &str) -> String {
    let seed = format!("{policy}|{machine}|{seed}").to_ascii_lowercase();
    let hex: String = Sha256::digest(&seed).iter().map(|byte| format!("{byte:02X}")).collect();
    format!(
        "{}{mark}{}{mark}{}",
        PREFIXES[0],
        number(&seed),
        hex.get(..32).unwrap_or_default()
    )
}

/// A number as the service puts it into names.
pub fn number(seed: &str) -> u32 {
    let digest = Sha256::digest(seed);
    let four = digest.iter().take(4);
    four.fold(0u32, |number, byte| number << 8 | u32::from(*byte)) >> 2
}

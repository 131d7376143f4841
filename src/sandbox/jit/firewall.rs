//! Openings through an Azure Firewall: a rule of destination NAT, for as long as the request lasts. The service manages
//! firewalls with rules of their own in the network of the machine; those that a policy runs, and those of virtual hubs,
//! it does not.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::place::interfaces;
use super::rule::number;
use crate::model::ResourceId;
use crate::net::parse_ports;
use crate::sandbox::activity::{Cause, note_service};
use crate::sandbox::state::State;
use crate::sandbox::store::{Resource, items, key, properties_mut};

/// Rules of the service stand in this collection.
const COLLECTION: &str = "MDC-JIT";

/// Outside ports are taken from here upwards.
const FIRST_PORT: u64 = 50_000;

const PRIORITIES: std::ops::RangeInclusive<u64> = 100..=65_000;

/// A way through a firewall that stands open.
#[derive(Clone, Debug)]
pub struct Published {
    firewall: String,
    rule: String,
    /// The port of the firewall that leads to the machine's.
    pub port: u64,
    /// The public address of the firewall.
    pub address: String,
}

/// What an opening is for.
pub struct Wanted<'w> {
    pub policy: &'w str,
    pub machine: &'w str,
    pub port: u64,
    /// As security groups write it.
    pub protocol: &'w str,
    pub sources: &'w [String],
}

/// A firewall that stands before a machine.
struct Guard {
    firewall: String,
    public: String,
    private: String,
}

/// Whether a firewall that the service manages stands in the network of a machine.
pub fn is_guarded(state: &State, machine: &str) -> bool {
    standing(state, machine).is_some()
}

/// The ports of a machine that its firewall lets somebody reach.
pub fn admitted(state: &State, machine: &str) -> BTreeSet<u16> {
    let Some((firewall, address)) = standing(state, machine) else {
        return BTreeSet::new();
    };
    let translated = collections(firewall, "natRuleCollections")
        .filter(|rule| rule.get("translatedAddress").and_then(Value::as_str) == Some(address.as_str()))
        .filter_map(|rule| rule.get("translatedPort")?.as_str());
    let allowed = collections(firewall, "networkRuleCollections").flat_map(|rule| texts(rule, "destinationPorts"));
    let mut ports = BTreeSet::new();
    for range in translated.chain(allowed) {
        if let Ok((set, _)) = parse_ports(range) {
            ports.extend(
                crate::sandbox::security::MANAGEMENT
                    .iter()
                    .filter(|port| set.contains(**port)),
            );
        }
    }
    ports
}

/// The rules of the collections that admit something.
fn collections<'s>(firewall: &'s Resource, member: &'s str) -> impl Iterator<Item = &'s Value> {
    let admitting = items(&firewall.body, member).filter(|collection| {
        let action = collection.pointer("/properties/action/type").and_then(Value::as_str);
        action.is_none_or(|action| !action.eq_ignore_ascii_case("Deny"))
    });
    admitting.flat_map(|collection| items(collection, "rules"))
}

fn texts<'v>(rule: &'v Value, member: &str) -> impl Iterator<Item = &'v str> {
    let list = rule.get(member).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// The firewall in the network of a machine, and the machine's address there.
fn standing<'s>(state: &'s State, machine: &str) -> Option<(&'s Resource, String)> {
    interfaces(state, machine).iter().find_map(|nic| {
        let nic = state.store.own(nic)?;
        items(&nic.body, "ipConfigurations").find_map(|configuration| {
            let subnet = configuration.pointer("/properties/subnet/id")?.as_str()?;
            let address = configuration.pointer("/properties/privateIPAddress")?.as_str()?;
            let network = key(ResourceId::new(subnet).parent()?.as_str());
            let mut firewalls = state.store.of_type_anywhere("microsoft.network/azurefirewalls");
            let firewall =
                firewalls.find(|firewall| is_classic(&firewall.body) && stands_in(&firewall.body, &network))?;
            Some((firewall, address.to_owned()))
        })
    })
}

fn is_classic(firewall: &Value) -> bool {
    let states = |pointer: &str| firewall.pointer(pointer).and_then(Value::as_str).is_some();
    !states("/properties/firewallPolicy/id") && !states("/properties/virtualHub/id")
}

fn stands_in(firewall: &Value, network: &str) -> bool {
    let below = format!("{network}/");
    items(firewall, "ipConfigurations").any(|configuration| {
        let subnet = configuration.pointer("/properties/subnet/id").and_then(Value::as_str);
        subnet.is_some_and(|subnet| key(subnet).starts_with(&below))
    })
}

fn guard(state: &State, machine: &str) -> Option<Guard> {
    let (firewall, private) = standing(state, machine)?;
    let public = items(&firewall.body, "ipConfigurations").find_map(|configuration| {
        let id = configuration.pointer("/properties/publicIPAddress/id")?.as_str()?;
        let address = state.store.own(id)?.body.pointer("/properties/ipAddress")?.as_str()?;
        Some(address.to_owned())
    })?;
    Some(Guard {
        firewall: firewall.id.as_str().to_owned(),
        public,
        private,
    })
}

/// Opens a way through the firewall, where one stands before the machine.
pub fn publish(state: &mut State, wanted: &Wanted<'_>, cause: &Cause) -> Option<Published> {
    let guard = guard(state, wanted.machine)?;
    let firewall = state.store.own(&guard.firewall)?;
    let port = free_port(firewall, &guard.public)?;
    let seed = format!("{}|{}|{port}|{}", wanted.policy, wanted.machine, state.now());
    let rule = format!("{COLLECTION}-{}", number(&seed));
    let body = json!({
        "name": rule,
        "protocols": match wanted.protocol {
            "Tcp" => json!(["TCP"]),
            "Udp" => json!(["UDP"]),
            _ => json!(["TCP", "UDP"]),
        },
        "sourceAddresses": wanted.sources,
        "destinationAddresses": [guard.public],
        "destinationPorts": [port.to_string()],
        "translatedAddress": guard.private,
        "translatedPort": wanted.port.to_string(),
    });
    state
        .store
        .change(&guard.firewall, |firewall| add_rule(firewall, &guard.firewall, body));
    note_change(state, &guard.firewall, cause);
    Some(Published {
        firewall: guard.firewall,
        rule,
        port,
        address: guard.public,
    })
}

fn free_port(firewall: &Resource, public: &str) -> Option<u64> {
    let taken: BTreeSet<u64> = items(&firewall.body, "natRuleCollections")
        .flat_map(|collection| items(collection, "rules"))
        .filter(|rule| texts(rule, "destinationAddresses").any(|address| address == public || address == "*"))
        .flat_map(|rule| texts(rule, "destinationPorts"))
        .filter_map(|port| port.parse().ok())
        .collect();
    (FIRST_PORT..=65_535).find(|port| !taken.contains(port))
}

fn is_ours(collection: &Value) -> bool {
    let name = collection.get("name").and_then(Value::as_str);
    name.is_some_and(|name| name.eq_ignore_ascii_case(COLLECTION))
}

fn add_rule(firewall: &mut Value, id: &str, rule: Value) {
    let Some(properties) = properties_mut(firewall) else {
        return;
    };
    let all = properties.entry("natRuleCollections").or_insert_with(|| json!([]));
    let Some(all) = all.as_array_mut() else { return };
    if !all.iter().any(is_ours) {
        let taken: BTreeSet<u64> = all
            .iter()
            .filter_map(|collection| collection.pointer("/properties/priority")?.as_u64())
            .collect();
        let priority = PRIORITIES.clone().find(|priority| !taken.contains(priority));
        all.push(json!({
            "name": COLLECTION,
            "id": format!("{id}/natRuleCollections/{COLLECTION}"),
            "properties": { "priority": priority, "action": { "type": "Dnat" }, "rules": [] },
        }));
    }
    let ours = all.iter_mut().find(|collection| is_ours(collection));
    let rules = ours.and_then(|ours| ours.pointer_mut("/properties/rules")?.as_array_mut());
    if let Some(rules) = rules {
        rules.push(rule);
    }
}

/// Takes the rule of an opening out, and the collection with the last one.
pub fn withdraw(state: &mut State, published: &Published, cause: &Cause) {
    state.store.change(&published.firewall, |firewall| {
        let all =
            properties_mut(firewall).and_then(|properties| properties.get_mut("natRuleCollections")?.as_array_mut());
        let Some(all) = all else { return };
        for collection in all.iter_mut().filter(|collection| is_ours(collection)) {
            if let Some(rules) = collection
                .pointer_mut("/properties/rules")
                .and_then(Value::as_array_mut)
            {
                rules.retain(|rule| rule.get("name").and_then(Value::as_str) != Some(published.rule.as_str()));
            }
        }
        all.retain(|collection| !is_ours(collection) || items(collection, "rules").next().is_some());
    });
    note_change(state, &published.firewall, cause);
}

fn note_change(state: &mut State, firewall: &str, cause: &Cause) {
    let body = state.store.own(firewall).map(|firewall| firewall.body.clone());
    note_service(
        state,
        "Microsoft.Network/azureFirewalls/write",
        firewall,
        cause,
        body.as_ref(),
    );
}

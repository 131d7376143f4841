//! Azure Firewalls: classic collections and policies share one rule shape.

use std::net::IpAddr;

use super::nsg::{address_terms, port_terms};
use super::reader::{Reader, Scope};
use crate::model::{
    Addresses, Firewall, FirewallAction, FirewallPolicy, FirewallRule, IpGroup, Item, Known, Ports, ResourceId,
    RuleCollection, RuleCollectionGroup, RuleKind, Why,
};
use crate::net::ProtocolSet;
use crate::syntax::Node;

pub(super) fn firewall(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let configurations: Vec<Scope<'_, '_>> = reader.list(scope, "ipConfigurations").iter().map(Scope::new).collect();
    let hub = scope.object("hubIPAddresses");
    let mut private_addresses: Vec<IpAddr> = configurations
        .iter()
        .filter_map(|c| reader.address(*c, "privateIPAddress"))
        .collect();
    private_addresses.extend(hub.and_then(|hub| reader.address(hub, "privateIPAddress")));
    Some(Item::Firewall(Firewall {
        id: reader.id.clone(),
        policy: reader.reference(scope, "firewallPolicy"),
        virtual_hub: reader.reference(scope, "virtualHub"),
        subnets: configurations
            .iter()
            .filter_map(|c| reader.reference(*c, "subnet"))
            .collect(),
        private_addresses,
        public_ips: configurations
            .iter()
            .filter_map(|c| reader.reference(*c, "publicIPAddress"))
            .collect(),
        hub_addresses: hub.map(|hub| hub_addresses(reader, hub)).unwrap_or_default(),
        collections: classic_collections(reader, scope),
        origin: reader.origin(scope.node),
    }))
}

fn hub_addresses(reader: &mut Reader<'_, '_>, hub: Scope<'_, '_>) -> Vec<IpAddr> {
    let Some(public) = hub.object("publicIPs") else {
        return Vec::new();
    };
    let addresses = reader.list(public, "addresses");
    addresses
        .iter()
        .filter_map(|node| reader.address(Scope::new(node), "address"))
        .collect()
}

const CLASSIC: &[(&str, RuleKind)] = &[
    ("natRuleCollections", RuleKind::Nat),
    ("networkRuleCollections", RuleKind::Network),
    ("applicationRuleCollections", RuleKind::Application),
];

fn classic_collections(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Vec<RuleCollection> {
    let mut collections = Vec::new();
    for (name, kind) in CLASSIC {
        for node in reader.list(scope, name) {
            collections.push(collection(reader, Scope::new(node), *kind));
        }
    }
    collections
}

const ACTIONS: &[(&str, FirewallAction)] = &[
    ("Dnat", FirewallAction::Dnat),
    ("Snat", FirewallAction::Snat),
    ("Allow", FirewallAction::Allow),
    ("Deny", FirewallAction::Deny),
];

fn collection(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, kind: RuleKind) -> RuleCollection {
    let action = match scope.object("action") {
        Some(action) => reader.word(action, "type", ACTIONS),
        None => Known::Unknown(reader.absent(scope.node, "action")),
    };
    let rules = reader.list(scope, "rules");
    RuleCollection {
        name: reader.name(scope),
        kind,
        priority: reader.needed(scope, "priority"),
        action,
        rules: rules.iter().map(|node| rule(reader, Scope::new(node), kind)).collect(),
        origin: reader.origin(scope.node),
    }
}

fn rule(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, kind: RuleKind) -> FirewallRule {
    FirewallRule {
        name: reader.name(scope),
        protocols: protocols(reader, scope, kind),
        sources: addresses(reader, scope, "sourceAddresses"),
        source_groups: group_ids(reader, scope, "sourceIpGroups"),
        destinations: addresses(reader, scope, "destinationAddresses"),
        destination_groups: group_ids(reader, scope, "destinationIpGroups"),
        destination_names: reader.texts(scope, "destinationFqdns"),
        destination_ports: ports(reader, scope),
        translated_address: reader.address(scope, "translatedAddress"),
        translated_name: reader.text(scope, "translatedFqdn"),
        translated_port: reader.integer(scope, "translatedPort"),
        origin: reader.origin(scope.node),
    }
}

/// Classic rules say `protocols`, policy rules `ipProtocols`. Of application rules only the addresses matter here.
fn protocols(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, kind: RuleKind) -> Known<ProtocolSet> {
    if kind == RuleKind::Application {
        return Known::Known(ProtocolSet::only(crate::net::Protocol::Tcp));
    }
    let name = if scope.get("ipProtocols").is_some() {
        "ipProtocols"
    } else {
        "protocols"
    };
    let mut set = ProtocolSet::EMPTY;
    for node in reader.list(scope, name) {
        match reader.protocol_of(node, name) {
            Known::Known(ProtocolSet::ANY) => return Known::Known(ProtocolSet::ANY),
            Known::Known(one) => set = set.union(one),
            unknown => return unknown,
        }
    }
    if set == ProtocolSet::EMPTY {
        return Known::Unknown(Why::not_in_input(&format!(
            "the protocol of firewall rule `{}`",
            reader.name(scope)
        )));
    }
    Known::Known(set)
}

fn addresses(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, name: &str) -> Addresses {
    let mut terms = Vec::new();
    if let Some(node) = scope.get(name) {
        address_terms(reader, node, &mut terms);
    }
    Addresses { terms }
}

/// Policies give IP groups as bare ids, in lists of strings.
fn group_ids(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, name: &str) -> Vec<ResourceId> {
    reader.references(scope, name)
}

fn ports(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Ports {
    let mut ports = Ports::default();
    if let Some(node) = scope.get("destinationPorts") {
        port_terms(reader, node, &mut ports);
    }
    ports
}

pub(super) fn policy(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    Some(Item::FirewallPolicy(FirewallPolicy {
        id: reader.id.clone(),
        base: reader.reference(scope, "basePolicy"),
        groups: reader.references(scope, "ruleCollectionGroups"),
        origin: reader.origin(scope.node),
    }))
}

pub(super) fn rule_collection_group(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let collections = reader.list(scope, "ruleCollections");
    Some(Item::RuleCollectionGroup(RuleCollectionGroup {
        id: reader.id.clone(),
        priority: reader.needed(scope, "priority"),
        collections: collections
            .iter()
            .map(|node| policy_collection(reader, Scope::new(node)))
            .collect(),
        origin: reader.origin(scope.node),
    }))
}

fn policy_collection(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> RuleCollection {
    let kind = match reader.text(scope, "ruleCollectionType").as_deref() {
        Some(name) if name.eq_ignore_ascii_case("FirewallPolicyNatRuleCollection") => RuleKind::Nat,
        _ => filter_kind(scope),
    };
    collection(reader, scope, kind)
}

/// A filter collection holds rules of one kind, which its rules name.
fn filter_kind(scope: Scope<'_, '_>) -> RuleKind {
    let rules = scope.get("rules").and_then(Node::as_list).unwrap_or_default();
    let of_application = |node: &Node<'_>| {
        let named = node.get("ruleType").and_then(Node::as_text);
        named.is_some_and(|name| name.eq_ignore_ascii_case("ApplicationRule"))
    };
    if rules.iter().any(of_application) {
        RuleKind::Application
    } else {
        RuleKind::Network
    }
}

pub(super) fn ip_group(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    Some(Item::IpGroup(IpGroup {
        id: reader.id.clone(),
        ranges: reader.prefixes(scope, &["ipAddresses"]),
        origin: reader.origin(scope.node),
    }))
}

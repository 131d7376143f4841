//! Azure Firewalls: classic collections and policies share one rule shape.

use std::net::IpAddr;

use super::nsg::{address_terms, port_terms};
use super::reader::{Reader, Scope};
use crate::model::{
    AddressTerm, Addresses, Firewall, FirewallAction, FirewallPolicy, FirewallRule, IpGroup, Item, Known, Ports,
    ResourceId, RuleCollection, RuleCollectionGroup, RuleKind, Why,
};
use crate::net::ProtocolSet;
use crate::syntax::Node;

pub(super) fn firewall(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let configurations = reader.scopes(scope, "ipConfigurations");
    let hub = reader.object(scope, "hubIPAddresses");
    let mut private_addresses: Vec<IpAddr> = configurations
        .iter()
        .filter_map(|c| reader.address(*c, "privateIPAddress"))
        .collect();
    private_addresses.extend(hub.and_then(|hub| reader.address(hub, "privateIPAddress")));
    let unread = reader.take_lost();
    let public_ips = configurations
        .iter()
        .filter_map(|c| reader.reference(*c, "publicIPAddress"))
        .collect();
    let hub_addresses = hub.map(|hub| hub_addresses(reader, hub)).unwrap_or_default();
    // Names of public addresses decide nothing.
    reader.take_lost();
    unread.into_iter().for_each(|why| reader.lose(why));
    Some(Item::Firewall(Firewall {
        id: reader.id.clone(),
        policy: reader.reference(scope, "firewallPolicy"),
        virtual_hub: reader.reference(scope, "virtualHub"),
        subnets: configurations
            .iter()
            .filter_map(|c| reader.reference(*c, "subnet"))
            .collect(),
        private_addresses,
        public_ips,
        hub_addresses,
        collections: classic_collections(reader, scope),
        unread: reader.take_lost().or_else(|| reader.bare(scope)),
        origin: reader.origin(scope.node),
    }))
}

fn hub_addresses(reader: &mut Reader<'_, '_>, hub: Scope<'_, '_>) -> Vec<IpAddr> {
    let Some(public) = reader.object(hub, "publicIPs") else {
        return Vec::new();
    };
    reader
        .scopes(public, "addresses")
        .into_iter()
        .filter_map(|scope| reader.address(scope, "address"))
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
        for scope in reader.scopes(scope, name) {
            collections.push(collection(reader, scope, *kind));
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
    let action = match reader.object(scope, "action") {
        Some(action) => reader.word(action, "type", ACTIONS),
        None => Known::Unknown(reader.absent(scope.node, "action")),
    };
    let rules = reader.scopes(scope, "rules");
    if let Some(why) = reader.bare(scope) {
        reader.lose(why);
    }
    RuleCollection {
        name: reader.name(scope),
        kind,
        priority: reader.needed(scope, "priority"),
        action,
        rules: rules.into_iter().map(|scope| rule(reader, scope, kind)).collect(),
        origin: reader.origin(scope.node),
    }
}

fn rule(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, kind: RuleKind) -> FirewallRule {
    let before = reader.take_lost();
    let mut sources = addresses(reader, scope, "sourceAddresses");
    let source_groups = group_ids(reader, scope, "sourceIpGroups");
    complete(reader, scope, &mut sources, source_groups.is_empty(), "source");
    let mut destinations = addresses(reader, scope, "destinationAddresses");
    let destination_groups = group_ids(reader, scope, "destinationIpGroups");
    let destination_names = reader.texts(scope, "destinationFqdns");
    let no_other = destination_groups.is_empty() && destination_names.is_empty();
    complete(
        reader,
        scope,
        &mut destinations,
        no_other && kind != RuleKind::Application,
        "destination",
    );
    before.into_iter().for_each(|why| reader.lose(why));
    let translated_address = reader.address(scope, "translatedAddress");
    let translated_name = reader.text(scope, "translatedFqdn");
    if kind == RuleKind::Nat && translated_address.is_none() && translated_name.is_none() {
        let name = reader.name(scope);
        reader.lose(Why::not_in_input(&format!("where firewall rule `{name}` leads")));
    }
    FirewallRule {
        name: reader.name(scope),
        protocols: protocols(reader, scope, kind),
        sources,
        source_groups,
        destinations,
        destination_groups,
        destination_names,
        destination_ports: ports(reader, scope, kind),
        translated_address,
        translated_name,
        translated_port: reader.integer(scope, "translatedPort"),
        origin: reader.origin(scope.node),
    }
}

/// What of one side could not be read, or is not said at all, may be any address.
fn complete(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, addresses: &mut Addresses, alone: bool, side: &str) {
    let lost = reader.take_lost();
    let says_nothing = alone && addresses.terms.is_empty() && lost.is_none();
    let absent =
        says_nothing.then(|| Why::not_in_input(&format!("the {side} of firewall rule `{}`", reader.name(scope))));
    addresses.terms.extend(lost.or(absent).map(AddressTerm::Unknown));
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

fn ports(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, kind: RuleKind) -> Ports {
    let mut ports = Ports::default();
    if let Some(node) = scope.get("destinationPorts") {
        port_terms(reader, node, &mut ports);
    }
    if kind != RuleKind::Application && ports.set.is_empty() && ports.unknown.is_none() {
        ports.unknown = Some(Why::not_in_input(&format!(
            "the ports of firewall rule `{}`",
            reader.name(scope)
        )));
    }
    ports
}

pub(super) fn policy(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    Some(Item::FirewallPolicy(FirewallPolicy {
        id: reader.id.clone(),
        base: reader.reference(scope, "basePolicy"),
        groups: reader.references(scope, "ruleCollectionGroups"),
        unread: reader.take_lost().or_else(|| reader.bare(scope)),
        origin: reader.origin(scope.node),
    }))
}

pub(super) fn rule_collection_group(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let collections = reader.scopes(scope, "ruleCollections");
    Some(Item::RuleCollectionGroup(RuleCollectionGroup {
        id: reader.id.clone(),
        priority: reader.needed(scope, "priority"),
        collections: collections
            .into_iter()
            .map(|scope| policy_collection(reader, scope))
            .collect(),
        unread: reader.take_lost().or_else(|| reader.bare(scope)),
        origin: reader.origin(scope.node),
    }))
}

/// Whether a collection translates addresses.
const COLLECTION_TYPES: &[(&str, bool)] = &[
    ("FirewallPolicyNatRuleCollection", true),
    ("FirewallPolicyFilterRuleCollection", false),
];

fn policy_collection(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> RuleCollection {
    let kind = match reader.word(scope, "ruleCollectionType", COLLECTION_TYPES) {
        Known::Known(true) => RuleKind::Nat,
        Known::Known(false) => filter_kind(scope),
        Known::Unknown(why) => {
            reader.lose(why);
            filter_kind(scope)
        }
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
        ranges: match reader.known_list(scope, "ipAddresses") {
            Known::Known(Some([])) => Known::Known(Vec::new()),
            _ => reader.prefixes(scope, &["ipAddresses"]),
        },
        origin: reader.origin(scope.node),
    }))
}

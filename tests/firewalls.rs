//! What network rules of a firewall have to say about what its NAT rules let through, and subnet peerings: vectors of
//! their own, each asked of the sets and of the evaluator of one packet.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what is missing fails the test"
)]

mod estate;

use ExposureClass::{Closed, Narrow, Private, Undetermined, Wide};
use estate::*;
use portcullis::exposure::{ExposureClass, PortExposure, Way};
use portcullis::net::Protocol;
use portcullis::rule::assumption::in_force;
use portcullis::trace::{self, Membership, Packet, Status};
use serde_json::{Value, json};

/// A network rule for TCP.
fn network_rule(name: &str, source: &str, destination: &str, port: &str) -> Value {
    json!({ "ruleType": "NetworkRule", "name": name, "ipProtocols": ["TCP"], "sourceAddresses": [source],
        "destinationAddresses": [destination], "destinationPorts": [port] })
}

fn collection(name: &str, priority: u32, action: &str, rules: Vec<Value>) -> Value {
    json!({ "ruleCollectionType": "FirewallPolicyFilterRuleCollection", "name": name, "priority": priority,
        "action": { "type": action }, "rules": rules })
}

/// The machine behind a firewall whose policy translates 50022 to its port 22 for everybody, and has these network
/// rules beside; no group but an empty one.
fn behind(collections: Vec<Value>) -> Estate {
    let subnet = json!({ "name": "AzureFirewallSubnet", "id": subnet_id("AzureFirewallSubnet"),
        "properties": { "addressPrefix": "10.0.9.0/26" } });
    let policy = id("Microsoft.Network/firewallPolicies", "p");
    let nat = json!({ "ruleCollectionType": "FirewallPolicyNatRuleCollection", "name": "nat", "priority": 100,
        "action": { "type": "DNAT" }, "rules": [{ "ruleType": "NatRule", "name": "ssh", "ipProtocols": ["TCP"],
            "sourceAddresses": ["*"], "destinationAddresses": ["20.0.0.5"], "destinationPorts": ["50022"],
            "translatedAddress": "10.0.0.4", "translatedPort": "22" }] });
    let all: Vec<Value> = std::iter::once(nat).chain(collections).collect();
    Estate::new()
        .network("subnets", json!([subnet]))
        .subnet_nsg(vec![])
        .add(json!({ "id": policy, "properties": { "threatIntelMode": "Alert" } }))
        .add(json!({ "id": format!("{policy}/ruleCollectionGroups/g"),
            "properties": { "priority": 200, "ruleCollections": all } }))
        .add(
            json!({ "id": id("Microsoft.Network/azureFirewalls", "fw"), "properties": {
            "firewallPolicy": { "id": policy },
            "ipConfigurations": [{ "name": "c", "properties": { "privateIPAddress": "10.0.9.4",
                "subnet": { "id": subnet_id("AzureFirewallSubnet") },
                "publicIPAddress": reference("Microsoft.Network/publicIPAddresses", "fwpip") } }] } }),
        )
}

fn chosen(estate: Estate, choice: Option<&str>) -> Analysed {
    let mut reading = estate.read();
    if let Some(choice) = choice {
        reading.inventory.choices.choose(choice).unwrap();
    }
    Analysed::of(reading)
}

/// What one packet to port 22 by way of the firewall gets.
fn traced(found: &Analysed, source: &str) -> Status {
    let estate = trace::Estate::of(found.inventory());
    let machine = estate.machine(found.inventory().vms.get(0).unwrap());
    let target = machine.targets.first().unwrap();
    let packet = Packet {
        source: source.parse().unwrap(),
        membership: Membership::Outside,
        source_port: 49152,
        protocol: Protocol::Tcp,
        port: 22,
    };
    let ways = trace::ways(&estate, target);
    let nat = ways.iter().filter(|way| way.way == trace::Way::FirewallDnat);
    nat.map(|way| trace::judge(&estate, target, way, packet).status)
        .max()
        .unwrap()
}

fn nat(found: &Analysed) -> &PortExposure {
    found.on(Way::FirewallDnat).unwrap()
}

const EVERYBODY: &str = "*";
const OFFICE: &str = "203.0.113.0/24";

#[test]
fn a_deny_that_covers_the_translated_packet_makes_the_answer_disputed() {
    let deny = || {
        vec![collection(
            "net",
            300,
            "Deny",
            vec![network_rule("no-ssh", EVERYBODY, "10.0.0.0/24", "22")],
        )]
    };
    let found = chosen(behind(deny()), None);
    assert_class(nat(&found), Wide);
    let disputed = nat(&found).disputed.as_deref().unwrap();
    assert!(disputed.contains("`net/no-ssh`"), "{disputed}");
    assert!(nat(&found).sentence.contains("disputed"), "{}", nat(&found).sentence);
    assert_eq!(traced(&found, "8.8.8.8"), Status::Open);
    assert!(
        in_force(found.inventory())
            .iter()
            .any(|assumed| assumed.id == "deny-after-nat")
    );
    let overriding = chosen(behind(deny()), Some("deny-after-nat=overrides"));
    assert_class(nat(&overriding), Closed);
    assert!(
        nat(&overriding).sentence.contains("`net/no-ssh`"),
        "{}",
        nat(&overriding).sentence
    );
    assert_eq!(traced(&overriding, "8.8.8.8"), Status::Closed);
    let open = chosen(behind(deny()), Some("deny-after-nat=unknown"));
    assert_class(nat(&open), Undetermined);
    assert_eq!(traced(&open, "8.8.8.8"), Status::Undetermined);
}

#[test]
fn a_deny_of_something_else_disputes_nothing() {
    for rule in [
        network_rule("port", EVERYBODY, "10.0.0.4", "3389"),
        network_rule("front-port", EVERYBODY, "10.0.0.4", "50022"),
        network_rule("machine", EVERYBODY, "10.0.0.5", "22"),
        network_rule("front", EVERYBODY, "20.0.0.5", "22"),
        network_rule("private", "10.0.0.0/8", "10.0.0.4", "22"),
    ] {
        let name = rule["name"].clone();
        for choice in [None, Some("deny-after-nat=overrides"), Some("deny-after-nat=unknown")] {
            let found = chosen(behind(vec![collection("net", 300, "Deny", vec![rule.clone()])]), choice);
            assert_class(nat(&found), Wide);
            assert_eq!(nat(&found).disputed, None, "{name}");
            assert_eq!(traced(&found, "8.8.8.8"), Status::Open, "{name}");
        }
    }
}

#[test]
fn the_first_network_rule_that_matches_decides() {
    let allow = |priority| {
        collection(
            "ok",
            priority,
            "Allow",
            vec![network_rule("office", OFFICE, "10.0.0.4", "22")],
        )
    };
    let deny = || collection("net", 300, "Deny", vec![network_rule("no-ssh", EVERYBODY, "*", "*")]);
    let first = chosen(behind(vec![allow(250), deny()]), Some("deny-after-nat=overrides"));
    assert_class(nat(&first), Narrow);
    assert_eq!(nat(&first).sources, [OFFICE]);
    assert_eq!(traced(&first, "203.0.113.9"), Status::Open);
    assert_eq!(traced(&first, "203.0.114.9"), Status::Closed);
    let behind_it = chosen(behind(vec![allow(400), deny()]), Some("deny-after-nat=overrides"));
    assert_class(nat(&behind_it), Closed);
    assert_eq!(traced(&behind_it, "203.0.113.9"), Status::Closed);
}

#[test]
fn of_two_collections_of_one_priority_either_may_come_first() {
    let collections = vec![
        collection(
            "ok",
            300,
            "Allow",
            vec![network_rule("office", OFFICE, "10.0.0.4", "22")],
        ),
        collection("net", 300, "Deny", vec![network_rule("no-ssh", EVERYBODY, "*", "*")]),
    ];
    let found = chosen(behind(collections), Some("deny-after-nat=overrides"));
    assert_class(nat(&found), Undetermined);
    assert_eq!(traced(&found, "203.0.113.9"), Status::Undetermined);
}

#[test]
fn a_deny_for_some_leaves_the_others() {
    let deny = vec![collection(
        "net",
        300,
        "Deny",
        vec![network_rule("no-office", OFFICE, "10.0.0.4", "22")],
    )];
    let found = chosen(behind(deny), Some("deny-after-nat=overrides"));
    assert_class(nat(&found), Wide);
    assert!(
        nat(&found).sentence.contains("but 203.0.113.0/24"),
        "{}",
        nat(&found).sentence
    );
    assert_eq!(traced(&found, "203.0.113.9"), Status::Closed);
    assert_eq!(traced(&found, "8.8.8.8"), Status::Open);
}

#[test]
fn a_deny_whose_destination_is_a_name_may_cover_it() {
    let mut rule = network_rule("named", EVERYBODY, "10.0.0.5", "22");
    rule["destinationFqdns"] = json!(["host.internal"]);
    let deny = || vec![collection("net", 300, "Deny", vec![rule.clone()])];
    let found = chosen(behind(deny()), None);
    assert!(nat(&found).disputed.is_some());
    let overriding = chosen(behind(deny()), Some("deny-after-nat=overrides"));
    assert_class(nat(&overriding), Undetermined);
    assert_eq!(traced(&overriding, "8.8.8.8"), Status::Undetermined);
}

#[test]
fn an_ip_group_is_a_destination_of_a_deny() {
    let group = id("Microsoft.Network/ipGroups", "machines");
    let mut rule = network_rule("grouped", EVERYBODY, "10.0.0.5", "22");
    rule["destinationAddresses"] = json!([]);
    rule["destinationIpGroups"] = json!([group]);
    let estate = |addresses: Value| {
        behind(vec![collection("net", 300, "Deny", vec![rule.clone()])])
            .add(json!({ "id": group, "properties": { "ipAddresses": addresses } }))
    };
    let covered = chosen(estate(json!(["10.0.0.0/28"])), Some("deny-after-nat=overrides"));
    assert_class(nat(&covered), Closed);
    assert_eq!(traced(&covered, "8.8.8.8"), Status::Closed);
    let aside = chosen(estate(json!(["10.1.0.0/28"])), Some("deny-after-nat=overrides"));
    assert_class(nat(&aside), Wide);
}

// ---- peerings of some subnets only

/// A connected peering of named subnets with `other` (10.5.0.0/16, of which `near` is 10.5.1.0/24).
fn subnet_peered(local: &[&str], remote: &[&str], change: impl FnOnce(&mut Value)) -> Analysed {
    let mut peering = json!({ "name": "p", "properties": {
        "peeringState": "Connected", "allowVirtualNetworkAccess": true, "peerCompleteVnets": false,
        "localSubnetNames": local, "remoteSubnetNames": remote,
        "remoteVirtualNetwork": reference("Microsoft.Network/virtualNetworks", "other"),
        "remoteAddressSpace": { "addressPrefixes": ["10.5.0.0/16"] } } });
    change(&mut peering["properties"]);
    let subnet = |name: &str, prefixes: Value| json!({ "name": name, "properties": { "addressPrefixes": prefixes } });
    Estate::new()
        .network("virtualNetworkPeerings", json!([peering]))
        .subnet_nsg(vec![])
        .add(json!({ "id": id("Microsoft.Network/virtualNetworks", "other"), "location": "westeurope", "properties": {
            "addressSpace": { "addressPrefixes": ["10.5.0.0/16", "fd05::/48"] },
            "subnets": [subnet("near", json!(["10.5.1.0/24", "fd05:0:0:1::/64"])), subnet("far", json!(["10.5.2.0/24"]))] } }))
        .analyse()
}

#[test]
fn only_the_named_subnets_of_a_peer_are_in_the_tag() {
    let found = subnet_peered(&["default"], &["near"], |_| {});
    assert_class(found.private(), Private);
    assert_eq!(found.private().sources, ["10.0.0.0/16", "10.5.1.0/24"]);
    let both = subnet_peered(&["default"], &["near", "far"], |_| {});
    assert_eq!(both.private().sources, ["10.0.0.0/16", "10.5.1.0/24", "10.5.2.0/24"]);
}

#[test]
fn a_peering_of_other_subnets_is_none_for_this_one() {
    assert_eq!(
        subnet_peered(&["elsewhere"], &["near"], |_| {}).private().sources,
        ["10.0.0.0/16"]
    );
}

#[test]
fn a_subnet_that_the_peer_does_not_have_adds_nothing() {
    assert_eq!(
        subnet_peered(&["default"], &["gone"], |_| {}).private().sources,
        ["10.0.0.0/16"]
    );
}

#[test]
fn a_peering_of_ipv6_alone_adds_no_ipv4() {
    let found = subnet_peered(&["default"], &["near"], |peering| {
        peering["enableOnlyIPv6Peering"] = json!(true)
    });
    assert_eq!(found.private().sources, ["10.0.0.0/16"]);
}

#[test]
fn a_peering_that_is_not_connected_may_become_so() {
    let initiated = subnet_peered(&["default"], &["near"], |peering| {
        peering["peeringState"] = json!("Initiated")
    });
    assert_eq!(initiated.private().sources, ["10.0.0.0/16"]);
    assert!(initiated.private().possible_sources.is_empty());
    let unread = subnet_peered(&["default"], &["near"], |peering| {
        peering["peeringState"] = json!({ "?": 1 })
    });
    assert_eq!(unread.private().possible_sources, ["10.5.1.0/24"]);
}

//! What was not read and may hold a way in: firewalls and load balancers of subscriptions that were refused or not
//! scanned. Each vector is asked of the sets and of the evaluator of one packet.
#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

mod estate;

use ExposureClass::{Closed, Undetermined, Wide};
use estate::*;
use portcullis::exposure::{ExposureClass, PortExposure, Way};
use portcullis::input::{Given, Reading};
use portcullis::net::Protocol;
use portcullis::trace::{self, Membership, Packet, Status};
use serde_json::{Value, json};

const HERE: &str = "00000000-0000-0000-0000-000000000001";
const THERE: &str = "00000000-0000-0000-0000-000000000002";

/// A network of the other subscription.
fn there(kind: &str, name: &str) -> String {
    id(kind, name).replace(HERE, THERE)
}

fn hub() -> String {
    there("Microsoft.Network/virtualNetworks", "hub")
}

/// A subscription of which these types were refused; `*` for all of it.
fn refused(subscription: &str, types: &[&str]) -> Value {
    let missing = types
        .iter()
        .map(|kind| json!({ "type": kind, "reason": "403 Forbidden" }));
    json!({ "id": subscription, "complete": types.is_empty(), "missing": missing.collect::<Vec<_>>() })
}

fn whole(subscription: &str) -> Value {
    refused(subscription, &[])
}

const FIREWALLS: &str = "Microsoft.Network/azureFirewalls";

/// The estate as a snapshot that says what it covers.
fn recorded(estate: Estate, subscriptions: &[Value]) -> Analysed {
    let header = json!({ "format": "portcullis-snapshot", "version": 1, "recorded": "2026-03-14T02:10:00Z",
        "tool": "test", "scope": [], "subscriptions": subscriptions });
    let resources = estate.resources();
    let footer = json!({ "format": "portcullis-snapshot-end", "resources": resources.len() });
    let lines: Vec<String> = std::iter::once(&header)
        .chain(&resources)
        .chain([&footer])
        .map(Value::to_string)
        .collect();
    let mut reading = Reading::default();
    reading.read("estate.jsonl", Given::Named, (lines.join("\n") + "\n").as_bytes());
    reading.finish();
    assert!(reading.diagnostics.iter().all(|one| &*one.code != "snapshot-cut"));
    Analysed::of(reading)
}

fn peering(remote: &str, space: &str, state: &str) -> Value {
    json!([{ "name": "to-hub", "properties": {
        "remoteVirtualNetwork": { "id": remote }, "peeringState": state, "allowVirtualNetworkAccess": true,
        "remoteAddressSpace": { "addressPrefixes": [space] } } }])
}

/// A machine behind an empty group, in a network that is peered with the hub.
fn spoke(rules: Vec<Value>) -> Estate {
    Estate::new()
        .subnet_nsg(rules)
        .network("virtualNetworkPeerings", peering(&hub(), "10.10.0.0/16", "Connected"))
}

fn network(name: &str, space: &str, subnets: Value, peerings: Value) -> Value {
    json!({ "id": there("Microsoft.Network/virtualNetworks", name), "location": "westeurope", "properties": {
        "addressSpace": { "addressPrefixes": [space] }, "subnets": subnets, "virtualNetworkPeerings": peerings } })
}

fn firewall_subnet() -> Value {
    json!([{ "name": "AzureFirewallSubnet", "id": hub() + "/subnets/AzureFirewallSubnet",
        "properties": { "addressPrefix": "10.10.1.0/26" } }])
}

/// The answer on a way, after the evaluator of one packet has been asked to agree.
#[track_caller]
fn said(found: &Analysed, way: Way) -> Option<&PortExposure> {
    let traced_way = match way {
        Way::LoadBalancer => trace::Way::LoadBalancer,
        _ => trace::Way::FirewallDnat,
    };
    let estate = trace::Estate::of(found.inventory());
    let machine = estate.machine(found.inventory().vms.get(0).unwrap());
    let target = machine.targets.first().unwrap();
    let packet = Packet {
        source: "8.8.8.8".parse().unwrap(),
        membership: Membership::Outside,
        source_port: 49152,
        protocol: Protocol::Tcp,
        port: 22,
    };
    let ways = trace::ways(&estate, target);
    let status = ways
        .iter()
        .filter(|way| way.way == traced_way)
        .map(|way| trace::judge(&estate, target, way, packet).status)
        .max()
        .unwrap_or(Status::Closed);
    let answer = found.on(way);
    let expected = match answer.map(|answer| answer.class) {
        Some(ExposureClass::Undetermined) => Status::Undetermined,
        Some(ExposureClass::Wide) => Status::Open,
        _ => Status::Closed,
    };
    assert_eq!(status, expected, "{answer:#?}");
    answer
}

/// Fails unless nothing leads to port 22 on a way.
#[track_caller]
fn is_shut(found: &Analysed, way: Way) {
    let answer = said(found, way);
    assert!(answer.is_none_or(|answer| answer.class == Closed), "{answer:#?}");
}

/// Fails unless a firewall that was not read keeps the answer open, for this reason.
#[track_caller]
fn may_be_open(found: &Analysed, named: &[&str]) {
    let answer = said(found, Way::FirewallDnat).unwrap();
    assert_class(answer, Undetermined);
    assert!(
        named.iter().all(|name| answer.sentence.contains(name)),
        "{}",
        answer.sentence
    );
}

#[test]
fn a_peer_in_a_subscription_that_was_refused_may_hold_a_firewall() {
    let found = recorded(spoke(vec![]), &[whole(HERE), refused(THERE, &["*"])]);
    may_be_open(&found, &["`hub`", "403 Forbidden"]);
}

#[test]
fn so_may_one_in_a_subscription_that_was_not_scanned() {
    let found = recorded(spoke(vec![]), &[whole(HERE)]);
    may_be_open(&found, &["`hub`", THERE, "was not scanned"]);
}

#[test]
fn a_peer_in_a_subscription_that_was_read_whole_holds_none() {
    let found = recorded(spoke(vec![]), &[whole(HERE), whole(THERE)]);
    is_shut(&found, Way::FirewallDnat);
    // Of other types nothing is needed.
    let vaults = refused(THERE, &["Microsoft.Network/networkSecurityGroups"]);
    let found = recorded(spoke(vec![]), &[whole(HERE), vaults]);
    is_shut(&found, Way::FirewallDnat);
}

#[test]
fn loose_files_say_nothing_of_what_else_there_is() {
    assert!(spoke(vec![]).analyse().on(Way::FirewallDnat).is_none());
}

#[test]
fn groups_that_stop_the_peer_close_the_way() {
    let all = [whole(HERE), refused(THERE, &["*"])];
    for source in ["10.10.0.0/16", "VirtualNetwork", "*"] {
        let found = recorded(spoke(vec![rule("no", 100, "Deny", source, "22")]), &all);
        is_shut(&found, Way::FirewallDnat);
    }
    let part = recorded(spoke(vec![rule("no", 100, "Deny", "10.10.1.0/26", "22")]), &all);
    may_be_open(&part, &["`hub`"]);
}

#[test]
fn a_peering_that_is_not_connected_ties_nothing() {
    for state in ["Initiated", "Disconnected"] {
        let estate = Estate::new()
            .subnet_nsg(vec![])
            .network("virtualNetworkPeerings", peering(&hub(), "10.10.0.0/16", state));
        let found = recorded(estate, &[whole(HERE), refused(THERE, &["*"])]);
        is_shut(&found, Way::FirewallDnat);
    }
}

#[test]
fn a_network_that_was_read_has_room_for_a_firewall_in_its_subnet_only() {
    let all = [whole(HERE), refused(THERE, &[FIREWALLS])];
    let with = |rules, subnets| spoke(rules).add(network("hub", "10.10.0.0/16", subnets, json!([])));
    may_be_open(&recorded(with(vec![], firewall_subnet()), &all), &["`hub`", "403"]);
    is_shut(&recorded(with(vec![], json!([])), &all), Way::FirewallDnat);
    // It can use no address but those of its subnet.
    let stopped = with(vec![rule("no", 100, "Deny", "10.10.1.0/26", "22")], firewall_subnet());
    is_shut(&recorded(stopped, &all), Way::FirewallDnat);
}

#[test]
fn a_firewall_that_was_read_leaves_no_room_for_another() {
    let firewall = json!({ "id": there(FIREWALLS, "fw"), "properties": { "ipConfigurations": [{ "name": "c",
        "properties": { "privateIPAddress": "10.10.1.4",
            "subnet": { "id": hub() + "/subnets/AzureFirewallSubnet" } } }] } });
    let estate = spoke(vec![])
        .add(network("hub", "10.10.0.0/16", firewall_subnet(), json!([])))
        .add(firewall);
    let found = recorded(estate, &[whole(HERE), refused(THERE, &[FIREWALLS])]);
    is_shut(&found, Way::FirewallDnat);
}

#[test]
fn the_peering_may_be_stated_by_the_other_side_alone() {
    let back = peering(
        &id("Microsoft.Network/virtualNetworks", "vnet"),
        "10.0.0.0/16",
        "Connected",
    );
    let estate = Estate::new()
        .subnet_nsg(vec![rule("any", 100, "Allow", "10.10.1.0/26", "22")])
        .add(network("hub", "10.10.0.0/16", firewall_subnet(), back));
    let found = recorded(estate, &[whole(HERE), refused(THERE, &[FIREWALLS])]);
    may_be_open(&found, &["`hub`"]);
}

#[test]
fn the_firewall_may_stand_in_the_machine_s_own_network() {
    let reserved = json!([{ "name": "AzureFirewallSubnet", "id": subnet_id("AzureFirewallSubnet"),
        "properties": { "addressPrefix": "10.0.9.0/26" } }]);
    let estate = || Estate::new().subnet_nsg(vec![]);
    let all = [refused(HERE, &[FIREWALLS])];
    may_be_open(
        &recorded(estate().network("subnets", reserved), &all),
        &["`vnet`", "403"],
    );
    is_shut(&recorded(estate(), &all), Way::FirewallDnat);
}

/// The machine's network on a virtual hub of the other subscription.
fn on_hub(estate: Estate, prefix: Option<&str>) -> Estate {
    let hub = there("Microsoft.Network/virtualHubs", "vhub");
    let estate = estate.add(
        json!({ "id": format!("{hub}/hubVirtualNetworkConnections/c"), "properties": {
        "remoteVirtualNetwork": reference("Microsoft.Network/virtualNetworks", "vnet") } }),
    );
    match prefix {
        Some(prefix) => {
            estate.add(json!({ "id": hub, "location": "westeurope", "properties": { "addressPrefix": prefix } }))
        }
        None => estate,
    }
}

#[test]
fn a_virtual_hub_may_hold_a_firewall_that_was_refused() {
    let all = [whole(HERE), refused(THERE, &[FIREWALLS])];
    let found = recorded(on_hub(Estate::new().subnet_nsg(vec![]), Some("10.100.0.0/23")), &all);
    may_be_open(&found, &["`vhub`", "403"]);
    let stopped = vec![rule("no", 100, "Deny", "10.100.0.0/23", "22")];
    let found = recorded(
        on_hub(Estate::new().subnet_nsg(stopped.clone()), Some("10.100.0.0/23")),
        &all,
    );
    is_shut(&found, Way::FirewallDnat);
    // Where the hub stands is not known: any address may be its.
    may_be_open(
        &recorded(on_hub(Estate::new().subnet_nsg(stopped), None), &all),
        &["`vhub`"],
    );
    let read = recorded(
        on_hub(Estate::new().subnet_nsg(vec![]), None),
        &[whole(HERE), whole(THERE)],
    );
    is_shut(&read, Way::FirewallDnat);
}

/// The network in which the service keeps a hub, in a subscription of its own.
const KEPT: &str = "/subscriptions/00000000-0000-0000-0000-0000000000ff/resourceGroups/RG_vhub_1/providers/\
    Microsoft.Network/virtualNetworks/HV_vhub_1";

#[test]
fn a_hub_whose_connections_were_not_read_shows_in_the_peering_alone() {
    let spoke = || {
        Estate::new()
            .subnet_nsg(vec![])
            .network("virtualNetworkPeerings", peering(KEPT, "10.100.0.0/23", "Connected"))
    };
    may_be_open(&recorded(spoke(), &[whole(HERE)]), &["virtual hub", "HV_vhub_1"]);
    // Where the connection was read, it tells which hub that is, and its firewalls were read as well.
    let found = recorded(on_hub(spoke(), Some("10.100.0.0/23")), &[whole(HERE), whole(THERE)]);
    is_shut(&found, Way::FirewallDnat);
}

#[test]
fn a_firewall_beside_on_the_same_virtual_hub_may_lead_here() {
    let hub = there("Microsoft.Network/virtualHubs", "vhub");
    let other =
        there("Microsoft.Network/virtualNetworks", "edge").replace(THERE, "00000000-0000-0000-0000-000000000003");
    let estate = on_hub(Estate::new().subnet_nsg(vec![]), Some("10.100.0.0/23")).add(
        json!({ "id": format!("{hub}/hubVirtualNetworkConnections/d"), "properties": {
            "remoteVirtualNetwork": { "id": other } } }),
    );
    let found = recorded(estate, &[whole(HERE), whole(THERE)]);
    may_be_open(&found, &["`edge`", "was not scanned"]);
}

#[test]
fn a_route_to_an_appliance_that_stands_nowhere_ties_it_to_what_was_refused() {
    let routed = |address| {
        Estate::new()
            .subnet_nsg(vec![])
            .routes(vec![("0.0.0.0/0", "VirtualAppliance", Some(address))])
    };
    let all = [whole(HERE), refused(THERE, &["*"])];
    may_be_open(&recorded(routed("10.10.1.4"), &all), &["`r0`", "10.10.1.4", THERE]);
    // An appliance of the network's own is no tie, nor is anything where everything was read.
    is_shut(&recorded(routed("10.0.9.4"), &all), Way::FirewallDnat);
    let read = recorded(routed("10.10.1.4"), &[whole(HERE), whole(THERE)]);
    is_shut(&read, Way::FirewallDnat);
}

#[test]
fn a_machine_that_nothing_ties_to_what_was_refused_is_decided() {
    let found = recorded(Estate::new().subnet_nsg(vec![]), &[whole(HERE), refused(THERE, &["*"])]);
    is_shut(&found, Way::FirewallDnat);
    is_shut(&found, Way::LoadBalancer);
}

#[test]
fn rule_collection_groups_that_were_refused_may_hold_the_rule() {
    let policy = id("Microsoft.Network/firewallPolicies", "p");
    let reserved = json!([{ "name": "AzureFirewallSubnet", "id": subnet_id("AzureFirewallSubnet"),
        "properties": { "addressPrefix": "10.0.9.0/26" } }]);
    let estate = |listed: Value| {
        Estate::new()
            .subnet_nsg(vec![])
            .network("subnets", reserved.clone())
            .add(json!({ "id": policy, "properties": { "threatIntelMode": "Alert", "ruleCollectionGroups": listed } }))
            .add(json!({ "id": id(FIREWALLS, "fw"), "properties": {
                "firewallPolicy": { "id": policy },
                "ipConfigurations": [{ "name": "c", "properties": { "privateIPAddress": "10.0.9.4",
                    "subnet": { "id": subnet_id("AzureFirewallSubnet") } } }] } }))
    };
    let all = [refused(
        HERE,
        &["Microsoft.Network/firewallPolicies/ruleCollectionGroups"],
    )];
    let group = json!([{ "id": format!("{policy}/ruleCollectionGroups/g") }]);
    may_be_open(&recorded(estate(group), &all), &["`fw`", "`g`", "403"]);
    may_be_open(&recorded(estate(json!([])), &all), &["`fw`", "`p`", "403"]);
    is_shut(&recorded(estate(json!([])), &[whole(HERE)]), Way::FirewallDnat);
}

#[test]
fn load_balancers_that_were_refused_may_list_the_address() {
    let open = || Estate::new().subnet_nsg(vec![rule("ssh", 100, "Allow", "Internet", "22")]);
    let kind = "Microsoft.Network/loadBalancers";
    let found = recorded(open(), &[refused(HERE, &[kind])]);
    let answer = said(&found, Way::LoadBalancer).unwrap();
    assert_class(answer, Undetermined);
    assert!(
        answer.sentence.contains("403") && answer.sentence.contains(HERE),
        "{}",
        answer.sentence
    );
    // The groups decide where they let nobody in, and a pool holds machines of its own network.
    let shut = recorded(Estate::new().subnet_nsg(vec![]), &[refused(HERE, &[kind])]);
    is_shut(&shut, Way::LoadBalancer);
    let elsewhere = recorded(open(), &[whole(HERE), refused(THERE, &[kind])]);
    is_shut(&elsewhere, Way::LoadBalancer);
}

#[test]
fn what_was_read_stands_beside_what_was_not() {
    let found = recorded(
        spoke(vec![rule("ssh", 100, "Allow", "*", "22")]).public(),
        &[whole(HERE), refused(THERE, &["*"])],
    );
    assert_class(found.public(), Wide);
    may_be_open(&found, &["`hub`"]);
}

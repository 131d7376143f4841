//! Firewalls on private paths: where the routes of a machine's subnet send its answer to a firewall, its network rules
//! decide who has a session. Each vector is asked of the sets and of the evaluator of one packet.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what is missing fails the test"
)]

mod estate;

use ExposureClass::{Closed, Private, Undetermined};
use estate::*;
use portcullis::exposure::{ExposureClass, PortExposure, Way};
use portcullis::net::{Protocol, parse_range};
use portcullis::trace::{self, Membership, Packet, Status};
use serde_json::{Value, json};

const OWN: &str = "10.0.0.0/16";
const HUB: &str = "10.10.0.0/16";
const FIREWALL: &str = "10.10.1.4";

/// A network rule for TCP, as classic firewalls state it.
fn network_rule(name: &str, source: &str, destination: &str, port: &str) -> Value {
    json!({ "name": name, "protocols": ["TCP"], "sourceAddresses": [source], "destinationAddresses": [destination],
        "destinationPorts": [port] })
}

fn collection(name: &str, priority: u32, action: &str, rules: Vec<Value>) -> Value {
    json!({ "name": name, "properties": { "priority": priority, "action": { "type": action }, "rules": rules } })
}

fn allow(rules: Vec<Value>) -> Vec<Value> {
    vec![collection("net", 300, "Allow", rules)]
}

/// A machine behind these routes, in a network that is peered with the hub of a firewall with these network rules.
fn behind(routes: Vec<(&str, &str, Option<&str>)>, collections: Vec<Value>) -> Estate {
    let hub = id("Microsoft.Network/virtualNetworks", "hub");
    let peering = json!([{ "name": "to-hub", "properties": {
        "remoteVirtualNetwork": { "id": hub }, "peeringState": "Connected", "allowVirtualNetworkAccess": true,
        "allowForwardedTraffic": true, "remoteAddressSpace": { "addressPrefixes": [HUB] } } }]);
    let mut estate = Estate::new()
        .subnet_nsg(vec![rule("private", 100, "Allow", "10.0.0.0/8", "*")])
        .network("virtualNetworkPeerings", peering)
        .routes(routes)
        .add(
            json!({ "id": hub, "location": "westeurope", "properties": {
            "addressSpace": { "addressPrefixes": [HUB] }, "subnets": [{ "name": "AzureFirewallSubnet",
                "id": format!("{hub}/subnets/AzureFirewallSubnet"), "properties": { "addressPrefix": "10.10.1.0/26" } }] } }),
        )
        .add(
            json!({ "id": id("Microsoft.Network/azureFirewalls", "fw"), "properties": {
            "networkRuleCollections": collections,
            "ipConfigurations": [{ "name": "c", "properties": { "privateIPAddress": FIREWALL,
                "subnet": { "id": format!("{hub}/subnets/AzureFirewallSubnet") } } }] } }),
        );
    let table = estate
        .resources
        .iter_mut()
        .find(|resource| resource["properties"].get("routes").is_some());
    table.unwrap()["properties"]["disableBgpRoutePropagation"] = json!(true);
    estate
}

/// Behind a default route to the firewall.
fn screened(collections: Vec<Value>) -> Estate {
    behind(vec![("0.0.0.0/0", "VirtualAppliance", Some(FIREWALL))], collections)
}

/// The private answer for a port, after the evaluator of one packet has been asked to agree.
#[track_caller]
fn private(found: &Analysed, port: u16) -> &PortExposure {
    let answer = found.at(0, Way::Private, port).unwrap();
    let estate = trace::Estate::of(found.inventory());
    let machine = estate.machine(found.inventory().vms.get(0).unwrap());
    let target = machine.targets.first().unwrap();
    let ways = trace::ways(&estate, target);
    let way = ways.iter().find(|way| way.way == trace::Way::Private).unwrap();
    for sender in [
        "10.0.0.9",
        "10.0.7.9",
        "10.10.10.4",
        "10.20.0.9",
        "10.20.1.9",
        "10.30.0.9",
        "10.99.0.1",
    ] {
        let source = sender.parse().unwrap();
        let packet = Packet {
            source,
            membership: Membership::Outside,
            source_port: 49152,
            protocol: Protocol::Tcp,
            port,
        };
        let holds = |texts: &[String]| texts.iter().any(|text| parse_range(text).unwrap().0.contains(source));
        let expected = match (holds(&answer.sources), holds(&answer.possible_sources)) {
            (true, _) => Status::Open,
            (false, true) => Status::Undetermined,
            (false, false) => Status::Closed,
        };
        let status = trace::judge(&estate, target, way, packet).status;
        assert_eq!(status, expected, "{sender} to {port}: {answer:#?}");
    }
    answer
}

#[test]
fn who_is_routed_through_the_firewall_needs_a_network_rule() {
    let found = screened(allow(vec![network_rule("branch", "10.20.0.0/24", "10.0.0.4", "22")])).analyse();
    let answer = private(&found, 22);
    // The network itself and its peer answer past it: their routes are longer.
    assert_class(answer, Private);
    assert_eq!(answer.sources, [OWN, HUB, "10.20.0.0/24"]);
    assert!(answer.sentence.contains("firewall `fw`"), "{}", answer.sentence);
    assert_eq!(private(&found, 3389).sources, [OWN, HUB]);
}

#[test]
fn a_firewall_without_rules_lets_nobody_through() {
    assert_eq!(private(&screened(vec![]).analyse(), 22).sources, [OWN, HUB]);
}

#[test]
fn rules_for_other_machines_ports_and_protocols_let_nobody_through() {
    for rule in [
        network_rule("machine", "*", "10.0.0.5", "22"),
        network_rule("port", "*", "10.0.0.4", "443"),
        network_rule("public", "*", "20.0.0.5", "22"),
        json!({ "name": "udp", "protocols": ["UDP"], "sourceAddresses": ["*"], "destinationAddresses": ["*"],
            "destinationPorts": ["22"] }),
    ] {
        let found = screened(allow(vec![rule])).analyse();
        assert_eq!(private(&found, 22).sources, [OWN, HUB]);
    }
}

#[test]
fn the_first_network_rule_that_matches_decides() {
    let rules = |deny| {
        vec![
            collection("ok", 300, "Allow", vec![network_rule("all", "10.20.0.0/16", "*", "*")]),
            collection(
                "no",
                deny,
                "Deny",
                vec![network_rule("some", "10.20.0.0/24", "*", "22")],
            ),
        ]
    };
    let found = screened(rules(200)).analyse();
    assert!(!private(&found, 22).sources.contains(&"10.20.0.0/16".to_owned()));
    assert!(private(&found, 22).sources.contains(&"10.20.1.0/24".to_owned()));
    let found = screened(rules(400)).analyse();
    assert_eq!(private(&found, 22).sources, [OWN, HUB, "10.20.0.0/16"]);
    // Of two of one priority either may come first.
    let found = screened(rules(300)).analyse();
    assert_eq!(private(&found, 22).possible_sources, ["10.20.0.0/24"]);
}

#[test]
fn a_route_for_the_peer_itself_sends_its_answers_through_the_firewall() {
    let routes = vec![
        ("10.0.0.0/8", "VirtualAppliance", Some(FIREWALL)),
        (HUB, "VirtualAppliance", Some(FIREWALL)),
    ];
    let rules = allow(vec![network_rule("jump", "10.10.10.0/24", "10.0.0.0/24", "22")]);
    assert_eq!(
        private(&behind(routes, rules).analyse(), 22).sources,
        [OWN, "10.10.10.0/24"]
    );
}

#[test]
fn so_does_a_route_for_the_network_but_not_where_a_longer_one_leads_past() {
    let routes = vec![
        (OWN, "VirtualAppliance", Some(FIREWALL)),
        ("10.0.0.0/24", "VnetLocal", None),
    ];
    let answer = behind(routes, vec![]).analyse();
    // What no route takes is left as the groups have it.
    let sources = &private(&answer, 22).sources;
    assert_eq!(
        sources.iter().take(3).collect::<Vec<_>>(),
        ["10.0.0.0/24", "10.1.0.0/16", "10.2.0.0/15"]
    );
}

#[test]
fn groups_and_firewall_have_to_agree() {
    let rules = allow(vec![network_rule("all", "*", "*", "*")]);
    let estate = screened(rules).nic_nsg(vec![
        rule("one", 100, "Allow", "10.20.0.0/24", "22"),
        rule("no", 110, "Deny", "*", "22"),
    ]);
    assert_eq!(private(&estate.analyse(), 22).sources, ["10.20.0.0/24"]);
    let shut = screened(vec![]).nic_nsg(vec![
        rule("one", 100, "Allow", "10.20.0.0/24", "22"),
        rule("no", 110, "Deny", "*", "22"),
    ]);
    let found = shut.analyse();
    assert_class(private(&found, 22), Closed);
    assert!(private(&found, 22).sentence.contains("firewall `fw`"));
}

#[test]
fn rules_that_were_not_read_leave_open_who_is_let_through() {
    let mut estate = screened(vec![]);
    let firewall = estate
        .resources
        .iter_mut()
        .find(|one| one["properties"].get("ipConfigurations").is_some());
    firewall.unwrap()["properties"]["firewallPolicy"] = reference("Microsoft.Network/firewallPolicies", "gone");
    let found = estate.analyse();
    let answer = private(&found, 22);
    assert_eq!(answer.sources, [OWN, HUB]);
    assert!(!answer.possible_sources.is_empty());
    assert!(
        answer
            .gaps
            .iter()
            .any(|gap| gap.contains("`fw`") && gap.contains("`gone`")),
        "{:?}",
        answer.gaps
    );
}

#[test]
fn an_application_rule_may_let_http_through_by_name() {
    let mut estate = screened(vec![]);
    let firewall = estate
        .resources
        .iter_mut()
        .find(|one| one["properties"].get("ipConfigurations").is_some());
    firewall.unwrap()["properties"]["applicationRuleCollections"] = json!([{ "name": "app", "properties": {
        "priority": 400, "action": { "type": "Allow" }, "rules": [{ "name": "web", "sourceAddresses": ["*"],
            "protocols": [{ "protocolType": "Http", "port": 5985 }], "targetFqdns": ["host.internal"] }] } }]);
    let found = estate.analyse();
    assert!(private(&found, 22).possible_sources.is_empty());
    assert!(!private(&found, 5985).possible_sources.is_empty());
}

#[test]
fn routes_that_a_gateway_teaches_may_be_longer() {
    let with_gateway = |deaf: bool| {
        let gateway = json!([{ "name": "GatewaySubnet", "id": subnet_id("GatewaySubnet"),
            "properties": { "addressPrefix": "10.0.8.0/27" } }]);
        let mut estate = screened(vec![]).network("subnets", gateway);
        let table = estate
            .resources
            .iter_mut()
            .find(|resource| resource["properties"].get("routes").is_some());
        table.unwrap()["properties"]["disableBgpRoutePropagation"] = json!(deaf);
        estate.analyse()
    };
    assert!(private(&with_gateway(true), 22).possible_sources.is_empty());
    let learning = with_gateway(false);
    assert_eq!(private(&learning, 22).sources, [OWN, HUB]);
    assert!(!private(&learning, 22).possible_sources.is_empty());
}

#[test]
fn the_sources_may_be_those_of_an_ip_group() {
    let group = id("Microsoft.Network/ipGroups", "g");
    let rule = json!({ "name": "grouped", "protocols": ["Any"], "sourceIpGroups": [group],
        "destinationAddresses": ["10.0.0.0/24"], "destinationPorts": ["*"] });
    let known = json!({ "id": group, "properties": { "ipAddresses": ["10.30.0.0/24"] } });
    let found = screened(allow(vec![rule.clone()])).add(known).analyse();
    assert_eq!(private(&found, 22).sources, [OWN, HUB, "10.30.0.0/24"]);
    let lost = screened(allow(vec![rule])).analyse();
    assert!(!private(&lost, 22).possible_sources.is_empty());
}

#[test]
fn an_appliance_that_is_no_firewall_is_not_asked() {
    let found = behind(vec![("0.0.0.0/0", "VirtualAppliance", Some("10.10.1.5"))], vec![]).analyse();
    assert!(private(&found, 22).sources.contains(&"10.0.0.0/8".to_owned()));
}

#[test]
fn an_address_that_is_not_known_leaves_open_which_rules_cover_it() {
    let rules = allow(vec![network_rule("branch", "10.20.0.0/24", "10.0.0.4", "22")]);
    let found = screened(rules).configure("privateIPAddress", Value::Null).analyse();
    let answer = private(&found, 22);
    assert_eq!(answer.sources, [OWN, HUB]);
    assert_eq!(answer.possible_sources, ["10.20.0.0/24"]);
    assert_class(answer, Private);
    let only = screened(allow(vec![network_rule("branch", "10.20.0.0/24", "10.0.0.4", "22")]))
        .configure("privateIPAddress", Value::Null)
        .nic_nsg(vec![
            rule("one", 100, "Allow", "10.20.0.0/24", "22"),
            rule("no", 110, "Deny", "*", "22"),
        ]);
    assert_class(private(&only.analyse(), 22), Undetermined);
}

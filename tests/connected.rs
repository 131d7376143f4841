//! Private addresses repeat: what stands at one address in one network says nothing of the same address in another.
//! And what is unread is not what is absent.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what is missing fails the test"
)]

use portcullis::exposure::{ExposureClass, Way, analyse};
use portcullis::input::{Given, Reading};
use portcullis::rule::builtin;
use portcullis::rule::fact::{Fact, FactSource as _};
use portcullis::rule::facts::{Estate, Standing, VmFacts, standing};
use portcullis::rule::params::ResolvedParams;
use portcullis::rule::{Sentences, SubjectFacts, SubjectKind, Verdict};
use serde_json::{Value, json};

const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";

fn id(kind: &str, name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/{kind}/{name}")
}

fn subnet(network: &str, name: &str) -> Value {
    json!({ "id": format!("{}/subnets/{name}", id("Microsoft.Network/virtualNetworks", network)) })
}

/// A machine with one interface, at 10.0.0.4 of a network; a group where one is named.
fn machine(name: &str, network: &str, group: Option<&str>) -> Vec<Value> {
    let nic = id("Microsoft.Network/networkInterfaces", name);
    let mut properties = json!({ "ipConfigurations": [{ "name": "ip", "properties": {
        "privateIPAddress": "10.0.0.4", "subnet": subnet(network, "a") } }] });
    if let Some(group) = group {
        properties["networkSecurityGroup"] = json!({ "id": id("Microsoft.Network/networkSecurityGroups", group) });
    }
    vec![
        json!({ "id": id("Microsoft.Compute/virtualMachines", name), "properties": {
            "networkProfile": { "networkInterfaces": [{ "id": nic }] } } }),
        json!({ "id": nic, "properties": properties }),
    ]
}

/// 10.0.0.0/16 with subnets `a` and `AzureFirewallSubnet`; with a default route where one is given.
fn network(name: &str, route: Option<&str>, peers: &[(&str, &str)]) -> Vec<Value> {
    let table = json!({ "id": id("Microsoft.Network/routeTables", name) });
    let mut a = json!({ "addressPrefix": "10.0.0.0/24" });
    if route.is_some() {
        a["routeTable"] = table.clone();
    }
    let peering = |(peer, space): &(&str, &str)| {
        json!({ "name": peer, "properties": { "peeringState": "Connected",
            "remoteVirtualNetwork": { "id": id("Microsoft.Network/virtualNetworks", peer) },
            "remoteAddressSpace": { "addressPrefixes": [space] } } })
    };
    let network = json!({ "id": id("Microsoft.Network/virtualNetworks", name), "properties": {
        "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] },
        "virtualNetworkPeerings": peers.iter().map(peering).collect::<Vec<_>>(),
        "subnets": [
            { "name": "a", "properties": a },
            { "name": "AzureFirewallSubnet", "properties": { "addressPrefix": "10.0.1.0/26" } }
        ] } });
    let routes = route.map(|hop| {
        json!({ "id": table["id"], "properties": { "routes": [{ "name": "default", "properties": {
            "addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance", "nextHopIpAddress": hop } }] } })
    });
    std::iter::once(network).chain(routes).collect()
}

/// A firewall at 10.0.1.4 of a network that publishes SSH of 10.0.0.4.
fn firewall(network: &str) -> Vec<Value> {
    vec![
        json!({ "id": id("Microsoft.Network/azureFirewalls", "fw"), "properties": {
        "ipConfigurations": [{ "name": "ip", "properties": {
            "privateIPAddress": "10.0.1.4", "subnet": subnet(network, "AzureFirewallSubnet") } }],
        "natRuleCollections": [{ "name": "nat", "properties": { "priority": 100, "action": { "type": "Dnat" }, "rules": [{
            "name": "ssh", "protocols": ["TCP"], "sourceAddresses": ["*"], "destinationAddresses": ["192.0.2.1"],
            "destinationPorts": ["50022"], "translatedAddress": "10.0.0.4", "translatedPort": "22" }] } }] } }),
    ]
}

/// A policy for port 22 of a machine.
fn policy(machine: &str) -> Vec<Value> {
    vec![
        json!({ "id": id("Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies", "default"),
        "properties": { "virtualMachines": [{ "id": id("Microsoft.Compute/virtualMachines", machine), "ports": [
            { "number": 22, "protocol": "*", "allowedSourceAddressPrefix": "*", "maxRequestAccessDuration": "PT3H" }] }] } }),
    ]
}

/// A snapshot that is whole but for one type.
fn snapshot(parts: &[Vec<Value>], refused: Option<&str>) -> Reading {
    let missing: Vec<Value> = refused
        .iter()
        .map(|kind| json!({ "type": kind, "reason": "403" }))
        .collect();
    let header = json!({ "format": "portcullis-snapshot", "version": 1, "recorded": "2026-03-14T02:10:00Z", "tool": "test",
        "subscriptions": [{ "id": SUBSCRIPTION, "complete": missing.is_empty(), "missing": missing }] });
    let resources = parts.concat();
    let footer = json!({ "format": "portcullis-snapshot-end", "resources": resources.len() });
    let lines: Vec<String> = std::iter::once(header)
        .chain(resources)
        .chain([footer])
        .map(|line| line.to_string())
        .collect();
    let mut reading = Reading::default();
    reading.read("estate.jsonl", Given::Named, lines.join("\n").as_bytes());
    reading.finish();
    reading
}

fn with_facts<T>(reading: &Reading, name: &str, ask: impl FnOnce(&VmFacts<'_, '_>) -> T) -> T {
    let exposures = analyse(&reading.inventory, &reading.sources, &[22, 3389, 5985, 5986]);
    let estate = Estate::new(&reading.inventory, &exposures, "2026-03-14T02:10:00Z".parse().unwrap());
    let index = reading
        .inventory
        .vms
        .iter()
        .position(|vm| vm.id.name() == name)
        .unwrap();
    ask(&VmFacts::new(&estate, u32::try_from(index).unwrap()).unwrap())
}

fn verdict(reading: &Reading, name: &str, rule: &str) -> Verdict {
    let rule = builtin::rules().iter().find(|known| &*known.id == rule).unwrap();
    with_facts(reading, name, |facts| {
        rule.judge_facts(
            &SubjectFacts::new(SubjectKind::Vm, facts),
            &ResolvedParams::defaults(rule),
            Sentences::All,
        )
        .verdict
    })
}

fn translated(reading: &Reading, name: &str) -> Vec<ExposureClass> {
    with_facts(reading, name, |facts| {
        let ways = facts.machine.targets.iter().flat_map(|target| &target.ways);
        let nat = ways.filter(|way| way.way == Way::FirewallDnat);
        nat.flat_map(|way| way.exposures.iter().map(|exposure| exposure.class))
            .collect()
    })
}

#[test]
fn a_nat_rule_leads_to_the_machine_of_a_connected_network() {
    let here = [machine("here", "v1", None), network("v1", None, &[]), firewall("v1")];
    let elsewhere = [machine("elsewhere", "v2", None), network("v2", None, &[])];
    let reading = snapshot(&[here.concat(), elsewhere.concat()], None);
    assert_eq!(translated(&reading, "here"), [ExposureClass::Wide]);
    assert_eq!(translated(&reading, "elsewhere"), []);
    assert_eq!(
        verdict(&reading, "elsewhere", "management-port-exposed"),
        Verdict::Healthy
    );
}

#[test]
fn a_route_leads_to_the_firewall_of_a_connected_network() {
    let unconnected = snapshot(
        &[
            machine("vm", "v2", None),
            network("v2", Some("10.0.1.4"), &[]),
            network("v1", None, &[]),
            firewall("v1"),
        ],
        None,
    );
    assert_eq!(
        verdict(&unconnected, "vm", "management-ports-jit"),
        Verdict::NotApplicable
    );
    let own = snapshot(
        &[
            machine("vm", "v1", None),
            network("v1", Some("10.0.1.4"), &[]),
            firewall("v1"),
        ],
        None,
    );
    assert_eq!(verdict(&own, "vm", "management-ports-jit"), Verdict::Unhealthy);
}

#[test]
fn an_appliance_in_a_network_outside_the_input_may_be_a_firewall() {
    let peers = [("hub", "10.200.0.0/16")];
    let beyond = snapshot(
        &[machine("vm", "v1", None), network("v1", Some("10.200.0.4"), &peers)],
        None,
    );
    assert_eq!(verdict(&beyond, "vm", "management-ports-jit"), Verdict::Undetermined);
    assert_eq!(verdict(&beyond, "vm", "vm-without-filter"), Verdict::Undetermined);
    // No network holds the address, so nothing stands there.
    let nowhere = snapshot(
        &[machine("vm", "v1", None), network("v1", Some("10.200.0.4"), &[])],
        None,
    );
    assert_eq!(verdict(&nowhere, "vm", "management-ports-jit"), Verdict::NotApplicable);
    // A machine stands there, and a machine is no Azure Firewall.
    let appliance = snapshot(&[machine("vm", "v1", None), network("v1", Some("10.0.0.4"), &[])], None);
    assert_eq!(
        verdict(&appliance, "vm", "management-ports-jit"),
        Verdict::NotApplicable
    );
}

#[test]
fn a_firewall_that_was_refused_may_stand_in_the_subnet_reserved_for_it() {
    let refused = Some("Microsoft.Network/azureFirewalls");
    let reading = snapshot(&[machine("vm", "v1", None), network("v1", None, &[])], refused);
    assert_eq!(verdict(&reading, "vm", "management-ports-jit"), Verdict::Undetermined);
    let mut bare = network("v1", None, &[]);
    bare[0]["properties"]["subnets"].as_array_mut().unwrap().pop();
    let reading = snapshot(&[machine("vm", "v1", None), bare], refused);
    assert_eq!(verdict(&reading, "vm", "management-ports-jit"), Verdict::NotApplicable);
}

#[test]
fn a_group_that_was_refused_is_a_group() {
    let refused = Some("Microsoft.Network/networkSecurityGroups");
    let reading = snapshot(&[machine("vm", "v1", Some("nsg")), network("v1", None, &[])], refused);
    assert_eq!(verdict(&reading, "vm", "management-ports-jit"), Verdict::Undetermined);
    assert_eq!(verdict(&reading, "vm", "vm-without-filter"), Verdict::Healthy);
    with_facts(&reading, "vm", |facts| {
        assert_eq!(standing(facts), Standing::NotConfigured)
    });
}

#[test]
fn what_a_refused_group_does_to_just_in_time_access_is_open() {
    let parts = [machine("vm", "v1", Some("nsg")), network("v1", None, &[]), policy("vm")];
    let reading = snapshot(&parts, Some("Microsoft.Network/networkSecurityGroups"));
    assert_eq!(verdict(&reading, "vm", "management-ports-jit"), Verdict::Healthy);
    assert_eq!(verdict(&reading, "vm", "jit-shadowed"), Verdict::Undetermined);
}

#[test]
fn routes_that_take_the_internet_elsewhere_leave_the_firewall_aside() {
    let estate = |routes: &[(&str, &str)]| {
        let mut network = network("v1", Some("10.0.1.4"), &[]);
        let table = network
            .iter_mut()
            .find(|resource| resource["id"].as_str().unwrap().contains("routeTables"));
        let stated = table.unwrap()["properties"]["routes"].as_array_mut().unwrap();
        for (prefix, hop) in routes {
            stated.push(json!({ "name": prefix.replace('/', "-"), "properties": {
                "addressPrefix": prefix, "nextHopType": hop } }));
        }
        snapshot(&[machine("vm", "v1", None), network, firewall("v1")], None)
    };
    let by_route = |reading: &Reading| {
        let fact = with_facts(reading, "vm", |facts| facts.fact("firewall"));
        let Fact::Record(fields) = fact else { return false };
        fields.contains(&("by_route", Fact::Bool(true)))
    };
    assert!(by_route(&estate(&[])));
    // A prefix of its own changes nothing for the internet at large; two halves do.
    assert!(by_route(&estate(&[("198.51.100.0/24", "Internet")])));
    assert!(!by_route(&estate(&[
        ("0.0.0.0/1", "Internet"),
        ("128.0.0.0/1", "Internet")
    ])));
}

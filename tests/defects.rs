//! Readings that were once wrong: each test is the estate that showed it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what is missing fails the test"
)]

mod estate;

use ExposureClass::{Closed, Undetermined, Wide};
use estate::*;
use portcullis::exposure::{ExposureClass, Way};
use portcullis::rule::builtin;
use portcullis::rule::facts::{Estate as Facts, Standing, VmFacts, standing};
use portcullis::rule::params::ResolvedParams;
use portcullis::rule::{Sentences, SubjectFacts, SubjectKind, Verdict};
use serde_json::{Value, json};

const BALANCER: &str = "Microsoft.Network/loadBalancers";
const FIREWALL: &str = "Microsoft.Network/azureFirewalls";

/// A balancer with a NAT rule 50000-50119 -> 22 for a pool of which the machine is a member.
fn ranged(mapping: Value) -> Estate {
    let balancer = id(BALANCER, "lb");
    let part = |kind: &str, name: &str| json!({ "id": format!("{balancer}/{kind}/{name}") });
    let configuration = id("Microsoft.Network/networkInterfaces", "nic") + "/ipConfigurations/ip1";
    Estate::new()
        .subnet_nsg(vec![rule("ssh", 100, "Allow", "*", "22")])
        .configure(
            "loadBalancerBackendAddressPools",
            json!([part("backendAddressPools", "pool")]),
        )
        .add(json!({ "id": balancer, "sku": { "name": "Standard" }, "properties": {
            "frontendIPConfigurations": [{ "name": "front", "properties": {
                "publicIPAddress": reference("Microsoft.Network/publicIPAddresses", "lbpip") } }],
            "backendAddressPools": [{ "name": "pool", "properties": { "loadBalancerBackendAddresses": [{
                "name": "one", "properties": {
                    "networkInterfaceIPConfiguration": { "id": configuration },
                    "inboundNatRulesPortMapping": mapping } }] } }],
            "inboundNatRules": [{ "name": "ssh", "properties": {
                "frontendIPConfiguration": part("frontendIPConfigurations", "front"),
                "backendAddressPool": part("backendAddressPools", "pool"), "protocol": "Tcp",
                "frontendPortRangeStart": 50000, "frontendPortRangeEnd": 50119, "backendPort": 22 } }] } }))
}

#[test]
fn a_member_of_a_port_range_does_not_get_its_first_port() {
    let found = ranged(json!([])).analyse();
    let way = found.on(Way::LoadBalancer).unwrap();
    assert_class(way, Wide);
    assert_eq!(
        (way.front_port, way.front_ports.as_deref()),
        (None, Some("50000-50119"))
    );
    assert!(way.sentence.contains("50000-50119"), "{}", way.sentence);
}

#[test]
fn a_member_gets_the_port_that_the_service_gave_it() {
    let mapping = json!([{ "inboundNatRuleName": "ssh", "frontendPort": 50007, "backendPort": 22 }]);
    let found = ranged(mapping).analyse();
    let way = found.on(Way::LoadBalancer).unwrap();
    assert_eq!((way.front_port, way.front_ports.as_deref()), (Some(50007), None));
}

#[test]
fn a_mapping_of_another_rule_says_nothing() {
    let mapping = json!([{ "inboundNatRuleName": "rdp", "frontendPort": 50007, "backendPort": 3389 }]);
    let found = ranged(mapping).analyse();
    assert_eq!(
        found.on(Way::LoadBalancer).unwrap().front_ports.as_deref(),
        Some("50000-50119")
    );
}

fn firewall_subnet() -> Value {
    json!({ "name": "AzureFirewallSubnet", "id": subnet_id("AzureFirewallSubnet"),
        "properties": { "addressPrefix": "10.0.9.0/26" } })
}

/// A firewall with two public addresses; its NAT rule names the second one, or whatever is given.
fn translating(destination: &str) -> Estate {
    let configuration = |name: &str| {
        json!({ "name": name, "properties": {
        "privateIPAddress": "10.0.9.4", "subnet": { "id": subnet_id("AzureFirewallSubnet") },
        "publicIPAddress": reference("Microsoft.Network/publicIPAddresses", name) } })
    };
    let address = |name: &str, address: &str| {
        json!({ "id": id("Microsoft.Network/publicIPAddresses", name),
        "sku": { "name": "Standard" }, "properties": { "ipAddress": address } })
    };
    Estate::new()
        .network("subnets", json!([firewall_subnet()]))
        .subnet_nsg(vec![])
        .add(address("first", "20.0.0.4"))
        .add(address("second", "20.0.0.5"))
        .add(json!({ "id": id(FIREWALL, "fw"), "properties": {
            "ipConfigurations": [configuration("first"), configuration("second")],
            "natRuleCollections": [{ "name": "nat", "properties": { "priority": 100, "action": { "type": "Dnat" },
                "rules": [{ "name": "ssh", "protocols": ["TCP"], "sourceAddresses": ["*"],
                    "destinationAddresses": [destination], "destinationPorts": ["50022"],
                    "translatedAddress": "10.0.0.4", "translatedPort": "22" }] } }] } }))
}

fn front(found: &Analysed, way: Way) -> (String, Option<String>) {
    let ways = &found.exposures.machines[0].targets[0].ways;
    let found = ways.iter().find(|found| found.way == way).unwrap();
    let front = found.front.as_ref().unwrap();
    (front.address.to_string(), front.id.as_ref().map(ToString::to_string))
}

#[test]
fn a_nat_rule_shows_its_own_destination() {
    let second = Some(id("Microsoft.Network/publicIPAddresses", "second"));
    assert_eq!(
        front(&translating("20.0.0.5").analyse(), Way::FirewallDnat),
        ("20.0.0.5".to_owned(), second)
    );
}

#[test]
fn a_nat_rule_for_any_destination_shows_the_firewall() {
    let (address, _) = front(&translating("*").analyse(), Way::FirewallDnat);
    assert_eq!(address, "fw");
}

#[test]
fn internet_is_not_sure_where_the_space_of_the_network_is_unknown() {
    let allow = || vec![rule("net", 100, "Allow", "Internet", "22")];
    let unknown = Estate::new()
        .public()
        .subnet_nsg(allow())
        .network("addressSpace", Value::Null)
        .analyse();
    assert_class(unknown.public(), Undetermined);
    assert_class(Estate::new().public().subnet_nsg(allow()).analyse().public(), Wide);
    let any = vec![rule("any", 100, "Allow", "*", "22")];
    let any = Estate::new()
        .public()
        .subnet_nsg(any)
        .network("addressSpace", Value::Null)
        .analyse();
    assert_class(any.public(), Wide);
}

#[test]
fn a_deny_of_the_internet_is_not_sure_either() {
    let rules = vec![
        rule("no", 100, "Deny", "Internet", "22"),
        rule("any", 200, "Allow", "*", "22"),
    ];
    let found = Estate::new().public().subnet_nsg(rules.clone()).analyse();
    assert_class(found.public(), Closed);
    let unknown = Estate::new()
        .public()
        .subnet_nsg(rules)
        .network("addressSpace", Value::Null)
        .analyse();
    assert_class(unknown.public(), Undetermined);
}

#[test]
fn tags_print_as_azure_spells_them() {
    let found = Estate::new()
        .public()
        .subnet_nsg(vec![rule("cloud", 100, "Allow", "azurecloud.westeurope", "22")])
        .analyse();
    assert_eq!(found.public().tags, ["AzureCloud.WestEurope".into()]);
}

fn with_facts<T>(estate: Estate, ask: impl FnOnce(&VmFacts<'_, '_>) -> T) -> T {
    let found = estate.analyse();
    let facts = Facts::new(
        found.inventory(),
        &found.exposures,
        "2026-03-14T02:10:00Z".parse().unwrap(),
    );
    ask(&VmFacts::new(&facts, 0).unwrap())
}

fn verdict(estate: Estate, rule: &str) -> Verdict {
    let rule = builtin::rules().iter().find(|known| &*known.id == rule).unwrap();
    let params = ResolvedParams::defaults(rule);
    with_facts(estate, |facts| {
        rule.judge_facts(&SubjectFacts::new(SubjectKind::Vm, facts), &params, Sentences::All)
            .verdict
    })
}

#[test]
fn a_firewall_that_cannot_be_placed_may_stand_before_an_unfiltered_machine() {
    let unplaced = |configurations: Value| {
        Estate::new()
            .network("subnets", json!([firewall_subnet()]))
            .add(json!({ "id": id(FIREWALL, "fw"), "properties": { "ipConfigurations": configurations } }))
    };
    for configurations in [
        json!("lost"),
        json!(["lost"]),
        json!([{ "name": "c", "properties": { "subnet": 7 } }]),
    ] {
        assert_eq!(
            verdict(unplaced(configurations.clone()), "management-ports-jit"),
            Verdict::Undetermined,
            "{configurations}"
        );
    }
}

#[test]
fn a_route_to_an_address_that_an_unreadable_firewall_may_have_is_not_decided() {
    let estate = Estate::new()
        .network("subnets", json!([firewall_subnet()]))
        .routes(vec![("0.0.0.0/0", "VirtualAppliance", Some("10.0.9.4"))])
        .add(
            json!({ "id": id(FIREWALL, "fw"), "properties": { "ipConfigurations": [{ "name": "c", "properties": {
            "privateIPAddress": "ten", "subnet": { "id": subnet_id("AzureFirewallSubnet") } } }] } }),
        );
    assert_ne!(verdict(estate, "management-ports-jit"), Verdict::NotApplicable);
}

fn jit(entries: Value) -> Estate {
    Estate::new()
        .public()
        .subnet_nsg(vec![rule("ssh", 100, "Allow", "*", "22")])
        .add(
            json!({ "id": id("Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies", "default"),
            "properties": { "virtualMachines": entries } }),
        )
}

#[test]
fn an_unreadable_entry_may_be_this_machines() {
    assert_eq!(verdict(jit(json!([])), "management-ports-jit"), Verdict::Unhealthy);
    for entries in [
        json!([{ "id": 7, "ports": [] }]),
        json!([{ "ports": [] }]),
        json!(["lost"]),
    ] {
        assert_eq!(
            verdict(jit(entries.clone()), "management-ports-jit"),
            Verdict::Undetermined,
            "{entries}"
        );
    }
}

#[test]
fn an_entry_whose_ports_are_unreadable_covers_nobody_knows_what() {
    let machine = id("Microsoft.Compute/virtualMachines", "vm");
    for ports in [json!("lost"), json!({ "number": 22 })] {
        let entries = json!([{ "id": machine, "ports": ports }]);
        assert_eq!(verdict(jit(entries), "jit-port-coverage"), Verdict::Undetermined);
    }
}

#[test]
fn sentences_about_nat_rules_read_as_english() {
    let mut estate = translating("20.0.0.5");
    let firewall = estate.resources.last_mut().unwrap();
    firewall["properties"]["natRuleCollections"][0]["properties"]["rules"][0]["sourceAddresses"] = json!([]);
    firewall["properties"]["natRuleCollections"][0]["properties"]["rules"][0]["sourceIpGroups"] =
        json!([id("Microsoft.Network/ipGroups", "office")]);
    let found = estate.analyse();
    let way = found.on(Way::FirewallDnat).unwrap();
    assert_eq!(
        &*way.sentence,
        "may be open by NAT rule `nat/ssh`: `office` is not in the input"
    );
}

/// A firewall in the machine's network that a policy runs which is not in the input.
fn by_policy(estate: Estate) -> Estate {
    estate.network("subnets", json!([firewall_subnet()])).add(json!({
        "id": id(FIREWALL, "fw"), "properties": {
            "firewallPolicy": reference("Microsoft.Network/firewallPolicies", "policy"),
            "ipConfigurations": [{ "name": "c", "properties": {
                "privateIPAddress": "10.0.9.4", "subnet": { "id": subnet_id("AzureFirewallSubnet") } } }] } }))
}

#[test]
fn an_unread_policy_is_named_by_its_firewall() {
    let found = by_policy(Estate::new().subnet_nsg(vec![])).analyse();
    let way = found.on(Way::FirewallDnat).unwrap();
    assert_eq!(
        &*way.sentence,
        "may be open by a NAT rule of firewall `fw` that is not in the input: `policy` is not in the input"
    );
}

#[test]
fn a_firewall_beside_the_group_does_not_forbid_just_in_time_access() {
    let standing_of = |estate: Estate| with_facts(estate, standing);
    let beside = by_policy(Estate::new().subnet_nsg(vec![]));
    assert_eq!(standing_of(beside), Standing::NotConfigured);
    let before = by_policy(Estate::new().subnet_nsg(vec![]).routes(vec![(
        "0.0.0.0/0",
        "VirtualAppliance",
        Some("10.0.9.4"),
    )]));
    assert!(matches!(standing_of(before), Standing::Unsupported(_)));
    let alone = by_policy(Estate::new());
    assert!(matches!(standing_of(alone), Standing::Unsupported(_)));
    let unknown = by_policy(
        Estate::new()
            .subnet_nsg(vec![])
            .subnet("routeTable", reference("Microsoft.Network/routeTables", "gone")),
    );
    assert!(matches!(standing_of(unknown), Standing::Unknown(_)));
}

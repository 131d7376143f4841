//! Load balancers beyond the plain rule: floating IP, internal frontends, global and gateway balancers; and the order
//! of firewall rules in front of them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what is missing fails the test"
)]

mod estate;

use ExposureClass::{Closed, Private, Undetermined, Wide};
use estate::*;
use portcullis::exposure::{ExposureClass, Way, WayIn};
use portcullis::rule::fact::{Fact, FactSource};
use portcullis::rule::facts::{Estate as Facts, VmFacts};
use serde_json::{Value, json};

const BALANCER: &str = "Microsoft.Network/loadBalancers";

fn part(balancer: &str, kind: &str, name: &str) -> Value {
    json!({ "id": format!("{}/{kind}/{name}", id(BALANCER, balancer)) })
}

fn address(name: &str, address: Option<&str>) -> Value {
    json!({ "id": id("Microsoft.Network/publicIPAddresses", name), "sku": { "name": "Standard" },
        "properties": { "ipAddress": address } })
}

/// A balancer with one rule to the machine: frontend and rule are given by their properties.
fn balanced(frontend: Value, rule: &[(&str, Value)]) -> Estate {
    let mut properties = json!({
        "frontendIPConfiguration": part("lb", "frontendIPConfigurations", "front"),
        "backendAddressPool": part("lb", "backendAddressPools", "pool"),
        "protocol": "Tcp", "frontendPort": 22, "backendPort": 22, "enableFloatingIP": false });
    for (name, value) in rule {
        properties[*name] = value.clone();
    }
    Estate::new()
        .configure(
            "loadBalancerBackendAddressPools",
            json!([part("lb", "backendAddressPools", "pool")]),
        )
        .add(address("lbpip", Some("20.0.0.7")))
        .add(
            json!({ "id": id(BALANCER, "lb"), "sku": { "name": "Standard" }, "properties": {
            "frontendIPConfigurations": [{ "name": "front", "properties": frontend }],
            "backendAddressPools": [{ "name": "pool", "properties": {} }],
            "loadBalancingRules": [{ "name": "ssh", "properties": properties }] } }),
        )
}

fn public() -> Value {
    json!({ "publicIPAddress": reference("Microsoft.Network/publicIPAddresses", "lbpip") })
}

fn internal() -> Value {
    json!({ "privateIPAddress": "10.0.0.100", "subnet": { "id": subnet_id("default") } })
}

fn floating() -> Vec<(&'static str, Value)> {
    vec![("enableFloatingIP", json!(true))]
}

fn to(destination: &str) -> Vec<Value> {
    let allow = rule("ssh", 100, "Allow", "Internet", "22");
    vec![with(allow, "destinationAddressPrefix", json!(destination))]
}

#[test]
fn v18_floating_ip_shows_groups_the_frontend() {
    let own = balanced(public(), &floating()).subnet_nsg(to("10.0.0.4")).analyse();
    assert_class(own.on(Way::LoadBalancer).unwrap(), Closed);
    let front = balanced(public(), &floating()).subnet_nsg(to("20.0.0.7")).analyse();
    assert_class(front.on(Way::LoadBalancer).unwrap(), Wide);
    assert_eq!(deciders(front.on(Way::LoadBalancer).unwrap()), ["sub/ssh"]);
}

#[test]
fn without_floating_ip_groups_see_the_machine() {
    let own = balanced(public(), &[]).subnet_nsg(to("10.0.0.4")).analyse();
    assert_class(own.on(Way::LoadBalancer).unwrap(), Wide);
    let front = balanced(public(), &[]).subnet_nsg(to("20.0.0.7")).analyse();
    assert_class(front.on(Way::LoadBalancer).unwrap(), Closed);
}

#[test]
fn a_public_frontend_is_no_part_of_the_virtual_network() {
    let allow = with(
        rule("ssh", 100, "Allow", "Internet", "22"),
        "destinationAddressPrefix",
        json!("VirtualNetwork"),
    );
    let found = balanced(public(), &floating()).subnet_nsg(vec![allow]).analyse();
    assert_class(found.on(Way::LoadBalancer).unwrap(), Closed);
}

#[test]
fn a_default_route_in_the_tag_makes_the_frontend_part_of_it() {
    let found = balanced(public(), &floating()).subnet_nsg(vec![]).routes(vec![(
        "0.0.0.0/0",
        "VirtualAppliance",
        Some("10.1.0.4"),
    )]);
    assert_class(
        found.analyse().on(Way::LoadBalancer).unwrap(),
        ExposureClass::NoReturnPath,
    );
}

#[test]
fn the_address_of_a_floating_frontend_may_be_unknown() {
    let front = json!({ "publicIPAddress": reference("Microsoft.Network/publicIPAddresses", "other") });
    let found = balanced(front, &floating())
        .add(address("other", None))
        .subnet_nsg(to("20.0.0.8"))
        .analyse();
    let way = found.on(Way::LoadBalancer).unwrap();
    assert_class(way, Undetermined);
    assert!(way.gaps.iter().any(|gap| gap.contains("frontend")), "{:?}", way.gaps);
}

#[test]
fn floating_ip_that_cannot_be_read_settles_nothing() {
    let rule = [("enableFloatingIP", json!("perhaps"))];
    let found = balanced(public(), &rule).subnet_nsg(to("10.0.0.4")).analyse();
    assert_class(found.on(Way::LoadBalancer).unwrap(), Undetermined);
}

fn ways(found: &Analysed, way: Way) -> Vec<&WayIn> {
    let ways = &found.exposures.machines[0].targets[0].ways;
    ways.iter().filter(|found| found.way == way).collect()
}

#[test]
fn an_internal_frontend_is_a_private_way() {
    let found = balanced(internal(), &[("frontendPort", json!(4422))])
        .subnet_nsg(vec![rule("ssh", 100, "Allow", "*", "22")])
        .analyse();
    assert!(found.on(Way::LoadBalancer).is_none());
    let private = ways(&found, Way::Private);
    assert_eq!(private.len(), 2);
    assert!(private[0].front.is_none());
    let front = private[1].front.as_ref().unwrap();
    assert_eq!(&*front.address, "10.0.0.100");
    assert_class(&private[1].exposures[0], Private);
    assert_eq!(private[1].exposures[0].front_port, Some(4422));
}

#[test]
fn a_floating_internal_frontend_is_the_destination() {
    let rules = || {
        let allow = rule("ssh", 100, "Allow", "10.0.0.0/8", "22");
        let allow = with(allow, "destinationAddressPrefix", json!("10.0.0.100"));
        vec![allow, rule("no", 200, "Deny", "*", "*")]
    };
    let found = balanced(internal(), &floating()).subnet_nsg(rules()).analyse();
    assert_class(found.private(), Closed);
    assert_class(&ways(&found, Way::Private)[1].exposures[0], Private);
}

#[test]
fn high_availability_ports_lead_to_every_port() {
    let rule_properties = [
        ("protocol", json!("All")),
        ("frontendPort", json!(0)),
        ("backendPort", json!(0)),
    ];
    let found = balanced(internal(), &rule_properties)
        .subnet_nsg(vec![rule("any", 100, "Allow", "*", "*")])
        .analyse();
    assert_eq!(ways(&found, Way::Private)[1].exposures.len(), PORTS.len());
}

/// A firewall whose NAT rule leads to the private frontend.
fn to_the_frontend(estate: Estate, port: &str) -> Estate {
    let subnet = json!({ "name": "AzureFirewallSubnet", "id": subnet_id("AzureFirewallSubnet"),
        "properties": { "addressPrefix": "10.0.9.0/26" } });
    estate.network("subnets", json!([subnet])).add(json!({ "id": id("Microsoft.Network/azureFirewalls", "fw"),
        "properties": { "ipConfigurations": [{ "name": "c", "properties": { "privateIPAddress": "10.0.9.4",
            "subnet": { "id": subnet_id("AzureFirewallSubnet") } } }],
        "natRuleCollections": [{ "name": "nat", "properties": { "priority": 100, "action": { "type": "Dnat" }, "rules": [{
            "name": "ssh", "protocols": ["TCP"], "sourceAddresses": ["*"], "destinationAddresses": ["20.0.0.5"],
            "destinationPorts": ["50022"], "translatedAddress": "10.0.0.100", "translatedPort": port }] } }] } }))
}

#[test]
fn destination_nat_leads_on_through_an_internal_balancer() {
    let estate = || balanced(internal(), &[("frontendPort", json!(4422))]).subnet_nsg(vec![]);
    let found = to_the_frontend(estate(), "4422").analyse();
    let way = found.on(Way::FirewallDnat).unwrap();
    assert_class(way, Wide);
    assert_eq!(way.front_port, Some(50022));
    let other = to_the_frontend(estate(), "22").analyse();
    assert!(other.on(Way::FirewallDnat).is_none());
}

/// A global balancer whose pool holds the regional frontend.
fn global(estate: Estate, backend_port: u16) -> Estate {
    estate.add(address("anycast", Some("20.9.9.9"))).add(json!({
        "id": id(BALANCER, "global"), "sku": { "name": "Standard", "tier": "Global" }, "properties": {
            "frontendIPConfigurations": [{ "name": "front", "properties": {
                "publicIPAddress": reference("Microsoft.Network/publicIPAddresses", "anycast") } }],
            "backendAddressPools": [{ "name": "regions", "properties": { "loadBalancerBackendAddresses": [{ "name": "we",
                "properties": { "loadBalancerFrontendIPConfiguration": part("lb", "frontendIPConfigurations", "front") } }] } }],
            "loadBalancingRules": [{ "name": "ssh", "properties": {
                "frontendIPConfiguration": part("global", "frontendIPConfigurations", "front"),
                "backendAddressPool": part("global", "backendAddressPools", "regions"),
                "protocol": "Tcp", "frontendPort": 2222, "backendPort": backend_port } }] } }))
}

#[test]
fn a_global_balancer_leads_on_through_the_regional_one() {
    let estate = || balanced(public(), &[]).subnet_nsg(vec![rule("ssh", 100, "Allow", "Internet", "22")]);
    let found = global(estate(), 22).analyse();
    let fronts: Vec<(String, Option<u16>)> = ways(&found, Way::LoadBalancer)
        .iter()
        .map(|way| {
            (
                way.front.as_ref().unwrap().address.to_string(),
                way.exposures[0].front_port,
            )
        })
        .collect();
    assert_eq!(
        fronts,
        [("20.0.0.7".to_owned(), None), ("20.9.9.9".to_owned(), Some(2222))]
    );
    assert!(
        ways(&found, Way::LoadBalancer)
            .iter()
            .all(|way| way.exposures[0].class == Wide)
    );
    let other = global(estate(), 80).analyse();
    assert_eq!(ways(&other, Way::LoadBalancer).len(), 1);
}

#[test]
fn appliances_behind_a_gateway_balancer_may_filter() {
    let gateway = part("gateway", "frontendIPConfigurations", "front");
    let mut front = public();
    front["gatewayLoadBalancer"] = gateway.clone();
    let open = || vec![rule("ssh", 100, "Allow", "Internet", "22")];
    let found = balanced(front.clone(), &[]).subnet_nsg(open()).analyse();
    let way = found.on(Way::LoadBalancer).unwrap();
    assert_class(way, Undetermined);
    assert!(way.sentence.contains("`gateway`"), "{}", way.sentence);
    let shut = balanced(front, &[]).subnet_nsg(vec![]).analyse();
    assert_class(shut.on(Way::LoadBalancer).unwrap(), Closed);
    let own = Estate::new()
        .public()
        .configure("gatewayLoadBalancer", gateway)
        .subnet_nsg(open())
        .analyse();
    assert_class(own.public(), Undetermined);
}

/// A machine behind a firewall whose child policy (group at 500) and parent policy (group at 60000) have one network
/// rule for port 22 each. How many openings the firewall's facts list.
fn openings(parent: &str, child: &str) -> usize {
    let policy = |name: &str| id("Microsoft.Network/firewallPolicies", name);
    let group = |name: &str, priority: u32, action: &str| {
        json!({ "id": policy(name) + "/ruleCollectionGroups/g", "properties": { "priority": priority, "ruleCollections": [{
            "ruleCollectionType": "FirewallPolicyFilterRuleCollection", "name": "c", "priority": 100,
            "action": { "type": action }, "rules": [{ "ruleType": "NetworkRule", "name": name, "ipProtocols": ["TCP"],
                "sourceAddresses": ["*"], "destinationAddresses": ["10.0.0.0/24"], "destinationPorts": ["22"] }] }] } })
    };
    let subnet = json!({ "name": "AzureFirewallSubnet", "id": subnet_id("AzureFirewallSubnet"),
        "properties": { "addressPrefix": "10.0.9.0/26" } });
    let found = Estate::new()
        .network("subnets", json!([subnet]))
        .add(json!({ "id": policy("parent"), "properties": { "threatIntelMode": "Alert" } }))
        .add(json!({ "id": policy("child"), "properties": { "basePolicy": { "id": policy("parent") } } }))
        .add(group("parent", 60000, parent))
        .add(group("child", 500, child))
        .add(
            json!({ "id": id("Microsoft.Network/azureFirewalls", "fw"), "properties": {
            "firewallPolicy": { "id": policy("child") },
            "ipConfigurations": [{ "name": "c", "properties": { "privateIPAddress": "10.0.9.4",
                "subnet": { "id": subnet_id("AzureFirewallSubnet") } } }] } }),
        )
        .analyse();
    let now = "2026-03-14T02:10:00Z".parse().unwrap();
    let facts = Facts::new(found.inventory(), &found.exposures, now);
    let machine = VmFacts::new(&facts, 0).unwrap();
    let Fact::Record(members) = machine.fact("firewall") else {
        return usize::MAX;
    };
    match members.iter().find(|(name, _)| &**name == "allows") {
        Some((_, Fact::List(allows))) => allows.len(),
        _ => usize::MAX,
    }
}

#[test]
fn v34_rules_of_the_parent_policy_come_first() {
    assert_eq!(openings("Allow", "Deny"), 1);
    assert_eq!(openings("Deny", "Allow"), 0);
    assert_eq!(openings("Deny", "Deny"), 0);
}

#[test]
fn the_first_of_two_nat_rules_wins() {
    let mut estate = to_the_frontend(balanced(internal(), &[]).subnet_nsg(vec![]), "22");
    let firewall = estate.resources.last_mut().unwrap();
    let collections = &mut firewall["properties"]["natRuleCollections"];
    let mut second = collections[0].clone();
    second["name"] = json!("later");
    second["properties"]["priority"] = json!(200);
    second["properties"]["rules"][0]["translatedAddress"] = json!("10.0.0.4");
    collections.as_array_mut().unwrap().push(second);
    let found = estate.analyse();
    let classes: Vec<ExposureClass> = ways(&found, Way::FirewallDnat)
        .iter()
        .map(|way| way.exposures[0].class)
        .collect();
    assert_eq!(classes, [Undetermined, Wide]);
}

/// The balancer of [`balanced`] in other words: without its rule.
fn without_rule(frontend: Value) -> Value {
    json!({ "id": id(BALANCER, "lb"), "sku": { "name": "Standard" }, "properties": {
        "frontendIPConfigurations": [{ "name": "front", "properties": frontend }],
        "backendAddressPools": [{ "name": "pool", "properties": {} }] } })
}

#[test]
fn a_contradicted_balancer_leaves_open_only_what_one_of_its_statements_leads_to() {
    let ssh = || vec![rule("ssh", 100, "Allow", "Internet", "22")];
    let led = balanced(public(), &[]).subnet_nsg(ssh()).add(without_rule(public()));
    let led = led.analyse().agreeing();
    assert_class(led.on(Way::LoadBalancer).unwrap(), Undetermined);
    // Whichever statement is read first.
    let mut resources = balanced(public(), &[]).subnet_nsg(ssh()).resources();
    resources.insert(0, without_rule(internal()));
    let led = Analysed::of(read(&Value::Array(resources))).agreeing();
    assert_class(led.on(Way::LoadBalancer).unwrap(), Undetermined);
    let elsewhere = Estate::new()
        .subnet_nsg(ssh())
        .add(without_rule(public()))
        .add(without_rule(internal()))
        .analyse()
        .agreeing();
    assert!(elsewhere.on(Way::LoadBalancer).is_none());
    assert!(elsewhere.reading.diagnostics.iter().any(|one| &*one.code == "conflict"));
}

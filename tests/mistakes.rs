//! Mistakes that models of Azure and scanners are known to make. Each test is a configuration for which the mistaken
//! reading gives another answer than the right one, and asserts the right one; its name is that of the mistake.
//! `tests/mutations/run.py` makes each mistake in the code and sees its test fail.

mod estate;

use ExposureClass::{AzureTenants, Closed, Narrow, NoReturnPath, Private, Wide};
use estate::*;
use portcullis::exposure::{ExposureClass, Way, shadows};
use portcullis::rule::fact::{Fact, FactSource};
use portcullis::rule::facts::{Estate as Facts, VmFacts};
use serde_json::{Value, json};

fn public(rules: Vec<Value>) -> Analysed {
    Estate::new().public().subnet_nsg(rules).analyse()
}

fn allow(source: &str) -> Value {
    rule("ssh", 100, "Allow", source, "22")
}

// ---- a network model that parses everything and evaluates little

#[test]
fn group_of_the_interface_ignored() {
    let found = Estate::new()
        .public()
        .subnet_nsg(vec![allow("*")])
        .nic_nsg(vec![rule("no", 100, "Deny", "*", "22")])
        .analyse();
    assert_class(found.public(), Closed);
}

#[test]
fn inbound_rules_put_on_the_way_out() {
    let mut out = allow("*");
    out["properties"]["direction"] = json!("Outbound");
    assert_class(public(vec![out]).public(), Closed);
    assert_class(public(vec![allow("*")]).public(), Wide);
}

#[test]
fn port_dropped_with_any_protocol() {
    let web = with(rule("web", 100, "Allow", "*", "443"), "protocol", json!("*"));
    assert_class(public(vec![web]).public(), Closed);
}

#[test]
fn plural_sources_with_an_absent_singular_one_read_as_any() {
    let mut listed = with(allow(""), "sourceAddressPrefixes", json!(["203.0.113.0/24"]));
    if let Some(properties) = listed["properties"].as_object_mut() {
        properties.remove("sourceAddressPrefix");
    }
    let found = public(vec![listed]);
    assert_class(found.public(), Narrow);
    assert_eq!(found.public().sources, ["203.0.113.0/24"]);
}

#[test]
fn virtual_network_read_as_private_space() {
    let found = public(vec![]);
    assert_eq!(found.private().sources, ["10.0.0.0/16"]);
}

#[test]
fn internet_read_as_the_complement_of_the_network() {
    let found = public(vec![allow("Internet")]);
    assert_eq!(found.private().sources, ["10.0.0.0/16"]);
}

#[test]
fn bare_address_read_as_nothing() {
    let found = public(vec![allow("203.0.113.5")]);
    assert_class(found.public(), Narrow);
    assert_eq!(found.public().addresses, "1");
}

#[test]
fn unknown_tag_read_as_nothing() {
    assert_class(public(vec![allow("AzureCloud")]).public(), AzureTenants);
    let found = public(vec![allow("ActionGroup")]);
    assert!(!matches!(found.public().class, Closed));
}

#[test]
fn group_of_machines_ignored() {
    let asg = id("Microsoft.Network/applicationSecurityGroups", "web");
    let mut to_group = allow("Internet");
    if let Some(properties) = to_group["properties"].as_object_mut() {
        properties.remove("destinationAddressPrefix");
    }
    let to_group = with(to_group, "destinationApplicationSecurityGroups", json!([{ "id": asg }]));
    let member = Estate::new()
        .public()
        .add(json!({ "id": asg }))
        .configure("applicationSecurityGroups", json!([{ "id": asg }]))
        .subnet_nsg(vec![to_group]);
    assert_class(member.analyse().public(), Wide);
}

#[test]
fn words_compared_with_case() {
    let mut shouted = with(allow("INTERNET"), "access", json!("ALLOW"));
    shouted["properties"]["direction"] = json!("inbound");
    shouted["properties"]["protocol"] = json!("TCP");
    assert_class(public(vec![shouted]).public(), Wide);
}

#[test]
fn default_rules_only_where_recorded() {
    let found = public(vec![]);
    assert_class(found.public(), Closed);
    assert_eq!(deciders(found.public()), ["sub/DenyAllInBound"]);
    assert_class(found.private(), Private);
}

#[test]
fn group_without_rules_read_as_no_group() {
    assert_class(
        Estate::new().public_with("Basic").subnet_nsg(vec![]).analyse().public(),
        Closed,
    );
}

#[test]
fn basic_and_standard_addresses_taken_alike() {
    assert_class(Estate::new().public_with("Basic").analyse().public(), Wide);
    assert_class(Estate::new().public().analyse().public(), Closed);
}

#[test]
fn ipv6_ignored() {
    let six = json!({ "name": "ip6", "properties": {
        "privateIPAddress": "fd00::4", "privateIPAddressVersion": "IPv6", "subnet": { "id": subnet_id("default") },
        "publicIPAddress": reference("Microsoft.Network/publicIPAddresses", "pip6") } });
    let pip = json!({ "id": id("Microsoft.Network/publicIPAddresses", "pip6"), "sku": { "name": "Standard" },
        "properties": { "publicIPAddressVersion": "IPv6" } });
    let found = Estate::new()
        .public()
        .subnet_nsg(vec![allow("::/0")])
        .add_configuration(six)
        .add(pip)
        .analyse();
    assert!(found.at(1, Way::PublicIp, 22).is_some_and(|way| way.class == Wide));
}

// ---- scanners that compare strings, rule by rule

#[test]
fn internet_known_by_some_spellings_only() {
    for source in ["*", "0.0.0.0/0", "Internet", "INTERNET", "internet", "Any"] {
        let found = public(vec![allow(source)]);
        assert!(matches!(found.public().class, Wide), "{source}");
    }
}

#[test]
fn halves_of_the_internet_not_joined() {
    let halves = with(allow(""), "sourceAddressPrefixes", json!(["0.0.0.0/1", "128.0.0.0/1"]));
    let found = public(vec![halves]);
    assert_class(found.public(), Wide);
    assert_eq!(found.public().sources, ["Internet"]);
}

#[test]
fn zero_address_read_as_any() {
    let found = public(vec![allow("0.0.0.0")]);
    assert_class(found.public(), Closed);
}

#[test]
fn priority_ignored() {
    let rules = vec![rule("open", 200, "Allow", "*", "22"), rule("no", 100, "Deny", "*", "*")];
    assert_class(public(rules).public(), Closed);
    let rules = vec![rule("no", 200, "Deny", "*", "*"), rule("open", 100, "Allow", "*", "22")];
    assert_class(public(rules).public(), Wide);
}

#[test]
fn port_compared_as_text() {
    for ports in ["*", "22-22", "20-30", "0-65535", " 22"] {
        assert_class(public(vec![rule("ssh", 100, "Allow", "*", ports)]).public(), Wide);
    }
    assert_class(
        public(vec![rule("other", 100, "Allow", "*", "220-222")]).public(),
        Closed,
    );
}

#[test]
fn plural_ports_ignored() {
    let mut listed = with(allow("*"), "destinationPortRanges", json!(["80", "22"]));
    listed["properties"]["destinationPortRange"] = json!("");
    assert_class(public(vec![listed]).public(), Wide);
}

#[test]
fn singular_wins_over_plural() {
    let both = with(allow("10.0.0.0/8"), "sourceAddressPrefixes", json!(["203.0.113.0/24"]));
    let found = public(vec![both]);
    assert_eq!(found.public().sources, ["203.0.113.0/24"]);
}

#[test]
fn attachment_ignored() {
    let loose = json!({ "id": nsg_id("loose"), "properties": { "securityRules": [allow("*")] } });
    assert_class(
        Estate::new().public().subnet_nsg(vec![]).add(loose).analyse().public(),
        Closed,
    );
}

#[test]
fn every_group_given_all_rules() {
    let other =
        json!({ "id": nsg_id("other") + "/securityRules/open", "properties": allow("*")["properties"].clone() });
    let owner = json!({ "id": nsg_id("other"), "properties": { "securityRules": [] } });
    let found = Estate::new()
        .public()
        .subnet_nsg(vec![])
        .add(owner)
        .add(other)
        .analyse();
    assert_class(found.public(), Closed);
}

#[test]
fn inline_rules_ignored_beside_children() {
    let child = json!({ "id": nsg_id("sub") + "/securityRules/far", "properties":
        rule("far", 200, "Allow", "198.51.100.0/24", "22")["properties"].clone() });
    let found = Estate::new()
        .public()
        .subnet_nsg(vec![allow("203.0.113.0/24")])
        .add(child)
        .analyse();
    assert_eq!(found.public().sources, ["198.51.100.0/24", "203.0.113.0/24"]);
}

#[test]
fn public_address_ignored() {
    let found = Estate::new().subnet_nsg(vec![allow("*")]).analyse();
    assert!(found.on(Way::PublicIp).is_none());
    assert_class(found.private(), Private);
}

#[test]
fn only_the_first_address_read() {
    let second = json!({ "name": "ip2", "properties": {
        "privateIPAddress": "10.0.0.5", "subnet": { "id": subnet_id("default") },
        "publicIPAddress": reference("Microsoft.Network/publicIPAddresses", "pip") } });
    let pip = json!({ "id": id("Microsoft.Network/publicIPAddresses", "pip"), "sku": { "name": "Standard" }, "properties": {} });
    let found = Estate::new()
        .subnet_nsg(vec![allow("*")])
        .add_configuration(second)
        .add(pip)
        .analyse();
    assert!(found.at(1, Way::PublicIp, 22).is_some_and(|way| way.class == Wide));
}

#[test]
fn source_port_taken_for_a_protection() {
    let tricky = with(allow("*"), "sourcePortRange", json!("22"));
    assert_class(public(vec![tricky]).public(), Wide);
}

#[test]
fn public_address_taken_for_the_destination() {
    let dead = with(allow("*"), "destinationAddressPrefix", json!("203.0.114.10"));
    assert_class(public(vec![dead]).public(), Closed);
}

#[test]
fn health_probes_taken_for_clients() {
    assert_class(public(vec![allow("AzureLoadBalancer")]).public(), Closed);
}

#[test]
fn routes_ignored_in_the_tag_and_on_the_way_back() {
    let routes = vec![("0.0.0.0/0", "VirtualAppliance", Some("10.1.0.4"))];
    let found = Estate::new().public().subnet_nsg(vec![]).routes(routes).analyse();
    assert_class(found.public(), NoReturnPath);
}

#[test]
fn overlapping_deny_of_another_source_not_subtracted() {
    let rules = vec![
        rule("no", 100, "Deny", "203.0.113.0/25", "22"),
        rule("ssh", 200, "Allow", "203.0.113.0/24", "22"),
    ];
    let found = public(rules);
    assert_eq!(found.public().sources, ["203.0.113.128/25"]);
}

#[test]
fn several_rules_that_shadow_together_missed() {
    let rules = vec![
        rule("low", 100, "Deny", "0.0.0.0/1", "22"),
        rule("high", 110, "Deny", "128.0.0.0/1", "22"),
        rule("ssh", 200, "Allow", "0.0.0.0/0", "22"),
    ];
    let found = public(rules);
    assert_class(found.public(), Closed);
    let groups = found.inventory().nsgs.iter().filter_map(|nsg| nsg.rules.known());
    let shadowed: Vec<bool> = groups
        .flat_map(|rules| shadows(rules))
        .map(|shadow| shadow.is_some())
        .collect();
    assert_eq!(shadowed, [false, false, true]);
}

// ---- ways and layers that neither knows

#[test]
fn load_balancer_ignored() {
    let balancer = id("Microsoft.Network/loadBalancers", "lb");
    let part = |kind: &str, name: &str| json!({ "id": format!("{balancer}/{kind}/{name}") });
    let found = Estate::new()
        .subnet_nsg(vec![allow("*")])
        .configure(
            "loadBalancerBackendAddressPools",
            json!([part("backendAddressPools", "pool")]),
        )
        .add(json!({ "id": balancer, "sku": { "name": "Standard" }, "properties": {
            "frontendIPConfigurations": [{ "name": "front", "properties": {
                "publicIPAddress": reference("Microsoft.Network/publicIPAddresses", "lbpip") } }],
            "backendAddressPools": [{ "name": "pool", "properties": {} }],
            "loadBalancingRules": [{ "name": "ssh", "properties": {
                "frontendIPConfiguration": part("frontendIPConfigurations", "front"),
                "backendAddressPool": part("backendAddressPools", "pool"),
                "protocol": "Tcp", "frontendPort": 50022, "backendPort": 22 } }] } }))
        .analyse();
    let way = found.on(Way::LoadBalancer);
    assert!(way.is_some_and(|way| way.class == Wide && way.front_port == Some(50022)));
}

#[test]
fn firewall_ignored() {
    let reserved = json!({ "name": "AzureFirewallSubnet", "id": subnet_id("AzureFirewallSubnet"),
        "properties": { "addressPrefix": "10.0.9.0/26" } });
    let nat = json!({ "name": "ssh", "protocols": ["TCP"], "sourceAddresses": ["203.0.113.0/24"],
        "destinationAddresses": ["20.0.0.5"], "destinationPorts": ["50022"], "translatedAddress": "10.0.0.4",
        "translatedPort": "22" });
    let found = Estate::new()
        .network("subnets", json!([reserved]))
        .subnet_nsg(vec![])
        .add(
            json!({ "id": id("Microsoft.Network/azureFirewalls", "fw"), "properties": {
            "ipConfigurations": [{ "name": "c", "properties": { "privateIPAddress": "10.0.9.4",
                "subnet": { "id": subnet_id("AzureFirewallSubnet") } } }],
            "natRuleCollections": [{ "name": "nat", "properties": {
                "priority": 100, "action": { "type": "Dnat" }, "rules": [nat] } }] } }),
        )
        .analyse();
    let way = found.on(Way::FirewallDnat);
    assert!(way.is_some_and(|way| way.class == Narrow && way.sources == ["203.0.113.0/24"]));
}

#[test]
fn admin_rules_ignored() {
    let manager = id("Microsoft.Network/networkManagers", "manager");
    let configuration = format!("{manager}/securityAdminConfigurations/c");
    let group = format!("{manager}/networkGroups/all");
    let prefix = |text: &str| json!([{ "addressPrefixType": "IPPrefix", "addressPrefix": text }]);
    let found = Estate::new()
        .public()
        .subnet_nsg(vec![allow("*")])
        .add(json!({ "id": format!("{configuration}/ruleCollections/rc"),
            "properties": { "appliesToGroups": [{ "networkGroupId": group }] } }))
        .add(json!({ "id": format!("{group}/staticMembers/m"),
            "properties": { "resourceId": id("Microsoft.Network/virtualNetworks", "vnet") } }))
        .add(
            json!({ "id": format!("{configuration}/ruleCollections/rc/rules/no"), "kind": "Custom", "properties": {
            "protocol": "Tcp", "access": "Deny", "priority": 10, "direction": "Inbound", "sources": prefix("*"),
            "destinations": prefix("*"), "sourcePortRanges": ["0-65535"], "destinationPortRanges": ["22"] } }),
        )
        .add(
            json!({ "id": format!("{manager}/listDeploymentStatus"), "value": [{ "region": "westeurope",
            "deploymentStatus": "Deployed", "deploymentType": "SecurityAdmin", "configurationIds": [configuration],
            "commitTime": "2026-03-01T00:00:00Z" }] }),
        )
        .analyse();
    assert_class(found.public(), Closed);
}

#[test]
fn plural_sources_ignored() {
    let listed = with(
        allow(""),
        "sourceAddressPrefixes",
        json!(["203.0.113.0/24", "Internet"]),
    );
    assert_class(public(vec![listed]).public(), Wide);
}

#[test]
fn default_rules_taken_for_denials() {
    let found = public(vec![]);
    assert_class(found.private(), Private);
    assert_eq!(deciders(found.private()), ["sub/AllowVnetInBound"]);
}

#[test]
fn only_the_first_group_of_machines_read() {
    let asg = |name: &str| id("Microsoft.Network/applicationSecurityGroups", name);
    let mut to_groups = allow("Internet");
    if let Some(properties) = to_groups["properties"].as_object_mut() {
        properties.remove("destinationAddressPrefix");
    }
    let both = json!([{ "id": asg("db") }, { "id": asg("web") }]);
    let to_groups = with(to_groups, "destinationApplicationSecurityGroups", both);
    let member = Estate::new()
        .public()
        .add(json!({ "id": asg("db") }))
        .add(json!({ "id": asg("web") }))
        .configure("applicationSecurityGroups", json!([{ "id": asg("web") }]))
        .subnet_nsg(vec![to_groups]);
    assert_class(member.analyse().public(), Wide);
}

#[test]
fn prefix_of_length_zero_read_as_nothing() {
    assert_class(public(vec![allow("0.0.0.0/0")]).public(), Wide);
}

#[test]
fn policy_for_other_ports_taken_for_cover() {
    let vm = id("Microsoft.Compute/virtualMachines", "vm");
    let policy = id(
        "Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies",
        "default",
    );
    let found = Estate::new()
        .public()
        .subnet_nsg(vec![allow("*")])
        .add(json!({ "id": policy, "location": "westeurope", "properties": { "virtualMachines": [{ "id": vm, "ports": [
            { "number": 3389, "protocol": "*", "allowedSourceAddressPrefix": "*", "maxRequestAccessDuration": "PT3H" }] }] } }))
        .analyse();
    assert_eq!(protected(&found), Some(vec![Fact::Int(3389)]));
}

/// The ports of the machine that a just-in-time policy protects.
fn protected(found: &Analysed) -> Option<Vec<Fact>> {
    let now = "2026-03-14T02:10:00Z".parse().ok()?;
    let facts = Facts::new(found.inventory(), &found.exposures, now);
    let Fact::Record(members) = VmFacts::new(&facts, 0)?.fact("jit") else {
        return None;
    };
    match members.iter().find(|(name, _)| &**name == "ports") {
        Some((_, Fact::List(ports))) => Some(ports.to_vec()),
        _ => None,
    }
}

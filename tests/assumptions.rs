//! Open questions: each has a reading that is taken, named where it matters, and one that can be chosen instead.
#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

mod estate;

use ExposureClass::{Closed, NoReturnPath, Undetermined, Wide};
use estate::*;
use portcullis::exposure::{ExposureClass, Way};
use portcullis::model::{Choices, choices};
use portcullis::rule::assumption::in_force;
use serde_json::{Value, json};

fn chosen(estate: Estate, choice: &str) -> Analysed {
    let mut reading = estate.read();
    reading.inventory.choices.choose(choice).unwrap();
    Analysed::of(reading).agreeing()
}

fn named(found: &Analysed) -> Vec<&'static str> {
    in_force(found.inventory())
        .into_iter()
        .map(|assumed| assumed.id)
        .collect()
}

#[test]
fn only_known_names_and_values_are_taken() {
    let mut choices = Choices::default();
    assert!(choices.choose("jit=unknown").is_ok());
    assert!(choices.is(&choices::JIT, "unknown"));
    assert!(choices.choose("jit=maybe").unwrap_err().contains("none, unknown"));
    assert!(choices.choose("weather=fine").unwrap_err().contains("zero-prefix"));
    assert!(choices.choose("jit").is_err());
    for question in choices::QUESTIONS {
        for answer in question.answers {
            assert!(choices.choose(&format!("{}={answer}", question.name)).is_ok());
        }
    }
}

fn dual_stack() -> Estate {
    let six = json!({ "name": "ip6", "properties": {
        "privateIPAddress": "fd00::4", "privateIPAddressVersion": "IPv6", "subnet": { "id": subnet_id("default") },
        "publicIPAddress": reference("Microsoft.Network/publicIPAddresses", "pip6") } });
    let pip = json!({ "id": id("Microsoft.Network/publicIPAddresses", "pip6"), "sku": { "name": "Standard" },
        "properties": { "publicIPAddressVersion": "IPv6" } });
    Estate::new()
        .public()
        .subnet_nsg(vec![rule("zero", 100, "Allow", "0.0.0.0/0", "22")])
        .add_configuration(six)
        .add(pip)
}

#[test]
fn the_zero_prefix_is_ipv4_unless_chosen() {
    assert_class(dual_stack().analyse().at(1, Way::PublicIp, 22).unwrap(), Closed);
    let both = chosen(dual_stack(), "zero-prefix=both");
    assert_class(both.at(1, Way::PublicIp, 22).unwrap(), Wide);
    assert!(named(&both).contains(&"zero-prefix"));
}

fn routed() -> Estate {
    Estate::new()
        .public()
        .subnet_nsg(vec![rule("no", 100, "Deny", "Internet", "22")])
        .routes(vec![("0.0.0.0/0", "VirtualAppliance", Some("10.1.0.4"))])
}

#[test]
fn internet_keeps_what_a_default_route_puts_into_the_network() {
    let kept = routed().analyse();
    assert_class(kept.public(), Closed);
    assert!(named(&kept).contains(&"routed-internet"));
    assert_class(chosen(routed(), "routed-internet=shrinks").public(), NoReturnPath);
}

#[test]
fn which_routes_enter_the_tag_can_be_chosen() {
    let to = |hop: &'static str| {
        Estate::new()
            .subnet_nsg(vec![])
            .routes(vec![("172.20.0.0/16", hop, None)])
    };
    let holds = |found: &Analysed| found.private().sources.contains(&"172.20.0.0/16".to_owned());
    assert!(holds(&to("VirtualNetworkGateway").analyse()));
    assert!(!holds(&chosen(to("VirtualNetworkGateway"), "route-tag=appliance")));
    assert!(!holds(&to("Internet").analyse()));
    assert!(holds(&chosen(to("Internet"), "route-tag=every-hop")));
}

fn delivered() -> Estate {
    let network = id("Microsoft.Network/virtualNetworks", "vnet");
    let manager = id("Microsoft.Network/networkManagers", "m");
    Estate::new().public().add(json!({ "id": network + "/listNetworkManagerEffectiveSecurityAdminRules", "value": [{
        "id": format!("{manager}/securityAdminConfigurations/c/ruleCollections/rc/rules/in"), "properties": {
            "protocol": "Tcp", "access": "AlwaysAllow", "priority": 1, "direction": "Inbound",
            "sources": [{ "addressPrefixType": "IPPrefix", "addressPrefix": "*" }], "destinationPortRanges": ["22"] } }] }))
}

#[test]
fn always_allow_without_a_group_can_be_chosen() {
    assert_class(delivered().analyse().public(), Undetermined);
    assert_class(chosen(delivered(), "always-allow=open").public(), Wide);
    assert_class(chosen(delivered(), "always-allow=closed").public(), Closed);
}

/// A NAT rule in the parent of the firewall's policy.
fn inherited() -> Estate {
    let policy = |name: &str| id("Microsoft.Network/firewallPolicies", name);
    let subnet = json!({ "name": "AzureFirewallSubnet", "id": subnet_id("AzureFirewallSubnet"),
        "properties": { "addressPrefix": "10.0.9.0/26" } });
    Estate::new()
        .subnet_nsg(vec![])
        .network("subnets", json!([subnet]))
        .add(json!({ "id": policy("parent"), "properties": { "threatIntelMode": "Alert" } }))
        .add(json!({ "id": policy("child"), "properties": { "basePolicy": { "id": policy("parent") } } }))
        .add(json!({ "id": policy("parent") + "/ruleCollectionGroups/g", "properties": { "priority": 100,
            "ruleCollections": [{ "ruleCollectionType": "FirewallPolicyNatRuleCollection", "name": "nat", "priority": 100,
                "action": { "type": "DNAT" }, "rules": [{ "ruleType": "NatRule", "name": "ssh", "ipProtocols": ["TCP"],
                    "sourceAddresses": ["*"], "destinationAddresses": ["20.0.0.5"], "destinationPorts": ["50022"],
                    "translatedAddress": "10.0.0.4", "translatedPort": "22" }] }] } }))
        .add(json!({ "id": id("Microsoft.Network/azureFirewalls", "fw"), "properties": {
            "firewallPolicy": { "id": policy("child") },
            "ipConfigurations": [{ "name": "c", "properties": { "privateIPAddress": "10.0.9.4",
                "subnet": { "id": subnet_id("AzureFirewallSubnet") } } }] } }))
}

#[test]
fn nat_rules_of_a_parent_policy_are_inherited_unless_chosen() {
    let found = inherited().analyse();
    assert_class(found.on(Way::FirewallDnat).unwrap(), Wide);
    assert!(named(&found).contains(&"parent-nat"));
    assert!(chosen(inherited(), "parent-nat=own").on(Way::FirewallDnat).is_none());
}

#[test]
fn members_that_a_policy_adds_can_be_allowed_for() {
    let manager = id("Microsoft.Network/networkManagers", "m");
    let configuration = format!("{manager}/securityAdminConfigurations/c");
    let group = format!("{manager}/networkGroups/g");
    let estate = || {
        Estate::new()
            .public()
            .subnet_nsg(vec![rule("ssh", 100, "Allow", "*", "22")])
            .add(json!({ "id": format!("{configuration}/ruleCollections/rc"), "properties": {
                "appliesToGroups": [{ "networkGroupId": group }] } }))
            .add(json!({ "id": format!("{group}/staticMembers/m"), "properties": {
                "resourceId": id("Microsoft.Network/virtualNetworks", "other") } }))
            .add(json!({ "id": format!("{configuration}/ruleCollections/rc/rules/no"), "properties": {
                "protocol": "Tcp", "access": "Deny", "priority": 1, "direction": "Inbound",
                "sources": [], "destinations": [], "destinationPortRanges": ["22"] } }))
            .add(json!({ "id": format!("{manager}/listDeploymentStatus"), "value": [{ "region": "westeurope",
                "deploymentStatus": "Deployed", "deploymentType": "SecurityAdmin", "configurationIds": [configuration] }] }))
    };
    assert_class(estate().analyse().public(), Wide);
    assert_class(chosen(estate(), "group-members=unknown").public(), Undetermined);
}

#[test]
fn unknown_spaces_can_be_taken_as_private() {
    let estate = || {
        Estate::new()
            .public()
            .subnet_nsg(vec![rule("net", 100, "Allow", "Internet", "22")])
            .network("addressSpace", Value::Null)
    };
    assert_class(estate().analyse().public(), Undetermined);
    let private = chosen(estate(), "unknown-space=private");
    assert_class(private.public(), Wide);
    assert!(named(&private).contains(&"unknown-space"));
}

#[test]
fn an_estate_without_cause_names_no_open_question() {
    let plain = Estate::new().public().subnet_nsg(vec![]).analyse();
    let names = named(&plain);
    for id in [
        "routed-internet",
        "parent-nat",
        "deny-after-nat",
        "zero-prefix",
        "group-members",
    ] {
        assert!(!names.contains(&id), "{id}");
    }
}

/// A machine whose public address states no SKU, and which no group filters.
fn unstated_sku() -> Estate {
    let pip =
        json!({ "id": id("Microsoft.Network/publicIPAddresses", "pip"), "properties": { "ipAddress": "192.0.2.1" } });
    Estate::new()
        .configure(
            "publicIPAddress",
            reference("Microsoft.Network/publicIPAddresses", "pip"),
        )
        .add(pip)
}

#[test]
fn an_unstated_sku_is_basic_unless_chosen() {
    let basic = unstated_sku().analyse();
    assert_class(basic.public(), Wide);
    assert!(named(&basic).contains(&"unstated-sku"));
    let standard = chosen(unstated_sku(), "unstated-sku=standard");
    assert_class(standard.public(), Closed);
    assert!(!named(&standard).contains(&"unstated-sku"));
    assert_class(chosen(unstated_sku(), "unstated-sku=unknown").public(), Undetermined);
}

fn peered(access: &Value) -> Estate {
    let peering = json!([{ "name": "p", "properties": { "peeringState": "Connected",
        "allowVirtualNetworkAccess": access,
        "remoteVirtualNetwork": reference("Microsoft.Network/virtualNetworks", "other"),
        "remoteAddressSpace": { "addressPrefixes": ["10.5.0.0/16"] } } }]);
    Estate::new()
        .network("virtualNetworkPeerings", peering)
        .subnet_nsg(vec![])
}

#[test]
fn a_peering_that_says_nothing_allows_access_unless_chosen() {
    let silent = || peered(&Value::Null);
    let found = silent().analyse();
    assert_eq!(found.private().sources, ["10.0.0.0/16", "10.5.0.0/16"]);
    assert!(named(&found).contains(&"peering-access"));
    assert!(!named(&peered(&json!(true)).analyse()).contains(&"peering-access"));
    assert_eq!(
        chosen(silent(), "peering-access=denied").private().sources,
        ["10.0.0.0/16"]
    );
    let open = chosen(silent(), "peering-access=unknown");
    assert!(
        open.private().gaps.iter().any(|gap| gap.contains("`p`")),
        "{:?}",
        open.private().gaps
    );
}

#[test]
fn members_of_a_group_in_several_networks_count_unless_chosen() {
    let asg = id("Microsoft.Network/applicationSecurityGroups", "jump");
    let member = |name: &str, address: &str, network: &str| {
        json!({ "id": id("Microsoft.Network/networkInterfaces", name), "properties": { "ipConfigurations": [{
            "name": "c", "properties": { "privateIPAddress": address, "applicationSecurityGroups": [{ "id": asg }],
                "subnet": { "id": id("Microsoft.Network/virtualNetworks", network) + "/subnets/default" } } }] } })
    };
    let mut from_group = rule("jump", 100, "Allow", "", "22");
    from_group["properties"]["sourceAddressPrefix"] = Value::Null;
    from_group["properties"]["sourceApplicationSecurityGroups"] = json!([{ "id": asg }]);
    let estate = || {
        Estate::new()
            .subnet_nsg(vec![from_group.clone(), rule("no", 200, "Deny", "*", "*")])
            .add(json!({ "id": asg }))
            .add(member("a", "10.0.0.9", "vnet"))
            .add(member("b", "10.5.0.9", "other"))
    };
    let found = estate().analyse();
    assert_eq!(found.private().sources, ["10.0.0.9", "10.5.0.9"]);
    assert!(named(&found).contains(&"asg-members"));
    assert_class(chosen(estate(), "asg-members=unknown").private(), Undetermined);
}

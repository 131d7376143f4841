//! The test vectors of the network reference, by number: configuration in, the right answer out.

mod estate;

use ExposureClass::{AzureTenants, Closed, Narrow, NoReturnPath, Private, Wide};
use estate::*;
use portcullis::exposure::{ExposureClass, Way};
use serde_json::json;

#[test]
fn v01_both_groups_must_allow() {
    let found = Estate::new()
        .public()
        .subnet_nsg(vec![rule("ssh", 100, "Allow", "*", "22")])
        .nic_nsg(vec![])
        .analyse();
    assert_class(found.public(), Closed);
    assert_eq!(deciders(found.public()), ["nic/DenyAllInBound"]);
    assert_class(found.private(), Private);
}

#[test]
fn v02_standard_address_without_any_group_is_closed() {
    let found = Estate::new().public().analyse();
    assert_class(found.public(), Closed);
    assert_class(found.private(), Private);
}

#[test]
fn v03_basic_address_without_any_group_is_open() {
    let found = Estate::new().public_with("Basic").analyse();
    assert_class(found.public(), Wide);
    assert_eq!(found.public().sources, ["Internet"]);
    assert_eq!(deciders(found.public()), ["/no network security group"]);
}

#[test]
fn v04_group_without_rules_admits_the_virtual_network() {
    let found = Estate::new().subnet_nsg(vec![]).analyse();
    assert!(found.on(Way::PublicIp).is_none());
    assert_class(found.private(), Private);
    assert_eq!(found.private().sources, ["10.0.0.0/16"]);
    assert_eq!(deciders(found.private()), ["sub/AllowVnetInBound"]);
}

#[test]
fn v05_wide_but_for_a_denied_prefix() {
    let rules = vec![
        rule("bad", 100, "Deny", "203.0.113.0/24", "*"),
        rule("ssh", 200, "Allow", "Internet", "22"),
    ];
    let open = Estate::new()
        .public()
        .subnet_nsg(vec![rule("ssh", 200, "Allow", "Internet", "22")])
        .analyse();
    let found = Estate::new().public().subnet_nsg(rules).analyse();
    let count = |text: &str| text.parse::<u128>().unwrap();
    assert_class(found.public(), Wide);
    assert_eq!(count(&found.public().addresses), count(&open.public().addresses) - 256);
    assert!(
        found
            .public()
            .sentence
            .contains("every public IPv4 address but 203.0.113.0/24"),
        "{}",
        found.public().sentence
    );
}

#[test]
fn v06_an_earlier_deny_shadows_the_allow() {
    let rules = vec![rule("no", 100, "Deny", "*", "22"), rule("ssh", 200, "Allow", "*", "22")];
    let found = Estate::new().public().subnet_nsg(rules).analyse();
    assert_class(found.public(), Closed);
    assert_eq!(deciders(found.public()), ["sub/no"]);
}

#[test]
fn v07_another_protocol_does_not_open_tcp() {
    let udp = with(rule("udp", 100, "Allow", "*", "20-30"), "protocol", json!("Udp"));
    assert_class(Estate::new().public().subnet_nsg(vec![udp]).analyse().public(), Closed);
}

#[test]
fn v08_two_halves_are_the_whole() {
    let halves = with(
        rule("ssh", 100, "Allow", "", "22"),
        "sourceAddressPrefixes",
        json!(["0.0.0.0/1", "128.0.0.0/1"]),
    );
    let found = Estate::new().public().subnet_nsg(vec![halves]).analyse();
    assert_class(found.public(), Wide);
    assert_eq!(found.public().sources, ["Internet"]);
}

#[test]
fn v09_health_probes_are_no_clients() {
    let found = Estate::new()
        .public()
        .subnet_nsg(vec![rule("probe", 100, "Allow", "AzureLoadBalancer", "22")])
        .analyse();
    assert_class(found.public(), Closed);
    assert_eq!(found.private().sources, ["10.0.0.0/16"]);
}

#[test]
fn v10_azure_cloud_is_any_tenant() {
    let found = Estate::new()
        .public()
        .subnet_nsg(vec![rule("cloud", 100, "Allow", "AzureCloud", "22")])
        .analyse();
    assert_class(found.public(), AzureTenants);
    assert_eq!(deciders(found.public()), ["sub/cloud"]);
}

#[test]
fn v11_default_route_to_an_appliance_admits_all_without_return_path() {
    let found =
        Estate::new()
            .public()
            .subnet_nsg(vec![])
            .routes(vec![("0.0.0.0/0", "VirtualAppliance", Some("10.1.0.4"))]);
    let found = found.analyse();
    assert_class(found.public(), NoReturnPath);
    assert_eq!(deciders(found.public()), ["sub/AllowVnetInBound"]);
}

#[test]
fn v12_a_longer_route_revives_its_prefix() {
    let routes = vec![
        ("0.0.0.0/0", "VirtualAppliance", Some("10.1.0.4")),
        ("198.51.100.0/24", "Internet", None),
    ];
    let found = Estate::new().public().subnet_nsg(vec![]).routes(routes).analyse();
    assert_class(found.public(), Narrow);
    assert_eq!(found.public().sources, ["198.51.100.0/24"]);
}

/// A firewall in the machine's network with one NAT rule 50022 -> 10.0.0.4:22.
fn behind_firewall(source: &str) -> Estate {
    let rule = json!({ "name": "ssh", "protocols": ["TCP"], "sourceAddresses": [source],
        "destinationAddresses": ["20.0.0.5"], "destinationPorts": ["50022"],
        "translatedAddress": "10.0.0.4", "translatedPort": "22" });
    let firewall_subnet = json!({ "name": "AzureFirewallSubnet", "id": subnet_id("AzureFirewallSubnet"),
        "properties": { "addressPrefix": "10.0.9.0/26" } });
    Estate::new().network("subnets", json!([firewall_subnet])).add(json!({
        "id": id("Microsoft.Network/azureFirewalls", "fw"),
        "properties": {
            "sku": { "name": "AZFW_VNet", "tier": "Standard" },
            "ipConfigurations": [{ "name": "c", "properties": {
                "privateIPAddress": "10.0.9.4", "subnet": { "id": subnet_id("AzureFirewallSubnet") },
                "publicIPAddress": reference("Microsoft.Network/publicIPAddresses", "fwpip") } }],
            "natRuleCollections": [{ "name": "nat", "properties": {
                "priority": 100, "action": { "type": "Dnat" }, "rules": [rule] } }],
        },
    }))
}

#[test]
fn v13_destination_nat_admits_the_internet_through_the_default_rule() {
    let found = behind_firewall("*").subnet_nsg(vec![]).analyse();
    let way = found.on(Way::FirewallDnat).unwrap();
    assert_class(way, Wide);
    assert_eq!(way.front_port, Some(50022));
    assert_eq!(deciders(way), ["sub/AllowVnetInBound"]);
    assert!(found.on(Way::PublicIp).is_none());
}

#[test]
fn v14_the_nat_rule_filters_the_client() {
    let found = behind_firewall("203.0.113.7").subnet_nsg(vec![]).analyse();
    let way = found.on(Way::FirewallDnat).unwrap();
    assert_class(way, Narrow);
    assert_eq!(way.sources, ["203.0.113.7"]);
}

#[test]
fn v15_the_group_sees_the_firewalls_address() {
    let found = behind_firewall("*")
        .nic_nsg(vec![rule("no", 100, "Deny", "VirtualNetwork", "22")])
        .analyse();
    let way = found.on(Way::FirewallDnat).unwrap();
    assert_class(way, Closed);
    assert_eq!(deciders(way), ["nic/no"]);
}

#[test]
fn v16_a_tight_looking_group_is_open_through_nat() {
    let rules = vec![
        rule("fw", 100, "Allow", "10.0.9.0/26", "22"),
        rule("no", 200, "Deny", "*", "*"),
    ];
    let found = behind_firewall("*").nic_nsg(rules).analyse();
    assert_class(found.on(Way::FirewallDnat).unwrap(), Wide);
}

/// A public load balancer with one inbound NAT rule 4422 -> 22 of the machine.
fn behind_balancer() -> Estate {
    let balancer = id("Microsoft.Network/loadBalancers", "lb");
    let frontend = format!("{balancer}/frontendIPConfigurations/front");
    Estate::new()
        .configure(
            "loadBalancerInboundNatRules",
            json!([{ "id": format!("{balancer}/inboundNatRules/ssh") }]),
        )
        .add(json!({
            "id": balancer, "sku": { "name": "Standard" },
            "properties": {
                "frontendIPConfigurations": [{ "name": "front", "id": frontend, "properties": {
                    "publicIPAddress": reference("Microsoft.Network/publicIPAddresses", "lbpip") } }],
                "inboundNatRules": [{ "name": "ssh", "properties": {
                    "frontendIPConfiguration": { "id": frontend }, "protocol": "Tcp",
                    "frontendPort": 4422, "backendPort": 22 } }],
            },
        }))
}

#[test]
fn v17_the_group_sees_the_backend_port() {
    let front = behind_balancer()
        .subnet_nsg(vec![rule("front", 100, "Allow", "Internet", "4422")])
        .analyse();
    assert_class(front.on(Way::LoadBalancer).unwrap(), Closed);
    let back = behind_balancer()
        .subnet_nsg(vec![rule("back", 100, "Allow", "Internet", "22")])
        .analyse();
    let way = back.on(Way::LoadBalancer).unwrap();
    assert_class(way, Wide);
    assert_eq!(way.front_port, Some(4422));
}

#[test]
fn v19_the_public_address_is_no_destination() {
    let dead = with(
        rule("ssh", 100, "Allow", "Internet", "22"),
        "destinationAddressPrefix",
        json!("203.0.114.10"),
    );
    assert_class(Estate::new().public().nic_nsg(vec![dead]).analyse().public(), Closed);
}

fn peer(access: bool) -> serde_json::Value {
    json!([{ "name": "p", "properties": {
        "peeringState": "Connected", "allowVirtualNetworkAccess": access,
        "remoteVirtualNetwork": reference("Microsoft.Network/virtualNetworks", "other"),
        "remoteAddressSpace": { "addressPrefixes": ["10.5.0.0/16"] } } }])
}

#[test]
fn v23_a_peering_without_access_is_outside_the_tag_but_not_out_of_reach() {
    let open = Estate::new()
        .network("virtualNetworkPeerings", peer(true))
        .subnet_nsg(vec![])
        .analyse();
    assert_eq!(open.private().sources, ["10.0.0.0/16", "10.5.0.0/16"]);
    let shut = Estate::new()
        .network("virtualNetworkPeerings", peer(false))
        .subnet_nsg(vec![])
        .analyse();
    assert_eq!(shut.private().sources, ["10.0.0.0/16"]);
    let named = vec![rule("peer", 100, "Allow", "10.5.0.0/16", "22")];
    let named = Estate::new()
        .network("virtualNetworkPeerings", peer(false))
        .subnet_nsg(named)
        .analyse();
    assert_eq!(named.private().sources, ["10.0.0.0/16", "10.5.0.0/16"]);
}

#[test]
fn v24_unconnected_private_space_is_in_neither_tag() {
    let found = Estate::new()
        .public()
        .subnet_nsg(vec![rule("ssh", 100, "Allow", "Internet", "22")])
        .analyse();
    assert_eq!(found.private().sources, ["10.0.0.0/16"]);
    assert_class(found.public(), Wide);
}

#[test]
fn v25_a_group_of_machines_as_destination() {
    let asg = id("Microsoft.Network/applicationSecurityGroups", "web");
    let mut allow = rule("web", 100, "Allow", "Internet", "22");
    allow["properties"]
        .as_object_mut()
        .unwrap()
        .remove("destinationAddressPrefix");
    let allow = with(allow, "destinationApplicationSecurityGroups", json!([{ "id": asg }]));
    let outside = Estate::new()
        .public()
        .add(json!({ "id": asg }))
        .subnet_nsg(vec![allow.clone()])
        .analyse();
    assert_class(outside.public(), Closed);
    let member = Estate::new().public().add(json!({ "id": asg })).subnet_nsg(vec![allow]);
    let member = member
        .configure("applicationSecurityGroups", json!([{ "id": asg.to_uppercase() }]))
        .analyse();
    assert_class(member.public(), Wide);
}

#[test]
fn v26_each_address_is_judged_apart() {
    let only = with(
        rule("ssh", 100, "Allow", "Internet", "22"),
        "destinationAddressPrefix",
        json!("10.0.0.5/32"),
    );
    let second = json!({ "name": "ip2", "properties": {
        "privateIPAddress": "10.0.0.5", "subnet": { "id": subnet_id("default") },
        "publicIPAddress": reference("Microsoft.Network/publicIPAddresses", "pip2") } });
    let pip = json!({ "id": id("Microsoft.Network/publicIPAddresses", "pip2"), "sku": { "name": "Standard" }, "properties": {} });
    let found = Estate::new()
        .public()
        .nic_nsg(vec![only])
        .add_configuration(second)
        .add(pip)
        .analyse();
    assert_class(found.at(0, Way::PublicIp, 22).unwrap(), Closed);
    assert_class(found.at(1, Way::PublicIp, 22).unwrap(), Wide);
}

#[test]
fn v27_a_client_chooses_its_source_port() {
    let tricky = with(rule("ssh", 100, "Allow", "*", "22"), "sourcePortRange", json!("22"));
    assert_class(Estate::new().public().subnet_nsg(vec![tricky]).analyse().public(), Wide);
}

#[test]
fn v28_every_protocol_on_another_port_does_not_open_ssh() {
    let web = with(rule("web", 100, "Allow", "*", "443"), "protocol", json!("*"));
    assert_class(Estate::new().public().subnet_nsg(vec![web]).analyse().public(), Closed);
}

#[test]
fn v29_ipv6_any_opens_ipv6_only() {
    let six = json!({ "name": "ip6", "properties": {
        "privateIPAddress": "fd00::4", "privateIPAddressVersion": "IPv6", "subnet": { "id": subnet_id("default") },
        "publicIPAddress": reference("Microsoft.Network/publicIPAddresses", "pip6") } });
    let pip = json!({ "id": id("Microsoft.Network/publicIPAddresses", "pip6"), "sku": { "name": "Standard" },
        "properties": { "publicIPAddressVersion": "IPv6" } });
    let found = Estate::new()
        .public()
        .subnet_nsg(vec![rule("six", 100, "Allow", "::/0", "22")]);
    let found = found.add_configuration(six).add(pip).analyse();
    assert_class(found.at(0, Way::PublicIp, 22).unwrap(), Closed);
    assert_class(found.at(1, Way::PublicIp, 22).unwrap(), Wide);
}

#[test]
fn v30_a_nat_gateway_is_no_way_in() {
    let gateway = reference("Microsoft.Network/natGateways", "nat");
    let found = Estate::new()
        .subnet("natGateway", gateway)
        .subnet_nsg(vec![rule("any", 100, "Allow", "*", "22")])
        .analyse();
    assert!(found.on(Way::PublicIp).is_none());
    assert_class(found.private(), Private);
}

#[test]
fn v31_without_a_public_path_an_open_rule_is_latent() {
    let found = Estate::new()
        .subnet_nsg(vec![rule("any", 100, "Allow", "*", "22")])
        .analyse();
    assert_eq!(found.exposures.machines[0].targets[0].ways.len(), 1);
    assert_class(found.private(), Private);
    assert_eq!(deciders(found.private()), ["sub/any"]);
}

#[test]
fn v32_a_manual_allow_above_the_jit_deny_stays_open() {
    let rules = vec![
        rule("manual", 300, "Allow", "*", "22"),
        rule(
            "MicrosoftDefenderForCloud-JITRule_-1_0123456789ABCDEF0123456789ABCDEF",
            1000,
            "Deny",
            "*",
            "22",
        ),
    ];
    let found = Estate::new().public().subnet_nsg(rules).analyse();
    assert_class(found.public(), Wide);
    assert_eq!(deciders(found.public()), ["sub/manual"]);
}

#[test]
fn v33_public_space_of_the_network_is_not_internet() {
    let network = || {
        Estate::new().network(
            "addressSpace",
            json!({ "addressPrefixes": ["10.0.0.0/16", "20.10.0.0/16"] }),
        )
    };
    let found = network()
        .public()
        .subnet_nsg(vec![rule("net", 100, "Allow", "Internet", "22")])
        .analyse();
    let all: u128 = Estate::new()
        .public()
        .subnet_nsg(vec![rule("net", 100, "Allow", "Internet", "22")])
        .analyse()
        .public()
        .addresses
        .parse()
        .unwrap();
    assert_eq!(found.public().addresses.parse::<u128>().unwrap(), all - 65_536);
    assert_eq!(found.private().sources, ["10.0.0.0/16", "20.10.0.0/16"]);
}

/// A security admin rule for port 22 whose collection applies to the machine's network.
fn admin_rule(estate: Estate, access: &str, source: &str) -> Estate {
    let manager = id("Microsoft.Network/networkManagers", "manager");
    let group = format!("{manager}/networkGroups/all");
    let collection = format!("{manager}/securityAdminConfigurations/c/ruleCollections/rc");
    estate
        .add(json!({ "id": collection, "properties": { "appliesToGroups": [{ "networkGroupId": group }] } }))
        .add(json!({ "id": format!("{group}/staticMembers/m"), "properties": {
            "resourceId": id("Microsoft.Network/virtualNetworks", "vnet") } }))
        .add(
            json!({ "id": format!("{collection}/rules/mgmt"), "kind": "Custom", "properties": {
            "protocol": "Tcp", "access": access, "priority": 10, "direction": "Inbound",
            "sources": [{ "addressPrefixType": "IPPrefix", "addressPrefix": source }],
            "destinations": [{ "addressPrefixType": "IPPrefix", "addressPrefix": "*" }],
            "sourcePortRanges": ["0-65535"], "destinationPortRanges": ["22"] } }),
        )
}

#[test]
fn v20_v21_admin_rules_of_unknown_deployment_leave_the_answer_open() {
    let open = || {
        Estate::new()
            .public()
            .subnet_nsg(vec![rule("ssh", 100, "Allow", "*", "22")])
    };
    let denied = admin_rule(open(), "Deny", "*").analyse();
    assert_class(denied.public(), ExposureClass::Undetermined);
    let shut = || {
        Estate::new()
            .public()
            .subnet_nsg(vec![rule("no", 100, "Deny", "*", "22")])
    };
    let delivered = admin_rule(shut(), "AlwaysAllow", "203.0.113.0/24").analyse();
    assert_class(delivered.public(), ExposureClass::Undetermined);
    assert_eq!(delivered.public().possible_sources, ["203.0.113.0/24"]);
    let handed_on = admin_rule(open(), "Allow", "*").analyse();
    assert_class(handed_on.public(), Wide);
}

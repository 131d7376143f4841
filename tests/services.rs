//! Ways of platform services: bastion hosts, Private Link services, virtual hubs.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what is missing fails the test"
)]

mod estate;

use ExposureClass::{AzureTenants, Closed, Narrow, NoReturnPath, Private, Undetermined, Wide};
use estate::*;
use portcullis::exposure::{ExposureClass, PortExposure, Way, WayIn};
use serde_json::{Value, json};

fn subnet(name: &str, prefix: &str) -> Value {
    json!({ "name": name, "id": subnet_id(name), "properties": { "addressPrefix": prefix } })
}

fn with_bastion(estate: Estate) -> Estate {
    estate
        .network("subnets", json!([subnet("AzureBastionSubnet", "10.0.8.0/26")]))
        .add(
            json!({ "id": id("Microsoft.Network/bastionHosts", "gate"), "sku": { "name": "Standard" }, "properties": {
            "ipConfigurations": [{ "name": "c", "properties": { "subnet": { "id": subnet_id("AzureBastionSubnet") } } }] } }),
        )
}

fn by_front<'a>(found: &'a Analysed, name: &str) -> Option<&'a WayIn> {
    let ways = found.exposures.machines.first()?.targets.first()?.ways.iter();
    ways.into_iter()
        .find(|way| way.front.as_ref().is_some_and(|front| &*front.address == name))
}

#[test]
fn a_bastion_host_is_a_private_way_to_its_two_ports() {
    let found = with_bastion(Estate::new().subnet_nsg(vec![])).analyse();
    let way = by_front(&found, "gate").unwrap();
    assert_eq!(way.way, Way::Private);
    let ports: Vec<u16> = way.exposures.iter().map(|exposure| exposure.port).collect();
    assert_eq!(ports, [22, 3389]);
    assert!(way.exposures.iter().all(|exposure| exposure.class == Private));
    assert_eq!(way.exposures.first().unwrap().sources, ["10.0.8.0/26"]);
}

#[test]
fn a_group_may_keep_the_bastion_host_out() {
    let found = with_bastion(Estate::new().subnet_nsg(vec![rule("no", 100, "Deny", "10.0.8.0/26", "22")])).analyse();
    let way = by_front(&found, "gate").unwrap();
    let classes: Vec<ExposureClass> = way.exposures.iter().map(|exposure| exposure.class).collect();
    assert_eq!(classes, [Closed, Private]);
}

#[test]
fn a_bastion_host_of_an_unconnected_network_is_no_way() {
    let found = Estate::new()
        .subnet_nsg(vec![])
        .add(
            json!({ "id": id("Microsoft.Network/virtualNetworks", "far"), "properties": {
            "addressSpace": { "addressPrefixes": ["10.9.0.0/16"] },
            "subnets": [{ "name": "AzureBastionSubnet", "properties": { "addressPrefix": "10.9.0.0/26" } }] } }),
        )
        .add(
            json!({ "id": id("Microsoft.Network/bastionHosts", "gate"), "properties": {
            "ipConfigurations": [{ "name": "c", "properties": { "subnet": {
                "id": id("Microsoft.Network/virtualNetworks", "far") + "/subnets/AzureBastionSubnet" } } }] } }),
        );
    assert!(by_front(&found.analyse(), "gate").is_none());
}

/// An internal balancer with a Private Link service in front, of which this is stated.
fn linked_with(rules: Vec<Value>, stated: &[(&str, Value)]) -> Analysed {
    let balancer = id("Microsoft.Network/loadBalancers", "lb");
    let part = |kind: &str, name: &str| json!({ "id": format!("{balancer}/{kind}/{name}") });
    let mut service = json!({ "id": id("Microsoft.Network/privateLinkServices", "pls"), "properties": {
        "loadBalancerFrontendIpConfigurations": [part("frontendIPConfigurations", "front")],
        "ipConfigurations": [{ "name": "n", "properties": { "subnet": { "id": subnet_id("nat") } } }] } });
    for (name, value) in stated {
        service["properties"][*name] = value.clone();
    }
    Estate::new()
        .subnet_nsg(rules)
        .network("subnets", json!([subnet("nat", "10.0.7.0/24")]))
        .configure(
            "loadBalancerBackendAddressPools",
            json!([part("backendAddressPools", "pool")]),
        )
        .add(json!({ "id": balancer, "sku": { "name": "Standard" }, "properties": {
            "frontendIPConfigurations": [{ "name": "front", "properties": {
                "privateIPAddress": "10.0.0.100", "subnet": { "id": subnet_id("default") } } }],
            "backendAddressPools": [{ "name": "pool", "properties": {} }],
            "loadBalancingRules": [{ "name": "ssh", "properties": {
                "frontendIPConfiguration": part("frontendIPConfigurations", "front"),
                "backendAddressPool": part("backendAddressPools", "pool"),
                "protocol": "Tcp", "frontendPort": 22, "backendPort": 22 } }] } }))
        .add(service)
        .analyse()
}

fn linked(rules: Vec<Value>) -> Analysed {
    linked_with(rules, &[])
}

/// The answer for port 22 of those who come by the service.
#[track_caller]
fn by_link(found: &Analysed) -> &PortExposure {
    by_front(found, "pls").unwrap().exposures.first().unwrap()
}

/// One connection of this state, from an endpoint of another tenant's.
fn connection(state: &str) -> (&'static str, Value) {
    let endpoint = "/subscriptions/00000000-0000-0000-0000-0000000000aa/resourceGroups/theirs/providers/\
        Microsoft.Network/privateEndpoints/theirs";
    let connection = json!({ "name": "c", "properties": { "privateEndpoint": { "id": endpoint },
        "privateLinkServiceConnectionState": { "status": state } } });
    ("privateEndpointConnections", json!([connection]))
}

fn nat_denied(source: &str) -> Vec<Value> {
    vec![rule("no", 100, "Deny", source, "22")]
}

#[test]
fn who_is_connected_to_a_private_link_service_of_a_template_is_not_known() {
    let found = linked(vec![]);
    assert_class(by_link(&found), Undetermined);
    assert!(
        by_link(&found).sentence.contains("`pls`"),
        "{}",
        by_link(&found).sentence
    );
    assert_class(by_link(&linked(nat_denied("10.0.7.0/24"))), Closed);
}

#[test]
fn an_endpoint_that_was_approved_comes_with_the_addresses_of_the_service() {
    let found = linked_with(vec![], &[connection("Approved")]);
    let answer = by_link(&found);
    assert_class(answer, Private);
    assert_eq!(answer.sources, ["10.0.7.0/24"]);
    assert!(
        answer.sentence.contains("`theirs`") && answer.sentence.contains("`pls`"),
        "{}",
        answer.sentence
    );
    assert_class(
        by_link(&linked_with(nat_denied("10.0.7.0/24"), &[connection("Approved")])),
        Closed,
    );
    // It may use any address of the subnet.
    assert_class(
        by_link(&linked_with(nat_denied("10.0.7.0/25"), &[connection("Approved")])),
        Undetermined,
    );
}

#[test]
fn addresses_of_the_service_that_are_known_decide_by_themselves() {
    let address = json!([{ "name": "n", "properties": {
        "privateIPAddress": "10.0.7.200", "subnet": { "id": subnet_id("nat") } } }]);
    let stated = [connection("Approved"), ("ipConfigurations", address)];
    let found = linked_with(nat_denied("10.0.7.0/25"), &stated);
    assert_class(by_link(&found), Private);
    assert_eq!(by_link(&found).sources, ["10.0.7.200"]);
    assert_class(by_link(&linked_with(nat_denied("10.0.7.128/25"), &stated)), Closed);
}

#[test]
fn endpoints_that_were_not_approved_do_not_get_in() {
    for state in ["Pending", "Rejected", "Disconnected"] {
        let found = linked_with(vec![], &[connection(state)]);
        assert_class(by_link(&found), Closed);
        assert!(
            by_link(&found).sentence.contains("nobody is connected"),
            "{}",
            by_link(&found).sentence
        );
    }
    assert_class(
        by_link(&linked_with(vec![], &[("privateEndpointConnections", json!([]))])),
        Closed,
    );
    assert_class(
        by_link(&linked_with(vec![], &[("privateEndpointConnections", json!("lost"))])),
        Undetermined,
    );
}

#[test]
fn subscriptions_that_are_approved_unasked_get_in_whether_they_are_connected_or_not() {
    let nobody = || ("privateEndpointConnections", json!([]));
    let approval = |subscriptions: &[&str]| ("autoApproval", json!({ "subscriptions": subscriptions }));
    let found = linked_with(vec![], &[nobody(), approval(&["00000000-0000-0000-0000-0000000000aa"])]);
    assert_class(by_link(&found), Private);
    assert!(
        by_link(&found).sentence.contains("unasked"),
        "{}",
        by_link(&found).sentence
    );
    assert_class(by_link(&linked_with(vec![], &[nobody(), approval(&[])])), Closed);
    assert_class(
        by_link(&linked_with(vec![], &[nobody(), ("autoApproval", json!(7))])),
        Undetermined,
    );
    // Other customers are among all subscriptions.
    let anybody = linked_with(vec![], &[approval(&["*"])]);
    assert_class(by_link(&anybody), AzureTenants);
    assert_class(
        by_link(&linked_with(nat_denied("10.0.7.0/24"), &[approval(&["*"])])),
        Closed,
    );
}

/// The machine's network on a hub; whether the hub's default route reaches it, and what the hub sends through itself.
fn on_hub(estate: Estate, secured: bool, intent: Option<Value>) -> Estate {
    let hub = id("Microsoft.Network/virtualHubs", "hub");
    let estate = estate.add(
        json!({ "id": format!("{hub}/hubVirtualNetworkConnections/c"), "properties": {
        "remoteVirtualNetwork": reference("Microsoft.Network/virtualNetworks", "vnet"),
        "enableInternetSecurity": secured } }),
    );
    match intent {
        Some(destinations) => estate.add(json!({ "id": format!("{hub}/routingIntent/i"), "properties": {
            "routingPolicies": [{ "name": "p", "destinations": destinations, "nextHop": "x" }] } })),
        None => estate,
    }
}

fn open() -> Estate {
    Estate::new()
        .public()
        .subnet_nsg(vec![rule("ssh", 100, "Allow", "*", "22")])
}

#[test]
fn a_hub_that_takes_the_internet_leaves_the_way_back_open() {
    assert_class(on_hub(open(), false, None).analyse().public(), Wide);
    for found in [
        on_hub(open(), true, None),
        on_hub(open(), false, Some(json!(["Internet"]))),
        on_hub(open(), false, Some(json!("lost"))),
    ] {
        let found = found.analyse();
        assert_class(found.public(), Undetermined);
        assert!(found.public().sentence.contains("`hub`"), "{}", found.public().sentence);
    }
    assert_class(
        on_hub(open(), false, Some(json!(["PrivateTraffic"])))
            .analyse()
            .public(),
        Wide,
    );
}

#[test]
fn a_secured_connection_to_a_hub_that_takes_the_internet_gives_no_session() {
    let taken = || on_hub(open(), true, Some(json!(["Internet", "PrivateTraffic"])));
    let found = taken().analyse().agreeing();
    assert_class(found.public(), NoReturnPath);
    // A route of the subnet's own to somebody revives what it covers.
    let revived = taken()
        .routes(vec![("198.51.100.0/24", "Internet", None)])
        .analyse()
        .agreeing();
    assert_class(revived.public(), Narrow);
    assert_eq!(revived.public().sources, ["198.51.100.0/24"]);
    // A subnet that takes up no learned routes answers straight.
    let mut deaf = taken().routes(vec![("10.9.0.0/16", "VirtualAppliance", Some("10.0.9.4"))]);
    let table = deaf
        .resources
        .iter_mut()
        .find(|resource| resource["properties"].get("routes").is_some());
    table.unwrap()["properties"]["disableBgpRoutePropagation"] = json!(true);
    assert_class(deaf.analyse().agreeing().public(), Wide);
}

#[test]
fn a_route_of_the_subnet_wins_over_the_hub() {
    let found = on_hub(open(), true, None).routes(vec![("0.0.0.0/0", "Internet", None)]);
    assert_class(found.analyse().public(), Wide);
}

#[test]
fn what_hangs_on_the_hub_may_be_in_the_tag() {
    let found = on_hub(Estate::new().subnet_nsg(vec![]), false, None).analyse();
    assert_eq!(found.private().sources, ["10.0.0.0/16"]);
    assert!(found.private().gaps.iter().any(|gap| gap.contains("`hub`")));
}

/// A firewall in the hub, whose policy translates to the machine.
fn hub_firewall(estate: Estate) -> Estate {
    let firewall = json!({ "id": id("Microsoft.Network/azureFirewalls", "fw"), "properties": {
        "virtualHub": { "id": id("Microsoft.Network/virtualHubs", "hub") },
        "hubIPAddresses": { "privateIPAddress": "10.100.0.4", "publicIPs": { "addresses": [{ "address": "20.0.0.5" }] } },
        "firewallPolicy": reference("Microsoft.Network/firewallPolicies", "p") } });
    let policy = id("Microsoft.Network/firewallPolicies", "p");
    let group = json!({ "id": format!("{policy}/ruleCollectionGroups/g"), "properties": { "priority": 100, "ruleCollections": [{
        "ruleCollectionType": "FirewallPolicyNatRuleCollection", "name": "nat", "priority": 100, "action": { "type": "DNAT" },
        "rules": [{ "ruleType": "NatRule", "name": "ssh", "ipProtocols": ["TCP"], "sourceAddresses": ["*"],
            "destinationAddresses": ["20.0.0.5"], "destinationPorts": ["50022"],
            "translatedAddress": "10.0.0.4", "translatedPort": "22" }] }] } });
    estate
        .add(json!({ "id": policy, "properties": { "threatIntelMode": "Alert" } }))
        .add(firewall)
        .add(group)
}

/// The hub itself, with its addresses.
fn hub_resource() -> Value {
    json!({ "id": id("Microsoft.Network/virtualHubs", "hub"), "location": "westeurope",
        "properties": { "addressPrefix": "10.100.0.0/23" } })
}

#[test]
fn destination_nat_of_a_hub_firewall_without_its_hub_is_not_decided() {
    let found = hub_firewall(on_hub(Estate::new().subnet_nsg(vec![]), false, None)).analyse();
    let way = found.on(Way::FirewallDnat).unwrap();
    assert_class(way, Undetermined);
    assert!(way.sentence.contains("nat/ssh"), "{}", way.sentence);
    assert!(way.gaps.iter().any(|gap| gap.contains("`hub`")), "{:?}", way.gaps);
}

#[test]
fn destination_nat_of_a_hub_firewall_comes_from_the_hub_s_prefix() {
    let on = |rules| on_hub(Estate::new().subnet_nsg(rules), false, None).add(hub_resource());
    let found = hub_firewall(on(vec![])).analyse();
    // The hub is peered with the network, so its prefix is in the tag that the default rule admits.
    assert_class(found.on(Way::FirewallDnat).unwrap(), Wide);
    assert_eq!(found.on(Way::FirewallDnat).unwrap().front_port, Some(50022));
    let shut = hub_firewall(on(vec![rule("no", 100, "Deny", "10.100.0.0/23", "22")])).analyse();
    assert_class(shut.on(Way::FirewallDnat).unwrap(), Closed);
    // It may use any address of the prefix, so a part of it decides nothing.
    let part = hub_firewall(on(vec![rule("no", 100, "Deny", "10.100.0.0/26", "22")])).analyse();
    assert_class(part.on(Way::FirewallDnat).unwrap(), Undetermined);
}

#[test]
fn a_hub_firewall_means_the_connected_one_of_two_networks_with_one_address() {
    let other = id("Microsoft.Network/virtualNetworks", "other");
    let hub = id("Microsoft.Network/virtualHubs", "hub");
    let estate = Estate::new()
        .subnet_nsg(vec![])
        .add(hub_resource())
        .add(json!({ "id": other, "location": "westeurope", "properties": {
            "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] }, "subnets": [] } }))
        .add(
            json!({ "id": format!("{hub}/hubVirtualNetworkConnections/c"), "properties": {
            "remoteVirtualNetwork": { "id": other } } }),
        );
    assert!(hub_firewall(estate).analyse().on(Way::FirewallDnat).is_none());
}

#[test]
fn which_address_a_hub_firewall_shows_is_a_matter_of_choice() {
    let estate = on_hub(Estate::new().subnet_nsg(vec![]), false, None).add(hub_resource());
    let mut reading = hub_firewall(estate).read();
    reading.inventory.choices.choose("hub-nat=unknown").unwrap();
    assert_class(Analysed::of(reading).on(Way::FirewallDnat).unwrap(), Undetermined);
}

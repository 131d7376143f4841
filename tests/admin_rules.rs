//! Security admin rules of network managers: what is known of their deployment decides what they do to the answer.

mod estate;

use ExposureClass::{Closed, Narrow, Private, Undetermined, Wide};
use estate::*;
use portcullis::exposure::{ExposureClass, Layer, Way};
use portcullis::input::{Given, Reading};
use serde_json::{Value, json};

fn manager() -> String {
    id("Microsoft.Network/networkManagers", "manager")
}

fn configuration() -> String {
    manager() + "/securityAdminConfigurations/c"
}

fn network() -> String {
    id("Microsoft.Network/virtualNetworks", "vnet")
}

fn rule_of(collection: &str, name: &str, priority: u16, access: &str, source: &str) -> Value {
    json!({ "id": format!("{}/ruleCollections/{collection}/rules/{name}", configuration()), "kind": "Custom",
        "properties": { "protocol": "Tcp", "access": access, "priority": priority, "direction": "Inbound",
            "sources": [{ "addressPrefixType": "IPPrefix", "addressPrefix": source }],
            "destinations": [{ "addressPrefixType": "IPPrefix", "addressPrefix": "*" }],
            "sourcePortRanges": ["0-65535"], "destinationPortRanges": ["22"] } })
}

fn admin(name: &str, priority: u16, access: &str, source: &str) -> Value {
    rule_of("rc", name, priority, access, source)
}

/// The collection of the rules applies to a group with this static member.
fn meant_for(estate: Estate, member: &str) -> Estate {
    let group = manager() + "/networkGroups/all";
    estate
        .add(json!({ "id": configuration() + "/ruleCollections/rc", "properties": {
            "appliesToGroups": [{ "networkGroupId": group }] } }))
        .add(json!({ "id": format!("{group}/staticMembers/m"), "properties": { "resourceId": member } }))
}

/// What the manager answers: one row for a region.
fn deployed(region: &str, status: &str, configurations: &[String]) -> Value {
    json!({ "id": manager() + "/listDeploymentStatus", "value": [{ "region": region, "deploymentStatus": status,
        "deploymentType": "SecurityAdmin", "configurationIds": configurations, "commitTime": "2026-03-01T00:00:00Z" }] })
}

fn here() -> Value {
    deployed("westeurope", "Deployed", &[configuration()])
}

fn open() -> Estate {
    Estate::new()
        .public()
        .subnet_nsg(vec![rule("ssh", 100, "Allow", "*", "22")])
}

fn shut() -> Estate {
    Estate::new()
        .public()
        .subnet_nsg(vec![rule("no", 100, "Deny", "*", "22")])
}

/// An estate with admin rules for the machine's network, and what is known of their deployment.
fn ruled(estate: Estate, rules: Vec<Value>, known: Value) -> Analysed {
    let estate = meant_for(estate, &network()).add(known);
    rules.into_iter().fold(estate, Estate::add).analyse().agreeing()
}

#[test]
fn v20_a_deployed_deny_comes_before_every_group() {
    let found = ruled(open(), vec![admin("no", 10, "Deny", "Internet")], here());
    assert_class(found.public(), Closed);
    let decider = &found.public().deciders[0];
    assert_eq!(
        (decider.layer, &*decider.group, &*decider.rule),
        (Layer::Admin, "rc", "no")
    );
    assert_eq!((decider.priority, &*decider.access), (Some(10), "deny"));
}

#[test]
fn v20_without_a_deployment_the_rule_is_text() {
    let nowhere = json!({ "id": manager() + "/listDeploymentStatus", "value": [] });
    let found = ruled(open(), vec![admin("no", 10, "Deny", "*")], nowhere);
    assert_class(found.public(), Wide);
}

#[test]
fn v21_always_allow_delivers_past_a_deny_of_the_group() {
    let found = ruled(shut(), vec![admin("in", 10, "AlwaysAllow", "203.0.113.0/24")], here());
    assert_class(found.public(), Narrow);
    assert_eq!(found.public().sources, ["203.0.113.0/24"]);
    assert_eq!(deciders(found.public()), ["rc/in"]);
}

#[test]
fn v22_the_first_admin_rule_hands_over_to_the_groups() {
    let rules = || vec![admin("yes", 10, "Allow", "*"), admin("no", 20, "Deny", "*")];
    let allow = || {
        Estate::new()
            .public()
            .subnet_nsg(vec![rule("net", 100, "Allow", "Internet", "22")])
    };
    assert_class(ruled(allow(), rules(), here()).public(), Wide);
    assert_class(ruled(shut(), rules(), here()).public(), Closed);
    let other = vec![admin("no", 10, "Deny", "*"), admin("yes", 20, "Allow", "*")];
    assert_class(ruled(allow(), other, here()).public(), Closed);
}

#[test]
fn a_deployment_to_another_region_is_none_here() {
    let there = deployed("northeurope", "Deployed", &[configuration()]);
    assert_class(ruled(open(), vec![admin("no", 10, "Deny", "*")], there).public(), Wide);
}

#[test]
fn regions_are_one_in_both_spellings() {
    let spelled = deployed("West Europe", "Deployed", &[configuration()]);
    assert_class(
        ruled(open(), vec![admin("no", 10, "Deny", "*")], spelled).public(),
        Closed,
    );
}

#[test]
fn a_deployment_that_is_under_way_or_failed_settles_nothing() {
    for status in ["Deploying", "Failed", "NotStarted", "Odd"] {
        let row = deployed("westeurope", status, &[configuration()]);
        assert_class(
            ruled(open(), vec![admin("no", 10, "Deny", "*")], row).public(),
            Undetermined,
        );
    }
}

#[test]
fn another_configuration_of_the_manager_in_the_region_leaves_this_one_out() {
    let other = deployed(
        "westeurope",
        "Deployed",
        &[manager() + "/securityAdminConfigurations/other"],
    );
    assert_class(ruled(open(), vec![admin("no", 10, "Deny", "*")], other).public(), Wide);
}

#[test]
fn what_another_manager_deploys_says_nothing() {
    let manager = id("Microsoft.Network/networkManagers", "stranger");
    let row = json!({ "id": format!("{manager}/listDeploymentStatus"), "value": [{ "region": "westeurope",
        "deploymentStatus": "Deployed", "deploymentType": "SecurityAdmin",
        "configurationIds": [format!("{manager}/securityAdminConfigurations/x")] }] });
    assert_class(
        ruled(open(), vec![admin("no", 10, "Deny", "*")], row).public(),
        Undetermined,
    );
}

#[test]
fn a_connectivity_deployment_is_none_of_security() {
    let row = json!({ "id": manager() + "/listDeploymentStatus", "value": [{ "region": "westeurope",
        "deploymentStatus": "Deployed", "deploymentType": "Connectivity", "configurationIds": [configuration()] }] });
    assert_class(ruled(open(), vec![admin("no", 10, "Deny", "*")], row).public(), Wide);
}

#[test]
fn a_page_that_is_not_the_last_leaves_other_regions_open() {
    let mut row = deployed("northeurope", "Deployed", &[configuration()]);
    row["skipToken"] = json!("more");
    assert_class(
        ruled(open(), vec![admin("no", 10, "Deny", "*")], row).public(),
        Undetermined,
    );
}

#[test]
fn an_answer_is_recognised_without_an_id() {
    let estate = meant_for(open(), &network()).add(admin("no", 10, "Deny", "*"));
    let answer = json!({ "value": here()["value"] });
    let mut reading = Reading::default();
    reading.read(
        "estate.json",
        Given::Named,
        Value::Array(estate.resources()).to_string().as_bytes(),
    );
    reading.read("answer.json", Given::Named, answer.to_string().as_bytes());
    reading.finish();
    assert!(reading.diagnostics.is_empty(), "{:?}", reading.diagnostics);
    assert_class(Analysed::of(reading).public(), Closed);
}

#[test]
fn active_rules_are_in_force_in_their_region() {
    let mut active = admin("no", 10, "Deny", "*");
    active["region"] = json!("westeurope");
    active["commitTime"] = json!("2026-03-01T00:00:00Z");
    let answer = json!({ "id": manager() + "/listActiveSecurityAdminRules", "value": [active.clone()] });
    assert_class(ruled(open(), vec![], answer).public(), Closed);
    assert_class(ruled(open(), vec![], active.clone()).public(), Closed);
    active["region"] = json!("northeurope");
    assert_class(ruled(open(), vec![], active).public(), Wide);
}

#[test]
fn what_was_committed_counts_and_not_what_was_edited_since() {
    let mut active = admin("no", 10, "Deny", "198.51.100.0/24");
    active["region"] = json!("westeurope");
    let found = ruled(open(), vec![admin("no", 10, "Deny", "*")], active);
    assert_class(found.public(), Wide);
    assert!(
        found.public().sentence.contains("but 198.51.100.0/24"),
        "{}",
        found.public().sentence
    );
}

#[test]
fn what_the_network_answers_settles_everything() {
    let answer = |rules: Vec<Value>| {
        json!({ "id": network() + "/listNetworkManagerEffectiveSecurityAdminRules",
        "value": rules })
    };
    let denied = Estate::add(open(), answer(vec![admin("no", 10, "Deny", "*")])).analyse();
    assert_class(denied.public(), Closed);
    let none = ruled(open(), vec![admin("no", 10, "Deny", "*")], answer(vec![]));
    assert_class(none.public(), Wide);
    let lost = json!({ "id": network() + "/listNetworkManagerEffectiveSecurityAdminRules", "value": "lost" });
    let lost = ruled(open(), vec![admin("no", 10, "Deny", "*")], lost);
    assert_class(lost.public(), Undetermined);
}

#[test]
fn a_collection_for_other_networks_does_nothing_here() {
    let other = id("Microsoft.Network/virtualNetworks", "other");
    let found = meant_for(open(), &other).add(admin("no", 10, "Deny", "*")).add(here());
    assert_class(found.analyse().public(), Wide);
}

#[test]
fn a_group_that_a_policy_fills_may_hold_the_network() {
    let group = manager() + "/networkGroups/dynamic";
    let found = open()
        .add(json!({ "id": configuration() + "/ruleCollections/rc", "properties": {
            "appliesToGroups": [{ "networkGroupId": group }] } }))
        .add(admin("no", 10, "Deny", "*"))
        .add(here());
    assert_class(found.analyse().public(), Undetermined);
}

#[test]
fn networks_of_services_with_policies_of_their_own_are_skipped() {
    let service = |policy: Option<&str>, access: &str, estate: Estate| {
        let delegated = json!({ "name": "mi", "id": subnet_id("mi"), "properties": { "addressPrefix": "10.0.7.0/24",
            "delegations": [{ "name": "d", "properties": { "serviceName": "Microsoft.Sql/managedInstances" } }] } });
        let estate = estate.network("subnets", json!([delegated]));
        let estate = match policy {
            Some(policy) => estate.add(json!({ "id": configuration(), "properties": {
                "applyOnNetworkIntentPolicyBasedServices": [policy] } })),
            None => estate,
        };
        ruled(estate, vec![admin("r", 10, access, "*")], here()).public().class
    };
    assert_eq!(service(Some("None"), "Deny", open()), Wide);
    assert_eq!(service(Some("All"), "Deny", open()), Closed);
    assert_eq!(service(Some("AllowRulesOnly"), "Deny", open()), Wide);
    assert_eq!(service(Some("AllowRulesOnly"), "AlwaysAllow", shut()), Wide);
    assert_eq!(service(None, "Deny", open()), Undetermined);
}

#[test]
fn rules_of_several_collections_are_one_list() {
    let collection = json!({ "id": configuration() + "/ruleCollections/second", "properties": {
        "appliesToGroups": [{ "networkGroupId": manager() + "/networkGroups/all" }] } });
    let rules = vec![
        admin("no", 20, "Deny", "*"),
        rule_of("second", "in", 10, "AlwaysAllow", "203.0.113.0/24"),
    ];
    let found = ruled(shut().add(collection), rules, here());
    assert_eq!(found.public().sources, ["203.0.113.0/24"]);
}

#[test]
fn one_priority_in_two_collections_leaves_the_order_open() {
    let collection = json!({ "id": configuration() + "/ruleCollections/second", "properties": {
        "appliesToGroups": [{ "networkGroupId": manager() + "/networkGroups/all" }] } });
    let rules = vec![
        admin("no", 10, "Deny", "*"),
        rule_of("second", "in", 10, "AlwaysAllow", "203.0.113.0/24"),
    ];
    let found = ruled(open().add(collection), rules, here());
    assert_class(found.public(), Undetermined);
    assert_eq!(found.public().possible_sources, ["203.0.113.0/24"]);
}

#[test]
fn rules_of_two_managers_have_no_known_order() {
    let stranger = id("Microsoft.Network/networkManagers", "stranger");
    let mut second = admin("in", 99, "AlwaysAllow", "203.0.113.0/24");
    second["id"] = json!(format!(
        "{stranger}/securityAdminConfigurations/x/ruleCollections/y/rules/in"
    ));
    let answer = json!({ "id": network() + "/listNetworkManagerEffectiveSecurityAdminRules",
        "value": [admin("no", 10, "Deny", "*"), second] });
    let found = open().add(answer).analyse();
    assert_class(found.public(), Undetermined);
    assert_eq!(found.public().possible_sources, ["203.0.113.0/24"]);
}

#[test]
fn a_deny_closes_the_private_way_of_an_unfiltered_machine() {
    let found = ruled(Estate::new(), vec![admin("no", 10, "Deny", "10.0.0.0/8")], here());
    assert!(!found.private().sources.iter().any(|source| source.starts_with("10.")));
    let all = ruled(Estate::new(), vec![admin("no", 10, "Deny", "*")], here());
    assert_class(all.private(), Closed);
    assert_eq!(deciders(all.private())[0], "rc/no");
}

#[test]
fn always_allow_with_a_standard_address_and_no_group_is_not_documented() {
    let rules = || vec![admin("in", 10, "AlwaysAllow", "203.0.113.0/24")];
    let found = ruled(Estate::new().public(), rules(), here());
    assert_class(found.public(), Undetermined);
    assert_eq!(found.public().possible_sources, ["203.0.113.0/24"]);
    let basic = ruled(Estate::new().public_with("Basic"), rules(), here());
    assert_class(basic.public(), Wide);
}

#[test]
fn a_rule_for_another_address_does_not_concern_the_machine() {
    let mut elsewhere = admin("no", 10, "Deny", "*");
    elsewhere["properties"]["destinations"] =
        json!([{ "addressPrefixType": "IPPrefix", "addressPrefix": "10.0.5.0/24" }]);
    assert_class(ruled(open(), vec![elsewhere], here()).public(), Wide);
}

#[test]
fn a_rule_for_some_source_ports_may_or_may_not_bear() {
    let mut some = admin("no", 10, "Deny", "*");
    some["properties"]["sourcePortRanges"] = json!(["1024-65535"]);
    assert_class(ruled(open(), vec![some], here()).public(), Undetermined);
}

#[test]
fn a_rule_from_a_network_group_has_unknown_sources() {
    let mut group = admin("no", 10, "Deny", "*");
    group["properties"]["sources"] =
        json!([{ "addressPrefixType": "NetworkGroup", "addressPrefix": manager() + "/networkGroups/all" }]);
    assert_class(ruled(open(), vec![group], here()).public(), Undetermined);
}

#[test]
fn an_outbound_rule_stops_nobody() {
    let mut out = admin("no", 10, "Deny", "*");
    out["properties"]["direction"] = json!("Outbound");
    assert_class(ruled(open(), vec![out], here()).public(), Wide);
}

#[test]
fn a_deny_of_the_firewalls_addresses_closes_destination_nat() {
    let nat = json!({ "id": id("Microsoft.Network/azureFirewalls", "fw"), "properties": {
        "ipConfigurations": [{ "name": "c", "properties": { "privateIPAddress": "10.0.9.4",
            "subnet": { "id": subnet_id("AzureFirewallSubnet") } } }],
        "natRuleCollections": [{ "name": "nat", "properties": { "priority": 100, "action": { "type": "Dnat" }, "rules": [{
            "name": "ssh", "protocols": ["TCP"], "sourceAddresses": ["*"], "destinationAddresses": ["20.0.0.5"],
            "destinationPorts": ["50022"], "translatedAddress": "10.0.0.4", "translatedPort": "22" }] } }] } });
    let subnet = json!({ "name": "AzureFirewallSubnet", "id": subnet_id("AzureFirewallSubnet"),
        "properties": { "addressPrefix": "10.0.9.0/26" } });
    let estate = || Estate::new().network("subnets", json!([subnet])).add(nat.clone());
    let denied = ruled(estate(), vec![admin("no", 10, "Deny", "10.0.9.0/26")], here());
    assert_class(denied.on(Way::FirewallDnat).unwrap(), Closed);
    let internet = ruled(estate(), vec![admin("no", 10, "Deny", "Internet")], here());
    assert_class(internet.on(Way::FirewallDnat).unwrap(), Wide);
    assert_class(internet.private(), Private);
}

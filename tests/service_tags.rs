//! Service tags with their addresses: from Microsoft's weekly file and from answers about effective rules.

mod estate;

use ExposureClass::{AzureTenants, Closed, Narrow, NoReturnPath, Undetermined, Wide};
use estate::*;
use portcullis::exposure::ExposureClass;
use portcullis::input::{Given, Reading};
use serde_json::{Value, json};

fn weekly(tags: &[(&str, &[&str])]) -> Value {
    let value = |(name, prefixes): &(&str, &[&str])| {
        json!({ "name": name, "id": name, "properties": {
        "changeNumber": 1, "region": "", "platform": "Azure", "systemService": "", "addressPrefixes": prefixes } })
    };
    json!({ "changeNumber": 300, "cloud": "Public", "values": tags.iter().map(value).collect::<Vec<_>>() })
}

fn with_documents(estate: Estate, documents: &[Value]) -> Analysed {
    let mut reading = Reading::default();
    let resources = Value::Array(estate.resources());
    for (at, document) in [&resources].into_iter().chain(documents).enumerate() {
        reading.read(&format!("{at}.json"), Given::Named, document.to_string().as_bytes());
    }
    reading.finish();
    assert!(reading.diagnostics.is_empty(), "{:?}", reading.diagnostics);
    Analysed::of(reading).agreeing()
}

fn allowing(source: &str) -> Estate {
    Estate::new()
        .public()
        .subnet_nsg(vec![rule("tag", 100, "Allow", source, "22")])
}

#[test]
fn a_tag_is_its_addresses() {
    let tags = weekly(&[("Storage.WestEurope", &["20.1.0.0/24", "20.2.0.0/25"])]);
    let found = with_documents(allowing("storage.westeurope"), &[tags]);
    assert_class(found.public(), Narrow);
    assert_eq!(found.public().sources, ["20.1.0.0/24", "20.2.0.0/25"]);
    assert_eq!(found.public().addresses, "384");
}

#[test]
fn azure_cloud_stays_any_tenant() {
    let tags = weekly(&[("AzureCloud", &["20.0.0.0/10", "2603:1000::/24"])]);
    let found = with_documents(allowing("AzureCloud"), &[tags]);
    assert_class(found.public(), AzureTenants);
    assert_eq!(found.public().sources, ["20.0.0.0/10"]);
    assert!(
        found.public().sentence.contains("any Azure tenant"),
        "{}",
        found.public().sentence
    );
    assert_eq!(deciders(found.public()), ["sub/tag"]);
}

#[test]
fn an_address_of_azure_is_no_tag() {
    let tags = weekly(&[("AzureCloud", &["20.0.0.0/10"])]);
    assert_class(with_documents(allowing("20.1.2.3"), &[tags]).public(), Narrow);
}

#[test]
fn azure_cloud_and_an_office_are_more_than_tenants() {
    let tags = weekly(&[("AzureCloud", &["20.0.0.0/10"])]);
    let rules = vec![
        rule("cloud", 100, "Allow", "AzureCloud", "22"),
        rule("office", 110, "Allow", "198.51.100.0/24", "22"),
    ];
    let found = with_documents(Estate::new().public().subnet_nsg(rules), &[tags]);
    assert_class(found.public(), Narrow);
    assert_eq!(found.public().sources, ["20.0.0.0/10", "198.51.100.0/24"]);
}

#[test]
fn a_denied_tag_is_taken_out_exactly() {
    let tags = weekly(&[("AzureCloud", &["20.0.0.0/10"])]);
    let rules = vec![
        rule("cloud", 100, "Deny", "AzureCloud", "22"),
        rule("any", 110, "Allow", "*", "22"),
    ];
    let found = with_documents(Estate::new().public().subnet_nsg(rules), &[tags]);
    assert_class(found.public(), Wide);
    assert!(
        found.public().sentence.contains("but 20.0.0.0/10"),
        "{}",
        found.public().sentence
    );
}

#[test]
fn a_tag_that_the_file_does_not_have_stays_a_name() {
    let tags = weekly(&[("Storage", &["20.1.0.0/24"])]);
    let found = with_documents(allowing("AzureDevOps"), &[tags]);
    assert_eq!(found.public().tags, ["AzureDevOps".into()]);
}

#[test]
fn two_lists_that_differ_bound_the_tag() {
    let first = weekly(&[("Storage", &["20.1.0.0/24"])]);
    let second = weekly(&[("Storage", &["20.1.0.0/24", "20.3.0.0/24"])]);
    let found = with_documents(allowing("Storage"), &[first, second]);
    assert_class(found.public(), Narrow);
    assert_eq!(found.public().sources, ["20.1.0.0/24"]);
    assert_eq!(found.public().possible_sources, ["20.3.0.0/24"]);
}

#[test]
fn a_list_with_an_unreadable_prefix_is_not_the_tag() {
    let mut reading = Reading::default();
    let resources = Value::Array(allowing("Storage").resources()).to_string();
    reading.read("estate.json", Given::Named, resources.as_bytes());
    let tags = weekly(&[("Storage", &["20.1.0.0/24", "everything"])]).to_string();
    reading.read("tags.json", Given::Named, tags.as_bytes());
    reading.finish();
    assert!(!reading.diagnostics.is_empty());
    assert_eq!(Analysed::of(reading).public().tags, ["Storage".into()]);
}

#[test]
fn effective_rules_carry_tags() {
    let row = json!({ "networkSecurityGroup": { "id": nsg_id("sub") }, "association": {},
        "effectiveSecurityRules": [], "tagMap": { "Storage": ["20.1.0.0/24"], "VirtualNetwork": ["0.0.0.0/0"] } });
    let id = id("Microsoft.Network/networkInterfaces", "nic") + "/effectiveNetworkSecurityGroups";
    for document in [json!({ "value": [row.clone()] }), json!({ "id": id, "value": [row] })] {
        let found = with_documents(allowing("Storage"), &[document]);
        assert_eq!(found.public().sources, ["20.1.0.0/24"]);
        assert_eq!(found.private().sources, ["10.0.0.0/16"]);
    }
}

#[test]
fn the_answer_of_the_service_is_taken_as_the_file_is() {
    let mut answer = weekly(&[("Storage", &["20.1.0.0/24"])]);
    answer["id"] = json!("/subscriptions/s/providers/Microsoft.Network/serviceTags/public");
    answer["type"] = json!("Microsoft.Network/serviceTags");
    assert_eq!(
        with_documents(allowing("Storage"), &[answer]).public().sources,
        ["20.1.0.0/24"]
    );
}

#[test]
fn a_route_for_a_tag_is_one_for_its_prefixes() {
    let routed = || {
        Estate::new()
            .public()
            .subnet_nsg(vec![])
            .routes(vec![("Storage", "VirtualAppliance", Some("10.1.0.4"))])
    };
    let tags = weekly(&[("Storage", &["20.1.0.0/24"])]);
    assert_class(with_documents(routed(), &[tags]).public(), NoReturnPath);
    assert_class(routed().analyse().public(), Undetermined);
}

#[test]
fn an_admin_rule_for_a_tag_is_exact_with_its_addresses() {
    let network = id("Microsoft.Network/virtualNetworks", "vnet");
    let manager = id("Microsoft.Network/networkManagers", "m");
    let denied = json!({ "id": network + "/listNetworkManagerEffectiveSecurityAdminRules", "value": [{
        "id": format!("{manager}/securityAdminConfigurations/c/ruleCollections/rc/rules/no"), "properties": {
            "protocol": "Tcp", "access": "Deny", "priority": 1, "direction": "Inbound",
            "sources": [{ "addressPrefixType": "ServiceTag", "addressPrefix": "Storage" }],
            "destinations": [], "destinationPortRanges": ["22"] } }] });
    let estate = || allowing("20.1.0.0/24").add(denied.clone());
    let tags = weekly(&[("Storage", &["20.0.0.0/8"])]);
    assert_class(with_documents(estate(), &[tags]).public(), Closed);
    assert_class(estate().analyse().public(), Undetermined);
}

//! Azure's own answers against ours: agreement, differences with the sources they concern, and what cannot be compared.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "answers of tests are built by indexing JSON"
)]

mod estate;

use estate::{Analysed, Estate, id, nsg_id, rule, subnet_id, with};
use portcullis::verify::{Comparison, compare, parse};
use serde_json::{Value, json};

/// A rule as the effective answer writes it.
fn effective(name: &str, priority: u32, access: &str, source: &str, expanded: &Value, ports: &str) -> Value {
    json!({
        "name": name, "protocol": "Tcp", "priority": priority, "direction": "Inbound", "access": access,
        "sourcePortRange": "0-65535", "sourcePortRanges": ["0-65535"],
        "destinationPortRange": ports, "destinationPortRanges": [ports],
        "sourceAddressPrefix": source, "sourceAddressPrefixes": [source], "expandedSourceAddressPrefix": expanded,
        "destinationAddressPrefix": "0.0.0.0/0", "destinationAddressPrefixes": ["0.0.0.0/0", "0.0.0.0/0"],
    })
}

/// An answer for the group at the subnet, with Azure's default rules after the given ones.
fn answer(rules: &[Value]) -> Value {
    let network = json!(["10.0.0.0/16", "168.63.129.16/32"]);
    let mut to_network = effective(
        "defaultSecurityRules/AllowVnetInBound",
        65000,
        "Allow",
        "VirtualNetwork",
        &network,
        "0-65535",
    );
    to_network["protocol"] = json!("All");
    to_network["destinationAddressPrefix"] = json!("VirtualNetwork");
    to_network["destinationAddressPrefixes"] = json!(["VirtualNetwork"]);
    to_network["expandedDestinationAddressPrefix"] = network;
    let balancer = json!(["168.63.129.16/32", "fe80::1234:5678:9abc/128"]);
    let all: Vec<Value> = rules
        .iter()
        .cloned()
        .chain([
            to_network,
            effective(
                "defaultSecurityRules/AllowAzureLoadBalancerInBound",
                65001,
                "Allow",
                "AzureLoadBalancer",
                &balancer,
                "0-65535",
            ),
            effective(
                "defaultSecurityRules/DenyAllInBound",
                65500,
                "Deny",
                "0.0.0.0/0",
                &Value::Null,
                "0-65535",
            ),
        ])
        .collect();
    json!({ "value": [{
        "networkSecurityGroup": { "id": nsg_id("sub") },
        "association": { "subnet": { "id": subnet_id("default") } },
        "effectiveSecurityRules": all,
        "tagMap": { "VirtualNetwork": ["10.0.0.0/16", "168.63.129.16/32"] },
    }]})
}

fn machine() -> Analysed {
    Estate::new()
        .public()
        .subnet_nsg(vec![
            rule("office", 100, "Allow", "203.0.113.0/24", "22"),
            with(
                rule("no-rdp", 110, "Deny", "*", "3389"),
                "sourcePortRange",
                json!("1024-65535"),
            ),
        ])
        .analyse()
}

fn office() -> Value {
    effective(
        "securityRules/office",
        100,
        "Allow",
        "203.0.113.0/24",
        &Value::Null,
        "22-22",
    )
}

fn no_rdp() -> Value {
    let mut rule = effective(
        "securityRules/no-rdp",
        110,
        "Deny",
        "0.0.0.0/0",
        &Value::Null,
        "3389-3389",
    );
    rule["sourcePortRange"] = json!("1024-65535");
    rule["sourcePortRanges"] = json!(["1024-65535"]);
    rule
}

fn compared(answer: &Value) -> Comparison {
    let found = machine();
    compare(
        &parse(&answer.to_string()).unwrap(),
        found.inventory(),
        &found.exposures,
    )
}

#[test]
fn the_same_rules_decide_for_every_source() {
    let comparison = compared(&answer(&[office(), no_rdp()]));
    assert_eq!(
        (comparison.differences.as_slice(), comparison.skipped.as_slice()),
        (&[][..], &[][..])
    );
    assert!(comparison.compared > 20, "{comparison:?}");
}

#[test]
fn a_rule_that_azure_does_not_know_is_a_difference() {
    let comparison = compared(&answer(&[no_rdp()]));
    let [difference] = comparison.differences.as_slice() else {
        panic!("{comparison:#?}")
    };
    assert_eq!(
        (difference.port, difference.sources.as_slice()),
        (22, &["203.0.113.0/24".to_owned()][..])
    );
    assert_eq!(difference.azure, ["defaultSecurityRules/DenyAllInBound (deny)"]);
    assert_eq!(difference.ours, ["office (allow)"]);
}

#[test]
fn a_wider_network_is_a_difference_for_what_is_wider() {
    let mut wider = answer(&[office(), no_rdp()]);
    wider["value"][0]["effectiveSecurityRules"][2]["expandedSourceAddressPrefix"] =
        json!(["10.0.0.0/15", "168.63.129.16/32"]);
    let comparison = compared(&wider);
    assert!(
        comparison
            .differences
            .iter()
            .all(|difference| difference.sources == ["10.1.0.0/16"]),
        "{comparison:#?}"
    );
    assert_eq!(comparison.differences.len(), 4);
}

#[test]
fn a_source_port_range_counts() {
    let comparison = compared(&answer(&[
        office(),
        effective("securityRules/no-rdp", 110, "Deny", "*", &Value::Null, "3389-3389"),
    ]));
    assert!(!comparison.differences.is_empty());
    assert!(comparison.differences.iter().all(|difference| difference.port == 3389));
}

#[test]
fn what_cannot_be_compared_is_said() {
    let mut elsewhere = answer(&[office()]);
    elsewhere["value"][0]["networkSecurityGroup"]["id"] = json!(nsg_id("other"));
    assert_eq!(compared(&elsewhere).skipped, ["`other` is not in the estate"]);
    let mut moved = answer(&[office()]);
    moved["value"][0]["association"]["subnet"]["id"] = json!(subnet_id("other"));
    assert_eq!(
        compared(&moved).skipped,
        ["`sub` filters no address of the estate where the answer says it does"]
    );
}

fn flow(source: &str, access: &str, rule: &str) -> Value {
    json!({
        "request": {
            "targetResourceId": id("Microsoft.Compute/virtualMachines", "vm"), "direction": "Inbound", "protocol": "TCP",
            "localPort": "22", "remotePort": "50000", "localIPAddress": "10.0.0.4", "remoteIPAddress": source,
        },
        "response": { "access": access, "ruleName": rule },
    })
}

#[test]
fn ip_flow_verify_agrees_under_every_name() {
    for (source, access, rule) in [
        ("203.0.113.7", "Allow", "securityRules/office"),
        ("203.0.113.7", "Allow", "UserRule_office"),
        ("198.51.100.1", "Deny", "DefaultInboundDenyAll"),
        ("10.0.3.3", "Allow", "defaultSecurityRules/AllowVnetInBound"),
    ] {
        let comparison = compared(&flow(source, access, rule));
        assert_eq!(
            (comparison.compared, comparison.differences.len()),
            (1, 0),
            "{comparison:#?}"
        );
    }
    let comparison = compared(&flow("203.0.113.7", "Deny", "DefaultInboundDenyAll"));
    assert_eq!(comparison.differences[0].ours, ["office (allow)"]);
}

#[test]
fn the_command_says_by_its_status_what_came_out() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, value: &Value| {
        let path = directory.path().join(name);
        std::fs::write(&path, value.to_string()).unwrap();
        path
    };
    let resources = Estate::new()
        .subnet_nsg(vec![rule("office", 100, "Allow", "203.0.113.0/24", "22")])
        .resources();
    let estate = write("estate.json", &Value::Array(resources));
    let run = |answer: &Value, format: &str| {
        let file = write("answer.json", answer);
        assert_cmd::Command::cargo_bin("portcullis")
            .unwrap()
            .args(["verify-effective", "--format", format, "--estate"])
            .arg(&estate)
            .arg(file)
            .output()
            .unwrap()
    };
    let same = run(&answer(&[office()]), "console");
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    assert!(String::from_utf8_lossy(&same.stdout).contains("no difference"));
    let other = run(&answer(&[]), "json");
    assert_eq!(other.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&other.stdout).unwrap();
    assert_eq!(told[0]["differences"][0]["ours"], json!(["office (allow)"]));
    assert_eq!(run(&json!({"value": []}), "console").status.code(), Some(2));
    let mut elsewhere = answer(&[]);
    elsewhere["value"][0]["networkSecurityGroup"]["id"] = json!(nsg_id("other"));
    assert_eq!(run(&elsewhere, "console").status.code(), Some(3));
}

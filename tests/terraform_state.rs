//! States: as shown and as kept.
#![expect(
    clippy::unwrap_used,
    reason = "helpers build states; what fails there fails the test"
)]

use std::path::Path;

use portcullis::input::{Given, Reading};
use portcullis::model::{Known, ResourceId};
use serde_json::{Value, json};

const REAL: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.Network";

fn read(name: &str, text: &str) -> Reading {
    let mut reading = Reading::default();
    reading.read(name, Given::Named, text.as_bytes());
    reading.finish();
    reading
}

fn kept(resources: Value) -> Value {
    json!({ "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "x", "outputs": {}, "resources": resources })
}

fn resource(kind: &str, instances: Value) -> Value {
    json!({ "mode": "managed", "type": kind, "name": "a", "provider": "provider[\"registry.terraform.io/hashicorp/azurerm\"]",
        "instances": instances })
}

fn nsg(name: &str) -> Value {
    json!({ "id": format!("{REAL}/networkSecurityGroups/{name}"), "name": name, "resource_group_name": "rg",
        "location": "westeurope", "security_rule": [] })
}

fn example(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/infra/terraform-json");
    std::fs::read_to_string(root.join(name)).unwrap()
}

#[test]
fn every_instance_of_a_loop_and_no_deposed_one() {
    let text = kept(json!([resource(
        "azurerm_network_security_group",
        json!([
            { "index_key": 0, "schema_version": 0, "attributes": nsg("one") },
            { "index_key": "two", "schema_version": 0, "attributes": nsg("two") },
            { "index_key": 0, "deposed": "a1b2", "schema_version": 0, "attributes": nsg("old") },
        ])
    )]));
    let found = read("terraform.tfstate", &text.to_string()).inventory;
    let names: Vec<&str> = found.nsgs.iter().map(|nsg| nsg.id.name()).collect();
    assert_eq!(names, ["one", "two"]);
}

#[test]
fn real_ids_stand() {
    let found = read("state.json", &example("state.json")).inventory;
    assert_eq!((found.vms.len(), found.nsgs.len(), found.jit_policies.len()), (3, 2, 1));
    let text = example("terraform.tfstate").replace(
        "00000000-0000-0000-0000-000000000000",
        "22222222-2222-2222-2222-222222222222",
    );
    let found = read("terraform.tfstate", &text).inventory;
    let subscriptions: Vec<&str> = found.vms.iter().map(|vm| vm.id.subscription()).collect();
    assert_eq!(subscriptions, ["22222222-2222-2222-2222-222222222222"; 3]);
    let nic = found.nics.iter().find(|nic| nic.id.name() == "jump-nic").unwrap();
    assert!(matches!(&nic.nsg, Known::Known(Some(id)) if id.name() == "jump-nsg"));
}

#[test]
fn a_data_source_that_was_read_tells_of_its_resource() {
    let id = format!("{REAL}/virtualNetworks/v/subnets/s");
    let text = json!({ "format_version": "1.0", "terraform_version": "1.9.0", "values": { "root_module": { "resources": [
        { "address": "data.azurerm_subnet.s", "mode": "data", "type": "azurerm_subnet", "name": "s", "values": {
            "id": id, "name": "s", "virtual_network_name": "v", "resource_group_name": "rg",
            "address_prefixes": ["10.0.0.0/24"], "network_security_group_id": format!("{REAL}/networkSecurityGroups/g"),
            "route_table_id": "" } }] } } });
    let found = read("state.json", &text.to_string()).inventory;
    let (_, subnet) = found.subnet(&ResourceId::new(&id)).unwrap();
    assert!(matches!(&subnet.nsg, Known::Known(Some(id)) if id.name() == "g"));
    assert!(matches!(&subnet.route_table, Known::Known(None)));
}

#[test]
fn what_a_group_tells_of_its_rules_gives_way_to_the_rules() {
    let rule = |port: &str| {
        json!({ "name": "ssh", "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
            "source_address_prefix": "*", "source_port_range": "*", "destination_address_prefix": "*",
            "destination_port_range": port })
    };
    let mut group = nsg("g");
    group["security_rule"] = json!([rule("80")]);
    let mut own = rule("22");
    own["id"] = json!(format!("{REAL}/networkSecurityGroups/g/securityRules/ssh"));
    own["network_security_group_name"] = json!("g");
    own["resource_group_name"] = json!("rg");
    let text = kept(json!([
        resource("azurerm_network_security_group", json!([{ "attributes": group }])),
        resource("azurerm_network_security_rule", json!([{ "attributes": own }])),
    ]));
    let reading = read("terraform.tfstate", &text.to_string());
    assert!(reading.diagnostics.is_empty(), "{:?}", reading.diagnostics);
    let Known::Known(rules) = &reading.inventory.nsgs.get(0).unwrap().rules else {
        panic!("the rules are known");
    };
    assert_eq!(rules.len(), 1);
    assert!(rules[0].destination_ports.set.contains(22) && !rules[0].destination_ports.set.contains(80));
}

const SECRET: &str = "hunter2-hunter2";

#[test]
fn secrets_of_a_state_are_never_told() {
    let mut group = nsg("g");
    group["security_rule"] = json!([{ "name": SECRET, "priority": 100, "direction": "Inbound", "access": "Allow",
        "protocol": "Tcp", "source_address_prefix": SECRET, "source_port_range": "*", "destination_address_prefix": "*",
        "destination_port_range": "22" }]);
    let machine = json!({ "id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/m", "name": "m",
        "resource_group_name": "rg", "admin_password": SECRET, "custom_data": SECRET, "network_interface_ids": [] });
    let text = kept(json!([
        resource(
            "azurerm_network_security_group",
            json!([{ "attributes": group,
            "sensitive_attributes": [[{ "type": "get_attr", "value": "security_rule" }]] }])
        ),
        resource("azurerm_linux_virtual_machine", json!([{ "attributes": machine }])),
        resource(
            "azurerm_key_vault_secret",
            json!([{ "attributes": { "value": SECRET } }])
        ),
    ]));
    let mut text = text;
    text["outputs"] = json!({ "password": { "value": SECRET, "type": "string", "sensitive": true } });
    let reading = read("terraform.tfstate", &text.to_string());
    assert!(!format!("{:?} {:?}", reading.inventory, reading.diagnostics).contains(SECRET));
    assert!(matches!(
        reading.inventory.nsgs.get(0).unwrap().rules,
        Known::Unknown(_)
    ));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("terraform.tfstate");
    let cut = text.to_string();
    for content in [cut.as_str(), &cut[..cut.len() - 30]] {
        std::fs::write(&file, content).unwrap();
        for format in ["console", "json", "sarif", "html", "junit", "markdown", "csv"] {
            let mut command = assert_cmd::Command::cargo_bin("portcullis").unwrap();
            let output = command
                .arg("scan")
                .arg(&file)
                .args(["--format", format])
                .output()
                .unwrap();
            let all = [output.stdout, output.stderr].concat();
            assert!(
                !all.is_empty() && !String::from_utf8_lossy(&all).contains(SECRET),
                "{format}"
            );
        }
    }
}

#[test]
fn older_and_newer_states_are_refused_with_advice() {
    for version in [3, 5] {
        let mut text = kept(json!([]));
        text["version"] = json!(version);
        let reading = read("terraform.tfstate", &text.to_string());
        assert_eq!(&*reading.diagnostics[0].code, "format-version");
        assert!(!reading.inventory.coverage.is_complete());
    }
    let old = resource("azurerm_subnet", json!([{ "attributes_flat": { "id": "x" } }]));
    let reading = read("terraform.tfstate", &kept(json!([old])).to_string());
    assert_eq!(&*reading.diagnostics[0].code, "old-state");
    assert!(!reading.inventory.coverage.is_complete());
}

#[test]
fn an_empty_state_is_an_empty_estate() {
    for text in [r#"{"format_version":"1.0"}"#, "{\n  \"format_version\": \"1.0\"\n}\n"] {
        let reading = read("state.json", text);
        assert!(reading.diagnostics.is_empty(), "{:?}", reading.diagnostics);
    }
}

#[test]
fn a_state_cut_anywhere_is_lost_and_said() {
    for file in ["state.json", "terraform.tfstate"] {
        let text = example(file);
        for end in (120..text.len() - 3).step_by(997) {
            let reading = read(file, &text[..end]);
            assert_eq!(reading.inventory.coverage.lost.len(), 1, "{file} cut at {end}");
        }
    }
}

//! Plans of Terraform and OpenTofu: what is changed, where references lead, and what is never shown.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers build plans; what fails there fails the test"
)]

use std::collections::BTreeSet;
use std::path::Path;

use portcullis::input::{Given, PlanSide, PlannedAction, Reading};
use portcullis::model::{Inventory, Known, ResourceId, SecurityRule};
use portcullis::source::Level;
use serde_json::{Value, json};

const REAL: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.Network";
const MADE: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network";

fn split(address: &str) -> (String, String) {
    let end = if address.ends_with(']') {
        address.rfind('[').unwrap()
    } else {
        address.len()
    };
    let bare = address[..end].to_owned();
    let last: Vec<&str> = bare.rsplit('.').take(2).collect();
    (last[1].to_owned(), last[0].to_owned())
}

fn change(address: &str, actions: &[&str], before: Value, after: Value, unknown: Value) -> Value {
    let (kind, name) = split(address);
    json!({ "address": address, "mode": "managed", "type": kind, "name": name,
        "provider_name": "registry.terraform.io/hashicorp/azurerm",
        "change": { "actions": actions, "before": before, "after": after, "after_unknown": unknown,
            "before_sensitive": false, "after_sensitive": {} } })
}

fn create(address: &str, after: Value, unknown: Value) -> Value {
    change(address, &["create"], Value::Null, after, unknown)
}

fn configured(address: &str, expressions: Value) -> Value {
    let (kind, name) = split(address);
    json!({ "address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "name": name, "expressions": expressions })
}

fn plan(changes: Value, root_module: Value) -> Value {
    json!({ "format_version": "1.2", "terraform_version": "1.11.4", "planned_values": { "root_module": {} },
        "resource_changes": changes, "configuration": { "root_module": root_module } })
}

fn read_side(text: &str, side: PlanSide) -> Reading {
    let mut reading = Reading::default();
    reading.plan_side = side;
    reading.read("plan.json", Given::Named, text.as_bytes());
    reading.finish();
    reading
}

fn read(plan: &Value) -> Reading {
    read_side(&plan.to_string(), PlanSide::After)
}

#[track_caller]
fn inventory(plan: &Value) -> Inventory {
    let reading = read(plan);
    let wrong: Vec<_> = reading.diagnostics.iter().filter(|d| d.level == Level::Error).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    reading.inventory
}

fn refer(references: &[&str]) -> Value {
    json!({ "references": references })
}

#[track_caller]
fn rules<'i>(inventory: &'i Inventory, nsg: &str) -> &'i [SecurityRule] {
    let nsg = inventory
        .nsgs
        .find(&ResourceId::new(nsg))
        .unwrap_or_else(|| panic!("{:?}", inventory.nsgs));
    match &nsg.rules {
        Known::Known(rules) => rules,
        Known::Unknown(why) => panic!("{why}"),
    }
}

#[track_caller]
fn rule_names(inventory: &Inventory, nsg: &str) -> Vec<String> {
    rules(inventory, nsg).iter().map(|rule| rule.name.to_string()).collect()
}

fn security_rule(name: &str, port: &str) -> Value {
    json!({ "name": name, "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
        "source_address_prefix": "*", "source_port_range": "*", "destination_address_prefix": "*",
        "destination_port_range": port, "source_address_prefixes": [], "destination_port_ranges": [] })
}

fn group(name: &str, rules: Value) -> Value {
    json!({ "name": name, "resource_group_name": "rg", "location": "westeurope", "security_rule": rules })
}

fn with_id(mut resource: Value, id: &str) -> Value {
    resource["id"] = json!(id);
    resource
}

fn standalone(nsg: &str, name: &str) -> Value {
    let mut rule = security_rule(name, "22");
    rule["network_security_group_name"] = json!(nsg);
    rule["resource_group_name"] = json!("rg");
    rule
}

fn example(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/infra");
    root.join(name).to_str().unwrap().to_owned()
}

/// Findings and verdicts, without the places.
fn judged(files: &[&str]) -> (BTreeSet<String>, BTreeSet<String>) {
    let mut command = assert_cmd::Command::cargo_bin("portcullis").unwrap();
    let paths = files.iter().map(|name| example(name));
    let output = command
        .arg("scan")
        .args(paths)
        .args(["--format", "json"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let finding = |one: &Value| {
        let subject = one["subject"]["id"].as_str().unwrap().to_lowercase();
        format!(
            "{} {subject} {} {} {}",
            one["rule"], one["verdict"], one["severity"], one["message"]
        )
    };
    let machine = |one: &Value| format!("{} {} {} {}", one["id"], one["verdict"], one["because"], one["os"]);
    (
        report["findings"].as_array().unwrap().iter().map(finding).collect(),
        report["machines"].as_array().unwrap().iter().map(machine).collect(),
    )
}

#[test]
fn plan_and_states_of_the_shop_give_what_its_templates_give() {
    let templates = judged(&["arm/main.json", "arm/main.parameters.json", "arm/nested/network.json"]);
    assert_eq!((templates.0.len(), templates.1.len()), (6, 3));
    for file in ["plan.json", "state.json", "terraform.tfstate"] {
        let written = judged(&[&format!("terraform-json/{file}")]);
        assert_eq!(written, templates, "{file}");
    }
}

#[test]
fn each_action_says_what_is_before_and_after() {
    let of = |name: &str| {
        with_id(
            group(name, json!([security_rule("open", "22")])),
            &format!("{REAL}/networkSecurityGroups/{name}"),
        )
    };
    let after_of = |name: &str| {
        with_id(
            group(name, json!([security_rule("shut", "443")])),
            &format!("{REAL}/networkSecurityGroups/{name}"),
        )
    };
    let address = |name: &str| format!("azurerm_network_security_group.{name}");
    let mut changes = vec![create(
        &address("create"),
        group("create", json!([])),
        json!({ "id": true }),
    )];
    for (name, actions) in [
        ("update", &["update"][..]),
        ("replace", &["delete", "create"][..]),
        ("swap", &["create", "delete"][..]),
    ] {
        changes.push(change(&address(name), actions, of(name), after_of(name), json!({})));
    }
    changes.push(change(&address("stay"), &["no-op"], of("stay"), of("stay"), json!({})));
    changes.push(change(
        &address("delete"),
        &["delete"],
        of("delete"),
        Value::Null,
        json!({}),
    ));
    changes.push(change(
        &address("forget"),
        &["forget"],
        of("forget"),
        Value::Null,
        json!({}),
    ));
    changes[5]["previous_address"] = json!("azurerm_network_security_group.old");
    changes[4]["change"]["importing"] = json!({ "id": "x" });
    let text = plan(json!(changes), json!({})).to_string();
    let names = |side: PlanSide| {
        let reading = read_side(&text, side);
        let names: Vec<String> = reading
            .inventory
            .nsgs
            .iter()
            .map(|nsg| nsg.id.name().to_owned())
            .collect();
        (names, reading)
    };
    let (before, _) = names(PlanSide::Before);
    assert_eq!(before, ["update", "replace", "swap", "stay", "delete", "forget"]);
    let (after, reading) = names(PlanSide::After);
    assert_eq!(after, ["create", "update", "replace", "swap", "stay", "forget"]);
    let update = format!("{REAL}/networkSecurityGroups/update");
    assert_eq!(rule_names(&reading.inventory, &update), ["shut"]);
    assert_eq!(
        rule_names(&read_side(&text, PlanSide::Before).inventory, &update),
        ["open"]
    );
    let actions: Vec<PlannedAction> = reading.changes.iter().map(|change| change.action).collect();
    use PlannedAction::*;
    assert_eq!(actions, [Create, Update, Replace, Replace, NoOp, Delete, Forget]);
    assert!(reading.changes[4].imported);
    assert_eq!(
        reading.changes[5].previous.as_deref(),
        Some("azurerm_network_security_group.old")
    );
    assert_eq!(reading.changes[1].id.as_deref(), Some(&*update));
    assert!(reading.changes[0].id.is_none());
}

#[test]
fn a_rule_that_is_deleted_is_gone_although_its_group_still_tells_of_it() {
    let id = format!("{REAL}/networkSecurityGroups/g");
    let told = with_id(
        group("g", json!([security_rule("ssh", "22"), security_rule("kept", "443")])),
        &id,
    );
    let rule = with_id(standalone("g", "ssh"), &format!("{id}/securityRules/ssh"));
    let text = plan(
        json!([
            change(
                "azurerm_network_security_group.g",
                &["no-op"],
                told.clone(),
                told,
                json!({})
            ),
            change(
                "azurerm_network_security_rule.ssh",
                &["delete"],
                rule,
                Value::Null,
                json!({})
            ),
        ]),
        json!({}),
    );
    assert_eq!(rule_names(&inventory(&text), &id), ["kept"]);
    let before = read_side(&text.to_string(), PlanSide::Before);
    assert_eq!(
        rule_names(&before.inventory, &id),
        ["kept", "ssh"].map(str::to_owned).to_vec()
    );
}

#[test]
fn new_parts_find_what_azure_has_by_its_real_id() {
    let id = format!("{REAL}/networkSecurityGroups/g");
    let told = with_id(group("g", json!([])), &id);
    let found = inventory(&plan(
        json!([
            change(
                "azurerm_network_security_group.g",
                &["no-op"],
                told.clone(),
                told,
                json!({})
            ),
            create(
                "azurerm_network_security_rule.ssh",
                standalone("g", "ssh"),
                json!({ "id": true })
            ),
        ]),
        json!({}),
    ));
    assert_eq!(rule_names(&found, &id), ["ssh"]);
}

fn subnet(name: &str) -> Value {
    json!({ "name": name, "virtual_network_name": "v", "resource_group_name": "rg", "address_prefixes": ["10.0.0.0/24"] })
}

fn nsg_of_subnet(inventory: &Inventory, name: &str) -> Known<Option<ResourceId>> {
    let id = ResourceId::new(&format!("{MADE}/virtualNetworks/v/subnets/{name}"));
    inventory.subnet(&id).unwrap().1.nsg.clone()
}

fn nsg_id(name: &str) -> Known<Option<ResourceId>> {
    Known::Known(Some(ResourceId::new(&format!("{MADE}/networkSecurityGroups/{name}"))))
}

const ASSOCIATION: &str = "azurerm_subnet_network_security_group_association";

fn both_unknown() -> Value {
    json!({ "id": true, "subnet_id": true, "network_security_group_id": true })
}

#[test]
fn keys_of_loops_choose_what_a_reference_means() {
    let mut changes = Vec::new();
    for key in ["a.b", "c"] {
        let named = |kind: &str| format!("{kind}.all[\"{key}\"]");
        changes.push(create(
            &named("azurerm_subnet"),
            subnet(&format!("s-{key}")),
            json!({ "id": true }),
        ));
        let nsg = group(&format!("g-{key}"), json!([]));
        changes.push(create(
            &named("azurerm_network_security_group"),
            nsg,
            json!({ "id": true }),
        ));
        changes.push(create(&named(ASSOCIATION), json!({}), both_unknown()));
    }
    for change in &mut changes {
        let kind = change["address"]
            .as_str()
            .unwrap()
            .split('.')
            .next()
            .unwrap()
            .to_owned();
        change["type"] = json!(kind);
    }
    let resources = json!([{ "address": format!("{ASSOCIATION}.all"), "expressions": {
        "subnet_id": refer(&["azurerm_subnet.all", "each.key"]),
        "network_security_group_id": refer(&["azurerm_network_security_group.all", "each.key"]) } }]);
    let found = inventory(&plan(json!(changes), json!({ "resources": resources })));
    assert_eq!(nsg_of_subnet(&found, "s-a.b"), nsg_id("g-a.b"));
    assert_eq!(nsg_of_subnet(&found, "s-c"), nsg_id("g-c"));
}

#[test]
fn references_lead_through_variables_and_outputs_of_modules() {
    let association = format!("module.bind[0].{ASSOCIATION}.x");
    let changes = json!([
        create("module.net.azurerm_subnet.s", subnet("s"), json!({ "id": true })),
        create(
            "azurerm_network_security_group.g",
            group("g", json!([])),
            json!({ "id": true })
        ),
        create(&association, json!({}), both_unknown()),
    ]);
    let inner = json!({ "resources": [configured(&association, json!({
        "subnet_id": refer(&["var.subnet"]), "network_security_group_id": refer(&["var.group"]) }))] });
    let module = json!({
        "module_calls": {
            "net": { "module": { "outputs": { "subnet_id": { "expression": refer(&["azurerm_subnet.s.id", "azurerm_subnet.s"]) } } } },
            "bind": { "count_expression": { "constant_value": 1 }, "module": inner, "expressions": {
                "subnet": refer(&["module.net.subnet_id", "module.net"]),
                "group": refer(&["azurerm_network_security_group.g.id", "azurerm_network_security_group.g"]) } },
        }
    });
    let found = inventory(&plan(changes, module));
    assert_eq!(nsg_of_subnet(&found, "s"), nsg_id("g"));
}

#[test]
fn names_that_nobody_knows_yet_still_join() {
    let mut nsg = group("", json!([]));
    nsg.as_object_mut().unwrap().remove("name");
    let mut rule = standalone("", "ssh");
    rule.as_object_mut().unwrap().remove("network_security_group_name");
    let changes = json!([
        create(
            "azurerm_network_security_group.g",
            nsg,
            json!({ "id": true, "name": true })
        ),
        create(
            "azurerm_network_security_rule.r",
            rule,
            json!({ "id": true, "network_security_group_name": true })
        ),
    ]);
    let resources = json!([
        configured(
            "azurerm_network_security_group.g",
            json!({ "name": refer(&["random_pet.x.id", "random_pet.x"]) })
        ),
        configured(
            "azurerm_network_security_rule.r",
            json!({
            "network_security_group_name": refer(&["azurerm_network_security_group.g.name", "azurerm_network_security_group.g"]) })
        ),
    ]);
    let found = inventory(&plan(changes, json!({ "resources": resources })));
    let nsg = found.nsgs.get(0).unwrap().id.clone();
    assert_eq!(rule_names(&found, nsg.as_str()), ["ssh"]);
}

#[test]
fn what_cannot_be_followed_stays_unknown() {
    let changes = json!([
        create("azurerm_subnet.s", subnet("s"), json!({ "id": true })),
        create(&format!("{ASSOCIATION}.x"), json!({}), both_unknown()),
    ]);
    let resources = json!([configured(
        &format!("{ASSOCIATION}.x"),
        json!({
        "subnet_id": refer(&["local.subnets", "each.key"]), "network_security_group_id": refer(&["local.group"]) })
    )]);
    let found = inventory(&plan(changes, json!({ "resources": resources })));
    assert!(matches!(nsg_of_subnet(&found, "s"), Known::Unknown(_)));
}

#[test]
fn rules_that_are_unknown_are_no_rules_that_are_absent() {
    let mut nsg = group("g", json!([]));
    nsg.as_object_mut().unwrap().remove("security_rule");
    let one = create(
        "azurerm_network_security_group.g",
        nsg,
        json!({ "id": true, "security_rule": true }),
    );
    let found = inventory(&plan(json!([one]), json!({})));
    assert!(matches!(found.nsgs.get(0).unwrap().rules, Known::Unknown(_)));
    let rule = create(
        "azurerm_network_security_rule.r",
        standalone("g", "ssh"),
        json!({ "id": true }),
    );
    let found = inventory(&plan(json!([one, rule]), json!({})));
    assert_eq!(rule_names(&found, &format!("{MADE}/networkSecurityGroups/g")), ["ssh"]);
}

#[test]
fn places_are_those_of_the_plan() {
    let mut one = create(
        "azurerm_network_security_group.g",
        group("g", json!([security_rule("ssh", "22")])),
        json!({ "id": true }),
    );
    one["change"]["after"]["tags"] = json!({ "ä": "ö" });
    let text = serde_json::to_string_pretty(&plan(json!([one]), json!({}))).unwrap();
    let reading = read_side(&text, PlanSide::After);
    let rule = &rules(&reading.inventory, &format!("{MADE}/networkSecurityGroups/g"))[0];
    let place = rule.sources_origin.0.unwrap();
    let line = text.lines().nth(place.line as usize - 1).unwrap();
    let said: String = line.chars().skip(place.column as usize - 1).collect();
    assert!(
        line.contains("\"source_address_prefix\"") && said.starts_with("\"*\""),
        "{line}"
    );
}

const SECRET: &str = "hunter2-hunter2";

#[test]
fn what_is_sensitive_is_unknown_and_never_told() {
    let mut rule = security_rule("ssh", "22");
    rule["source_address_prefix"] = json!(SECRET);
    let mut one = create(
        "azurerm_network_security_group.g",
        group("g", json!([rule])),
        json!({ "id": true }),
    );
    one["change"]["after_sensitive"] = json!({ "security_rule": [{ "source_address_prefix": true }] });
    let mut machine = create(
        "azurerm_linux_virtual_machine.m",
        json!({ "name": "m", "resource_group_name": "rg", "location": "westeurope", "admin_password": SECRET,
            "custom_data": SECRET, "network_interface_ids": [] }),
        json!({ "id": true }),
    );
    machine["change"]["after_sensitive"] = json!({ "admin_password": true });
    let text = plan(json!([one, machine]), json!({}));
    let reading = read(&text);
    assert!(!format!("{:?} {:?}", reading.inventory, reading.diagnostics).contains(SECRET));
    let rule = &rules(&reading.inventory, &format!("{MADE}/networkSecurityGroups/g"))[0];
    assert!(format!("{:?}", rule.sources).contains("sensitive"));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("plan.json");
    std::fs::write(&file, text.to_string()).unwrap();
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

#[test]
fn a_plan_cut_anywhere_is_lost_and_said() {
    let text = std::fs::read_to_string(example("terraform-json/plan.json")).unwrap();
    for end in (200..text.len() - 3).step_by(997) {
        let reading = read_side(&text[..end], PlanSide::After);
        assert_eq!(reading.inventory.coverage.lost.len(), 1, "cut at {end}");
        let said = &reading.diagnostics[0];
        assert_eq!(&*said.code, "json-syntax", "cut at {end}: {said:?}");
        assert!(said.location.is_some() && said.help.is_some());
    }
}

#[test]
fn other_versions_are_refused_with_advice() {
    for version in ["2.0", "10.1", ""] {
        let mut text = plan(json!([]), json!({}));
        text["format_version"] = json!(version);
        let reading = read(&text);
        assert_eq!(&*reading.diagnostics[0].code, "format-version", "{version}");
        assert!(!reading.inventory.coverage.is_complete());
    }
    for version in ["0.1", "1.0", "1.99"] {
        let mut text = plan(json!([]), json!({}));
        text["format_version"] = json!(version);
        assert!(read(&text).diagnostics.is_empty(), "{version}");
    }
}

#[test]
fn a_plan_that_ended_with_an_error_is_not_whole() {
    let mut text = plan(json!([]), json!({}));
    text["errored"] = json!(true);
    assert!(!read(&text).inventory.coverage.is_complete());
}

#[test]
fn shapes_that_no_terraform_makes_end_without_panic() {
    let base = plan(
        json!([create("azurerm_subnet.s", subnet("s"), json!({ "id": true }))]),
        json!({ "resources": [] }),
    );
    let odd = [
        json!(null),
        json!(1),
        json!("x"),
        json!([]),
        json!({}),
        json!([[]]),
        json!([{}]),
        json!({ "": { "": [] } }),
    ];
    for pointer in [
        "/resource_changes",
        "/resource_changes/0",
        "/resource_changes/0/change",
        "/resource_changes/0/change/after",
        "/resource_changes/0/change/actions",
        "/resource_changes/0/change/after_unknown",
        "/resource_changes/0/change/after/name",
        "/resource_changes/0/address",
        "/resource_changes/0/type",
        "/configuration",
        "/configuration/root_module",
        "/configuration/root_module/resources",
        "/planned_values",
    ] {
        for value in &odd {
            let mut text = base.clone();
            *text.pointer_mut(pointer).unwrap() = value.clone();
            read(&text);
        }
    }
}

#[test]
fn modules_that_refer_to_themselves_end() {
    let changes = json!([create(&format!("module.a.{ASSOCIATION}.x"), json!({}), both_unknown())]);
    let inner = json!({ "resources": [configured(&format!("{ASSOCIATION}.x"), json!({ "subnet_id": refer(&["var.x"]) }))],
        "outputs": { "o": { "expression": refer(&["var.x"]) } } });
    let module = json!({ "module_calls": { "a": { "module": inner, "expressions": { "x": refer(&["module.a.o", "module.a"]) } } } });
    read(&plan(changes, module));
}

#[test]
fn findings_point_at_the_blocks_beside_a_plan() {
    let source = "resource \"azurerm_network_security_group\" \"g\" {\n  name = \"g\"\n  security_rule {\n    name = \"b\"\n  }\n\
                  \n  security_rule {\n    name                   = \"a\"\n    source_address_prefix  = var.x\n  }\n}\n";
    let group = group("g", json!([security_rule("a", "22"), security_rule("b", "23")]));
    let plan = plan(
        json!([create(
            "module.m.azurerm_network_security_group.g",
            group,
            json!({ "id": true })
        ),]),
        json!({ "module_calls": { "m": { "source": "./modules/m", "module": {} } } }),
    );
    let mut reading = Reading::default();
    reading.read("live/plan.json", Given::Named, plan.to_string().as_bytes());
    let file = reading.sources.add("live/modules/m/main.tf");
    reading.keep_configuration(file, source);
    let other = reading.sources.add("live/main.tf");
    reading.keep_configuration(other, source);
    reading.finish();
    let found = rules(&reading.inventory, &format!("{MADE}/networkSecurityGroups/g"));
    let place = |rule: &SecurityRule| {
        let (whole, source) = (rule.origin.0.unwrap(), rule.sources_origin.0.unwrap());
        (whole.source, whole.line, source.line, source.column)
    };
    assert_eq!(place(&found[0]), (file, 7, 9, 30));
    assert_eq!(place(&found[1]), (file, 3, 3, 3));
}

#[test]
fn data_sources_that_were_read_before_the_plan_tell_of_their_resources() {
    let id = format!("{REAL}/virtualNetworks/v/subnets/s");
    let mut text = plan(json!([]), json!({}));
    text["prior_state"] = json!({ "format_version": "1.0", "values": { "root_module": { "resources": [
        { "address": "data.azurerm_subnet.s", "mode": "data", "type": "azurerm_subnet", "name": "s", "values": {
            "id": id, "name": "s", "network_security_group_id": format!("{REAL}/networkSecurityGroups/g") } },
        { "address": "azurerm_network_security_group.old", "mode": "managed", "type": "azurerm_network_security_group",
            "name": "old", "values": with_id(group("old", json!([])), &format!("{REAL}/networkSecurityGroups/old")) },
    ] } } });
    let found = inventory(&text);
    assert!(found.subnet(&ResourceId::new(&id)).is_some());
    assert_eq!(found.nsgs.len(), 0);
}

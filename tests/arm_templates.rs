//! Templates: every construct, and that an estate gives the same as a template and as a recording.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers build templates; what fails there fails the test"
)]

mod estate;

use estate::{Analysed, Estate, assert_class, rule};
use portcullis::exposure::ExposureClass::{Undetermined, Wide};
use portcullis::input::{Given, Reading};
use portcullis::model::{AddressTerm, Inventory, Known};
use serde_json::{Value, json};

const SCHEMA: &str = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";

fn template(members: Value) -> Value {
    let mut template = json!({ "$schema": SCHEMA, "contentVersion": "1.0.0.0" });
    for (name, value) in members.as_object().unwrap() {
        template[name] = value.clone();
    }
    template
}

fn with_resources(resources: Value) -> Value {
    template(json!({ "resources": resources }))
}

fn read_files(files: &[(&str, String)]) -> Reading {
    let mut reading = Reading::default();
    for (name, text) in files {
        reading.read(name, Given::Found, text.as_bytes());
    }
    reading.finish();
    reading
}

fn read(template: &Value) -> Reading {
    read_files(&[("main.json", template.to_string())])
}

#[track_caller]
fn inventory(template: &Value) -> Inventory {
    let reading = read(template);
    let wrong: Vec<_> = reading
        .diagnostics
        .iter()
        .filter(|d| d.level == portcullis::source::Level::Error)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    reading.inventory
}

fn nsg(name: &str, rules: Value) -> Value {
    json!({ "type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "2023-09-01", "name": name,
        "properties": { "securityRules": rules } })
}

fn nsg_names(inventory: &Inventory) -> Vec<String> {
    inventory.nsgs.iter().map(|nsg| nsg.id.name().to_owned()).collect()
}

#[track_caller]
fn rule_names(inventory: &Inventory, at: u32) -> Vec<String> {
    match &inventory.nsgs.get(at).unwrap().rules {
        Known::Known(rules) => rules.iter().map(|rule| rule.name.to_string()).collect(),
        Known::Unknown(why) => panic!("{why}"),
    }
}

/// A recorded resource as a template declares it.
fn declared(recorded: &Value) -> Value {
    let id = recorded["id"].as_str().unwrap();
    let tail = id.rsplit_once("/providers/").unwrap().1;
    let parts: Vec<&str> = tail.split('/').collect();
    let types: Vec<&str> = parts[1..].iter().step_by(2).copied().collect();
    let names: Vec<&str> = parts[1..].iter().skip(1).step_by(2).copied().collect();
    let mut resource = recorded.clone();
    let members = resource.as_object_mut().unwrap();
    members.remove("id");
    members.insert("type".into(), json!(format!("{}/{}", parts[0], types.join("/"))));
    members.insert("name".into(), json!(names.join("/")));
    members.insert("apiVersion".into(), json!("2023-09-01"));
    resource
}

#[test]
fn the_same_estate_as_template_and_as_recording() {
    let estate = || {
        Estate::new()
            .public()
            .subnet_nsg(vec![
                rule("ssh", 100, "Allow", "*", "22"),
                rule("no", 200, "Deny", "Internet", "*"),
            ])
            .routes(vec![("0.0.0.0/0", "Internet", None)])
    };
    let recorded = estate().analyse();
    let resources: Vec<Value> = estate().resources().iter().map(declared).collect();
    let text = with_resources(json!(resources)).to_string();
    // The recording says its group and subscription; a template is deployed to some.
    let text = text
        .replace(
            "00000000-0000-0000-0000-000000000001",
            "00000000-0000-0000-0000-000000000000",
        )
        .replace("/resourceGroups/rg/", "/resourceGroups/main/");
    let written = Analysed::of(read_files(&[("main.json", text)]));
    assert_class(written.public(), Wide);
    assert_eq!(recorded.public().class, written.public().class);
    assert_eq!(estate::deciders(recorded.public()), estate::deciders(written.public()));
    assert_eq!(recorded.private().class, written.private().class);
}

#[test]
fn conditions_decide_and_open_ones_make_everything_open() {
    let mut resources = vec![nsg("yes", json!([])), nsg("no", json!([])), nsg("perhaps", json!([]))];
    resources[0]["condition"] = json!("[equals(1, 1)]");
    resources[1]["condition"] = json!(false);
    resources[2]["condition"] = json!("[parameters('deploy')]");
    let read = inventory(&template(
        json!({ "parameters": { "deploy": { "type": "bool" } }, "resources": resources }),
    ));
    assert_eq!(nsg_names(&read), ["yes", "perhaps"]);
    let why = read.nsgs.get(1).unwrap().rules.why().unwrap().text.to_string();
    assert!(
        why.contains("whether it is deployed is open") && why.contains("`deploy`"),
        "{why}"
    );
}

#[test]
fn loops_over_resources_properties_and_variables() {
    let rule = json!({ "name": "[concat('r', copyIndex('securityRules'))]",
        "properties": { "priority": "[add(100, copyIndex('securityRules'))]", "direction": "Inbound", "access": "Allow", "protocol": "*",
            "sourceAddressPrefix": "[variables('sources')[copyIndex()]]", "sourcePortRange": "*",
            "destinationAddressPrefix": "*", "destinationPortRange": "22" } });
    let group = json!({ "type": "Microsoft.Network/networkSecurityGroups", "name": "[format('g{0}', copyIndex())]",
        "copy": { "name": "groups", "count": 2 },
        "properties": { "copy": [{ "name": "securityRules", "count": "[length(variables('sources'))]", "input": rule }] } });
    let variables = json!({ "copy": [{ "name": "sources", "count": 2, "input": "[concat('10.0.', copyIndex('sources'), '.0/24')]" }] });
    let read = inventory(&template(json!({ "variables": variables, "resources": [group] })));
    assert_eq!(nsg_names(&read), ["g0", "g1"]);
    assert_eq!(rule_names(&read, 1), ["r0", "r1"]);
    let Known::Known(rules) = &read.nsgs.get(1).unwrap().rules else {
        panic!()
    };
    let AddressTerm::Range(range) = &rules[0].sources.terms[0] else {
        panic!("{rules:?}")
    };
    assert_eq!(range.to_string(), "10.0.1.0/24");
}

#[test]
fn an_open_count_is_one_round_that_perhaps_exists() {
    let group = json!({ "type": "Microsoft.Network/networkSecurityGroups", "name": "[format('g{0}', copyIndex())]",
        "copy": { "name": "groups", "count": "[parameters('count')]" }, "properties": {} });
    let read = inventory(&template(
        json!({ "parameters": { "count": { "type": "int" } }, "resources": [group] }),
    ));
    assert_eq!(nsg_names(&read), ["g{copyIndex}"]);
    assert!(read.nsgs.get(0).unwrap().rules.why().is_some());
}

#[test]
fn children_in_every_form() {
    let body = |priority: u16| {
        json!({ "priority": priority, "direction": "Inbound", "access": "Deny", "protocol": "*",
        "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "*" })
    };
    let mut group = nsg("g", json!([]));
    group["resources"] = json!([
        { "type": "securityRules", "name": "short", "properties": body(100) },
        { "type": "Microsoft.Network/networkSecurityGroups/securityRules", "name": "g/long", "properties": body(101) },
    ]);
    let apart = json!({ "type": "Microsoft.Network/networkSecurityGroups/securityRules", "name": "[concat('g', '/apart')]", "properties": body(102) });
    let read = inventory(&with_resources(json!([group, apart])));
    let mut names = rule_names(&read, 0);
    names.sort();
    assert_eq!(names, ["apart", "long", "short"]);
}

#[test]
fn children_that_belong_into_their_parents() {
    let resources = json!([
        { "type": "Microsoft.Network/routeTables", "name": "t" },
        { "type": "Microsoft.Network/routeTables/routes", "name": "t/out",
            "properties": { "addressPrefix": "0.0.0.0/0", "nextHopType": "Internet" } },
    ]);
    let read = inventory(&with_resources(resources));
    let table = read.route_tables.get(0).unwrap();
    assert!(matches!(&table.routes, Known::Known(routes) if routes.len() == 1 && &*routes[0].name == "out"));
}

#[test]
fn symbolic_names_and_existing_resources() {
    let read = inventory(&template(json!({ "languageVersion": "2.0", "resources": {
        "there": { "existing": true, "type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "x", "name": "shared" },
        "mine": nsg("mine", json!([])),
        "net": { "type": "Microsoft.Network/virtualNetworks", "name": "v", "properties": { "subnets": [
            { "name": "a", "properties": { "addressPrefix": "10.0.0.0/24", "networkSecurityGroup": { "id": "[resourceInfo('there').id]" } } },
            { "name": "b", "properties": { "addressPrefix": "10.0.1.0/24", "networkSecurityGroup": { "id": "[resourceInfo('mine').id]" } } },
        ], "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] } } },
    } })));
    assert_eq!(nsg_names(&read), ["mine"]);
    let of = |at: usize| {
        read.networks.get(0).unwrap().subnets[at]
            .nsg
            .known()
            .cloned()
            .flatten()
            .unwrap()
    };
    assert_eq!(of(0).name(), "shared");
    assert!(read.nsgs.find(&of(0)).is_none() && read.nsgs.find(&of(1)).is_some());
}

fn nested(scope: &str, name: &str) -> Value {
    json!({ "type": "Microsoft.Resources/deployments", "name": "inner", "resourceGroup": "other", "properties": {
        "mode": "Incremental", "expressionEvaluationOptions": { "scope": scope },
        "parameters": { "name": { "value": "given" } },
        "template": template(json!({
            "parameters": { "name": { "type": "string" } }, "variables": { "v": "inside" },
            "resources": [nsg(name, json!([]))],
            "outputs": { "id": { "type": "string", "value": "[resourceId('Microsoft.Network/networkSecurityGroups', 'x')]" } },
        })),
    }})
}

#[test]
fn inner_and_outer_scope() {
    let outer = |scope: &str, name: &str| {
        inventory(&template(json!({
            "parameters": { "name": { "type": "string", "defaultValue": "outer" } }, "variables": { "v": "outside" },
            "resources": [nested(scope, name)],
        })))
    };
    for (scope, name, expected) in [
        ("inner", "[parameters('name')]", "given"),
        ("inner", "[variables('v')]", "inside"),
        ("outer", "[parameters('name')]", "outer"),
        ("outer", "[variables('v')]", "outside"),
    ] {
        let read = outer(scope, name);
        assert_eq!(nsg_names(&read), [expected], "{scope} {name}");
        assert_eq!(read.nsgs.get(0).unwrap().id.resource_group(), "other");
    }
}

#[test]
fn outputs_of_nested_templates_are_known_before_and_behind_them() {
    let public = |name: &str| {
        json!({ "type": "Microsoft.Network/virtualNetworks", "name": name, "properties": { "subnets": [
            { "name": "a", "properties": { "addressPrefix": "10.0.0.0/24",
                "networkSecurityGroup": { "id": "[reference('inner').outputs.id.value]" } } },
        ] } })
    };
    let read = read(&with_resources(json!([
        public("before"),
        nested("inner", "x"),
        public("behind")
    ])))
    .inventory;
    for network in read.networks.iter() {
        let id = network.subnets[0].nsg.known().cloned().flatten().unwrap();
        assert!(read.nsgs.find(&id).is_some(), "{id}");
    }
}

#[test]
fn linked_templates_are_found_by_path_and_judged_where_they_are_used() {
    let linked = template(json!({
        "parameters": { "name": { "type": "string" } },
        "resources": [nsg("[parameters('name')]", json!([{ "name": "ssh", "properties": { "priority": 100 } }]))],
    }));
    for link in [
        json!({ "relativePath": "parts/nsg.json" }),
        json!({ "uri": "[uri(deployment().properties.templateLink.uri, 'parts/nsg.json')]" }),
        json!({ "uri": "[uri(parameters('base'), concat('parts/nsg.json', parameters('token')))]" }),
    ] {
        let main = template(json!({
            "parameters": { "base": { "type": "string", "defaultValue": "[deployment().properties.templateLink.uri]" }, "token": { "type": "string" } },
            "resources": [{ "type": "Microsoft.Resources/deployments", "name": "d", "properties": {
                "templateLink": link, "parameters": { "name": { "value": "linked" } } } }],
        }));
        let reading = read_files(&[
            ("infra/main.json", main.to_string()),
            ("infra/parts/nsg.json", serde_json::to_string_pretty(&linked).unwrap()),
        ]);
        assert_eq!(
            nsg_names(&reading.inventory),
            ["linked"],
            "{link}: {:#?}",
            reading.diagnostics
        );
        let nsg = reading.inventory.nsgs.get(0).unwrap();
        assert_eq!(nsg.id.resource_group(), "main");
        let place = nsg.origin.0.unwrap();
        assert_eq!(&*reading.sources.name(place.source), "infra/parts/nsg.json");
    }
}

#[test]
fn parameter_files_beside_the_template_and_named() {
    let main = template(
        json!({ "parameters": { "a": { "type": "string" }, "b": { "type": "string", "defaultValue": "b" } },
        "resources": [nsg("[concat(parameters('a'), parameters('b'))]", json!([]))] }),
    );
    let values = |a: &str| {
        json!({ "$schema": "x/deploymentParameters.json#", "contentVersion": "1.0.0.0", "parameters": { "a": { "value": a } } }).to_string()
    };
    let mut reading = Reading::default();
    reading.read("x/main.json", Given::Found, main.to_string().as_bytes());
    reading.read("x/main.parameters.json", Given::Found, values("beside").as_bytes());
    reading.finish();
    assert_eq!(nsg_names(&reading.inventory), ["besideb"]);
    assert!(
        reading
            .diagnostics
            .iter()
            .any(|d| &*d.code == "parameter-defaults" && d.message.contains("`b`"))
    );

    let mut reading = Reading::default();
    reading.read("x/main.json", Given::Found, main.to_string().as_bytes());
    reading.read("x/main.parameters.json", Given::Found, values("beside").as_bytes());
    reading.read_parameters("prod.json", values("named").as_bytes());
    reading.finish();
    assert_eq!(nsg_names(&reading.inventory), ["namedb"]);

    let reading = read_files(&[
        ("x/main.json", main.to_string()),
        ("y/main.parameters.json", values("elsewhere")),
    ]);
    assert_eq!(nsg_names(&reading.inventory), ["{a}b"]);
    for code in ["parameters-unused", "parameter-open"] {
        assert!(reading.diagnostics.iter().any(|d| &*d.code == code), "{code}");
    }
}

#[test]
fn wrappers_and_previews() {
    let bare = with_resources(json!([nsg("g", json!([]))]));
    for wrapped in [
        json!({ "properties": { "mainTemplate": bare } }),
        json!({ "location": "x", "properties": { "mode": "Incremental", "template": bare, "parameters": {} } }),
    ] {
        assert_eq!(nsg_names(&inventory(&wrapped)), ["g"]);
    }
    let id = |name: &str| {
        format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/{name}")
    };
    let state = |name: &str| json!({ "id": id(name), "properties": { "securityRules": [] } });
    let preview = json!({ "status": "Succeeded", "changes": [
        { "resourceId": id("new"), "changeType": "Create", "after": state("new") },
        { "resourceId": id("gone"), "changeType": "Delete", "before": state("gone") },
        { "resourceId": id("same"), "changeType": "NoChange", "before": state("same"), "after": state("same") },
    ] });
    assert_eq!(nsg_names(&inventory(&preview)), ["new", "same"]);
}

#[test]
fn comments_strings_over_lines_and_places() {
    let text = r#"// a template
{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "resources": [
    /* the group */
    {
      "type": "Microsoft.Network/networkSecurityGroups",
      "name": "[concat('a',
        'b')]",
      "properties": { "securityRules": [
        { "name": "r", "properties": { "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
            "sourcePortRange": "*", "destinationAddressPrefix": "*",
            "sourceAddressPrefix": "[if(true(), '*', 'x')]",
            "destinationPortRange": "22" } } ] }
    }
  ]
}"#;
    for text in [text.to_owned(), format!("\u{feff}{text}"), text.replace('\n', "\r\n")] {
        let reading = read_files(&[("main.json", text)]);
        assert_eq!(nsg_names(&reading.inventory), ["ab"], "{:?}", reading.diagnostics);
        let Known::Known(rules) = &reading.inventory.nsgs.get(0).unwrap().rules else {
            panic!()
        };
        let place = rules[0].sources_origin.0.unwrap();
        assert_eq!((place.line, place.column), (14, 36));
    }
}

#[test]
fn what_a_template_refers_to_and_does_not_hold_leaves_verdicts_open() {
    let estate = Estate::new().public();
    let resources: Vec<Value> = estate
        .resources()
        .iter()
        .filter(|resource| !resource["id"].as_str().unwrap().contains("/virtualNetworks/"))
        .map(declared)
        .collect();
    let text = with_resources(json!(resources)).to_string();
    let text = text
        .replace(
            "00000000-0000-0000-0000-000000000001",
            "00000000-0000-0000-0000-000000000000",
        )
        .replace("/resourceGroups/rg/", "/resourceGroups/main/");
    for complete in [false, true] {
        let mut reading = Reading::default();
        reading.assume_complete = complete;
        reading.read("main.json", Given::Named, text.as_bytes());
        reading.finish();
        assert_eq!(reading.inventory.coverage.whole, complete);
        assert_class(Analysed::of(reading).public(), Undetermined);
    }
}

#[test]
fn names_with_placeholders_are_found_by_what_refers_to_them() {
    let network = json!({ "type": "Microsoft.Network/virtualNetworks", "name": "[parameters('net')]", "properties": {
        "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] },
        "subnets": [{ "name": "[concat('sub-', uniqueString('x'))]", "properties": { "addressPrefix": "10.0.0.0/24" } }] } });
    let nic = json!({ "type": "Microsoft.Network/networkInterfaces", "name": "n", "properties": { "ipConfigurations": [{ "name": "c",
        "properties": { "subnet": { "id": "[resourceId('Microsoft.Network/virtualNetworks/subnets', parameters('net'), concat('sub-', uniqueString('x')))]" } } }] } });
    let read = inventory(&template(
        json!({ "parameters": { "net": { "type": "string" } }, "resources": [network, nic] }),
    ));
    let Known::Known(configurations) = &read.nics.get(0).unwrap().ip_configurations else {
        panic!()
    };
    let subnet = configurations[0].subnet.known().cloned().flatten().unwrap();
    assert!(read.subnet(&subnet).is_some(), "{subnet}");
}

#[test]
fn the_example_says_what_its_readme_says() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/infra/arm");
    let text = |name: &str| std::fs::read_to_string(directory.join(name)).unwrap();
    let names = [
        "main.json",
        "main.parameters.json",
        "nested/network.json",
        "partial.json",
    ];
    let files: Vec<(&str, String)> = names.iter().map(|name| (*name, text(name))).collect();
    let reading = read_files(&files);
    assert!(reading.inventory.coverage.is_complete());
    assert_eq!((reading.inventory.vms.len(), reading.inventory.nsgs.len()), (4, 3));
    assert!(
        reading
            .diagnostics
            .iter()
            .all(|said| said.level != portcullis::source::Level::Error),
        "{:#?}",
        reading.diagnostics
    );
}

//! What templates are to what lies beside them: templates of the same directory, aliases of the compiler's configuration,
//! linked templates of specs, exceptions in comments, parameters that values come from, and bounds.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers read and judge; what is missing fails the test"
)]

use std::collections::HashMap;
use std::sync::Arc;

use portcullis::input::{Given, Library, Reading};
use portcullis::model::Known;
use portcullis::report::{FORMATS, Options, Report};
use portcullis::rule::{Finding, Verdict};
use portcullis::scan::scan_by_default;
use portcullis::source::Location;
use serde_json::{Value, json};

const SCHEMA: &str = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";

#[derive(Default)]
struct Shelf(HashMap<&'static str, String>);

impl Library for Shelf {
    fn content(&self, name: &str) -> Option<Vec<u8>> {
        self.0.get(name).map(|text| text.as_bytes().to_vec())
    }

    fn module(&self, reference: &str) -> Option<(String, Vec<u8>)> {
        let text = self.0.get(reference)?;
        Some((format!("cache/{}/main.json", reference.len()), text.as_bytes().to_vec()))
    }
}

fn read_chosen(files: &[(&str, String)], choose: impl FnOnce(&mut Reading)) -> Reading {
    let mut reading = Reading::default();
    choose(&mut reading);
    for (name, text) in files {
        reading.read(name, Given::Found, text.as_bytes());
    }
    reading.finish();
    reading
}

fn read(files: &[(&str, String)]) -> Reading {
    read_chosen(files, |_| {})
}

fn judged(reading: Reading) -> Report {
    scan_by_default(reading, "2026-01-01T00:00:00Z".parse().unwrap(), &["infra"])
}

fn template(resources: Value) -> String {
    pretty(json!({ "$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": resources }))
}

fn pretty(value: Value) -> String {
    serde_json::to_string_pretty(&value).unwrap()
}

fn rule(source: &str) -> Value {
    json!({ "name": "ssh", "properties": { "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
        "sourceAddressPrefix": source, "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "22" } })
}

fn nsg(name: &str, source: &str) -> Value {
    json!({ "type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "2023-09-01", "name": name,
        "properties": { "securityRules": [rule(source)] } })
}

fn network() -> Value {
    json!({ "type": "Microsoft.Network/virtualNetworks", "apiVersion": "2023-09-01", "name": "net", "properties": {
        "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] },
        "subnets": [{ "name": "a", "properties": { "addressPrefix": "10.0.0.0/24" } }] } })
}

/// A machine with a public address, whose network and group are named and not declared.
fn machine() -> Value {
    json!([
        { "type": "Microsoft.Network/publicIPAddresses", "apiVersion": "2023-09-01", "name": "ip", "sku": { "name": "Standard" },
          "properties": { "publicIPAllocationMethod": "Static" } },
        { "type": "Microsoft.Network/networkInterfaces", "apiVersion": "2023-09-01", "name": "nic", "properties": {
            "networkSecurityGroup": { "id": "[resourceId('Microsoft.Network/networkSecurityGroups', 'group')]" },
            "ipConfigurations": [{ "name": "c", "properties": {
                "subnet": { "id": "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'net', 'a')]" },
                "publicIPAddress": { "id": "[resourceId('Microsoft.Network/publicIPAddresses', 'ip')]" } } }] } },
        { "type": "Microsoft.Compute/virtualMachines", "apiVersion": "2024-03-01", "name": "vm", "properties": {
            "networkProfile": { "networkInterfaces": [{ "id": "[resourceId('Microsoft.Network/networkInterfaces', 'nic')]" }] } } }
    ])
}

#[track_caller]
fn finding<'r>(report: &'r Report, rule: &str, subject: &str) -> &'r Finding {
    let found = report
        .findings
        .iter()
        .find(|finding| &*finding.rule == rule && &*finding.subject.name == subject);
    found.unwrap_or_else(|| panic!("no `{rule}` of `{subject}` in {:#?}", report.findings))
}

fn assumes(report: &Report, id: &str) -> bool {
    report.assumptions.iter().any(|assumption| &*assumption.id == id)
}

#[test]
fn templates_of_one_directory_are_deployed_to_one_group() {
    let files = [
        ("app/net.json", template(json!([network(), nsg("group", "Internet")]))),
        ("app/vm.json", template(machine())),
    ];
    let report = judged(read(&files));
    assert_eq!(
        finding(&report, "management-port-exposed", "vm").verdict,
        Verdict::Unhealthy
    );
    assert!(assumes(&report, "one-group"));

    let apart = read_chosen(&files, |reading| {
        reading.inventory.choices.choose("one-group=apart").unwrap()
    });
    let report = judged(apart);
    assert_eq!(
        finding(&report, "management-port-exposed", "vm").verdict,
        Verdict::Undetermined
    );
    assert!(!assumes(&report, "one-group"));
}

#[test]
fn templates_are_joined_only_where_it_is_plain_which_is_meant() {
    let open = |files: &[(&str, String)]| {
        let report = judged(read(files));
        assert!(!assumes(&report, "one-group"), "{files:?}");
        finding(&report, "management-port-exposed", "vm").verdict
    };
    let vm = || template(machine());
    let net = |source: &str| template(json!([network(), nsg("group", source)]));
    // In another directory; declared twice; put into a group of its own.
    assert_eq!(
        open(&[("net/net.json", net("*")), ("app/vm.json", vm())]),
        Verdict::Undetermined
    );
    let twice = [
        ("a/one.json", net("*")),
        ("a/two.json", net("10.0.0.0/8")),
        ("a/vm.json", vm()),
    ];
    assert_eq!(open(&twice), Verdict::Undetermined);
    let elsewhere = template(
        json!([{ "type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "d",
        "resourceGroup": "shared", "properties": { "mode": "Incremental", "template": {
            "$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": [network(), nsg("group", "*")] } } }]),
    );
    assert_eq!(
        open(&[("a/net.json", elsewhere), ("a/vm.json", vm())]),
        Verdict::Undetermined
    );
}

#[test]
fn a_rule_of_one_template_belongs_to_the_group_of_another() {
    let mut loose = rule("Internet");
    loose["type"] = json!("Microsoft.Network/networkSecurityGroups/securityRules");
    loose["apiVersion"] = json!("2023-09-01");
    loose["name"] = json!("group/ssh");
    let group = json!({ "type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "2023-09-01", "name": "group", "properties": {} });
    let reading = read(&[
        ("a/group.json", template(json!([group]))),
        ("a/rule.json", template(json!([loose]))),
    ]);
    let group = reading.inventory.nsgs.get(0).unwrap();
    assert!(
        matches!(&group.rules, Known::Known(rules) if rules.len() == 1),
        "{group:#?}"
    );
    assert!(reading.inventory.coverage.joined_groups);
}

#[test]
fn bicep_and_json_of_one_directory_find_each_other() {
    let bicep = "resource group 'Microsoft.Network/networkSecurityGroups@2023-09-01' existing = { name: 'group' }
resource net 'Microsoft.Network/virtualNetworks@2023-09-01' = {
  name: 'web'
  properties: {
    addressSpace: { addressPrefixes: ['10.1.0.0/16'] }
    subnets: [{ name: 'a', properties: { addressPrefix: '10.1.0.0/24', networkSecurityGroup: { id: group.id } } }]
  }
}
";
    let reading = read(&[
        ("a/group.json", template(json!([nsg("group", "*")]))),
        ("a/net.bicep", bicep.to_owned()),
    ]);
    let subnet = &reading.inventory.networks.get(0).unwrap().subnets[0];
    let Known::Known(Some(group)) = &subnet.nsg else {
        panic!("{subnet:#?}")
    };
    assert!(reading.inventory.nsgs.iter().any(|nsg| nsg.id == *group), "{group}");
}

#[test]
fn aliases_of_the_compilers_configuration_name_published_modules() {
    let shelf = Shelf(HashMap::from([
        (
            "infra/bicepconfig.json",
            r#"{ /* ours */ "moduleAliases": { "br": { "team": { "registry": "team.example", "modulePath": "bicep" } },
                "ts": { "specs": { "subscription": "s", "resourceGroup": "g" } } } }"#
                .to_owned(),
        ),
        (
            "br:team.example/bicep/net/group:1.0",
            template(json!([nsg("published", "*")])),
        ),
        ("ts:s/g/group:2", template(json!([nsg("spec", "*")]))),
    ]));
    let main = "module a 'br/team:net/group:1.0' = { name: 'a' }\nmodule b 'ts/specs:group:2' = { name: 'b' }\n";
    let reading = read_chosen(&[("infra/apps/main.bicep", main.to_owned())], |reading| {
        reading.library = Some(Arc::new(shelf));
    });
    let names: Vec<&str> = reading.inventory.nsgs.iter().map(|nsg| nsg.id.name()).collect();
    assert_eq!(names, ["published", "spec"], "{:#?}", reading.diagnostics);
    assert!(reading.inventory.coverage.is_complete());
}

#[test]
fn a_template_spec_carries_the_templates_that_it_links() {
    let main = json!({ "$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": [
        { "type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "d",
          "properties": { "mode": "Incremental", "templateLink": { "relativePath": "parts/group.json" } } }] });
    let part = json!({ "$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": [nsg("linked", "*")] });
    for spec in [
        json!({ "mainTemplate": main, "linkedTemplates": [{ "path": "parts/group.json", "template": part }] }),
        json!({ "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Resources/templateSpecs/x/versions/1",
            "properties": { "mainTemplate": main, "linkedTemplates": [{ "path": "parts\\group.json", "template": part }] } }),
    ] {
        let text = pretty(spec);
        let line = text.lines().position(|line| line.contains("\"linked\"")).unwrap() + 1;
        let reading = read(&[("specs/spec.json", text)]);
        let group = reading.inventory.nsgs.get(0);
        let group = group.unwrap_or_else(|| panic!("{:#?}", reading.diagnostics));
        assert_eq!(group.id.name(), "linked");
        assert!(reading.inventory.coverage.is_complete());
        let place = group.origin.0.unwrap();
        assert!((place.line..=place.end_line).contains(&u32::try_from(line).unwrap()));
    }
}

#[test]
fn a_stack_is_judged_by_its_template() {
    let stack = json!({ "location": "westeurope", "properties": {
        "actionOnUnmanage": { "resources": "delete" }, "denySettings": { "mode": "none" },
        "parameters": { "source": { "value": "Internet" } },
        "template": { "$schema": SCHEMA, "contentVersion": "1.0.0.0", "parameters": { "source": { "type": "string" } },
            "resources": [nsg("g", "[parameters('source')]")] } } });
    let reading = read(&[("stack.json", pretty(stack))]);
    assert!(reading.diagnostics.iter().all(|said| &*said.code != "parameter-open"));
    let report = judged(reading);
    assert_eq!(
        finding(&report, "management-port-admitted", "g/ssh").verdict,
        Verdict::Unhealthy
    );
}

#[test]
fn a_preview_is_recognised_however_long_its_first_change_is() {
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/new";
    let preview = json!({ "changes": [{ "after": { "aaa": "x".repeat(9000), "id": id, "properties": { "securityRules": [] } },
        "before": null, "changeType": "Create", "delta": null, "resourceId": id }], "error": null, "status": "Succeeded" });
    let reading = read(&[("preview.json", pretty(preview))]);
    assert_eq!(reading.inventory.nsgs.len(), 1, "{:#?}", reading.diagnostics);
}

/// The text at a place.
fn sliced<'t>(files: &'t [(&str, String)], place: &Location) -> &'t str {
    let (_, text) = files.iter().find(|(name, _)| *name == &*place.file).unwrap();
    let line = text.lines().nth(place.line as usize - 1).unwrap();
    assert_eq!(place.line, place.end_line, "{place}");
    &line[place.column as usize - 1..place.end_column as usize - 1]
}

#[test]
fn a_finding_points_at_the_use_and_relates_to_the_parameter() {
    let with_parameter = |resources: Value| {
        pretty(json!({ "$schema": SCHEMA, "contentVersion": "1.0.0.0",
            "parameters": { "allowed": { "type": "string", "defaultValue": "10.0.0.0/8" } },
            "variables": { "source": "[parameters('allowed')]" }, "resources": resources }))
    };
    let mut resources = machine();
    let all = resources.as_array_mut().unwrap();
    all.push(network());
    all.push(nsg("group", "[variables('source')]"));
    let values = pretty(
        json!({ "$schema": "x/deploymentParameters.json#", "contentVersion": "1.0.0.0",
        "parameters": { "allowed": { "value": "Internet" } } }),
    );
    let files = [
        ("main.json", with_parameter(resources)),
        ("main.parameters.json", values),
    ];
    let report = judged(read(&files));
    let exposed = finding(&report, "management-port-exposed", "vm");
    let places: Vec<(&str, &str, &str)> = exposed
        .evidence
        .iter()
        .filter_map(|fact| {
            let place = fact.location.as_ref()?;
            Some((&*fact.label, &*place.file, sliced(&files, place)))
        })
        .collect();
    assert!(
        places.contains(&("exposure", "main.json", "\"[variables('source')]\"")),
        "{places:?}"
    );
    assert!(
        places.contains(&("value", "main.parameters.json", "\"Internet\"")),
        "{places:?}"
    );

    // In SARIF: a related location, whose region is the value.
    let sarif = FORMATS.iter().find(|format| format.name == "sarif").unwrap();
    let mut out = Vec::new();
    (sarif.write)(&report, &Options::default(), &mut out).unwrap();
    let log: Value = serde_json::from_slice(&out).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let result = results
        .iter()
        .find(|result| result["ruleId"] == "management-port-exposed")
        .unwrap();
    let related = result["relatedLocations"].as_array().unwrap();
    let of_values = |one: &&Value| one["physicalLocation"]["artifactLocation"]["uri"] == "main.parameters.json";
    let region = &related.iter().find(of_values).unwrap()["physicalLocation"]["region"];
    let number = |name: &str| u32::try_from(region[name].as_u64().unwrap()).unwrap();
    let place = Location {
        file: "main.parameters.json".into(),
        line: number("startLine"),
        column: number("startColumn"),
        end_line: number("endLine"),
        end_column: number("endColumn"),
    };
    assert_eq!(sliced(&files, &place), "\"Internet\"");
}

#[test]
fn a_value_is_followed_through_modules_to_who_gave_it() {
    let files = [
        (
            "main.bicep",
            "param admin string = '0.0.0.0/0'\nmodule filters 'filters.bicep' = {\n  name: 'filters'\n  params: { source: admin }\n}\n".to_owned(),
        ),
        (
            "filters.bicep",
            "param source string
resource g 'Microsoft.Network/networkSecurityGroups@2023-09-01' = {
  name: 'g'
  properties: {
    securityRules: [
      {
        name: 'ssh'
        properties: {
          priority: 100
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourcePortRange: '*'
          sourceAddressPrefix: source
          destinationAddressPrefix: '*'
          destinationPortRange: '22'
        }
      }
    ]
  }
}
"
            .to_owned(),
        ),
    ];
    let report = judged(read(&files));
    let found = finding(&report, "management-port-admitted", "g/ssh");
    let related: Vec<(&str, &str)> = found
        .evidence
        .iter()
        .filter(|fact| &*fact.label == "value")
        .map(|fact| {
            let place = fact.location.as_ref().unwrap();
            (&*place.file, sliced(&files, place))
        })
        .collect();
    assert_eq!(related, [("main.bicep", "admin"), ("main.bicep", "'0.0.0.0/0'")]);
}

#[test]
fn a_finding_about_just_in_time_access_relates_to_the_parameter_too() {
    let policy = "param longest string
param machine string = 'web'
resource policy 'Microsoft.Security/locations/jitNetworkAccessPolicies@2020-01-01' = {
  name: 'westeurope/default'
  kind: 'Basic'
  properties: {
    virtualMachines: [
      {
        id: resourceId('Microsoft.Compute/virtualMachines', machine)
        ports: [
          {
            number: 22
            protocol: '*'
            allowedSourceAddressPrefix: '10.0.0.0/8'
            maxRequestAccessDuration: longest
          }
        ]
      }
    ]
  }
}
";
    let files = [
        ("main.bicep", policy.to_owned()),
        (
            "main.bicepparam",
            "using 'main.bicep'\nparam longest = 'PT24H'\n".to_owned(),
        ),
    ];
    let report = judged(read(&files));
    let found = report.findings.iter().find(|one| &*one.rule == "jit-window-too-long");
    let found = found.unwrap_or_else(|| panic!("{:#?}", report.findings));
    let related: Vec<&str> = found
        .evidence
        .iter()
        .filter(|fact| &*fact.label == "value")
        .map(|fact| sliced(&files, fact.location.as_ref().unwrap()))
        .collect();
    assert!(related.contains(&"'PT24H'"), "{found:#?}");
}

/// The reason by which the only group's rule is excepted.
fn excepted(name: &str, text: &str) -> Vec<Option<String>> {
    let report = judged(read(&[(name, text.to_owned())]));
    let of_rule = report
        .findings
        .iter()
        .filter(|finding| &*finding.rule == "management-port-admitted");
    of_rule
        .map(|finding| finding.waiver.as_ref().map(|waiver| waiver.reason.to_string()))
        .collect()
}

#[test]
fn exceptions_in_comments_of_templates() {
    let plain = template(json!([nsg("a", "*"), nsg("b", "*")]));
    assert_eq!(excepted("main.json", &plain), [None, None]);
    let says = "portcullis:ignore management-port-admitted reason=\\\"known\\\"";
    let known = || Some("known".to_owned());
    let comment = says.replace('\\', "");
    // Above the resource, within it, and in its member `comments`.
    let above = plain.replacen(
        "    {\n      \"apiVersion\"",
        &format!("    // {comment}\n    {{\n      \"apiVersion\""),
        1,
    );
    assert_ne!(above, plain);
    assert_eq!(excepted("main.json", &above), [known(), None]);
    let inside = plain.replacen("\"apiVersion\"", &format!("/* {comment} */ \"apiVersion\""), 1);
    assert_eq!(excepted("main.json", &inside), [known(), None]);
    let member = plain.replacen(
        "\"apiVersion\"",
        &format!("\"comments\": \"{says}\", \"apiVersion\""),
        1,
    );
    assert_eq!(excepted("main.json", &member), [known(), None]);
    // What stands in a string is no comment.
    let string = plain.replacen("\"ssh\"", &format!("\"// {says}\""), 1);
    assert_eq!(excepted("main.json", &string), [None, None]);
}

#[test]
fn exceptions_in_comments_of_bicep() {
    let group = |name: &str, above: &str, inside: &str| {
        format!(
            "{above}\nresource {name} 'Microsoft.Network/networkSecurityGroups@2023-09-01' = {{\n  name: '{name}' {inside}\n  properties: {{\n    securityRules: [\n      {{\n        name: 'ssh'\n        properties: {{\n          priority: 100\n          direction: 'Inbound'\n          access: 'Allow'\n          protocol: 'Tcp'\n          sourcePortRange: '*'\n          sourceAddressPrefix: '*'\n          destinationAddressPrefix: '*'\n          destinationPortRange: '22'\n        }}\n      }}\n    ]\n  }}\n}}\n"
        )
    };
    let says = "// portcullis:ignore management-port-admitted reason=\"known\"";
    let known = || Some("known".to_owned());
    let both = |above: &str, inside: &str| excepted("main.bicep", &(group("a", above, inside) + &group("b", "", "")));
    assert_eq!(both("", ""), [None, None]);
    assert_eq!(both(says, ""), [known(), None]);
    assert_eq!(both(&format!("{says}\n@description('a group')"), ""), [known(), None]);
    assert_eq!(both("", says), [known(), None]);
    assert_eq!(
        both("var text = '// portcullis:ignore * reason=\"no\"'", ""),
        [None, None]
    );
}

#[test]
fn limits_are_those_that_are_set() {
    let mut many = nsg("[concat('n', copyIndex())]", "*");
    many["copy"] = json!({ "name": "loop", "count": 30 });
    let files = [("main.json", template(json!([many])))];
    let with = |limit: &str| read_chosen(&files, |reading| reading.limits.choose(limit).unwrap());
    assert_eq!(with("loop-rounds=30").inventory.nsgs.len(), 30);
    let few = with("loop-rounds=29");
    assert!(
        few.diagnostics
            .iter()
            .any(|said| said.message.contains("--limit loop-rounds")),
        "{:#?}",
        few.diagnostics
    );
    let short = with("template-steps=50");
    assert!(short.diagnostics.iter().any(|said| &*said.code == "template-too-large"));
    let small = with("document-bytes=100");
    assert!(
        small
            .diagnostics
            .iter()
            .any(|said| said.message.contains("--limit document-bytes")),
        "{:#?}",
        small.diagnostics
    );
    assert!(!small.inventory.coverage.is_complete());
}

#[test]
fn a_child_that_its_parent_states_as_well_holds() {
    let group = json!({ "type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "2023-09-01", "name": "group", "properties": {
        "securityRules": [rule("10.0.0.0/8")] } });
    let mut child = rule("Internet");
    child["type"] = json!("Microsoft.Network/networkSecurityGroups/securityRules");
    child["apiVersion"] = json!("2023-09-01");
    child["name"] = json!("group/ssh");
    child["dependsOn"] = json!(["group"]);
    let mut resources = json!([group, child, network()]);
    resources.as_array_mut().unwrap().push(
        json!({ "type": "Microsoft.Network/virtualNetworks/subnets", "apiVersion": "2023-09-01",
        "name": "net/a", "dependsOn": ["net"], "properties": { "addressPrefix": "10.0.0.0/24",
            "networkSecurityGroup": { "id": "[resourceId('Microsoft.Network/networkSecurityGroups', 'group')]" } } }),
    );
    let reading = read(&[("main.json", template(resources))]);
    let conflicts = reading.diagnostics.iter().filter(|said| &*said.code == "conflict");
    assert_eq!(conflicts.count(), 0, "{:#?}", reading.diagnostics);
    let network = reading.inventory.networks.get(0).unwrap();
    assert_eq!(network.subnets.len(), 1);
    assert!(matches!(&network.subnets[0].nsg, Known::Known(Some(_))));
    let Known::Known(rules) = &reading.inventory.nsgs.get(0).unwrap().rules else {
        panic!()
    };
    assert_eq!(rules.len(), 1);
    assert!(format!("{:?}", rules[0].sources).contains("Internet"));
}

#[test]
fn each_file_of_values_makes_a_deployment() {
    let main = pretty(
        json!({ "$schema": SCHEMA, "contentVersion": "1.0.0.0", "parameters": { "name": { "type": "string" } },
        "resources": [nsg("[parameters('name')]", "*")] }),
    );
    let values = |name: &str| {
        pretty(
            json!({ "$schema": "x/deploymentParameters.json#", "contentVersion": "1.0.0.0", "parameters": { "name": { "value": name } } }),
        )
    };
    let groups = |files: &[(&str, String)]| {
        let reading = read(files);
        assert!(
            reading
                .diagnostics
                .iter()
                .all(|said| &*said.code != "parameters-unused"),
            "{:#?}",
            reading.diagnostics
        );
        let all = reading.inventory.nsgs.iter();
        all.map(|nsg| format!("{}/{}", nsg.id.resource_group(), nsg.id.name()))
            .collect::<Vec<_>>()
    };
    let dev = || ("a/main.parameters.dev.json", values("dev"));
    let prod = || ("a/main.prod.parameters.json", values("prod"));
    let main = || ("a/main.json", main.clone());
    assert_eq!(groups(&[main(), dev()]), ["main/dev"]);
    assert_eq!(
        groups(&[main(), dev(), prod()]),
        ["main-main.parameters.dev/dev", "main-main.prod.parameters/prod"]
    );
    let plain = ("a/main.parameters.json", values("plain"));
    assert_eq!(
        groups(&[main(), plain, dev()]),
        ["main/plain", "main-main.parameters.dev/dev"]
    );
}

#[test]
fn json_that_is_put_together_of_ids_has_its_structure() {
    let mut resources = machine();
    let all = resources.as_array_mut().unwrap();
    all[1]["properties"]["ipConfigurations"][0]["properties"]["publicIPAddress"] =
        json!("[json(concat('{\"id\": \"', resourceId('Microsoft.Network/publicIPAddresses', 'ip'), '\"}'))]");
    all.push(network());
    all.push(nsg("group", "Internet"));
    let report = judged(read(&[("main.json", template(resources))]));
    assert_eq!(
        finding(&report, "management-port-exposed", "vm").verdict,
        Verdict::Unhealthy
    );
}

#[test]
fn scripts_and_prose_that_begin_with_a_bracket_are_no_broken_json() {
    let files = [
        ("a/main.json", template(json!([nsg("g", "*")]))),
        ("a/deploy.ps1", "[CmdletBinding()]\nparam()\n".to_owned()),
        ("a/README.md", "[![Deploy](x)](y)\n".to_owned()),
    ];
    let reading = read(&files);
    assert!(reading.inventory.coverage.is_complete(), "{:#?}", reading.diagnostics);
    assert!(
        reading
            .diagnostics
            .iter()
            .any(|said| said.message.contains("deploy.ps1"))
    );
    let broken = read(&[("a/estate.json", "[ { \"id\": ".to_owned())]);
    assert!(!broken.inventory.coverage.is_complete());
}

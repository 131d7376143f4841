//! Bicep against the ARM template that the compiler makes of it: the same inventory. And the examples in both notations:
//! the same findings, each at its line.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers read and compare; what is missing fails the test"
)]

mod pairs;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use portcullis::input::{Given, Library, Reading};
use portcullis::model::Known;
use portcullis::report::Report;
use portcullis::scan::scan_by_default;
use portcullis::source::{Diagnostic, Level};
use serde_json::{Value, json};

/// Contents and published modules, by name.
#[derive(Default)]
struct Shelf(HashMap<&'static str, &'static str>);

impl Library for Shelf {
    fn content(&self, name: &str) -> Option<Vec<u8>> {
        self.0.get(name).map(|text| text.as_bytes().to_vec())
    }

    fn module(&self, reference: &str) -> Option<(String, Vec<u8>)> {
        let text = self.0.get(reference)?;
        Some(("cache/main.json".to_owned(), text.as_bytes().to_vec()))
    }
}

fn read_with(files: &[(&str, &str)], shelf: Shelf) -> Reading {
    let mut reading = Reading::default();
    reading.library = Some(Arc::new(shelf));
    for (name, text) in files {
        reading.read(name, Given::Found, text.as_bytes());
    }
    reading.finish();
    reading
}

fn read(files: &[(&str, &str)]) -> Reading {
    read_with(files, Shelf::default())
}

fn errors(reading: &Reading) -> Vec<&Diagnostic> {
    reading
        .diagnostics
        .iter()
        .filter(|said| said.level == Level::Error)
        .collect()
}

/// All that was read, without the places that said it.
fn inventory(reading: &Reading) -> String {
    let all = &reading.inventory;
    let text = format!(
        "{:#?}{:#?}{:#?}{:#?}{:#?}{:#?}{:#?}",
        all.vms.iter().collect::<Vec<_>>(),
        all.nics.iter().collect::<Vec<_>>(),
        all.networks.iter().collect::<Vec<_>>(),
        all.nsgs.iter().collect::<Vec<_>>(),
        all.public_ips.iter().collect::<Vec<_>>(),
        all.jit_policies.iter().collect::<Vec<_>>(),
        all.unused,
    );
    let places = regex::Regex::new(r"(?s)Place \{[^}]*\}").unwrap();
    places.replace_all(&text, "").into_owned()
}

fn template(members: Value) -> String {
    let mut template = json!({ "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "languageVersion": "2.0", "contentVersion": "1.0.0.0" });
    for (name, value) in members.as_object().unwrap() {
        template[name] = value.clone();
    }
    template.to_string()
}

#[track_caller]
fn pair(bicep: &str, compiled: Value) -> Reading {
    let written = read(&[("main.bicep", bicep)]);
    assert!(errors(&written).is_empty(), "{:#?}", errors(&written));
    let made = read(&[("main.json", &template(compiled))]);
    assert!(errors(&made).is_empty(), "{:#?}", errors(&made));
    pretty_equal(&inventory(&written), &inventory(&made));
    written
}

#[track_caller]
fn pretty_equal(bicep: &str, arm: &str) {
    let mut lines = bicep.lines().zip(arm.lines()).enumerate();
    if let Some((at, (left, right))) = lines.find(|(_, (left, right))| left != right) {
        panic!("line {at}\nBicep: {left}\nARM:   {right}\n\n{bicep}");
    }
    assert_eq!(bicep.lines().count(), arm.lines().count(), "{bicep}");
}

fn nsg_json(name: &str, rules: Value) -> Value {
    json!({ "type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "2023-09-01", "name": name,
        "properties": { "securityRules": rules } })
}

fn rule_json(name: &str, priority: Value, source: &str, port: &str) -> Value {
    json!({ "name": name, "properties": { "priority": priority, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
        "sourceAddressPrefix": source, "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": port } })
}

/// A function that makes a rule, for the texts below.
const RULE: &str = "
func allow(name string, priority int, source string, port string) object => {
  name: name
  properties: {
    priority: priority
    direction: 'Inbound'
    access: 'Allow'
    protocol: 'Tcp'
    sourceAddressPrefix: source
    sourcePortRange: '*'
    destinationAddressPrefix: '*'
    destinationPortRange: port
  }
}
";

/// A group of this name with these rules.
fn group(symbol: &str, rules: &str) -> String {
    format!(
        "resource {symbol} 'Microsoft.Network/networkSecurityGroups@2023-09-01' = {{\n  name: '{symbol}'\n  properties: {{\n    \
         securityRules: {rules}\n  }}\n}}\n"
    )
}

#[test]
fn values_of_every_kind() {
    let bicep = format!(
        "{RULE}
param prefix string = 'shop'
param extra object?
var numbers = [for (port, i) in ['22', '3389']: {{ port: port, priority: 100 + i * 10 }}]
var more = map(filter(range(1, 4), n => n % 2 == 0), n => allow('n${{n}}', 300 + n, 'Internet', '${{n}}'))
var joined = reduce(more, [], (all, one) => concat(all, [one]))
var named = toObject(joined, one => one.name, one => one.properties.priority)
{}",
        group(
            "a",
            "[
      ...map(numbers, n => allow('${prefix}-${n.port}', n.priority, '10.0.0.0/8', n.port))
      ...joined
      allow(
        'last',
        named.n2 + (extra.?priority ?? 1) + (contains(named, 'n4') && !empty(numbers) ? 5 : 0),
        cidrSubnet('10.1.0.0/16', 24, 2),
        numbers[^1].port
      )
    ]"
        )
    );
    let rules = json!([
        rule_json("shop-22", json!(100), "10.0.0.0/8", "22"),
        rule_json("shop-3389", json!(110), "10.0.0.0/8", "3389"),
        rule_json("n2", json!(302), "Internet", "2"),
        rule_json("n4", json!(304), "Internet", "4"),
        rule_json("last", json!(308), "10.1.2.0/24", "3389")
    ]);
    pair(&bicep, json!({ "resources": { "a": nsg_json("a", rules) } }));
}

#[test]
fn loops_conditions_and_symbolic_names() {
    let bicep = "
param names array = ['web', 'db', 'off']
param open string
resource net 'Microsoft.Network/virtualNetworks@2023-09-01' = {
  name: 'net'
  properties: {
    addressSpace: { addressPrefixes: ['10.0.0.0/16'] }
    subnets: [for (name, i) in names: { name: name, properties: { addressPrefix: cidrSubnet('10.0.0.0/16', 24, i) } }]
  }
}
resource nics 'Microsoft.Network/networkInterfaces@2023-09-01' = [for (name, i) in names: if (name != 'off') {
  name: '${name}-nic'
  properties: {
    ipConfigurations: [{ name: 'c', properties: { subnet: { id: net.properties.subnets[i].id } } }]
  }
}]
resource vms 'Microsoft.Compute/virtualMachines@2024-03-01' = [for i in range(0, 2): {
  name: '${names[i]}-${open}'
  properties: { networkProfile: { networkInterfaces: [{ id: nics[i].id }] } }
}]
";
    let compiled = json!({
        "parameters": { "names": { "type": "array", "defaultValue": ["web", "db", "off"] }, "open": { "type": "string" } },
        "resources": {
            "net": { "type": "Microsoft.Network/virtualNetworks", "apiVersion": "2023-09-01", "name": "net", "properties": {
                "copy": [{ "name": "subnets", "count": "[length(parameters('names'))]", "input": {
                    "name": "[parameters('names')[copyIndex('subnets')]]",
                    "properties": { "addressPrefix": "[cidrSubnet('10.0.0.0/16', 24, copyIndex('subnets'))]" } } }],
                "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] } } },
            "nics": { "copy": { "name": "nics", "count": "[length(parameters('names'))]" },
                "condition": "[not(equals(parameters('names')[copyIndex()], 'off'))]",
                "type": "Microsoft.Network/networkInterfaces", "apiVersion": "2023-09-01",
                "name": "[format('{0}-nic', parameters('names')[copyIndex()])]",
                "properties": { "ipConfigurations": [{ "name": "c",
                    "properties": { "subnet": { "id": "[reference('net').subnets[copyIndex()].id]" } } }] } },
            "vms": { "copy": { "name": "vms", "count": "[length(range(0, 2))]" },
                "type": "Microsoft.Compute/virtualMachines", "apiVersion": "2024-03-01",
                "name": "[format('{0}-{1}', parameters('names')[range(0, 2)[copyIndex()]], parameters('open'))]",
                "properties": { "networkProfile": { "networkInterfaces": [
                    { "id": "[resourceInfo(format('nics[{0}]', range(0, 2)[copyIndex()])).id]" }] } } }
        }
    });
    let reading = pair(bicep, compiled);
    assert_eq!((reading.inventory.vms.len(), reading.inventory.nics.len()), (2, 2));
    let network = reading.inventory.networks.get(0).unwrap();
    let subnets = &network.subnets;
    let Known::Known(configurations) = &reading.inventory.nics.get(1).unwrap().ip_configurations else {
        panic!()
    };
    let subnet = configurations[0].subnet.known().cloned().flatten().unwrap();
    assert_eq!(
        subnet, subnets[1].id,
        "the subnet's id is that of the part of the network"
    );
}

#[test]
fn parents_nested_resources_and_existing_ones_elsewhere() {
    let bicep = "
resource net 'Microsoft.Network/virtualNetworks@2023-09-01' existing = {
  name: 'shared'
  scope: resourceGroup('11111111-1111-1111-1111-111111111111', 'network')
  resource web 'subnets' existing = { name: 'web' }
}
resource group 'Microsoft.Network/networkSecurityGroups@2023-09-01' = {
  name: 'g'
  resource extra 'securityRules' = {
    name: 'extra'
    properties: { priority: 100, direction: 'Inbound', access: 'Deny', protocol: '*', sourceAddressPrefix: '*'
      sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '*' }
  }
}
resource late 'Microsoft.Network/networkSecurityGroups/securityRules@2023-09-01' = {
  parent: group
  name: 'late'
  properties: { priority: 200, direction: 'Inbound', access: 'Allow', protocol: '*', sourceAddressPrefix: group::extra.name
    sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '*' }
}
resource nic 'Microsoft.Network/networkInterfaces@2023-09-01' = {
  name: 'nic'
  properties: {
    networkSecurityGroup: { id: group.id }
    ipConfigurations: [{ name: 'c', properties: { subnet: { id: net::web.id } } }]
  }
}
";
    let rule = |name: &str, priority: u32, access: &str, source: &str| {
        json!({ "type": "Microsoft.Network/networkSecurityGroups/securityRules", "apiVersion": "2023-09-01", "name": format!("g/{name}"),
            "properties": { "priority": priority, "direction": "Inbound", "access": access, "protocol": "*", "sourceAddressPrefix": source,
                "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "*" } })
    };
    let subnet = "[extensionResourceId(format('/subscriptions/{0}/resourceGroups/{1}', '11111111-1111-1111-1111-111111111111', 'network'), 'Microsoft.Network/virtualNetworks/subnets', 'shared', 'web')]";
    let compiled = json!({ "resources": {
        "group": { "type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "2023-09-01", "name": "g" },
        "group::extra": rule("extra", 100, "Deny", "*"),
        "late": rule("late", 200, "Allow", "extra"),
        "nic": { "type": "Microsoft.Network/networkInterfaces", "apiVersion": "2023-09-01", "name": "nic", "properties": {
            "networkSecurityGroup": { "id": "[resourceId('Microsoft.Network/networkSecurityGroups', 'g')]" },
            "ipConfigurations": [{ "name": "c", "properties": { "subnet": { "id": subnet } } }] } }
    } });
    pair(bicep, compiled);
}

#[test]
fn modules_take_arguments_and_give_outputs() {
    let module = "
param prefix string
param port string = '22'
param rules array = []
resource g 'Microsoft.Network/networkSecurityGroups@2023-09-01' = {
  name: '${prefix}-g'
  properties: { securityRules: concat(rules, [{ name: 'r', properties: { priority: 100, direction: 'Inbound', access: 'Allow'
    protocol: 'Tcp', sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: port } }]) }
}
output id string = g.id
output names array = [g.name]
";
    let main = "
module one 'modules/group.bicep' = { name: 'one', params: { prefix: 'a', port: null } }
module many './modules/group.bicep' = [for i in range(0, 2): {
  name: 'many-${i}'
  scope: resourceGroup('other')
  params: { prefix: 'm${i}', port: '33${i}' }
}]
module never 'modules/group.bicep' = if (false) { name: 'never', params: { prefix: 'never' } }
resource nic 'Microsoft.Network/networkInterfaces@2023-09-01' = {
  name: '${one.outputs.names[0]}-${never.?outputs.id ?? 'none'}'
  properties: { networkSecurityGroup: { id: many[1].outputs.id }, ipConfigurations: [] }
}
";
    let reading = read(&[("main.bicep", main), ("modules/group.bicep", module)]);
    assert!(errors(&reading).is_empty(), "{:#?}", errors(&reading));
    let ids: Vec<String> = reading.inventory.nsgs.iter().map(|nsg| nsg.id.to_string()).collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert!(
        ids[0].contains("/resourceGroups/main/") && ids[0].ends_with("/a-g"),
        "{ids:?}"
    );
    assert!(
        ids[2].contains("/resourceGroups/other/") && ids[2].ends_with("/m1-g"),
        "{ids:?}"
    );
    let nic = reading.inventory.nics.get(0).unwrap();
    assert_eq!(nic.id.name(), "a-g-none");
    assert_eq!(nic.nsg.known().unwrap().as_ref().unwrap().to_string(), ids[2]);
}

#[test]
fn imports_loads_and_published_modules() {
    let shared = "
@export()
var ports = ['22']
var hidden = 'office'
@export()
func label(port string) string => '${hidden}-${port}'
@export()
type any = string
";
    let main = "
import { ports as wanted, label } from 'lib/shared.bicep'
import * as shared from './lib/shared.bicep'
var settings = loadJsonContent('settings.json')
var listed = loadYamlContent('list.yaml', 'sources')
module published 'br/public:net/group:1.0' = { name: 'p', params: { name: 'published' } }
resource g 'Microsoft.Network/networkSecurityGroups@2023-09-01' = {
  name: trim(loadTextContent('name.txt'))
  properties: { securityRules: [for (port, i) in concat(wanted, shared.ports): { name: '${shared.label(port)}-${label('x')}-${i}'
    properties: { priority: settings.priority + i, direction: 'Inbound', access: 'Allow', protocol: 'Tcp'
      sourceAddressPrefixes: listed, sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: port } }] }
}
";
    let published = r#"{ "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0", "parameters": { "name": { "type": "string" } }, "resources": [
        { "type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "2023-09-01", "name": "[parameters('name')]" }] }"#;
    let shelf = || {
        Shelf(HashMap::from([
            ("settings.json", "{ \"priority\": 400 }"),
            ("list.yaml", "sources:\n  - 10.0.0.0/8\n  - 192.0.2.1\n"),
            ("name.txt", "loaded\n"),
            ("br/public:net/group:1.0", published),
        ]))
    };
    let reading = read_with(&[("main.bicep", main), ("lib/shared.bicep", shared)], shelf());
    assert!(errors(&reading).is_empty(), "{:#?}", errors(&reading));
    let names: Vec<&str> = reading.inventory.nsgs.iter().map(|nsg| nsg.id.name()).collect();
    assert_eq!(names, ["published", "loaded"]);
    let Known::Known(rules) = &reading.inventory.nsgs.get(1).unwrap().rules else {
        panic!()
    };
    assert_eq!(&*rules[1].name, "office-22-office-x-1");
    // Without them, each is named, what it gives is unknown, and the scan is not whole.
    let reading = read(&[("main.bicep", main)]);
    let said: Vec<String> = errors(&reading).iter().map(|said| said.message.clone()).collect();
    assert!(
        said.iter()
            .any(|said| said.contains("`br/public:net/group:1.0` is not in the local Bicep cache")),
        "{said:?}"
    );
    assert!(
        said.iter()
            .any(|said| said.contains("`lib/shared.bicep` is not among the files given")),
        "{said:?}"
    );
    assert!(
        said.iter()
            .any(|said| said.contains("`name.txt` is not among the files given")),
        "{said:?}"
    );
    assert!(!reading.inventory.coverage.is_complete());
}

#[test]
fn parameter_files_give_values_and_each_is_a_deployment() {
    let main = "
param name string
param port string = '22'
@secure()
param secret string
resource g 'Microsoft.Network/networkSecurityGroups@2023-09-01' = {
  name: name
  properties: { securityRules: [{ name: 'r', properties: { priority: 100, direction: 'Inbound', access: 'Allow', protocol: 'Tcp'
    sourceAddressPrefix: secret, sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: port } }] }
}
";
    let base = "using none\nparam port = '3389'\nparam secret = 'hunter2'\n";
    let one = "using 'main.bicep'\nextends 'base.bicepparam'\nvar stem = 'a'\nparam name = '${stem}-${toLower('X')}'\n";
    let two = "using './main.bicep'\nparam name = readEnvironmentVariable('NAME', 'd')\nparam secret = '10.0.0.1'\n";
    let single = read(&[("main.bicep", main), ("one.bicepparam", one), ("base.bicepparam", base)]);
    let group = single.inventory.nsgs.get(0).unwrap();
    assert!(
        group
            .id
            .to_string()
            .ends_with("/resourceGroups/main/providers/Microsoft.Network/networkSecurityGroups/a-x")
    );
    assert!(
        !format!("{:?}{:?}", group, single.diagnostics).contains("hunter2"),
        "secrets are not printed"
    );
    let both = read(&[
        ("main.bicep", main),
        ("one.bicepparam", one),
        ("base.bicepparam", base),
        ("two.bicepparam", two),
    ]);
    assert!(errors(&both).is_empty(), "{:#?}", errors(&both));
    let groups: BTreeSet<String> = both
        .inventory
        .nsgs
        .iter()
        .map(|nsg| nsg.id.resource_group().to_owned())
        .collect();
    assert_eq!(groups, BTreeSet::from(["main-one".to_owned(), "main-two".to_owned()]));
}

#[test]
fn a_compiled_template_is_judged_by_its_source() {
    let bicep = group("a", "[]");
    let mut compiled: Value =
        serde_json::from_str(&template(json!({ "resources": { "a": nsg_json("stale", json!([])) } }))).unwrap();
    compiled["metadata"] = json!({ "_generator": { "name": "bicep", "version": "0.30.0" } });
    let reading = read(&[("main.bicep", &bicep), ("main.json", &compiled.to_string())]);
    let names: Vec<&str> = reading.inventory.nsgs.iter().map(|nsg| nsg.id.name()).collect();
    assert_eq!(names, ["a"]);
    assert!(
        reading
            .diagnostics
            .iter()
            .any(|said| &*said.code == "compiled-template")
    );
}

#[test]
fn scopes_above_resource_groups() {
    let main = "
targetScope = 'subscription'
resource rg 'Microsoft.Resources/resourceGroups@2024-03-01' = { name: 'made', location: 'westeurope' }
module inner 'inner.bicep' = { name: 'inner', scope: rg }
module named 'inner.bicep' = { name: 'named', scope: resourceGroup('by-name') }
";
    let reading = read(&[("main.bicep", main), ("inner.bicep", &group("g", "[]"))]);
    assert!(errors(&reading).is_empty(), "{:#?}", errors(&reading));
    let groups: Vec<&str> = reading
        .inventory
        .nsgs
        .iter()
        .map(|nsg| nsg.id.resource_group())
        .collect();
    assert_eq!(groups, ["made", "by-name"]);
}

fn report_of(directory: &str, names: &[&str]) -> Report {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/infra")
        .join(directory);
    let mut reading = Reading::default();
    for name in names {
        let text = std::fs::read(path.join(name)).unwrap();
        reading.read(name, Given::Found, &text[..]);
    }
    reading.finish();
    scan_by_default(reading, "2026-03-14T02:10:00Z".parse().unwrap(), &[directory])
}

#[test]
fn the_examples_in_both_notations_have_the_same_findings() {
    let arm = report_of(
        "arm",
        &[
            "main.json",
            "main.parameters.json",
            "nested/network.json",
            "partial.json",
        ],
    );
    let names = [
        "main.bicep",
        "main.bicepparam",
        "modules/network.bicep",
        "partial.bicep",
        "shared.bicep",
    ];
    let bicep = report_of("bicep", &names);
    assert!(bicep.scan.complete && arm.scan.complete, "{:#?}", bicep.diagnostics);
    let findings = |report: &Report| -> Vec<(String, String, String)> {
        let each = report.findings.iter();
        each.map(|finding| {
            (
                finding.fingerprint.to_string(),
                finding.rule.to_string(),
                finding.message.to_string(),
            )
        })
        .collect()
    };
    assert!(!arm.findings.is_empty());
    assert_eq!(findings(&bicep), findings(&arm));
    assert_eq!(bicep.machines.len(), 4);
    // Each place of the evidence is in a Bicep text, and what stands there is what decided.
    let json = serde_json::to_value(&bicep.findings).unwrap();
    let mut lines = BTreeSet::new();
    places(&json, &mut lines);
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/infra/bicep");
    let said: BTreeSet<String> = lines
        .iter()
        .map(|(file, line)| {
            let text = std::fs::read_to_string(directory.join(file)).unwrap();
            text.lines().nth(*line as usize - 1).unwrap().trim().to_owned()
        })
        .collect();
    assert!(lines.iter().all(|(file, _)| file.ends_with(".bicep")), "{lines:?}");
    assert!(said.contains("sourceAddressPrefix: 'Internet'"), "{said:?}");
}

/// Every file and line in a report.
fn places(node: &Value, found: &mut BTreeSet<(String, u64)>) {
    match node {
        Value::Object(members) => {
            if let (Some(Value::String(file)), Some(Value::Number(line))) = (members.get("file"), members.get("line")) {
                found.insert((file.clone(), line.as_u64().unwrap()));
            }
            members.values().for_each(|member| places(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| places(item, found)),
        _ => {}
    }
}

#[test]
fn what_is_wrong_is_said_at_its_place_and_the_rest_is_judged() {
    let good = group("good", "[]");
    let said = |files: &[(&str, &str)], wanted: &str| {
        let reading = read(files);
        let all: Vec<String> = reading
            .diagnostics
            .iter()
            .map(|said| {
                format!(
                    "{}: {} {}",
                    said.code,
                    said.location.as_ref().map_or(0, |place| place.line),
                    said.message
                )
            })
            .collect();
        assert!(
            all.iter().any(|said| said.contains(wanted)),
            "`{wanted}` is not in {all:#?}"
        );
        assert!(
            reading.inventory.nsgs.iter().any(|nsg| nsg.id.name() == "good"),
            "{wanted}"
        );
        reading
    };
    let main = |text: &str| format!("{text}\n{good}");
    let with = |text: &str, wanted: &str| said(&[("main.bicep", &main(text))], wanted);
    with(
        "module m '../outside.bicep' = { name: 'm' }",
        "the module `../outside.bicep` is not among the files given",
    );
    with("module m '/etc/passwd' = { name: 'm' }", "is not among the files given");
    with(
        "module m 'ts:s/g/n:1' = { name: 'm' }",
        "is not in the local Bicep cache",
    );
    with(
        "module m 'main.bicep' = { name: 'm' }",
        "the module `main.bicep` deploys itself",
    );
    with(
        "var a = b\nvar b = a\nresource x 'Microsoft.Network/networkInterfaces@2023-09-01' = { name: a }",
        "needs itself",
    );
    with(
        "resource x 'Microsoft.Network/networkInterfaces@2023-09-01' = { name: nope }",
        "`nope` is not declared",
    );
    with(
        "resource x 'Microsoft.Network/networkInterfaces@2023-09-01' = {",
        "bicep-syntax",
    );
    with(
        "var big = range(0, 10000000)\nresource x 'Microsoft.Network/networkInterfaces@2023-09-01' = [for i in big: { name: 'x${i}' }]",
        "expression",
    );
    with(
        "resource x 'Microsoft.Network/networkInterfaces@2023-09-01' = [for i in range(0, 801): { name: 'x${i}' }]",
        "0 to 800 times",
    );
    with(
        "func f(n int) int => f(n + 1)\nresource x 'Microsoft.Network/networkInterfaces@2023-09-01' = { name: 'x${f(1)}' }",
        "calls itself",
    );
    with(
        "resource x 'Microsoft.Network/networkInterfaces@2023-09-01' = { name: loadTextContent('../secret.txt') }",
        "is not among the files given",
    );
    with(
        "resource x 'Microsoft.Network/networkInterfaces@2023-09-01' = {\n  name: 'x'\n  properties: { ipConfigurations: nope() }\n}",
        "3 `nope()` cannot be evaluated: `nope` is no function",
    );
    // Modules that deploy each other, in a ring of three.
    let ring = |next: &str| format!("module m '{next}' = {{ name: 'm' }}\n{good}");
    let reading = said(
        &[
            ("a.bicep", &ring("b.bicep")),
            ("b.bicep", &ring("c.bicep")),
            ("c.bicep", &ring("a.bicep")),
        ],
        "deploys itself",
    );
    assert!(!reading.inventory.coverage.is_complete());
}

#[test]
fn a_group_that_is_half_typed_is_not_called_empty() {
    let text = "resource g 'Microsoft.Network/networkSecurityGroups@2023-09-01' = {\n  name: 'g'\n  properties: {\n    securityRules: [\n      { name: 'r', \n  }\n}\n";
    let reading = read(&[("main.bicep", text)]);
    assert!(!reading.inventory.coverage.is_complete());
    let known = reading
        .inventory
        .nsgs
        .iter()
        .any(|nsg| matches!(&nsg.rules, Known::Known(rules) if rules.is_empty()));
    assert!(!known, "{:#?}", reading.inventory.nsgs.get(0));
}

#[test]
fn every_prefix_of_the_example_is_read() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/infra/bicep");
    let text = std::fs::read_to_string(directory.join("main.bicep")).unwrap();
    for end in (0..text.len()).step_by(37) {
        read(&[("main.bicep", &text[..end])]);
    }
    read(&[("main.bicep", &format!("\u{feff}{}", text.replace('\n', "\r\n")))]);
}

//! Terraform configurations: values by precedence, overrides, modules, rounds, and references between resources.

#![expect(clippy::panic, reason = "what a helper does not find fails the test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use portcullis::input::{Given, Library, Reading};
use portcullis::model::{Known, Nsg};
use portcullis::source::Level;

struct Files(BTreeMap<String, Vec<u8>>);

impl Library for Files {
    fn content(&self, name: &str) -> Option<Vec<u8>> {
        self.0.get(name).cloned()
    }

    fn module(&self, _: &str) -> Option<(String, Vec<u8>)> {
        None
    }
}

fn read_with(files: &[(&str, &str)], values: &[(&str, &str)]) -> Reading {
    let mut reading = Reading::default();
    let contents = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
    reading.library = Some(Arc::new(Files(contents.collect())));
    reading.terraform.values = values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    for (name, text) in files {
        reading.read(name, Given::Found, text.as_bytes());
    }
    reading.finish();
    reading
}

fn read(files: &[(&str, &str)]) -> Reading {
    read_with(files, &[])
}

#[track_caller]
fn clean(reading: &Reading) {
    let wrong: Vec<_> = reading
        .diagnostics
        .iter()
        .filter(|one| one.level == Level::Error)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[track_caller]
fn nsg<'r>(reading: &'r Reading, name: &str) -> &'r Nsg {
    let found = reading.inventory.nsgs.iter().find(|nsg| nsg.id.name() == name);
    found.unwrap_or_else(|| {
        let names: Vec<&str> = reading.inventory.nsgs.iter().map(|nsg| nsg.id.name()).collect();
        panic!("no `{name}` among {names:?}: {:#?}", reading.diagnostics)
    })
}

/// Names and ports of the rules.
#[track_caller]
fn rules(nsg: &Nsg) -> Vec<String> {
    match &nsg.rules {
        Known::Known(rules) => rules.iter().map(|rule| rule.name.to_string()).collect(),
        Known::Unknown(why) => panic!("{why}"),
    }
}

const GROUP: &str = r#"
resource "azurerm_resource_group" "main" {
  name     = "rg"
  location = "westeurope"
}
"#;

/// A group whose only rule has the name that an expression gives.
fn named(expression: &str) -> String {
    format!(
        r#"
resource "azurerm_network_security_group" "it" {{
  name                = {expression}
  location            = "westeurope"
  resource_group_name = "rg"
}}
"#
    )
}

#[track_caller]
fn is_named(files: &[(&str, &str)], values: &[(&str, &str)], expected: &str) {
    let reading = read_with(files, values);
    let names: Vec<&str> = reading.inventory.nsgs.iter().map(|nsg| nsg.id.name()).collect();
    assert_eq!(names, [expected], "{:#?}", reading.diagnostics);
}

#[test]
fn values_of_variables_come_in_the_order_of_terraform() {
    let main = format!("variable \"n\" {{ default = \"default\" }}\n{}", named("var.n"));
    let main = ("main.tf", main.as_str());
    let (first, second) = (
        ("terraform.tfvars", "n = \"tfvars\""),
        ("terraform.tfvars.json", "{\"n\": \"json\"}"),
    );
    let (third, fourth) = (("a.auto.tfvars", "n = \"a\""), ("b.auto.tfvars.json", "{\"n\": \"b\"}"));
    is_named(&[main], &[], "default");
    is_named(&[main, first], &[], "tfvars");
    is_named(&[main, first, second], &[], "json");
    is_named(&[main, fourth, third, first, second], &[], "b");
    is_named(&[main, fourth, third], &[("n", "var")], "var");
    let mut reading = Reading::default();
    reading.read(main.0, Given::Found, main.1.as_bytes());
    reading.read(third.0, Given::Found, third.1.as_bytes());
    reading.read_parameters("prod.tfvars", "n = \"named\"".as_bytes());
    reading.finish();
    assert_eq!(reading.inventory.nsgs.iter().next().unwrap().id.name(), "named");
}

#[test]
fn a_variable_without_value_is_a_symbol_that_still_finds_its_like() {
    let text = format!(
        "variable \"n\" {{}}\n{}\n{}",
        named("\"nsg-${var.n}\""),
        r#"
resource "azurerm_subnet" "s" {
  name                 = "s"
  resource_group_name  = "rg"
  virtual_network_name = "v"
  address_prefixes     = ["10.0.0.0/24"]
}
"#
    );
    is_named(&[("main.tf", &text)], &[], "nsg-{var.n}");
}

#[test]
fn types_convert_and_optional_attributes_have_defaults() {
    let text = r#"
variable "rules" {
  type = list(object({
    name     = string
    port     = optional(string, "22")
    priority = optional(number)
  }))
  default = [{ name = "a", priority = 100 }, { name = "b", port = 3389, priority = 110 }]
}
resource "azurerm_network_security_group" "it" {
  name                = "it"
  location            = "westeurope"
  resource_group_name = "rg"
  dynamic "security_rule" {
    for_each = var.rules
    iterator = each_rule
    content {
      name                       = each_rule.value.name
      priority                   = each_rule.value.priority
      direction                  = "Inbound"
      access                     = "Allow"
      protocol                   = "Tcp"
      source_port_range          = "*"
      destination_port_range     = each_rule.value.port
      source_address_prefix      = "*"
      destination_address_prefix = "*"
    }
  }
}
"#;
    let reading = read(&[("main.tf", text)]);
    clean(&reading);
    assert_eq!(rules(nsg(&reading, "it")), ["a", "b"]);
}

#[test]
fn overrides_take_the_place_of_what_they_name() {
    let override_file = r#"
resource "azurerm_network_security_group" "it" {
  name = "changed"
}
locals { x = 2 }
"#;
    is_named(
        &[("main.tf", &named("\"first\"")), ("main_override.tf", override_file)],
        &[],
        "changed",
    );
    is_named(
        &[("main.tf", &named("\"first\"")), ("override.tf", override_file)],
        &[],
        "changed",
    );
    let reading = read(&[("override.tf", override_file)]);
    assert!(
        reading
            .diagnostics
            .iter()
            .any(|one| &*one.code == "nothing-to-override")
    );
}

#[test]
fn rounds_of_count_and_for_each() {
    let text = r#"
locals { ports = [22, 3389] }
resource "azurerm_network_security_group" "counted" {
  count               = length(local.ports)
  name                = "counted-${local.ports[count.index]}"
  location            = "westeurope"
  resource_group_name = "rg"
}
resource "azurerm_network_security_group" "each" {
  for_each            = toset(["a", "b"])
  name                = "each-${each.key}"
  location            = "westeurope"
  resource_group_name = "rg"
}
resource "azurerm_network_security_group" "mapped" {
  for_each            = { for i, p in local.ports : "p${p}" => i }
  name                = "mapped-${each.key}-${each.value}"
  location            = "westeurope"
  resource_group_name = "rg"
}
resource "azurerm_network_security_group" "none" {
  count               = 0
  name                = "none"
  location            = "westeurope"
  resource_group_name = "rg"
}
"#;
    let reading = read(&[("main.tf", text)]);
    clean(&reading);
    let mut names: Vec<&str> = reading.inventory.nsgs.iter().map(|nsg| nsg.id.name()).collect();
    names.sort_unstable();
    let expected = [
        "counted-22",
        "counted-3389",
        "each-a",
        "each-b",
        "mapped-p22-0",
        "mapped-p3389-1",
    ];
    assert_eq!(names, expected);
}

const CHILD: &str = r#"
variable "name" { type = string }
variable "rules" {
  type    = list(object({ name = string, priority = number, port = string }))
  default = []
}
resource "azurerm_network_security_group" "this" {
  name                = "${var.name}-nsg"
  location            = "westeurope"
  resource_group_name = "rg"
  security_rule = [for r in var.rules : {
    name                       = r.name
    priority                   = r.priority
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_port_range          = "*"
    destination_port_range     = r.port
    source_address_prefix      = "*"
    destination_address_prefix = "*"
  }]
}
output "id" { value = azurerm_network_security_group.this.id }
output "name" { value = azurerm_network_security_group.this.name }
"#;

#[test]
fn modules_at_any_depth_pass_values_in_and_out() {
    let outer = r#"
variable "prefix" {}
module "inner" {
  source = "../inner"
  for_each = { a = 22, b = 3389 }
  name   = "${var.prefix}-${each.key}"
  rules  = flatten([for i, n in ["x", "y"] : [{ name = "${n}-${each.key}", priority = 100 + i, port = each.value }]])
}
output "names" { value = { for k, m in module.inner : k => m.name } }
output "first" { value = module.inner["a"].name }
"#;
    let root = r#"
module "net" {
  source = "./modules/outer"
  prefix = "app"
}
resource "azurerm_network_security_group" "seen" {
  name                = "seen-${module.net.first}-${module.net.names["b"]}"
  location            = "westeurope"
  resource_group_name = "rg"
}
"#;
    let files = [
        ("main.tf", root),
        ("modules/outer/main.tf", outer),
        ("modules/inner/main.tf", CHILD),
    ];
    let reading = read(&files);
    clean(&reading);
    assert_eq!(rules(nsg(&reading, "app-a-nsg")), ["x-a", "y-a"]);
    nsg(&reading, "seen-app-a-nsg-app-b-nsg");
    assert_eq!(reading.inventory.nsgs.iter().count(), 3);
}

#[test]
fn downloaded_modules_are_found_and_missing_ones_leave_the_scan_incomplete() {
    let root = r#"
module "net" {
  source  = "Azure/nsg/azurerm"
  version = "1.0.0"
  name    = "dl"
}
"#;
    let manifest = r#"{"Modules":[{"Key":"","Source":"","Dir":"."},{"Key":"net","Source":"registry.terraform.io/Azure/nsg/azurerm","Dir":".terraform/modules/net"}]}"#;
    let reading = read(&[
        ("infra/main.tf", root),
        ("infra/.terraform/modules/modules.json", manifest),
        ("infra/.terraform/modules/net/main.tf", CHILD),
    ]);
    clean(&reading);
    nsg(&reading, "dl-nsg");
    assert_eq!(reading.inventory.nsgs.iter().count(), 1);
    let reading = read(&[("infra/main.tf", root)]);
    assert!(!reading.inventory.coverage.is_complete());
    let said = reading
        .diagnostics
        .iter()
        .find(|one| &*one.code == "module-not-read")
        .unwrap();
    assert!(said.message.contains("Azure/nsg/azurerm"));
    assert_eq!(said.location.as_ref().unwrap().line, 3);
}

#[test]
fn a_module_is_judged_through_its_callers_only() {
    let root = "module \"a\" {\n  source = \"./child\"\n  name = \"x\"\n}\n";
    let reading = read(&[("main.tf", root), ("child/main.tf", CHILD)]);
    clean(&reading);
    assert_eq!(reading.inventory.nsgs.iter().count(), 1);
    let alone = read(&[("child/main.tf", CHILD)]);
    clean(&alone);
    assert_eq!(alone.inventory.nsgs.iter().next().unwrap().id.name(), "{var.name}-nsg");
}

#[test]
fn references_between_resources_are_ids() {
    let text = format!(
        r#"{GROUP}
resource "azurerm_virtual_network" "v" {{
  name                = "v"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  address_space       = ["10.0.0.0/16"]
}}
resource "azurerm_subnet" "s" {{
  count                = 2
  name                 = "s${{count.index}}"
  resource_group_name  = azurerm_resource_group.main.name
  virtual_network_name = azurerm_virtual_network.v.name
  address_prefixes     = [cidrsubnet(azurerm_virtual_network.v.address_space[0], 8, count.index)]
}}
resource "azurerm_network_interface" "n" {{
  name                = "n"
  location            = "westeurope"
  resource_group_name = azurerm_resource_group.main.name
  ip_configuration {{
    name                          = "internal"
    subnet_id                     = azurerm_subnet.s[1].id
    private_ip_address_allocation = "Dynamic"
  }}
}}
"#
    );
    let reading = read(&[("main.tf", &text)]);
    clean(&reading);
    let nic = reading.inventory.nics.iter().next().unwrap();
    let shown = format!("{nic:?}");
    assert!(shown.to_lowercase().contains("/subnets/s1"), "{shown}");
}

#[test]
fn what_may_not_exist_protects_nobody() {
    let text = r#"
variable "on" {}
resource "azurerm_network_security_group" "it" {
  count               = var.on ? 1 : 0
  name                = "it"
  location            = "westeurope"
  resource_group_name = "rg"
}
"#;
    let reading = read(&[("main.tf", text)]);
    assert!(matches!(nsg(&reading, "it").rules, Known::Unknown(_)));
    let on = read_with(&[("main.tf", text)], &[("on", "true")]);
    assert!(rules(nsg(&on, "it")).is_empty());
    let off = read_with(&[("main.tf", text)], &[("on", "false")]);
    assert_eq!(off.inventory.nsgs.iter().count(), 0);
}

#[test]
fn files_among_the_inputs_are_read_and_others_are_unknown() {
    let text = named("jsondecode(file(\"${path.module}/names.json\")).name");
    is_named(
        &[
            ("infra/main.tf", &text),
            ("infra/names.json", "{\"name\": \"from-file\"}"),
        ],
        &[],
        "from-file",
    );
    let template = named("templatefile(\"name.tftpl\", { n = 7 })");
    is_named(
        &[("infra/main.tf", &template), ("infra/name.tftpl", "t-${n}")],
        &[],
        "t-7",
    );
    let reading = read(&[("infra/main.tf", &text)]);
    assert!(reading.inventory.nsgs.iter().all(|nsg| nsg.id.name() != "from-file"));
}

#[test]
fn equal_data_sources_are_equal_ids() {
    let text = r#"
data "azurerm_subnet" "s" {
  name                 = "s"
  virtual_network_name = "v"
  resource_group_name  = "rg"
}
resource "azurerm_network_interface" "n" {
  name                = "n"
  location            = "westeurope"
  resource_group_name = "rg"
  ip_configuration {
    name                          = "internal"
    subnet_id                     = data.azurerm_subnet.s.id
    private_ip_address_allocation = "Dynamic"
  }
}
"#;
    let reading = read(&[("main.tf", text)]);
    clean(&reading);
    let shown = format!("{:?}", reading.inventory.nics.iter().next().unwrap()).to_lowercase();
    assert!(shown.contains("/virtualnetworks/v/subnets/s"), "{shown}");
}

#[test]
fn json_is_read_like_hcl() {
    let text = r#"{
  "locals": { "n": "j" },
  "resource": { "azurerm_network_security_group": { "it": {
    "name": "${local.n}-nsg", "location": "westeurope", "resource_group_name": "rg",
    "security_rule": [{ "name": "ssh", "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
      "source_port_range": "*", "destination_port_range": "22", "source_address_prefix": "*", "destination_address_prefix": "*" }]
  } } }
}"#;
    let reading = read(&[("main.tf.json", text)]);
    clean(&reading);
    assert_eq!(rules(nsg(&reading, "j-nsg")), ["ssh"]);
}

#[test]
fn places_are_those_of_the_use_in_the_block() {
    let root = "module \"a\" {\n  source = \"./child\"\n  name = \"x\"\n  rules = [{ name = \"r\", priority = 100, port = \"22\" }]\n}\n";
    let reading = read(&[("main.tf", root), ("child/main.tf", CHILD)]);
    clean(&reading);
    let Known::Known(rules) = &nsg(&reading, "x-nsg").rules else {
        panic!("the rules are known");
    };
    let shown = format!("{:?}", rules[0]);
    assert!(shown.contains("line: 11"), "{shown}");
}

#[test]
fn two_roots_do_not_mix() {
    let reading = read(&[
        ("dev/main.tf", &named("\"same\"")),
        ("prod/main.tf", &named("\"same\"")),
    ]);
    clean(&reading);
    assert_eq!(reading.inventory.nsgs.iter().count(), 2);
}

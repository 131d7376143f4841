//! Exceptions in comments of what was written: one mechanism, whatever the notation.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

mod infra;

use portcullis::report::Report;

use infra::{ARM, BICEP, TERRAFORM, changed, report_of};

/// How many findings about the jump host there are, and how many of them are excepted.
fn jump(report: &Report) -> (usize, usize) {
    let of_jump: Vec<_> = report
        .findings
        .iter()
        .filter(|one| &*one.subject.name == "jump")
        .collect();
    (of_jump.len(), of_jump.iter().filter(|one| one.waiver.is_some()).count())
}

/// What is found of exceptions that are out of order, with the line.
fn said(report: &Report) -> Vec<(String, u32)> {
    let all = report.findings.iter().filter(|one| one.rule.starts_with("waiver-"));
    all.map(|one| (one.rule.to_string(), one.subject.location.as_ref().unwrap().line))
        .collect()
}

struct Notation {
    directory: &'static str,
    files: &'static [&'static str],
    /// The first words of the statement of the jump host.
    mark: &'static str,
}

const NOTATIONS: &[Notation] = &[
    Notation {
        directory: "terraform",
        files: TERRAFORM,
        mark: "resource \"azurerm_linux_virtual_machine\" \"jump\" {",
    },
    Notation {
        directory: "arm",
        files: ARM,
        mark: "\"type\": \"Microsoft.Compute/virtualMachines\",\n      \"apiVersion\": \"2024-03-01\",\n      \"name\": \"jump\"",
    },
    Notation {
        directory: "bicep",
        files: BICEP,
        mark: "resource jump 'Microsoft.Compute/virtualMachines@",
    },
];

impl Notation {
    /// The example with a comment before the statement.
    fn with(&self, comment: &str) -> Report {
        let report = changed(self.directory, self.files, |text| {
            text.replace(self.mark, &format!("{comment}\n{}", self.mark))
        });
        assert!(jump(&report).0 > 0, "{}", self.directory);
        report
    }
}

#[test]
fn a_comment_excepts_what_it_stands_before_in_every_notation() {
    for notation in NOTATIONS {
        let good = notation.with("// portcullis:ignore * reason=\"jump host, see T-1\" until=2027-01-31");
        let (all, excepted) = jump(&good);
        assert_eq!((all, said(&good)), (excepted, vec![]), "{}", notation.directory);
        let others = good.findings.iter().filter(|one| &*one.subject.name != "jump");
        assert_eq!(
            others.filter(|one| one.waiver.is_some()).count(),
            0,
            "{}",
            notation.directory
        );
    }
}

#[test]
fn what_is_expired_or_has_no_reason_excepts_nothing_and_is_told() {
    for notation in NOTATIONS {
        for (comment, code) in [
            (
                "/* portcullis:ignore * reason=\"old\" until=2020-01-31 */",
                "waiver-expired",
            ),
            ("/* portcullis:ignore * */", "waiver-invalid"),
            ("/* portcullis:ignore reason=\"which?\" */", "waiver-invalid"),
            (
                "/* portcullis:ignore * reason=\"x\" until=tomorrow */",
                "waiver-invalid",
            ),
            ("/* portcullis:ignore no-such-rule reason=\"x\" */", "waiver-unused"),
        ] {
            let report = notation.with(comment);
            let codes: Vec<String> = said(&report).into_iter().map(|(code, _)| code).collect();
            assert_eq!(
                (jump(&report).1, codes),
                (0, vec![code.to_owned()]),
                "{} {comment}",
                notation.directory
            );
        }
    }
}

#[test]
fn a_comment_behind_the_first_words_or_within_is_about_the_statement_too() {
    let behind = |notation: &Notation, from: &str, to: &str| {
        changed(notation.directory, notation.files, |text| text.replace(from, to))
    };
    let comment = "// portcullis:ignore * reason=\"x\"";
    let [terraform, arm, bicep] = NOTATIONS else {
        unreachable!()
    };
    for report in [
        behind(terraform, terraform.mark, &format!("{} {comment}", terraform.mark)),
        behind(terraform, terraform.mark, &format!("{}\n  {comment}", terraform.mark)),
        behind(
            arm,
            "\"name\": \"jump\",\n      \"location\"",
            &format!("\"name\": \"jump\", {comment}\n      \"location\""),
        ),
        behind(
            bicep,
            "= {\n  name: 'jump'\n",
            &format!("= {{\n  {comment}\n  name: 'jump'\n"),
        ),
    ] {
        let (all, excepted) = jump(&report);
        assert_eq!((all, said(&report)), (excepted, vec![]));
    }
}

#[test]
fn templates_except_in_metadata_and_in_comments_of_resources() {
    for member in [
        "\"comments\": \"portcullis:ignore * reason='jump host' until=2027-01-31\",",
        "\"metadata\": { \"review\": [\"portcullis:ignore * reason=\\\"jump host\\\"\"] },",
    ] {
        let report = changed("arm", ARM, |text| {
            let location = "\"name\": \"jump\",\n      \"location\"";
            text.replace(location, &format!("{member} {location}"))
        });
        let (all, excepted) = jump(&report);
        assert_eq!((all, said(&report)), (excepted, vec![]), "{member}");
        assert!(all > 0);
    }
}

const GROUP_JSON: &str = r#"{
  "resource": { "azurerm_network_security_group": { "web": {
    "name": "web", "location": "westeurope", "resource_group_name": "rg",
    "security_rule": [
      { "//": "@", "name": "ssh", "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
        "source_port_range": "*", "destination_port_range": "22", "source_address_prefix": "*",
        "destination_address_prefix": "*" },
      { "name": "rdp", "priority": 110, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
        "source_port_range": "*", "destination_port_range": "3389", "source_address_prefix": "*",
        "destination_address_prefix": "*" }
    ]
  } } }
}"#;

fn excepted(report: &Report) -> Vec<String> {
    let all = report.findings.iter().filter(|one| one.waiver.is_some());
    all.map(|one| format!("{} {}", one.rule, one.subject.name)).collect()
}

#[test]
fn one_rule_of_a_group_is_excepted_and_its_neighbour_is_not() {
    let comment = "portcullis:ignore management-port-admitted reason='partner' until=2027-01-31";
    let of = |name: &str, text: String| report_of(&[(name.to_owned(), text)]);
    let json = of("main.tf.json", GROUP_JSON.replace('@', comment));
    assert_eq!(excepted(&json), ["management-port-admitted web/ssh"]);
    // The same on one line: the whole file is the line of everything.
    let line = of("main.tf.json", GROUP_JSON.replace('@', comment).replace('\n', " "));
    assert_eq!(excepted(&line), ["management-port-admitted web/ssh"]);
    let hcl = r#"
resource "azurerm_network_security_group" "web" {
  name                = "web"
  location            = "westeurope"
  resource_group_name = "rg"
  security_rule = [
    { # @
      name = "ssh", priority = 100, direction = "Inbound", access = "Allow", protocol = "Tcp", source_port_range = "*"
      destination_port_range = "22", source_address_prefix = "*", destination_address_prefix = "*"
    },
    {
      name = "rdp", priority = 110, direction = "Inbound", access = "Allow", protocol = "Tcp", source_port_range = "*"
      destination_port_range = "3389", source_address_prefix = "*", destination_address_prefix = "*"
    },
  ]
}
"#;
    let list = of("main.tf", hcl.replace('@', comment));
    assert_eq!(
        excepted(&list),
        ["management-port-admitted web/ssh"],
        "{:#?}",
        list.diagnostics
    );
}

const RULES: &str = "\
rules:
  - name: ssh
    source: '*'
    port: 22
    priority: 100
  - name: rdp
    source: '*'
    port: 3389
    priority: 110
";

const EACH: &str = r#"
locals {
  rules = { for rule in yamldecode(file("${path.module}/rules.yaml")).rules : "r-${rule.port}" => rule }
}
resource "azurerm_network_security_group" "web" {
  name                = "web"
  location            = "westeurope"
  resource_group_name = "rg"
}
resource "azurerm_network_security_rule" "each" {
  for_each                    = local.rules
  name                        = each.value.name
  priority                    = each.value.priority
  direction                   = "Inbound"
  access                      = "Allow"
  protocol                    = "Tcp"
  source_port_range           = "*"
  destination_port_range      = tostring(each.value.port)
  source_address_prefix       = each.value.source
  destination_address_prefix  = "*"
  resource_group_name         = "rg"
  network_security_group_name = azurerm_network_security_group.web.name
}
"#;

const DYNAMIC: &str = r#"
variable "rules" {
  type    = list(object({ name = string, source = string, port = number, priority = number }))
}
resource "azurerm_network_security_group" "web" {
  name                = "web"
  location            = "westeurope"
  resource_group_name = "rg"
  dynamic "security_rule" {
    for_each = var.rules
    content {
      name                       = security_rule.value.name
      priority                   = security_rule.value.priority
      direction                  = "Inbound"
      access                     = "Allow"
      protocol                   = "Tcp"
      source_port_range          = "*"
      destination_port_range     = security_rule.value.port
      source_address_prefix      = security_rule.value.source
      destination_address_prefix = "*"
    }
  }
}
"#;

const CALL: &str = "module \"m\" {\n  source = \"./m\"\n  rules  = yamldecode(file(\"rules.yaml\")).rules\n}\n";

const LOADED: &str = r"
var given = loadYamlContent('rules.yaml')
resource web 'Microsoft.Network/networkSecurityGroups@2024-05-01' = {
  name: 'web'
  location: 'westeurope'
  properties: {
    securityRules: [for rule in given.rules: {
      name: rule.name
      properties: {
        priority: rule.priority
        direction: 'Inbound'
        access: 'Allow'
        protocol: 'Tcp'
        sourcePortRange: '*'
        destinationPortRange: string(rule.port)
        sourceAddressPrefix: rule.source
        destinationAddressPrefix: '*'
      }
    }]
  }
}
";

/// Everything that takes its rules from `rules.yaml`.
const TAKERS: &[&[(&str, &str)]] = &[
    &[("main.tf", EACH)],
    &[("main.tf", CALL), ("m/main.tf", DYNAMIC)],
    &[("main.bicep", LOADED)],
];

fn with_values(files: &[(&str, &str)], values: &str) -> Report {
    let own = files.iter().copied().chain([("rules.yaml", values)]);
    let files: Vec<(String, String)> = own.map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    let report = report_of(&files);
    let admitted = report
        .findings
        .iter()
        .filter(|one| &*one.rule == "management-port-admitted");
    assert_eq!(admitted.count(), 2, "{:#?}", report.findings);
    report
}

#[test]
fn a_comment_in_a_file_of_values_excepts_what_takes_them() {
    let comment = "# portcullis:ignore management-port-admitted reason=\"partner\" until=2027-01-31";
    for files in TAKERS {
        for values in [
            RULES.replacen("  - name: ssh", &format!("  {comment}\n  - name: ssh"), 1),
            RULES.replacen("name: ssh", &format!("name: ssh {comment}"), 1),
            RULES.replacen("    port: 22", &format!("    {comment}\n    port: 22"), 1),
        ] {
            let report = with_values(files, &values);
            assert_eq!(
                excepted(&report),
                ["management-port-admitted web/ssh"],
                "{files:?}\n{values}"
            );
            assert_eq!(said(&report), []);
        }
    }
}

#[test]
fn a_comment_in_a_file_of_values_is_held_to_the_same() {
    for files in TAKERS {
        for (comment, code) in [
            (
                "# portcullis:ignore management-port-admitted reason=x until=2020-01-31",
                "waiver-expired",
            ),
            ("# portcullis:ignore management-port-admitted", "waiver-invalid"),
            ("# portcullis:ignore no-such-rule reason=x", "waiver-unused"),
        ] {
            let report = with_values(
                files,
                &RULES.replacen("  - name: ssh", &format!("  {comment}\n  - name: ssh"), 1),
            );
            assert_eq!(excepted(&report), [""; 0], "{files:?}");
            assert_eq!(said(&report), [(code.to_owned(), 2)], "{files:?}");
        }
    }
}

#[test]
fn a_file_of_values_that_two_roots_take_is_one_file() {
    let comment = "  # portcullis:ignore management-port-admitted reason=\"partner\"\n  - name: ssh";
    let values = RULES.replacen("  - name: ssh", comment, 1);
    let second = EACH.replace("${path.module}/", "../one/");
    let files = [
        ("one/main.tf", EACH.to_owned()),
        (
            "two/main.tf",
            second.replace("rule.port}\" => rule", "rule.port}\" => rule if rule.name == \"rdp\""),
        ),
        ("one/rules.yaml", values),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text));
    let report = report_of(&files);
    assert_eq!(excepted(&report), ["management-port-admitted web/ssh"]);
    assert_eq!(said(&report), []);
}

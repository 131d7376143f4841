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

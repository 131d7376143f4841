//! Terraform that is wrong, hostile or cut off: what is lost is told with its place, and the rest is judged.

#![expect(
    clippy::panic,
    clippy::print_stderr,
    reason = "what a helper does not find fails the test"
)]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use portcullis::input::{Given, Reading};
use portcullis::model::{AddressTerm, SecurityRule};
use portcullis::source::Diagnostic;

fn read(files: &[(&str, &str)]) -> Reading {
    let mut reading = Reading::default();
    for (name, text) in files {
        reading.read(name, Given::Found, text.as_bytes());
    }
    reading.finish();
    reading
}

#[track_caller]
fn said<'r>(reading: &'r Reading, code: &str) -> &'r Diagnostic {
    let found = reading.diagnostics.iter().find(|one| &*one.code == code);
    let found = found.unwrap_or_else(|| panic!("no `{code}` in {:#?}", reading.diagnostics));
    assert!(found.help.is_some() && found.location.is_some(), "{found:#?}");
    found
}

const GROUP: &str = r#"
resource "azurerm_network_security_group" "it" {
  name                = "it"
  location            = "westeurope"
  resource_group_name = "rg"
}
"#;

fn groups(reading: &Reading) -> usize {
    reading.inventory.nsgs.iter().count()
}

#[test]
fn one_broken_file_of_many_is_told_and_the_rest_is_judged() {
    let reading = read(&[("a.tf", GROUP), ("b.tf", "resource \"x\" \"y\" {\n  a = \n}\n")]);
    assert_eq!(groups(&reading), 1);
    assert!(!reading.inventory.coverage.is_complete());
    let location = said(&reading, "hcl-syntax").location.as_ref().unwrap();
    assert_eq!((&*location.file, location.line), ("b.tf", 2));
}

#[test]
fn unknown_functions_and_names_are_told_where_they_stand() {
    let text = GROUP
        .replace("\"westeurope\"", "nowhere(1)")
        .replace("\"rg\"", "azurerm_resource_group.none.name");
    let reading = read(&[("a.tf", &text)]);
    let lines: Vec<u32> = reading
        .diagnostics
        .iter()
        .filter(|one| &*one.code == "expression")
        .map(|one| one.location.as_ref().unwrap().line)
        .collect();
    assert_eq!(lines, [4, 5]);
    assert_eq!(groups(&reading), 1);
}

#[test]
fn circles_of_locals_modules_and_resources_end() {
    let locals = "locals {\n  a = local.b\n  b = local.a\n}\n";
    let text = GROUP.replace("\"westeurope\"", "local.a");
    let reading = read(&[("a.tf", locals), ("b.tf", &text)]);
    assert!(said(&reading, "expression").message.contains("refers to itself"));
    let reading = read(&[
        ("a/main.tf", "module \"b\" {\n  source = \"../b\"\n}\n"),
        ("b/main.tf", "module \"a\" {\n  source = \"../a\"\n}\n"),
    ]);
    said(&reading, "module-cycle");
    let reading = read(&[("a/main.tf", "module \"a\" {\n  source = \"./\"\n}\n")]);
    said(&reading, "module-cycle");
    let text = GROUP.replace("\"westeurope\"", "azurerm_network_security_group.it.location");
    let reading = read(&[("a.tf", &text)]);
    assert!(said(&reading, "expression").message.contains("refers to itself"));
}

#[test]
fn huge_counts_are_refused() {
    let text = GROUP.replace("name  ", "count = 10000000\n  name  ");
    let reading = read(&[("a.tf", &text)]);
    assert!(said(&reading, "too-many-instances").message.contains("10000000"));
    assert!(!reading.inventory.coverage.is_complete());
    let many = GROUP
        .replace("name  ", "count = 9999\n  name  ")
        .replace("\"it\"\n", "\"it${count.index}\"\n");
    let module = "module \"m\" {\n  count = 10000\n  source = \"./m\"\n}\n";
    let reading = read(&[("main.tf", module), ("m/main.tf", &many)]);
    said(&reading, "too-many-instances");
}

#[test]
fn work_that_would_not_end_is_stopped() {
    let mut text = String::from("locals {\n  x0 = [1, 1]\n");
    for at in 1..40 {
        text.push_str(&format!("  x{at} = concat(local.x{}, local.x{})\n", at - 1, at - 1));
    }
    text.push_str("}\n");
    let group = GROUP.replace("\"westeurope\"", "local.x39[0]");
    let reading = read(&[("a.tf", &text), ("b.tf", &group)]);
    said(&reading, "configuration-too-large");
    assert!(!reading.inventory.coverage.is_complete());
}

#[test]
fn rounds_over_what_is_unknown_or_no_collection() {
    let text = GROUP.replace("name  ", "for_each = [\"a\"]\n  name  ");
    said(&read(&[("a.tf", &text)]), "for-each");
    let text = format!(
        "variable \"x\" {{}}\n{}",
        GROUP.replace("name  ", "for_each = var.x\n  name  ")
    );
    let reading = read(&[("a.tf", &text)]);
    assert_eq!(groups(&reading), 1);
}

#[test]
fn deep_nesting_is_refused() {
    let deep = format!("locals {{\n  x = {}1{}\n}}\n", "[".repeat(5000), "]".repeat(5000));
    let reading = read(&[("a.tf", &deep), ("b.tf", GROUP)]);
    said(&reading, "hcl-syntax");
    assert_eq!(groups(&reading), 1);
    let mut chain = String::from("locals {\n  x0 = \"westeurope\"\n");
    for at in 1..5000 {
        chain.push_str(&format!("  x{at} = local.x{}\n", at - 1));
    }
    chain.push_str("}\n");
    let group = GROUP.replace("\"westeurope\"", "local.x4999");
    let reading = read(&[("a.tf", &chain), ("b.tf", &group)]);
    assert!(said(&reading, "expression").message.contains("nested too deep"));
}

#[test]
fn sensitive_values_are_never_shown() {
    let text = format!(
        "variable \"s\" {{\n  sensitive = true\n  default = \"hunter2\"\n}}\n{}",
        GROUP.replace("\"it\"\n", "\"it-${var.s}\"\n")
    );
    let reading = read(&[("a.tf", &text)]);
    assert_eq!(groups(&reading), 1);
    let shown = format!(
        "{:?} {:?}",
        reading.inventory.nsgs.iter().next().unwrap().id,
        reading.diagnostics
    );
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn marks_of_windows_and_empty_files_are_no_obstacle() {
    let reading = read(&[
        ("a.tf", ""),
        ("b.tf", "\u{feff}# nothing\r\n"),
        ("c.tf", &format!("\u{feff}{}", GROUP.replace('\n', "\r\n"))),
    ]);
    assert_eq!(groups(&reading), 1, "{:#?}", reading.diagnostics);
    assert!(reading.diagnostics.is_empty(), "{:#?}", reading.diagnostics);
}

#[test]
fn cut_and_changed_files_never_end_the_program() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/infra/terraform");
    let text = |name: &str| std::fs::read_to_string(directory.join(name)).unwrap();
    let main = text("main.tf");
    let (variables, network) = (text("variables.tf"), text("network/main.tf"));
    let mut state: u64 = 7;
    let mut below = |most: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % most
    };
    let pieces = [
        "{", "}", "\"", "${", "%{", "[", "]", "(", "<<EOT\n", "~}", "null", "*", "...", "for ", "\u{0}", "é", "?", "0",
    ];
    for round in 0..250 {
        let mut changed = main.clone();
        let mut at = below(changed.len());
        while !changed.is_char_boundary(at) {
            at -= 1;
        }
        match round % 3 {
            0 => changed.truncate(at),
            1 => changed.insert_str(at, pieces[below(pieces.len())]),
            _ => {
                let end = (at + 1 + below(40)).min(changed.len());
                if changed.is_char_boundary(end) {
                    changed.replace_range(at..end, pieces[below(pieces.len())]);
                }
            }
        }
        read(&[
            ("main.tf", &changed),
            ("variables.tf", &variables),
            ("network/main.tf", &network),
        ]);
    }
}

/// Texts, and whether Terraform reads them.
const STRINGS: &[(&str, bool)] = &[
    ("a = \"x\n", false),
    ("a = \"x\nb = \"y\"\n", false),
    ("a = \"x\ny\"\n", false),
    ("a = \"${\n1}\"\n", true),
    ("a = \"${\"\n\"}\"\n", false),
    ("a = [\"x, \"y\"]\n", false),
    ("a = f(\"x\n)\n", false),
    ("a = { b = \"c\n}\n", false),
    ("resource \"x\" \"y {\n}\n", false),
    ("resource \"x {\n}\n", false),
    ("a = \"x\\\"\n", false),
    ("a = \"x\\\n\"\n", false),
    ("a = <<E\n\"\nE\n", true),
    ("a = \"x\" # \"\n", true),
    ("a = \"$${\"\n", true),
    ("a = \"%{ if true }x\n%{ endif }\"\n", false),
    ("a = \"%{ if true }${\n\"x\"\n}%{ endif }\"\n", true),
    ("a = \"\r\n\"\n", false),
    ("a = \"x\"\r\n", true),
    ("a = \"${b[\"x]}\"\n", false),
    ("a = \"${f(\"x\")}\n", false),
    ("a = \"\" \"\n", false),
    ("a = 'x'\n", false),
    ("a = \"$\"\n", true),
    ("a = \"x${\"y\"}\n\"\n", false),
    ("a = \"${/* \" */ 1}\"\n", true),
    ("a = \"${1 # \"\n}\"\n", true),
];

#[test]
fn strings_that_end_with_their_line_are_refused_as_terraform_does() {
    for (text, reads) in STRINGS {
        let reading = read(&[("a.tf", text)]);
        let refused = reading.diagnostics.iter().any(|one| &*one.code == "hcl-syntax");
        assert_eq!(refused, !reads, "{text:?}: {:#?}", reading.diagnostics);
    }
    if Command::new("terraform").arg("-version").output().is_err() {
        eprintln!("skipped: no `terraform` on the path");
        return;
    }
    for (text, reads) in STRINGS {
        let mut running = Command::new("terraform")
            .args(["fmt", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        running.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert_eq!(running.wait().unwrap().success(), *reads, "{text:?}");
    }
}

const RULE: &str = r#"
resource "azurerm_network_security_rule" "ssh" {
  name                        = "ssh"
  priority                    = 100
  direction                   = "Inbound"
  access                      = "Allow"
  protocol                    = "Tcp"
  source_port_range           = "*"
  destination_port_range      = "22"
  source_address_prefix       = "10.0.0.0/8"
  destination_address_prefix  = "*"
  resource_group_name         = "rg"
  network_security_group_name = azurerm_network_security_group.it.name
}
"#;

/// Whether its sources are unknown.
fn is_open(rule: &SecurityRule) -> bool {
    let mut terms = rule.sources.terms.iter();
    terms.any(|term| matches!(term, AddressTerm::Unknown(_)))
}

#[test]
fn a_string_without_its_closing_quote_leaves_only_its_value_open() {
    let text = format!("{GROUP}{}", RULE.replace("0.0.0/8\"", "0.0.0/8"));
    let reading = read(&[("a.tf", &text)]);
    let found = said(&reading, "hcl-syntax");
    assert!(found.message.contains("closing quote"), "{found:#?}");
    assert_eq!(found.location.as_ref().unwrap().line, 16);
    let group = reading.inventory.nsgs.iter().next().unwrap();
    let rules = group.rules.known().unwrap();
    assert_eq!(rules.len(), 1);
    assert!(is_open(&rules[0]), "{:#?}", rules[0]);
    assert!(rules[0].priority.known().is_some(), "{:#?}", rules[0]);
}

#[test]
fn a_block_that_cannot_be_read_is_open_and_not_absent() {
    for broken in [
        RULE.replace("  priority  ", "  prior\n  priority  "),
        RULE.replace("name                        = \"ssh\"", "some"),
    ] {
        let reading = read(&[("a.tf", &format!("{broken}{GROUP}"))]);
        said(&reading, "hcl-syntax");
        assert_eq!(groups(&reading), 1, "{broken}");
        let group = reading.inventory.nsgs.iter().next().unwrap();
        let open = group
            .rules
            .known()
            .is_none_or(|rules| rules.iter().any(|rule| is_open(rule) && rule.access.known().is_none()));
        assert!(open, "{broken}: {group:#?}");
    }
}

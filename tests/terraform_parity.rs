//! One estate as ARM templates and as Terraform: the same findings, each at the line that says it.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

mod infra;

use portcullis::report::Report;
use portcullis::source::Level;

use infra::{ARM, TERRAFORM, changed, example, text};

/// Rule, subject, severity and verdict of each finding.
fn findings(report: &Report) -> Vec<String> {
    let one = |finding: &portcullis::rule::Finding| {
        format!(
            "{} {} {:?} {:?}",
            finding.rule, finding.subject.name, finding.severity, finding.verdict
        )
    };
    let mut all: Vec<String> = report.findings.iter().map(one).collect();
    all.sort();
    all
}

fn machines(report: &Report) -> Vec<String> {
    let one = |machine: &portcullis::report::Machine| {
        format!(
            "{} {:?} {:?} {:?}",
            machine.name, machine.verdict, machine.cause, machine.tab
        )
    };
    let mut all: Vec<String> = report.machines.iter().map(one).collect();
    all.sort();
    all
}

#[test]
fn the_twins_agree() {
    let (arm, terraform) = (example("arm", ARM), example("terraform", TERRAFORM));
    let wrong: Vec<_> = terraform
        .diagnostics
        .iter()
        .filter(|said| said.level == Level::Error)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(terraform.scan.complete);
    assert_eq!(machines(&terraform), machines(&arm));
    assert_eq!(findings(&terraform), findings(&arm));
}

#[test]
fn every_finding_points_at_what_it_is_about() {
    let report = example("terraform", TERRAFORM);
    let wanted = [
        ("jump", "main.tf", "resource \"azurerm_linux_virtual_machine\" \"jump\""),
        ("web-1", "main.tf", "resource \"azurerm_linux_virtual_machine\" \"web\""),
        (
            "web-nsg/ssh-from-office",
            "network/main.tf",
            "resource \"azurerm_network_security_rule\" \"ssh\"",
        ),
        (
            "batch",
            "partial/main.tf",
            "resource \"azurerm_windows_virtual_machine\" \"batch\"",
        ),
    ];
    for (subject, file, line) in wanted {
        let found = report
            .findings
            .iter()
            .filter(|finding| &*finding.subject.name == subject);
        for finding in found {
            let location = finding.subject.location.as_ref().unwrap();
            let text = text("terraform", file);
            let said = text.lines().nth(location.line as usize - 1).unwrap();
            assert!(
                location.file.ends_with(file) && said.starts_with(line),
                "{subject}: {location} {said}"
            );
        }
    }
}

/// What the findings about a subject relate to: what is said to be there, and the line that is.
fn related(report: &Report, subject: &str) -> Vec<String> {
    let about = report.findings.iter().filter(|one| &*one.subject.name == subject);
    let facts = about.flat_map(|one| one.evidence.iter());
    let facts = facts.filter(|fact| ["module call", "value"].contains(&&*fact.label));
    let one = |fact: &portcullis::rule::Evidence| {
        let place = fact.location.as_ref().unwrap();
        let text = text("terraform", place.file.strip_prefix("terraform/").unwrap());
        let line = text.lines().nth(place.line as usize - 1).unwrap().to_owned();
        let what = fact.text.split(" at ").next().unwrap();
        format!("{what}: {}", line.trim())
    };
    let mut all: Vec<String> = facts.map(one).collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn a_finding_in_a_module_relates_to_its_call_and_to_the_values_that_it_takes() {
    let any_port = |text: &str| {
        text.replace(
            "destination_port_range      = \"22\"",
            "destination_port_range      = \"*\"",
        )
    };
    let report = changed("terraform", TERRAFORM, any_port);
    let rule = related(&report, "web-nsg/ssh-from-office");
    let wanted = [
        "`var.admin_cidr`: admin_cidr          = var.admin_cidr",
        "`var.admin_cidr`: admin_cidr = \"198.51.100.0/24\"",
        "module `network`: module \"network\" {",
    ];
    assert_eq!(rule, wanted);
    let machine = related(&report, "jump");
    assert_eq!(machine, ["`local.ports`: ports = [\"22\", \"443\"]"]);
}

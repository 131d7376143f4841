//! One estate as ARM templates and as Terraform: the same findings, each at the line that says it.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use std::fs;
use std::path::Path;

use portcullis::input::{Given, Reading};
use portcullis::report::Report;
use portcullis::rule::assess::Policy;
use portcullis::rule::params::ResolvedParams;
use portcullis::rule::{Severity, builtin};
use portcullis::scan::{Request, scan};
use portcullis::source::Level;

const TERRAFORM: &[&str] = &[
    "main.tf",
    "network/main.tf",
    "partial/main.tf",
    "terraform.tfvars",
    "variables.tf",
];
const ARM: &[&str] = &[
    "main.json",
    "main.parameters.json",
    "nested/network.json",
    "partial.json",
];

fn text(directory: &str, name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/infra")
        .join(directory);
    fs::read_to_string(path.join(name)).unwrap()
}

fn report_of(files: &[(String, String)]) -> Report {
    let mut reading = Reading::default();
    for (name, text) in files {
        reading.read(name, Given::Found, text.as_bytes());
    }
    reading.finish();
    let rules = builtin::rules();
    let params: Vec<ResolvedParams> = rules.iter().map(ResolvedParams::defaults).collect();
    let policies = rules.iter().zip(&params).map(|(rule, params)| Policy {
        rule,
        params,
        reported: true,
    });
    let now = "2026-03-14T02:10:00Z";
    let request = Request {
        policies: policies.collect(),
        ports: vec![22, 3389, 5985, 5986],
        least_severity: Severity::Info,
        waivers: &[],
        baseline: None,
        touched: None,
        chosen: false,
        assume_jit_unknown: false,
        generated: now.parse().unwrap(),
        now: Some(now.parse().unwrap()),
        inputs: vec!["infra".to_owned()],
    };
    scan(reading, &request)
}

fn example(directory: &str, names: &[&str]) -> Report {
    let files: Vec<(String, String)> = names
        .iter()
        .map(|name| (format!("{directory}/{name}"), text(directory, name)))
        .collect();
    report_of(&files)
}

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

#[test]
fn comments_except_what_they_stand_beside() {
    let mark = "resource \"azurerm_linux_virtual_machine\" \"jump\"";
    let with = |comment: &str| {
        let one = |name: &&str| {
            let text = text("terraform", name).replace(mark, &format!("{comment}\n{mark}"));
            ((*name).to_owned(), text)
        };
        let files: Vec<(String, String)> = TERRAFORM.iter().map(one).collect();
        report_of(&files)
    };
    let waived = |report: &Report| {
        let of_jump = report
            .findings
            .iter()
            .filter(|finding| &*finding.subject.name == "jump");
        of_jump.filter(|finding| finding.waiver.is_some()).count()
    };
    let codes = |report: &Report| {
        let said = report.findings.iter().filter(|said| said.rule.starts_with("waiver-"));
        said.map(|said| (said.rule.to_string(), said.subject.location.as_ref().unwrap().line))
            .collect::<Vec<_>>()
    };
    let line = text("terraform", "main.tf")
        .lines()
        .position(|one| one.starts_with(mark))
        .unwrap() as u32
        + 1;
    let good = with("# portcullis:ignore * reason=\"jump host, see T-1\" until=2027-01-31");
    assert!(waived(&good) > 0);
    assert_eq!(codes(&good), []);
    let expired = with("// portcullis:ignore * reason=\"old\" until=2020-01-31");
    assert_eq!(
        (waived(&expired), codes(&expired)),
        (0, vec![("waiver-expired".to_owned(), line)])
    );
    let bare = with("/* portcullis:ignore * */");
    assert_eq!(
        (waived(&bare), codes(&bare)),
        (0, vec![("waiver-invalid".to_owned(), line)])
    );
}

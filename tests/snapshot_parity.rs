//! The shop as ARM templates, as Bicep and as a recording: the same machines with the same verdicts, and the same findings in
//! the same words. Of the recording alone nothing is unknown, so what `partial` declares is no part of it.
#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use portcullis::input::{Given, Reading};
use portcullis::report::Report;
use portcullis::scan::scan_by_default;

const ARM: &[&str] = &["arm/main.json", "arm/main.parameters.json", "arm/nested/network.json"];
const SNAPSHOT: &[&str] = &["snapshot/estate.jsonl"];

fn report_of(files: &[String]) -> Report {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/infra");
    let mut reading = Reading::default();
    for name in files {
        let text = fs::read(root.join(name)).unwrap();
        reading.read(name, Given::Found, text.as_slice());
    }
    reading.finish();
    scan_by_default(reading, "2026-03-14T02:10:00Z".parse().unwrap(), &["infra"])
}

fn names(files: &[&str]) -> Vec<String> {
    files.iter().map(|name| (*name).to_owned()).collect()
}

/// The Bicep files of the example, those of `partial` apart.
fn bicep() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/infra/bicep");
    let mut found = Vec::new();
    for directory in ["", "modules/"] {
        for entry in fs::read_dir(root.join(directory)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.contains(".bicep") && !name.starts_with("partial") {
                found.push(format!("bicep/{directory}{name}"));
            }
        }
    }
    found.sort();
    found
}

fn said(report: &Report) -> BTreeSet<String> {
    let findings = report.findings.iter().map(|finding| {
        let subject = &finding.subject.name;
        format!(
            "{} {subject} {:?} {:?}: {}",
            finding.rule, finding.severity, finding.verdict, finding.message
        )
    });
    let machines = report
        .machines
        .iter()
        .map(|machine| format!("{} {:?}: {}", machine.name, machine.verdict, machine.because));
    findings.chain(machines).collect()
}

#[test]
fn the_shop_has_the_same_findings_in_templates_and_recorded() {
    let recorded = said(&report_of(&names(SNAPSHOT)));
    assert!(
        recorded
            .iter()
            .any(|said| said.starts_with("management-port-exposed jump Critical"))
    );
    assert_eq!(said(&report_of(&names(ARM))), recorded);
    assert_eq!(said(&report_of(&bicep())), recorded);
}

//! Checks the reports that the program itself wrote, where `PORTCULLIS_REPORTS` names their directory: valid against
//! their schemas, and every finding in each of them.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "what cannot be run fails the test"
)]

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

fn directory() -> Option<PathBuf> {
    let directory = std::env::var_os("PORTCULLIS_REPORTS").map(PathBuf::from);
    if directory.is_none() {
        println!("skipped: PORTCULLIS_REPORTS is not set");
    }
    directory
}

fn text(name: &str) -> Option<String> {
    let path = directory()?.join(name);
    Some(fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn json(name: &str) -> Option<Value> {
    text(name).map(|text| serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}")))
}

#[track_caller]
fn assert_valid(schema: &Value, document: &Value) {
    let validator = jsonschema::validator_for(schema).expect("the schema compiles");
    let errors: Vec<String> = validator
        .iter_errors(document)
        .take(5)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn the_json_report_is_valid_and_the_published_schema_is_current() {
    let Some(report) = json("report.json") else { return };
    let schema: Value = serde_json::from_str(include_str!("../docs/report.schema.json")).unwrap();
    assert_valid(&schema, &report);
}

#[test]
fn the_sarif_report_is_valid() {
    let Some(report) = json("report.sarif") else { return };
    let path = std::env::var("PORTCULLIS_SARIF_SCHEMA").expect("PORTCULLIS_SARIF_SCHEMA names the schema");
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_valid(&schema, &report);
}

#[test]
fn every_finding_is_in_every_format() {
    let Some(report) = json("report.json") else { return };
    let findings = report["findings"].as_array().expect("findings");
    assert!(!findings.is_empty());
    for name in ["report.sarif", "report.csv", "report.html"] {
        let text = text(name).unwrap();
        let missing: Vec<&Value> = findings
            .iter()
            .map(|finding| &finding["fingerprint"])
            .filter(|f| !text.contains(f.as_str().unwrap()))
            .collect();
        assert!(missing.is_empty(), "{name} lacks {missing:?}");
    }
}

#[test]
fn the_junit_and_csv_reports_can_be_parsed() {
    let Some(xml) = text("report.xml") else { return };
    let mut reader = quick_xml::Reader::from_str(&xml);
    loop {
        match reader.read_event() {
            Ok(quick_xml::events::Event::Eof) => break,
            Ok(_) => {}
            Err(error) => panic!("report.xml: {error}"),
        }
    }
    let csv = text("report.csv").unwrap();
    let mut records = csv::Reader::from_reader(csv.as_bytes());
    let columns = records.headers().unwrap().len();
    assert!(records.records().all(|record| record.unwrap().len() == columns));
}

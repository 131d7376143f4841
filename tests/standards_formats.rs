//! Standards and the formats for SIEMs: every control that a rule is mapped to has one row, events follow the published
//! schema of OCSF, and every finding is in every format.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what is missing fails the test"
)]

mod common;

use std::collections::BTreeSet;

use portcullis::report::standards::{Standing, frameworks};
use portcullis::report::{FORMATS, MappedBy, Options, Report};
use portcullis::rule::Verdict;
use serde_json::Value;

fn written(report: &Report, format: &str) -> String {
    let format = FORMATS.iter().find(|known| known.name == format).unwrap();
    let mut out = Vec::new();
    (format.write)(report, &Options::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn events(report: &Report, format: &str) -> Vec<Value> {
    written(report, format)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

type Kind = fn(&Value) -> bool;

/// What OCSF 1.5 says of a Compliance Finding: attributes with their JSON type, and whether they are required. From
/// `events/base_event.json`, `events/findings/finding.json`, `events/findings/compliance_finding.json` and `profiles/cloud.json`.
const EVENT: &[(&str, Kind, bool)] = &[
    ("activity_id", Value::is_u64, true),
    ("activity_name", Value::is_string, false),
    ("category_uid", Value::is_u64, true),
    ("category_name", Value::is_string, false),
    ("class_uid", Value::is_u64, true),
    ("class_name", Value::is_string, false),
    ("type_uid", Value::is_u64, true),
    ("type_name", Value::is_string, false),
    ("time", Value::is_u64, true),
    ("severity_id", Value::is_u64, true),
    ("severity", Value::is_string, false),
    ("status_id", Value::is_u64, false),
    ("status", Value::is_string, false),
    ("message", Value::is_string, false),
    ("metadata", Value::is_object, true),
    ("cloud", Value::is_object, true),
    ("finding_info", Value::is_object, true),
    ("compliance", Value::is_object, true),
    ("resources", Value::is_array, false),
    ("remediation", Value::is_object, false),
    ("unmapped", Value::is_object, false),
];

/// Attributes of the objects in it that are used, with those that the schema requires.
const OBJECTS: &[(&str, &[&str], &[&str])] = &[
    (
        "/metadata",
        &["version", "product", "profiles"],
        &["version", "product"],
    ),
    ("/metadata/product", &["name", "vendor_name", "version"], &[]),
    ("/cloud", &["provider", "account"], &["provider"]),
    ("/cloud/account", &["uid", "name", "type", "type_id"], &[]),
    ("/finding_info", &["uid", "title", "desc", "types"], &["uid"]),
    (
        "/compliance",
        &["control", "standards", "requirements", "status_id", "status"],
        &[],
    ),
    (
        "/resources/0",
        &["uid", "name", "type", "region", "group", "owner"],
        &[],
    ),
    ("/remediation", &["desc", "references"], &["desc"]),
];

#[test]
fn events_follow_the_schema_of_ocsf() {
    let report = common::report();
    let events = events(&report, "ocsf");
    assert!(events.len() > report.findings.len());
    for event in &events {
        let known: BTreeSet<&str> = EVENT.iter().map(|(name, ..)| *name).collect();
        for name in event.as_object().unwrap().keys() {
            assert!(
                known.contains(name.as_str()),
                "`{name}` is no attribute of a compliance finding"
            );
        }
        for (name, is_type, required) in EVENT {
            match event.get(name) {
                Some(value) => assert!(is_type(value), "{name}: {value}"),
                None => assert!(!required, "{name} is missing"),
            }
        }
        for (place, names, required) in OBJECTS {
            let Some(object) = event.pointer(place) else { continue };
            for name in object.as_object().unwrap().keys() {
                assert!(names.contains(&name.as_str()), "{place}/{name}");
            }
            required
                .iter()
                .for_each(|name| assert!(object.get(name).is_some(), "{place}/{name}"));
        }
        assert_eq!(
            (event["category_uid"].as_u64(), event["class_uid"].as_u64()),
            (Some(2), Some(2003))
        );
        let activity = event["activity_id"].as_u64().unwrap();
        assert!((1..=3).contains(&activity));
        assert_eq!(event["type_uid"].as_u64(), Some(2003 * 100 + activity));
        assert!((1..=5).contains(&event["severity_id"].as_u64().unwrap()));
        assert!((1..=3).contains(&event["compliance"]["status_id"].as_u64().unwrap()));
        // Milliseconds: seconds or nanoseconds would be in another age.
        assert!((1_600_000_000_000..4_000_000_000_000).contains(&event["time"].as_u64().unwrap()));
    }
    for finding in &report.findings {
        let event = events
            .iter()
            .find(|event| event["finding_info"]["uid"] == *finding.fingerprint)
            .unwrap();
        let status = if finding.verdict == Verdict::Undetermined {
            "Warning"
        } else {
            "Fail"
        };
        assert_eq!(event["compliance"]["status"], status);
        assert_eq!(
            event["status"],
            if finding.waiver.is_some() { "Suppressed" } else { "New" }
        );
        assert_eq!(event["resources"][0]["uid"], *finding.subject.id);
    }
    let healthy = report
        .machines
        .iter()
        .filter(|machine| machine.verdict == Verdict::Healthy)
        .count();
    let passed = events
        .iter()
        .filter(|event| event["compliance"]["status"] == "Pass")
        .count();
    assert!(healthy > 0 && passed >= healthy);
}

#[test]
fn asff_lines_keep_their_bounds() {
    let report = common::report();
    let events = events(&report, "asff");
    for event in &events {
        assert_eq!(event["SchemaVersion"], "2018-10-08");
        assert!(event["Title"].as_str().unwrap().chars().count() <= 256);
        assert!(event["Description"].as_str().unwrap().chars().count() <= 1024);
        assert!(
            ["PASSED", "WARNING", "FAILED", "NOT_AVAILABLE"].contains(&event["Compliance"]["Status"].as_str().unwrap())
        );
        let labels = ["INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"];
        assert!(labels.contains(&event["Severity"]["Label"].as_str().unwrap()));
    }
    for finding in &report.findings {
        assert!(events.iter().any(|event| event["Id"] == *finding.fingerprint));
    }
}

#[test]
fn controls_are_met_only_where_all_was_judged() {
    let mut report = common::report();
    let all = frameworks(&report, None);
    assert!(!all.is_empty());
    let control = |report: &Report, framework: &str, name: &str| {
        let all = frameworks(report, None);
        let of = all.iter().find(|one| &*one.framework == framework).unwrap();
        of.controls.iter().find(|one| &*one.control == name).unwrap().clone()
    };
    assert_eq!(control(&report, "mcsb", "NS-3").by, MappedBy::Microsoft);
    assert_eq!(control(&report, "nist-800-53-r5", "AC-17").by, MappedBy::Tool);
    let rules = control(&report, "mcsb", "NS-3").rules;
    assert_eq!(control(&report, "mcsb", "NS-3").standing, Standing::NotMet);
    // Only unknowns are left.
    report
        .findings
        .retain(|finding| !rules.contains(&finding.rule) || finding.verdict == Verdict::Undetermined);
    report.scan.complete = true;
    assert_eq!(control(&report, "mcsb", "NS-3").standing, Standing::NotJudged);
    report.findings.retain(|finding| !rules.contains(&finding.rule));
    for rule in &mut report.rules {
        rule.counts = [(Verdict::Healthy, 3)].into();
    }
    assert_eq!(control(&report, "mcsb", "NS-3").standing, Standing::Met);
    // Nothing was found, and not everything was read.
    report.scan.complete = false;
    assert_eq!(control(&report, "mcsb", "NS-3").standing, Standing::NotJudged);
    // Nothing was there to judge.
    report.scan.complete = true;
    for rule in &mut report.rules {
        rule.counts = [(Verdict::NotApplicable, 3)].into();
    }
    assert_eq!(control(&report, "mcsb", "NS-3").standing, Standing::NotJudged);
}

#[test]
fn a_table_has_every_control_once() {
    let report = common::report();
    let text = written(&report, "standards");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<Vec<String>> = reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect();
    let mut expected = BTreeSet::new();
    for mapping in report.rules.iter().flat_map(|rule| &rule.standards) {
        let by = if mapping.by == MappedBy::Microsoft {
            "microsoft"
        } else {
            "portcullis"
        };
        expected.extend(
            mapping
                .controls
                .iter()
                .map(|one| (mapping.framework.to_string(), one.to_string(), by.to_owned())),
        );
    }
    let found: Vec<_> = rows
        .iter()
        .map(|row| (row[0].clone(), row[2].clone(), row[4].clone()))
        .collect();
    assert_eq!(found.len(), expected.len());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
}

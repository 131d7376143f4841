//! Baselines: what is known does not count, what is new or changed does, and what is gone is told.
#![expect(clippy::unwrap_used, reason = "estates of tests are built by indexing JSON")]

mod estate;

use std::path::Path;

use estate::{Estate, rule};
use serde_json::{Value, json};

fn exposed(source: &str) -> Value {
    let group = vec![rule("ssh", 100, "Allow", source, "22")];
    Value::Array(Estate::new().public().subnet_nsg(group).resources())
}

fn scan(directory: &Path, estate: &Value, arguments: &[&str]) -> (i32, String) {
    std::fs::write(directory.join("estate.json"), estate.to_string()).unwrap();
    let output = assert_cmd::Command::cargo_bin("portcullis")
        .unwrap()
        .current_dir(directory)
        .args(["scan", "estate.json"])
        .args(arguments)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[test]
fn only_what_is_new_or_changed_counts() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let office = exposed("203.0.113.0/24");
    assert_eq!(scan(here, &office, &[]).0, 1);
    assert_eq!(scan(here, &office, &["--write-baseline", "known.json"]).0, 0);
    let known = ["--baseline", "known.json"];

    let (status, text) = scan(here, &office, &known);
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("known from the baseline"), "{text}");

    // The same machine, opened wider: who gets through is in the sentence.
    let (status, text) = scan(here, &exposed("203.0.112.0/23"), &known);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("203.0.112.0/23"), "{text}");

    let (status, text) = scan(here, &exposed("10.0.0.0/8"), &known);
    assert!(
        text.contains("`management-port-exposed` of `vm` is in the baseline and is found no more"),
        "{status} {text}"
    );
}

#[test]
fn every_finding_stays_in_the_reports_with_its_state() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    scan(here, &exposed("203.0.113.0/24"), &["--write-baseline", "known.json"]);
    let wider = exposed("203.0.112.0/23");
    let reports = [
        "--baseline",
        "known.json",
        "--format",
        "json=r.json",
        "--format",
        "sarif=r.sarif",
    ];
    scan(here, &wider, &reports);
    let read =
        |name: &str| -> Value { serde_json::from_str(&std::fs::read_to_string(here.join(name)).unwrap()).unwrap() };
    let report = read("r.json");
    let findings = report["findings"].as_array().unwrap();
    let state = |rule: &str| &findings.iter().find(|finding| finding["rule"] == rule).unwrap()["baseline"];
    assert_eq!(state("management-port-exposed"), "updated");
    assert_eq!(state("management-ports-jit"), "unchanged");
    assert_eq!(
        report["summary"]["known"],
        json!(findings.iter().filter(|f| f["baseline"] == "unchanged").count())
    );
    let results = read("r.sarif")["runs"][0]["results"].as_array().unwrap().clone();
    let states: Vec<&Value> = results.iter().map(|result| &result["baselineState"]).collect();
    assert!(
        states.contains(&&json!("updated")) && states.contains(&&json!("unchanged")),
        "{states:?}"
    );
}

#[test]
fn what_is_no_baseline_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for (text, why) in [
        ("{", "not a baseline"),
        (
            r#"{"format": "other", "version": 1, "findings": []}"#,
            "its format is `other`",
        ),
        (
            r#"{"format": "portcullis-baseline", "version": 7, "findings": []}"#,
            "its version is 7",
        ),
    ] {
        std::fs::write(directory.path().join("known.json"), text).unwrap();
        let (status, told) = scan(directory.path(), &exposed("*"), &["--baseline", "known.json"]);
        assert_eq!(status, 2, "{told}");
        assert!(told.contains(why), "{told}");
    }
    let (status, told) = scan(directory.path(), &exposed("*"), &["--baseline", "absent.json"]);
    assert!(status == 2 && told.contains("cannot read"), "{told}");
}

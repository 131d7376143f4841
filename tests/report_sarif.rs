//! SARIF: the structure that readers rely on, and the official schema where it is at hand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod common;

use std::collections::HashSet;
use std::io::{self, Write};

use portcullis::report::{FORMATS, HopKind, Options, Report};
use portcullis::rule::Verdict;
use serde_json::Value;

fn log(report: &Report, options: &Options) -> Value {
    serde_json::from_str(&common::written("sarif", report, options)).unwrap()
}

fn run() -> Value {
    log(&common::report(), &Options::default())["runs"][0].clone()
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn index(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

/// Every object within the value that has the key.
fn having<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.contains_key(key).then_some(value));
            fields.values().for_each(|field| having(field, key, found));
        }
        Value::Array(items) => items.iter().for_each(|item| having(item, key, found)),
        _ => {}
    }
}

#[test]
fn it_follows_the_official_schema() {
    let Some(path) = std::env::var_os("PORTCULLIS_SARIF_SCHEMA") else {
        println!("skipped: `PORTCULLIS_SARIF_SCHEMA` does not name the official schema");
        return;
    };
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let mut live = common::report();
    live.scan.inputs.clear();
    let few = Options {
        sarif_max_results: 4,
        ..Options::default()
    };
    let logs = [
        log(&common::report(), &Options::default()),
        log(&common::report(), &few),
        log(&common::quiet(), &Options::default()),
        log(&live, &Options::default()),
    ];
    for log in &logs {
        let errors: Vec<String> = validator
            .iter_errors(log)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    let mut broken = logs[0].clone();
    broken["runs"][0]["results"][0]["level"] = "dreadful".into();
    assert!(!validator.is_valid(&broken), "the schema accepts anything");
}

#[test]
fn every_finding_is_a_result_of_a_listed_rule() {
    let (report, run) = (common::report(), run());
    let results = list(&run, "results");
    let rules = list(&run["tool"]["driver"], "rules");
    for finding in &report.findings {
        let of_finding = |result: &&Value| result["partialFingerprints"]["portcullis/v1"] == *finding.fingerprint;
        assert_eq!(results.iter().filter(of_finding).count(), 1, "{}", finding.fingerprint);
    }
    for result in results.iter().filter(|result| result["ruleId"] != "rule-nobody-listed") {
        assert_eq!(rules[index(&result["ruleIndex"])]["id"], result["ruleId"]);
    }
}

#[test]
fn levels_follow_the_kind() {
    let (report, run) = (common::report(), run());
    for result in list(&run, "results") {
        match result["kind"].as_str().unwrap() {
            "fail" => assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap())),
            "review" => assert_eq!(result["level"], "none"),
            kind => panic!("{kind}"),
        }
    }
    let undetermined = report
        .findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Undetermined)
        .count();
    let reviews = list(&run, "results")
        .iter()
        .filter(|result| result["kind"] == "review")
        .count();
    assert_eq!(reviews, undetermined);
    let review = list(&run, "results")
        .iter()
        .find(|result| result["kind"] == "review")
        .unwrap();
    assert!(
        review["message"]["text"]
            .as_str()
            .unwrap()
            .contains("not known: the value of parameter")
    );
}

#[test]
fn the_worst_comes_first_and_what_was_not_read_before_it() {
    let run = run();
    let rules: Vec<&str> = list(&run, "results")
        .iter()
        .map(|result| result["ruleId"].as_str().unwrap())
        .collect();
    assert_eq!(&rules[..3], ["portcullis/unread"; 3]);
    assert!(!rules[3..].contains(&"portcullis/unread"));
    let rank = |result: &Value| match result["properties"]["severity"].as_str().unwrap() {
        _ if !list(result, "suppressions").is_empty() => 9,
        "critical" => 0,
        "high" => 1,
        "medium" => 2,
        "low" => 3,
        _ => 4,
    };
    let ranks: Vec<i32> = list(&run, "results")[3..].iter().map(rank).collect();
    assert!(ranks.is_sorted(), "{ranks:?}");
}

#[test]
fn every_result_and_step_has_a_file_when_the_scan_had_any() {
    let run = run();
    for result in list(&run, "results") {
        let locations = list(result, "locations");
        assert_eq!(locations.len(), 1);
        let steps = list(result, "codeFlows")
            .iter()
            .flat_map(|flow| list(&flow["threadFlows"][0], "locations"));
        for location in locations
            .iter()
            .chain(steps.map(|step| &step["location"]))
            .chain(list(result, "relatedLocations"))
        {
            assert!(
                location["physicalLocation"]["artifactLocation"]["uri"].is_string(),
                "{location:#}"
            );
        }
    }
    let unlisted = list(&run, "results")
        .iter()
        .find(|result| result["ruleId"] == "rule-nobody-listed")
        .unwrap();
    assert_eq!(
        unlisted["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "infra"
    );
    assert!(
        unlisted["locations"][0]["message"]["text"]
            .as_str()
            .unwrap()
            .contains("the place is not known")
    );
    assert!(unlisted["partialFingerprints"].get("primaryLocationLineHash").is_none());
}

#[test]
fn a_live_scan_has_logical_locations_only() {
    let mut report = common::report();
    report.scan.inputs.clear();
    report.findings.retain(|finding| finding.subject.location.is_none());
    report.diagnostics.clear();
    let log = log(&report, &Options::default());
    for result in list(&log["runs"][0], "results") {
        let location = &list(result, "locations")[0];
        assert!(location.get("physicalLocation").is_none());
        assert_eq!(location["logicalLocations"][0]["kind"], "resource");
        assert!(
            location["logicalLocations"][0]["fullyQualifiedName"]
                .as_str()
                .unwrap()
                .starts_with("/subscriptions/")
        );
    }
}

#[test]
fn places_agree_with_the_report() {
    let (report, run) = (common::report(), run());
    let finding = &report.findings[0];
    let result = list(&run, "results")
        .iter()
        .find(|result| result["partialFingerprints"]["portcullis/v1"] == *finding.fingerprint)
        .unwrap();
    let physical = &result["locations"][0]["physicalLocation"];
    let place = finding.subject.location.as_ref().unwrap();
    assert_eq!(physical["artifactLocation"]["uri"], *place.file);
    assert_eq!(physical["artifactLocation"]["uriBaseId"], "%SRCROOT%");
    let region = serde_json::json!({
        "startLine": place.line, "startColumn": place.column, "endLine": place.end_line, "endColumn": place.end_column,
    });
    assert_eq!(physical["region"], region);
    assert_eq!(run["columnKind"], "unicodeCodePoints");
}

#[test]
fn artifacts_are_listed_once_and_found_by_index() {
    let run = run();
    let artifacts = list(&run, "artifacts");
    let mut located = Vec::new();
    having(&run, "artifactLocation", &mut located);
    assert!(located.len() > 20);
    for location in located.iter().map(|location| &location["artifactLocation"]) {
        assert_eq!(artifacts[index(&location["index"])]["location"], *location);
    }
    let uris: HashSet<&str> = artifacts
        .iter()
        .map(|artifact| artifact["location"]["uri"].as_str().unwrap())
        .collect();
    assert_eq!(uris.len(), artifacts.len());
    assert!(
        uris.contains("estate%20with%20space.json") && uris.contains("infra/broken%20%3Cb%3E.json"),
        "{uris:?}"
    );
    assert!(run["originalUriBaseIds"]["%SRCROOT%"].is_object());
}

#[test]
fn taxa_are_found_by_guid_and_index() {
    let run = run();
    let taxonomies = list(&run, "taxonomies");
    assert_eq!(taxonomies.len(), 2);
    let supported = list(&run["tool"]["driver"], "supportedTaxonomies");
    assert_eq!(supported.len(), 2);
    let mut targets = Vec::new();
    having(&run["tool"], "target", &mut targets);
    assert_eq!(targets.len(), 6);
    for target in targets.iter().map(|relationship| &relationship["target"]) {
        let guid = &target["toolComponent"]["guid"];
        assert!(supported.iter().any(|component| component["guid"] == *guid));
        let taxonomy = taxonomies.iter().find(|taxonomy| taxonomy["guid"] == *guid).unwrap();
        assert_eq!(list(taxonomy, "taxa")[index(&target["index"])]["id"], target["id"]);
    }
    let descriptions: Vec<&str> = taxonomies
        .iter()
        .map(|t| t["shortDescription"]["text"].as_str().unwrap())
        .collect();
    assert!(
        descriptions[0].ends_with("mapped by Microsoft's built-in initiatives"),
        "{descriptions:?}"
    );
    assert!(
        descriptions[1].ends_with("mapped by this tool's own judgement"),
        "{descriptions:?}"
    );
}

#[test]
fn waived_findings_are_suppressed_and_no_other() {
    let (report, run) = (common::report(), run());
    let waived = report.findings.iter().find(|finding| finding.waiver.is_some()).unwrap();
    for result in list(&run, "results") {
        let suppressed = result["partialFingerprints"]["portcullis/v1"] == *waived.fingerprint;
        assert_eq!(list(result, "suppressions").len(), usize::from(suppressed));
        assert!(
            result["suppressions"].is_array(),
            "either all results say it or none does"
        );
    }
}

#[test]
fn exposed_machines_show_the_way_of_the_packet() {
    let run = run();
    let with_flow = list(&run, "results")
        .iter()
        .find(|result| !list(result, "codeFlows").is_empty())
        .unwrap();
    let steps = list(&with_flow["codeFlows"][0]["threadFlows"][0], "locations");
    let texts: Vec<&str> = steps
        .iter()
        .map(|step| step["location"]["message"]["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts[0], "internet");
    assert_eq!(
        texts[2],
        "subnet NSG `nsg-web`: rule `nsg-web/allow-ssh` (priority 100) allows"
    );
    assert_eq!(
        steps[2]["location"]["physicalLocation"]["artifactLocation"]["uri"],
        "infra/nsg.tf"
    );
    assert_eq!(steps[2]["importance"], "essential");
    assert_eq!(steps.len(), 5);
}

#[test]
fn a_decider_without_a_hop_decides_at_the_machine() {
    let mut report = common::report();
    report.machines[0].paths[0]
        .hops
        .retain(|hop| hop.kind != HopKind::SubnetNsg);
    let log = log(&report, &Options::default());
    let with_flow = |result: &&Value| !list(result, "codeFlows").is_empty();
    let result = list(&log["runs"][0], "results").iter().find(with_flow).unwrap();
    let last = list(&result["codeFlows"][0]["threadFlows"][0], "locations")
        .last()
        .unwrap();
    let text = last["location"]["message"]["text"].as_str().unwrap();
    assert!(
        text.starts_with("machine `vm-web-01`: rule `nsg-web/allow-ssh`"),
        "{text}"
    );
}

#[test]
fn diagnostics_are_notifications_and_failure_is_told() {
    let (report, run) = (common::report(), run());
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let notifications = list(invocation, "toolExecutionNotifications");
    assert_eq!(notifications.len(), report.diagnostics.len() + 1);
    let kinds = list(&run["tool"]["driver"], "notifications");
    for notification in notifications {
        let descriptor = &notification["descriptor"];
        assert_eq!(kinds[index(&descriptor["index"])]["id"], descriptor["id"]);
    }
    let quiet = log(&common::quiet(), &Options::default());
    assert_eq!(quiet["runs"][0]["invocations"][0]["executionSuccessful"], true);
    assert_eq!(quiet["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn what_is_cut_is_said() {
    let report = common::report();
    for most in [0, 2, 5, 1_000] {
        let log = log(
            &report,
            &Options {
                sarif_max_results: most,
                ..Options::default()
            },
        );
        let run = &log["runs"][0];
        let written = list(run, "results").len();
        let total = report.findings.len() + 3;
        assert_eq!(written, most.min(total));
        let notifications = list(&run["invocations"][0], "toolExecutionNotifications");
        let cut = notifications
            .iter()
            .find(|notification| notification["descriptor"]["id"] == "results-cut");
        let text = cut.map(|cut| cut["message"]["text"].as_str().unwrap());
        match total - written {
            0 => assert_eq!(text, None),
            left => assert!(
                text.unwrap().starts_with(&format!("{left} results left out")),
                "{text:?}"
            ),
        }
    }
}

#[test]
fn rules_have_what_code_scanning_shows() {
    let run = run();
    for rule in list(&run["tool"]["driver"], "rules") {
        assert!(
            rule["shortDescription"]["text"].is_string() && rule["help"]["text"].is_string(),
            "{rule:#}"
        );
        let tags = list(&rule["properties"], "tags");
        assert!(tags.contains(&"security".into()) && tags.len() <= 10);
    }
    let rule = &list(&run["tool"]["driver"], "rules")[0];
    assert_eq!(rule["name"], "ManagementPortsJit");
    assert_eq!(rule["properties"]["security-severity"], "8.0");
    assert_eq!(rule["defaultConfiguration"]["level"], "error");
    assert!(
        rule["help"]["markdown"]
            .as_str()
            .unwrap()
            .contains("https://learn.microsoft.com")
    );
    assert!(rule["helpUri"].as_str().unwrap().starts_with("https://"));
}

#[test]
fn messages_hold_no_control_characters_links_or_placeholders() {
    let run = run();
    let mut texts = Vec::new();
    having(&run["results"], "text", &mut texts);
    for text in texts.iter().map(|message| message["text"].as_str().unwrap()) {
        assert!(text.chars().count() <= 4_000);
        assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text}");
        assert!(!text.contains("](") && !text.contains(" {0}"), "{text}");
    }
}

/// Counts what passes and the largest piece of it; stops after so many bytes.
struct Gauge {
    room: usize,
    written: usize,
    largest: usize,
}

impl Write for Gauge {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written += bytes.len();
        self.largest = self.largest.max(bytes.len());
        if self.written > self.room {
            Err(io::Error::other("full"))
        } else {
            Ok(bytes.len())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn it_is_written_as_a_stream() {
    let report = common::large(2_000);
    let format = FORMATS.iter().find(|format| format.name == "sarif").unwrap();
    let mut gauge = Gauge {
        room: usize::MAX,
        written: 0,
        largest: 0,
    };
    (format.write)(&report, &Options::default(), &mut gauge).unwrap();
    assert!(
        gauge.written > 2_000_000 && gauge.largest < 100_000,
        "{} in {}",
        gauge.written,
        gauge.largest
    );
    let mut short = Gauge {
        room: 100_000,
        written: 0,
        largest: 0,
    };
    assert!((format.write)(&report, &Options::default(), &mut short).is_err());
    assert!(short.written < 300_000, "it went on after the error: {}", short.written);
}

#[test]
fn what_is_too_large_to_upload_is_cut_and_said() {
    let options = Options {
        sarif_max_bytes: 40_000,
        ..Options::default()
    };
    let log = log(&common::large(300), &options);
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(!results.is_empty() && results.len() < 300, "{}", results.len());
    assert!(serde_json::to_string(results).unwrap().len() <= 40_000 + 2 * results.len());
    let notes = &log["runs"][0]["invocations"][0]["toolExecutionNotifications"];
    let cut = notes[0]["message"]["text"].as_str().unwrap();
    assert!(cut.contains("results left out: only the worst"), "{cut}");
    assert!(
        cut.contains(&format!("the worst {} are written", results.len())),
        "{cut}"
    );
}

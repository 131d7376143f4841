//! Comparisons in every format: hostile names do no harm, thousands of machines fit a comment, and what is published is
//! what the platforms take.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod common;

use std::sync::Arc;

use portcullis::diff::{
    ChangedFinding, Comparison, Decision, End, FORMAT_VERSION, FindingChanges, Kind, Origin, PortChange, Presence,
    Sources, SubjectChange, Summary, Through,
};
use portcullis::report::diff::{DIFF_FORMATS, OPENING_RULE};
use portcullis::report::{Decider, Layer, Options, Way};
use portcullis::source::Location;
use serde_json::Value;

fn end(name: &str) -> End {
    End {
        name: name.to_owned(),
        commit: Some("0123456789abcdef".to_owned()),
        machines: 3,
        filters: 2,
        complete: false,
        judged: true,
        diagnostics: common::report().diagnostics,
    }
}

fn change(name: &str, number: usize) -> SubjectChange {
    let location = Location {
        file: Arc::from(format!("infra/{name}.json")),
        line: 7,
        column: 3,
        end_line: 7,
        end_column: 20,
    };
    let rule = Decider {
        layer: Layer::Subnet,
        group: Arc::from(name),
        group_id: None,
        rule: Arc::from(format!("allow-{name}")),
        priority: Some(100),
        access: Arc::from("allow"),
        location: Some(location.clone()),
    };
    let sources = Sources {
        words: "256 public addresses (8.8.8.0/24)".to_owned(),
        addresses: "256".to_owned(),
        prefixes: vec!["8.8.8.0/24".to_owned()],
        more_prefixes: 0,
        tags: Vec::new(),
        except_tags: Vec::new(),
    };
    SubjectChange {
        kind: Kind::Machine,
        name: Arc::from(name),
        id: Arc::from(format!(
            "/subscriptions/s/resourceGroups/g/providers/p/t/{name}-{number}"
        )),
        presence: Presence::Both,
        location: Some(location),
        waiver: None,
        ports: vec![PortChange {
            port: 22,
            protocol: Arc::from("tcp"),
            from: Origin::Internet,
            opened: Some(sources.clone()),
            now_certain: None,
            newly_possible: Some(sources.clone()),
            closed: Some(sources),
            now_doubtful: None,
            no_longer_possible: None,
            before: Decision::default(),
            after: Decision {
                rules: vec![rule],
                ways: vec![Through {
                    way: Way::LoadBalancer,
                    address: Some(Arc::from(name)),
                    port: Some(50_022),
                }],
                gaps: vec![Arc::from(format!("parameter `{name}` has no value"))],
            },
        }],
    }
}

fn comparison(names: &[String]) -> Comparison {
    let findings = common::report().findings;
    let changed = findings.iter().take(2).map(|finding| ChangedFinding {
        before: finding.clone(),
        after: finding.clone(),
    });
    Comparison {
        format_version: FORMAT_VERSION,
        tool_version: "0.1.0".to_owned(),
        base: end(&common::HOSTILE.concat()),
        head: end("HEAD"),
        ports: vec![22, 3389],
        sentence: format!("opens `{}` to public addresses", names[0]),
        summary: Summary {
            opened: names.len() as u64,
            ..Summary::default()
        },
        changes: names.iter().enumerate().map(|(at, name)| change(name, at)).collect(),
        findings: FindingChanges {
            changed: changed.collect(),
            new: findings,
            ..FindingChanges::default()
        },
        verdicts: Vec::new(),
        not_stated: Vec::new(),
    }
}

fn hostile() -> Comparison {
    comparison(&common::HOSTILE.map(str::to_owned))
}

fn written(format: &str, comparison: &Comparison) -> String {
    let format = DIFF_FORMATS.iter().find(|known| known.name == format).unwrap();
    let mut out = Vec::new();
    let options = Options {
        width: 80,
        ..Options::default()
    };
    (format.write)(comparison, &common::report(), &options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn hostile_names_do_no_harm() {
    // JSON is read by programs, which get every character as it was.
    let for_people = |name: &str| !["json", "sarif", "gitlab"].contains(&name);
    for format in DIFF_FORMATS.iter().filter(|format| for_people(format.name)) {
        let text = written(format.name, &hostile());
        let bad = text
            .chars()
            .find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(bad, None, "{}", format.name);
    }
    let comment = written("markdown", &hostile());
    for bad in ["<script", "@everyone", "](http", "<b>"] {
        assert!(!comment.contains(bad), "{bad}");
    }
    let annotations = written("github", &hostile());
    for line in annotations.lines() {
        let (command, _) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
        assert!(
            ["error", "warning", "notice"]
                .iter()
                .any(|known| command.starts_with(known)),
            "{line}"
        );
    }
}

#[test]
fn thousands_of_machines_fit_a_comment_and_what_was_cut_is_counted() {
    let long = "n".repeat(300);
    let names: Vec<String> = (0..5_000).map(|at| format!("{long}-{at}")).collect();
    let comment = written("markdown", &comparison(&names));
    assert!(comment.chars().count() <= 65_536, "{}", comment.len());
    assert!(comment.contains("more; the JSON has them all"), "{comment}");
    assert_eq!(
        comment.matches("<details>").count(),
        comment.matches("</details>").count()
    );
    let console = written("console", &comparison(&names));
    assert!(console.lines().count() < 1_000);
}

#[test]
fn the_console_keeps_its_width() {
    // A place is never broken, so that it can be copied.
    let is_place = |line: &&str| line.contains(".json:");
    let console = written("console", &hostile());
    for line in console.lines().filter(|line| !is_place(line)) {
        assert!(portcullis::report::text::width(line) <= 82, "{line}");
    }
}

#[test]
fn gitlab_takes_what_is_written() {
    let issues: Vec<Value> = serde_json::from_str(&written("gitlab", &hostile())).unwrap();
    assert!(issues.iter().any(|issue| issue["check_name"] == OPENING_RULE));
    for issue in issues {
        assert!(
            issue["description"].is_string() && issue["fingerprint"].as_str().is_some_and(|print| print.len() == 32)
        );
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&issue["severity"].as_str().unwrap()));
        assert!(issue["location"]["path"].is_string() && issue["location"]["lines"]["begin"].as_u64().unwrap() >= 1);
    }
}

#[test]
fn sarif_follows_the_official_schema() {
    let log: Value = serde_json::from_str(&written("sarif", &hostile())).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(results.iter().filter(|result| result["ruleId"] == OPENING_RULE).count() == common::HOSTILE.len());
    let Some(path) = std::env::var_os("PORTCULLIS_SARIF_SCHEMA") else {
        return;
    };
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&log).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn json_follows_its_schema_and_reads_back_the_same() {
    let text = written("json", &hostile());
    let validator = jsonschema::validator_for(&Comparison::json_schema()).unwrap();
    assert!(validator.is_valid(&serde_json::from_str(&text).unwrap()));
    assert_eq!(serde_json::from_str::<Comparison>(&text).unwrap(), hostile());
}

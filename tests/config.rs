//! `portcullis.yaml`: where it is found, what it says, what it is told, and the waivers in it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod repository;

use std::path::Path;

use repository::{Repository, portcullis};
use serde_json::Value;

const SCHEMA_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/config.schema.json");

fn infra() -> Repository {
    let repository = Repository::new();
    repository.lay(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/changes/arm/base"));
    repository
}

fn schema() -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&portcullis(root, &["config", "schema"]).out).unwrap()
}

#[test]
fn the_published_schema_is_current_and_takes_what_the_program_takes() {
    let current = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(SCHEMA_FILE, &current).unwrap();
    }
    let published = std::fs::read_to_string(SCHEMA_FILE).unwrap_or_default();
    assert!(
        published == current,
        "docs/config.schema.json is stale: run the tests with UPDATE_SCHEMA=1"
    );
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let whole = serde_yaml::from_str::<Value>(WHOLE).unwrap();
    assert!(
        validator.is_valid(&whole),
        "{:?}",
        validator.iter_errors(&whole).map(|e| e.to_string()).collect::<Vec<_>>()
    );
    assert!(!validator.is_valid(&serde_json::json!({ "severty": "low" })));
}

const WHOLE: &str = "\
ports: [22, 3389]
severity: low
fail_on: high
rule: [management-port-exposed]
param: [management-ports-jit.reading=effective]
rule_files: []
parameters: []
assume_complete: true
assume: [jit=unknown]
service_tags: []
now: 2026-01-31T12:00:00Z
verbose: true
sarif_max_results: 100
format: [json]
diff: { fail_on: [public, findings], format: [markdown] }
rules:
  redundant-rule: { enabled: false }
waivers:
  - rule: management-port-exposed
    resource: jump
    reason: reviewed
    owner: secops
    ticket: SEC-1
    expires: 2999-01-31
";

#[test]
fn it_is_found_above_the_input_and_every_key_is_heeded() {
    let repository = infra();
    repository.write("portcullis.yaml", WHOLE);
    let elsewhere = tempfile::tempdir().unwrap();
    let input = repository.path().join("infra");
    let ran = portcullis(elsewhere.path(), &["scan", input.to_str().unwrap()]);
    let report: Value =
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err));
    assert_eq!(report["scan"]["ports"], serde_json::json!([22, 3389]));
    let findings = report["findings"].as_array().unwrap();
    assert!(
        findings
            .iter()
            .all(|finding| finding["rule"] == "management-port-exposed")
    );
    let jump = findings
        .iter()
        .find(|finding| finding["subject"]["name"] == "jump")
        .unwrap();
    assert_eq!(jump["waiver"]["until"], "2999-01-31");
    assert_eq!(ran.status, 1, "`bare` is critical: {}", ran.err);
    // What is typed wins.
    let ran = portcullis(
        repository.path(),
        &["scan", "infra", "--fail-on", "none", "--format", "csv"],
    );
    assert_eq!(ran.status, 0);
    assert!(!ran.out.starts_with('{'));
}

#[test]
fn show_says_what_holds_and_where_it_comes_from() {
    let repository = infra();
    repository.write(
        "portcullis.yaml",
        "# settings\nports: [22]\n\nseverity: medium\nvar: { key: open-sesame }\n",
    );
    let ran = portcullis(repository.path(), &["config", "show", "infra", "--severity", "high"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.out.starts_with("configuration: portcullis.yaml\n"), "{}", ran.out);
    let line = |key: &str| ran.out.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    assert!(
        line("ports").ends_with("[22]  (portcullis.yaml:2)"),
        "{}",
        line("ports")
    );
    assert!(line("severity").ends_with("\"high\"  (flag)"), "{}", line("severity"));
    assert!(line("fail_on").ends_with("\"low\"  (default)"), "{}", line("fail_on"));
    assert!(line("var ").contains("[\"key\"]"), "{}", line("var "));
    let json = portcullis(repository.path(), &["config", "show", "infra", "--json"]);
    assert!(!json.out.contains("open-sesame"));
    let shown: Value = serde_json::from_str(&json.out).unwrap();
    let schema = schema();
    let keys = schema["properties"].as_object().unwrap().keys();
    for key in keys.filter(|key| *key != "diff") {
        let all = shown["settings"].as_array().unwrap();
        assert!(all.iter().any(|one| one["key"] == **key), "`{key}` is not shown");
    }
}

#[test]
fn unknown_keys_are_errors_with_the_nearest_known_one() {
    let repository = infra();
    for (text, said) in [
        ("severty: low\n", "did you mean `severity`?"),
        ("diff: { failon: [public] }\n", "did you mean `fail_on`?"),
        (
            "waivers:\n  - rule: x\n    resource: y\n    reasn: z\n",
            "did you mean `reason`?",
        ),
    ] {
        repository.write("portcullis.yaml", text);
        for command in [["scan", "infra"], ["config", "show"], ["diff", "infra"]] {
            let mut arguments = command.to_vec();
            arguments.extend((command[0] == "diff").then_some("infra"));
            let ran = portcullis(repository.path(), &arguments);
            assert_eq!(ran.status, 2, "{arguments:?} {}", ran.err);
            assert!(ran.err.contains(said), "{}", ran.err);
        }
    }
}

#[test]
fn waivers_that_are_out_of_order_count_at_their_line() {
    let repository = infra();
    let waiver = |extra: &str| {
        format!("fail_on: low\nwaivers:\n  - rule: '*'\n    resource: '*'\n    reason: all of it\n{extra}")
    };
    repository.write("portcullis.yaml", &waiver(""));
    let ran = portcullis(repository.path(), &["scan", "infra"]);
    assert_eq!(ran.status, 0, "{}", ran.out);
    for (extra, code) in [
        (
            "  - rule: no-such\n    resource: '*'\n    reason: never\n",
            "waiver-unused",
        ),
        (
            "  - rule: '*'\n    resource: '*'\n    reason: then\n    expires: 2020-01-01\n",
            "waiver-expired",
        ),
        ("  - rule: '*'\n    resource: '*'\n", "waiver"),
        (
            "  - rule: '*'\n    resource: '*'\n    reason: soon\n    until: tomorrow\n",
            "waiver",
        ),
    ] {
        repository.write("portcullis.yaml", &waiver(extra));
        let ran = portcullis(repository.path(), &["scan", "infra", "--format", "json"]);
        assert_eq!(ran.status, 1, "{code}");
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        let said = report["diagnostics"]
            .as_array()
            .unwrap()
            .iter()
            .find(|said| said["code"] == code);
        let said = said.unwrap_or_else(|| panic!("{code}: {}", report["diagnostics"]));
        assert_eq!(said["location"]["line"], 6, "{said}");
        assert_eq!(said["location"]["file"], "portcullis.yaml");
        let lenient = portcullis(repository.path(), &["scan", "infra", "--fail-on", "medium"]);
        assert_eq!(lenient.status, 0, "{code}");
    }
}

#[test]
fn only_what_a_change_touches() {
    let repository = Repository::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/changes/arm");
    repository.lay(&root.join("base"));
    repository.lay(&root.join("move-to-a-module"));
    let other = repository
        .read("infra/main.json")
        .replace("modules/filters.json", "modules/other.json");
    repository.write("other/main.json", &other);
    repository.write(
        "other/modules/other.json",
        &repository.read("infra/modules/filters.json"),
    );
    repository.commit("base");
    let places = |ran: &repository::Ran| -> Vec<String> {
        let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.err));
        let findings = report["findings"].as_array().unwrap();
        findings
            .iter()
            .map(|finding| finding["subject"]["location"]["file"].as_str().unwrap().to_owned())
            .collect()
    };
    let scan = ["scan", ".", "--changed-since", "HEAD", "--format", "json"];
    let ran = portcullis(repository.path(), &scan);
    assert_eq!((ran.status, places(&ran).len()), (0, 0), "{}", ran.err);
    // A change of the module touches the template that links it, and no other.
    repository.write(
        "infra/modules/filters.json",
        &repository
            .read("infra/modules/filters.json")
            .replace("8.8.8.0/24", "8.8.9.0/24"),
    );
    let ran = portcullis(repository.path(), &scan);
    let found = places(&ran);
    assert!(
        ran.status == 1 && !found.is_empty() && found.iter().all(|file| file.starts_with("infra/")),
        "{found:?}"
    );
    let ran = portcullis(repository.path(), &["scan", ".", "--changed-since", "nowhere"]);
    assert!(ran.status == 2 && ran.err.contains("does not exist"), "{}", ran.err);
}

#[test]
fn the_console_shows_the_lines_that_decide() {
    let repository = infra();
    let ran = portcullis(repository.path(), &["scan", "infra"]);
    assert_eq!(ran.status, 1, "{}", ran.err);
    let place = ran
        .out
        .lines()
        .position(|line| line.contains("decided at infra/main.json:"))
        .unwrap();
    let shown = ran.out.lines().nth(place + 1).unwrap();
    assert!(shown.contains("\"sourceAddressPrefix\":"), "{shown}");
    assert!(ran.out.lines().all(|line| line.chars().count() <= 100), "{}", ran.out);
}

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
    for key in keys.filter(|key| !["diff", "live"].contains(&key.as_str())) {
        let all = shown["settings"].as_array().unwrap();
        assert!(all.iter().any(|one| one["key"] == **key), "`{key}` is not shown");
    }
}

/// The flags of a command, out of its help.
fn flags(command: &str) -> Vec<String> {
    let help = portcullis(Path::new("."), &[command, "--help"]).out;
    let starts = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let names = starts.filter_map(|line| line.split([' ', ',']).find_map(|word| word.strip_prefix("--")));
    // A default that names another flag may begin a line.
    let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    names.filter(is_name).map(str::to_owned).collect()
}

/// What names what is read and written now, and what is a matter of the terminal.
const WITHOUT_KEY: [&str; 11] = [
    "config",
    "repository",
    "write-baseline",
    "color",
    "help",
    // Of one run of the nightly job.
    "run",
    "shard",
    "metrics",
    "no-evidence",
    "no-notify",
    "log-format",
];

#[test]
fn every_flag_has_a_key_and_every_key_a_flag() {
    let schema = schema();
    let properties =
        |value: &Value| -> Vec<String> { value["properties"].as_object().unwrap().keys().cloned().collect() };
    let section = |name: &str| properties(&schema["$defs"][name]);
    let (top, live, diff) = (properties(&schema), section("LiveConfig"), section("DiffConfig"));
    let key_of = |flag: &str| match flag {
        "rules" => "rule_files".to_owned(),
        other => other.replace('-', "_"),
    };
    let (scan_flags, diff_flags) = (flags("scan"), flags("diff"));
    assert!(
        scan_flags.len() > 30 && diff_flags.len() > 15,
        "{scan_flags:?} {diff_flags:?}"
    );
    for flag in scan_flags.iter().filter(|flag| !WITHOUT_KEY.contains(&flag.as_str())) {
        let key = key_of(flag);
        assert!(top.contains(&key) || live.contains(&key), "--{flag} of scan has no key");
    }
    for flag in diff_flags.iter().filter(|flag| !WITHOUT_KEY.contains(&flag.as_str())) {
        let key = key_of(flag);
        let own = ["fail_on", "format"].contains(&key.as_str());
        assert!(
            if own { diff.contains(&key) } else { top.contains(&key) },
            "--{flag} of diff has no key"
        );
    }
    let known: Vec<String> = scan_flags.iter().chain(&diff_flags).map(|flag| key_of(flag)).collect();
    for key in top.iter().chain(&live).chain(&diff) {
        let is_section = ["rules", "waivers", "live", "diff", "owners", "owner_tag"].contains(&key.as_str());
        assert!(is_section || known.contains(key), "`{key}` stands for no flag");
    }
}

/// A file that comes with a pull request must not say where tokens go.
#[test]
fn where_tokens_go_is_heeded_only_in_a_file_that_is_named() {
    let repository = infra();
    let live = "live: { endpoint: 'http://127.0.0.1:9', all_subscriptions: true, attempts: 1, retry_pause: 1ms, deadline: 5s }\n";
    repository.write("portcullis.yaml", live);
    let ran = portcullis(repository.path(), &["scan", "infra"]);
    assert!(
        ran.status == 2 && ran.err.contains("must not say where tokens go"),
        "{}",
        ran.err
    );
    let show = portcullis(repository.path(), &["config", "show", "--config", "portcullis.yaml"]);
    let line = show.out.lines().find(|line| line.starts_with("live.endpoint")).unwrap();
    assert!(line.ends_with("\"http://127.0.0.1:9\"  (portcullis.yaml:1)"), "{line}");
    // Named, it is asked, and there is nobody.
    let ran = portcullis(repository.path(), &["scan", "--config", "portcullis.yaml"]);
    assert!(
        ran.status >= 2 && !ran.err.contains("tokens go"),
        "{} {}",
        ran.status,
        ran.err
    );
    let ran = portcullis(repository.path(), &["scan", "infra", "--config", "portcullis.yaml"]);
    assert_eq!(ran.status, 1, "files were named: {}", ran.err);
    repository.write("portcullis.yaml", "live: { deadline: soon, all_subscriptions: true }\n");
    let ran = portcullis(repository.path(), &["scan", "--config", "portcullis.yaml"]);
    assert!(
        ran.status == 2 && ran.err.contains("`live.deadline` of the configuration"),
        "{}",
        ran.err
    );
    repository.write("portcullis.yaml", "ports: [22]\n");
    let ran = portcullis(repository.path(), &["scan", "--config", "portcullis.yaml"]);
    assert!(
        ran.status == 2 && ran.err.contains("name files or directories"),
        "{}",
        ran.err
    );
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
        ("  - rule: '*'\n    resource: '*'\n", "waiver-invalid"),
        (
            "  - rule: '*'\n    resource: '*'\n    reason: soon\n    until: tomorrow\n",
            "waiver-invalid",
        ),
        (
            "  - rule: newly-opened\n    resource: '*'\n    reason: no last day\n",
            "waiver-invalid",
        ),
    ] {
        repository.write("portcullis.yaml", &waiver(extra));
        let ran = portcullis(repository.path(), &["scan", "infra", "--format", "json"]);
        assert_eq!(ran.status, 1, "{code}");
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        let findings = report["findings"].as_array().unwrap();
        let said = findings.iter().find(|finding| finding["rule"] == code);
        let said = said.unwrap_or_else(|| panic!("{code}: {findings:#?}"));
        assert_eq!(said["subject"]["location"]["line"], 6, "{said}");
        assert_eq!(said["subject"]["location"]["file"], "portcullis.yaml");
        assert!(said["waiver"].is_null(), "a waiver excepts no waiver: {said}");
        let lenient = portcullis(repository.path(), &["scan", "infra", "--fail-on", "medium"]);
        assert_eq!(lenient.status, 0, "{code}");
    }
}

/// Where the findings of a scan are stated.
fn places(ran: &repository::Ran) -> Vec<String> {
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.err));
    let findings = report["findings"].as_array().unwrap();
    let file = |finding: &Value| finding["subject"]["location"]["file"].as_str().unwrap().to_owned();
    findings.iter().map(file).collect()
}

const SINCE: [&str; 5] = ["scan", ".", "--changed-since", "HEAD", "--format=json"];

/// A repository with two estates, each of a root and a module.
fn two_estates(notation: &str) -> Repository {
    let repository = Repository::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/changes")
        .join(notation);
    repository.lay(&root.join("base"));
    repository.lay(&root.join("move-to-a-module"));
    std::fs::rename(repository.path().join("infra"), repository.path().join("other")).unwrap();
    repository.lay(&root.join("base"));
    repository.lay(&root.join("move-to-a-module"));
    repository.commit("base");
    repository
}

#[test]
fn only_what_a_change_touches() {
    for (notation, module, root) in [
        ("arm", "infra/modules/filters.json", "infra/main.json"),
        ("bicep", "infra/modules/filters.bicep", "infra/main.bicep"),
        ("terraform", "infra/modules/filters/main.tf", "infra/main.tf"),
    ] {
        let repository = two_estates(notation);
        let ran = portcullis(repository.path(), &SINCE);
        assert_eq!((ran.status, places(&ran).len()), (0, 0), "{notation} {}", ran.err);
        // A change of the module touches the root that uses it, and no other.
        repository.write(module, &repository.read(module).replace("8.8.8.0/24", "8.8.9.0/24"));
        let ran = portcullis(repository.path(), &SINCE);
        let found = places(&ran);
        assert!(
            ran.status == 1
                && found.iter().any(|file| file == root)
                && found.iter().all(|file| file.starts_with("infra/")),
            "{notation} {found:?}"
        );
        // However the files are named: from below, and whole.
        let below = repository.path().join("other");
        for path in ["../infra", repository.path().join("infra").to_str().unwrap()] {
            let ran = portcullis(&below, &["scan", path, "--changed-since", "HEAD", "--format=json"]);
            assert_eq!(places(&ran).len(), found.len(), "{notation} {path}");
        }
        let ran = portcullis(&below, &["scan", ".", "--changed-since", "HEAD", "--format=json"]);
        assert_eq!(places(&ran).len(), 0, "{notation}");
        let ran = portcullis(repository.path(), &["scan", ".", "--changed-since", "nowhere"]);
        assert!(ran.status == 2 && ran.err.contains("does not exist"), "{}", ran.err);
    }
}

/// Values, contents and files that are gone are parts of a change; so is how everything is judged.
#[test]
fn what_a_change_touches_without_a_text_of_the_estate() {
    type Case<'c> = (
        &'c str,
        &'c [(&'c str, &'c str)],
        &'c [(&'c str, &'c str)],
        &'c [&'c str],
    );
    let bicepparam = [(
        "infra/prod.bicepparam",
        "using 'main.bicep'\nparam officePrefix = '8.8.4.0/24'\n",
    )];
    let parameters = |prefix: &str| {
        format!(
            "{{ \"$schema\": \"https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#\", \"contentVersion\": \"1.0.0.0\", \"parameters\": {{ \"officePrefix\": {{ \"value\": \"{prefix}\" }} }} }}"
        )
    };
    let (old, new) = (parameters("8.8.4.0/24"), parameters("9.9.9.0/24"));
    let cases: [Case<'_>; 6] = [
        (
            "bicep",
            &bicepparam,
            &[(
                "infra/prod.bicepparam",
                "using 'main.bicep'\nparam officePrefix = '9.9.9.0/24'\n",
            )],
            &[],
        ),
        (
            "arm",
            &[("infra/main.parameters.json", &old)],
            &[("infra/main.parameters.json", &new)],
            &[],
        ),
        (
            "arm",
            &[("values.json", &old)],
            &[("values.json", &new)],
            &["--parameters", "values.json"],
        ),
        (
            "terraform",
            &[("infra/x.auto.tfvars", "office_prefix = \"8.8.4.0/24\"")],
            &[("infra/x.auto.tfvars", "office_prefix = \"9.9.9.0/24\"")],
            &[],
        ),
        (
            "terraform",
            &[("values.tfvars", "office_prefix = \"8.8.4.0/24\"")],
            &[("values.tfvars", "office_prefix = \"9.9.9.0/24\"")],
            &["--var-file", "values.tfvars"],
        ),
        ("terraform", &[], &[("portcullis.yaml", "severity: info\n")], &[]),
    ];
    for (notation, before, after, flags) in cases {
        let repository = two_estates(notation);
        before.iter().for_each(|(name, text)| repository.write(name, text));
        repository.commit("values");
        let scan = [&SINCE[..], flags].concat();
        assert_eq!(
            places(&portcullis(repository.path(), &scan)).len(),
            0,
            "{notation} {after:?}"
        );
        after.iter().for_each(|(name, text)| repository.write(name, text));
        let found = places(&portcullis(repository.path(), &scan));
        assert!(
            found.iter().any(|file| file.starts_with("infra/main")),
            "{notation} {after:?} {found:?}"
        );
    }
    // A file of a module that is gone; a file that is read.
    let repository = two_estates("terraform");
    let module = "infra/modules/filters/main.tf";
    let (variables, rest) = {
        let text = repository.read(module);
        let at = text.find("resource ").unwrap();
        (text[..at].to_owned(), text[at..].to_owned())
    };
    repository.write(
        module,
        &rest.replace("var.office_prefix", "trimspace(file(\"office.txt\"))"),
    );
    repository.write("infra/modules/filters/variables.tf", &variables);
    repository.write("infra/modules/filters/extra.tf", "locals {\n  unused = 1\n}\n");
    repository.write("infra/office.txt", "8.8.4.0/24\n");
    repository.commit("apart");
    assert_eq!(places(&portcullis(repository.path(), &SINCE)).len(), 0);
    for name in ["infra/modules/filters/extra.tf", "infra/office.txt"] {
        match name.ends_with(".tf") {
            true => std::fs::remove_file(repository.path().join(name)).unwrap(),
            false => repository.write(name, "9.9.9.0/24\n"),
        }
        let found = places(&portcullis(repository.path(), &SINCE));
        assert!(found.iter().any(|file| file == "infra/main.tf"), "{name} {found:?}");
        assert!(found.iter().all(|file| file.starts_with("infra/")), "{name} {found:?}");
        repository.git(&["checkout", "--quiet", "--", name]);
    }
}

/// What was not asked about is not called unused, and a cut of the severity hides no finding from its waiver.
#[test]
fn a_waiver_is_unused_only_where_its_finding_was_looked_for() {
    let repository = infra();
    repository.write(
        "portcullis.yaml",
        "waivers:\n  - { rule: management-ports-jit, resource: '*', reason: no Defender here }\n",
    );
    let unused = |arguments: &[&str]| {
        let ran = portcullis(
            repository.path(),
            &[&["scan", "infra", "--format=json"], arguments].concat(),
        );
        ran.out.contains("waiver-unused")
    };
    assert!(!unused(&[]));
    assert!(!unused(&["--rule", "management-port-exposed"]));
    assert!(!unused(&["--severity", "critical"]));
    repository.write(
        "portcullis.yaml",
        "waivers:\n  - { rule: misspelled, resource: '*', reason: x }\n",
    );
    assert!(unused(&[]));
    // A part that was not read may hold what it is about.
    repository.write("infra/broken.json", "{ \"$schema\": \"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#\", \"resources\": [");
    assert!(!unused(&[]));
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

//! The files by which pipelines use the program: that they can be read, name nothing that does not exist, and are what
//! the pages of the manual show. `.ci/run` holds them against the platforms' published schemas.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::path::Path;

use serde_json::Value;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn yaml(name: &str) -> Value {
    serde_yaml::from_str(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

const PAGES: [(&str, &str); 3] = [
    ("examples/ci/github-workflow.yml", "docs/ci-github.md"),
    ("examples/ci/gitlab-ci.yml", "docs/ci-gitlab.md"),
    ("examples/ci/azure-pipelines.yml", "docs/ci-azure-pipelines.md"),
];

#[test]
fn pages_show_what_is_checked() {
    for (example, page) in PAGES {
        assert!(
            read(page).contains(&format!("```yaml\n{}```\n", read(example))),
            "{page} shows another {example}"
        );
    }
}

/// Every value under a key, wherever it is.
fn having<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(key).and_then(Value::as_str));
            fields.values().for_each(|field| having(field, key, found));
        }
        Value::Array(items) => items.iter().for_each(|item| having(item, key, found)),
        _ => {}
    }
}

#[test]
fn actions_of_others_are_named_by_commit() {
    for name in ["examples/ci/github-workflow.yml", "action.yml"] {
        let whole = yaml(name);
        let mut used = Vec::new();
        having(&whole, "uses", &mut used);
        for action in used.into_iter().filter(|action| *action != "OWNER/portcullis@COMMIT") {
            let (_, commit) = action.split_once('@').unwrap();
            assert!(
                commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit()),
                "{action}"
            );
        }
    }
}

/// Scripts take what people write from the environment: an expression in a script would be run as a part of it.
#[test]
fn scripts_of_the_action_hold_no_expressions() {
    let action = yaml("action.yml");
    let mut scripts = Vec::new();
    having(&action, "run", &mut scripts);
    assert!(scripts.len() >= 3);
    for script in scripts {
        assert!(!script.contains("${{"), "{script}");
    }
}

#[test]
fn flags_and_formats_exist() {
    let help = assert_cmd::Command::cargo_bin("portcullis")
        .unwrap()
        .args(["diff", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let formats: Vec<&str> = portcullis::report::diff::DIFF_FORMATS
        .iter()
        .map(|format| format.name)
        .collect();
    for name in [
        "action.yml",
        "examples/ci/gitlab-ci.yml",
        "examples/ci/azure-pipelines.yml",
        ".pre-commit-hooks.yaml",
    ] {
        let text = read(name);
        let after = text.split_once("diff ").unwrap().1;
        let flags = after
            .split([' ', '\n', '"'])
            .filter(|word| word.starts_with("--") && word.len() > 2);
        for flag in flags.filter(|flag| !flag.starts_with("--paginate") && !flag.starts_with("--jq")) {
            if ["--silent", "--method", "--field", "-->"].contains(&flag) {
                continue;
            }
            assert!(help.contains(flag), "{name}: {flag}");
        }
        let named = text
            .split("--format ")
            .skip(1)
            .map(|rest| rest.split([' ', '=', '\n', '\\']).next().unwrap());
        for format in named {
            assert!(formats.contains(&format), "{name}: {format}");
        }
    }
}

#[test]
fn hooks_name_what_pre_commit_needs() {
    let hooks = yaml(".pre-commit-hooks.yaml");
    for hook in hooks.as_array().unwrap() {
        for key in ["id", "name", "entry", "language"] {
            assert!(hook[key].is_string(), "{hook} has no {key}");
        }
        assert_eq!(hook["language"], "rust");
    }
}

#[test]
fn the_container_runs_as_nobody_in_particular() {
    let file = read("Dockerfile");
    let last = file.split("FROM ").last().unwrap();
    assert!(last.contains("USER portcullis") && last.contains("ENTRYPOINT [\"portcullis\"]"));
}

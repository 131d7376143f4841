//! What a change opens and closes: scenarios over real git repositories, the same in every notation, and what holds of
//! every comparison. A notation is a folder of `tests/changes`: `base`, and for each scenario the files that differ.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

mod repository;

use std::path::{Path, PathBuf};

use portcullis::diff::Comparison;
use repository::{Ran, Repository, portcullis};
use serde_json::Value;

const SCHEMA_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/diff.schema.json");

fn changes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/changes")
}

fn notations() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(changes()).unwrap();
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// What a scenario must come to.
struct Scenario {
    name: &'static str,
    status: i32,
    sentence: &'static str,
    /// Machine, port, kind of difference, how many addresses.
    expect: &'static [(&'static str, u16, &'static str, &'static str)],
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "open-a-port",
        status: 1,
        sentence: "opens `jump` to public addresses",
        expect: &[("jump", 3389, "opened", "256")],
    },
    Scenario {
        name: "widen-a-prefix",
        status: 1,
        sentence: "opens `jump` to public addresses",
        expect: &[("jump", 22, "opened", "65280")],
    },
    Scenario {
        name: "narrow-a-prefix",
        status: 0,
        sentence: "closes `jump` to public addresses",
        expect: &[("jump", 22, "closed", "128")],
    },
    Scenario {
        name: "change-a-default",
        status: 1,
        sentence: "opens `jump` to public addresses, closes `jump` to public addresses",
        expect: &[("jump", 22, "opened", "256"), ("jump", 22, "closed", "256")],
    },
    Scenario {
        name: "split-a-rule",
        status: 0,
        sentence: "no change in who can reach what",
        expect: &[],
    },
    Scenario {
        name: "move-without-effect",
        status: 0,
        sentence: "no change in who can reach what",
        expect: &[],
    },
    Scenario {
        name: "move-to-a-module",
        status: 0,
        sentence: "no change in who can reach what",
        expect: &[],
    },
    Scenario {
        name: "rename-everything",
        status: 0,
        sentence: "no change in who can reach what",
        expect: &[],
    },
    Scenario {
        name: "remove-a-deny",
        status: 1,
        sentence: "opens `jump` to public addresses",
        expect: &[("jump", 3389, "opened", "256")],
    },
    Scenario {
        name: "swap-priorities",
        status: 1,
        sentence: "opens `jump` to public addresses",
        expect: &[("jump", 3389, "opened", "256")],
    },
    Scenario {
        name: "widen-in-a-module",
        status: 1,
        sentence: "opens `jump` to public addresses",
        expect: &[("jump", 22, "opened", "65280")],
    },
];

/// A repository with the base as one commit and the scenario as the next.
fn committed(notation: &Path, scenario: &str) -> Repository {
    let repository = Repository::new();
    repository.lay(&notation.join("base"));
    repository.commit("base");
    repository.lay(&notation.join(scenario));
    repository.commit(scenario);
    repository
}

fn compared(repository: &Repository, range: &str) -> (i32, Comparison) {
    let ran = portcullis(repository.path(), &["diff", range, "--format", "json"]);
    let comparison = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err));
    (ran.status, comparison)
}

/// The public differences of a comparison: machine, port, kind, addresses of IPv4.
fn public(comparison: &Comparison) -> Vec<(String, u16, String, String)> {
    let value = serde_json::to_value(comparison).unwrap();
    let mut found = Vec::new();
    for change in value["changes"].as_array().unwrap() {
        for port in change["ports"].as_array().unwrap() {
            if port["from"] != "internet" {
                continue;
            }
            for kind in [
                "opened",
                "now_certain",
                "newly_possible",
                "closed",
                "now_doubtful",
                "no_longer_possible",
            ] {
                if let Some(sources) = port.get(kind) {
                    found.push((
                        change["name"].as_str().unwrap().to_owned(),
                        u16::try_from(port["port"].as_u64().unwrap()).unwrap(),
                        kind.to_owned(),
                        sources["addresses"].as_str().unwrap().to_owned(),
                    ));
                }
            }
        }
    }
    found
}

#[test]
fn every_scenario_in_every_notation() {
    for notation in notations() {
        for scenario in SCENARIOS {
            let repository = committed(&notation, scenario.name);
            let (status, comparison) = compared(&repository, "HEAD~1..HEAD");
            let what = format!("{} {}: {comparison:#?}", notation.display(), scenario.name);
            let expected: Vec<(String, u16, String, String)> = scenario
                .expect
                .iter()
                .map(|(name, port, kind, addresses)| {
                    ((*name).to_owned(), *port, (*kind).to_owned(), (*addresses).to_owned())
                })
                .collect();
            assert_eq!(public(&comparison), expected, "{what}");
            assert!(
                comparison.sentence.starts_with(scenario.sentence),
                "{}: {what}",
                comparison.sentence
            );
            assert_eq!(status, scenario.status, "{what}");
            // A sentence names the rules, so that two in place of one are a change of it.
            if scenario.expect.is_empty() && scenario.name != "split-a-rule" {
                let findings = &comparison.findings;
                assert!(findings.changed.is_empty(), "{what}");
                let of_machines = |list: &[portcullis::rule::Finding]| {
                    list.iter()
                        .filter(|finding| finding.subject.name.as_ref() == "jump")
                        .count()
                };
                assert_eq!(
                    (of_machines(&findings.new), of_machines(&findings.fixed)),
                    (0, 0),
                    "{what}"
                );
            }
        }
    }
}

#[test]
fn an_association_closes_what_the_platform_left_open() {
    for notation in notations() {
        let repository = committed(&notation, "add-an-association");
        let (status, comparison) = compared(&repository, "HEAD~1..HEAD");
        assert_eq!(status, 0, "{comparison:#?}");
        let bare: Vec<_> = comparison
            .changes
            .iter()
            .filter(|change| &*change.name == "bare")
            .collect();
        assert_eq!(comparison.changes.len(), 1, "{comparison:#?}");
        let ssh = bare[0].ports.iter().find(|port| port.port == 22).unwrap();
        let words = &ssh.closed.as_ref().unwrap().words;
        assert!(words.starts_with("every public IPv4 address but 8.8.4.0/24"), "{words}");
        assert!(
            ssh.before
                .rules
                .iter()
                .any(|rule| &*rule.rule == "no network security group"),
            "{ssh:#?}"
        );
        // And back again: the mirror.
        let (status, back) = compared(&repository, "HEAD..HEAD~1");
        assert_eq!(status, 1);
        assert_eq!(back.changes[0].ports[0].opened, bare[0].ports[0].closed);
    }
}

#[test]
fn fingerprints_survive_what_changes_nothing() {
    for notation in notations() {
        for scenario in ["move-without-effect", "move-to-a-module", "rename-everything"] {
            let repository = committed(&notation, scenario);
            let (_, comparison) = compared(&repository, "HEAD~1..HEAD");
            let findings = &comparison.findings;
            assert!(
                findings.new.is_empty() && findings.fixed.is_empty(),
                "{scenario}: {findings:#?}"
            );
            assert!(!findings.unchanged.is_empty(), "{scenario}");
            // As do baselines.
            repository.git(&["checkout", "--quiet", "HEAD~1"]);
            let wrote = portcullis(repository.path(), &["scan", ".", "--write-baseline", "../known.json"]);
            assert_eq!(wrote.status, 0, "{}", wrote.err);
            repository.git(&["checkout", "--quiet", "-"]);
            let known = portcullis(repository.path(), &["scan", ".", "--baseline", "../known.json"]);
            assert_eq!(known.status, 0, "{scenario}: {}", known.out);
            assert!(!known.out.contains("found no more"), "{scenario}: {}", known.out);
        }
    }
}

/// The file of the module that the scenarios move to, and a mark of the line at which its first rule is stated.
fn module(notation: &Path) -> (&'static str, &'static str) {
    match notation.file_name().unwrap().to_str().unwrap() {
        "arm" => ("infra/modules/filters.json", "\"name\": \"ssh\""),
        "bicep" => ("infra/modules/filters.bicep", "name: 'ssh'"),
        "terraform" => ("infra/modules/filters/main.tf", "security_rule {"),
        other => panic!("{other} has no module"),
    }
}

/// The line that says whom the rule lets in, at or behind the one that begins it.
fn line_of(text: &str, mark: &str) -> usize {
    let rule = text.lines().position(|line| line.contains(mark)).unwrap();
    let source = |line: &str| line.contains("sourceAddressPrefix") || line.contains("source_address_prefix");
    1 + rule + text.lines().skip(rule).position(source).unwrap()
}

#[test]
fn one_prefix_widened_in_a_module_is_one_finding_at_its_line() {
    for notation in notations() {
        one_prefix_widened_in_a_module(&notation);
    }
}

fn one_prefix_widened_in_a_module(notation: &Path) {
    let repository = Repository::new();
    repository.lay(&notation.join("base"));
    repository.lay(&notation.join("move-to-a-module"));
    repository.commit("base");
    repository.lay(&notation.join("widen-in-a-module"));
    repository.commit("wider");
    let outputs = [
        "--format",
        "sarif=out.sarif",
        "--format",
        "markdown=out.md",
        "--format",
        "github=out.txt",
        "--format",
        "gitlab=out.json",
        "--format",
        "junit=out.xml",
    ];
    let ran = portcullis(repository.path(), &[&["diff", "HEAD~1..HEAD"], &outputs[..]].concat());
    assert_eq!(ran.status, 1, "{notation:?}: {}", ran.err);
    let (file, mark) = module(notation);
    let line = line_of(&repository.read(file), mark);
    let sarif: Value = serde_json::from_str(&repository.read("out.sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 1, "{results:#?}");
    let region = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(region["artifactLocation"]["uri"], file);
    assert_eq!(region["region"]["startLine"], line);
    assert_eq!(results[0]["baselineState"], "new");
    let comment = repository.read("out.md");
    assert!(comment.starts_with("<!-- portcullis:diff -->\n"), "{comment}");
    assert!(comment.contains("65,280 public addresses"), "{comment}");
    assert!(comment.contains(&format!("{file}:{line}")), "{comment}");
    let tables = comment.lines().filter(|line| line.starts_with("| --- |")).count();
    assert_eq!(tables, 1, "{comment}");
    let annotations = repository.read("out.txt");
    let start = format!("::error file={file},line={line},");
    assert!(
        annotations.lines().count() == 1 && annotations.starts_with(&start),
        "{annotations}"
    );
    let console = portcullis(repository.path(), &["diff", "HEAD~1..HEAD"]).out;
    assert!(
        console.contains(&format!("{line} | ")),
        "the lines of the rule: {console}"
    );
    let quality: Value = serde_json::from_str(&repository.read("out.json")).unwrap();
    assert_eq!(quality.as_array().unwrap().len(), 1, "{quality:#}");
    assert_eq!(quality[0]["location"]["lines"]["begin"], line);
    assert_eq!(repository.read("out.xml").matches("<failure").count(), 1);

    // The fix, as a commit of its own.
    repository.lay(&notation.join("move-to-a-module"));
    repository.commit("narrower again");
    let (status, back) = compared(&repository, "HEAD~1..HEAD");
    assert_eq!(status, 0);
    assert!(back.sentence.starts_with("closes `jump`"), "{}", back.sentence);
    let ran = portcullis(repository.path(), &["diff", "HEAD~2..HEAD"]);
    assert_eq!(ran.status, 0, "{}", ran.out);
    assert!(ran.out.starts_with("no change in who can reach what\n"), "{}", ran.out);
}

#[test]
fn the_work_tree_is_compared_and_never_touched() {
    let arm = changes().join("arm");
    let repository = Repository::new();
    repository.lay(&arm.join("base"));
    repository.commit("base");
    let (status, same) = compared(&repository, "HEAD..");
    assert_eq!((status, same.is_same_reach()), (0, true), "{}", same.sentence);
    repository.lay(&arm.join("widen-a-prefix"));
    let before = repository.git(&["status", "--porcelain"]);
    let (status, comparison) = compared(&repository, "HEAD..");
    assert_eq!(status, 1, "{}", comparison.sentence);
    assert_eq!(comparison.head.name, "the work tree");
    assert_eq!(repository.git(&["status", "--porcelain"]), before);
    // Limited to paths, from a directory below.
    let below = repository.path().join("infra");
    let ran = portcullis(&below, &["diff", "HEAD..", "--", "main.json"]);
    assert_eq!(ran.status, 1, "{}{}", ran.out, ran.err);
    let ran = portcullis(repository.path(), &["diff", "HEAD..", "--", "nothing-here"]);
    assert_eq!(ran.status, 2, "{}{}", ran.out, ran.err);
    // New files count too, and two paths need no repository.
    repository.write(
        "infra/extra.json",
        &repository.read("infra/main.json").replace("\"jump\"", "\"extra\""),
    );
    let ran = portcullis(repository.path(), &["diff", "infra/main.json", "infra/extra.json"]);
    assert_eq!(ran.status, 1, "{}{}", ran.out, ran.err);
}

#[test]
fn since_the_branches_parted() {
    let arm = changes().join("arm");
    let repository = Repository::new();
    repository.lay(&arm.join("base"));
    repository.commit("base");
    repository.git(&["checkout", "--quiet", "-b", "topic"]);
    repository.lay(&arm.join("narrow-a-prefix"));
    repository.commit("narrower");
    repository.git(&["checkout", "--quiet", "main"]);
    repository.lay(&arm.join("open-a-port"));
    repository.commit("meanwhile");
    let (status, comparison) = compared(&repository, "main...topic");
    assert_eq!(status, 0, "{}", comparison.sentence);
    assert_eq!(public(&comparison).len(), 1);
}

#[test]
fn what_cannot_be_compared_is_said() {
    let arm = changes().join("arm");
    let repository = Repository::new();
    repository.lay(&arm.join("base"));
    repository.commit("base");
    for (arguments, said) in [
        (vec!["diff", "nowhere..HEAD"], "revision `nowhere` does not exist"),
        (vec!["diff", "--", "x"], "required"),
        (vec!["diff", "main"], "`main..` to compare it with the work tree"),
        (
            vec!["diff", "absent", "infra"],
            "there is no file or directory `absent`",
        ),
        (vec!["diff", "-evil..HEAD"], "unexpected argument"),
        (vec!["diff", "--repository", "/", "HEAD.."], "is in no git repository"),
    ] {
        let ran = portcullis(repository.path(), &arguments);
        assert_eq!(ran.status, 2, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
    repository.commit("another");
    let shallow = Repository::clone_shallow(&repository);
    let ran = portcullis(shallow.path(), &["diff", "HEAD~1..HEAD"]);
    assert_eq!(ran.status, 2, "{}", ran.err);
    assert!(
        ran.err.contains("shallow clone") && ran.err.contains("fetch-depth: 0"),
        "{}",
        ran.err
    );
}

#[test]
fn a_base_that_does_not_parse_leaves_the_head_judged_alone() {
    for (notation, file, broken) in [
        (
            "arm",
            "infra/main.json",
            "{ \"$schema\": \"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#\", \"resources\": [",
        ),
        ("bicep", "infra/main.bicep", "param office string = {{{\n"),
        ("terraform", "infra/main.tf", "resource {{{\n"),
    ] {
        let repository = Repository::new();
        repository.write(file, broken);
        repository.commit("broken");
        repository.lay(&changes().join(notation).join("base"));
        repository.commit("mended");
        let Ran { status, out, .. } = portcullis(repository.path(), &["diff", "HEAD~1..HEAD"]);
        assert_eq!(status, 3, "{out}");
        assert!(
            out.starts_with("the base could not be read, so the head is judged alone"),
            "{out}"
        );
        assert!(out.contains(&format!("{file}:")), "{out}");
        let Ran { status, out, .. } = portcullis(repository.path(), &["diff", "HEAD..HEAD~1"]);
        assert_eq!(status, 3, "{out}");
        assert!(out.starts_with("the head could not be read"), "{out}");
        assert!(!out.contains("CLOSES"), "what was not read is not closed: {out}");
    }
}

#[test]
fn a_filter_that_nothing_uses_is_compared_in_its_own_right() {
    let group = |prefix: &str| {
        format!(
            r#"{{ "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
  "resources": [ {{ "type": "Microsoft.Network/networkSecurityGroups", "name": "shared", "properties": {{ "securityRules": [
    {{ "name": "ssh", "properties": {{ "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
      "sourceAddressPrefix": "{prefix}", "sourcePortRange": "*", "destinationAddressPrefix": "10.1.0.0/24", "destinationPortRange": "22" }} }} ] }} }} ] }}"#
        )
    };
    let repository = Repository::new();
    repository.write("nsg.json", &group("10.0.0.0/8"));
    repository.commit("base");
    repository.write("nsg.json", &group("*"));
    repository.commit("open");
    let (status, comparison) = compared(&repository, "HEAD~1..HEAD");
    assert_eq!(status, 1, "{comparison:#?}");
    assert!(
        comparison
            .sentence
            .starts_with("opens `shared`, wherever it is attached, to public addresses"),
        "{}",
        comparison.sentence
    );
    let change = &comparison.changes[0];
    let opened = change.ports[0].opened.as_ref().unwrap();
    assert!(
        opened.words.starts_with("every public IPv4 address"),
        "{}",
        opened.words
    );
    // Where the source stands.
    assert_eq!(change.ports[0].after.rules[0].location.as_ref().unwrap().line, 4);
}

#[test]
fn what_becomes_unknown_is_told_apart() {
    let arm = changes().join("arm");
    let repository = Repository::new();
    repository.lay(&arm.join("base"));
    repository.commit("base");
    let text = repository
        .read("infra/main.json")
        .replace(", \"defaultValue\": \"8.8.4.0/24\"", "");
    repository.write("infra/main.json", &text);
    repository.commit("no default");
    let (status, comparison) = compared(&repository, "HEAD~1..HEAD");
    assert_eq!(status, 0, "{comparison:#?}");
    let kinds: Vec<String> = public(&comparison).into_iter().map(|(_, _, kind, _)| kind).collect();
    assert_eq!(kinds, ["newly_possible", "now_doubtful"]);
    assert!(
        comparison.sentence.contains("may open `jump`"),
        "{}",
        comparison.sentence
    );
    let strict = portcullis(
        repository.path(),
        &["diff", "HEAD~1..HEAD", "--fail-on", "public,possible"],
    );
    assert_eq!(strict.status, 1, "{}", strict.out);
}

#[test]
fn snapshots_are_compared_and_a_part_says_nothing_of_the_rest() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let contoso = root.join("examples/contoso");
    let contoso = contoso.to_str().unwrap();
    let ran = portcullis(root, &["diff", contoso, contoso]);
    assert_eq!(ran.status, 0, "{}", ran.out);
    assert!(ran.out.starts_with("no change in who can reach what\n"), "{}", ran.out);
    let ran = portcullis(root, &["diff", contoso, "examples/infra/arm", "--format", "json"]);
    let comparison: Comparison = serde_json::from_str(&ran.out).unwrap();
    assert!(!comparison.not_stated.is_empty());
    assert!(
        comparison
            .changes
            .iter()
            .all(|change| change.presence != portcullis::diff::Presence::Removed)
    );
}

#[test]
fn the_published_schema_is_current_and_describes_what_is_written() {
    let schema = Comparison::json_schema();
    let current = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(SCHEMA_FILE, &current).unwrap();
    }
    let published = std::fs::read_to_string(SCHEMA_FILE).unwrap_or_default();
    assert!(
        published == current,
        "docs/diff.schema.json is stale: run the tests with UPDATE_SCHEMA=1"
    );
    let validator = jsonschema::validator_for(&schema).unwrap();
    for scenario in SCENARIOS {
        let repository = committed(&changes().join("arm"), scenario.name);
        let ran = portcullis(repository.path(), &["diff", "HEAD~1..HEAD", "--format", "json"]);
        let written: Value = serde_json::from_str(&ran.out).unwrap();
        let errors: Vec<String> = validator.iter_errors(&written).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

//! The files by which pipelines use the program: that they can be read, name nothing that does not exist, and are what
//! the pages of the manual show. `.ci/run` holds them against the platforms' published schemas.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod repository;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use repository::Repository;
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
    let stages: Vec<&str> = file.split("\nFROM ").skip(1).collect();
    let [build, ci, job] = stages[..] else {
        panic!("{} stages", stages.len());
    };
    assert!(
        build.contains("--target \"$(uname -m)-unknown-linux-musl\""),
        "not static"
    );
    for stage in [ci, job] {
        assert!(
            stage.contains("USER 10001:10001") && stage.contains("portcullis\"]"),
            "{stage}"
        );
    }
    assert!(job.starts_with("scratch\n") && !job.contains("RUN "));
    assert!(ci.contains(" AS ci\n") && ci.contains("git"));
}

/// A repository with a branch that opens something, a clone of it as a pipeline has it, and what scripts are given.
struct Pipeline {
    _origin: Repository,
    clone: PathBuf,
    outside: tempfile::TempDir,
}

impl Pipeline {
    fn new() -> Self {
        let repository = Repository::new();
        let changes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/changes/terraform");
        repository.lay(&changes.join("base"));
        repository.commit("base");
        repository.git(&["checkout", "--quiet", "-b", "topic"]);
        repository.lay(&changes.join("open-a-port"));
        repository.commit("topic");
        let outside = tempfile::tempdir().unwrap();
        let clone = outside.path().join("clone");
        let (origin, target) = (repository.path().to_str().unwrap(), clone.to_str().unwrap());
        repository.git(&["clone", "--quiet", "--branch", "topic", origin, target]);
        Pipeline {
            _origin: repository,
            clone,
            outside,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.outside.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// Runs a script as pipelines do, with the program and a stand-in for GitHub's at hand.
    fn run(&self, script: &str, environment: &[(&str, &str)]) -> Output {
        let program = assert_cmd::cargo::cargo_bin("portcullis");
        let stand_in = format!(
            "#!/bin/sh\necho \"$@\" >> '{0}/calls'\ncase \"$*\" in *--paginate*) cat '{0}/known' 2>/dev/null ;; esac\ntest ! -e '{0}/refuse'\n",
            self.outside.path().display()
        );
        let bin = self.file("bin");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::write(bin.join("gh"), stand_in).unwrap();
        Command::new("chmod").arg("+x").arg(bin.join("gh")).status().unwrap();
        let path = format!(
            "{}:{}:{}",
            bin.display(),
            program.parent().unwrap().display(),
            std::env::var("PATH").unwrap()
        );
        Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
            .current_dir(&self.clone)
            .env("PATH", path)
            .env("RUNNER_TEMP", self.outside.path())
            .env("GITHUB_OUTPUT", self.file("output"))
            .env("GITHUB_STEP_SUMMARY", self.file("summary"))
            .envs(environment.iter().copied())
            .output()
            .unwrap()
    }
}

/// The script of the step of the action that has this name.
fn step(name: &str) -> String {
    let action = yaml("action.yml");
    let steps = action["runs"]["steps"].as_array().unwrap().clone();
    let step = steps.iter().find(|step| step["name"] == name).unwrap();
    step["run"].as_str().unwrap().to_owned()
}

#[test]
fn the_action_compares_comments_and_decides() {
    let pipeline = Pipeline::new();
    let program = assert_cmd::cargo::cargo_bin("portcullis");
    let environment = |fail_on: &'static str| {
        [
            ("BASE", "origin/main".to_owned()),
            ("PATHS", "infra\n".to_owned()),
            ("FAIL_ON", fail_on.to_owned()),
            ("SARIF", "portcullis.sarif".to_owned()),
            ("PROGRAM", program.display().to_string()),
        ]
    };
    for (fail_on, status) in [("none", "0"), ("public", "1")] {
        let environment = environment(fail_on);
        let environment: Vec<(&str, &str)> = environment.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let ran = pipeline.run(&step("compare"), &environment);
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        assert_eq!(
            pipeline.text("output").lines().last(),
            Some(&*format!("status={status}"))
        );
        let annotations = String::from_utf8(ran.stdout).unwrap();
        assert!(
            annotations.starts_with("::error file=infra/main.tf,line="),
            "{annotations}"
        );
        let verdict = pipeline.run(&step("verdict"), &[("STATUS", status)]);
        assert_eq!(verdict.status.code(), status.parse().ok());
    }
    assert!(
        pipeline
            .text("summary")
            .contains("opens <code>jump</code> to public addresses")
    );
    let sarif = std::fs::read_to_string(pipeline.clone.join("portcullis.sarif")).unwrap();
    assert!(sarif.contains("newly-opened"));
    // The comment is written once, then brought up to date; who may not write it is told, and the check goes on.
    let comment = [("REPOSITORY", "o/r"), ("NUMBER", "7"), ("GH_TOKEN", "x")];
    let calls = |_: Output| {
        let calls = pipeline.text("calls");
        std::fs::remove_file(pipeline.file("calls")).unwrap();
        calls
    };
    let first = calls(pipeline.run(&step("comment"), &comment));
    assert!(
        first.contains("--method POST repos/o/r/issues/7/comments --field body=@"),
        "{first}"
    );
    std::fs::write(pipeline.file("known"), "41\n42\n").unwrap();
    let second = calls(pipeline.run(&step("comment"), &comment));
    assert!(
        second.contains("--method PATCH repos/o/r/issues/comments/41 --field"),
        "{second}"
    );
    std::fs::write(pipeline.file("refuse"), "").unwrap();
    let refused = pipeline.run(&step("comment"), &comment);
    let said = String::from_utf8(refused.stdout).unwrap();
    assert!(
        refused.status.success() && said.contains("::warning title=portcullis::"),
        "{said}"
    );
}

#[test]
fn the_template_of_gitlab_runs() {
    let pipeline = Pipeline::new();
    let job = yaml("examples/ci/gitlab-ci.yml");
    let lines = job["portcullis"]["script"].as_array().unwrap().iter();
    let script: Vec<&str> = lines.map(|line| line.as_str().unwrap()).collect();
    let ran = pipeline.run(&script.join("\n"), &[("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")]);
    assert_eq!(ran.status.code(), Some(1), "{}", String::from_utf8_lossy(&ran.stderr));
    for report in ["codequality", "junit"] {
        let file = job["portcullis"]["artifacts"]["reports"][report].as_str().unwrap();
        assert!(pipeline.clone.join(file).is_file(), "{file}");
    }
}

#[test]
fn the_template_of_azure_pipelines_runs() {
    let pipeline = Pipeline::new();
    let job = yaml("examples/ci/azure-pipelines.yml");
    let mut scripts = Vec::new();
    having(&job, "script", &mut scripts);
    let staging = pipeline.file("staging");
    std::fs::create_dir(&staging).unwrap();
    let script = scripts[0].replace("$(Build.ArtifactStagingDirectory)", staging.to_str().unwrap());
    let ran = pipeline.run(&script, &[("TARGET", "main"), ("PATHS", "infra")]);
    assert_eq!(ran.status.code(), Some(1), "{}", String::from_utf8_lossy(&ran.stderr));
    for file in ["portcullis.sarif", "portcullis.xml"] {
        assert!(staging.join(file).is_file(), "{file}");
    }
}

#[test]
fn the_hooks_run() {
    let pipeline = Pipeline::new();
    let hooks = yaml(".pre-commit-hooks.yaml");
    for hook in hooks.as_array().unwrap() {
        let arguments = hook["args"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let words: Vec<&str> = std::iter::once(hook["entry"].as_str().unwrap())
            .chain(arguments)
            .collect();
        let ran = pipeline.run(&words.join(" "), &[]);
        let expected = if hook["id"] == "portcullis-diff" { 0 } else { 1 };
        assert_eq!(
            ran.status.code(),
            Some(expected),
            "{hook}: {}",
            String::from_utf8_lossy(&ran.stderr)
        );
    }
}

//! How long `portcullis diff` takes in a repository of 2,000 files of which one changed, beside `git archive` of the same two
//! revisions: process by process in one run.
//!
//! `cargo bench --bench diff` prints a table, a notation a row; a number after `--` replaces the number of files.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench prints figures and stops where it cannot measure"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const RUNS: usize = 5;
const FILES: usize = 2_000;

/// The files of one estate, of which many stand beside each other: the root and its module as the tests have them, and
/// what else lies there.
struct Notation {
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
}

const PARAMETERS: &str = r#"{ "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
  "contentVersion": "1.0.0.0", "parameters": { "officePrefix": { "value": "8.8.4.0/24" } } }
"#;
const README: &str = "# An estate\n\nWhat it is for, and who to ask.\n";
const WORKBOOK: &str = r#"{ "version": "Notebook/1.0", "items": [ { "type": 1, "content": { "json": "a dashboard" } } ] }
"#;

const NOTATIONS: [Notation; 3] = [
    Notation {
        name: "ARM templates",
        files: &[
            (
                "main.json",
                include_str!("../tests/changes/arm/move-to-a-module/infra/main.json"),
            ),
            (
                "modules/filters.json",
                include_str!("../tests/changes/arm/move-to-a-module/infra/modules/filters.json"),
            ),
            ("main.parameters.json", PARAMETERS),
            ("workbook.json", WORKBOOK),
            ("README.md", README),
        ],
    },
    Notation {
        name: "Bicep",
        files: &[
            (
                "main.bicep",
                include_str!("../tests/changes/bicep/move-to-a-module/infra/main.bicep"),
            ),
            (
                "modules/filters.bicep",
                include_str!("../tests/changes/bicep/move-to-a-module/infra/modules/filters.bicep"),
            ),
            (
                "main.bicepparam",
                "using 'main.bicep'\n\nparam officePrefix = '8.8.4.0/24'\n",
            ),
            ("workbook.json", WORKBOOK),
            ("README.md", README),
        ],
    },
    Notation {
        name: "Terraform",
        files: &[
            (
                "main.tf",
                include_str!("../tests/changes/terraform/move-to-a-module/infra/main.tf"),
            ),
            (
                "modules/filters/main.tf",
                include_str!("../tests/changes/terraform/move-to-a-module/infra/modules/filters/main.tf"),
            ),
            ("terraform.tfvars", "office_prefix = \"8.8.4.0/24\"\n"),
            ("workbook.json", WORKBOOK),
            ("README.md", README),
        ],
    },
];

fn main() {
    let files = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let files = files.unwrap_or(FILES);
    println!("| repository | files | kB | machines | git archive s | diff s (least to most) | ratio |");
    println!("|---|---|---|---|---|---|---|");
    for notation in &NOTATIONS {
        row(notation.name, &[notation], files);
    }
    row("all three", &NOTATIONS.iter().collect::<Vec<_>>(), files);
}

fn row(name: &str, notations: &[&Notation], files: usize) {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path();
    let (written, bytes) = generate(root, notations, files);
    git(root, &["init", "--quiet", "--initial-branch", "main"]);
    git(root, &["add", "--all"]);
    commit(root);
    change(root, notations[0]);
    git(root, &["add", "--all"]);
    commit(root);
    let (mut archives, mut diffs) = (Vec::new(), Vec::new());
    let mut machines = 0;
    for _ in 0..RUNS {
        archives.push(timed(|| {
            for revision in ["HEAD~1", "HEAD"] {
                git(root, &["archive", "--format", "tar", revision]);
            }
        }));
        diffs.push(timed(|| machines = compared(root)));
    }
    archives.sort_by(f64::total_cmp);
    diffs.sort_by(f64::total_cmp);
    let (archive, diff) = (archives[RUNS / 2], diffs[RUNS / 2]);
    println!(
        "| {name} | {written} | {} | {machines} | {archive:.2} | {diff:.2} ({:.2} to {:.2}) | {:.1} |",
        bytes / 1000,
        diffs[0],
        diffs[RUNS - 1],
        diff / archive
    );
}

/// Estates side by side, until there are so many files.
fn generate(root: &Path, notations: &[&Notation], files: usize) -> (usize, usize) {
    let (mut written, mut bytes) = (0, 0);
    for number in 0.. {
        let notation = notations[number % notations.len()];
        for (name, text) in notation.files {
            if written == files {
                return (written, bytes);
            }
            let path = root.join(format!("estates/{number:04}/{name}"));
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            let text = text.replace("jump", &format!("jump{number:04}"));
            fs::write(path, &text).expect("a file");
            written += 1;
            bytes += text.len();
        }
    }
    (written, bytes)
}

/// Widens one prefix in one module.
fn change(root: &Path, notation: &Notation) {
    let path = root.join("estates/0000").join(notation.files[1].0);
    let text = fs::read_to_string(&path).expect("the module");
    let wider = text
        .replace("8.8.8.0/24", "8.8.0.0/16")
        .replace("\"Deny\"", "\"Allow\"")
        .replace("'Deny'", "'Allow'");
    assert_ne!(text, wider, "the module changes");
    fs::write(path, wider).expect("the module");
}

/// Runs the comparison; the number of machines of the head.
fn compared(root: &Path) -> u64 {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .current_dir(root)
        .args(["diff", "HEAD~1..HEAD", "--format", "json"])
        .output()
        .expect("the program");
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let comparison: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    comparison["head"]["machines"].as_u64().expect("a number")
}

fn timed(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64()
}

fn commit(root: &Path) {
    let who = [
        "-c",
        "user.name=Bench",
        "-c",
        "user.email=bench@example.com",
        "-c",
        "commit.gpgsign=false",
    ];
    git(root, &[&who[..], &["commit", "--quiet", "--message", "state"]].concat());
}

fn git(root: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .current_dir(root)
        .args(arguments)
        .stdout(Stdio::null())
        .status()
        .expect("git");
    assert!(status.success(), "git {arguments:?}");
}

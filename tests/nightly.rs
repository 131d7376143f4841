//! The nightly job as people run it: the program against a sandbox, its history, its files and its words.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what is missing fails the test"
)]

mod live;

use std::path::Path;
use std::process::{Command, Output};

use live::{SECRET, sandbox, small_pages};
use portcullis::sandbox::{Options, Sandbox};
use serde_json::Value;

const PLATFORM: &str = "7d4f1c02-5a3e-4b86-9f10-2c6e8a9b0d11";

struct Job {
    sandbox: Sandbox,
    directory: tempfile::TempDir,
}

impl Job {
    fn new(options: Options) -> Job {
        Job {
            sandbox: sandbox(options),
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_portcullis"))
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("AZURE_TENANT_ID", "5f0c2a77-d3b1-4e68-9c84-1be07a36f2d9")
            .env("AZURE_CLIENT_ID", "00000000-5a4d-4b0c-8000-000000000001")
            .env("AZURE_CLIENT_SECRET", SECRET)
            .output()
            .unwrap()
    }

    fn scan(&self, more: &[&str]) -> Output {
        let mut arguments = vec![
            "scan",
            "--endpoint",
            &self.sandbox.origin,
            "--retry-pause",
            "2ms",
            "--history",
            "nights.db",
        ];
        arguments.extend(more);
        if !more.contains(&"--subscription") {
            arguments.push("--all-subscriptions");
        }
        self.run(&arguments)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", words(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.directory.path().join(name)).unwrap()
    }

    fn has(&self, name: &str) -> bool {
        Path::new(&self.directory.path().join(name)).exists()
    }
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn two_nights_from_scan_to_dashboard() {
    let job = Job::new(Options::default());
    let first = job.scan(&[
        "--now",
        "2026-03-14T02:10:00Z",
        "--format",
        "json=first.json",
        "--notify",
        "issue=notice.md",
    ]);
    assert_eq!(first.status.code(), Some(1), "{}", words(&first));
    assert!(words(&first).contains("scan 1 is in `nights.db`:"), "{}", words(&first));
    assert!(job.file("notice.md").starts_with("## Portcullis"));
    std::fs::remove_file(job.directory.path().join("notice.md")).unwrap();

    // The same estate once more: nothing changed, and nobody is told.
    let second = job.scan(&[
        "--now",
        "2026-03-14T02:20:00Z",
        "--format",
        "console=c.txt",
        "--notify",
        "issue=notice.md",
    ]);
    assert!(
        words(&second).contains("scan 2 is in `nights.db`: nothing changed"),
        "{}",
        words(&second)
    );
    assert!(!job.has("notice.md"));

    let listed = job.json(&["history", "list", "--history", "nights.db", "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let shown = text(&job.run(&["history", "show", "1", "--history", "nights.db"]));
    assert!(shown.contains("new (") && shown.contains("vm-mgmt-adm-01"), "{shown}");
    assert!(shown.contains("owner platform-ops@contoso.example"));
    past_night(&job);
    lake(&job);
    let trend = text(&job.run(&["history", "trend", "--history", "nights.db"]));
    assert_eq!(trend.lines().count(), 3, "{trend}");
    let exported = job.json(&["history", "export", "--history", "nights.db"]);
    assert_eq!(exported["machines"].as_array().unwrap().len(), 45 + 1);

    // The evidence is the report, and its digest is that of the file.
    let report: Value = serde_json::from_str(&job.file("first.json")).unwrap();
    let kept = job.json(&["history", "export", "--scan", "1", "--history", "nights.db"]);
    assert_eq!(report, kept);
    let again = job.run(&[
        "report",
        "--from-history",
        "nights.db",
        "--scan",
        "1",
        "--format",
        "sarif",
    ]);
    assert!(text(&again).contains("\"version\": \"2.1.0\"") || text(&again).contains("\"version\":\"2.1.0\""));

    let made = job.run(&[
        "report",
        "--from-history",
        "nights.db",
        "--format",
        "html=dashboard.html",
    ]);
    assert!(made.status.success(), "{}", words(&made));
    let page = job.file("dashboard.html");
    assert!(page.contains("data-home=\"trend\"") && page.contains("<title>2026-03-14 02:20 UTC"));
}

/// The evidence of the first of two scans, by number, by moment, by day, in each format.
fn past_night(job: &Job) {
    let show = |more: &[&str]| job.run(&[&["history", "show", "--history", "nights.db"], more].concat());
    let first = text(&show(&["1"]));
    for words in [
        "open after it (",
        "rules (",
        "machines:",
        "read whole: 4 of 4",
        "sha256:",
    ] {
        assert!(first.contains(words), "{words} in {first}");
    }
    assert_eq!(text(&show(&["--at", "2026-03-14T02:19:59Z"])), first);
    assert!(text(&show(&["--at", "2026-03-14"])).starts_with("scan 2 of 2026-03-14 02:20: nothing changed"));
    let none = show(&["--at", "2026-03-13"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(words(&none).contains("holds no scan of 2026-03-13T23:59:59Z or before"));
    assert_eq!(show(&["--at", "yesterday"]).status.code(), Some(2));

    let files = show(&[
        "1",
        "--format",
        "markdown=night.md",
        "--format",
        "csv=night.csv",
        "--format",
        "json=night.json",
    ]);
    assert!(files.status.success(), "{}", words(&files));
    let night: Value = serde_json::from_str(&job.file("night.json")).unwrap();
    let open = night["findings"].as_array().unwrap();
    assert_eq!(open.len() as u64, night["figures"]["open"].as_u64().unwrap());
    assert!(
        open.iter()
            .all(|one| one["judged"] == true && one["first_seen"] == "2026-03-14T02:10:00Z")
    );
    assert!(night["rules"].as_array().unwrap().len() > 5 && night["rules"][0]["digest"].is_string());
    assert_eq!(job.file("night.csv").lines().count(), open.len() + 1);
    assert!(job.file("night.md").starts_with("# Scan 1 of 2026-03-14 02:10"));

    let then = job.run(&[
        "report",
        "--from-history",
        "nights.db",
        "--at",
        "2026-03-14T02:15:00Z",
        "--format",
        "html=then.html",
    ]);
    assert!(then.status.success(), "{}", words(&then));
    let page = job.file("then.html");
    assert!(page.contains("<title>2026-03-14 02:10 UTC") && !page.contains("<title>2026-03-14 02:20 UTC"));
}

fn lake(job: &Job) {
    let export = |more: &[&str]| {
        let all = [
            &["history", "export", "--history", "nights.db", "--format", "parquet"],
            more,
        ]
        .concat();
        job.run(&all)
    };
    assert!(words(&export(&[])).contains("name their directory"));
    let whole = export(&["--output", "lake"]);
    assert!(whole.status.success(), "{}", words(&whole));
    let size = |path: &str| std::fs::metadata(job.directory.path().join(path)).unwrap().len();
    for table in ["findings", "scans", "openings", "verdicts"] {
        assert!(size(&format!("lake/{table}.parquet")) > 500, "{table}");
    }
    assert!(export(&["--output", "later", "--since", "2026-03-15"]).status.success());
    assert!(size("later/findings.parquet") < size("lake/findings.parquet"));
    assert_eq!(
        job.run(&["history", "export", "--history", "nights.db", "--since", "2026-03-15"])
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn a_refused_subscription_is_said_and_fixes_nothing() {
    let job = Job::new(small_pages());
    job.scan(&["--now", "2026-03-14T02:10:00Z", "--format", "json=a.json"]);
    job.sandbox
        .inject(vec![format!("403@subscription={PLATFORM}").parse().unwrap()]);
    let refused = job.scan(&[
        "--now",
        "2026-03-14T02:20:00Z",
        "--format",
        "json=b.json",
        "--log-format",
        "json",
        "--metrics",
        "m.prom",
    ]);
    assert_eq!(refused.status.code(), Some(3));
    // Every line for collectors is JSON, and the last has the figures.
    let lines: Vec<Value> = words(&refused)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let run = lines.last().unwrap();
    assert_eq!(
        (run["event"].as_str(), run["status"].as_u64(), run["complete"].as_bool()),
        (Some("run"), Some(3), Some(false))
    );
    assert!(run["requests"].as_u64().unwrap() > 10);
    let metrics = job.file("m.prom");
    assert!(
        metrics.contains("portcullis_run_complete 0\n") && metrics.ends_with("# EOF\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("portcullis_changes{change=\"fixed\"} 0\n"),
        "{metrics}"
    );
    let shown = job.json(&["history", "show", "--history", "nights.db", "--json"]);
    assert!(shown["changes"]["fixed"].as_array().unwrap().is_empty());
    assert!(!shown["changes"]["unjudged"].as_array().unwrap().is_empty());
    assert_eq!(shown["changes"]["lost"][0]["scope"], PLATFORM);
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(
            name.starts_with("portcullis_") && value.parse::<f64>().is_ok(),
            "{line}"
        );
    }
}

#[test]
fn shards_into_one_history_and_files_merged_give_the_whole() {
    let job = Job::new(Options::default());
    let whole = job.scan(&["--now", "2026-03-14T02:10:00Z", "--format", "json=whole.json"]);
    assert_eq!(whole.status.code(), Some(1));
    let mut names = Vec::new();
    for index in 0..3 {
        let (shard, name) = (format!("{index}/3"), format!("shard-{index}.json"));
        let output = job.scan(&[
            "--now",
            "2026-03-14T02:20:00Z",
            "--shard",
            &shard,
            "--format",
            &format!("json={name}"),
        ]);
        assert!(output.status.code().unwrap() <= 1, "{}", words(&output));
        if job.has(&name) {
            names.push(name);
        }
    }
    assert!(
        names.len() > 1,
        "four subscriptions are in more than one of three parts"
    );
    let trend = job.json(&["history", "trend", "--history", "nights.db", "--json"]);
    assert_eq!(trend.as_array().unwrap().len(), 2, "{trend}");
    assert_eq!(
        (trend[1]["complete"].as_bool(), &trend[1]["machines"]),
        (Some(true), &trend[0]["machines"])
    );
    let mut arguments = vec!["merge", "--format", "json=merged.json"];
    arguments.extend(names.iter().map(String::as_str));
    let merged = job.run(&arguments);
    assert_eq!(merged.status.code(), Some(1), "{}", words(&merged));
    let read = |name: &str| -> Value { serde_json::from_str(&job.file(name)).unwrap() };
    let (whole, merged) = (read("whole.json"), read("merged.json"));
    assert_eq!(merged["summary"]["machines"], whole["summary"]["machines"]);
    assert_eq!(merged["scan"]["subscriptions"].as_array().unwrap().len(), 4);
    // Each finding points at its own machine after joining.
    for finding in merged["findings"].as_array().unwrap() {
        let Some(place) = finding["subject"]["machine"].as_u64() else {
            continue;
        };
        let machine = &merged["machines"][place as usize];
        assert_eq!(machine["subscription"], finding["subject"]["subscription"], "{finding}");
    }
}

#[test]
fn the_doctor_says_what_to_mend() {
    let job = Job::new(Options::default());
    let endpoint = job.sandbox.origin.clone();
    let well = job.run(&["doctor", "--endpoint", &endpoint, "--history", "nights.db"]);
    assert_eq!(well.status.code(), Some(0), "{}{}", text(&well), words(&well));
    for name in [
        "scratch", "proxy", "history", "notices", "tls", "clock", "sign-in", "rights",
    ] {
        assert!(
            text(&well)
                .lines()
                .any(|line| line.starts_with("ok") && line.contains(name)),
            "{name}: {}",
            text(&well)
        );
    }
    let checks = job.json(&["doctor", "--endpoint", &endpoint, "--json"]);
    assert!(
        checks["checks"]
            .as_array()
            .unwrap()
            .iter()
            .all(|check| check["state"] == "well"),
        "{checks}"
    );
    let silent = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let ill = job.run(&[
        "doctor",
        "--endpoint",
        &format!("http://{silent}"),
        "--attempts",
        "1",
        "--retry-pause",
        "1ms",
    ]);
    assert_eq!(ill.status.code(), Some(1));
    assert!(
        text(&ill).contains("MEND  tls") && text(&ill).contains("MEND  sign-in"),
        "{}",
        text(&ill)
    );
    assert!(!text(&ill).contains(SECRET));
    let broken = job.run(&["doctor", "--offline", "--history", "/nowhere/nights.db"]);
    assert!(
        broken.status.code() == Some(1) && text(&broken).contains("MEND  history"),
        "{}",
        text(&broken)
    );
}

#[test]
fn what_a_history_needs_is_asked_for_before_anything_is_read() {
    let job = Job::new(Options::default());
    let refused = |arguments: &[&str], said: &str| {
        let output = job.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(words(&output).contains(said), "{arguments:?}: {}", words(&output));
        assert!(!words(&output).contains("hidden"), "{}", words(&output));
    };
    let estate = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/contoso");
    refused(&["scan", estate, "--run", "x"], "need --history");
    refused(
        &["scan", estate, "--history", "mysql://me:hidden@db/x"],
        "is no history",
    );
    refused(
        &["scan", estate, "--history", "postgres://me:hidden@db/x?sslmode=prefer"],
        "sslmode=prefer",
    );
    refused(
        &[
            "scan",
            estate,
            "--history",
            "n.db",
            "--notify",
            "teams=https://hooks.example.net/hidden",
        ],
        "is a secret",
    );
    refused(&["history", "list"], "say which history");
    refused(&["history", "list", "--history", "missing.db"], "there is no history");
    refused(&["scan", "--all-subscriptions", "--shard", "4/4"], "is no shard");
    let silent = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    refused(
        &[
            "history",
            "list",
            "--history",
            &format!("postgres://me:hidden@{silent}/x"),
        ],
        "history `postgres://me@",
    );
    assert!(!job.has("missing.db"));
}

/// The files that people copy: what they say to the program, it understands.
#[test]
fn the_examples_are_understood() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/nightly");
    let mut reading = portcullis::input::Reading::default();
    let bicep = std::fs::File::open(root.join("container-apps-job.bicep")).unwrap();
    reading.read("container-apps-job.bicep", portcullis::input::Given::Named, bicep);
    reading.finish();
    let wrong: Vec<_> = reading
        .diagnostics
        .iter()
        .filter(|one| one.level > portcullis::source::Level::Note)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    // Types without rules are passed over and named; that both are named shows that the file was read to its end.
    let unused: Vec<&str> = reading.inventory.unused.keys().map(|name| &**name).collect();
    for kind in ["microsoft.app/jobs", "microsoft.managedidentity/userassignedidentities"] {
        assert!(unused.iter().any(|name| name.eq_ignore_ascii_case(kind)), "{unused:?}");
    }
    let job = Job::new(Options::default());
    let config = root.join("portcullis.yaml");
    let shown = job.json(&["config", "show", "--config", config.to_str().unwrap(), "--json"]);
    assert_eq!(
        shown["settings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["key"] == "notify")
            .count(),
        1
    );
    let doctor = job.run(&[
        "doctor",
        "--offline",
        "--config",
        config.to_str().unwrap(),
        "--history",
        "n.db",
    ]);
    assert!(text(&doctor).contains("3 channels are configured"), "{}", text(&doctor));
    let commands = ["kubernetes-cronjob.yaml", "kubernetes-fleet.yaml"]
        .map(|name| std::fs::read_to_string(root.join(name)).unwrap());
    for arguments in commands.iter().flat_map(|text| text.split("args:\n").skip(1)) {
        let given = arguments.lines().map_while(|line| line.trim().strip_prefix("- "));
        let mut typed: Vec<String> = given.map(|word| word.replace("$(JOB_COMPLETION_INDEX)", "0")).collect();
        typed.push("--help".to_owned());
        let words: Vec<&str> = typed.iter().map(String::as_str).collect();
        assert!(job.run(&words).status.success(), "{typed:?}");
    }
}

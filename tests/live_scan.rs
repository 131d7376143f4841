//! A live scan of a sandbox, end to end: what it reads, that a snapshot of it gives the same findings, and what is
//! never recorded.
#![expect(clippy::expect_used, reason = "tests say what they expect")]

mod live;

use std::collections::BTreeSet;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use live::{SECRET, everything, ids, is_complete, lines, read, sandbox, small_pages};
use portcullis::azure::collect::{Source, Which};
use portcullis::azure::{Request, record};
use portcullis::sandbox::{Options, Record, Sandbox};
use serde_json::{Value, json};

/// Runs the program against a sandbox.
fn portcullis(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(arguments)
        .args(["--endpoint", &sandbox.origin, "--retry-pause", "2ms"])
        .env_clear()
        .env("AZURE_TENANT_ID", "5f0c2a77-d3b1-4e68-9c84-1be07a36f2d9")
        .env("AZURE_CLIENT_ID", "00000000-5a4d-4b0c-8000-000000000001")
        .env("AZURE_CLIENT_SECRET", SECRET)
        .output()
        .expect("the program runs")
}

fn scan_file(path: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["scan", path, "-f", "json"])
        .output()
        .expect("the program runs");
    serde_json::from_slice(&output.stdout).expect("a report")
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn every_source_reads_the_same_resources() {
    let sandbox = sandbox(small_pages());
    let mut sets = Vec::new();
    for source in [Source::Auto, Source::Graph, Source::Arm] {
        let recorded = read(&sandbox.origin, source).expect("read");
        assert!(is_complete(&recorded), "{source:?}: {:?}", recorded.header);
        assert_eq!(recorded.header.subscriptions.len(), 4);
        assert_eq!(recorded.signed_in, Some("secret"));
        sets.push(ids(&lines(recorded)));
    }
    assert!(sets[0].len() > 150, "{}", sets[0].len());
    assert_eq!(sets[0], sets[1]);
    assert_eq!(sets[0], sets[2]);
    let mut sorted = sets[0].clone();
    sorted.sort();
    assert_eq!(sorted, sets[0], "in the order of their ids");
}

#[test]
fn what_was_recorded_is_read_again() {
    let sandbox = sandbox(Options::default());
    let read: BTreeSet<String> = ids(&lines(read(&sandbox.origin, Source::Auto).expect("read")))
        .into_iter()
        .collect();
    let text = std::fs::read_to_string(live::ESTATE).expect("the estate");
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let Some(id) = row["id"].as_str() else { continue };
        let other = id.to_ascii_lowercase();
        // What the sandbox computes itself, or nobody reads, need not be there.
        if other.contains("/assessments/") || other.contains("/pricings/") {
            continue;
        }
        assert!(read.contains(&other), "{id}");
    }
}

#[test]
fn a_snapshot_gives_the_same_findings_as_the_scan() {
    let sandbox = sandbox(small_pages());
    let directory = tempfile::tempdir().expect("a directory");
    for name in ["estate.jsonl", "estate.jsonl.zst"] {
        let path = directory.path().join(name);
        let path = path.to_str().expect("a path");
        let written = portcullis(&sandbox, &["snapshot", "--all-subscriptions", "-o", path]);
        assert_eq!(written.status.code(), Some(0), "{}", words(&written));
        let live = portcullis(&sandbox, &["scan", "--all-subscriptions", "-f", "json"]);
        assert_eq!(live.status.code(), Some(1), "{}", words(&live));
        let live: Value = serde_json::from_slice(&live.stdout).expect("a report");
        let again = scan_file(path);
        assert!(live["findings"].as_array().is_some_and(|findings| findings.len() > 20));
        assert_eq!(live["findings"].to_string(), again["findings"].to_string());
        assert_eq!(live["machines"].to_string(), again["machines"].to_string());
    }
}

#[test]
fn a_live_scan_finds_what_the_recorded_estate_holds() {
    let sandbox = sandbox(small_pages());
    let live = portcullis(
        &sandbox,
        &[
            "scan",
            "--all-subscriptions",
            "-f",
            "json",
            "--now",
            "2026-03-14T02:10:00Z",
        ],
    );
    let live: Value = serde_json::from_slice(&live.stdout).expect("a report");
    let fingerprints = |report: &Value| -> BTreeSet<String> {
        let findings = report["findings"].as_array().expect("findings");
        findings
            .iter()
            .map(|finding| finding["fingerprint"].to_string())
            .collect()
    };
    let (live, recorded) = (fingerprints(&live), fingerprints(&scan_file(live::ESTATE)));
    let differences: Vec<&String> = live.symmetric_difference(&recorded).collect();
    assert!(differences.is_empty(), "{differences:?}");
}

#[test]
fn scopes_are_as_asked() {
    let sandbox = sandbox(Options::default());
    const RETAIL: &str = "1a9c63e8-0b72-4d5f-8e34-91f7c2d605b2";
    const DATA: &str = "52e0b7a4-c918-4f63-a2d7-3b8816fce473";
    let of = |which: Which| {
        let request = Request {
            which,
            ..everything(Source::Auto)
        };
        let recorded = record(&live::connection(&sandbox.origin), &request).expect("read");
        let subscriptions = &recorded.header.subscriptions;
        let ids: Vec<String> = subscriptions.iter().map(|read| read.id.clone()).collect();
        (ids, is_complete(&recorded))
    };
    let listed = Which {
        listed: vec![RETAIL.to_owned()],
        ..Which::default()
    };
    assert_eq!(of(listed), (vec![RETAIL.to_owned()], true));
    let without = Which {
        all: true,
        excluded: vec![RETAIL.to_uppercase()],
        ..Which::default()
    };
    let (ids, complete) = of(without);
    assert!(complete && ids.len() == 3 && ids.contains(&DATA.to_owned()) && !ids.contains(&RETAIL.to_owned()));
    let unknown = Which {
        listed: vec![RETAIL.to_owned(), "00000000-0000-0000-0000-0000000000ff".to_owned()],
        ..Which::default()
    };
    let (ids, complete) = of(unknown);
    assert!(!complete && ids.len() == 2, "a subscription that is not shown is a gap");
    let tags = |id: &str, tags: Value| {
        let mut state = sandbox.state();
        state.store.subscriptions.get_mut(id).expect("a subscription").tags = tags;
    };
    tags(RETAIL, json!({ "Environment": "production", "team": "shop" }));
    tags(DATA, json!({ "environment": "production", "team": "data" }));
    let tagged = |pairs: &[(&str, &str)], excluded: &[&str]| {
        let (ids, complete) = of(Which {
            all: true,
            tags: pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            excluded: excluded.iter().map(|id| (*id).to_owned()).collect(),
            ..Which::default()
        });
        assert!(complete);
        ids
    };
    let production = ("environment", "production");
    assert_eq!(tagged(&[production], &[]), [RETAIL, DATA]);
    assert_eq!(tagged(&[production, ("team", "data")], &[]), [DATA]);
    assert_eq!(tagged(&[production], &[DATA]), [RETAIL]);
    assert!(tagged(&[("environment", "test")], &[]).is_empty());
    let by_tag = portcullis(
        &sandbox,
        &[
            "scan",
            "--subscription-tag",
            "environment=production",
            "--exclude-subscription",
            DATA,
            "-f",
            "json",
        ],
    );
    let report: Value = serde_json::from_slice(&by_tag.stdout).expect("a report");
    assert_eq!(
        report["scan"]["subscriptions"].as_array().map(Vec::len),
        Some(1),
        "{}",
        words(&by_tag)
    );
}

#[test]
fn no_secret_is_shown() {
    let sandbox = sandbox(Options::default());
    let said = refused(&sandbox, &["--auth", "secret"]);
    assert!(said.contains("AADSTS7000215"), "{said}");
    // Nobody listens there: every way fails, and each says why.
    let said = refused(&sandbox, &["--authority", "http://127.0.0.1:9"]);
    for way in [
        "secret:",
        "certificate:",
        "github:",
        "workload:",
        "pipelines:",
        "managed-identity:",
        "az:",
        "azd:",
    ] {
        assert!(said.contains(way), "{way} {said}");
    }
}

/// What the program says about a secret that is wrong.
fn refused(sandbox: &Sandbox, auth: &[&str]) -> String {
    let wrong = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args([
            "scan",
            "--all-subscriptions",
            "--endpoint",
            &sandbox.origin,
            "--retry-pause",
            "2ms",
        ])
        .args(auth)
        .env_clear()
        .env("AZURE_TENANT_ID", "5f0c2a77-d3b1-4e68-9c84-1be07a36f2d9")
        .env("AZURE_CLIENT_ID", "00000000-5a4d-4b0c-8000-000000000001")
        .env("AZURE_CLIENT_SECRET", "not-the-secret-9f31")
        .output()
        .expect("the program runs");
    let said = words(&wrong);
    assert_eq!(wrong.status.code(), Some(2), "{said}");
    assert!(!said.contains("not-the-secret-9f31") && !said.contains("eyJ"), "{said}");
    said
}

#[test]
fn a_redacted_snapshot_gives_the_same_findings_under_other_names() {
    let sandbox = sandbox(Options::default());
    let directory = tempfile::tempdir().expect("a directory");
    let snapshot = |name: &str, more: &[&str]| {
        let path = directory.path().join(name).to_str().expect("a path").to_owned();
        let mut arguments = vec!["snapshot", "--all-subscriptions", "-o", &path];
        arguments.extend(more);
        let written = portcullis(&sandbox, &arguments);
        assert_eq!(written.status.code(), Some(0), "{}", words(&written));
        path
    };
    let (plain, redacted) = (snapshot("plain.jsonl", &[]), snapshot("redacted.jsonl", &["--redact"]));
    let shape = |path: &str| -> Vec<String> {
        let report = scan_file(path);
        let findings = report["findings"].as_array().expect("findings").clone();
        let mut shape: Vec<String> = findings
            .iter()
            .map(|finding| {
                format!(
                    "{} {} {} {}",
                    finding["rule"], finding["verdict"], finding["severity"], finding["cause"]
                )
            })
            .collect();
        shape.sort();
        let machines = report["machines"].as_array().expect("machines");
        let mut verdicts: Vec<String> = machines
            .iter()
            .map(|one| format!("{} {} {}", one["verdict"], one["tab"], one["cause"]))
            .collect();
        verdicts.sort();
        shape.append(&mut verdicts);
        shape
    };
    assert_eq!(shape(&plain), shape(&redacted));
    let text = std::fs::read_to_string(&redacted).expect("read").to_ascii_lowercase();
    for name in [
        "contoso",
        "vm-jump-win-01",
        "rg-jump",
        "nsg-jump",
        "7d4f1c02",
        "platform-access",
        "cc-1010",
    ] {
        assert!(!text.contains(name), "{name}");
    }
    // A block of documentation stays one, so single addresses may meet by chance; all of them cannot.
    let addresses = |path: &str| -> Vec<String> {
        let text = std::fs::read_to_string(path).expect("read");
        let found = text.split('"').filter(|part| part.starts_with("192.0.2."));
        found.map(str::to_owned).collect()
    };
    assert!(!addresses(&plain).is_empty());
    assert_ne!(addresses(&plain), addresses(&redacted));
}

#[test]
fn findings_do_not_depend_on_the_source() {
    let sandbox = sandbox(small_pages());
    let findings = |source: &str| {
        let report = portcullis(
            &sandbox,
            &["scan", "--all-subscriptions", "-f", "json", "--source", source],
        );
        let report: Value = serde_json::from_slice(&report.stdout).expect("a report");
        let findings = report["findings"].as_array().expect("findings").clone();
        findings
            .iter()
            .map(|finding| finding["fingerprint"].to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(findings("graph"), findings("arm"));
}

#[test]
fn roles_and_what_is_lacking_are_told() {
    let sandbox = sandbox(Options::default());
    const DATA: &str = "52e0b7a4-c918-4f63-a2d7-3b8816fce473";
    let all = portcullis(&sandbox, &["permissions", "--subscription", DATA]);
    assert_eq!(all.status.code(), Some(0), "{}", words(&all));
    sandbox.inject(vec!["403@type=networkSecurityGroups".parse().expect("a fault")]);
    let some = portcullis(&sandbox, &["permissions", "--subscription", DATA, "--for", "remediate"]);
    let said = String::from_utf8_lossy(&some.stdout).into_owned();
    assert_eq!(some.status.code(), Some(1), "{said}{}", words(&some));
    assert!(
        said.contains("lacks Microsoft.Network/networkSecurityGroups/read"),
        "{said}"
    );
    assert!(
        said.contains("lacks Microsoft.Network/networkSecurityGroups/securityRules/write"),
        "{said}"
    );
    for (format, word) in [
        ("json", "\"AssignableScopes\""),
        ("bicep", "targetScope"),
        ("terraform", "azurerm_role_definition"),
        ("az", "az role definition create"),
    ] {
        let role = portcullis(&sandbox, &["permissions", "--for", "request", "--as", format]);
        let role = String::from_utf8_lossy(&role.stdout).into_owned();
        assert!(
            role.contains(word) && role.contains("jitNetworkAccessPolicies/initiate/action"),
            "{role}"
        );
    }
}

#[test]
fn interrupted_scans_write_what_was_read() {
    let sandbox = sandbox(Options {
        latency: std::time::Duration::from_millis(400),
        ..small_pages()
    });
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("estate.jsonl");
    let child = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args([
            "snapshot",
            "--all-subscriptions",
            "--source",
            "arm",
            "--endpoint",
            &sandbox.origin,
            "-o",
        ])
        .arg(&file)
        .env_clear()
        .env("AZURE_TENANT_ID", "5f0c2a77-d3b1-4e68-9c84-1be07a36f2d9")
        .env("AZURE_CLIENT_ID", "00000000-5a4d-4b0c-8000-000000000001")
        .env("AZURE_CLIENT_SECRET", SECRET)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program runs");
    // Subscriptions and rights are read by then, and much is left.
    while sandbox.calls() < 8 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.is_ok_and(|status| status.success()));
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(3), "{}", words(&output));
    assert!(words(&output).contains("interrupted"), "{}", words(&output));
    let text = std::fs::read_to_string(&file).expect("written");
    let header: Value = serde_json::from_str(text.lines().next().expect("a header")).expect("JSON");
    assert!(
        header["subscriptions"][0]["missing"][0]["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("interrupted"))
    );
    assert!(
        text.lines()
            .last()
            .is_some_and(|line| line.contains("portcullis-snapshot-end"))
    );
}

#[test]
fn an_interrupted_scan_judges_what_was_read() {
    let sandbox = sandbox(Options {
        latency: Duration::from_millis(400),
        ..small_pages()
    });
    let child = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args([
            "scan",
            "--all-subscriptions",
            "--source",
            "arm",
            "-f",
            "json",
            "--endpoint",
            &sandbox.origin,
        ])
        .env_clear()
        .env("AZURE_TENANT_ID", "5f0c2a77-d3b1-4e68-9c84-1be07a36f2d9")
        .env("AZURE_CLIENT_ID", "00000000-5a4d-4b0c-8000-000000000001")
        .env("AZURE_CLIENT_SECRET", SECRET)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program runs");
    while sandbox.calls() < 40 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.is_ok_and(|status| status.success()));
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(3), "{}", words(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(report["scan"]["complete"], json!(false), "{}", report["scan"]);
}

/// The time, status and path of each answer.
type Seen = Arc<Mutex<Vec<(Instant, u16, String)>>>;

/// A sandbox, and what it was asked.
fn watched(options: Options) -> (Sandbox, Seen) {
    let seen = Seen::default();
    let kept = Arc::clone(&seen);
    let watch = move |record: &Record| {
        let call = (Instant::now(), record.status, record.path.clone());
        kept.lock().expect("not poisoned").push(call);
    };
    let options = Options {
        watch: Some(Arc::new(watch)),
        ..options
    };
    (sandbox(options), seen)
}

#[test]
fn the_service_is_not_asked_again_before_the_time_that_it_names() {
    let (sandbox, seen) = watched(small_pages());
    sandbox.inject(vec![
        "throttle:retry-after=1@type=jitNetworkAccessPolicies"
            .parse()
            .expect("a fault"),
    ]);
    let mut patient = live::connection(&sandbox.origin);
    patient.patience.longest_wait = Duration::from_secs(10);
    let recorded = record(&patient, &everything(Source::Auto)).expect("read");
    assert!(is_complete(&recorded), "{:?}", recorded.header);
    let seen = seen.lock().expect("not poisoned").clone();
    let (first, _, path) = seen.iter().find(|(_, status, _)| *status == 429).expect("a refusal");
    let again = seen
        .iter()
        .find(|(at, status, other)| at > first && *status == 200 && other == path);
    let waited = again.expect("asked again").0.duration_since(*first);
    assert!(waited >= Duration::from_millis(990), "{waited:?}");
}

#[test]
fn a_wait_that_is_too_long_is_a_gap() {
    let (sandbox, _) = watched(small_pages());
    sandbox.inject(vec![
        "throttle:retry-after=7200@type=jitNetworkAccessPolicies,times=always"
            .parse()
            .expect("a fault"),
    ]);
    let recorded = record(&live::connection(&sandbox.origin), &everything(Source::Auto)).expect("read");
    assert!(!is_complete(&recorded));
    let missing = &recorded.header.subscriptions[0].missing;
    assert!(
        missing.iter().any(|missing| missing.reason.starts_with("429")),
        "{missing:?}"
    );
}

#[test]
fn the_documented_limits_are_kept_without_a_refusal() {
    let (sandbox, seen) = watched(Options {
        limits: true,
        graph_page_size: 12,
        ..Options::default()
    });
    let recorded = record(&live::connection(&sandbox.origin), &everything(Source::Auto)).expect("read");
    assert!(is_complete(&recorded), "{:?}", recorded.header);
    let seen = seen.lock().expect("not poisoned");
    let queries = seen
        .iter()
        .filter(|(_, _, path)| path.contains("ResourceGraph"))
        .count();
    assert!(queries > 16, "{queries}");
    let refused = seen.iter().filter(|(_, status, _)| *status == 429).count();
    assert!(refused <= 1, "{refused} of {queries}: an answer may overtake another");
}

#[test]
fn resource_graph_that_stops_at_its_limit_of_subscriptions_is_noticed() {
    let sandbox = sandbox(Options {
        graph_subscriptions: 2,
        ..Options::default()
    });
    let recorded = read(&sandbox.origin, Source::Auto).expect("read");
    assert!(is_complete(&recorded), "lists give the rest: {:?}", recorded.header);
    let all = ids(&lines(recorded));
    let whole = live::sandbox(Options::default());
    assert_eq!(all, ids(&lines(read(&whole.origin, Source::Auto).expect("read"))));
    let recorded = read(&sandbox.origin, Source::Graph).expect("read");
    assert!(!is_complete(&recorded));
    let missing = &recorded.header.subscriptions[0].missing;
    assert!(
        missing
            .iter()
            .any(|missing| missing.reason.contains("10,000 subscriptions")),
        "{missing:?}"
    );
}

#[test]
fn a_scan_that_takes_too_long_is_incomplete() {
    let sandbox = sandbox(Options {
        latency: std::time::Duration::from_millis(100),
        ..small_pages()
    });
    let mut hasty = live::connection(&sandbox.origin);
    hasty.patience.scan = std::time::Duration::from_millis(450);
    let recorded = record(&hasty, &everything(Source::Arm)).expect("read");
    assert!(!is_complete(&recorded));
    assert!(recorded.stopped.is_some_and(|why| why.contains("time")));
}

#[test]
fn management_groups_are_followed_down() {
    let sandbox = sandbox(Options::default());
    let tenant = sandbox.state().store.tenant.clone();
    let request = Request {
        which: Which {
            management_groups: vec![tenant],
            ..Which::default()
        },
        ..everything(Source::Auto)
    };
    let recorded = record(&live::connection(&sandbox.origin), &request).expect("read");
    assert!(is_complete(&recorded), "{:?}", recorded.header);
    assert_eq!(recorded.header.subscriptions.len(), 4);
    let request = Request {
        which: Which {
            management_groups: vec!["nobody-knows-it".to_owned()],
            ..Which::default()
        },
        ..everything(Source::Auto)
    };
    let recorded = record(&live::connection(&sandbox.origin), &request).expect("read");
    assert!(
        recorded.header.lost.iter().any(|lost| lost.contains("nobody-knows-it")),
        "{:?}",
        recorded.header
    );
}

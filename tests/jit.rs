//! Each task of just-in-time access from the command line, against a sandbox: what it prints, and what the groups, the
//! policies and their record of requests are afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    reason = "what is not there fails the test"
)]

mod live;

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use jiff::SignedDuration;
use live::{SECRET, sandbox, store};
use portcullis::azure::permission::Purpose;
use portcullis::jit::{audit, status};
use portcullis::remedy::journal::{Event, read};
use portcullis::sandbox::{Fault, Options, Sandbox};
use serde_json::{Value, json};

const PLATFORM: &str = "7d4f1c02-5a3e-4b86-9f10-2c6e8a9b0d11";
const RETAIL: &str = "1a9c63e8-0b72-4d5f-8e34-91f7c2d605b2";
const DATA: &str = "52e0b7a4-c918-4f63-a2d7-3b8816fce473";
const RECORDED: &str = "2026-03-14T02:10:00Z";

/// A sandbox of Contoso at the moment when it was recorded: eight months behind the clock of this machine.
fn contoso(options: Options) -> Sandbox {
    sandbox(Options {
        start: Some(RECORDED.parse().unwrap()),
        ..options
    })
}

struct Desk {
    sandbox: Sandbox,
    directory: tempfile::TempDir,
}

impl Desk {
    fn new() -> Desk {
        Desk::with(Options::default())
    }

    fn with(options: Options) -> Desk {
        Desk {
            sandbox: contoso(options),
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command
            .arg("jit")
            .args(arguments)
            .args(["--endpoint", &self.sandbox.origin, "--retry-pause", "2ms"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_clear()
            .env("USER", "kim")
            .env("TZ", "UTC")
            .env("HOME", self.directory.path())
            .env("AZURE_TENANT_ID", "5f0c2a77-d3b1-4e68-9c84-1be07a36f2d9")
            .env("AZURE_CLIENT_ID", "00000000-5a4d-4b0c-8000-000000000001")
            .env("AZURE_CLIENT_SECRET", SECRET)
            .stdin(Stdio::null());
        command
    }

    fn jit(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program runs")
    }

    /// Runs a command that must end with this status; everything that it said.
    fn ends(&self, expected: i32, arguments: &[&str]) -> String {
        let output = self.jit(arguments);
        let said = said(&output);
        assert_eq!(
            output.status.code(),
            Some(expected),
            "jit {}\n{said}",
            arguments.join(" ")
        );
        said
    }

    fn policy(&self, group: &str, region: &str) -> Option<Value> {
        let state = self.sandbox.state();
        let end = format!(
            "/resourcegroups/{group}/providers/microsoft.security/locations/{region}/jitnetworkaccesspolicies/default"
        );
        let mut all = state.store.all();
        all.find(|found| found.id.as_str().to_ascii_lowercase().ends_with(&end))
            .map(|found| found.body.clone())
    }

    /// The rules of just-in-time access for a machine: access, ports, sources.
    fn rules(&self, machine: &str) -> Vec<(String, Vec<String>, String)> {
        let state = self.sandbox.state();
        let mut rules = Vec::new();
        for group in state
            .store
            .all()
            .filter(|found| found.id.resource_type() == "microsoft.network/networksecuritygroups")
        {
            for rule in group.body["properties"]["securityRules"]
                .as_array()
                .into_iter()
                .flatten()
            {
                let properties = &rule["properties"];
                let description = properties["description"].as_str().unwrap_or_default();
                if !description.contains("JIT Network Access") || !description.ends_with(&format!("of VM '{machine}'."))
                {
                    continue;
                }
                let mut ports: Vec<String> = properties["destinationPortRanges"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|port| port.as_str().unwrap().to_owned())
                    .collect();
                ports.extend(
                    properties["destinationPortRange"]
                        .as_str()
                        .filter(|port| !port.is_empty())
                        .map(str::to_owned),
                );
                let source = properties["sourceAddressPrefix"]
                    .as_str()
                    .unwrap_or("several")
                    .to_owned();
                rules.push((properties["access"].as_str().unwrap().to_owned(), ports, source));
            }
        }
        rules.sort();
        rules
    }

    fn journals(&self) -> Vec<Vec<Event>> {
        let directory = self.path(".local/state/portcullis");
        let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let events = |path: &PathBuf| {
            let text = std::fs::read_to_string(path).unwrap();
            assert!(
                !text.contains(SECRET) && !text.contains("eyJ"),
                "no secrets in a journal"
            );
            let lines = read(&text).expect("the journal is whole").chain.lines;
            lines.into_iter().map(|line| line.event).collect()
        };
        files.iter().map(events).collect()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn machines(policy: &Value) -> Vec<String> {
    let listed = policy["properties"]["virtualMachines"].as_array().unwrap();
    listed
        .iter()
        .map(|machine| {
            machine["id"]
                .as_str()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
                .to_ascii_lowercase()
        })
        .collect()
}

fn entry<'p>(policy: &'p Value, machine: &str) -> &'p Value {
    let listed = policy["properties"]["virtualMachines"].as_array().unwrap();
    listed
        .iter()
        .find(|one| one["id"].as_str().unwrap().ends_with(machine))
        .expect("an entry")
}

fn requests(policy: &Value) -> &Vec<Value> {
    policy["properties"]["requests"].as_array().unwrap()
}

fn denied(ports: &[&str]) -> (String, Vec<String>, String) {
    (
        "Deny".to_owned(),
        ports.iter().map(|port| (*port).to_owned()).collect(),
        "*".to_owned(),
    )
}

// ---- status --------------------------------------------------------------------------------------------------------

fn recorded_status(path: &str, more: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["jit", "status", path, "--format", "json"])
        .args(more)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)))
}

fn of<'r>(report: &'r Value, machine: &str) -> &'r Value {
    let machines = report["machines"].as_array().unwrap();
    machines
        .iter()
        .find(|one| one["name"] == machine)
        .unwrap_or_else(|| panic!("no {machine}"))
}

#[test]
fn status_shows_the_tabs_with_reasons_openings_and_doors() {
    let report = recorded_status("examples/contoso", &[]);
    for (machine, tab, reason) in [
        ("vm-jump-win-01", "configured", ""),
        ("vm-mgmt-mon-01", "not_configured", ""),
        ("legacyfiles", "unsupported", "classic"),
        ("vm-lake-01", "unsupported", "Plan 2"),
        ("vm-spark-01", "unsupported", "firewall policy"),
        (
            "vm-shop-bi-01",
            "unsupported",
            "no network security group and no Azure Firewall",
        ),
        ("vm-shop-ml-01", "unknown", "was not read"),
    ] {
        let one = of(&report, machine);
        assert_eq!(one["tab"], tab, "{machine}");
        let stated = one["reason"].as_str().unwrap_or_default();
        assert!(stated.contains(reason) || tab == "unknown", "{machine}: {stated}");
        assert_eq!(stated.is_empty(), reason.is_empty(), "{machine}: {stated}");
    }
    let open = of(&report, "vm-jump-win-01");
    assert_eq!(open["openings"][0]["port"], 3389);
    assert_eq!(open["openings"][0]["sources"], json!(["203.0.113.25"]));
    assert_eq!(open["openings"][0]["end"], "2026-03-14T04:12:07Z");
    assert_eq!(open["openings"][0]["user"], "tomasz.wrona@contoso.example");
    assert_eq!(open["last_access"], "2026-03-14T01:12:07Z");
    assert_eq!(open["approved_in_seven_days"], 1);
    assert!(of(&report, "vm-jump-win-02")["openings"].as_array().unwrap().is_empty());
    assert_eq!(
        of(&report, "vm-jump-win-02")["last_user"],
        "mara.lindholm@contoso.example"
    );
    let ports = &of(&report, "vm-jump-lin-01")["entries"][0]["ports"];
    assert_eq!(
        *ports,
        json!([{ "port": 22, "protocol": "any", "sources": ["*"], "max_minutes": 720 }])
    );
    // Two policies in two regions, ids in two spellings.
    assert_eq!(of(&report, "vm-sql-02")["entries"].as_array().unwrap().len(), 2);
    let warned = |machine: &str, rule: &str| {
        of(&report, machine)["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|warning| warning["rule"] == rule)
    };
    assert!(warned("vm-shop-web-03", "jit-shadowed"));
    assert!(warned("vm-jump-lin-01", "jit-port-coverage") && warned("vm-jump-lin-01", "jit-window-too-long"));
    assert!(!warned("vm-jump-win-02", "jit-shadowed"));
    // The door through the firewall comes first, with the port of its table.
    let doors = &of(&report, "vm-dns-02")["connections"];
    assert_eq!(doors[0]["through"], "firewall");
    assert_eq!(
        (&doors[0]["port"], &doors[0]["target_port"]),
        (&json!(53389), &json!(3389))
    );
    let balanced = of(&report, "vm-shop-web-01")["connections"].as_array().unwrap().clone();
    assert!(
        balanced
            .iter()
            .any(|door| door["through"] == "load_balancer" && door["port"] == 50001 && door["target_port"] == 22)
    );
    assert_eq!(
        report["stale"][0]["machine"].as_str().unwrap().rsplit('/').next(),
        Some("vm-jump-old")
    );
    let total: u64 = report["summary"]
        .as_object()
        .unwrap()
        .values()
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(total, report["machines"].as_array().unwrap().len() as u64);
}

#[test]
fn a_live_status_is_that_of_its_recording() {
    let desk = Desk::new();
    let output = desk.jit(&["status", "--all-subscriptions", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let live: Value = serde_json::from_slice(&output.stdout).unwrap();
    let recorded = recorded_status("examples/contoso", &[]);
    // By the service's clock, which is eight months behind.
    assert!(
        live["at"].as_str().unwrap().starts_with("2026-03-14T02:1"),
        "{}",
        live["at"]
    );
    assert_eq!(
        of(&live, "vm-jump-win-01")["openings"],
        of(&recorded, "vm-jump-win-01")["openings"]
    );
    for machine in recorded["machines"].as_array().unwrap() {
        let name = machine["name"].as_str().unwrap();
        if machine["tab"] != "unknown" {
            assert_eq!(of(&live, name)["tab"], machine["tab"], "{name}");
        }
        assert_eq!(of(&live, name)["entries"], machine["entries"], "{name}");
    }
}

#[test]
fn what_was_not_read_is_unknown_and_said() {
    let report = recorded_status("examples/contoso-refused", &[]);
    assert_eq!(report["complete"], false);
    let desk = Desk::with(Options {
        faults: vec!["403@type=jitNetworkAccessPolicies".parse::<Fault>().unwrap()],
        ..Options::default()
    });
    let output = desk.jit(&["status", "--subscription", PLATFORM, "--format", "json"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let live: Value = serde_json::from_slice(&output.stdout).unwrap();
    for machine in live["machines"].as_array().unwrap() {
        assert_eq!(machine["tab"], "unknown", "{}", machine["name"]);
    }
}

#[test]
fn the_solution_switched_off_by_policy_is_a_reason() {
    let text = std::fs::read_to_string(live::ESTATE).unwrap();
    let changed: Vec<String> = text
        .lines()
        .map(|line| {
            let mut row: Value = serde_json::from_str(line).unwrap();
            let id = row["id"].as_str().unwrap_or_default().to_ascii_lowercase();
            if id.contains("/vm-lake-02/") && id.contains("/assessments/") {
                row["properties"]["status"] = json!({ "code": "NotApplicable", "cause": "OffByPolicy" });
            }
            row.to_string()
        })
        .collect();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("estate.jsonl");
    std::fs::write(&file, changed.join("\n") + "\n").unwrap();
    let report = recorded_status(file.to_str().unwrap(), &[]);
    let one = of(&report, "vm-lake-02");
    assert_eq!(one["tab"], "unsupported");
    assert!(
        one["reason"].as_str().unwrap().contains("off in the security policy"),
        "{}",
        one["reason"]
    );
}

#[test]
fn status_is_narrowed_and_written_in_each_format() {
    let desk = Desk::new();
    let (csv, json) = (desk.text("status.csv"), desk.text("status.json"));
    let (csv_format, json_format) = (format!("csv={csv}"), format!("json={json}"));
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args([
            "jit",
            "status",
            "examples/contoso",
            "--tab",
            "configured",
            "--open",
            "--time-zone",
            "Europe/Berlin",
        ])
        .args(["-f", "console", "-f", &csv_format, "-f", &json_format])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let console = said(&output);
    assert_eq!(output.status.code(), Some(0), "{console}");
    assert!(
        console.contains("vm-jump-win-01") && !console.contains("vm-jump-win-02"),
        "{console}"
    );
    assert!(
        console.contains("2026-03-14 05:12 +01:00 (04:12 UTC)") && console.contains("2 h 2 min left"),
        "{console}"
    );
    let mut table = csv::Reader::from_path(&csv).unwrap();
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1);
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&status::json_schema()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let wrong = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["jit", "status", "examples/contoso", "--machine", "vm-jump-wim-01"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        said(&wrong).contains("did you mean `vm-jump-win-01`?"),
        "{}",
        said(&wrong)
    );
}

// ---- enable, edit, disable -----------------------------------------------------------------------------------------

#[test]
fn enabling_merges_into_the_policy_and_shuts_the_port() {
    let desk = Desk::new();
    let before = desk.policy("rg-mgmt", "westeurope").unwrap();
    let dry = desk.ends(
        0,
        &["enable", "vm-mgmt-mon-01", "--subscription", PLATFORM, "--dry-run"],
    );
    assert!(
        dry.contains("PUT") && dry.contains("jitNetworkAccessPolicies/default") && dry.contains("vm-mgmt-patch-01"),
        "{dry}"
    );
    assert_eq!(
        desk.policy("rg-mgmt", "westeurope").unwrap(),
        before,
        "a dry run changes nothing"
    );
    let unasked = desk.ends(2, &["enable", "vm-mgmt-mon-01", "--subscription", PLATFORM]);
    assert!(unasked.contains("nobody can be asked"), "{unasked}");

    desk.ends(0, &["enable", "vm-mgmt-mon-01", "--subscription", PLATFORM, "--yes"]);
    let policy = desk.policy("rg-mgmt", "westeurope").unwrap();
    assert_eq!(machines(&policy), ["vm-mgmt-patch-01", "vm-mgmt-mon-01"]);
    assert_eq!(entry(&policy, "vm-mgmt-patch-01"), entry(&before, "vm-mgmt-patch-01"));
    // Linux, so 22, for three hours, from any source.
    let own = &entry(&policy, "vm-mgmt-mon-01")["ports"];
    assert_eq!(
        *own,
        json!([{ "number": 22, "protocol": "*", "allowedSourceAddressPrefix": "*", "maxRequestAccessDuration": "PT3H" }])
    );
    assert_eq!(desk.rules("vm-mgmt-mon-01"), [denied(&["22"])]);
    let journals = desk.journals();
    let events = journals.last().unwrap();
    assert!(matches!(&events[0], Event::Began { command, plan: Some(_), .. } if command == "jit enable"));
    assert!(events.iter().any(|event| matches!(event, Event::Verified { .. })));
    // Again: nothing to do; with more ports: those that are missing come to it.
    let again = desk.ends(0, &["enable", "vm-mgmt-mon-01", "--subscription", PLATFORM, "--yes"]);
    assert!(again.contains("it is so already"), "{again}");
    desk.ends(
        0,
        &[
            "enable",
            "vm-mgmt-mon-01",
            "--subscription",
            PLATFORM,
            "--recommended",
            "--yes",
        ],
    );
    assert_eq!(desk.rules("vm-mgmt-mon-01"), [denied(&["22", "3389", "5985", "5986"])]);
}

#[test]
fn machines_are_enabled_by_id_tag_and_finding_with_ports_as_typed() {
    let desk = Desk::new();
    let id = format!(
        "/subscriptions/{DATA}/resourceGroups/rg-ingest/providers/Microsoft.Compute/virtualMachines/vm-lake-02"
    );
    desk.ends(
        0,
        &[
            "enable",
            &id,
            "--port",
            "22:tcp:203.0.113.0/24,198.51.100.7:PT2H",
            "--port",
            "8443",
            "--window",
            "45m",
            "--policy-per-machine",
            "--yes",
        ],
    );
    let state = desk.sandbox.state();
    let policy = state
        .store
        .all()
        .find(|found| found.id.as_str().ends_with("/jitNetworkAccessPolicies/vm-lake-02"))
        .map(|found| found.body.clone())
        .expect("a policy of its own");
    drop(state);
    assert_eq!(
        entry(&policy, "vm-lake-02")["ports"],
        json!([
            { "number": 22, "protocol": "TCP", "allowedSourceAddressPrefixes": ["203.0.113.0/24", "198.51.100.7"],
              "maxRequestAccessDuration": "PT2H" },
            { "number": 8443, "protocol": "*", "allowedSourceAddressPrefix": "*", "maxRequestAccessDuration": "PT45M" },
        ])
    );
    // Of many, those that cannot be enabled are named, and the rest is done.
    let tagged = desk.ends(
        1,
        &[
            "enable",
            "--tag",
            "costCenter=CC-3120",
            "--subscription",
            DATA,
            "--recommended",
            "--dry-run",
        ],
    );
    assert!(
        tagged.contains("vm-ingest-01") && !tagged.contains("vm-etl-01"),
        "{tagged}"
    );
    assert!(
        tagged.contains("`vm-lake-01`: just-in-time access cannot be enabled") && tagged.contains("Plan 2"),
        "{tagged}"
    );
    let found = desk.ends(
        1,
        &[
            "enable",
            "--finding",
            "management-ports-jit",
            "--subscription",
            PLATFORM,
            "--dry-run",
        ],
    );
    assert!(found.contains("vm-mgmt-adm-01"), "{found}");
    assert!(
        found.contains("vm-dns-02") && found.contains("no network security group filters it"),
        "{found}"
    );
}

#[test]
fn what_stands_against_it_is_found_before_anything_is_changed() {
    let desk = Desk::new();
    for (arguments, why) in [
        (&["enable", "vm-lab-01", "--all-subscriptions", "--yes"][..], "Plan 2"),
        (
            &["enable", "legacyfiles", "--all-subscriptions", "--port", "22", "--yes"],
            "classic",
        ),
        (
            &["enable", "vm-shop-bi-01", "--all-subscriptions", "--yes"],
            "no network security group",
        ),
        (
            &[
                "enable",
                "vm-lake-02",
                "--subscription",
                DATA,
                "--policy",
                "a-policy-whose-name-is-much-too-long-for-the-service",
                "--yes",
            ],
            "56 characters",
        ),
        (
            &["disable", "vm-lake-02", "--subscription", DATA, "--yes"],
            "not enabled",
        ),
        (
            &[
                "edit",
                "vm-jump-lin-01",
                "--subscription",
                PLATFORM,
                "--remove",
                "22",
                "--yes",
            ],
            "jit disable",
        ),
        (
            &[
                "edit",
                "vm-jump-lin-01",
                "--subscription",
                PLATFORM,
                "--remove",
                "99",
                "--yes",
            ],
            "in no policy",
        ),
    ] {
        let text = desk.ends(1, arguments);
        assert!(text.contains(why), "{arguments:?}: {text}");
    }
    for (arguments, why) in [
        (&["enable", "vm-lake-02", "--yes"][..], "say where the machines are"),
        (&["enable", "--all-subscriptions", "--yes"], "say which machines"),
        (
            &["enable", "vm-nowhere", "--subscription", DATA, "--yes"],
            "no machine `vm-nowhere` was read",
        ),
        (
            &["enable", "vm-lake-02", "--subscription", DATA, "--port", "22:PT25H"],
            "5m to 24h",
        ),
        (
            &["edit", "vm-jump-lin-01", "--subscription", PLATFORM],
            "say what changes",
        ),
    ] {
        let text = desk.ends(2, arguments);
        assert!(text.contains(why), "{arguments:?}: {text}");
    }
    assert!(desk.journals().is_empty(), "nothing was begun");
}

#[test]
fn editing_changes_ports_and_leaves_the_rest() {
    let desk = Desk::new();
    let before = desk.policy("rg-jump", "westeurope").unwrap();
    desk.ends(
        0,
        &[
            "edit",
            "vm-jump-win-02",
            "--subscription",
            PLATFORM,
            "--port",
            "8443:tcp",
            "--port",
            "3389:PT1H",
            "--remove",
            "5985,5986",
            "--yes",
        ],
    );
    let policy = desk.policy("rg-jump", "westeurope").unwrap();
    assert_eq!(
        entry(&policy, "vm-jump-win-02")["ports"],
        json!([
            { "number": 22, "protocol": "*", "allowedSourceAddressPrefixes": ["203.0.113.0/24"], "maxRequestAccessDuration": "PT3H" },
            { "number": 3389, "protocol": "*", "allowedSourceAddressPrefixes": ["203.0.113.0/24"], "maxRequestAccessDuration": "PT1H" },
            { "number": 8443, "protocol": "TCP", "allowedSourceAddressPrefix": "*", "maxRequestAccessDuration": "PT3H" },
        ])
    );
    assert_eq!(
        machines(&policy),
        machines(&before),
        "every other machine stays, the deleted one too"
    );
    assert_eq!(requests(&policy), requests(&before), "the record of requests stays");
    assert_eq!(desk.rules("vm-jump-win-02"), [denied(&["22", "3389", "8443"])]);
}

#[test]
fn disabling_takes_the_machine_out_and_an_empty_policy_away() {
    let desk = Desk::new();
    desk.ends(0, &["disable", "vm-jump-win-02", "--subscription", PLATFORM, "--yes"]);
    let policy = desk.policy("rg-jump", "westeurope").unwrap();
    assert_eq!(machines(&policy), ["vm-jump-win-01", "vm-jump-lin-01", "vm-jump-old"]);
    assert!(desk.rules("vm-jump-win-02").is_empty());
    let journal = desk.text("out.jsonl");
    desk.ends(
        0,
        &[
            "disable",
            "vm-mgmt-patch-01",
            "--subscription",
            PLATFORM,
            "--yes",
            "--journal",
            &journal,
        ],
    );
    assert!(desk.policy("rg-mgmt", "westeurope").is_none());
    // A machine that is gone can be taken out by its name.
    desk.ends(0, &["disable", "vm-jump-old", "--subscription", PLATFORM, "--yes"]);
    assert_eq!(
        machines(&desk.policy("rg-jump", "westeurope").unwrap()),
        ["vm-jump-win-01", "vm-jump-lin-01"]
    );
    let digest = match &read(&std::fs::read_to_string(&journal).unwrap()).unwrap().chain.lines[0].event {
        Event::Began { plan_digest, .. } => plan_digest.clone(),
        other => panic!("{other:?}"),
    };
    let back = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args([
            "rollback",
            &journal,
            "--approve",
            &digest,
            "--endpoint",
            &desk.sandbox.origin,
            "--retry-pause",
            "2ms",
        ])
        .env_clear()
        .env("AZURE_TENANT_ID", "5f0c2a77-d3b1-4e68-9c84-1be07a36f2d9")
        .env("AZURE_CLIENT_ID", "00000000-5a4d-4b0c-8000-000000000001")
        .env("AZURE_CLIENT_SECRET", SECRET)
        .output()
        .unwrap();
    assert_eq!(back.status.code(), Some(0), "{}", said(&back));
    assert_eq!(
        machines(&desk.policy("rg-mgmt", "westeurope").unwrap()),
        ["vm-mgmt-patch-01"]
    );
}

#[test]
fn two_who_enable_different_machines_at_once_lose_nothing() {
    let desk = Desk::with(Options {
        latency: Duration::from_millis(15),
        ..Options::default()
    });
    for round in 0..3 {
        let mut both: Vec<_> = ["vm-mgmt-adm-01", "vm-mgmt-mon-01"]
            .iter()
            .map(|machine| {
                let journal = desk.text(&format!("{machine}-{round}.jsonl"));
                let mut command = desk.command(&[
                    "enable",
                    machine,
                    "--subscription",
                    PLATFORM,
                    "--port",
                    "22",
                    "--yes",
                    "--journal",
                    &journal,
                ]);
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        for child in both.drain(..) {
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        }
        let mut held = machines(&desk.policy("rg-mgmt", "westeurope").unwrap());
        held.sort();
        assert_eq!(held, ["vm-mgmt-adm-01", "vm-mgmt-mon-01", "vm-mgmt-patch-01"]);
        desk.ends(
            0,
            &[
                "disable",
                "vm-mgmt-adm-01",
                "vm-mgmt-mon-01",
                "--subscription",
                PLATFORM,
                "--yes",
            ],
        );
    }
}

// ---- request and revoke --------------------------------------------------------------------------------------------

#[test]
fn a_request_opens_waits_and_tells_how_to_connect() {
    let desk = Desk::new();
    let text = desk.ends(
        0,
        &[
            "request",
            "vm-jump-win-02",
            "--port",
            "3389",
            "--from",
            "203.0.113.40",
            "--for",
            "90m",
            "-m",
            "CHG-7, patches",
            "--user",
            "ada",
        ],
    );
    assert!(
        text.contains("open: port 3389 of vm-jump-win-02 from 203.0.113.40 until 2026-03-14 03:4"),
        "{text}"
    );
    assert!(text.contains("connect  mstsc /v:192.0.2."), "{text}");
    let policy = desk.policy("rg-jump", "westeurope").unwrap();
    let made = requests(&policy).last().unwrap();
    assert_eq!(made["justification"], "CHG-7, patches");
    assert_eq!(made["virtualMachines"][0]["ports"][0]["status"], "Initiated");
    let rules = desk.rules("vm-jump-win-02");
    assert!(
        rules.contains(&("Allow".to_owned(), vec!["3389".to_owned()], "203.0.113.40".to_owned())),
        "{rules:?}"
    );
    let journals = desk.journals();
    let kinds: Vec<&Event> = journals[0].iter().collect();
    assert!(
        matches!(kinds[1], Event::Intended { .. }) && matches!(kinds[2], Event::Answered { .. }),
        "{kinds:?}"
    );
    // When its time is up the groups are as before.
    desk.sandbox.advance(SignedDuration::from_mins(91));
    assert_eq!(desk.rules("vm-jump-win-02").len(), 1);
}

#[test]
fn my_ip_is_what_the_service_sees_and_the_command_runs_without_a_shell() {
    let desk = Desk::new();
    let touched = desk.text("touched");
    let command = format!("printf '%s|' {{user}}@{{host}} {{port}} '; touch {touched}' $(touch {touched})");
    let text = desk.ends(
        0,
        &["request", "vm-jump-lin-01", "--user", "a b;touch x", "--exec", &command],
    );
    assert!(text.contains("from 127.0.0.1") && text.contains("(1 h)"), "{text}");
    // Through the firewall of the hub, at the port that its table has for this opening.
    assert!(text.contains("a b;touch x@192.0.2.10|50000|"), "{text}");
    assert!(
        text.contains("$(touch|"),
        "the words reach the program as they are: {text}"
    );
    assert!(!desk.path("touched").exists());
    // Mistakes in the command are found before anything is opened.
    let before = requests(&desk.policy("rg-jump", "westeurope").unwrap()).len();
    for wrong in ["ssh {user}@{host}", "ssh 'x", "ssh {hots}"] {
        let text = desk.ends(2, &["request", "vm-jump-lin-01", "--exec", wrong]);
        assert!(text.contains("--exec"), "{text}");
    }
    assert_eq!(requests(&desk.policy("rg-jump", "westeurope").unwrap()).len(), before);
}

#[test]
fn a_refusal_is_told_in_the_services_words_and_ours() {
    let desk = Desk::new();
    for (arguments, ours) in [
        (
            &["--port", "3389", "--from", "203.0.113.40", "--for", "5h"][..],
            "3 h at most",
        ),
        (
            &["--port", "3389", "--from", "198.51.100.1"],
            "from 203.0.113.0/24 alone",
        ),
        (
            &["--port", "8443", "--from", "203.0.113.40"],
            "it has 22, 3389, 5985, 5986",
        ),
        (&["--port", "3389", "--from", "any"], "not from `*`"),
    ] {
        let mut all = vec!["request", "vm-jump-win-02"];
        all.extend(arguments);
        let text = desk.ends(1, &all);
        assert!(
            text.contains("not a subset of the policy") && text.contains("jit edit"),
            "{text}"
        );
        assert!(text.contains(ours), "{text}");
        let mut dry = all.clone();
        dry.push("--dry-run");
        let text = desk.ends(1, &dry);
        assert!(
            text.contains(ours) && text.contains("POST subscriptions/") && text.contains("/initiate?api-version="),
            "{text}"
        );
    }
    let text = desk.ends(
        2,
        &[
            "request",
            "vm-jump-win-02",
            "--port",
            "3389",
            "--until",
            "2026-03-14T01:00Z",
        ],
    );
    assert!(
        text.contains("has passed") && text.contains("by Azure's clock"),
        "{text}"
    );
    let text = desk.ends(
        2,
        &[
            "request",
            "vm-jump-win-02",
            "--port",
            "3389",
            "--until",
            "2026-03-29T02:30",
            "--time-zone",
            "Europe/Berlin",
        ],
    );
    assert!(text.contains("does not come there"), "{text}");
    let text = desk.ends(2, &["request", "vm-jump-wim-02", "--port", "3389"]);
    assert!(
        text.contains("did you mean `vm-jump-win-02`?") && text.contains("jit enable"),
        "{text}"
    );
}

#[test]
fn the_services_errors_each_say_what_to_do() {
    let desk = Desk::new();
    let request = ["request", "vm-jump-lin-01", "--no-wait"];
    for (fault, advice) in [
        ("403@method=POST,path=initiate", "jit permissions"),
        ("403@type=jitNetworkAccessPolicies", "jit permissions"),
    ] {
        desk.sandbox.inject(vec![fault.parse().unwrap()]);
        let output = desk.jit(&request);
        let text = said(&output);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{text}");
        assert!(text.contains(advice), "{fault}: {text}");
    }
    // Nothing was done when the service only asks to wait; it is asked again.
    let before = requests(&desk.policy("rg-jump", "westeurope").unwrap()).len();
    desk.sandbox
        .inject(vec!["throttle:retry-after=none@path=initiate".parse().unwrap()]);
    desk.ends(0, &request);
    assert_eq!(
        requests(&desk.policy("rg-jump", "westeurope").unwrap()).len(),
        before + 1
    );
    // The answer is lost, and the policy tells that the request is there: it is not made twice.
    desk.sandbox.inject(vec!["drop-reply@path=initiate".parse().unwrap()]);
    desk.ends(0, &request);
    assert_eq!(
        requests(&desk.policy("rg-jump", "westeurope").unwrap()).len(),
        before + 2
    );
}

#[test]
fn a_request_enables_where_it_is_asked_to() {
    let desk = Desk::new();
    let text = desk.ends(2, &["request", "vm-lake-02", "--subscription", DATA]);
    assert!(text.contains("not enabled for a machine `vm-lake-02`"), "{text}");
    let text = desk.ends(
        0,
        &[
            "request",
            "vm-lake-02",
            "--subscription",
            DATA,
            "--enable",
            "--from",
            "10.20.0.9",
            "--no-wait",
        ],
    );
    assert!(
        text.contains("asked for: port 22 of vm-lake-02 from 10.20.0.9"),
        "{text}"
    );
    assert_eq!(
        machines(&desk.policy("rg-ingest", "northeurope").unwrap()),
        ["vm-lake-02"]
    );
}

#[test]
fn revoking_takes_the_ways_that_there_are() {
    let desk = Desk::new();
    let text = desk.ends(0, &["revoke", "vm-jump-lin-01"]);
    assert!(text.contains("nothing of `vm-jump-lin-01` is open"), "{text}");
    desk.ends(
        0,
        &["request", "vm-jump-win-02", "--port", "3389", "--from", "203.0.113.40"],
    );
    let dry = desk.ends(0, &["revoke", "vm-jump-win-02", "--dry-run"]);
    assert!(dry.contains("/initiate?") && dry.contains("203.0.113.40"), "{dry}");
    let text = desk.ends(0, &["revoke", "vm-jump-win-02"]);
    assert!(text.contains("a newer request has taken the place"), "{text}");
    let policy = desk.policy("rg-jump", "westeurope").unwrap();
    let list = requests(&policy);
    let older = &list[list.len() - 2]["virtualMachines"][0]["ports"][0];
    assert_eq!(
        (&older["status"], &older["statusReason"]),
        (&json!("Revoked"), &json!("NewerRequestInitiated"))
    );
    desk.sandbox.advance(SignedDuration::from_secs(62));
    assert_eq!(desk.rules("vm-jump-win-02").len(), 1, "only the deny rule");

    desk.ends(
        0,
        &["request", "vm-jump-win-02", "--port", "3389", "--from", "203.0.113.40"],
    );
    let before = requests(&desk.policy("rg-jump", "westeurope").unwrap()).len();
    desk.ends(0, &["revoke", "vm-jump-win-02", "--by", "entry", "--yes"]);
    let policy = desk.policy("rg-jump", "westeurope").unwrap();
    assert!(machines(&policy).contains(&"vm-jump-win-02".to_owned()));
    assert_eq!(requests(&policy).len(), before, "the record stays");
    assert_eq!(desk.rules("vm-jump-win-02"), [denied(&["22", "3389", "5985", "5986"])]);
    // The only machine of a policy: the record of requests would go with it.
    desk.ends(
        0,
        &[
            "request",
            "vm-mgmt-patch-01",
            "--port",
            "22",
            "--from",
            "203.0.113.40",
            "--no-wait",
        ],
    );
    let text = desk.ends(2, &["revoke", "vm-mgmt-patch-01", "--by", "entry", "--yes"]);
    assert!(text.contains("--evidence DIR"), "{text}");
}

#[test]
fn a_rule_above_the_opening_keeps_the_way_shut_and_is_told() {
    let desk = Desk::new();
    let group = {
        let state = desk.sandbox.state();
        let of = |body: &Value| {
            let rules = body["properties"]["securityRules"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            rules.iter().any(|rule| {
                let description = rule["properties"]["description"].as_str().unwrap_or_default();
                description.ends_with("of VM 'vm-jump-win-02'.")
            })
        };
        let mut groups = state
            .store
            .all()
            .filter(|found| found.id.resource_type() == "microsoft.network/networksecuritygroups");
        groups
            .find(|found| of(&found.body))
            .map(|found| found.id.as_str().to_owned())
            .unwrap()
    };
    let id = format!("{group}/securityRules/never");
    let rule = json!({ "id": id, "name": "never", "properties": {
        "priority": 100, "direction": "Inbound", "access": "Deny", "protocol": "*", "sourceAddressPrefix": "203.0.113.40",
        "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "3389" } });
    desk.sandbox.state().store.put(&id, rule);
    let text = desk.ends(
        1,
        &[
            "request",
            "vm-jump-win-02",
            "--port",
            "3389",
            "--from",
            "203.0.113.40",
            "--wait",
            "3s",
        ],
    );
    let name = group.rsplit('/').next().unwrap();
    assert!(text.contains("not open after") && text.contains(name), "{text}");
    // From elsewhere in the office the way is open.
    desk.ends(
        0,
        &["request", "vm-jump-win-02", "--port", "3389", "--from", "203.0.113.41"],
    );
}

#[test]
fn the_least_role_suffices_for_requesters_and_for_nothing_else() {
    let mut store = store(live::ESTATE);
    let id = "/providers/Microsoft.Authorization/roleDefinitions/0f5b1a52-90a5-4c4b-8f5e-6d2a1c3b4e5f";
    let actions = Purpose::Request.actions();
    store.put(
        id,
        json!({ "id": id, "name": "0f5b1a52-90a5-4c4b-8f5e-6d2a1c3b4e5f", "type": "Microsoft.Authorization/roleDefinitions",
            "properties": { "roleName": "Portcullis request", "type": "CustomRole", "assignableScopes": ["/"],
                "permissions": [{ "actions": actions, "notActions": [], "dataActions": [], "notDataActions": [] }] } }),
    );
    let options = Options {
        start: Some(RECORDED.parse().unwrap()),
        roles: vec!["Portcullis request".to_owned()],
        ..Options::default()
    };
    let desk = Desk {
        sandbox: Sandbox::start(store, options).unwrap(),
        directory: tempfile::tempdir().unwrap(),
    };
    // It may not read the groups: approved, and what it cannot see is said.
    let text = desk.ends(
        3,
        &["request", "vm-jump-win-02", "--port", "3389", "--from", "203.0.113.40"],
    );
    assert!(
        text.contains("open: port 3389") && text.contains("cannot be told"),
        "{text}"
    );
    let before = desk.policy("rg-mgmt", "westeurope").unwrap();
    let text = desk.ends(
        2,
        &[
            "enable",
            "vm-mgmt-patch-01",
            "--subscription",
            PLATFORM,
            "--port",
            "8443",
            "--yes",
        ],
    );
    assert!(text.contains("lacks") || text.contains("not read"), "{text}");
    assert_eq!(desk.policy("rg-mgmt", "westeurope").unwrap(), before);
    // Who else may is not theirs to see.
    let text = desk.ends(3, &["permissions", "--for", "configure", "--subscription", PLATFORM]);
    assert!(
        text.contains("lacks Microsoft.Security/locations/jitNetworkAccessPolicies/write"),
        "{text}"
    );
}

#[test]
fn an_address_of_the_users_choice_is_asked_for_mine_and_no_other() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/ip", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut asked = [0; 4096];
        let count = client.read(&mut asked).unwrap();
        client
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\nconnection: close\r\n\r\n203.0.113.40\n")
            .unwrap();
        String::from_utf8_lossy(&asked[..count]).into_owned()
    });
    let desk = Desk::new();
    let text = desk.ends(0, &["request", "vm-jump-win-02", "--port", "3389", "--my-ip-url", &url]);
    assert!(text.contains("from 203.0.113.40"), "{text}");
    let asked = served.join().unwrap();
    assert!(
        !asked.to_ascii_lowercase().contains("authorization"),
        "no token goes there: {asked}"
    );
    let text = desk.ends(
        2,
        &[
            "request",
            "vm-jump-win-02",
            "--port",
            "3389",
            "--my-ip-url",
            "http://ip.example",
        ],
    );
    assert!(text.contains("is not https"), "{text}");
    let text = desk.ends(
        2,
        &[
            "request",
            "vm-jump-win-02",
            "--port",
            "3389",
            "--from",
            "my-ip,203.0.113.9",
        ],
    );
    assert!(text.contains("needs --my-ip-url"), "{text}");
}

// ---- audit ---------------------------------------------------------------------------------------------------------

fn audited(desk: &Desk, arguments: &[&str]) -> Value {
    let mut all = vec!["audit", "--format", "json"];
    all.extend(arguments);
    let output = desk.jit(&all);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)))
}

#[test]
fn an_audit_is_one_record_a_request() {
    let desk = Desk::new();
    desk.ends(
        0,
        &[
            "request",
            "vm-jump-win-02",
            "--port",
            "3389",
            "--from",
            "203.0.113.40",
            "--for",
            "1h",
            "-m",
            "CHG-7",
        ],
    );
    desk.ends(
        1,
        &[
            "request",
            "vm-jump-win-02",
            "--port",
            "3389",
            "--from",
            "198.51.100.1",
            "-m",
            "from elsewhere",
        ],
    );
    desk.ends(0, &["request", "vm-jump-lin-01"]);
    let report = audited(
        &desk,
        &["--subscription", PLATFORM, "--since", "30d", "--requests-only"],
    );
    let validator = jsonschema::validator_for(&audit::json_schema()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let records = report["records"].as_array().unwrap();
    let told: Vec<(&str, &str)> = records
        .iter()
        .map(|record| {
            let machine = record["touched"][0]["machine"]
                .as_str()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap();
            (record["outcome"].as_str().unwrap(), machine)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("granted", "vm-jump-win-02"),
            ("granted", "vm-jump-win-01"),
            ("granted", "vm-jump-win-02"),
            ("refused", "vm-jump-win-02"),
            ("granted", "vm-jump-lin-01"),
        ]
    );
    let granted = &records[2];
    assert_eq!(granted["justification"], "CHG-7");
    assert_eq!(granted["in_policy"], true);
    assert!(granted["events"].as_u64().unwrap() >= 2, "{granted}");
    assert!(
        granted["correlation"].as_str().is_some_and(|id| !id.is_empty()),
        "{granted}"
    );
    let changes = granted["changes"].as_array().expect("the rule that the service wrote");
    assert!(
        changes
            .iter()
            .any(|change| change["kind"] == "written" && change["resource"].as_str().unwrap().contains("JITRule-")),
        "{granted}"
    );
    assert_eq!(granted["touched"][0]["sources"], json!(["203.0.113.40"]));
    let refused = &records[3];
    assert!(refused["error"].as_str().unwrap().contains("not a subset"), "{refused}");
    assert_eq!(refused["justification"], "from elsewhere");
    assert_eq!(refused["in_policy"], false);
    // Filters.
    let one = audited(
        &desk,
        &[
            "--subscription",
            PLATFORM,
            "--since",
            "30d",
            "--requests-only",
            "--machine",
            "vm-jump-lin-01",
        ],
    );
    assert_eq!(one["records"].as_array().unwrap().len(), 1);
    let mara = audited(&desk, &["--subscription", PLATFORM, "--since", "30d", "--user", "MARA"]);
    assert_eq!(mara["records"].as_array().unwrap().len(), 1);
    let late = audited(
        &desk,
        &[
            "--subscription",
            PLATFORM,
            "--from",
            "2026-03-14T02:00Z",
            "--requests-only",
        ],
    );
    assert_eq!(late["records"].as_array().unwrap().len(), 3);
}

#[test]
fn an_end_is_a_change_of_its_own_and_policies_are_too() {
    let desk = Desk::new();
    desk.ends(0, &["enable", "vm-mgmt-mon-01", "--subscription", PLATFORM, "--yes"]);
    desk.ends(0, &["request", "vm-jump-lin-01", "--for", "30m"]);
    desk.sandbox.advance(SignedDuration::from_hours(2));
    let report = audited(&desk, &["--subscription", PLATFORM, "--from", "2026-03-14T02:05Z"]);
    let outcomes: Vec<&str> = report["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["outcome"].as_str().unwrap())
        .collect();
    assert!(
        outcomes.contains(&"policy_changed") && outcomes.contains(&"rule_changed") && outcomes.contains(&"granted"),
        "{report:#}"
    );
}

#[test]
fn the_evidence_pack_holds_what_was_read_and_its_digests() {
    let desk = Desk::new();
    desk.ends(
        0,
        &[
            "request",
            "vm-jump-lin-01",
            "-m",
            "=cmd()|'/c calc'!A0 <script>alert(1)</script>",
        ],
    );
    let pack = desk.text("evidence");
    let text = desk.ends(0, &["audit", "--subscription", PLATFORM, "--evidence", &pack]);
    assert!(
        text.contains("wrote the evidence") && text.contains("SHA-256 of SHA256SUMS"),
        "{text}"
    );
    let checked = Command::new("sha256sum")
        .args(["-c", "SHA256SUMS"])
        .current_dir(&pack)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", said(&checked));
    let listed = String::from_utf8(checked.stdout).unwrap();
    for file in [
        "audit.csv",
        "audit.html",
        "audit.json",
        "events.jsonl",
        "manifest.json",
        "policies.jsonl",
    ] {
        assert!(listed.contains(&format!("{file}: OK")), "{listed}");
    }
    let read = |name: &str| std::fs::read_to_string(PathBuf::from(&pack).join(name)).unwrap();
    assert!(
        read("events.jsonl")
            .lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok())
    );
    assert!(!read("audit.html").contains("<script>"));
    let mut table = csv::Reader::from_reader(std::io::Cursor::new(read("audit.csv")));
    let names = table.headers().unwrap().clone();
    assert_eq!(&names[0], "Correlation id");
    let column = names.iter().position(|name| name == "Justification").unwrap();
    let said: Vec<String> = table.records().map(|row| row.unwrap()[column].to_owned()).collect();
    assert!(said.iter().any(|cell| cell.starts_with("'=cmd")), "{said:?}");
    let again = desk.ends(2, &["audit", "--subscription", PLATFORM, "--evidence", &pack]);
    assert!(again.contains("is not empty"), "{again}");
}

#[test]
fn recorded_estates_and_logs_are_audited_too() {
    let desk = Desk::new();
    desk.ends(0, &["request", "vm-jump-lin-01", "-m", "CHG-9"]);
    let pack = desk.text("pack");
    desk.ends(0, &["audit", "--subscription", PLATFORM, "--evidence", &pack]);
    let (events, policies) = (format!("{pack}/events.jsonl"), format!("{pack}/policies.jsonl"));
    let lines: Vec<Value> = std::fs::read_to_string(&events)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let array = desk.text("log.json");
    std::fs::write(&array, json!(lines).to_string()).unwrap();
    let page = desk.text("page.json");
    std::fs::write(&page, json!({ "value": lines, "nextLink": "" }).to_string()).unwrap();
    let list = desk.text("policies.json");
    let held: Vec<Value> = std::fs::read_to_string(&policies)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    std::fs::write(&list, json!(held).to_string()).unwrap();
    for log in [&events, &array, &page] {
        let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
            .args([
                "jit",
                "audit",
                &list,
                "--events",
                log,
                "--format",
                "json",
                "--from",
                "2026-03-14T02:00Z",
                "--requests-only",
            ])
            .output()
            .unwrap();
        let report: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
        let records = report["records"].as_array().unwrap();
        assert_eq!(records.len(), 1, "{log}: {report}");
        assert_eq!(records[0]["justification"], "CHG-9");
    }
    let broken = desk.text("broken.json");
    std::fs::write(&broken, "[{\"operationName\":").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["jit", "audit", "--events", &broken])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[test]
fn what_an_audit_could_not_read_is_said() {
    let desk = Desk::new();
    desk.sandbox.inject(vec!["403@path=eventtypes".parse().unwrap()]);
    let text = desk.ends(3, &["audit", "--subscription", PLATFORM, "--since", "30d"]);
    assert!(text.contains("activity log") && text.contains("was not read"), "{text}");
    assert!(
        text.contains("mara.lindholm@contoso.example"),
        "what the policies remember is there: {text}"
    );
}

// ---- permissions ---------------------------------------------------------------------------------------------------

#[test]
fn permissions_tell_who_may_and_print_the_least_role() {
    let desk = Desk::new();
    for (format, part) in [
        (
            "json",
            "\"Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action\"",
        ),
        (
            "bicep",
            "'Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action'",
        ),
        ("terraform", "azurerm_role_definition"),
        ("az", "az role definition create"),
    ] {
        let role = desk.ends(0, &["permissions", "--as", format]);
        assert!(role.contains(part), "{role}");
        assert!(!role.contains("/write"), "requesters write nothing: {role}");
    }
    let role = desk.ends(0, &["permissions", "--for", "configure"]);
    assert!(
        role.contains("jitNetworkAccessPolicies/write") && role.contains("virtualMachines/write"),
        "{role}"
    );
    let text = desk.ends(0, &["permissions", "--subscription", PLATFORM]);
    assert!(text.contains("may configure") && text.contains("may request"), "{text}");
    assert!(text.contains("everything for `request` is allowed"), "{text}");
}

// ---- schemas -------------------------------------------------------------------------------------------------------

#[test]
fn the_published_schemas_are_current() {
    for (file, schema) in [
        ("jit-status", status::json_schema()),
        ("jit-audit", audit::json_schema()),
    ] {
        let path = format!("{}/docs/{file}.schema.json", env!("CARGO_MANIFEST_DIR"));
        let current = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&path, &current).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == current,
            "docs/{file}.schema.json is stale: run the tests with UPDATE_SCHEMA=1"
        );
    }
    assert!(store(live::ESTATE).all().count() > 100 && RETAIL.len() == 36);
}

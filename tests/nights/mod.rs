//! Histories to test: each kind of database, empty; and observations to write into them.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use portcullis::history::model::{Covered, JudgedRule, Observation, SeenFinding, SeenMachine};
use portcullis::history::{Address, History};
use portcullis::rule::standards::{MappedBy, Mapping};
use portcullis::rule::{Severity, SubjectKind, Verdict, Waiver};

/// The data that the script of a page works on.
pub fn page_data(page: &str) -> serde_json::Value {
    let (_, behind) = page.split_once(r#"id="data">"#).unwrap();
    let (block, _) = behind.split_once("</script>").unwrap();
    serde_json::from_str(block).unwrap()
}

/// An empty history of one kind, gone when it is dropped.
pub struct Place {
    pub kind: &'static str,
    pub text: String,
    directory: Option<tempfile::TempDir>,
    server: Option<(String, String)>,
}

impl Place {
    pub fn address(&self) -> Address {
        Address::parse(&self.text, None).unwrap()
    }

    pub fn open(&self) -> History {
        History::open(&self.address(), true).unwrap()
    }

    /// The file, of SQLite.
    pub fn file(&self) -> Option<&Path> {
        self.directory.as_ref().map(|_| Path::new(&self.text))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.server {
            let mut client = postgres::Client::connect(server, postgres::NoTls).unwrap();
            client
                .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
                .unwrap();
        }
    }
}

pub fn sqlite() -> Place {
    let directory = tempfile::tempdir().unwrap();
    Place {
        kind: "sqlite",
        text: directory.path().join("nights.db").to_str().unwrap().to_owned(),
        directory: Some(directory),
        server: None,
    }
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A database of its own on the server that PORTCULLIS_TEST_POSTGRES names, such as
/// `postgres://tester@127.0.0.1:5440/postgres`.
pub fn server() -> Option<Place> {
    let Ok(server) = std::env::var("PORTCULLIS_TEST_POSTGRES") else {
        eprintln!("skipped on PostgreSQL: PORTCULLIS_TEST_POSTGRES names no server");
        return None;
    };
    let name = format!(
        "nights_{}_{}",
        std::process::id(),
        NUMBER.fetch_add(1, Ordering::SeqCst)
    );
    let mut client = postgres::Client::connect(&server, postgres::NoTls).expect("the server that was named answers");
    client.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    let (main, _) = server.rsplit_once('/').unwrap();
    Some(Place {
        kind: "postgres",
        text: format!("{main}/{name}"),
        directory: None,
        server: Some((server, name)),
    })
}

/// One of each kind that is at hand.
pub fn places() -> Vec<Place> {
    std::iter::once(sqlite()).chain(server()).collect()
}

pub const ONE: &str = "11111111-1111-1111-1111-111111111111";
pub const TWO: &str = "22222222-2222-2222-2222-222222222222";

/// The moment of a night: 02:00 of the day of that number in a year.
pub fn night(number: i64) -> String {
    let first: jiff::Timestamp = "2026-01-01T02:00:00Z".parse().unwrap();
    (first + jiff::SignedDuration::from_hours(24 * number)).to_string()
}

/// A scan of both subscriptions, read whole, that found nothing.
pub fn clean(number: i64) -> Observation {
    let covered = |scope: &str| Covered {
        scope: scope.into(),
        name: Some(format!("subscription {}", &scope[..1])),
        complete: true,
        missing: vec![],
    };
    let rule = |id: &str| JudgedRule {
        id: id.into(),
        title: format!("title of {id}"),
        severity: Severity::High,
        digest: "aa".into(),
        standards: vec![Mapping {
            framework: "mcsb".into(),
            title: "Microsoft cloud security benchmark".into(),
            controls: vec!["NS-3".into()],
            by: MappedBy::Microsoft,
        }],
    };
    Observation {
        run: None,
        taken: night(number),
        written: night(number),
        tool: "portcullis 0.1.0".into(),
        digest: format!("{number:064x}"),
        inputs: vec!["all subscriptions".into()],
        lost: vec![],
        least_severity: Severity::Info,
        coverage: vec![covered(ONE), covered(TWO)],
        rules: vec![rule("management-ports-jit"), rule("management-port-exposed")],
        machines: vec![
            machine(ONE, "vm-a", Verdict::Healthy),
            machine(TWO, "vm-b", Verdict::Healthy),
        ],
        findings: vec![],
        report: vec![1, 2, 3],
    }
}

pub fn machine(scope: &str, name: &str, verdict: Verdict) -> SeenMachine {
    SeenMachine {
        resource: format!("/subscriptions/{scope}/resourcegroups/g/providers/microsoft.compute/virtualmachines/{name}"),
        scope: scope.into(),
        name: name.into(),
        subscription: scope.into(),
        resource_group: "g".into(),
        owner: "team".into(),
        verdict,
        exposure: if verdict == Verdict::Unhealthy {
            "wide open"
        } else {
            "closed"
        }
        .into(),
        exposed: verdict == Verdict::Unhealthy,
        because: format!("{name} is {}", verdict.label()),
    }
}

pub fn finding(scope: &str, name: &str) -> SeenFinding {
    let machine = machine(scope, name, Verdict::Unhealthy);
    SeenFinding {
        fingerprint: format!("print of {name}"),
        scope: scope.into(),
        rule: "management-port-exposed".into(),
        severity: Severity::High,
        verdict: Verdict::Unhealthy,
        kind: SubjectKind::Vm,
        subject: name.into(),
        resource: machine.resource.clone(),
        subscription: scope.into(),
        resource_group: "g".into(),
        machine: machine.resource,
        owner: "team".into(),
        message: format!("port 22 of `{name}` is open"),
        rests_on: vec![],
        waiver: None,
    }
}

pub fn waiver(until: &str) -> Waiver {
    Waiver {
        reason: "jump host".into(),
        owner: Some("ops".into()),
        ticket: None,
        until: Some(until.into()),
    }
}

/// A scan that shows some findings of machines that are there.
pub fn showing(number: i64, findings: Vec<SeenFinding>) -> Observation {
    let mut observation = clean(number);
    for machine in &mut observation.machines {
        if findings.iter().any(|finding| finding.machine == machine.resource) {
            *machine = self::machine(&machine.scope, &machine.name, Verdict::Unhealthy);
        }
    }
    observation.findings = findings;
    observation
}

//! A directory with a plan and its journal, a sandbox, and the program between them.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use portcullis::azure::Connection;
use portcullis::azure::patience::Patience;
use portcullis::azure::wire::Wire;
use portcullis::model::{Choices, ResourceId};
use portcullis::remedy::journal::{Event, read};
use portcullis::remedy::memory::essence;
use portcullis::remedy::wire::Remote;
use portcullis::remedy::{Condition, Documents, Plan, Question, Service, Settings, plan};
use portcullis::rule::assess::Policy;
use portcullis::rule::builtin;
use portcullis::rule::facts::JitRuleName;
use portcullis::rule::params::{Overrides, resolve};
use portcullis::sandbox::{Options, Sandbox, Store, load};
use serde_json::Value;

use crate::estate::PORTS;
use crate::live::{SECRET, environment};

pub const NOW: &str = "2026-03-14T02:10:00Z";

/// Operations take no time, and the clock stands where the estates were recorded.
pub fn quick(options: Options) -> Options {
    Options {
        operation: Duration::ZERO,
        start: Some(NOW.parse().unwrap()),
        ..options
    }
}

/// A sandbox of an estate.
pub fn serving(estate: &Documents, options: Options) -> Sandbox {
    let mut store = Store::default();
    let resources: Vec<Value> = estate.iter().cloned().collect();
    load(&mut store, "estate", Value::from(resources).to_string().as_bytes()).unwrap();
    store.settle();
    Sandbox::start(store, quick(options)).unwrap()
}

/// A connection to a sandbox, without a program.
pub fn connected(sandbox: &Sandbox) -> Remote<Wire> {
    let tenant = sandbox.state().store.tenant.clone();
    let connection = Connection {
        environment: environment(&[
            ("AZURE_TENANT_ID", &tenant),
            ("AZURE_CLIENT_ID", "00000000-5a4d-4b0c-8000-000000000001"),
            ("AZURE_CLIENT_SECRET", SECRET),
        ]),
        patience: Patience {
            attempts: 4,
            first_pause: Duration::from_millis(2),
            longest_pause: Duration::from_millis(20),
            request: Duration::from_millis(250),
            ..Patience::default()
        },
        ..crate::live::connection(&sandbox.origin)
    };
    Remote(Wire::open(&connection).unwrap())
}

/// The estate once just-in-time access has written the rules that its policies ask for.
pub fn settled(estate: &Documents) -> Documents {
    let sandbox = serving(estate, Options::default());
    let service = connected(&sandbox);
    let policies = estate.iter().filter_map(|document| document["id"].as_str());
    for id in policies
        .filter(|id| id.contains("/jitNetworkAccessPolicies/"))
        .map(ResourceId::new)
    {
        let found = service.get(&id, "2020-01-01").unwrap().document.unwrap();
        service.put(&id, "2020-01-01", &found, Condition::Always).unwrap();
        service.get(&id, "2020-01-01").unwrap();
    }
    served(&sandbox)
}

/// The estate as a sandbox has it now.
pub fn served(sandbox: &Sandbox) -> Documents {
    let state = sandbox.state();
    Documents::of(state.store.all().map(|found| found.body.clone()).collect())
}

/// A plan of an estate, without a program.
pub fn planned(estate: &Documents, settings: &Settings) -> Plan {
    let params = resolve(builtin::rules(), &Overrides::default()).expect("the built-in rules resolve");
    let policies = builtin::rules().iter().zip(&params);
    let question = Question {
        policies: policies.map(Policy::reported).collect(),
        ports: PORTS.to_vec(),
        waivers: &[],
        choices: Choices::default(),
        generated: NOW.parse().unwrap(),
        now: Some(NOW.parse().unwrap()),
    };
    plan(estate.clone(), &question, settings).expect("a plan can be made")
}

/// The program, signed in at a sandbox.
pub fn program(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command
        .args(arguments)
        .args(["--endpoint", &sandbox.origin, "--retry-pause", "2ms"])
        .env_clear()
        .env("USER", "kim")
        .env("AZURE_TENANT_ID", &sandbox.state().store.tenant)
        .env("AZURE_CLIENT_ID", "00000000-5a4d-4b0c-8000-000000000001")
        .env("AZURE_CLIENT_SECRET", SECRET);
    command
}

pub fn portcullis(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    program(sandbox, arguments).output().expect("the program runs")
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// What plans can change, as the sandbox has it. The service names its own rules, so these go by what they say.
pub fn changeable(sandbox: &Sandbox) -> Value {
    let mut essence = essence(&served(sandbox));
    let members = essence.as_object_mut().unwrap();
    members.retain(|id, _| id.contains("/networksecuritygroups/") || id.contains("/jitnetworkaccesspolicies/"));
    for group in members.values_mut().filter_map(Value::as_object_mut) {
        let own: Vec<String> = group
            .keys()
            .filter(|name| JitRuleName::parse(name).is_some())
            .cloned()
            .collect();
        for name in own {
            let rule = group.remove(&name).unwrap();
            group.insert(
                format!("just-in-time {} {}", rule["priority"], rule["destinationAddressPrefix"]),
                rule,
            );
        }
    }
    essence
}

/// Calls that may have changed something.
pub fn writes(sandbox: &Sandbox) -> usize {
    let state = sandbox.state();
    let written = state
        .recent
        .iter()
        .filter(|call| matches!(&*call.method, "PUT" | "DELETE" | "PATCH"));
    written.count()
}

pub struct Desk {
    directory: tempfile::TempDir,
}

impl Desk {
    pub fn new() -> Desk {
        Desk {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// With a plan on it.
    pub fn with(plan: &Plan) -> Desk {
        let desk = Desk::new();
        desk.put(plan);
        desk
    }

    pub fn put(&self, plan: &Plan) {
        std::fs::write(self.path("plan.json"), serde_json::to_string(plan).unwrap()).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Plans from a live reading.
    pub fn planned(&self, sandbox: &Sandbox, more: &[&str]) -> Plan {
        let file = self.text("plan.json");
        let mut arguments = vec!["plan", "--all-subscriptions", "--now", NOW, "-o", &file];
        arguments.extend(more);
        let output = portcullis(sandbox, &arguments);
        assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{}", said(&output));
        Plan::parse(&std::fs::read_to_string(&file).unwrap()).unwrap()
    }

    pub fn applying(&self, sandbox: &Sandbox, plan: &Plan) -> Command {
        let file = self.text("plan.json");
        program(
            sandbox,
            &["apply", &file, "--approve", &plan.digest, "--max-age", "1000000"],
        )
    }

    pub fn apply(&self, sandbox: &Sandbox, plan: &Plan) -> Output {
        self.applying(sandbox, plan).output().expect("the program runs")
    }

    pub fn rollback(&self, sandbox: &Sandbox, plan: &Plan) -> Output {
        let journal = self.text("plan.journal.jsonl");
        portcullis(sandbox, &["rollback", &journal, "--approve", &plan.digest])
    }

    pub fn journal_text(&self) -> String {
        std::fs::read_to_string(self.path("plan.journal.jsonl")).unwrap_or_default()
    }

    pub fn journal(&self) -> Vec<Event> {
        let text = self.journal_text();
        assert!(
            !text.contains(SECRET) && !text.contains("eyJ"),
            "no secrets in a journal"
        );
        let lines = read(&text).expect("the journal is whole").chain.lines;
        lines.into_iter().map(|line| line.event).collect()
    }
}

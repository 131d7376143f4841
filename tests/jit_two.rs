//! Two people at one policy. A write replaces the whole list and policies have no entity tag, so a list that was read
//! before and is written after takes others out without knowing of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    reason = "what is not there fails the test"
)]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use portcullis::input::Given;
use portcullis::model::ResourceId;
use portcullis::remedy::apply::{Done, Runner};
use portcullis::remedy::given::{Change, Openings, plan_of};
use portcullis::remedy::journal::{Event, NotKept, Record};
use portcullis::remedy::memory::Memory;
use portcullis::remedy::service::Condition;
use portcullis::remedy::{Clock, Documents, Fault, Found, Question, Reply, Service, Settings};
use serde_json::{Value, json};

const GROUP: &str = "/subscriptions/7d4f1c02-5a3e-4b86-9f10-2c6e8a9b0d11/resourceGroups/rg-mgmt/providers";

fn policy() -> ResourceId {
    ResourceId::new(&format!(
        "{GROUP}/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default"
    ))
}

fn machine(name: &str) -> ResourceId {
    ResourceId::new(&format!("{GROUP}/Microsoft.Compute/virtualMachines/{name}"))
}

fn entry() -> Value {
    json!({ "ports": [{ "number": 22, "protocol": "*", "allowedSourceAddressPrefix": "*", "maxRequestAccessDuration": "PT3H" }] })
}

/// Contoso, where somebody else writes a list that they read before our write, so many times right after it.
struct Stale {
    memory: Memory,
    stale: Value,
    times: AtomicU32,
}

impl Service for Stale {
    fn get(&self, id: &ResourceId, api_version: &str) -> Result<Found, Fault> {
        self.memory.get(id, api_version)
    }

    fn put(&self, id: &ResourceId, api_version: &str, body: &Value, only: Condition<'_>) -> Result<Reply, Fault> {
        let reply = self.memory.put(id, api_version, body, only);
        if *id == policy() && self.times.load(Ordering::SeqCst) > 0 {
            self.times.fetch_sub(1, Ordering::SeqCst);
            self.memory.put(id, api_version, &self.stale, Condition::Always)?;
        }
        reply
    }

    fn delete(&self, id: &ResourceId, api_version: &str, only: Condition<'_>) -> Result<Reply, Fault> {
        self.memory.delete(id, api_version, only)
    }

    fn act(&self, id: &ResourceId, action: &str, api_version: &str, body: &Value) -> Result<Reply, Fault> {
        self.memory.act(id, action, api_version, body)
    }

    fn poll(&self, operation: &str) -> Result<Reply, Fault> {
        self.memory.poll(operation)
    }
}

#[derive(Default)]
struct Lines(Mutex<Vec<Event>>);

impl Record for Lines {
    fn keep(&self, _: &str, event: Event) -> Result<(), NotKept> {
        self.0.lock().unwrap().push(event);
        Ok(())
    }
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn wait(&self, _: Duration) {}
}

fn contoso() -> Documents {
    let mut documents = Documents::default();
    let text = std::fs::File::open("examples/contoso/estate.jsonl").unwrap();
    documents.read("estate", Given::Named, text).unwrap();
    documents
}

#[test]
fn a_list_written_from_an_older_reading_takes_nobody_out_for_good() {
    for times in [0, 1, 2, 4] {
        let documents = contoso();
        let question = Question {
            policies: Vec::new(),
            ports: vec![22, 3389, 5985, 5986],
            waivers: &[],
            choices: Default::default(),
            generated: Timestamp::UNIX_EPOCH,
            now: None,
        };
        let change = Change {
            name: "enable-jit",
            target: policy(),
            part: Some(machine("vm-mgmt-mon-01")),
            after: Some(entry()),
            reason: "just-in-time access shuts port 22".to_owned(),
        };
        // The other one enables vm-mgmt-adm-01 in the list as it was before.
        let mut stale = documents.get(&policy()).unwrap();
        let mut own = entry();
        own["id"] = json!(machine("vm-mgmt-adm-01").as_str());
        stale["properties"]["virtualMachines"].as_array_mut().unwrap().push(own);
        let plan = plan_of(
            documents.clone(),
            &question,
            &Settings::default(),
            &[change],
            Openings::Refused,
        )
        .unwrap();
        assert_eq!(plan.steps.len(), 1);
        let service = Stale {
            memory: Memory::new(documents),
            stale,
            times: AtomicU32::new(times),
        };
        let lines = Lines::default();
        let runner = Runner {
            service: &service,
            record: &lines,
            clock: &Still,
            stop: &AtomicBool::new(false),
            parallel: 1,
            patience: Duration::from_secs(60),
            pause: Duration::from_secs(5),
        };
        let outcomes = runner.apply(&plan, &BTreeMap::new());
        let policy = service.memory.documents().get(&policy()).unwrap();
        let listed = policy["properties"]["virtualMachines"].as_array().unwrap();
        let mut held: Vec<&str> = listed
            .iter()
            .map(|one| one["id"].as_str().unwrap().rsplit('/').next().unwrap())
            .collect();
        held.sort_unstable();
        if times == 4 {
            // Somebody who never stops is said, not fought for ever.
            assert!(outcomes[0].result.is_err(), "{outcomes:?}");
            continue;
        }
        assert_eq!(outcomes[0].result, Ok(Done::Written), "{times}");
        let both = ["vm-mgmt-adm-01", "vm-mgmt-mon-01", "vm-mgmt-patch-01"];
        let expected: &[&str] = if times == 0 { &both[1..] } else { &both };
        assert_eq!(held, expected, "{times}");
        let intended = lines
            .0
            .lock()
            .unwrap()
            .iter()
            .filter(|event| matches!(event, Event::Intended { .. }))
            .count();
        assert_eq!(intended, 1 + times as usize, "each write is in the journal");
    }
}

//! Every fault of the service, and another client, at every call of a run over HTTP; and two runs at once.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use portcullis::azure::wire::Wire;
use portcullis::model::ResourceId;
use portcullis::remedy::apply::{Outcome, Runner, Stop};
use portcullis::remedy::journal::{Chain, Event, NotKept, Record, standings};
use portcullis::remedy::wire::Remote;
use portcullis::remedy::{Clock, Condition, Documents, Found, Plan, Reply, Service, Settings};
use portcullis::sandbox::{FAULTS, Fault, Options, Sandbox};
use serde_json::{Value, json};

use crate::desk::{Desk, NOW, changeable, connected, planned, said, serving};
use crate::estate::{nsg_id, rule};
use crate::generated::{base, crowded};

/// A sandbox and a connection to it; waiting sets its clock ahead.
struct Scene {
    sandbox: Sandbox,
    service: Remote<Wire>,
    chain: Mutex<Chain>,
}

impl Scene {
    fn of(estate: &Documents) -> Scene {
        let sandbox = serving(estate, Options::default());
        Scene {
            service: connected(&sandbox),
            sandbox,
            chain: Mutex::default(),
        }
    }

    fn runner<'r>(&'r self, service: &'r dyn Service) -> Runner<'r> {
        static RUNNING: AtomicBool = AtomicBool::new(false);
        Runner {
            service,
            record: self,
            clock: self,
            stop: &RUNNING,
            parallel: 1,
            patience: Duration::from_secs(600),
            pause: Duration::from_secs(1),
        }
    }

    fn apply(&self, plan: &Plan) -> Vec<Outcome> {
        let standings = standings(&self.chain.lock().unwrap());
        self.runner(&self.service).apply(plan, &standings)
    }

    fn roll_back(&self, plan: &Plan) -> Vec<Outcome> {
        let standings = standings(&self.chain.lock().unwrap());
        self.runner(&self.service).roll_back(plan, &standings)
    }
}

impl Clock for Scene {
    fn now(&self) -> Timestamp {
        NOW.parse().unwrap()
    }

    fn wait(&self, duration: Duration) {
        self.sandbox.advance(SignedDuration::try_from(duration).unwrap());
    }
}

impl Record for Scene {
    fn keep(&self, time: &str, event: Event) -> Result<(), NotKept> {
        let mut chain = self.chain.lock().unwrap();
        let (line, _) = chain.next(time, event)?;
        chain.lines.push(line);
        Ok(())
    }
}

fn well(outcomes: &[Outcome]) -> bool {
    outcomes.iter().all(|outcome| outcome.result.is_ok())
}

/// A rule to close and just-in-time access to bring: every kind of call, and few of them.
fn small() -> (Documents, Plan) {
    let estate = Documents::of(
        base()
            .subnet_nsg(vec![rule("ssh", 300, "Allow", "*", "20-80")])
            .resources(),
    );
    let plan = planned(&estate, &Settings::default());
    assert_eq!(plan.steps.len(), 2);
    (estate, plan)
}

#[test]
fn every_fault_at_every_call_is_survived_or_continued() {
    let (estate, plan) = small();
    let whole = Scene::of(&estate);
    assert!(well(&whole.apply(&plan)));
    let (calls, end) = (whole.sandbox.calls(), changeable(&whole.sandbox));
    assert!(calls > 8);
    let mut stopped = 0;
    for kind in FAULTS {
        let mut met = 0;
        for at in 1..=calls {
            let mut scene = Scene::of(&estate);
            scene.sandbox.inject(vec![Fault::at_call(kind, at)]);
            let first = scene.apply(&plan);
            met += scene.sandbox.met();
            if !well(&first) {
                stopped += u64::from(kind.name != "foreign-location");
                scene.sandbox.inject(Vec::new());
                scene.service = connected(&scene.sandbox);
                let again = scene.apply(&plan);
                assert!(well(&again), "{} at call {at}: {first:?}, then {again:?}", kind.name);
            }
            assert_eq!(changeable(&scene.sandbox), end, "{} at call {at}", kind.name);
        }
        let of_lists = ["empty-page", "repeat-page", "shifting-page", "foreign-link"].contains(&kind.name);
        assert!(met > 0 || of_lists, "{} meets no call", kind.name);
    }
    // Only what the service refuses stops a run, and what leads to a host that is not the cloud's.
    assert!(stopped <= calls, "{stopped} runs stopped");
}

/// Does something at one of the calls.
struct Meddler<'m, F: Fn() + Sync> {
    inner: &'m dyn Service,
    left: AtomicI64,
    act: F,
}

impl<F: Fn() + Sync> Meddler<'_, F> {
    fn tick(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            (self.act)();
        }
    }
}

impl<F: Fn() + Sync> Service for Meddler<'_, F> {
    fn get(&self, id: &ResourceId, version: &str) -> Result<Found, portcullis::remedy::Fault> {
        self.tick();
        self.inner.get(id, version)
    }

    fn put(
        &self,
        id: &ResourceId,
        v: &str,
        body: &Value,
        only: Condition<'_>,
    ) -> Result<Reply, portcullis::remedy::Fault> {
        self.tick();
        self.inner.put(id, v, body, only)
    }

    fn delete(&self, id: &ResourceId, version: &str, only: Condition<'_>) -> Result<Reply, portcullis::remedy::Fault> {
        self.tick();
        self.inner.delete(id, version, only)
    }

    fn act(&self, id: &ResourceId, action: &str, v: &str, body: &Value) -> Result<Reply, portcullis::remedy::Fault> {
        self.tick();
        self.inner.act(id, action, v, body)
    }

    fn poll(&self, operation: &str) -> Result<Reply, portcullis::remedy::Fault> {
        self.tick();
        self.inner.poll(operation)
    }
}

/// Runs with somebody else acting at each call in turn, and takes back; `judge` looks at what is left.
fn meddled(plan: &Plan, estate: &Documents, act: impl Fn(&Sandbox) + Sync, judge: impl Fn(&Scene, &[Outcome], i64)) {
    for at in 0..200 {
        let scene = Scene::of(estate);
        let meddler = Meddler {
            inner: &scene.service,
            left: AtomicI64::new(at),
            act: || act(&scene.sandbox),
        };
        let outcomes = scene.runner(&meddler).apply(plan, &BTreeMap::new());
        if meddler.left.load(Ordering::SeqCst) >= 0 {
            return;
        }
        judge(&scene, &outcomes, at);
    }
    panic!("the run makes more calls than were tried");
}

fn their_rule() -> (String, Value) {
    let id = format!("{}/securityRules/theirs", nsg_id("sub"));
    let mut body = rule("theirs", 1234, "Deny", "*", "9");
    body["id"] = json!(id);
    (id, body)
}

#[test]
fn what_others_add_at_any_call_stays() {
    let (estate, plan) = small();
    let (id, body) = their_rule();
    let start = {
        let scene = Scene::of(&estate);
        scene.sandbox.state().store.put(&id, body.clone());
        changeable(&scene.sandbox)
    };
    meddled(
        &plan,
        &estate,
        |sandbox| sandbox.state().store.put(&id, body.clone()),
        |scene, outcomes, at| {
            assert!(well(outcomes), "at {at}: {outcomes:?}");
            let back = scene.roll_back(&plan);
            assert!(well(&back), "at {at}: {back:?}");
            assert_eq!(changeable(&scene.sandbox), start, "at {at}");
        },
    );
}

#[test]
fn what_others_change_at_any_call_is_never_overwritten() {
    let (estate, plan) = small();
    let id = format!("{}/securityRules/ssh", nsg_id("sub"));
    meddled(
        &plan,
        &estate,
        |sandbox| {
            sandbox
                .state()
                .store
                .change_any(&id, |rule| rule["properties"]["description"] = json!("theirs"));
        },
        |scene, outcomes, at| {
            let stopped = outcomes.iter().find_map(|outcome| outcome.result.as_ref().err());
            let drifted = matches!(stopped, Some(Stop::Drift { what, .. }) if what.contains("description"));
            assert!(drifted, "at {at}: {outcomes:?}");
            scene.roll_back(&plan);
            let state = scene.sandbox.state();
            let found = state.store.find(&id).expect("the rule is there");
            assert_eq!(found.body["properties"]["description"], "theirs", "at {at}");
            assert_eq!(found.body["properties"]["destinationPortRange"], "20-80", "at {at}");
        },
    );
}

#[test]
fn two_runs_at_once_do_not_hurt_each_other() {
    let estate = crowded();
    let plan = planned(&estate, &Settings::default());
    let alone = (serving(&estate, Options::default()), Desk::with(&plan));
    assert_eq!(alone.1.apply(&alone.0, &plan).status.code(), Some(0));
    let end = changeable(&alone.0);

    // Of one plan: the second is turned away, whatever it calls its journal.
    let slow = Options {
        latency: Duration::from_millis(30),
        ..Options::default()
    };
    let (sandbox, desk) = (serving(&estate, slow.clone()), Desk::with(&plan));
    let mut first = desk
        .applying(&sandbox, &plan)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !desk.journal_text().contains("intended") {
        assert!(
            first.try_wait().unwrap().is_none(),
            "the first run ended before it wrote"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    let mut second = desk.applying(&sandbox, &plan);
    let second = second.args(["--journal", &desk.text("other.jsonl")]).output().unwrap();
    assert_eq!(second.status.code(), Some(2), "{}", said(&second));
    assert!(said(&second).contains("another run"), "{}", said(&second));
    assert!(first.wait().unwrap().success());
    assert_eq!(changeable(&sandbox), end);

    // Of two copies of it: both come to the same end, or one sees that the other was there.
    let sandbox = serving(&estate, slow);
    let desks = [Desk::with(&plan), Desk::with(&plan)];
    let runs: Vec<_> = desks
        .iter()
        .map(|desk| {
            desk.applying(&sandbox, &plan)
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let codes: Vec<Option<i32>> = runs
        .into_iter()
        .map(|run| run.wait_with_output().unwrap().status.code())
        .collect();
    assert!(codes.iter().all(|code| matches!(code, Some(0 | 1))), "{codes:?}");
    for desk in &desks {
        assert_eq!(desk.apply(&sandbox, &plan).status.code(), Some(0), "each continues");
    }
    assert_eq!(changeable(&sandbox), end);
}

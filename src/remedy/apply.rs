//! Carries steps out: reads each target just before, stops on drift, writes, waits for long operations and for what the
//! service does by itself, and verifies with a fresh reading. Every call stands between two lines of the journal, so a
//! run that was killed at any instant is continued by the next.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::digest;
use super::effect;
use super::journal::{Direction, Event, Record, Standing};
use super::plan::{Expected, Plan, Step};
use super::projection::{self, Write};
use super::service::{Clock, Condition, Fault, Found, Progress, Reply, Service};
use crate::model::ResourceId;

/// Everything that a run needs of the world.
pub struct Runner<'r> {
    pub service: &'r dyn Service,
    pub record: &'r dyn Record,
    pub clock: &'r dyn Clock,
    /// Set when the user asks to stop: the steps in flight are finished, no other is begun.
    pub stop: &'r AtomicBool,
    /// How many lanes run side by side.
    pub parallel: usize,
    /// How long the service may take to do what it does by itself.
    pub patience: Duration,
    /// The first pause before something is asked again; it doubles each time.
    pub pause: Duration,
}

/// What became of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub step: u32,
    pub result: Result<Done, Stop>,
    /// What would be asked for, of a run that writes nothing.
    pub request: Option<Request>,
}

/// A request to the service.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Method and ARM id.
    pub call: String,
    pub body: Option<serde_json::Value>,
}

impl Outcome {
    pub(super) fn of(step: &Step, result: Result<Done, Stop>) -> Outcome {
        Outcome {
            step: step.number,
            result,
            request: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Written,
    /// It was so already: by an earlier run, or by somebody else.
    Already,
    /// `--dry-run`: it would be written.
    WouldWrite,
    /// Must not be taken back.
    Left,
}

/// Why a step was not carried out. The estate is as it was before the step, or the journal tells what is open.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Stop {
    #[error("`{target}` is no longer as the plan found it: {what}; make the plan again")]
    Drift { target: String, what: String },
    #[error("{0}")]
    Fault(String),
    /// The service takes no such change; others may be taken.
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    NotKept(String),
    #[error("others changed {0} meanwhile; decide by hand what it should be")]
    Conflict(String),
    #[error("not begun, since the run was stopped")]
    NotBegun,
}

/// Attempts at a call that the service is too busy for, or whose answer is lost.
const ATTEMPTS: u32 = 8;
/// How often an entry is merged in again that others put out of a policy without knowing of it.
const MERGED_AGAIN: u32 = 3;
/// How long one long operation may take.
const LONGEST_OPERATION: Duration = Duration::from_secs(3600);
/// Where pauses stop to grow.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Whether a plan is for the place that the service is; the error says why not.
pub fn fits(plan: &Plan, service: &dyn Service) -> Result<(), String> {
    match (&plan.tenant, service.tenant()) {
        (Some(made), Some(here)) if !made.eq_ignore_ascii_case(&here) => Err(format!(
            "the plan was made for tenant `{made}`, and this is tenant `{here}`; sign in there, or plan again"
        )),
        _ => Ok(()),
    }
}

impl Runner<'_> {
    /// Carries out the plan. Phases follow each other; lanes within one run side by side.
    pub fn apply(&self, plan: &Plan, standings: &BTreeMap<u32, Standing>) -> Vec<Outcome> {
        self.run(&plan.steps, |step| {
            self.apply_step(step, standings.get(&step.number).copied().unwrap_or_default())
        })
    }

    /// Reads every target as `apply` would, and writes nothing.
    pub fn rehearse_reads(&self, plan: &Plan, standings: &BTreeMap<u32, Standing>) -> Vec<Outcome> {
        let standing = |step: &Step| standings.get(&step.number).copied().unwrap_or_default();
        plan.steps
            .iter()
            .map(|step| self.only_read(step, standing(step)))
            .collect()
    }

    fn only_read(&self, step: &Step, standing: Standing) -> Outcome {
        let id = ResourceId::new(&step.target);
        let would = || {
            let found = self.read(step)?;
            if self.is_there(step, standing, &found)? {
                return Ok(None);
            }
            let call = Call::of(step, &id, step.after.as_ref(), &found)?;
            Ok(Some(Request {
                call: call.words(&id),
                body: call.body,
            }))
        };
        match would() {
            Ok(None) => Outcome::of(step, Ok(Done::Already)),
            Ok(request) => Outcome {
                request,
                ..Outcome::of(step, Ok(Done::WouldWrite))
            },
            Err(stop) => Outcome::of(step, Err(stop)),
        }
    }

    fn run(&self, steps: &[Step], carry_out: impl Fn(&Step) -> Result<Done, Stop> + Sync) -> Vec<Outcome> {
        let halted = AtomicBool::new(false);
        let mut phases: BTreeMap<u8, Vec<&Step>> = BTreeMap::new();
        for step in steps {
            phases.entry(step.phase).or_default().push(step);
        }
        let mut outcomes = Vec::with_capacity(steps.len());
        for steps in phases.into_values() {
            outcomes.extend(self.phase(&lanes(&steps), &carry_out, &halted));
        }
        outcomes.sort_by_key(|outcome| outcome.step);
        outcomes
    }

    fn phase(
        &self,
        lanes: &[Vec<&Step>],
        carry_out: &(impl Fn(&Step) -> Result<Done, Stop> + Sync),
        halted: &AtomicBool,
    ) -> Vec<Outcome> {
        let lane =
            |lane: &Vec<&Step>| -> Vec<Outcome> { lane.iter().map(|step| self.one(step, carry_out, halted)).collect() };
        if self.parallel <= 1 || lanes.len() <= 1 {
            return lanes.iter().flat_map(lane).collect();
        }
        let next = std::sync::atomic::AtomicUsize::new(0);
        let worker = || {
            let mut outcomes = Vec::new();
            while let Some(steps) = lanes.get(next.fetch_add(1, Ordering::SeqCst)) {
                outcomes.extend(lane(steps));
            }
            outcomes
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.parallel.min(lanes.len()))
                .map(|_| scope.spawn(worker))
                .collect();
            workers
                .into_iter()
                .flat_map(|worker| worker.join().unwrap_or_default())
                .collect()
        })
    }

    fn one(&self, step: &Step, carry_out: &impl Fn(&Step) -> Result<Done, Stop>, halted: &AtomicBool) -> Outcome {
        if halted.load(Ordering::SeqCst) || self.stop.load(Ordering::SeqCst) {
            return Outcome::of(step, Err(Stop::NotBegun));
        }
        let result = carry_out(step);
        if let Err(stop) = &result {
            halted.store(true, Ordering::SeqCst);
            // When the journal itself fails there is nowhere left to say so; the outcome does.
            let _ = self.keep(Event::Stopped {
                step: Some(step.number),
                why: stop.to_string(),
            });
        }
        Outcome::of(step, result)
    }

    fn apply_step(&self, step: &Step, standing: Standing) -> Result<Done, Stop> {
        let found = self.read(step)?;
        let there = self.is_there(step, standing, &found)?;
        let ours = matches!(standing, Standing::Intended | Standing::Done);
        if there && !ours {
            self.keep(Event::Passed {
                step: step.number,
                direction: Direction::Apply,
                why: "it was so already".to_owned(),
            })?;
        } else if !there {
            self.write(step, Direction::Apply, step.before.as_ref(), step.after.as_ref(), found)?;
        }
        let mut merged_again = 0;
        while !self.await_kept(step)? && merged_again < MERGED_AGAIN {
            merged_again += 1;
            let found = self.read(step)?;
            self.write(step, Direction::Apply, step.before.as_ref(), step.after.as_ref(), found)?;
        }
        if ours || !there {
            let request_id = self.verify(step, step.after.as_ref())?;
            self.keep(Event::Verified {
                step: step.number,
                direction: Direction::Apply,
                request_id,
            })?;
        }
        Ok(if there { Done::Already } else { Done::Written })
    }

    /// Waits for what the service does by itself; false when the entry that was written is gone. Just-in-time policies have
    /// no entity tag and a write replaces the whole list, so somebody who wrote at the same moment may have put back a list
    /// without it, knowing nothing of it.
    fn await_kept(&self, step: &Step) -> Result<bool, Stop> {
        let is_lost = || -> Result<bool, Stop> {
            if step.part.is_none() || projection::same(step.before.as_ref(), step.after.as_ref()) {
                return Ok(false);
            }
            let now = self.projected(step, &self.read(step)?);
            Ok(projection::same(now.as_ref(), step.before.as_ref()))
        };
        match self.await_while(step, true, || Ok(!is_lost()?))? {
            true => Ok(!is_lost()?),
            false => Ok(false),
        }
    }

    /// Whether the step is there already. What is neither as before nor as after has drifted.
    fn is_there(&self, step: &Step, standing: Standing, found: &Found) -> Result<bool, Stop> {
        let now = self.projected(step, found);
        if projection::same(now.as_ref(), step.after.as_ref()) {
            return Ok(true);
        }
        if standing != Standing::Done && projection::same(now.as_ref(), step.before.as_ref()) {
            return Ok(false);
        }
        Err(drift(step, now.as_ref()))
    }

    pub(super) fn projected(&self, step: &Step, found: &Found) -> Option<serde_json::Value> {
        let kind = projection::kind(&ResourceId::new(&step.target))?;
        projection::read(kind, step.part.as_deref(), found.document.as_ref())
    }

    pub(super) fn keep(&self, event: Event) -> Result<(), Stop> {
        let time = self.clock.now().to_string();
        self.record
            .keep(&time, event)
            .map_err(|error| Stop::NotKept(error.to_string()))
    }

    /// The target as it is once no earlier operation on it is in flight: one that a killed run began may still end.
    pub(super) fn read(&self, step: &Step) -> Result<Found, Stop> {
        let id = ResourceId::new(&step.target);
        let mut waited = Waited::default();
        loop {
            let found = self.get(step.number, &id, &step.api_version)?;
            if !is_moving(&found) {
                return Ok(found);
            }
            if waited.total >= self.patience {
                return Err(Stop::Fault(format!(
                    "`{}`: another operation on it does not end",
                    id.name()
                )));
            }
            self.wait(&mut waited, None);
        }
    }

    fn get(&self, step: u32, id: &ResourceId, api_version: &str) -> Result<Found, Stop> {
        let mut waited = Waited::default();
        loop {
            let found = self.service.get(id, api_version);
            let outcome = match &found {
                Ok(found) if found.document.is_some() => "is there".to_owned(),
                Ok(_) => "is not there".to_owned(),
                Err(fault) => fault.to_string(),
            };
            self.keep(Event::Read {
                step,
                target: id.as_str().to_owned(),
                outcome,
                request_id: match &found {
                    Ok(found) => found.request_id.clone(),
                    Err(fault) => fault.request_id().map(str::to_owned),
                },
            })?;
            match found {
                Ok(found) => return Ok(found),
                Err(fault) => self.pause_or_stop(&fault, &mut waited, id)?,
            }
        }
    }

    /// Waits as long as the service says, else a little longer each time.
    fn wait(&self, waited: &mut Waited, asked: Option<Duration>) {
        let doubled = self.pause.saturating_mul(1 << waited.times.min(16));
        let pause = asked.unwrap_or(doubled.min(LONGEST_PAUSE));
        self.clock.wait(pause);
        waited.times += 1;
        // A service that says `0` is not asked for ever.
        waited.total += pause.max(Duration::from_millis(1));
    }

    fn pause_or_stop(&self, fault: &Fault, waited: &mut Waited, id: &ResourceId) -> Result<(), Stop> {
        let asked = match fault {
            Fault::Busy { wait } => *wait,
            Fault::Lost(_) => None,
            Fault::Changed | Fault::Refused { .. } => return Err(stopped(fault, id)),
        };
        if waited.times + 1 >= ATTEMPTS {
            return Err(stopped(fault, id));
        }
        self.wait(waited, asked);
        Ok(())
    }

    /// Brings the target from `from` to `to`. After a lost answer or a changed entity tag the target is read again: what
    /// counts is what the service says it is.
    pub(super) fn write(
        &self,
        step: &Step,
        direction: Direction,
        from: Option<&serde_json::Value>,
        to: Option<&serde_json::Value>,
        mut found: Found,
    ) -> Result<(), Stop> {
        let id = ResourceId::new(&step.target);
        let mut waited = Waited::default();
        loop {
            let call = Call::of(step, &id, to, &found)?;
            self.keep(Event::Intended {
                step: step.number,
                direction,
                found: self.projected(step, &found),
                wanted: to.cloned(),
                request: call.words(&id),
                body: call.body.as_ref().map(digest::of),
            })?;
            let fault = match self.ask(step, &id, &call) {
                Ok(()) => return Ok(()),
                Err(Asked::Stop(stop)) => return Err(stop),
                Err(Asked::Fault(fault)) => fault,
            };
            match &fault {
                Fault::Changed if waited.times + 1 < ATTEMPTS => waited.times += 1,
                fault => self.pause_or_stop(fault, &mut waited, &id)?,
            }
            found = self.read(step)?;
            let now = self.projected(step, &found);
            if projection::same(now.as_ref(), to) {
                return Ok(());
            }
            if !projection::same(now.as_ref(), from) {
                return Err(drift(step, now.as_ref()));
            }
        }
    }

    /// One write with its long operation.
    fn ask(&self, step: &Step, id: &ResourceId, call: &Call) -> Result<(), Asked> {
        let answer = match &call.body {
            Some(body) => self.service.put(id, &step.api_version, body, call.condition()),
            None => self.service.delete(id, &step.api_version, call.condition()),
        };
        let reply = self.answered(step.number, call.method, answer)?;
        self.follow(step.number, reply).map(|_| ())
    }

    /// Asks about a long operation until it has ended; the last answer.
    fn follow(&self, step: u32, mut reply: Reply) -> Result<Reply, Asked> {
        let (mut waited, mut lost) = (Waited::default(), 0);
        while let Progress::Running { operation, wait } = reply.progress {
            if waited.total >= LONGEST_OPERATION || lost >= ATTEMPTS {
                let why = "a long operation has not ended, or nobody says so";
                return Err(Asked::Fault(Fault::Lost(why.to_owned())));
            }
            self.wait(&mut waited, wait);
            reply = match self.answered(step, "poll", self.service.poll(&operation)) {
                // Asking harms nobody.
                Err(Asked::Fault(fault @ (Fault::Busy { .. } | Fault::Lost(_)))) => {
                    lost += u32::from(matches!(fault, Fault::Lost(_)));
                    let wait = fault.wait();
                    Reply {
                        progress: Progress::Running { operation, wait },
                        ..Reply::done(None)
                    }
                }
                answered => answered?,
            };
        }
        Ok(reply)
    }

    /// An action on a resource, asked for once, with its long operation; between two lines of the journal. After a lost
    /// answer the caller must find out what became of it.
    pub fn act(
        &self,
        step: u32,
        id: &ResourceId,
        action: &str,
        api_version: &str,
        body: &serde_json::Value,
    ) -> Result<Reply, Stop> {
        let mut waited = Waited::default();
        loop {
            self.keep(Event::Intended {
                step,
                direction: Direction::Apply,
                found: None,
                wanted: Some(body.clone()),
                request: format!("POST {}/{action}", id.as_str()),
                body: Some(digest::of(body)),
            })?;
            let answer = self.service.act(id, action, api_version, body);
            match self
                .answered(step, action, answer)
                .and_then(|reply| self.follow(step, reply))
            {
                Ok(reply) => return Ok(reply),
                Err(Asked::Stop(stop)) => return Err(stop),
                Err(Asked::Fault(fault @ Fault::Busy { .. })) => self.pause_or_stop(&fault, &mut waited, id)?,
                Err(Asked::Fault(fault)) => return Err(stopped(&fault, id)),
            }
        }
    }

    /// Writes down what came back.
    fn answered(&self, step: u32, call: &str, answer: Result<Reply, Fault>) -> Result<Reply, Asked> {
        let (outcome, request_id) = match &answer {
            Ok(reply) => {
                let outcome = if reply.progress == Progress::Done {
                    "done"
                } else {
                    "running"
                };
                (outcome.to_owned(), reply.request_id.clone())
            }
            Err(fault) => (fault.to_string(), fault.request_id().map(str::to_owned)),
        };
        let event = Event::Answered {
            step,
            call: call.to_owned(),
            outcome,
            request_id,
        };
        self.keep(event).map_err(Asked::Stop)?;
        answer.map_err(Asked::Fault)
    }

    /// A fresh reading says what was wanted; the answer's request id.
    pub(super) fn verify(&self, step: &Step, wanted: Option<&serde_json::Value>) -> Result<Option<String>, Stop> {
        let found = self.read(step)?;
        let now = self.projected(step, &found);
        if projection::same(now.as_ref(), wanted) {
            return Ok(found.request_id);
        }
        Err(drift(step, now.as_ref()))
    }

    /// Waits until the Deny rules of just-in-time access are there, or gone.
    pub(super) fn await_expected(&self, step: &Step, present: bool) -> Result<(), Stop> {
        self.await_while(step, present, || Ok(true)).map(|_| ())
    }

    /// The same as long as something holds; false when it no longer does.
    fn await_while(&self, step: &Step, present: bool, still: impl Fn() -> Result<bool, Stop>) -> Result<bool, Stop> {
        let mut waited = Waited::default();
        for expected in &step.expects {
            while self.holds(step.number, expected, present)? != present {
                if waited.total >= self.patience {
                    return Err(Stop::Fault(unseen(expected, present)));
                }
                // What was asked for is done; only the service is awaited.
                if self.stop.load(Ordering::SeqCst) {
                    return Err(Stop::Fault(
                        "stopped while just-in-time access was at work; the same command continues".to_owned(),
                    ));
                }
                if !still()? {
                    return Ok(false);
                }
                self.wait(&mut waited, None);
            }
        }
        Ok(true)
    }

    /// Whether every port is denied (or, for those that go, any still is).
    fn holds(&self, step: u32, expected: &Expected, all: bool) -> Result<bool, Stop> {
        let group = ResourceId::new(&expected.group);
        let version = projection::api_version(projection::Kind::SecurityRule);
        let found = self.get(step, &group, version)?;
        let rules = found
            .document
            .as_ref()
            .and_then(|group| super::documents::property(group, "securityRules"));
        let rules: Vec<_> = rules
            .and_then(serde_json::Value::as_array)
            .into_iter()
            .flatten()
            .collect();
        let denied = |port: &u16| {
            rules
                .iter()
                .any(|rule| is_jit(rule) && effect::denies(rule, &expected.address, *port))
        };
        Ok(if all {
            expected.ports.iter().all(denied)
        } else {
            expected.ports.iter().any(denied)
        })
    }
}

/// Whether the service is still at work on it.
fn is_moving(found: &Found) -> bool {
    let document = found.document.as_ref();
    let state = document.and_then(|document| super::documents::property(document, "provisioningState"));
    let state = state.and_then(serde_json::Value::as_str);
    state.is_some_and(|state| {
        ["updating", "deleting", "creating", "accepted", "running"]
            .iter()
            .any(|moving| state.eq_ignore_ascii_case(moving))
    })
}

fn is_jit(rule: &serde_json::Value) -> bool {
    let name = super::documents::member(rule, "name").and_then(serde_json::Value::as_str);
    name.is_some_and(|name| crate::rule::facts::JitRuleName::parse(name).is_some())
}

/// One write, ready to be sent.
struct Call {
    method: &'static str,
    /// Of a PUT; a DELETE has none.
    body: Option<serde_json::Value>,
    tag: Option<String>,
    /// The thing must not exist yet.
    makes: bool,
}

impl Call {
    fn of(step: &Step, id: &ResourceId, to: Option<&serde_json::Value>, found: &Found) -> Result<Call, Stop> {
        let write = projection::write(id, step.part.as_deref(), found.document.as_ref(), to);
        let (method, body) = match write {
            Some(Write::Put(body)) => ("PUT", Some(body)),
            Some(Write::Delete) => ("DELETE", None),
            None => {
                return Err(Stop::Fault(format!(
                    "`{}` is no resource that a plan may change",
                    step.target
                )));
            }
        };
        Ok(Call {
            method,
            makes: found.document.is_none() && body.is_some() && projection::has_tags(id),
            body,
            tag: found.etag.clone(),
        })
    }

    fn condition(&self) -> Condition<'_> {
        match &self.tag {
            Some(tag) => Condition::Tag(tag),
            None if self.makes => Condition::Absent,
            None => Condition::Always,
        }
    }

    fn words(&self, id: &ResourceId) -> String {
        format!("{} {}", self.method, id.as_str())
    }
}

/// How often and how long something was waited for.
#[derive(Default)]
struct Waited {
    times: u32,
    total: Duration,
}

enum Asked {
    Stop(Stop),
    Fault(Fault),
}

fn unseen(expected: &Expected, present: bool) -> String {
    let group = expected.group.rsplit('/').next().unwrap_or_default();
    let (what, then) = if present {
        (
            "has not written its Deny rule",
            "nothing was closed; see the policy in the portal, then run apply again",
        )
    } else {
        ("has not taken its Deny rule away", "see the policy in the portal")
    };
    format!(
        "just-in-time access {what} for {} into group `{group}` in time; {then}",
        expected.address
    )
}

fn stopped(fault: &Fault, id: &ResourceId) -> Stop {
    let said = format!("`{}`: {fault}", id.name());
    match fault {
        // Whoever may not do this may do nothing else of the kind.
        Fault::Refused {
            status: 400 | 404..=499,
            ..
        } => Stop::Refused(said),
        _ => Stop::Fault(said),
    }
}

pub(super) fn drift(step: &Step, now: Option<&serde_json::Value>) -> Stop {
    let target = step.target.rsplit('/').next().unwrap_or_default().to_owned();
    let what = match (now, &step.before) {
        (None, _) => "it does not exist".to_owned(),
        (Some(_), None) => "it exists and is not what the plan would make".to_owned(),
        (Some(now), Some(before)) => differing(before, now),
    };
    Stop::Drift { target, what }
}

/// The members by which two projections differ.
fn differing(a: &serde_json::Value, b: &serde_json::Value) -> String {
    let members = [a, b]
        .into_iter()
        .filter_map(serde_json::Value::as_object)
        .flat_map(|members| members.keys());
    let differs =
        |name: &&String| !projection::same(super::documents::member(a, name), super::documents::member(b, name));
    let mut names: Vec<String> = members.filter(differs).map(|name| format!("`{name}`")).collect();
    names.sort();
    names.dedup();
    format!("{} changed", names.join(", "))
}

/// Steps by lane, in the order of the plan.
fn lanes<'s>(steps: &[&'s Step]) -> Vec<Vec<&'s Step>> {
    let mut lanes: Vec<(String, Vec<&Step>)> = Vec::new();
    for step in steps {
        let lane = step.lane.to_ascii_lowercase();
        match lanes.iter_mut().find(|(known, _)| *known == lane) {
            Some((_, steps)) => steps.push(step),
            None => lanes.push((lane, vec![step])),
        }
    }
    lanes.into_iter().map(|(_, steps)| steps).collect()
}

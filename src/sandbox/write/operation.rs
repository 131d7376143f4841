//! Operations that take a while: they are announced with a link, run on the sandbox's clock, and are polled.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{holder_of, set_state};
use crate::model::ResourceId;
use crate::sandbox::activity::Cause;
use crate::sandbox::answer::{Answer, Refusal, Reply};
use crate::sandbox::arm::Address;
use crate::sandbox::call::Call;
use crate::sandbox::clock::azure_time;
use crate::sandbox::jit;
use crate::sandbox::state::State;
use crate::sandbox::store::key;

/// Finished operations that can still be asked about.
const REMEMBERED: usize = 10_000;

/// What the end of an operation brings about.
#[derive(Clone, Debug)]
pub enum Done {
    Written(String),
    Deleted(String),
    /// A just-in-time policy was taken in.
    PolicyWritten(String, Cause),
}

#[derive(Clone, Debug)]
pub struct Operation {
    pub id: String,
    /// Key of the resource that must not be written meanwhile.
    pub holder: String,
    pub started: Timestamp,
    pub due: Timestamp,
    pub done: Done,
    pub finished: bool,
}

#[derive(Debug, Default)]
pub struct Operations {
    /// By number, so that the oldest come first.
    all: BTreeMap<u64, Operation>,
    count: u64,
}

impl Operations {
    pub fn running_on(&self, holder: &str) -> Option<&Operation> {
        let below = format!("{holder}/");
        self.all
            .values()
            .find(|running| !running.finished && (running.holder == holder || running.holder.starts_with(&below)))
    }

    fn find(&self, id: &str) -> Option<&Operation> {
        self.all
            .values()
            .find(|operation| operation.id.eq_ignore_ascii_case(id))
    }

    fn add(&mut self, operation: Operation) {
        self.all.insert(self.count, operation);
        while self.all.len() > REMEMBERED {
            self.all.pop_first();
        }
    }
}

/// Begins an operation on a resource.
pub fn start(state: &mut State, id: &str, done: Done) -> Operation {
    state.operations.count += 1;
    let takes = SignedDuration::try_from(state.options.operation).unwrap_or(SignedDuration::ZERO);
    let operation = Operation {
        id: format!("00000000-0000-4000-9000-{:012x}", state.operations.count),
        holder: holder_of(state, id),
        started: state.now(),
        due: state.now().saturating_add(takes).unwrap_or(Timestamp::MAX),
        done,
        finished: false,
    };
    state.operations.add(operation.clone());
    operation
}

/// Ends the operations whose time has come.
pub fn settle(state: &mut State) {
    let now = state.now();
    let due: Vec<u64> = state
        .operations
        .all
        .iter()
        .filter(|(_, operation)| !operation.finished && operation.due <= now)
        .map(|(number, _)| *number)
        .collect();
    for number in due {
        let Some(operation) = state.operations.all.get_mut(&number) else {
            continue;
        };
        operation.finished = true;
        match operation.done.clone() {
            Done::Written(id) => set_state(state, &id, "Succeeded"),
            Done::Deleted(id) => state.store.remove(&id),
            Done::PolicyWritten(id, cause) => jit::settle_policy(state, &id, &cause),
        }
    }
}

fn location(state: &State, holder: &str) -> String {
    let found = state.store.own(holder);
    let stated = found.and_then(|found| found.body.get("location")?.as_str());
    stated.unwrap_or("westeurope").to_owned()
}

fn uri(call: &Call, operation: &Operation, kind: &str, location: &str) -> String {
    let id = ResourceId::new(&operation.holder);
    let namespace = id.resource_type();
    let namespace = match namespace.split('/').next() {
        Some("microsoft.compute") => "Microsoft.Compute",
        _ => "Microsoft.Network",
    };
    let version = call.query("api-version").unwrap_or("2024-05-01");
    format!(
        "{}/subscriptions/{}/providers/{namespace}/locations/{location}/{kind}/{}?api-version={version}",
        call.origin,
        id.subscription(),
        operation.id
    )
}

/// Where the state of an operation can be asked for.
pub fn status_uri(call: &Call, operation: &Operation) -> String {
    uri(call, operation, "operations", "westeurope")
}

/// Adds the links that a client polls.
pub fn announce(state: &State, call: &Call, answer: Answer, operation: &Operation, with_location: bool) -> Answer {
    let location = location(state, &operation.holder);
    let mut answer = answer
        .with("azure-asyncoperation", uri(call, operation, "operations", &location))
        .with("retry-after", retry_after(state).to_string());
    if with_location {
        answer = answer.with("location", uri(call, operation, "operationResults", &location));
    }
    answer
}

/// Whole seconds, as the header wants them; none where operations take next to no time.
fn retry_after(state: &State) -> u64 {
    state.options.operation.as_secs_f64().ceil() as u64
}

/// `GET .../locations/{location}/operations/{id}` and `operationResults`.
pub fn poll(state: &mut State, _: &Call, address: &Address) -> Reply {
    let id = address.last().to_owned();
    let is_status = address
        .tail
        .get(2)
        .is_some_and(|kind| kind.eq_ignore_ascii_case("operations"));
    let Some(operation) = state.operations.find(&id) else {
        let message = format!("The operation '{id}' was not found.");
        return Err(Refusal::new(404, "OperationNotFound", message));
    };
    let status = if operation.finished { "Succeeded" } else { "InProgress" };
    let wait = retry_after(state).to_string();
    if is_status {
        let mut body = json!({ "name": id, "status": status, "startTime": azure_time(operation.started) });
        if let (true, Some(object)) = (operation.finished, body.as_object_mut()) {
            object.insert("endTime".to_owned(), json!(azure_time(operation.due)));
        }
        let answer = Answer::ok(body);
        return Ok(if operation.finished {
            answer
        } else {
            answer.with("retry-after", wait)
        });
    }
    if !operation.finished {
        return Ok(Answer::empty(202).with("retry-after", wait));
    }
    match &operation.done {
        Done::Deleted(_) => Ok(Answer::empty(204)),
        Done::Written(id) | Done::PolicyWritten(id, _) => Ok(super::shown(state, &key(id), 200)),
    }
}

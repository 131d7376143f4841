//! `/_sandbox/...`: the clock, the faults and the log, for people and tests. Not a part of Azure, and needs no token.

use axum::http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::answer::{Answer, Refusal, Reply};
use super::call::Call;
use super::clock::azure_time;
use super::fault::Faults;
use super::state::State;

pub fn answer(state: &mut State, call: &Call) -> Reply {
    let segments = call.segments();
    match (&call.method, segments.get(1..).unwrap_or_default()) {
        (&Method::GET, ["status"]) => Ok(status(state)),
        (&Method::GET, ["calls"]) => Ok(Answer::ok(json!({ "calls": state.calls, "recent": state.recent }))),
        (&Method::POST, ["clock"]) => advance(state, call),
        (&Method::PUT, ["faults"]) => set_faults(state, call),
        (&Method::DELETE, ["faults"]) => {
            state.faults = Faults::default();
            Ok(status(state))
        }
        _ => Err(Refusal::new(
            404,
            "NotFound",
            "There are GET /_sandbox/status, GET /_sandbox/calls, POST /_sandbox/clock, PUT and DELETE /_sandbox/faults.",
        )),
    }
}

fn status(state: &State) -> Answer {
    Answer::ok(json!({
        "now": azure_time(state.now()),
        "tenant": state.store.tenant,
        "client": state.options.identity.client,
        "subscriptions": state.store.subscriptions.values().map(|found| &found.id).collect::<Vec<_>>(),
        "resources": state.store.len(),
        "calls": state.calls,
        "faults": state.faults.shown(),
    }))
}

/// `{"advance": "PT3H"}`.
fn advance(state: &mut State, call: &Call) -> Reply {
    let body = call.json()?;
    let stated = body.get("advance").and_then(Value::as_str).unwrap_or_default();
    let by: SignedDuration = stated.parse().map_err(|_| {
        Refusal::bad(
            "InvalidDuration",
            format!("'{stated}' is no duration; send {{\"advance\": \"PT3H\"}}."),
        )
    })?;
    state.clock.advance(by);
    state.settle();
    Ok(status(state))
}

/// `{"faults": ["throttle@3"]}` in place of those before.
fn set_faults(state: &mut State, call: &Call) -> Reply {
    let body = call.json()?;
    let listed = body
        .get("faults")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let faults = listed
        .iter()
        .map(|text| text.as_str().unwrap_or_default().parse())
        .collect::<Result<Vec<_>, String>>()
        .map_err(|message| Refusal::bad("InvalidFault", message))?;
    state.faults = Faults::new(faults);
    Ok(status(state))
}

//! `DELETE`: nothing that is in use, and nothing twice.

use serde_json::Value;

use super::body::check_unused;
use super::{Done, check_idle, check_version, operation, set_state, start};
use crate::sandbox::answer::{Answer, Refusal, Reply};
use crate::sandbox::arm::Address;
use crate::sandbox::call::Call;
use crate::sandbox::kind::{Kind, kept_in};
use crate::sandbox::state::State;
use crate::sandbox::store::items;

pub fn answer(state: &mut State, call: &Call, address: &Address, kind: &'static Kind) -> Reply {
    let id = address.id();
    check_version(state, call, &id)?;
    if !state.store.exists(&id) {
        return Ok(Answer::empty(204));
    }
    check_idle(state, call, &id)?;
    check_all_unused(state, &id, kind)?;
    state.touched(&address.subscription);
    if !kind.long_running {
        state.store.remove(&id);
        return Ok(Answer::empty(200));
    }
    set_state(state, &id, "Deleting");
    let operation = start(state, &id, Done::Deleted(id.clone()));
    Ok(operation::announce(state, call, Answer::empty(202), &operation, true))
}

/// The resource and what would go with it.
fn check_all_unused(state: &State, id: &str, kind: &Kind) -> Result<(), Refusal> {
    check_unused(state, id)?;
    let Some(found) = state.store.own(id) else {
        return Ok(());
    };
    for (_, member) in kept_in(kind.name) {
        for item in items(&found.body, member) {
            check_unused(state, item.get("id").and_then(Value::as_str).unwrap_or_default())?;
        }
    }
    Ok(())
}

//! Management locks, which hold for the scope that they are set on and for everything below it.

use axum::http::Method;
use serde_json::Value;

use crate::sandbox::answer::Refusal;
use crate::sandbox::call::Call;
use crate::sandbox::state::State;
use crate::sandbox::store::key;

/// Refuses a write or a deletion that a lock forbids.
pub fn check(state: &State, call: &Call, id: &str) -> Result<(), Refusal> {
    let target = key(id);
    let is_delete = call.is(&Method::DELETE);
    let lock = state
        .store
        .of_type_anywhere("microsoft.authorization/locks")
        .find_map(|lock| {
            let scope = lock.id.extended()?;
            let scope_key = key(scope.as_str());
            let level = lock.body.pointer("/properties/level").and_then(Value::as_str)?;
            let holds = target == scope_key || target.starts_with(&format!("{scope_key}/"));
            let forbids = level.eq_ignore_ascii_case("ReadOnly") || is_delete;
            // A lock can be taken off under its own lock.
            (holds && forbids && !target.contains("/providers/microsoft.authorization/locks/")).then_some(scope)
        });
    let Some(scope) = lock else { return Ok(()) };
    let verb = if is_delete { "delete" } else { "write" };
    let message = format!(
        "The scope '{id}' cannot perform {verb} operation because following scope(s) are locked: '{scope}'. Please \
         remove the lock and try again."
    );
    Err(Refusal::new(409, "ScopeLocked", message))
}

//! `Microsoft.Authorization/permissions`: what the identity may do at a scope, one entry for each assignment.

use serde_json::{Value, json};

use crate::sandbox::answer::{Answer, Refusal, Reply};
use crate::sandbox::arm::Address;
use crate::sandbox::call::Call;
use crate::sandbox::kind::KINDS;
use crate::sandbox::state::State;
use crate::sandbox::store::key;

/// Without the types that the recording or a fault refuses.
pub fn permissions(state: &mut State, _: &Call, address: &Address) -> Reply {
    let subscription = &address.subscription;
    if state.is_refused(subscription, "*") {
        let action = "Microsoft.Authorization/permissions/read";
        let client = &state.options.identity.client;
        return Err(Refusal::forbidden(client, action, &address.scope));
    }
    let refused = KINDS.iter().filter(|kind| state.is_refused(subscription, kind.name));
    let refused: Vec<String> = refused.map(|kind| format!("{}/*", kind.name)).collect();
    let scope = key(&address.scope);
    let here = state.rights.0.iter().filter(|grant| grant.reach.covers(&scope));
    let shown = here.map(|grant| {
        let not: Vec<&String> = grant.not_actions.iter().chain(&refused).collect();
        json!({ "actions": grant.actions, "notActions": not, "dataActions": [], "notDataActions": [] })
    });
    Ok(Answer::ok(json!({ "value": shown.collect::<Vec<Value>>() })))
}

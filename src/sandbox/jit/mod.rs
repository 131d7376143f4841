//! Just-in-time access as Defender for Cloud runs it: policies, the deny rules that they put into security groups,
//! requests that open a port for a while, and their end. `rule` makes the rules, `check` refuses what the service does.

mod check;
mod firewall;
mod place;
mod request;
mod rule;

use std::collections::BTreeSet;

use serde_json::{Value, json};

pub use firewall::{admitted, is_guarded};
pub use place::place;
pub use request::{Opening, expire, initiate};

use super::activity::{Cause, note_service};
use super::answer::{Answer, Refusal, Reply};
use super::arm::Address;
use super::call::Call;
use super::state::State;
use super::store::{items, properties_mut};
use super::write::{Done, lock, shown, start};

pub const TYPE: &str = "Microsoft.Security/locations/jitNetworkAccessPolicies";

/// `PUT`: the list replaces the one before; history stays where the client leaves it out.
pub fn put(state: &mut State, call: &Call, address: &Address) -> Reply {
    let stated = call.json()?;
    let id = address.id();
    check::location(address)?;
    lock::check(state, call, &id)?;
    let before = listed(state, &id);
    let machines = check::policy(state, address, &stated, &before)?;
    let history = history(state, &id, &stated);
    let location = address.tail.get(1).cloned().unwrap_or_default();
    let body = json!({
        "id": id,
        "name": address.last(),
        "type": TYPE,
        "location": location.to_ascii_lowercase(),
        "kind": stated.get("kind").cloned().unwrap_or_else(|| json!("Basic")),
        "properties": {
            "virtualMachines": machines,
            "requests": history,
            "provisioningState": "Updating",
            "appendMode": false,
        },
    });
    state.store.put(&id, body);
    let cause = Cause::of(call);
    for machine in before.difference(&listed(state, &id)) {
        request::close_all(state, &id, machine, &cause);
    }
    start(state, &id, Done::PolicyWritten(id.clone(), cause));
    state.touched(&address.subscription);
    Ok(shown(state, &id, 200))
}

/// What the client sends of the history is kept only where the service knew it already.
fn history(state: &State, id: &str, stated: &Value) -> Value {
    let known = state
        .store
        .own(id)
        .and_then(|policy| policy.body.get("properties")?.get("requests"));
    match known {
        Some(known) => known.clone(),
        None => {
            let sent = stated
                .get("properties")
                .and_then(|properties| properties.get("requests"));
            sent.filter(|sent| sent.is_array())
                .cloned()
                .unwrap_or_else(|| json!([]))
        }
    }
}

/// `DELETE`: the rules go with the policy.
pub fn delete(state: &mut State, call: &Call, address: &Address) -> Reply {
    let id = address.id();
    lock::check(state, call, &id)?;
    if !state.store.exists(&id) {
        return Ok(Answer::empty(204));
    }
    let cause = Cause::of(call);
    for machine in listed(state, &id) {
        request::close_all(state, &id, &machine, &cause);
        rule::withdraw(state, &id, &machine, None, &cause);
    }
    state.store.remove(&id);
    state.touched(&address.subscription);
    Ok(Answer::empty(200))
}

/// The machines of a policy, in lower case.
fn listed(state: &State, id: &str) -> BTreeSet<String> {
    let policy = state.store.own(id);
    let machines = policy.iter().flat_map(|policy| items(&policy.body, "virtualMachines"));
    machines
        .filter_map(|machine| machine.get("id").and_then(Value::as_str))
        .map(str::to_ascii_lowercase)
        .collect()
}

/// Once a policy has been taken in, the groups of its machines have its rules and no others of it.
pub fn settle_policy(state: &mut State, id: &str, cause: &Cause) {
    let Some(policy) = state.store.own(id) else { return };
    let machines: Vec<Value> = items(&policy.body, "virtualMachines").cloned().collect();
    let now = listed(state, id);
    for machine in rule::machines_of(state, id) {
        if !now.contains(&machine) {
            rule::withdraw(state, id, &machine, None, cause);
        }
    }
    for machine in &machines {
        rule::deny(state, id, machine, cause);
    }
    state.store.change(id, |policy| {
        if let Some(properties) = properties_mut(policy) {
            properties.insert("provisioningState".to_owned(), json!("Succeeded"));
        }
    });
    note_service(state, &format!("{TYPE}/write"), id, cause, None);
}

fn not_found(address: &Address) -> Refusal {
    let message = format!("Policy '{}' was not found.", address.parent().last());
    Refusal::new(404, "PolicyNotFound", message)
}

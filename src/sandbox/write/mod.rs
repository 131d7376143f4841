//! Writes: what Azure Resource Manager and the network service check before they take one, and what they make of it.
//! Knows no just-in-time policies; those are in `jit`.

mod body;
mod delete;
mod form;
pub mod lock;
mod operation;
mod security_rule;

use axum::http::Method;
use serde_json::{Value, json};

pub use operation::{Done, Operations, poll, settle, start};

use super::answer::{Answer, Refusal, Reply};
use super::arm::Address;
use super::call::Call;
use super::kind::{Kind, kind};
use super::state::State;
use super::store::{Store, home_of, key};

/// `PUT`, `PATCH` and `DELETE` of a resource.
pub fn answer(state: &mut State, call: &Call, address: &Address) -> Reply {
    let Some(kind) = kind(&address.resource_type()).filter(|_| address.is_instance()) else {
        super::arm::known_type(address)?;
        return Err(Refusal::method_not_allowed(call.method.as_str()));
    };
    check_writable(state, call, address, kind)?;
    lock::check(state, call, &address.id())?;
    match call.method {
        Method::PUT => put(state, call, address, kind),
        Method::PATCH => patch(state, call, address),
        Method::DELETE => delete::answer(state, call, address, kind),
        _ => Err(Refusal::method_not_allowed(call.method.as_str())),
    }
}

/// What the identity may not write, and what nobody writes.
fn check_writable(state: &State, call: &Call, address: &Address, kind: &Kind) -> Result<(), Refusal> {
    let verb = if call.is(&Method::DELETE) { "delete" } else { "write" };
    if state.is_refused(&address.subscription, kind.name) {
        let action = format!("{}/{verb}", kind.name);
        let client = &state.options.identity.client;
        return Err(Refusal::forbidden(client, &action, &address.id()));
    }
    if ["defaultSecurityRules", "ipConfigurations", "assessments"]
        .contains(&kind.name.rsplit('/').next().unwrap_or_default())
    {
        return Err(Refusal::method_not_allowed(call.method.as_str()));
    }
    Ok(())
}

/// The version that the client has seen must be the present one.
pub fn check_version(state: &State, call: &Call, id: &str) -> Result<(), Refusal> {
    let present = state.store.find(id).map(|found| Store::etag(found.holder.revision));
    let failed = |message: String| Err(Refusal::new(412, "PreconditionFailed", message));
    if let Some(wanted) = call.header("if-match").filter(|wanted| *wanted != "*") {
        let Some(present) = &present else {
            return failed(format!("Precondition failed. The resource '{id}' does not exist."));
        };
        if wanted != present {
            return failed(format!(
                "Precondition failed. Etag provided in if-match header {wanted} does not match etag {present} of the resource {id}."
            ));
        }
    }
    if call.header("if-match") == Some("*") && present.is_none() {
        return failed(format!("Precondition failed. The resource '{id}' does not exist."));
    }
    if call.header("if-none-match") == Some("*") && present.is_some() {
        return failed(format!("Precondition failed. The resource '{id}' exists."));
    }
    Ok(())
}

/// One write after another on one resource.
pub fn check_idle(state: &State, call: &Call, id: &str) -> Result<(), Refusal> {
    let Some(running) = state.operations.running_on(&holder_of(state, id)) else {
        return Ok(());
    };
    let uri = operation::status_uri(call, running);
    let message = format!(
        "Another operation on this or dependent resource is in progress. To retrieve status of the operation use uri: \
         {uri}."
    );
    Err(Refusal::new(409, "AnotherOperationInProgress", message))
}

/// The key of the resource that is kept by itself: a rule's group, a subnet's network.
pub fn holder_of(state: &State, id: &str) -> String {
    match home_of(id).filter(|(holder, _, _)| state.store.own(holder).is_some()) {
        Some((holder, _, _)) => key(&holder),
        None => key(id),
    }
}

fn check_parent(state: &State, address: &Address) -> Result<(), Refusal> {
    if address.tail.len() <= 2 || !address.is_namespace("Microsoft.Network") {
        return Ok(());
    }
    let mut parent = address.parent();
    parent.tail.pop();
    if state.store.exists(&parent.id()) {
        return Ok(());
    }
    let message = format!(
        "Can not perform requested operation on nested resource. Parent resource '{}' not found.",
        parent.last()
    );
    Err(Refusal::new(404, "ParentResourceNotFound", message))
}

fn put(state: &mut State, call: &Call, address: &Address, kind: &'static Kind) -> Reply {
    let id = address.id();
    let stated = call.json()?;
    form::check(address, kind, &stated)?;
    check_parent(state, address)?;
    body::check_location(state, address, kind, &stated)?;
    check_version(state, call, &id)?;
    check_idle(state, call, &id)?;
    let existed = state.store.exists(&id);
    let body = body::made(state, &id, kind, stated);
    body::check(state, &id, kind, &body)?;
    state.store.put(&id, body);
    state.touched(&address.subscription);
    let status = if existed { 200 } else { 201 };
    if !kind.long_running {
        set_state(state, &id, "Succeeded");
        return Ok(shown(state, &id, status));
    }
    let operation = start(state, &id, Done::Written(id.clone()));
    let answer = shown(state, &id, status);
    Ok(operation::announce(state, call, answer, &operation, false))
}

/// Tags are all that `PATCH` changes.
fn patch(state: &mut State, call: &Call, address: &Address) -> Reply {
    let id = address.id();
    let stated = call.json()?;
    let Some(found) = state.store.find(&id) else {
        let resource_type = address.resource_type();
        return Err(Refusal::resource_not_found(
            &resource_type,
            address.last(),
            &address.group,
        ));
    };
    let id = found.body.get("id").and_then(Value::as_str).unwrap_or(&id).to_owned();
    let other = stated
        .as_object()
        .and_then(|body| body.keys().find(|name| *name != "tags"));
    if let Some(other) = other {
        let message = format!("The sandbox changes tags only with PATCH, not '{other}'; send the whole with PUT.");
        return Err(Refusal::bad("InvalidRequestContent", message));
    }
    check_version(state, call, &id)?;
    let tags = stated.get("tags").cloned().unwrap_or_else(|| json!({}));
    state.store.change_any(&id, |body| {
        if let Some(object) = body.as_object_mut() {
            object.insert("tags".to_owned(), tags);
        }
    });
    Ok(shown(state, &id, 200))
}

pub fn set_state(state: &mut State, id: &str, to: &str) {
    state
        .store
        .change_any(id, |body| body::set_provisioning_state(body, to));
}

/// The resource as it is now.
pub fn shown(state: &State, id: &str, status: u16) -> Answer {
    match state.store.find(id) {
        Some(found) => Answer::json(status, Store::rendered(&found)),
        None => Answer::empty(status),
    }
}

//! Azure Resource Manager: which path is answered by what. Tokens have been checked by then.

mod action;
mod address;
mod list;
mod scope;

use axum::http::Method;

pub use address::Address;
pub use list::page;

use super::activity;
use super::answer::{Answer, Refusal, Reply};
use super::call::Call;
use super::graph;
use super::kind::{kind, knows_namespace};
use super::state::State;
use super::store::Store;
use super::write;

/// Answers a call whose token is good.
pub fn answer(state: &mut State, call: &Call) -> Reply {
    check_version(call)?;
    let address = Address::parse(&call.path);
    if address.is_namespace("Microsoft.ResourceGraph") && call.is(&Method::POST) {
        state.limits.take_query()?;
        return graph::query(state, call);
    }
    let subscription = address.subscription.to_ascii_lowercase();
    // Calls about nobody's subscription share one budget with those of the tenant.
    let known = state.store.subscriptions.contains_key(&subscription);
    let left = state
        .limits
        .take(if known { &subscription } else { "" }, &call.method)?;
    let answer = dispatch(state, call, &address)?;
    Ok(match left {
        Some((header, left)) => answer.with(header, left.to_string()),
        None => answer,
    })
}

fn dispatch(state: &mut State, call: &Call, address: &Address) -> Reply {
    if address.namespace.is_empty() || address.is_namespace("Microsoft.Management") {
        return scope::answer(state, call, address);
    }
    check_scope(state, address)?;
    let reply = serve(state, call, address);
    match &reply {
        // What an action does, it notes itself.
        Ok(_) if call.is(&Method::POST) => {}
        Ok(answer) => activity::note(state, call, address, answer.status),
        Err(refusal) => activity::note_refused(state, call, address, refusal),
    }
    reply
}

fn serve(state: &mut State, call: &Call, address: &Address) -> Reply {
    check_role(state, call, address)?;
    if let Some(reply) = action::answer(state, call, address) {
        return reply;
    }
    if !knows_namespace(&address.namespace) {
        let message = format!("The resource namespace '{}' is invalid.", address.namespace);
        return Err(Refusal::new(404, "InvalidResourceNamespace", message));
    }
    match call.method {
        Method::GET if address.is_instance() => get(state, address),
        Method::HEAD if address.is_instance() => {
            check_read(state, address)?;
            let exists = state.store.exists(&address.id());
            Ok(Answer::empty(if exists { 204 } else { 404 }))
        }
        Method::GET => list::answer(state, call, address),
        _ => write::answer(state, call, address),
    }
}

/// Who writes or acts must have been given the action.
fn check_role(state: &State, call: &Call, address: &Address) -> Result<(), Refusal> {
    match activity::operation(call, address) {
        Some((operation, target)) if !state.rights.allow(&operation, &target.id()) => {
            let client = &state.options.identity.client;
            Err(Refusal::forbidden(client, &operation, &target.id()))
        }
        _ => Ok(()),
    }
}

/// Every call says which version it speaks.
fn check_version(call: &Call) -> Result<(), Refusal> {
    let Some(version) = call.query("api-version").filter(|version| !version.is_empty()) else {
        let message = "The api-version query parameter (?api-version=) is required for all requests.";
        return Err(Refusal::bad("MissingApiVersionParameter", message));
    };
    let mut parts = version.splitn(4, '-');
    let digits = |part: Option<&str>, count: usize| {
        part.is_some_and(|part| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let dated = digits(parts.next(), 4) && digits(parts.next(), 2) && digits(parts.next(), 2);
    let stage = parts
        .next()
        .is_none_or(|stage| stage.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if dated && stage {
        return Ok(());
    }
    let message = format!(
        "The api-version '{version}' is invalid. The supported versions are of the form YYYY-MM-DD, with -preview where \
         it applies."
    );
    Err(Refusal::bad("InvalidApiVersionParameter", message))
}

/// Subscription and resource group must be there.
fn check_scope(state: &State, address: &Address) -> Result<(), Refusal> {
    let subscription = &address.subscription;
    if subscription.is_empty() {
        return Ok(());
    }
    if !state
        .store
        .subscriptions
        .contains_key(&subscription.to_ascii_lowercase())
    {
        return Err(Refusal::subscription_not_found(subscription));
    }
    let group = format!("/subscriptions/{subscription}/resourceGroups/{}", address.group).to_ascii_lowercase();
    if !address.group.is_empty() && !state.store.groups.contains_key(&group) {
        return Err(Refusal::group_not_found(&address.group));
    }
    Ok(())
}

/// Refuses what the identity may not read.
pub fn check_read(state: &State, address: &Address) -> Result<(), Refusal> {
    let resource_type = address.resource_type();
    let action = format!("{resource_type}/read");
    // What belongs to the tenant itself may be read by whoever may read anything of the kind.
    let at = match address.is_instance() && !address.scope.is_empty() {
        true => address.id(),
        false => address.scope.clone(),
    };
    if state.is_refused(&address.subscription, &resource_type) || !state.rights.allow_within(&action, &at) {
        let scope = if address.scope.is_empty() { "/" } else { &address.scope };
        return Err(Refusal::forbidden(&state.options.identity.client, &action, scope));
    }
    Ok(())
}

/// The type of a path; ARM's refusal where there is no such type.
pub fn known_type(address: &Address) -> Result<String, Refusal> {
    let resource_type = address.resource_type();
    match kind(&resource_type) {
        Some(kind) => Ok(kind.name.to_owned()),
        None => {
            let (namespace, name) = resource_type.split_once('/').unwrap_or((&resource_type, ""));
            let message = format!("The resource type '{name}' could not be found in the namespace '{namespace}'.");
            Err(Refusal::new(404, "InvalidResourceType", message))
        }
    }
}

fn get(state: &State, address: &Address) -> Reply {
    check_read(state, address)?;
    let id = address.id();
    let Some(found) = state.store.find(&id) else {
        let resource_type = known_type(address)?;
        return Err(Refusal::resource_not_found(
            &resource_type,
            address.last(),
            &address.group,
        ));
    };
    let body = Store::rendered(&found);
    let etag = body.get("etag").and_then(|etag| etag.as_str()).map(str::to_owned);
    let answer = Answer::ok(body);
    Ok(match etag {
        Some(etag) => answer.with("etag", etag),
        None => answer,
    })
}

//! Lists of resources, by subscription, resource group or parent, in pages.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Address, check_read, known_type};
use crate::sandbox::answer::{Answer, Refusal, Reply};
use crate::sandbox::call::Call;
use crate::sandbox::kind::{Home, kind};
use crate::sandbox::state::State;
use crate::sandbox::store::{Found, Resource, Store, items, key};

/// Marks the page in a link.
const MARKER: &str = "$skiptoken";

pub fn answer(state: &State, call: &Call, address: &Address) -> Reply {
    check_read(state, address)?;
    let resource_type = known_type(address)?;
    if address.tail.len() > 1 {
        return children(state, call, address, &resource_type);
    }
    let below = format!("{}/", key(&address.scope));
    let whole = state.rights.allow(&format!("{resource_type}/read"), &address.scope);
    let found: Vec<&Resource> = state
        .store
        .of_type(&address.subscription, &resource_type)
        .filter(|resource| key(resource.id.as_str()).starts_with(&below))
        .filter(|resource| whole || state.sees(resource))
        .collect();
    page(state, call, &found, |resource| listed(resource, call))
}

fn children(state: &State, call: &Call, address: &Address, resource_type: &str) -> Reply {
    let parent = address.parent();
    let holder = state.store.own(&parent.id()).ok_or_else(|| {
        let kind = parent.resource_type();
        Refusal::resource_not_found(&kind, parent.last(), &parent.group)
    })?;
    if let Some(Home::Parent(member)) = kind(resource_type).map(|kind| kind.home) {
        let found: Vec<&Value> = items(&holder.body, member).collect();
        return page(state, call, &found, |body| Store::rendered(&Found { body, holder }));
    }
    let below = format!("{}/", key(&parent.id()));
    let whole = state.rights.allow(&format!("{resource_type}/read"), &parent.id());
    let found: Vec<&Resource> = state
        .store
        .of_type(&address.subscription, resource_type)
        .filter(|resource| key(resource.id.as_str()).starts_with(&below))
        .filter(|resource| whole || state.sees(resource))
        .collect();
    page(state, call, &found, |resource| listed(resource, call))
}

/// As a list shows it: the state of a machine only when asked for.
pub fn listed(resource: &Resource, call: &Call) -> Value {
    let mut body = Store::rendered(&Found {
        body: &resource.body,
        holder: resource,
    });
    let expands = call
        .query("$expand")
        .is_some_and(|expand| expand.eq_ignore_ascii_case("instanceView"));
    let state_only = call
        .query("statusOnly")
        .is_some_and(|only| only.eq_ignore_ascii_case("true"));
    if resource.resource_type == "microsoft.compute/virtualmachines" && !expands && !state_only {
        hide_instance_view(&mut body);
    }
    body
}

pub fn hide_instance_view(body: &mut Value) {
    if let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) {
        properties.remove("instanceView");
    }
}

/// One page of a list, with the link to the next.
pub fn page<T>(state: &State, call: &Call, all: &[T], show: impl Fn(&T) -> Value) -> Reply {
    let size = state.options.page_size.max(1);
    let from = match call.query(MARKER) {
        Some(marker) => offset(marker).ok_or_else(|| {
            let message = format!("The provided skip token '{marker}' is invalid.");
            Refusal::bad("InvalidSkipToken", message)
        })?,
        None => 0,
    };
    let value: Vec<Value> = all.iter().skip(from).take(size).map(show).collect();
    let next = from.saturating_add(value.len());
    let mut body = json!({ "value": value });
    if let (true, Some(object)) = (next < all.len(), body.as_object_mut()) {
        let marker = URL_SAFE_NO_PAD.encode(format!("from:{next}"));
        object.insert("nextLink".to_owned(), Value::from(call.link(MARKER, &marker)));
    }
    Ok(Answer::ok(body))
}

fn offset(marker: &str) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(marker).ok()?).ok()?;
    text.strip_prefix("from:")?.parse().ok()
}

//! What resources live in: subscriptions, resource groups, management groups, and the list of everything in them.

use axum::http::Method;
use serde_json::{Value, json};

use super::list::page;
use super::{Address, check_scope};
use crate::sandbox::answer::{Answer, Refusal, Reply};
use crate::sandbox::call::Call;
use crate::sandbox::state::State;
use crate::sandbox::store::{Group, ManagementGroup, Resource, Subscription, key};

const MANAGEMENT: &str = "/providers/Microsoft.Management/managementGroups";

pub fn answer(state: &mut State, call: &Call, address: &Address) -> Reply {
    if address.is_namespace("Microsoft.Management") {
        return management(state, call, address);
    }
    let segments = call.segments();
    let lower: Vec<String> = segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
    let shape: Vec<&str> = lower.iter().map(String::as_str).collect();
    if let (Some("subscriptions"), ["resourcegroups", _]) = (shape.first().copied(), shape.get(2..).unwrap_or_default())
    {
        return resource_group(state, call, address);
    }
    if !call.is(&Method::GET) {
        return Err(Refusal::method_not_allowed(call.method.as_str()));
    }
    match shape.as_slice() {
        ["subscriptions"] => subscriptions(state, call),
        ["tenants"] => tenants(state),
        ["subscriptions", ..] => {
            check_scope(state, address)?;
            check_whole(state, address)?;
            below(state, call, address, shape.get(2..).unwrap_or_default())
        }
        _ => Err(not_found(call)),
    }
}

fn below(state: &State, call: &Call, address: &Address, shape: &[&str]) -> Reply {
    let subscription = address.subscription.to_ascii_lowercase();
    match shape {
        [] => {
            let found = state.store.subscriptions.get(&subscription);
            let shown = found.map(|found| shown_subscription(state, found));
            shown
                .map(Answer::ok)
                .ok_or_else(|| Refusal::subscription_not_found(&subscription))
        }
        ["resourcegroups"] => {
            let prefix = format!("/subscriptions/{subscription}/");
            let groups = state.store.groups.iter().filter(|(key, _)| key.starts_with(&prefix));
            let groups: Vec<&Group> = groups.map(|(_, group)| group).collect();
            page(state, call, &groups, |group| shown_group(group))
        }
        ["resources"] => resources(state, call, address),
        ["resourcegroups", _, "resources"] => resources(state, call, address),
        ["locations"] => locations(state, &subscription),
        _ => Err(not_found(call)),
    }
}

fn resource_group(state: &mut State, call: &Call, address: &Address) -> Reply {
    let mut subscription = address.clone();
    subscription.group.clear();
    check_scope(state, &subscription)?;
    check_whole(state, address)?;
    let at = key(&address.scope);
    let found = state.store.groups.get(&at);
    let missing = || Refusal::group_not_found(&address.group);
    match call.method {
        Method::HEAD => Ok(Answer::empty(if found.is_some() { 204 } else { 404 })),
        Method::GET => found.map(|group| Answer::ok(shown_group(group))).ok_or_else(missing),
        Method::PUT => put_group(state, call, address),
        Method::DELETE if found.is_some() => {
            let below = format!("{at}/");
            let gone: Vec<String> = state
                .store
                .in_subscription(&address.subscription)
                .map(|resource| key(resource.id.as_str()))
                .filter(|id| id.starts_with(&below))
                .collect();
            gone.iter().for_each(|id| state.store.remove(id));
            state.store.groups.remove(&at);
            Ok(Answer::empty(200))
        }
        Method::DELETE => Err(missing()),
        _ => Err(Refusal::method_not_allowed(call.method.as_str())),
    }
}

fn put_group(state: &mut State, call: &Call, address: &Address) -> Reply {
    let stated = call.json()?;
    let location = stated.get("location").and_then(Value::as_str).unwrap_or_default();
    if location.is_empty() {
        let message = "The location property is required for this definition.";
        return Err(Refusal::bad("LocationRequired", message));
    }
    let subscription = &address.subscription;
    let group = Group {
        id: format!("/subscriptions/{subscription}/resourceGroups/{}", address.group),
        name: address.group.clone(),
        location: location.to_owned(),
        tags: stated.get("tags").cloned().unwrap_or_else(|| json!({})),
    };
    let shown = shown_group(&group);
    let before = state.store.groups.insert(key(&group.id), group);
    Ok(Answer::json(if before.is_some() { 200 } else { 201 }, shown))
}

fn not_found(call: &Call) -> Refusal {
    let message = format!(
        "No HTTP resource was found that matches the request URI '{}'.",
        call.path
    );
    Refusal::new(404, "NotFound", message)
}

/// A subscription that may not be read at all is refused as a whole.
fn check_whole(state: &State, address: &Address) -> Result<(), Refusal> {
    let scope = format!("/subscriptions/{}", address.subscription);
    if state.is_refused(&address.subscription, "*") || !state.rights.touch(&scope) {
        let action = "Microsoft.Resources/subscriptions/read";
        return Err(Refusal::forbidden(&state.options.identity.client, action, &scope));
    }
    Ok(())
}

fn subscriptions(state: &State, call: &Call) -> Reply {
    let shown = |found: &&Subscription| state.rights.touch(&format!("/subscriptions/{}", found.id));
    let all: Vec<&Subscription> = state.store.subscriptions.values().filter(shown).collect();
    let mut answer = page(state, call, &all, |subscription| {
        shown_subscription(state, subscription)
    })?;
    if let crate::sandbox::answer::Body::Json(Value::Object(body)) = &mut answer.body {
        body.insert("count".to_owned(), json!({ "type": "Total", "value": all.len() }));
    }
    Ok(answer)
}

fn shown_subscription(state: &State, subscription: &Subscription) -> Value {
    json!({
        "id": format!("/subscriptions/{}", subscription.id),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription.id,
        "tenantId": state.store.tenant,
        "displayName": subscription.name,
        "state": "Enabled",
        "tags": subscription.tags,
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "EnterpriseAgreement_2014-09-01",
            "spendingLimit": "Off",
        },
    })
}

fn tenants(state: &State) -> Reply {
    let tenant = &state.store.tenant;
    Ok(Answer::ok(json!({ "value": [{
        "id": format!("/tenants/{tenant}"),
        "tenantId": tenant,
        "displayName": "Sandbox",
        "tenantCategory": "Home",
    }] })))
}

fn shown_group(group: &Group) -> Value {
    json!({
        "id": group.id,
        "name": group.name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": group.location,
        "tags": group.tags,
        "properties": { "provisioningState": "Succeeded" },
    })
}

fn locations(state: &State, subscription: &str) -> Reply {
    let mut names: Vec<&str> = state
        .store
        .in_subscription(subscription)
        .filter_map(|resource| resource.body.get("location").and_then(Value::as_str))
        .collect();
    names.sort_unstable();
    names.dedup();
    let shown = names.iter().map(|name| {
        json!({
            "id": format!("/subscriptions/{subscription}/locations/{name}"),
            "name": name, "type": "Region", "displayName": name, "regionalDisplayName": name,
        })
    });
    Ok(Answer::ok(json!({ "value": shown.collect::<Vec<_>>() })))
}

/// The tracked resources of a subscription or group, in short; `$filter=resourceType eq '...'` is understood.
fn resources(state: &State, call: &Call, address: &Address) -> Reply {
    let wanted = call.query("$filter").map(wanted_type).transpose()?;
    let below = format!("{}/", key(&address.scope).trim_end_matches("/resources"));
    let is_shown = |resource: &&Resource| {
        let wanted = wanted.as_ref().is_none_or(|wanted| *wanted == resource.resource_type);
        let tracked = resource.body.get("location").is_some() && resource.resource_type.matches('/').count() == 1;
        let refused = state.is_refused(&address.subscription, &resource.resource_type);
        wanted && tracked && !refused && state.sees(resource) && key(resource.id.as_str()).starts_with(&below)
    };
    let found: Vec<&Resource> = state
        .store
        .in_subscription(&address.subscription)
        .filter(is_shown)
        .collect();
    page(state, call, &found, |resource| in_short(resource))
}

fn wanted_type(filter: &str) -> Result<String, Refusal> {
    let refuse = || {
        let message = format!("The filter '{filter}' is not supported; use resourceType eq 'NAMESPACE/TYPE'.");
        Refusal::bad("InvalidFilterInQueryString", message)
    };
    let (member, value) = filter.split_once(" eq ").ok_or_else(refuse)?;
    if !member.trim().eq_ignore_ascii_case("resourceType") {
        return Err(refuse());
    }
    Ok(value.trim().trim_matches('\'').to_ascii_lowercase())
}

fn in_short(resource: &Resource) -> Value {
    let members = [
        "id", "name", "type", "location", "tags", "sku", "kind", "zones", "identity",
    ];
    let shown = members
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), resource.body.get(name)?.clone())));
    Value::Object(shown.collect())
}

fn management(state: &State, call: &Call, address: &Address) -> Reply {
    let tail: Vec<String> = address
        .tail
        .iter()
        .map(|segment| segment.to_ascii_lowercase())
        .collect();
    let shape: Vec<&str> = tail.iter().map(String::as_str).collect();
    match (&call.method, shape.as_slice()) {
        (&Method::GET, ["managementgroups"]) => {
            let all: Vec<&ManagementGroup> = state.store.management_groups.values().collect();
            page(state, call, &all, |group| shown_management_group(state, group))
        }
        (&Method::GET, ["managementgroups", name]) => {
            management_group(state, name).map(|group| Answer::ok(expanded(state, group)))
        }
        (&Method::GET, ["managementgroups", name, "descendants"]) => {
            let group = management_group(state, name)?;
            let all = descendants(state, group);
            page(state, call, &all, Value::clone)
        }
        (&Method::POST, ["getentities"]) => {
            let mut all: Vec<Value> = state
                .store
                .management_groups
                .values()
                .map(|group| entity(state, &group.name, &group.display_name, &group.parent, true))
                .collect();
            for group in state.store.management_groups.values() {
                let held = group
                    .subscriptions
                    .iter()
                    .filter_map(|at| state.store.subscriptions.get(at));
                all.extend(held.map(|found| entity(state, &found.id, &found.name, &group.name, false)));
            }
            page(state, call, &all, Value::clone)
        }
        _ => Err(not_found(call)),
    }
}

fn management_group<'s>(state: &'s State, name: &str) -> Result<&'s ManagementGroup, Refusal> {
    state.store.management_groups.get(name).ok_or_else(|| {
        let message = format!("Management Group '{name}' not found.");
        Refusal::new(404, "NotFound", message)
    })
}

fn shown_management_group(state: &State, group: &ManagementGroup) -> Value {
    json!({
        "id": format!("{MANAGEMENT}/{}", group.name),
        "type": "Microsoft.Management/managementGroups",
        "name": group.name,
        "properties": { "tenantId": state.store.tenant, "displayName": group.display_name },
    })
}

fn expanded(state: &State, group: &ManagementGroup) -> Value {
    let mut shown = shown_management_group(state, group);
    let details = if group.parent.is_empty() {
        json!({ "version": 1 })
    } else {
        json!({ "version": 1, "parent": {
            "id": format!("{MANAGEMENT}/{}", group.parent), "name": group.parent,
        } })
    };
    if let Some(properties) = shown.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("details".to_owned(), details);
        let children = descendants(state, group).into_iter().filter_map(|child| {
            let id = child.get("id")?.clone();
            let name = child.get("name")?.clone();
            let display = child.get("properties")?.get("displayName")?.clone();
            let kind = child.get("type")?.clone();
            Some(json!({ "id": id, "name": name, "displayName": display, "type": kind }))
        });
        properties.insert("children".to_owned(), children.collect());
    }
    shown
}

fn descendants(state: &State, group: &ManagementGroup) -> Vec<Value> {
    let mut found = Vec::new();
    let children = state.store.management_groups.values();
    let children: Vec<&ManagementGroup> = children
        .filter(|child| child.parent.eq_ignore_ascii_case(&group.name))
        .collect();
    for child in &children {
        found.push(json!({
            "id": format!("{MANAGEMENT}/{}", child.name),
            "type": "Microsoft.Management/managementGroups",
            "name": child.name,
            "properties": {
                "displayName": child.display_name,
                "parent": { "id": format!("{MANAGEMENT}/{}", group.name) },
            },
        }));
    }
    for holder in std::iter::once(&group).chain(children.iter()) {
        let held = holder
            .subscriptions
            .iter()
            .filter_map(|at| state.store.subscriptions.get(at));
        found.extend(held.map(|subscription| {
            json!({
                "id": format!("/subscriptions/{}", subscription.id),
                "type": "/subscriptions",
                "name": subscription.id,
                "properties": {
                    "displayName": subscription.name,
                    "parent": { "id": format!("{MANAGEMENT}/{}", holder.name) },
                },
            })
        }));
    }
    found
}

fn entity(state: &State, name: &str, display_name: &str, parent: &str, is_group: bool) -> Value {
    let (id, kind) = if is_group {
        (format!("{MANAGEMENT}/{name}"), "Microsoft.Management/managementGroups")
    } else {
        (format!("/subscriptions/{name}"), "/subscriptions")
    };
    let parent = match parent {
        "" => json!({}),
        parent => json!({ "id": format!("{MANAGEMENT}/{parent}") }),
    };
    json!({ "id": id, "type": kind, "name": name, "properties": {
        "tenantId": state.store.tenant,
        "displayName": display_name,
        "parent": parent,
        "permissions": "edit",
        "inheritedPermissions": "edit",
    } })
}

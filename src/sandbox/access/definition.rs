//! `Microsoft.Authorization/roleDefinitions`: the built-in roles and those that the tenant made.

use serde_json::{Value, json};

use super::{ASSIGNMENT, BUILT_IN, DEFINITION, Rights, is_guid, property, texts};
use crate::sandbox::answer::{Answer, Refusal, Reply};
use crate::sandbox::arm::{Address, check_read, page};
use crate::sandbox::call::Call;
use crate::sandbox::clock::azure_time;
use crate::sandbox::state::State;
use crate::sandbox::store::Store;

fn last(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or_default()
}

/// Every role, as the tenant shows it: what was recorded or made stands for what is built in.
fn all(store: &Store) -> Vec<Value> {
    let own: Vec<Value> = store
        .of_type_anywhere(DEFINITION)
        .map(|role| shaped(&role.body))
        .collect();
    let is_own = |id: &str| {
        let mut names = own.iter().filter_map(|role| role.get("id")?.as_str());
        names.any(|own| last(own).eq_ignore_ascii_case(id))
    };
    let built_in: Vec<Value> = BUILT_IN
        .iter()
        .filter(|role| !is_own(role.id))
        .map(|role| role.shown(""))
        .collect();
    built_in.into_iter().chain(own).collect()
}

/// `az role definition list` calls the kind of a role `roleType`.
fn shaped(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut)
        && let Some(kind) = properties.remove("roleType")
    {
        properties.insert("type".to_owned(), kind);
    }
    body
}

/// The role of an id, at whatever scope the id states it.
pub fn find(store: &Store, id: &str) -> Option<Value> {
    let is_it = |role: &Value| {
        let own = role.get("id").and_then(Value::as_str).unwrap_or_default();
        last(own).eq_ignore_ascii_case(last(id))
    };
    all(store).into_iter().find(is_it)
}

/// The role of a name or an id.
pub fn named(store: &Store, name: &str) -> Option<Value> {
    let found = all(store)
        .into_iter()
        .find(|role| property(role, "roleName").eq_ignore_ascii_case(name));
    found.or_else(|| find(store, name).filter(|_| is_guid(last(name))))
}

/// Roles that can be assigned at the scope. `$filter` takes `roleName eq '...'`, `type eq '...'` and
/// `atScopeAndBelow()`.
pub fn definitions(state: &mut State, call: &Call, address: &Address) -> Reply {
    check_read(state, address)?;
    let wanted = filter(call.query("$filter").unwrap_or_default())?;
    let scope = address.scope.to_ascii_lowercase();
    let found: Vec<Value> = all(&state.store)
        .into_iter()
        .filter(|role| {
            wanted
                .iter()
                .all(|(member, value)| property(role, member).eq_ignore_ascii_case(value))
        })
        .filter(|role| is_assignable(role, &scope))
        .map(|role| at_scope(role, &address.scope))
        .collect();
    page(state, call, &found, Value::clone)
}

fn is_assignable(role: &Value, scope: &str) -> bool {
    let scopes = texts(role.get("properties").unwrap_or(&Value::Null), "assignableScopes");
    scopes.is_empty()
        || scopes.iter().any(|at| {
            let at = at.trim_end_matches('/').to_ascii_lowercase();
            at.contains("/managementgroups/") || super::is_within(scope, &at)
        })
}

/// Built-in roles show the subscription that they were asked for in.
fn at_scope(mut role: Value, scope: &str) -> Value {
    let subscription: String = scope
        .split('/')
        .take(3)
        .filter(|_| scope.to_ascii_lowercase().starts_with("/subscriptions/"))
        .filter(|segment| !segment.is_empty())
        .map(|segment| format!("/{segment}"))
        .collect();
    let id = role.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let (true, Some(object)) = (id.starts_with("/providers/"), role.as_object_mut()) {
        object.insert("id".to_owned(), Value::from(subscription + &id));
    }
    role
}

fn filter(text: &str) -> Result<Vec<(&'static str, String)>, Refusal> {
    let mut wanted = Vec::new();
    for part in text.split(" and ").map(str::trim).filter(|part| !part.is_empty()) {
        if part.eq_ignore_ascii_case("atScopeAndBelow()") {
            continue;
        }
        let (member, value) = part.split_once(" eq ").unwrap_or((part, ""));
        let member = ["roleName", "type"]
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(member.trim()));
        let Some(member) = member else {
            let message = format!(
                "The filter '{part}' is not supported. Supported filters are atScopeAndBelow(), roleName eq and type eq."
            );
            return Err(Refusal::bad("UnsupportedQuery", message));
        };
        wanted.push((member, value.trim().trim_matches('\'').to_owned()));
    }
    Ok(wanted)
}

/// One role.
pub fn definition(state: &mut State, _: &Call, address: &Address) -> Reply {
    check_read(state, address)?;
    let found = find(&state.store, address.last()).filter(|_| is_guid(address.last()));
    found
        .map(|role| Answer::ok(at_scope(role, &address.scope)))
        .ok_or_else(|| missing(address.last()))
}

fn missing(id: &str) -> Refusal {
    let message = format!(
        "The specified role definition with ID '{}' does not exist.",
        id.replace('-', "")
    );
    Refusal::new(404, "RoleDefinitionDoesNotExist", message)
}

/// `PUT` of a role of the tenant's own.
pub fn define(state: &mut State, call: &Call, address: &Address) -> Reply {
    let stated = call.json()?;
    let (id, name) = (address.id(), property(&stated, "roleName").to_owned());
    check(state, address, &stated, &name)?;
    let before = state
        .store
        .own(&id)
        .map(|role| property(&role.body, "createdOn").to_owned());
    let now = azure_time(state.now());
    let by = &state.options.identity.client;
    let properties = stated.get("properties").cloned().unwrap_or_default();
    let member = |name: &str| properties.get(name).cloned().unwrap_or_default();
    let body = json!({
        "id": id, "name": address.last(), "type": DEFINITION,
        "properties": {
            "roleName": name,
            "type": "CustomRole",
            "description": properties.get("description").cloned().unwrap_or_else(|| json!("")),
            "assignableScopes": member("assignableScopes"),
            "permissions": member("permissions"),
            "createdOn": before.as_deref().unwrap_or(&now), "updatedOn": now, "createdBy": by, "updatedBy": by,
        },
    });
    state.store.put(&id, body.clone());
    state.rights = Rights::of(&state.store, &state.options.identity);
    Ok(Answer::json(201, body))
}

fn check(state: &State, address: &Address, stated: &Value, name: &str) -> Result<(), Refusal> {
    let id = address.last();
    if !is_guid(id) {
        let message = format!("The role definition ID '{id}' is not valid. The role definition ID must be a GUID.");
        return Err(Refusal::bad("InvalidRoleDefinitionId", message));
    }
    if BUILT_IN.iter().any(|role| role.id.eq_ignore_ascii_case(id)) {
        let message = "Built-in roles cannot be changed.";
        return Err(Refusal::new(403, "RoleDefinitionUpdateNotAllowed", message));
    }
    let properties = stated.get("properties").unwrap_or(&Value::Null);
    let permissions = properties.get("permissions").and_then(Value::as_array);
    let scopes = texts(properties, "assignableScopes");
    if name.is_empty() || permissions.is_none_or(Vec::is_empty) || scopes.is_empty() {
        let message = "The role definition must state 'roleName', 'permissions' and 'assignableScopes'.";
        return Err(Refusal::bad("RoleDefinitionInvalid", message));
    }
    let same = named(&state.store, name).and_then(|role| Some(role.get("id")?.as_str()?.to_owned()));
    if same.is_some_and(|same| !last(&same).eq_ignore_ascii_case(id)) {
        let message = format!("A custom role with the name '{name}' exists already. Names are unique in a tenant.");
        return Err(Refusal::new(409, "RoleDefinitionWithSameNameExists", message));
    }
    Ok(())
}

/// `DELETE` of a role that nobody is assigned.
pub fn undefine(state: &mut State, _: &Call, address: &Address) -> Reply {
    let id = address.id();
    let Some(found) = state.store.own(&id).map(|role| shaped(&role.body)) else {
        return Ok(Answer::empty(204));
    };
    let is_held = |role: &str| last(role).eq_ignore_ascii_case(last(&id));
    if state
        .store
        .of_type_anywhere(ASSIGNMENT)
        .any(|at| is_held(property(&at.body, "roleDefinitionId")))
    {
        let message = "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments).";
        return Err(Refusal::bad("RoleDefinitionHasAssignments", message));
    }
    state.store.remove(&id);
    Ok(Answer::ok(found))
}

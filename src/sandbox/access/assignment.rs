//! `Microsoft.Authorization/roleAssignments`: lists at a scope, and writes.

use serde_json::{Value, json};

use super::{ASSIGNMENT, Rights, definition, is_guid, is_within, property, scope_of};
use crate::sandbox::answer::{Answer, Refusal, Reply};
use crate::sandbox::arm::{Address, check_read, page};
use crate::sandbox::call::Call;
use crate::sandbox::clock::azure_time;
use crate::sandbox::state::State;
use crate::sandbox::store::{Resource, Store, key};

/// Those at the scope, above it and below it. `$filter` takes `atScope()`, which leaves out those below,
/// `principalId eq '...'` and `assignedTo('...')`.
pub fn assignments(state: &mut State, call: &Call, address: &Address) -> Reply {
    check_read(state, address)?;
    let filter = Filter::parse(call.query("$filter").unwrap_or_default())?;
    let scope = key(&address.scope);
    let above = above(&state.store, &scope);
    let found: Vec<&Resource> = state
        .store
        .of_type_anywhere(ASSIGNMENT)
        .filter(|assignment| {
            let at = key(&scope_of(assignment));
            let is_here = at == scope || above.contains(&at);
            is_here || (!filter.at_scope && is_within(&at, &scope))
        })
        .filter(|assignment| {
            let principal = property(&assignment.body, "principalId");
            filter.principal.is_empty() || filter.principal.eq_ignore_ascii_case(principal)
        })
        .collect();
    page(state, call, &found, |assignment| shown(assignment))
}

/// The scopes that hold a scope, in lower case: what it lies in, the management groups, and the tenant.
fn above(store: &Store, scope: &str) -> Vec<String> {
    let mut scopes = vec![String::new()];
    let mut at = scope;
    while let Some((parent, _)) = at.rsplit_once('/').filter(|(parent, _)| !parent.is_empty()) {
        scopes.push(parent.to_owned());
        at = parent;
    }
    let subscription = scope.strip_prefix("/subscriptions/").map(|rest| rest.split('/').next());
    if let Some(Some(subscription)) = subscription {
        let groups = store.management_groups_above(subscription).into_iter();
        scopes.extend(groups.map(|group| {
            format!("/providers/Microsoft.Management/managementGroups/{}", group.name).to_ascii_lowercase()
        }));
    }
    scopes
}

#[derive(Default)]
struct Filter {
    at_scope: bool,
    principal: String,
}

impl Filter {
    fn parse(text: &str) -> Result<Filter, Refusal> {
        let mut filter = Filter::default();
        for part in text.split(" and ").map(str::trim).filter(|part| !part.is_empty()) {
            let lower = part.to_ascii_lowercase();
            let value = |before: &str, after: &str| {
                let inner = lower.strip_prefix(before)?.strip_suffix(after)?;
                Some(inner.trim().trim_matches('\'').to_owned())
            };
            if lower == "atscope()" {
                filter.at_scope = true;
            } else if let Some(principal) = value("principalid eq ", "").or_else(|| value("assignedto(", ")")) {
                filter.principal = principal;
            } else {
                let message = format!(
                    "The filter '{part}' is not supported. Supported filters are atScope(), principalId eq and \
                     assignedTo()."
                );
                return Err(Refusal::bad("UnsupportedQuery", message));
            }
        }
        Ok(filter)
    }
}

fn shown(assignment: &Resource) -> Value {
    let mut body = assignment.body.clone();
    let scope = scope_of(assignment);
    if let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) {
        properties.entry("scope").or_insert(Value::from(scope));
    }
    body
}

/// An assignment as the service keeps it.
pub fn body(id: &str, stated: Value, at: &str, by: &str) -> Value {
    let mut properties = json!({
        "principalType": "User",
        "condition": null,
        "conditionVersion": null,
        "description": null,
        "delegatedManagedIdentityResourceId": null,
        "createdOn": at,
        "updatedOn": at,
        "createdBy": by,
        "updatedBy": by,
    });
    if let (Some(properties), Value::Object(stated)) = (properties.as_object_mut(), stated) {
        properties.extend(stated.into_iter().filter(|(_, value)| !value.is_null()));
    }
    let name = id.rsplit('/').next().unwrap_or_default();
    json!({ "id": id, "name": name, "type": ASSIGNMENT, "properties": properties })
}

/// `PUT`: one role, one principal, one scope, once.
pub fn assign(state: &mut State, call: &Call, address: &Address) -> Reply {
    let stated = call.json()?;
    let properties = stated.get("properties").cloned().unwrap_or_else(|| json!({}));
    let (role, principal) = (property(&stated, "roleDefinitionId"), property(&stated, "principalId"));
    if !is_guid(address.last()) {
        let message = format!(
            "The role assignment ID '{}' is not valid. The role assignment ID must be a GUID.",
            address.last()
        );
        return Err(Refusal::bad("InvalidRoleAssignmentId", message));
    }
    if role.is_empty() || !is_guid(principal) {
        let message = "The request to create role assignment is not valid: 'properties.roleDefinitionId' and \
                       'properties.principalId', a GUID, are required.";
        return Err(Refusal::bad("BadRequestFormat", message));
    }
    if definition::find(&state.store, role).is_none() {
        let message = format!("The specified role definition with ID '{role}' does not exist.");
        return Err(Refusal::bad("RoleDefinitionDoesNotExist", message));
    }
    let id = address.id();
    let scope = if address.scope.is_empty() { "/" } else { &address.scope };
    if let Some(same) = same(state, &id, role, principal, scope) {
        let message = format!("The role assignment already exists. The ID of the existing role assignment is {same}.");
        return Err(Refusal::new(409, "RoleAssignmentExists", message));
    }
    let at = azure_time(state.now());
    let mut body = body(&id, properties, &at, &state.options.identity.client);
    if let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("scope".to_owned(), Value::from(scope));
    }
    let status = if state.store.exists(&id) { 200 } else { 201 };
    state.store.put(&id, body.clone());
    state.rights = Rights::of(&state.store, &state.options.identity);
    Ok(Answer::json(status, body))
}

/// The name of another assignment that says the same.
fn same(state: &State, id: &str, role: &str, principal: &str, scope: &str) -> Option<String> {
    let last = |id: &str| id.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let mut others = state.store.of_type_anywhere(ASSIGNMENT);
    let found = others.find(|other| {
        key(other.id.as_str()) != key(id)
            && last(property(&other.body, "roleDefinitionId")) == last(role)
            && property(&other.body, "principalId").eq_ignore_ascii_case(principal)
            && key(&scope_of(other)) == key(scope)
    })?;
    Some(found.id.name().replace('-', ""))
}

/// `DELETE`.
pub fn unassign(state: &mut State, _: &Call, address: &Address) -> Reply {
    let id = address.id();
    let Some(found) = state.store.own(&id).map(shown) else {
        return Ok(Answer::empty(204));
    };
    state.store.remove(&id);
    state.rights = Rights::of(&state.store, &state.options.identity);
    Ok(Answer::ok(found))
}

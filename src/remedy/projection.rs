//! The part of a document that a step changes: read from what the service says, compared, and written back into what it
//! says now, so that everything else stays as others left it.

use serde_json::{Map, Value, json};

use super::documents::{id_of, member, property, slot};
use crate::model::ResourceId;

/// What a step changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole rule of a network security group, as a resource of its own.
    SecurityRule,
    /// The entry of one machine in a just-in-time policy.
    JitEntry,
    /// Which group a subnet or an interface names.
    Association,
    /// A whole network security group: only made, and taken away as it was made.
    Group,
}

/// What the service must be asked to make of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    Put(Value),
    Delete,
}

pub fn kind(target: &ResourceId) -> Option<Kind> {
    match target.resource_type().as_str() {
        "microsoft.network/networksecuritygroups/securityrules" => Some(Kind::SecurityRule),
        "microsoft.network/networksecuritygroups" => Some(Kind::Group),
        "microsoft.security/locations/jitnetworkaccesspolicies" => Some(Kind::JitEntry),
        "microsoft.network/virtualnetworks/subnets" | "microsoft.network/networkinterfaces" => Some(Kind::Association),
        _ => None,
    }
}

/// The API version that a kind is written with.
pub fn api_version(kind: Kind) -> &'static str {
    match kind {
        Kind::SecurityRule | Kind::Association | Kind::Group => "2024-05-01",
        Kind::JitEntry => "2020-01-01",
    }
}

/// Whether the service gives entity tags to resources of this kind.
pub fn has_tags(target: &ResourceId) -> bool {
    matches!(kind(target), Some(Kind::SecurityRule | Kind::Association | Kind::Group))
}

/// Members of a rule that the service adds, or that are not of the rule itself.
const NOT_OF_THE_RULE: &[&str] = &[
    "id",
    "name",
    "type",
    "etag",
    "resourceGroup",
    "provisioningState",
    "properties",
];

/// The projection; `None` where the thing does not exist.
pub fn read(kind: Kind, part: Option<&str>, document: Option<&Value>) -> Option<Value> {
    let document = document?;
    match kind {
        Kind::SecurityRule => Some(rule(document)),
        Kind::JitEntry => entries(document).find(|entry| is_of(entry, part)).map(entry),
        Kind::Association => {
            let group = property(document, "networkSecurityGroup").and_then(|group| member(group, "id"));
            Some(group.map_or_else(|| json!({}), |id| json!({ "networkSecurityGroup": { "id": id } })))
        }
        Kind::Group => Some(group(document)),
    }
}

/// A group's region, tags and rules by name, without what the service adds.
fn group(document: &Value) -> Value {
    let rules = property(document, "securityRules").and_then(Value::as_array);
    let mut rules: Vec<Value> = rules
        .into_iter()
        .flatten()
        .map(|one| json!({ "name": member(one, "name"), "properties": rule(one) }))
        .collect();
    rules.sort_by_key(|rule| member(rule, "name").map(|name| name.to_string().to_ascii_lowercase()));
    let mut said = Map::new();
    for name in ["location", "tags"] {
        if let Some(value) = member(document, name).filter(|value| !is_empty(value)) {
            said.insert(name.to_owned(), value.clone());
        }
    }
    said.insert("properties".to_owned(), json!({ "securityRules": rules }));
    Value::Object(said)
}

pub(super) fn is_subnet(target: &ResourceId) -> bool {
    target.resource_type() == "microsoft.network/virtualnetworks/subnets"
}

/// The group that an association names.
pub(super) fn group_of(association: &Value) -> Option<ResourceId> {
    let group = member(association, "networkSecurityGroup")?;
    member(group, "id").and_then(Value::as_str).map(ResourceId::new)
}

/// A rule's properties, without what is empty.
pub(super) fn rule(document: &Value) -> Value {
    let properties = member(document, "properties").unwrap_or(document);
    let members = properties.as_object().into_iter().flatten();
    let kept = members.filter(|(name, value)| {
        !NOT_OF_THE_RULE.iter().any(|known| known.eq_ignore_ascii_case(name)) && !is_empty(value)
    });
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn entries(policy: &Value) -> impl Iterator<Item = &Value> {
    property(policy, "virtualMachines")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn is_of(entry: &Value, machine: Option<&str>) -> bool {
    machine.is_some_and(|machine| id_of(entry) == Some(ResourceId::new(machine)))
}

/// An entry without the machine's id, its ports in order.
fn entry(entry: &Value) -> Value {
    let mut members = entry.as_object().cloned().unwrap_or_default();
    members.retain(|name, value| !name.eq_ignore_ascii_case("id") && !is_empty(value));
    if let Some(Value::Array(ports)) = members.get_mut("ports") {
        ports.sort_by_key(|port| member(port, "number").and_then(Value::as_u64));
    }
    Value::Object(members)
}

/// What to ask of the service so that the projection of `document` becomes `wanted` and all else stays.
pub fn write(
    target: &ResourceId,
    part: Option<&str>,
    document: Option<&Value>,
    wanted: Option<&Value>,
) -> Option<Write> {
    Some(match (kind(target)?, wanted) {
        (Kind::SecurityRule, None) => Write::Delete,
        (Kind::SecurityRule, Some(wanted)) => Write::Put(json!({ "properties": wanted })),
        (Kind::JitEntry, _) => policy(target, part.unwrap_or_default(), document, wanted),
        (Kind::Association, _) => Write::Put(associated(document, wanted)),
        (Kind::Group, None) => Write::Delete,
        (Kind::Group, Some(wanted)) => Write::Put(wanted.clone()),
    })
}

fn policy(target: &ResourceId, machine: &str, document: Option<&Value>, wanted: Option<&Value>) -> Write {
    let kept = document
        .into_iter()
        .flat_map(entries)
        .filter(|entry| !is_of(entry, Some(machine)));
    let mut machines: Vec<Value> = kept.cloned().collect();
    if let Some(wanted) = wanted.and_then(Value::as_object) {
        let present = document.and_then(|document| entries(document).position(|entry| is_of(entry, Some(machine))));
        let mut entry = Map::from_iter([("id".to_owned(), json!(machine))]);
        entry.extend(wanted.clone());
        // The service wants the list, though it be empty.
        entry.entry("ports").or_insert_with(|| json!([]));
        machines.insert(
            present.unwrap_or(machines.len()).min(machines.len()),
            Value::Object(entry),
        );
    }
    if machines.is_empty() {
        return Write::Delete;
    }
    let mut properties = json!({ "virtualMachines": machines });
    // The history of requests is a part of the policy: kept as it is now, never as it was.
    let requests = document.and_then(|document| property(document, "requests"));
    if let (Some(requests), Some(members)) = (requests, properties.as_object_mut()) {
        members.insert("requests".to_owned(), requests.clone());
    }
    let said = |name| document.and_then(|document| member(document, name)).cloned();
    let mut body = json!({ "kind": said("kind").unwrap_or_else(|| json!("Basic")), "properties": properties });
    let place = said("location").or_else(|| target.segment("locations").map(|place| json!(place)));
    if let (Some(place), Some(members)) = (place, body.as_object_mut()) {
        members.insert("location".to_owned(), place);
    }
    Write::Put(body)
}

fn associated(document: Option<&Value>, wanted: Option<&Value>) -> Value {
    let mut body = document.cloned().unwrap_or_else(|| json!({}));
    let group = wanted
        .and_then(|wanted| member(wanted, "networkSecurityGroup"))
        .cloned();
    if let Some(slot) = slot(&mut body, "networkSecurityGroup") {
        *slot = group.unwrap_or(Value::Null);
    }
    // A PUT says the whole: what is not said is not there.
    if let Some(members) = body.as_object_mut() {
        members.retain(|name, value| !(name.eq_ignore_ascii_case("networkSecurityGroup") && value.is_null()));
        let inside = members
            .iter_mut()
            .find(|(name, _)| name.eq_ignore_ascii_case("properties"));
        if let Some(members) = inside.and_then(|(_, inside)| inside.as_object_mut()) {
            members.retain(|name, value| !(name.eq_ignore_ascii_case("networkSecurityGroup") && value.is_null()));
        }
    }
    body
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Whether two projections say the same. What is empty is not said; texts are compared without case, as Azure does.
pub fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => alike(a, b),
        (None, None) => true,
        _ => false,
    }
}

fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(left), Value::Object(right)) => {
            let said = |members: &Map<String, Value>| members.values().filter(|value| !is_empty(value)).count();
            let within = |(name, value): (&String, &Value)| {
                is_empty(value) || member(b, name).is_some_and(|other| alike(value, other))
            };
            said(left) == said(right) && left.iter().all(within)
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(a, b)| alike(a, b))
        }
        (Value::String(a), Value::String(b)) => a.eq_ignore_ascii_case(b),
        _ => a == b,
    }
}

/// How a change is taken back after others may have changed the thing too.
#[derive(Clone, Debug, PartialEq)]
pub enum Merge {
    /// It is as it was: nothing to do.
    Restored,
    /// Write this.
    Write(Option<Value>),
    /// Others changed what the step had changed: these members.
    Conflict(Vec<String>),
}

/// Three ways: what the step changed goes back to `before`; what it left alone stays as it is `now`.
pub fn merge(before: Option<&Value>, after: Option<&Value>, now: Option<&Value>) -> Merge {
    if same(now, before) {
        return Merge::Restored;
    }
    if same(now, after) {
        return Merge::Write(before.cloned());
    }
    let (Some(before), Some(after), Some(now)) = (before, after, now) else {
        return Merge::Conflict(vec!["whether it exists".to_owned()]);
    };
    let mut names: Vec<&String> = [before, after]
        .into_iter()
        .filter_map(Value::as_object)
        .flat_map(|o| o.keys())
        .collect();
    names.sort_unstable();
    names.dedup();
    let changed = names
        .into_iter()
        .filter(|name| !same(member(before, name), member(after, name)));
    let mut merged = now.clone();
    let mut conflicts = Vec::new();
    for name in changed {
        if !same(member(now, name), member(after, name)) && !same(member(now, name), member(before, name)) {
            conflicts.push(name.clone());
        } else if let Some(members) = merged.as_object_mut() {
            members.retain(|known, _| !known.eq_ignore_ascii_case(name));
            if let Some(value) = member(before, name) {
                members.insert(name.clone(), value.clone());
            }
        }
    }
    match conflicts.is_empty() {
        false => Merge::Conflict(conflicts),
        true if alike(&merged, now) => Merge::Restored,
        true => Merge::Write(Some(merged)),
    }
}

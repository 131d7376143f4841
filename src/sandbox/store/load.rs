//! Recordings to a store: snapshots, ARM pages, Resource Graph answers and what `az ... list` prints. The JSON stays as
//! it was recorded, except that flattened objects get their `properties` back. Knows nothing of HTTP.

use std::io::{self, BufRead, BufReader, Read};

use serde_json::{Map, Value, json};

use super::{ManagementGroup, Refused, Store, Subscription, key, properties_mut, spelled};
use crate::input::{Footer, Header, LINE_LIMIT, SnapshotScope};
use crate::model::ResourceId;
use crate::sandbox::kind::kept_in;

/// Actions whose recorded answers are kept: last segment of the id, in lower case.
const ACTIONS: &[&str] = &[
    "listdeploymentstatus",
    "listactivesecurityadminrules",
    "listnetworkmanagereffectivesecurityadminrules",
    "effectivenetworksecuritygroups",
];

/// Members of a resource that stand beside `properties`.
const OUTSIDE: &[&str] = &[
    "id",
    "name",
    "type",
    "location",
    "tags",
    "sku",
    "kind",
    "zones",
    "identity",
    "plan",
    "managedBy",
    "extendedLocation",
    "systemData",
    "properties",
    "resources",
];

/// Members that only listings have.
const LISTED: &[&str] = &["etag", "resourceGroup", "subscriptionId", "tenantId"];

/// Why an estate cannot be served; a sentence for people.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LoadError(String);

/// Reads one recording into the store. Call [`Store::settle`] after the last.
pub fn load(store: &mut Store, name: &str, text: impl Read) -> Result<(), LoadError> {
    let unreadable = |error: io::Error| LoadError(format!("`{name}` cannot be read: {error}"));
    let mut text = BufReader::with_capacity(1 << 16, text);
    let packed = text
        .fill_buf()
        .map_err(unreadable)?
        .starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
    if packed {
        let plain = zstd::stream::read::Decoder::with_buffer(text).map_err(unreadable)?;
        return load_plain(store, name, BufReader::new(plain));
    }
    load_plain(store, name, text)
}

fn load_plain(store: &mut Store, name: &str, mut text: impl BufRead) -> Result<(), LoadError> {
    let mut first = Vec::new();
    read_line(name, &mut text, &mut first)?;
    let line = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&first);
    match serde_json::from_slice::<Header>(line) {
        Ok(header) if header.format == "portcullis-snapshot" => load_snapshot(store, name, header, text),
        _ => load_document(store, name, Vec::from(line), text),
    }
}

fn read_line(name: &str, text: &mut impl BufRead, line: &mut Vec<u8>) -> Result<usize, LoadError> {
    line.clear();
    let read = (&mut *text)
        .take(LINE_LIMIT as u64 + 1)
        .read_until(b'\n', line)
        .map_err(|error| LoadError(format!("`{name}` cannot be read: {error}")))?;
    if read > LINE_LIMIT {
        let limit = LINE_LIMIT >> 20;
        return Err(LoadError(format!(
            "`{name}` has a line of more than {limit} MiB; give a snapshot or the output of `az ... list -o json`"
        )));
    }
    Ok(read)
}

fn load_snapshot(store: &mut Store, name: &str, header: Header, mut text: impl BufRead) -> Result<(), LoadError> {
    if header.version != 1 {
        return Err(LoadError(format!(
            "`{name}` has format version {}; this tool reads version 1",
            header.version
        )));
    }
    take_header(store, &header);
    let (mut line, mut number, mut resources) = (Vec::new(), 1u64, 0u64);
    while read_line(name, &mut text, &mut line)? > 0 {
        number += 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let value: Value = serde_json::from_slice(&line)
            .map_err(|error| LoadError(format!("`{name}` line {number} is not JSON: {error}; record it again")))?;
        if let Ok(footer) = serde_json::from_value::<Footer>(value.clone()) {
            return check_count(name, footer.resources, resources);
        }
        resources += 1;
        take(store, value);
    }
    Err(LoadError(format!(
        "`{name}` has no footer: it was cut short; record it again"
    )))
}

fn check_count(name: &str, stated: u64, read: u64) -> Result<(), LoadError> {
    if stated == read {
        return Ok(());
    }
    Err(LoadError(format!(
        "`{name}` says that it has {stated} resources, and {read} are there; record it again"
    )))
}

fn take_header(store: &mut Store, header: &Header) {
    store.recorded = store.recorded.max(header.recorded.parse().ok());
    for scope in &header.scope {
        match scope {
            SnapshotScope::Tenant(tenant) => store.tenant.clone_from(tenant),
            SnapshotScope::ManagementGroup(group) => add_management_group(store, group),
            SnapshotScope::Subscription(_) => {}
        }
    }
    for read in &header.subscriptions {
        let id = bare(&read.id);
        add_subscription(store, id, read.name.as_deref());
        let refused = |resource_type: &str| Refused {
            subscription: id.to_ascii_lowercase(),
            resource_type: resource_type.to_ascii_lowercase(),
        };
        if !read.complete && read.missing.is_empty() {
            store.refused.push(refused("*"));
        }
        let missing = read.missing.iter().map(|missing| refused(&missing.resource_type));
        store.refused.extend(missing);
    }
}

/// A subscription's id without the path before it.
fn bare(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

pub(super) fn add_management_group(store: &mut Store, name: &str) {
    let name = bare(name);
    store
        .management_groups
        .entry(name.to_ascii_lowercase())
        .or_insert_with(|| ManagementGroup {
            name: name.to_owned(),
            display_name: name.to_owned(),
            parent: String::new(),
            subscriptions: Default::default(),
        });
}

fn load_document(store: &mut Store, name: &str, first: Vec<u8>, mut text: impl BufRead) -> Result<(), LoadError> {
    let mut whole = first;
    text.by_ref()
        .take(crate::input::DOCUMENT_LIMIT)
        .read_to_end(&mut whole)
        .map_err(|error| LoadError(format!("`{name}` cannot be read: {error}")))?;
    let document: Value = serde_json::from_slice(&whole).map_err(|error| {
        LoadError(format!(
            "`{name}` is no recorded estate: {error}; give a snapshot or the output of `az ... list -o json`"
        ))
    })?;
    take_document(store, document);
    Ok(())
}

fn take_document(store: &mut Store, document: Value) {
    let mut document = document;
    if document.get("changeNumber").is_some() && document.get("values").is_some() {
        store.answers.insert("servicetags".to_owned(), document);
        return;
    }
    for member in ["value", "data"] {
        let is_page = document.get("id").is_none() && document.get(member).is_some_and(Value::is_array);
        if let Some(rows) = document.get_mut(member).filter(|_| is_page) {
            document = rows.take();
            break;
        }
    }
    match document {
        Value::Array(rows) => rows.into_iter().for_each(|row| take(store, row)),
        other => take(store, other),
    }
}

/// Takes one recorded object in; what has no id is an answer that names nothing, and is passed over.
fn take(store: &mut Store, value: Value) {
    if value.get("changeNumber").is_some() && value.get("values").is_some() {
        store.answers.insert("servicetags".to_owned(), value);
        return;
    }
    let Some(id) = value.get("id").and_then(Value::as_str).map(str::to_owned) else {
        return;
    };
    let action = bare(&id).to_ascii_lowercase();
    if ACTIONS.contains(&action.as_str()) {
        store.answers.insert(key(&id), value);
        return;
    }
    let parsed = ResourceId::new(&id);
    let resource_type = parsed.resource_type();
    if resource_type.is_empty() {
        return take_subscription(store, &id, &value);
    }
    let resource = shaped(value, &parsed, &resource_type);
    store.loaded(parsed, resource_type, resource);
}

fn take_subscription(store: &mut Store, id: &str, value: &Value) {
    let stated = |member: &str| value.get(member).and_then(Value::as_str);
    if let Some(tenant) = stated("tenantId") {
        store.tenant = tenant.to_owned();
    }
    let name = stated("displayName").or_else(|| stated("name"));
    add_subscription(store, bare(id), name);
    let tags = value.get("tags").filter(|tags| tags.is_object());
    if let (Some(subscription), Some(tags)) = (store.subscriptions.get_mut(&bare(id).to_ascii_lowercase()), tags) {
        subscription.tags = tags.clone();
    }
}

pub(super) fn add_subscription(store: &mut Store, id: &str, name: Option<&str>) {
    let entry = store
        .subscriptions
        .entry(id.to_ascii_lowercase())
        .or_insert_with(|| Subscription {
            id: id.to_owned(),
            name: id.to_owned(),
            tags: json!({}),
        });
    if let Some(name) = name {
        entry.name = name.to_owned();
    }
}

/// The object as a `GET` would show it.
fn shaped(value: Value, id: &ResourceId, resource_type: &str) -> Value {
    let Value::Object(members) = value else { return value };
    let is_flat = !members.contains_key("properties");
    let mut resource = Map::new();
    let mut properties = Map::new();
    for (name, member) in members {
        if member.is_null() || LISTED.contains(&name.as_str()) {
            continue;
        }
        let is_outside = !is_flat || OUTSIDE.contains(&name.as_str());
        let target = if is_outside { &mut resource } else { &mut properties };
        target.insert(name, member);
    }
    if is_flat {
        resource.insert("properties".to_owned(), Value::Object(properties));
    }
    resource.insert("id".to_owned(), Value::from(id.as_str()));
    resource.insert("type".to_owned(), Value::from(spelled(resource_type)));
    resource.entry("name").or_insert_with(|| Value::from(id.name()));
    let mut resource = Value::Object(resource);
    unrow(&mut resource);
    if is_flat {
        shape_children(&mut resource, resource_type);
    }
    resource
}

/// Undoes what is particular to rows of Resource Graph.
fn unrow(resource: &mut Value) {
    let Some(properties) = properties_mut(resource) else {
        return;
    };
    let power = properties
        .get("extended")
        .and_then(|extended| extended.pointer("/instanceView/powerState"))
        .filter(|power| power.is_object())
        .cloned();
    if let Some(power) = power {
        properties.insert("instanceView".to_owned(), json!({ "statuses": [power] }));
        properties.remove("extended");
    }
    if let Some(details) = properties.get_mut("resourceDetails").and_then(Value::as_object_mut) {
        for (capital, small) in [("Id", "id"), ("Source", "source")] {
            if let Some(stated) = details.remove(capital) {
                details.insert(small.to_owned(), stated);
            }
        }
    }
}

fn shape_children(resource: &mut Value, resource_type: &str) {
    for (kind, member) in kept_in(resource_type) {
        for item in super::items_mut(resource, member) {
            let stated = item.get("id").and_then(Value::as_str).map(ResourceId::new);
            if let Some(id) = stated {
                *item = shaped(item.take(), &id, kind.name);
            }
        }
    }
}

//! The estate as resources with one truth each: a rule lives in its group, a subnet in its network, and both are found
//! by their own ids too. Every write counts a revision, from which the etags are made. Knows nothing of HTTP.

mod load;
mod reference;
mod settle;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

pub use load::{LoadError, load};
pub use reference::{Block, LINKS, references};

use super::kind::{Home, Kind, kept_in, kind};
use crate::model::ResourceId;

/// One resource that is kept by itself.
#[derive(Clone, Debug)]
pub struct Resource {
    /// As spelled when it was made.
    pub id: ResourceId,
    /// In lower case.
    pub resource_type: String,
    pub body: Value,
    /// The revision of the last write.
    pub revision: u64,
}

#[derive(Clone, Debug)]
pub struct Subscription {
    pub id: String,
    pub name: String,
    pub tags: Value,
}

#[derive(Clone, Debug)]
pub struct Group {
    pub id: String,
    pub name: String,
    pub location: String,
    pub tags: Value,
}

/// What the recording says that it could not read.
#[derive(Clone, Debug)]
pub struct Refused {
    pub subscription: String,
    /// `*` for everything.
    pub resource_type: String,
}

#[derive(Debug, Default)]
pub struct Store {
    resources: BTreeMap<String, Resource>,
    /// Keys by subscription and type, both in lower case.
    by_type: BTreeMap<(String, String), BTreeSet<String>>,
    referrers: reference::Referrers,
    /// By lower-case id.
    pub subscriptions: BTreeMap<String, Subscription>,
    /// By lower-case id.
    pub groups: BTreeMap<String, Group>,
    /// Recorded answers to actions, by lower-case id of the resource and the action.
    pub answers: BTreeMap<String, Value>,
    /// By lower-case name: the display name and the parent.
    pub management_groups: BTreeMap<String, ManagementGroup>,
    pub refused: Vec<Refused>,
    pub tenant: String,
    /// When the recording was made, where it says so.
    pub recorded: Option<jiff::Timestamp>,
    revision: u64,
}

#[derive(Clone, Debug)]
pub struct ManagementGroup {
    pub name: String,
    pub display_name: String,
    /// Empty for the root.
    pub parent: String,
    /// Lower-case ids of the subscriptions right below.
    pub subscriptions: BTreeSet<String>,
}

/// The key of an id.
pub fn key(id: &str) -> String {
    id.trim_end_matches('/').to_ascii_lowercase()
}

/// A found resource, by itself or within its parent.
pub struct Found<'s> {
    pub body: &'s Value,
    /// The one that is kept by itself.
    pub holder: &'s Resource,
}

impl Store {
    pub fn len(&self) -> usize {
        self.resources.len()
    }

    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    pub fn all(&self) -> impl Iterator<Item = &Resource> {
        self.resources.values()
    }

    /// The resource kept under this id.
    pub fn own(&self, id: &str) -> Option<&Resource> {
        self.resources.get(&key(id))
    }

    /// A resource, wherever it is kept.
    pub fn find(&self, id: &str) -> Option<Found<'_>> {
        if let Some(holder) = self.own(id) {
            let body = &holder.body;
            return Some(Found { body, holder });
        }
        let (holder_id, member, name) = home_of(id)?;
        let holder = self.own(&holder_id)?;
        let body = items(&holder.body, member).find(|item| is_named(item, &name))?;
        Some(Found { body, holder })
    }

    pub fn exists(&self, id: &str) -> bool {
        self.find(id).is_some()
    }

    /// The resources of a type in a subscription, by id. Types that are kept in their parents come as `None`.
    pub fn of_type<'s>(&'s self, subscription: &str, resource_type: &str) -> impl Iterator<Item = &'s Resource> {
        let at = (subscription.to_ascii_lowercase(), resource_type.to_ascii_lowercase());
        let keys = self.by_type.get(&at).into_iter().flatten();
        keys.filter_map(|key| self.resources.get(key))
    }

    /// Every resource of a type.
    pub fn of_type_anywhere<'s>(&'s self, resource_type: &str) -> impl Iterator<Item = &'s Resource> {
        let resource_type = resource_type.to_ascii_lowercase();
        self.by_type
            .iter()
            .filter(move |((_, at), _)| *at == resource_type)
            .flat_map(|(_, keys)| keys)
            .filter_map(|key| self.resources.get(key))
    }

    /// Everything in a subscription, by type and id.
    pub fn in_subscription<'s>(&'s self, subscription: &str) -> impl Iterator<Item = &'s Resource> {
        let subscription = subscription.to_ascii_lowercase();
        self.by_type
            .range((subscription.clone(), String::new())..)
            .take_while(move |((at, _), _)| *at == subscription)
            .flat_map(|(_, keys)| keys)
            .filter_map(|key| self.resources.get(key))
    }

    /// A management group and all groups below it.
    pub fn groups_below(&self, name: &str) -> Vec<&ManagementGroup> {
        let mut found = Vec::new();
        let mut open = vec![name.to_ascii_lowercase()];
        let mut seen = BTreeSet::new();
        while let Some(name) = open.pop() {
            let Some(group) = self.management_groups.get(&name).filter(|_| seen.insert(name.clone())) else {
                continue;
            };
            found.push(group);
            let children = self.management_groups.iter();
            let children = children.filter(|(_, child)| child.parent.eq_ignore_ascii_case(&group.name));
            open.extend(children.map(|(name, _)| name.clone()));
        }
        found
    }

    /// The management groups above a subscription, the nearest first.
    pub fn management_groups_above(&self, subscription: &str) -> Vec<&ManagementGroup> {
        let groups = &self.management_groups;
        let subscription = subscription.to_ascii_lowercase();
        let mut chain = Vec::new();
        let mut at = groups
            .values()
            .find(|group| group.subscriptions.contains(&subscription));
        while let Some(group) = at.filter(|_| chain.len() <= groups.len()) {
            chain.push(group);
            at = groups.get(&group.parent.to_ascii_lowercase());
        }
        chain
    }

    /// The etag of a revision, as network resources show it.
    pub fn etag(revision: u64) -> String {
        format!("W/\"{:08x}-0000-4000-8000-{:012x}\"", revision >> 32, revision)
    }

    /// A resource as a `GET` shows it, with its etag and those of what is in it.
    pub fn rendered(found: &Found<'_>) -> Value {
        let mut body = found.body.clone();
        let etag = kind(&found.holder.resource_type).filter(|kind| kind.has_etag());
        if etag.is_some() {
            stamp(
                &mut body,
                &Store::etag(found.holder.revision),
                &found.holder.resource_type,
            );
        }
        body
    }

    /// Writes a resource, by itself or into its parent; the parent must be there.
    pub fn put(&mut self, id: &str, body: Value) {
        self.revision += 1;
        let revision = self.revision;
        if let Some((holder_id, member, name)) = home_of(id).filter(|(holder, _, _)| self.own(holder).is_some()) {
            self.change(&holder_id, |holder| put_item(holder, member, &name, body));
            return;
        }
        let key = key(id);
        let spelled = self.resources.get(&key).map(|held| held.id.clone());
        let id = spelled.unwrap_or_else(|| ResourceId::new(id));
        let resource = Resource {
            resource_type: id.resource_type(),
            id,
            body,
            revision,
        };
        let at = (
            resource.id.subscription().to_ascii_lowercase(),
            resource.resource_type.clone(),
        );
        self.by_type.entry(at).or_default().insert(key.clone());
        let old = self.resources.insert(key.clone(), resource);
        self.relink(&key, old.map(|old| old.body).as_ref());
    }

    /// Changes the body of a resource that is kept by itself. Counts as a write.
    pub fn change(&mut self, id: &str, change: impl FnOnce(&mut Value)) {
        let key = key(id);
        let Some(resource) = self.resources.get_mut(&key) else {
            return;
        };
        self.revision += 1;
        let old = resource.body.clone();
        change(&mut resource.body);
        resource.revision = self.revision;
        self.relink(&key, Some(&old));
    }

    /// Changes a resource wherever it is kept.
    pub fn change_any(&mut self, id: &str, change: impl FnOnce(&mut Value)) {
        if self.own(id).is_some() {
            return self.change(id, change);
        }
        let Some((holder_id, member, name)) = home_of(id) else {
            return;
        };
        self.change(&holder_id, |holder| {
            if let Some(item) = items_mut(holder, member).find(|item| is_named(item, &name)) {
                change(item);
            }
        });
    }

    /// Takes a resource out, with everything below it.
    pub fn remove(&mut self, id: &str) {
        self.revision += 1;
        if let Some((holder_id, member, name)) = home_of(id).filter(|(holder, _, _)| self.own(holder).is_some()) {
            self.change(&holder_id, |holder| remove_item(holder, member, &name));
            return;
        }
        let top = key(id);
        let below = format!("{top}/");
        let mut keys = vec![top];
        keys.extend(
            self.resources
                .range(below.clone()..)
                .map(|(key, _)| key.clone())
                .take_while(|key| key.starts_with(&below)),
        );
        for key in keys {
            self.remove_one(&key);
        }
    }

    fn remove_one(&mut self, key: &str) {
        let Some(resource) = self.resources.remove(key) else {
            return;
        };
        let at = (
            resource.id.subscription().to_ascii_lowercase(),
            resource.resource_type.clone(),
        );
        if let Some(keys) = self.by_type.get_mut(&at) {
            keys.remove(key);
        }
        self.unlink(key, &resource);
    }
}

/// Where a resource of a type that lives in its parent is kept: the parent's id, the member, its name.
pub fn home_of(id: &str) -> Option<(String, &'static str, String)> {
    let id = ResourceId::new(id);
    let Home::Parent(member) = kind(&id.resource_type())?.home else {
        return None;
    };
    Some((id.parent()?.as_str().to_owned(), member, id.name().to_owned()))
}

/// The objects of a list in `properties`.
pub fn items<'v>(body: &'v Value, member: &str) -> impl Iterator<Item = &'v Value> {
    let list = body.get("properties").and_then(|properties| properties.get(member));
    list.and_then(Value::as_array).into_iter().flatten()
}

pub fn items_mut<'v>(body: &'v mut Value, member: &str) -> impl Iterator<Item = &'v mut Value> {
    let list = body
        .get_mut("properties")
        .and_then(|properties| properties.get_mut(member));
    list.and_then(Value::as_array_mut).into_iter().flatten()
}

pub fn is_named(item: &Value, name: &str) -> bool {
    let stated = item.get("name").and_then(Value::as_str);
    stated.is_some_and(|stated| stated.eq_ignore_ascii_case(name))
}

/// The `properties` of a body, made where there are none.
pub fn properties_mut(body: &mut Value) -> Option<&mut Map<String, Value>> {
    let object = body.as_object_mut()?;
    let properties = object.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    properties.as_object_mut()
}

fn put_item(holder: &mut Value, member: &str, name: &str, body: Value) {
    let Some(properties) = properties_mut(holder) else {
        return;
    };
    let list = properties.entry(member).or_insert_with(|| Value::Array(Vec::new()));
    if !list.is_array() {
        *list = Value::Array(Vec::new());
    }
    let Some(list) = list.as_array_mut() else { return };
    match list.iter_mut().find(|item| is_named(item, name)) {
        Some(item) => *item = body,
        None => list.push(body),
    }
}

fn remove_item(holder: &mut Value, member: &str, name: &str) {
    let list = properties_mut(holder).and_then(|properties| properties.get_mut(member));
    if let Some(list) = list.and_then(Value::as_array_mut) {
        list.retain(|item| !is_named(item, name));
    }
}

/// Writes the etag into a body and into what it holds of its own.
fn stamp(body: &mut Value, etag: &str, resource_type: &str) {
    for (_, member) in kept_in(resource_type) {
        items_mut(body, member).for_each(|item| {
            if let Some(item) = item.as_object_mut() {
                item.insert("etag".to_owned(), Value::from(etag));
            }
        });
    }
    if let Some(object) = body.as_object_mut() {
        object.insert("etag".to_owned(), Value::from(etag));
    }
}

/// The canonical spelling of a type; what the sandbox does not know stays as it is.
pub fn spelled(resource_type: &str) -> String {
    kind(resource_type).map_or_else(|| resource_type.to_owned(), |kind: &Kind| kind.name.to_owned())
}

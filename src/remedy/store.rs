//! Resources of an estate's documents under the ids that the service knows them by, children included: read, put and
//! deleted as the service would. Must not know what a change is for.

use serde_json::{Value, json};

use super::documents::{Documents, id_of, member, property, slot};
use crate::model::ResourceId;

/// Children that recordings state within their parent: the child's type, and the member that lists them.
const CHILDREN: &[(&str, &str)] = &[
    ("microsoft.network/networksecuritygroups/securityrules", "securityRules"),
    ("microsoft.network/virtualnetworks/subnets", "subnets"),
];

/// The member of the parent that lists resources like this one.
fn list_of(id: &ResourceId) -> Option<&'static str> {
    let kind = id.resource_type();
    CHILDREN.iter().find(|(child, _)| *child == kind).map(|(_, list)| *list)
}

impl Documents {
    /// A resource, or a child that its parent's document states.
    pub fn get(&self, id: &ResourceId) -> Option<Value> {
        if let Some(document) = self.find(id) {
            return Some(document.clone());
        }
        let list = list_of(id)?;
        let parent = id.parent()?;
        let children = property(self.find(&parent)?, list)?.as_array()?;
        children.iter().find(|child| is_child(child, id)).cloned()
    }

    /// Whether the resource, or the parent that it would be stated in, is among the documents.
    pub fn can_hold(&self, id: &ResourceId) -> bool {
        let holder = match list_of(id) {
            Some(_) => id.parent(),
            None => return true,
        };
        self.find(id).is_some() || holder.is_some_and(|holder| self.find(&holder).is_some())
    }

    /// Creates or replaces, as a PUT does.
    pub fn set(&mut self, id: &ResourceId, body: &Value) {
        let document = identified(id, body);
        let (Some(list), None, Some(parent)) = (list_of(id), self.find(id), id.parent()) else {
            return self.put(id, document);
        };
        let Some(mut holder) = self.find(&parent).cloned() else {
            return self.put(id, document);
        };
        if let Some(slot) = slot(&mut holder, list) {
            let mut children = slot.as_array().cloned().unwrap_or_default();
            match children.iter_mut().find(|child| is_child(child, id)) {
                Some(place) => *place = document,
                None => children.push(document),
            }
            *slot = Value::Array(children);
        }
        self.put(&parent, holder);
    }

    /// Deletes; what does not exist stays away.
    pub fn unset(&mut self, id: &ResourceId) {
        self.remove(id);
        let (Some(list), Some(parent)) = (list_of(id), id.parent()) else {
            return;
        };
        let Some(mut holder) = self.find(&parent).cloned() else {
            return;
        };
        if let Some(children) = slot(&mut holder, list).and_then(Value::as_array_mut) {
            children.retain(|child| !is_child(child, id));
        }
        self.put(&parent, holder);
    }

    /// The rules of a group, by name, however they are stated.
    pub fn rules(&self, group: &ResourceId) -> Vec<(String, Value)> {
        let stated = self.find(group).and_then(|group| property(group, "securityRules"));
        let mut rules: Vec<(String, Value)> = stated
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|rule| Some((name_of(rule)?, rule.clone())))
            .collect();
        let loose = self.iter().filter_map(|document| Some((id_of(document)?, document)));
        for (id, document) in loose.filter(|(id, _)| list_of(id) == Some("securityRules")) {
            if id.parent().is_some_and(|parent| parent == *group) && !rules.iter().any(|(name, _)| named(name, &id)) {
                rules.push((id.name().to_owned(), document.clone()));
            }
        }
        rules
    }
}

fn named(name: &str, id: &ResourceId) -> bool {
    name.eq_ignore_ascii_case(id.name())
}

fn name_of(child: &Value) -> Option<String> {
    let name = member(child, "name").and_then(Value::as_str).map(str::to_owned);
    name.or_else(|| id_of(child).map(|id| id.name().to_owned()))
}

fn is_child(child: &Value, id: &ResourceId) -> bool {
    id_of(child).as_ref() == Some(id) || name_of(child).is_some_and(|name| named(&name, id))
}

/// The document that the service would show for a body: its own members win over those of the body.
fn identified(id: &ResourceId, body: &Value) -> Value {
    let mut document = body.clone();
    if let Some(members) = document.as_object_mut() {
        let kind = id.resource_type();
        members.entry("id").or_insert_with(|| json!(id.as_str()));
        members.entry("name").or_insert_with(|| json!(id.name()));
        members.entry("type").or_insert_with(|| json!(kind));
    }
    document
}

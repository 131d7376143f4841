//! The ARM ids that instances have or will have, and what references to them find.

use std::sync::Arc;

use super::table::{Computed, Id, Is, Row};
use super::{Instance, Said, rows};
use crate::input::arm::expression::{Kind, Unknown, Value};
use crate::input::arm::scope::{Parts, Scope, resource_id};
use crate::model::{Why, WhyKind};

/// Stands for the subscription that nobody says.
const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

/// The id of the ARM resource that an instance is, or whose element it is; `None` where it is in no table.
pub fn id_of(row: &Row, instance: &Instance) -> Option<Value> {
    let (id, parent) = match &row.is {
        Is::Resource { arm, id } => (id, arm.rsplit_once('/').map_or(*arm, |(parent, _)| parent)),
        Is::Element { of, id, .. } => (id, *of),
        Is::Name { id } => (id, ""),
        Is::Part { .. } => return None,
    };
    if instance.said == Said::Recorded
        && !matches!(id, Id::Action(..))
        && let Some(stated) = instance.attributes.get("id").filter(|id| is_real(id))
    {
        return Some(stated.clone());
    }
    Some(made(id, parent, instance))
}

/// Whether the id of an instance can be told: nothing that it is made of waits for another instance.
pub fn is_settled(instance: &Instance) -> bool {
    let Some(row) = rows::row(&instance.resource_type) else {
        return instance.attributes.get("parent_id").is_none_or(is_id);
    };
    match &row.is {
        Is::Resource { id, .. } | Is::Element { id, .. } | Is::Name { id } => match id {
            Id::Under(parent, ..) => {
                let real = instance.attributes.get("id").is_some_and(is_real);
                real || instance.attributes.get(parent).is_some_and(is_id)
            }
            _ => true,
        },
        Is::Part { .. } => true,
    }
}

fn is_real(id: &Value) -> bool {
    id.as_text().is_some_and(|text| text.starts_with('/'))
}

fn made(id: &Id, parent_type: &str, instance: &Instance) -> Value {
    match id {
        Id::InGroup(arm, names) => {
            let names: Vec<Value> = names.iter().map(|name| name_of(instance, name)).collect();
            let group = Some(name_of(instance, "resource_group_name"));
            resource_id(&scope(instance, group).id(), arm, &names)
        }
        Id::Under(parent, kind, name) => {
            let name = name_of(instance, name);
            match instance.attributes.get(parent).filter(|parent| is_id(parent)) {
                Some(parent) => child(parent, kind, &name),
                None => child(&stranger(instance, parent, parent_type), kind, &name),
            }
        }
        Id::InSubscription(arm, name, default) => {
            let stated = instance.attributes.get(name);
            let name = match stated.filter(|value| !matches!(value.kind, Kind::Null)) {
                Some(_) => name_of(instance, name),
                None => Value::from(*default),
            };
            resource_id(&scope(instance, None).id(), arm, &[name])
        }
        Id::Action(of, action) => {
            let of = instance.attributes.get(of).filter(|of| is_id(of)).cloned();
            let mut parts = Parts::default();
            parts.value(&of.unwrap_or_else(|| stranger(instance, "network_manager_id", parent_type)));
            parts.push("/");
            parts.push(action);
            parts.finish()
        }
        Id::Group => scope(instance, Some(name_of(instance, "name"))).id(),
    }
}

fn scope(instance: &Instance, group: Option<Value>) -> Scope {
    Scope {
        subscription: Some(subscription(instance)),
        group,
    }
}

/// The subscription's GUID, or zeros.
pub fn subscription(instance: &Instance) -> Value {
    let unsaid = || Value::unknown("the subscription is not in the configuration", SUBSCRIPTION);
    instance.settings.subscription.clone().unwrap_or_else(unsaid)
}

/// A text, or an unknown that begins as an id does.
pub fn is_id(value: &Value) -> bool {
    value.name().is_some_and(|name| name.starts_with('/'))
}

/// An argument that is a part of an id; what is absent or no name is unknown.
fn name_of(instance: &Instance, argument: &str) -> Value {
    let given = instance.attributes.get(argument);
    match given.map(|value| &value.kind) {
        Some(Kind::Text(_)) => given.cloned().unwrap_or_else(Value::null),
        Some(Kind::Int(number)) => Value::from(number.to_string()),
        Some(Kind::Unknown(unknown)) => {
            let symbol = unknown.symbol.replace('/', "|");
            unknown.derived(symbol).into()
        }
        _ => open(instance, argument),
    }
}

/// What only the provider can tell.
pub fn open(instance: &Instance, attribute: &str) -> Value {
    let address = &instance.address;
    let why = Why::new(
        WhyKind::Open,
        format!("`{attribute}` of `{address}` is known only when it is deployed"),
    );
    Unknown {
        why,
        symbol: Arc::from(format!("{{{address}.{attribute}}}").replace('/', "|")),
        exact: true,
    }
    .into()
}

/// Stands for a parent of which nothing is known but the argument that names it.
fn stranger(instance: &Instance, argument: &str, parent_type: &str) -> Value {
    let given = name_of(instance, argument);
    let names = vec![given.clone(); parent_type.split('/').count().saturating_sub(1)];
    resource_id(&scope(instance, Some(given)).id(), parent_type, &names)
}

/// Stands for the parent that an argument does not tell: a scope, where the type has no other parent.
pub fn parent_or_stranger(instance: &Instance, argument: &str, parent_type: &str) -> Value {
    match instance.attributes.get(argument).filter(|parent| is_id(parent)) {
        Some(parent) => parent.clone(),
        None if parent_type.contains('/') => stranger(instance, argument, parent_type),
        None => scope(instance, Some(name_of(instance, argument))).id(),
    }
}

/// `<parent>/<kind>/<name>`.
pub fn child(parent: &Value, kind: &str, name: &Value) -> Value {
    let mut parts = Parts::default();
    parts.value(parent);
    parts.push("/");
    parts.push(kind);
    parts.push("/");
    parts.value(name);
    parts.finish()
}

/// The attributes of an instance with what the table can foretell.
pub fn completed(instance: &Instance) -> Value {
    let Some(row) = rows::row(&instance.resource_type) else {
        return instance.attributes.clone();
    };
    let mut members = instance.attributes.as_object().unwrap_or_default().to_vec();
    let id = id_of(row, instance).unwrap_or_else(|| open(instance, "id"));
    if !instance.attributes.get("id").is_some_and(is_id) {
        set(&mut members, "id", id.clone());
    }
    for computed in row.computed {
        match computed {
            Computed::Ids(blocks, kind) => {
                if let Some((_, list)) = members.iter_mut().find(|(name, _)| &**name == *blocks) {
                    identify(list, &id, kind);
                }
            }
            Computed::Open(name) => {
                let stated = instance.attributes.get(name);
                if stated.is_none_or(|value| matches!(value.kind, Kind::Null)) {
                    set(&mut members, name, open(instance, name));
                }
            }
        }
    }
    Value::object(members).at(instance.attributes.span)
}

fn set(members: &mut Vec<(Arc<str>, Value)>, name: &str, value: Value) {
    match members.iter_mut().find(|(known, _)| &**known == name) {
        Some((_, known)) => *known = value,
        None => members.push((Arc::from(name), value)),
    }
}

/// Gives each block of a list the id that it has under its resource.
fn identify(list: &mut Value, of: &Value, kind: &str) {
    let Kind::List(items) = &mut list.kind else { return };
    for item in Arc::make_mut(items) {
        let Some(name) = item.get("name").cloned() else {
            continue;
        };
        let known = item.get("id").is_some_and(is_id);
        if let Kind::Object(members) = &mut item.kind
            && !known
        {
            set(Arc::make_mut(members), "id", child(of, kind, &name));
        }
    }
}

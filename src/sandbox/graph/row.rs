//! A resource as a row of Resource Graph: the columns, and where the row differs from what ARM shows.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::sandbox::store::Resource;

/// The columns of a table of resources.
pub const COLUMNS: &[&str] = &[
    "id",
    "name",
    "type",
    "tenantId",
    "kind",
    "location",
    "resourceGroup",
    "subscriptionId",
    "managedBy",
    "sku",
    "plan",
    "properties",
    "tags",
    "identity",
    "zones",
    "extendedLocation",
];

/// A row: a resource or made values, and columns that were added.
#[derive(Clone, Debug)]
pub struct Row<'s> {
    resource: Option<(&'s Resource, &'s str)>,
    pub extra: Map<String, Value>,
}

impl<'s> Row<'s> {
    pub fn of(resource: &'s Resource, tenant: &'s str) -> Row<'s> {
        Row {
            resource: Some((resource, tenant)),
            extra: Map::new(),
        }
    }

    pub fn made(extra: Map<String, Value>) -> Row<'s> {
        Row { resource: None, extra }
    }

    /// All columns of the row.
    pub fn whole(&self, columns: &[String]) -> Map<String, Value> {
        let named = columns
            .iter()
            .map(|name| (name.clone(), column(self, name).into_owned()));
        named.collect()
    }
}

/// A column of a row; null where there is none.
pub fn column<'r>(row: &'r Row<'_>, name: &str) -> Cow<'r, Value> {
    if let Some(value) = row.extra.get(name) {
        return Cow::Borrowed(value);
    }
    let Some((resource, tenant)) = row.resource else {
        return Cow::Owned(Value::Null);
    };
    let id = &resource.id;
    match name {
        "type" => Cow::Owned(Value::from(resource.resource_type.as_str())),
        "resourceGroup" => Cow::Owned(Value::from(id.resource_group().to_ascii_lowercase())),
        "subscriptionId" => Cow::Owned(Value::from(id.subscription().to_ascii_lowercase())),
        "tenantId" => Cow::Owned(Value::from(tenant)),
        "kind" | "managedBy" | "location" => {
            let stated = resource.body.get(name).and_then(Value::as_str).unwrap_or_default();
            Cow::Owned(Value::from(stated))
        }
        "properties" => properties(resource),
        _ if COLUMNS.contains(&name) => member(&resource.body, name),
        _ => Cow::Owned(Value::Null),
    }
}

fn member<'v>(body: &'v Value, name: &str) -> Cow<'v, Value> {
    body.get(name).map_or(Cow::Owned(Value::Null), Cow::Borrowed)
}

fn properties(resource: &Resource) -> Cow<'_, Value> {
    let stated = member(&resource.body, "properties");
    match resource.resource_type.as_str() {
        "microsoft.compute/virtualmachines" => Cow::Owned(with_power_state(stated.into_owned())),
        "microsoft.security/assessments" => Cow::Owned(with_capital_details(stated.into_owned())),
        _ => stated,
    }
}

/// Resource Graph shows no instance view, only the power state out of it.
fn with_power_state(mut properties: Value) -> Value {
    let Some(object) = properties.as_object_mut() else {
        return properties;
    };
    let Some(view) = object.remove("instanceView") else {
        return properties;
    };
    let statuses = view.get("statuses").and_then(Value::as_array);
    let power = statuses.into_iter().flatten().find(|status| {
        let code = status.get("code").and_then(Value::as_str).unwrap_or_default();
        code.starts_with("PowerState/")
    });
    if let Some(power) = power {
        object.insert(
            "extended".to_owned(),
            json!({ "instanceView": { "powerState": power } }),
        );
    }
    properties
}

/// Assessments name their resource as `resourceDetails.Id` here.
fn with_capital_details(mut properties: Value) -> Value {
    let Some(details) = properties.get_mut("resourceDetails") else {
        return properties;
    };
    let stated = |name: &str| details.get(name).cloned().unwrap_or(Value::Null);
    *details = json!({ "Id": stated("id"), "Source": stated("source") });
    properties
}

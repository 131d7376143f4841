//! Where a deployment goes, and the ids that resources have there. What the files do not say is a placeholder,
//! so that ids can be compared although nobody knows them whole.

use std::sync::Arc;

use super::expression::{Fault, Kind, Unknown, Value};
use crate::model::PLACEHOLDER_SUBSCRIPTION;

/// The target of a deployment. Each part is a text or an unknown whose symbol stands for it.
#[derive(Clone, Debug)]
pub struct Scope {
    /// None above subscriptions.
    pub subscription: Option<Value>,
    /// None above resource groups.
    pub group: Option<Value>,
}

impl Scope {
    /// What a template is deployed to by its `$schema`; `group` names the resource group that nobody names.
    pub fn of_schema(schema: &str, group: &str) -> Scope {
        let schema = schema.to_ascii_lowercase();
        let subscription = Value::unknown(
            "the subscription of the deployment is not in the template",
            PLACEHOLDER_SUBSCRIPTION,
        );
        let group = Value::unknown("the resource group of the deployment is not in the template", group);
        if schema.contains("tenantdeploymenttemplate") || schema.contains("managementgroupdeploymenttemplate") {
            return Scope {
                subscription: None,
                group: None,
            };
        }
        Scope {
            subscription: Some(subscription),
            group: (!schema.contains("subscriptiondeploymenttemplate")).then_some(group),
        }
    }

    /// `/subscriptions/S/resourceGroups/G`, shorter above.
    pub fn id(&self) -> Value {
        let mut parts = Parts::default();
        if let Some(subscription) = &self.subscription {
            parts.push("/subscriptions/");
            parts.value(subscription);
            if let Some(group) = &self.group {
                parts.push("/resourceGroups/");
                parts.value(group);
            }
        }
        parts.finish()
    }

    pub fn subscription_only(&self) -> Scope {
        Scope {
            subscription: self.subscription.clone(),
            group: None,
        }
    }
}

/// A text made of texts and of symbols for what is unknown.
#[derive(Default)]
pub struct Parts {
    text: String,
    open: Option<Unknown>,
}

impl Parts {
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub fn value(&mut self, value: &Value) {
        if let Some(name) = value.name() {
            self.text.push_str(name);
        }
        if let Some(unknown) = value.as_unknown() {
            self.open.get_or_insert_with(|| unknown.clone());
        }
    }

    pub fn finish(self) -> Value {
        match self.open {
            Some(unknown) => unknown.derived(self.text).into(),
            None => self.text.into(),
        }
    }
}

/// The names in a name with slashes. An unknown one counts as one segment, whatever it is.
pub fn segments(name: &Value) -> Vec<Value> {
    match &name.kind {
        Kind::Text(text) => text.split('/').map(Value::from).collect(),
        Kind::Unknown(unknown) => {
            let part = |part: &str| match part.contains('{') {
                true => unknown.derived(part.to_owned()).into(),
                false => Value::from(part),
            };
            unknown.symbol.split('/').map(part).collect()
        }
        Kind::Int(value) => vec![Value::from(value.to_string())],
        _ => Vec::new(),
    }
}

/// `<scope>/providers/N/a/x/b/y` for the type `N/a/b` and the names `x` and `y`.
pub fn resource_id(scope: &Value, resource_type: &str, names: &[Value]) -> Value {
    let mut parts = Parts::default();
    parts.value(scope);
    if let ("microsoft.resources/resourcegroups", [group]) = (resource_type.to_ascii_lowercase().as_str(), names) {
        parts.push("/resourceGroups/");
        parts.value(group);
        return parts.finish();
    }
    parts.push("/providers/");
    let mut kinds = resource_type.split('/');
    parts.push(kinds.next().unwrap_or_default());
    let nothing = Value::from("");
    for (at, kind) in kinds.enumerate() {
        parts.push("/");
        parts.push(kind);
        parts.push("/");
        parts.value(names.get(at).unwrap_or(&nothing));
    }
    parts.finish()
}

/// The functions that make ids; `None`: it is none of them.
pub fn call(name: &str, arguments: &[Value], scope: &Scope) -> Option<Result<Value, Fault>> {
    Some(match name {
        "resourceid" => by_type(arguments, |before| match before {
            [] => Ok(scope.id()),
            [group] => Ok(within(scope.subscription.as_ref(), Some(group))),
            [subscription, group] => Ok(within(Some(subscription), Some(group))),
            _ => Err(Fault::new(
                "`resourceId` takes at most a subscription and a resource group before the type",
            )),
        }),
        "subscriptionresourceid" => by_type(arguments, |before| match before {
            [] => Ok(scope.subscription_only().id()),
            [subscription] => Ok(within(Some(subscription), None)),
            _ => Err(Fault::new(
                "`subscriptionResourceId` takes at most a subscription before the type",
            )),
        }),
        "tenantresourceid" => by_type(arguments, |_| Ok(Value::from(""))),
        "managementgroupresourceid" => by_type(arguments, |before| {
            let mut parts = Parts::default();
            parts.push("/providers/Microsoft.Management/managementGroups/");
            parts.value(before.first().unwrap_or(&Value::unknown(
                "the management group of the deployment is not in the template",
                "{managementGroup}",
            )));
            Ok(parts.finish())
        }),
        "extensionresourceid" => match arguments.split_first() {
            Some((of, rest)) => by_type(rest, |_| Ok(of.clone())),
            None => Err(Fault::new("`extensionResourceId` misses the resource that is extended")),
        },
        _ => return None,
    })
}

fn within(subscription: Option<&Value>, group: Option<&Value>) -> Value {
    let scope = Scope {
        subscription: subscription.cloned(),
        group: group.cloned(),
    };
    scope.id()
}

/// Finds the type among the arguments: what stands before names the scope, what stands behind are names.
fn by_type(arguments: &[Value], scope: impl Fn(&[Value]) -> Result<Value, Fault>) -> Result<Value, Fault> {
    let is_type = |value: &Value| value.as_text().is_some_and(|text| text.contains('/'));
    let Some(at) = arguments.iter().position(is_type) else {
        return Err(Fault::new("no resource type is among the arguments"));
    };
    let (before, rest) = arguments.split_at(at);
    let Some((resource_type, names)) = rest.split_first() else {
        return Err(Fault::new("no resource type is among the arguments"));
    };
    let resource_type: Arc<str> = resource_type.as_text().cloned().unwrap_or_else(|| Arc::from(""));
    let wanted = resource_type.trim_matches('/').split('/').count().saturating_sub(1);
    let names = if names.len() == wanted {
        names.to_vec()
    } else {
        names.iter().flat_map(segments).collect()
    };
    if names.len() != wanted {
        let message = format!("`{resource_type}` needs {wanted} names, and {} are given", names.len());
        return Err(Fault::new(message));
    }
    Ok(resource_id(&scope(before)?, resource_type.trim_matches('/'), &names))
}

//! Functions that tell of the deployment itself and of the resources of its template.

use std::sync::Arc;

use super::deployment;
use super::expression::{Fault, Value};
use super::frame::{Env, runtime};
use super::scope::Scope;

fn object(members: Vec<(&str, Value)>) -> Value {
    Value::object(
        members
            .into_iter()
            .map(|(name, value)| (Arc::from(name), value))
            .collect(),
    )
}

fn open(what: &str) -> Value {
    Value::unknown(
        format!("{what} is not in the template"),
        &format!("{{{}}}", what.replace(' ', "-")),
    )
}

/// Begins the address that nobody gave the template; the name of its file follows.
pub const ADDRESS: &str = "{template-uri}/";

impl<'w> Env<'_, 'w> {
    /// This subscription, or the one that is named.
    pub fn subscription(&self, arguments: &[Value]) -> Value {
        let scope = match arguments.first() {
            Some(named) => Scope {
                subscription: Some(named.clone()),
                group: None,
            },
            None => self.frame.scope.subscription_only(),
        };
        let id = scope.subscription.clone().unwrap_or_else(|| open("the subscription"));
        object(vec![
            ("id", scope.id()),
            ("subscriptionId", id),
            ("tenantId", open("the tenant")),
            ("displayName", open("the name of the subscription")),
        ])
    }

    /// This resource group, or the one that is named, perhaps behind its subscription.
    pub fn group(&self, arguments: &[Value]) -> Result<Value, Fault> {
        let mut scope = self.frame.scope.clone();
        match arguments {
            [group] => scope.group = Some(group.clone()),
            [subscription, group] => {
                scope.subscription = Some(subscription.clone());
                scope.group = Some(group.clone());
            }
            _ => {}
        }
        let Some(name) = scope.group.clone() else {
            return Err(Fault::new("`resourceGroup` stands in a deployment that has none"));
        };
        Ok(object(vec![
            ("id", scope.id()),
            ("name", name),
            ("type", "Microsoft.Resources/resourceGroups".into()),
            ("location", open("the region of the resource group")),
            ("managedBy", open("the manager of the resource group")),
            ("tags", open("what tags the resource group")),
            ("properties", object(vec![("provisioningState", "Succeeded".into())])),
        ]))
    }

    /// The tenant; its id as a scope is `/`.
    pub fn tenant(&self) -> Value {
        object(vec![
            ("id", "/".into()),
            ("tenantId", open("the tenant")),
            ("displayName", open("the name of the tenant")),
            ("countryCode", open("the country of the tenant")),
        ])
    }

    /// This management group, or the one that is named.
    pub fn management_group(&self, arguments: &[Value]) -> Value {
        let name = arguments
            .first()
            .cloned()
            .unwrap_or_else(|| open("the management group"));
        let id = super::scope::resource_id(
            &"".into(),
            "Microsoft.Management/managementGroups",
            std::slice::from_ref(&name),
        );
        object(vec![
            ("id", id),
            ("name", name),
            ("type", "Microsoft.Management/managementGroups".into()),
            ("properties", open("what describes the management group")),
        ])
    }

    pub fn deployment(&self) -> Value {
        let file = self.lowering.files.get(self.frame.file).map_or("", |file| file.name);
        let address = format!("{ADDRESS}{}", file.replace('\\', "/"));
        let uri = Value::unknown("the address of the template is not in the template", &address);
        let link = object(vec![
            ("uri", uri),
            ("id", open("the template spec")),
            ("contentVersion", open("the version")),
        ]);
        let properties = object(vec![
            ("templateLink", link),
            ("template", open("the template in force")),
            ("parameters", open("the deployment")),
            ("mode", open("the mode")),
            ("provisioningState", open("the state")),
        ]);
        object(vec![
            ("name", self.frame.name.clone()),
            ("location", open("the region of the deployment")),
            ("properties", properties),
        ])
    }

    /// The outputs of a nested deployment; whatever else is asked for exists only in Azure.
    pub fn reference(&self, arguments: &[Value]) -> Result<Value, Fault> {
        let Some(wanted) = arguments.first().and_then(Value::name) else {
            return Err(Fault::new("`reference` takes a name or an id"));
        };
        let full = arguments
            .get(2)
            .and_then(Value::as_text)
            .is_some_and(|text| text.eq_ignore_ascii_case("full"));
        let found = self
            .frame
            .deployments
            .borrow()
            .get(&wanted.to_ascii_lowercase())
            .cloned();
        let Some(found) = found else {
            return Ok(runtime("reference", arguments));
        };
        let outputs = deployment::outputs(self, &found);
        let properties = object(vec![("outputs", outputs), ("provisioningState", "Succeeded".into())]);
        Ok(match full {
            true => object(vec![("properties", properties), ("resourceId", found.id.clone())]),
            false => properties,
        })
    }
}

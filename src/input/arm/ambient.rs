//! Functions that tell of the deployment itself and of the resources of its template.

use std::sync::Arc;

use super::deployment;
use super::expression::{Fault, Kind, Value};
use super::frame::{Copies, Env, runtime};
use super::lower;
use crate::syntax::Node;

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
    pub fn subscription(&self) -> Value {
        let scope = self.frame.scope.subscription_only();
        let id = scope.subscription.clone().unwrap_or_else(|| open("the subscription"));
        object(vec![
            ("id", scope.id()),
            ("subscriptionId", id),
            ("tenantId", open("the tenant")),
            ("displayName", open("the name of the subscription")),
        ])
    }

    pub fn group(&self) -> Result<Value, Fault> {
        let scope = &self.frame.scope;
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

    /// Identity of a resource by its symbolic name, `name` or `name[index]`.
    pub fn resource_info(&self, arguments: &[Value]) -> Result<Value, Fault> {
        let Some(symbol) = arguments.first().and_then(Value::name) else {
            return Err(Fault::new("`resourceInfo` takes a symbolic name"));
        };
        let (name, index) = match symbol.strip_suffix(']').and_then(|rest| rest.split_once('[')) {
            Some((name, index)) => (name, index.parse::<i64>().ok()),
            None => (&**symbol, None),
        };
        let resources = self
            .frame
            .template
            .get("resources")
            .and_then(|resources| resources.get(name));
        let Some(node) = resources else {
            return Err(Fault::new(format!(
                "there is no resource with the symbolic name `{name}`"
            )));
        };
        let copy = node
            .get("copy")
            .and_then(|copy| copy.get("name"))
            .and_then(Node::as_text);
        let env = match index {
            Some(index) => self.within(Copies {
                name: copy.map(Arc::from),
                index: index.into(),
                of_resource: true,
                outer: None,
            }),
            None => self.clone(),
        };
        let identity = lower::identity(&env, node, &self.frame.scope, None);
        Ok(object(vec![
            ("id", identity.id),
            ("name", identity.name),
            ("type", Kind::Text(identity.resource_type).into()),
            (
                "apiVersion",
                node.get("apiVersion").map_or_else(Value::null, |node| env.value(node)),
            ),
        ]))
    }
}

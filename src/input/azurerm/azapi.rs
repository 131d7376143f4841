//! `azapi_resource` and `azapi_update_resource`: ARM resources as they are, within Terraform.

use std::sync::Arc;

use super::Instance;
use super::identity::{child, is_id, open, parent_or_stranger};
use super::lower::{Draft, Drafts};
use super::map::{Members, put};
use crate::input::arm;
use crate::input::arm::expression::{Kind, Value};
use crate::input::arm::scope::Parts;
use crate::source::Diagnostic;
use crate::syntax::json;

/// Types of the azapi provider.
pub const RESOURCE: &str = "azapi_resource";
pub const UPDATE: &str = "azapi_update_resource";

/// What the arguments say beside the body.
const OWN: &[&str] = &["location", "tags"];

/// Takes a resource as it is.
pub fn take(drafts: &mut Drafts, instance: &Instance) {
    let Some(arm) = resource_type(drafts, instance) else {
        return;
    };
    let known = arm::known_type(&arm.to_ascii_lowercase());
    let Some((known_type, within)) = known else {
        *drafts.unused.entry(Arc::from(&*arm.to_ascii_lowercase())).or_default() += 1;
        return;
    };
    let id = id(instance, &arm);
    let Some(id) = id.name().filter(|_| is_id(&id)).cloned() else {
        return;
    };
    let (mut root, mut properties) = (Members::new(), Members::new());
    for name in OWN {
        if let Some(value) = instance
            .attributes
            .get(name)
            .filter(|value| !matches!(value.kind, Kind::Null))
        {
            put(&mut root, name, value.clone(), instance.span());
        }
    }
    let mut perhaps = instance.perhaps.clone();
    match body(drafts, instance) {
        Body::Said(members) => split(members, &mut root, &mut properties),
        Body::Open(unknown) => perhaps = perhaps.or(Some(unknown)),
    }
    drafts.add(Draft {
        id,
        arm: known_type,
        root,
        properties,
        span: instance.span(),
        perhaps,
        whole: instance.whole,
        said: instance.said,
        within,
        address: instance.address.clone(),
    });
}

/// Takes an update into the resource that it is of.
pub fn update(drafts: &mut Drafts, instance: &Instance) {
    let Some(arm) = resource_type(drafts, instance) else {
        return;
    };
    if arm::known_type(&arm.to_ascii_lowercase()).is_none() {
        return;
    }
    let id = id(instance, &arm);
    let name = id.name().cloned().unwrap_or_else(|| Arc::from(""));
    let body = body(drafts, instance);
    let perhaps = instance.perhaps.clone();
    let Some(draft) = drafts.find(&name) else {
        let message = format!(
            "`{}` changes `{name}`, which is not in the configuration",
            instance.address
        );
        let help = "give the configuration or the state that has it as well; until then the change is not judged";
        return drafts.say(
            instance.span(),
            Diagnostic::warning("part-elsewhere", message).help(help),
            false,
        );
    };
    match (body, perhaps) {
        (Body::Open(unknown), _) | (Body::Said(_), Some(unknown)) => {
            draft.perhaps = draft.perhaps.take().or(Some(unknown))
        }
        (Body::Said(members), None) => {
            let (mut root, mut properties) = (Members::new(), Members::new());
            split(members, &mut root, &mut properties);
            merge(&mut draft.root, root);
            merge(&mut draft.properties, properties);
        }
    }
}

/// `Microsoft.Network/virtualNetworks` of `Microsoft.Network/virtualNetworks@2024-05-01`.
fn resource_type(drafts: &mut Drafts, instance: &Instance) -> Option<String> {
    let stated = instance.attributes.get("type").and_then(Value::as_text);
    if let Some(stated) = stated {
        return Some(stated.split('@').next().unwrap_or_default().to_owned());
    }
    let message = format!(
        "the type of `{}` is not known, and nobody can tell what it makes",
        instance.address
    );
    let help = "write the type as a text, such as `Microsoft.Network/virtualNetworks@2024-05-01`";
    drafts.say(instance.span(), Diagnostic::error("no-type", message).help(help), true);
    None
}

/// A child stands under its parent; else the resource stands in a scope.
fn id(instance: &Instance, arm: &str) -> Value {
    for name in ["id", "resource_id"] {
        if let Some(id) = instance.attributes.get(name).filter(|id| is_id(id)) {
            return id.clone();
        }
    }
    let stated = instance.attributes.get("name").filter(|value| value.name().is_some());
    let name = stated.cloned().unwrap_or_else(|| open(instance, "name"));
    let parent_type = arm.rsplit_once('/').map_or(arm, |(parent, _)| parent);
    let parent = parent_or_stranger(instance, "parent_id", parent_type);
    let mut kinds = arm.split('/');
    let provider = kinds.next().unwrap_or_default();
    let kinds: Vec<&str> = kinds.collect();
    let mut parts = Parts::default();
    match kinds.as_slice() {
        [.., kind] if kinds.len() > 1 => return child(&parent, kind, &name),
        _ => {
            parts.value(&parent);
            parts.push("/providers/");
            parts.push(provider);
            parts.push("/");
            parts.push(kinds.first().unwrap_or(&""));
            parts.push("/");
            parts.value(&name);
        }
    }
    parts.finish()
}

enum Body {
    Said(Members),
    Open(crate::input::arm::expression::Unknown),
}

/// The body, an object or the JSON text of one.
fn body(drafts: &mut Drafts, instance: &Instance) -> Body {
    let Some(given) = instance.attributes.get("body") else {
        return Body::Said(Members::new());
    };
    let given = kept(given);
    match &given.kind {
        Kind::Object(members) => Body::Said(members.to_vec()),
        Kind::Null => Body::Said(Members::new()),
        Kind::Unknown(unknown) => Body::Open(unknown.clone()),
        Kind::Text(text) => match json::parse(text).map(|node| Value::literal(&node).moved(given.span)) {
            Ok(Value {
                kind: Kind::Object(members),
                ..
            }) => Body::Said(members.to_vec()),
            _ => refused(drafts, instance),
        },
        _ => refused(drafts, instance),
    }
}

/// Raw states keep values of no fixed type with their type beside them.
fn kept(given: &Value) -> &Value {
    match (given.as_object(), given.get("type"), given.get("value")) {
        (Some([_, _]), Some(_), Some(value)) => value,
        _ => given,
    }
}

fn refused(drafts: &mut Drafts, instance: &Instance) -> Body {
    let message = format!(
        "the body of `{}` is neither an object nor the JSON of one",
        instance.address
    );
    let help = "write it as an object, or with `jsonencode`; until then all that it says is unknown";
    drafts.say(
        instance.span(),
        Diagnostic::error("azapi-body", message.clone()).help(help),
        false,
    );
    let unknown = crate::input::arm::expression::Unknown::new(message, "{body}");
    Body::Open(unknown)
}

/// Members of the body: `properties`, and what stands beside them.
fn split(members: Members, root: &mut Members, properties: &mut Members) {
    for (name, value) in members {
        match &value.kind {
            Kind::Object(inner) if name.eq_ignore_ascii_case("properties") => merge(properties, inner.to_vec()),
            _ => merge(root, vec![(name, value)]),
        }
    }
}

/// Objects are merged, everything else is replaced.
fn merge(present: &mut Members, change: Members) {
    for (name, value) in change {
        match present.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            None => present.push((name, value)),
            Some((_, known)) => match (&mut known.kind, value.kind) {
                (Kind::Object(known), Kind::Object(more)) => merge(Arc::make_mut(known), more.to_vec()),
                (known, more) => *known = more,
            },
        }
    }
}

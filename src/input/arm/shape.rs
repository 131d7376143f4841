//! What the type of a resource has to do with how a template states it: a PUT states the whole, children may be
//! stated apart, and what perhaps exists must not protect anyone.

use std::sync::Arc;

use super::expression::{Kind, Unknown, Value};
use super::lower::Resource;
use crate::syntax::Span;

/// Lists that a template leaves out when they are empty.
const WHOLE: &[(&str, &str)] = &[
    ("microsoft.network/networksecuritygroups", "securityRules"),
    ("microsoft.network/routetables", "routes"),
];

/// Children that the decoder reads only within their parents, with the list that they belong in.
pub const WITHIN_PARENT: &[(&str, &str)] = &[
    ("microsoft.network/routetables/routes", "routes"),
    ("microsoft.network/loadbalancers/inboundnatrules", "inboundNatRules"),
    (
        "microsoft.network/loadbalancers/backendaddresspools",
        "backendAddressPools",
    ),
];

/// Subjects of verdicts: they are judged as if they existed.
const SUBJECTS: &[&str] = &[
    "microsoft.compute/virtualmachines",
    "microsoft.network/networkinterfaces",
];

type Members = Vec<(Arc<str>, Value)>;

/// Adds the lists that the template leaves out.
pub fn complete(resource_type: &str, members: &mut Members, span: Span) {
    let Some((_, list)) = WHOLE.iter().find(|(known, _)| *known == resource_type) else {
        return;
    };
    let empty = || Value::from(Vec::new()).at(span);
    let present = members
        .iter_mut()
        .find(|(name, _)| name.eq_ignore_ascii_case("properties"));
    match present {
        None => members.push((
            Arc::from("properties"),
            Value::object(vec![(Arc::from(*list), empty())]).at(span),
        )),
        Some((_, properties)) => {
            let null = properties
                .get(list)
                .is_none_or(|value| matches!(value.kind, Kind::Null));
            if let (Some(stated), true) = (properties.as_object(), null) {
                let mut stated = stated.to_vec();
                stated.retain(|(name, _)| !name.eq_ignore_ascii_case(list));
                stated.push((Arc::from(*list), empty()));
                *properties = Value::object(stated).at(properties.span);
            }
        }
    }
}

/// Everything that a resource says is open as long as it is open whether it exists.
pub fn doubt(resource_type: &str, members: &mut Members, unknown: &Unknown) {
    if SUBJECTS.contains(&resource_type) {
        return;
    }
    members.retain(|(name, _)| {
        ["id", "name", "type", "location", "tags"]
            .iter()
            .any(|kept| name.eq_ignore_ascii_case(kept))
    });
    members.push((Arc::from("properties"), Kind::Unknown(unknown.clone()).into()));
}

/// Moves children into the lists of their parents. Those whose parent is not in the files are dropped:
/// whoever names the parent finds it absent.
pub fn join_children(resources: Vec<Resource>) -> Vec<Resource> {
    let (children, mut others): (Vec<Resource>, Vec<Resource>) =
        resources.into_iter().partition(|resource| list_of(resource).is_some());
    for child in children {
        let Some(list) = list_of(&child) else { continue };
        let mut segments = child.id.rsplitn(3, '/');
        let parent = segments.nth(2).unwrap_or_default();
        let found = others.iter_mut().find(|other| other.id.eq_ignore_ascii_case(parent));
        if let Some(found) = found {
            add(found, list, child);
        }
    }
    others
}

fn list_of(resource: &Resource) -> Option<&'static str> {
    WITHIN_PARENT
        .iter()
        .find(|(known, _)| *known == resource.resource_type)
        .map(|(_, list)| *list)
}

fn add(parent: &mut Resource, list: &str, child: Resource) {
    let Some(members) = parent.value.as_object() else {
        return;
    };
    let mut members = members.to_vec();
    if !members.iter().any(|(name, _)| name.eq_ignore_ascii_case("properties")) {
        members.push((Arc::from("properties"), Value::object(Vec::new()).at(parent.value.span)));
    }
    for (name, properties) in &mut members {
        if !name.eq_ignore_ascii_case("properties") {
            continue;
        }
        let Some(stated) = properties.as_object() else { return };
        let mut stated = stated.to_vec();
        // Places of another text would lead astray.
        let moved = if parent.file == child.file {
            child.value.clone()
        } else {
            child.value.moved(properties.span)
        };
        match stated.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(list)) {
            Some((
                _,
                Value {
                    kind: Kind::List(items),
                    ..
                },
            )) => Arc::make_mut(items).push(moved),
            Some((_, open)) if open.as_unknown().is_some() => {}
            Some((_, other)) => *other = Value::from(vec![moved]).at(other.span),
            None => stated.push((Arc::from(list), Value::from(vec![moved]).at(properties.span))),
        }
        *properties = Value::object(stated).at(properties.span);
    }
    parent.value = Value::object(members).at(parent.value.span);
}

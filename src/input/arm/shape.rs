//! What the type of a resource has to do with how a template states it: a PUT states the whole, children may be
//! stated apart, and what perhaps exists must not protect anyone.

use std::collections::{BTreeMap, HashMap};
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
    settle(&mut others);
    if children.is_empty() {
        return others;
    }
    let mut by_id: HashMap<String, usize> = HashMap::new();
    for (at, other) in others.iter().enumerate() {
        by_id.entry(other.id.to_ascii_lowercase()).or_insert(at);
    }
    let mut by_parent: BTreeMap<usize, Vec<(&'static str, Resource)>> = BTreeMap::new();
    for child in children {
        let Some(list) = list_of(&child) else { continue };
        let parent = child.id.rsplitn(3, '/').nth(2).unwrap_or_default();
        if let Some(at) = by_id.get(&parent.to_ascii_lowercase()) {
            by_parent.entry(*at).or_default().push((list, child));
        }
    }
    for (at, children) in by_parent {
        if let Some(parent) = others.get_mut(at) {
            add(parent, children);
        }
    }
    others
}

/// Children that the decoder reads on their own, with the list that their parent may state them in as well.
const BESIDE_PARENT: &[(&str, &str)] = &[
    ("microsoft.network/virtualnetworks/subnets", "subnets"),
    ("microsoft.network/networksecuritygroups/securityrules", "securityRules"),
];

/// Of what a template states twice, within its parent and as a child, the child holds: it is deployed after its parent.
fn settle(resources: &mut [Resource]) {
    let mut stated: HashMap<String, Vec<(&'static str, String)>> = HashMap::new();
    for child in resources.iter() {
        let found = BESIDE_PARENT.iter().find(|(known, _)| *known == child.resource_type);
        let mut segments = child.id.rsplitn(3, '/');
        let (Some((_, list)), Some(name), Some(parent)) = (found, segments.next(), segments.nth(1)) else {
            continue;
        };
        let children = stated.entry(parent.to_ascii_lowercase()).or_default();
        children.push((list, name.to_ascii_lowercase()));
    }
    if stated.is_empty() {
        return;
    }
    for parent in resources.iter_mut() {
        if let Some(children) = stated.get(&parent.id.to_ascii_lowercase()) {
            leave_out(parent, children);
        }
    }
}

/// Takes elements out of the lists of a parent, by name.
fn leave_out(parent: &mut Resource, names: &[(&'static str, String)]) {
    let is_named = |list: &str, item: &Value| {
        let name = item.get("name").and_then(Value::name);
        let same = |name: &str, known: &(&str, String)| {
            known.0.eq_ignore_ascii_case(list) && known.1.eq_ignore_ascii_case(name)
        };
        name.is_some_and(|name| names.iter().any(|known| same(name, known)))
    };
    let kept = |(name, value): &(Arc<str>, Value)| {
        let value = match &value.kind {
            Kind::List(items) if items.iter().any(|item| is_named(name, item)) => {
                let kept = items.iter().filter(|item| !is_named(name, item)).cloned();
                Value::from(kept.collect::<Vec<_>>()).at(value.span)
            }
            _ => value.clone(),
        };
        (name.clone(), value)
    };
    let Some(members) = parent.value.as_object() else {
        return;
    };
    let members = members.iter().map(|(name, value)| {
        let value = match value.as_object() {
            Some(properties) if name.eq_ignore_ascii_case("properties") => {
                Value::object(properties.iter().map(kept).collect()).at(value.span)
            }
            _ => value.clone(),
        };
        (name.clone(), value)
    });
    parent.value = Value::object(members.collect()).at(parent.value.span);
}

fn list_of(resource: &Resource) -> Option<&'static str> {
    WITHIN_PARENT
        .iter()
        .find(|(known, _)| *known == resource.resource_type)
        .map(|(_, list)| *list)
}

/// Adds children to the lists of their parent.
fn add(parent: &mut Resource, children: Vec<(&'static str, Resource)>) {
    let Some(members) = parent.value.as_object() else {
        return;
    };
    let mut members = members.to_vec();
    if !members.iter().any(|(name, _)| name.eq_ignore_ascii_case("properties")) {
        members.push((Arc::from("properties"), Value::object(Vec::new()).at(parent.value.span)));
    }
    let found = members
        .iter_mut()
        .find(|(name, properties)| name.eq_ignore_ascii_case("properties") && properties.as_object().is_some());
    let Some((_, properties)) = found else { return };
    let span = properties.span;
    let mut stated = properties.as_object().unwrap_or_default().to_vec();
    for (list, child) in children {
        // Places of another text would lead astray.
        let moved = match parent.file == child.file {
            true => child.value,
            false => child.value.moved(span),
        };
        put(&mut stated, list, moved, span);
    }
    *properties = Value::object(stated).at(span);
    parent.value = Value::object(members).at(parent.value.span);
}

fn put(stated: &mut Members, list: &str, child: Value, span: Span) {
    match stated.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(list)) {
        Some((
            _,
            Value {
                kind: Kind::List(items),
                ..
            },
        )) => Arc::make_mut(items).push(child),
        Some((_, open)) if open.as_unknown().is_some() => {}
        Some((_, other)) => *other = Value::from(vec![child]).at(other.span),
        None => stated.push((Arc::from(list), Value::from(vec![child]).at(span))),
    }
}

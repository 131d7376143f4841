//! Templates of one directory that are deployed to one resource group: what one names as its own and does not declare is
//! the resource of that type and name that exactly one other of them declares. An assumption, which is told and can be
//! switched off. Joins by ids alone.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::Lowered;
use super::expression::{Kind, Value};
use super::files::{File, directory};
use super::lower::Resource;
use crate::model::PLACEHOLDER_SUBSCRIPTION;

/// A resource group that stands for where a template is deployed, with what it holds: types and names, in lower case.
struct Group {
    /// `/subscriptions/S/resourceGroups/G/providers/`, as written.
    prefix: String,
    declared: HashSet<String>,
}

/// Joins what the templates of each directory name of each other; whether anything was joined.
pub fn join(files: &[File<'_>], lowered: &mut [Lowered]) -> bool {
    let mut directories: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, file) in files.iter().enumerate() {
        if lowered.get(at).is_some_and(|one| !one.resources.is_empty()) {
            directories.entry(directory(file.name)).or_default().push(at);
        }
    }
    let mut joined = false;
    for siblings in directories.values().filter(|siblings| siblings.len() > 1) {
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        for at in siblings {
            let resources = lowered.get(*at).map_or(&[][..], |one| one.resources.as_slice());
            let stands_for = files.get(*at).map_or("", |file| &file.group);
            for resource in resources {
                note(&mut groups, resource, stands_for);
            }
        }
        let moves = Moves::of(&groups);
        for at in siblings {
            let resources = lowered.get_mut(*at).map(|one| one.resources.iter_mut());
            for resource in resources.into_iter().flatten() {
                joined |= moves.resource(resource);
            }
        }
    }
    joined
}

/// The group of an id with a placeholder for its subscription, and type and name of its outermost resource.
fn parts(id: &str) -> Option<(&str, &str)> {
    let rest = id
        .strip_prefix("/subscriptions/")?
        .strip_prefix(PLACEHOLDER_SUBSCRIPTION)?;
    let rest = rest.strip_prefix("/resourceGroups/")?;
    let end = rest.find('/')?;
    let behind = rest.get(end..)?.strip_prefix("/providers/")?;
    let prefix = id.len() - behind.len();
    // Provider, type and name.
    let length = behind.match_indices('/').nth(2).map_or(behind.len(), |(at, _)| at);
    Some((id.get(..prefix)?, behind.get(..length)?))
}

/// Notes what a template declares in the group that stands for where it is deployed; not what it puts into a group that
/// it names.
fn note(groups: &mut BTreeMap<String, Group>, resource: &Resource, stands_for: &str) {
    let Some((prefix, own)) = parts(&resource.id) else {
        return;
    };
    let name = prefix.rsplit('/').nth(2).unwrap_or_default();
    let rest = name.strip_prefix(stands_for);
    if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')) {
        return;
    }
    let group = groups.entry(prefix.to_ascii_lowercase()).or_insert_with(|| Group {
        prefix: prefix.to_owned(),
        declared: HashSet::new(),
    });
    // A child does not declare what it is a part of.
    if resource.id.len() == prefix.len() + own.len() {
        group.declared.insert(own.to_ascii_lowercase());
    }
}

/// Where each resource that exactly one group declares is.
struct Moves<'g> {
    groups: &'g BTreeMap<String, Group>,
    declared: HashMap<&'g str, Option<&'g str>>,
}

impl<'g> Moves<'g> {
    fn of(groups: &'g BTreeMap<String, Group>) -> Self {
        let mut declared: HashMap<&str, Option<&str>> = HashMap::new();
        for group in groups.values() {
            for own in &group.declared {
                declared
                    .entry(own)
                    .and_modify(|only| *only = None)
                    .or_insert(Some(&group.prefix));
            }
        }
        Moves { groups, declared }
    }

    /// The id in the group that declares it; `None` where it stays.
    fn moved(&self, id: &str) -> Option<String> {
        let (prefix, own) = parts(id)?;
        let here = self.groups.get(&prefix.to_ascii_lowercase())?;
        let own = own.to_ascii_lowercase();
        // Names that nobody knows may be equal in two templates and mean different things.
        if here.declared.contains(&own) || own.contains('{') {
            return None;
        }
        let there = (*self.declared.get(own.as_str())?)?;
        Some(format!("{there}{}", id.get(prefix.len()..)?))
    }

    fn resource(&self, resource: &mut Resource) -> bool {
        if let Some(id) = self.moved(&resource.id) {
            resource.id = Arc::from(id);
        }
        match self.value(&resource.value) {
            Some(value) => {
                resource.value = value;
                true
            }
            None => false,
        }
    }

    /// The value with ids moved; `None` where it stays as it is.
    fn value(&self, value: &Value) -> Option<Value> {
        let kind = match &value.kind {
            Kind::Text(text) => Kind::Text(Arc::from(self.moved(text)?)),
            Kind::Unknown(unknown) if unknown.is_id() => {
                let moved = self.moved(&unknown.symbol)?;
                Kind::Unknown(unknown.derived(moved))
            }
            Kind::List(items) => {
                let moved: Vec<Option<Value>> = items.iter().map(|item| self.value(item)).collect();
                moved.iter().any(Option::is_some).then_some(())?;
                let both = items.iter().zip(moved);
                Kind::List(Arc::new(
                    both.map(|(item, moved)| moved.unwrap_or_else(|| item.clone()))
                        .collect(),
                ))
            }
            Kind::Object(members) => {
                let moved: Vec<Option<Value>> = members.iter().map(|(_, value)| self.value(value)).collect();
                moved.iter().any(Option::is_some).then_some(())?;
                let both = members.iter().zip(moved);
                let both = both.map(|((name, value), moved)| (name.clone(), moved.unwrap_or_else(|| value.clone())));
                Kind::Object(Arc::new(both.collect()))
            }
            _ => return None,
        };
        Some(Value { kind, span: value.span })
    }
}

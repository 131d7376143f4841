//! Who may do what: role assignments and role definitions as Azure keeps them, and what they grant to the identity of the
//! sandbox. Knows nothing of what the actions do.

mod assignment;
mod definition;
mod permission;
mod role;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use assignment::{assign, assignments, unassign};
pub use definition::{define, definition, definitions, undefine};
pub use permission::permissions;
pub use role::BUILT_IN;

use super::clock::azure_time;
use super::entra::Identity;
use super::state::State;
use super::store::{Resource, Store, key};
use crate::model::names_action;

pub const ASSIGNMENT: &str = "Microsoft.Authorization/roleAssignments";
pub const DEFINITION: &str = "Microsoft.Authorization/roleDefinitions";

/// Where an assignment holds.
#[derive(Clone, Debug)]
enum Reach {
    Everything,
    /// Names of a management group and of those below it, and ids of the subscriptions below, all in lower case.
    Groups(BTreeSet<String>, BTreeSet<String>),
    /// An id in lower case, and all below it.
    Below(String),
}

/// What one assignment grants to the identity.
#[derive(Clone, Debug)]
struct Grant {
    reach: Reach,
    actions: Vec<String>,
    not_actions: Vec<String>,
}

/// Everything that the identity may do.
#[derive(Clone, Debug, Default)]
pub struct Rights(Vec<Grant>);

impl Reach {
    fn of(store: &Store, scope: &str) -> Reach {
        let scope = key(scope);
        match management_group(&scope) {
            Some(name) => {
                let below = store.groups_below(name);
                let subscriptions = below.iter().flat_map(|group| group.subscriptions.iter().cloned());
                let subscriptions = subscriptions.collect();
                let groups = below.iter().map(|group| group.name.to_ascii_lowercase()).collect();
                Reach::Groups(groups, subscriptions)
            }
            None if scope.is_empty() => Reach::Everything,
            None => Reach::Below(scope),
        }
    }

    /// Whether it holds at an id in lower case.
    fn covers(&self, id: &str) -> bool {
        match self {
            Reach::Everything => true,
            Reach::Groups(groups, subscriptions) => {
                let subscription = id
                    .strip_prefix("/subscriptions/")
                    .and_then(|rest| rest.split('/').next());
                subscription.is_some_and(|subscription| subscriptions.contains(subscription))
                    || management_group(id).is_some_and(|name| groups.contains(name))
            }
            Reach::Below(scope) => is_within(id, scope),
        }
    }

    /// Whether it holds at an id in lower case or at something below it.
    fn touches(&self, id: &str) -> bool {
        // Everything is below the tenant.
        let below = match self {
            Reach::Below(scope) => is_within(scope, id),
            Reach::Everything | Reach::Groups(..) => false,
        };
        below || id.is_empty() || self.covers(id)
    }
}

/// The management group that an id in lower case is, or lies in.
fn management_group(id: &str) -> Option<&str> {
    let rest = id.strip_prefix("/providers/microsoft.management/managementgroups/")?;
    rest.split('/').next()
}

/// Whether an id is a scope or lies below it, both in lower case.
fn is_within(id: &str, scope: &str) -> bool {
    id.strip_prefix(scope)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Grant {
    fn names(&self, action: &str) -> bool {
        let names = |patterns: &[String]| patterns.iter().any(|pattern| names_action(pattern, action));
        names(&self.actions) && !names(&self.not_actions)
    }
}

impl Rights {
    /// What the assignments of an identity grant.
    pub fn of(store: &Store, identity: &Identity) -> Rights {
        let own = store.of_type_anywhere(ASSIGNMENT).filter(|assignment| {
            let principal = property(&assignment.body, "principalId");
            principal.eq_ignore_ascii_case(&identity.client)
        });
        let grants = own.flat_map(|assignment| {
            let reach = Reach::of(store, &scope_of(assignment));
            let role = definition::find(store, property(&assignment.body, "roleDefinitionId"));
            let permissions = role
                .and_then(|role| role.pointer("/properties/permissions")?.as_array().cloned())
                .unwrap_or_default();
            permissions.into_iter().map(move |permission| Grant {
                reach: reach.clone(),
                actions: texts(&permission, "actions"),
                not_actions: texts(&permission, "notActions"),
            })
        });
        Rights(grants.collect())
    }

    /// Whether an action is granted at an id.
    pub fn allow(&self, action: &str, id: &str) -> bool {
        let id = key(id);
        self.0
            .iter()
            .any(|grant| grant.reach.covers(&id) && grant.names(action))
    }

    /// Whether an action is granted at an id or at something below it: lists show a part then.
    pub fn allow_within(&self, action: &str, id: &str) -> bool {
        let id = key(id);
        self.0
            .iter()
            .any(|grant| grant.reach.touches(&id) && grant.names(action))
    }

    /// Whether anything is granted at an id or below it.
    pub fn touch(&self, id: &str) -> bool {
        let id = key(id);
        self.0.iter().any(|grant| grant.reach.touches(&id))
    }
}

impl State {
    /// Whether the identity may read a resource that is listed.
    pub fn sees(&self, resource: &Resource) -> bool {
        let action = format!("{}/read", resource.resource_type);
        self.rights.allow(&action, resource.id.as_str())
    }
}

/// Gives the identity roles in the whole tenant, unless the recording says what it has. Names of roles or their ids; the
/// error is a name that no role has.
pub fn endow(store: &mut Store, identity: &Identity, roles: &[String]) -> Result<(), String> {
    let recorded = store.of_type_anywhere(ASSIGNMENT).any(|assignment| {
        let principal = property(&assignment.body, "principalId");
        principal.eq_ignore_ascii_case(&identity.client)
    });
    if recorded && roles.is_empty() {
        return Ok(());
    }
    let owner = ["Owner".to_owned()];
    let root = format!("/providers/Microsoft.Management/managementGroups/{}", store.tenant);
    for name in if roles.is_empty() { &owner[..] } else { roles } {
        let role = definition::named(store, name).ok_or_else(|| name.clone())?;
        let role = role.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = guid(&format!("{}|{role}", identity.client));
        let id = format!("{root}/providers/{ASSIGNMENT}/{name}");
        let at = store.recorded.unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let properties = json!({
            "roleDefinitionId": role,
            "principalId": identity.client,
            "principalType": "ServicePrincipal",
            "scope": root,
        });
        let body = assignment::body(&id, properties, &azure_time(at), "");
        store.put(&id, body);
    }
    Ok(())
}

/// The scope of an assignment; the recording may leave it out.
fn scope_of(assignment: &Resource) -> String {
    match property(&assignment.body, "scope") {
        "" => assignment
            .id
            .extended()
            .map(|scope| scope.as_str().to_owned())
            .unwrap_or_default(),
        stated => stated.to_owned(),
    }
}

fn property<'v>(body: &'v Value, member: &str) -> &'v str {
    let stated = body.get("properties").and_then(|properties| properties.get(member));
    stated.and_then(Value::as_str).unwrap_or_default()
}

fn texts(object: &Value, member: &str) -> Vec<String> {
    let list = object.get(member).and_then(Value::as_array);
    let texts = list.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// An id in the form of a GUID, always the same for one text.
pub fn guid(text: &str) -> String {
    let digest = Sha256::digest(text.to_ascii_lowercase());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-4{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

/// Whether a text has the form of a GUID.
fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12]
        && parts
            .iter()
            .all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_hold_where_they_are_and_below() {
        let below = Reach::Below("/subscriptions/s/resourcegroups/g".to_owned());
        assert!(below.covers("/subscriptions/s/resourcegroups/g/providers/p/t/n"));
        assert!(!below.covers("/subscriptions/s/resourcegroups/g2") && !below.covers("/subscriptions/s"));
        assert!(below.touches("/subscriptions/s") && !below.touches("/subscriptions/t"));
        let group = Reach::Groups(["g".to_owned()].into(), ["s".to_owned()].into());
        assert!(group.covers("/subscriptions/s/resourcegroups/x") && !group.covers("/subscriptions/t"));
        let own = "/providers/microsoft.management/managementgroups/g";
        assert!(group.covers(own) && group.covers(&format!("{own}/providers/p/t/n")));
        assert!(!group.covers("/providers/microsoft.management/managementgroups/g2"));
        assert!(Reach::Everything.covers(""));
    }

    #[test]
    fn made_ids_are_guids() {
        assert!(is_guid(&guid("x")) && guid("X") == guid("x") && guid("y") != guid("x"));
        assert!(!is_guid("x") && !is_guid("00000000-0000-0000-0000-00000000000g"));
    }
}

//! Who may configure just-in-time access and who may request it, as role assignments say. Principals are ids: names are
//! another service's.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::names_action;
use crate::remedy::documents::{id_of, member, property};

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    Configure,
    Request,
}

impl Task {
    pub const ALL: [Task; 2] = [Task::Configure, Task::Request];

    pub fn label(self) -> &'static str {
        match self {
            Task::Configure => "configure",
            Task::Request => "request",
        }
    }

    /// What the task takes; the first is what makes it this task.
    pub fn actions(self) -> &'static [&'static str] {
        match self {
            Task::Configure => &[
                "Microsoft.Security/locations/jitNetworkAccessPolicies/write",
                "Microsoft.Compute/virtualMachines/write",
            ],
            Task::Request => &[
                "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action",
                "Microsoft.Security/locations/jitNetworkAccessPolicies/read",
                "Microsoft.Compute/virtualMachines/read",
                "Microsoft.Network/networkInterfaces/read",
                "Microsoft.Network/publicIPAddresses/read",
            ],
        }
    }
}

/// A role as its definition says.
#[derive(Clone, Debug, Default)]
pub struct Role {
    pub name: String,
    grants: Vec<(Vec<String>, Vec<String>)>,
}

impl Role {
    pub fn of(definition: &Value) -> Role {
        let permissions = property(definition, "permissions").and_then(Value::as_array);
        let list = |value: &Value, name: &str| -> Vec<String> {
            let listed = member(value, name).and_then(Value::as_array).into_iter().flatten();
            listed.filter_map(|action| Some(action.as_str()?.to_owned())).collect()
        };
        Role {
            name: property(definition, "roleName")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            grants: permissions
                .into_iter()
                .flatten()
                .map(|one| (list(one, "actions"), list(one, "notActions")))
                .collect(),
        }
    }

    pub fn allows(&self, action: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| names_action(pattern, action));
        self.grants.iter().any(|(actions, not)| any(actions) && !any(not))
    }
}

/// Somebody with the roles that let them do a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub principal: String,
    /// `User`, `Group`, `ServicePrincipal` or what else the service says.
    pub kind: String,
    /// Role and scope.
    pub roles: Vec<(String, String)>,
    /// What of the task no role grants.
    pub lacks: Vec<&'static str>,
}

/// The kind of a principal, and its roles with their scopes.
type Held<'r> = (String, Vec<(&'r Role, String)>);

/// Who may do a task, by principal. Rights of one principal at several scopes are joined; what a condition limits is
/// counted, since only the service can tell.
pub fn people(task: Task, assignments: &[Value], definitions: &[Value]) -> Vec<Person> {
    let roles: BTreeMap<String, Role> = definitions
        .iter()
        .filter_map(|definition| Some((last(id_of(definition)?.as_str()), Role::of(definition))))
        .collect();
    let mut by_principal: BTreeMap<String, Held<'_>> = BTreeMap::new();
    for assignment in assignments {
        let text = |name: &str| property(assignment, name).and_then(Value::as_str).unwrap_or_default();
        let (principal, role) = (text("principalId").to_ascii_lowercase(), last(text("roleDefinitionId")));
        let Some(role) = roles.get(&role).filter(|_| !principal.is_empty()) else {
            continue;
        };
        let held = by_principal
            .entry(principal)
            .or_insert_with(|| (text("principalType").to_owned(), Vec::new()));
        held.1.push((role, text("scope").to_owned()));
    }
    let person = |(principal, (kind, held)): (String, Held<'_>)| {
        let any = |action: &str| held.iter().any(|(role, _)| role.allows(action));
        let key = task.actions().first()?;
        any(key).then(|| Person {
            principal,
            kind,
            roles: held
                .iter()
                .filter(|(role, _)| task.actions().iter().any(|action| role.allows(action)))
                .map(|(role, scope)| (role.name.clone(), scope.clone()))
                .collect(),
            lacks: task.actions().iter().copied().filter(|action| !any(action)).collect(),
        })
    };
    by_principal.into_iter().filter_map(person).collect()
}

fn last(id: &str) -> String {
    id.rsplit('/').next().unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn who_may_do_what() {
        let role = |id: &str, name: &str, actions: &[&str], not: &[&str]| {
            json!({ "id": format!("/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{id}"),
                "properties": { "roleName": name, "permissions": [{ "actions": actions, "notActions": not }] } })
        };
        let given = |principal: &str, role: &str| {
            json!({ "properties": { "principalId": principal, "principalType": "User", "scope": "/subscriptions/s",
                "roleDefinitionId": format!("/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{role}") } })
        };
        let definitions = [
            role("o", "Owner", &["*"], &[]),
            role("r", "Reader", &["*/read"], &[]),
            role("a", "Security Admin", &["Microsoft.Security/*"], &[]),
            role("n", "Not network", &["*"], &["Microsoft.Network/*"]),
        ];
        let assignments = [
            given("ann", "o"),
            given("bob", "r"),
            given("cyd", "a"),
            given("dan", "n"),
            given("CYD", "r"),
            given("eve", "gone"),
        ];
        let of = |task| -> Vec<(String, usize)> {
            people(task, &assignments, &definitions)
                .into_iter()
                .map(|person| (person.principal, person.lacks.len()))
                .collect()
        };
        let pairs = |list: &[(&str, usize)]| -> Vec<(String, usize)> {
            list.iter().map(|(a, b)| ((*a).to_owned(), *b)).collect()
        };
        assert_eq!(of(Task::Configure), pairs(&[("ann", 0), ("cyd", 1), ("dan", 0)]));
        assert_eq!(of(Task::Request), pairs(&[("ann", 0), ("cyd", 0), ("dan", 2)]));
    }
}

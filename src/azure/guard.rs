//! What guards resources against changes, or takes changes back: locks, deny assignments, policy assignments with the
//! definitions behind them. Read before a change is planned and before it is made. Must not judge it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::wire::Wire;

/// Lists of a subscription: the segment below `Microsoft.Authorization`, and what it is called.
const LISTS: &[(&str, &str, &str)] = &[
    ("locks", "2020-05-01", "locks"),
    ("denyAssignments", "2022-04-01", "deny assignments"),
    (ASSIGNMENTS, POLICY_VERSION, "policy assignments"),
];

const ASSIGNMENTS: &str = "policyAssignments";
const POLICY_VERSION: &str = "2023-04-01";

/// Definitions of one subscription that are looked at.
const MOST_DEFINITIONS: usize = 200;

impl Wire {
    /// The guards of a subscription as documents, and sentences about what could not be read.
    pub fn guards(&self, subscription: &str) -> (Vec<Value>, Vec<String>) {
        let (mut guards, mut unread) = (Vec::new(), Vec::new());
        for (segment, version, name) in LISTS {
            let path = format!(
                "subscriptions/{subscription}/providers/Microsoft.Authorization/{segment}?api-version={version}"
            );
            match self.list(&path, subscription) {
                Ok(rows) => guards.extend(rows),
                Err(why) => unread.push(format!(
                    "the {name} of subscription `{subscription}` were not read: {why}"
                )),
            }
        }
        let definitions = self.definitions(subscription, &guards, &mut unread);
        guards.extend(definitions);
        (guards, unread)
    }

    /// The definitions of policies that are assigned, and of those that stand in initiatives the ones that are no part of
    /// Azure: what is built in writes no rules of security groups.
    fn definitions(&self, subscription: &str, guards: &[Value], unread: &mut Vec<String>) -> Vec<Value> {
        let mut asked = BTreeSet::new();
        let mut open: Vec<String> = guards.iter().filter_map(definition_of).collect();
        let mut found = Vec::new();
        while let Some(id) = open.pop() {
            if !asked.insert(id.to_ascii_lowercase()) {
                continue;
            }
            if asked.len() > MOST_DEFINITIONS {
                unread.push(format!(
                    "of the policies assigned in subscription `{subscription}` only {MOST_DEFINITIONS} were looked at"
                ));
                break;
            }
            match self.object(&format!("{id}?api-version={POLICY_VERSION}"), subscription) {
                Ok(definition) => {
                    open.extend(members(&definition));
                    found.push(definition);
                }
                Err(why) => unread.push(format!("policy definition `{id}` was not read: {why}")),
            }
        }
        found
    }
}

fn definition_of(assignment: &Value) -> Option<String> {
    let id = assignment.get("properties")?.get("policyDefinitionId")?.as_str()?;
    id.starts_with('/').then(|| id.to_owned())
}

/// What stands in an initiative, without what is built in.
fn members(initiative: &Value) -> Vec<String> {
    let listed = initiative
        .get("properties")
        .and_then(|said| said.get("policyDefinitions"));
    let listed = listed.and_then(Value::as_array).into_iter().flatten();
    let ids = listed.filter_map(|member| member.get("policyDefinitionId")?.as_str());
    let own = |id: &&str| {
        let id = id.to_ascii_lowercase();
        id.starts_with("/subscriptions/") || id.starts_with("/providers/microsoft.management/")
    };
    ids.filter(own).map(str::to_owned).collect()
}

//! What would stop a change or take it back, found before and not during: locks, deny assignments, full groups, names
//! that are too long, owners in code, policies that write.

use serde_json::Value;

use super::documents::{Documents, id_of, member, property};
use super::needs::Need;
use super::remedies::Draft;
use super::rules::{NAME_LIMIT, RULE_LIMIT, free_priority};
use crate::model::ResourceId;

/// Who must do something before the change can be made, and why.
pub type Hindrance = (String, String);

/// The first thing that stops a step.
pub fn of(documents: &Documents, draft: &Draft, fresh: &[Draft]) -> Option<Hindrance> {
    let deletes = draft.after.is_none() && draft.part.is_none();
    lock(documents, &draft.target, deletes)
        .or_else(|| {
            draft
                .expects
                .iter()
                .find_map(|expected| lock(documents, &ResourceId::new(&expected.group), false))
        })
        .or_else(|| denied(documents, &draft.target))
        .or_else(|| room(documents, draft, fresh))
        .or_else(|| name(draft))
}

/// The first thing that stops what a plan needs to do, where `documents` hold the locks and deny assignments of the moment.
pub fn of_needs(documents: &Documents, needs: &[Need]) -> Option<Hindrance> {
    let mut writes = needs.iter().filter(|(_, action)| !action.ends_with("/read"));
    writes.find_map(|(target, action)| {
        lock(documents, target, action.ends_with("/delete")).or_else(|| denied(documents, target))
    })
}

fn within(id: &ResourceId, scope: &str) -> bool {
    let (id, scope) = (id.as_str().to_ascii_lowercase(), scope.to_ascii_lowercase());
    id.strip_prefix(&scope)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The extension resources of a type, with the scope that they are attached to.
fn attached<'d>(documents: &'d Documents, kind: &'static str) -> impl Iterator<Item = (String, &'d Value)> {
    documents.iter().filter_map(move |document| {
        let id = id_of(document)?;
        (id.resource_type() == kind)
            .then(|| Some((id.extended()?.as_str().to_owned(), document)))
            .flatten()
    })
}

fn lock(documents: &Documents, target: &ResourceId, deletes: bool) -> Option<Hindrance> {
    let locks = attached(documents, "microsoft.authorization/locks").filter(|(scope, _)| within(target, scope));
    for (_, lock) in locks {
        let level = property(lock, "level").and_then(Value::as_str).unwrap_or("ReadOnly");
        if level.eq_ignore_ascii_case("ReadOnly") || deletes {
            let name = member(lock, "name").and_then(Value::as_str).unwrap_or("without a name");
            let reason = format!(
                "lock `{name}` ({level}) forbids changing `{}`; lift it first",
                target.name()
            );
            return Some(("whoever set the lock".to_owned(), reason));
        }
    }
    None
}

fn denied(documents: &Documents, target: &ResourceId) -> Option<Hindrance> {
    let (scope, _) =
        attached(documents, "microsoft.authorization/denyassignments").find(|(scope, _)| within(target, scope))?;
    let reason =
        format!("a deny assignment, as deployment stacks make them, covers `{scope}`; change the stack instead");
    Some(("whoever owns the deployment stack".to_owned(), reason))
}

fn room(documents: &Documents, draft: &Draft, fresh: &[Draft]) -> Option<Hindrance> {
    let makes_rule = draft.before.is_none() && draft.part.is_none();
    let asked = draft.expects.iter().map(|expected| ResourceId::new(&expected.group));
    let groups = makes_rule.then(|| draft.lane.clone()).into_iter().chain(asked);
    for group in groups {
        let rules = documents.rules(&group);
        let coming = fresh.iter().filter(|other| {
            let makes = other.before.is_none() && other.lane == group;
            makes
                || other
                    .expects
                    .iter()
                    .any(|expected| ResourceId::new(&expected.group) == group)
        });
        if rules.len() + coming.count() + 1 > RULE_LIMIT {
            let reason = format!(
                "group `{}` holds {} rules and may hold {RULE_LIMIT}; make room first",
                group.name(),
                rules.len()
            );
            return Some(("whoever runs the group".to_owned(), reason));
        }
        if free_priority(&rules, 100..=4096, &[]).is_none() {
            let reason = format!("group `{}` has no free inbound priority; make room first", group.name());
            return Some(("whoever runs the group".to_owned(), reason));
        }
    }
    None
}

fn name(draft: &Draft) -> Option<Hindrance> {
    let makes = draft.before.is_none() && draft.part.is_none();
    (makes && draft.target.name().chars().count() > NAME_LIMIT).then(|| {
        let reason = format!(
            "the name `{}` has more than {NAME_LIMIT} characters",
            draft.target.name()
        );
        ("you".to_owned(), reason)
    })
}

/// Tags by which tools mark what they own.
const CODE_TAGS: &[&str] = &[
    "terraform",
    "managed-by",
    "managedby",
    "managed_by",
    "iac",
    "pulumi",
    "bicep",
    "azd-env-name",
    "deployed-by",
    "hidden-terraform",
];

/// What may take a change back: said, and no reason to stop.
pub fn warnings(documents: &Documents, drafts: &[Draft]) -> Vec<String> {
    let mut warnings: Vec<String> = drafts
        .iter()
        .flat_map(|draft| [&draft.lane, &draft.target])
        .filter_map(|id| owned_by_code(documents, id))
        .collect();
    warnings.extend(drafts.iter().flat_map(|draft| writing_policies(documents, &draft.lane)));
    warnings.sort();
    warnings.dedup();
    warnings
}

fn owned_by_code(documents: &Documents, id: &ResourceId) -> Option<String> {
    let document = documents.find(id)?;
    if let Some(owner) = member(document, "managedBy").and_then(Value::as_str) {
        return Some(format!(
            "`{}` is managed by `{owner}`, which may take the change back",
            id.name()
        ));
    }
    let tags = member(document, "tags").and_then(Value::as_object)?;
    let (tag, value) = tags
        .iter()
        .find(|(name, _)| CODE_TAGS.iter().any(|code| name.eq_ignore_ascii_case(code)))?;
    let value = value.as_str().unwrap_or_default();
    Some(format!(
        "`{}` has tag `{tag}` = `{value}`: code owns it and will take the change back; change the code too (`--as terraform`, `--as bicep`)",
        id.name()
    ))
}

/// Policies assigned above a resource whose definition writes into network security groups.
fn writing_policies(documents: &Documents, id: &ResourceId) -> Vec<String> {
    let assigned =
        attached(documents, "microsoft.authorization/policyassignments").filter(|(scope, _)| within(id, scope));
    let mut warnings = Vec::new();
    for (_, assignment) in assigned {
        let definition = property(assignment, "policyDefinitionId")
            .and_then(Value::as_str)
            .map(ResourceId::new);
        let Some(rule) = definition
            .and_then(|id| documents.find(&id))
            .and_then(|found| property(found, "policyRule"))
        else {
            continue;
        };
        let text = rule.to_string().to_ascii_lowercase();
        let writes = ["modify", "deployifnotexists", "append"]
            .iter()
            .any(|effect| text.contains(effect));
        if writes && text.contains("networksecuritygroups") {
            let name = member(assignment, "name").and_then(Value::as_str).unwrap_or_default();
            warnings.push(format!(
                "policy assignment `{name}` writes into network security groups and may take a change of `{}` back",
                id.name()
            ));
        }
    }
    warnings
}

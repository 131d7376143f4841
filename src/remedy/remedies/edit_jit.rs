//! Changes an entry of a just-in-time policy: missing ports, openings that are too long, sources that are any.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::enable_jit::{duration, rule, set_sources, spelled};
use super::{Draft, Proposal, Remedy, Sight};
use crate::model::{JitPolicy, ResourceId};
use crate::remedy::documents::member;
use crate::remedy::effect;
use crate::remedy::projection::{self, Kind};
use crate::rule::Finding;

pub const REMEDY: Remedy = Remedy {
    name: "edit-jit",
    phase: 1,
    mends: &["jit-port-coverage", "jit-window-too-long", "jit-any-source"],
    about: "missing ports, shorter openings and narrower sources in an entry of a just-in-time policy",
    propose,
};

fn propose(sight: &Sight<'_>, finding: &Finding) -> Proposal {
    let Some((_, vm)) = sight.view.machine_of(finding) else {
        return Proposal::Nothing;
    };
    let named = ResourceId::new(&finding.subject.id);
    let policies = || sight.view.policies_of(&vm.id);
    let of_finding = policies()
        .find(|policy| policy.id == named)
        .or_else(|| policies().next());
    let Some(policy) = of_finding else {
        return Proposal::Nothing;
    };
    let Some(before) = entry(sight, policy, &vm.id) else {
        return Proposal::cannot(
            "you",
            format!("the entry in policy `{}` cannot be read", policy.id.name()),
        );
    };
    let changed = match &*finding.rule {
        "jit-port-coverage" => extended(sight, &before, policies(), &vm.id),
        "jit-window-too-long" => shortened(sight, &before),
        _ if sight.settings.jit_sources.is_empty() => {
            return Proposal::cannot(
                "you",
                "only you know from where administrators work; name it with --sources",
            );
        }
        _ => narrowed(sight, &before),
    };
    let Some((after, reason)) = changed else {
        return Proposal::Nothing;
    };
    let (had, has) = (effect::ports(Some(&before)), effect::ports(Some(&after)));
    let fresh: BTreeSet<u16> = has.difference(&had).copied().collect();
    Proposal::Steps(vec![Draft {
        remedy: REMEDY.name,
        phase: REMEDY.phase,
        target: policy.id.clone(),
        part: Some(vm.id.clone()),
        lane: policy.id.clone(),
        before: Some(before),
        after: Some(after),
        expects: effect::expected(&effect::filtered(sight.view, &vm.id), &fresh),
        reason: format!("{reason} of `{}` in policy `{}`", vm.id.name(), policy.id.name()),
        mends: Vec::new(),
    }])
}

fn entry(sight: &Sight<'_>, policy: &JitPolicy, vm: &ResourceId) -> Option<Value> {
    let document = sight.view.documents.get(&policy.id)?;
    let latest = sight
        .fresh
        .iter()
        .find(|draft| draft.target == policy.id && draft.part.as_ref() == Some(vm));
    match latest {
        Some(draft) => draft.after.clone(),
        None => projection::read(Kind::JitEntry, Some(vm.as_str()), Some(&document)),
    }
}

type Changed = Option<(Value, String)>;

fn extended<'v>(
    sight: &Sight<'_>,
    before: &Value,
    policies: impl Iterator<Item = &'v JitPolicy>,
    vm: &ResourceId,
) -> Changed {
    let mut covered = effect::ports(Some(before));
    for policy in policies {
        let document = sight.view.documents.get(&policy.id);
        let other = projection::read(Kind::JitEntry, Some(vm.as_str()), document.as_ref());
        covered.extend(effect::ports(other.as_ref()));
    }
    let missing: Vec<u16> = sight
        .ports
        .iter()
        .copied()
        .filter(|port| !covered.contains(port))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let mut after = before.clone();
    let mut ports = member(before, "ports")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    ports.extend(missing.iter().map(|port| rule(*port, sight)));
    ports.sort_by_key(|port| member(port, "number").and_then(Value::as_u64));
    let members = after.as_object_mut()?;
    members.retain(|name, _| !name.eq_ignore_ascii_case("ports"));
    members.insert("ports".to_owned(), json!(ports));
    Some((
        after,
        format!("just-in-time access protects port {} too", spelled(&missing)),
    ))
}

fn shortened(sight: &Sight<'_>, before: &Value) -> Changed {
    let most = sight.settings.jit_minutes;
    let after = each_port(before, |port| {
        let stated = member(&Value::Object(port.clone()), "maxRequestAccessDuration")
            .and_then(Value::as_str)
            .and_then(minutes);
        if stated.is_none_or(|stated| stated > i64::from(most)) {
            port.retain(|name, _| !name.eq_ignore_ascii_case("maxRequestAccessDuration"));
            port.insert("maxRequestAccessDuration".to_owned(), json!(duration(most)));
        }
    })?;
    (after != *before).then(|| (after, format!("at most {} for an opening", duration(most))))
}

fn minutes(text: &str) -> Option<i64> {
    let span: jiff::Span = text.parse().ok()?;
    let whole = span
        .total((jiff::Unit::Minute, jiff::SpanRelativeTo::days_are_24_hours()))
        .ok()?;
    Some(whole.ceil() as i64)
}

fn narrowed(sight: &Sight<'_>, before: &Value) -> Changed {
    let after = each_port(before, |port| {
        let any = port
            .values()
            .any(|value| value == "*" || value.as_array().is_some_and(|all| all.contains(&json!("*"))));
        let stated = |port: &serde_json::Map<String, Value>| {
            port.keys()
                .any(|name| name.to_ascii_lowercase().starts_with("allowedsource"))
        };
        let protocol_apart: serde_json::Map<String, Value> = port
            .iter()
            .filter(|(name, _)| name.to_ascii_lowercase().starts_with("allowedsource"))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        let is_any = any
            && protocol_apart
                .values()
                .any(|value| value == "*" || value.as_array().is_some_and(|all| all.contains(&json!("*"))));
        if is_any || !stated(port) {
            set_sources(port, &sight.settings.jit_sources);
        }
    })?;
    (after != *before).then(|| {
        (
            after,
            format!("openings only for {}", sight.settings.jit_sources.join(", ")),
        )
    })
}

/// The entry with every port changed.
fn each_port(entry: &Value, change: impl Fn(&mut serde_json::Map<String, Value>)) -> Option<Value> {
    let mut entry = entry.clone();
    let members = entry.as_object_mut()?;
    let name = members.keys().find(|name| name.eq_ignore_ascii_case("ports"))?.clone();
    for port in members.get_mut(&name)?.as_array_mut()? {
        change(port.as_object_mut()?);
    }
    Some(entry)
}

//! The facts a finding about a machine rests on, in words: groups, Allow rules in both readings, firewalls,
//! just-in-time access, exposures. One builder a topic, in the order of [`TOPICS`].

use std::sync::Arc;

use super::Evidence;
use super::fact::Fact;
use super::facts::VmFacts;
use super::value::SubjectFacts;
use crate::exposure::{ExposureClass, PortExposure};
use crate::intern::intern;

type Topic = fn(&VmFacts<'_, '_>, &SubjectFacts<'_>, &mut Vec<Evidence>);

const TOPICS: &[Topic] = &[jit, groups, firewall, exposures, defender];

/// Everything worth knowing of a machine for any finding about it. `memo` holds the facts that conditions asked for.
pub fn of_machine(facts: &VmFacts<'_, '_>, memo: &SubjectFacts<'_>) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for topic in TOPICS {
        topic(facts, memo, &mut evidence);
    }
    evidence
}

fn plain(label: &str, text: impl AsRef<str>) -> Evidence {
    Evidence {
        label: intern(label),
        text: intern(text.as_ref()),
        resource: None,
        location: None,
    }
}

fn jit(_: &VmFacts<'_, '_>, memo: &SubjectFacts<'_>, evidence: &mut Vec<Evidence>) {
    let Ok(jit) = memo.named("jit") else { return };
    match field(jit, "enabled") {
        Some(Fact::Bool(true)) => {
            let ports = print(field(jit, "ports"));
            for entry in items(field(jit, "entries")) {
                let policy = print(field(entry, "policy"));
                let requests = print(field(entry, "active_requests"));
                let text = format!("policy `{policy}` protects ports {ports}; active openings: {requests}");
                let resource = text_of(field(entry, "policy_id"));
                evidence.push(Evidence {
                    resource,
                    ..plain("just-in-time access", text)
                });
            }
        }
        Some(Fact::Bool(false)) => {
            evidence.push(plain("just-in-time access", "no policy has an entry for the machine"))
        }
        Some(Fact::Unknown(why)) => evidence.push(plain("just-in-time access", format!("unknown: {why}"))),
        _ => {}
    }
}

fn groups(_: &VmFacts<'_, '_>, memo: &SubjectFacts<'_>, evidence: &mut Vec<Evidence>) {
    let Ok(nsg) = memo.named("nsg") else { return };
    match field(nsg, "layers") {
        Some(Fact::Unknown(why)) => evidence.push(plain("network security group", format!("unknown: {why}"))),
        Some(Fact::List(layers)) if layers.is_empty() => {
            evidence.push(plain("network security group", "none on subnet or interface"));
        }
        Some(Fact::List(layers)) => layers.iter().for_each(|layer| group(layer, evidence)),
        _ => {}
    }
}

fn group(layer: &Fact, evidence: &mut Vec<Evidence>) {
    let place = print(field(layer, "layer"));
    let resource = text_of(field(layer, "nsg_id"));
    let add = |text: String, evidence: &mut Vec<Evidence>| {
        evidence.push(Evidence {
            resource: resource.clone(),
            ..plain(&format!("network security group ({place})"), text)
        });
    };
    if let Some(Fact::Unknown(why)) = field(layer, "allows") {
        return add(format!("unknown: {why}"), evidence);
    }
    let name = print(field(layer, "nsg"));
    let stated = |allow: &&Fact| field(allow, "default_rule") == Some(&Fact::Bool(false));
    let allows: Vec<&Fact> = items(field(layer, "allows")).iter().filter(stated).collect();
    let effective = allows
        .iter()
        .filter(|allow| field(allow, "effective") == Some(&Fact::Bool(true)));
    let textual = readings(allows.iter().copied());
    let effective = readings(effective.copied());
    if textual == effective {
        return add(format!("`{name}`, textual and effective reading: {textual}"), evidence);
    }
    add(format!("`{name}`, textual reading: {textual}"), evidence);
    add(format!("`{name}`, effective reading: {effective}"), evidence);
}

/// `allow-ssh` (100) for port 22, `allow-all` (200) for ports 22, 3389, ...
fn readings<'f>(allows: impl Iterator<Item = &'f Fact>) -> String {
    let mut rules: Vec<(String, Vec<String>)> = Vec::new();
    for allow in allows {
        let [rule, priority, port] = ["rule", "priority", "port"].map(|name| print(field(allow, name)));
        let rule = format!("`{rule}` ({priority})");
        match rules.iter_mut().find(|(known, _)| *known == rule) {
            Some((_, ports)) => ports.push(port),
            None => rules.push((rule, vec![port])),
        }
    }
    let print_one = |(rule, ports): &(String, Vec<String>)| {
        let noun = if ports.len() == 1 { "port" } else { "ports" };
        format!("{rule} for {noun} {}", ports.join(", "))
    };
    let mut texts: Vec<String> = rules.iter().map(print_one).collect();
    let more = texts.len().saturating_sub(8);
    texts.truncate(8);
    match (texts.is_empty(), more) {
        (true, _) => "no Allow rule for a management port".to_owned(),
        (false, 0) => texts.join(", "),
        (false, more) => format!("{} and {more} more", texts.join(", ")),
    }
}

fn firewall(_: &VmFacts<'_, '_>, memo: &SubjectFacts<'_>, evidence: &mut Vec<Evidence>) {
    let Ok(firewall) = memo.named("firewall") else { return };
    let [on_route, in_network] = ["on_route", "in_network"].map(|name| items(field(firewall, name)));
    if let (true, true, Some(Fact::Unknown(why))) =
        (on_route.is_empty(), in_network.is_empty(), field(firewall, "protects"))
    {
        evidence.push(plain("firewall", format!("unknown: {why}")));
    }
    for name in on_route {
        let text = match in_network.contains(name) {
            true => format!("the default route leads to `{}`", print(Some(name))),
            false => format!(
                "the default route leads to `{}` in another network; what comes from the machine's own network or \
                 straight from a peer does not pass it",
                print(Some(name))
            ),
        };
        evidence.push(plain("firewall by route", text));
    }
    for name in in_network {
        let text = match on_route.contains(name) {
            true => format!("`{}` stands in the same virtual network", print(Some(name))),
            false => format!(
                "`{}` stands in the same virtual network, but the default route does not lead to it: only what it \
                 translates passes it",
                print(Some(name))
            ),
        };
        evidence.push(plain("firewall by network", text));
    }
    for allow in items(field(firewall, "allows")).iter().take(8) {
        let [kind, collection, rule, port] =
            ["kind", "collection", "rule", "port"].map(|name| print(field(allow, name)));
        evidence.push(plain(
            "firewall rule",
            format!("{kind} rule `{collection}/{rule}` leads to port {port}"),
        ));
    }
}

/// The worst answer of each way in.
fn exposures(facts: &VmFacts<'_, '_>, _: &SubjectFacts<'_>, evidence: &mut Vec<Evidence>) {
    // The name of the only address says nothing, and without it machines behind one filter share the sentence.
    let named = facts.machine.targets.len() > 1;
    for target in &facts.machine.targets {
        let name = if named {
            format!("`{}` ", target.name)
        } else {
            String::new()
        };
        for way in &target.ways {
            let worst = way
                .exposures
                .iter()
                .max_by_key(|exposure| (exposure.class, std::cmp::Reverse(exposure.port)));
            if let Some(worst) = worst.filter(|worst| worst.class != ExposureClass::Closed) {
                evidence.push(exposure(worst, &name));
            }
        }
    }
}

fn exposure(exposure: &PortExposure, target: &str) -> Evidence {
    let decider = exposure.deciders.first();
    Evidence {
        resource: decider.and_then(|decider| decider.group_id.clone()),
        location: decider.and_then(|decider| decider.location.clone()),
        ..plain(
            "exposure",
            format!("{target}port {}: {}", exposure.port, exposure.sentence),
        )
    }
}

fn defender(_: &VmFacts<'_, '_>, memo: &SubjectFacts<'_>, evidence: &mut Vec<Evidence>) {
    let Ok(defender) = memo.named("defender") else { return };
    if let Some(Fact::Text(assessment)) = field(defender, "assessment") {
        let cause = text_of(field(defender, "assessment_cause")).filter(|cause| !cause.is_empty());
        let cause = cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
        evidence.push(plain(
            "Defender for Cloud",
            format!("its own verdict is {assessment}{cause}"),
        ));
    }
}

fn field<'f>(record: &'f Fact, name: &str) -> Option<&'f Fact> {
    match record {
        Fact::Record(fields) => fields.iter().find(|(field, _)| *field == name).map(|(_, fact)| fact),
        _ => None,
    }
}

fn items(list: Option<&Fact>) -> &[Fact] {
    match list {
        Some(Fact::List(items)) => items,
        _ => &[],
    }
}

fn text_of(fact: Option<&Fact>) -> Option<Arc<str>> {
    match fact {
        Some(Fact::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

fn print(fact: Option<&Fact>) -> String {
    match fact {
        Some(Fact::Text(text)) => text.to_string(),
        Some(Fact::Int(number)) => number.to_string(),
        Some(Fact::List(items)) => items
            .iter()
            .map(|item| print(Some(item)))
            .collect::<Vec<_>>()
            .join(", "),
        _ => "unknown".to_owned(),
    }
}

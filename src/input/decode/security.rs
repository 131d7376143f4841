//! Defender for Cloud: just-in-time policies, plans, assessments; and subscriptions.

use std::sync::Arc;

use jiff::{Span, Timestamp, Unit};

use super::nsg::address_terms;
use super::reader::{Reader, Scope};
use crate::model::{
    AddressTerm, Addresses, Assessment, Item, JitEntry, JitPolicy, JitPort, JitRequest, Known, Pricing, ResourceId,
    Why, WhyKind,
};
use crate::syntax::{Node, Value};

pub(super) fn jit_policy(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    reader.take_lost();
    let entries = match reader.known_list(scope, "virtualMachines") {
        Known::Known(nodes) => {
            let nodes = nodes.unwrap_or_default();
            let scopes: Vec<Scope<'_, '_>> = nodes.iter().map(|node| reader.scope(node)).collect();
            // An entry for a machine that nobody knows may be for any.
            let open = scopes
                .iter()
                .find_map(|scope| match &scope.own("id").unwrap_or(scope.node).value {
                    Value::Unknown(why) => Some(why.clone()),
                    _ => None,
                });
            match open {
                Some(why) => Known::Unknown(why),
                None => Known::Known(scopes.into_iter().filter_map(|scope| entry(reader, scope)).collect()),
            }
        }
        Known::Unknown(why) => Known::Unknown(why),
    };
    let mut requests = Vec::new();
    for scope in reader.scopes(scope, "requests") {
        request(reader, scope, &mut requests);
    }
    let unread = reader.take_lost();
    Some(Item::JitPolicy(JitPolicy {
        id: reader.id.clone(),
        location: reader.location(scope),
        entries,
        unread,
        requests,
        origin: reader.origin(scope.node),
    }))
}

fn entry(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<JitEntry> {
    let vm = vm_id(reader, scope)?;
    let before = reader.take_lost();
    let ports = reader.scopes(scope, "ports");
    let unread = reader.take_lost();
    before.into_iter().for_each(|why| reader.lose(why));
    Some(JitEntry {
        vm,
        ports: ports.into_iter().map(|scope| port(reader, scope)).collect(),
        unread,
        public_address: reader.text(scope, "publicIpAddress"),
        origin: reader.origin(scope.node),
    })
}

fn vm_id(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<ResourceId> {
    let id = scope
        .own("id")
        .and_then(Node::as_text)
        .filter(|id| !id.is_empty())
        .map(ResourceId::new);
    if id.is_none() {
        let why = reader.absent(scope.node, "id");
        reader.lose(why);
    }
    id
}

fn port(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> JitPort {
    JitPort {
        number: reader.needed(scope, "number"),
        protocol: reader.protocol(scope, "protocol"),
        sources: sources(reader, scope),
        max_minutes: max_minutes(reader, scope),
        origin: reader.origin(scope.node),
    }
}

fn sources(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Addresses {
    let mut terms = Vec::new();
    for name in ["allowedSourceAddressPrefix", "allowedSourceAddressPrefixes"] {
        if let Some(node) = scope.get(name) {
            address_terms(reader, node, &mut terms);
        }
    }
    if terms.is_empty() {
        let text = "the policy states no allowed source";
        terms.push(AddressTerm::Unknown(Why::new(WhyKind::NotInInput, text)));
    }
    terms.shrink_to_fit();
    Addresses { terms }
}

fn max_minutes(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Known<i64> {
    let Some(node) = scope.get("maxRequestAccessDuration") else {
        return Known::Unknown(reader.absent(scope.node, "maxRequestAccessDuration"));
    };
    match node.as_text().and_then(minutes) {
        Some(minutes) => Known::Known(minutes),
        None => {
            let message = "`maxRequestAccessDuration` is not an ISO 8601 duration".to_owned();
            Known::Unknown(reader.problem(node, "wrong-duration", message, "write it as `PT3H`"))
        }
    }
}

/// Minutes of `PT3H`, `P1D`, or the `3:00:00` that some clients print.
fn minutes(text: &str) -> Option<i64> {
    if let Ok(span) = text.parse::<Span>() {
        let relative = jiff::SpanRelativeTo::days_are_24_hours();
        let seconds = span.total((Unit::Second, relative)).ok()?;
        return Some((seconds / 60.0).ceil() as i64);
    }
    let (days, clock) = text.split_once(" day").map_or((0, text), |(days, rest)| {
        (
            days.trim().parse().unwrap_or(0),
            rest.trim_start_matches('s').trim_start_matches(',').trim(),
        )
    });
    let mut parts = clock.split(':').map(|part| part.parse::<i64>().ok());
    let (hours, minutes) = (parts.next()??, parts.next()??);
    Some(days * 24 * 60 + hours * 60 + minutes)
}

/// A request names several machines with several ports; each pair becomes one entry.
fn request(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, requests: &mut Vec<JitRequest>) {
    let start = time(reader, scope, "startTimeUtc");
    let requestor = reader.text(scope, "requestor");
    let justification = reader.text(scope, "justification");
    for machine in reader.scopes(scope, "virtualMachines") {
        let Some(vm) = vm_id(reader, machine) else { continue };
        for port in reader.scopes(machine, "ports") {
            requests.push(JitRequest {
                vm: vm.clone(),
                port: reader.needed(port, "number"),
                sources: sources(reader, port),
                start: start.clone(),
                end: time(reader, port, "endTimeUtc"),
                status: reader.text(port, "status").unwrap_or_else(|| Arc::from("")),
                reason: reader.text(port, "statusReason"),
                requestor: requestor.clone(),
                justification: justification.clone(),
                mapped_port: reader.integer(port, "mappedPort").known().copied().flatten(),
            });
        }
    }
}

fn time(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, name: &str) -> Known<Timestamp> {
    let Some(node) = scope.get(name) else {
        return Known::Unknown(Why::not_in_input(&format!("`{name}` of the request")));
    };
    match node.as_text().and_then(timestamp) {
        Some(time) => Known::Known(time),
        None => {
            let message = format!("`{name}` is not a time");
            Known::Unknown(reader.problem(node, "wrong-time", message, "write it as `2026-01-31T12:00:00Z`"))
        }
    }
}

/// Azure writes seven fractional digits, and some clients leave the zone out: then it is UTC.
fn timestamp(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| format!("{text}Z").parse().ok())
}

pub(super) fn pricing(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let name = reader.name(scope);
    let tier = match reader.known_text(scope, "pricingTier") {
        Known::Known(tier) => Known::Known(tier?),
        Known::Unknown(why) => Known::Unknown(why),
    };
    Some(Item::Pricing(Pricing {
        id: reader.id.clone(),
        scope: reader.id.extended()?,
        name,
        tier,
        sub_plan: reader.known_text(scope, "subPlan"),
        coverage: reader.text(scope, "resourcesCoverageStatus"),
        origin: reader.origin(scope.node),
    }))
}

pub(super) fn assessment(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let details = scope.object("resourceDetails");
    let named = details
        .and_then(|details| details.own("id"))
        .and_then(Node::as_text)
        .map(ResourceId::new);
    let status = scope.object("status")?;
    let key = scope
        .own("name")
        .and_then(Node::as_text)
        .unwrap_or_else(|| reader.id.name())
        .to_ascii_lowercase();
    Some(Item::Assessment(Assessment {
        id: reader.id.clone(),
        resource: named.or_else(|| reader.id.extended())?,
        key: Arc::from(key),
        code: reader.text(status, "code")?,
        cause: reader.text(status, "cause"),
        origin: reader.origin(scope.node),
    }))
}

/// A row of `az account list`, of `GET /subscriptions`, or of Resource Graph.
pub(super) fn subscription(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let id = scope.own("subscriptionId").and_then(Node::as_text).map(Arc::from);
    let id: Arc<str> = id.unwrap_or_else(|| Arc::from(reader.id.name()));
    let name = reader
        .text(scope, "displayName")
        .or_else(|| scope.own("name").and_then(Node::as_text).map(Arc::from));
    Some(Item::Subscription(id, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_in_every_spelling() {
        let all = [
            ("PT3H", 180),
            ("P1D", 1440),
            ("PT5M", 5),
            ("PT90M", 90),
            ("3:00:00", 180),
            ("1 day, 0:00:00", 1440),
        ];
        for (text, expected) in all {
            assert_eq!(minutes(text), Some(expected), "{text}");
        }
        assert_eq!(minutes("three hours"), None);
    }

    #[test]
    fn times_in_every_spelling() {
        for text in [
            "2018-05-17T09:06:45.5691611Z",
            "2018-05-17T09:06:45.569161+00:00",
            "2018-05-17T09:06:45.5691611",
        ] {
            assert!(timestamp(text).is_some(), "{text}");
        }
    }
}

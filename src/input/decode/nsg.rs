//! Network security groups, and the address and port terms that other rules share with them.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::reader::{Reader, Scope};
use crate::model::{
    Access, AddressTerm, Addresses, Direction, Item, Known, Nsg, Ports, SecurityRule, ServiceTag, Why, WhyKind,
    default_rules,
};
use crate::net::{AddressRange, parse_ports, parse_range};
use crate::syntax::{Node, Value};

pub(super) fn nsg(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let stated = reader.known_list(scope, "securityRules");
    let defaults = reader.list(scope, "defaultSecurityRules");
    let rules = match stated {
        Known::Known(Some(nodes)) => Known::Known(rules(reader, nodes)),
        Known::Known(None) if !defaults.is_empty() => Known::Known(Vec::new()),
        Known::Known(None) => {
            let text = format!("the record of `{}` leaves its rules out", reader.id.name());
            reader.warn(
                scope.node,
                "rules-left-out",
                text.clone(),
                "record the group with its `securityRules`",
            );
            Known::Unknown(Why::new(WhyKind::NotInInput, text))
        }
        Known::Unknown(why) => Known::Unknown(why),
    };
    let mut attached_to = reader.references(scope, "subnets");
    attached_to.extend(reader.references(scope, "networkInterfaces"));
    Some(Item::Nsg(Nsg {
        id: reader.id.clone(),
        rules,
        default_rules: recorded_defaults(reader, defaults),
        flush_connection: reader.flag(scope, "flushConnection", false),
        attached_to,
        origin: reader.origin(scope.node),
    }))
}

/// The default rules as recorded. A recording that has them whole wins; otherwise Azure's known ones stand.
fn recorded_defaults(reader: &mut Reader<'_, '_>, nodes: &[Node<'_>]) -> Vec<SecurityRule> {
    let known = default_rules();
    let recorded: Vec<SecurityRule> = nodes.iter().map(|node| scoped_rule(reader, node, ADDED)).collect();
    let has = |name: &str| recorded.iter().any(|rule| rule.name.eq_ignore_ascii_case(name));
    if known.iter().all(|rule| has(&rule.name)) {
        recorded
    } else {
        known
    }
}

fn rules(reader: &mut Reader<'_, '_>, nodes: &[Node<'_>]) -> Vec<SecurityRule> {
    let rules: Vec<SecurityRule> = nodes.iter().map(|node| scoped_rule(reader, node, STATED)).collect();
    let mut first: HashMap<(Direction, u16), Arc<str>> = HashMap::new();
    for (rule, node) in rules.iter().zip(nodes) {
        let (Known::Known(direction), Known::Known(priority)) = (&rule.direction, &rule.priority) else {
            continue;
        };
        if let Some(other) = first.insert((*direction, *priority), rule.name.clone()) {
            let message = format!(
                "`{other}` and `{}` have the same direction and priority {priority}",
                rule.name
            );
            let help = "Azure refuses this; until it is mended the worse order is assumed for each question";
            reader.problem(node, "duplicate-priority", message, help);
        }
    }
    rules
}

pub(super) fn loose_rule(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let nsg = reader.id.parent()?;
    Some(Item::SecurityRule(nsg, rule(reader, scope, STATED)))
}

const DIRECTIONS: &[(&str, Direction)] = &[("Inbound", Direction::Inbound), ("Outbound", Direction::Outbound)];
const ACCESSES: &[(&str, Access)] = &[("Allow", Access::Allow), ("Deny", Access::Deny)];

/// Priorities of stated rules, and of those that Azure adds.
const STATED: RangeInclusive<u16> = 100..=4096;
const ADDED: RangeInclusive<u16> = 65000..=65500;

/// A priority that Azure refuses says nothing about the order of the rules.
fn priority(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, range: RangeInclusive<u16>) -> Known<u16> {
    match reader.needed(scope, "priority") {
        Known::Known(priority) if !range.contains(&priority) => {
            let (first, last) = (range.start(), range.end());
            let message = format!(
                "priority {priority} of `{}` is not within {first} to {last}",
                reader.name(scope)
            );
            Known::Unknown(reader.problem(
                scope.node,
                "priority-range",
                message,
                "Azure refuses it; correct the priority",
            ))
        }
        priority => priority,
    }
}

fn scoped_rule(reader: &mut Reader<'_, '_>, node: &Node<'_>, range: RangeInclusive<u16>) -> SecurityRule {
    let scope = reader.scope(node);
    rule(reader, scope, range)
}

fn rule(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, range: RangeInclusive<u16>) -> SecurityRule {
    let side = |node: Option<&Node<'_>>, reader: &Reader<'_, '_>| reader.origin(node.unwrap_or(scope.node));
    let source = scope
        .get("sourceAddressPrefix")
        .or_else(|| scope.get("sourceAddressPrefixes"));
    let ports = scope
        .get("destinationPortRange")
        .or_else(|| scope.get("destinationPortRanges"));
    SecurityRule {
        name: reader.name(scope),
        priority: priority(reader, scope, range),
        direction: reader.word(scope, "direction", DIRECTIONS),
        access: reader.word(scope, "access", ACCESSES),
        protocol: reader.protocol(scope, "protocol"),
        sources: endpoint(reader, scope, "source"),
        source_ports: rule_ports(reader, scope, "source"),
        destinations: endpoint(reader, scope, "destination"),
        destination_ports: rule_ports(reader, scope, "destination"),
        description: reader.text(scope, "description"),
        origin: reader.origin(scope.node),
        sources_origin: side(source, reader),
        ports_origin: side(ports, reader),
    }
}

/// The union of the singular field, the plural field and the application security groups of one side.
fn endpoint(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, side: &str) -> Addresses {
    let mut terms = Vec::new();
    for field in [format!("{side}AddressPrefix"), format!("{side}AddressPrefixes")] {
        if let Some(node) = scope.get(&field) {
            address_terms(reader, node, &mut terms);
        }
    }
    reader.take_lost();
    let groups = reader.references(scope, &format!("{side}ApplicationSecurityGroups"));
    terms.extend(groups.into_iter().map(AddressTerm::Group));
    terms.extend(reader.take_lost().map(AddressTerm::Unknown));
    if terms.is_empty() {
        let message = format!("the rule states no {side} address");
        terms.push(AddressTerm::Unknown(reader.problem(
            scope.node,
            "no-address",
            message,
            "Azure refuses it; state one",
        )));
    }
    terms.shrink_to_fit();
    Addresses { terms }
}

/// Reads one address field: a text, a list of texts, or a text with commas.
pub(super) fn address_terms(reader: &mut Reader<'_, '_>, node: &Node<'_>, terms: &mut Vec<AddressTerm>) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| match item.as_list() {
            None => address_terms(reader, item, terms),
            Some(_) => terms.push(AddressTerm::Unknown(list_in_list(reader, item))),
        }),
        Value::Text(text) if text.contains(',') => {
            let message = format!("`{text}` is a list in one string");
            reader.warn(
                node,
                "list-in-string",
                message,
                "Azure Resource Manager refuses it; use the plural field",
            );
            terms.extend(
                text.split(',')
                    .map(str::trim)
                    .filter(|t| !t.is_empty())
                    .map(|t| term(reader, node, t)),
            );
        }
        Value::Text(text) if text.trim().is_empty() => {}
        Value::Text(text) => terms.push(term(reader, node, text.trim())),
        Value::Unknown(why) => terms.push(AddressTerm::Unknown(why.clone())),
        _ => {
            let message = format!("an address is {}, not a string", node.kind());
            terms.push(AddressTerm::Unknown(reader.problem(
                node,
                "wrong-type",
                message,
                "write it as a string",
            )));
        }
    }
}

fn list_in_list(reader: &mut Reader<'_, '_>, node: &Node<'_>) -> Why {
    reader.problem(node, "wrong-type", "a list holds a list".to_owned(), "write one list")
}

fn term(reader: &mut Reader<'_, '_>, node: &Node<'_>, text: &str) -> AddressTerm {
    if text == "*" {
        return AddressTerm::Any;
    }
    if text.eq_ignore_ascii_case("any") {
        let message = format!("`{text}` is not an address; read as `*`");
        reader.warn(
            node,
            "any-address",
            message,
            "Azure Resource Manager refuses it; write `*`",
        );
        return AddressTerm::Any;
    }
    match parse_range(text) {
        Ok((range, masked)) => {
            if masked {
                let message = format!("`{text}` has host bits set; read as `{range}`");
                reader.warn(node, "host-bits", message, "write the prefix without host bits");
            }
            if is_mapped(range) {
                let message = format!("`{text}` is an IPv4 address mapped to IPv6, which no packet in Azure carries");
                reader.warn(node, "mapped-address", message, "write the IPv4 prefix");
            }
            AddressTerm::Range(range)
        }
        Err(error) => match ServiceTag::parse(text) {
            Some(tag) => AddressTerm::Tag(tag),
            None => AddressTerm::Unknown(reader.problem(
                node,
                "wrong-address",
                error.to_string(),
                "correct the address prefix",
            )),
        },
    }
}

fn is_mapped(range: AddressRange) -> bool {
    matches!(range, AddressRange::V6(first, last) if first >> 32 == 0xffff && last >> 32 == 0xffff)
}

fn rule_ports(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, side: &str) -> Ports {
    let nodes = [
        scope.get(&format!("{side}PortRange")),
        scope.get(&format!("{side}PortRanges")),
    ];
    let mut ports = Ports::default();
    for node in nodes.into_iter().flatten() {
        port_terms(reader, node, &mut ports);
    }
    if ports.set.is_empty() && ports.unknown.is_none() {
        // Recordings of rules for protocols without ports may leave the fields out.
        let portless = scope.get("protocol").and_then(Node::as_text).is_some_and(is_portless);
        match portless {
            true => return Ports::any(),
            false => {
                let message = format!("the rule states no {side} port");
                ports.unknown = Some(reader.problem(scope.node, "no-port", message, "Azure refuses it; state one"));
            }
        }
    }
    ports
}

fn is_portless(protocol: &str) -> bool {
    ["icmp", "esp", "ah"]
        .iter()
        .any(|name| protocol.eq_ignore_ascii_case(name))
}

/// Reads one port field: a number, a text, or a list of them.
pub(super) fn port_terms(reader: &mut Reader<'_, '_>, node: &Node<'_>, ports: &mut Ports) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| match item.as_list() {
            None => port_terms(reader, item, ports),
            Some(_) => ports.unknown = Some(list_in_list(reader, item)),
        }),
        Value::Text(text) if text.trim().is_empty() => {}
        Value::Text(text) | Value::Number(text) => match parse_ports(text) {
            Ok((set, listed)) => {
                if listed {
                    let message = format!("`{text}` is a list in one string");
                    reader.warn(
                        node,
                        "list-in-string",
                        message,
                        "Azure Resource Manager refuses it; use the plural field",
                    );
                }
                ports.set = ports.set.union(&set);
            }
            Err(error) => {
                ports.unknown = Some(reader.problem(node, "wrong-port", error.to_string(), "correct the port"));
            }
        },
        Value::Unknown(why) => ports.unknown = Some(why.clone()),
        _ => {
            let message = format!("a port is {}, not a number or string", node.kind());
            ports.unknown = Some(reader.problem(node, "wrong-type", message, "write it as a string"));
        }
    }
}

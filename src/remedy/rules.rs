//! Security rules as documents: what of them a remedy must know to change one field and keep all others.

use serde_json::{Map, Value, json};

use super::documents::member;
use super::projection;
use crate::net::{PortSet, parse_ports};

/// Longest name of a rule.
pub const NAME_LIMIT: usize = 80;
/// Most rules of a group.
pub const RULE_LIMIT: usize = 1000;

/// A rule's properties.
#[derive(Clone, Debug)]
pub struct Shape {
    properties: Value,
}

impl Shape {
    pub fn of(document: &Value) -> Shape {
        Shape {
            properties: projection::rule(document),
        }
    }

    pub fn properties(&self) -> &Value {
        &self.properties
    }

    fn text(&self, name: &str) -> Option<&str> {
        member(&self.properties, name).and_then(Value::as_str)
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.text(name).is_some_and(|text| text.eq_ignore_ascii_case(value))
    }

    pub fn is_inbound_deny(&self) -> bool {
        self.is("direction", "Inbound") && self.is("access", "Deny")
    }

    pub fn is_inbound_allow(&self) -> bool {
        self.is("direction", "Inbound") && self.is("access", "Allow")
    }

    pub fn is_any_protocol(&self) -> bool {
        self.is("protocol", "*")
    }

    pub fn priority(&self) -> Option<u16> {
        let value = member(&self.properties, "priority")?;
        let number = value
            .as_u64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok()));
        number.and_then(|number| u16::try_from(number).ok())
    }

    /// The singular and the plural field of one side, as texts; `None` when an element is no text or number.
    fn texts(&self, singular: &str) -> Option<Vec<String>> {
        let plural = if singular.ends_with("Prefix") {
            format!("{singular}es")
        } else {
            format!("{singular}s")
        };
        let mut texts = Vec::new();
        for value in [member(&self.properties, singular), member(&self.properties, &plural)]
            .into_iter()
            .flatten()
        {
            let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            for item in items {
                match item {
                    Value::String(text) => texts.push(text.clone()),
                    Value::Number(number) => texts.push(number.to_string()),
                    _ => return None,
                }
            }
        }
        Some(texts)
    }

    /// The destination ports; `None` when they cannot be read.
    pub fn ports(&self) -> Option<PortSet> {
        self.port_set("destinationPortRange")
    }

    /// Whether neither side names ports.
    pub fn is_portless(&self) -> bool {
        let full = |name| self.port_set(name).is_some_and(|set| set.is_full());
        full("destinationPortRange") && full("sourcePortRange")
    }

    fn port_set(&self, name: &str) -> Option<PortSet> {
        let texts = self.texts(name)?;
        let mut sets = texts.iter().map(|text| parse_ports(text).ok().map(|(set, _)| set));
        sets.try_fold(PortSet::empty(), |all, set| Some(all.union(&set?)))
    }

    /// The stated sources, where they are prefixes, tags or `*` and no groups.
    pub fn sources(&self) -> Option<Vec<String>> {
        let groups = member(&self.properties, "sourceApplicationSecurityGroups");
        groups.is_none().then(|| self.texts("sourceAddressPrefix")).flatten()
    }

    pub fn names_destination(&self, address: &str) -> bool {
        let stated = self.texts("destinationAddressPrefix").unwrap_or_default();
        stated
            .iter()
            .any(|text| text == address || text.split_once('/').is_some_and(|(host, _)| host == address))
    }

    /// The same rule for other ports; every other field as it is.
    pub fn with_ports(&self, ports: &PortSet) -> Value {
        self.with_list("destinationPortRange", "destinationPortRanges", &ports.spelled())
    }

    pub fn with_sources(&self, sources: &[String]) -> Value {
        self.with_list("sourceAddressPrefix", "sourceAddressPrefixes", sources)
    }

    fn with_list(&self, singular: &str, plural: &str, texts: &[String]) -> Value {
        let mut members = self.members_without(&[singular, plural]);
        match texts {
            [one] => members.insert(singular.to_owned(), json!(one)),
            many => members.insert(plural.to_owned(), json!(many)),
        };
        Value::Object(members)
    }

    /// The same rule with one field set.
    pub fn with(&self, name: &str, value: Value) -> Value {
        let mut members = self.members_without(&[name]);
        members.insert(name.to_owned(), value);
        Value::Object(members)
    }

    fn members_without(&self, names: &[&str]) -> Map<String, Value> {
        let mut members = self.properties.as_object().cloned().unwrap_or_default();
        members.retain(|known, _| !names.iter().any(|name| name.eq_ignore_ascii_case(known)));
        members
    }
}

/// The inbound priorities that rules have.
pub fn priorities(rules: &[(String, Value)]) -> Vec<u16> {
    let inbound = rules
        .iter()
        .map(|(_, rule)| Shape::of(rule))
        .filter(|shape| shape.is("direction", "Inbound"));
    inbound.filter_map(|shape| shape.priority()).collect()
}

/// The first of the wanted priorities that no inbound rule has.
pub fn free_priority(rules: &[(String, Value)], mut wanted: impl Iterator<Item = u16>, taken: &[u16]) -> Option<u16> {
    let used = priorities(rules);
    wanted.find(|priority| !used.contains(priority) && !taken.contains(priority))
}

/// Free priorities beside a rule, behind it first and else before it, that no other rule lies between.
pub fn beside(rules: &[(String, Value)], priority: u16, count: usize, taken: &[u16]) -> Option<Vec<u16>> {
    let mut used = priorities(rules);
    used.extend_from_slice(taken);
    let free = |at: &u16| (100..=4096).contains(at) && !used.contains(at);
    let behind: Vec<u16> = (priority.saturating_add(1)..=4096)
        .take_while(free)
        .take(count)
        .collect();
    if behind.len() == count {
        return Some(behind);
    }
    let before: Vec<u16> = (100..priority).rev().take_while(free).take(count).collect();
    (before.len() == count).then_some(before)
}

/// A name for a rule made beside another, within the limit and not in use.
pub fn name_beside(rules: &[(String, Value)], name: &str, suffix: &str) -> String {
    let used = |wanted: &str| rules.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let named = |suffix: &str| {
        let room = NAME_LIMIT.saturating_sub(suffix.len());
        let base: String = name.chars().take(room).collect();
        format!("{base}{suffix}")
    };
    let first = named(suffix);
    if !used(&first) {
        return first;
    }
    let numbered = (2..=RULE_LIMIT).map(|number| named(&format!("{suffix}-{number}")));
    numbered.into_iter().find(|name| !used(name)).unwrap_or(first)
}

//! A plan in words: for a terminal, as Markdown and as a page. Written from the plan and nothing else; names are hostile.

mod console;
mod html;
mod markdown;
mod script;

use std::collections::BTreeMap;

pub use console::console;
pub use html::html;
pub use markdown::markdown;
pub use script::{LANGUAGES, Language};

use serde_json::Value;

use super::documents::member;
use super::plan::{Loss, Plan, Step};

/// The last segment of an id, behind its group where it is a rule.
pub(super) fn short(id: &str) -> String {
    let mut segments = id.rsplit('/');
    let name = segments.next().unwrap_or_default();
    match (segments.next(), segments.next()) {
        (Some(kind), Some(parent))
            if kind.eq_ignore_ascii_case("securityRules") || kind.eq_ignore_ascii_case("subnets") =>
        {
            format!("{parent}/{name}")
        }
        _ => name.to_owned(),
    }
}

/// Texts as they can be shown: control characters and those that change the direction of writing are spelled.
pub fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || turns {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// What a step does to its target, in one word.
pub(super) fn verb(step: &Step) -> &'static str {
    match (&step.before, &step.after) {
        (None, _) => "add",
        (Some(_), None) => "remove",
        (Some(_), Some(_)) => "change",
    }
}

/// What a step is about: the rule, or the machine's entry in a policy.
pub(super) fn subject(step: &Step) -> String {
    match &step.part {
        Some(part) => format!("entry of {} in policy {}", short(part), short(&step.target)),
        None => short(&step.target),
    }
}

/// The fields that change: name, before, after.
pub(super) fn changes(step: &Step) -> Vec<(String, String, String)> {
    let (Some(before), Some(after)) = (&step.before, &step.after) else {
        return Vec::new();
    };
    let mut names: Vec<&String> = [before, after]
        .into_iter()
        .filter_map(|v| v.as_object())
        .flat_map(|o| o.keys())
        .collect();
    names.sort();
    names.dedup();
    let value = |object: &Value, name: &str| {
        object
            .get(name)
            .map_or_else(|| "-".to_owned(), |value| said(name, value))
    };
    let each = names
        .into_iter()
        .map(|name| (name.clone(), value(before, name), value(after, name)));
    each.filter(|(_, before, after)| before != after).collect()
}

/// A field's value as people say it.
fn said(name: &str, value: &Value) -> String {
    match value {
        Value::Array(ports) if name.eq_ignore_ascii_case("ports") => joined(ports.iter().map(opening)),
        Value::Array(items) => joined(items.iter().map(|item| said("", item))),
        Value::String(text) => text.clone(),
        _ => value.to_string(),
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() {
        "none".to_owned()
    } else {
        parts.join(", ")
    }
}

/// A port of a just-in-time policy: `22 (PT3H, from *)`.
fn opening(port: &Value) -> String {
    let text = |name: &str| member(port, name).map(|value| said("", value));
    let number = text("number").unwrap_or_else(|| "?".to_owned());
    let longest = text("maxRequestAccessDuration").unwrap_or_else(|| "any time".to_owned());
    let sources = text("allowedSourceAddressPrefixes").or_else(|| text("allowedSourceAddressPrefix"));
    let sources = sources.unwrap_or_else(|| "*".to_owned());
    match text("protocol").filter(|protocol| protocol != "*") {
        Some(protocol) => format!("{number}/{protocol} ({longest}, from {sources})"),
        None => format!("{number} ({longest}, from {sources})"),
    }
}

/// Losses that are alike, by machine, address and sources, with their ports.
fn alike(losses: &[Loss]) -> Vec<(&Loss, Vec<u16>)> {
    let mut alike: BTreeMap<_, (&Loss, Vec<u16>)> = BTreeMap::new();
    for loss in losses {
        let key = (&loss.machine, &loss.address, &loss.sources, &loss.tags);
        alike.entry(key).or_insert_with(|| (loss, Vec::new())).1.push(loss.port);
    }
    alike.into_values().collect()
}

/// Who loses or gets access, a line each.
pub(super) fn access(losses: &[Loss]) -> Vec<String> {
    let line = |(loss, ports): (&Loss, Vec<u16>)| {
        format!(
            "{} port {} at {}: {}",
            short(&loss.machine),
            joined(ports.iter().map(u16::to_string)),
            loss.address,
            sources(loss)
        )
    };
    alike(losses).into_iter().map(line).collect()
}

/// Findings that stay for one reason.
pub(super) struct Stay<'p> {
    pub rule: &'p str,
    pub owner: &'p str,
    pub reason: &'p str,
    /// What they are about, each once.
    pub subjects: Vec<String>,
}

impl Stay<'_> {
    pub fn named(&self) -> String {
        joined(self.subjects.iter().cloned())
    }
}

/// What stays, said once for each reason.
pub(super) fn stays(plan: &Plan) -> Vec<Stay<'_>> {
    let mut stays: Vec<Stay<'_>> = Vec::new();
    for left in &plan.unmended {
        let subject = short(&left.subject);
        let alike =
            |stay: &&mut Stay<'_>| stay.rule == left.rule && stay.owner == left.owner && stay.reason == left.reason;
        match stays.iter_mut().find(alike) {
            Some(stay) if stay.subjects.contains(&subject) => {}
            Some(stay) => stay.subjects.push(subject),
            None => stays.push(Stay {
                rule: &left.rule,
                owner: &left.owner,
                reason: &left.reason,
                subjects: vec![subject],
            }),
        }
    }
    stays
}

/// From how many addresses on a loss is called nearly all of IPv4.
const MOST_OF_IPV4: u128 = 3_600_000_000;

/// Who loses, in words.
fn sources(loss: &Loss) -> String {
    let mut parts: Vec<String> = Vec::new();
    match loss.count.as_str() {
        "0" => {}
        "1" => parts.push(format!("1 address: {}", loss.sources.join(", "))),
        // All but the platform's own address and the like, as prefixes, would be long and say less.
        count
            if count
                .parse::<u128>()
                .is_ok_and(|count| (MOST_OF_IPV4..1 << 32).contains(&count)) =>
        {
            parts.push(format!("{} addresses: nearly all of IPv4", grouped(count)));
        }
        count => {
            let shown: Vec<&str> = loss.sources.iter().take(6).map(String::as_str).collect();
            let more = loss.sources.len().saturating_sub(shown.len()) as u64 + loss.more;
            let rest = if more == 0 {
                String::new()
            } else {
                format!(" and {more} more prefixes")
            };
            parts.push(format!("{} addresses: {}{rest}", grouped(count), shown.join(", ")));
        }
    }
    parts.extend(loss.tags.iter().map(|tag| format!("the addresses of `{tag}`")));
    parts.join("; ")
}

/// `4294967296` as `4,294,967,296`.
fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What the proof says, in one sentence.
pub(super) fn proved(plan: &Plan) -> String {
    let proof = &plan.proof;
    format!(
        "recomputed for {} machines, one port of each of {} classes, {}: {}, and outside port {} nothing changes",
        proof.machines,
        proof.port_classes,
        proof.protocols.join(", "),
        if proof.gains.is_empty() {
            "nothing opens"
        } else {
            "nothing opens but what is told above"
        },
        plan.ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
    )
}

/// An id as a path: only what needs no escape stands for itself.
pub(super) fn encoded(id: &str) -> String {
    let mut path = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'(' | b')' => {
                path.push(char::from(byte))
            }
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path
}

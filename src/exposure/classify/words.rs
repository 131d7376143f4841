//! The answer in one sentence.

use super::{Clients, Tags, is_wide};
use crate::exposure::answer::{Decider, ExposureClass, Layer, PortExposure};
use crate::model::ServiceTag;
use crate::net::{AddressSet, Family};

/// The answer in one sentence, for sources that are so many prefixes.
pub(super) fn sentence(
    answer: &PortExposure,
    sure: (&AddressSet, usize),
    clients: &Clients<'_>,
    tags: &Tags,
    by: &str,
) -> String {
    let front = match answer.front_ports.as_deref() {
        Some("unknown") => " at a front port that is not known".to_owned(),
        Some(range) => format!(" at one of the front ports {range}"),
        None => String::new(),
    };
    let through = through(&answer.deciders) + by + &front;
    let tag_names = || names(&tags.admitted);
    match answer.class {
        ExposureClass::Closed => match answer.deciders.is_empty() {
            true => "closed".to_owned(),
            false => format!("closed by {}", rule_names(&answer.deciders)),
        },
        ExposureClass::Wide | ExposureClass::Narrow => {
            let mut text = format!("open to {}{through}", who(sure, clients));
            if !tags.admitted.is_empty() {
                text += &format!(", and to the addresses of {}", tag_names());
            }
            if !tags.excluded.is_empty() {
                text += &format!(", except the addresses of {}", names(&tags.excluded));
            }
            text
        }
        ExposureClass::Private => format!("open to {} on private paths{through}", who(sure, clients)),
        ExposureClass::AzureTenants => {
            let whose = if tags.admitted.iter().any(ServiceTag::is_any_azure_tenant) {
                " (any Azure tenant)"
            } else {
                ""
            };
            format!("open to the addresses of {}{whose}{through}", tag_names())
        }
        ExposureClass::NoReturnPath => format!("admitted{through}, but the answer leaves by another route: no session"),
        ExposureClass::Undetermined => {
            let gap = answer.gaps.first().map_or("an unknown decides", |gap| gap);
            format!("may be open{through}: {gap}")
        }
    }
}

fn names(tags: &[ServiceTag]) -> String {
    tags.iter().map(|tag| format!("`{tag}`")).collect::<Vec<_>>().join(", ")
}

fn through(deciders: &[Decider]) -> String {
    if deciders.is_empty() {
        String::new()
    } else {
        format!(" through {}", rule_names(deciders))
    }
}

/// The first rules by name.
pub(super) fn rule_names(deciders: &[Decider]) -> String {
    let name = |decider: &Decider| match decider.layer {
        Layer::Platform => decider.rule.to_string(),
        _ => format!("`{}/{}`", decider.group, decider.rule),
    };
    let shown: Vec<String> = deciders.iter().take(3).map(name).collect();
    let more = deciders.len().saturating_sub(shown.len());
    let list = shown.join(" and ");
    if more == 0 {
        list
    } else {
        format!("{list} and {more} more")
    }
}

fn who((set, cidrs): (&AddressSet, usize), clients: &Clients<'_>) -> String {
    let family = match clients.family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    };
    let kind = if clients.public { "public" } else { "private" };
    if set == clients.all {
        return format!("every {kind} {family} address");
    }
    if clients.public && is_wide(set, clients.all) {
        let rest = clients.all.difference(set);
        if rest.cidr_count() <= 3 {
            return format!("every public {family} address but {}", rest.cidrs(3).join(", "));
        }
    }
    let more = if cidrs > 3 { ", ..." } else { "" };
    let list = set.cidrs(3).join(", ") + more;
    let count = set.count();
    let noun = if count == 1 { "address" } else { "addresses" };
    format!("{} {kind} {noun} ({list})", grouped(count))
}

/// A count with thousands separators; of very large ones the order of magnitude.
pub fn grouped(count: u128) -> String {
    if count >= 1_000_000_000_000 {
        return format!("about 2^{}", count.ilog2() + u32::from(!count.is_power_of_two()));
    }
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

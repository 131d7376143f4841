//! Sets of addresses and the whole comparison in words.

use std::sync::{Arc, LazyLock};

use super::model::{Comparison, Kind, Origin, Sources, SubjectChange};
use crate::exposure::{PLATFORM, PUBLIC, grouped};
use crate::net::{AddressSet, Family};

/// Most prefixes listed.
const MOST_PREFIXES: usize = 256;
/// Most prefixes listed in a sentence.
const MOST_IN_WORDS: usize = 3;

static INTERNET: LazyLock<AddressSet> = LazyLock::new(|| PUBLIC.difference(&PLATFORM));

pub(super) fn sources(set: &AddressSet, tags: Vec<Arc<str>>, except_tags: Vec<Arc<str>>, from: Origin) -> Sources {
    let prefixes = set.cidrs(MOST_PREFIXES);
    let more_prefixes = set.cidr_count().saturating_sub(prefixes.len()) as u64;
    Sources {
        words: words(set, &tags, &except_tags, from),
        addresses: set.count().to_string(),
        prefixes,
        more_prefixes,
        tags,
        except_tags,
    }
}

fn words(set: &AddressSet, tags: &[Arc<str>], except: &[Arc<str>], from: Origin) -> String {
    let mut parts: Vec<String> = Vec::new();
    for family in [Family::V4, Family::V6] {
        let part = set.only(family);
        if !part.is_empty() {
            parts.push(of_family(&part, family, from));
        }
    }
    if !tags.is_empty() {
        parts.push(format!("the addresses of {}", quoted(tags)));
    }
    let mut words = parts.join(" and ");
    if !except.is_empty() {
        words.push_str(&format!(" but not those of {}", quoted(except)));
    }
    words
}

fn of_family(set: &AddressSet, family: Family, from: Origin) -> String {
    let name = match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    };
    let kind = match from {
        Origin::Internet => "public",
        Origin::Private => "private",
    };
    let all = INTERNET.only(family);
    if from == Origin::Internet {
        if *set == all {
            return format!("every public {name} address");
        }
        let rest = all.difference(set);
        if all.is_superset(set) && rest.cidr_count() <= MOST_IN_WORDS {
            return format!(
                "every public {name} address but {}",
                rest.cidrs(MOST_IN_WORDS).join(", ")
            );
        }
    }
    let (shown, count) = (set.cidrs(MOST_IN_WORDS), set.cidr_count());
    let more = if count > MOST_IN_WORDS { ", ..." } else { "" };
    let noun = if set.count() == 1 { "address" } else { "addresses" };
    format!("{} {kind} {noun} ({}{more})", grouped(set.count()), shown.join(", "))
}

fn quoted(names: &[Arc<str>]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// What a comparison comes to, in one line.
pub(super) fn sentence(comparison: &Comparison) -> String {
    let mut parts = Vec::new();
    if !comparison.base.judged {
        parts.push("the base could not be read, so the head is judged alone".to_owned());
    }
    if !comparison.head.judged {
        parts.push("the head could not be read".to_owned());
        return parts.join("; ");
    }
    for (side, end) in [("base", &comparison.base), ("head", &comparison.head)] {
        if end.judged && !end.complete {
            parts.push(format!("the {side} was not read whole"));
        }
    }
    parts.push(match comparison.is_same_reach() {
        true => "no change in who can reach what".to_owned(),
        false => reach(comparison),
    });
    let summary = &comparison.summary;
    match summary.waived {
        0 => {}
        1 => parts.push("1 opening is waived".to_owned()),
        several => parts.push(format!("{several} openings are waived")),
    }
    let findings = [
        (summary.new_findings, "new"),
        (summary.changed_findings, "changed"),
        (summary.fixed_findings, "fixed"),
    ];
    let findings: Vec<String> = findings
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    if !findings.is_empty() {
        parts.push(format!("findings: {}", findings.join(", ")));
    }
    parts.join("; ")
}

type Does = fn(&SubjectChange) -> bool;

/// What subjects may do, the gravest first.
const DEEDS: &[(&str, &str, Does)] = &[
    ("opens", "to public addresses", |one| one.opens(Origin::Internet)),
    ("opens", "on private paths", |one| one.opens(Origin::Private)),
    ("may open", "", SubjectChange::may_open),
    ("closes", "to public addresses", |one| one.closes(Origin::Internet)),
    ("closes", "on private paths", |one| one.closes(Origin::Private)),
];

fn reach(comparison: &Comparison) -> String {
    let deed = |(verb, to, does): &(&str, &str, Does)| {
        let who: Vec<&SubjectChange> = comparison.changes.iter().filter(|change| does(change)).collect();
        let space = if to.is_empty() { "" } else { " " };
        (!who.is_empty()).then(|| format!("{verb} {}{space}{to}", counted(&who)))
    };
    let deeds: Vec<String> = DEEDS.iter().filter_map(deed).collect();
    if deeds.is_empty() {
        return "nobody new gets in; what was in doubt is settled".to_owned();
    }
    deeds.join(", ")
}

/// One by its name, several by their number.
fn counted(subjects: &[&SubjectChange]) -> String {
    if let [only] = subjects {
        return match only.kind {
            Kind::Machine => format!("`{}`", only.name),
            Kind::Filter => format!("`{}`, wherever it is attached,", only.name),
        };
    }
    let machines = subjects.iter().filter(|one| one.kind == Kind::Machine).count();
    let plural = |number: usize, noun: &str| match number {
        0 => None,
        1 => Some(format!("1 {noun}")),
        _ => Some(format!("{number} {noun}s")),
    };
    let parts = [
        plural(machines, "machine"),
        plural(subjects.len() - machines, "unattached group"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

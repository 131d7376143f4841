//! What the formats for people say of one machine: ports that differ alike are one entry.

use crate::diff::{Decision, End, Kind, Origin, PortChange, Presence, Sources, SubjectChange, Through};
use crate::exposure::Way;
use crate::report::digest;
use crate::source::{Diagnostic, Level};

/// How a set of sources fares: the word for it and the set.
pub(super) type Line<'c> = (&'static str, &'c Sources);

/// Ports of one subject that differ in the same way.
pub(super) struct Entry<'c> {
    pub ports: Vec<u16>,
    pub change: &'c PortChange,
}

pub(super) fn entries(change: &SubjectChange) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for port in &change.ports {
        let alike = |entry: &&mut Entry<'_>| {
            let first = PortChange {
                port: port.port,
                ..entry.change.clone()
            };
            first == *port
        };
        match entries.iter_mut().find(alike) {
            Some(entry) => entry.ports.push(port.port),
            None => entries.push(Entry {
                ports: vec![port.port],
                change: port,
            }),
        }
    }
    entries
}

impl<'c> Entry<'c> {
    /// `port 22`, `ports 22, 3389`.
    pub fn title(&self) -> String {
        let numbers: Vec<String> = self.ports.iter().map(u16::to_string).collect();
        let noun = if numbers.len() == 1 { "port" } else { "ports" };
        format!("{noun} {}", numbers.join(", "))
    }

    pub fn from(&self) -> &'static str {
        match self.change.from {
            Origin::Internet => "from the internet",
            Origin::Private => "on private paths",
        }
    }

    /// The sets that differ, what opens first.
    pub fn lines(&self) -> Vec<Line<'c>> {
        let change = self.change;
        let all = [
            ("opens to", &change.opened),
            ("now surely open to", &change.now_certain),
            ("may open to", &change.newly_possible),
            ("closes to", &change.closed),
            ("no longer surely open to", &change.now_doubtful),
            ("can no longer be open to", &change.no_longer_possible),
        ];
        all.into_iter()
            .filter_map(|(word, sources)| Some((word, sources.as_ref()?)))
            .collect()
    }
}

/// One word for a subject: what is gravest about it.
pub(super) fn mark(change: &SubjectChange) -> &'static str {
    if change.opens(Origin::Internet) || change.opens(Origin::Private) {
        "OPENS"
    } else if change.may_open() {
        "MAY OPEN"
    } else if change.closes(Origin::Internet) || change.closes(Origin::Private) {
        "CLOSES"
    } else {
        "SETTLED"
    }
}

pub(super) fn about(change: &SubjectChange) -> &'static str {
    match (change.kind, change.presence) {
        (Kind::Machine, Presence::Both) => "",
        (Kind::Machine, Presence::Added) => "new machine",
        (Kind::Machine, Presence::Removed) => "machine removed",
        (Kind::Filter, Presence::Both) => "wherever this group is attached",
        (Kind::Filter, Presence::Added) => "new group, wherever it is attached",
        (Kind::Filter, Presence::Removed) => "group removed",
    }
}

/// Warnings about one side that do not hold of the other: they are a part of what changed.
pub(super) fn own_warnings<'e>(end: &'e End, other: &'e End) -> impl Iterator<Item = &'e Diagnostic> {
    let is_told = |said: &Diagnostic| {
        let others = &mut other.diagnostics.iter();
        others.any(|other| other.code == said.code && other.message == said.message)
    };
    let warnings = end.diagnostics.iter().filter(|said| said.level == Level::Warning);
    warnings.filter(move |said| !is_told(said))
}

/// What is said of an exception of what a change opens; empty where there is none.
pub(super) fn waived(change: &SubjectChange) -> String {
    let Some(waiver) = &change.waiver else {
        return String::new();
    };
    let by = waiver
        .owner
        .as_ref()
        .map_or_else(String::new, |owner| format!(" by {owner}"));
    let until = waiver
        .until
        .as_ref()
        .map_or_else(String::new, |until| format!(" until {until}"));
    let ticket = waiver
        .ticket
        .as_ref()
        .map_or_else(String::new, |ticket| format!(" ({ticket})"));
    format!("waived{by}{until}: {}{ticket}", waiver.reason)
}

/// The rules of one side, with their places.
pub(super) fn rules(decision: &Decision) -> Vec<(String, Option<String>)> {
    let rule = |decider| {
        (
            digest::decider_sentence(decider),
            decider.location.as_ref().map(ToString::to_string),
        )
    };
    decision.rules.iter().map(rule).collect()
}

pub(super) fn way(through: &Through) -> String {
    let mut words = match through.way {
        Way::PublicIp => "public address",
        Way::LoadBalancer => "load balancer",
        Way::FirewallDnat => "firewall",
        Way::Private => "private path",
    }
    .to_owned();
    if let Some(address) = &through.address {
        words.push_str(&format!(" `{address}`"));
    }
    if let Some(port) = through.port {
        words.push_str(&format!(" port {port}"));
    }
    words
}

//! Rules whose removal changes nothing: whatever such a rule decides, the rules behind it decide the same way.
//! A claim about the text of the group, whatever subnet it is attached to.

use super::shadow::{Earlier, Slice, Source, each_slice, matches, sources};
use crate::model::{AddressTerm, Addresses, SecurityRule};
use crate::net::AddressSet;

/// For each stated rule the positions of the rules behind it, default rules last, that decide the same in its place;
/// `None` when its removal may change something, or when it decides nothing as it is.
///
/// Sound: where anything in the group is unknown that may come between, no claim is made.
pub fn redundancies(stated: &[SecurityRule], defaults: &[SecurityRule]) -> Vec<Option<Vec<usize>>> {
    let all: Vec<&SecurityRule> = stated.iter().chain(defaults).collect();
    let mut known: Vec<Earlier<'_>> = Vec::with_capacity(all.len());
    for (at, rule) in all.iter().enumerate() {
        match Earlier::of(at, rule) {
            Some(rule) => known.push(rule),
            None => return vec![None; stated.len()],
        }
    }
    known.sort_by_key(|rule| rule.priority);
    (0..stated.len()).map(|at| redundant(at, &known)).collect()
}

fn redundant(at: usize, all: &[Earlier<'_>]) -> Option<Vec<usize>> {
    let own = all.iter().find(|rule| rule.at == at)?;
    let others: Vec<&Earlier<'_>> = all
        .iter()
        .filter(|other| other.at != at && other.direction == own.direction)
        .collect();
    if others.iter().any(|other| other.priority == own.priority) {
        return None;
    }
    let mut deciders = Vec::new();
    let mut decides = false;
    each_slice(own.rule, &others, |slice| {
        let found = decided_alike(own, slice, &others)?;
        decides |= !found.is_empty();
        deciders.extend(found);
        Some(())
    })?;
    deciders.sort_unstable();
    deciders.dedup();
    decides.then_some(deciders)
}

/// The rules behind that decide the same for all that the rule decides on a slice; none where it decides nothing.
fn decided_alike(own: &Earlier<'_>, slice: &Slice<'_>, others: &[&Earlier<'_>]) -> Option<Vec<usize>> {
    let mut left: Vec<Source> = own.rule.sources.terms.iter().flat_map(sources).collect();
    let mut seen = AddressSet::empty();
    let mut deciders = Vec::new();
    for other in others {
        if left.is_empty() {
            break;
        }
        let before = other.priority < own.priority;
        let alike = other.rule.access == own.rule.access;
        if matches(other, slice) && (before || alike) {
            seen = seen.union(&other.sources);
            let count = left.len();
            left.retain(|source| !source.within(&seen, &other.rule.sources));
            if !before && left.len() < count {
                deciders.push(other.at);
            }
        } else if !before && !alike && may_match(other, slice) && may_touch(&left, &other.rule.sources) {
            return None;
        }
    }
    left.is_empty().then_some(deciders)
}

/// Whether a rule may match some packet of a slice, the source apart.
fn may_match(other: &Earlier<'_>, slice: &Slice<'_>) -> bool {
    let rule = other.rule;
    let ports = |ports: &crate::model::Ports, port| ports.set.contains(port) || ports.unknown.is_some();
    let protocol = rule.protocol.known().is_none_or(|set| set.intersects(slice.protocol));
    protocol
        && ports(&rule.destination_ports, slice.port)
        && ports(&rule.source_ports, slice.source_port)
        && (matches(other, slice) || !names_only_others(&rule.destinations, slice))
}

/// Whether the destinations of a rule are addresses, and the slice lies in none of them.
fn names_only_others(destinations: &Addresses, slice: &Slice<'_>) -> bool {
    let concrete = destinations
        .terms
        .iter()
        .all(|term| matches!(term, AddressTerm::Range(_)));
    concrete && slice.outside(destinations)
}

fn may_touch(left: &[Source], sources: &Addresses) -> bool {
    let named = sources.terms.iter().any(|term| !matches!(term, AddressTerm::Range(_)));
    let ranges = sources.terms.iter().filter_map(|term| match term {
        AddressTerm::Range(range) => Some(*range),
        _ => None,
    });
    let ranges = AddressSet::from_ranges(ranges);
    named || left.iter().any(|source| source.may_meet(&ranges))
}

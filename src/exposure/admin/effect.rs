//! What admin rules do to the answer of the groups: stop it, deliver past the groups, or hand over to them.
//!
//! The three outcomes are ordered, so two questions of first match settle them: which sources are not denied, and
//! which are delivered. Each is asked for certain and for possible like a group's.

use super::Compiled;
use crate::exposure::compile::Truth;
use crate::exposure::passage::{Address, Passage, Passages};
use crate::exposure::stack::{Mode, PortReach};
use crate::exposure::sweep::first_match;
use crate::model::AdminAccess;
use crate::net::{AddressRange, AddressSet, Family};

/// Puts the rules, in order, before what the groups answered.
pub fn apply(rules: &[Compiled], family: Family, reach: &mut PortReach) {
    if rules.is_empty() {
        return;
    }
    if !rules.iter().all(Compiled::is_exact) && reach.possible.is_none() {
        reach.possible = Some(reach.certain.clone());
    }
    let outcomes = |mode| outcomes(rules, family, mode);
    let certain = outcomes(Mode::Certain);
    reach.certain = repaint(&reach.certain, &certain);
    for tag in &mut reach.tags {
        tag.certain = repaint(&tag.certain, &certain);
    }
    let possible = outcomes(Mode::Possible);
    reach.possible = reach.possible.take().map(|passages| repaint(&passages, &possible));
    for tag in &mut reach.tags {
        tag.possible = repaint(&tag.possible, &possible);
    }
    for gap in rules.iter().filter(|rule| !rule.is_exact()).flat_map(|rule| &rule.gaps) {
        if !reach.gaps.contains(gap) {
            reach.gaps.push(gap.clone());
        }
    }
}

/// Sources that the admin rules settle: the rule, whether it delivers, and whom.
type Outcome = (u32, bool, AddressSet);

fn outcomes(rules: &[Compiled], family: Family, mode: Mode) -> Vec<Outcome> {
    let ask = |threshold| match family {
        Family::V4 => winners::<u32>(rules, mode, threshold),
        Family::V6 => winners::<u128>(rules, mode, threshold),
    };
    let delivered = ask(AdminAccess::AlwaysAllow).into_iter().filter(|(_, good, _)| *good);
    let denied = ask(AdminAccess::Allow).into_iter().filter(|(_, good, _)| !*good);
    delivered.chain(denied).collect()
}

/// A rule as one question sees it: priority, rule, whether what it does is good enough, and the sources it counts for.
type Chosen<'r, T> = (u32, u32, bool, &'r [(T, T)]);

/// The first rule for each source, with whether what it does is at least `threshold`.
fn winners<T: Address>(rules: &[Compiled], mode: Mode, threshold: AdminAccess) -> Vec<Outcome> {
    let mut chosen: Vec<Chosen<'_, T>> = Vec::new();
    for rule in rules {
        let good = match rule.access {
            Some(AdminAccess::Deny) => false,
            Some(AdminAccess::AlwaysAllow) => true,
            Some(AdminAccess::Allow) => threshold == AdminAccess::Allow,
            None => mode == Mode::Possible,
        };
        let surely = rule.covers == Truth::Yes && rule.priority.is_some();
        let strict = good == (mode == Mode::Certain);
        if strict && !surely {
            continue;
        }
        let set = if strict { &rule.sources.must } else { &rule.sources.may };
        chosen.push((rule.priority.unwrap_or(0), rule.rule, good, T::ranges(set)));
    }
    // Of two rules of one priority, the one that makes the answer weaker is asked first.
    chosen.sort_by_key(|(priority, _, good, _)| (*priority, *good == (mode == Mode::Certain)));
    let lists: Vec<&[(T, T)]> = chosen.iter().map(|(.., ranges)| *ranges).collect();
    let mut found: Vec<(u32, bool, Vec<AddressRange>)> = chosen
        .iter()
        .map(|(_, rule, good, _)| (*rule, *good, Vec::new()))
        .collect();
    for segment in first_match(&lists) {
        let winner = segment.winner.and_then(|winner| found.get_mut(usize::from(winner)));
        if let Some((.., ranges)) = winner {
            ranges.push(T::range(segment.first, segment.last));
        }
    }
    let outcome = |(rule, good, ranges)| (rule, good, AddressSet::from_ranges(ranges));
    found
        .into_iter()
        .map(outcome)
        .filter(|(.., set)| !set.is_empty())
        .collect()
}

/// Replaces what the groups said where an admin rule settles it.
fn repaint(passages: &Passages, outcomes: &[Outcome]) -> Passages {
    passages.repainted(|passage, painted| {
        let mut rest = AddressSet::from(passage.range);
        // A source that is delivered comes first in the list and is not denied as well.
        for (rule, admitted, set) in outcomes {
            let inside = rest.intersection(set);
            if inside.is_empty() {
                continue;
            }
            rest = rest.difference(set);
            let settled = Passage {
                admitted: *admitted,
                admin: Some(*rule),
                deciders: [None, None],
                stopped_at: None,
                ..passage
            };
            painted.extend(inside.to_ranges().map(|range| Passage { range, ..settled }));
        }
        painted.extend(rest.to_ranges().map(|range| Passage { range, ..passage }));
    })
}

//! Two answers about one port, subtracted: for every source whether it got in before and gets in now. Exact.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::model::{Decision, Origin, PortChange, Sources, Through};
use super::side::{Subject, anybody};
use super::words;
use crate::exposure::{Decider, Exact, PortExposure, Reach, Run};
use crate::model::ServiceTag;
use crate::net::AddressSet;

/// Most deciding rules named.
const MOST_RULES: usize = 8;
const MOST_WAYS: usize = 8;
const MOST_GAPS: usize = 4;

/// Everybody who reaches one port on any way from one origin.
#[derive(Clone, Default, PartialEq)]
struct Total {
    reach: Reach,
    tags: BTreeMap<ServiceTag, Reach>,
}

impl Total {
    fn of(subject: Option<&Subject>, from: Origin, port: u16) -> Total {
        let mut total = Total::default();
        let Some(subject) = subject else { return total };
        let answers = subject.answers.iter().filter(|answer| answer.from == from);
        for exposure in answers.flat_map(|answer| answer.at(port)) {
            if let Some(exact) = &exposure.exact {
                total.add(exact);
            }
        }
        if subject.gap.is_some() {
            total.add(&Exact {
                reach: anybody(from),
                ..Exact::default()
            });
        }
        total
    }

    fn add(&mut self, exact: &Exact) {
        let tags: BTreeSet<&ServiceTag> = self.tags.keys().chain(exact.tags.keys()).collect();
        let joined = tags
            .into_iter()
            .map(|tag| (tag.clone(), self.of_tag(tag).union(exact.of_tag(tag))))
            .collect();
        self.reach = self.reach.union(&exact.reach);
        self.tags = joined;
    }

    fn of_tag(&self, tag: &ServiceTag) -> &Reach {
        self.tags.get(tag).unwrap_or(&self.reach)
    }
}

/// The sources of one kind of difference.
#[derive(Default)]
struct Cell {
    set: AddressSet,
    tags: BTreeMap<ServiceTag, AddressSet>,
}

impl Cell {
    fn of(base: &Total, head: &Total, cell: fn(&Reach, &Reach) -> AddressSet) -> Cell {
        let tags: BTreeSet<&ServiceTag> = base.tags.keys().chain(head.tags.keys()).collect();
        Cell {
            set: cell(&base.reach, &head.reach),
            tags: tags
                .into_iter()
                .map(|tag| (tag.clone(), cell(base.of_tag(tag), head.of_tag(tag))))
                .collect(),
        }
    }

    fn sources(&self, from: Origin) -> Option<Sources> {
        let more =
            |(tag, set): (&ServiceTag, &AddressSet)| (!self.set.is_superset(set)).then(|| Arc::from(tag.to_string()));
        let less =
            |(tag, set): (&ServiceTag, &AddressSet)| (!set.is_superset(&self.set)).then(|| Arc::from(tag.to_string()));
        let tags: Vec<Arc<str>> = self.tags.iter().filter_map(more).collect();
        if self.set.is_empty() && tags.is_empty() {
            return None;
        }
        let except = self.tags.iter().filter_map(less).collect();
        Some(words::sources(&self.set, tags, except, from))
    }

    fn touches(&self, run: &Run) -> bool {
        match &run.tag {
            None => run.sources.intersects(&self.set),
            Some(tag) => self.tags.get(tag).is_some_and(|set| run.sources.intersects(set)),
        }
    }

    /// Whether any of it gets in, surely or perhaps.
    fn meets(&self, exact: &Exact) -> bool {
        let tags = self.tags.iter();
        exact.reach.possible.intersects(&self.set)
            || tags
                .into_iter()
                .any(|(tag, set)| exact.of_tag(tag).possible.intersects(set))
    }
}

fn opened(base: &Reach, head: &Reach) -> AddressSet {
    head.certain.difference(&base.possible)
}

fn now_certain(base: &Reach, head: &Reach) -> AddressSet {
    head.certain.intersection(&base.possible).difference(&base.certain)
}

fn newly_possible(base: &Reach, head: &Reach) -> AddressSet {
    head.possible.difference(&head.certain).difference(&base.possible)
}

fn closed(base: &Reach, head: &Reach) -> AddressSet {
    opened(head, base)
}

fn now_doubtful(base: &Reach, head: &Reach) -> AddressSet {
    now_certain(head, base)
}

fn no_longer_possible(base: &Reach, head: &Reach) -> AddressSet {
    newly_possible(head, base)
}

/// What differs for a port, `None` where nothing does.
pub(super) fn port_change(
    base: Option<&Subject>,
    head: Option<&Subject>,
    from: Origin,
    port: u16,
) -> Option<PortChange> {
    let (was, is) = (Total::of(base, from, port), Total::of(head, from, port));
    if was == is {
        return None;
    }
    let cell = |which| Cell::of(&was, &is, which);
    let (up_sure, up_new, up_may) = (cell(opened), cell(now_certain), cell(newly_possible));
    let (down_sure, down_new, down_may) = (cell(closed), cell(now_doubtful), cell(no_longer_possible));
    let change = PortChange {
        port,
        protocol: Arc::from("tcp"),
        from,
        opened: up_sure.sources(from),
        now_certain: up_new.sources(from),
        newly_possible: up_may.sources(from),
        closed: down_sure.sources(from),
        now_doubtful: down_new.sources(from),
        no_longer_possible: down_may.sources(from),
        before: decision(
            base,
            from,
            port,
            [&down_sure, &down_new, &down_may],
            [&up_sure, &up_new, &up_may],
        ),
        after: decision(
            head,
            from,
            port,
            [&up_sure, &up_new, &up_may],
            [&down_sure, &down_new, &down_may],
        ),
    };
    let any = [
        &change.opened,
        &change.now_certain,
        &change.newly_possible,
        &change.closed,
        &change.now_doubtful,
        &change.no_longer_possible,
    ]
    .into_iter()
    .any(Option::is_some);
    any.then_some(change)
}

/// What decides on one side: rules that let `admitted` in and rules that keep `stopped` out.
fn decision(subject: Option<&Subject>, from: Origin, port: u16, admitted: [&Cell; 3], stopped: [&Cell; 3]) -> Decision {
    let Some(subject) = subject else {
        return Decision::default();
    };
    let (mut admitting, mut stopping) = (BTreeSet::new(), BTreeSet::new());
    let (mut ways, mut gaps) = (BTreeSet::new(), Vec::new());
    for answer in subject.answers.iter().filter(|answer| answer.from == from) {
        for exposure in answer.at(port) {
            let Some(exact) = &exposure.exact else { continue };
            if admitted.iter().any(|cell| cell.meets(exact)) {
                ways.insert(answer.through(exposure));
                admitting.extend(admitters(exposure, exact, admitted));
                gaps.extend(exposure.gaps.iter().cloned());
            }
            stopping.extend(stoppers(exact, stopped));
        }
    }
    gaps.extend(subject.gap.clone());
    gaps.sort();
    gaps.dedup();
    gaps.truncate(MOST_GAPS);
    let rules: Vec<Decider> = match admitting.is_empty() {
        false => admitting.into_iter().collect(),
        true => stopping.into_iter().collect(),
    };
    let ways: Vec<Through> = ways.into_iter().take(MOST_WAYS).collect();
    Decision {
        rules: rules.into_iter().take(MOST_RULES).collect(),
        ways,
        gaps,
    }
}

/// The rules that let a cell in. The first two cells are of what is certain.
fn admitters(exposure: &PortExposure, exact: &Exact, [sure, new, may]: [&Cell; 3]) -> Vec<Decider> {
    let any_possible = exact.runs.iter().any(|run| !run.sure);
    let lets_in = |run: &&Run| {
        let certain = run.sure && (sure.touches(run) || new.touches(run));
        let possible = (!run.sure || !any_possible) && may.touches(run);
        run.admitted && (certain || possible)
    };
    let found: Vec<Decider> = exact
        .runs
        .iter()
        .filter(lets_in)
        .flat_map(|run| run.deciders.iter().cloned())
        .collect();
    if found.is_empty() {
        exposure.deciders.clone()
    } else {
        found
    }
}

fn stoppers(exact: &Exact, cells: [&Cell; 3]) -> Vec<Decider> {
    let stops = |run: &&Run| !run.admitted && run.sure && cells.iter().any(|cell| cell.touches(run));
    let runs = exact.runs.iter().filter(stops);
    runs.flat_map(|run| run.deciders.iter().cloned()).collect()
}

//! Layers of filters over one target: which sources pass all of them to one port, and which rule decided each.
//! Certain: whatever the unknowns are. Possible: for at least one way the unknowns could turn out.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::compile::{Filter, Lined, Rule, Truth};
use super::lanes::{LANES, Mark, Row, Side, runs};
use super::passage::{Address, NO_RULE, Outcome, Passages, Run, admitted};
use super::sweep::first_match;
use crate::model::{Access, ServiceTag};
use crate::net::{AddressSet, Bound, Family, Protocol};

/// What stands between the network and the machine at one layer.
#[derive(Clone, Debug)]
pub enum LayerState<'i> {
    /// No group: everything passes.
    Open,
    Filter {
        /// Index of the group in the inventory.
        nsg: u32,
        filter: Arc<Filter<'i>>,
        /// How the destination of each narrow rule meets the target.
        meets: Box<[Truth]>,
    },
    /// There may be a group, but its rules are unknown.
    Unknown(Arc<str>),
}

/// Which of the two answers is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Certain,
    Possible,
}

/// Who gets through to one port.
#[derive(Clone, Debug, Default)]
pub struct PortReach {
    pub port: u16,
    pub certain: Passages,
    /// `None` when nothing is unknown: the same as `certain`.
    pub possible: Option<Passages>,
    /// What differs for addresses of tags that are not in the input.
    pub tags: Vec<TagReach>,
    pub gaps: Vec<Arc<str>>,
}

/// Who gets through among the addresses of one tag.
#[derive(Clone, Debug)]
pub struct TagReach {
    pub tag: ServiceTag,
    pub certain: Passages,
    pub possible: Passages,
}

impl PortReach {
    pub fn possible(&self) -> &Passages {
        self.possible.as_ref().unwrap_or(&self.certain)
    }

    /// The sources that get through whatever the unknowns are.
    pub fn certainly_admitted(&self) -> AddressSet {
        admitted(&self.certain)
    }

    /// The sources that get through for at least one way the unknowns could turn out.
    pub fn possibly_admitted(&self) -> AddressSet {
        admitted(self.possible())
    }
}

/// One question to a stack of layers.
#[derive(Clone, Copy)]
struct Question<'t> {
    protocol: Protocol,
    port: u16,
    source_port: u16,
    mode: Mode,
    /// Asks about addresses that belong to this tag.
    member_of: Option<&'t ServiceTag>,
}

/// Answers several ports for one family, over the subnet's layer and the interface's. Ports about which nothing is
/// unknown share one pass over the sources.
pub fn reaches(layers: &[LayerState<'_>; 2], family: Family, protocol: Protocol, ports: &[u16]) -> Vec<PortReach> {
    let mut all = Vec::with_capacity(ports.len());
    for ports in ports.chunks(LANES) {
        let plain = match family {
            Family::V4 => plain::<u32>(layers, protocol, ports),
            Family::V6 => plain::<u128>(layers, protocol, ports),
        };
        let answer = |(port, plain): (&u16, Option<Passages>)| match plain {
            Some(certain) => PortReach {
                port: *port,
                certain,
                ..PortReach::default()
            },
            None => reach(layers, family, protocol, *port),
        };
        all.extend(ports.iter().zip(plain).map(answer));
    }
    all
}

/// The passages to each port where nothing is unknown and the source alone decides.
fn plain<T: Lined>(layers: &[LayerState<'_>; 2], protocol: Protocol, ports: &[u16]) -> [Option<Passages>; LANES] {
    let rows = layers.each_ref().map(|layer| Rows::of(layer, protocol, ports));
    let mut wanted = [false; LANES];
    for (lane, wanted) in wanted.iter_mut().enumerate().take(ports.len()) {
        *wanted = rows.iter().all(|rows| rows.plain.get(lane) == Some(&true));
    }
    let [subnet, nic] = &rows;
    let [outer, inner] = layers;
    let found = runs::<T>(&[subnet.side(outer), nic.side(inner)], wanted);
    let mut wanted = wanted.into_iter();
    found.map(|runs| {
        let mut passages = Passages::of(groups(layers));
        passages.add_part(runs);
        (wanted.next() == Some(true)).then_some(passages)
    })
}

/// The ports as lanes of one pass over a layer: which rules bear on each.
struct Rows {
    rows: Vec<Row>,
    /// The ports about which nothing is unknown here.
    plain: [bool; LANES],
}

impl Rows {
    fn of(layer: &LayerState<'_>, protocol: Protocol, ports: &[u16]) -> Self {
        let mut rows = Rows {
            rows: Vec::new(),
            plain: [true; LANES],
        };
        match layer {
            LayerState::Open => {}
            LayerState::Unknown(_) => rows.plain = [false; LANES],
            LayerState::Filter { filter, meets, .. } => {
                rows.rows.reserve(filter.rules.len());
                for (at, (rule, meets)) in (0..).zip(with_meets(filter, meets)) {
                    rows.add(at, rule, meets, protocol, ports);
                }
            }
        }
        rows
    }

    fn add(&mut self, at: u16, rule: &Rule<'_>, meets: Truth, protocol: Protocol, ports: &[u16]) {
        let mark = Mark::of(at, rule.access == Some(Access::Allow));
        let mut row = [Mark::NOTHING; LANES];
        if meets != Truth::No && rule.protocol.is_none_or(|set| set.contains(protocol)) {
            let surely = rule.plain && meets == Truth::Yes;
            for ((row, plain), port) in row.iter_mut().zip(&mut self.plain).zip(ports) {
                match rule.ports.set.contains(*port) {
                    true if surely => *row = mark,
                    false if rule.ports.unknown.is_none() => {}
                    _ => *plain = false,
                }
            }
        }
        self.rows.push(row);
    }

    fn side<'r, T: Lined>(&'r self, layer: &'r LayerState<'_>) -> Side<'r, T> {
        match layer {
            LayerState::Filter { filter, .. } => Side {
                blocks: Some(filter.blocks::<T>()),
                rows: &self.rows,
                otherwise: Mark::NOTHING,
                names: &filter.indexes,
            },
            LayerState::Open | LayerState::Unknown(_) => Side {
                blocks: None,
                rows: &[],
                otherwise: Mark::OPEN,
                names: &[],
            },
        }
    }
}

/// The groups of both layers, as passages name them.
fn groups(layers: &[LayerState<'_>; 2]) -> [u32; 2] {
    layers.each_ref().map(|layer| match layer {
        LayerState::Filter { nsg, .. } => *nsg,
        LayerState::Open | LayerState::Unknown(_) => 0,
    })
}

/// Answers one port for one family, whatever is unknown.
fn reach(layers: &[LayerState<'_>; 2], family: Family, protocol: Protocol, port: u16) -> PortReach {
    let relevant = relevant(layers, protocol, port);
    let exact = relevant.exact && !layers.iter().any(|layer| matches!(layer, LayerState::Unknown(_)));
    let ask = |mode, member_of| {
        passages(
            layers,
            family,
            &relevant,
            Question {
                protocol,
                port,
                source_port: 0,
                mode,
                member_of,
            },
        )
    };
    let tags = relevant.tags.iter().map(|tag| TagReach {
        tag: tag.clone(),
        certain: ask(Mode::Certain, Some(tag)),
        possible: ask(Mode::Possible, Some(tag)),
    });
    PortReach {
        port,
        certain: ask(Mode::Certain, None),
        possible: (!exact).then(|| ask(Mode::Possible, None)),
        tags: tags.collect(),
        gaps: if exact {
            Vec::new()
        } else {
            relevant.gaps.iter().cloned().collect()
        },
    }
}

/// What of the layers matters to a port.
struct Relevant {
    exact: bool,
    tags: BTreeSet<ServiceTag>,
    gaps: BTreeSet<Arc<str>>,
    /// One source port of each class that the rules tell apart.
    source_ports: BTreeSet<u16>,
}

fn relevant(layers: &[LayerState<'_>; 2], protocol: Protocol, port: u16) -> Relevant {
    let source_ports = BTreeSet::from([u16::MIN]);
    let mut relevant = Relevant {
        exact: true,
        tags: BTreeSet::new(),
        gaps: BTreeSet::new(),
        source_ports,
    };
    for layer in layers {
        match layer {
            LayerState::Open => {}
            LayerState::Unknown(why) => {
                relevant.gaps.insert(why.clone());
            }
            LayerState::Filter { filter, meets, .. } => {
                for (rule, meets) in with_meets(filter, meets) {
                    relevant.note(rule, rule.covers(protocol, port).min(meets));
                }
            }
        }
    }
    relevant
}

impl Relevant {
    fn note(&mut self, rule: &Rule<'_>, covers: Truth) {
        if covers == Truth::No {
            return;
        }
        if covers == Truth::Maybe || !rule.is_exact() {
            self.exact = false;
            self.gaps.extend(rule.gaps.iter().cloned());
        }
        self.tags.extend(rule.tags.iter().cloned());
        for (first, last) in rule.source_ports.set.ranges() {
            self.source_ports.insert(*first);
            self.source_ports.extend(last.next());
        }
    }
}

fn with_meets<'f, 'i>(filter: &'f Filter<'i>, meets: &'f [Truth]) -> impl Iterator<Item = (&'f Rule<'i>, Truth)> {
    filter.rules.iter().map(|rule| {
        let meets = rule.narrow.and_then(|at| meets.get(usize::from(at)));
        (rule, meets.copied().unwrap_or(Truth::Yes))
    })
}

/// The passages of every source-port class: a client chooses its source port, so what one class admits is admitted.
fn passages(layers: &[LayerState<'_>; 2], family: Family, relevant: &Relevant, question: Question<'_>) -> Passages {
    let mut all = Passages::of(groups(layers));
    for source_port in &relevant.source_ports {
        let question = Question {
            source_port: *source_port,
            ..question
        };
        match family {
            Family::V4 => all.add_part(slice::<u32>(layers, question)),
            Family::V6 => all.add_part(slice::<u128>(layers, question)),
        }
    }
    all
}

fn slice<T: Address>(layers: &[LayerState<'_>; 2], question: Question<'_>) -> Vec<Run<T>> {
    let [subnet, nic] = layers;
    let (subnet, nic) = (decide::<T>(subnet, question), decide::<T>(nic, question));
    merge(&subnet, &nic)
}

/// One layer's decision for the sources up to `last`, from where the one before ended.
#[derive(Clone, Copy)]
struct Decision<T> {
    last: T,
    allows: bool,
    /// Index of the rule, or [`NO_RULE`].
    decider: u16,
}

fn whole<T: Address>(allows: bool) -> Vec<Decision<T>> {
    vec![Decision {
        last: T::MAX,
        allows,
        decider: NO_RULE,
    }]
}

fn decide<T: Address>(layer: &LayerState<'_>, question: Question<'_>) -> Vec<Decision<T>> {
    let (filter, meets) = match layer {
        LayerState::Open => return whole(true),
        LayerState::Unknown(_) => return whole(question.mode == Mode::Possible),
        LayerState::Filter { filter, meets, .. } => (filter, meets),
    };
    let chosen = choose::<T>(filter, meets, question);
    let lists: Vec<&[(T, T)]> = chosen.iter().map(|rule| rule.ranges).collect();
    let decision = |segment: crate::exposure::Segment<T>| {
        let winner = segment.winner.and_then(|winner| chosen.get(usize::from(winner)));
        Decision {
            last: segment.last,
            allows: winner.is_some_and(|rule| rule.allows),
            decider: winner.map_or(NO_RULE, |rule| rule.index),
        }
    };
    first_match(&lists).into_iter().map(decision).collect()
}

/// A rule as one question sees it.
struct Chosen<'f, T> {
    index: u16,
    priority: u16,
    allows: bool,
    ranges: &'f [(T, T)],
}

/// The rules that answer a question, in order, each with the sources for which it does.
fn choose<'f, T: Address>(filter: &'f Filter<'_>, meets: &'f [Truth], question: Question<'_>) -> Vec<Chosen<'f, T>> {
    let mut chosen: Vec<Chosen<'f, T>> = Vec::with_capacity(filter.rules.len());
    for (rule, meets) in with_meets(filter, meets) {
        let covers = rule.covers(question.protocol, question.port);
        let covers = covers.min(meets).min(rule.covers_source_port(question.source_port));
        if covers == Truth::No {
            continue;
        }
        let allows = match rule.access {
            Some(access) => access == Access::Allow,
            None => question.mode == Mode::Possible,
        };
        let surely = covers == Truth::Yes && rule.priority.is_some() && !rule.perhaps_absent;
        // An Allow counts for certain only where it surely matches, a Deny for possible likewise.
        let strict = allows == (question.mode == Mode::Certain);
        if strict && !surely {
            continue;
        }
        let ranges = sources(rule, strict, question.member_of);
        if !ranges.is_empty() {
            chosen.push(Chosen {
                index: rule.index,
                priority: rule.priority.unwrap_or(0),
                allows,
                ranges,
            });
        }
    }
    // Of two rules of one priority, the one that makes the answer weaker is asked first.
    let weak_first = |rule: &Chosen<'_, T>| (rule.priority, rule.allows == (question.mode == Mode::Certain));
    if !chosen.is_sorted_by_key(weak_first) {
        chosen.sort_by_key(weak_first);
    }
    chosen
}

fn sources<'f, T: Address>(rule: &'f Rule<'_>, strict: bool, member_of: Option<&ServiceTag>) -> &'f [(T, T)] {
    if let Some(tag) = member_of.filter(|_| !rule.tags.is_empty()) {
        let surely = rule.tags.iter().any(|stated| stated.surely_contains(tag));
        if surely || !strict {
            return T::FULL;
        }
    }
    let bounds = rule.sources.bounds();
    T::ranges(if strict { &bounds.must } else { &bounds.may })
}

fn merge<T: Address>(subnet: &[Decision<T>], nic: &[Decision<T>]) -> Vec<Run<T>> {
    let mut runs: Vec<Run<T>> = Vec::with_capacity(subnet.len() + nic.len());
    let (mut subnet, mut nic) = (subnet.iter(), nic.iter());
    let (mut outer, mut inner) = (subnet.next(), nic.next());
    let mut first = T::MIN;
    while let (Some(one), Some(other)) = (outer, inner) {
        let last = one.last.min(other.last);
        let (decider, outcome) = match (one.allows, other.allows) {
            // What the subnet stops never comes to the interface.
            (false, _) => (NO_RULE, Outcome::Stopped(Some(0))),
            (true, false) => (other.decider, Outcome::Stopped(Some(1))),
            (true, true) => (other.decider, Outcome::Admitted),
        };
        let run = Run::new(first, last, [one.decider, decider], outcome);
        match runs.last_mut() {
            Some(open) if open.alike(&run) => open.last = last,
            _ => runs.push(run),
        }
        let Some(next) = last.next() else { break };
        first = next;
        if one.last == last {
            outer = subnet.next();
        }
        if other.last == last {
            inner = nic.next();
        }
    }
    runs
}

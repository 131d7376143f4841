//! Layers of filters over one target: which sources pass all of them to one port, and which rule decided each.
//! Certain: whatever the unknowns are. Possible: for at least one way the unknowns could turn out.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::compile::{Filter, Rule, Truth};
use super::sweep::{Segment, first_match};
use crate::model::{Access, ServiceTag};
use crate::net::{AddressRange, AddressSet, Bound, Family, Protocol};

/// What stands between the network and the machine at one layer.
#[derive(Clone, Debug)]
pub enum LayerState {
    /// No group: everything passes.
    Open,
    Filter {
        /// Index of the group in the inventory.
        nsg: u32,
        filter: Arc<Filter>,
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

/// A rule that decided: group and rule by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleRef {
    pub nsg: u32,
    /// Index among the stated rules followed by the default rules.
    pub rule: u16,
}

/// A run of sources that all layers treat alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    pub range: AddressRange,
    pub admitted: bool,
    /// What decided at the subnet and at the interface.
    pub deciders: [Option<RuleRef>; 2],
    /// The layer that stopped it, `None` when admitted or when no rule of a known group did.
    pub stopped_at: Option<u8>,
    /// The security admin rule that settled it before any group, by its position among those rules.
    pub admin: Option<u32>,
}

/// Who gets through to one port.
#[derive(Clone, Debug, Default)]
pub struct PortReach {
    pub port: u16,
    pub certain: Vec<Passage>,
    /// `None` when nothing is unknown: the same as `certain`.
    pub possible: Option<Vec<Passage>>,
    /// What differs for addresses of tags that are not in the input.
    pub tags: Vec<TagReach>,
    pub gaps: Vec<Arc<str>>,
}

/// Who gets through among the addresses of one tag.
#[derive(Clone, Debug)]
pub struct TagReach {
    pub tag: ServiceTag,
    pub certain: Vec<Passage>,
    pub possible: Vec<Passage>,
}

impl PortReach {
    pub fn possible(&self) -> &[Passage] {
        self.possible.as_deref().unwrap_or(&self.certain)
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

/// The admitted sources among passages.
pub fn admitted(passages: &[Passage]) -> AddressSet {
    AddressSet::from_ranges(
        passages
            .iter()
            .filter(|passage| passage.admitted)
            .map(|passage| passage.range),
    )
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

/// Answers one port for one family, over the subnet's layer and the interface's.
pub fn reach(layers: &[LayerState; 2], family: Family, protocol: Protocol, port: u16) -> PortReach {
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

fn relevant(layers: &[LayerState; 2], protocol: Protocol, port: u16) -> Relevant {
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
    fn note(&mut self, rule: &Rule, covers: Truth) {
        if covers == Truth::No {
            return;
        }
        if covers == Truth::Maybe || !rule.is_exact() {
            self.exact = false;
            self.gaps.extend(rule.gaps.iter().cloned());
        }
        self.tags.extend(rule.tags.iter().cloned());
        for (first, last) in rule.source_ports.0.ranges() {
            self.source_ports.insert(*first);
            self.source_ports.extend(last.next());
        }
    }
}

fn with_meets<'f>(filter: &'f Filter, meets: &'f [Truth]) -> impl Iterator<Item = (&'f Rule, Truth)> {
    let mut narrow = filter.narrow.iter().zip(meets).peekable();
    (0u16..).zip(&filter.rules).map(move |(at, rule)| {
        let meets = narrow
            .next_if(|(narrow, _)| **narrow == at)
            .map_or(Truth::Yes, |(_, meets)| *meets);
        (rule, meets)
    })
}

/// The passages of every source-port class: a client chooses its source port, so what one class admits is admitted.
fn passages(layers: &[LayerState; 2], family: Family, relevant: &Relevant, question: Question<'_>) -> Vec<Passage> {
    let mut all: Vec<Passage> = Vec::new();
    for source_port in &relevant.source_ports {
        let question = Question {
            source_port: *source_port,
            ..question
        };
        let passages = match family {
            Family::V4 => slice::<u32>(layers, question),
            Family::V6 => slice::<u128>(layers, question),
        };
        all.extend(passages);
    }
    if relevant.source_ports.len() > 1 {
        all.dedup();
    }
    all
}

/// An address family as the bounds of its ranges.
pub(super) trait Address: Bound {
    const FULL: &'static [(Self, Self)];
    fn ranges(set: &AddressSet) -> &[(Self, Self)];
    fn range(first: Self, last: Self) -> AddressRange;
}

impl Address for u32 {
    const FULL: &'static [(Self, Self)] = &[(u32::MIN, u32::MAX)];
    fn ranges(set: &AddressSet) -> &[(Self, Self)] {
        set.v4.ranges()
    }
    fn range(first: Self, last: Self) -> AddressRange {
        AddressRange::V4(first, last)
    }
}

impl Address for u128 {
    const FULL: &'static [(Self, Self)] = &[(u128::MIN, u128::MAX)];
    fn ranges(set: &AddressSet) -> &[(Self, Self)] {
        set.v6.ranges()
    }
    fn range(first: Self, last: Self) -> AddressRange {
        AddressRange::V6(first, last)
    }
}

fn slice<T: Address>(layers: &[LayerState; 2], question: Question<'_>) -> Vec<Passage> {
    let [subnet, nic] = layers;
    let (subnet, nic) = (decide::<T>(subnet, question), decide::<T>(nic, question));
    merge(&subnet, &nic)
}

/// One layer's decision for the sources up to `last`, from where the one before ended.
#[derive(Clone, Copy)]
struct Decision<T> {
    last: T,
    allows: bool,
    decider: Option<RuleRef>,
}

fn decide<T: Address>(layer: &LayerState, question: Question<'_>) -> Vec<Decision<T>> {
    let whole = |allows| {
        vec![Decision {
            last: T::MAX,
            allows,
            decider: None,
        }]
    };
    match layer {
        LayerState::Open => whole(true),
        LayerState::Unknown(_) => whole(question.mode == Mode::Possible),
        LayerState::Filter { nsg, filter, meets } => {
            let chosen = choose::<T>(filter, meets, question);
            let lists: Vec<&[(T, T)]> = chosen.iter().map(|rule| rule.ranges).collect();
            let decision = |segment: Segment<T>| {
                let winner = segment.winner.and_then(|winner| chosen.get(usize::from(winner)));
                Decision {
                    last: segment.last,
                    allows: winner.is_some_and(|rule| rule.allows),
                    decider: winner.map(|rule| RuleRef {
                        nsg: *nsg,
                        rule: rule.index,
                    }),
                }
            };
            first_match(&lists).into_iter().map(decision).collect()
        }
    }
}

/// A rule as one question sees it.
struct Chosen<'f, T> {
    index: u16,
    priority: u16,
    allows: bool,
    ranges: &'f [(T, T)],
}

/// The rules that answer a question, in order, each with the sources for which it does.
fn choose<'f, T: Address>(filter: &'f Filter, meets: &[Truth], question: Question<'_>) -> Vec<Chosen<'f, T>> {
    let mut chosen: Vec<Chosen<'f, T>> = Vec::with_capacity(filter.rules.len());
    let mut meets = filter.narrow.iter().zip(meets).peekable();
    for (at, rule) in (0u16..).zip(&filter.rules) {
        let meets = meets
            .next_if(|(narrow, _)| **narrow == at)
            .map_or(Truth::Yes, |(_, meets)| *meets);
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

fn sources<'f, T: Address>(rule: &'f Rule, strict: bool, member_of: Option<&ServiceTag>) -> &'f [(T, T)] {
    if let Some(tag) = member_of.filter(|_| !rule.tags.is_empty()) {
        let surely = rule.tags.iter().any(|stated| stated.surely_contains(tag));
        if surely || !strict {
            return T::FULL;
        }
    }
    T::ranges(if strict { &rule.sources.must } else { &rule.sources.may })
}

fn merge<T: Address>(subnet: &[Decision<T>], nic: &[Decision<T>]) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::with_capacity(subnet.len() + nic.len());
    let (mut subnet, mut nic) = (subnet.iter().peekable(), nic.iter().peekable());
    let mut first = T::MIN;
    while let (Some(outer), Some(inner)) = (subnet.peek(), nic.peek()) {
        let last = outer.last.min(inner.last);
        let stopped_at = match (outer.allows, inner.allows) {
            (false, _) => Some(0),
            (true, false) => Some(1),
            (true, true) => None,
        };
        passages.push(Passage {
            range: T::range(first, last),
            admitted: stopped_at.is_none(),
            deciders: [outer.decider, inner.decider],
            stopped_at,
            admin: None,
        });
        let Some(next) = last.next() else { break };
        first = next;
        if outer.last == last {
            subnet.next();
        }
        if inner.last <= last {
            nic.next();
        }
    }
    passages
}

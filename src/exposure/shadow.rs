//! Rules that never decide: every packet they match is decided by a rule before them in the same group.
//! A claim about the text of the group, whatever subnet it is attached to.

use crate::exposure::environment::PUBLIC;
use crate::model::{AddressTerm, Addresses, Direction, Ports, SecurityRule, ServiceTag};
use crate::net::{AddressRange, AddressSet, Bound, IntervalSet, PortSet, Protocol, ProtocolSet};

/// Most combinations looked at for one rule; beyond, no claim is made.
const MOST_SLICES: usize = 20_000;

/// For each rule the positions of the rules that decide in its place; `None` when it may decide something itself.
///
/// Sound: a rule is only called shadowed when the rules before it surely cover all that it may match.
pub fn shadows(rules: &[SecurityRule]) -> Vec<Option<Vec<usize>>> {
    let mut earlier: Vec<Earlier<'_>> = (0..)
        .zip(rules)
        .filter_map(|(at, rule)| Earlier::of(at, rule))
        .collect();
    earlier.sort_by_key(|other| other.priority);
    rules.iter().map(|rule| shadowed_by(rule, &earlier)).collect()
}

/// A rule that may come before others, with its addresses as sets.
pub(super) struct Earlier<'r> {
    pub at: usize,
    pub rule: &'r SecurityRule,
    pub direction: Direction,
    pub priority: u16,
    pub sources: AddressSet,
    destinations: AddressSet,
}

impl<'r> Earlier<'r> {
    pub fn of(at: usize, rule: &'r SecurityRule) -> Option<Self> {
        rule.access.known()?;
        Some(Earlier {
            at,
            rule,
            direction: *rule.direction.known()?,
            priority: *rule.priority.known()?,
            sources: concrete(&rule.sources),
            destinations: concrete(&rule.destinations),
        })
    }
}

fn shadowed_by(rule: &SecurityRule, all: &[Earlier<'_>]) -> Option<Vec<usize>> {
    let (direction, priority) = (*rule.direction.known()?, *rule.priority.known()?);
    let before = |other: &&Earlier<'_>| other.direction == direction && other.priority < priority;
    let earlier: Vec<&Earlier<'_>> = all.iter().filter(before).collect();
    if earlier.is_empty() {
        return None;
    }
    let mut deciders = Vec::new();
    each_slice(rule, &earlier, |slice| {
        deciders.extend(covered_by(rule, slice, &earlier)?);
        Some(())
    })?;
    deciders.sort_unstable();
    deciders.dedup();
    (!deciders.is_empty()).then_some(deciders)
}

/// Calls `ask` for each combination that some of the other rules tell apart, until one answers `None`; `None` as well
/// where there are too many.
pub(super) fn each_slice<'r>(
    rule: &'r SecurityRule,
    others: &[&Earlier<'r>],
    mut ask: impl FnMut(&Slice<'_>) -> Option<()>,
) -> Option<()> {
    let protocols = protocols(rule.protocol.known().copied().unwrap_or(ProtocolSet::ANY));
    let ports = starts(
        &may(&rule.destination_ports),
        others.iter().map(|other| &other.rule.destination_ports.set),
    );
    let source_ports = starts(
        &may(&rule.source_ports),
        others.iter().map(|other| &other.rule.source_ports.set),
    );
    let destinations = destinations(&rule.destinations, others);
    if protocols.len() * ports.len() * source_ports.len() * destinations.len() > MOST_SLICES {
        return None;
    }
    for protocol in protocols {
        for port in &ports {
            for source_port in &source_ports {
                for destination in &destinations {
                    ask(&Slice {
                        protocol,
                        port: *port,
                        source_port: *source_port,
                        destination,
                    })?;
                }
            }
        }
    }
    Some(())
}

fn may(ports: &Ports) -> PortSet {
    if ports.unknown.is_some() {
        PortSet::full()
    } else {
        ports.set.clone()
    }
}

/// A combination of everything but the source, on which each earlier rule matches wholly or not at all.
pub(super) struct Slice<'d> {
    pub protocol: ProtocolSet,
    pub port: u16,
    pub source_port: u16,
    destination: &'d Destination,
}

impl Slice<'_> {
    /// Whether its destination is one address that lies in none of these.
    pub fn outside(&self, addresses: &Addresses) -> bool {
        match self.destination {
            Destination::Range(range) => !concrete(addresses).intersects_range(*range),
            Destination::Term(_) => false,
        }
    }
}

enum Destination {
    Range(AddressRange),
    Term(AddressTerm),
}

/// The protocols of a set one by one; "any" is one more, for those without a name.
fn protocols(set: ProtocolSet) -> Vec<ProtocolSet> {
    if set == ProtocolSet::ANY {
        return std::iter::once(set).collect();
    }
    Protocol::ALL
        .into_iter()
        .filter(|protocol| set.contains(*protocol))
        .map(ProtocolSet::only)
        .collect()
}

/// One value of each class that the cutting sets tell apart within a set.
fn starts<'a, T: Bound>(set: &IntervalSet<T>, cuts: impl Iterator<Item = &'a IntervalSet<T>>) -> Vec<T> {
    let mut points: Vec<T> = set.ranges().iter().map(|(first, _)| *first).collect();
    for (first, last) in cuts.flat_map(|cut| cut.ranges()) {
        points.extend(
            [Some(*first), last.next()]
                .into_iter()
                .flatten()
                .filter(|point| set.contains(*point)),
        );
    }
    points.sort_unstable();
    points.dedup();
    points
}

fn destinations(addresses: &Addresses, earlier: &[&Earlier<'_>]) -> Vec<Destination> {
    let ranges = addresses.terms.iter().filter_map(|term| match term {
        AddressTerm::Range(range) => Some(*range),
        _ => None,
    });
    let any = addresses
        .terms
        .iter()
        .any(|term| matches!(term, AddressTerm::Any | AddressTerm::Unknown(_)));
    let whole = if any {
        AddressSet::full()
    } else {
        AddressSet::from_ranges(ranges)
    };
    let v4 = starts(&whole.v4, earlier.iter().map(|other| &other.destinations.v4));
    let v6 = starts(&whole.v6, earlier.iter().map(|other| &other.destinations.v6));
    let ranges = v4
        .into_iter()
        .map(|at| AddressRange::V4(at, at))
        .chain(v6.into_iter().map(|at| AddressRange::V6(at, at)));
    let terms = addresses
        .terms
        .iter()
        .filter(|term| matches!(term, AddressTerm::Tag(_) | AddressTerm::Group(_)));
    ranges
        .map(Destination::Range)
        .chain(terms.cloned().map(Destination::Term))
        .collect()
}

fn concrete(addresses: &Addresses) -> AddressSet {
    if addresses.is_any() {
        return AddressSet::full();
    }
    AddressSet::from_ranges(addresses.terms.iter().filter_map(|term| match term {
        AddressTerm::Range(range) => Some(*range),
        _ => None,
    }))
}

/// The earlier rules that together cover all sources of the rule on a slice; `None` when some source is left.
fn covered_by(rule: &SecurityRule, slice: &Slice<'_>, earlier: &[&Earlier<'_>]) -> Option<Vec<usize>> {
    let mut left: Vec<Source> = rule.sources.terms.iter().flat_map(sources).collect();
    let mut seen = AddressSet::empty();
    let mut deciders = Vec::new();
    for other in earlier.iter().filter(|other| matches(other, slice)) {
        if left.is_empty() {
            break;
        }
        let gained = other.sources.difference(&seen);
        seen = seen.union(&gained);
        let count = left.len();
        let touched = left.iter().any(|source| source.touches(&gained));
        left.retain(|source| !source.within(&seen, &other.rule.sources));
        if touched || left.len() < count {
            deciders.push(other.at);
        }
    }
    left.is_empty().then_some(deciders)
}

/// One source term: addresses, or a name for some.
pub(super) enum Source {
    Set(AddressSet),
    Name(AddressTerm),
}

pub(super) fn sources(term: &AddressTerm) -> Vec<Source> {
    match term {
        AddressTerm::Any | AddressTerm::Unknown(_) => vec![Source::Set(AddressSet::full())],
        AddressTerm::Range(range) => vec![Source::Set((*range).into())],
        AddressTerm::Tag(_) | AddressTerm::Group(_) => vec![Source::Name(term.clone())],
    }
}

impl Source {
    /// Whether `seen` addresses, or a term of the rule just looked at, hold it whole.
    pub fn within(&self, seen: &AddressSet, terms: &Addresses) -> bool {
        match self {
            Source::Set(set) => seen.is_superset(set),
            Source::Name(AddressTerm::Tag(tag)) => {
                let named = terms
                    .terms
                    .iter()
                    .any(|term| matches!(term, AddressTerm::Tag(t) if t.surely_contains(tag)));
                named || seen.is_superset(&extent(tag))
            }
            Source::Name(term) => terms.terms.contains(term) || seen.is_superset(&AddressSet::full()),
        }
    }

    /// Whether some of it may lie in a set.
    pub fn may_meet(&self, set: &AddressSet) -> bool {
        match self {
            Source::Set(own) => own.intersects(set),
            Source::Name(AddressTerm::Tag(tag)) => extent(tag).intersects(set),
            Source::Name(_) => !set.is_empty(),
        }
    }

    fn touches(&self, gained: &AddressSet) -> bool {
        match self {
            Source::Set(set) => set.intersects(gained),
            Source::Name(_) => !gained.is_empty(),
        }
    }
}

/// The widest set a tag can stand for.
fn extent(tag: &ServiceTag) -> AddressSet {
    match tag {
        ServiceTag::Internet => PUBLIC.clone(),
        _ => AddressSet::full(),
    }
}

/// Whether an earlier rule surely matches every packet of the slice, the source apart.
pub(super) fn matches(other: &Earlier<'_>, slice: &Slice<'_>) -> bool {
    let rule = other.rule;
    let protocol = rule.protocol.known().is_some_and(|set| set.is_superset(slice.protocol));
    let ports = rule.destination_ports.set.contains(slice.port) && rule.source_ports.set.contains(slice.source_port);
    if !protocol || !ports || rule.destinations.is_any() {
        return protocol && ports;
    }
    match slice.destination {
        Destination::Range(AddressRange::V4(at, _)) => other.destinations.v4.contains(*at),
        Destination::Range(AddressRange::V6(at, _)) => other.destinations.v6.contains(*at),
        Destination::Term(AddressTerm::Tag(tag)) => rule
            .destinations
            .terms
            .iter()
            .any(|term| matches!(term, AddressTerm::Tag(t) if t.surely_contains(tag))),
        Destination::Term(term) => rule.destinations.terms.contains(term),
    }
}

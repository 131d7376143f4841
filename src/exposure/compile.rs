//! A network security group on one subnet, ready to be swept: sources as intervals, unknowns as bounds.

use std::sync::{Arc, LazyLock, OnceLock};

use super::environment::{Bounds, Environment, PLATFORM};
use super::lanes::{Blocks, Line, MOST_RULES};
use super::members::GroupMembers;
use super::passage::Address;
use super::priority::{Ranked, mark_contested};
use super::target::Target;
use crate::model::{
    Access, AddressTerm, Addresses, Direction, Inventory, Nsg, Ports, SecurityRule, ServiceTag, choices,
};
use crate::net::{AddressRange, AddressSet, Protocol, ProtocolSet};

/// Whether something holds: surely not, perhaps, surely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Truth {
    No,
    Maybe,
    Yes,
}

/// One inbound rule with its unknowns as bounds.
#[derive(Clone, Debug)]
pub struct Rule<'i> {
    /// Index among the stated rules followed by the default rules of the group.
    pub index: u16,
    /// Unknown: it may come before every other.
    pub priority: Option<u16>,
    /// Unknown: it may be either.
    pub access: Option<Access>,
    /// The direction is unknown: it may not be an inbound rule at all.
    pub perhaps_absent: bool,
    /// Another rule of the same priority says the opposite, so their order is unknown.
    pub contested: bool,
    /// Nothing in it is unknown, and of a client the address alone matters to it.
    pub plain: bool,
    pub sources: Sources<'i>,
    /// Tags whose addresses are not in the input.
    pub tags: Vec<ServiceTag>,
    pub source_ports: &'i Ports,
    /// Where in what an [`Outline`] says the answer for this rule's destination stands; `None`: any destination.
    pub narrow: Option<u16>,
    pub ports: &'i Ports,
    pub protocol: Option<ProtocolSet>,
    /// Reasons for whatever is unknown in it.
    pub gaps: Vec<Arc<str>>,
}

impl Rule<'_> {
    /// Whether the rule covers a protocol and destination port.
    pub fn covers(&self, protocol: Protocol, port: u16) -> Truth {
        let protocol = self.protocol.map_or(Truth::Maybe, |set| truth(set.contains(protocol)));
        protocol.min(holds(self.ports, port))
    }

    pub fn covers_source_port(&self, port: u16) -> Truth {
        holds(self.source_ports, port)
    }

    /// Nothing in it is unknown.
    pub fn is_exact(&self) -> bool {
        let dimensions = self.priority.is_some() && self.access.is_some() && self.protocol.is_some();
        dimensions
            && !self.perhaps_absent
            && !self.contested
            && self.source_ports.unknown.is_none()
            && self.ports.unknown.is_none()
            && self.sources.is_exact()
    }
}

/// The sources of a rule.
#[derive(Clone, Debug)]
pub struct Sources<'i> {
    /// The terms, where each is a range: most rules are read no further.
    stated: Option<&'i [AddressTerm]>,
    bounds: OnceLock<Box<Bounds>>,
}

impl<'i> Sources<'i> {
    fn stated(terms: &'i [AddressTerm]) -> Self {
        Sources {
            stated: Some(terms),
            bounds: OnceLock::new(),
        }
    }

    fn known(bounds: Bounds) -> Self {
        Sources {
            stated: None,
            bounds: OnceLock::from(Box::new(bounds)),
        }
    }

    pub fn bounds(&self) -> &Bounds {
        self.bounds.get_or_init(|| {
            let ranges = self.stated.into_iter().flatten().filter_map(range_of);
            Box::new(Bounds::exact(AddressSet::from_ranges(ranges)))
        })
    }

    pub fn is_exact(&self) -> bool {
        self.stated.is_some() || self.bounds().must == self.bounds().may
    }

    /// The ranges of one family, perhaps overlapping, of sources that are known exactly.
    fn ranges<T: Address>(&self) -> impl Iterator<Item = (T, T)> + '_ {
        let stated = self.stated.into_iter().flatten().filter_map(range_of);
        let bounds = self.stated.is_none().then(|| self.bounds());
        let known = bounds.into_iter().flat_map(|bounds| T::ranges(&bounds.must)).copied();
        stated.filter_map(T::ends).chain(known)
    }
}

fn range_of(term: &AddressTerm) -> Option<AddressRange> {
    match term {
        AddressTerm::Range(range) => Some(*range),
        _ => None,
    }
}

/// Whether these ports hold one.
pub(super) fn holds(ports: &Ports, port: u16) -> Truth {
    if ports.set.contains(port) {
        Truth::Yes
    } else {
        maybe(ports.unknown.is_some())
    }
}

pub fn truth(value: bool) -> Truth {
    if value { Truth::Yes } else { Truth::No }
}

pub(super) fn maybe(unknown: bool) -> Truth {
    if unknown { Truth::Maybe } else { Truth::No }
}

/// A group's inbound rules in order of priority.
#[derive(Clone, Debug)]
pub struct Filter<'i> {
    pub rules: Vec<Rule<'i>>,
    /// The index of each rule, close together.
    pub indexes: Vec<u16>,
    lines: Lines,
}

/// The sources of all plain rules as sorted blocks, once for every question about the group.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    v4: OnceLock<Blocks<u32>>,
    v6: OnceLock<Blocks<u128>>,
}

/// An address family of which lines are kept.
pub trait Lined: Address + Line {
    fn line(lines: &Lines) -> &OnceLock<Blocks<Self>>;
}

impl Lined for u32 {
    fn line(lines: &Lines) -> &OnceLock<Blocks<u32>> {
        &lines.v4
    }
}

impl Lined for u128 {
    fn line(lines: &Lines) -> &OnceLock<Blocks<u128>> {
        &lines.v6
    }
}

impl<'i> Filter<'i> {
    /// Compiles the inbound rules of a group for one subnet. `None` when the group's rules are unknown, or so many that
    /// they cannot be those of a group.
    pub fn compile(
        inventory: &'i Inventory,
        members: &GroupMembers,
        nsg: &'i Nsg,
        environment: &Environment,
    ) -> Option<Self> {
        let mut narrow = 0u16..;
        let compiled = inbound(nsg)?.map(|(index, rule)| {
            let mut compiled = compile_rule(inventory, members, index, rule, environment);
            if !as_read(inventory, &rule.destinations).is_any() {
                compiled.narrow = narrow.next();
            }
            compiled
        });
        let mut rules: Vec<Rule<'i>> = Vec::with_capacity(nsg.rules.known()?.len() + nsg.default_rules.len());
        rules.extend(compiled);
        rules.sort_by_key(|rule| (rule.priority.unwrap_or(0), rule.index));
        mark_contested(&mut rules);
        rules.iter_mut().for_each(settle);
        Some(Filter {
            indexes: rules.iter().map(|rule| rule.index).collect(),
            rules,
            lines: Lines::default(),
        })
    }

    /// The sources of the plain rules, which are known by their position in `rules`.
    pub fn blocks<T: Lined>(&self) -> &Blocks<T> {
        T::line(&self.lines).get_or_init(|| {
            let plain = (0u16..).zip(&self.rules).filter(|(_, rule)| rule.plain);
            Blocks::of(plain.flat_map(|(at, rule)| rule.sources.ranges::<T>().map(move |range| (at, range))))
        })
    }
}

/// What of a group has to be known before it is compiled: with the environment, all that tells the machines behind it
/// apart is how their addresses meet these destinations.
pub struct Outline<'i> {
    /// The destinations of the inbound rules that have one, in the order stated.
    pub narrow: Vec<&'i Addresses>,
}

impl<'i> Outline<'i> {
    /// `None` where the group cannot be compiled.
    pub fn of(inventory: &'i Inventory, nsg: &'i Nsg) -> Option<Self> {
        let destinations = inbound(nsg)?.map(|(_, rule)| as_read(inventory, &rule.destinations));
        Some(Outline {
            narrow: destinations.filter(|addresses| !addresses.is_any()).collect(),
        })
    }

    pub fn meets(&self, target: &Target<'_>) -> Box<[Truth]> {
        self.each(|destinations| target.meets(destinations))
    }

    pub fn each(&self, meets: impl Fn(&Addresses) -> Truth) -> Box<[Truth]> {
        self.narrow.iter().map(|destinations| meets(destinations)).collect()
    }
}

/// The inbound rules of a group, and those that may be, each with its index among the stated rules followed by the
/// default ones.
fn inbound(nsg: &Nsg) -> Option<impl Iterator<Item = (u16, &SecurityRule)>> {
    let stated = nsg.rules.known()?;
    if stated.len() + nsg.default_rules.len() >= MOST_RULES {
        return None;
    }
    let all = (0..u16::MAX).zip(stated.iter().chain(&nsg.default_rules));
    Some(all.filter(|(_, rule)| rule.direction.known() != Some(&Direction::Outbound)))
}

impl Ranked for Rule<'_> {
    fn same_priority(&self, other: &Self) -> bool {
        self.priority == other.priority
    }

    fn same_access(&self, other: &Self) -> bool {
        self.access == other.access
    }

    fn contest(&mut self) {
        self.contested = true;
        self.gaps.push(Arc::from(
            "two rules of one group have the same priority and opposite access",
        ));
    }
}

fn settle(rule: &mut Rule<'_>) {
    rule.plain = rule.tags.is_empty() && rule.source_ports.set.is_full() && rule.is_exact();
}

fn compile_rule<'i>(
    inventory: &'i Inventory,
    members: &GroupMembers,
    index: u16,
    rule: &'i SecurityRule,
    environment: &Environment,
) -> Rule<'i> {
    let mut gaps = Vec::new();
    let mut tags = Vec::new();
    let from = as_read(inventory, &rule.sources);
    let sources = match from.terms.iter().all(|term| range_of(term).is_some()) {
        true => Sources::stated(&from.terms),
        false => Sources::known(sources(inventory, members, from, environment, &mut tags, &mut gaps)),
    };
    gaps.extend(rule.priority.why().map(|why| why.text.clone()));
    gaps.extend(rule.access.why().map(|why| why.text.clone()));
    gaps.extend(rule.direction.why().map(|why| why.text.clone()));
    gaps.extend(rule.protocol.why().map(|why| why.text.clone()));
    gaps.extend(
        [&rule.source_ports, &rule.destination_ports]
            .into_iter()
            .filter_map(|p| p.unknown.as_ref())
            .map(|w| w.text.clone()),
    );
    gaps.extend(rule.destinations.terms.iter().filter_map(unknown_term));
    Rule {
        index,
        priority: rule.priority.known().copied(),
        access: rule.access.known().copied(),
        perhaps_absent: rule.direction.known().is_none(),
        contested: false,
        plain: false,
        sources,
        tags,
        source_ports: &rule.source_ports,
        narrow: None,
        ports: &rule.destination_ports,
        protocol: rule.protocol.known().copied(),
        gaps,
    }
}

/// The addresses with `0.0.0.0/0` as the chosen reading takes it.
fn as_read<'r>(inventory: &Inventory, addresses: &'r Addresses) -> &'r Addresses {
    static ANY: LazyLock<Addresses> = LazyLock::new(Addresses::any);
    let is_zero = |term: &AddressTerm| matches!(term, AddressTerm::Range(AddressRange::V4(0, u32::MAX)));
    if inventory.choices.is(&choices::ZERO_PREFIX, "both") && addresses.terms.iter().any(is_zero) {
        return &ANY;
    }
    addresses
}

fn unknown_term(term: &AddressTerm) -> Option<Arc<str>> {
    match term {
        AddressTerm::Unknown(why) => Some(why.text.clone()),
        _ => None,
    }
}

fn sources(
    inventory: &Inventory,
    members: &GroupMembers,
    addresses: &Addresses,
    environment: &Environment,
    tags: &mut Vec<ServiceTag>,
    gaps: &mut Vec<Arc<str>>,
) -> Bounds {
    let mut ranges = Vec::new();
    let mut bounds = Bounds::default();
    let mut join = |more: &Bounds| {
        bounds.must = bounds.must.union(&more.must);
        bounds.may = bounds.may.union(&more.may);
    };
    for term in &addresses.terms {
        match term {
            AddressTerm::Any => return Bounds::exact(AddressSet::full()),
            AddressTerm::Range(range) => ranges.push(*range),
            AddressTerm::Tag(ServiceTag::VirtualNetwork) => {
                gaps.extend(environment.gaps.iter().cloned());
                join(&environment.virtual_network);
            }
            AddressTerm::Tag(ServiceTag::Internet) => {
                gaps.extend(environment.internet_gaps.iter().cloned());
                join(&environment.internet);
            }
            AddressTerm::Tag(ServiceTag::AzureLoadBalancer) => join(&Bounds::exact(PLATFORM.clone())),
            AddressTerm::Tag(tag) => match inventory.tag_addresses.of(tag) {
                Some(extent) => {
                    if extent.must != extent.may {
                        gaps.push(Arc::from(format!("the addresses of `{tag}` are not known for sure")));
                    }
                    join(&Bounds::from(extent));
                }
                None => tags.push(tag.clone()),
            },
            AddressTerm::Group(group) => join(&members.bounds(inventory, group, gaps)),
            AddressTerm::Unknown(why) => {
                gaps.push(why.text.clone());
                join(&Bounds {
                    must: AddressSet::empty(),
                    may: AddressSet::full(),
                });
            }
        }
    }
    bounds.add(&AddressSet::from_ranges(ranges));
    bounds
}

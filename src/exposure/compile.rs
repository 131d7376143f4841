//! A network security group on one subnet, ready to be swept: sources as intervals, unknowns as bounds.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::environment::{Bounds, Environment, PLATFORM, PUBLIC};
use crate::model::{
    Access, AddressTerm, Addresses, Direction, Inventory, Known, Nic, Nsg, Ports, ResourceId, SecurityRule, ServiceTag,
    choices,
};
use crate::net::{AddressRange, AddressSet, PortSet, Protocol, ProtocolSet};

/// Whether something holds: surely not, perhaps, surely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Truth {
    No,
    Maybe,
    Yes,
}

/// One inbound rule with its unknowns as bounds.
#[derive(Clone, Debug)]
pub struct Rule {
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
    pub sources: Bounds,
    /// Tags whose addresses are not in the input.
    pub tags: Vec<ServiceTag>,
    pub source_ports: (PortSet, bool),
    pub destinations: Addresses,
    pub ports: (PortSet, bool),
    pub protocol: Option<ProtocolSet>,
    /// Reasons for whatever is unknown in it.
    pub gaps: Vec<Arc<str>>,
}

impl Rule {
    /// Whether the rule covers a protocol and destination port.
    pub fn covers(&self, protocol: Protocol, port: u16) -> Truth {
        let protocol = self.protocol.map_or(Truth::Maybe, |set| truth(set.contains(protocol)));
        let port = if self.ports.0.contains(port) {
            Truth::Yes
        } else {
            maybe(self.ports.1)
        };
        protocol.min(port)
    }

    pub fn covers_source_port(&self, port: u16) -> Truth {
        if self.source_ports.0.contains(port) {
            Truth::Yes
        } else {
            maybe(self.source_ports.1)
        }
    }

    /// Nothing in it is unknown.
    pub fn is_exact(&self) -> bool {
        let dimensions = self.priority.is_some() && self.access.is_some() && self.protocol.is_some();
        dimensions
            && !self.perhaps_absent
            && !self.contested
            && !self.source_ports.1
            && !self.ports.1
            && self.sources.must == self.sources.may
    }
}

pub fn truth(value: bool) -> Truth {
    if value { Truth::Yes } else { Truth::No }
}

fn maybe(unknown: bool) -> Truth {
    if unknown { Truth::Maybe } else { Truth::No }
}

/// A group's inbound rules in order of priority, or the reason why they are unknown.
#[derive(Clone, Debug)]
pub struct Filter {
    pub rules: Vec<Rule>,
    /// Positions in `rules` of those whose destination is not simply every address.
    pub narrow: Vec<u16>,
}

/// The addresses of one group's members, and why some are not known.
type Members = (Vec<AddressRange>, Vec<Arc<str>>);

/// Private addresses of the members of application security groups.
#[derive(Debug, Default)]
pub struct GroupMembers {
    members: HashMap<ResourceId, Members, foldhash::fast::RandomState>,
    /// Why any group may have further members.
    unread: Option<Arc<str>>,
}

impl GroupMembers {
    pub fn of(inventory: &Inventory) -> Self {
        let mut members = GroupMembers::default();
        let nics = inventory
            .nics
            .iter()
            .chain(inventory.vms.iter().flat_map(|vm| &vm.inline_nics));
        let nics: Vec<&Nic> = nics.collect();
        let unread = nics
            .iter()
            .find_map(|nic| nic.ip_configurations.why().or_else(|| inventory.conflict(&nic.id)));
        members.unread = unread.map(|why| why.text.clone());
        for configuration in nics
            .into_iter()
            .filter_map(|nic| nic.ip_configurations.known())
            .flatten()
        {
            if let Some(why) = &configuration.groups_unread {
                members.unread = Some(why.text.clone());
            }
            for group in &configuration.application_security_groups {
                let (ranges, gaps) = members.members.entry(group.clone()).or_default();
                match &configuration.private_address {
                    Known::Known(address) => ranges.push(AddressRange::host(*address)),
                    Known::Unknown(why) => gaps.push(why.text.clone()),
                }
            }
        }
        members
    }

    /// The members' addresses. When a member's address is unknown, any private address may be one.
    fn bounds(&self, inventory: &Inventory, group: &ResourceId, gaps: &mut Vec<Arc<str>>) -> Bounds {
        if let Some(why) = &self.unread {
            gaps.push(Arc::from(format!("a member of `{}`: {why}", group.name())));
            let ranges = self
                .members
                .get(group)
                .map(|(ranges, _)| ranges.as_slice())
                .unwrap_or_default();
            return Bounds {
                must: AddressSet::from_ranges(ranges.iter().copied()),
                may: AddressSet::full(),
            };
        }
        let Some((ranges, unknown)) = self.members.get(group) else {
            if inventory.application_security_groups.find(group).is_none() {
                gaps.push(inventory.why_absent(group).text);
                return Bounds {
                    must: AddressSet::empty(),
                    may: AddressSet::full(),
                };
            }
            return Bounds::default();
        };
        let mut bounds = Bounds::exact(AddressSet::from_ranges(ranges.iter().copied()));
        if let Some(why) = unknown.first() {
            gaps.push(Arc::from(format!("a member of `{}`: {why}", group.name())));
            bounds.may = AddressSet::full();
        }
        bounds
    }
}

impl Filter {
    /// Compiles the inbound rules of a group for one subnet. `None` when the group's rules are unknown.
    pub fn compile(
        inventory: &Inventory,
        members: &GroupMembers,
        nsg: &Nsg,
        environment: &Environment,
    ) -> Option<Self> {
        let stated = nsg.rules.known()?;
        let all = (0u16..).zip(stated.iter().chain(&nsg.default_rules));
        let inbound = all.filter(|(_, rule)| rule.direction.known() != Some(&Direction::Outbound));
        let mut rules: Vec<Rule> = inbound
            .map(|(index, rule)| compile_rule(inventory, members, index, rule, environment))
            .collect();
        rules.sort_by_key(|rule| (rule.priority.unwrap_or(0), rule.index));
        mark_contested(&mut rules);
        let narrow = (0u16..)
            .zip(&rules)
            .filter(|(_, rule)| !is_any_target(&rule.destinations))
            .map(|(at, _)| at);
        Some(Filter {
            narrow: narrow.collect(),
            rules,
        })
    }

    /// How each narrow rule's destination meets a target: with the filter and the environment, all that matters of it.
    pub fn meets(&self, target: &Target<'_>) -> Box<[Truth]> {
        let narrow = self.narrow.iter().filter_map(|at| self.rules.get(usize::from(*at)));
        narrow.map(|rule| target.meets(&rule.destinations)).collect()
    }
}

fn mark_contested(rules: &mut [Rule]) {
    for twins in rules.chunk_by_mut(|a, b| a.priority == b.priority) {
        let access = twins.first().map(|first| first.access);
        if twins.iter().any(|other| Some(other.access) != access) {
            for rule in twins {
                rule.contested = true;
                rule.gaps.push(Arc::from(
                    "two rules of one group have the same priority and opposite access",
                ));
            }
        }
    }
}

fn is_any_target(destinations: &Addresses) -> bool {
    destinations.is_any()
}

fn compile_rule(
    inventory: &Inventory,
    members: &GroupMembers,
    index: u16,
    rule: &SecurityRule,
    environment: &Environment,
) -> Rule {
    let mut gaps = Vec::new();
    let mut tags = Vec::new();
    let (from, to) = (
        as_read(inventory, &rule.sources),
        as_read(inventory, &rule.destinations),
    );
    let sources = sources(inventory, members, &from, environment, &mut tags, &mut gaps);
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
    let ports = |ports: &Ports| (ports.set.clone(), ports.unknown.is_some());
    Rule {
        index,
        priority: rule.priority.known().copied(),
        access: rule.access.known().copied(),
        perhaps_absent: rule.direction.known().is_none(),
        contested: false,
        sources,
        tags,
        source_ports: ports(&rule.source_ports),
        destinations: to.into_owned(),
        ports: ports(&rule.destination_ports),
        protocol: rule.protocol.known().copied(),
        gaps,
    }
}

/// The addresses with `0.0.0.0/0` as the chosen reading takes it.
fn as_read<'r>(inventory: &Inventory, addresses: &'r Addresses) -> Cow<'r, Addresses> {
    let is_zero = |term: &AddressTerm| matches!(term, AddressTerm::Range(AddressRange::V4(0, u32::MAX)));
    if inventory.choices.is(&choices::ZERO_PREFIX, "both") && addresses.terms.iter().any(is_zero) {
        return Cow::Owned(Addresses::any());
    }
    Cow::Borrowed(addresses)
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

/// The machine's end of a packet: its address after translation, and its application security groups.
#[derive(Clone, Copy, Debug)]
pub struct Target<'i> {
    pub address: Option<IpAddr>,
    /// Prefixes of the subnet, for an address that the platform assigns; `None` when they are unknown too.
    pub subnet: Option<&'i [AddressRange]>,
    pub groups: &'i [ResourceId],
    /// It may be in further groups.
    pub groups_unread: bool,
    pub seen: Seen<'i>,
}

/// Whose address groups see as the destination.
#[derive(Clone, Copy, Debug, Default)]
pub enum Seen<'i> {
    /// The machine's own.
    #[default]
    Own,
    /// That of an internal frontend, with floating IP.
    InternalFront,
    /// That of a public frontend, with floating IP; what `VirtualNetwork` stands for here.
    PublicFront(&'i Bounds),
}

impl Target<'_> {
    pub fn meets(&self, destinations: &Addresses) -> Truth {
        destinations
            .terms
            .iter()
            .map(|term| self.meets_term(term))
            .max()
            .unwrap_or(Truth::No)
    }

    fn meets_term(&self, term: &AddressTerm) -> Truth {
        match (term, self.seen) {
            (AddressTerm::Any, _) => Truth::Yes,
            (AddressTerm::Range(range), _) => self.within(*range),
            (AddressTerm::Unknown(_), _) => Truth::Maybe,
            (AddressTerm::Tag(ServiceTag::VirtualNetwork), Seen::PublicFront(network)) => self.within_bounds(network),
            (AddressTerm::Tag(ServiceTag::VirtualNetwork), _) => Truth::Yes,
            (AddressTerm::Tag(ServiceTag::Internet), Seen::PublicFront(_)) => Truth::Yes,
            (AddressTerm::Tag(ServiceTag::Named(_)), Seen::PublicFront(_)) => Truth::Maybe,
            // The address is the network's own: no other tag holds it.
            (AddressTerm::Tag(_), _) => Truth::No,
            (AddressTerm::Group(group), _) if !self.groups.contains(group) => maybe(self.groups_unread),
            (AddressTerm::Group(_), Seen::Own) => Truth::Yes,
            // Whether a group of machines stands for a frontend before them is not documented.
            (AddressTerm::Group(_), _) => Truth::Maybe,
        }
    }

    fn within_bounds(&self, bounds: &Bounds) -> Truth {
        let all = self
            .address
            .map_or_else(|| PUBLIC.clone(), |address| AddressRange::host(address).into());
        if bounds.must.is_superset(&all) {
            Truth::Yes
        } else {
            maybe(bounds.may.difference(&PLATFORM).intersects(&all))
        }
    }

    fn within(&self, range: AddressRange) -> Truth {
        if let Some(address) = self.address {
            return truth(range.contains(address));
        }
        let Some(subnet) = self.subnet else { return Truth::Maybe };
        let (range, subnet) = (AddressSet::from(range), AddressSet::from_ranges(subnet.iter().copied()));
        match (range.is_superset(&subnet), range.intersects(&subnet)) {
            (true, _) => Truth::Yes,
            (false, true) => Truth::Maybe,
            (false, false) => Truth::No,
        }
    }
}

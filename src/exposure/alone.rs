//! A network security group judged in its own right: wherever it is attached, whom does it let through to a port?
//! Modules that define groups and attach them to nothing are compared by this.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rayon::prelude::*;

use super::admin::AdminRules;
use super::analysis::{Attached, Exposures, TargetExposure};
use super::answer::{ExposureClass, FrontPort, PortExposure};
use super::classify::{Clients, Describer, is_wide};
use super::compile::{Filter, Outline, Truth, truth};
use super::environment::{Environment, PUBLIC};
use super::exact::{Exact, Run};
use super::members::GroupMembers;
use super::stack::{LayerState, PortReach, reaches};
use crate::model::{AddressTerm, Addresses, Inventory, Nsg, ResourceId, ServiceTag};
use crate::net::{AddressRange, AddressSet, Family, Protocol};
use crate::source::Sources;

/// Destinations that the rules of one group tell apart; beyond, a rule for some destinations may cover any.
const MOST_DESTINATIONS: usize = 64;

/// What one group admits to some machine behind it.
pub struct Alone {
    /// Index of the group.
    pub nsg: u32,
    /// From the internet: for each family and kind of destination the answers for each port.
    pub public: Vec<Arc<Vec<PortExposure>>>,
    /// From private addresses.
    pub private: Vec<Arc<Vec<PortExposure>>>,
}

/// The groups that stand before some machine.
pub fn guarding(exposures: &Exposures) -> HashSet<u32> {
    let groups = |target: &TargetExposure| {
        let of = |attached: &Attached| match attached {
            Attached::Group(index) => Some(*index),
            _ => None,
        };
        [of(&target.subnet_nsg), of(&target.nic_nsg)].into_iter().flatten()
    };
    let targets = exposures.machines.iter().flat_map(|machine| &machine.targets);
    targets.flat_map(groups).collect()
}

/// What a rule lets in from the internet to one port, wherever its group stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    pub port: u16,
    /// How wide it is; `None` where an unknown decides whether anybody gets in.
    pub class: Option<ExposureClass>,
    /// The unknowns that keep it open.
    pub gaps: Vec<Arc<str>>,
}

impl Alone {
    /// What a rule of the group opens, by port; for the kind of destination to which it is widest.
    pub fn openings(&self, rule: &str) -> Vec<Opening> {
        let mut found: BTreeMap<u16, Opening> = BTreeMap::new();
        for answer in self.public.iter().flat_map(|answers| answers.iter()) {
            let Some(opening) = answer.exact.as_ref().and_then(|exact| opened(answer, exact, rule)) else {
                continue;
            };
            match found.get(&answer.port) {
                Some(known) if known.class >= opening.class => {}
                _ => drop(found.insert(answer.port, opening)),
            }
        }
        found.into_values().collect()
    }
}

/// What of an answer is a rule's own doing: sources that pass and that it decides.
fn opened(answer: &PortExposure, exact: &Exact, rule: &str) -> Option<Opening> {
    use ExposureClass::{AzureTenants, Narrow, Undetermined, Wide};
    if !matches!(answer.class, Wide | Narrow | AzureTenants | Undetermined) {
        return None;
    }
    let is_own = |run: &&Run| run.admitted && run.deciders.iter().any(|decider| *decider.rule == *rule);
    let (mut sure, mut tenants, mut perhaps) = (AddressSet::empty(), false, false);
    for run in exact.runs.iter().filter(is_own) {
        let reach = run.tag.as_ref().map_or(&exact.reach, |tag| exact.of_tag(tag));
        let certain = run.sources.intersection(&reach.certain);
        let is_more = || run.tag.is_none() || !reach.certain.difference(&exact.reach.certain).is_empty();
        match (run.sure, &run.tag) {
            (true, None) => sure = sure.union(&certain),
            (true, Some(_)) => tenants |= !certain.is_empty() && is_more(),
            (false, _) => {
                perhaps |= !run
                    .sources
                    .intersection(&reach.possible)
                    .difference(&reach.certain)
                    .is_empty()
            }
        }
    }
    let class = match (sure.is_empty(), tenants) {
        // Through a tag for any tenant, where its addresses are known.
        (false, _) if answer.class == AzureTenants => Some(AzureTenants),
        (false, _) if is_wide(&sure, &PUBLIC.only(family(&sure))) => Some(Wide),
        (false, _) => Some(Narrow),
        (true, true) => Some(AzureTenants),
        (true, false) if perhaps => None,
        (true, false) => return None,
    };
    Some(Opening {
        port: answer.port,
        gaps: if class.is_none() {
            answer.gaps.clone()
        } else {
            Vec::new()
        },
        class,
    })
}

fn family(set: &AddressSet) -> Family {
    match set.only(Family::V4).is_empty() {
        true => Family::V6,
        false => Family::V4,
    }
}

/// Every group of the estate, in its order; the answers keep their sets.
pub fn alone(inventory: &Inventory, sources: &Sources, ports: &[u16]) -> Vec<Alone> {
    alone_among(inventory, sources, ports, |_| true)
}

/// The same of some groups, told by their index.
pub fn alone_among(
    inventory: &Inventory,
    sources: &Sources,
    ports: &[u16],
    wanted: impl Fn(u32) -> bool + Sync,
) -> Vec<Alone> {
    let admin = AdminRules::of(inventory);
    let judge = Judge {
        inventory,
        describer: Describer {
            inventory,
            sources,
            admin: &admin,
            exact: true,
        },
        members: GroupMembers::of(inventory),
        environment: Environment::somewhere(),
        ports,
    };
    let groups = inventory.nsgs.as_slice();
    groups
        .par_iter()
        .enumerate()
        .filter_map(|(index, nsg)| Some((u32::try_from(index).ok()?, nsg)))
        .filter(|(index, _)| wanted(*index))
        .map(|(index, nsg)| judge.group(index, nsg))
        .collect()
}

struct Judge<'a> {
    inventory: &'a Inventory,
    describer: Describer<'a>,
    members: GroupMembers,
    environment: Environment,
    ports: &'a [u16],
}

/// One kind of destination that the rules of a group tell from others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Destination<'n> {
    /// An address that no rule names.
    Elsewhere,
    Address(IpAddr),
    /// A member of an application security group, by its id.
    Member(&'n str),
    /// Too many to tell apart.
    Any,
}

impl<'a> Judge<'a> {
    fn group(&self, index: u32, nsg: &'a Nsg) -> Alone {
        let mut alone = Alone {
            nsg: index,
            public: Vec::new(),
            private: Vec::new(),
        };
        for (layer, family) in self.layers(index, nsg) {
            let layers = [layer, LayerState::Open];
            alone.public.push(self.answers(&layers, family, true));
            alone.private.push(self.answers(&layers, family, false));
        }
        alone
    }

    /// The group as each kind of destination sees it, in both families.
    fn layers(&self, index: u32, nsg: &'a Nsg) -> Vec<(LayerState<'a>, Family)> {
        let filter = Filter::compile(self.inventory, &self.members, nsg, &self.environment).map(Arc::new);
        let (Some(filter), Some(outline)) = (filter, Outline::of(self.inventory, nsg)) else {
            let why = nsg.rules.why().map_or_else(|| Arc::from(""), |why| why.text.clone());
            return [Family::V4, Family::V6]
                .map(|family| (LayerState::Unknown(why.clone()), family))
                .to_vec();
        };
        let mut layers = Vec::new();
        for family in [Family::V4, Family::V6] {
            layers.extend(destinations(&outline, family).into_iter().map(|destination| {
                let meets = outline.each(|stated| meets(destination, stated));
                let filter = filter.clone();
                (
                    LayerState::Filter {
                        nsg: index,
                        filter,
                        meets,
                    },
                    family,
                )
            }));
        }
        layers
    }

    fn answers(&self, layers: &[LayerState<'_>; 2], family: Family, public: bool) -> Arc<Vec<PortExposure>> {
        let everyone = match public {
            true => self.environment.public_clients.only(family),
            false => self.environment.private_clients.only(family),
        };
        let clients = Clients {
            family,
            all: &everyone,
            answered: None,
            answer_gaps: &[],
            public,
        };
        let answer = |reach: &PortReach| self.describer.exposure(reach, &clients, FrontPort::Same, "");
        let reached = reaches(layers, family, Protocol::Tcp, self.ports);
        Arc::new(reached.iter().map(answer).collect())
    }
}

/// The destinations that the rules tell apart: of ranges, the addresses at which one begins or has just ended.
fn destinations<'i>(outline: &Outline<'i>, family: Family) -> Vec<Destination<'i>> {
    let mut found = BTreeSet::from([Destination::Elsewhere]);
    for term in outline.narrow.iter().flat_map(|stated| &stated.terms) {
        match (term, family) {
            (AddressTerm::Range(AddressRange::V4(first, last)), Family::V4) => {
                let ends = [Some(*first), last.checked_add(1)].into_iter().flatten();
                found.extend(ends.map(|end| Destination::Address(Ipv4Addr::from_bits(end).into())));
            }
            (AddressTerm::Range(AddressRange::V6(first, last)), Family::V6) => {
                let ends = [Some(*first), last.checked_add(1)].into_iter().flatten();
                found.extend(ends.map(|end| Destination::Address(Ipv6Addr::from_bits(end).into())));
            }
            (AddressTerm::Group(group), _) => {
                found.insert(Destination::Member(group.as_str()));
            }
            _ => {}
        }
    }
    if found.len() > MOST_DESTINATIONS {
        return vec![Destination::Any];
    }
    found.into_iter().collect()
}

fn meets(destination: Destination<'_>, stated: &Addresses) -> Truth {
    let term = |term: &AddressTerm| match (term, destination) {
        (AddressTerm::Any | AddressTerm::Tag(ServiceTag::VirtualNetwork), _) => Truth::Yes,
        (AddressTerm::Unknown(_), _) | (AddressTerm::Range(_) | AddressTerm::Group(_), Destination::Any) => {
            Truth::Maybe
        }
        (AddressTerm::Range(range), Destination::Address(address)) => truth(range.contains(address)),
        (AddressTerm::Group(group), Destination::Member(id)) => truth(*group == ResourceId::new(id)),
        (AddressTerm::Range(_) | AddressTerm::Group(_) | AddressTerm::Tag(_), _) => Truth::No,
    };
    stated.terms.iter().map(term).max().unwrap_or(Truth::No)
}

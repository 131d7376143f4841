//! A network security group judged in its own right: wherever it is attached, whom does it let through to a port?
//! Modules that define groups and attach them to nothing are compared by this.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rayon::prelude::*;

use super::admin::AdminRules;
use super::answer::{FrontPort, PortExposure};
use super::classify::{Clients, Describer};
use super::compile::{Filter, Outline, Truth, truth};
use super::environment::Environment;
use super::members::GroupMembers;
use super::stack::{LayerState, PortReach, reaches};
use crate::model::{AddressTerm, Addresses, Inventory, Nsg, ResourceId, ServiceTag};
use crate::net::{AddressRange, Family, Protocol};
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

/// Every group of the estate, in its order; the answers keep their sets.
pub fn alone(inventory: &Inventory, sources: &Sources, ports: &[u16]) -> Vec<Alone> {
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
        .filter_map(|(index, nsg)| Some(judge.group(u32::try_from(index).ok()?, nsg)))
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

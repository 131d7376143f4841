//! The machine's end of a packet, and how the destination of a rule meets it.

use std::net::IpAddr;

use super::compile::{Truth, maybe, truth};
use super::environment::{Bounds, PLATFORM, PUBLIC};
use crate::model::{AddressTerm, Addresses, ResourceId, ServiceTag};
use crate::net::{AddressRange, AddressSet, Family};

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
    /// That of a public frontend of a family, with floating IP; what `VirtualNetwork` stands for here.
    PublicFront(&'i Bounds, Family),
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
            (AddressTerm::Tag(ServiceTag::VirtualNetwork), Seen::PublicFront(network, family)) => {
                self.within_bounds(network, family)
            }
            (AddressTerm::Tag(ServiceTag::VirtualNetwork), _) => Truth::Yes,
            (AddressTerm::Tag(ServiceTag::Internet), Seen::PublicFront(..)) => Truth::Yes,
            (AddressTerm::Tag(ServiceTag::Named(_)), Seen::PublicFront(..)) => Truth::Maybe,
            // The address is the network's own: no other tag holds it.
            (AddressTerm::Tag(_), _) => Truth::No,
            (AddressTerm::Group(group), _) if !self.groups.contains(group) => maybe(self.groups_unread),
            (AddressTerm::Group(_), Seen::Own) => Truth::Yes,
            // Whether a group of machines stands for a frontend before them is not documented.
            (AddressTerm::Group(_), _) => Truth::Maybe,
        }
    }

    fn within_bounds(&self, bounds: &Bounds, family: Family) -> Truth {
        let public = || PUBLIC.difference(&PLATFORM).only(family);
        let all = self
            .address
            .map_or_else(public, |address| AddressRange::host(address).into());
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

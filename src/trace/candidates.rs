//! The addresses at which an answer can change: the starts of every range in play. An answer that holds for each of
//! them holds for every address between, so asking them one by one is asking all.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::admin;
use super::machine::{Estate, Layer, Target};
use super::packet;
use super::ways::{Front, WayIn};
use crate::model::{AddressTerm, Addresses, FirewallRule, Peering, ResourceId, ServiceTag};
use crate::net::AddressRange;

/// Port from which clients usually come; the first that is asked.
pub const EPHEMERAL: u16 = 49152;

/// Every address of the target's family at which the answer on a way can change, ascending.
pub fn addresses(estate: &Estate<'_>, target: &Target<'_>, way: &WayIn<'_>) -> Vec<IpAddr> {
    all(Starts::new(estate), target, way)
}

/// The same with the starts of a service tag's addresses.
pub fn addresses_with(estate: &Estate<'_>, target: &Target<'_>, way: &WayIn<'_>, tag: &ServiceTag) -> Vec<IpAddr> {
    let mut starts = Starts::new(estate);
    starts.tag(tag);
    all(starts, target, way)
}

fn all(mut starts: Starts<'_, '_>, target: &Target<'_>, way: &WayIn<'_>) -> Vec<IpAddr> {
    starts.filters(target);
    if let Front::Firewall(translation) = &way.front {
        starts.translation(translation.rule);
        translation.rivals.iter().for_each(|rival| starts.translation(rival));
        translation.network_rules().for_each(|rule| starts.translation(rule));
    }
    let family = super::judge::is_ipv4(target);
    let mut all = starts.found;
    all.retain(|address| address.is_ipv4() == family);
    all.sort_unstable();
    all.dedup();
    all
}

/// The addresses at which what a target's network is can change.
pub fn of_place(estate: &Estate<'_>, target: &Target<'_>) -> Vec<IpAddr> {
    let mut starts = Starts::new(estate);
    starts.place(target);
    let family = super::judge::is_ipv4(target);
    starts.found.retain(|address| address.is_ipv4() == family);
    starts.found
}

/// The addresses within some ranges at which the filters' answer can change.
pub fn within(estate: &Estate<'_>, target: &Target<'_>, ranges: &[AddressRange]) -> Vec<IpAddr> {
    let mut starts = Starts::new(estate);
    starts.filters(target);
    ranges.iter().for_each(|range| starts.range(*range));
    let mut all = starts.found;
    all.retain(|address| ranges.iter().any(|range| range.contains(*address)));
    all.sort_unstable();
    all.dedup();
    all
}

/// One source port of each kind that the filters tell apart.
pub fn source_ports(target: &Target<'_>) -> Vec<u16> {
    let mut ports = vec![EPHEMERAL, 0];
    let rules = target.layers.iter().flat_map(Layer::rules);
    let stated = rules
        .map(|rule| &rule.source_ports)
        .chain(target.admin.iter().map(|found| &found.rule.source_ports));
    for (first, last) in stated.flat_map(|ports| ports.set.ranges()) {
        for port in std::iter::once(*first).chain(last.checked_add(1)) {
            if !ports.contains(&port) {
                ports.push(port);
            }
        }
    }
    ports
}

struct Starts<'e, 'i> {
    estate: &'e Estate<'i>,
    found: Vec<IpAddr>,
}

impl<'e, 'i> Starts<'e, 'i> {
    fn new(estate: &'e Estate<'i>) -> Self {
        Starts {
            estate,
            found: packet::landmarks().collect(),
        }
    }

    fn filters(&mut self, target: &Target<'_>) {
        self.place(target);
        let rules = target.layers.iter().flat_map(Layer::rules);
        rules.for_each(|rule| self.addresses(&rule.sources));
        admin::landmarks(target, |term| self.term(term));
    }

    fn place(&mut self, target: &Target<'_>) {
        let networks = target.place.network.into_iter();
        networks
            .clone()
            .filter_map(|network| network.address_space.known())
            .for_each(|ranges| self.ranges(ranges));
        networks
            .flat_map(|network| &network.peerings)
            .for_each(|peering| self.peering(peering));
        target
            .place
            .stated()
            .iter()
            .filter_map(|route| route.prefix.known())
            .for_each(|range| self.range(*range));
        let hub = target.place.hub.as_ref();
        self.ranges(hub.map_or(&[], |hub| hub.prefixes));
    }

    fn peering(&mut self, peering: &Peering) {
        self.ranges(peering.remote_space.known().map(Vec::as_slice).unwrap_or_default());
        let remote = peering
            .remote
            .as_ref()
            .and_then(|id| self.estate.inventory.networks.find(id));
        if let Some(network) = remote {
            let subnets = network.subnets.iter().filter_map(|subnet| subnet.prefixes.known());
            subnets
                .chain(network.address_space.known())
                .for_each(|ranges| self.ranges(ranges));
        }
    }

    fn translation(&mut self, rule: &FirewallRule) {
        self.addresses(&rule.sources);
        for group in rule
            .source_groups
            .iter()
            .filter_map(|id| self.estate.inventory.ip_groups.find(id))
        {
            self.ranges(group.ranges.known().map(Vec::as_slice).unwrap_or_default());
        }
    }

    fn addresses(&mut self, addresses: &Addresses) {
        addresses.terms.iter().for_each(|term| self.term(term));
    }

    fn term(&mut self, term: &AddressTerm) {
        match term {
            AddressTerm::Range(range) => self.range(*range),
            AddressTerm::Group(group) => self.group(group),
            AddressTerm::Tag(tag) => self.tag(tag),
            AddressTerm::Any | AddressTerm::Unknown(_) => {}
        }
    }

    /// The addresses of a tag, where the input says them.
    fn tag(&mut self, tag: &ServiceTag) {
        let extent = self.estate.inventory.tag_addresses.of(tag);
        for range in extent
            .iter()
            .flat_map(|extent| extent.must.to_ranges().chain(extent.may.to_ranges()))
        {
            self.range(range);
        }
    }

    fn group(&mut self, group: &ResourceId) {
        let members: Vec<IpAddr> = self.estate.members(group).collect();
        members
            .into_iter()
            .for_each(|member| self.range(AddressRange::host(member)));
    }

    fn ranges(&mut self, ranges: &[AddressRange]) {
        ranges.iter().for_each(|range| self.range(*range));
    }

    /// A range begins, and what follows it.
    fn range(&mut self, range: AddressRange) {
        match range {
            AddressRange::V4(first, last) => {
                let starts = std::iter::once(first).chain(last.checked_add(1));
                self.found
                    .extend(starts.map(|start| IpAddr::V4(Ipv4Addr::from_bits(start))));
            }
            AddressRange::V6(first, last) => {
                let starts = std::iter::once(first).chain(last.checked_add(1));
                self.found
                    .extend(starts.map(|start| IpAddr::V6(Ipv6Addr::from_bits(start))));
            }
        }
    }
}

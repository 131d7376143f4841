//! What the tags `VirtualNetwork` and `Internet` mean for one address, seen from one subnet, and how an answer to it
//! leaves. The same rule text admits other addresses on another subnet.

use std::borrow::Cow;
use std::net::IpAddr;

use super::holds::{Holds, Reason};
use super::packet;
use crate::model::{Inventory, Known, NextHop, Peering, ResourceId, Route, Subnet, VirtualNetwork, choices};
use crate::net::AddressRange;

/// Where a machine's address lives.
#[derive(Clone, Debug)]
pub struct Place<'i> {
    pub inventory: &'i Inventory,
    pub network: Option<&'i VirtualNetwork>,
    pub subnet: Option<&'i Subnet>,
    pub routes: Routes<'i>,
    /// The virtual hub that the network hangs on.
    pub hub: Option<Hub<'i>>,
}

/// A virtual hub, seen from a connected network.
#[derive(Clone, Debug)]
pub struct Hub<'i> {
    pub id: ResourceId,
    /// Its own addresses.
    pub prefixes: &'i [AddressRange],
    /// Whether its default route takes what no other route takes, and whether the subnet learns it.
    takes_internet: Holds<'i>,
    learned: bool,
}

/// The routes that the subnet's route table states.
#[derive(Clone, Debug)]
pub enum Routes<'i> {
    Stated(&'i [Route]),
    Unread(Reason<'i>),
}

/// Why an address belongs to the `VirtualNetwork` tag.
#[derive(Clone, Copy, Debug)]
pub enum Because<'i> {
    /// The platform's own address always does.
    Platform,
    OwnSpace,
    Peering(&'i Peering),
    /// Ranges behind a gateway are in no configuration.
    Gateway,
    /// The virtual hub's own addresses, or what else hangs on it.
    Hub,
    Route(&'i Route),
    /// What the subnet, its network or its routes are is not known.
    Unread,
}

impl<'i> Place<'i> {
    pub fn of(inventory: &'i Inventory, subnet: Option<&ResourceId>) -> Self {
        let found = subnet.and_then(|id| inventory.subnet(id));
        Place {
            inventory,
            network: found.map(|(network, _)| network),
            subnet: found.map(|(_, subnet)| subnet),
            hub: found.and_then(|(network, subnet)| hub(inventory, network, subnet)),
            routes: found.map_or(Routes::Stated(&[]), |(_, subnet)| routes(inventory, subnet)),
        }
    }

    /// Whether an address is in the `VirtualNetwork` tag of this subnet.
    pub fn in_virtual_network(&self, address: IpAddr) -> Holds<'i> {
        self.belongs(address).0
    }

    /// The same with the reason.
    pub fn belongs(&self, address: IpAddr) -> (Holds<'i>, Because<'i>) {
        let mut doubt = (Holds::No, Because::Unread);
        for (because, holds) in self.connections(address) {
            match (&holds, &doubt.0) {
                (Holds::Yes, _) => return (holds, because),
                (Holds::Maybe(_), Holds::No) => doubt = (holds, because),
                _ => {}
            }
        }
        doubt
    }

    /// Everything that puts an address into the tag.
    fn connections(&self, address: IpAddr) -> impl Iterator<Item = (Because<'i>, Holds<'i>)> {
        let platform = (Because::Platform, Holds::surely(packet::is_platform(address)));
        let own = (Because::OwnSpace, self.own_space(address));
        let peerings = self
            .peerings()
            .map(move |peering| (Because::Peering(peering), peer(self, peering, address)));
        let rest = [
            (Because::Hub, self.hub(address)),
            (Because::Unread, self.unread()),
            (Because::Gateway, self.gateway(address)),
        ];
        [platform, own]
            .into_iter()
            .chain(peerings)
            .chain(self.routed(address))
            .chain(rest)
    }

    fn peerings(&self) -> impl Iterator<Item = &'i Peering> + use<'i> {
        self.network.into_iter().flat_map(|network| &network.peerings)
    }

    fn own_space(&self, address: IpAddr) -> Holds<'i> {
        let Some(network) = self.network else {
            return Holds::Maybe(Cow::Borrowed("the subnet of the machine is not in the input"));
        };
        Holds::of(&network.address_space, |ranges| contain(ranges, address))
    }

    fn unread(&self) -> Holds<'i> {
        let why = self.network.and_then(|network| network.unread.as_ref());
        let network = why.map_or(Holds::No, Holds::unknown);
        network.or(|| match &self.routes {
            Routes::Unread(why) => Holds::Maybe(why.clone()),
            Routes::Stated(_) => Holds::No,
        })
    }

    /// A connected network is peered with the hub's own; what else hangs on the hub nobody lists.
    fn hub(&self, address: IpAddr) -> Holds<'i> {
        let Some(hub) = &self.hub else { return Holds::No };
        if contain(hub.prefixes, address) {
            return Holds::Yes;
        }
        match packet::is_private(address) || !hub.takes_internet.is_no() {
            true => Holds::Maybe(Cow::Owned(format!(
                "what virtual hub `{}` connects is not in the input",
                hub.id.name()
            ))),
            false => Holds::No,
        }
    }

    fn gateway(&self, address: IpAddr) -> Holds<'i> {
        if !packet::is_private(address) {
            return Holds::No;
        }
        match self.has_gateway() {
            true => Holds::Maybe(Cow::Borrowed(
                "the ranges behind the network's gateway are in no configuration",
            )),
            false => Holds::No,
        }
    }

    fn has_gateway(&self) -> bool {
        let mut subnets = self.network.into_iter().flat_map(|network| &network.subnets);
        let own = subnets.any(|subnet| subnet.id.name().eq_ignore_ascii_case("GatewaySubnet"));
        own || self
            .peerings()
            .any(|peering| peering.use_remote_gateways != Known::Known(false))
    }

    /// Prefixes of routes to an appliance or a gateway are part of the tag.
    fn routed(&self, address: IpAddr) -> impl Iterator<Item = (Because<'i>, Holds<'i>)> + use<'i> {
        let chosen = self.inventory.choices.of(&choices::ROUTE_TAG);
        self.stated().iter().map(move |route| {
            let hop = Holds::of(&route.next_hop, |hop| match chosen {
                "every-hop" => true,
                "appliance" => *hop == NextHop::VirtualAppliance,
                _ => matches!(hop, NextHop::VirtualAppliance | NextHop::VirtualNetworkGateway),
            });
            let prefix = || Holds::of(&route.prefix, |range| range.contains(address));
            (Because::Route(route), hop.and(prefix))
        })
    }

    pub fn stated(&self) -> &'i [Route] {
        match &self.routes {
            Routes::Stated(routes) => routes,
            Routes::Unread(_) => &[],
        }
    }

    /// Whether an address is one of the network's own or of a peer's.
    pub fn is_connected(&self, address: IpAddr) -> Holds<'i> {
        let peers = || Holds::any(self.peerings().map(|peering| peer(self, peering, address)));
        self.own_space(address).or(peers)
    }

    /// Whether a packet from an address may come from the internet: public space that neither the network nor a peer
    /// surely has.
    pub fn in_internet(&self, address: IpAddr) -> bool {
        packet::is_public(address) && self.is_connected(address) != Holds::Yes
    }

    /// Whether an address is in the `Internet` tag: public space that neither the network nor a peer has. Where their
    /// extent is unknown, they may have it, unless that is chosen to be private space.
    pub fn is_in_internet(&self, address: IpAddr) -> Holds<'i> {
        let choices = &self.inventory.choices;
        let public = match self.is_unconnected(address) {
            Holds::Maybe(_) if choices.is(&choices::UNKNOWN_SPACE, "private") => Holds::Yes,
            public => public,
        };
        public.and(|| match choices.is(&choices::ROUTED_INTERNET, "shrinks") {
            true => self.in_virtual_network(address).contrary(),
            false => Holds::Yes,
        })
    }

    fn is_unconnected(&self, address: IpAddr) -> Holds<'i> {
        if !packet::is_public(address) {
            return Holds::No;
        }
        if packet::is_platform(address) {
            return Holds::Yes;
        }
        let unread = || {
            let why = self.network.and_then(|network| network.unread.as_ref());
            why.map_or(Holds::No, Holds::unknown)
        };
        self.is_connected(address).or(unread).contrary()
    }

    /// The stated route that an answer to an address takes; none where the platform's own routes decide. Of routes
    /// that cannot be read, the prefix is not known, so they are `perhaps`.
    pub fn route_to(&self, address: IpAddr) -> Back<'i> {
        let mut best: Option<(&'i Route, u128)> = None;
        let mut perhaps = None;
        for route in self.stated() {
            match &route.prefix {
                Known::Known(range) if range.contains(address) => {
                    let narrower = best.is_none_or(|(_, size)| size_of(*range) <= size);
                    best = if narrower { Some((route, size_of(*range))) } else { best };
                }
                Known::Known(_) => {}
                Known::Unknown(_) => {
                    let leads_out = !Holds::of(&route.next_hop, |hop| *hop == NextHop::Internet).is_no();
                    perhaps = perhaps.or(leads_out.then_some(route));
                }
            }
        }
        let learned = self.hub.as_ref().filter(|hub| hub.learned && best.is_none());
        Back {
            route: best.map(|(route, _)| route),
            perhaps,
            taken: learned.map_or(Holds::No, |hub| hub.takes_internet.clone()),
        }
    }
}

impl<'i> Place<'i> {
    /// The stated route that an answer to a private address takes: one that is longer than what the platform routes within
    /// the network and to its peers, and whether it surely is. None where the platform's routes, or no stated one, take it.
    pub fn private_route_to(&self, address: IpAddr) -> Option<(&'i Route, Holds<'i>)> {
        let network = self.network?;
        let route = self.route_to(address).route?;
        let stated = size_of(*route.prefix.known()?);
        let own = network.address_space.known();
        let is_longer = |ranges: &[AddressRange]| {
            let mut holding = ranges.iter().filter(|range| range.contains(address));
            holding.any(|range| size_of(*range) < stated)
        };
        if own.is_some_and(|ranges| is_longer(ranges)) {
            return None;
        }
        let unsure = |why: &str| Holds::Maybe(Cow::Owned(why.to_owned()));
        let mut surely = Holds::Yes;
        for peering in &network.peerings {
            if peering
                .state
                .known()
                .is_some_and(|state| !state.eq_ignore_ascii_case("Connected"))
            {
                continue;
            }
            let remote = peering.remote.as_ref().and_then(|id| self.inventory.networks.find(id));
            let space = peering.remote_space.known().filter(|ranges| !ranges.is_empty());
            match space.or_else(|| remote.and_then(|network| network.address_space.known())) {
                Some(ranges) if !is_longer(ranges) => {}
                Some(_) if self.is_whole(peering) => return None,
                _ => surely = unsure("whether a peering takes the answer is not known"),
            }
        }
        if own.is_none() || network.unread.is_some() {
            surely = unsure("what the network of the machine is connected to is not known");
        }
        if self.stated().iter().any(|route| route.prefix.known().is_none()) {
            surely = unsure("the prefix of a route is not known");
        }
        if self.learns() {
            surely = unsure("routes that the subnet learns are in no configuration");
        }
        Some((route, surely))
    }

    /// Whether a peering surely connects the whole of both networks.
    fn is_whole(&self, peering: &Peering) -> bool {
        let flags = (&peering.complete, &peering.ipv6_only);
        let whole = flags == (&Known::Known(true), &Known::Known(false)) && peering.unread.is_none();
        whole && peering.state.known().is_some() && peering.allows_access(&self.inventory.choices) == Ok(true)
    }

    /// Whether the subnet may take up routes from a gateway or a hub.
    fn learns(&self) -> bool {
        let table = self
            .subnet
            .and_then(|subnet| subnet.route_table.known())
            .and_then(Option::as_ref);
        let table = table.and_then(|id| self.inventory.route_tables.find(id));
        let deaf = table.is_some_and(|table| table.bgp_propagation_disabled);
        !deaf && (self.hub.is_some() || self.has_gateway())
    }
}

/// How an answer leaves.
#[derive(Clone, Debug)]
pub struct Back<'i> {
    pub route: Option<&'i Route>,
    /// A route of unknown prefix that may send it to the internet.
    pub perhaps: Option<&'i Route>,
    /// Whether a default route learned from a virtual hub takes it.
    pub taken: Holds<'i>,
}

impl<'i> Back<'i> {
    /// Whether the answer goes straight back to a client on the internet.
    pub fn is_straight(&self) -> Holds<'i> {
        let stated = match self.route {
            None => self.taken.clone().contrary(),
            Some(route) => Holds::of(&route.next_hop, |hop| *hop == NextHop::Internet),
        };
        stated.or(|| match self.perhaps.and_then(|route| route.prefix.why()) {
            Some(why) => Holds::unknown(why),
            None => Holds::No,
        })
    }
}

pub fn contain(ranges: &[AddressRange], address: IpAddr) -> bool {
    ranges.iter().any(|range| range.contains(address))
}

/// The hub of a network. A connection gets a default route where it is secured and the hub's routing intent sends the
/// internet somewhere; where only one of the two is so, routes that are not read decide.
fn hub<'i>(inventory: &'i Inventory, network: &VirtualNetwork, subnet: &Subnet) -> Option<Hub<'i>> {
    let connection = inventory.hub_connection(&network.id)?;
    let id = connection.id.parent()?;
    let mut intents = inventory.routing_intents.iter();
    let intent = intents.find(|intent| intent.id.parent().as_ref() == Some(&id));
    let doubt = || {
        Holds::Maybe(Cow::Owned(format!(
            "virtual hub `{}` may send answers to the internet through its firewall or appliance",
            id.name()
        )))
    };
    let takes_internet = match (
        connection.internet_security.known(),
        intent.map_or(Some(&false), |intent| intent.internet.known()),
    ) {
        (Some(true), Some(true)) => Holds::Yes,
        (Some(false), Some(false)) => Holds::No,
        _ => doubt(),
    };
    let prefixes = inventory.virtual_hubs.find(&id).and_then(|hub| hub.prefixes.known());
    let table = subnet.route_table.known().and_then(Option::as_ref);
    let table = table.and_then(|id| inventory.route_tables.find(id));
    Some(Hub {
        prefixes: prefixes.map_or(&[], Vec::as_slice),
        takes_internet,
        learned: table.is_none_or(|table| !table.bgp_propagation_disabled),
        id,
    })
}

fn size_of(range: AddressRange) -> u128 {
    match range {
        AddressRange::V4(first, last) => u128::from(last - first),
        AddressRange::V6(first, last) => last - first,
    }
}

fn routes<'i>(inventory: &'i Inventory, subnet: &'i Subnet) -> Routes<'i> {
    let of_subnet = |why: &str| Routes::Unread(Cow::Owned(format!("routes of subnet `{}`: {why}", subnet.id.name())));
    let id = match &subnet.route_table {
        Known::Known(None) => return Routes::Stated(&[]),
        Known::Known(Some(id)) => id,
        Known::Unknown(why) => return of_subnet(&why.text),
    };
    let Some(table) = inventory.route_tables.find(id) else {
        return of_subnet(&inventory.why_absent(id).text);
    };
    match (inventory.conflict(id), &table.routes) {
        (Some(why), _) | (None, Known::Unknown(why)) => of_subnet(&why.text),
        (None, Known::Known(routes)) => Routes::Stated(routes),
    }
}

/// Whether an address lies behind a peering that counts: connected, with access, and for this subnet.
fn peer<'i>(place: &Place<'i>, peering: &'i Peering, address: IpAddr) -> Holds<'i> {
    let here = place.subnet.map_or("", |subnet| subnet.id.name());
    let names = |names: &[std::sync::Arc<str>], name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    let access = peering.allows_access(&place.inventory.choices);
    if access == Ok(false) {
        return Holds::No;
    }
    if peering.complete == Known::Known(false) && peering.unread.is_none() && !names(&peering.local_subnets, here) {
        return Holds::No;
    }
    let flags = [&peering.complete, &peering.ipv6_only];
    let unread = access.err().or_else(|| flags.into_iter().find_map(Known::why));
    if let Some(why) = unread.or(peering.unread.as_ref()) {
        return Holds::unknown(why);
    }
    Holds::of(&peering.state, |state| state.eq_ignore_ascii_case("Connected"))
        .and(|| behind(place.inventory, peering, address))
}

/// Whether an address lies in what a peering leads to.
fn behind<'i>(inventory: &'i Inventory, peering: &'i Peering, address: IpAddr) -> Holds<'i> {
    if peering.ipv6_only == Known::Known(true) && address.is_ipv4() {
        return Holds::No;
    }
    let absent = || {
        let text = format!(
            "the address space behind peering `{}` is not in the input",
            peering.name
        );
        Holds::Maybe(Cow::Owned(text))
    };
    let remote = peering.remote.as_ref().and_then(|id| inventory.networks.find(id));
    if peering.complete == Known::Known(true) {
        let stated = peering.remote_space.known().filter(|ranges| !ranges.is_empty());
        let space = stated.or_else(|| remote.and_then(|network| network.address_space.known()));
        return space.map_or_else(absent, |ranges| Holds::surely(contain(ranges, address)));
    }
    let Some(remote) = remote else { return absent() };
    let named = |subnet: &&Subnet| {
        peering
            .remote_subnets
            .iter()
            .any(|name| name.eq_ignore_ascii_case(subnet.id.name()))
    };
    let of_subnet = |subnet: &Subnet| match subnet.prefixes.known() {
        Some(ranges) => Holds::surely(contain(ranges, address)),
        None => absent(),
    };
    Holds::any(remote.subnets.iter().filter(named).map(of_subnet))
}

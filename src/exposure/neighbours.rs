//! Where an address lies, seen from a virtual network: within its own space or that of a network it is peered with.
//! Private addresses repeat in every estate; two networks that are not connected never mean the same machine by one.

use std::net::IpAddr;

use super::compile::Truth;
use crate::model::{Firewall, Inventory, Known, Peering, VirtualNetwork};

/// The network that holds an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// By index.
    Network(u32),
    /// A network that is not in the input, or one whose extent is not known.
    Unread,
    /// No network that packets reach from here directly.
    Nowhere,
}

/// Where packets of a network for an address go, routes aside. Peering reaches one network far and no farther.
pub fn holder(inventory: &Inventory, network: u32, address: IpAddr) -> Holder {
    let Some(own) = inventory.networks.get(network) else {
        return Holder::Unread;
    };
    let of_subnets = own
        .subnets
        .iter()
        .filter_map(|subnet| subnet.prefixes.known())
        .flatten();
    if of_subnets
        .chain(own.address_space.known().into_iter().flatten())
        .any(|range| range.contains(address))
    {
        return Holder::Network(network);
    }
    if own.address_space.known().is_none() {
        return Holder::Unread;
    }
    let connected = own.peerings.iter().filter(|peering| is_connected(peering));
    let found: Vec<Holder> = connected.map(|peering| behind(inventory, peering, address)).collect();
    let named = found.iter().find(|holder| matches!(holder, Holder::Network(_)));
    named
        .or_else(|| found.iter().find(|holder| **holder == Holder::Unread))
        .copied()
        .unwrap_or(Holder::Nowhere)
}

/// The firewall that stands at an address, by index, seen from a network.
pub(super) fn firewall_at(inventory: &Inventory, from: &VirtualNetwork, address: IpAddr) -> Option<u32> {
    let at = |firewall: &Firewall| firewall.private_addresses.contains(&address);
    let mut firewalls = (0u32..)
        .zip(inventory.firewalls.iter())
        .filter(|(_, firewall)| at(firewall))
        .peekable();
    firewalls.peek()?;
    let Holder::Network(held) = holder(inventory, inventory.networks.position(&from.id)?, address) else {
        return None;
    };
    let stands_there = |firewall: &Firewall| {
        let subnet = firewall.subnets.first();
        subnet
            .and_then(|subnet| inventory.subnet_position(subnet))
            .is_some_and(|(network, _)| network == held)
    };
    firewalls
        .find(|(_, firewall)| stands_there(firewall))
        .map(|(index, _)| index)
}

/// Whether packets of a network reach another one directly: it is the same, or a peer.
pub fn connected(inventory: &Inventory, from: u32, to: u32) -> Truth {
    let (Some(own), Some(other)) = (inventory.networks.get(from), inventory.networks.get(to)) else {
        return Truth::Maybe;
    };
    let peered = |network: &VirtualNetwork, with: &VirtualNetwork| {
        let mut peerings = network.peerings.iter().filter(|peering| is_connected(peering));
        peerings.any(|peering| peering.remote.as_ref() == Some(&with.id))
    };
    if from == to || peered(own, other) || peered(other, own) {
        return Truth::Yes;
    }
    let unread = own.unread.is_some() || own.address_space.known().is_none() || other.unread.is_some();
    if unread { Truth::Maybe } else { Truth::No }
}

/// Whether a peering is connected, or may be.
pub(super) fn is_connected(peering: &Peering) -> bool {
    peering
        .state
        .known()
        .is_none_or(|state| state.eq_ignore_ascii_case("Connected"))
}

fn behind(inventory: &Inventory, peering: &Peering, address: IpAddr) -> Holder {
    let remote = peering.remote.as_ref().and_then(|id| inventory.networks.position(id));
    let current = remote
        .and_then(|index| inventory.networks.get(index))
        .map(|network| &network.address_space);
    let space = match (&peering.remote_space, current) {
        (Known::Known(space), _) if !space.is_empty() => space,
        (_, Some(Known::Known(space))) => space,
        _ => return Holder::Unread,
    };
    match space.iter().any(|range| range.contains(address)) {
        false => Holder::Nowhere,
        true => remote.map_or(Holder::Unread, Holder::Network),
    }
}

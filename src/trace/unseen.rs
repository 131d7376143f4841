//! Firewalls that were not read and may have a NAT rule for the machine: those of networks and hubs that its network is
//! connected to, in subscriptions whose firewalls are not in the input.

use std::borrow::Cow;

use super::holds::Reason;
use super::machine::Target;
use super::nat::{firewalls_of_hub, holder};
use super::place::contain;
use super::ways::{Front, Way, WayIn};
use crate::model::{Inventory, Known, NextHop, Peering, ResourceId, Route, VirtualNetwork, is_hub_network};
use crate::net::{AddressRange, Family};

const KIND: &str = "Microsoft.Network/azureFirewalls";

/// Adds a way for each thing that was not read and may hold such a firewall.
pub fn ways<'i>(inventory: &'i Inventory, target: &Target<'i>, ways: &mut Vec<WayIn<'i>>) {
    if target.configuration.family != Family::V4 {
        return;
    }
    let refused = inventory
        .coverage
        .first_missing(KIND)
        .map(|(subscription, reason)| format!("firewalls of subscription `{subscription}` were not read: {reason}"));
    let found = match target.place.network {
        None => refused.map(|why| vec![unplaced(why)]).unwrap_or_default(),
        Some(network) => {
            let mut found = around(inventory, network);
            let lost = network.unread.as_ref().map(|why| why.to_string());
            let lost = lost.or_else(|| lost_route(inventory, network, target).filter(|_| found.is_empty()));
            found.extend(
                lost.zip(refused)
                    .map(|(lost, refused)| unplaced(format!("{lost}, and {refused}"))),
            );
            found
        }
    };
    ways.extend(found.into_iter().map(|(why, range)| WayIn {
        way: Way::FirewallDnat,
        front: Front::UnreadFirewall(None, range),
        doubt: Some(why),
    }));
}

/// Why there may be a firewall, and where it stands.
type Suspect<'i> = (Reason<'i>, Result<&'i [AddressRange], Reason<'i>>);

const NO_SUBNET: Reason<'static> = Cow::Borrowed("the subnet of the firewall is not in the input");

fn unplaced<'i>(why: String) -> Suspect<'i> {
    (Cow::Owned(why), Err(NO_SUBNET))
}

fn around<'i>(inventory: &'i Inventory, own: &'i VirtualNetwork) -> Vec<Suspect<'i>> {
    let hub = inventory
        .hub_connection(&own.id)
        .and_then(|connection| connection.id.parent());
    let mut found: Vec<Suspect<'i>> = in_network(inventory, &own.id, None).into_iter().collect();
    for peering in own.peerings.iter().filter(|peering| may_connect(peering)) {
        match &peering.remote {
            // The connection to the hub tells which it is.
            Some(remote) if hub.is_some() && is_hub_network(remote) => {}
            Some(remote) => found.extend(in_network(inventory, remote, Some(peering))),
            None => {}
        }
    }
    for other in inventory.networks.iter() {
        let back = |peering: &&Peering| peering.remote.as_ref() == Some(&own.id) && may_connect(peering);
        if other.peerings.iter().any(|peering| back(&peering)) {
            found.extend(in_network(inventory, &other.id, None));
        }
    }
    if let Some(hub) = hub {
        for connection in inventory.hub_connections.iter() {
            if connection.id.parent().as_ref() == Some(&hub) && connection.network != own.id {
                found.extend(in_network(inventory, &connection.network, None));
            }
        }
        found.extend(in_hub(inventory, &hub));
    }
    found
}

fn may_connect(peering: &Peering) -> bool {
    match &peering.state {
        Known::Known(state) => state.eq_ignore_ascii_case("Connected"),
        Known::Unknown(_) => true,
    }
}

/// A network has room for one firewall, in the subnet that is reserved for it.
fn in_network<'i>(inventory: &'i Inventory, id: &ResourceId, peering: Option<&'i Peering>) -> Option<Suspect<'i>> {
    let reason = inventory.coverage.unread(id.subscription(), KIND)?;
    let stands = |subnet: &ResourceId| subnet.parent().as_ref() == Some(id);
    let read = inventory
        .firewalls
        .iter()
        .any(|firewall| firewall.subnets.iter().any(stands));
    if read {
        return None;
    }
    let network = inventory.networks.find(id);
    let mut subnets = network.into_iter().flat_map(|network| &network.subnets);
    let reserved = subnets.find(|subnet| subnet.id.name().eq_ignore_ascii_case("AzureFirewallSubnet"));
    let range = match (reserved, network, peering) {
        (Some(subnet), _, _) => subnet.prefixes.known(),
        (None, Some(network), _) if network.unread.is_none() && network.address_space.known().is_some() => return None,
        (None, _, Some(peering)) => peering.remote_space.known().filter(|space| !space.is_empty()),
        (None, _, None) => None,
    };
    let place = match network {
        None if is_hub_network(id) => "the virtual hub behind",
        _ => "virtual network",
    };
    let why = format!("firewalls in {place} `{}` were not read: {reason}", id.name());
    Some((Cow::Owned(why), range.map(Vec::as_slice).ok_or(NO_SUBNET)))
}

fn in_hub<'i>(inventory: &'i Inventory, hub: &ResourceId) -> Option<Suspect<'i>> {
    let reason = inventory.coverage.unread(hub.subscription(), KIND)?;
    let mut firewalls = inventory.firewalls.iter();
    if firewalls.any(|firewall| firewall.virtual_hub.as_ref() == Some(hub)) {
        return None;
    }
    let why = format!("firewalls in virtual hub `{}` were not read: {reason}", hub.name());
    Some((Cow::Owned(why), firewalls_of_hub(inventory, hub)))
}

/// A route of the machine's subnet to an appliance that stands nowhere in the input.
fn lost_route<'i>(inventory: &'i Inventory, own: &'i VirtualNetwork, target: &Target<'i>) -> Option<String> {
    let stands_nowhere = |route: &&Route| {
        let appliance = route.next_hop == Known::Known(NextHop::VirtualAppliance);
        route.next_hop_address.filter(|_| appliance).is_some_and(|address| {
            let of_hub = target
                .place
                .hub
                .as_ref()
                .is_some_and(|hub| contain(hub.prefixes, address));
            let behind = |peering: &Peering| match &peering.remote_space {
                Known::Known(space) if !space.is_empty() => contain(space, address),
                // The space of a peer that was read is asked below.
                _ => peering.remote.as_ref().is_none_or(|id| {
                    inventory
                        .networks
                        .find(id)
                        .is_none_or(|network| network.address_space.known().is_none())
                }),
            };
            let mut peerings = own.peerings.iter().filter(|peering| may_connect(peering));
            let unread = own.address_space.known().is_none() || peerings.any(behind);
            !of_hub && !unread && holder(inventory, own, address).is_none()
        })
    };
    let route = target.place.stated().iter().find(stands_nowhere)?;
    let address = route.next_hop_address?;
    Some(format!(
        "route `{}` leads to {address}, where no network in the input is",
        route.name
    ))
}

//! Firewalls that were not read, and may have a NAT rule that leads to a machine: by the evidence that ties its network
//! to them. A firewall stands in the subscription of its network or hub, and translates into that network and those
//! that are connected to it.

use std::sync::Arc;

use super::neighbours::{Holder, holder, is_connected};
use super::translated::{Index, hub_range};
use crate::model::{
    HubConnection, Inventory, Known, NextHop, Peering, ResourceId, Subnet, VirtualNetwork, is_hub_network,
};
use crate::net::AddressSet;

const FIREWALLS: &str = "microsoft.network/azurefirewalls";
const FIREWALL_SUBNET: &str = "AzureFirewallSubnet";

/// What may hold such firewalls, as one: which of them it is makes no difference.
#[derive(Clone, Debug)]
pub struct Unseen {
    pub why: Arc<str>,
    /// Addresses one of which machines see instead of the client's, or why they are not known.
    pub range: Result<AddressSet, Arc<str>>,
}

/// What was not read around each network.
#[derive(Default)]
pub struct UnseenFirewalls {
    by_network: Vec<Option<Unseen>>,
    /// Firewalls that were refused, for a network of which it is not known what it is connected to.
    anywhere: Option<Unseen>,
}

impl UnseenFirewalls {
    pub fn of(inventory: &Inventory) -> Self {
        let coverage = &inventory.coverage;
        if !coverage.recorded && coverage.first_missing(FIREWALLS).is_none() {
            return UnseenFirewalls::default();
        }
        let mut peered_from: Index<&ResourceId, (&VirtualNetwork, &Peering)> = Index::default();
        for network in inventory.networks.iter() {
            for peering in network.peerings.iter().filter(|peering| is_connected(peering)) {
                if let Some(remote) = &peering.remote {
                    peered_from.entry(remote).or_default().push((network, peering));
                }
            }
        }
        let anywhere = coverage.first_missing(FIREWALLS).map(|(subscription, reason)| Unseen {
            why: Arc::from(format!(
                "firewalls of subscription `{subscription}` were not read: {reason}"
            )),
            range: Err(Arc::from("the subnet of the firewall is not in the input")),
        });
        let around = |network: &VirtualNetwork| {
            let peered = peered_from.get(&network.id).into_iter().flatten();
            around(
                inventory,
                network,
                peered.map(|(other, _)| &other.id),
                anywhere.as_ref(),
            )
        };
        UnseenFirewalls {
            by_network: inventory.networks.iter().map(around).collect(),
            anywhere,
        }
    }

    /// Why firewalls that were not read may lead to an address on a subnet, if they may.
    pub fn beside(&self, inventory: &Inventory, at: Option<(u32, u32)>) -> Option<Unseen> {
        let Some((network, subnet)) = at else {
            // Not even the network is known.
            return self.anywhere.clone();
        };
        let known = self.by_network.get(network as usize)?.clone();
        known.or_else(|| {
            let anywhere = self.anywhere.as_ref()?;
            let subnet = inventory.networks.get(network)?.subnets.get(subnet as usize)?;
            let lost = lost_route(inventory, network, subnet)?;
            Some(Unseen {
                why: Arc::from(format!("{lost}, and {}", anywhere.why)),
                range: anywhere.range.clone(),
            })
        })
    }
}

/// What was not read and may hold a firewall that reaches a network.
fn around<'i>(
    inventory: &'i Inventory,
    network: &'i VirtualNetwork,
    peered_from: impl Iterator<Item = &'i ResourceId>,
    anywhere: Option<&Unseen>,
) -> Option<Unseen> {
    let hub = inventory.hub_connection(&network.id);
    let mut networks: Vec<(&ResourceId, Option<&Peering>)> = vec![(&network.id, None)];
    for peering in network.peerings.iter().filter(|peering| is_connected(peering)) {
        let explained = |remote: &&ResourceId| hub.is_some() && is_hub_network(remote);
        networks.extend(
            peering
                .remote
                .iter()
                .filter(|remote| !explained(remote))
                .map(|remote| (remote, Some(peering))),
        );
    }
    networks.extend(peered_from.map(|other| (other, None)));
    let beside = hub.into_iter().flat_map(|hub| beside_on_hub(inventory, hub));
    networks.extend(beside.map(|other| (other, None)));
    let firsts = networks.iter().enumerate().filter(|(at, (id, _))| {
        let mut before = networks.iter().take(*at);
        !before.any(|(other, _)| other == id)
    });
    let in_networks = firsts
        .map(|(_, found)| *found)
        .filter_map(|(id, peering)| in_network(inventory, id, peering));
    let in_hub = hub.and_then(|hub| in_hub(inventory, hub));
    let unknown = network.unread.as_ref().zip(anywhere).map(|(why, anywhere)| Unseen {
        why: Arc::from(format!("{why}, and {}", anywhere.why)),
        range: anywhere.range.clone(),
    });
    in_networks.chain(in_hub).chain(unknown).reduce(together)
}

/// Either of two: it may stand at the addresses of both.
fn together(one: Unseen, other: Unseen) -> Unseen {
    Unseen {
        why: one.why,
        range: match (one.range, other.range) {
            (Ok(one), Ok(other)) => Ok(one.union(&other)),
            (Err(why), _) | (_, Err(why)) => Err(why),
        },
    }
}

/// The other networks on the hub of a network.
fn beside_on_hub<'i>(inventory: &'i Inventory, own: &'i HubConnection) -> impl Iterator<Item = &'i ResourceId> {
    let hub = own.id.parent();
    let connections = inventory.hub_connections.iter();
    connections
        .filter(move |other| other.id.parent() == hub && other.network != own.network)
        .map(|other| &other.network)
}

/// A firewall that may stand in a network.
fn in_network(inventory: &Inventory, id: &ResourceId, peering: Option<&Peering>) -> Option<Unseen> {
    let reason = inventory.coverage.unread(id.subscription(), FIREWALLS)?;
    let reserved = id.child("subnets", FIREWALL_SUBNET);
    if inventory
        .firewalls
        .iter()
        .any(|firewall| firewall.subnets.contains(&reserved))
    {
        // There is room for one.
        return None;
    }
    let network = inventory.networks.find(id);
    let subnet = inventory.subnet(&reserved).map(|(_, subnet)| subnet);
    let whole = network.is_some_and(|network| network.unread.is_none() && network.address_space.known().is_some());
    if whole && subnet.is_none() {
        return None;
    }
    let space = match (subnet, peering) {
        (Some(subnet), _) => subnet.prefixes.known(),
        (None, Some(peering)) => peering.remote_space.known().filter(|ranges| !ranges.is_empty()),
        (None, None) => None,
    };
    let what = match network {
        Some(_) => "firewalls in virtual network",
        None if is_hub_network(id) => "firewalls in the virtual hub behind",
        None => "firewalls in virtual network",
    };
    Some(Unseen {
        why: Arc::from(format!("{what} `{}` were not read: {reason}", id.name())),
        range: space
            .map(|ranges| AddressSet::from_ranges(ranges.iter().copied()))
            .ok_or_else(|| Arc::from("the subnet of the firewall is not in the input")),
    })
}

/// A firewall that may stand in the virtual hub of a network.
fn in_hub(inventory: &Inventory, connection: &HubConnection) -> Option<Unseen> {
    let hub = connection.id.parent()?;
    let reason = inventory.coverage.unread(hub.subscription(), FIREWALLS)?;
    let stands = |firewall: &crate::model::Firewall| firewall.virtual_hub.as_ref() == Some(&hub);
    if inventory.firewalls.iter().any(stands) {
        return None;
    }
    Some(Unseen {
        why: Arc::from(format!(
            "firewalls in virtual hub `{}` were not read: {reason}",
            hub.name()
        )),
        range: hub_range(inventory, &hub).map(AddressSet::from_ranges),
    })
}

/// A route of a subnet to an appliance that stands in no network that was read.
fn lost_route(inventory: &Inventory, network: u32, subnet: &Subnet) -> Option<String> {
    let routes = super::environment::stated_routes(inventory, subnet)?;
    let own = inventory.networks.get(network)?;
    let hub = inventory
        .hub_connection(&own.id)
        .and_then(|connection| connection.id.parent());
    let of_hub = hub
        .and_then(|hub| inventory.virtual_hubs.find(&hub))
        .and_then(|hub| hub.prefixes.known());
    let appliances = routes
        .iter()
        .filter(|route| route.next_hop == Known::Known(NextHop::VirtualAppliance));
    let mut led = appliances.filter_map(|route| Some((route, route.next_hop_address?)));
    let lost = led.find(|(_, address)| {
        let in_hub = of_hub.is_some_and(|ranges| ranges.iter().any(|range| range.contains(*address)));
        !in_hub && holder(inventory, network, *address) == Holder::Nowhere
    });
    lost.map(|(route, address)| {
        format!(
            "route `{}` leads to {address}, where no network in the input is",
            route.name
        )
    })
}

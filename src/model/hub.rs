//! Virtual hubs of Virtual WAN, and Private Link services.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Known, Origin, ResourceId};
use crate::net::AddressRange;

/// A virtual hub. Its own addresses are those of what stands in it: gateways, a firewall, the router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualHub {
    pub id: ResourceId,
    pub prefixes: Known<Vec<AddressRange>>,
    pub origin: Origin,
}

/// A network that hangs on a virtual hub. The hub is the parent of the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubConnection {
    pub id: ResourceId,
    pub network: ResourceId,
    /// Whether the hub's default route reaches the network.
    pub internet_security: Known<bool>,
    pub origin: Origin,
}

/// What a hub sends through its firewall or appliance. The hub is the parent of the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutingIntent {
    pub id: ResourceId,
    /// Whether traffic for the internet is among it.
    pub internet: Known<bool>,
    /// Where that goes: a firewall or appliance of the hub.
    pub internet_hop: Option<ResourceId>,
    pub origin: Origin,
}

/// A service that offers a load balancer's frontend to networks of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateLinkService {
    pub id: ResourceId,
    pub frontends: Vec<ResourceId>,
    /// Addresses that machines see instead of the clients': the subnet of each, and itself where it is known.
    pub translated: Vec<(ResourceId, Option<IpAddr>)>,
    /// Private endpoints whose connection was approved, or the connections where they name none.
    pub endpoints: Known<Vec<ResourceId>>,
    /// Subscriptions whose endpoints need no approval; `*` for all.
    pub approved_unasked: Known<Vec<Arc<str>>>,
    pub origin: Origin,
}

/// Whether a network is one in which the service keeps a virtual hub, in a subscription of its own. A network that is
/// connected to a hub has a peering to it.
pub fn is_hub_network(network: &ResourceId) -> bool {
    let name = network.name();
    name.get(..3).is_some_and(|prefix| prefix.eq_ignore_ascii_case("HV_"))
}

//! Route tables.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Known, Origin, ResourceId, ServiceTag};
use crate::net::AddressRange;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTable {
    pub id: ResourceId,
    pub routes: Known<Vec<Route>>,
    pub bgp_propagation_disabled: bool,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub name: Arc<str>,
    pub prefix: Known<AddressRange>,
    /// A route whose prefix is a service tag.
    pub tag: Option<ServiceTag>,
    pub next_hop: Known<NextHop>,
    pub next_hop_address: Option<IpAddr>,
    pub origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NextHop {
    VirtualNetworkGateway,
    VnetLocal,
    Internet,
    VirtualAppliance,
    None,
}

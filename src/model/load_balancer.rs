//! Load balancers.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Known, Origin, ResourceId, Sku, Why};
use crate::net::ProtocolSet;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancer {
    pub id: ResourceId,
    pub sku: Known<Sku>,
    pub global: bool,
    pub frontends: Vec<Frontend>,
    pub pools: Vec<BackendPool>,
    pub rules: Vec<LoadBalancingRule>,
    pub nat_rules: Vec<InboundNatRule>,
    pub nat_pools: Vec<InboundNatPool>,
    /// Why it may have further rules, or lead elsewhere.
    pub unread: Option<Why>,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontend {
    pub id: ResourceId,
    pub public_ip: Option<ResourceId>,
    pub public_ip_prefix: Option<ResourceId>,
    pub private_address: Option<IpAddr>,
    pub subnet: Option<ResourceId>,
    /// A gateway balancer that traffic passes first, whose appliances may filter it.
    pub gateway: Option<ResourceId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendPool {
    pub id: ResourceId,
    pub members: Vec<PoolMember>,
    /// The front ports that the service gave to single members of NAT rules over a range.
    pub port_mappings: Vec<PortMapping>,
    pub network: Option<ResourceId>,
    /// Why it may have further members.
    pub unread: Option<Why>,
}

/// One front port of a NAT rule for a whole pool, and the member it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortMapping {
    pub member: PoolMember,
    /// Name of the inbound NAT rule.
    pub rule: Arc<str>,
    pub frontend_port: u16,
}

/// A member of a pool, by whichever name the pool gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolMember {
    IpConfiguration(ResourceId),
    Address {
        address: IpAddr,
        network: Option<ResourceId>,
    },
    /// A regional balancer behind a global one.
    Frontend(ResourceId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancingRule {
    pub name: Arc<str>,
    pub frontend: Option<ResourceId>,
    pub pools: Vec<ResourceId>,
    pub protocol: Known<ProtocolSet>,
    /// 0 means every port (high-availability ports).
    pub frontend_port: Known<u16>,
    pub backend_port: Known<u16>,
    pub floating_ip: Known<bool>,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundNatRule {
    pub id: ResourceId,
    pub frontend: Option<ResourceId>,
    pub protocol: Known<ProtocolSet>,
    /// The first and last frontend port; equal for a rule of one machine.
    pub frontend_ports: Known<(u16, u16)>,
    pub backend_port: Known<u16>,
    pub ip_configuration: Option<ResourceId>,
    pub pool: Option<ResourceId>,
    pub floating_ip: Known<bool>,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundNatPool {
    pub id: ResourceId,
    pub frontend: Option<ResourceId>,
    pub protocol: Known<ProtocolSet>,
    pub frontend_ports: Known<(u16, u16)>,
    pub backend_port: Known<u16>,
    pub floating_ip: Known<bool>,
    pub origin: Origin,
}

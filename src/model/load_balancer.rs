//! Load balancers.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Known, Origin, ResourceId, Sku, Why, WhyKind};
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
    /// It is stated more than once in different words: here is all that any statement says, of which some may not hold.
    pub disputed: Option<Why>,
    pub origin: Origin,
}

impl LoadBalancer {
    /// Takes in what another statement of it says. It leads where one of them leads, and nowhere else.
    pub fn unite(&mut self, other: LoadBalancer) {
        if self.sku != other.sku {
            let text = format!("`{}` is stated with more than one SKU", self.id.name());
            self.sku = Known::Unknown(Why::new(WhyKind::Conflict, text));
        }
        self.global |= other.global;
        add_new(&mut self.frontends, other.frontends);
        add_new(&mut self.rules, other.rules);
        add_new(&mut self.nat_rules, other.nat_rules);
        add_new(&mut self.nat_pools, other.nat_pools);
        for pool in other.pools {
            match self.pools.iter_mut().find(|known| known.id == pool.id) {
                Some(known) => known.unite(pool),
                None => self.pools.push(pool),
            }
        }
        self.unread = self.unread.take().or(other.unread);
    }
}

impl BackendPool {
    fn unite(&mut self, other: BackendPool) {
        if self.network != other.network {
            self.network = None;
        }
        add_new(&mut self.members, other.members);
        add_new(&mut self.port_mappings, other.port_mappings);
        self.unread = self.unread.take().or(other.unread);
    }
}

fn add_new<T: PartialEq>(known: &mut Vec<T>, others: Vec<T>) {
    for other in others {
        if !known.contains(&other) {
            known.push(other);
        }
    }
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

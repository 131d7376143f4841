//! Virtual networks, subnets, interfaces and addresses.

use std::net::IpAddr;
use std::sync::Arc;

use super::choices::{Choices, PEERING_ACCESS, UNSTATED_SKU};
use super::{Known, Origin, ResourceId, Why, WhyKind};
use crate::net::{AddressRange, Family};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    pub id: ResourceId,
    pub vm: Option<ResourceId>,
    pub nsg: Known<Option<ResourceId>>,
    pub ip_configurations: Known<Vec<IpConfiguration>>,
    pub ip_forwarding: bool,
    pub tcp_state_tracking_disabled: bool,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpConfiguration {
    pub name: Arc<str>,
    pub primary: bool,
    pub family: Family,
    pub private_address: Known<IpAddr>,
    pub subnet: Known<Option<ResourceId>>,
    pub public_ip: Option<PublicIpRef>,
    pub application_security_groups: Vec<ResourceId>,
    /// Why it may be in further groups.
    pub groups_unread: Option<Why>,
    pub backend_pools: Vec<ResourceId>,
    pub inbound_nat_rules: Vec<ResourceId>,
    pub inbound_nat_pools: Vec<ResourceId>,
    /// Why it may stand behind further load balancers.
    pub balancers_unread: Option<Why>,
    pub gateway_load_balancer: Option<ResourceId>,
    pub origin: Origin,
}

/// How an ip configuration names its public address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicIpRef {
    Id(ResourceId),
    /// Declared within the interface; the SKU where it is said.
    Inline {
        name: Arc<str>,
        sku: Known<Sku>,
    },
    /// There may be one: what the text says cannot be read.
    Unknown(Why),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sku {
    Basic,
    Standard,
}

impl Sku {
    /// The SKU that is stated; where none is, the one that is chosen. The error says why it is open.
    pub fn of<'k>(stated: &'k Known<Sku>, choices: &Choices) -> Result<Sku, &'k Why> {
        match stated {
            Known::Known(sku) => Ok(*sku),
            Known::Unknown(why) if why.kind != WhyKind::Unstated => Err(why),
            Known::Unknown(why) => match choices.of(&UNSTATED_SKU) {
                "basic" => Ok(Sku::Basic),
                "standard" => Ok(Sku::Standard),
                _ => Err(why),
            },
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Sku::Basic => "Basic",
            Sku::Standard => "Standard",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicIp {
    pub id: ResourceId,
    pub sku: Known<Sku>,
    pub address: Option<IpAddr>,
    pub family: Family,
    pub ip_configuration: Option<ResourceId>,
    pub nat_gateway: Option<ResourceId>,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualNetwork {
    pub id: ResourceId,
    pub location: Arc<str>,
    pub address_space: Known<Vec<AddressRange>>,
    pub subnets: Vec<Subnet>,
    pub peerings: Vec<Peering>,
    /// Why there may be further subnets and peerings.
    pub unread: Option<Why>,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    pub id: ResourceId,
    pub prefixes: Known<Vec<AddressRange>>,
    pub nsg: Known<Option<ResourceId>>,
    pub route_table: Known<Option<ResourceId>>,
    pub nat_gateway: Option<ResourceId>,
    pub delegations: Vec<Arc<str>>,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peering {
    pub name: Arc<str>,
    pub remote: Option<ResourceId>,
    /// `Connected`, `Initiated`, `Disconnected`.
    pub state: Known<Arc<str>>,
    pub allow_access: Known<bool>,
    pub allow_forwarded: bool,
    pub use_remote_gateways: Known<bool>,
    pub remote_space: Known<Vec<AddressRange>>,
    /// False when only named subnets are peered.
    pub complete: Known<bool>,
    pub local_subnets: Vec<Arc<str>>,
    pub remote_subnets: Vec<Arc<str>>,
    pub ipv6_only: Known<bool>,
    /// Why it may lead elsewhere.
    pub unread: Option<Why>,
    pub origin: Origin,
}

impl Peering {
    /// Whether the peer is part of the virtual network; where the peering does not say, as is chosen. The error says why
    /// it is open.
    pub fn allows_access(&self, choices: &Choices) -> Result<bool, &Why> {
        match &self.allow_access {
            Known::Known(allowed) => Ok(*allowed),
            Known::Unknown(why) if why.kind != WhyKind::Unstated => Err(why),
            Known::Unknown(why) => match choices.of(&PEERING_ACCESS) {
                "allowed" => Ok(true),
                "denied" => Ok(false),
                _ => Err(why),
            },
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationSecurityGroup {
    pub id: ResourceId,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bastion {
    pub id: ResourceId,
    pub sku: Option<Arc<str>>,
    pub subnets: Vec<ResourceId>,
    /// The network of a developer-tier host, which has no subnet.
    pub virtual_network: Option<ResourceId>,
    pub origin: Origin,
}

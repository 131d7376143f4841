//! Azure Firewalls: classic rules, policies, rule collection groups and IP groups.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Addresses, Known, Origin, Ports, ResourceId, Why};
use crate::net::{AddressRange, ProtocolSet};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firewall {
    pub id: ResourceId,
    pub policy: Option<ResourceId>,
    pub virtual_hub: Option<ResourceId>,
    pub subnets: Vec<ResourceId>,
    pub private_addresses: Vec<IpAddr>,
    pub public_ips: Vec<ResourceId>,
    /// Public addresses of a firewall in a hub, which have no resource of their own.
    pub hub_addresses: Vec<IpAddr>,
    /// Classic collections; empty where a policy rules.
    pub collections: Vec<RuleCollection>,
    /// Why it may have other rules, or stand elsewhere.
    pub unread: Option<Why>,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirewallPolicy {
    pub id: ResourceId,
    pub base: Option<ResourceId>,
    /// Ids of the groups the policy says it has; those not in the input are unknown.
    pub groups: Vec<ResourceId>,
    /// Why it may have other rules.
    pub unread: Option<Why>,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleCollectionGroup {
    pub id: ResourceId,
    pub priority: Known<u32>,
    pub collections: Vec<RuleCollection>,
    /// Why it may have other rules.
    pub unread: Option<Why>,
    pub origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RuleKind {
    Nat,
    Network,
    Application,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FirewallAction {
    Dnat,
    Snat,
    Allow,
    Deny,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleCollection {
    pub name: Arc<str>,
    pub kind: RuleKind,
    pub priority: Known<u32>,
    pub action: Known<FirewallAction>,
    pub rules: Vec<FirewallRule>,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirewallRule {
    pub name: Arc<str>,
    pub protocols: Known<ProtocolSet>,
    pub sources: Addresses,
    pub source_groups: Vec<ResourceId>,
    pub destinations: Addresses,
    pub destination_groups: Vec<ResourceId>,
    /// Names instead of addresses, which no configuration resolves.
    pub destination_names: Vec<Arc<str>>,
    pub destination_ports: Ports,
    pub translated_address: Option<IpAddr>,
    pub translated_name: Option<Arc<str>>,
    pub translated_port: Known<Option<u16>>,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpGroup {
    pub id: ResourceId,
    pub ranges: Known<Vec<AddressRange>>,
    pub origin: Origin,
}

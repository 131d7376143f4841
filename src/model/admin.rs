//! Security admin rules of Azure Virtual Network Manager.

use std::sync::Arc;

use super::{Addresses, Direction, Known, Origin, Ports, ResourceId};
use crate::net::ProtocolSet;

/// A collection and the groups it applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminRuleCollection {
    pub id: ResourceId,
    pub groups: Vec<ResourceId>,
    pub origin: Origin,
}

/// A network group; its static members are resources of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminGroup {
    pub id: ResourceId,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticMember {
    pub id: ResourceId,
    /// The virtual network or subnet.
    pub resource: ResourceId,
    pub origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AdminAccess {
    Allow,
    Deny,
    /// Delivers past every network security group.
    AlwaysAllow,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminRule {
    pub id: ResourceId,
    pub priority: Known<u32>,
    pub direction: Known<Direction>,
    pub access: Known<AdminAccess>,
    pub protocol: Known<ProtocolSet>,
    pub sources: Vec<AdminEndpoint>,
    pub destinations: Vec<AdminEndpoint>,
    pub source_ports: Ports,
    pub destination_ports: Ports,
    pub origin: Origin,
}

/// One source or destination: addresses, or a network group by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminEndpoint {
    Addresses(Addresses),
    Group(Arc<str>),
}

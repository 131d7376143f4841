//! Security admin rules of Azure Virtual Network Manager.

use std::sync::Arc;

use super::{Addresses, Direction, Known, Origin, Ports, ResourceId};
use crate::net::ProtocolSet;

/// A configuration: the unit that is deployed to a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminConfiguration {
    pub id: ResourceId,
    /// Which rules reach networks of services that manage their own network policies.
    pub on_service_networks: Known<OnServiceNetworks>,
    pub origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnServiceNetworks {
    None,
    AllowRulesOnly,
    All,
}

/// What a network manager answered about its deployments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployments {
    /// The manager that was asked; `None` where the recording does not say.
    pub manager: Option<ResourceId>,
    /// Every region is among the rows that has a deployment.
    pub whole: bool,
    pub rows: Vec<Deployment>,
}

/// What is deployed to one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// In the short form, such as `westeurope`.
    pub region: Arc<str>,
    /// Deployed without reserve; false while it is under way or after it failed.
    pub settled: Known<bool>,
    pub configurations: Vec<ResourceId>,
}

/// A rule as it is in force in a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveAdminRule {
    pub region: Arc<str>,
    pub rule: AdminRule,
}

/// All rules in force on one network, as the network answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveAdminRules {
    pub network: ResourceId,
    pub rules: Known<Vec<AdminRule>>,
}

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

impl AdminAccess {
    pub fn as_str(self) -> &'static str {
        match self {
            AdminAccess::Allow => "allow",
            AdminAccess::Deny => "deny",
            AdminAccess::AlwaysAllow => "always allow",
        }
    }
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
    /// The groups that a rule in force names itself; empty for a rule that is only a resource.
    pub groups: Vec<ResourceId>,
    pub origin: Origin,
}

impl AdminRule {
    /// The configuration that holds the rule.
    pub fn configuration(&self) -> Option<ResourceId> {
        self.id.parent()?.parent()
    }
}

/// One source or destination: addresses, or a network group by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminEndpoint {
    Addresses(Addresses),
    Group(Arc<str>),
}

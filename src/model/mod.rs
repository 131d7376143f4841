//! The estate as typed facts: what Azure resources say, with unknowns as values and the place of each statement.
//! Must not know any notation (JSON, HCL, Bicep) nor judge anything.

mod action;
mod admin;
pub mod choices;
mod compute;
mod coverage;
mod defender;
mod firewall;
mod hub;
mod id;
mod inventory;
mod jit;
mod known;
mod load_balancer;
mod network;
mod nsg;
mod route;
mod suppression;
mod tag;
mod tag_addresses;

pub use action::names_action;
pub use admin::{
    ActiveAdminRule, AdminAccess, AdminConfiguration, AdminEndpoint, AdminGroup, AdminRule, AdminRuleCollection,
    Deployment, Deployments, EffectiveAdminRules, OnServiceNetworks, StaticMember,
};
pub use choices::{Choices, Question};
pub use compute::{MachineKind, Os, ScaleSet, Vm};
pub use coverage::{Coverage, MissingType, SubscriptionCoverage};
pub use defender::{Assessment, Pricing};
pub use firewall::{
    Firewall, FirewallAction, FirewallPolicy, FirewallRule, IpGroup, RuleCollection, RuleCollectionGroup, RuleKind,
};
pub use hub::{HubConnection, PrivateLinkService, RoutingIntent, VirtualHub, is_hub_network};
pub use id::{PLACEHOLDER_SUBSCRIPTION, ResourceId, is_placeholder};
pub use inventory::{Inventory, Item};
pub use jit::{JitEntry, JitPolicy, JitPort, JitRequest};
pub use known::{Known, Why, WhyKind};
pub use load_balancer::{
    BackendPool, Frontend, InboundNatPool, InboundNatRule, LoadBalancer, LoadBalancingRule, PoolMember, PortMapping,
};
pub use network::{
    ApplicationSecurityGroup, Bastion, IpConfiguration, Nic, Peering, PublicIp, PublicIpRef, Sku, Subnet,
    VirtualNetwork,
};
pub use nsg::{Access, AddressTerm, Addresses, Direction, Nsg, Ports, SecurityRule, default_rules};
pub use route::{NextHop, Route, RouteTable};
pub use suppression::Suppression;
pub use tag::{ServiceTag, TagName};
pub use tag_addresses::{TagAddresses, TagExtent};

use std::sync::Arc;

use crate::source::Place;

/// Where a thing was stated; `None` for what no text said. Never part of what the thing *is*: two statements of the
/// same thing in two places are equal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin(pub Option<Place>);

impl PartialEq for Origin {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Origin {}

/// Name and value of each tag, in the order stated.
pub type Tags = Arc<[(Arc<str>, Arc<str>)]>;

//! Network security groups and their rules, as stated: never merged, never reordered.

use std::sync::Arc;

use super::{Known, Origin, ResourceId, ServiceTag, Why};
use crate::net::{AddressRange, PortSet, ProtocolSet};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nsg {
    pub id: ResourceId,
    /// Stated rules of both directions; unknown when the input leaves them out.
    pub rules: Known<Vec<SecurityRule>>,
    /// The three inbound and three outbound defaults: as recorded, or as Azure adds them.
    pub default_rules: Vec<SecurityRule>,
    pub flush_connection: bool,
    /// Subnets and interfaces that the group itself says it filters.
    pub attached_to: Vec<ResourceId>,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityRule {
    pub name: Arc<str>,
    /// 100 to 4096 for stated rules, 65000 to 65500 for defaults.
    pub priority: Known<u16>,
    pub direction: Known<Direction>,
    pub access: Known<Access>,
    pub protocol: Known<ProtocolSet>,
    pub sources: Addresses,
    pub source_ports: Ports,
    pub destinations: Addresses,
    pub destination_ports: Ports,
    pub description: Option<Arc<str>>,
    pub origin: Origin,
    /// Where the sources and the destination ports are stated: what a reader wants to see first.
    pub sources_origin: Origin,
    pub ports_origin: Origin,
}

impl SecurityRule {
    /// Stands for rules of which nothing is known.
    pub fn unknown(name: &str, why: &Why, origin: Origin) -> SecurityRule {
        let addresses = || Addresses {
            terms: vec![AddressTerm::Unknown(why.clone())],
        };
        let ports = || Ports {
            unknown: Some(why.clone()),
            ..Ports::default()
        };
        SecurityRule {
            name: Arc::from(name),
            priority: Known::Unknown(why.clone()),
            direction: Known::Unknown(why.clone()),
            access: Known::Unknown(why.clone()),
            protocol: Known::Unknown(why.clone()),
            sources: addresses(),
            source_ports: ports(),
            destinations: addresses(),
            destination_ports: ports(),
            description: None,
            origin,
            sources_origin: origin,
            ports_origin: origin,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    Inbound,
    Outbound,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    Allow,
    Deny,
}

impl Access {
    pub fn as_str(self) -> &'static str {
        match self {
            Access::Allow => "allow",
            Access::Deny => "deny",
        }
    }
}

/// One side of a rule: the union of its terms.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Addresses {
    pub terms: Vec<AddressTerm>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressTerm {
    /// `*`: both families.
    Any,
    Range(AddressRange),
    Tag(ServiceTag),
    Group(ResourceId),
    Unknown(Why),
}

/// The ports of one side of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Ports {
    pub set: PortSet,
    /// Some element could not be read: the set may be larger.
    pub unknown: Option<Why>,
}

impl Ports {
    pub fn any() -> Self {
        Ports {
            set: PortSet::full(),
            unknown: None,
        }
    }
}

impl Addresses {
    pub fn any() -> Self {
        Addresses {
            terms: vec![AddressTerm::Any],
        }
    }

    pub fn tag(tag: ServiceTag) -> Self {
        Addresses {
            terms: vec![AddressTerm::Tag(tag)],
        }
    }

    pub fn is_any(&self) -> bool {
        self.terms.contains(&AddressTerm::Any)
    }
}

/// The default rules of every network security group, inbound and outbound, under the names that the API returns.
pub fn default_rules() -> Vec<SecurityRule> {
    use Direction::{Inbound, Outbound};
    let vnet = || Addresses::tag(ServiceTag::VirtualNetwork);
    let balancer = || Addresses::tag(ServiceTag::AzureLoadBalancer);
    let internet = || Addresses::tag(ServiceTag::Internet);
    let any = Addresses::any;
    vec![
        default_rule("AllowVnetInBound", 65000, Inbound, Access::Allow, vnet(), vnet()),
        default_rule(
            "AllowAzureLoadBalancerInBound",
            65001,
            Inbound,
            Access::Allow,
            balancer(),
            any(),
        ),
        default_rule("DenyAllInBound", 65500, Inbound, Access::Deny, any(), any()),
        default_rule("AllowVnetOutBound", 65000, Outbound, Access::Allow, vnet(), vnet()),
        default_rule(
            "AllowInternetOutBound",
            65001,
            Outbound,
            Access::Allow,
            any(),
            internet(),
        ),
        default_rule("DenyAllOutBound", 65500, Outbound, Access::Deny, any(), any()),
    ]
}

fn default_rule(
    name: &str,
    priority: u16,
    direction: Direction,
    access: Access,
    sources: Addresses,
    destinations: Addresses,
) -> SecurityRule {
    SecurityRule {
        name: Arc::from(name),
        priority: Known::Known(priority),
        direction: Known::Known(direction),
        access: Known::Known(access),
        protocol: Known::Known(ProtocolSet::ANY),
        sources,
        source_ports: Ports::any(),
        destinations,
        destination_ports: Ports::any(),
        description: None,
        origin: Origin::default(),
        sources_origin: Origin::default(),
        ports_origin: Origin::default(),
    }
}

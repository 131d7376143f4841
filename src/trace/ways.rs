//! The ways in to one address of a machine: a public address of its own, load balancers, destination NAT of firewalls,
//! and private paths. A load balancer's outbound rules and a NAT gateway let nobody in.

use std::borrow::Cow;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::holds::{Holds, Reason};
use super::machine::{Estate, Target};
use super::nat::{self, Translation};
use super::unseen;
use crate::model::{
    BackendPool, Firewall, Frontend, Inventory, IpConfiguration, Known, LoadBalancer, Origin, PoolMember, PublicIpRef,
    ResourceId, Sku,
};
use crate::net::{AddressRange, Protocol, ProtocolSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// From the internet to a public address of the machine's own.
    PublicIp,
    /// Through a load balancer.
    LoadBalancer,
    /// Through a destination-NAT rule of a firewall.
    FirewallDnat,
    /// From the virtual network, its peers and what is connected to it.
    Private,
}

/// One way in.
pub struct WayIn<'i> {
    pub way: Way,
    pub front: Front<'i>,
    /// Why it may not exist, or lead elsewhere.
    pub doubt: Option<Reason<'i>>,
}

/// What stands outside.
pub enum Front<'i> {
    /// Private paths need nothing.
    None,
    /// Something that could not be read may lead here.
    Unread,
    /// A firewall whose rules could not be read may lead here; none where not even the firewall was.
    UnreadFirewall(Option<&'i Firewall>, Result<&'i [AddressRange], Reason<'i>>),
    PublicIp {
        id: Option<&'i ResourceId>,
        name: &'i str,
        sku: Sold<'i>,
    },
    Balancer(Balanced<'i>),
    Firewall(Translation<'i>),
}

/// The SKU, where it is known.
pub type Sold<'i> = Result<Sku, Reason<'i>>;

/// A rule of a load balancer that leads to a machine.
pub struct Balanced<'i> {
    pub balancer: &'i LoadBalancer,
    pub public_ip: &'i ResourceId,
    /// What kind of rule, in words.
    pub kind: &'static str,
    pub rule: &'i str,
    pub origin: Origin,
    pub protocol: &'i Known<ProtocolSet>,
    /// First and last port outside; none where it is the port on the machine.
    pub front_ports: Option<(u16, u16)>,
    /// Port on the machine; 0 stands for every port.
    pub backend_port: &'i Known<u16>,
    /// Groups see the frontend's address as the destination.
    pub floating: bool,
}

impl<'i> WayIn<'i> {
    /// Whether packets of a protocol come out at a port of the machine on this way.
    pub fn leads_to(&self, protocol: Protocol, port: u16) -> Holds<'i> {
        match &self.front {
            Front::None | Front::Unread | Front::UnreadFirewall(..) | Front::PublicIp { .. } => Holds::Yes,
            Front::Balancer(rule) => Holds::of(rule.protocol, |protocols| protocols.contains(protocol))
                .and(|| Holds::of(rule.backend_port, |back| *back == 0 || *back == port)),
            Front::Firewall(rule) => rule.leads_to(protocol, port),
        }
    }

    /// The SKU of the public side, which decides where no group filters.
    pub fn sold(&self, inventory: &'i Inventory) -> Option<Sold<'i>> {
        match &self.front {
            Front::PublicIp { sku, .. } => Some(sku.clone()),
            Front::Balancer(rule) => Some(sold(inventory, &rule.balancer.sku)),
            Front::None | Front::Unread | Front::UnreadFirewall(..) | Front::Firewall(_) => None,
        }
    }
}

impl<'i> WayIn<'i> {
    /// The machine as its groups see it on this way, where that is not by its own address.
    pub fn fronted(&self, estate: &Estate<'i>, target: &Target<'i>) -> Option<Target<'i>> {
        let Front::Balancer(rule) = &self.front else {
            return None;
        };
        let address = address_of(estate.inventory, Some(rule.public_ip));
        rule.floating.then(|| target.fronted_at(estate, address))
    }
}

fn sold<'i>(inventory: &'i Inventory, sku: &'i Known<Sku>) -> Sold<'i> {
    Sku::of(sku, &inventory.choices).map_err(|why| Cow::Borrowed(&*why.text))
}

/// Every way in to an address, those from the internet first.
pub fn ways<'i>(estate: &Estate<'i>, target: &Target<'i>) -> Vec<WayIn<'i>> {
    let mut ways: Vec<WayIn<'i>> = public_way(estate, target).into_iter().collect();
    for balancer in estate.inventory.load_balancers.iter() {
        balanced(target, balancer, &mut ways);
    }
    if let Some(why) = unread_balancers(estate.inventory, target) {
        ways.push(unread(Way::LoadBalancer, why));
    }
    nat::ways(estate, target, &mut ways);
    unseen::ways(estate.inventory, target, &mut ways);
    ways.push(WayIn {
        way: Way::Private,
        front: Front::None,
        doubt: None,
    });
    ways
}

fn unread(way: Way, why: Reason<'_>) -> WayIn<'_> {
    WayIn {
        way,
        front: Front::Unread,
        doubt: Some(why),
    }
}

fn public_way<'i>(estate: &Estate<'i>, target: &Target<'i>) -> Option<WayIn<'i>> {
    let front = match target.configuration.public_ip.as_ref()? {
        PublicIpRef::Unknown(why) => return Some(unread(Way::PublicIp, Cow::Borrowed(&why.text))),
        PublicIpRef::Inline { name, sku } => Front::PublicIp {
            id: None,
            name,
            sku: sold(estate.inventory, sku),
        },
        PublicIpRef::Id(id) => {
            let sku = match (estate.inventory.conflict(id), estate.inventory.public_ips.find(id)) {
                (Some(why), _) => Err(Cow::Borrowed(&*why.text)),
                (None, Some(ip)) => sold(estate.inventory, &ip.sku),
                (None, None) => Err(Cow::Owned(format!(
                    "public address {}",
                    estate.inventory.why_absent(id)
                ))),
            };
            Front::PublicIp {
                id: Some(id),
                name: id.name(),
                sku,
            }
        }
    };
    Some(WayIn {
        way: Way::PublicIp,
        front,
        doubt: None,
    })
}

/// The rules of one load balancer that lead to an address.
fn balanced<'i>(target: &Target<'i>, balancer: &'i LoadBalancer, ways: &mut Vec<WayIn<'i>>) {
    let mut add = |leads: Holds<'i>, floating: &'i Known<bool>, rule: Option<Balanced<'i>>| {
        let Some(rule) = rule.filter(|_| !leads.is_no()) else {
            return;
        };
        let floats = || floats(floating).and(|| moved(&rule));
        let doubt = leads.doubted(balancer.disputed.as_ref()).and(floats).why().cloned();
        ways.push(WayIn {
            way: Way::LoadBalancer,
            front: Front::Balancer(rule),
            doubt,
        });
    };
    let rule = |kind,
                name,
                origin,
                protocol,
                front_ports,
                backend_port,
                floating: &Known<bool>,
                frontend: &Option<ResourceId>| {
        let public_ip = public_address(balancer, frontend.as_ref())?;
        Some(Balanced {
            floating: *floating == Known::Known(true),
            balancer,
            public_ip,
            kind,
            rule: name,
            origin,
            protocol,
            front_ports,
            backend_port,
        })
    };
    for nat in &balancer.nat_rules {
        let configuration = target.configuration;
        let named =
            configuration.inbound_nat_rules.contains(&nat.id) || nat.ip_configuration.as_ref() == Some(&target.id);
        let leads = Holds::surely(named).or(|| {
            nat.pool
                .as_ref()
                .map_or(Holds::No, |pool| is_in_pool(target, balancer, pool))
        });
        let front = nat.frontend_ports.known().copied();
        let name = nat.id.name();
        let made = rule(
            "inbound NAT rule",
            name,
            nat.origin,
            &nat.protocol,
            front,
            &nat.backend_port,
            &nat.floating_ip,
            &nat.frontend,
        );
        add(leads, &nat.floating_ip, made);
    }
    for pool in &balancer.nat_pools {
        let leads = Holds::surely(target.configuration.inbound_nat_pools.contains(&pool.id));
        let front = pool.frontend_ports.known().copied();
        let name = pool.id.name();
        let made = rule(
            "inbound NAT pool",
            name,
            pool.origin,
            &pool.protocol,
            front,
            &pool.backend_port,
            &pool.floating_ip,
            &pool.frontend,
        );
        add(leads, &pool.floating_ip, made);
    }
    for balancing in &balancer.rules {
        let leads = Holds::any(balancing.pools.iter().map(|pool| is_in_pool(target, balancer, pool)));
        let front = balancing
            .frontend_port
            .known()
            .filter(|port| **port != 0)
            .map(|port| (*port, *port));
        let (name, ports) = (&*balancing.name, &balancing.backend_port);
        let made = rule(
            "load-balancing rule",
            name,
            balancing.origin,
            &balancing.protocol,
            front,
            ports,
            &balancing.floating_ip,
            &balancing.frontend,
        );
        add(leads, &balancing.floating_ip, made);
    }
}

/// Whether groups see the frontend's address or the machine's has to be known.
fn floats(floating: &Known<bool>) -> Holds<'_> {
    floating.why().map_or(Holds::Yes, Holds::unknown)
}

/// A frontend that floats keeps its port as well.
fn moved<'i>(rule: &Balanced<'_>) -> Holds<'i> {
    let single = rule.front_ports.filter(|(first, last)| first == last);
    let ports = single.zip(rule.backend_port.known());
    match ports.is_some_and(|((front, _), back)| rule.floating && front != *back) {
        true => Holds::Maybe(Cow::Borrowed(
            "the load balancer uses floating IP and another backend port, which Azure does not allow",
        )),
        false => Holds::Yes,
    }
}

/// The public address of a frontend; none where it is private.
fn public_address<'i>(balancer: &'i LoadBalancer, id: Option<&ResourceId>) -> Option<&'i ResourceId> {
    let named = balancer
        .frontends
        .iter()
        .filter(|frontend| id.is_none_or(|id| frontend.id == *id));
    let address = |frontend: &'i Frontend| frontend.public_ip.as_ref().or(frontend.public_ip_prefix.as_ref());
    named.filter_map(address).next()
}

/// Whether a target stands in a pool, which either side may say.
fn is_in_pool<'i>(target: &Target<'i>, balancer: &'i LoadBalancer, id: &ResourceId) -> Holds<'i> {
    if target.configuration.backend_pools.contains(id) {
        return Holds::Yes;
    }
    let Some(pool) = balancer.pools.iter().find(|pool| pool.id == *id) else {
        return Holds::No;
    };
    Holds::any(pool.members.iter().map(|member| is_member(target, member))).or(|| further_members(target, pool))
}

fn is_member<'i>(target: &Target<'i>, member: &'i PoolMember) -> Holds<'i> {
    match member {
        PoolMember::IpConfiguration(id) => Holds::surely(*id == target.id),
        PoolMember::Address { address, network } => target.may_be_at(*address).and(|| {
            network
                .as_ref()
                .map_or(Holds::Yes, |network| is_in_network(target, network))
        }),
        PoolMember::Frontend(_) => Holds::No,
    }
}

fn is_in_network<'i>(target: &Target<'i>, network: &ResourceId) -> Holds<'i> {
    match target.place.network {
        Some(own) => Holds::surely(own.id == *network),
        None => Holds::Maybe(Cow::Borrowed("the virtual network of the machine is not in the input")),
    }
}

fn further_members<'i>(target: &Target<'i>, pool: &'i BackendPool) -> Holds<'i> {
    let Some(why) = &pool.unread else { return Holds::No };
    let here = pool
        .network
        .as_ref()
        .map_or(Holds::Yes, |network| is_in_network(target, network));
    here.doubted(Some(why))
}

/// Why load balancers that could not be read may lead to a target.
fn unread_balancers<'i>(inventory: &'i Inventory, target: &Target<'i>) -> Option<Reason<'i>> {
    let configuration = target.configuration;
    if let Some(why) = &configuration.balancers_unread {
        return Some(Cow::Borrowed(&why.text));
    }
    let named = configuration
        .backend_pools
        .iter()
        .chain(&configuration.inbound_nat_rules);
    let mut named = named.chain(&configuration.inbound_nat_pools);
    let part = named.find_map(|part| unread_part(inventory, part));
    let balancer = || {
        inventory
            .load_balancers
            .iter()
            .find_map(|balancer| balancer.unread.as_ref())
    };
    part.or_else(|| balancer().map(|why| Cow::Borrowed(&*why.text)))
        .or_else(|| refused(inventory, configuration))
}

/// Pools list addresses of their network; those of its subscription were not read.
fn refused<'i>(inventory: &'i Inventory, configuration: &IpConfiguration) -> Option<Reason<'i>> {
    let subscription = configuration.subnet.known()?.as_ref()?.subscription();
    let reason = inventory
        .coverage
        .missing(subscription, "Microsoft.Network/loadBalancers")?;
    let text = format!("load balancers of subscription `{subscription}` were not read: {reason}");
    Some(Cow::Owned(text))
}

/// Why a pool or rule that a target names is not what it seems.
fn unread_part<'i>(inventory: &'i Inventory, part: &'i ResourceId) -> Option<Reason<'i>> {
    let id = part.parent().unwrap_or_else(|| part.clone());
    let Some(balancer) = inventory.load_balancers.find(&id) else {
        return Some(Cow::Owned(format!("load balancer {}", inventory.why_absent(&id))));
    };
    let mut known = (balancer.pools.iter().map(|pool| &pool.id))
        .chain(balancer.nat_rules.iter().map(|rule| &rule.id))
        .chain(balancer.nat_pools.iter().map(|pool| &pool.id));
    if known.any(|known| known == part) {
        return None;
    }
    Some(Cow::Owned(format!(
        "load balancer `{}` has no `{}`",
        id.name(),
        part.name()
    )))
}

/// The address of a public address resource, where it has one.
pub fn address_of(inventory: &Inventory, id: Option<&ResourceId>) -> Option<IpAddr> {
    inventory.public_ips.find(id?)?.address
}

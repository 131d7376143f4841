//! Ways in through load balancers, by the machine they lead to: rules for pools, NAT rules and pools, public and
//! internal frontends, global balancers in front of regional ones.

use std::net::IpAddr;
use std::sync::Arc;

use super::answer::FrontPort;
use super::translated::{Index, may_be, may_be_tcp};
use crate::model::{Frontend, InboundNatRule, Inventory, IpConfiguration, Known, LoadBalancer, PoolMember, ResourceId};
use crate::net::{AddressRange, PortSet, ProtocolSet};

/// One way through a load balancer to one machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BalancedWay {
    /// Index of the balancer in the inventory.
    pub balancer: u32,
    /// Index of the frontend within it.
    pub frontend: u32,
    pub front: FrontPort,
    /// The NAT rule for a whole pool, each member of which has a front port of its own.
    pub rule: Option<ResourceId>,
    /// Port on the machine; `None`: every port.
    pub port: Option<u16>,
    /// The frontend is a private address.
    pub internal: bool,
    /// Groups see the frontend's address as the destination, not the machine's (floating IP).
    pub floating: bool,
    /// Why the way cannot be decided, though it may be open.
    pub unsure: Option<Arc<str>>,
}

/// All ways through load balancers of an estate.
#[derive(Default)]
pub struct Balancers {
    pools: Index<ResourceId, BalancedWay>,
    nat_rules: Index<ResourceId, BalancedWay>,
    /// Front ports that single members of a pool have, by NAT rule.
    mapped: Index<ResourceId, (PoolMember, u16)>,
    /// Pools that name a member from their side: by ip configuration and by address.
    members: Index<ResourceId, ResourceId>,
    addresses: Index<IpAddr, (ResourceId, Option<ResourceId>)>,
    /// Rules of global balancers, by the regional frontend they lead to.
    global: Index<ResourceId, GlobalRule>,
    /// Balancers and pools that could not be read whole, with the network of their members where it is known.
    doubtful_pools: Vec<(Option<ResourceId>, Arc<str>)>,
}

/// A rule of a global balancer, which leads to the rules of a regional one that listen on its backend port.
#[derive(Clone, Debug)]
struct GlobalRule {
    balancer: u32,
    frontend: u32,
    front: FrontPort,
    /// Port on the regional frontend, `None` where it is unknown.
    port: Option<u16>,
    unsure: Option<Arc<str>>,
}

impl Balancers {
    pub fn of(inventory: &Inventory) -> Self {
        let mut all = Balancers::default();
        let balancers = || (0u32..).zip(inventory.load_balancers.iter());
        for (index, balancer) in balancers().filter(|(_, balancer)| balancer.global) {
            all.add_global(index, balancer);
        }
        for (index, balancer) in balancers() {
            all.add_members(balancer);
            all.add_rules(index, balancer);
        }
        all
    }

    fn add_members(&mut self, balancer: &LoadBalancer) {
        if let Some(why) = &balancer.unread {
            self.doubtful_pools.push((None, why.text.clone()));
        }
        for pool in &balancer.pools {
            if let Some(why) = &pool.unread {
                self.doubtful_pools.push((pool.network.clone(), why.text.clone()));
            }
            for mapping in &pool.port_mappings {
                let rule = balancer.id.child("inboundNatRules", &mapping.rule);
                let mapped = (mapping.member.clone(), mapping.frontend_port);
                self.mapped.entry(rule).or_default().push(mapped);
            }
            for member in &pool.members {
                match member {
                    PoolMember::IpConfiguration(id) => {
                        self.members.entry(id.clone()).or_default().push(pool.id.clone())
                    }
                    PoolMember::Address { address, network } => {
                        self.addresses
                            .entry(*address)
                            .or_default()
                            .push((pool.id.clone(), network.clone()));
                    }
                    PoolMember::Frontend(_) => {}
                }
            }
        }
    }

    /// The rules of a global balancer, whose members are frontends of regional ones.
    fn add_global(&mut self, index: u32, balancer: &LoadBalancer) {
        for rule in balancer.rules.iter().filter(|rule| may_be_tcp(&rule.protocol)) {
            let Some(frontend) = frontend_of(balancer, rule.frontend.as_ref()) else {
                continue;
            };
            let pools = balancer.pools.iter().filter(|pool| rule.pools.contains(&pool.id));
            for member in pools.flat_map(|pool| &pool.members) {
                let PoolMember::Frontend(regional) = member else {
                    continue;
                };
                self.global.entry(regional.clone()).or_default().push(GlobalRule {
                    balancer: index,
                    frontend,
                    front: front(rule.frontend_port.known().map(|port| (*port, *port))),
                    port: rule.backend_port.known().copied(),
                    unsure: conflict(balancer).or_else(|| floating_global(&rule.floating_ip)),
                });
            }
        }
    }

    fn add_rules(&mut self, index: u32, balancer: &LoadBalancer) {
        for rule in &balancer.rules {
            let port = rule.frontend_port.known().map(|port| (*port, *port));
            let ports = (front(port), rule.backend_port.known().copied());
            let floating = (&rule.protocol, &rule.floating_ip);
            let ways = self.ways(index, balancer, rule.frontend.as_ref(), ports, floating);
            for pool in &rule.pools {
                self.pools.entry(pool.clone()).or_default().extend(ways.iter().cloned());
            }
        }
        for rule in &balancer.nat_rules {
            let ports = (
                front(rule.frontend_ports.known().copied()),
                rule.backend_port.known().copied(),
            );
            let floating = (&rule.protocol, &rule.floating_ip);
            for way in self.ways(index, balancer, rule.frontend.as_ref(), ports, floating) {
                self.add_nat(rule, way);
            }
        }
        for pool in &balancer.nat_pools {
            let ports = (
                front(pool.frontend_ports.known().copied()),
                pool.backend_port.known().copied(),
            );
            let floating = (&pool.protocol, &pool.floating_ip);
            let ways = self.ways(index, balancer, pool.frontend.as_ref(), ports, floating);
            self.nat_rules.entry(pool.id.clone()).or_default().extend(ways);
        }
    }

    /// A way by an inbound NAT rule, found from each side that names the rule.
    fn add_nat(&mut self, rule: &InboundNatRule, way: BalancedWay) {
        let way = BalancedWay {
            rule: Some(rule.id.clone()),
            ..way
        };
        for id in [Some(&rule.id), rule.ip_configuration.as_ref()].into_iter().flatten() {
            self.nat_rules.entry(id.clone()).or_default().push(way.clone());
        }
        if let Some(pool) = &rule.pool {
            self.pools.entry(pool.clone()).or_default().push(way);
        }
    }

    /// The way that one rule makes for TCP, and those of global balancers that lead to its frontend. What is unknown of
    /// the protocol leaves open whether the rule does anything.
    fn ways(
        &self,
        index: u32,
        balancer: &LoadBalancer,
        id: Option<&ResourceId>,
        (front, back): (FrontPort, Option<u16>),
        (protocol, floating): (&Known<ProtocolSet>, &Known<bool>),
    ) -> Vec<BalancedWay> {
        if !may_be_tcp(protocol) {
            return Vec::new();
        }
        let floating = &doubted(protocol, floating);
        let Some(at) = frontend_of(balancer, id) else {
            return Vec::new();
        };
        let Some(frontend) = balancer.frontends.get(at as usize) else {
            return Vec::new();
        };
        let own = BalancedWay {
            balancer: index,
            frontend: at,
            front,
            rule: None,
            // Port 0 stands for every port.
            port: back.filter(|port| *port != 0),
            internal: !is_public(frontend),
            floating: *floating == Known::Known(true),
            unsure: conflict(balancer).or_else(|| doubt(front, back, floating)),
        };
        let global = self.global.get(&frontend.id).into_iter().flatten();
        let beyond: Vec<BalancedWay> = global.filter_map(|rule| rule.before(&own)).collect();
        std::iter::once(own).chain(beyond).collect()
    }

    /// The ways through load balancers to an ip configuration, in a stable order without repetition.
    pub fn balanced(
        &self,
        id: &ResourceId,
        configuration: &IpConfiguration,
        network: Option<&ResourceId>,
    ) -> Vec<BalancedWay> {
        let mut pools: Vec<&ResourceId> = configuration.backend_pools.iter().collect();
        pools.extend(self.members.get(id).into_iter().flatten());
        if let Known::Known(address) = configuration.private_address {
            let by_address = self.addresses.get(&address).into_iter().flatten();
            pools.extend(
                by_address
                    .filter(|(_, of)| of.is_none() || of.as_ref() == network)
                    .map(|(pool, _)| pool),
            );
        }
        let nat = configuration
            .inbound_nat_rules
            .iter()
            .chain(&configuration.inbound_nat_pools)
            .chain([id]);
        let nat = nat.filter_map(|id| self.nat_rules.get(id)).flatten();
        let pooled = pools.into_iter().filter_map(|pool| self.pools.get(pool)).flatten();
        let mut ways: Vec<BalancedWay> = nat.chain(pooled).cloned().collect();
        for way in &mut ways {
            way.front = self.mapped_port(way, id, configuration).unwrap_or(way.front);
            way.rule = None;
        }
        ways.sort_by_key(|way| {
            (
                way.balancer,
                way.frontend,
                way.port,
                way.front,
                way.floating,
                way.unsure.is_some(),
            )
        });
        ways.dedup();
        ways
    }

    /// The front port that a rule for a whole pool has for this member, where the service says it.
    fn mapped_port(&self, way: &BalancedWay, id: &ResourceId, configuration: &IpConfiguration) -> Option<FrontPort> {
        let mapped = self.mapped.get(way.rule.as_ref()?)?;
        let is_member = |member: &PoolMember| match member {
            PoolMember::IpConfiguration(member) => member == id,
            PoolMember::Address { address, .. } => configuration.private_address.known() == Some(address),
            PoolMember::Frontend(_) => false,
        };
        let found = mapped.iter().find(|(member, _)| is_member(member));
        found.map(|(_, port)| FrontPort::Port(*port))
    }

    /// Why load balancers that could not be read may lead to an ip configuration.
    pub fn doubt(
        &self,
        inventory: &Inventory,
        id: &ResourceId,
        configuration: &IpConfiguration,
        prefixes: Option<&[AddressRange]>,
        network: Option<&ResourceId>,
    ) -> Option<Arc<str>> {
        if let Some(why) = &configuration.balancers_unread {
            return Some(why.text.clone());
        }
        let named = configuration
            .backend_pools
            .iter()
            .chain(&configuration.inbound_nat_rules);
        let named = named
            .chain(&configuration.inbound_nat_pools)
            .chain(self.members.get(id).into_iter().flatten());
        let by_name = named.into_iter().find_map(|part| unread_balancer(inventory, part));
        let may_hold = |(of, why): &(Option<ResourceId>, Arc<str>)| {
            let elsewhere = of
                .as_ref()
                .is_some_and(|of| network.is_some_and(|network| of != network));
            (!elsewhere).then(|| why.clone())
        };
        let placeless = configuration
            .private_address
            .known()
            .filter(|address| network.is_none() && self.addresses.contains_key(*address));
        if placeless.is_some() {
            return Some(Arc::from("the virtual network of the machine is not in the input"));
        }
        let by_address = configuration
            .private_address
            .why()
            .filter(|_| self.addresses.keys().any(|address| may_be(*address, prefixes)));
        let by_name = by_name.or_else(|| by_address.map(|why| why.text.clone()));
        let doubtful = by_name.or_else(|| self.doubtful_pools.iter().find_map(may_hold));
        doubtful.or_else(|| refused_balancers(inventory, configuration))
    }
}

/// Why load balancers may lead to an ip configuration that does not name them: pools list addresses of their network, and
/// those of its subscription were not read.
fn refused_balancers(inventory: &Inventory, configuration: &IpConfiguration) -> Option<Arc<str>> {
    let subnet = configuration.subnet.known()?.as_ref()?;
    let subscription = subnet.subscription();
    let reason = inventory
        .coverage
        .missing(subscription, "microsoft.network/loadbalancers")?;
    Some(Arc::from(format!(
        "load balancers of subscription `{subscription}` were not read: {reason}"
    )))
}

/// Why a pool or rule of a load balancer that somebody names is not what it seems.
fn unread_balancer(inventory: &Inventory, part: &ResourceId) -> Option<Arc<str>> {
    let id = part.parent().unwrap_or_else(|| part.clone());
    let Some(balancer) = inventory.load_balancers.find(&id) else {
        return Some(Arc::from(format!("load balancer {}", inventory.why_absent(&id))));
    };
    if let Some(why) = &balancer.unread {
        return Some(why.text.clone());
    }
    let pools = balancer.pools.iter().map(|pool| &pool.id);
    let rules = balancer.nat_rules.iter().map(|rule| &rule.id);
    let mut parts = pools.chain(rules).chain(balancer.nat_pools.iter().map(|pool| &pool.id));
    let known = parts.any(|known| known == part);
    (!known).then(|| Arc::from(format!("load balancer `{}` has no `{}`", id.name(), part.name())))
}

impl GlobalRule {
    /// The way through the global balancer and on to a regional rule; `None` where that listens on another port.
    fn before(&self, regional: &BalancedWay) -> Option<BalancedWay> {
        let listens = match (regional.front, self.port) {
            (FrontPort::Port(port), Some(global)) => Some(port == global),
            (FrontPort::Within(first, last), Some(global)) => (global < first || global > last).then_some(false),
            (FrontPort::Same, Some(0)) => Some(true),
            (FrontPort::Same, Some(_)) | (FrontPort::Unknown, _) | (_, None) => None,
        };
        let vague =
            || Arc::from("whether the global load balancer leads to this rule of the regional one is not known");
        let floats = || Arc::from("what groups see behind a global load balancer and a floating IP is not documented");
        (listens != Some(false)).then(|| BalancedWay {
            balancer: self.balancer,
            frontend: self.frontend,
            front: self.front,
            internal: false,
            floating: false,
            rule: None,
            port: regional.port,
            unsure: self
                .unsure
                .clone()
                .or_else(|| regional.unsure.clone())
                .or_else(|| listens.is_none().then(vague))
                .or_else(|| regional.floating.then(floats)),
        })
    }
}

/// What was stated twice in different words is not relied on.
fn conflict(balancer: &LoadBalancer) -> Option<Arc<str>> {
    balancer.disputed.as_ref().map(|why| why.text.clone())
}

fn is_public(frontend: &Frontend) -> bool {
    frontend.public_ip.is_some() || frontend.public_ip_prefix.is_some()
}

/// The index of the frontend of a rule; of one that names none, a public frontend before an internal one.
fn frontend_of(balancer: &LoadBalancer, id: Option<&ResourceId>) -> Option<u32> {
    let is = |(_, frontend): &(u32, &Frontend)| id.is_none_or(|id| frontend.id == *id);
    let all = || (0u32..).zip(&balancer.frontends).filter(is);
    let public = all().find(|(_, frontend)| is_public(frontend));
    public.or_else(|| all().next()).map(|(index, _)| index)
}

fn floating_global(floating: &Known<bool>) -> Option<Arc<str>> {
    match floating {
        Known::Known(_) => None,
        Known::Unknown(why) => Some(why.text.clone()),
    }
}

/// Port 0 stands for every port, each of which stays as it is.
fn front(ports: Option<(u16, u16)>) -> FrontPort {
    match ports {
        None => FrontPort::Unknown,
        Some((0, _)) => FrontPort::Same,
        Some((first, last)) if first == last => FrontPort::Port(first),
        Some((first, last)) => FrontPort::Within(first, last),
    }
}

/// Whether a rule keeps the frontend's address; unknown where it is unknown whether it is a rule for TCP at all.
fn doubted(protocol: &Known<ProtocolSet>, floating: &Known<bool>) -> Known<bool> {
    match protocol {
        Known::Known(_) => floating.clone(),
        Known::Unknown(why) => Known::Unknown(why.clone()),
    }
}

/// Why it is not sure what a rule leads to.
fn doubt(front: FrontPort, back: Option<u16>, floating: &Known<bool>) -> Option<Arc<str>> {
    let moved = matches!((front, back), (FrontPort::Port(front), Some(back)) if front != back);
    match floating {
        Known::Unknown(why) => Some(why.text.clone()),
        Known::Known(true) if moved => Some(Arc::from(
            "the load balancer uses floating IP and another backend port, which Azure does not allow",
        )),
        Known::Known(_) if back.is_none() => Some(Arc::from("the backend port of the load balancer's rule is unknown")),
        Known::Known(_) => None,
    }
}

impl BalancedWay {
    /// Whether it leads to a port of the machine.
    pub fn leads_to(&self, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
    }

    /// Whether the frontend listens on one of the ports for what goes to `port` of the machine.
    pub fn listens(&self, port: u16, ports: &PortSet) -> bool {
        match self.front {
            FrontPort::Same => ports.contains(port),
            FrontPort::Port(front) => ports.contains(front),
            FrontPort::Within(first, last) => ports.intersects(&PortSet::range(first, last)),
            FrontPort::Unknown => true,
        }
    }
}

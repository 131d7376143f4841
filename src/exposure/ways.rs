//! Ways in that lead through something else: load balancers and destination NAT of firewalls, by the machine they
//! lead to. Public addresses of a machine's own and private paths need no index.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::answer::FrontPort;
use super::compile::{Truth, truth};
use super::neighbours::{Holder, connected, holder};
use crate::model::{
    AddressTerm, Addresses, Firewall, FirewallAction, FirewallRule, Frontend, Inventory, IpConfiguration, Known,
    LoadBalancer, Origin, PoolMember, Ports, ResourceId, RuleCollection, RuleKind, Sku, Why, WhyKind,
};
use crate::net::{AddressRange, PortSet, Protocol, ProtocolSet};

type Index<K, V> = HashMap<K, Vec<V>, foldhash::fast::RandomState>;

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
    /// Why the way cannot be decided, though it may be open.
    pub unsure: Option<Arc<str>>,
}

/// One destination NAT rule that leads to one machine.
#[derive(Clone, Debug)]
pub struct TranslatedWay {
    pub firewall: u32,
    pub collection: Arc<str>,
    pub rule: FirewallRule,
    /// The ports of the machine that it leads to.
    pub ports: PortSet,
    /// Nothing states the rule: something in the firewall could not be read, and there may be such a one.
    pub doubtful: bool,
    /// Another rule may take the traffic first, or something in this one is unknown.
    pub unsure: Option<Arc<str>>,
}

/// All indirect ways of an estate.
#[derive(Default)]
pub struct Ways {
    pools: Index<ResourceId, BalancedWay>,
    nat_rules: Index<ResourceId, BalancedWay>,
    /// Front ports that single members of a pool have, by NAT rule.
    mapped: Index<ResourceId, (PoolMember, u16)>,
    /// Pools that name a member from their side: by ip configuration and by address.
    members: Index<ResourceId, ResourceId>,
    addresses: Index<IpAddr, (ResourceId, Option<ResourceId>)>,
    translated: Index<IpAddr, TranslatedWay>,
    /// Firewalls with rules that could not be read.
    doubtful: Vec<TranslatedWay>,
    /// Balancers and pools that could not be read whole, with the network of their members where it is known.
    doubtful_pools: Vec<(Option<ResourceId>, Arc<str>)>,
}

impl Ways {
    pub fn of(inventory: &Inventory) -> Self {
        let mut ways = Ways::default();
        for (index, balancer) in (0u32..).zip(inventory.load_balancers.iter()) {
            ways.add_balancer(index, balancer);
        }
        for (index, firewall) in (0u32..).zip(inventory.firewalls.iter()) {
            ways.add_firewall(inventory, index, firewall);
        }
        ways
    }

    fn add_balancer(&mut self, index: u32, balancer: &LoadBalancer) {
        // What was stated twice in different words is not relied on.
        let unsure = balancer
            .unread
            .as_ref()
            .filter(|why| why.kind == WhyKind::Conflict)
            .map(|why| why.text.clone());
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
        let way = |frontend: &Option<ResourceId>| {
            public_frontend(balancer, frontend.as_ref()).map(|frontend| BalancedWay {
                balancer: index,
                frontend,
                front: FrontPort::Same,
                rule: None,
                port: None,
                unsure: unsure.clone(),
            })
        };
        for rule in balancer.rules.iter().filter(|rule| may_be_tcp(&rule.protocol)) {
            let Some(way) = way(&rule.frontend) else { continue };
            let front = front(rule.frontend_port.known().map(|port| (*port, *port)));
            let way = with_ports(way, (front, rule.backend_port.known().copied()), &rule.floating_ip);
            for pool in &rule.pools {
                self.pools.entry(pool.clone()).or_default().push(way.clone());
            }
        }
        for rule in balancer.nat_rules.iter().filter(|rule| may_be_tcp(&rule.protocol)) {
            let Some(way) = way(&rule.frontend) else { continue };
            let front = front(rule.frontend_ports.known().copied());
            let way = BalancedWay {
                rule: Some(rule.id.clone()),
                ..with_ports(way, (front, rule.backend_port.known().copied()), &rule.floating_ip)
            };
            self.nat_rules.entry(rule.id.clone()).or_default().push(way.clone());
            if let Some(id) = &rule.ip_configuration {
                self.nat_rules.entry(id.clone()).or_default().push(way.clone());
            }
            if let Some(pool) = &rule.pool {
                self.pools.entry(pool.clone()).or_default().push(way);
            }
        }
        for pool in balancer.nat_pools.iter().filter(|pool| may_be_tcp(&pool.protocol)) {
            let Some(way) = way(&pool.frontend) else { continue };
            let front = front(pool.frontend_ports.known().copied());
            let way = with_ports(way, (front, pool.backend_port.known().copied()), &pool.floating_ip);
            self.nat_rules.entry(pool.id.clone()).or_default().push(way);
        }
    }

    fn add_firewall(&mut self, inventory: &Inventory, index: u32, firewall: &Firewall) {
        if let Some(why) = unread_policies(inventory, firewall) {
            let way = TranslatedWay {
                firewall: index,
                collection: Arc::from(""),
                rule: any_rule(),
                ports: PortSet::full(),
                doubtful: true,
                unsure: Some(why.text),
            };
            self.doubtful.push(way);
        }
        let collections = collections(inventory, firewall);
        let rules: Vec<(&RuleCollection, &FirewallRule)> = collections
            .iter()
            .filter(|collection| collection.kind == RuleKind::Nat)
            .filter(|collection| {
                collection
                    .action
                    .known()
                    .is_none_or(|action| *action == FirewallAction::Dnat)
            })
            .flat_map(|collection| collection.rules.iter().map(move |rule| (*collection, rule)))
            .collect();
        for (collection, rule) in &rules {
            let Some(address) = rule.translated_address else {
                continue;
            };
            let ports = match &rule.translated_port {
                Known::Known(Some(port)) => PortSet::range(*port, *port),
                Known::Known(None) if rule.destination_ports.unknown.is_none() => rule.destination_ports.set.clone(),
                _ => PortSet::full(),
            };
            if !may_be_tcp(&rule.protocols) {
                continue;
            }
            let rivals = rules.iter().filter(|(_, other)| takes_the_same(rule, other)).count() > 1;
            let unsure =
                rivals.then(|| Arc::from("several NAT rules of the firewall take the same destination and port"));
            self.translated.entry(address).or_default().push(TranslatedWay {
                firewall: index,
                collection: collection.name.clone(),
                rule: (*rule).clone(),
                ports,
                doubtful: false,
                unsure: unsure
                    .or_else(|| unknown_rule(rule))
                    .or_else(|| unknown_action(collection)),
            });
        }
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
        ways.sort_by_key(|way| (way.balancer, way.frontend, way.port, way.front, way.unsure.is_some()));
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

    /// The destination NAT rules that name a private address, or may, with the reason for the doubt; whether their
    /// firewall reaches it is [`TranslatedWay::leads`].
    pub fn translated(
        &self,
        address: &Known<IpAddr>,
        prefixes: Option<&[AddressRange]>,
    ) -> Vec<(&TranslatedWay, Option<Arc<str>>)> {
        let mut ways = match address {
            Known::Known(address) => self
                .translated
                .get(address)
                .into_iter()
                .flatten()
                .map(|way| (way, None))
                .collect(),
            Known::Unknown(why) => {
                let may = self
                    .translated
                    .iter()
                    .filter(|(address, _)| may_be(**address, prefixes));
                may.flat_map(|(_, ways)| ways)
                    .map(|way| (way, Some(why.text.clone())))
                    .collect::<Vec<_>>()
            }
        };
        ways.sort_by_key(|(way, _)| (way.firewall, way.collection.clone(), way.rule.name.clone()));
        ways.extend(self.doubtful.iter().map(|way| (way, None)));
        ways
    }

    /// Why load balancers that could not be read may lead to an ip configuration.
    pub fn balancer_doubt(
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
        by_name.or_else(|| self.doubtful_pools.iter().find_map(may_hold))
    }
}

/// Whether an address that the platform chooses may be this one.
fn may_be(address: IpAddr, prefixes: Option<&[AddressRange]>) -> bool {
    prefixes.is_none_or(|prefixes| prefixes.iter().any(|prefix| prefix.contains(address)))
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

/// A rule that takes everything.
fn any_rule() -> FirewallRule {
    FirewallRule {
        name: Arc::from("unknown"),
        protocols: Known::Known(ProtocolSet::ANY),
        sources: Addresses::any(),
        source_groups: Vec::new(),
        destinations: Addresses::any(),
        destination_groups: Vec::new(),
        destination_names: Vec::new(),
        destination_ports: Ports::any(),
        translated_address: None,
        translated_name: None,
        translated_port: Known::Known(None),
        origin: Origin::default(),
    }
}

fn unknown_action(collection: &RuleCollection) -> Option<Arc<str>> {
    collection.action.why().map(|why| why.text.clone())
}

/// The index of a frontend that a public address stands behind.
fn public_frontend(balancer: &LoadBalancer, id: Option<&ResourceId>) -> Option<u32> {
    let is = |frontend: &Frontend| id.is_none_or(|id| frontend.id == *id);
    let public = |frontend: &Frontend| frontend.public_ip.is_some() || frontend.public_ip_prefix.is_some();
    let found = (0u32..)
        .zip(&balancer.frontends)
        .find(|(_, frontend)| is(frontend) && public(frontend));
    found.map(|(index, _)| index)
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

fn with_ports(way: BalancedWay, (front, back): (FrontPort, Option<u16>), floating: &Known<bool>) -> BalancedWay {
    let unsure = if way.unsure.is_some() {
        way.unsure.clone()
    } else if let Known::Unknown(why) = floating {
        Some(why.text.clone())
    } else if *floating == Known::Known(true) {
        Some(Arc::from(
            "the load balancer uses floating IP: its frontend address, not the machine's, is what groups see",
        ))
    } else if back.is_none() {
        Some(Arc::from("the backend port of the load balancer's rule is unknown"))
    } else {
        None
    };
    // Port 0 stands for every port.
    let port = back.filter(|port| *port != 0);
    BalancedWay {
        front,
        port,
        unsure,
        ..way
    }
}

fn may_be_tcp(protocol: &Known<ProtocolSet>) -> bool {
    protocol.known().is_none_or(|set| set.contains(Protocol::Tcp))
}

fn takes_the_same(rule: &FirewallRule, other: &FirewallRule) -> bool {
    let ports = rule.destination_ports.set.intersects(&other.destination_ports.set);
    let any = rule.destinations.terms.is_empty() || other.destinations.terms.is_empty();
    let shared = rule
        .destinations
        .terms
        .iter()
        .any(|term| other.destinations.terms.contains(term));
    ports && (any || shared || rule.destinations.is_any() || other.destinations.is_any())
}

fn unknown_rule(rule: &FirewallRule) -> Option<Arc<str>> {
    let why = rule.protocols.why().or(rule.destination_ports.unknown.as_ref());
    why.map(|why: &Why| why.text.clone())
}

/// The rule collections that a firewall enforces: its own, or those of its policy and the policies it inherits from.
pub fn collections<'i>(inventory: &'i Inventory, firewall: &'i Firewall) -> Vec<&'i RuleCollection> {
    let mut collections: Vec<&RuleCollection> = firewall.collections.iter().collect();
    let mut policy = firewall.policy.clone();
    let mut seen = Vec::new();
    while let Some(id) = policy.take().filter(|id| !seen.contains(id)) {
        let of_policy = inventory
            .rule_collection_groups
            .iter()
            .filter(|group| group.id.parent().as_ref() == Some(&id));
        collections.extend(of_policy.flat_map(|group| &group.collections));
        policy = inventory
            .firewall_policies
            .find(&id)
            .and_then(|policy| policy.base.clone());
        seen.push(id);
    }
    collections
}

/// Why a firewall may have other rules than those in the input: it, or a policy it is run by, was not read whole.
pub fn unread_policies(inventory: &Inventory, firewall: &Firewall) -> Option<Why> {
    if let Some(why) = &firewall.unread {
        return Some(why.clone());
    }
    let mut policy = firewall.policy.clone();
    let mut seen = Vec::new();
    while let Some(id) = policy.take().filter(|id| !seen.contains(id)) {
        let Some(known) = inventory.firewall_policies.find(&id) else {
            return Some(inventory.why_absent(&id));
        };
        let mut groups = inventory
            .rule_collection_groups
            .iter()
            .filter(|group| group.id.parent().as_ref() == Some(&id));
        if let Some(why) = known
            .unread
            .as_ref()
            .or_else(|| groups.find_map(|group| group.unread.as_ref()))
        {
            return Some(why.clone());
        }
        if let Some(group) = known
            .groups
            .iter()
            .find(|group| inventory.rule_collection_groups.find(group).is_none())
        {
            let text = format!(
                "rule collection group `{}` of policy `{}` is not in the input",
                group.name(),
                id.name()
            );
            return Some(Why::new(WhyKind::NotInInput, text));
        }
        policy = known.base.clone();
        seen.push(id);
    }
    None
}

/// The range whose addresses a firewall puts in place of the client's.
pub fn translation_range(inventory: &Inventory, firewall: &Firewall) -> Option<Vec<AddressRange>> {
    let subnet = firewall.subnets.first()?;
    inventory.subnet(subnet)?.1.prefixes.known().cloned()
}

impl TranslatedWay {
    /// Whether an address means a machine of this network when the firewall translates to it. A rule that nothing
    /// states leads no farther than the firewall's own network and its peers.
    pub fn leads(
        &self,
        inventory: &Inventory,
        firewall: &Firewall,
        address: &Known<IpAddr>,
        network: Option<u32>,
    ) -> Truth {
        let stands = firewall
            .subnets
            .first()
            .and_then(|subnet| inventory.networks.position(&subnet.parent()?));
        let (Some(stands), Some(network)) = (stands, network) else {
            return Truth::Maybe;
        };
        let Some(address) = address.known() else {
            return connected(inventory, stands, network);
        };
        match holder(inventory, stands, *address) {
            Holder::Network(holder) => truth(holder == network),
            Holder::Unread if self.doubtful => connected(inventory, stands, network).min(Truth::Maybe),
            Holder::Nowhere if self.doubtful => Truth::No,
            Holder::Unread | Holder::Nowhere => Truth::Maybe,
        }
    }

    /// The port that a client calls: the only one of the rule, where it translates ports.
    pub fn front(&self) -> FrontPort {
        let ports = &self.rule.destination_ports;
        match (&self.rule.translated_port, ports.set.ranges()) {
            (Known::Known(None), _) => FrontPort::Same,
            (_, [(first, last)]) if ports.unknown.is_none() && first == last => FrontPort::Port(*first),
            (_, [(first, last)]) if ports.unknown.is_none() && !ports.set.is_full() => FrontPort::Within(*first, *last),
            _ => FrontPort::Unknown,
        }
    }

    /// The addresses that a client calls, where the rule states nothing else.
    pub fn destinations(&self) -> Vec<IpAddr> {
        let address = |term: &AddressTerm| match term {
            AddressTerm::Range(range) => range.single(),
            _ => None,
        };
        let stated: Option<Vec<IpAddr>> = self.rule.destinations.terms.iter().map(address).collect();
        stated
            .filter(|_| self.rule.destination_groups.is_empty())
            .unwrap_or_default()
    }

    /// What leads here, for a sentence.
    pub fn named(&self, firewall: &Firewall) -> String {
        if self.doubtful {
            format!(
                "a NAT rule of firewall `{}` that is not in the input",
                firewall.id.name()
            )
        } else {
            format!("NAT rule `{}/{}`", self.collection, self.rule.name)
        }
    }
}

/// The SKU of a balancer: Basic ones are open where no group filters.
pub fn balancer_sku(balancer: &LoadBalancer) -> &Known<Sku> {
    &balancer.sku
}

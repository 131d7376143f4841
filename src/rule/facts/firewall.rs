//! The Azure Firewalls in front of a machine as facts.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::vm::VmFacts;
use super::{texts, unknown};
use crate::exposure::{
    Holder, Truth, collections, holder, internet_route, learned_default, ordered, stated_routes, unread_policies,
};
use crate::model::{
    AddressTerm, Firewall, FirewallAction, FirewallRule, Inventory, Known, NextHop, ResourceId, RuleCollection,
    RuleKind, Subnet, VirtualNetwork,
};
use crate::net::Protocol;
use crate::rule::fact::Fact;

/// Firewalls by where they stand.
pub(super) struct Placed {
    by_network: HashMap<u32, Vec<u32>>,
    /// By the network that a firewall stands in (`None` in a virtual hub) and its address there.
    by_address: HashMap<(Option<u32>, IpAddr), u32>,
    /// Why a firewall may stand in a network that it does not name: its record could not be read.
    unplaced: Option<Arc<str>>,
    /// Networks with a firewall of which some address may not be known.
    addresses_unread: HashMap<u32, Arc<str>>,
    /// Addresses of interfaces and of load balancers, by network: what stands there is no Azure Firewall.
    others: HashSet<(u32, IpAddr)>,
}

impl Placed {
    pub fn of(inventory: &Inventory) -> Self {
        let mut placed = Placed {
            by_network: HashMap::new(),
            by_address: HashMap::new(),
            unplaced: None,
            addresses_unread: HashMap::new(),
            others: others(inventory),
        };
        for (index, firewall) in (0u32..).zip(inventory.firewalls.iter()) {
            let networks = networks_of(inventory, firewall);
            placed.note_unread(firewall, &networks);
            for network in &networks {
                placed.by_network.entry(*network).or_default().push(index);
            }
            for address in &firewall.private_addresses {
                placed.by_address.insert((networks.first().copied(), *address), index);
            }
        }
        placed
    }
}

impl Placed {
    /// Keeps why a firewall may stand elsewhere, or have other addresses, than its record says.
    fn note_unread(&mut self, firewall: &Firewall, networks: &[u32]) {
        let nowhere = firewall.subnets.is_empty() && firewall.virtual_hub.is_none();
        let why = match &firewall.unread {
            Some(why) => why.text.clone(),
            None if firewall.private_addresses.is_empty() => Arc::from(format!(
                "the private address of firewall `{}` is not in the input",
                firewall.id.name()
            )),
            None => return,
        };
        if nowhere {
            self.unplaced.get_or_insert_with(|| why.clone());
        }
        for network in networks {
            self.addresses_unread.entry(*network).or_insert_with(|| why.clone());
        }
    }
}

/// The networks that a firewall stands in. A subnet that is not listed with its network still names the network.
fn networks_of(inventory: &Inventory, firewall: &Firewall) -> Vec<u32> {
    let network = |subnet: &ResourceId| inventory.networks.position(&subnet.parent()?);
    let mut networks: Vec<u32> = firewall.subnets.iter().filter_map(network).collect();
    networks.sort_unstable();
    networks.dedup();
    networks
}

fn others(inventory: &Inventory) -> HashSet<(u32, IpAddr)> {
    let configurations = inventory
        .nics
        .iter()
        .filter_map(|nic| nic.ip_configurations.known())
        .flatten();
    let of_nics = configurations.filter_map(|c| Some((c.subnet.known()?.as_ref()?, *c.private_address.known()?)));
    let frontends = inventory.load_balancers.iter().flat_map(|balancer| &balancer.frontends);
    let of_frontends = frontends.filter_map(|frontend| Some((frontend.subnet.as_ref()?, frontend.private_address?)));
    let placed = of_nics.chain(of_frontends);
    placed
        .filter_map(|(subnet, address)| Some((inventory.subnet_position(subnet)?.0, address)))
        .collect()
}

/// The firewalls in front of a machine, and what could not be told.
struct Found {
    by_route: Vec<u32>,
    by_network: Vec<u32>,
    route_unknown: Option<Arc<str>>,
    network_unknown: Option<Arc<str>>,
}

fn find(facts: &VmFacts<'_, '_>) -> Found {
    let gap = facts.machine.gap.as_ref().map(|why| why.text.clone());
    let mut found = Found {
        by_route: Vec::new(),
        by_network: Vec::new(),
        route_unknown: gap.clone(),
        network_unknown: gap,
    };
    for target in &facts.machine.targets {
        match target.subnet {
            Some((network, subnet)) => {
                own_network(facts, network, &mut found);
                route(facts, network, subnet, &mut found);
            }
            None => {
                let why: Arc<str> = Arc::from("the subnet of the machine is not in the input");
                found.route_unknown.get_or_insert_with(|| why.clone());
                found.network_unknown.get_or_insert(why);
            }
        }
    }
    for list in [&mut found.by_route, &mut found.by_network] {
        list.sort_unstable();
        list.dedup();
    }
    found
}

/// The firewalls of the machine's own network. One can only stand in the subnet that Azure reserves for it.
fn own_network(facts: &VmFacts<'_, '_>, index: u32, found: &mut Found) {
    let inventory = facts.estate.inventory;
    let here = facts.estate.firewalls.by_network.get(&index).into_iter().flatten();
    found.by_network.extend(here);
    let Some(network) = inventory.networks.get(index) else {
        return;
    };
    let reserved = network.unread.is_some()
        || network
            .subnets
            .iter()
            .any(|subnet| subnet.id.name().eq_ignore_ascii_case("AzureFirewallSubnet"));
    let unread = unread(inventory, network).or_else(|| facts.estate.firewalls.unplaced.clone());
    if let Some(why) = unread.filter(|_| reserved) {
        found.network_unknown.get_or_insert(why);
    }
}

/// Why the firewalls of a network are not known.
fn unread(inventory: &Inventory, network: &VirtualNetwork) -> Option<Arc<str>> {
    let reason = inventory
        .coverage
        .missing(network.id.subscription(), "microsoft.network/azurefirewalls")?;
    Some(Arc::from(format!("Azure Firewalls were not read: {reason}")))
}

/// Follows the routes of a subnet that carry most of the internet.
fn route(facts: &VmFacts<'_, '_>, network: u32, subnet: u32, found: &mut Found) {
    let inventory = facts.estate.inventory;
    let Some(subnet) = inventory
        .networks
        .get(network)
        .and_then(|network| network.subnets.get(subnet as usize))
    else {
        return;
    };
    let Some(routes) = stated_routes(inventory, subnet) else {
        let why = || {
            Arc::from(format!(
                "the routes of subnet `{}` are not in the input",
                subnet.id.name()
            ))
        };
        found.route_unknown.get_or_insert_with(why);
        return;
    };
    let (hop, address) = match internet_route(routes) {
        Ok(Some(route)) => route,
        Ok(None) => return route_of_hub(facts, network, subnet, found),
        Err(why) => {
            found.route_unknown.get_or_insert(why);
            return;
        }
    };
    let (NextHop::VirtualAppliance, Some(address)) = (hop, address) else {
        return;
    };
    match appliance(facts, network, address) {
        Ok(firewall) => found.by_route.extend(firewall),
        Err(why) => {
            found.route_unknown.get_or_insert(why);
        }
    }
}

/// The firewall of a virtual hub to which the subnet learns its default route.
fn route_of_hub(facts: &VmFacts<'_, '_>, network: u32, subnet: &Subnet, found: &mut Found) {
    let inventory = facts.estate.inventory;
    let learned = inventory
        .networks
        .get(network)
        .and_then(|network| learned_default(inventory, network, subnet));
    let Some((hop, surely)) = learned else { return };
    match (surely, inventory.firewalls.position(hop)) {
        (Truth::Yes, Some(firewall)) => found.by_route.push(firewall),
        // An appliance of another kind is no Azure Firewall.
        (_, None) if hop.resource_type() != "microsoft.network/azurefirewalls" => {}
        _ => {
            let why = || {
                Arc::from(format!(
                    "whether virtual hub firewall `{}` is on the way to the internet is not known",
                    hop.name()
                ))
            };
            found.route_unknown.get_or_insert_with(why);
        }
    }
}

/// The firewall at the next hop of a route, `None` where something else stands there. An address means what the
/// machine's own network and its peers have at it, whatever stands at the same address elsewhere.
fn appliance(facts: &VmFacts<'_, '_>, network: u32, address: IpAddr) -> Result<Option<u32>, Arc<str>> {
    let (inventory, placed) = (facts.estate.inventory, &facts.estate.firewalls);
    let absent = || {
        Arc::from(format!(
            "the appliance {address} on the default route is not in the input"
        ))
    };
    let of_hub = placed.by_address.get(&(None, address));
    match holder(inventory, network, address) {
        Holder::Network(held) => match placed.by_address.get(&(Some(held), address)).or(of_hub) {
            Some(firewall) => Ok(Some(*firewall)),
            None if placed.others.contains(&(held, address)) => Ok(None),
            None if placed.addresses_unread.contains_key(&held) => {
                placed.addresses_unread.get(&held).cloned().map_or(Ok(None), Err)
            }
            None if placed.unplaced.is_some() => placed.unplaced.clone().map_or(Ok(None), Err),
            None if !inventory.coverage.whole => Err(absent()),
            None => inventory
                .networks
                .get(held)
                .and_then(|held| unread(inventory, held))
                .map_or(Ok(None), Err),
        },
        Holder::Unread | Holder::Nowhere if of_hub.is_some() => Ok(of_hub.copied()),
        Holder::Nowhere if inventory.coverage.whole => Ok(None),
        Holder::Unread | Holder::Nowhere => Err(absent()),
    }
}

pub(super) fn of_machine(facts: &VmFacts<'_, '_>) -> Fact {
    let found = find(facts);
    let all = all(&found);
    Fact::record([
        ("protects", protection(&found)),
        ("by_route", stands(&found.by_route, found.route_unknown.as_ref())),
        ("by_network", stands(&found.by_network, found.network_unknown.as_ref())),
        ("on_route", named(facts, &found.by_route)),
        ("in_network", named(facts, &found.by_network)),
        ("policy_managed", managed(facts, &all)),
        ("names", named(facts, &all)),
        ("allows", with_unread(allows(facts, &all), &found)),
    ])
}

/// Where it is not known whether a firewall stands there, neither is what it lets through.
fn with_unread(allows: Fact, found: &Found) -> Fact {
    match (protection(found), allows) {
        (Fact::Unknown(why), _) => Fact::Unknown(why),
        (_, allows) => allows,
    }
}

fn stands(firewalls: &[u32], unknown: Option<&Arc<str>>) -> Fact {
    match (firewalls.is_empty(), unknown) {
        (false, _) => Fact::Bool(true),
        (true, Some(why)) => Fact::Unknown(why.clone()),
        (true, None) => Fact::Bool(false),
    }
}

fn protection(found: &Found) -> Fact {
    stands(
        &all(found),
        found.network_unknown.as_ref().or(found.route_unknown.as_ref()),
    )
}

fn all(found: &Found) -> Vec<u32> {
    let mut all = [found.by_route.as_slice(), found.by_network.as_slice()].concat();
    all.sort_unstable();
    all.dedup();
    all
}

pub(super) fn protects(facts: &VmFacts<'_, '_>) -> Fact {
    protection(&find(facts))
}

/// Whether a firewall that a policy runs stands in front of a machine. Beside a network security group only the one
/// that the routes lead to does: another that merely stands in the network leaves the group, which is enough, alone.
pub(super) fn in_front_by_policy(facts: &VmFacts<'_, '_>, has_group: bool) -> Fact {
    let found = find(facts);
    let by_route = managed(facts, &found.by_route);
    let by_network = managed(facts, &found.by_network);
    match (by_route, by_network) {
        (Fact::Bool(true), _) => Fact::Bool(true),
        (_, Fact::Bool(true)) if !has_group => Fact::Bool(true),
        (_, Fact::Bool(true)) => found.route_unknown.map_or(Fact::Bool(false), Fact::Unknown),
        _ => Fact::Bool(false),
    }
}

fn named(facts: &VmFacts<'_, '_>, firewalls: &[u32]) -> Fact {
    let inventory = facts.estate.inventory;
    let found = firewalls.iter().filter_map(|index| inventory.firewalls.get(*index));
    texts(found.map(|firewall| firewall.id.name()))
}

fn managed(facts: &VmFacts<'_, '_>, firewalls: &[u32]) -> Fact {
    let by_policy = |firewall: &Firewall| firewall.policy.is_some() || firewall.virtual_hub.is_some();
    let firewalls = firewalls
        .iter()
        .filter_map(|index| facts.estate.inventory.firewalls.get(*index));
    Fact::Bool(firewalls.into_iter().any(by_policy))
}

fn allows(facts: &VmFacts<'_, '_>, firewalls: &[u32]) -> Fact {
    let inventory = facts.estate.inventory;
    let mut allows = Vec::new();
    for firewall in firewalls.iter().filter_map(|index| inventory.firewalls.get(*index)) {
        if let Some(why) = unread_policies(inventory, firewall) {
            return unknown(&why);
        }
        let network = ordered(inventory, firewall, RuleKind::Network);
        for collection in collections(inventory, firewall) {
            for rule in &collection.rules {
                let denied = |port| denied_before(facts, network.as_deref().unwrap_or_default(), rule, port);
                for port in facts.estate.exposures.ports.iter().filter(|port| !denied(**port)) {
                    allows.extend(allow(facts, firewall, collection, rule, *port));
                }
            }
        }
    }
    Fact::list(allows)
}

/// Whether a Deny rule that is asked before surely takes all that a network rule could let through to a port.
fn denied_before(facts: &VmFacts<'_, '_>, in_order: &[&RuleCollection], rule: &FirewallRule, port: u16) -> bool {
    let all = in_order
        .iter()
        .flat_map(|collection| collection.rules.iter().map(move |other| (collection, other)));
    let mut before = all.take_while(|(_, other)| !std::ptr::eq(*other, rule));
    if !in_order
        .iter()
        .any(|collection| collection.rules.iter().any(|other| std::ptr::eq(other, rule)))
    {
        return false;
    }
    before.any(|(collection, other)| {
        let covers_sources = other.source_groups.is_empty() && rule.source_groups.is_empty();
        let same = |term: &AddressTerm| !matches!(term, AddressTerm::Unknown(_)) && other.sources.terms.contains(term);
        let covers_sources = other.sources.is_any() || (covers_sources && rule.sources.terms.iter().all(same));
        let tcp = other.protocols.known().is_some_and(|set| set.contains(Protocol::Tcp));
        let target = facts
            .machine
            .targets
            .iter()
            .all(|target| target.meets(facts.estate.inventory, &other.destinations) == Truth::Yes);
        collection.action == Known::Known(FirewallAction::Deny)
            && covers_sources
            && tcp
            && target
            && other.destination_ports.set.contains(port)
    })
}

/// One rule that lets TCP through to a port of the machine.
fn allow(
    facts: &VmFacts<'_, '_>,
    firewall: &Firewall,
    collection: &RuleCollection,
    rule: &FirewallRule,
    port: u16,
) -> Option<Fact> {
    let (kind, reaches) = match collection.kind {
        RuleKind::Nat => ("nat", translates_to(facts, rule, port)),
        RuleKind::Network => ("network", forwards_to(facts, collection, rule, port)),
        RuleKind::Application => return None,
    };
    let tcp = rule.protocols.known().map_or(Truth::Maybe, |set| {
        if set.contains(Protocol::Tcp) {
            Truth::Yes
        } else {
            Truth::No
        }
    });
    let number = match reaches.min(tcp) {
        Truth::No => return None,
        Truth::Yes => Fact::Int(port.into()),
        Truth::Maybe => Fact::Unknown(Arc::from(format!(
            "whether firewall rule `{}` leads to the machine is not known",
            rule.name
        ))),
    };
    Some(Fact::record([
        ("port", number),
        ("firewall", Fact::text(firewall.id.name())),
        ("collection", Fact::Text(collection.name.clone())),
        ("rule", Fact::Text(rule.name.clone())),
        ("kind", Fact::text(kind)),
    ]))
}

fn translates_to(facts: &VmFacts<'_, '_>, rule: &FirewallRule, port: u16) -> Truth {
    let leads = match &rule.translated_port {
        Known::Known(Some(translated)) => *translated == port,
        Known::Known(None) => rule.destination_ports.set.contains(port),
        Known::Unknown(_) => return Truth::Maybe,
    };
    if !leads {
        return Truth::No;
    }
    let Some(address) = rule.translated_address else {
        return Truth::Maybe;
    };
    let targets = &facts.machine.targets;
    if targets.iter().any(|target| target.address.known() == Some(&address)) {
        return Truth::Yes;
    }
    if targets.iter().any(|target| target.address.known().is_none()) {
        Truth::Maybe
    } else {
        Truth::No
    }
}

fn forwards_to(facts: &VmFacts<'_, '_>, collection: &RuleCollection, rule: &FirewallRule, port: u16) -> Truth {
    match &collection.action {
        Known::Known(FirewallAction::Allow) => {}
        Known::Known(_) => return Truth::No,
        Known::Unknown(_) => return Truth::Maybe,
    }
    if !rule.destination_ports.set.contains(port) {
        return if rule.destination_ports.unknown.is_some() {
            Truth::Maybe
        } else {
            Truth::No
        };
    }
    let inventory = facts.estate.inventory;
    let direct = facts
        .machine
        .targets
        .iter()
        .map(|target| target.meets(inventory, &rule.destinations))
        .max();
    let grouped =
        rule.destination_groups
            .iter()
            .map(|group| match inventory.ip_groups.find(group).map(|g| &g.ranges) {
                Some(Known::Known(ranges)) => {
                    let terms = ranges
                        .iter()
                        .map(|range| crate::model::AddressTerm::Range(*range))
                        .collect();
                    let addresses = crate::model::Addresses { terms };
                    facts
                        .machine
                        .targets
                        .iter()
                        .map(|target| target.meets(inventory, &addresses))
                        .max()
                        .unwrap_or(Truth::No)
                }
                _ => Truth::Maybe,
            });
    let named = if rule.destination_names.is_empty() {
        Truth::No
    } else {
        Truth::Maybe
    };
    direct
        .into_iter()
        .chain(grouped)
        .chain([named])
        .max()
        .unwrap_or(Truth::No)
}

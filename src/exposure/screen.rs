//! Firewalls on private paths. Where the routes of a machine's subnet send its answer to a firewall, that firewall gives
//! no session to whom its network rules do not let through: it stops the first packet, or drops an answer to a packet
//! that it never saw.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::sync::Arc;

use super::analysis::Map;
use super::classify::rule_sources;
use super::compile::Truth;
use super::environment::{Bounds, Environment};
use super::neighbours::{firewall_at, is_connected};
use super::overruled::{covers_port, destination, is_action};
use super::translated::{collections, ordered, unread_policies};
use crate::model::{
    Firewall, FirewallAction, FirewallRule, Inventory, Known, NextHop, Peering, Route, RuleCollection, RuleKind,
    VirtualNetwork,
};
use crate::net::{AddressRange, AddressSet};

/// Ports whose protocol an application rule may let through by name.
const HTTP: [u16; 2] = [5985, 5986];

/// A firewall that gets the answers to some private sources.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Routed {
    /// By index.
    pub firewall: u32,
    pub sources: Bounds,
}

/// The firewalls to which the routes of a subnet send answers to private addresses. `learns` tells whether it may take up
/// longer routes that nothing lists.
pub fn routed(inventory: &Inventory, network: &VirtualNetwork, routes: &[Route], learns: bool) -> Vec<Routed> {
    let hop = |route: &Route| match (&route.next_hop, route.next_hop_address) {
        (Known::Known(NextHop::VirtualAppliance), Some(address)) => firewall_at(inventory, network, address),
        _ => None,
    };
    let mut firewalls: Vec<u32> = routes.iter().filter_map(hop).collect();
    firewalls.sort_unstable();
    firewalls.dedup();
    if firewalls.is_empty() {
        return Vec::new();
    }
    let (mut legs, all_known) = direct(inventory, network);
    let known = all_known && !learns && routes.iter().all(|route| route.prefix.known().is_some());
    for route in routes {
        if let Known::Known(range) = route.prefix {
            legs.push((range, hop(route).map_or(Leg::Elsewhere, Leg::Firewall)));
        }
    }
    // Widest first: a longer prefix then overwrites what a shorter one said, and a route what the platform says.
    legs.sort_by_key(|(range, leg)| (Reverse(AddressSet::from(*range).count()), leg.is_stated()));
    let of = |firewall| Routed {
        firewall,
        sources: sources(&legs, firewall, known),
    };
    firewalls
        .into_iter()
        .map(of)
        .filter(|routed| !routed.sources.may.is_empty())
        .collect()
}

/// Where a prefix leads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leg {
    /// To the network's own addresses, or a peer's.
    Direct,
    /// To what may be a peer's.
    PerhapsDirect,
    /// By a stated route, to a firewall or elsewhere.
    Firewall(u32),
    Elsewhere,
}

impl Leg {
    fn is_stated(self) -> bool {
        matches!(self, Leg::Firewall(_) | Leg::Elsewhere)
    }
}

fn sources(legs: &[(AddressRange, Leg)], firewall: u32, known: bool) -> Bounds {
    let mut sources = Bounds::default();
    for (range, leg) in legs {
        let range = AddressSet::from(*range);
        match leg {
            Leg::Firewall(to) if *to == firewall => sources.add(&range),
            Leg::PerhapsDirect => sources.must = sources.must.difference(&range),
            Leg::Direct | Leg::Elsewhere | Leg::Firewall(_) => {
                sources.must = sources.must.difference(&range);
                sources.may = sources.may.difference(&range);
            }
        }
    }
    if !known {
        sources.must = AddressSet::empty();
    }
    sources
}

/// The prefixes that the platform routes within a network and to its peers, and whether there are no others.
fn direct(inventory: &Inventory, network: &VirtualNetwork) -> (Vec<(AddressRange, Leg)>, bool) {
    let own = network.address_space.known();
    let mut known = own.is_some() && network.unread.is_none();
    let mut legs: Vec<(AddressRange, Leg)> = own.into_iter().flatten().map(|range| (*range, Leg::Direct)).collect();
    for peering in network.peerings.iter().filter(|peering| is_connected(peering)) {
        let remote = peering.remote.as_ref().and_then(|id| inventory.networks.find(id));
        let stated = peering.remote_space.known().filter(|ranges| !ranges.is_empty());
        let leg = if is_plain(inventory, peering) {
            Leg::Direct
        } else {
            Leg::PerhapsDirect
        };
        match stated.or_else(|| remote.and_then(|network| network.address_space.known())) {
            Some(ranges) => legs.extend(ranges.iter().map(|range| (*range, leg))),
            None => known = false,
        }
    }
    (legs, known)
}

/// Whether a peering surely connects the whole of both networks.
fn is_plain(inventory: &Inventory, peering: &Peering) -> bool {
    peering.state.known().is_some()
        && peering.unread.is_none()
        && peering.complete == Known::Known(true)
        && peering.ipv6_only == Known::Known(false)
        && peering.allows_access(&inventory.choices) == Ok(true)
}

/// The network rules of a firewall, in the order in which it asks them.
pub struct Screen<'i> {
    inventory: &'i Inventory,
    firewall: &'i Firewall,
    rules: Vec<(&'i RuleCollection, &'i FirewallRule)>,
    in_order: bool,
    /// Why it may have other rules.
    unread: Option<Arc<str>>,
    has_application_rules: bool,
}

pub(super) type Screens<'i> = Map<u32, Screen<'i>>;

/// Every firewall that gets answers of some subnet.
pub(super) fn screens<'i>(inventory: &'i Inventory, environments: &[Environment]) -> Screens<'i> {
    let routed = environments.iter().flat_map(|environment| &environment.routed);
    let screen = |routed: &Routed| {
        Some((
            routed.firewall,
            Screen::of(inventory, inventory.firewalls.get(routed.firewall)?),
        ))
    };
    routed.filter_map(screen).collect()
}

/// The private clients of an address for a port, as the firewalls on the way bear on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screened {
    pub clients: Bounds,
    /// Why the bounds differ.
    pub gaps: Vec<Arc<str>>,
    /// Names of the firewalls that keep somebody out.
    pub by: Vec<Arc<str>>,
}

impl<'i> Screen<'i> {
    fn of(inventory: &'i Inventory, firewall: &'i Firewall) -> Self {
        let all = collections(inventory, firewall);
        let in_order = ordered(inventory, firewall, RuleKind::Network);
        let network = in_order.clone().unwrap_or_else(|| all.clone());
        let of_kind = network
            .into_iter()
            .filter(|collection| collection.kind == RuleKind::Network);
        let of_application = |collection: &&RuleCollection| collection.kind == RuleKind::Application;
        Screen {
            inventory,
            firewall,
            rules: of_kind
                .flat_map(|collection| collection.rules.iter().map(move |rule| (collection, rule)))
                .collect(),
            in_order: in_order.is_some(),
            unread: unread_policies(inventory, firewall).map(|why| why.text),
            has_application_rules: all
                .iter()
                .filter(|one| of_application(one))
                .any(|one| !one.rules.is_empty()),
        }
    }

    /// How an address meets the destination of each rule, for keys.
    pub fn meets(&self, to: Option<IpAddr>) -> Box<[Truth]> {
        self.rules
            .iter()
            .map(|(_, rule)| destination(self.inventory, rule, to))
            .collect()
    }

    /// The sources that are let through to a port.
    fn lets_through(&self, meets: &[Truth], port: u16) -> Bounds {
        let mut asked = Asked::default();
        for ((collection, rule), meets) in self.rules.iter().zip(meets) {
            asked.ask(self.inventory, (collection, rule), covers_port(rule, port).min(*meets));
        }
        let mut let_through = asked.let_through;
        if !self.in_order {
            let_through = Bounds {
                must: asked.surely_allowed.difference(&asked.perhaps_denied),
                may: asked.perhaps_allowed,
            };
        }
        if self.has_application_rules && HTTP.contains(&port) {
            let_through.may = let_through.may.union(&asked.undecided);
        }
        if self.unread.is_some() {
            let_through = Bounds {
                must: AddressSet::empty(),
                may: AddressSet::full(),
            };
        }
        let_through
    }

    fn doubt(&self) -> Arc<str> {
        let name = self.firewall.id.name();
        Arc::from(match &self.unread {
            Some(why) => format!("what firewall `{name}` lets through is not known: {why}"),
            None => format!("whether firewall `{name}` lets it through is not known"),
        })
    }
}

/// The private clients of an address with these meetings, one a firewall of its environment.
pub(super) fn screened(
    screens: &Screens<'_>,
    environment: &Environment,
    meets: &[Box<[Truth]>],
    port: u16,
) -> Screened {
    let all = &environment.private_clients;
    let mut found = Screened {
        clients: Bounds::exact(all.clone()),
        gaps: Vec::new(),
        by: Vec::new(),
    };
    for (routed, meets) in environment.routed.iter().zip(meets) {
        let Some(screen) = screens.get(&routed.firewall) else {
            continue;
        };
        let through = screen.lets_through(meets, port);
        let perhaps_out = routed.sources.may.difference(&through.must).intersection(all);
        let out = routed.sources.must.difference(&through.may).intersection(all);
        if perhaps_out != out {
            found.gaps.push(screen.doubt());
        }
        if !out.is_empty() {
            found.by.push(Arc::from(screen.firewall.id.name()));
        }
        found.clients.must = found.clients.must.difference(&perhaps_out);
        found.clients.may = found.clients.may.difference(&out);
    }
    found
}

/// The rules asked so far.
struct Asked {
    let_through: Bounds,
    /// Sources about which no rule has surely decided.
    undecided: AddressSet,
    /// Sources that some rule allows or denies, whatever comes before.
    surely_allowed: AddressSet,
    perhaps_allowed: AddressSet,
    perhaps_denied: AddressSet,
}

impl Default for Asked {
    fn default() -> Self {
        Asked {
            let_through: Bounds::default(),
            undecided: AddressSet::full(),
            surely_allowed: AddressSet::empty(),
            perhaps_allowed: AddressSet::empty(),
            perhaps_denied: AddressSet::empty(),
        }
    }
}

impl Asked {
    fn ask(&mut self, inventory: &Inventory, (collection, rule): (&RuleCollection, &FirewallRule), covers: Truth) {
        if covers == Truth::No {
            return;
        }
        let (sources, unknown) = rule_sources(inventory, rule);
        let surely = covers == Truth::Yes && unknown.is_none();
        let allows = is_action(collection, FirewallAction::Allow);
        if allows != Truth::No {
            self.perhaps_allowed = self.perhaps_allowed.union(&sources);
            self.let_through.may = self.let_through.may.union(&self.undecided.intersection(&sources));
        }
        if allows != Truth::Yes {
            self.perhaps_denied = self.perhaps_denied.union(&sources);
        }
        if surely && allows == Truth::Yes {
            self.surely_allowed = self.surely_allowed.union(&sources);
            self.let_through.must = self.let_through.must.union(&sources.difference(&self.perhaps_denied));
        }
        if surely {
            self.undecided = self.undecided.difference(&sources);
        }
    }
}

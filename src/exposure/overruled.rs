//! Deny network rules of a firewall that cover what one of its NAT rules lets through. Documentation says both that they
//! stop it and that it is not subject to them, so whoever words an answer is told for whom it is disputed.

use std::net::IpAddr;
use std::sync::Arc;

use super::classify::rule_sources;
use super::compile::{Truth, holds, truth};
use super::environment::Bounds;
use super::translated::ordered;
use crate::model::{
    AddressTerm, Addresses, Firewall, FirewallAction, FirewallRule, Inventory, RuleCollection, RuleKind, ServiceTag,
};
use crate::net::{AddressSet, Protocol};

/// The clients whose translated packets a Deny network rule is the first to match.
#[derive(Debug, Default)]
pub struct Overruled {
    pub clients: Bounds,
    /// The rules, as `collection/rule`, in the order in which the firewall asks.
    pub rules: Vec<Arc<str>>,
}

impl Overruled {
    /// For packets that a NAT rule sends to an address (`None` where that is not known) and a port of it.
    pub fn of(inventory: &Inventory, firewall: &Firewall, to: Option<IpAddr>, port: u16) -> Self {
        let in_order = ordered(inventory, firewall, RuleKind::Network);
        let known_order = in_order.is_some();
        let collections = in_order.unwrap_or_else(|| super::translated::collections(inventory, firewall));
        let network = collections
            .into_iter()
            .filter(|collection| collection.kind == RuleKind::Network);
        let rules = network.flat_map(|collection| collection.rules.iter().map(move |rule| (collection, rule)));
        let mut asked = Asked::default();
        for (collection, rule) in rules {
            asked.ask(inventory, (collection, rule), covers(inventory, rule, to, port));
        }
        if !known_order {
            // Any of them may be asked first.
            asked.found.clients.may = asked.denied;
            asked.found.clients.must = AddressSet::empty();
        }
        asked.found
    }
}

/// The rules asked so far.
struct Asked {
    found: Overruled,
    /// Clients about whom no rule has surely decided, and those about whom none may have.
    undecided: AddressSet,
    untouched: AddressSet,
    /// Everybody whom some Deny may match, whatever comes before.
    denied: AddressSet,
}

impl Default for Asked {
    fn default() -> Self {
        Asked {
            found: Overruled::default(),
            undecided: AddressSet::full(),
            untouched: AddressSet::full(),
            denied: AddressSet::empty(),
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
        let denies = is_action(collection, FirewallAction::Deny);
        if denies != Truth::No {
            let clients = &mut self.found.clients;
            let may = self.undecided.intersection(&sources);
            if !sources.is_empty() {
                self.found
                    .rules
                    .push(Arc::from(format!("{}/{}", collection.name, rule.name)));
            }
            clients.may = clients.may.union(&may);
            self.denied = self.denied.union(&sources);
            if surely && denies == Truth::Yes {
                clients.must = clients.must.union(&self.untouched.intersection(&sources));
            }
        }
        if surely {
            self.undecided = self.undecided.difference(&sources);
        }
        self.untouched = self.untouched.difference(&sources);
    }
}

/// Whether a network rule covers TCP to an address and port.
fn covers(inventory: &Inventory, rule: &FirewallRule, to: Option<IpAddr>, port: u16) -> Truth {
    covers_port(rule, port).min(destination(inventory, rule, to))
}

/// Whether a network rule covers TCP to a port.
pub(super) fn covers_port(rule: &FirewallRule, port: u16) -> Truth {
    let protocol = rule
        .protocols
        .known()
        .map_or(Truth::Maybe, |set| truth(set.contains(Protocol::Tcp)));
    protocol.min(holds(&rule.destination_ports, port))
}

/// Whether a collection does this with what its rules match.
pub(super) fn is_action(collection: &RuleCollection, action: FirewallAction) -> Truth {
    collection
        .action
        .known()
        .map_or(Truth::Maybe, |stated| truth(*stated == action))
}

/// How an address, `None` where it is not known, meets the destinations of a network rule.
pub(super) fn destination(inventory: &Inventory, rule: &FirewallRule, to: Option<IpAddr>) -> Truth {
    let stated = within(&rule.destinations, to);
    let groups = rule.destination_groups.iter().map(|id| {
        match (inventory.ip_groups.find(id).and_then(|group| group.ranges.known()), to) {
            (Some(ranges), Some(to)) => truth(ranges.iter().any(|range| range.contains(to))),
            _ => Truth::Maybe,
        }
    });
    let named = if rule.destination_names.is_empty() {
        Truth::No
    } else {
        Truth::Maybe
    };
    groups.chain([stated, named]).max().unwrap_or(Truth::No)
}

fn within(addresses: &Addresses, to: Option<IpAddr>) -> Truth {
    let term = |term: &AddressTerm| match (term, to) {
        (AddressTerm::Any, _) => Truth::Yes,
        (AddressTerm::Range(range), Some(to)) => truth(range.contains(to)),
        // A named tag stands for public addresses of services.
        (AddressTerm::Tag(ServiceTag::Named(_)), Some(_)) => Truth::No,
        _ => Truth::Maybe,
    };
    addresses.terms.iter().map(term).max().unwrap_or(Truth::No)
}

//! Security admin rules of network managers: they come before every group. A rule counts for certain where it is
//! known to be in force on the network; where that is not known, it may count.

mod effect;
mod force;

use std::collections::HashMap;
use std::sync::Arc;

pub use effect::apply;
use force::Force;

use super::compile::{Truth, truth};
use super::environment::{Bounds, Environment, PLATFORM, PUBLIC};
use super::priority::{Ranked, mark_contested};
use super::target::Target;
use crate::model::{
    AddressTerm, Addresses, AdminAccess, AdminEndpoint, AdminRule, Direction, Inventory, Ports, ServiceTag,
    TagAddresses,
};
use crate::net::{AddressSet, Protocol};

/// The admin rules that may be in force on each network.
pub struct AdminRules<'i> {
    /// Every inbound rule, each statement of it once; rules are named by their position here.
    rules: Vec<&'i AdminRule>,
    /// Distinct lists of rules with whether each is in force; 0 is the empty one.
    scopes: Vec<Vec<InForce>>,
    of_network: HashMap<u32, u32>,
    tags: &'i TagAddresses,
}

/// A rule and whether it is in force on a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct InForce {
    rule: u32,
    truth: Truth,
}

/// The security admin rule that a passage names.
pub fn find_admin_rule(inventory: &Inventory, at: u32) -> Option<&AdminRule> {
    AdminRules::of(inventory).rule(at)
}

impl<'i> AdminRules<'i> {
    pub fn of(inventory: &'i Inventory) -> Self {
        let mut all = AdminRules {
            rules: Vec::new(),
            scopes: vec![Vec::new()],
            of_network: HashMap::new(),
            tags: &inventory.tag_addresses,
        };
        let force = Force::of(inventory);
        if force.is_empty() {
            return all;
        }
        for (index, network) in (0u32..).zip(inventory.networks.iter()) {
            let rules = force.on(network);
            let inbound = rules
                .into_iter()
                .filter(|(rule, _)| rule.direction.known() != Some(&Direction::Outbound));
            let scope = inbound
                .map(|(rule, truth)| InForce {
                    rule: all.position(rule),
                    truth,
                })
                .collect();
            all.add_network(index, scope);
        }
        all
    }

    fn position(&mut self, rule: &'i AdminRule) -> u32 {
        let found = self.rules.iter().position(|known| std::ptr::eq(*known, rule));
        let at = found.unwrap_or_else(|| {
            self.rules.push(rule);
            self.rules.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    fn add_network(&mut self, index: u32, scope: Vec<InForce>) {
        let at = self.scopes.iter().position(|known| *known == scope).unwrap_or_else(|| {
            self.scopes.push(scope);
            self.scopes.len() - 1
        });
        self.of_network.insert(index, u32::try_from(at).unwrap_or(0));
    }

    /// The scope of a network, for keys: equal scopes have equal rules.
    pub fn scope(&self, network: Option<u32>) -> u32 {
        network
            .and_then(|network| self.of_network.get(&network))
            .copied()
            .unwrap_or(0)
    }

    pub fn rule(&self, at: u32) -> Option<&'i AdminRule> {
        self.rules.get(at as usize).copied()
    }

    fn in_scope(&self, scope: u32) -> impl Iterator<Item = (u32, &'i AdminRule, Truth)> {
        let scope = self.scopes.get(scope as usize).into_iter().flatten();
        scope.filter_map(|in_force| Some((in_force.rule, self.rule(in_force.rule)?, in_force.truth)))
    }

    /// How the destination of each rule of a scope meets a target, for keys.
    pub fn meets(&self, scope: u32, target: &Target<'_>) -> Box<[Truth]> {
        self.in_scope(scope).map(|(_, rule, _)| meets(rule, target)).collect()
    }

    /// The rules that concern a port, in order, with their unknowns as bounds.
    pub fn compile(&self, scope: u32, met: &[Truth], environment: &Environment, port: u16) -> Vec<Compiled> {
        let mut compiled: Vec<Compiled> = self
            .in_scope(scope)
            .zip(met)
            .filter_map(|((at, rule, in_force), met)| compile(at, rule, in_force, *met, (environment, self.tags), port))
            .collect();
        let managers = compiled.iter().map(|rule| &rule.manager);
        let several = managers.clone().any(|manager| Some(manager) != managers.clone().next());
        if several {
            for rule in &mut compiled {
                // One place in the order for all: whichever makes an answer weaker is then asked first.
                rule.priority = rule.priority.and(Some(0));
                rule.contested = true;
                rule.gaps.push(Arc::from(
                    "in which order the rules of several network managers are asked is not documented",
                ));
            }
        }
        compiled.sort_by_key(|rule| (rule.priority.unwrap_or(0), rule.rule));
        mark_contested(&mut compiled);
        compiled
    }
}

fn meets(rule: &AdminRule, target: &Target<'_>) -> Truth {
    let one = |end: &AdminEndpoint| match end {
        AdminEndpoint::Addresses(addresses) => target.meets(addresses),
        AdminEndpoint::Group(_) => Truth::Maybe,
    };
    rule.destinations.iter().map(one).max().unwrap_or(Truth::No)
}

/// A rule as it bears on one port of one target.
#[derive(Clone, Debug)]
pub struct Compiled {
    pub rule: u32,
    manager: Option<crate::model::ResourceId>,
    /// Unknown: it may come before every other.
    pub priority: Option<u32>,
    /// Another rule of the same priority says something else, so their order is unknown.
    pub contested: bool,
    /// Unknown: it may be any.
    pub access: Option<AdminAccess>,
    /// Whether it is in force and covers the port and the target.
    pub covers: Truth,
    pub sources: Bounds,
    pub gaps: Vec<Arc<str>>,
}

impl Compiled {
    /// Nothing in it is unknown.
    pub fn is_exact(&self) -> bool {
        let known = self.priority.is_some() && self.access.is_some() && !self.contested;
        known && self.covers == Truth::Yes && self.sources.must == self.sources.may
    }
}

impl Ranked for Compiled {
    fn same_priority(&self, other: &Self) -> bool {
        self.priority == other.priority
    }

    fn same_access(&self, other: &Self) -> bool {
        self.access == other.access
    }

    fn contest(&mut self) {
        self.contested = true;
        self.gaps.push(Arc::from(
            "two security admin rules have the same priority and different access",
        ));
    }
}

fn compile(
    at: u32,
    rule: &AdminRule,
    in_force: Truth,
    met: Truth,
    meaning: (&Environment, &TagAddresses),
    port: u16,
) -> Option<Compiled> {
    let protocol = rule
        .protocol
        .known()
        .map_or(Truth::Maybe, |set| truth(set.contains(Protocol::Tcp)));
    let covers = protocol
        .min(holds(&rule.destination_ports, port))
        .min(source_ports(&rule.source_ports))
        .min(met);
    if covers.min(in_force) == Truth::No {
        return None;
    }
    let mut gaps = Vec::new();
    if in_force == Truth::Maybe {
        gaps.push(Arc::from(format!(
            "whether security admin rule `{}` is deployed here is not in the input",
            rule.id.name()
        )));
    }
    if covers == Truth::Maybe {
        gaps.push(Arc::from(format!(
            "whether security admin rule `{}` covers the machine and port is not known",
            rule.id.name()
        )));
    }
    let sources = sources(rule, meaning, &mut gaps);
    let whys = [rule.priority.why(), rule.access.why()];
    gaps.extend(whys.into_iter().flatten().map(|why| why.text.clone()));
    Some(Compiled {
        rule: at,
        manager: rule.configuration().and_then(|configuration| configuration.parent()),
        priority: rule.priority.known().copied(),
        contested: false,
        access: rule.access.known().copied(),
        covers: covers.min(in_force),
        sources,
        gaps,
    })
}

fn holds(ports: &Ports, port: u16) -> Truth {
    match (ports.set.contains(port), &ports.unknown) {
        (true, _) => Truth::Yes,
        (false, Some(_)) => Truth::Maybe,
        (false, None) => Truth::No,
    }
}

/// A client chooses its source port: a rule for some of them may or may not bear on it.
fn source_ports(ports: &Ports) -> Truth {
    if ports.set.is_full() { Truth::Yes } else { Truth::Maybe }
}

fn sources(rule: &AdminRule, meaning: (&Environment, &TagAddresses), gaps: &mut Vec<Arc<str>>) -> Bounds {
    let mut all = Bounds::default();
    for end in &rule.sources {
        match end {
            AdminEndpoint::Addresses(addresses) => addresses_of(addresses, meaning, gaps, &mut all),
            AdminEndpoint::Group(id) => {
                let name = id.rsplit('/').next().unwrap_or_default();
                gaps.push(Arc::from(format!(
                    "the addresses of network group `{name}` are not in the input"
                )));
                all.add_possible(&AddressSet::full());
            }
        }
    }
    all
}

fn addresses_of(
    addresses: &Addresses,
    (environment, known_tags): (&Environment, &TagAddresses),
    gaps: &mut Vec<Arc<str>>,
    all: &mut Bounds,
) {
    for term in &addresses.terms {
        let bounds = match term {
            AddressTerm::Any => Bounds::exact(AddressSet::full()),
            AddressTerm::Range(range) => Bounds::exact((*range).into()),
            AddressTerm::Tag(ServiceTag::VirtualNetwork) => {
                gaps.extend(environment.gaps.iter().cloned());
                environment.virtual_network.clone()
            }
            AddressTerm::Tag(ServiceTag::Internet) => {
                gaps.extend(environment.internet_gaps.iter().cloned());
                environment.internet.clone()
            }
            AddressTerm::Tag(ServiceTag::AzureLoadBalancer) => Bounds::exact(PLATFORM.clone()),
            AddressTerm::Tag(tag @ ServiceTag::Named(_)) => match known_tags.of(tag) {
                Some(extent) => Bounds::from(extent),
                None => {
                    gaps.push(Arc::from(format!("the addresses of `{tag}` are not in the input")));
                    Bounds {
                        must: AddressSet::empty(),
                        may: PUBLIC.clone(),
                    }
                }
            },
            AddressTerm::Group(group) => unknown(gaps, format!("the members of `{}` are not known here", group.name())),
            AddressTerm::Unknown(why) => unknown(gaps, why.text.to_string()),
        };
        all.add(&bounds.must);
        all.add_possible(&bounds.may);
    }
}

fn unknown(gaps: &mut Vec<Arc<str>>, why: String) -> Bounds {
    gaps.push(Arc::from(why));
    Bounds {
        must: AddressSet::empty(),
        may: AddressSet::full(),
    }
}

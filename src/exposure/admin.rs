//! Security admin rules of network managers: they come before every group. Whether a configuration is deployed to a
//! region is part of no resource, so what these rules do is possible and never certain.

use std::collections::HashMap;
use std::sync::Arc;

use super::environment::{Environment, PLATFORM, PUBLIC};
use super::stack::{Passage, PortReach};
use crate::model::{AddressTerm, AdminAccess, AdminEndpoint, AdminRule, Direction, Inventory, ResourceId, ServiceTag};
use crate::net::{AddressRange, AddressSet, Protocol};

/// The admin rules that may apply to each network.
pub struct AdminRules<'i> {
    inbound: Vec<&'i AdminRule>,
    /// Distinct lists of positions in `inbound`; 0 is the empty one.
    scopes: Vec<Vec<usize>>,
    of_network: HashMap<u32, u32>,
}

impl<'i> AdminRules<'i> {
    pub fn of(inventory: &'i Inventory) -> Self {
        let is_inbound = |rule: &&AdminRule| rule.direction.known() != Some(&Direction::Outbound);
        let inbound: Vec<&AdminRule> = inventory.admin_rules.iter().filter(is_inbound).collect();
        let mut rules = AdminRules {
            inbound,
            scopes: vec![Vec::new()],
            of_network: HashMap::new(),
        };
        if !rules.inbound.is_empty() {
            for (index, network) in (0u32..).zip(inventory.networks.iter()) {
                rules.add_network(inventory, index, &network.id);
            }
        }
        rules
    }

    fn add_network(&mut self, inventory: &Inventory, index: u32, network: &ResourceId) {
        let may_apply = |rule: &AdminRule| rule.id.parent().is_none_or(|id| may_hold(inventory, &id, network));
        let scope: Vec<usize> = (0..)
            .zip(&self.inbound)
            .filter(|(_, rule)| may_apply(rule))
            .map(|(at, _)| at)
            .collect();
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

    /// What the rules of a scope may do to a port.
    pub fn effect(&self, scope: u32, environment: &Environment, port: u16) -> Effect {
        let mut effect = Effect::default();
        let rules = self
            .scopes
            .get(scope as usize)
            .into_iter()
            .flatten()
            .filter_map(|at| self.inbound.get(*at));
        for rule in rules.filter(|rule| may_concern(rule, port)) {
            let sources = rule
                .sources
                .iter()
                .fold(AddressSet::empty(), |set, end| set.union(&extent(end, environment)));
            match rule.access.known() {
                Some(AdminAccess::Allow) => continue,
                Some(AdminAccess::Deny) => effect.denies = effect.denies.union(&sources),
                Some(AdminAccess::AlwaysAllow) => effect.delivers = effect.delivers.union(&sources),
                None => {
                    effect.denies = effect.denies.union(&sources);
                    effect.delivers = effect.delivers.union(&sources);
                }
            }
            let text = format!(
                "whether security admin rule `{}` is deployed here is not in the input",
                rule.id.name()
            );
            effect.gaps.push(Arc::from(text));
        }
        effect
    }
}

/// Whether a collection may apply to a network: a group it names has the network as a static member, or its members
/// are not in the input (a policy may add them).
fn may_hold(inventory: &Inventory, collection: &ResourceId, network: &ResourceId) -> bool {
    let Some(collection) = inventory.admin_rule_collections.find(collection) else {
        return true;
    };
    collection.groups.iter().any(|group| {
        let mut members = inventory
            .static_members
            .iter()
            .filter(|member| member.id.parent().as_ref() == Some(group))
            .peekable();
        let unlisted = members.peek().is_none();
        unlisted
            || members.any(|member| member.resource == *network || member.resource.parent().as_ref() == Some(network))
    })
}

fn may_concern(rule: &AdminRule, port: u16) -> bool {
    let tcp = rule.protocol.known().is_none_or(|set| set.contains(Protocol::Tcp));
    tcp && (rule.destination_ports.set.contains(port) || rule.destination_ports.unknown.is_some())
}

/// The most that a source can stand for.
fn extent(endpoint: &AdminEndpoint, environment: &Environment) -> AddressSet {
    let AdminEndpoint::Addresses(addresses) = endpoint else {
        return AddressSet::full();
    };
    let term = |term: &AddressTerm| match term {
        AddressTerm::Range(range) => (*range).into(),
        AddressTerm::Tag(ServiceTag::VirtualNetwork) => environment.virtual_network.may.clone(),
        AddressTerm::Tag(ServiceTag::Internet) => environment.internet.may.clone(),
        AddressTerm::Tag(ServiceTag::AzureLoadBalancer) => PLATFORM.clone(),
        AddressTerm::Tag(ServiceTag::Named(_)) => PUBLIC.clone(),
        AddressTerm::Any | AddressTerm::Group(_) | AddressTerm::Unknown(_) => AddressSet::full(),
    };
    addresses
        .terms
        .iter()
        .fold(AddressSet::empty(), |set, part| set.union(&term(part)))
}

/// What admin rules may do to one port.
#[derive(Debug, Default)]
pub struct Effect {
    /// Sources that may be stopped before any group.
    pub denies: AddressSet,
    /// Sources that may be delivered past every group.
    pub delivers: AddressSet,
    pub gaps: Vec<Arc<str>>,
}

impl Effect {
    /// Takes from what is certain and adds to what is possible.
    pub fn apply(self, reach: &mut PortReach) {
        if self.gaps.is_empty() {
            return;
        }
        let possible = reach.possible.take().unwrap_or_else(|| reach.certain.clone());
        reach.possible = Some(repaint(&possible, &self.delivers, true));
        reach.certain = repaint(&reach.certain, &self.denies, false);
        for tag in &mut reach.tags {
            tag.possible = repaint(&tag.possible, &self.delivers, true);
            tag.certain = repaint(&tag.certain, &self.denies, false);
        }
        reach.gaps.extend(self.gaps);
    }
}

/// Turns what lies in `set` to `admitted`, and leaves the rest.
fn repaint(passages: &[Passage], set: &AddressSet, admitted: bool) -> Vec<Passage> {
    let mut painted = Vec::with_capacity(passages.len());
    for passage in passages {
        let whole = AddressSet::from(passage.range);
        if passage.admitted == admitted || !whole.intersects(set) {
            painted.push(*passage);
            continue;
        }
        let (inside, outside) = (whole.intersection(set), whole.difference(set));
        painted.extend(ranges(&outside).map(|range| Passage { range, ..*passage }));
        let turned = Passage {
            admitted,
            deciders: [None, None],
            stopped_at: None,
            ..*passage
        };
        painted.extend(ranges(&inside).map(|range| Passage { range, ..turned }));
    }
    painted
}

fn ranges(set: &AddressSet) -> impl Iterator<Item = AddressRange> {
    let v4 = set
        .v4
        .ranges()
        .iter()
        .map(|(first, last)| AddressRange::V4(*first, *last));
    v4.chain(
        set.v6
            .ranges()
            .iter()
            .map(|(first, last)| AddressRange::V6(*first, *last)),
    )
}

//! Destination NAT rules of firewalls, by the machine they lead to.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::answer::FrontPort;
use super::compile::{Truth, truth};
use super::neighbours::{Holder, connected, holder};
use super::unseen::UnseenFirewalls;
use crate::model::{
    AddressTerm, Addresses, Firewall, FirewallAction, FirewallRule, HubConnection, Inventory, Known, Origin, Ports,
    ResourceId, RuleCollection, RuleKind, Why, WhyKind, choices,
};
use crate::net::{AddressRange, AddressSet, PortSet, Protocol, ProtocolSet};

pub(super) type Index<K, V> = HashMap<K, Vec<V>, foldhash::fast::RandomState>;

/// One destination NAT rule that leads to one machine.
#[derive(Clone, Debug)]
pub struct TranslatedWay {
    /// By index; `None` for one that was not read.
    pub firewall: Option<u32>,
    pub collection: Arc<str>,
    pub rule: FirewallRule,
    /// The ports of the machine that it leads to.
    pub ports: PortSet,
    /// Nothing states the rule: something in the firewall could not be read, and there may be such a one.
    pub doubtful: bool,
    /// Another rule may take the traffic first, or something in this one is unknown.
    pub unsure: Option<Arc<str>>,
}

/// All destination NAT rules of an estate.
#[derive(Default)]
pub struct Translations {
    translated: Index<IpAddr, TranslatedWay>,
    /// What may lead to any machine: firewalls with rules that could not be read, rules that translate to a name.
    doubtful: Vec<TranslatedWay>,
    unseen: UnseenFirewalls,
}

impl Translations {
    pub fn of(inventory: &Inventory) -> Self {
        let mut ways = Translations {
            unseen: UnseenFirewalls::of(inventory),
            ..Translations::default()
        };
        for (index, firewall) in (0u32..).zip(inventory.firewalls.iter()) {
            ways.add_firewall(inventory, index, firewall);
        }
        ways
    }

    fn add_firewall(&mut self, inventory: &Inventory, index: u32, firewall: &Firewall) {
        if let Some(why) = unread_policies(inventory, firewall) {
            self.doubtful.push(TranslatedWay::that_may_be(Some(index), why.text));
        }
        let in_order = ordered(inventory, firewall, RuleKind::Nat);
        let known_order = in_order.is_some();
        let collections = in_order.unwrap_or_else(|| collections(inventory, firewall));
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
        for (at, (collection, rule)) in rules.iter().enumerate() {
            let ports = match &rule.translated_port {
                Known::Known(Some(port)) => PortSet::range(*port, *port),
                Known::Known(None) if rule.destination_ports.unknown.is_none() => rule.destination_ports.set.clone(),
                _ => PortSet::full(),
            };
            if !may_be_tcp(&rule.protocols) {
                continue;
            }
            let Some(address) = rule.translated_address else {
                self.add_translated_name(index, (collection, rule), ports);
                continue;
            };
            let before = |other: usize| other < at || (other != at && !known_order);
            let rivals = (0..)
                .zip(&rules)
                .any(|(other, (_, rival))| before(other) && takes_the_same(rule, rival));
            let unsure =
                rivals.then(|| Arc::from("several NAT rules of the firewall take the same destination and port"));
            self.translated.entry(address).or_default().push(TranslatedWay {
                firewall: Some(index),
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

    /// A NAT rule that translates to a name may lead to any machine that the firewall reaches.
    fn add_translated_name(
        &mut self,
        firewall: u32,
        (collection, rule): (&RuleCollection, &FirewallRule),
        ports: PortSet,
    ) {
        let Some(name) = &rule.translated_name else { return };
        self.doubtful.push(TranslatedWay {
            firewall: Some(firewall),
            collection: collection.name.clone(),
            rule: rule.clone(),
            ports,
            doubtful: true,
            unsure: Some(Arc::from(format!("which machine is `{name}` is in no configuration"))),
        });
    }

    /// The destination NAT rules that name a private address, or may, with the reason for the doubt; whether their
    /// firewall reaches it is [`TranslatedWay::leads`].
    pub fn to(
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

    /// The way that firewalls which were not read may lead to an address on a subnet, with what machines see on it.
    pub fn unseen(
        &self,
        inventory: &Inventory,
        subnet: Option<(u32, u32)>,
    ) -> Option<(TranslatedWay, Result<AddressSet, Arc<str>>)> {
        let unseen = self.unseen.beside(inventory, subnet)?;
        Some((TranslatedWay::that_may_be(None, unseen.why), unseen.range))
    }
}

impl TranslatedWay {
    /// One by a rule that nothing states.
    fn that_may_be(firewall: Option<u32>, why: Arc<str>) -> Self {
        TranslatedWay {
            firewall,
            collection: Arc::from(""),
            rule: any_rule(),
            ports: PortSet::full(),
            doubtful: true,
            unsure: Some(why),
        }
    }
}

/// Whether an address that the platform chooses may be this one.
pub(super) fn may_be(address: IpAddr, prefixes: Option<&[AddressRange]>) -> bool {
    prefixes.is_none_or(|prefixes| prefixes.iter().any(|prefix| prefix.contains(address)))
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

pub(super) fn may_be_tcp(protocol: &Known<ProtocolSet>) -> bool {
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
    let why = rule
        .protocols
        .why()
        .or(rule.destination_ports.unknown.as_ref())
        .or(rule.translated_port.why());
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
        let applies = |collection: &&RuleCollection| seen.is_empty() || inherits(inventory, collection.kind);
        collections.extend(of_policy.flat_map(|group| &group.collections).filter(applies));
        policy = inventory
            .firewall_policies
            .find(&id)
            .and_then(|policy| policy.base.clone());
        seen.push(id);
    }
    collections
}

/// Whether collections of a kind come down from a parent policy.
fn inherits(inventory: &Inventory, kind: RuleKind) -> bool {
    kind != RuleKind::Nat || inventory.choices.is(&choices::PARENT_NAT, "inherited")
}

/// The collections of one kind in the order in which the firewall asks them: those of a parent policy before those of
/// its children, then by priority of group and collection. `None` where a priority is not known or held twice.
pub fn ordered<'i>(
    inventory: &'i Inventory,
    firewall: &'i Firewall,
    kind: RuleKind,
) -> Option<Vec<&'i RuleCollection>> {
    let mut lists: Vec<Vec<(u32, u32, &RuleCollection)>> = Vec::new();
    let own = firewall.collections.iter().filter(|collection| collection.kind == kind);
    let own = own.map(|own| Some((0, *own.priority.known()?, own)));
    lists.push(own.collect::<Option<_>>()?);
    let mut policy = firewall.policy.clone();
    let mut seen = Vec::new();
    while let Some(id) = policy.take().filter(|id| !seen.contains(id)) {
        let mut list = Vec::new();
        let groups = inventory.rule_collection_groups.iter();
        for group in groups.filter(|group| group.id.parent().as_ref() == Some(&id)) {
            let applies = seen.is_empty() || inherits(inventory, kind);
            for collection in group.collections.iter().filter(|own| own.kind == kind && applies) {
                list.push((*group.priority.known()?, *collection.priority.known()?, collection));
            }
        }
        lists.push(list);
        policy = inventory
            .firewall_policies
            .find(&id)
            .and_then(|policy| policy.base.clone());
        seen.push(id);
    }
    for list in &mut lists {
        list.sort_by_key(|(group, collection, _)| (*group, *collection));
        let twice = |pair: &[(u32, u32, &RuleCollection)]| matches!(pair, [a, b] if (a.0, a.1) == (b.0, b.1));
        if list.windows(2).any(twice) {
            return None;
        }
    }
    let in_order = lists.into_iter().rev().flatten();
    Some(in_order.map(|(_, _, collection)| collection).collect())
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
        let mut stated = known.groups.iter();
        if let Some(group) = stated.find(|group| inventory.rule_collection_groups.find(group).is_none()) {
            let why = inventory.why_absent(group);
            let text = format!("of policy `{}` rule collection group {why}", id.name());
            return Some(Why::new(why.kind, text));
        }
        if let Some(reason) = unread_groups(inventory, &id).filter(|_| known.groups.is_empty()) {
            let text = format!(
                "rule collection groups of policy `{}` were not read: {reason}",
                id.name()
            );
            return Some(Why::new(WhyKind::NotRead, text));
        }
        policy = known.base.clone();
        seen.push(id);
    }
    None
}

/// Why a policy that lists no rule collection groups may have some.
fn unread_groups(inventory: &Inventory, policy: &ResourceId) -> Option<Arc<str>> {
    let kind = "microsoft.network/firewallpolicies/rulecollectiongroups";
    inventory.coverage.missing(policy.subscription(), kind)
}

/// The range whose addresses a firewall puts in place of the client's: that of its subnet; of one in a virtual hub, the
/// hub's. The error says why it is not known.
pub fn translation_range(inventory: &Inventory, firewall: &Firewall) -> Result<Vec<AddressRange>, Arc<str>> {
    if let Some(subnet) = firewall.subnets.first() {
        let prefixes = inventory.subnet(subnet).and_then(|(_, subnet)| subnet.prefixes.known());
        return prefixes
            .cloned()
            .ok_or_else(|| Arc::from("the subnet of the firewall is not in the input"));
    }
    let Some(hub) = &firewall.virtual_hub else {
        return Err(Arc::from("the subnet of the firewall is not in the input"));
    };
    hub_range(inventory, hub)
}

/// The range whose addresses a firewall in a virtual hub puts in place of the client's.
pub(super) fn hub_range(inventory: &Inventory, hub: &ResourceId) -> Result<Vec<AddressRange>, Arc<str>> {
    if inventory.choices.is(&choices::HUB_NAT, "unknown") {
        return Err(Arc::from(
            "which address a firewall in a virtual hub shows is not documented",
        ));
    }
    let prefixes = inventory.virtual_hubs.find(hub).and_then(|hub| hub.prefixes.known());
    prefixes.cloned().ok_or_else(|| {
        Arc::from(format!(
            "the address prefix of virtual hub `{}` is not in the input",
            hub.name()
        ))
    })
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
        if let (Some(hub), Some(network)) = (&firewall.virtual_hub, network) {
            return leads_from_hub(inventory, hub, address, network);
        }
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
    pub fn named(&self, firewall: Option<&Firewall>) -> String {
        match firewall {
            Some(firewall) if self.doubtful => format!(
                "a NAT rule of firewall `{}` that is not in the input",
                firewall.id.name()
            ),
            None => "a NAT rule of a firewall that was not read".to_owned(),
            Some(_) => format!("NAT rule `{}/{}`", self.collection, self.rule.name),
        }
    }
}

/// Whether an address means a machine of a network to a firewall in a virtual hub. Of two networks with one address, a
/// connected one is meant.
fn leads_from_hub(inventory: &Inventory, hub: &ResourceId, address: &Known<IpAddr>, network: u32) -> Truth {
    let of_hub = |connection: &&HubConnection| connection.id.parent().as_ref() == Some(hub);
    let mut connected = inventory.hub_connections.iter().filter(of_hub);
    let own = inventory.networks.get(network).map(|network| &network.id);
    if connected.clone().any(|connection| Some(&connection.network) == own) {
        return Truth::Yes;
    }
    let holds = |connection: &HubConnection| {
        let network = inventory.networks.find(&connection.network);
        let space = network.and_then(|network| network.address_space.known());
        let address = address.known();
        space
            .zip(address)
            .is_some_and(|(space, address)| space.iter().any(|range| range.contains(*address)))
    };
    if connected.any(holds) { Truth::No } else { Truth::Maybe }
}

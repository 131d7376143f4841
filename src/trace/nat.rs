//! Destination NAT of firewalls: which rule takes a packet from the internet to the machine, and from whom. Both
//! addresses of the packet change, so what the machine's groups see is an address of the firewall's own subnet.

use std::borrow::Cow;
use std::net::IpAddr;

use super::holds::{Holds, Reason};
use super::machine::{Estate, Target};
use super::packet::Packet;
use super::place::contain;
use super::ways::{Front, Way, WayIn};
use crate::model::{
    AddressTerm, Firewall, FirewallAction, FirewallRule, Inventory, Known, Peering, ResourceId, RuleCollection,
    RuleKind, ServiceTag, VirtualNetwork, choices,
};
use crate::net::{AddressRange, Family, Protocol};

/// A NAT rule that leads to a machine.
pub struct Translation<'i> {
    pub firewall: &'i Firewall,
    pub collection: &'i RuleCollection,
    pub rule: &'i FirewallRule,
    /// NAT rules of the firewall that are asked before this one, or may be, and take packets for the same address
    /// and port.
    pub rivals: Vec<&'i FirewallRule>,
    /// The network rules of the firewall.
    network: Vec<Ranked<'i>>,
    /// Addresses one of which the firewall puts in place of the client's, or why they are not known.
    pub seen_as: Result<&'i [AddressRange], Reason<'i>>,
}

impl<'i> Translation<'i> {
    pub fn leads_to(&self, protocol: Protocol, port: u16) -> Holds<'i> {
        let rule = self.rule;
        let port = match &rule.translated_port {
            Known::Known(Some(translated)) => Holds::surely(*translated == port),
            Known::Known(None) => super::group::has(&rule.destination_ports, port),
            Known::Unknown(why) => Holds::unknown(why),
        };
        Holds::of(&rule.protocols, |protocols| protocols.contains(protocol)).and(|| port)
    }

    /// Whether the firewall takes a client's packet to the machine by this rule.
    pub fn takes(&self, inventory: &'i Inventory, client: IpAddr, protocol: Protocol) -> Holds<'i> {
        let taken = is_source(inventory, self.rule, client);
        let ports = self.rule.destination_ports.unknown.as_ref();
        let takes = |rival: &&&FirewallRule| {
            let protocols = rival.protocols.known();
            protocols.is_none_or(|set| set.contains(protocol)) && !is_source(inventory, rival, client).is_no()
        };
        let rival = self.rivals.iter().find(takes);
        match (taken, ports, rival) {
            (Holds::Yes, Some(why), _) => Holds::unknown(why),
            (Holds::Yes, None, Some(rival)) => Holds::Maybe(Cow::Owned(format!(
                "NAT rule `{}` of the firewall takes the same destination and port",
                rival.name
            ))),
            (taken, _, _) => taken,
        }
    }
}

impl<'i> Translation<'i> {
    pub fn network_rules(&self) -> impl Iterator<Item = &'i FirewallRule> {
        self.network.iter().map(|ranked| ranked.rule)
    }

    /// Whether a Deny network rule is the first to match what the NAT rule makes of a packet, and which one. Only TCP
    /// is asked about.
    pub fn overruled(&self, inventory: &'i Inventory, packet: Packet<'_>) -> (Holds<'i>, Option<&Ranked<'i>>) {
        let mut doubt: Option<(Reason<'i>, &Ranked<'i>)> = None;
        let in_order = in_order(&self.network);
        for ranked in &self.network {
            let why = match self.covers(inventory, ranked.rule, packet) {
                Holds::No => continue,
                Holds::Yes if !in_order => Some(Reason::Borrowed(
                    "the order of the firewall's network rules is not known",
                )),
                Holds::Yes => None,
                Holds::Maybe(why) => Some(why),
            };
            let action = ranked.collection.action.known();
            let why = why.or_else(|| ranked.collection.action.why().map(|why| Reason::Borrowed(&*why.text)));
            match (why, action) {
                (None, Some(FirewallAction::Deny)) if doubt.is_none() => return (Holds::Yes, Some(ranked)),
                (None, Some(FirewallAction::Deny)) => break,
                (None, _) => break,
                (Some(why), None | Some(FirewallAction::Deny)) => {
                    doubt.get_or_insert((why, ranked));
                }
                (Some(_), Some(_)) => {}
            }
        }
        // A Deny that surely matches after an Allow that may is in doubt as well.
        match doubt.or_else(|| self.after_doubt(inventory, packet, in_order)) {
            Some((why, ranked)) => (Holds::Maybe(why), Some(ranked)),
            None => (Holds::No, None),
        }
    }

    /// A Deny that comes into play only because an Allow before it may not match.
    fn after_doubt(
        &self,
        inventory: &'i Inventory,
        packet: Packet<'_>,
        in_order: bool,
    ) -> Option<(Reason<'i>, &Ranked<'i>)> {
        if !in_order {
            return None;
        }
        let mut allowed: Option<Reason<'i>> = None;
        for ranked in &self.network {
            match (
                self.covers(inventory, ranked.rule, packet),
                ranked.collection.action.known(),
            ) {
                (Holds::No, _) => {}
                (Holds::Yes, Some(FirewallAction::Deny)) => return allowed.map(|why| (why, ranked)),
                (Holds::Yes, _) => return None,
                (Holds::Maybe(why), _) => {
                    allowed.get_or_insert(why);
                }
            }
        }
        None
    }

    /// Whether a network rule covers a client's packet as the NAT rule sends it on.
    fn covers(&self, inventory: &'i Inventory, rule: &'i FirewallRule, packet: Packet<'_>) -> Holds<'i> {
        covers(inventory, rule, self.rule.translated_address, packet)
    }
}

/// What the network rules of a firewall do with a packet that is routed through it.
#[derive(Clone, Debug)]
pub enum Forwarded<'i> {
    /// By this rule, named as `collection/rule`.
    Through(String),
    /// By this rule; by none, where no rule lets it through.
    Stopped(Option<String>),
    Unknown(Reason<'i>),
}

/// The firewall that stands at an address, seen from a network: private addresses repeat.
pub fn firewall_at<'i>(inventory: &'i Inventory, from: &'i VirtualNetwork, address: IpAddr) -> Option<&'i Firewall> {
    let held = holder(inventory, from, address)?;
    inventory.firewalls.iter().find(|firewall| {
        let stands = firewall.subnets.first().and_then(|subnet| inventory.subnet(subnet));
        firewall.private_addresses.contains(&address) && stands.is_some_and(|(network, _)| network.id == held.id)
    })
}

/// Asks the network rules of a firewall about a packet between private addresses. What they do not allow is dropped;
/// WinRM may also pass by an application rule, which names decide.
pub fn forwarded<'i>(
    inventory: &'i Inventory,
    firewall: &'i Firewall,
    packet: Packet<'_>,
    to: Option<IpAddr>,
) -> Forwarded<'i> {
    if let Some(why) = unread_rules(inventory, firewall) {
        return Forwarded::Unknown(why);
    }
    let mut rules = ranked(inventory, firewall, RuleKind::Network);
    rules.sort_by_key(|ranked| ranked.rank);
    let mut said = Screened {
        doubt: (!in_order(&rules)).then_some(Reason::Borrowed("the order of its network rules is not known")),
        ..Screened::default()
    };
    let unordered = said.doubt.is_some();
    for ranked in rules {
        let covers = covers(inventory, ranked.rule, to, packet);
        let decides = covers == Holds::Yes;
        said.hear(&ranked, covers);
        if decides && !unordered {
            return said.end();
        }
    }
    let http = matches!(packet.port, 5985 | 5986) && !said.decided;
    if http && !ranked(inventory, firewall, RuleKind::Application).is_empty() {
        let why = Reason::Borrowed("an application rule may let it through by name");
        return Forwarded::Unknown(said.doubt.filter(|_| !unordered).unwrap_or(why));
    }
    said.may_stop |= !said.decided;
    said.end()
}

/// What the rules that were asked so far may do with a packet.
#[derive(Default)]
struct Screened<'i> {
    allowed: Option<String>,
    denied: Option<String>,
    may_stop: bool,
    /// Some rule surely matches.
    decided: bool,
    doubt: Option<Reason<'i>>,
}

impl<'i> Screened<'i> {
    fn hear(&mut self, ranked: &Ranked<'i>, covers: Holds<'i>) {
        match covers {
            Holds::No => return,
            Holds::Yes => self.decided = true,
            Holds::Maybe(why) => {
                self.doubt.get_or_insert(why);
            }
        }
        let name = || format!("{}/{}", ranked.collection.name, ranked.rule.name);
        let action = &ranked.collection.action;
        if let Some(why) = action.why() {
            self.doubt.get_or_insert(Reason::Borrowed(&*why.text));
        }
        if action.known().is_none_or(|action| *action == FirewallAction::Allow) {
            self.allowed.get_or_insert_with(name);
        }
        if *action != Known::Known(FirewallAction::Allow) {
            self.may_stop = true;
            self.denied.get_or_insert_with(name);
        }
    }

    fn end(self) -> Forwarded<'i> {
        match (self.allowed, self.may_stop) {
            (Some(rule), false) => Forwarded::Through(rule),
            (None, _) => Forwarded::Stopped(self.denied),
            (Some(_), true) => Forwarded::Unknown(self.doubt.unwrap_or(Reason::Borrowed("an unknown decides"))),
        }
    }
}

/// Whether the order of sorted rules is known: no two collections share a place.
fn in_order(rules: &[Ranked<'_>]) -> bool {
    rules.windows(2).all(|pair| match pair {
        [one, next] if std::ptr::eq(one.collection, next.collection) => one.rank.is_some(),
        [one, next] => one.rank.zip(next.rank).is_some_and(|(one, next)| one != next),
        _ => true,
    })
}

/// Whether a network rule covers a packet to an address, `None` where that is not known.
fn covers<'i>(inventory: &'i Inventory, rule: &'i FirewallRule, to: Option<IpAddr>, packet: Packet<'_>) -> Holds<'i> {
    Holds::of(&rule.protocols, |protocols| protocols.contains(packet.protocol))
        .and(|| super::group::has(&rule.destination_ports, packet.port))
        .and(|| is_destination(inventory, rule, to))
        .and(|| is_source(inventory, rule, packet.source))
}

/// Whether an address, `None` where it is not known, is among a network rule's destinations.
fn is_destination<'i>(inventory: &'i Inventory, rule: &'i FirewallRule, to: Option<IpAddr>) -> Holds<'i> {
    let unknown = || Holds::Maybe(Cow::Borrowed("where the NAT rule leads is in no configuration"));
    let within = |ranges: &[AddressRange]| match to {
        Some(to) => Holds::surely(contain(ranges, to)),
        None => unknown(),
    };
    let terms = rule.destinations.terms.iter().map(|term| match term {
        AddressTerm::Any => Holds::Yes,
        AddressTerm::Range(range) => within(&[*range]),
        AddressTerm::Tag(ServiceTag::Named(_)) if to.is_some() => Holds::No,
        AddressTerm::Unknown(why) => Holds::unknown(why),
        AddressTerm::Tag(_) | AddressTerm::Group(_) => unknown(),
    });
    let groups = rule
        .destination_groups
        .iter()
        .map(|id| match inventory.ip_groups.find(id) {
            Some(group) if to.is_some() => Holds::of(&group.ranges, |ranges| to.is_some_and(|to| contain(ranges, to))),
            Some(_) => unknown(),
            None => Holds::Maybe(Cow::Owned(inventory.why_absent(id).text.to_string())),
        });
    let names = rule.destination_names.iter().map(|_| unknown());
    Holds::any(terms.chain(groups).chain(names))
}

/// Adds the ways through firewalls to an address.
pub fn ways<'i>(estate: &Estate<'i>, target: &Target<'i>, ways: &mut Vec<WayIn<'i>>) {
    // Azure Firewall has no IPv6.
    if target.configuration.family != Family::V4 {
        return;
    }
    for firewall in estate.inventory.firewalls.iter() {
        let rules = nat_rules(estate.inventory, firewall);
        let mut network = ranked(estate.inventory, firewall, RuleKind::Network);
        network.sort_by_key(|ranked| ranked.rank);
        for (at, Ranked { collection, rule, .. }) in rules.iter().enumerate() {
            let leads = match rule.translated_address {
                Some(address) => target
                    .may_be_at(address)
                    .and(|| leads_here(estate.inventory, firewall, target, address)),
                None if may_reach(estate, firewall, target) => by_name(rule),
                None => Holds::No,
            };
            if leads.is_no() {
                continue;
            }
            let doubt = leads.doubted(collection.action.why()).why().cloned();
            let rivals = (0..).zip(&rules).filter(|(other, _)| may_precede(&rules, *other, at));
            let rivals = rivals
                .map(|(_, other)| other.rule)
                .filter(|other| takes_the_same(rule, other))
                .collect();
            let seen_as = translation_range(estate.inventory, firewall);
            let translation = Translation {
                firewall,
                collection,
                rule,
                rivals,
                network: network.clone(),
                seen_as,
            };
            ways.push(WayIn {
                way: Way::FirewallDnat,
                front: Front::Firewall(translation),
                doubt,
            });
        }
        if let Some(why) = unread_rules(estate.inventory, firewall).filter(|_| may_reach(estate, firewall, target)) {
            let front = Front::UnreadFirewall(Some(firewall), translation_range(estate.inventory, firewall));
            ways.push(WayIn {
                way: Way::FirewallDnat,
                front,
                doubt: Some(why),
            });
        }
    }
}

/// A rule that translates to a name may lead to any machine that the firewall reaches.
fn by_name(rule: &FirewallRule) -> Holds<'_> {
    match &rule.translated_name {
        Some(name) => Holds::Maybe(Cow::Owned(format!("which machine is `{name}` is in no configuration"))),
        None => Holds::No,
    }
}

/// Parent policies come first, then the priority of the group and of the collection; `None` where one is unknown.
type Rank = Option<(usize, u32, u32)>;

/// A rule with its place in the order in which a firewall asks.
#[derive(Clone)]
pub struct Ranked<'i> {
    pub collection: &'i RuleCollection,
    pub rule: &'i FirewallRule,
    rank: Rank,
}

/// Whether a firewall asks one rule before another, or may. Within a collection the order is that of the text; of two
/// collections of one rank either may be first.
fn may_precede(rules: &[Ranked<'_>], one: usize, other: usize) -> bool {
    let (Some(first), Some(second)) = (rules.get(one), rules.get(other)) else {
        return false;
    };
    if one == other {
        return false;
    }
    if std::ptr::eq(first.collection, second.collection) {
        return one < other;
    }
    match (first.rank, second.rank) {
        (Some(first), Some(second)) => first <= second,
        _ => true,
    }
}

fn nat_rules<'i>(inventory: &'i Inventory, firewall: &'i Firewall) -> Vec<Ranked<'i>> {
    let mut rules = ranked(inventory, firewall, RuleKind::Nat);
    rules.retain(|ranked| {
        let action = ranked.collection.action.known();
        action.is_none_or(|action| *action == FirewallAction::Dnat)
    });
    rules
}

/// The rules of one kind that a firewall has of its own, of its policy and of those it inherits from.
fn ranked<'i>(inventory: &'i Inventory, firewall: &'i Firewall, kind: RuleKind) -> Vec<Ranked<'i>> {
    let policies = policies(firewall, inventory);
    let own = policies.len();
    let mut ranked: Vec<(Rank, &RuleCollection)> = Vec::new();
    for collection in &firewall.collections {
        ranked.push((
            collection.priority.known().map(|priority| (own, 0, *priority)),
            collection,
        ));
    }
    // Whether the NAT rules of a parent policy come down is documented both ways.
    let inherited = kind != RuleKind::Nat || inventory.choices.is(&choices::PARENT_NAT, "inherited");
    for (depth, policy) in policies
        .into_iter()
        .enumerate()
        .filter(|(depth, _)| *depth == 0 || inherited)
    {
        for group in groups(inventory, policy) {
            let rank = |collection: &RuleCollection| {
                Some((own - depth - 1, *group.priority.known()?, *collection.priority.known()?))
            };
            ranked.extend(
                group
                    .collections
                    .iter()
                    .map(|collection| (rank(collection), collection)),
            );
        }
    }
    let of_kind = ranked.into_iter().filter(|(_, collection)| collection.kind == kind);
    of_kind
        .flat_map(|(rank, collection)| {
            let rules = collection.rules.iter();
            rules.map(move |rule| Ranked { collection, rule, rank })
        })
        .collect()
}

/// The ids of a firewall's policy and of those it inherits from.
fn policies<'i>(firewall: &'i Firewall, inventory: &'i Inventory) -> Vec<&'i ResourceId> {
    let mut policies: Vec<&ResourceId> = Vec::new();
    let mut next = firewall.policy.as_ref();
    while let Some(id) = next.filter(|id| !policies.contains(id)) {
        policies.push(id);
        next = inventory
            .firewall_policies
            .find(id)
            .and_then(|policy| policy.base.as_ref());
    }
    policies
}

fn groups<'i>(
    inventory: &'i Inventory,
    policy: &'i ResourceId,
) -> impl Iterator<Item = &'i crate::model::RuleCollectionGroup> {
    inventory
        .rule_collection_groups
        .iter()
        .filter(move |group| group.id.parent().as_ref() == Some(policy))
}

/// Why a firewall may have other NAT rules than those in the input.
fn unread_rules<'i>(inventory: &'i Inventory, firewall: &'i Firewall) -> Option<Reason<'i>> {
    if let Some(why) = &firewall.unread {
        return Some(Cow::Borrowed(&why.text));
    }
    policies(firewall, inventory)
        .into_iter()
        .find_map(|id| unread_policy(inventory, id))
}

fn unread_policy<'i>(inventory: &'i Inventory, id: &'i ResourceId) -> Option<Reason<'i>> {
    let Some(policy) = inventory.firewall_policies.find(id) else {
        return Some(Cow::Owned(inventory.why_absent(id).text.to_string()));
    };
    let of_group = || groups(inventory, id).find_map(|group| group.unread.as_ref());
    if let Some(why) = policy.unread.as_ref().or_else(of_group) {
        return Some(Cow::Borrowed(&why.text));
    }
    if policy.groups.is_empty() {
        let kind = "Microsoft.Network/firewallPolicies/ruleCollectionGroups";
        let reason = inventory.coverage.missing(id.subscription(), kind)?;
        return Some(Cow::Owned(format!(
            "rule collection groups of policy `{}` were not read: {reason}",
            id.name()
        )));
    }
    let absent = policy
        .groups
        .iter()
        .find(|group| inventory.rule_collection_groups.find(group).is_none())?;
    let text = format!(
        "of policy `{}` rule collection group {}",
        id.name(),
        inventory.why_absent(absent)
    );
    Some(Cow::Owned(text))
}

/// Whether a rule's sources hold a client.
fn is_source<'i>(inventory: &'i Inventory, rule: &'i FirewallRule, client: IpAddr) -> Holds<'i> {
    let terms = rule.sources.terms.iter().map(|term| match term {
        AddressTerm::Any => Holds::Yes,
        AddressTerm::Range(range) => Holds::surely(range.contains(client)),
        AddressTerm::Unknown(why) => Holds::unknown(why),
        AddressTerm::Tag(_) | AddressTerm::Group(_) => {
            Holds::Maybe(Cow::Borrowed("a source of the NAT rule is not an address"))
        }
    });
    let groups = rule.source_groups.iter().map(|id| match inventory.ip_groups.find(id) {
        Some(group) => Holds::of(&group.ranges, |ranges| contain(ranges, client)),
        None => Holds::Maybe(Cow::Owned(inventory.why_absent(id).text.to_string())),
    });
    Holds::any(terms.chain(groups))
}

fn takes_the_same(rule: &FirewallRule, other: &FirewallRule) -> bool {
    let (here, there) = (&rule.destinations, &other.destinations);
    let unsaid = here.terms.is_empty() || there.terms.is_empty() || here.is_any() || there.is_any();
    let shared = here.terms.iter().any(|term| there.terms.contains(term));
    let unread = rule.destination_ports.unknown.is_some() || other.destination_ports.unknown.is_some();
    let ports = || rule.destination_ports.set.intersects(&other.destination_ports.set);
    (unsaid || shared) && (unread || ports())
}

/// The ranges of a firewall's subnet; of one in a virtual hub, the hub's.
fn translation_range<'i>(inventory: &'i Inventory, firewall: &Firewall) -> Result<&'i [AddressRange], Reason<'i>> {
    let no_subnet = || Reason::Borrowed("the subnet of the firewall is not in the input");
    let prefixes = match (firewall.subnets.first(), &firewall.virtual_hub) {
        (Some(subnet), _) => inventory.subnet(subnet).map(|(_, subnet)| &subnet.prefixes),
        (None, None) => None,
        (None, Some(hub)) => return firewalls_of_hub(inventory, hub),
    };
    prefixes.and_then(Known::known).map(Vec::as_slice).ok_or_else(no_subnet)
}

/// The range that firewalls of a virtual hub translate from: the hub's.
pub fn firewalls_of_hub<'i>(inventory: &'i Inventory, hub: &ResourceId) -> Result<&'i [AddressRange], Reason<'i>> {
    if inventory.choices.is(&choices::HUB_NAT, "unknown") {
        return Err(Reason::Borrowed(
            "which address a firewall in a virtual hub shows is not documented",
        ));
    }
    let prefixes = inventory.virtual_hubs.find(hub).and_then(|hub| hub.prefixes.known());
    prefixes.map(Vec::as_slice).ok_or_else(|| {
        let text = format!("the address prefix of virtual hub `{}` is not in the input", hub.name());
        Reason::Owned(text)
    })
}

/// Whether an address means a machine of the target's network to a firewall: private addresses repeat.
fn leads_here<'i>(inventory: &'i Inventory, firewall: &'i Firewall, target: &Target<'i>, address: IpAddr) -> Holds<'i> {
    let name = firewall.id.name();
    let unsure = || {
        let text = format!("no network that holds the address is connected to firewall `{name}` in the input");
        Holds::Maybe(Cow::Owned(text))
    };
    if let (Some(hub), Some(own)) = (&firewall.virtual_hub, target.place.network) {
        return from_hub(inventory, hub, own, address).unwrap_or_else(unsure);
    }
    let Some((stands, _)) = firewall.subnets.first().and_then(|subnet| inventory.subnet(subnet)) else {
        return unsure();
    };
    match (holder(inventory, stands, address), target.place.network) {
        (Some(holder), Some(own)) => Holds::surely(holder.id == own.id),
        _ => unsure(),
    }
}

/// Whether a firewall in a virtual hub means a network by an address: a network that hangs on the hub comes first.
fn from_hub<'i>(
    inventory: &'i Inventory,
    hub: &ResourceId,
    own: &VirtualNetwork,
    address: IpAddr,
) -> Option<Holds<'i>> {
    let connections = inventory.hub_connections.iter();
    let mut connected = connections.filter(|connection| connection.id.parent().as_ref() == Some(hub));
    if connected.clone().any(|connection| connection.network == own.id) {
        return Some(Holds::Yes);
    }
    let networks = connected
        .by_ref()
        .filter_map(|connection| inventory.networks.find(&connection.network));
    let mut spaces = networks.filter_map(|network| network.address_space.known());
    spaces.any(|ranges| contain(ranges, address)).then_some(Holds::No)
}

/// The network that holds an address, seen from another: its own space comes first, then that of connected peers.
pub fn holder<'i>(inventory: &'i Inventory, from: &'i VirtualNetwork, address: IpAddr) -> Option<&'i VirtualNetwork> {
    let mut prefixes = from.subnets.iter().filter_map(|subnet| subnet.prefixes.known());
    let space = from.address_space.known();
    if prefixes.any(|ranges| contain(ranges, address)) || space.is_some_and(|ranges| contain(ranges, address)) {
        return Some(from);
    }
    space?;
    let connected = |peering: &&Peering| {
        peering
            .state
            .known()
            .is_none_or(|state| state.eq_ignore_ascii_case("Connected"))
    };
    from.peerings.iter().filter(connected).find_map(|peering| {
        let remote = inventory.networks.find(peering.remote.as_ref()?)?;
        let stated = peering.remote_space.known().filter(|ranges| !ranges.is_empty());
        let space = stated.or_else(|| remote.address_space.known())?;
        contain(space, address).then_some(remote)
    })
}

/// Whether a firewall may forward to the target's network at all: it stands in it or in a peer of it.
fn may_reach(estate: &Estate<'_>, firewall: &Firewall, target: &Target<'_>) -> bool {
    if let (Some(hub), Some(own), Known::Known(address)) =
        (&firewall.virtual_hub, target.place.network, target.address())
    {
        return from_hub(estate.inventory, hub, own, *address) != Some(Holds::No);
    }
    let stands = firewall
        .subnets
        .first()
        .and_then(|subnet| estate.inventory.subnet(subnet));
    let (Some((stands, _)), Some(own)) = (stands, target.place.network) else {
        return true;
    };
    let peered = |one: &VirtualNetwork, other: &VirtualNetwork| {
        one.peerings
            .iter()
            .any(|peering| peering.remote.as_ref() == Some(&other.id))
    };
    let unread = firewall.unread.is_some() || stands.unread.is_some();
    unread || stands.id == own.id || peered(stands, own) || peered(own, stands)
}

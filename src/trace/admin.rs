//! Security admin rules of network managers: they come before every group. Whether a configuration is deployed to the
//! network's region is part of no resource, so what a rule does it only may do.

use super::group::{comes_from, has};
use super::holds::Holds;
use super::machine::{Estate, Target};
use super::packet::{Membership, Packet};
use crate::model::{
    AddressTerm, AdminAccess, AdminEndpoint, AdminRule, Direction, Inventory, ResourceId, ServiceTag, VirtualNetwork,
};

/// What admin rules may do with one packet before any group sees it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Effect<'i> {
    /// A rule that may stop it.
    pub denies: Option<&'i AdminRule>,
    /// A rule that may deliver it past every group.
    pub delivers: Option<&'i AdminRule>,
}

/// The inbound rules whose collection may apply to a network.
pub fn applicable<'i>(inventory: &'i Inventory, network: Option<&VirtualNetwork>) -> Vec<&'i AdminRule> {
    let Some(network) = network else { return Vec::new() };
    let inbound = inventory
        .admin_rules
        .iter()
        .filter(|rule| rule.direction.known() != Some(&Direction::Outbound));
    inbound.filter(|rule| may_apply(inventory, rule, &network.id)).collect()
}

/// A collection applies to the members of its groups. A group without listed members may get them from a policy.
fn may_apply(inventory: &Inventory, rule: &AdminRule, network: &ResourceId) -> bool {
    let Some(collection) = rule
        .id
        .parent()
        .and_then(|id| inventory.admin_rule_collections.find(&id))
    else {
        return true;
    };
    collection.groups.iter().any(|group| {
        let of_group = |member: &&crate::model::StaticMember| member.id.parent().as_ref() == Some(group);
        let mut members = inventory.static_members.iter().filter(of_group).peekable();
        members.peek().is_none()
            || members.any(|member| member.resource == *network || member.resource.parent().as_ref() == Some(network))
    })
}

/// What the rules may do with a packet to a machine.
pub fn effect<'i>(estate: &Estate<'i>, target: &Target<'i>, packet: Packet<'_>) -> Effect<'i> {
    let mut effect = Effect::default();
    for rule in target
        .admin
        .iter()
        .copied()
        .filter(|rule| may_match(estate, target, rule, packet))
    {
        let access = rule.access.known();
        if !matches!(access, Some(AdminAccess::Allow | AdminAccess::AlwaysAllow)) {
            effect.denies.get_or_insert(rule);
        }
        if !matches!(access, Some(AdminAccess::Allow | AdminAccess::Deny)) {
            effect.delivers.get_or_insert(rule);
        }
    }
    effect
}

fn may_match<'i>(estate: &Estate<'i>, target: &Target<'i>, rule: &'i AdminRule, packet: Packet<'_>) -> bool {
    let matches = Holds::of(&rule.protocol, |protocols| protocols.contains(packet.protocol))
        .and(|| has(&rule.destination_ports, packet.port))
        .and(|| has(&rule.source_ports, packet.source_port))
        .and(|| any_or_all(rule.destinations.iter().map(|end| is_destination(target, end))))
        .and(|| any_or_all(rule.sources.iter().map(|end| is_source(estate, target, end, packet))));
    !matches.is_no()
}

/// A side that is left out stands for everything.
fn any_or_all<'i>(ends: impl ExactSizeIterator<Item = Holds<'i>>) -> Holds<'i> {
    if ends.len() == 0 { Holds::Yes } else { Holds::any(ends) }
}

const UNRESOLVED: Holds<'static> = Holds::Maybe(std::borrow::Cow::Borrowed("a network group is not resolved"));

fn is_destination<'i>(target: &Target<'i>, end: &'i AdminEndpoint) -> Holds<'i> {
    match end {
        AdminEndpoint::Addresses(addresses) => target.is_among(addresses),
        AdminEndpoint::Group(_) => UNRESOLVED,
    }
}

fn is_source<'i>(estate: &Estate<'i>, target: &Target<'i>, end: &'i AdminEndpoint, packet: Packet<'_>) -> Holds<'i> {
    let AdminEndpoint::Addresses(addresses) = end else {
        return UNRESOLVED;
    };
    Holds::any(addresses.terms.iter().map(|term| match term {
        // What is admitted by chance must not be certain, so a tag without data may hold any public address.
        AddressTerm::Tag(ServiceTag::Named(_)) => {
            let unread = Packet {
                membership: Membership::Unread,
                ..packet
            };
            comes_from(estate, target, term, unread)
        }
        _ => comes_from(estate, target, term, packet),
    }))
}

/// Where the answers of admin rules may change.
pub fn landmarks(target: &Target<'_>, mut mark: impl FnMut(&AddressTerm)) {
    for end in target.admin.iter().flat_map(|rule| &rule.sources) {
        if let AdminEndpoint::Addresses(addresses) = end {
            addresses.terms.iter().for_each(&mut mark);
        }
    }
}

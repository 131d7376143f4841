//! One network security group asked about one packet: rules in order of priority, the first that matches decides.

use std::borrow::Cow;

use super::holds::{Holds, Reason};
use super::machine::{Estate, Layer, Target};
use super::packet::{self, Membership, Packet};
use crate::model::{Access, AddressTerm, Addresses, Direction, Inventory, Ports, SecurityRule, ServiceTag, choices};
use crate::net::AddressRange;

/// What a layer does with a packet, for every way in which its unknowns could turn out.
#[derive(Clone, Debug)]
pub struct Said<'i> {
    pub may_pass: bool,
    pub may_stop: bool,
    /// The rule that decides; where an unknown does, the first that may.
    pub rule: Option<&'i SecurityRule>,
    /// The unknown that keeps it open.
    pub doubt: Option<Reason<'i>>,
}

impl<'i> Said<'i> {
    pub fn passes() -> Self {
        Said {
            may_pass: true,
            may_stop: false,
            rule: None,
            doubt: None,
        }
    }

    fn unknown(why: &Reason<'i>) -> Self {
        Said {
            may_pass: true,
            may_stop: true,
            rule: None,
            doubt: Some(why.clone()),
        }
    }

    pub fn is_sure(&self) -> bool {
        self.may_pass != self.may_stop
    }
}

/// What one layer says.
pub fn ask<'i>(estate: &Estate<'i>, target: &Target<'i>, layer: &Layer<'i>, packet: Packet<'_>) -> Said<'i> {
    match layer {
        Layer::Open => Said::passes(),
        Layer::Unread(_, why) => Said::unknown(why),
        Layer::Group(_, rules) => first_match(estate, target, rules, packet),
    }
}

/// Every rule before the first that surely matches may decide, if its unknowns turn out so.
fn first_match<'i>(
    estate: &Estate<'i>,
    target: &Target<'i>,
    rules: &[&'i SecurityRule],
    packet: Packet<'_>,
) -> Said<'i> {
    let mut heard = Heard::default();
    // Azure has each priority once. Where a text has it twice, the order of the two is not known.
    for twins in rules.chunk_by(|one, next| one.priority == next.priority && one.priority.known().is_some()) {
        for rule in twins {
            heard.hear(rule, matches(estate, target, rule, packet));
        }
        if heard.decided {
            break;
        }
    }
    heard.said()
}

/// What the rules have said so far.
#[derive(Default)]
struct Heard<'i> {
    may_pass: bool,
    may_stop: bool,
    decided: bool,
    sure: Option<&'i SecurityRule>,
    doubtful: Option<(&'i SecurityRule, Reason<'i>)>,
}

impl<'i> Heard<'i> {
    fn hear(&mut self, rule: &'i SecurityRule, matches: Holds<'i>) {
        let why = match matches {
            Holds::No => return,
            Holds::Yes => {
                self.decided = true;
                self.sure.get_or_insert(rule);
                rule.access.why().map(|why| Cow::Borrowed(&*why.text))
            }
            Holds::Maybe(why) => Some(why),
        };
        let access = rule.access.known();
        self.may_pass |= access != Some(&Access::Deny);
        self.may_stop |= access != Some(&Access::Allow);
        if let Some(why) = why {
            self.doubtful.get_or_insert((rule, why));
        }
    }

    fn said(self) -> Said<'i> {
        let same_priority = Reason::Borrowed("two rules of one group have the same priority and opposite access");
        // What no rule lets through is stopped.
        let may_stop = self.may_stop || !self.decided;
        let (rule, doubt) = match (self.may_pass && may_stop, self.doubtful) {
            (true, Some((rule, why))) => (Some(rule), Some(why)),
            (true, None) => (self.sure, Some(same_priority)),
            (false, doubtful) => (self.sure.or(doubtful.map(|(rule, _)| rule)), None),
        };
        Said {
            may_pass: self.may_pass,
            may_stop,
            rule,
            doubt,
        }
    }
}

fn matches<'i>(estate: &Estate<'i>, target: &Target<'i>, rule: &'i SecurityRule, packet: Packet<'_>) -> Holds<'i> {
    Holds::of(&rule.direction, |direction| *direction == Direction::Inbound)
        .and(|| Holds::of(&rule.protocol, |protocols| protocols.contains(packet.protocol)))
        .and(|| has(&rule.destination_ports, packet.port))
        .and(|| has(&rule.source_ports, packet.source_port))
        .and(|| match is_everything(estate.inventory, &rule.destinations) {
            true => Holds::Yes,
            false => target.is_among(&rule.destinations),
        })
        .and(|| is_source(estate, target, &rule.sources, packet))
        .doubted(rule.priority.why())
}

pub fn has(ports: &Ports, port: u16) -> Holds<'_> {
    match ports.set.contains(port) {
        true => Holds::Yes,
        false => ports.unknown.as_ref().map_or(Holds::No, Holds::unknown),
    }
}

/// Whether the packet's source is among a rule's.
pub fn is_source<'i>(
    estate: &Estate<'i>,
    target: &Target<'i>,
    sources: &'i Addresses,
    packet: Packet<'_>,
) -> Holds<'i> {
    if is_everything(estate.inventory, sources) {
        return Holds::Yes;
    }
    Holds::any(
        sources
            .terms
            .iter()
            .map(|term| comes_from(estate, target, term, packet)),
    )
}

/// Whether a side of a rule names `0.0.0.0/0` and that is chosen to stand for both families.
fn is_everything(inventory: &Inventory, addresses: &Addresses) -> bool {
    let zero = |term: &AddressTerm| *term == AddressTerm::Range(AddressRange::V4(0, u32::MAX));
    inventory.choices.is(&choices::ZERO_PREFIX, "both") && addresses.terms.iter().any(zero)
}

/// Whether the packet comes from one term of a rule's sources.
pub fn comes_from<'i>(
    estate: &Estate<'i>,
    target: &Target<'i>,
    term: &'i AddressTerm,
    packet: Packet<'_>,
) -> Holds<'i> {
    match term {
        AddressTerm::Any => Holds::Yes,
        AddressTerm::Range(range) => Holds::surely(range.contains(packet.source)),
        AddressTerm::Tag(ServiceTag::VirtualNetwork) => target.place.in_virtual_network(packet.source),
        AddressTerm::Tag(ServiceTag::Internet) => target.place.is_in_internet(packet.source),
        AddressTerm::Tag(ServiceTag::AzureLoadBalancer) => Holds::surely(packet::is_platform(packet.source)),
        AddressTerm::Tag(tag @ ServiceTag::Named(_)) => is_tagged(estate.inventory, packet, tag),
        AddressTerm::Group(group) => estate.is_member(group, packet.source),
        AddressTerm::Unknown(why) => Holds::unknown(why),
    }
}

/// Whether the source has a service tag. Tags whose addresses are not in the input lie in public space.
fn is_tagged<'i>(inventory: &'i Inventory, packet: Packet<'_>, tag: &'i ServiceTag) -> Holds<'i> {
    match inventory.tag_addresses.holds(tag, packet.source) {
        Some((true, _)) => return Holds::Yes,
        Some((false, false)) => return Holds::No,
        Some((false, true)) => {
            return Holds::Maybe(Cow::Owned(format!("the addresses of `{tag}` are not known for sure")));
        }
        None => {}
    }
    let unread = || {
        Holds::Maybe(Cow::Owned(format!(
            "the addresses of service tag `{tag}` are not in the input"
        )))
    };
    match packet.membership {
        Membership::Outside => Holds::No,
        Membership::Of(own) if tag.surely_contains(own) => Holds::Yes,
        Membership::Of(_) => unread(),
        Membership::Unread if packet::is_public(packet.source) => unread(),
        Membership::Unread => Holds::No,
    }
}

//! The words for what stands outside: public addresses, load balancers and firewalls.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::names::{destination, with_ports};
use super::{Hop, HopEffect, HopKind, Words, hop};
use crate::model::{AddressTerm, FirewallRule, Inventory, Known, ResourceId};
use crate::net::AddressRange;
use crate::trace::holds::Holds;
use crate::trace::judge::Bears;
use crate::trace::nat::Translation;
use crate::trace::question::{Question, Traced};
use crate::trace::ways::{Balanced, Front, Sold, Way, WayIn, address_of};

impl<'i> Words<'_, 'i> {
    /// The station on the outside that the packet is sent to.
    pub(super) fn front(&self, traced: &Traced<'_, 'i>, question: &Question<'_>) -> Option<Hop> {
        let to = destination(traced.target, question.port);
        let mut hop = match &traced.way.front {
            Front::None => return None,
            Front::Unread => hop(
                "unknown".to_owned(),
                "something that could not be read may lead here".to_owned(),
            ),
            Front::UnreadFirewall(None, _) => hop(
                "unknown".to_owned(),
                "a firewall that was not read may have a NAT rule that leads here".to_owned(),
            ),
            Front::UnreadFirewall(Some(firewall), _) => Hop {
                id: Some(firewall.id.text().clone()),
                ..hop(
                    firewall.id.name().to_owned(),
                    "may have a NAT rule that leads here".to_owned(),
                )
            },
            Front::PublicIp { id, name, sku } => self.public_ip(*id, name, sku, &to, question.port),
            Front::Balancer(rule) => self.balancer(rule, &to, question.port),
            Front::Firewall(rule) => self.firewall(rule, &to, question.port),
        };
        hop.kind = match traced.way.way {
            Way::LoadBalancer => HopKind::LoadBalancer,
            Way::FirewallDnat => HopKind::Firewall,
            Way::PublicIp | Way::Private => HopKind::PublicIp,
        };
        let doubt = doubt_of(&traced.way, question);
        if let Some(why) = doubt {
            hop.effect = HopEffect::Unknown;
            let _ = write!(hop.sentence, "; {why}");
        }
        Some(hop)
    }

    pub(super) fn public_ip(&self, id: Option<&'i ResourceId>, name: &str, sku: &Sold<'i>, to: &str, port: u16) -> Hop {
        let outside = outside(self.inventory, id, name, Some((port, port)));
        let sku = sku.as_ref().map_or("unknown", |sku| sku.as_str());
        Hop {
            id: id.map(|id| id.text().clone()),
            ..hop(
                outside,
                format!("public address `{name}` (SKU {sku}) is translated to {to}"),
            )
        }
    }

    pub(super) fn balancer(&self, rule: &Balanced<'i>, to: &str, port: u16) -> Hop {
        let (id, ports) = (rule.public_ip, Some(rule.front_ports.unwrap_or((port, port))));
        let outside = outside(self.inventory, Some(id), id.name(), ports);
        let balancer = rule.balancer.id.name();
        let seen = match (rule.floating, address_of(self.inventory, Some(id))) {
            (false, _) => "the client's address stays".to_owned(),
            (true, Some(front)) => format!("floating IP: groups see {front} as the destination"),
            (true, None) => "floating IP: groups see the frontend's address as the destination".to_owned(),
        };
        Hop {
            id: Some(rule.balancer.id.text().clone()),
            rule: Some(rule.rule.into()),
            location: self.locate(rule.origin),
            ..hop(
                outside,
                format!("{} of load balancer `{balancer}` leads to {to}; {seen}", rule.kind),
            )
        }
    }

    pub(super) fn firewall(&self, translation: &Translation<'i>, to: &str, port: u16) -> Hop {
        let (firewall, rule) = (translation.firewall, translation.rule);
        let range = rule.destination_ports.set.ranges().first().copied();
        let ports = if matches!(rule.translated_port, Known::Known(None)) {
            Some((port, port))
        } else {
            range
        };
        let address = stated_address(rule).or_else(|| address_of(self.inventory, firewall.public_ips.first()));
        let name = address.map_or_else(|| firewall.id.name().to_owned(), |address| address.to_string());
        Hop {
            id: Some(firewall.id.text().clone()),
            rule: Some(format!("{}/{}", translation.collection.name, rule.name).into()),
            location: self.locate(rule.origin),
            ..hop(
                with_ports(&name, ports),
                format!("NAT rule of firewall `{}` leads to {to}", firewall.id.name()),
            )
        }
    }
}

pub(super) fn outside(inventory: &Inventory, id: Option<&ResourceId>, name: &str, ports: Option<(u16, u16)>) -> String {
    let address = address_of(inventory, id).map_or_else(|| name.to_owned(), |address| address.to_string());
    with_ports(&address, ports)
}

/// The destination that a NAT rule states, where it is one address.
pub(super) fn stated_address(rule: &FirewallRule) -> Option<IpAddr> {
    match rule.destinations.terms.as_slice() {
        [AddressTerm::Range(range)] => match *range {
            AddressRange::V4(first, last) if first == last => Some(IpAddr::V4(first.into())),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn doubt_of(way: &WayIn<'_>, question: &Question<'_>) -> Option<String> {
    let leads = way.leads_to(question.protocol, question.port);
    way.doubt.as_ref().or(leads.why()).map(ToString::to_string)
}

/// Whether the firewall takes the client. That it does needs no line of its own: the next says what groups see.
pub(super) fn taken(way: &WayIn<'_>, takes: &Holds<'_>, client: IpAddr) -> Option<Hop> {
    let (effect, sentence) = match takes {
        Holds::Yes => return None,
        Holds::No => (
            HopEffect::Stops,
            format!("{client} is not among the sources of the NAT rule"),
        ),
        Holds::Maybe(why) => (
            HopEffect::Unknown,
            format!("whether the NAT rule takes {client} is not known: {why}"),
        ),
    };
    Some(Hop {
        kind: HopKind::Firewall,
        effect,
        ..hop(firewall_name(way), sentence)
    })
}

pub(super) fn firewall_name(way: &WayIn<'_>) -> String {
    match &way.front {
        Front::Firewall(rule) => rule.firewall.id.name().to_owned(),
        Front::UnreadFirewall(Some(firewall), _) => firewall.id.name().to_owned(),
        _ => "firewall".to_owned(),
    }
}

/// A Deny network rule that covers what the NAT rule lets through.
pub(super) fn overruled(way: &WayIn<'_>, rule: &str, holds: &Holds<'_>, bears: Bears) -> Hop {
    let covers = match holds {
        Holds::Maybe(why) => format!("Deny rule `{rule}` may cover the translated packet ({why})"),
        Holds::Yes | Holds::No => format!("Deny rule `{rule}` covers the translated packet"),
    };
    let (effect, sentence) = match (bears, holds) {
        (Bears::Disputed, _) => (
            HopEffect::Passes,
            format!("{covers}: disputed, since network rules are not asked after NAT, but were by older documentation"),
        ),
        (Bears::Stops, Holds::Yes) => (HopEffect::Stops, format!("{covers} and is taken to stop it")),
        (Bears::Stops | Bears::May, _) => (
            HopEffect::Unknown,
            format!("{covers}; whether that stops it is not known"),
        ),
    };
    Hop {
        kind: HopKind::Firewall,
        effect,
        rule: (effect == HopEffect::Stops).then(|| rule.into()),
        ..hop(firewall_name(way), sentence)
    }
}

pub(super) fn seen_as(way: &WayIn<'_>, address: IpAddr, ranges: &[AddressRange], alike: bool) -> Hop {
    let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
    let which = match alike {
        true => "all fare alike".to_owned(),
        false => format!("{address} stands for those that get farthest"),
    };
    let whose = match &way.front {
        Front::Firewall(rule) if rule.firewall.subnets.is_empty() => "hub",
        _ => "subnet",
    };
    let sentence = format!(
        "puts an address of its {whose} {} in place of the client's; {which}",
        ranges.join(", ")
    );
    Hop {
        kind: HopKind::Firewall,
        ..hop(firewall_name(way), sentence)
    }
}

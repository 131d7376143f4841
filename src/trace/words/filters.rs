//! The words for what filters: admin rules, groups, the platform where there are none, and the way back.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::names::{belongs, hop_of, spelled_term};
use super::{Hop, HopEffect, HopKind, Words, hop, membership};
use crate::model::{
    Access, AddressTerm, AdminRule, Firewall, Known, NextHop, ResourceId, SecurityRule, ServiceTag, Sku,
};
use crate::trace::group::{self, Said};
use crate::trace::holds::{Holds, Reason};
use crate::trace::judge::{Does, Step};
use crate::trace::machine::{Layer, Target};
use crate::trace::nat::Forwarded;
use crate::trace::packet::Packet;
use crate::trace::place::{Back, Routes};
use crate::trace::question::{Question, Traced};
use crate::trace::ways::{Sold, Way};

/// Priority from which the rules are those that Azure adds to every group.
const FIRST_DEFAULT: u16 = 65000;

impl<'i> Words<'_, 'i> {
    pub(super) fn admin(&self, rule: &AdminRule, does: Does, doubt: Option<&Reason<'i>>) -> Hop {
        let (effect, sentence) = match (does, doubt) {
            (Does::Deny, None) => (HopEffect::Stops, "denies it before any group is asked".to_owned()),
            (Does::Deliver, None) => (HopEffect::Passes, "delivers it past every group".to_owned()),
            (Does::HandOver, None) => (HopEffect::Passes, "allows it on to the groups".to_owned()),
            (Does::Deny, Some(why)) => (HopEffect::Unknown, format!("may stop it before any group: {why}")),
            (Does::Deliver, Some(why)) => (HopEffect::Unknown, format!("may deliver it past every group: {why}")),
            (Does::HandOver, Some(why)) => (HopEffect::Unknown, format!("may allow it on to the groups: {why}")),
        };
        Hop {
            kind: HopKind::AdminRule,
            id: Some(rule.id.text().clone()),
            rule: Some(rule.id.name().into()),
            priority: rule.priority.known().copied(),
            effect,
            location: self.locate(rule.origin),
            ..hop("network manager".to_owned(), sentence)
        }
    }

    pub(super) fn layer(
        &self,
        target: &Target<'i>,
        at: usize,
        said: &Said<'i>,
        question: &Question<'_>,
        seen: IpAddr,
        traced: &Traced<'_, 'i>,
    ) -> Hop {
        let (kind, holder) = match at {
            0 => (
                HopKind::SubnetNsg,
                target.place.subnet.map_or("unknown", |subnet| subnet.id.name()),
            ),
            _ => (HopKind::NicNsg, target.nic.id.name()),
        };
        let level = if at == 0 { "subnet" } else { "interface" };
        let effect = match (said.may_pass, said.may_stop) {
            (true, false) => HopEffect::Passes,
            (false, _) => HopEffect::Stops,
            (true, true) => HopEffect::Unknown,
        };
        let worded = match target.layers.get(at) {
            Some(Layer::Group(nsg, _)) => {
                let packet = Packet {
                    source: seen,
                    membership: membership(self.from, traced),
                    source_port: traced.source_port,
                    protocol: question.protocol,
                    port: question.port,
                };
                let sentence = match said.rule {
                    Some(rule) => self.because(target, rule, packet, said),
                    None => "no rule lets it through".to_owned(),
                };
                Hop {
                    id: Some(nsg.id.text().clone()),
                    rule: said.rule.map(|rule| rule.name.clone()),
                    priority: said.rule.and_then(|rule| rule.priority.known().copied()).map(u32::from),
                    location: said.rule.and_then(|rule| self.locate(rule.origin)),
                    ..hop(nsg.id.name().to_owned(), sentence)
                }
            }
            Some(Layer::Unread(name, why)) => hop(
                name.unwrap_or("unknown").to_owned(),
                format!("what the group of the {level} says is not known: {why}"),
            ),
            Some(Layer::Open) | None => hop(
                "no group".to_owned(),
                format!("no network security group on {level} `{holder}`"),
            ),
        };
        Hop { kind, effect, ..worded }
    }

    /// Why a rule applies to a packet, and what it does.
    pub(super) fn because(
        &self,
        target: &Target<'i>,
        rule: &'i SecurityRule,
        packet: Packet<'_>,
        said: &Said<'i>,
    ) -> String {
        let is_default = rule.priority.known().is_some_and(|priority| *priority >= FIRST_DEFAULT);
        let lead = if is_default && said.is_sure() {
            "no stated rule matches; the default "
        } else {
            ""
        };
        let does = match (said.is_sure(), rule.access.known()) {
            (true, Some(Access::Allow)) => "allows",
            (true, Some(Access::Deny)) => "denies",
            (false, Some(Access::Allow)) => "may allow",
            (false, Some(Access::Deny)) => "may deny",
            (_, None) => "may allow or deny",
        };
        let holds = |term: &&AddressTerm| !group::comes_from(self.estate, target, term, packet).is_no();
        let term = rule.sources.terms.iter().find(holds);
        let protocol = rule.protocol.known().map_or_else(
            || "an unknown protocol".to_owned(),
            |set| match set.spelled() {
                any if any == "*" => "any protocol".to_owned(),
                named => named,
            },
        );
        let ports = match rule.destination_ports.set.spelled() {
            any if any == ["*"] => "any port".to_owned(),
            few if few.len() <= 4 => format!("port {}", few.join(", ")),
            many => format!("port {}, ...", many.get(..3).unwrap_or_default().join(", ")),
        };
        let mut sentence = format!(
            "{lead}{does} {protocol} from {}{} to {ports}",
            term.map_or("unknown".to_owned(), spelled_term),
            source_ports(rule)
        );
        if let Some(AddressTerm::Tag(ServiceTag::VirtualNetwork)) = term {
            let _ = write!(
                sentence,
                "; {} is in that tag: {}",
                packet.source,
                belongs(target, packet.source)
            );
        }
        if let Some(why) = &said.doubt {
            let _ = write!(sentence, "; {why}");
        }
        sentence
    }

    /// What a firewall on a private path does with the packet.
    pub(super) fn screen(&self, firewall: &'i Firewall, forwarded: &Forwarded<'i>) -> Hop {
        let (effect, rule, sentence) = match forwarded {
            Forwarded::Through(rule) => (
                HopEffect::Passes,
                None,
                format!("lets it through by network rule `{rule}`"),
            ),
            Forwarded::Stopped(Some(rule)) => (
                HopEffect::Stops,
                Some(rule),
                format!("gives it no session: network rule `{rule}` denies it"),
            ),
            Forwarded::Stopped(None) => (
                HopEffect::Stops,
                None,
                format!(
                    "firewall `{}` gives it no session: no network rule allows it",
                    firewall.id.name()
                ),
            ),
            Forwarded::Unknown(why) => (HopEffect::Unknown, None, format!("may give it no session: {why}")),
        };
        Hop {
            kind: HopKind::Firewall,
            effect,
            id: Some(firewall.id.text().clone()),
            rule: rule.map(|rule| rule.as_str().into()),
            ..hop(firewall.id.name().to_owned(), sentence)
        }
    }

    pub(super) fn back(&self, traced: &Traced<'_, 'i>, back: &Back<'i>, straight: &Holds<'i>) -> Hop {
        let client = traced.source;
        let private = traced.way.way == Way::Private;
        let sentence = match (back.route, straight) {
            (Some(route), Holds::Yes) if private => {
                let appliance = route.next_hop == Known::Known(NextHop::VirtualAppliance);
                let asked = |step: &Step<'_>| matches!(step, Step::Screen(..));
                let unasked = match appliance && !traced.course.steps.iter().any(asked) {
                    true => "; what it lets through was not asked",
                    false => "",
                };
                format!("the answer to {client} goes to {}{unasked}", hop_of(route))
            }
            (Some(route), Holds::Yes) => format!("the answer to {client} goes straight back to {}", hop_of(route)),
            (Some(route), Holds::No) => {
                format!(
                    "the answer to {client} goes to {} and never reaches the client: no session",
                    hop_of(route)
                )
            }
            (None, Holds::No) => {
                let hub = traced.target.place.hub.as_ref().map_or("unknown", |hub| hub.id.name());
                format!("the default route of virtual hub `{hub}` takes the answer to {client} elsewhere: no session")
            }
            (None, Holds::Yes) => match &traced.target.place.routes {
                Routes::Unread(why) => {
                    format!("taken to go straight back, although what the routes are is not known: {why}")
                }
                Routes::Stated(_) => "no route of the subnet takes the answer elsewhere: straight back".to_owned(),
            },
            (_, Holds::Maybe(why)) => format!("whether the answer to {client} goes straight back is not known: {why}"),
        };
        let table = traced
            .target
            .place
            .subnet
            .and_then(|subnet| subnet.route_table.known())
            .and_then(Option::as_ref);
        let effect = match straight {
            Holds::Yes => HopEffect::Passes,
            Holds::No => HopEffect::Stops,
            Holds::Maybe(_) => HopEffect::Unknown,
        };
        Hop {
            kind: HopKind::Route,
            effect,
            id: table.filter(|_| back.route.is_some()).map(|table| table.text().clone()),
            rule: back.route.map(|route| route.name.clone()),
            location: back.route.and_then(|route| self.locate(route.origin)),
            ..hop(table.map_or("routes", ResourceId::name).to_owned(), sentence)
        }
    }
}

/// The source ports of a rule, where they are not simply all; they seldom are what the rule's author meant.
fn source_ports(rule: &SecurityRule) -> String {
    let spelled = rule.source_ports.set.spelled();
    match spelled.as_slice() {
        [] => String::new(),
        [any] if any == "*" => String::new(),
        few if few.len() <= 4 => format!(", source port {},", few.join(", ")),
        many => format!(", source port {}, ...,", many.get(..3).unwrap_or_default().join(", ")),
    }
}

pub(super) fn platform(sold: Option<&Sold<'_>>) -> Hop {
    let (effect, sentence) = match sold {
        None => (
            HopEffect::Passes,
            "no network security group filters this machine".to_owned(),
        ),
        Some(Ok(Sku::Basic)) => (
            HopEffect::Passes,
            "no network security group, and a Basic public side is open until one denies".to_owned(),
        ),
        Some(Ok(Sku::Standard)) => {
            let text = "no network security group, and a Standard public side stays closed until one allows";
            (HopEffect::Stops, text.to_owned())
        }
        Some(Err(why)) => (
            HopEffect::Unknown,
            format!("no network security group; Basic would be open, Standard closed: {why}"),
        ),
    };
    Hop {
        kind: HopKind::Platform,
        effect,
        ..hop("no group".to_owned(), sentence)
    }
}

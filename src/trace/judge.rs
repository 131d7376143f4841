//! One packet on one way in, filter by filter: open, closed or undetermined, with each step on the way.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::admin::{self, Effect};
use super::group::{self, Said};
use super::holds::{Holds, Reason};
use super::machine::{Estate, Target};
use super::nat::{Forwarded, Translation, firewall_at, forwarded};
use super::packet::{self, Membership, Packet};
use super::place::Back;
use super::ways::{Front, Sold, Way, WayIn};
use crate::model::{AdminRule, Firewall, Inventory, Known, NextHop, Origin, Sku, choices};
use crate::net::{AddressRange, Protocol};

/// What becomes of a packet; the later, the more open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Something stops it.
    Closed,
    /// It arrives, but the answer leaves by another way: no session.
    NoReturnPath,
    /// An unknown decides.
    Undetermined,
    /// It arrives.
    Open,
}

/// A packet's course.
#[derive(Clone, Debug)]
pub struct Course<'i> {
    pub status: Status,
    pub steps: Vec<Step<'i>>,
    /// The unknown that decides.
    pub doubt: Option<Reason<'i>>,
}

/// Something that was asked on the way.
#[derive(Clone, Debug)]
pub enum Step<'i> {
    /// The front translates the packet; whether it takes this client.
    Front(Holds<'i>),
    /// The source that groups see from here on, the ranges of which it stands for every address, and whether all of
    /// them fare alike.
    SeenAs(IpAddr, &'i [AddressRange], bool),
    /// A Deny network rule, named as `collection/rule`, that is the first to match what the firewall translated.
    Overruled(String, Origin, Holds<'i>, Bears),
    /// What an admin rule does, or may do because of the unknown.
    Admin(&'i AdminRule, Does, Option<Reason<'i>>),
    /// What the layer of this index says.
    Layer(usize, Said<'i>),
    /// No group filters: the platform decides by the SKU of the public side.
    Platform(Option<Sold<'i>>),
    /// How the answer leaves, and whether it reaches the client.
    Back(Back<'i>, Holds<'i>),
    /// A firewall on a private path, and what it does with the packet.
    Screen(&'i Firewall, Forwarded<'i>),
}

/// How a Deny network rule is taken to bear on what a NAT rule lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bears {
    /// Not at all, though older documentation says so.
    Disputed,
    Stops,
    /// That is left open.
    May,
}

/// What an admin rule does with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    Deny,
    /// Past every group.
    Deliver,
    /// To the groups.
    HandOver,
}

/// Where a firewall stands of which it is not known where.
const ANYWHERE: &[AddressRange] = &[AddressRange::V4(0, u32::MAX)];

/// Who can come on a way in: public addresses from the internet, all others on private paths.
pub fn comes_by<'i>(target: &Target<'i>, way: &WayIn<'i>, source: IpAddr) -> Holds<'i> {
    let elsewhere = packet::is_nobody(source) || source.is_ipv4() != is_ipv4(target);
    match way.way {
        _ if elsewhere => Holds::No,
        Way::PublicIp | Way::LoadBalancer => {
            Holds::surely(target.place.in_internet(source) && !packet::is_platform(source))
        }
        Way::FirewallDnat => Holds::surely(packet::is_public(source) && !packet::is_platform(source)),
        Way::Private if packet::is_public(source) && !packet::is_platform(source) => target.place.is_connected(source),
        Way::Private => Holds::Yes,
    }
}

pub fn is_ipv4(target: &Target<'_>) -> bool {
    target.configuration.family == crate::net::Family::V4
}

/// Follows a packet that comes on a way which leads to its port.
pub fn judge<'i>(estate: &Estate<'i>, target: &Target<'i>, way: &WayIn<'i>, packet: Packet<'_>) -> Course<'i> {
    let fronted = way.fronted(estate, target);
    let target = fronted.as_ref().unwrap_or(target);
    let mut walk = Walk::default();
    walk.meet(way.doubt.clone().map_or(Holds::Yes, Holds::Maybe));
    walk.meet(way.leads_to(packet.protocol, packet.port));
    walk.meet(comes_by(target, way, packet.source));
    match seen_as(estate.inventory, way, packet, &mut walk) {
        Seen::Client => walk.filters(estate, target, way, packet),
        Seen::OneOf(ranges) if walk.may_pass => walk.translated(estate, target, way, packet, ranges),
        Seen::OneOf(_) => {}
    }
    walk.back(target, way, packet);
    walk.end()
}

/// Which source the groups see.
enum Seen<'i> {
    Client,
    /// One of these, chosen by a firewall, or why they are not known.
    OneOf(Result<&'i [AddressRange], Reason<'i>>),
}

fn seen_as<'i>(inventory: &'i Inventory, way: &WayIn<'i>, packet: Packet<'_>, walk: &mut Walk<'i>) -> Seen<'i> {
    match &way.front {
        Front::Firewall(rule) => {
            let takes = rule.takes(inventory, packet.source, packet.protocol);
            walk.steps.push(Step::Front(takes.clone()));
            walk.meet(takes);
            walk.overruled(inventory, rule, packet);
            Seen::OneOf(rule.seen_as.clone())
        }
        Front::UnreadFirewall(_, ranges) => Seen::OneOf(ranges.clone()),
        Front::None | Front::Unread | Front::PublicIp { .. } | Front::Balancer(_) => Seen::Client,
    }
}

/// A packet under way: what may still become of it.
#[derive(Clone)]
struct Walk<'i> {
    may_pass: bool,
    may_stop: bool,
    no_return: bool,
    doubt: Option<Reason<'i>>,
    steps: Vec<Step<'i>>,
}

impl Default for Walk<'_> {
    fn default() -> Self {
        Walk {
            may_pass: true,
            may_stop: false,
            no_return: false,
            doubt: None,
            steps: Vec::new(),
        }
    }
}

impl<'i> Walk<'i> {
    /// Goes on only where this holds.
    fn meet(&mut self, holds: Holds<'i>) {
        match holds {
            Holds::Yes => {}
            Holds::No => self.may_pass = false,
            Holds::Maybe(why) => self.doubt(why),
        }
    }

    fn doubt(&mut self, why: Reason<'i>) {
        self.may_stop = true;
        self.doubt.get_or_insert(why);
    }

    /// Admin rules, then the groups or, where there are none, the platform.
    fn filters(&mut self, estate: &Estate<'i>, target: &Target<'i>, way: &WayIn<'i>, packet: Packet<'_>) {
        let effect = admin::effect(estate, target, packet);
        self.note(&effect);
        let could_pass = self.may_pass;
        if effect.denies.is_some() {
            match effect.doubt.clone() {
                Some(why) => self.doubt(why),
                None => self.may_pass = false,
            }
        }
        if effect.hands_over {
            match way.sold(estate.inventory) {
                sold if target.is_unfiltered() => self.platform(sold),
                _ => self.layers(estate, target, packet),
            }
        }
        if effect.delivers.is_some() && could_pass {
            self.deliver(estate.inventory, target, way, &effect);
        }
    }

    fn note(&mut self, effect: &Effect<'i>) {
        let all = [
            (effect.denies, Does::Deny),
            (effect.delivers, Does::Deliver),
            (effect.allows, Does::HandOver),
        ];
        for (rule, does) in all {
            let step = rule.map(|rule| Step::Admin(rule, does, effect.doubt.clone()));
            self.steps.extend(step);
        }
    }

    /// An admin rule delivers the packet past every group, or may. What that means for a Standard public side that no
    /// group filters is not documented.
    fn deliver(&mut self, inventory: &'i Inventory, target: &Target<'i>, way: &WayIn<'i>, effect: &Effect<'i>) {
        let sold = way.sold(inventory).filter(|_| target.is_unfiltered());
        match (sold, inventory.choices.of(&choices::ALWAYS_ALLOW)) {
            (Some(Ok(Sku::Standard)), "closed") => {
                self.may_pass = false;
                return;
            }
            (Some(Ok(Sku::Standard)), "unknown") => {
                self.may_pass = true;
                self.doubt(Reason::Borrowed(
                    "whether an AlwaysAllow rule opens a Standard public address without a group is not documented",
                ));
            }
            (Some(Err(why)), _) => self.doubt(why),
            _ => {}
        }
        if let Some(why) = effect.doubt.clone().filter(|_| !self.may_pass || self.may_stop) {
            self.may_pass = true;
            self.doubt(why);
        }
    }

    fn layers(&mut self, estate: &Estate<'i>, target: &Target<'i>, packet: Packet<'_>) {
        for (at, layer) in target.layers.iter().enumerate() {
            let said = group::ask(estate, target, layer, packet);
            self.may_pass &= said.may_pass;
            if let Some(why) = &said.doubt {
                self.doubt(why.clone());
            }
            self.steps.push(Step::Layer(at, said));
            if !self.may_pass {
                return;
            }
        }
    }

    /// A Standard public side stays closed until a group allows; a Basic one is open until a group denies.
    fn platform(&mut self, sold: Option<Sold<'i>>) {
        match &sold {
            Some(Ok(Sku::Standard)) => self.may_pass = false,
            Some(Err(why)) => self.doubt(why.clone()),
            Some(Ok(Sku::Basic)) | None => {}
        }
        self.steps.push(Step::Platform(sold));
    }

    /// The firewall puts any of its addresses in place of the client's: it passes for sure only if all of them do.
    fn translated(
        &mut self,
        estate: &Estate<'i>,
        target: &Target<'i>,
        way: &WayIn<'i>,
        packet: Packet<'_>,
        ranges: Result<&'i [AddressRange], Reason<'i>>,
    ) {
        let (ranges, unknown) = match ranges {
            Ok(ranges) => (ranges, None),
            Err(why) => (ANYWHERE, Some(why)),
        };
        let mut sources = super::candidates::within(estate, target, ranges);
        sources.retain(|source| unknown.is_none() || !packet::is_platform(*source));
        let walks = sources.iter().map(|source| {
            let mut walk = self.clone();
            let step = Step::SeenAs(*source, ranges, true);
            walk.steps.extend(unknown.is_none().then_some(step));
            let seen = Packet {
                source: *source,
                // The client's tags stay behind with its address. Wherever a firewall stands, it has none.
                membership: match unknown {
                    Some(_) => Membership::Outside,
                    None => Membership::Unread,
                },
                ..packet
            };
            walk.filters(estate, target, way, seen);
            walk
        });
        let walks: Vec<Walk<'i>> = walks.collect();
        let stops = walks.iter().any(|walk| !walk.may_pass || walk.may_stop);
        let fares = |walk: &Walk<'_>| (walk.may_pass, walk.may_stop);
        let alike = walks
            .windows(2)
            .all(|pair| matches!(pair, [one, next] if fares(one) == fares(next)));
        let openest = walks.into_iter().max_by_key(|walk| (walk.may_pass, !walk.may_stop));
        let Some(openest) = openest else {
            return self.doubt(Reason::Borrowed("the subnet of the firewall has no address"));
        };
        let all_alike = !openest.may_pass || openest.may_stop || !stops;
        *self = openest;
        if let Some(why) = unknown {
            return self.doubt(why);
        }
        for step in &mut self.steps {
            if let Step::SeenAs(_, _, all) = step {
                *all = alike;
            }
        }
        if !all_alike {
            self.doubt(Reason::Borrowed(
                "the groups admit some addresses of the firewall's subnet and stop others, and it may use any of them",
            ));
        }
    }

    /// A Deny network rule may bear on what a NAT rule lets through; documentation says both.
    fn overruled(&mut self, inventory: &'i Inventory, rule: &Translation<'i>, packet: Packet<'_>) {
        let (holds, by) = rule.overruled(inventory, packet);
        let Some(by) = by.filter(|_| self.may_pass) else { return };
        let bears = match inventory.choices.of(&choices::DENY_AFTER_NAT) {
            "overrides" => Bears::Stops,
            "unknown" => Bears::May,
            _ => Bears::Disputed,
        };
        let name = format!("{}/{}", by.collection.name, by.rule.name);
        self.steps
            .push(Step::Overruled(name, by.rule.origin, holds.clone(), bears));
        match (bears, holds) {
            (Bears::Disputed, _) | (_, Holds::No) => {}
            (Bears::Stops, holds) => self.meet(holds.contrary()),
            (Bears::May, _) => self.doubt(Reason::Owned(format!(
                "whether Deny rule `{}/{}` of the firewall stops what its NAT rule translates is not known",
                by.collection.name, by.rule.name
            ))),
        }
    }

    /// Whether the answer finds the way back. Where the routes are not known, what the groups admit stands.
    fn back(&mut self, target: &Target<'i>, way: &WayIn<'i>, packet: Packet<'_>) {
        if !self.may_pass || way.way == Way::FirewallDnat {
            return;
        }
        if way.way == Way::Private {
            return self.back_private(target, packet);
        }
        let back = target.place.route_to(packet.source);
        let straight = back.is_straight();
        self.steps.push(Step::Back(back, straight.clone()));
        match straight {
            // A datagram needs no answer to arrive.
            _ if packet.protocol != Protocol::Tcp => {}
            Holds::Yes => {}
            Holds::No => self.no_return = true,
            Holds::Maybe(why) => self.doubt(why),
        }
    }

    /// On a private path the answer is not lost, but it may have to pass a firewall, which gives no session to whom its
    /// network rules do not let through.
    fn back_private(&mut self, target: &Target<'i>, packet: Packet<'_>) {
        let Some((route, surely)) = target.place.private_route_to(packet.source) else {
            return;
        };
        let back = Back {
            route: Some(route),
            perhaps: None,
            taken: Holds::No,
        };
        self.steps.push(Step::Back(back, Holds::Yes));
        // A datagram needs no answer to arrive, and Azure Firewall has no IPv6.
        let asked = packet.protocol == Protocol::Tcp && is_ipv4(target);
        let appliance = asked && route.next_hop == Known::Known(NextHop::VirtualAppliance);
        let hop = target.place.network.zip(route.next_hop_address.filter(|_| appliance));
        let inventory = target.place.inventory;
        let Some(firewall) = hop.and_then(|(network, address)| firewall_at(inventory, network, address)) else {
            return;
        };
        let to = target.address().known().copied();
        let forwarded = forwarded(inventory, firewall, packet, to);
        match (&forwarded, surely) {
            (Forwarded::Through(_), _) => {}
            (Forwarded::Stopped(_), Holds::Maybe(why)) => self.doubt(why),
            (Forwarded::Stopped(_), _) => self.may_pass = false,
            (Forwarded::Unknown(why), _) => self.doubt(why.clone()),
        }
        self.steps.push(Step::Screen(firewall, forwarded));
    }

    fn end(self) -> Course<'i> {
        let status = match (self.may_pass, self.no_return, self.may_stop) {
            (false, ..) => Status::Closed,
            (true, true, _) => Status::NoReturnPath,
            (true, false, true) => Status::Undetermined,
            (true, false, false) => Status::Open,
        };
        let doubt = self.doubt.filter(|_| status == Status::Undetermined);
        Course {
            status,
            steps: self.steps,
            doubt,
        }
    }
}

//! The words for a trace: what each station is, which rule decides there, where that is written, and why it applies.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::answer::{Hop, HopEffect, HopKind, Trace};
use super::group::{self, Said};
use super::holds::Holds;
use super::judge::{Course, Status, Step};
use super::machine::{Estate, Layer, Machine, Target};
use super::nat::Translation;
use super::packet::{self, Membership, Packet};
use super::place::{Back, Because, Routes};
use super::question::{From, Question, Traced};
use super::ways::{Balanced, Front, Sold, Way, WayIn, address_of};
use crate::model::{
    Access, AddressTerm, AdminRule, Inventory, Known, NextHop, Origin, ResourceId, Route, SecurityRule, ServiceTag,
    Sku, Why,
};
use crate::net::AddressRange;
use crate::source::{Location, Sources};

/// Priority from which the rules are those that Azure adds to every group.
const FIRST_DEFAULT: u16 = 65000;

/// What words are made from.
pub struct Words<'w, 'i> {
    pub inventory: &'i Inventory,
    pub sources: &'w Sources,
    pub estate: &'w Estate<'i>,
    pub from: &'w From,
}

impl<'i> Words<'_, 'i> {
    pub fn trace(&self, traced: &Traced<'_, 'i>, question: &Question<'_>) -> Trace {
        let mut hops = vec![self.source(traced, question)];
        hops.extend(self.front(traced, question));
        let mut seen = traced.source;
        for step in &traced.course.steps {
            if let Step::SeenAs(source, _) = step {
                seen = *source;
            }
            hops.extend(self.step(step, traced, question, seen));
        }
        if traced.course.status != Status::Closed {
            hops.push(arrival(traced, question));
        }
        Trace {
            way: traced.way.way,
            target: traced.target.name(),
            address: traced.target.address().known().copied(),
            source: traced.source,
            source_tag: traced.tag.as_ref().map(ToString::to_string),
            source_port: traced.source_port,
            status: traced.course.status,
            sentence: sentence(&traced.course, &hops),
            hops,
        }
    }

    fn locate(&self, origin: Origin) -> Option<Location> {
        origin.0.map(|place| self.sources.locate(place))
    }

    fn source(&self, traced: &Traced<'_, 'i>, question: &Question<'_>) -> Hop {
        let source = traced.source;
        let tag = traced.tag.as_ref().or(match self.from {
            From::Tag(tag) => Some(tag),
            _ => None,
        });
        let name = tag.map_or_else(|| source.to_string(), ToString::to_string);
        let mut sentence = match tag {
            Some(tag) => format!("an address of service tag `{tag}`"),
            None => who(traced.target, traced.way.way, source),
        };
        if self.from.is_many() {
            sentence += match traced.by_source {
                true => "; it stands for those that get farthest",
                false => "; all others fare alike",
            };
        }
        let _ = write!(
            sentence,
            "; sends {} from port {}",
            question.protocol.as_str(),
            traced.source_port
        );
        if traced.by_source_port {
            sentence += ", which it chose: other source ports do not get as far";
        }
        Hop {
            kind: HopKind::Source,
            ..hop(name, sentence)
        }
    }

    /// The station on the outside that the packet is sent to.
    fn front(&self, traced: &Traced<'_, 'i>, question: &Question<'_>) -> Option<Hop> {
        let to = destination(traced.target, question.port);
        let mut hop = match &traced.way.front {
            Front::None => return None,
            Front::Unread => hop(
                "unknown".to_owned(),
                "something that could not be read may lead here".to_owned(),
            ),
            Front::UnreadFirewall(firewall, _) => Hop {
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

    fn public_ip(&self, id: Option<&'i ResourceId>, name: &str, sku: &Sold<'i>, to: &str, port: u16) -> Hop {
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

    fn balancer(&self, rule: &Balanced<'i>, to: &str, port: u16) -> Hop {
        let (id, ports) = (rule.public_ip, Some(rule.front_ports.unwrap_or((port, port))));
        let outside = outside(self.inventory, Some(id), id.name(), ports);
        let balancer = rule.balancer.id.name();
        Hop {
            id: Some(rule.balancer.id.text().clone()),
            rule: Some(rule.rule.into()),
            location: self.locate(rule.origin),
            ..hop(
                outside,
                format!(
                    "{} of load balancer `{balancer}` leads to {to}; the client's address stays",
                    rule.kind
                ),
            )
        }
    }

    fn firewall(&self, translation: &Translation<'i>, to: &str, port: u16) -> Hop {
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

    fn step(&self, step: &Step<'i>, traced: &Traced<'_, 'i>, question: &Question<'_>, seen: IpAddr) -> Option<Hop> {
        let target = traced.target;
        Some(match step {
            Step::Front(takes) => taken(&traced.way, takes, traced.source)?,
            Step::SeenAs(address, ranges) => seen_as(&traced.way, *address, ranges),
            Step::MayDeny(rule) => self.admin(rule, "may stop it before any group"),
            Step::MayDeliver(rule) => self.admin(rule, "may deliver it past every group"),
            Step::Layer(at, said) => self.layer(target, *at, said, question, seen, traced),
            Step::Platform(sold) => platform(sold.as_ref()),
            Step::Back(back, straight) => self.back(traced, back, straight),
        })
    }

    fn admin(&self, rule: &AdminRule, does: &str) -> Hop {
        Hop {
            kind: HopKind::AdminRule,
            id: Some(rule.id.text().clone()),
            rule: Some(rule.id.name().into()),
            priority: rule.priority.known().copied(),
            effect: HopEffect::Unknown,
            location: self.locate(rule.origin),
            ..hop(
                "network manager".to_owned(),
                format!("{does}, if it is deployed here, which no resource says"),
            )
        }
    }

    fn layer(
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
    fn because(&self, target: &Target<'i>, rule: &'i SecurityRule, packet: Packet<'_>, said: &Said<'i>) -> String {
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
            "{lead}{does} {protocol} from {} to {ports}",
            term.map_or("unknown".to_owned(), spelled_term)
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

    fn back(&self, traced: &Traced<'_, 'i>, back: &Back<'i>, straight: &Holds<'i>) -> Hop {
        let client = traced.source;
        let private = traced.way.way == Way::Private;
        let sentence = match (back.route, straight) {
            (Some(route), Holds::Yes) if private => format!("the answer to {client} goes to {}", hop_of(route)),
            (Some(route), Holds::Yes) => format!("the answer to {client} goes straight back to {}", hop_of(route)),
            (Some(route), Holds::No) => {
                format!(
                    "the answer to {client} goes to {} and never reaches the client: no session",
                    hop_of(route)
                )
            }
            (None, Holds::No) => "the answer does not reach the client: no session".to_owned(),
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

fn hop(name: String, sentence: String) -> Hop {
    Hop {
        kind: HopKind::Machine,
        name,
        id: None,
        effect: HopEffect::Passes,
        rule: None,
        priority: None,
        location: None,
        sentence,
    }
}

fn membership<'q>(from: &'q From, traced: &'q Traced<'_, '_>) -> Membership<'q> {
    match (&traced.tag, from) {
        (Some(tag), _) | (None, From::Tag(tag)) => Membership::Of(tag),
        (None, From::Internet) => Membership::Outside,
        (None, _) => Membership::Unread,
    }
}

fn spelled(from: &From, status: Status) -> String {
    let which = if status == Status::Closed { "every" } else { "some" };
    match from {
        From::Address(address) => address.to_string(),
        From::Within(range) => format!("{which} address of {range}"),
        From::Internet => format!("{which} public address"),
        From::VirtualNetwork => format!("{which} address of its virtual network and what is connected to it"),
        From::Tag(tag) => format!("{which} address of `{tag}`"),
    }
}

/// Who an address is, seen from the machine's subnet.
fn who(target: &Target<'_>, way: Way, source: IpAddr) -> String {
    if packet::is_platform(source) {
        return "the platform's own address: health probes, no client".to_owned();
    }
    match way {
        Way::Private => match target.place.belongs(source).0 {
            Holds::No => "a private address that nothing in the input connects to this network".to_owned(),
            _ => belongs(target, source),
        },
        _ => "a public address".to_owned(),
    }
}

/// Why an address belongs to the virtual network.
fn belongs(target: &Target<'_>, address: IpAddr) -> String {
    let network = target.place.network.map_or("unknown", |network| network.id.name());
    let (holds, because) = target.place.belongs(address);
    let reason = match because {
        Because::Platform => "the platform's own address".to_owned(),
        Because::OwnSpace => format!("within the address space of `{network}`"),
        Because::Peering(peering) => format!("behind peering `{}` of `{network}`", peering.name),
        Because::Gateway => format!("perhaps behind the gateway of `{network}`"),
        Because::Route(route) => {
            format!(
                "route `{}` leads {} to {}, and such prefixes are part of it",
                route.name,
                prefix(route),
                hop_of(route)
            )
        }
        Because::Unread => "perhaps".to_owned(),
    };
    match holds {
        Holds::Maybe(why) => format!("{reason} ({why})"),
        Holds::Yes | Holds::No => reason,
    }
}

fn prefix(route: &Route) -> String {
    match (&route.tag, &route.prefix) {
        (Some(tag), _) => format!("`{tag}`"),
        (None, Known::Known(range)) => range.to_string(),
        (None, Known::Unknown(_)) => "an unknown prefix".to_owned(),
    }
}

fn hop_of(route: &Route) -> String {
    let kind = match route.next_hop.known() {
        Some(NextHop::VirtualAppliance) => "the appliance",
        Some(NextHop::VirtualNetworkGateway) => "the gateway",
        Some(NextHop::Internet) => "the internet",
        Some(NextHop::VnetLocal) => "the virtual network",
        Some(NextHop::None) => "nowhere",
        None => "an unknown next hop",
    };
    match route.next_hop_address {
        Some(address) => format!("{kind} {address}"),
        None => kind.to_owned(),
    }
}

fn spelled_term(term: &AddressTerm) -> String {
    match term {
        AddressTerm::Any => "anywhere".to_owned(),
        AddressTerm::Range(range) => range.to_string(),
        AddressTerm::Tag(tag) => format!("`{tag}`"),
        AddressTerm::Group(group) => format!("the members of `{}`", group.name()),
        AddressTerm::Unknown(_) => "an unknown source".to_owned(),
    }
}

fn with_ports(name: &str, ports: Option<(u16, u16)>) -> String {
    match ports {
        None => name.to_owned(),
        // An IPv6 address has colons of its own.
        Some((first, last)) => {
            let name = if name.parse::<std::net::Ipv6Addr>().is_ok() {
                format!("[{name}]")
            } else {
                name.to_owned()
            };
            if first == last {
                format!("{name}:{first}")
            } else {
                format!("{name}:{first}-{last}")
            }
        }
    }
}

fn outside(inventory: &Inventory, id: Option<&ResourceId>, name: &str, ports: Option<(u16, u16)>) -> String {
    let address = address_of(inventory, id).map_or_else(|| name.to_owned(), |address| address.to_string());
    with_ports(&address, ports)
}

/// The destination that a NAT rule states, where it is one address.
fn stated_address(rule: &crate::model::FirewallRule) -> Option<IpAddr> {
    match rule.destinations.terms.as_slice() {
        [AddressTerm::Range(range)] => match *range {
            AddressRange::V4(first, last) if first == last => Some(IpAddr::V4(first.into())),
            _ => None,
        },
        _ => None,
    }
}

fn destination(target: &Target<'_>, port: u16) -> String {
    match target.address() {
        Known::Known(address) => with_ports(&address.to_string(), Some((port, port))),
        Known::Unknown(_) => format!("`{}` port {port}", target.name()),
    }
}

fn doubt_of(way: &WayIn<'_>, question: &Question<'_>) -> Option<String> {
    let leads = way.leads_to(question.protocol, question.port);
    way.doubt.as_ref().or(leads.why()).map(ToString::to_string)
}

/// Whether the firewall takes the client. That it does needs no line of its own: the next says what groups see.
fn taken(way: &WayIn<'_>, takes: &Holds<'_>, client: IpAddr) -> Option<Hop> {
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

fn firewall_name(way: &WayIn<'_>) -> String {
    match &way.front {
        Front::Firewall(rule) => rule.firewall.id.name().to_owned(),
        Front::UnreadFirewall(firewall, _) => firewall.id.name().to_owned(),
        _ => "firewall".to_owned(),
    }
}

fn seen_as(way: &WayIn<'_>, address: IpAddr, ranges: &[AddressRange]) -> Hop {
    let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
    let sentence = format!(
        "puts an address of its subnet {} in place of the client's; {address} stands for those that get farthest",
        ranges.join(", ")
    );
    Hop {
        kind: HopKind::Firewall,
        ..hop(firewall_name(way), sentence)
    }
}

fn platform(sold: Option<&Sold<'_>>) -> Hop {
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

fn arrival(traced: &Traced<'_, '_>, question: &Question<'_>) -> Hop {
    let to = destination(traced.target, question.port);
    let (effect, sentence) = match traced.course.status {
        Status::Open => (HopEffect::Passes, format!("the packet arrives at {to}")),
        Status::NoReturnPath => (
            HopEffect::Stops,
            format!("the packet arrives at {to}, the answer does not"),
        ),
        _ => (HopEffect::Unknown, format!("the packet may arrive at {to}")),
    };
    Hop {
        kind: HopKind::Machine,
        effect,
        ..hop(traced.target.name(), sentence)
    }
}

/// What leads to a trace's status, to follow its word: ` through ...`, ` by ...`, `: why`.
fn how(course: &Course<'_>, hops: &[Hop]) -> String {
    let stop = hops.iter().rev().find(|hop| hop.effect == HopEffect::Stops);
    match course.status {
        Status::Open => through(hops),
        Status::Undetermined => {
            format!(
                "{}: {}",
                through(hops),
                course.doubt.as_deref().unwrap_or("an unknown decides")
            )
        }
        Status::NoReturnPath => {
            let back = hops.iter().find(|hop| hop.kind == HopKind::Route);
            let route = back.and_then(|hop| hop.rule.as_ref());
            let by = route.map_or_else(String::new, |route| format!(" by route `{route}`"));
            format!("{}, but the answer leaves{by}", through(hops))
        }
        Status::Closed => match stop.map(|stop| (stop, &stop.rule)) {
            Some((stop, Some(rule))) => format!(" by {}", decider(stop, rule)),
            Some((stop, None)) => format!(": {}", stop.sentence),
            None => String::new(),
        },
    }
}

/// The rules that let a packet through, from the outside in.
fn through(hops: &[Hop]) -> String {
    let kinds = [
        HopKind::SubnetNsg,
        HopKind::NicNsg,
        HopKind::Firewall,
        HopKind::LoadBalancer,
    ];
    let deciding = hops
        .iter()
        .filter(|hop| hop.effect != HopEffect::Stops && kinds.contains(&hop.kind));
    let named: Vec<String> = deciding
        .filter_map(|hop| hop.rule.as_ref().map(|rule| decider(hop, rule)))
        .collect();
    let bare = hops.iter().any(|hop| hop.kind == HopKind::Platform);
    match named.as_slice() {
        [] if bare => ": no network security group filters the machine".to_owned(),
        [] => String::new(),
        rules => format!(" through {}", rules.join(" and ")),
    }
}

/// A trace in one sentence.
fn sentence(course: &Course<'_>, hops: &[Hop]) -> String {
    let how = how(course, hops);
    match course.status {
        Status::Open => format!("open{how}"),
        Status::Undetermined => format!("may be open{how}"),
        Status::NoReturnPath => format!("admitted{how}: no session"),
        Status::Closed => format!("closed{how}"),
    }
}

fn decider(hop: &Hop, rule: &str) -> String {
    match hop.kind {
        HopKind::SubnetNsg | HopKind::NicNsg => format!("`{}/{rule}`", hop.name),
        HopKind::LoadBalancer => format!("load balancer rule `{rule}`"),
        _ => format!("NAT rule `{rule}`"),
    }
}

/// The answer for a port in one sentence.
pub fn summary(
    from: &From,
    machine: &Machine<'_>,
    question: &Question<'_>,
    status: Status,
    traces: &[Trace],
    gap: Option<&Why>,
) -> String {
    let name = machine.vm.id.name();
    let (who, port, wire) = (spelled(from, status), question.port, question.protocol.as_str());
    let best = traces.iter().find(|trace| trace.status == status);
    let one = best.filter(|_| gap.is_none() && (status != Status::Closed || traces.len() == 1));
    // The sentence of a trace begins with the word for its status, which is said in other words here.
    let how = match (one.map(|trace| &*trace.sentence), gap) {
        (Some(sentence), _) if status == Status::NoReturnPath => format!(": {sentence}"),
        (Some(sentence), _) => {
            let word = if status == Status::Undetermined {
                "may be open"
            } else {
                state(status)
            };
            sentence.strip_prefix(word).unwrap_or_default().to_owned()
        }
        (None, Some(gap)) => format!(": {gap}"),
        (None, None) if traces.is_empty() => format!(": {}", no_way(from, machine)),
        (None, None) => format!(" on each of {} ways", traces.len()),
    };
    let verb = match status {
        Status::Open => "is open to",
        Status::Undetermined => "may be open to",
        Status::NoReturnPath => "gives no session to",
        Status::Closed => "is closed to",
    };
    format!("{wire} port {port} of `{name}` {verb} {who}{how}")
}

fn state(status: Status) -> &'static str {
    match status {
        Status::Closed => "closed",
        Status::Open | Status::Undetermined | Status::NoReturnPath => "open",
    }
}

/// Why there is not even a way.
fn no_way(from: &From, machine: &Machine<'_>) -> String {
    let families = |ipv4: bool| {
        machine
            .targets
            .iter()
            .any(|target| super::judge::is_ipv4(target) == ipv4)
    };
    match from {
        From::Address(address) if !families(address.is_ipv4()) => {
            let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
            format!("the machine has no {family} address")
        }
        From::Address(address) if !packet::is_public(*address) => "no way in leads here from that address".to_owned(),
        From::VirtualNetwork => "no address of the virtual network is known to send it".to_owned(),
        _ => {
            "the machine has no public address for it, and no load balancer or firewall in the input leads to this port"
                .to_owned()
        }
    }
}

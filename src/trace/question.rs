//! What is asked: from whom, to which machine and port. Asks every way in to each address of the machine, and of a
//! sender that stands for many addresses each address at which the answer can change.

use std::net::IpAddr;

use super::candidates;
use super::judge::{Course, Status, comes_by, judge};
use super::machine::{Estate, Machine, Target};
use super::packet::{self, Membership, Packet};
use super::ways::{Way, WayIn, ways};
use crate::model::ServiceTag;
use crate::net::{AddressRange, Protocol, parse_range};

/// Who sends the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    Address(IpAddr),
    /// Some address of a range.
    Within(AddressRange),
    /// Some public address.
    Internet,
    /// Some address of the machine's virtual network or of what is connected to it.
    VirtualNetwork,
    /// Some address of a service tag, which are not in the input.
    Tag(ServiceTag),
}

impl From {
    /// Reads an address, a prefix or range, `internet`, `vnet`, or the name of a service tag.
    pub fn parse(text: &str) -> Option<From> {
        if let Ok(address) = text.trim().parse() {
            return Some(From::Address(address));
        }
        if let Ok((range, _)) = parse_range(text) {
            return Some(From::Within(range));
        }
        match ServiceTag::parse(text)? {
            ServiceTag::Internet => Some(From::Internet),
            ServiceTag::VirtualNetwork => Some(From::VirtualNetwork),
            ServiceTag::AzureLoadBalancer => Some(From::Address(packet::PLATFORM)),
            ServiceTag::Named(name) if &*name == "vnet" => Some(From::VirtualNetwork),
            tag => Some(From::Tag(tag)),
        }
    }

    fn membership(&self) -> Membership<'_> {
        match self {
            From::Tag(tag) => Membership::Of(tag),
            _ => Membership::Unread,
        }
    }

    /// Whether it stands for many addresses, of which one that gets in is enough.
    pub fn is_many(&self) -> bool {
        !matches!(self, From::Address(_))
    }
}

/// One question for one port.
#[derive(Clone, Debug)]
pub struct Question<'q> {
    pub from: &'q From,
    /// `None`: the client chooses, so what one source port gets is got.
    pub source_port: Option<u16>,
    pub protocol: Protocol,
    pub port: u16,
}

/// What becomes of a packet on one way in.
pub struct Traced<'m, 'i> {
    pub target: &'m Target<'i>,
    pub way: WayIn<'i>,
    /// The source and source port that got farthest.
    pub source: IpAddr,
    pub source_port: u16,
    /// Other source ports fare worse.
    pub by_source_port: bool,
    /// Other addresses that were asked about fare worse.
    pub by_source: bool,
    pub course: Course<'i>,
}

/// Traces a question on every way in to every address of a machine, in the order of its interfaces.
pub fn trace<'m, 'i>(estate: &Estate<'i>, machine: &'m Machine<'i>, question: &Question<'_>) -> Vec<Traced<'m, 'i>> {
    let of_target = |target: &'m Target<'i>| {
        let ports = match question.source_port {
            Some(port) => vec![port],
            None => candidates::source_ports(target),
        };
        let ways = ways(estate, target).into_iter();
        ways.filter_map(move |way| along(estate, target, way, question, &ports))
            .collect::<Vec<_>>()
    };
    let traced = machine.targets.iter().flat_map(of_target);
    // Something unread that may lead here is worth a word only where it could let somebody in.
    traced
        .filter(|traced| !traced.is_unread() || traced.course.status != Status::Closed)
        .collect()
}

impl Traced<'_, '_> {
    fn is_unread(&self) -> bool {
        matches!(
            self.way.front,
            super::ways::Front::Unread | super::ways::Front::UnreadFirewall(..)
        )
    }
}

fn along<'m, 'i>(
    estate: &Estate<'i>,
    target: &'m Target<'i>,
    way: WayIn<'i>,
    question: &Question<'_>,
    ports: &[u16],
) -> Option<Traced<'m, 'i>> {
    if way.leads_to(question.protocol, question.port).is_no() {
        return None;
    }
    let sources = senders(estate, target, &way, question);
    let courses = sources.into_iter().map(|source| {
        let (port, alike, course) = by_any_port(estate, target, &way, question, source, ports);
        (source, port, alike, course)
    });
    let mut courses: Vec<_> = courses.collect();
    let worst = courses.iter().map(|(.., course)| course.status).min()?;
    // The first of those that get farthest, as candidates are in order.
    courses.reverse();
    let (source, source_port, alike, mut course) = courses.into_iter().max_by_key(|(.., course)| course.status)?;
    let by_source = course.status != worst;
    if let (From::Tag(tag), true) = (question.from, by_source) {
        let packet = packet_of(question, source, source_port, Membership::Outside);
        // Not the tag lets it in but what this address is, and whether the tag holds that is not known.
        if judge(estate, target, &way, packet).status == course.status {
            course.status = Status::Undetermined;
            course.doubt = Some(format!("the addresses of service tag `{tag}` are not in the input").into());
        }
    }
    Some(Traced {
        target,
        way,
        source,
        source_port,
        by_source_port: !alike,
        by_source,
        course,
    })
}

/// The addresses to ask about on one way.
fn senders<'i>(estate: &Estate<'i>, target: &Target<'i>, way: &WayIn<'i>, question: &Question<'_>) -> Vec<IpAddr> {
    let mut all = match question.from {
        From::Address(address) => vec![*address],
        From::Within(range) => {
            let mut all = candidates::addresses(estate, target, way);
            all.extend(first_of(*range));
            all.retain(|address| range.contains(*address));
            all
        }
        From::Internet | From::VirtualNetwork | From::Tag(_) => candidates::addresses(estate, target, way),
    };
    all.retain(|address| !comes_by(target, way, *address).is_no());
    match question.from {
        From::Address(_) | From::Within(_) => {}
        From::Internet => all.retain(|_| way.way != Way::Private),
        From::Tag(_) => all = of_tag(estate, target, way, question, all),
        From::VirtualNetwork => all.retain(|address| {
            way.way == Way::Private
                && !packet::is_platform(*address)
                && !target.place.in_virtual_network(*address).is_no()
        }),
    }
    all
}

/// Of a tag's addresses nothing is known but that they are public. If a rule names the tag, those that get in by it
/// stand for it; else any.
fn of_tag<'i>(
    estate: &Estate<'i>,
    target: &Target<'i>,
    way: &WayIn<'i>,
    question: &Question<'_>,
    mut all: Vec<IpAddr>,
) -> Vec<IpAddr> {
    all.retain(|_| way.way != Way::Private);
    let port = question.source_port.unwrap_or(candidates::EPHEMERAL);
    let alike = |source: &IpAddr| {
        let status = |membership| judge(estate, target, way, packet_of(question, *source, port, membership)).status;
        status(question.from.membership()) == status(Membership::Outside)
    };
    let named: Vec<IpAddr> = all.iter().copied().filter(|source| !alike(source)).collect();
    if named.is_empty() { all } else { named }
}

fn first_of(range: AddressRange) -> Option<IpAddr> {
    match range {
        AddressRange::V4(first, _) => Some(IpAddr::V4(first.into())),
        AddressRange::V6(first, _) => Some(IpAddr::V6(first.into())),
    }
}

/// The source port that gets farthest, and whether all fare alike.
fn by_any_port<'i>(
    estate: &Estate<'i>,
    target: &Target<'i>,
    way: &WayIn<'i>,
    question: &Question<'_>,
    source: IpAddr,
    ports: &[u16],
) -> (u16, bool, Course<'i>) {
    let packet = |source_port| packet_of(question, source, source_port, question.from.membership());
    let (first, rest) = ports
        .split_first()
        .map_or((candidates::EPHEMERAL, ports), |(first, rest)| (*first, rest));
    let mut best = (first, true, judge(estate, target, way, packet(first)));
    for port in rest {
        let course = judge(estate, target, way, packet(*port));
        best.1 &= course.status == best.2.status;
        if course.status > best.2.status {
            best = (*port, false, course);
        }
    }
    best
}

fn packet_of<'q>(question: &Question<'q>, source: IpAddr, source_port: u16, membership: Membership<'q>) -> Packet<'q> {
    Packet {
        source,
        membership,
        source_port,
        protocol: question.protocol,
        port: question.port,
    }
}

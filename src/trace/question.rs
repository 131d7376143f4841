//! What is asked: from whom, to which machine and port. Asks every way in to each address of the machine, and of a
//! sender that stands for many addresses each address at which the answer can change.

use std::net::IpAddr;

use super::candidates;
use super::judge::{Course, Status, comes_by, judge};
use super::machine::{Estate, Machine, Target};
use super::packet::{self, Membership, Packet};
use super::ways::{Way, WayIn, ways};
use crate::model::{AddressTerm, ServiceTag};
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
    /// Some address of a service tag.
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
            ServiceTag::Named(name) if name.lower() == "vnet" => Some(From::VirtualNetwork),
            tag => Some(From::Tag(tag)),
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
    /// The service tag as a member of which it got there.
    pub tag: Option<ServiceTag>,
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
    let asked: Vec<Sent<'i>> = senders(estate, target, &way, question, ports)
        .into_iter()
        .map(|(source, tag)| sent(estate, target, &way, question, source, tag, ports))
        .collect();
    let worst = asked.iter().map(|sent| sent.course.status).min()?;
    // The first of those that get farthest, as candidates are in order.
    let best = asked.into_iter().rev().max_by_key(|sent| sent.course.status)?;
    let by_source = best.course.status != worst;
    let mut course = best.course;
    let known = &estate.inventory.tag_addresses;
    let surely_of = |tag| known.holds(tag, best.source).is_some_and(|(surely, _)| surely);
    if let (From::Tag(tag), true, None) = (question.from, by_source, &best.tag)
        && !surely_of(tag)
    {
        // Not the tag lets it in but what this address is, and whether the tag holds that is not known.
        course.status = Status::Undetermined;
        course.doubt = Some(format!("the addresses of service tag `{tag}` are not in the input").into());
    }
    Some(Traced {
        target,
        way,
        source: best.source,
        tag: best.tag,
        source_port: best.port,
        by_source_port: best.by_port,
        by_source,
        course,
    })
}

/// A packet from one sender, from the source port that gets farthest.
struct Sent<'i> {
    source: IpAddr,
    /// Asked as an address of this tag, which lets it in or keeps it out.
    tag: Option<ServiceTag>,
    port: u16,
    by_port: bool,
    course: Course<'i>,
}

/// The addresses to ask about on one way, and as what.
fn senders<'i>(
    estate: &Estate<'i>,
    target: &Target<'i>,
    way: &WayIn<'i>,
    question: &Question<'_>,
    ports: &[u16],
) -> Vec<(IpAddr, Option<ServiceTag>)> {
    let mut all = match question.from {
        From::Address(address) => vec![*address],
        From::Within(range) => {
            let mut all = candidates::addresses(estate, target, way);
            all.extend(first_of(*range));
            all.retain(|address| range.contains(*address));
            all
        }
        From::Internet | From::VirtualNetwork => candidates::addresses(estate, target, way),
        From::Tag(tag) => candidates::addresses_with(estate, target, way, tag),
    };
    all.retain(|address| !comes_by(target, way, *address).is_no());
    match question.from {
        From::Address(_) | From::Within(_) => {}
        From::Internet => all.retain(|_| way.way != Way::Private),
        From::Tag(tag) => {
            let known = &estate.inventory.tag_addresses;
            all.retain(|address| way.way != Way::Private && known.holds(tag, *address) != Some((false, false)));
        }
        From::VirtualNetwork => all.retain(|address| {
            way.way == Way::Private
                && !packet::is_platform(*address)
                && !target.place.in_virtual_network(*address).is_no()
        }),
    }
    let mut senders: Vec<_> = all.iter().map(|address| (*address, None)).collect();
    for tag in tags_within(estate, target, question.from) {
        let tagged = |address: &IpAddr| matters(estate, target, way, question, (*address, &tag), ports);
        let tagged: Vec<IpAddr> = all.iter().copied().filter(tagged).collect();
        if question.from == &From::Tag(tag.clone()) && !tagged.is_empty() {
            // That the tag is asked for is known of each of its addresses.
            senders.clear();
        }
        senders.extend(tagged.into_iter().map(|address| (address, Some(tag.clone()))));
    }
    senders
}

/// Tags that the machine's rules name and that surely have addresses among the senders, but which is not in the input.
/// They lie in public space.
fn tags_within(estate: &Estate<'_>, target: &Target<'_>, from: &From) -> Vec<ServiceTag> {
    let asked = match from {
        From::Tag(tag) => Some(tag.clone()),
        _ => None,
    };
    let named = target
        .layers
        .iter()
        .flat_map(|layer| layer.rules())
        .flat_map(|rule| &rule.sources.terms);
    let named = named.filter_map(|term| match term {
        AddressTerm::Tag(tag @ ServiceTag::Named(_)) => Some(tag.clone()),
        _ => None,
    });
    let mut tags: Vec<ServiceTag> = asked.into_iter().chain(named).collect();
    tags.retain(|tag| match from {
        From::Internet => true,
        From::Tag(asked) => asked.surely_contains(tag),
        From::Address(_) | From::Within(_) | From::VirtualNetwork => false,
    });
    tags.retain(|tag| estate.inventory.tag_addresses.of(tag).is_none());
    tags.dedup();
    tags
}

/// Whether it makes a difference, from some source port, that an address belongs to a tag.
fn matters<'i>(
    estate: &Estate<'i>,
    target: &Target<'i>,
    way: &WayIn<'i>,
    question: &Question<'_>,
    (source, tag): (IpAddr, &ServiceTag),
    ports: &[u16],
) -> bool {
    let status = |port, membership| judge(estate, target, way, packet_of(question, source, port, membership)).status;
    let mut ports = ports.iter();
    ports.any(|port| status(*port, Membership::Of(tag)) != status(*port, Membership::Outside))
}

fn first_of(range: AddressRange) -> Option<IpAddr> {
    match range {
        AddressRange::V4(first, _) => Some(IpAddr::V4(first.into())),
        AddressRange::V6(first, _) => Some(IpAddr::V6(first.into())),
    }
}

/// Asks for every source port of interest and keeps the one that gets farthest.
fn sent<'i>(
    estate: &Estate<'i>,
    target: &Target<'i>,
    way: &WayIn<'i>,
    question: &Question<'_>,
    source: IpAddr,
    tag: Option<ServiceTag>,
    ports: &[u16],
) -> Sent<'i> {
    // Of a tag that is asked for, each address is one; of other senders it is not known.
    let membership = match (&tag, question.from) {
        (Some(tag), _) => Membership::Of(tag),
        (None, From::Tag(asked)) => Membership::Of(asked),
        // No tag is the whole internet, so somebody is in none.
        (None, From::Internet) => Membership::Outside,
        (None, _) => Membership::Unread,
    };
    let course = |port| judge(estate, target, way, packet_of(question, source, port, membership));
    let mut tried = ports.iter().map(|port| (*port, course(*port)));
    let (port, course) = tried
        .next()
        .unwrap_or_else(|| (candidates::EPHEMERAL, course(candidates::EPHEMERAL)));
    let mut best = Sent {
        source,
        tag: None,
        port,
        by_port: false,
        course,
    };
    for (port, course) in tried {
        best.by_port |= course.status != best.course.status;
        if course.status > best.course.status {
            best = Sent { port, course, ..best };
        }
    }
    Sent { tag, ..best }
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

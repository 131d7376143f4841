//! How senders, addresses, ports, routes and sources of rules are spelled, and why an address is what it is.

use std::net::IpAddr;

use crate::model::{AddressTerm, Known, NextHop, Route};
use crate::trace::holds::Holds;
use crate::trace::judge::Status;
use crate::trace::machine::Target;
use crate::trace::packet;
use crate::trace::place::Because;
use crate::trace::question::From;
use crate::trace::ways::Way;

pub(super) fn spelled(from: &From, status: Status) -> String {
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
pub(super) fn who(target: &Target<'_>, way: Way, source: IpAddr) -> String {
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
pub(super) fn belongs(target: &Target<'_>, address: IpAddr) -> String {
    let network = target.place.network.map_or("unknown", |network| network.id.name());
    let (holds, because) = target.place.belongs(address);
    let reason = match because {
        Because::Platform => "the platform's own address".to_owned(),
        Because::OwnSpace => format!("within the address space of `{network}`"),
        Because::Peering(peering) => format!("behind peering `{}` of `{network}`", peering.name),
        Because::Gateway => format!("perhaps behind the gateway of `{network}`"),
        Because::Hub => format!("in or behind the virtual hub of `{network}`"),
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

pub(super) fn prefix(route: &Route) -> String {
    match (&route.tag, &route.prefix) {
        (Some(tag), _) => format!("`{tag}`"),
        (None, Known::Known(range)) => range.to_string(),
        (None, Known::Unknown(_)) => "an unknown prefix".to_owned(),
    }
}

pub(super) fn hop_of(route: &Route) -> String {
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

pub(super) fn spelled_term(term: &AddressTerm) -> String {
    match term {
        AddressTerm::Any => "anywhere".to_owned(),
        AddressTerm::Range(range) => range.to_string(),
        AddressTerm::Tag(tag) => format!("`{tag}`"),
        AddressTerm::Group(group) => format!("the members of `{}`", group.name()),
        AddressTerm::Unknown(_) => "an unknown source".to_owned(),
    }
}

pub(super) fn with_ports(name: &str, ports: Option<(u16, u16)>) -> String {
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

pub(super) fn destination(target: &Target<'_>, port: u16) -> String {
    match target.address() {
        Known::Known(address) => with_ports(&address.to_string(), Some((port, port))),
        Known::Unknown(_) => format!("`{}` port {port}", target.name()),
    }
}

//! The sentences that sum up: of one packet on one way, and of all ways to one port.

use super::names::spelled;
use super::{Hop, HopEffect, HopKind, Trace};
use crate::model::Why;
use crate::trace::judge::{Course, Status, is_ipv4};
use crate::trace::machine::Machine;
use crate::trace::packet;
use crate::trace::question::{From, Question};

/// What leads to a trace's status, to follow its word: ` through ...`, ` by ...`, `: why`.
pub(super) fn how(course: &Course<'_>, hops: &[Hop]) -> String {
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
pub(super) fn through(hops: &[Hop]) -> String {
    let kinds = [
        HopKind::SubnetNsg,
        HopKind::NicNsg,
        HopKind::Firewall,
        HopKind::LoadBalancer,
    ];
    // Of an admin rule that may do something it is not said that the packet gets through by it.
    let by_admin = |hop: &Hop| hop.kind == HopKind::AdminRule && hop.effect == HopEffect::Passes;
    let deciding = hops
        .iter()
        .filter(|hop| by_admin(hop) || (hop.effect != HopEffect::Stops && kinds.contains(&hop.kind)));
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
pub(super) fn sentence(course: &Course<'_>, hops: &[Hop]) -> String {
    let how = how(course, hops);
    match course.status {
        Status::Open => format!("open{how}"),
        Status::Undetermined => format!("may be open{how}"),
        Status::NoReturnPath => format!("admitted{how}: no session"),
        Status::Closed => format!("closed{how}"),
    }
}

pub(super) fn decider(hop: &Hop, rule: &str) -> String {
    match hop.kind {
        HopKind::SubnetNsg | HopKind::NicNsg => format!("`{}/{rule}`", hop.name),
        HopKind::LoadBalancer => format!("load balancer rule `{rule}`"),
        HopKind::AdminRule => format!("security admin rule `{rule}`"),
        _ if hop.effect == HopEffect::Stops => format!("Deny rule `{rule}` of firewall `{}`", hop.name),
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

pub(super) fn state(status: Status) -> &'static str {
    match status {
        Status::Closed => "closed",
        Status::Open | Status::Undetermined | Status::NoReturnPath => "open",
    }
}

/// Why there is not even a way.
pub(super) fn no_way(from: &From, machine: &Machine<'_>) -> String {
    let families = |ipv4: bool| machine.targets.iter().any(|target| is_ipv4(target) == ipv4);
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

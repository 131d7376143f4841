//! Exposures as facts. Equal answers are one `Arc` in many machines; so are their facts.

use std::sync::Arc;

use super::jit::{JitRuleName, active_requests};
use super::unknown;
use super::vm::VmFacts;
use crate::exposure::{ExposureClass, Layer, PortExposure, Way, WayIn};
use crate::net::PortSet;
use crate::rule::fact::Fact;

pub(super) fn of_machine(facts: &VmFacts<'_, '_>) -> Fact {
    if let Some(why) = &facts.machine.gap {
        return unknown(why);
    }
    let mut all = Vec::new();
    for target in &facts.machine.targets {
        for way in &target.ways {
            all.extend(
                way.exposures
                    .iter()
                    .map(|exposure| one(facts, exposure, way, &target.name)),
            );
        }
    }
    Fact::List(Arc::new(all))
}

fn one(facts: &VmFacts<'_, '_>, exposure: &PortExposure, way_in: &WayIn, target: &Arc<str>) -> Fact {
    let way = way_in.way;
    Fact::record([
        ("port", Fact::Int(exposure.port.into())),
        (
            "front_port",
            Fact::Int(exposure.front_port.unwrap_or(exposure.port).into()),
        ),
        ("outside", Fact::text(outside(exposure, way_in))),
        ("way", Fact::text(way_name(way))),
        ("class", Fact::text(class_name(exposure.class))),
        ("public", public(exposure, way)),
        ("any", any(exposure, way)),
        ("addresses", Fact::Double(exposure.addresses.parse().unwrap_or(0.0))),
        ("target", Fact::Text(target.clone())),
        ("jit_opening", Fact::Bool(is_jit_opening(facts, exposure))),
        ("sentence", Fact::Text(exposure.sentence.clone())),
    ])
}

/// Where a client outside has to knock.
fn outside(exposure: &PortExposure, way: &WayIn) -> String {
    let Some(front) = &way.front else { return String::new() };
    let port = exposure.front_port.unwrap_or(exposure.port);
    match &front.through {
        None => format!("at {}", front.address),
        Some((name, _)) => format!("behind {}:{port} of `{name}`", front.address),
    }
}

/// Whether it is sure that all that gets through does so by rules that JIT wrote for a request that has not ended.
fn is_jit_opening(facts: &VmFacts<'_, '_>, exposure: &PortExposure) -> bool {
    let mut deciders = exposure
        .deciders
        .iter()
        .filter(|decider| decider.layer != Layer::Platform)
        .peekable();
    let port = PortSet::range(exposure.port, exposure.port);
    deciders.peek().is_some()
        && deciders.all(|decider| JitRuleName::parse(&decider.rule).is_some())
        && matches!(active_requests(facts.estate, &facts.vm.id, Some(&port)), Fact::Int(number) if number > 0)
}

fn public(exposure: &PortExposure, way: Way) -> Fact {
    match exposure.class {
        ExposureClass::Wide | ExposureClass::Narrow | ExposureClass::AzureTenants => Fact::Bool(true),
        ExposureClass::Undetermined if way != Way::Private => Fact::Unknown(gap(exposure)),
        _ => Fact::Bool(false),
    }
}

fn any(exposure: &PortExposure, way: Way) -> Fact {
    match exposure.class {
        ExposureClass::Undetermined if way != Way::Private => Fact::Unknown(gap(exposure)),
        _ => Fact::Bool(exposure.sources.first().is_some_and(|source| source == "Internet")),
    }
}

fn gap(exposure: &PortExposure) -> Arc<str> {
    exposure
        .gaps
        .first()
        .cloned()
        .unwrap_or_else(|| Arc::from("an unknown decides"))
}

fn way_name(way: Way) -> &'static str {
    match way {
        Way::PublicIp => "public_ip",
        Way::LoadBalancer => "load_balancer",
        Way::FirewallDnat => "firewall_dnat",
        Way::Private => "private",
    }
}

pub(super) fn class_name(class: ExposureClass) -> &'static str {
    match class {
        ExposureClass::Closed => "closed",
        ExposureClass::Private => "private",
        ExposureClass::Undetermined => "undetermined",
        ExposureClass::NoReturnPath => "no_return_path",
        ExposureClass::AzureTenants => "azure_tenants",
        ExposureClass::Narrow => "narrow",
        ExposureClass::Wide => "wide",
    }
}

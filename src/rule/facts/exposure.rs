//! Exposures as facts. Equal answers are one `Arc` in many machines; so are their facts.

use std::sync::Arc;

use super::unknown;
use super::vm::VmFacts;
use crate::exposure::{ExposureClass, PortExposure, Way};
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
                    .map(|exposure| one(exposure, way.way, &target.name)),
            );
        }
    }
    Fact::List(Arc::new(all))
}

fn one(exposure: &PortExposure, way: Way, target: &Arc<str>) -> Fact {
    Fact::record([
        ("port", Fact::Int(exposure.port.into())),
        (
            "front_port",
            Fact::Int(exposure.front_port.unwrap_or(exposure.port).into()),
        ),
        ("way", Fact::text(way_name(way))),
        ("class", Fact::text(class_name(exposure.class))),
        ("public", public(exposure, way)),
        ("any", any(exposure, way)),
        ("addresses", Fact::Double(exposure.addresses.parse().unwrap_or(0.0))),
        ("target", Fact::Text(target.clone())),
        ("sentence", Fact::Text(exposure.sentence.clone())),
    ])
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

fn class_name(class: ExposureClass) -> &'static str {
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

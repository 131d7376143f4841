//! The way of a packet as a SARIF code flow: from the outside, hop by hop, to the machine.

use crate::report::digest;
use crate::report::sarif::catalog::inert;
use crate::report::sarif::log::{
    CodeFlow, LocationObject, LogicalLocation, Message, PhysicalLocation, PlainMessage, ThreadFlow, ThreadFlowLocation,
};
use crate::report::sarif::{Artifacts, NAME_COLUMNS};
use crate::report::{Decider, ExposureClass, Hop, HopKind, Layer, Machine, Path, PortExposure, Way, text};

/// A machine with many addresses and ports has many ways in; so many show the reader what there is to see.
const MOST_FLOWS: usize = 8;
/// GitHub shows 1,000 steps for a result.
const MOST_STEPS: usize = 100;

/// One flow for each way and port by which the machine is exposed. Steps without a place of their own stand at
/// `anchor`, because GitHub refuses a step without a file.
pub fn code_flows<'r>(
    machine: &'r Machine,
    artifacts: &'r Artifacts<'r>,
    anchor: Option<&PhysicalLocation<'r>>,
) -> Vec<CodeFlow<'r>> {
    let exposed = digest::exposures(machine).filter(|(_, port)| port.class > ExposureClass::Undetermined);
    exposed
        .take(MOST_FLOWS)
        .filter_map(|(path, port)| flow(path, port, artifacts, anchor))
        .collect()
}

fn flow<'r>(
    path: &'r Path,
    port: &'r PortExposure,
    artifacts: &'r Artifacts<'r>,
    anchor: Option<&PhysicalLocation<'r>>,
) -> Option<CodeFlow<'r>> {
    let hops = path.hops.iter().take(MOST_STEPS).enumerate();
    let locations: Vec<ThreadFlowLocation<'r>> = hops
        .map(|(order, hop)| step(order, hop, &hop_deciders(path, hop, port), artifacts, anchor))
        .collect();
    // SARIF wants at least one step in a flow.
    (!locations.is_empty()).then(|| CodeFlow {
        message: Message::plain(inert(&format!("{}: {}", way_label(path.way), port.sentence)).into_owned()),
        thread_flows: [ThreadFlow { locations }],
    })
}

/// The rules that decide at the hop. What decides at no hop of the path decides at the machine.
fn hop_deciders<'r>(path: &Path, hop: &Hop, port: &'r PortExposure) -> Vec<&'r Decider> {
    let passed = |kind: HopKind| path.hops.iter().any(|hop| hop.kind == kind);
    let at = |decider: &Decider| {
        Some(layer_hop(decider.layer))
            .filter(|kind| passed(*kind))
            .unwrap_or(HopKind::Machine)
    };
    port.deciders.iter().filter(|decider| at(decider) == hop.kind).collect()
}

fn step<'r>(
    order: usize,
    hop: &'r Hop,
    deciders: &[&'r Decider],
    artifacts: &'r Artifacts<'r>,
    anchor: Option<&PhysicalLocation<'r>>,
) -> ThreadFlowLocation<'r> {
    let own = deciders
        .iter()
        .find_map(|decider| artifacts.place(decider.location.as_ref()?));
    ThreadFlowLocation {
        location: LocationObject {
            physical_location: own.or_else(|| anchor.cloned()),
            logical_locations: vec![resource(&hop.name, hop.id.as_deref())],
            message: Some(PlainMessage {
                text: inert(&step_sentence(hop, deciders)).into_owned().into(),
            }),
            ..Default::default()
        },
        execution_order: order + 1,
        importance: if deciders.is_empty() { "important" } else { "essential" },
    }
}

/// A resource of Azure as a logical location.
pub fn resource<'r>(name: &'r str, id: Option<&'r str>) -> LogicalLocation<'r> {
    let fully_qualified_name = id.filter(|id| !id.is_empty()).map(text::line);
    LogicalLocation {
        name: text::name(name, NAME_COLUMNS).into(),
        fully_qualified_name,
        kind: "resource",
    }
}

fn step_sentence(hop: &Hop, deciders: &[&Decider]) -> String {
    let name = text::name(&hop.name, NAME_COLUMNS);
    let note = hop.note.iter().map(|note| note.to_string());
    let said: Vec<String> = note
        .chain(deciders.iter().map(|decider| digest::decider_sentence(decider)))
        .collect();
    let said = if said.is_empty() {
        String::new()
    } else {
        format!(": {}", said.join("; "))
    };
    match hop.kind {
        HopKind::Internet => format!("internet{said}"),
        kind => format!("{} `{name}`{said}", kind.label()),
    }
}

/// The hop at which a layer decides.
fn layer_hop(layer: Layer) -> HopKind {
    match layer {
        Layer::Admin => HopKind::AdminRules,
        Layer::Subnet => HopKind::SubnetNsg,
        Layer::Nic => HopKind::NicNsg,
        Layer::Platform => HopKind::Machine,
    }
}

fn way_label(way: Way) -> &'static str {
    match way {
        Way::PublicIp => "through a public address",
        Way::LoadBalancer => "through a load balancer",
        Way::FirewallDnat => "through a firewall",
        Way::Private => "from the virtual network",
    }
}

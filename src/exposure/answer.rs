//! The answer for one port on one way in: plain data, shown in reports as it is.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::exact::Exact;
use crate::source::Location;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// From the internet to a public address of the machine's own.
    PublicIp,
    /// Through a load balancer.
    LoadBalancer,
    /// Through a destination-NAT rule of a firewall.
    FirewallDnat,
    /// From the virtual network, its peers and what is connected to it.
    Private,
}

/// Who reaches one port on one path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PortExposure {
    /// Port on the machine.
    pub port: u16,
    /// Port outside, where something translates it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub front_port: Option<u16>,
    /// Ports outside one of which leads here, such as `50000-50119`, where it is not known which; `unknown`, where
    /// not even that is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub front_ports: Option<Arc<str>>,
    pub class: ExposureClass,
    /// Sources that surely get through, as minimal CIDRs (at most 64; `more_sources` counts the rest).
    pub sources: Vec<String>,
    #[serde(skip_serializing_if = "is_zero", default)]
    pub more_sources: u64,
    /// Service tags whose addresses get through but are not in the input.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tags: Vec<Arc<str>>,
    /// How many addresses surely get through (decimal; IPv6 counts do not fit a JSON number).
    pub addresses: String,
    /// Sources that may get through, depending on the gaps, beyond `sources`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub possible_sources: Vec<String>,
    /// The rules that let the sources through or keep all others out, outermost layer first.
    pub deciders: Vec<Decider>,
    /// The unknowns that keep the answer open.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub gaps: Vec<Arc<str>>,
    /// Why documentation also gives reason to call it closed, for some of the sources.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub disputed: Option<Arc<str>>,
    /// The answer in one sentence.
    pub sentence: Arc<str>,
    /// The whole answer as sets, where the analysis was asked to keep it. No part of any report.
    #[serde(skip)]
    pub exact: Option<Arc<Exact>>,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// The port outside that leads to a port of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum FrontPort {
    /// The same.
    #[default]
    Same,
    Port(u16),
    /// One of these, first and last.
    Within(u16, u16),
    Unknown,
}

impl FrontPort {
    /// Writes the port into an answer for `port`.
    pub(super) fn show(self, answer: &mut PortExposure) {
        match self {
            FrontPort::Port(front) if front != answer.port => answer.front_port = Some(front),
            FrontPort::Same | FrontPort::Port(_) => {}
            FrontPort::Within(first, last) => answer.front_ports = Some(Arc::from(format!("{first}-{last}"))),
            FrontPort::Unknown => answer.front_ports = Some(Arc::from("unknown")),
        }
    }
}

/// What an exposure amounts to, from harmless to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExposureClass {
    /// No client gets through.
    Closed,
    /// Only addresses of the virtual network and what is connected to it.
    Private,
    /// An unknown decides.
    Undetermined,
    /// The NSG admits it, but the answer leaves by another way: no session.
    NoReturnPath,
    /// Addresses of an Azure service tag: other customers' machines among them.
    AzureTenants,
    /// A part of the public addresses.
    Narrow,
    /// At least half of the public addresses.
    Wide,
}

impl ExposureClass {
    pub fn label(self) -> &'static str {
        match self {
            ExposureClass::Closed => "closed",
            ExposureClass::Private => "private",
            ExposureClass::Undetermined => "undetermined",
            ExposureClass::NoReturnPath => "no return path",
            ExposureClass::AzureTenants => "any Azure tenant",
            ExposureClass::Narrow => "narrow",
            ExposureClass::Wide => "wide open",
        }
    }
}

/// A rule that decided, in one layer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Decider {
    pub layer: Layer,
    /// Name of the network security group (empty where the layer has none).
    pub group: Arc<str>,
    /// ARM id of the group.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub group_id: Option<Arc<str>>,
    /// Name of the rule; of a missing layer, what stands in its place.
    pub rule: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub priority: Option<u16>,
    /// `allow` or `deny`.
    pub access: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub location: Option<Location>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Security admin rules of a network manager.
    Admin,
    Subnet,
    Nic,
    /// What the platform does where no group filters.
    Platform,
}

//! The report: everything a scan has to say, as plain data in its published JSON shape.
//! Every format is written from this and from nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rule::{Finding, Severity, Verdict};
use crate::source::{Diagnostic, Location};

/// Version of the JSON shape; a change that breaks a reader raises it.
pub const FORMAT_VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Version of this shape, now 1.
    pub format_version: u32,
    pub tool: Tool,
    pub scan: Scan,
    pub summary: Summary,
    /// What the verdicts rest on although no input says it.
    pub assumptions: Vec<Assumption>,
    /// Every rule that was evaluated.
    pub rules: Vec<RuleInfo>,
    /// Every machine with its verdict under the flow logic of just-in-time access, healthy ones too.
    pub machines: Vec<Machine>,
    /// Unhealthy and undetermined results, worst first, then by rule and subject.
    pub findings: Vec<Finding>,
    /// What could not be read or was read with doubt.
    pub diagnostics: Vec<Diagnostic>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    pub name: String,
    pub version: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scan {
    /// When the report was made, RFC 3339 UTC.
    pub generated: String,
    /// When the estate was recorded, RFC 3339 UTC, where the input says it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recorded: Option<String>,
    /// The paths given, in order.
    pub inputs: Vec<String>,
    /// Destination ports that were analysed, ascending.
    pub ports: Vec<u16>,
    pub subscriptions: Vec<Subscription>,
    /// False when any subscription or file was not read whole: the exit status is then 3 (or 2).
    pub complete: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subscription {
    pub id: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<Arc<str>>,
    pub complete: bool,
    /// What was not read, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub missing: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    pub machines: u64,
    /// Machines by verdict of `management-ports-jit`.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// Machines by tab of the portal.
    pub tabs: BTreeMap<Tab, u64>,
    /// Findings that are not waived, by severity.
    pub findings: BTreeMap<Severity, u64>,
    pub waived: u64,
    pub undetermined: u64,
    /// Machines with a management port open to public addresses.
    pub exposed: u64,
}

/// A named reading of something that no input settles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Assumption {
    pub id: Arc<str>,
    /// The assumption in one sentence.
    pub text: Arc<str>,
    /// How to switch it, where that is possible.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub switch: Option<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleInfo {
    pub id: Arc<str>,
    pub title: Arc<str>,
    pub severity: Severity,
    /// Why it matters (Markdown).
    pub why: Arc<str>,
    /// How to mend it (Markdown).
    pub fix: Arc<str>,
    pub references: Vec<Arc<str>>,
    /// Controls by framework.
    pub standards: Vec<Mapping>,
    /// The parameters in force.
    pub params: BTreeMap<String, serde_json::Value>,
    pub counts: BTreeMap<Verdict, u64>,
}

/// The controls of one framework that a rule bears on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mapping {
    /// Short name, such as `mcsb` or `nist-800-53-r5`.
    pub framework: Arc<str>,
    /// Full name of the framework.
    pub title: Arc<str>,
    pub controls: Vec<Arc<str>>,
    /// Whose judgement the mapping is.
    pub by: MappedBy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MappedBy {
    /// Microsoft's built-in initiatives bind the policy to the control.
    Microsoft,
    /// This tool's own judgement.
    Tool,
}

/// The portal's tabs of just-in-time access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tab {
    Configured,
    NotConfigured,
    Unsupported,
    /// Not enough was read to tell.
    Unknown,
}

impl Tab {
    pub const ALL: [Tab; 4] = [Tab::Configured, Tab::NotConfigured, Tab::Unsupported, Tab::Unknown];

    pub fn label(self) -> &'static str {
        match self {
            Tab::Configured => "Configured",
            Tab::NotConfigured => "Not configured",
            Tab::Unsupported => "Unsupported",
            Tab::Unknown => "Unknown",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    pub id: Arc<str>,
    pub name: Arc<str>,
    pub subscription: Arc<str>,
    pub resource_group: Arc<str>,
    pub region: Arc<str>,
    /// `linux`, `windows` or `unknown`.
    pub os: Arc<str>,
    /// `running`, `deallocated`, ... or `unknown`.
    pub power: Arc<str>,
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<Arc<str>>,
    /// Why the verdict, one sentence.
    pub because: Arc<str>,
    pub tab: Tab,
    /// Why the machine is unsupported or unknown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tab_reason: Option<Arc<str>>,
    /// Defender for Cloud's own verdict, where it was recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub defender: Option<Arc<str>>,
    /// One for each address and way in.
    pub paths: Vec<Path>,
}

/// One way to one address of a machine, with what passes on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Path {
    pub way: Way,
    /// Network interface and ip configuration, such as `nic-web-01/ipconfig1`.
    pub target: Arc<str>,
    /// Private address of the machine on this path (`dynamic` when the input does not say).
    pub address: Arc<str>,
    /// From the outside to the machine.
    pub hops: Vec<Hop>,
    /// One for each analysed port, ascending.
    pub ports: Arc<Vec<PortExposure>>,
}

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

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hop {
    pub kind: HopKind,
    /// Short name for the drawing, such as `nsg-web` or `203.0.113.7`.
    pub name: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<Arc<str>>,
    /// What is worth saying of this hop, such as `no network security group`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<Arc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HopKind {
    Internet,
    PublicIp,
    LoadBalancer,
    Firewall,
    VirtualNetwork,
    AdminRules,
    SubnetNsg,
    NicNsg,
    Machine,
}

/// Who reaches one port on one path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PortExposure {
    /// Port on the machine.
    pub port: u16,
    /// Port outside, where something translates it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub front_port: Option<u16>,
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
    /// The answer in one sentence.
    pub sentence: Arc<str>,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
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

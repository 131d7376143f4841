//! The report: everything a scan has to say, as plain data in its published JSON shape.
//! Every format is written from this and from nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::exposure::{Decider, ExposureClass, Layer, PortExposure, Way};
pub use crate::rule::standards::{MappedBy, Mapping};
use crate::rule::{Finding, Severity, Verdict};
use crate::source::Diagnostic;

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
    /// What was lost apart from subscriptions, such as a file that could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub lost: Vec<Arc<str>>,
    /// Findings below this severity were left out.
    #[serde(skip_serializing_if = "is_least", default = "least")]
    pub least_severity: Severity,
}

fn least() -> Severity {
    Severity::Info
}

fn is_least(severity: &Severity) -> bool {
    *severity == least()
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
    /// Findings that are neither waived nor known from the baseline, by severity.
    pub findings: BTreeMap<Severity, u64>,
    pub waived: u64,
    /// Findings that the baseline holds as they are.
    #[serde(default)]
    pub known: u64,
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
    /// SHA-256 of its conditions and parameters in hexadecimal digits: the same judge as long as it is the same.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<Arc<str>>,
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
    /// Who answers for it, as its tag says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<Arc<str>>,
    /// Defender for Cloud's own verdict, where it was recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub defender: Option<Arc<str>>,
    /// Recommendations of Defender for Cloud beside that one, where they were recorded, and the rules that ask the same.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub recommendations: Vec<Recommendation>,
    /// One for each address and way in.
    pub paths: Vec<Path>,
}

/// What Defender for Cloud says of a machine, beside what a rule says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recommendation {
    /// Key of the assessment.
    pub key: Arc<str>,
    pub title: Arc<str>,
    /// Defender's verdict, with its cause.
    pub defender: Arc<str>,
    /// Id of the rule that asks the same.
    pub rule: Arc<str>,
    pub ours: Verdict,
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

impl HopKind {
    pub fn label(self) -> &'static str {
        match self {
            HopKind::Internet => "internet",
            HopKind::PublicIp => "public address",
            HopKind::LoadBalancer => "load balancer",
            HopKind::Firewall => "firewall",
            HopKind::VirtualNetwork => "virtual network",
            HopKind::AdminRules => "security admin rules",
            HopKind::SubnetNsg => "subnet NSG",
            HopKind::NicNsg => "network interface NSG",
            HopKind::Machine => "machine",
        }
    }
}

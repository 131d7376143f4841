//! The published shape of `portcullis jit status --format json` (docs/jit-status.schema.json).

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::report::{Subscription, Tab};
use crate::rule::Severity;

/// Version of the shape; a change that breaks a reader raises it.
pub const FORMAT_VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusReport {
    /// Version of this shape, now 1.
    pub format_version: u32,
    /// Name and version of the tool.
    pub tool: String,
    /// The moment at which openings are active or over, RFC 3339 UTC.
    pub at: String,
    /// What was read.
    pub inputs: Vec<String>,
    pub subscriptions: Vec<Subscription>,
    /// False when something was not read whole: the exit status is then 3.
    pub complete: bool,
    /// Machines by tab.
    pub summary: BTreeMap<Tab, u64>,
    /// In the order of tab, subscription, resource group and name.
    pub machines: Vec<MachineStatus>,
    /// Entries of policies for machines that do not exist.
    pub stale: Vec<StaleEntry>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MachineStatus {
    pub id: Arc<str>,
    pub name: Arc<str>,
    pub subscription: Arc<str>,
    pub resource_group: Arc<str>,
    pub region: Arc<str>,
    /// `linux`, `windows` or `unknown`.
    pub os: Arc<str>,
    /// `running`, `deallocated`, ... or `unknown`.
    pub power: Arc<str>,
    pub tab: Tab,
    /// Why it is unsupported, or what is not known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Arc<str>>,
    /// Its entries, one for each policy that it is in.
    pub entries: Vec<Entry>,
    /// Requests that were approved and began in the seven days before `at`, each counted once.
    pub approved_in_seven_days: u64,
    /// When the latest approved request began, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_access: Option<String>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_user: Option<Arc<str>>,
    /// Openings that have not ended at `at`.
    pub openings: Vec<Opening>,
    /// Where clients knock: a firewall first, then balancers, public addresses, private addresses.
    pub connections: Vec<Connection>,
    /// What keeps a gate open or leaves it without one.
    pub warnings: Vec<Warning>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// ARM id of the policy.
    pub policy: Arc<str>,
    /// The firewall's public address, where just-in-time access works through one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub firewall_address: Option<Arc<str>>,
    pub ports: Vec<Port>,
    /// Why there may be further ports.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unread: Option<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Port {
    /// `null` where it cannot be read.
    pub port: Option<u16>,
    /// `tcp`, `udp`, `any`, or `unknown`.
    pub protocol: String,
    /// From where it may be requested; `*` is any address.
    pub sources: Vec<String>,
    /// Longest opening, in minutes; `null` where it cannot be read.
    pub max_minutes: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Opening {
    pub port: Option<u16>,
    pub sources: Vec<String>,
    /// RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub start: Option<String>,
    /// RFC 3339 UTC; absent where it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub justification: Option<Arc<str>>,
    /// In the service's words.
    pub status: Arc<str>,
    /// The firewall's port that leads to it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mapped_port: Option<u16>,
}

/// Through what a client comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Through {
    Firewall,
    LoadBalancer,
    PublicAddress,
    PrivateAddress,
}

impl Through {
    pub fn label(self) -> &'static str {
        match self {
            Through::Firewall => "firewall",
            Through::LoadBalancer => "load balancer",
            Through::PublicAddress => "public",
            Through::PrivateAddress => "private",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Connection {
    pub through: Through,
    /// The firewall or balancer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<Arc<str>>,
    /// Address, or the name of the resource where the address is not known.
    pub address: Arc<str>,
    /// The port outside; `null` where it is not known which.
    pub port: Option<u16>,
    /// The port on the machine.
    pub target_port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    /// The rule that says so.
    pub rule: Arc<str>,
    pub severity: Severity,
    pub message: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StaleEntry {
    /// ARM id of the policy.
    pub policy: Arc<str>,
    /// ARM id of the machine.
    pub machine: Arc<str>,
    pub ports: Vec<u16>,
}

/// The JSON Schema of the report.
pub fn json_schema() -> Value {
    schemars::schema_for!(StatusReport).to_value()
}

//! The published shape of an audit (docs/jit-audit.schema.json): one record a request, policies that changed, rules that
//! the service changed by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version of the shape; a change that breaks a reader raises it.
pub const FORMAT_VERSION: u32 = 1;

/// An audit as `--format json` writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Audit {
    #[serde(flatten)]
    pub header: Header,
    /// In the order of time.
    pub records: Vec<Record>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    /// Version of this shape, now 1.
    pub format_version: u32,
    /// Name and version of the tool.
    pub tool: String,
    /// When it was made, RFC 3339 UTC.
    pub generated: String,
    /// The period, RFC 3339 UTC.
    pub from: String,
    pub to: String,
    pub subscriptions: Vec<String>,
    /// Machines and users that were asked for; all where empty.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub machines: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub users: Vec<String>,
    /// False when something was not read: the exit status is then 3.
    pub complete: bool,
    /// What was not read, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub missing: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The service opened it, or said that it would.
    Granted,
    Refused,
    /// Asked for; no answer is in what was read.
    Unanswered,
    /// A policy was written.
    PolicyChanged,
    PolicyDeleted,
    /// The service changed a rule, and no request of this time explains it: an opening ended, a policy was taken in.
    RuleChanged,
}

impl Outcome {
    pub fn label(self) -> &'static str {
        match self {
            Outcome::Granted => "granted",
            Outcome::Refused => "refused",
            Outcome::Unanswered => "unanswered",
            Outcome::PolicyChanged => "policy changed",
            Outcome::PolicyDeleted => "policy deleted",
            Outcome::RuleChanged => "rule changed",
        }
    }

    /// Whether somebody asked for access.
    pub fn is_request(self) -> bool {
        matches!(self, Outcome::Granted | Outcome::Refused | Outcome::Unanswered)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// RFC 3339 UTC.
    pub time: String,
    pub outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user: Option<String>,
    /// Machines and ports.
    pub touched: Vec<Touched>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub justification: Option<String>,
    /// ARM id of the policy, where it is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub policy: Option<String>,
    /// The address that the call came from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_address: Option<String>,
    /// The id that joins the events of one call.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub correlation: Option<String>,
    /// What the service said when it refused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// Whether the policy remembers it.
    pub in_policy: bool,
    /// How many events of the activity log tell of it.
    pub events: u64,
    /// Rules that the service changed for it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub changes: Vec<Change>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Touched {
    /// ARM id of the machine.
    pub machine: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub port: Option<u16>,
    /// From where; empty where the request did not say: the address of whoever called.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub sources: Vec<String>,
    /// When it closes or closed, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end: Option<String>,
    /// In the service's words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// RFC 3339 UTC.
    pub time: String,
    pub kind: ChangeKind,
    /// ARM id of the rule or the group.
    pub resource: String,
    pub status: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Written,
    Deleted,
}

impl ChangeKind {
    pub fn label(self) -> &'static str {
        match self {
            ChangeKind::Written => "written",
            ChangeKind::Deleted => "deleted",
        }
    }
}

/// The JSON Schema of an audit.
pub fn json_schema() -> Value {
    schemars::schema_for!(Audit).to_value()
}

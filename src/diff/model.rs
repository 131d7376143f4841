//! The comparison as plain data in its published JSON shape. Every format is written from this.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exposure::{Decider, Way};
use crate::rule::{Finding, Verdict, Waiver};
use crate::source::{Diagnostic, Location};

/// Version of the JSON shape; a change that breaks a reader raises it.
pub const FORMAT_VERSION: u32 = 1;

/// What a change opens and closes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Version of this shape, now 1.
    pub format_version: u32,
    /// Version of the tool.
    pub tool_version: String,
    pub base: End,
    pub head: End,
    /// Destination ports that were compared, ascending.
    pub ports: Vec<u16>,
    /// The whole in one sentence.
    pub sentence: String,
    pub summary: Summary,
    /// Machines and filters whose reach differs, those that open most first.
    pub changes: Vec<SubjectChange>,
    pub findings: FindingChanges,
    /// Machines whose verdict differs, of those that both sides have.
    pub verdicts: Vec<VerdictChange>,
    /// Machines of a whole base that a head in part does not state; nothing is said of them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub not_stated: Vec<Arc<str>>,
}

/// One side of the comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct End {
    /// As the user named it.
    pub name: String,
    /// The commit, where it is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub commit: Option<String>,
    pub machines: u64,
    pub filters: u64,
    /// Whether it was read whole.
    pub complete: bool,
    /// False when something was there and nothing of it could be judged: the other side is then judged alone.
    pub judged: bool,
    /// Errors and warnings of the reading.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub diagnostics: Vec<Diagnostic>,
}

/// Numbers of machines and filters with at least one port of the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Something of the internet surely gets in that did not surely get in before.
    pub opened: u64,
    /// Something private does.
    pub opened_private: u64,
    /// Something may get in that surely did not before.
    pub newly_possible: u64,
    /// Something of the internet surely got in and does no more.
    pub closed: u64,
    pub closed_private: u64,
    pub new_findings: u64,
    pub changed_findings: u64,
    pub fixed_findings: u64,
    pub unchanged_findings: u64,
    /// Of those that open or may open, how many are excepted.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub waived: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Machine,
    /// A network security group in its own right: what it admits wherever it is attached.
    Filter,
}

/// On which sides a machine or filter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    Both,
    Added,
    Removed,
}

/// What differs for one machine or filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SubjectChange {
    pub kind: Kind,
    pub name: Arc<str>,
    /// ARM id in the head, or in the base where it was removed.
    pub id: Arc<str>,
    pub presence: Presence,
    /// Where it is stated, in the head if it is there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub location: Option<Location>,
    /// One for each port and scope that differs.
    pub ports: Vec<PortChange>,
    /// A written exception of what it opens.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub waiver: Option<Waiver>,
}

/// From where a client comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Internet,
    /// The virtual network, its peers and what is connected to it.
    Private,
}

/// What differs for one port. Every source is in at most one of the six sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PortChange {
    pub port: u16,
    /// Always `tcp`.
    pub protocol: Arc<str>,
    pub from: Origin,
    /// Surely kept out before, surely let in now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub opened: Option<Sources>,
    /// Perhaps let in before, surely now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub now_certain: Option<Sources>,
    /// Surely kept out before, perhaps let in now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub newly_possible: Option<Sources>,
    /// Surely let in before, surely kept out now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub closed: Option<Sources>,
    /// Surely let in before, perhaps now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub now_doubtful: Option<Sources>,
    /// Perhaps let in before, surely kept out now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub no_longer_possible: Option<Sources>,
    /// What decided for these sources in the base.
    pub before: Decision,
    /// What decides for them in the head.
    pub after: Decision,
}

/// What decides for the sources that differ.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rules: Vec<Decider>,
    /// The ways in on which they get through, where they do.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub ways: Vec<Through>,
    /// The unknowns that keep it open.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub gaps: Vec<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Through {
    pub way: Way,
    /// The address that clients call, where it is not the machine's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<Arc<str>>,
    /// The port that they call, where it is another one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub port: Option<u16>,
}

/// A set of addresses.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Sources {
    /// In words, such as `256 public addresses (203.0.113.0/24)`.
    pub words: String,
    /// How many (decimal; IPv6 counts do not fit a JSON number).
    pub addresses: String,
    /// Minimal list of CIDR prefixes (at most 256; `more_prefixes` counts the rest).
    pub prefixes: Vec<String>,
    #[serde(skip_serializing_if = "is_zero", default)]
    pub more_prefixes: u64,
    /// Also the addresses of these service tags, which are not in the input.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tags: Vec<Arc<str>>,
    /// But not the addresses of these.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub except_tags: Vec<Arc<str>>,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// Findings by what became of them. Those of the head are `new`, `changed` (as they are now) and the unchanged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FindingChanges {
    pub new: Vec<Finding>,
    /// Of the same rule and subject, with another verdict, severity or sentence.
    pub changed: Vec<ChangedFinding>,
    pub fixed: Vec<Finding>,
    /// Fingerprints of the findings that are as they were.
    pub unchanged: Vec<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangedFinding {
    pub before: Finding,
    pub after: Finding,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerdictChange {
    pub rule: Arc<str>,
    pub subject: Arc<str>,
    pub id: Arc<str>,
    pub before: Verdict,
    pub after: Verdict,
    /// Why, one sentence.
    pub because: Arc<str>,
}

impl PortChange {
    /// Whether a client surely gets in that did not surely get in before.
    pub fn opens(&self) -> bool {
        self.opened.is_some() || self.now_certain.is_some()
    }

    /// Whether a client that surely got in does not surely get in any more.
    pub fn closes(&self) -> bool {
        self.closed.is_some() || self.now_doubtful.is_some()
    }
}

impl SubjectChange {
    pub fn opens(&self, from: Origin) -> bool {
        self.ports.iter().any(|port| port.from == from && port.opens())
    }

    pub fn closes(&self, from: Origin) -> bool {
        self.ports.iter().any(|port| port.from == from && port.closes())
    }

    pub fn may_open(&self) -> bool {
        self.ports.iter().any(|port| port.newly_possible.is_some())
    }
}

impl Comparison {
    /// Nobody gets in, surely or perhaps, who did not before, and nobody is kept out who was not.
    pub fn is_same_reach(&self) -> bool {
        self.changes.is_empty()
    }

    /// Marks what opens and is excepted.
    pub fn waive(&mut self, waiver_of: impl Fn(&SubjectChange) -> Option<Waiver>) {
        let opening = |change: &&mut SubjectChange| {
            change.opens(Origin::Internet) || change.opens(Origin::Private) || change.may_open()
        };
        for change in self.changes.iter_mut().filter(opening) {
            change.waiver = waiver_of(change);
            self.summary.waived += u64::from(change.waiver.is_some());
        }
        self.sentence = super::words::sentence(self);
    }

    /// Whether anything that is not excepted does something.
    pub fn any(&self, does: impl Fn(&SubjectChange) -> bool) -> bool {
        self.changes
            .iter()
            .any(|change| change.waiver.is_none() && does(change))
    }

    /// Whether both sides were read whole.
    pub fn is_complete(&self) -> bool {
        self.base.complete && self.head.complete
    }

    /// The JSON Schema (2020-12) of the comparison.
    pub fn json_schema() -> serde_json::Value {
        let mut schema = schemars::schema_for!(Comparison);
        schema.insert("title".into(), "Portcullis comparison".into());
        schema.to_value()
    }
}

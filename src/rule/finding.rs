//! What a rule found: the finding, its evidence, its waiver. Plain data; must not know how it is printed.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rule::baseline::BaselineState;
use crate::rule::{Severity, Verdict};
use crate::source::Location;

/// What kind of thing a rule judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// A virtual machine, classic machine or scale-set instance.
    Vm,
    /// One stated rule of a network security group.
    SecurityRule,
    /// The entry of one machine in one just-in-time policy.
    JitEntry,
    /// A written exception that is not in order; no rule file judges these.
    Waiver,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    pub kind: SubjectKind,
    /// ARM id, in the spelling of the input. Of a rule, the id of the rule; of a JIT entry, the policy's id.
    pub id: Arc<str>,
    /// Short name for people, such as `vm-web-01` or `nsg-web/allow-ssh`.
    pub name: Arc<str>,
    /// Subscription id (empty when the id has none).
    pub subscription: Arc<str>,
    pub resource_group: Arc<str>,
    /// Index into the report's machines, when the subject is (or belongs to) one machine.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub machine: Option<u32>,
    /// Where the subject was stated in the input, when it was a file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub location: Option<Location>,
    /// The same text states others too, as a loop does, or a module that is used more than once.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub shared: bool,
}

/// One fact that the finding rests on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// What the fact is about, such as `network security group` or `reading: effective`.
    pub label: Arc<str>,
    /// The fact in words.
    pub text: Arc<str>,
    /// ARM id of the resource that says so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resource: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub location: Option<Location>,
}

/// A written exception. It marks a finding and never removes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Waiver {
    pub reason: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ticket: Option<Arc<str>>,
    /// Last day on which it holds, `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Arc<str>>,
}

/// One thing a rule found: unhealthy, or undetermined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Id of the rule, such as `management-ports-jit`.
    pub rule: Arc<str>,
    pub severity: Severity,
    /// `unhealthy` or `undetermined`.
    pub verdict: Verdict,
    pub subject: Subject,
    /// Microsoft's cause code, where Microsoft has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<Arc<str>>,
    /// One sentence, lower case, no full stop.
    pub message: Arc<str>,
    #[serde(skip_serializing_if = "is_empty", default)]
    pub evidence: Arc<Vec<Evidence>>,
    /// The unknowns that could change the answer, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub gaps: Vec<Arc<str>>,
    /// Ids of the report's assumptions that this finding rests on.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub assumptions: Vec<Arc<str>>,
    /// 32 hexadecimal digits; stable when lines move, rules are reordered, or ids change case.
    pub fingerprint: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub waiver: Option<Waiver>,
    /// How it stands to the baseline, where one was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub baseline: Option<BaselineState>,
}

impl Finding {
    /// Whether it asks for something: neither waived, nor known from the baseline as it is.
    pub fn is_open(&self) -> bool {
        self.waiver.is_none() && !self.is_known()
    }

    /// Whether the baseline holds it as it is.
    pub fn is_known(&self) -> bool {
        self.baseline == Some(BaselineState::Unchanged)
    }
}

fn is_empty(evidence: &Arc<Vec<Evidence>>) -> bool {
    evidence.is_empty()
}

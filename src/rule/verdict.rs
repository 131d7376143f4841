//! The words of a judgement: verdict and severity. Must not know how they are reached.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a rule says of one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Healthy,
    Unhealthy,
    NotApplicable,
    /// An unknown could change the answer; the finding names it.
    Undetermined,
}

impl Verdict {
    pub const ALL: [Verdict; 4] = [
        Verdict::Unhealthy,
        Verdict::Undetermined,
        Verdict::NotApplicable,
        Verdict::Healthy,
    ];

    /// As written in rule files and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Healthy => "healthy",
            Verdict::Unhealthy => "unhealthy",
            Verdict::NotApplicable => "not_applicable",
            Verdict::Undetermined => "undetermined",
        }
    }

    /// As written for people.
    pub fn label(self) -> &'static str {
        match self {
            Verdict::Healthy => "healthy",
            Verdict::Unhealthy => "unhealthy",
            Verdict::NotApplicable => "not applicable",
            Verdict::Undetermined => "undetermined",
        }
    }
}

/// How bad a finding is; the order is ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub const ALL: [Severity; 5] = [
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
        Severity::Info,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    pub fn parse(text: &str) -> Option<Severity> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == text)
    }
}

//! The shapes of the history: what a scan gives to it, and what it gives back. Plain data; must not know a database.

use serde::Serialize;

use crate::rule::standards::Mapping;
use crate::rule::{Severity, SubjectKind, Verdict, Waiver};

/// What one scan saw.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Scans of one run are one point of the trend: the shards of a night. `None`: a run of its own.
    pub run: Option<String>,
    /// As of when the estate was judged, RFC 3339 UTC in whole seconds.
    pub taken: String,
    /// When this is written down, likewise.
    pub written: String,
    pub tool: String,
    /// SHA-256 of the report as JSON, in hexadecimal digits.
    pub digest: String,
    pub inputs: Vec<String>,
    /// What was lost apart from subscriptions: then nothing is called fixed.
    pub lost: Vec<String>,
    /// Findings below were left out, and say nothing by their absence.
    pub least_severity: Severity,
    pub coverage: Vec<Covered>,
    pub rules: Vec<JudgedRule>,
    pub machines: Vec<SeenMachine>,
    pub findings: Vec<SeenFinding>,
    /// The report, compressed; empty where it is not kept.
    pub report: Vec<u8>,
}

/// A part of the estate that is read as a whole: a subscription, or the files of one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Covered {
    /// Subscription id in lower case, or `files: ...`.
    pub scope: String,
    pub name: Option<String>,
    pub complete: bool,
    /// What was not read, one sentence each.
    pub missing: Vec<String>,
}

/// A rule that was evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JudgedRule {
    pub id: String,
    pub title: String,
    pub severity: Severity,
    /// Of its conditions and parameters.
    pub digest: String,
    pub standards: Vec<Mapping>,
}

/// A machine with its verdict.
#[derive(Clone, Debug)]
pub struct SeenMachine {
    /// ARM id in lower case.
    pub resource: String,
    pub scope: String,
    pub name: String,
    pub subscription: String,
    pub resource_group: String,
    /// Who answers for it; empty where nobody is named.
    pub owner: String,
    pub verdict: Verdict,
    /// The widest exposure of a management port in words, such as `wide open`.
    pub exposure: String,
    /// Whether public addresses reach a management port.
    pub exposed: bool,
    pub because: String,
}

/// A finding as it was seen.
#[derive(Clone, Debug)]
pub struct SeenFinding {
    pub fingerprint: String,
    pub scope: String,
    pub rule: String,
    pub severity: Severity,
    pub verdict: Verdict,
    pub kind: SubjectKind,
    pub subject: String,
    /// ARM id of the subject.
    pub resource: String,
    pub subscription: String,
    pub resource_group: String,
    /// ARM id of its machine in lower case; empty where it is of none.
    pub machine: String,
    pub owner: String,
    pub message: String,
    /// Other parts of the estate that it rests on, such as the subscription of a firewall that leads to the machine.
    pub rests_on: Vec<String>,
    pub waiver: Option<Waiver>,
}

/// How a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Open,
    /// It was judged, and is no more.
    Fixed,
    /// It never was more than undetermined, and has been settled.
    Cleared,
    /// Its machine does not exist any more.
    Gone,
    /// The rule was changed, so that nobody can say that anything was mended.
    Retired,
}

impl State {
    pub const ALL: [State; 5] = [State::Open, State::Fixed, State::Cleared, State::Gone, State::Retired];

    pub fn as_str(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Fixed => "fixed",
            State::Cleared => "cleared",
            State::Gone => "gone",
            State::Retired => "retired",
        }
    }

    pub fn parse(text: &str) -> Option<State> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A scan in the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptScan {
    pub id: i64,
    pub run: String,
    pub taken: String,
    pub written: String,
    pub tool: String,
    pub digest: String,
    pub inputs: Vec<String>,
    pub complete: bool,
    pub lost: Vec<String>,
    pub coverage: Vec<Covered>,
    /// Parts of which a younger scan was known when this one was written down: it is evidence, and changed nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<String>,
    /// Whether its report is kept.
    pub evidence: bool,
}

/// One opening of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spell {
    pub opened: String,
    pub opened_scan: i64,
    /// Whether it was ever more than undetermined.
    pub certain: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_scan: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ending: Option<State>,
}

/// A waiver while it was in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaiverSpell {
    pub since: String,
    pub since_scan: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_scan: Option<i64>,
    /// `expired`, `withdrawn` or `closed` (with its finding).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ending: Option<String>,
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// A finding with everything that became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptFinding {
    pub id: i64,
    pub fingerprint: String,
    pub scope: String,
    pub rule: String,
    #[serde(skip)]
    pub rule_digest: String,
    pub severity: Severity,
    pub verdict: Verdict,
    pub kind: SubjectKind,
    pub subject: String,
    pub resource: String,
    pub subscription: String,
    pub resource_group: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub machine: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub owner: String,
    pub message: String,
    pub state: State,
    pub first_seen: String,
    /// When a scan last saw it.
    pub last_seen: String,
    /// When its present, or last, opening began.
    pub opened: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<String>,
    /// How often it was opened: more than once is reopened.
    pub openings: i64,
    pub waived: bool,
    /// Since when nobody could judge whether it still is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unjudged: Option<String>,
    #[serde(skip)]
    pub unjudged_scan: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rests_on: Vec<String>,
    pub spells: Vec<Spell>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<WaiverSpell>,
}

/// A machine with the verdicts that it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptMachine {
    pub id: i64,
    pub resource: String,
    pub scope: String,
    pub name: String,
    pub subscription: String,
    pub resource_group: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub owner: String,
    pub first_seen: String,
    pub last_seen: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone: Option<String>,
    /// One for each change, oldest first.
    pub judgements: Vec<KeptJudgement>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptJudgement {
    pub scan: i64,
    pub taken: String,
    pub verdict: Verdict,
    pub exposure: String,
    pub because: String,
}

/// What one scan changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Seen for the first time.
    pub opened: Vec<KeptFinding>,
    pub reopened: Vec<KeptFinding>,
    pub fixed: Vec<KeptFinding>,
    pub cleared: Vec<KeptFinding>,
    pub gone: Vec<KeptFinding>,
    pub retired: Vec<KeptFinding>,
    /// Open, and not to be judged from this scan on.
    pub unjudged: Vec<KeptFinding>,
    pub waived: Vec<KeptFinding>,
    /// Open and waived no more: the waiver has expired or was withdrawn.
    pub unwaived: Vec<KeptFinding>,
    /// Read whole before, and not any more.
    pub lost: Vec<Covered>,
    /// Read whole again.
    pub regained: Vec<Covered>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        *self == Changes::default()
    }

    /// The groups of findings with their names, in the order in which people want them.
    pub fn groups(&self) -> [(&'static str, &[KeptFinding]); 9] {
        [
            ("opened", &self.opened),
            ("reopened", &self.reopened),
            ("unwaived", &self.unwaived),
            ("unjudged", &self.unjudged),
            ("fixed", &self.fixed),
            ("cleared", &self.cleared),
            ("gone", &self.gone),
            ("retired", &self.retired),
            ("waived", &self.waived),
        ]
    }
}

/// One point of the trend: what was known after the scans of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Point {
    pub run: String,
    pub taken: String,
    /// Scans of the run.
    pub scans: Vec<i64>,
    /// Whether every part of the estate that is known was read whole in this run.
    pub complete: bool,
    /// Parts that were read whole, and all that are known by then.
    pub covered: u64,
    pub scopes: u64,
    pub machines: u64,
    pub healthy: u64,
    pub unhealthy: u64,
    pub not_applicable: u64,
    pub undetermined: u64,
    /// Machines that are known and that nobody could read.
    pub unread: u64,
    /// Machines with a management port open to public addresses.
    pub exposed: u64,
    /// Open findings that are not waived.
    pub open: u64,
    pub critical: u64,
    pub high: u64,
    pub waived: u64,
    /// Open findings that could not be judged.
    pub unjudged: u64,
    pub opened: u64,
    pub reopened: u64,
    pub fixed: u64,
    pub cleared: u64,
    pub gone: u64,
    pub retired: u64,
}

/// A measure of the trend by name, with its place.
pub type Measure = (&'static str, fn(&mut Point) -> &mut u64);

/// What stands until the next scan of a part.
pub const STANDING: &[Measure] = &[
    ("machines", |point| &mut point.machines),
    ("healthy", |point| &mut point.healthy),
    ("unhealthy", |point| &mut point.unhealthy),
    ("not_applicable", |point| &mut point.not_applicable),
    ("undetermined", |point| &mut point.undetermined),
    ("unread", |point| &mut point.unread),
    ("exposed", |point| &mut point.exposed),
    ("open", |point| &mut point.open),
    ("critical", |point| &mut point.critical),
    ("high", |point| &mut point.high),
    ("waived", |point| &mut point.waived),
    ("unjudged", |point| &mut point.unjudged),
];

/// What happened in the scans of a run.
pub const MOVED: &[Measure] = &[
    ("opened", |point| &mut point.opened),
    ("reopened", |point| &mut point.reopened),
    ("fixed", |point| &mut point.fixed),
    ("cleared", |point| &mut point.cleared),
    ("gone", |point| &mut point.gone),
    ("retired", |point| &mut point.retired),
];

impl Point {
    /// Adds the counts of another point.
    pub fn add(&mut self, mut other: Point) {
        for (_, place) in STANDING.iter().chain(MOVED) {
            *place(self) += *place(&mut other);
        }
    }

    /// Every count by the name of its measure.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        let mut point = self.clone();
        let measures = STANDING.iter().chain(MOVED);
        measures.map(|(name, place)| (*name, *place(&mut point))).collect()
    }
}

/// Everything that a page about the past shows.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// When the last scan was taken; ages count up to it.
    pub now: String,
    /// Oldest first.
    pub points: Vec<Point>,
    pub scans: Vec<KeptScan>,
    pub findings: Vec<KeptFinding>,
    pub machines: Vec<KeptMachine>,
}

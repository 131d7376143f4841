//! Rows of the tables to the shapes of the model, and back.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::database::{Row, Value};
use super::model::{Covered, KeptFinding, KeptMachine, Spell, State, WaiverSpell};
use crate::rule::{Severity, SubjectKind, Verdict};

/// The columns of a finding, in the order of [`finding`] and [`finding_values`].
pub const FINDING: &str = "id, fingerprint, scope, rule, rule_digest, severity, verdict, kind, subject, resource, \
                           subscription, resource_group, machine, owner, message, state, first_seen, last_seen, opened, \
                           closed, openings, waived, unjudged, unjudged_scan, rests_on";

pub fn finding(row: &Row) -> KeptFinding {
    KeptFinding {
        id: row.number(0),
        fingerprint: row.text(1),
        scope: row.text(2),
        rule: row.text(3),
        rule_digest: row.text(4),
        severity: Severity::parse(&row.text(5)).unwrap_or(Severity::Info),
        verdict: verdict(&row.text(6)),
        kind: kind(&row.text(7)),
        subject: row.text(8),
        resource: row.text(9),
        subscription: row.text(10),
        resource_group: row.text(11),
        machine: row.text(12),
        owner: row.text(13),
        message: row.text(14),
        state: State::parse(&row.text(15)).unwrap_or(State::Open),
        first_seen: row.text(16),
        last_seen: row.text(17),
        opened: row.text(18),
        closed: row.optional(19),
        openings: row.number(20),
        waived: row.holds(21),
        unjudged: row.optional(22),
        unjudged_scan: row.optional_number(23),
        rests_on: parsed(&row.text(24)),
        spells: Vec::new(),
        waivers: Vec::new(),
    }
}

pub fn finding_values(finding: &KeptFinding) -> Vec<Value> {
    vec![
        finding.id.into(),
        (&finding.fingerprint).into(),
        (&finding.scope).into(),
        (&finding.rule).into(),
        (&finding.rule_digest).into(),
        finding.severity.as_str().into(),
        finding.verdict.as_str().into(),
        kind_word(finding.kind).into(),
        (&finding.subject).into(),
        (&finding.resource).into(),
        (&finding.subscription).into(),
        (&finding.resource_group).into(),
        (&finding.machine).into(),
        (&finding.owner).into(),
        (&finding.message).into(),
        finding.state.as_str().into(),
        (&finding.first_seen).into(),
        (&finding.last_seen).into(),
        (&finding.opened).into(),
        finding.closed.as_ref().into(),
        finding.openings.into(),
        finding.waived.into(),
        finding.unjudged.as_ref().into(),
        finding.unjudged_scan.into(),
        written(&finding.rests_on),
    ]
}

/// The columns of a spell behind its finding.
pub const SPELL: &str = "finding, opened, opened_scan, certain, closed, closed_scan, ending";

pub fn spell(row: &Row) -> (i64, Spell) {
    let spell = Spell {
        opened: row.text(1),
        opened_scan: row.number(2),
        certain: row.holds(3),
        closed: row.optional(4),
        closed_scan: row.optional_number(5),
        ending: State::parse(&row.text(6)),
    };
    (row.number(0), spell)
}

pub const WAIVER: &str = "finding, since, since_scan, ended, ended_scan, ending, reason, owner, ticket, until";

pub fn waiver(row: &Row) -> (i64, WaiverSpell) {
    let waiver = WaiverSpell {
        since: row.text(1),
        since_scan: row.number(2),
        ended: row.optional(3),
        ended_scan: row.optional_number(4),
        ending: row.optional(5),
        reason: row.text(6),
        owner: row.optional(7),
        ticket: row.optional(8),
        until: row.optional(9),
    };
    (row.number(0), waiver)
}

pub const MACHINE: &str = "id, resource, scope, name, subscription, resource_group, owner, first_seen, last_seen, gone, \
                           verdict, exposure";

/// The machine with its present verdict and exposure.
pub fn machine(row: &Row) -> (KeptMachine, Verdict, String) {
    let machine = KeptMachine {
        id: row.number(0),
        resource: row.text(1),
        scope: row.text(2),
        name: row.text(3),
        subscription: row.text(4),
        resource_group: row.text(5),
        owner: row.text(6),
        first_seen: row.text(7),
        last_seen: row.text(8),
        gone: row.optional(9),
        judgements: Vec::new(),
    };
    (machine, verdict(&row.text(10)), row.text(11))
}

/// The columns of what was covered, behind the scan.
pub const COVERED: &str = "scan, scope, name, complete, missing";

pub fn covered(row: &Row) -> (i64, Covered) {
    let covered = Covered {
        scope: row.text(1),
        name: row.optional(2),
        complete: row.holds(3),
        missing: parsed(&row.text(4)),
    };
    (row.number(0), covered)
}

/// A verdict as it was written; what nobody knows is undetermined.
pub fn verdict(text: &str) -> Verdict {
    let mut all = Verdict::ALL.into_iter();
    all.find(|verdict| verdict.as_str() == text)
        .unwrap_or(Verdict::Undetermined)
}

const KINDS: [(SubjectKind, &str); 3] = [
    (SubjectKind::Vm, "vm"),
    (SubjectKind::SecurityRule, "security_rule"),
    (SubjectKind::JitEntry, "jit_entry"),
];

fn kind_word(kind: SubjectKind) -> &'static str {
    let found = KINDS.iter().find(|(known, _)| *known == kind);
    found.map_or("vm", |(_, word)| word)
}

fn kind(text: &str) -> SubjectKind {
    let found = KINDS.iter().find(|(_, word)| *word == text);
    found.map_or(SubjectKind::Vm, |(kind, _)| *kind)
}

/// Lists are kept as JSON.
pub fn written(list: &impl Serialize) -> Value {
    Value::Text(serde_json::to_string(list).unwrap_or_default())
}

pub fn parsed<T: DeserializeOwned + Default>(text: &str) -> T {
    serde_json::from_str(text).unwrap_or_default()
}

//! One past night as evidence: what a scan read, with which rules, and how the findings stood after it, since when and under
//! which waiver; put together from the history and from the report that was kept. Must not know how the history is kept.

mod console;
mod csv;
mod markdown;

use std::collections::{HashMap, HashSet};
use std::io::{BufWriter, Write};

use serde::Serialize;

use super::remember::seen;
use super::{Options, Report, ReportError};
use crate::history::model::{Changes, JudgedRule, KeptFinding, KeptScan, Point, SeenFinding};
use crate::history::moment::{Moment, Standing, standing};
use crate::rule::owner::Owners;
use crate::rule::{Severity, SubjectKind, Verdict, Waiver};

/// Everything that is known of one scan.
#[derive(Debug, Serialize)]
pub struct Night {
    pub scan: KeptScan,
    /// Machines by verdict and findings after it; absent where younger scans of all that it covered were known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figures: Option<Point>,
    /// The rules that were evaluated, with the digests of their conditions and parameters.
    pub rules: Vec<JudgedRule>,
    /// What the scan changed.
    pub changes: Changes,
    /// What was open in the parts that it covered, worst first.
    pub findings: Vec<Stood>,
}

/// A finding as it stood after a scan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stood {
    pub fingerprint: String,
    pub scope: String,
    pub rule: String,
    pub severity: Severity,
    pub verdict: Verdict,
    pub kind: SubjectKind,
    pub subject: String,
    pub resource: String,
    pub subscription: String,
    pub resource_group: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub machine: String,
    /// Who answers for it, as the history knows last.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub owner: String,
    pub message: String,
    /// Of when severity, verdict and message are: of this scan where its report is kept, else of the last one that saw it.
    pub worded: String,
    /// Whether the scan judged it; absent where its report is not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged: Option<bool>,
    /// Absent where the history does not know: a younger scan was known, or its beginning was pruned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened: Option<String>,
    /// How often it had been opened by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openings: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiver: Option<Waiver>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waived_since: Option<String>,
}

/// How the findings stood after a scan, worst first. `report` is the one that was kept of it.
pub fn stood(scan: &KeptScan, findings: &[KeptFinding], report: Option<&Report>) -> Vec<Stood> {
    let moment = Moment::of(scan);
    let parts: HashSet<&str> = scan.coverage.iter().map(|covered| &*covered.scope).collect();
    let late: HashSet<&str> = scan.late.iter().map(String::as_str).collect();
    let seen = report.map(|report| seen(report, &Owners::default()));
    let mut shown: HashMap<(&str, &str), &SeenFinding> = HashMap::new();
    for one in seen.iter().flatten() {
        // Of two with one fingerprint the first, which is the worse, as the history has it.
        shown.entry((&one.fingerprint, &one.scope)).or_insert(one);
    }
    let mut all = Vec::new();
    for finding in findings.iter().filter(|finding| parts.contains(&*finding.scope)) {
        let sight = shown.remove(&(&finding.fingerprint, &finding.scope));
        // What a scan changed nothing of, it has nothing to say of but what it shows.
        let standing = standing(finding, moment).filter(|_| sight.is_some() || !late.contains(&*finding.scope));
        match (standing, sight) {
            (Some(standing), Some(sight)) => all.push(of_both(&standing, sight, scan)),
            (Some(standing), None) => all.push(of_history(&standing, seen.as_ref().map(|_| false))),
            (None, Some(sight)) => all.push(of_report(sight, scan)),
            (None, None) => {}
        }
    }
    all.extend(shown.into_values().map(|sight| of_report(sight, scan)));
    all.sort_by(|a, b| {
        let rank = |one: &Stood| (std::cmp::Reverse(one.severity), one.verdict == Verdict::Undetermined);
        let name = |one: &Stood| (one.rule.clone(), one.resource.clone(), one.fingerprint.clone());
        rank(a).cmp(&rank(b)).then_with(|| name(a).cmp(&name(b)))
    });
    all
}

/// Words of the report, dates of the history.
fn of_both(standing: &Standing<'_>, sight: &SeenFinding, scan: &KeptScan) -> Stood {
    let dated = of_history(standing, Some(true));
    let owner = match dated.owner.is_empty() {
        true => sight.owner.clone(),
        false => dated.owner,
    };
    Stood {
        owner,
        first_seen: dated.first_seen,
        opened: dated.opened,
        openings: dated.openings,
        waived_since: dated.waived_since.filter(|_| sight.waiver.is_some()),
        ..of_report(sight, scan)
    }
}

fn of_report(sight: &SeenFinding, scan: &KeptScan) -> Stood {
    Stood {
        fingerprint: sight.fingerprint.clone(),
        scope: sight.scope.clone(),
        rule: sight.rule.clone(),
        severity: sight.severity,
        verdict: sight.verdict,
        kind: sight.kind,
        subject: sight.subject.clone(),
        resource: sight.resource.clone(),
        subscription: sight.subscription.clone(),
        resource_group: sight.resource_group.clone(),
        machine: sight.machine.clone(),
        owner: sight.owner.clone(),
        message: sight.message.clone(),
        worded: scan.taken.clone(),
        judged: Some(true),
        first_seen: None,
        opened: None,
        openings: None,
        waiver: sight.waiver.clone(),
        waived_since: None,
    }
}

fn of_history(standing: &Standing<'_>, judged: Option<bool>) -> Stood {
    let finding = standing.finding;
    let waiver = standing.waiver.map(|waiver| Waiver {
        reason: waiver.reason.as_str().into(),
        owner: waiver.owner.as_deref().map(Into::into),
        ticket: waiver.ticket.as_deref().map(Into::into),
        until: waiver.until.as_deref().map(Into::into),
    });
    Stood {
        fingerprint: finding.fingerprint.clone(),
        scope: finding.scope.clone(),
        rule: finding.rule.clone(),
        severity: finding.severity,
        verdict: finding.verdict,
        kind: finding.kind,
        subject: finding.subject.clone(),
        resource: finding.resource.clone(),
        subscription: finding.subscription.clone(),
        resource_group: finding.resource_group.clone(),
        machine: finding.machine.clone(),
        owner: finding.owner.clone(),
        message: finding.message.clone(),
        worded: finding.last_seen.clone(),
        judged,
        first_seen: Some(finding.first_seen.clone()),
        opened: Some(standing.spell.opened.clone()),
        openings: Some(standing.openings),
        waiver,
        waived_since: standing.waiver.map(|waiver| waiver.since.clone()),
    }
}

/// The figures of several parts of the estate together.
pub fn total<'p>(parts: impl Iterator<Item = &'p Point>) -> Option<Point> {
    parts.cloned().reduce(|mut all, part| {
        all.complete &= part.complete;
        all.covered += part.covered;
        all.scopes += part.scopes;
        all.add(part);
        all
    })
}

/// One way to write a night down.
pub struct NightFormat {
    /// As typed after `--format`.
    pub name: &'static str,
    pub write: fn(&Night, &Options, &mut dyn Write) -> Result<(), ReportError>,
}

/// Every format; the formats of reports are for `report --scan`.
pub const NIGHT_FORMATS: &[NightFormat] = &[
    NightFormat {
        name: "console",
        write: console::write,
    },
    NightFormat {
        name: "json",
        write: write_json,
    },
    NightFormat {
        name: "markdown",
        write: markdown::write,
    },
    NightFormat {
        name: "csv",
        write: csv::write,
    },
];

fn write_json(night: &Night, _: &Options, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut out = BufWriter::new(out);
    serde_json::to_writer_pretty(&mut out, night).map_err(super::json::failure)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// What a scan changed, in a line: `2 new, 1 fixed`.
pub fn words(changes: &Changes) -> String {
    let mut parts: Vec<String> = changes
        .groups()
        .iter()
        .filter(|(_, findings)| !findings.is_empty())
        .map(|(name, findings)| format!("{} {}", findings.len(), label(name)))
        .collect();
    if !changes.lost.is_empty() {
        parts.push(format!("{} not read whole any more", changes.lost.len()));
    }
    if !changes.regained.is_empty() {
        parts.push(format!("{} read whole again", changes.regained.len()));
    }
    match parts.is_empty() {
        true => "nothing changed".to_owned(),
        false => parts.join(", "),
    }
}

/// A group of changes as people read it.
pub fn label(group: &str) -> &str {
    match group {
        "opened" => "new",
        "unwaived" => "waived no more",
        "unjudged" => "not to be judged",
        "gone" => "gone with their machine",
        "retired" => "ended by a changed rule",
        other => other,
    }
}

/// `2026-01-31 02:00`.
pub fn moment_of(time: &str) -> String {
    let (day, clock) = (time.get(..10).unwrap_or(time), time.get(11..16).unwrap_or_default());
    format!("{day} {clock}").trim_end().to_owned()
}

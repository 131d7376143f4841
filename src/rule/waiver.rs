//! Waivers: written exceptions. They mark findings, never delete them; expired and unused ones are told.

use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Finding, Waiver};
use crate::model::Suppression;
use crate::source::{Diagnostic, Location};

/// One exception, as `portcullis.yaml` states it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiverRule {
    /// Id of the rule, or `*` for every rule.
    pub rule: String,
    /// ARM id or name of the subject; `*` stands for any characters, case does not matter.
    pub resource: String,
    /// Why the finding is accepted.
    #[serde(default)]
    pub reason: String,
    #[serde(default)]
    pub owner: Option<String>,
    #[serde(default)]
    pub ticket: Option<String>,
    /// Last day on which it holds, `YYYY-MM-DD`.
    #[serde(default)]
    pub expires: Option<String>,
    /// The same as `expires`.
    #[serde(default)]
    pub until: Option<String>,
    /// Where it is written.
    #[serde(skip)]
    pub location: Option<Location>,
}

/// The codes of diagnostics about waivers that are not in order. They count like findings of low severity.
pub const CODES: [&str; 3] = ["waiver-expired", "waiver-unused", "waiver"];

/// Whether a diagnostic says that a waiver is not in order.
pub fn is_problem(diagnostic: &Diagnostic) -> bool {
    CODES.contains(&&*diagnostic.code)
}

/// Marks the findings that a waiver covers on a day.
pub fn apply(waivers: &[WaiverRule], findings: &mut [Finding], today: Date) -> Vec<Diagnostic> {
    let mut all = Vec::new();
    for waiver in waivers {
        let mut diagnostics = Vec::new();
        match prepare(waiver, today) {
            Ok(Some(prepared)) => mark(waiver, &prepared, findings, &mut diagnostics),
            Ok(None) => {
                let message = format!("the waiver of `{}` for `{}` has expired", waiver.rule, waiver.resource);
                let help = "remove it, or have it renewed with a new date and reason";
                diagnostics.push(Diagnostic::warning("waiver-expired", message).help(help));
            }
            Err(diagnostic) => diagnostics.push(diagnostic),
        }
        diagnostics
            .iter_mut()
            .for_each(|said| said.location.clone_from(&waiver.location));
        all.append(&mut diagnostics);
    }
    all
}

struct Prepared {
    glob: GlobMatcher,
    waiver: Waiver,
}

/// `None` for one that has expired.
fn prepare(waiver: &WaiverRule, today: Date) -> Result<Option<Prepared>, Diagnostic> {
    let refuse = |message: String, help: &str| Diagnostic::error("waiver", message).help(help);
    if waiver.reason.trim().is_empty() {
        let message = format!(
            "the waiver of `{}` for `{}` has no reason",
            waiver.rule, waiver.resource
        );
        return Err(refuse(message, "write down why the finding is accepted"));
    }
    if waiver.expires.is_some() && waiver.until.is_some() {
        let message = format!(
            "the waiver of `{}` for `{}` has two last days",
            waiver.rule, waiver.resource
        );
        return Err(refuse(
            message,
            "`expires` and `until` mean the same; write one of them",
        ));
    }
    let last = waiver.expires.as_ref().or(waiver.until.as_ref());
    if let Some(until) = last {
        let date: Date = until
            .parse()
            .map_err(|_| refuse(format!("`{until}` is not a date"), "write it as `2027-01-31`"))?;
        if date < today {
            return Ok(None);
        }
    }
    let glob = GlobBuilder::new(&waiver.resource)
        .case_insensitive(true)
        .build()
        .map_err(|error| {
            refuse(
                format!("`{}` is not a resource pattern: {error}", waiver.resource),
                "use an id or name with `*`",
            )
        })?;
    let text = |text: &Option<String>| text.as_deref().map(Arc::from);
    Ok(Some(Prepared {
        glob: glob.compile_matcher(),
        waiver: Waiver {
            reason: Arc::from(waiver.reason.as_str()),
            owner: text(&waiver.owner),
            ticket: text(&waiver.ticket),
            until: last.map(|last| Arc::from(last.as_str())),
        },
    }))
}

fn mark(waiver: &WaiverRule, prepared: &Prepared, findings: &mut [Finding], diagnostics: &mut Vec<Diagnostic>) {
    let mut used = false;
    for finding in findings {
        let of_rule = waiver.rule == "*" || waiver.rule == *finding.rule;
        let subject = &finding.subject;
        if of_rule && (prepared.glob.is_match(&*subject.id) || prepared.glob.is_match(&*subject.name)) {
            used = true;
            finding.waiver.get_or_insert_with(|| prepared.waiver.clone());
        }
    }
    if !used {
        let message = format!(
            "the waiver of `{}` for `{}` covers no finding",
            waiver.rule, waiver.resource
        );
        diagnostics.push(Diagnostic::warning("waiver-unused", message).help("remove it, or correct rule and resource"));
    }
}

/// Marks the findings whose subject is stated where a comment of the input excepts it.
pub fn apply_stated(stated: &[Suppression], findings: &mut [Finding], today: Date) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for suppression in stated {
        if let Err(diagnostic) = mark_stated(suppression, findings, today) {
            diagnostics.push(diagnostic.at(suppression.location.clone()));
        }
    }
    diagnostics
}

fn mark_stated(stated: &Suppression, findings: &mut [Finding], today: Date) -> Result<(), Diagnostic> {
    let rule = &stated.rule;
    if rule.is_empty() {
        let message = "the comment that excepts a finding names no rule";
        let help =
            "write `portcullis:ignore RULE reason=\"...\"`, with `*` for every rule; until then it excepts nothing";
        return Err(Diagnostic::error("waiver", message).help(help));
    }
    let Some(reason) = &stated.reason else {
        let message = format!("the comment that excepts `{rule}` has no reason");
        let help = "write down why the finding is accepted: `reason=\"...\"`; until then it excepts nothing";
        return Err(Diagnostic::error("waiver", message).help(help));
    };
    if let Some(until) = &stated.until {
        let date: Date = until.parse().map_err(|_| {
            let message = format!("`until={until}` is not a date");
            Diagnostic::error("waiver", message)
                .help("write it as `2027-01-31`; until then the comment excepts nothing")
        })?;
        if date < today {
            let message = format!("the comment that excepts `{rule}` has expired on {until}");
            let help = "remove it, or have it renewed with a new date and reason";
            return Err(Diagnostic::error("waiver-expired", message).help(help));
        }
    }
    // A whole file may be one line.
    let within = |location: &Location, region: &Location| {
        let at = (location.line, location.column);
        let (start, end) = ((region.line, region.column), (region.end_line, region.end_column));
        location.file == region.file && (start..end).contains(&at)
    };
    let mut used = false;
    for finding in findings {
        let covered = finding.subject.location.as_ref().zip(stated.region.as_ref());
        if (rule == "*" || *rule == *finding.rule) && covered.is_some_and(|(location, region)| within(location, region))
        {
            used = true;
            finding.waiver.get_or_insert_with(|| Waiver {
                reason: Arc::from(reason.as_str()),
                owner: None,
                ticket: None,
                until: stated.until.as_deref().map(Arc::from),
            });
        }
    }
    match used {
        true => Ok(()),
        false => {
            let message = format!("the comment that excepts `{rule}` covers no finding");
            let help = "remove it, or put it above or into the block of the machine or rule that it is about";
            Err(Diagnostic::warning("waiver-unused", message).help(help))
        }
    }
}

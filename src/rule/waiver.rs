//! Waivers: written exceptions. They mark findings, never delete them; those that are not in order are findings themselves.

use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::assess::digest;
use super::{Finding, Severity, Subject, SubjectKind, Verdict, Waiver};
use crate::model::Suppression;
use crate::source::Location;

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

/// A kind of finding about a waiver.
pub struct Problem {
    /// Id under which it is reported, as that of a rule.
    pub id: &'static str,
    pub title: &'static str,
    pub why: &'static str,
    pub fix: &'static str,
}

pub const EXPIRED: Problem = Problem {
    id: "waiver-expired",
    title: "A waiver should not be past its last day",
    why: "The finding that it excepted counts again; who reads the waiver believes otherwise.",
    fix: "Remove it, or have it renewed with a new date and reason.",
};

pub const UNUSED: Problem = Problem {
    id: "waiver-unused",
    title: "A waiver should cover a finding",
    why: "It waits for a finding that nobody has looked at, or its rule or resource is misspelled.",
    fix: "Remove it, or correct rule and resource.",
};

pub const INVALID: Problem = Problem {
    id: "waiver-invalid",
    title: "A waiver should say why and until when",
    why: "It excepts nothing: it has no reason, or its date or pattern cannot be read.",
    fix: "Write down why the finding is accepted, and the last day as `2027-01-31`.",
};

/// Every kind of finding about a waiver.
pub const PROBLEMS: [&Problem; 3] = [&EXPIRED, &UNUSED, &INVALID];

/// The id under which a comparison reports what a change opens; only a waiver with a last day excepts it.
pub const OPENING_RULE: &str = "newly-opened";

/// What is wrong, in one sentence.
type Wrong = (&'static Problem, String);

/// Marks the findings that a waiver covers on a day. Returns what is not in order about the waivers; `is_asked` says of one
/// that covers nothing whether what it is about was looked for at all.
pub fn apply(
    waivers: &[WaiverRule],
    findings: &mut [Finding],
    today: Date,
    is_asked: impl Fn(&WaiverRule) -> bool,
) -> Vec<Finding> {
    let mut all = Vec::new();
    for waiver in waivers {
        let about = Stated {
            rule: &waiver.rule,
            about: &waiver.resource,
            location: waiver.location.as_ref(),
        };
        let wrong = match prepare(waiver, today) {
            Ok(prepared) => mark(waiver, &prepared, findings).filter(|_| is_asked(waiver)),
            Err(wrong) => Some(wrong),
        };
        all.extend(wrong.map(|wrong| about.finding(wrong)));
    }
    all
}

/// The waiver that holds on a day for a subject of a rule, of those that name the rule.
pub fn of_rule(waivers: &[WaiverRule], rule: &str, id: &str, name: &str, today: Date) -> Option<Waiver> {
    let named = waivers.iter().filter(|waiver| waiver.rule == rule);
    let prepared = named.filter_map(|waiver| prepare(waiver, today).ok());
    prepared
        .into_iter()
        .find(|prepared| prepared.glob.is_match(id) || prepared.glob.is_match(name))
        .map(|prepared| prepared.waiver)
}

/// An exception as it is written: what it is about, and where it stands.
struct Stated<'w> {
    rule: &'w str,
    about: &'w str,
    location: Option<&'w Location>,
}

impl Stated<'_> {
    fn finding(&self, (problem, message): Wrong) -> Finding {
        let name = format!("{} of {}", self.rule, self.about);
        Finding {
            rule: Arc::from(problem.id),
            severity: Severity::Low,
            verdict: Verdict::Unhealthy,
            fingerprint: digest([problem.id, self.rule, self.about]),
            subject: Subject {
                kind: SubjectKind::Waiver,
                id: Arc::from(name.as_str()),
                name: Arc::from(name.as_str()),
                subscription: Arc::from(""),
                resource_group: Arc::from(""),
                machine: None,
                location: self.location.cloned(),
                shared: false,
            },
            cause: None,
            message: Arc::from(message),
            evidence: Arc::default(),
            gaps: Vec::new(),
            assumptions: Vec::new(),
            waiver: None,
            baseline: None,
        }
    }
}

struct Prepared {
    glob: GlobMatcher,
    waiver: Waiver,
}

fn prepare(waiver: &WaiverRule, today: Date) -> Result<Prepared, Wrong> {
    let (rule, resource) = (&waiver.rule, &waiver.resource);
    let refuse = |why: &str| (&INVALID, format!("the waiver of `{rule}` for `{resource}` {why}"));
    if waiver.reason.trim().is_empty() {
        return Err(refuse("has no reason"));
    }
    if waiver.expires.is_some() && waiver.until.is_some() {
        return Err(refuse("has two last days: `expires` and `until` mean the same"));
    }
    let last = waiver.expires.as_ref().or(waiver.until.as_ref());
    match last {
        None if rule == OPENING_RULE => {
            return Err(refuse(
                "has no last day, and would let every later change open this resource",
            ));
        }
        None => {}
        Some(until) => {
            let date: Date = until
                .parse()
                .map_err(|_| refuse(&format!("ends on `{until}`, which is not a date such as `2027-01-31`")))?;
            if date < today {
                return Err((
                    &EXPIRED,
                    format!("the waiver of `{rule}` for `{resource}` has expired on {until}"),
                ));
            }
        }
    }
    let glob = GlobBuilder::new(resource)
        .case_insensitive(true)
        .build()
        .map_err(|error| refuse(&format!("has no pattern of resources: {error}")))?;
    let text = |text: &Option<String>| text.as_deref().map(Arc::from);
    Ok(Prepared {
        glob: glob.compile_matcher(),
        waiver: Waiver {
            reason: Arc::from(waiver.reason.as_str()),
            owner: text(&waiver.owner),
            ticket: text(&waiver.ticket),
            until: last.map(|last| Arc::from(last.as_str())),
        },
    })
}

fn mark(waiver: &WaiverRule, prepared: &Prepared, findings: &mut [Finding]) -> Option<Wrong> {
    let mut used = false;
    for finding in findings {
        let of_rule = waiver.rule == "*" || waiver.rule == *finding.rule;
        let subject = &finding.subject;
        if of_rule && (prepared.glob.is_match(&*subject.id) || prepared.glob.is_match(&*subject.name)) {
            used = true;
            finding.waiver.get_or_insert_with(|| prepared.waiver.clone());
        }
    }
    (!used).then(|| {
        let message = format!(
            "the waiver of `{}` for `{}` covers no finding",
            waiver.rule, waiver.resource
        );
        (&UNUSED, message)
    })
}

/// Marks the findings whose subject is stated where a comment of the input excepts it.
pub fn apply_stated(
    stated: &[Suppression],
    findings: &mut [Finding],
    today: Date,
    is_asked: impl Fn(&str) -> bool,
) -> Vec<Finding> {
    let wrong = stated.iter().filter_map(|suppression| {
        let wrong = mark_stated(suppression, findings, today, is_asked(&suppression.rule)).err()?;
        let about = Stated {
            rule: &suppression.rule,
            about: &suppression.location.file,
            location: Some(&suppression.location),
        };
        Some(about.finding(wrong))
    });
    wrong.collect()
}

fn mark_stated(stated: &Suppression, findings: &mut [Finding], today: Date, is_asked: bool) -> Result<(), Wrong> {
    let rule = &stated.rule;
    if rule.is_empty() {
        let message = "the comment that excepts a finding names no rule: write `portcullis:ignore RULE reason=\"...\"`";
        return Err((&INVALID, message.to_owned()));
    }
    let Some(reason) = &stated.reason else {
        let message = format!("the comment that excepts `{rule}` has no reason: write `reason=\"...\"`");
        return Err((&INVALID, message));
    };
    if let Some(until) = &stated.until {
        let date: Date = until.parse().map_err(|_| {
            let message = format!("`until={until}` is not a date such as `2027-01-31`");
            (&INVALID, message)
        })?;
        if date < today {
            return Err((
                &EXPIRED,
                format!("the comment that excepts `{rule}` has expired on {until}"),
            ));
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
        let beside = finding.subject.location.as_ref().zip(stated.region.as_ref());
        let mut named = stated.subjects.iter();
        let covered = beside.is_some_and(|(location, region)| within(location, region))
            || named.any(|id| id.eq_ignore_ascii_case(&finding.subject.id));
        if (rule == "*" || *rule == *finding.rule) && covered {
            used = true;
            finding.waiver.get_or_insert_with(|| Waiver {
                reason: Arc::from(reason.as_str()),
                owner: None,
                ticket: None,
                until: stated.until.as_deref().map(Arc::from),
            });
        }
    }
    match used || !is_asked {
        true => Ok(()),
        false => {
            let message = format!(
                "the comment that excepts `{rule}` covers no finding: put it above or into the block of the machine or rule \
                 that it is about"
            );
            Err((&UNUSED, message))
        }
    }
}

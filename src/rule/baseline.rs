//! Baselines: the findings that a team knows already, so that only what is new blocks. Every finding stays in the
//! report, marked; one whose sentence or severity changed is told apart, because the sentence says who gets through.

use std::collections::HashMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Finding, Severity};
use crate::source::Diagnostic;

const FORMAT: &str = "portcullis-baseline";
const VERSION: u32 = 1;
/// Stale entries that are named one by one.
const MOST_STALE: usize = 20;

/// How a finding stands to the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BaselineState {
    /// Not in the baseline.
    New,
    /// In the baseline, with another sentence or severity.
    Updated,
    /// In the baseline as it is.
    Unchanged,
}

/// The file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Always `portcullis-baseline`.
    pub format: String,
    /// Version of the format, now 1.
    pub version: u32,
    /// Sorted by fingerprint.
    pub findings: Vec<Known>,
}

/// A finding as it was when the baseline was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Known {
    pub fingerprint: Arc<str>,
    pub rule: Arc<str>,
    /// Short name, for people who read the file.
    pub subject: Arc<str>,
    pub severity: Severity,
    pub message: Arc<str>,
}

impl Baseline {
    /// The findings that are not waived.
    pub fn of(findings: &[Finding]) -> Baseline {
        let open = findings.iter().filter(|finding| finding.waiver.is_none());
        let mut findings: Vec<Known> = open
            .map(|finding| Known {
                fingerprint: finding.fingerprint.clone(),
                rule: finding.rule.clone(),
                subject: finding.subject.name.clone(),
                severity: finding.severity,
                message: finding.message.clone(),
            })
            .collect();
        findings.sort_by(|a, b| (&a.fingerprint, &a.message).cmp(&(&b.fingerprint, &b.message)));
        findings.dedup();
        Baseline {
            format: FORMAT.to_owned(),
            version: VERSION,
            findings,
        }
    }

    /// # Errors
    /// Why the text is no baseline that this version reads, in one sentence.
    pub fn parse(text: &str) -> Result<Baseline, String> {
        let baseline: Baseline = serde_json::from_str(text).map_err(|error| format!("not a baseline: {error}"))?;
        if baseline.format != FORMAT {
            return Err(format!("not a baseline: its format is `{}`", baseline.format));
        }
        if baseline.version != VERSION {
            let version = baseline.version;
            return Err(format!(
                "its version is {version}, this tool reads {VERSION}; write it again"
            ));
        }
        Ok(baseline)
    }

    /// Marks each finding, and tells of entries that no finding has any more. `incomplete`: what was not read may
    /// hide findings, so nothing is called stale.
    pub fn apply(&self, findings: &mut [Finding], incomplete: bool) -> Vec<Diagnostic> {
        let mut known: HashMap<&str, Vec<(&Known, bool)>> = HashMap::new();
        for entry in &self.findings {
            known.entry(&entry.fingerprint).or_default().push((entry, false));
        }
        for finding in findings {
            finding.baseline = Some(state(finding, known.get_mut(&*finding.fingerprint)));
        }
        if incomplete {
            return Vec::new();
        }
        let mut stale: Vec<&Known> = known
            .into_values()
            .flatten()
            .filter(|(_, seen)| !seen)
            .map(|(e, _)| e)
            .collect();
        stale.sort_by_key(|entry| (&entry.rule, &entry.subject));
        stale_entries(&stale)
    }
}

fn state(finding: &Finding, known: Option<&mut Vec<(&Known, bool)>>) -> BaselineState {
    let Some(known) = known else { return BaselineState::New };
    let mut state = BaselineState::Updated;
    for (entry, seen) in known {
        *seen = true;
        if entry.message == finding.message && entry.severity == finding.severity {
            state = BaselineState::Unchanged;
        }
    }
    state
}

fn stale_entries(stale: &[&Known]) -> Vec<Diagnostic> {
    let one = |entry: &&Known| {
        let message = format!(
            "`{}` of `{}` is in the baseline and is found no more",
            entry.rule, entry.subject
        );
        Diagnostic::note("baseline-stale", message)
    };
    let mut diagnostics: Vec<Diagnostic> = stale.iter().take(MOST_STALE).map(one).collect();
    if let Some(more) = stale.len().checked_sub(MOST_STALE).filter(|more| *more > 0) {
        let message = format!("{more} more entries of the baseline are found no more");
        diagnostics.push(Diagnostic::note("baseline-stale", message).help("write the baseline again"));
    }
    diagnostics
}

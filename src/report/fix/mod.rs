//! Changes of a text that mend a finding without a decision: which bytes go, and what comes in their place. Only where the
//! text states nothing but what the finding is about, in words that can be read on their own. A rule with such a change is
//! one line in [`MENDERS`]. Must not know any format.

mod element;
mod text;
mod window;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use crate::model::{ResourceId, is_placeholder};
use crate::report::{Report, Texts};
use crate::rule::{Finding, Verdict};
use crate::source::Location;

/// A change of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, for people.
    pub description: String,
    pub file: Arc<str>,
    pub replacements: Vec<Replacement>,
}

/// What goes, and what comes instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    pub deleted: Location,
    pub inserted: String,
}

/// Bytes that go and what comes instead.
struct Edit {
    bytes: Range<usize>,
    inserted: String,
}

/// What a finding is about, in its text.
struct Stated<'t> {
    text: &'t str,
    /// Where it begins.
    start: usize,
    notation: Notation,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Notation {
    Json,
    Bicep,
    Terraform,
}

type Mend = fn(&Stated<'_>, &Finding, &Report) -> Option<(String, Vec<Edit>)>;

/// By the rule of the finding.
const MENDERS: &[(&str, Mend)] = &[
    ("shadowed-rule", element::remove),
    ("redundant-rule", element::remove),
    ("jit-window-too-long", window::shorten),
];

/// The rule that waits until the groups of the other have no finding: of two equal rules each can go, but not both.
const WAITS: (&str, &str) = ("redundant-rule", "shadowed-rule");

/// The changes of one report.
pub struct Fixes<'r> {
    report: &'r Report,
    texts: &'r Texts,
    /// Groups whose rules wait, in lower case.
    waiting: HashSet<String>,
}

impl<'r> Fixes<'r> {
    pub fn of(report: &'r Report, texts: &'r Texts) -> Self {
        let before = report.findings.iter().filter(|finding| &*finding.rule == WAITS.1);
        Fixes {
            report,
            texts,
            waiting: before.filter_map(group).collect(),
        }
    }

    pub fn find(&self, finding: &Finding) -> Option<Fix> {
        let (_, mend) = MENDERS.iter().find(|(rule, _)| **rule == *finding.rule)?;
        let location = finding.subject.location.as_ref()?;
        let waits = || &*finding.rule == WAITS.0 && group(finding).is_some_and(|group| self.waiting.contains(&group));
        if finding.verdict != Verdict::Unhealthy || !finding.is_open() || finding.subject.shared || waits() {
            return None;
        }
        let text = self.texts.get(&location.file)?;
        let notation = Notation::of(&location.file)?;
        // JSON with real ids is a recording, a plan or a state, where nobody writes.
        if notation == Notation::Json && !is_placeholder(&finding.subject.subscription) {
            return None;
        }
        let stated = Stated {
            text,
            start: text::offset(text, location.line, location.column)?,
            notation,
        };
        let (description, edits) = mend(&stated, finding, self.report)?;
        let replacement = |edit: Edit| Replacement {
            deleted: text::locate(text, &location.file, &edit.bytes),
            inserted: edit.inserted,
        };
        Some(Fix {
            description,
            file: location.file.clone(),
            replacements: edits.into_iter().map(replacement).collect(),
        })
    }
}

impl Notation {
    fn of(file: &str) -> Option<Notation> {
        let lower = file.to_ascii_lowercase();
        let ends = |endings: &[&str]| endings.iter().any(|ending| lower.ends_with(ending));
        match () {
            () if ends(&[".tf"]) => Some(Notation::Terraform),
            () if ends(&[".bicep"]) => Some(Notation::Bicep),
            () if ends(&[".json", ".jsonc"]) && !ends(&[".tf.json"]) => Some(Notation::Json),
            () => None,
        }
    }
}

/// The group of a rule.
fn group(finding: &Finding) -> Option<String> {
    let group = ResourceId::new(&finding.subject.id).parent()?;
    Some(group.as_str().to_ascii_lowercase())
}

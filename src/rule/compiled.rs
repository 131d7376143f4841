//! A rule ready to judge: checked, compiled, with its documentation. Must not know how it was written (see `load`)
//! nor how it judges (see `evaluate`).

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::rule::cel::Program;
use crate::rule::expression::Mentions;
use crate::rule::file::Expect;
use crate::rule::param::Param;
use crate::rule::standards::Mapping;
use crate::rule::template::Template;
use crate::rule::{Severity, SubjectKind, Verdict};
use crate::source::Location;

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    pub id: Arc<str>,
    pub title: Arc<str>,
    pub severity: Severity,
    pub applies_to: SubjectKind,
    pub params: Vec<Param>,
    /// Never empty; the last has no condition.
    pub steps: Part<Step>,
    /// What decides as it is written, conditions, verdicts and severities, to tell whether it is still the same.
    pub deciding: Arc<str>,
    /// Markdown.
    pub why: Arc<str>,
    /// Markdown.
    pub fix: Arc<str>,
    pub references: Vec<Arc<str>>,
    pub standards: Vec<Mapping>,
    pub remedy: Option<Arc<str>>,
    pub examples: Part<Example>,
    /// Where its id stands.
    pub location: Location,
}

/// A part of a rule. Of the built-in rules it is read when it is first asked for, by the id of the rule: most runs need
/// few of them, and to read them all would be most of what a small scan does.
#[derive(Clone, Debug)]
pub struct Part<T> {
    read: OnceLock<Vec<T>>,
    later: fn(&str) -> Vec<T>,
}

impl<T> Part<T> {
    pub fn new(read: Vec<T>) -> Self {
        Part {
            read: OnceLock::from(read),
            later: |_| Vec::new(),
        }
    }

    pub fn later(later: fn(&str) -> Vec<T>) -> Self {
        Part {
            read: OnceLock::new(),
            later,
        }
    }

    fn of(&self, id: &str) -> &[T] {
        self.read.get_or_init(|| (self.later)(id))
    }
}

/// One step towards the verdict.
#[derive(Clone, Debug)]
pub struct Step {
    /// The condition, and its text as written; none means "in every other case".
    pub when: Option<(Program, Arc<str>)>,
    pub verdict: Verdict,
    pub cause: Option<Arc<str>>,
    pub severity: Option<Severity>,
    pub because: Template,
    /// Where the step stands in its file.
    pub location: Location,
}

/// An estate with the verdict that the rule must come to.
#[derive(Clone, Debug)]
pub struct Example {
    pub name: Arc<str>,
    /// Resources in the shape of Azure Resource Manager.
    pub estate: Vec<serde_json::Value>,
    /// Parameters that differ from their defaults; checked when the rule was loaded.
    pub params: BTreeMap<String, serde_json::Value>,
    pub now: Option<jiff::Timestamp>,
    pub expect: Expect,
    pub cause: Option<Arc<str>>,
    pub location: Location,
}

impl Rule {
    pub fn steps(&self) -> &[Step] {
        self.steps.of(&self.id)
    }

    pub fn examples(&self) -> &[Example] {
        self.examples.of(&self.id)
    }

    /// The facts and parameters that the conditions and texts speak of.
    pub fn mentions(&self) -> Mentions {
        let mut all = Mentions::default();
        self.all_mentions().for_each(|mentions| all.add(mentions));
        all
    }

    /// Whether any condition or text speaks of the root fact of that name.
    pub fn speaks_of(&self, root: &str) -> bool {
        self.all_mentions().any(|mentions| mentions.roots.contains(root))
    }

    fn all_mentions(&self) -> impl Iterator<Item = &Mentions> {
        self.steps().iter().flat_map(|step| {
            let condition = step.when.iter().map(|(program, _)| &program.mentions);
            condition.chain(step.because.mentions())
        })
    }

    /// The parameter of that name, and its index among the values in force.
    pub fn param(&self, name: &str) -> Option<(usize, &Param)> {
        self.params.iter().enumerate().find(|(_, param)| &*param.name == name)
    }
}

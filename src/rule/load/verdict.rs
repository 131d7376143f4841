//! The steps of a rule file: conditions, texts, and their order.

use std::sync::Arc;

use serde_yaml::Spanned;

use super::Loader;
use crate::rule::cel;
use crate::rule::check::Scope;
use crate::rule::compiled::Step;
use crate::rule::file::StepFile;
use crate::rule::template::Template;
use crate::rule::{Severity, Verdict};

/// The conditions, verdicts and severities of the steps, one after another. Words for people may change.
pub(super) fn deciding(steps: &[Spanned<StepFile>]) -> Arc<str> {
    let mut all = String::new();
    for step in steps.iter().map(|step| &step.value) {
        let when = step.when.as_ref().map_or("", |when| when.value.trim());
        let severity = step.severity.map_or("", Severity::as_str);
        for part in [when, Verdict::from(step.is).as_str(), severity] {
            all.push_str(part);
            all.push('\0');
        }
    }
    all.into()
}

impl Loader<'_> {
    pub(super) fn steps(&mut self, written: &Spanned<Vec<Spanned<StepFile>>>, scope: &Scope) -> Vec<Step> {
        let Some((last, before)) = written.value.split_last() else {
            let help = "give it at least one step".to_owned();
            let location = self.document.location(written);
            self.report("rule-verdict", "the verdict is empty", Some(help), location);
            return Vec::new();
        };
        if let Some(when) = &last.value.when {
            let message = "the last step must have no `when`, so that every subject gets a verdict";
            let location = self.document.location(when);
            self.report("rule-verdict", message, None, location);
        }
        for step in before.iter().filter(|step| step.value.when.is_none()) {
            let message = "a step without `when` decides every subject, so that the steps behind it are never reached";
            let location = self.first_line(step);
            self.report("rule-verdict", message, None, location);
        }
        written.value.iter().filter_map(|step| self.step(step, scope)).collect()
    }

    fn step(&mut self, written: &Spanned<StepFile>, scope: &Scope) -> Option<Step> {
        let location = self.first_line(written);
        let StepFile {
            when,
            is,
            cause,
            severity,
            because,
        } = &written.value;
        self.check_filled(because);
        let compiled = when.as_ref().map(|when| {
            cel::compile_condition(&when.value, scope)
                .map(|program| (program, Arc::from(when.value.trim())))
                .map_err(|problems| self.problems("rule-condition", when, problems))
        });
        let because =
            Template::compile(&because.value, scope).map_err(|problems| self.problems("rule-text", because, problems));
        let cause = cause.as_ref().map(|cause| {
            self.check_filled(cause);
            Arc::from(&*cause.value)
        });
        let when = compiled.transpose().ok()?;
        Some(Step {
            when,
            verdict: (*is).into(),
            cause,
            severity: *severity,
            because: because.ok()?,
            location,
        })
    }
}

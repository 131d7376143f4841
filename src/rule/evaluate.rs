//! Judges one subject by one rule: walks the steps, and says when an unknown keeps the verdict open.
//! Must not know where facts come from.

use std::sync::Arc;

use crate::rule::compiled::{Rule, Step};
use crate::rule::fact::FactSource;
use crate::rule::params::ResolvedParams;
use crate::rule::value::{self, SubjectFacts, Truth};
use crate::rule::{Severity, Verdict};

/// What a rule says of one subject, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub verdict: Verdict,
    pub severity: Severity,
    /// Microsoft's cause code, where the deciding step has one.
    pub cause: Option<Arc<str>>,
    /// One sentence, lower case, no full stop; empty where it was not asked for.
    pub message: Arc<str>,
    /// The unknowns that could change the verdict (or, when it is certain, its severity): sorted, each once.
    pub gaps: Vec<Arc<str>>,
    /// Index of the step that decided; of an undetermined verdict, of the first that may.
    pub step: usize,
}

/// A step whose condition may hold.
struct Open<'r> {
    index: usize,
    step: &'r Step,
    reasons: Vec<Arc<str>>,
}

/// Which judgements get their sentence: making one for every healthy subject would take longer than judging it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sentences {
    All,
    /// Only unhealthy and undetermined ones.
    Findings,
}

impl Rule {
    /// Judges a subject whose facts no other rule needs.
    pub fn judge(&self, facts: &dyn FactSource, params: &ResolvedParams) -> Judgement {
        self.judge_facts(&SubjectFacts::new(self.applies_to, facts), params, Sentences::All)
    }

    /// Judges a subject. Give the same `facts` to every rule of the subject's kind: each root is asked once.
    pub fn judge_facts(&self, facts: &SubjectFacts<'_>, params: &ResolvedParams, sentences: Sentences) -> Judgement {
        let mut open = Vec::new();
        for (index, step) in self.steps().iter().enumerate() {
            let truth = match &step.when {
                Some((program, _)) => value::evaluate_condition(&program.code, facts, &params.values),
                None => Truth::True,
            };
            match truth {
                Truth::False => {}
                Truth::Unknown(reasons) => open.push(Open { index, step, reasons }),
                Truth::True => {
                    let mut judgement = self.decide(&open, index, step, params);
                    let is_finding = matches!(judgement.verdict, Verdict::Unhealthy | Verdict::Undetermined);
                    if is_finding || sentences == Sentences::All {
                        self.say(&mut judgement, facts, params);
                    }
                    return judgement;
                }
            }
        }
        // The loader lets no rule through whose last step has a condition.
        self.undetermined(&open, None, params)
    }

    fn decide(&self, open: &[Open<'_>], index: usize, step: &Step, params: &ResolvedParams) -> Judgement {
        if open.iter().any(|open| open.step.verdict != step.verdict) {
            return self.undetermined(open, Some(step), params);
        }
        let severity = self.severity_of(step, params);
        let graver = open
            .iter()
            .filter(|open| self.severity_of(open.step, params) != severity);
        Judgement {
            verdict: step.verdict,
            severity,
            cause: step.cause.clone(),
            message: Arc::default(),
            gaps: reasons(graver),
            step: index,
        }
    }

    /// Words a verdict that a step decided; one that stayed open has its sentence already.
    fn say(&self, judgement: &mut Judgement, facts: &SubjectFacts<'_>, params: &ResolvedParams) {
        if judgement.message.is_empty()
            && let Some(step) = self.steps().get(judgement.step)
        {
            judgement.message = step.because.fill(facts, &params.values);
        }
    }

    fn undetermined(&self, open: &[Open<'_>], last: Option<&Step>, params: &ResolvedParams) -> Judgement {
        let gaps = reasons(open.iter());
        let possible = open.iter().map(|open| open.step).chain(last).map(|step| step.verdict);
        Judgement {
            verdict: Verdict::Undetermined,
            severity: params.severity.unwrap_or(self.severity),
            cause: None,
            message: Arc::from(format!(
                "cannot be decided between {}: {}",
                alternatives(possible),
                first_of(&gaps)
            )),
            step: open.first().map_or(0, |open| open.index),
            gaps,
        }
    }

    /// What the user set wins over the step, and the step over the rule.
    fn severity_of(&self, step: &Step, params: &ResolvedParams) -> Severity {
        params.severity.or(step.severity).unwrap_or(self.severity)
    }
}

fn reasons<'o, 'r: 'o>(open: impl Iterator<Item = &'o Open<'r>>) -> Vec<Arc<str>> {
    let mut reasons: Vec<Arc<str>> = open.flat_map(|open| open.reasons.iter().cloned()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}

fn first_of(gaps: &[Arc<str>]) -> String {
    match gaps {
        [] => "no step applies".to_owned(),
        [only] => only.to_string(),
        [first, second] => format!("{first}, and {second}"),
        [first, rest @ ..] => format!("{first}, and {} more unknowns", rest.len()),
    }
}

/// The possible verdicts in the order of the steps, each once: `unhealthy, not applicable and healthy`.
fn alternatives(verdicts: impl Iterator<Item = Verdict>) -> String {
    let mut labels: Vec<&str> = Vec::new();
    for verdict in verdicts {
        if !labels.contains(&verdict.label()) {
            labels.push(verdict.label());
        }
    }
    match labels.as_slice() {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => labels.concat(),
    }
}

//! Our verdict beside Defender's own on just-in-time access, and on its neighbours: where they differ, and what is likely
//! behind it.
//! Must not change any verdict: Defender's lags behind, is switched off by policy, or counts other rules than ours.

use std::collections::BTreeMap;

use super::neighbour::Beside;
use super::{Judgement, Verdict};
use crate::model::Assessment;
use crate::source::Diagnostic;

/// Names of machines that are shown.
const SHOWN: usize = 5;

/// What is one kind of disagreement.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    /// The recommendation, where it is not the one on just-in-time access.
    about: Option<&'static str>,
    theirs: String,
    ours: &'static str,
    reason: &'static str,
}

/// Machines by what Defender says, what we say, and the likely reason.
#[derive(Default)]
pub struct Disagreements(BTreeMap<Kind, Vec<String>>);

impl Disagreements {
    /// Notes a machine where the two differ. What is undetermined agrees with everything.
    pub fn note(&mut self, machine: &str, ours: &Judgement, theirs: &Assessment) {
        if let Some(reason) = likely_reason(ours, theirs) {
            self.add(machine, None, theirs, ours.verdict, reason);
        }
    }

    /// Notes a machine where Defender and a rule differ on a neighbouring recommendation.
    pub fn note_beside(&mut self, machine: &str, beside: &Beside<'_>) {
        if let Some(reason) = beside_reason(beside) {
            let about = Some(beside.recommendation.title);
            self.add(machine, about, beside.theirs, beside.ours, reason);
        }
    }

    fn add(
        &mut self,
        machine: &str,
        about: Option<&'static str>,
        theirs: &Assessment,
        ours: Verdict,
        reason: &'static str,
    ) {
        let kind = Kind {
            about,
            theirs: theirs.words(),
            ours: ours.label(),
            reason,
        };
        self.0.entry(kind).or_default().push(machine.to_owned());
    }

    /// One note for each kind of disagreement.
    pub fn diagnostics(&self) -> impl Iterator<Item = Diagnostic> + '_ {
        self.0.iter().map(|(kind, machines)| {
            let Kind {
                theirs, ours, reason, ..
            } = kind;
            let about = kind.about.map(|title| format!(" on `{title}`")).unwrap_or_default();
            let shown: Vec<String> = machines.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
            let more = match machines.len().saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let count = match machines.len() {
                1 => "1 machine".to_owned(),
                many => format!("{many} machines"),
            };
            let message = format!(
                "Defender's own verdict{about} is {theirs} for {count} that {} {ours} here: {}{more}; likely {reason}",
                if machines.len() == 1 { "is" } else { "are" },
                shown.join(", ")
            );
            Diagnostic::note("defender-differs", message)
        })
    }
}

fn verdict_of(assessment: &Assessment) -> Option<Verdict> {
    let words = [
        ("Healthy", Verdict::Healthy),
        ("Unhealthy", Verdict::Unhealthy),
        ("NotApplicable", Verdict::NotApplicable),
    ];
    let known = words
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(&assessment.code));
    known.map(|(_, verdict)| *verdict)
}

/// Why the verdicts differ, most probably; `None` where they do not.
fn likely_reason(ours: &Judgement, theirs: &Assessment) -> Option<&'static str> {
    let verdict = verdict_of(theirs)?;
    if ours.verdict == Verdict::Undetermined || ours.verdict == verdict {
        return None;
    }
    let their_cause = theirs.cause.as_deref().unwrap_or_default();
    let our_cause = ours.cause.as_deref().unwrap_or_default();
    let is = |text: &str, word: &str| text.eq_ignore_ascii_case(word);
    Some(match (ours.verdict, verdict) {
        _ if is(their_cause, "OffByPolicy") => "because the recommendation is switched off by policy",
        _ if is(their_cause, "Exempt") => "because the machine is exempt from the recommendation",
        (Verdict::Unhealthy, Verdict::Healthy) if is(their_cause, "JitIsEnabled") => {
            "because the machine was taken out of its policy since: Defender's verdict lags by hours"
        }
        (Verdict::Unhealthy, Verdict::Healthy) => {
            "because a rule was opened since (Defender's verdict lags by hours), or because Defender does not see the way in"
        }
        (Verdict::Healthy, Verdict::Unhealthy) if is(our_cause, "JitIsEnabled") => {
            "because just-in-time access was enabled since: Defender's verdict lags by hours"
        }
        (Verdict::Healthy, Verdict::Unhealthy) => {
            "because the rule was closed since (Defender's verdict lags by hours), or because Defender counts an Allow rule \
             that another rule shadows"
        }
        (Verdict::NotApplicable, _) => {
            "because the last group or firewall was taken away since: Defender's verdict lags by hours"
        }
        (_, Verdict::NotApplicable) if is(their_cause, "NoNsgOrFwOnVm") => {
            "because a group or firewall was put in place since: Defender's verdict lags by hours"
        }
        (_, Verdict::NotApplicable) => "because Defender does not judge machines like this one, or has not yet",
        _ => "because Defender's verdict lags by hours",
    })
}

/// Why a rule and its neighbour differ, most probably; `None` where they do not.
fn beside_reason(beside: &Beside<'_>) -> Option<&'static str> {
    let (theirs, recommendation) = (verdict_of(beside.theirs)?, beside.recommendation);
    let cause = beside.theirs.cause.as_deref().unwrap_or_default();
    let complains = beside.ours == Verdict::Unhealthy;
    let reason = match theirs {
        _ if beside.ours == Verdict::Undetermined => "",
        Verdict::NotApplicable if !complains => "",
        Verdict::NotApplicable if cause.eq_ignore_ascii_case("OffByPolicy") => {
            "because the recommendation is switched off by policy"
        }
        Verdict::NotApplicable if cause.eq_ignore_ascii_case("Exempt") => {
            "because the machine is exempt from the recommendation"
        }
        Verdict::NotApplicable => recommendation.passed_over,
        Verdict::Unhealthy if !complains => recommendation.stricter,
        Verdict::Healthy if complains => recommendation.laxer,
        _ => "",
    };
    (!reason.is_empty()).then_some(reason)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Origin, ResourceId};
    use crate::rule::Severity;

    fn reason(ours: (Verdict, &str), theirs: (&str, &str)) -> Option<&'static str> {
        let some = |text: &str| (!text.is_empty()).then(|| Arc::from(text));
        let id = ResourceId::new("/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/m");
        let judgement = Judgement {
            verdict: ours.0,
            severity: Severity::High,
            cause: some(ours.1),
            message: Arc::from(""),
            gaps: Vec::new(),
            step: 0,
        };
        let assessment = Assessment {
            id: id.clone(),
            resource: id,
            key: Arc::from(Assessment::JIT),
            code: Arc::from(theirs.0),
            cause: some(theirs.1),
            origin: Origin::default(),
        };
        likely_reason(&judgement, &assessment)
    }

    #[test]
    fn agreement_and_doubt_are_no_news() {
        assert_eq!(reason((Verdict::Healthy, ""), ("Healthy", "")), None);
        assert_eq!(reason((Verdict::Undetermined, ""), ("Unhealthy", "")), None);
        assert_eq!(reason((Verdict::Healthy, ""), ("SomethingNew", "")), None);
    }

    #[test]
    fn each_disagreement_has_a_likely_reason() {
        let told = |ours, theirs, word: &str| {
            let reason = reason(ours, theirs).unwrap_or_default();
            assert!(reason.contains(word), "{ours:?} {theirs:?}: {reason}");
        };
        told((Verdict::Unhealthy, ""), ("NotApplicable", "OffByPolicy"), "policy");
        told((Verdict::Unhealthy, ""), ("NotApplicable", "Exempt"), "exempt");
        told((Verdict::Healthy, "JitIsEnabled"), ("Unhealthy", ""), "enabled since");
        told((Verdict::Healthy, ""), ("Unhealthy", ""), "shadows");
        told((Verdict::Unhealthy, ""), ("Healthy", "JitIsEnabled"), "taken out");
        told(
            (Verdict::Unhealthy, ""),
            ("NotApplicable", "NoNsgOrFwOnVm"),
            "put in place",
        );
    }
}

//! The examples that the built-in rules carry: each comes out as it says, and together they show what a rule can say.

use portcullis::example;
use portcullis::rule::file::Expect;
use portcullis::rule::{Example, Rule, Verdict, builtin};

fn verdicts(example: &Example) -> Vec<Verdict> {
    match &example.expect {
        Expect::Single(verdict) => vec![*verdict],
        Expect::ByName(expected) => expected.values().copied().collect(),
    }
}

fn shows(rule: &Rule, verdict: Verdict) -> bool {
    rule.examples()
        .iter()
        .any(|example| verdicts(example).contains(&verdict))
}

#[test]
fn every_example_comes_out_as_it_says() {
    let mut failures = Vec::new();
    for rule in builtin::rules() {
        for example in rule.examples() {
            if let Err(problems) = example::run(rule, example) {
                let problems = problems.join("\n    ");
                failures.push(format!(
                    "{}, {} ({}):\n    {problems}",
                    rule.id, example.name, example.location
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_rule_shows_what_it_finds_and_what_it_passes() {
    for rule in builtin::rules() {
        let others = [Verdict::Healthy, Verdict::NotApplicable, Verdict::Undetermined];
        assert!(shows(rule, Verdict::Unhealthy), "{} has no unhealthy example", rule.id);
        assert!(
            others.iter().any(|verdict| shows(rule, *verdict)),
            "{} has only unhealthy examples",
            rule.id
        );
    }
}

#[test]
fn every_verdict_that_a_rule_can_reach_is_shown() {
    for rule in builtin::rules() {
        for step in rule.steps() {
            assert!(
                shows(rule, step.verdict),
                "{} has no example that is {}",
                rule.id,
                step.verdict.label()
            );
            let Some(cause) = &step.cause else { continue };
            let shown = rule
                .examples()
                .iter()
                .any(|example| example.cause.as_ref() == Some(cause));
            assert!(shown, "{} has no example with the cause {cause}", rule.id);
        }
    }
}

/// The same estate under the default and under the other value must differ, or the parameter shows nothing.
#[test]
fn every_parameter_changes_the_verdict_of_some_example() {
    for rule in builtin::rules() {
        for param in &rule.params {
            let default_of = |with: &Example| {
                let same = |other: &&Example| other.estate == with.estate && other.params.is_empty();
                rule.examples().iter().find(same).map(verdicts)
            };
            let changes = |example: &&Example| {
                let set = example.params.contains_key(&*param.name);
                set && default_of(example).is_some_and(|default| default != verdicts(example))
            };
            assert!(
                rule.examples().iter().any(|e| changes(&e)),
                "{}: `{}` changes no example",
                rule.id,
                param.name
            );
        }
    }
}

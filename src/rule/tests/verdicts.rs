//! From truth to verdict: which step decides, and when an unknown keeps the verdict open.

use serde_json::{Value, json};

use super::Written;
use crate::rule::load::load;
use crate::rule::params::ResolvedParams;
use crate::rule::{Judgement, Rule, Severity, Verdict};

/// Steps on three facts: classic, then scale set, then network interface.
const RULE: &str = "\
id: a
title: A
severity: high
applies_to: vm
params:
  strict: { default: false, description: x }
verdict:
  - when: vm.classic
    is: unhealthy
    severity: critical
    cause: First
    because: first of {vm.name} in {vm.os}
  - when: vm.scale_set
    is: healthy
    because: second, {{braces}} and {vm.public_ips}
  - when: vm.has_nic || params.strict
    is: unhealthy
    because: third
  - is: not_applicable
    because: fourth
why: x
fix: y
";

fn rule() -> Rule {
    load("a.yaml", RULE).unwrap()
}

fn judge(classic: Value, scale_set: Value, has_nic: Value) -> Judgement {
    let rule = rule();
    let facts = Written::vm(json!({
        "vm": {
            "name": "web", "os": "?the operating system is not recorded", "public_ips": ["203.0.113.7", "203.0.113.8"],
            "classic": classic, "scale_set": scale_set, "has_nic": has_nic
        }
    }));
    rule.judge(&facts, &ResolvedParams::defaults(&rule))
}

fn texts(reasons: &[std::sync::Arc<str>]) -> Vec<&str> {
    reasons.iter().map(|reason| &**reason).collect()
}

#[test]
fn the_first_step_that_holds_decides() {
    let first = judge(json!(true), json!(true), json!(true));
    assert_eq!(
        (first.verdict, first.severity, first.step),
        (Verdict::Unhealthy, Severity::Critical, 0)
    );
    assert_eq!(
        (first.cause.as_deref(), &*first.message),
        (Some("First"), "first of web in unknown")
    );
    let second = judge(json!(false), json!(true), json!(true));
    assert_eq!(
        (second.verdict, second.severity, second.step),
        (Verdict::Healthy, Severity::High, 1)
    );
    assert_eq!(&*second.message, "second, {braces} and 203.0.113.7, 203.0.113.8");
    let last = judge(json!(false), json!(false), json!(false));
    assert_eq!(
        (last.verdict, last.step, &*last.message),
        (Verdict::NotApplicable, 3, "fourth")
    );
    assert!(last.gaps.is_empty());
}

#[test]
fn a_step_that_may_hold_keeps_another_verdict_open() {
    let open = judge(json!("?b is unknown"), json!("?a is unknown"), json!(false));
    assert_eq!(
        (open.verdict, open.severity, open.cause.clone()),
        (Verdict::Undetermined, Severity::High, None)
    );
    assert_eq!(texts(&open.gaps), ["a is unknown", "b is unknown"]);
    assert_eq!(open.step, 0);
    assert_eq!(
        &*open.message,
        "cannot be decided between unhealthy, healthy and not applicable: a is unknown, and b is unknown"
    );
}

#[test]
fn unknowns_behind_the_deciding_step_do_not_matter() {
    let decided = judge(json!(false), json!(true), json!("?nobody knows"));
    assert_eq!((decided.verdict, decided.gaps.len()), (Verdict::Healthy, 0));
}

#[test]
fn when_all_open_steps_agree_the_verdict_is_certain() {
    let agreed = judge(json!("?nobody knows"), json!(false), json!(true));
    assert_eq!(
        (agreed.verdict, agreed.step, &*agreed.message),
        (Verdict::Unhealthy, 2, "third")
    );
    assert_eq!(agreed.severity, Severity::High);
    assert_eq!(texts(&agreed.gaps), ["nobody knows"], "the open step is graver");
}

#[test]
fn what_the_user_sets_wins() {
    let rule = rule();
    let facts = Written::vm(json!({ "vm": { "classic": false, "scale_set": false, "has_nic": "?nobody knows" } }));
    let mut params = ResolvedParams::defaults(&rule);
    assert_eq!(rule.judge(&facts, &params).verdict, Verdict::Undetermined);
    params.set(&rule, "strict", &json!(true)).unwrap();
    params.severity = Some(Severity::Info);
    let judged = rule.judge(&facts, &params);
    assert_eq!((judged.verdict, judged.severity), (Verdict::Unhealthy, Severity::Info));
    assert_eq!(facts.asked(), 2, "once for each judgement");
}

#[test]
fn a_fact_that_was_not_gathered_is_never_taken_for_an_answer() {
    let rule = rule();
    let judged = rule.judge(&Written::vm(json!({ "vm": {} })), &ResolvedParams::defaults(&rule));
    assert_eq!(judged.verdict, Verdict::Undetermined);
    assert_eq!(judged.gaps.len(), 3);
}

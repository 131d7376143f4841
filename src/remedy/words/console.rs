//! A plan for a terminal.

use std::fmt::Write as _;

use super::{access, changes, plain, proved, short, stays, subject, verb};
use crate::remedy::plan::Plan;

/// The plan as lines of text.
pub fn console(plan: &Plan) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(plan, &mut text);
    text
}

fn write(plan: &Plan, out: &mut String) -> std::fmt::Result {
    let count = |number: usize, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    writeln!(out, "Plan {}", plan.digest)?;
    writeln!(
        out,
        "{}, made {} from inventory {}\n",
        count(plan.steps.len(), "step", "steps"),
        plan.made,
        plan.inventory
    )?;
    steps(plan, out)?;
    writeln!(out, "\nWhat becomes healthy")?;
    list(
        out,
        plan.proof.healthy.iter().map(|id| short(id)),
        "no machine changes its verdict",
    )?;
    writeln!(out, "\nFindings that go: {}", plan.proof.mended.len())?;
    for mended in &plan.proof.mended {
        writeln!(out, "  {:<26} {}", mended.rule, plain(&short(&mended.subject)))?;
    }
    writeln!(out, "\nWho loses access (TCP)")?;
    list(out, access(&plan.proof.losses).into_iter(), "nobody")?;
    if !plan.proof.gains.is_empty() {
        writeln!(out, "\nWho gets access (TCP)")?;
        list(out, access(&plan.proof.gains).into_iter(), "")?;
    }
    if !plan.proof.bystanders.is_empty() {
        writeln!(out, "\nOther machines behind the groups that change")?;
        list(out, plan.proof.bystanders.iter().map(|id| short(id)), "")?;
    }
    writeln!(out, "\nProof\n  {}", proved(plan))?;
    if !plan.warnings.is_empty() {
        writeln!(out, "\nTo know before")?;
        list(out, plan.warnings.iter().cloned(), "")?;
    }
    if !plan.unmended.is_empty() {
        writeln!(out, "\nWhat the plan does not mend: {}", plan.unmended.len())?;
        for stay in stays(plan) {
            writeln!(out, "  {:<26} {}", stay.rule, plain(&stay.named()))?;
            writeln!(out, "      {}: {}", plain(stay.owner), plain(stay.reason))?;
        }
    }
    Ok(())
}

fn steps(plan: &Plan, out: &mut String) -> std::fmt::Result {
    if plan.steps.is_empty() {
        return writeln!(
            out,
            "Nothing to do: no finding can be mended by a change that can be proved"
        );
    }
    for step in &plan.steps {
        writeln!(out, "{:>4}. {:<6} {}", step.number, verb(step), plain(&subject(step)))?;
        writeln!(out, "      {}", plain(&step.reason))?;
        for (name, before, after) in changes(step) {
            writeln!(out, "      {}: {} -> {}", plain(&name), plain(&before), plain(&after))?;
        }
        for expected in &step.expects {
            let ports: Vec<String> = expected.ports.iter().map(u16::to_string).collect();
            let group = short(&expected.group);
            writeln!(
                out,
                "      waits for its Deny rule for {} port {} in {}",
                expected.address,
                ports.join(", "),
                plain(&group)
            )?;
        }
    }
    Ok(())
}

fn list(out: &mut String, items: impl Iterator<Item = String>, none: &str) -> std::fmt::Result {
    let mut any = false;
    for item in items {
        any = true;
        writeln!(out, "  {}", plain(&item))?;
    }
    if !any && !none.is_empty() {
        writeln!(out, "  {none}")?;
    }
    Ok(())
}

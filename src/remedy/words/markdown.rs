//! A plan as Markdown, for a review.

use std::fmt::Write as _;

use super::{access, changes, plain, proved, short, stays, subject, verb};
use crate::remedy::plan::Plan;

pub fn markdown(plan: &Plan) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(plan, &mut text);
    text
}

/// A text in which no character means anything to Markdown.
fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for character in plain(text).chars() {
        match character {
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            '@' => shown.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '!' | '|' | '~' => {
                shown.push('\\');
                shown.push(character);
            }
            _ => shown.push(character),
        }
    }
    shown
}

fn write(plan: &Plan, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "# Remediation plan\n\nDigest `{}`, made {}.\n",
        plan.digest, plan.made
    )?;
    writeln!(out, "| | | what | why |\n|---|---|---|---|")?;
    for step in &plan.steps {
        let mut what = escaped(&subject(step));
        for (name, before, after) in changes(step) {
            write!(
                what,
                "<br>{}: {} to {}",
                escaped(&name),
                escaped(&before),
                escaped(&after)
            )?;
        }
        writeln!(
            out,
            "| {} | {} | {what} | {} |",
            step.number,
            verb(step),
            escaped(&step.reason)
        )?;
    }
    section(out, "Becomes healthy", plan.proof.healthy.iter().map(|id| short(id)))?;
    section(
        out,
        "Findings that go",
        plan.proof
            .mended
            .iter()
            .map(|m| format!("{}: {}", m.rule, short(&m.subject))),
    )?;
    section(out, "Who loses access (TCP)", access(&plan.proof.losses).into_iter())?;
    if !plan.proof.gains.is_empty() {
        section(out, "Who gets access (TCP)", access(&plan.proof.gains).into_iter())?;
    }
    section(
        out,
        "Other machines behind the groups that change",
        plan.proof.bystanders.iter().map(|id| short(id)),
    )?;
    section(out, "Proof", std::iter::once(proved(plan)))?;
    section(out, "To know before", plan.warnings.iter().cloned())?;
    let left = stays(plan)
        .into_iter()
        .map(|stay| format!("{}: {} - {}: {}", stay.rule, stay.named(), stay.owner, stay.reason));
    section(out, "Not mended", left)
}

fn section(out: &mut String, title: &str, items: impl Iterator<Item = String>) -> std::fmt::Result {
    writeln!(out, "\n## {title}\n")?;
    let mut any = false;
    for item in items {
        any = true;
        writeln!(out, "- {}", escaped(&item))?;
    }
    if !any {
        writeln!(out, "- none")?;
    }
    Ok(())
}

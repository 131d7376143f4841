//! A plan as a page of its own: no script, nothing loaded.

use std::fmt::Write as _;

use super::{access, changes, plain, proved, short, stays, subject, verb};
use crate::remedy::plan::Plan;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}\
    code{font-family:ui-monospace,monospace;font-size:.92em;overflow-wrap:anywhere}\
    table{border-collapse:collapse;width:100%}td,th{border-top:1px solid #ccc;padding:.4rem .6rem;text-align:left;vertical-align:top}\
    td:nth-child(-n+2),th:nth-child(-n+2){white-space:nowrap;width:1%}td:nth-child(1){text-align:right;color:#767676}\
    td:nth-child(n+3){overflow-wrap:anywhere}td:nth-child(4){width:40%}\
    .change{display:block;color:#5a5a5a}.add{color:#176f2c}.remove{color:#a31515}.sum{font-size:1.15em}\
    @media(prefers-color-scheme:dark){body{background:#161616;color:#eee}td,th{border-color:#444}\
    .change{color:#aaa}.add{color:#6fcf85}.remove{color:#ff8b85}td:nth-child(1){color:#999}}";

pub fn html(plan: &Plan) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(plan, &mut text);
    text
}

fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for character in plain(text).chars() {
        match character {
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            _ => shown.push(character),
        }
    }
    shown
}

/// A sentence, with what stands in backticks as code.
fn sentence(text: &str) -> String {
    let mut shown = String::new();
    for (at, part) in escaped(text).split('`').enumerate() {
        match at % 2 {
            0 => shown.push_str(part),
            _ => shown.extend(["<code>", part, "</code>"]),
        }
    }
    shown
}

/// The plan in one line.
fn sum(plan: &Plan) -> String {
    let count = |number: usize, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    format!(
        "{}; {}; {}; {}",
        count(plan.steps.len(), "step", "steps"),
        count(plan.proof.mended.len(), "finding goes", "findings go"),
        count(
            plan.proof.healthy.len(),
            "machine becomes healthy",
            "machines become healthy"
        ),
        count(plan.unmended.len(), "finding stays", "findings stay"),
    )
}

fn write(plan: &Plan, out: &mut String) -> std::fmt::Result {
    writeln!(out, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">")?;
    writeln!(
        out,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    )?;
    writeln!(
        out,
        "<title>Remediation plan</title><style>{STYLE}</style></head><body><h1>Remediation plan</h1>"
    )?;
    writeln!(
        out,
        "<p class=\"sum\">{}.</p><p>Digest <code>{}</code>, made {}.</p>",
        sum(plan),
        escaped(&plan.digest),
        escaped(&plan.made)
    )?;
    writeln!(out, "<table><tr><th>step</th><th></th><th>what</th><th>why</th></tr>")?;
    for step in &plan.steps {
        let mut what = escaped(&subject(step));
        for (name, before, after) in changes(step) {
            write!(
                what,
                "<span class=\"change\">{}: <code>{}</code> &rarr; <code>{}</code></span>",
                escaped(&name),
                escaped(&before),
                escaped(&after)
            )?;
        }
        writeln!(
            out,
            "<tr><td>{}</td><td class=\"{verb}\">{verb}</td><td>{what}</td><td>{}</td></tr>",
            step.number,
            sentence(&step.reason),
            verb = verb(step),
        )?;
    }
    writeln!(out, "</table>")?;
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
    section(out, "Not mended", left)?;
    writeln!(out, "</body></html>")
}

fn section(out: &mut String, title: &str, items: impl Iterator<Item = String>) -> std::fmt::Result {
    writeln!(out, "<h2>{title}</h2><ul>")?;
    let mut any = false;
    for item in items {
        any = true;
        writeln!(out, "<li>{}</li>", sentence(&item))?;
    }
    if !any {
        writeln!(out, "<li>none</li>")?;
    }
    writeln!(out, "</ul>")
}

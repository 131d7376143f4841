//! A plan as a page of its own: no script, nothing loaded.

use std::fmt::Write as _;

use super::{changes, losses, plain, proved, short, sources, subject, verb};
use crate::remedy::plan::Plan;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}\
    code{font-family:ui-monospace,monospace;overflow-wrap:anywhere}table{border-collapse:collapse;width:100%}\
    td,th{border-top:1px solid #ccc;padding:.4rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}\
    @media(prefers-color-scheme:dark){body{background:#161616;color:#eee}td,th{border-color:#444}}";

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
        "<p>Digest <code>{}</code>, made {}.</p>",
        escaped(&plan.digest),
        escaped(&plan.made)
    )?;
    writeln!(out, "<table><tr><th>step</th><th></th><th>what</th><th>why</th></tr>")?;
    for step in &plan.steps {
        let mut what = escaped(&subject(step));
        for (name, before, after) in changes(step) {
            write!(
                what,
                "<br><code>{}: {} &rarr; {}</code>",
                escaped(&name),
                escaped(&before),
                escaped(&after)
            )?;
        }
        writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{what}</td><td>{}</td></tr>",
            step.number,
            verb(step),
            escaped(&step.reason)
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
    let losing = losses(plan).into_iter().map(|(loss, ports)| {
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        format!(
            "{} port {} at {}: {}",
            short(&loss.machine),
            ports.join(", "),
            loss.address,
            sources(loss)
        )
    });
    section(out, "Who loses access (TCP)", losing)?;
    section(
        out,
        "Other machines behind the groups that change",
        plan.proof.bystanders.iter().map(|id| short(id)),
    )?;
    section(out, "Proof", std::iter::once(proved(plan)))?;
    section(out, "To know before", plan.warnings.iter().cloned())?;
    let stays = plan
        .unmended
        .iter()
        .map(|u| format!("{}: {} - {}: {}", u.rule, short(&u.subject), u.owner, u.reason));
    section(out, "Not mended", stays)?;
    writeln!(out, "</body></html>")
}

fn section(out: &mut String, title: &str, items: impl Iterator<Item = String>) -> std::fmt::Result {
    writeln!(out, "<h2>{title}</h2><ul>")?;
    let mut any = false;
    for item in items {
        any = true;
        writeln!(out, "<li>{}</li>", escaped(&item))?;
    }
    if !any {
        writeln!(out, "<li>none</li>")?;
    }
    writeln!(out, "</ul>")
}

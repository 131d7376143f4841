//! A night as Markdown, for the file of an auditor or a ticket. Every name is escaped text.

use std::io::Write;

use super::console::{about, findings, machines};
use super::{Night, Stood, label, moment_of, words};
use crate::report::{Options, ReportError, text};

const NAME_COLUMNS: usize = 60;

pub fn write(night: &Night, _: &Options, out: &mut dyn Write) -> Result<(), ReportError> {
    head(night, out)?;
    coverage(night, out)?;
    changes(night, out)?;
    let (waived, open): (Vec<&Stood>, Vec<&Stood>) = night.findings.iter().partition(|one| one.waiver.is_some());
    standing("Open after it", &open, night, out)?;
    standing("Waived", &waived, night, out)?;
    rules(night, out)
}

/// HTML's element instead of backticks, within which nothing can be escaped.
fn code(name: &str) -> String {
    format!("<code>{}</code>", text::markdown(&text::name(name, NAME_COLUMNS)))
}

fn sentence(message: &str) -> String {
    text::markdown_sentence(&text::sentence(message, NAME_COLUMNS))
}

fn head(night: &Night, out: &mut dyn Write) -> Result<(), ReportError> {
    let scan = &night.scan;
    writeln!(
        out,
        "# Scan {} of {}\n",
        scan.id,
        text::markdown(&moment_of(&scan.taken))
    )?;
    writeln!(out, "{}.\n", text::markdown(&words(&night.changes)))?;
    writeln!(out, "| | |\n| --- | --- |")?;
    let inputs: Vec<String> = scan.inputs.iter().map(|input| code(input)).collect();
    let kept = if scan.evidence { "kept" } else { "not kept" };
    let mut rows = vec![
        ("Taken", text::markdown(&scan.taken)),
        ("Written", text::markdown(&scan.written)),
        ("Tool", text::markdown(&scan.tool)),
        ("Run", text::markdown(&scan.run)),
        ("Inputs", inputs.join(", ")),
        ("Report", format!("{kept}, SHA-256 {}", code_whole(&scan.digest))),
    ];
    if let Some(figures) = &night.figures {
        rows.push(("Machines", text::markdown(&machines(figures))));
        rows.push(("Findings", text::markdown(&findings(figures))));
    }
    for (name, value) in rows {
        writeln!(out, "| {name} | {value} |")?;
    }
    Ok(())
}

fn code_whole(text: &str) -> String {
    format!("<code>{}</code>", text::markdown(text))
}

fn coverage(night: &Night, out: &mut dyn Write) -> Result<(), ReportError> {
    writeln!(out, "\n## What was read\n\n| Part | Read | |\n| --- | --- | --- |")?;
    for covered in &night.scan.coverage {
        let name = covered.name.as_deref().map(code).unwrap_or_default();
        let read = match (covered.complete, night.scan.late.contains(&covered.scope)) {
            (_, true) => "late: a younger scan was known",
            (true, _) => "whole",
            (false, _) => "**not whole**",
        };
        let missing: Vec<String> = covered.missing.iter().map(|one| sentence(one)).collect();
        writeln!(
            out,
            "| {} {name} | {read} | {} |",
            code(&covered.scope),
            missing.join("; ")
        )?;
    }
    for lost in &night.scan.lost {
        writeln!(out, "\nNot read: {}", sentence(lost))?;
    }
    Ok(())
}

fn changes(night: &Night, out: &mut dyn Write) -> Result<(), ReportError> {
    for (group, findings) in night.changes.groups() {
        if findings.is_empty() {
            continue;
        }
        writeln!(out, "\n## What changed: {} ({})\n", label(group), findings.len())?;
        for finding in findings {
            writeln!(
                out,
                "- **{}** {} {}: {}",
                finding.severity.as_str(),
                code(&finding.subject),
                code(&finding.rule),
                sentence(&finding.message)
            )?;
        }
    }
    Ok(())
}

fn standing(title: &str, findings: &[&Stood], night: &Night, out: &mut dyn Write) -> Result<(), ReportError> {
    writeln!(out, "\n## {title} ({})\n", findings.len())?;
    if findings.is_empty() {
        return Ok(writeln!(out, "Nothing.")?);
    }
    writeln!(
        out,
        "| Severity | Verdict | Subject | Rule | Finding | Since | Fingerprint |"
    )?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- | --- |")?;
    for one in findings {
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            one.severity.as_str(),
            one.verdict.label(),
            code(&one.subject),
            code(&one.rule),
            sentence(&one.message),
            text::markdown(&about(one, &night.scan).join(", ")),
            code_whole(&one.fingerprint)
        )?;
    }
    Ok(())
}

fn rules(night: &Night, out: &mut dyn Write) -> Result<(), ReportError> {
    writeln!(out, "\n## Rules ({})\n", night.rules.len())?;
    writeln!(
        out,
        "| Rule | Severity | Title | Digest of conditions and parameters |\n| --- | --- | --- | --- |"
    )?;
    for rule in &night.rules {
        writeln!(
            out,
            "| {} | {} | {} | {} |",
            code(&rule.id),
            rule.severity.as_str(),
            text::markdown(&rule.title),
            code_whole(&rule.digest)
        )?;
    }
    Ok(())
}

//! GitLab code quality: a JSON list that merge requests compare with that of the target branch.

use std::io::{BufWriter, Write};

use serde_json::{Value, json};

use crate::report::{Format, Options, Report, ReportError, digest, json as plain, text};
use crate::rule::{Finding, Severity};

pub const FORMAT: Format = Format {
    name: "gitlab",
    about: "GitLab code quality",
    write,
};

const MESSAGE_COLUMNS: usize = 1_000;

fn write(report: &Report, _: &Options, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut out = BufWriter::new(out);
    let findings = digest::worst_first(report);
    let issues: Vec<Value> = findings.into_iter().map(|finding| issue(report, finding)).collect();
    serde_json::to_writer_pretty(&mut out, &issues).map_err(plain::failure)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

fn issue(report: &Report, finding: &Finding) -> Value {
    let place = digest::place(finding);
    // A path is required: what has no place stands at the first input.
    let stand_in = report.scan.inputs.first().map_or(".", String::as_str);
    let path = place.map_or(stand_in, |place| &*place.file);
    // GitLab knows no exceptions: what is waived stays, marked and harmless.
    let (waived, severity) = match &finding.waiver {
        Some(waiver) => (format!(" (waived: {})", waiver.reason), "info"),
        None => (String::new(), severity(finding.severity)),
    };
    let description = format!("{}: {}{waived}", finding.subject.name, finding.message);
    json!({
        "type": "issue",
        "categories": ["Security"],
        "check_name": text::line(&finding.rule),
        "description": text::shorten(&text::line(&description), MESSAGE_COLUMNS),
        "fingerprint": finding.fingerprint,
        "severity": severity,
        "location": {
            "path": text::line(path),
            "lines": { "begin": place.map_or(1, |place| place.line) },
        },
    })
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "blocker",
        Severity::High => "critical",
        Severity::Medium => "major",
        Severity::Low => "minor",
        Severity::Info => "info",
    }
}

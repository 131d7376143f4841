//! Workflow commands by which GitHub Actions annotates lines of a pull request.

use std::io::{BufWriter, Write};

use crate::report::{Format, Options, Report, ReportError, digest, text};
use crate::rule::{Finding, Severity, Verdict};
use crate::source::{Diagnostic, Level, Location};

pub const FORMAT: Format = Format {
    name: "github",
    about: "annotations of a GitHub workflow",
    write,
};

/// Longest message; the log of the workflow has no use for more.
const MESSAGE_COLUMNS: usize = 1_000;
const TITLE_COLUMNS: usize = 120;

fn write(report: &Report, options: &Options, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut out = BufWriter::new(out);
    for said in digest::diagnostics(report) {
        if let Some(command) = command_of_level(said.level) {
            let help = said.help.as_ref().map_or_else(String::new, |help| format!(" ({help})"));
            let message = format!("{}{help}", digest::message_line(said));
            annotation(&mut out, command, said.location.as_ref(), &title_of(said), &message)?;
        }
    }
    let findings = digest::worst_first(report).into_iter();
    let mut any = false;
    for finding in findings.filter(|finding| finding.is_open() || options.verbose) {
        any = true;
        let waived = if finding.waiver.is_some() { " (waived)" } else { "" };
        let message = format!("{}: {}{waived}", finding.subject.name, finding.message);
        let place = digest::place(finding);
        annotation(&mut out, command(finding), place, &title(report, finding), &message)?;
    }
    if !any {
        // Shown only where somebody looks for it.
        writeln!(out, "::debug::portcullis found nothing to annotate")?;
    }
    Ok(out.flush()?)
}

fn command(finding: &Finding) -> &'static str {
    match (finding.severity, finding.verdict) {
        _ if !finding.is_open() => "notice",
        (Severity::Critical | Severity::High, Verdict::Unhealthy) => "error",
        (Severity::Info, _) => "notice",
        _ => "warning",
    }
}

/// Notes are not worth an annotation.
fn command_of_level(level: Level) -> Option<&'static str> {
    match level {
        Level::Error => Some("error"),
        Level::Warning => Some("warning"),
        Level::Note => None,
    }
}

fn title_of(said: &Diagnostic) -> String {
    format!("portcullis: {}", said.code)
}

fn title(report: &Report, finding: &Finding) -> String {
    let rule = report.rules.iter().find(|rule| rule.id == finding.rule);
    rule.map_or_else(|| finding.rule.to_string(), |rule| rule.title.to_string())
}

fn annotation(
    out: &mut dyn Write,
    command: &str,
    place: Option<&Location>,
    title: &str,
    message: &str,
) -> Result<(), ReportError> {
    let mut properties = Vec::new();
    if let Some(place) = place {
        properties.push(format!("file={}", property(&place.file)));
        properties.push(format!("line={}", place.line));
        properties.push(format!("endLine={}", place.end_line.max(place.line)));
        // Columns may be given only within one line; their end counts too.
        if place.end_line == place.line {
            let end = place.end_column.saturating_sub(1).max(place.column);
            properties.push(format!("col={},endColumn={end}", place.column));
        }
    }
    properties.push(format!("title={}", property(&text::shorten(title, TITLE_COLUMNS))));
    let message = data(&text::shorten(&text::line(message), MESSAGE_COLUMNS));
    Ok(writeln!(out, "::{command} {}::{message}", properties.join(","))?)
}

/// A message cannot end the line nor begin a command.
fn data(message: &str) -> String {
    message.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(value: &str) -> String {
    data(&text::line(value)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_from_an_annotation() {
        let mut out = Vec::new();
        let place = Location {
            file: "a,b:c\n::error::x".into(),
            line: 3,
            column: 2,
            end_line: 3,
            end_column: 9,
        };
        annotation(
            &mut out,
            "error",
            Some(&place),
            "one: two, three",
            "100%\r\n::set-env name=A::b",
        )
        .unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 1);
        assert_eq!(
            text,
            "::error file=a%2Cb%3Ac\\n%3A%3Aerror%3A%3Ax,line=3,endLine=3,col=2,endColumn=8,title=one%3A two%2C three::\
             100%25\\r\\n::set-env name=A::b\n"
        );
    }
}

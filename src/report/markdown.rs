//! Markdown for a comment on a pull request or a page of a wiki. The text is `templates/report.md`; here is what is
//! put into it, cut to what a comment can hold, and the escaping by which no name becomes markup.

use std::io::Write;

use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error, Output, State, UndefinedBehavior};
use serde::Serialize;

use crate::report::digest::{self, Group, count};
use crate::report::{Format, Options, Report, ReportError, text};
use crate::rule::{Finding, Verdict};

pub const FORMAT: Format = Format {
    name: "markdown",
    about: "for a comment on a pull request or a wiki",
    write,
};

/// Most characters of a comment on GitHub.
pub const COMMENT_LIMIT: usize = 65_536;
const TEMPLATE: &str = include_str!("../../templates/report.md");
/// A finding takes some 300 characters in the table and 700 in its group.
const MOST_FINDINGS: usize = 40;
const MOST_DETAILS: usize = 5;
const MOST_GROUPS: usize = 8;
const MOST_DIAGNOSTICS: usize = 15;
const MOST_FACTS: usize = 4;
const NAME_COLUMNS: usize = 60;
const ID_COLUMNS: usize = 240;

fn write(report: &Report, options: &Options, out: &mut dyn Write) -> Result<(), ReportError> {
    let environment = environment();
    let template = environment
        .template_from_named_str("report.md", TEMPLATE)
        .map_err(failure)?;
    // Rendered whole, because the page is small by its caps, and an error leaves no half of it.
    let render = |share| {
        template
            .render(Serde(&page(report, options.verbose, share)))
            .map_err(failure)
    };
    let mut text = render(1)?;
    // Names may be long: what does not fit a comment is cut to a half, a quarter, ...
    for share in [2, 4, 8, 16, 40] {
        if options.verbose || text.len() <= COMMENT_LIMIT {
            break;
        }
        text = render(share)?;
    }
    Ok(out.write_all(text.as_bytes())?)
}

fn failure(error: Error) -> ReportError {
    ReportError::Format {
        format: "markdown",
        message: error.to_string(),
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("markdown".into()));
    environment.set_formatter(write_value);
    environment.add_filter("code", |name: Option<String>| safe(code(&name.unwrap_or_default())));
    environment.add_filter("sentence", |text: String| {
        safe(text::markdown_sentence(&text::sentence(&text, NAME_COLUMNS)))
    });
    environment.add_filter("page", |text: String| safe(rule_page(&text)));
    environment
}

fn safe(markdown: impl Into<String>) -> Value {
    Value::from_safe_string(markdown.into())
}

/// Every value that the template writes is plain text unless a filter has made Markdown of it.
fn write_value(out: &mut Output, _: &mut State, value: &Value) -> Result<(), Error> {
    let text = value.to_string();
    let text = if value.is_safe() || value.is_number() {
        text
    } else {
        text::markdown(&text)
    };
    out.write_str(&text)
        .map_err(|_| Error::new(minijinja::ErrorKind::WriteFailure, "cannot write"))
}

/// HTML's element instead of backticks, because within backticks nothing can be escaped.
fn code(name: &str) -> String {
    if name.is_empty() {
        String::new()
    } else {
        format!("<code>{}</code>", text::markdown(name))
    }
}

/// The Markdown of a rule file. It is trusted as far as the rule is, but commands no terminal.
fn rule_page(page: &str) -> String {
    let lines: Vec<_> = page.trim().lines().map(text::line).collect();
    lines.join("\n")
}

#[derive(Serialize)]
struct Page {
    verdict_mark: &'static str,
    headline: String,
    tool: String,
    generated: String,
    recorded: Option<String>,
    complete: bool,
    incomplete: Vec<Incomplete>,
    machines: String,
    subscriptions: String,
    ports: String,
    exposed: String,
    verdicts: Vec<Number>,
    findings: Vec<Entry>,
    more_findings: usize,
    groups: Vec<Fold>,
    assumptions: Vec<Assumed>,
    diagnostics: Vec<Note>,
    diagnostics_count: String,
    more_diagnostics: usize,
}

#[derive(Serialize)]
struct Incomplete {
    name: String,
    missing: Vec<String>,
}

#[derive(Serialize)]
struct Number {
    label: &'static str,
    number: u64,
}

#[derive(Serialize)]
struct Entry {
    severity: &'static str,
    verdict: &'static str,
    name: String,
    message: String,
    id: String,
    place: Option<String>,
    deciders: Vec<String>,
    evidence: Vec<String>,
    gaps: Vec<String>,
    waiver: Option<String>,
}

/// The findings of one rule, to unfold.
#[derive(Serialize)]
struct Fold {
    rule: String,
    title: String,
    counts: String,
    why: Option<String>,
    fix: Option<String>,
    findings: Vec<Entry>,
    more: usize,
}

#[derive(Serialize)]
struct Assumed {
    text: String,
    switch: Option<String>,
}

#[derive(Serialize)]
struct Note {
    level: &'static str,
    code: String,
    message: String,
    place: Option<String>,
    help: Option<String>,
}

/// One share of what is shown at most; everything, where `verbose` asks for it.
fn page(report: &Report, verbose: bool, share: usize) -> Page {
    let scan = &report.scan;
    let groups = digest::groups(report);
    let most = |number: usize| if verbose { usize::MAX } else { number.div_ceil(share) };
    let open = || groups.iter().flat_map(|group| &group.open);
    let ports: Vec<String> = scan.ports.iter().map(u16::to_string).collect();
    let diagnostics = digest::diagnostics(report);
    Page {
        verdict_mark: verdict_mark(report),
        headline: headline(report),
        tool: format!("{} {}", report.tool.name, report.tool.version),
        generated: scan.generated.clone(),
        recorded: scan.recorded.clone(),
        complete: scan.complete,
        incomplete: incomplete(report),
        machines: count(report.summary.machines, "machine"),
        subscriptions: count(scan.subscriptions.len() as u64, "subscription"),
        ports: ports.join(", "),
        exposed: report.summary.exposed.to_string(),
        verdicts: verdicts(report),
        findings: open()
            .take(most(MOST_FINDINGS))
            .map(|finding| entry(report, finding))
            .collect(),
        more_findings: open().count().saturating_sub(most(MOST_FINDINGS)),
        groups: groups
            .iter()
            .take(most(MOST_GROUPS))
            .map(|group| fold(report, group, most(MOST_DETAILS)))
            .collect(),
        assumptions: assumptions(report),
        diagnostics: diagnostics
            .iter()
            .take(most(MOST_DIAGNOSTICS))
            .map(|diagnostic| note(diagnostic))
            .collect(),
        diagnostics_count: count(diagnostics.len() as u64, "message"),
        more_diagnostics: diagnostics.len().saturating_sub(most(MOST_DIAGNOSTICS)),
    }
}

fn verdict_mark(report: &Report) -> &'static str {
    let found = report.summary.findings.values().any(|number| *number > 0);
    let open = report.summary.undetermined > 0 || !report.scan.complete;
    match (found, open) {
        (true, _) => "❌",
        (false, true) => "⚠️",
        (false, false) => "✅",
    }
}

fn headline(report: &Report) -> String {
    let summary = &report.summary;
    let findings: u64 = summary.findings.values().sum();
    let mut headline = if findings == 0 {
        "no findings".to_owned()
    } else {
        count(findings, "finding")
    };
    if summary.undetermined > 0 {
        headline.push_str(&format!(", {} of them undetermined", summary.undetermined));
    }
    if summary.waived > 0 {
        headline.push_str(&format!(", {} more waived", summary.waived));
    }
    headline
}

fn incomplete(report: &Report) -> Vec<Incomplete> {
    let entry = |subscription: &crate::report::Subscription| Incomplete {
        name: text::name(subscription.name.as_ref().unwrap_or(&subscription.id), NAME_COLUMNS),
        missing: subscription.missing.clone(),
    };
    digest::incomplete(report).take(MOST_DIAGNOSTICS).map(entry).collect()
}

fn verdicts(report: &Report) -> Vec<Number> {
    let number = |verdict: &Verdict| report.summary.verdicts.get(verdict).copied().unwrap_or(0);
    Verdict::ALL
        .iter()
        .map(|verdict| Number {
            label: verdict.label(),
            number: number(verdict),
        })
        .collect()
}

fn entry(report: &Report, finding: &Finding) -> Entry {
    let deciders = digest::worst_exposure(report, finding).map_or(&[][..], |(_, port)| &port.deciders);
    let facts = finding
        .evidence
        .iter()
        .map(|fact| format!("{}: {}", fact.label, fact.text));
    Entry {
        severity: finding.severity.as_str(),
        verdict: if finding.is_known() {
            "known"
        } else {
            finding.verdict.label()
        },
        name: text::name(&finding.subject.name, NAME_COLUMNS),
        message: finding.message.to_string(),
        id: text::name(&finding.subject.id, ID_COLUMNS),
        place: digest::place(finding).map(|place| text::name(&place.to_string(), NAME_COLUMNS)),
        deciders: deciders.iter().take(MOST_FACTS).map(digest::decider_sentence).collect(),
        evidence: facts.take(MOST_FACTS).collect(),
        gaps: finding
            .gaps
            .iter()
            .take(MOST_FACTS)
            .map(|gap| gap.to_string())
            .collect(),
        waiver: finding
            .waiver
            .as_ref()
            .map(|waiver| text::name(&waiver.reason, ID_COLUMNS)),
    }
}

fn fold(report: &Report, group: &Group<'_>, most: usize) -> Fold {
    let numbers = [
        (group.count(Verdict::Unhealthy), "unhealthy"),
        (group.count(Verdict::Undetermined), "undetermined"),
        (group.waived.len(), "waived"),
    ];
    let numbers = numbers
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"));
    Fold {
        rule: text::name(group.rule, NAME_COLUMNS),
        title: group.info.map(|info| info.title.to_string()).unwrap_or_default(),
        counts: numbers.collect::<Vec<_>>().join(", "),
        why: group.info.map(|info| info.why.to_string()),
        fix: group.info.map(|info| info.fix.to_string()),
        findings: group.all().take(most).map(|finding| entry(report, finding)).collect(),
        more: group.all().count().saturating_sub(most),
    }
}

fn assumptions(report: &Report) -> Vec<Assumed> {
    let assumed = |one: &crate::report::Assumption| Assumed {
        text: one.text.to_string(),
        switch: one.switch.as_ref().map(|switch| switch.to_string()),
    };
    report.assumptions.iter().map(assumed).collect()
}

fn note(diagnostic: &crate::source::Diagnostic) -> Note {
    let place = diagnostic.location.as_ref().map(ToString::to_string);
    let place = place.or_else(|| diagnostic.resource.as_ref().map(|id| id.to_string()));
    Note {
        level: digest::level_label(diagnostic.level),
        code: diagnostic.code.to_string(),
        message: digest::message_line(diagnostic),
        place: place.map(|place| text::name(&place, NAME_COLUMNS * 2)),
        help: diagnostic.help.clone(),
    }
}

//! A comparison as a comment on a pull request: a sentence, a table, and what explains it folded away. Cut to what a
//! comment can hold, with the number of what was cut.

use std::io::Write;

use super::entry::{Entry, about, entries, own_warnings, rules, waived, way};
use crate::diff::{Comparison, Decision, End, SubjectChange};
use crate::report::markdown::COMMENT_LIMIT;
use crate::report::{Options, Report, ReportError, digest, text};
use crate::rule::Finding;
use crate::source::Level;

/// By which a bot finds its comment again.
const MARKER: &str = "<!-- portcullis:diff -->";
/// Kept free for what closes the comment.
const RESERVE: usize = 1_500;
/// No part takes more, so that there is room for the others.
const MOST_TABLE: usize = 23_000;
const MOST_PATHS: usize = 18_000;
const MOST_FINDINGS: usize = 14_000;
const NAME_COLUMNS: usize = 80;
const ID_COLUMNS: usize = 240;

pub(super) fn write(comparison: &Comparison, _: &Report, _: &Options, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut page = format!("{MARKER}\n## Portcullis: {}\n\n", sentence(&comparison.sentence));
    let (base, head) = (&comparison.base, &comparison.head);
    for (side, end, other) in [("base", base, head), ("head", head, base)] {
        page.push_str(&alarm(side, end));
        page.push_str(&warnings(side, end, other));
    }
    page.push_str(&table(&comparison.changes));
    page.push_str(&paths(&comparison.changes));
    page.push_str(&findings(comparison));
    page.push_str(&closing(comparison));
    debug_assert!(page.len() <= COMMENT_LIMIT, "the parts are bounded");
    Ok(out.write_all(page.as_bytes())?)
}

fn sentence(words: &str) -> String {
    text::markdown_sentence(&text::sentence(words, NAME_COLUMNS))
}

fn code(name: &str) -> String {
    code_of(name, NAME_COLUMNS)
}

fn code_of(name: &str, columns: usize) -> String {
    format!("<code>{}</code>", text::markdown(&text::name(name, columns)))
}

/// Adds parts as long as there is room; says how many were left out.
fn within(room: usize, parts: impl Iterator<Item = String>, noun: &str) -> String {
    let mut all = String::new();
    let mut cut = 0u64;
    for part in parts {
        if cut == 0 && all.len() + part.len() <= room {
            all.push_str(&part);
        } else {
            cut += 1;
        }
    }
    if cut > 0 {
        all.push_str(&format!(
            "\n... and {} more; the JSON has them all.\n",
            digest::count(cut, noun)
        ));
    }
    all
}

fn alarm(side: &str, end: &End) -> String {
    if end.complete {
        return String::new();
    }
    let errors = end.diagnostics.iter().filter(|said| said.level == Level::Error);
    let line = |said: &crate::source::Diagnostic| {
        let place = said
            .location
            .as_ref()
            .map_or_else(String::new, |place| format!(" {}", code(&place.to_string())));
        format!("> - {}{place}\n", sentence(&digest::message_line(said)))
    };
    let list = within(RESERVE, errors.map(line), "problem");
    format!("> **The {side} was not read whole.** What is missing was not compared.\n{list}\n")
}

/// What holds of one side only.
fn warnings(side: &str, end: &End, other: &End) -> String {
    let mut lines = own_warnings(end, other).map(|said| {
        let place = said
            .location
            .as_ref()
            .map_or_else(String::new, |place| format!(" {}", code(&place.to_string())));
        format!("> {side}: {}{place}\n", sentence(&digest::message_line(said)))
    });
    let Some(first) = lines.next() else {
        return String::new();
    };
    let list = within(RESERVE, std::iter::once(first).chain(lines), "warning");
    format!("{list}\n")
}

fn table(changes: &[SubjectChange]) -> String {
    let rows = changes.iter().flat_map(|change| {
        let entries = entries(change);
        entries.iter().flat_map(|entry| row(change, entry)).collect::<Vec<_>>()
    });
    if changes.is_empty() {
        return String::new();
    }
    let head = "| | Machine | Port | Who | Rule |\n| --- | --- | --- | --- | --- |\n";
    format!("{head}{}\n", within(MOST_TABLE, rows, "row"))
}

fn row(change: &SubjectChange, entry: &Entry<'_>) -> Vec<String> {
    let ports: Vec<String> = entry.ports.iter().map(u16::to_string).collect();
    let private = match entry.from() {
        "from the internet" => "",
        _ => ", private",
    };
    let lines = entry.lines().into_iter().map(|(word, sources)| {
        let verb = word.trim_end_matches(" to");
        let opens = matches!(word, "opens to" | "now surely open to" | "may open to");
        let decision = match opens {
            true => &entry.change.after,
            false => &entry.change.before,
        };
        let excepted = match &change.waiver {
            Some(_) if opens => " (waived)",
            _ => "",
        };
        format!(
            "| **{verb}**{excepted} | {} | {}{private} | {} | {} |\n",
            code(&change.name),
            ports.join(", "),
            sentence(&sources.words),
            deciding(decision)
        )
    });
    lines.collect()
}

fn deciding(decision: &Decision) -> String {
    let rules = rules(decision);
    let shown = rules.iter().take(2).map(|(rule, place)| {
        let place = place
            .as_ref()
            .map_or_else(String::new, |place| format!(" {}", code(place)));
        format!("{}{place}", sentence(rule))
    });
    shown.collect::<Vec<_>>().join("; ")
}

fn paths(changes: &[SubjectChange]) -> String {
    within(MOST_PATHS, changes.iter().map(fold), "machine")
}

fn fold(change: &SubjectChange) -> String {
    let note = match about(change) {
        "" => String::new(),
        note => format!(", {note}"),
    };
    let mut fold = format!(
        "<details>\n<summary>{}{note}: how</summary>\n\n- {}\n",
        code(&change.name),
        code_of(&change.id, ID_COLUMNS)
    );
    if change.waiver.is_some() {
        fold.push_str(&format!("- {}\n", sentence(&waived(change))));
    }
    if let Some(location) = &change.location {
        fold.push_str(&format!("- stated at {}\n", code(&location.to_string())));
    }
    for entry in entries(change) {
        fold.push_str(&format!("- {} {}\n", entry.title(), entry.from()));
        for (word, sources) in entry.lines() {
            let prefixes: Vec<&str> = sources.prefixes.iter().take(12).map(String::as_str).collect();
            let more = (sources.prefixes.len().saturating_sub(12) as u64).saturating_add(sources.more_prefixes);
            let more = if more == 0 {
                String::new()
            } else {
                format!(" and {more} more")
            };
            fold.push_str(&format!(
                "  - {word} {}: {}{more}\n",
                sentence(&sources.words),
                code_of(&prefixes.join(", "), ID_COLUMNS * 2)
            ));
        }
        for (when, decision) in [("before", &entry.change.before), ("after", &entry.change.after)] {
            fold.push_str(&path(when, decision));
        }
    }
    fold.push_str("\n</details>\n");
    fold
}

fn path(when: &str, decision: &Decision) -> String {
    let mut lines = String::new();
    for (rule, place) in rules(decision) {
        let place = place.map_or_else(String::new, |place| format!(" at {}", code(&place)));
        lines.push_str(&format!("  - {when}: {}{place}\n", sentence(&rule)));
    }
    let ways: Vec<String> = decision.ways.iter().map(|through| sentence(&way(through))).collect();
    if !ways.is_empty() {
        lines.push_str(&format!("  - {when}: by {}\n", ways.join(", ")));
    }
    for gap in &decision.gaps {
        lines.push_str(&format!("  - {when} not known: {}\n", sentence(gap)));
    }
    lines
}

fn findings(comparison: &Comparison) -> String {
    let findings = &comparison.findings;
    let new = findings.new.iter().map(|finding| ("new", finding));
    let changed = findings.changed.iter().map(|changed| ("changed", &changed.after));
    let fixed = findings.fixed.iter().map(|finding| ("fixed", finding));
    let all: Vec<(&str, &Finding)> = new.chain(changed).chain(fixed).collect();
    if all.is_empty() {
        return String::new();
    }
    let line = |(state, finding): (&str, &Finding)| {
        let place = digest::place(finding).map_or_else(String::new, |place| format!(" {}", code(&place.to_string())));
        let waived = if finding.waiver.is_some() { " (waived)" } else { "" };
        format!(
            "- **{state}** {} {} {}: {}{waived}{place}\n",
            finding.severity.as_str(),
            code(&finding.rule),
            code(&finding.subject.name),
            sentence(&finding.message)
        )
    };
    let list = within(MOST_FINDINGS, all.iter().map(|one| line(*one)), "finding");
    let summary = &comparison.summary;
    format!(
        "<details>\n<summary>findings: {} new, {} changed, {} fixed, {} unchanged</summary>\n\n{list}\n</details>\n",
        findings.new.len(),
        summary.changed_findings,
        summary.fixed_findings,
        summary.unchanged_findings
    )
}

fn closing(comparison: &Comparison) -> String {
    let side = |end: &End| {
        let commit = end.commit.as_deref().and_then(|commit| commit.get(..10));
        let commit = commit.map_or_else(String::new, |commit| format!(" ({commit})"));
        format!(
            "{}{commit}, {}",
            code(&end.name),
            digest::count(end.machines, "machine")
        )
    };
    let ports: Vec<String> = comparison.ports.iter().map(u16::to_string).collect();
    let not_stated = match comparison.not_stated.len() as u64 {
        0 => String::new(),
        number => format!(
            " {} of the base are not stated in the head.",
            digest::count(number, "machine")
        ),
    };
    format!(
        "\n<sub>{} to {}; TCP ports {}; portcullis {}.{not_stated}</sub>\n",
        side(&comparison.base),
        side(&comparison.head),
        ports.join(", "),
        text::markdown(&comparison.tool_version)
    )
}

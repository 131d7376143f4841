//! A night for the terminal: what was read, what changed, and what stood open.

use std::io::Write;

use super::{Night, Stood, label, moment_of, words};
use crate::history::model::{KeptFinding, KeptScan, Point};
use crate::history::statistics::days;
use crate::report::{Options, ReportError, text};
use crate::rule::Waiver;

/// Entries of a list that are shown, unless all are asked for; the other formats have all.
const SHOWN: usize = 50;
const NAME_COLUMNS: usize = 60;

pub fn write(night: &Night, options: &Options, out: &mut dyn Write) -> Result<(), ReportError> {
    let most = if options.verbose { usize::MAX } else { SHOWN };
    let mut page = String::new();
    head(night, &mut page);
    unread(&night.scan, most, &mut page);
    changes(night, most, &mut page);
    let (waived, open): (Vec<&Stood>, Vec<&Stood>) = night.findings.iter().partition(|one| one.waiver.is_some());
    standing("open after it", &open, &night.scan, most, &mut page);
    standing("waived", &waived, &night.scan, most, &mut page);
    rules(night, &mut page);
    Ok(out.write_all(page.as_bytes())?)
}

fn head(night: &Night, page: &mut String) {
    let scan = &night.scan;
    page.push_str(&format!(
        "scan {} of {}: {}\n",
        scan.id,
        moment_of(&scan.taken),
        words(&night.changes)
    ));
    let kept = if scan.evidence { "kept" } else { "not kept" };
    page.push_str(&format!(
        "  run {}, {}, written {}\n  report {kept}, sha256:{}\n",
        text::line(&scan.run),
        text::line(&scan.tool),
        moment_of(&scan.written),
        scan.digest
    ));
    let inputs: Vec<String> = scan
        .inputs
        .iter()
        .take(8)
        .map(|input| text::name(input, NAME_COLUMNS))
        .collect();
    let more = if scan.inputs.len() > 8 { ", ..." } else { "" };
    page.push_str(&format!("  of {}{more}\n", inputs.join(", ")));
    if let Some(figures) = &night.figures {
        page.push_str(&format!("  {}\n  {}\n", machines(figures), findings(figures)));
    }
}

/// `46 machines: 20 healthy, 16 unhealthy, ...`.
pub fn machines(figures: &Point) -> String {
    let counts = [
        (figures.healthy, "healthy"),
        (figures.unhealthy, "unhealthy"),
        (figures.not_applicable, "not applicable"),
        (figures.undetermined, "undetermined"),
        (figures.unread, "not read"),
    ];
    let exposed = (figures.exposed, "open to public addresses");
    let listed = |counts: &[(u64, &str)]| {
        let some = counts.iter().filter(|(count, _)| *count > 0);
        some.map(|(count, word)| format!("{count} {word}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let exposed = listed(&[exposed]);
    let exposed = if exposed.is_empty() {
        exposed
    } else {
        format!("; {exposed}")
    };
    format!("{} machines: {}{exposed}", figures.machines, listed(&counts))
}

/// `31 open findings, 2 critical and 8 high; 2 waived, 1 not to be judged`.
pub fn findings(figures: &Point) -> String {
    format!(
        "{} open findings, {} critical and {} high; {} waived, {} not to be judged",
        figures.open, figures.critical, figures.high, figures.waived, figures.unjudged
    )
}

fn unread(scan: &KeptScan, most: usize, page: &mut String) {
    let whole = scan.coverage.iter().filter(|covered| covered.complete).count();
    page.push_str(&format!("  read whole: {whole} of {}\n", scan.coverage.len()));
    for lost in &scan.lost {
        page.push_str(&format!("  not read: {}\n", text::line(lost)));
    }
    for covered in scan.coverage.iter().filter(|covered| !covered.complete) {
        let name = covered.name.as_deref().unwrap_or(&covered.scope);
        page.push_str(&format!("  not read whole: {}\n", text::name(name, NAME_COLUMNS)));
        for missing in covered.missing.iter().take(most) {
            page.push_str(&format!("    {}\n", text::line(missing)));
        }
    }
    for scope in &scan.late {
        page.push_str(&format!(
            "  a younger scan of {} was known: this one is evidence, and changed nothing\n",
            text::name(scope, NAME_COLUMNS)
        ));
    }
}

fn changes(night: &Night, most: usize, page: &mut String) {
    for (group, findings) in night.changes.groups() {
        if findings.is_empty() {
            continue;
        }
        page.push_str(&format!("\n{} ({})\n", label(group), findings.len()));
        for finding in findings.iter().take(most) {
            changed(finding, &night.scan.taken, page);
        }
        more(findings.len(), most, page);
    }
}

fn more(all: usize, most: usize, page: &mut String) {
    if all > most {
        page.push_str(&format!("  and {} more; --verbose shows all\n", all - most));
    }
}

fn changed(finding: &KeptFinding, taken: &str, page: &mut String) {
    subject(
        finding.severity.as_str(),
        &finding.subject,
        &finding.rule,
        &finding.message,
        page,
    );
    let mut about = vec![format!("open since {}", moment_of(&finding.opened))];
    if let Some(closed) = &finding.closed {
        about = vec![format!("was open for {}", lasted(&finding.opened, closed))];
    } else if finding.openings > 1 {
        about.push(again(finding.openings, &finding.first_seen));
    }
    if let Some(unjudged) = &finding.unjudged {
        about.push(format!("not judged since {}", moment_of(unjudged)));
    }
    if !finding.owner.is_empty() {
        about.push(format!("owner {}", text::name(&finding.owner, 40)));
    }
    let waiver = finding
        .waivers
        .last()
        .filter(|waiver| waiver.ended.is_none() || waiver.ended.as_deref() == Some(taken));
    if let Some(waiver) = waiver {
        let ending = waiver.ending.as_deref();
        let ending = ending.map(|ending| format!(" ({ending})")).unwrap_or_default();
        about.push(format!(
            "waiver{}{ending}: {}",
            until(waiver.until.as_deref()),
            text::name(&waiver.reason, NAME_COLUMNS)
        ));
    }
    page.push_str(&format!("            {}\n", text::line(&about.join(", "))));
}

/// `3 days`.
fn lasted(from: &str, to: &str) -> String {
    match days(from, to) {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

fn until(day: Option<&str>) -> String {
    day.map(|day| format!(" until {day}")).unwrap_or_default()
}

fn again(openings: i64, first_seen: &str) -> String {
    format!("for the {openings}. time, first seen {}", moment_of(first_seen))
}

fn subject(severity: &str, subject: &str, rule: &str, message: &str, page: &mut String) {
    page.push_str(&format!(
        "  {severity:8}  {}  {}\n            {}\n",
        text::name(subject, NAME_COLUMNS),
        text::name(rule, NAME_COLUMNS),
        text::sentence(message, NAME_COLUMNS)
    ));
}

fn standing(title: &str, findings: &[&Stood], scan: &KeptScan, most: usize, page: &mut String) {
    if findings.is_empty() {
        return;
    }
    page.push_str(&format!("\n{title} ({})\n", findings.len()));
    for one in findings.iter().take(most) {
        subject(one.severity.as_str(), &one.subject, &one.rule, &one.message, page);
        page.push_str(&format!("            {}\n", text::line(&about(one, scan).join(", "))));
    }
    more(findings.len(), most, page);
}

/// Since when, how often, whose, and under which waiver.
pub fn about(one: &Stood, scan: &KeptScan) -> Vec<String> {
    let mut about = Vec::new();
    match (&one.opened, &one.first_seen) {
        (Some(opened), Some(first_seen)) => {
            about.push(format!(
                "open for {}, since {}",
                lasted(opened, &scan.taken),
                moment_of(opened)
            ));
            let openings = one.openings.unwrap_or(1);
            if openings > 1 {
                about.push(again(openings, first_seen));
            }
        }
        _ => about.push("since when is not known".to_owned()),
    }
    if one.judged == Some(false) {
        about.push("could not be judged".to_owned());
    }
    if one.worded != scan.taken {
        about.push(format!("as last seen on {}", moment_of(&one.worded)));
    }
    if !one.owner.is_empty() {
        about.push(format!("owner {}", text::name(&one.owner, 40)));
    }
    if let Some(waiver) = &one.waiver {
        about.push(waived(waiver, one.waived_since.as_deref()));
    }
    about
}

/// `waived since 2026-01-01 until 2026-02-01: reason (owner ops, ticket T-1)`.
fn waived(waiver: &Waiver, since: Option<&str>) -> String {
    let since = since
        .map(|since| format!(" since {}", moment_of(since)))
        .unwrap_or_default();
    let details: Vec<String> = [("owner", &waiver.owner), ("ticket", &waiver.ticket)]
        .into_iter()
        .filter_map(|(word, value)| Some(format!("{word} {}", text::name(value.as_deref()?, 40))))
        .collect();
    let details = match details.is_empty() {
        true => String::new(),
        false => format!(" ({})", details.join(", ")),
    };
    format!(
        "waived{since}{}: {}{details}",
        until(waiver.until.as_deref()),
        text::name(&waiver.reason, NAME_COLUMNS)
    )
}

fn rules(night: &Night, page: &mut String) {
    if night.rules.is_empty() {
        return;
    }
    page.push_str(&format!("\nrules ({})\n", night.rules.len()));
    for rule in &night.rules {
        let digest = rule.digest.get(..12).unwrap_or(&rule.digest);
        page.push_str(&format!(
            "  {:8}  {}  {}\n",
            rule.severity.as_str(),
            text::name(&rule.id, NAME_COLUMNS),
            text::line(digest)
        ));
    }
}

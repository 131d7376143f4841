//! What a person reads on a terminal: the state of the estate first, then the findings by rule with the worst first,
//! then what the verdicts rest on and what could not be read. Ends with one line that sums it up.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufWriter, Write};

use anstyle::{AnsiColor, Style};

use crate::report::digest::{self, Group, count};
use crate::report::{Format, Machine, Options, Report, ReportError, Subscription, Tab, excerpt, text};
use crate::rule::{Finding, Severity, SubjectKind, Verdict};
use crate::source::{Diagnostic, Level, Location};

pub const FORMAT: Format = Format {
    name: "console",
    about: "for reading on a terminal",
    write,
};

/// Findings shown for each rule, unless everything is asked for.
const MOST_FINDINGS: usize = 8;
/// Errors shown, unless everything is asked for.
const MOST_ERRORS: usize = 50;
/// Diagnostics shown that are no errors, unless everything is asked for.
const MOST_DIAGNOSTICS: usize = 5;
const LABEL_COLUMNS: usize = 12;
const BAR_COLUMNS: u64 = 20;
const LEAST_COLUMNS: usize = 40;
const NAME_COLUMNS: usize = 80;
/// Machines listed below a sentence that holds for all of them, unless everything is asked for.
const MOST_ALIKE: usize = 12;

const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const ALARM: Style = AnsiColor::Red.on_default().bold().invert();

fn write(report: &Report, options: &Options, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut out = BufWriter::new(out);
    let mut page = Page {
        out: &mut out,
        options,
        width: options.width.max(LEAST_COLUMNS),
        shown: HashSet::new(),
    };
    header(&mut page, report)?;
    alarm(&mut page, report)?;
    counts(&mut page, report)?;
    for group in digest::groups(report) {
        findings(&mut page, report, &group)?;
    }
    if options.verbose {
        machines(&mut page, report)?;
    }
    assumptions(&mut page, report)?;
    diagnostics(&mut page, report)?;
    closing(&mut page, report)?;
    Ok(out.flush()?)
}

/// Where the lines go: knows the width and whether colours are wanted. All text passes through here, so nothing
/// from outside reaches the terminal as it came.
struct Page<'a> {
    out: &'a mut dyn Write,
    options: &'a Options,
    width: usize,
    /// Places whose lines were shown.
    shown: HashSet<Location>,
}

impl Page<'_> {
    fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// One line of styled pieces, as it is: the caller has made sure that it fits.
    fn pieces(&mut self, indent: usize, pieces: &[(Style, &str)]) -> io::Result<()> {
        write!(self.out, "{:indent$}", "")?;
        for (style, piece) in pieces {
            let piece = text::line(piece);
            match self.options.color {
                true => write!(self.out, "{style}{piece}{style:#}")?,
                false => write!(self.out, "{piece}")?,
            }
        }
        writeln!(self.out)
    }

    /// A paragraph, broken at the width.
    fn paragraph(&mut self, indent: usize, style: Style, paragraph: &str) -> io::Result<()> {
        for line in text::wrap(paragraph, self.width.saturating_sub(indent)) {
            self.pieces(indent, &[(style, &line)])?;
        }
        Ok(())
    }

    /// A word in the margin and a paragraph beside it.
    fn labelled(&mut self, indent: usize, label: (Style, &str), columns: usize, paragraph: &str) -> io::Result<()> {
        let room = self.width.saturating_sub(indent + columns);
        let mut lines = text::wrap(paragraph, room).into_iter();
        let first = lines.next().unwrap_or_default();
        let gap = " ".repeat(columns.saturating_sub(text::width(label.1)));
        self.pieces(indent, &[label, (PLAIN, &gap), (PLAIN, &first)])?;
        lines.try_for_each(|line| self.pieces(indent + columns, &[(PLAIN, &line)]))
    }

    fn heading(&mut self, title: &str) -> io::Result<()> {
        self.blank()?;
        self.paragraph(0, BOLD, title)
    }
}

fn header(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let scan = &report.scan;
    let name = format!("{} {}", report.tool.name, report.tool.version);
    page.pieces(0, &[(BOLD, &text::name(&name, page.width))])?;
    let inputs: Vec<String> = scan
        .inputs
        .iter()
        .map(|input| text::name(input, NAME_COLUMNS))
        .collect();
    let inputs = if inputs.is_empty() {
        "live subscriptions".to_owned()
    } else {
        inputs.join(", ")
    };
    page.labelled(0, (DIM, "read"), LABEL_COLUMNS, &inputs)?;
    let time = match &scan.recorded {
        Some(recorded) => format!("estate of {recorded}, report of {}", scan.generated),
        None => scan.generated.clone(),
    };
    page.labelled(0, (DIM, "time"), LABEL_COLUMNS, &time)?;
    let ports: Vec<String> = scan.ports.iter().map(u16::to_string).collect();
    let subscriptions = count(scan.subscriptions.len() as u64, "subscription");
    let machines = count(report.summary.machines, "machine");
    let estate = format!("{machines} in {subscriptions}; ports {}", ports.join(", "));
    page.labelled(0, (DIM, "estate"), LABEL_COLUMNS, &estate)
}

/// A report of half an estate must not be read as a report of the whole.
fn alarm(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    if report.scan.complete && digest::incomplete(report).next().is_none() {
        return Ok(());
    }
    page.blank()?;
    let sentence = "not everything was read; what is missing was not judged";
    page.labelled(0, (ALARM, " INCOMPLETE "), LABEL_COLUMNS + 1, sentence)?;
    digest::incomplete(report).try_for_each(|subscription| missing(page, subscription))
}

fn missing(page: &mut Page<'_>, subscription: &Subscription) -> io::Result<()> {
    let name = subscription.name.as_ref().unwrap_or(&subscription.id);
    let name = text::name(name, NAME_COLUMNS);
    page.paragraph(2, BOLD, &format!("subscription {name} ({})", subscription.id))?;
    subscription
        .missing
        .iter()
        .try_for_each(|missing| page.labelled(4, (RED, "-"), 2, missing))
}

fn counts(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let summary = &report.summary;
    page.blank()?;
    verdicts(page, report)?;
    let tab = |tab: &Tab| Some(format!("{} {}", summary.tabs.get(tab)?, tab.label()));
    let tabs: Vec<String> = Tab::ALL.iter().filter_map(tab).collect();
    page.labelled(0, (DIM, "tabs"), LABEL_COLUMNS, &tabs.join(", "))?;
    let exposed = match summary.exposed {
        0 => "no machine has a management port open to public addresses".to_owned(),
        1 => "1 machine has a management port open to public addresses".to_owned(),
        many => format!("{many} machines have a management port open to public addresses"),
    };
    page.labelled(0, (DIM, "exposed"), LABEL_COLUMNS, &exposed)
}

/// The verdicts as a bar and in numbers, on one line if it is wide enough. The bar can be read without colours too.
fn verdicts(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let verdicts = &report.summary.verdicts;
    let number = |verdict: Verdict| verdicts.get(&verdict).copied().unwrap_or(0);
    let total = Verdict::ALL.into_iter().map(number).sum();
    let numbers: Vec<String> = Verdict::ALL
        .iter()
        .map(|&v| format!("{} {}", number(v), v.label()))
        .collect();
    let numbers = format!("  {}", numbers.join(", "));
    let bars = Verdict::ALL.map(|verdict| {
        let (style, glyph) = verdict_look(verdict);
        (style, glyph.repeat(bar_columns(number(verdict), total)))
    });
    let mut pieces = vec![(DIM, "verdicts    ")];
    pieces.extend(bars.iter().map(|(style, bar)| (*style, bar.as_str())));
    let used: usize = pieces.iter().map(|(_, piece)| text::width(piece)).sum();
    if used + text::width(&numbers) <= page.width {
        pieces.push((PLAIN, &numbers));
        return page.pieces(0, &pieces);
    }
    page.pieces(0, &pieces)?;
    page.labelled(0, (PLAIN, ""), LABEL_COLUMNS, &numbers)
}

/// Rounded, but what is there is never invisible.
fn bar_columns(number: u64, total: u64) -> usize {
    let share = number.saturating_mul(BAR_COLUMNS).saturating_add(total / 2) / total.max(1);
    let least = u64::from(number > 0);
    usize::try_from(share.clamp(least, BAR_COLUMNS)).unwrap_or_default()
}

fn verdict_look(verdict: Verdict) -> (Style, &'static str) {
    match verdict {
        Verdict::Unhealthy => (RED, "█"),
        Verdict::Undetermined => (YELLOW, "▒"),
        Verdict::NotApplicable => (DIM, "·"),
        Verdict::Healthy => (GREEN, "─"),
    }
}

fn findings(page: &mut Page<'_>, report: &Report, group: &Group<'_>) -> io::Result<()> {
    if group.open.is_empty() && !page.options.verbose {
        return Ok(());
    }
    group_heading(page, group)?;
    let most = if page.options.verbose {
        usize::MAX
    } else {
        MOST_FINDINGS
    };
    let mut alike = if page.options.verbose {
        group.open.iter().map(|finding| vec![*finding]).collect()
    } else {
        alike(&group.open)
    };
    let more: usize = alike.iter().skip(most).map(Vec::len).sum();
    alike.truncate(most);
    for findings in &alike {
        match findings.as_slice() {
            [one] => entry(page, report, one)?,
            many => entries(page, many)?,
        }
    }
    if more > 0 {
        page.paragraph(2, DIM, &format!("... and {more} more; `--verbose` shows them all"))?;
    }
    for (aside, what) in [(&group.known, "known from the baseline"), (&group.waived, "waived")] {
        match (aside.len(), page.options.verbose) {
            (0, _) => {}
            (_, true) => aside.iter().try_for_each(|finding| entry(page, report, finding))?,
            (number, false) => page.paragraph(2, DIM, &format!("{number} {what}; `--verbose` shows them"))?,
        }
    }
    Ok(())
}

/// Findings of which the same is said, together, where the first of them stood.
fn alike<'r>(findings: &[&'r Finding]) -> Vec<Vec<&'r Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    let mut index = HashMap::new();
    for finding in findings {
        let said = (finding.severity, finding.verdict, &finding.message, &finding.gaps);
        let at = *index.entry(said).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

fn group_heading(page: &mut Page<'_>, group: &Group<'_>) -> io::Result<()> {
    let numbers = [
        (group.count(Verdict::Unhealthy), "unhealthy"),
        (group.count(Verdict::Undetermined), "undetermined"),
        (group.known.len(), "known"),
        (group.waived.len(), "waived"),
    ];
    let numbers = numbers
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"));
    let numbers: Vec<String> = numbers.collect();
    page.heading(&format!(
        "{} - {}",
        text::name(group.rule, NAME_COLUMNS),
        numbers.join(", ")
    ))?;
    if group.info.is_some() {
        page.paragraph(0, DIM, group.title())
    } else {
        Ok(())
    }
}

fn entry(page: &mut Page<'_>, report: &Report, finding: &Finding) -> io::Result<()> {
    let name = text::name(&finding.subject.name, NAME_COLUMNS.min(page.width.saturating_sub(16)));
    let room = page
        .width
        .saturating_sub(16 + text::width(&name) + text::width(verdict_mark(finding)));
    let home = home(report, finding);
    let home = if room < 16 {
        String::new()
    } else {
        format!("  {}", text::name(&home, room))
    };
    entry_heading(page, finding, &name, &home)?;
    said(page, finding)?;
    place(page, finding)?;
    excerpt(page, report, finding)?;
    waiver(page, finding)
}

/// Several findings of which the same is said: the sentence once, then where it holds.
fn entries(page: &mut Page<'_>, findings: &[&Finding]) -> io::Result<()> {
    let Some(first) = findings.first() else { return Ok(()) };
    let kind = match first.subject.kind {
        SubjectKind::Vm => "machine",
        SubjectKind::SecurityRule => "rule",
        SubjectKind::JitEntry => "entry",
        SubjectKind::Waiver => "waiver",
    };
    let title = match (kind, findings.len()) {
        ("entry", number) => format!("{number} entries"),
        (kind, number) => count(number as u64, kind),
    };
    entry_heading(page, first, &title, "")?;
    said(page, first)?;
    let mut names: Vec<String> = findings
        .iter()
        .take(MOST_ALIKE)
        .map(|finding| text::name(&finding.subject.name, NAME_COLUMNS))
        .collect();
    if let Some(more) = findings.len().checked_sub(MOST_ALIKE).filter(|more| *more > 0) {
        names.push(format!("and {more} more"));
    }
    page.paragraph(12, DIM, &names.join(", "))
}

fn entry_heading(page: &mut Page<'_>, finding: &Finding, name: &str, home: &str) -> io::Result<()> {
    let severity = format!("{:<10}", finding.severity.as_str());
    page.pieces(
        2,
        &[
            (severity_style(finding.severity), &severity),
            (BOLD, name),
            (YELLOW, verdict_mark(finding)),
            (DIM, home),
        ],
    )
}

fn verdict_mark(finding: &Finding) -> &'static str {
    match finding.verdict {
        _ if finding.waiver.is_some() => "  waived",
        _ if finding.is_known() => "  known",
        Verdict::Undetermined => "  undetermined",
        _ => "",
    }
}

/// Whose it is: subscription, by name where it has one, and resource group.
fn home(report: &Report, finding: &Finding) -> String {
    let id = &finding.subject.subscription;
    let mut known = report.scan.subscriptions.iter();
    let named = known.find(|subscription| subscription.id.eq_ignore_ascii_case(id));
    let name = named.and_then(|subscription| subscription.name.as_ref()).unwrap_or(id);
    format!("{name} / {}", finding.subject.resource_group)
}

/// The sentence, and the unknowns that it does not name.
fn said(page: &mut Page<'_>, finding: &Finding) -> io::Result<()> {
    page.paragraph(12, PLAIN, &text::sentence(&finding.message, NAME_COLUMNS))?;
    let unnamed = finding.gaps.iter().filter(|gap| !finding.message.contains(&***gap));
    for gap in unnamed {
        page.labelled(12, (YELLOW, "?"), 2, gap)?;
    }
    Ok(())
}

/// The file and line, or else the id; with everything asked for, both and in full.
fn place(page: &mut Page<'_>, finding: &Finding) -> io::Result<()> {
    let room = page.width.saturating_sub(12);
    let place = digest::place(finding).map(ToString::to_string);
    if page.options.verbose {
        place.iter().try_for_each(|place| page.pieces(12, &[(DIM, place)]))?;
        page.pieces(12, &[(DIM, &finding.subject.id)])?;
        return finding.evidence.iter().try_for_each(|fact| {
            page.paragraph(
                12,
                DIM,
                &text::sentence(&format!("{}: {}", fact.label, fact.text), NAME_COLUMNS),
            )
        });
    }
    let place = place.unwrap_or_else(|| finding.subject.id.to_string());
    page.pieces(12, &[(DIM, &text::name(&place, room))])
}

/// The lines that decide, where their text is at hand.
fn excerpt(page: &mut Page<'_>, report: &Report, finding: &Finding) -> io::Result<()> {
    let texts = page.options.texts.clone();
    let deciding = digest::deciding_place(report, finding);
    // The same lines are shown once.
    let deciding = deciding.filter(|place| page.shown.insert((*place).clone()));
    let Some((place, text)) = deciding.and_then(|place| Some((place, texts.get(&place.file)?))) else {
        return Ok(());
    };
    if digest::place(finding) != Some(place) {
        page.pieces(
            12,
            &[(
                DIM,
                &format!("decided at {}", text::name(&place.to_string(), NAME_COLUMNS)),
            )],
        )?;
    }
    for (gutter, line) in excerpt::lines(text, place, page.width.saturating_sub(12)) {
        page.pieces(12, &[(DIM, &gutter), (PLAIN, &line)])?;
    }
    Ok(())
}

fn waiver(page: &mut Page<'_>, finding: &Finding) -> io::Result<()> {
    let Some(waiver) = &finding.waiver else { return Ok(()) };
    let mut sentence = format!("waived: {}", waiver.reason);
    for (word, value) in [("by", &waiver.owner), ("see", &waiver.ticket), ("until", &waiver.until)] {
        sentence.extend(value.iter().map(|value| format!(", {word} {value}")));
    }
    page.paragraph(12, DIM, &sentence)
}

fn machines(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let passed = |machine: &&Machine| matches!(machine.verdict, Verdict::Healthy | Verdict::NotApplicable);
    let mut passed = report.machines.iter().filter(passed).peekable();
    if passed.peek().is_none() {
        return Ok(());
    }
    page.heading("healthy and not applicable machines")?;
    passed.try_for_each(|machine| {
        let (style, _) = verdict_look(machine.verdict);
        let name = text::name(&machine.name, NAME_COLUMNS.min(page.width.saturating_sub(20)));
        page.pieces(
            2,
            &[(style, &format!("{:<16}", machine.verdict.label())), (BOLD, &name)],
        )?;
        page.paragraph(18, PLAIN, &text::sentence(&machine.because, NAME_COLUMNS))
    })
}

fn assumptions(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    if report.assumptions.is_empty() {
        return Ok(());
    }
    page.heading("assumed, since no input says it")?;
    report.assumptions.iter().try_for_each(|assumption| {
        let switch = assumption
            .switch
            .iter()
            .map(|switch| format!(" (`{switch}` changes it)"))
            .collect::<String>();
        page.labelled(2, (DIM, "-"), 2, &format!("{}{switch}", assumption.text))
    })
}

fn diagnostics(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let all = digest::diagnostics(report);
    if all.is_empty() {
        return Ok(());
    }
    let errors = all.iter().filter(|diagnostic| diagnostic.level == Level::Error).count();
    let most = if page.options.verbose {
        usize::MAX
    } else {
        errors.min(MOST_ERRORS) + MOST_DIAGNOSTICS
    };
    page.heading("while reading")?;
    for diagnostic in all.iter().take(most) {
        self::diagnostic(page, diagnostic)?;
    }
    match all.len().checked_sub(most).filter(|more| *more > 0) {
        Some(more) => page.paragraph(2, DIM, &format!("... and {more} more; `--verbose` shows them all")),
        None => Ok(()),
    }
}

fn diagnostic(page: &mut Page<'_>, diagnostic: &Diagnostic) -> io::Result<()> {
    let style = match diagnostic.level {
        Level::Error => RED,
        Level::Warning => YELLOW,
        Level::Note => DIM,
    };
    let mut lines = diagnostic
        .message
        .lines()
        .map(|line| text::sentence(line, NAME_COLUMNS));
    let first = format!("{} [{}]", lines.next().unwrap_or_default(), diagnostic.code);
    page.labelled(2, (style, digest::level_label(diagnostic.level)), 10, &first)?;
    lines.try_for_each(|line| page.paragraph(12, PLAIN, &line))?;
    let place = diagnostic.location.as_ref().map(ToString::to_string);
    let place = place.or_else(|| diagnostic.resource.as_ref().map(|id| id.to_string()));
    let room = page.width.saturating_sub(12);
    place
        .iter()
        .try_for_each(|place| page.pieces(12, &[(DIM, &text::name(place, room))]))?;
    diagnostic
        .help
        .iter()
        .try_for_each(|help| page.labelled(12, (BOLD, "help:"), 6, help))
}

fn closing(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let summary = &report.summary;
    let severities = Severity::ALL.iter().filter_map(|severity| {
        let number = summary.findings.get(severity).filter(|number| **number > 0)?;
        Some(format!("{number} {}", severity.as_str()))
    });
    let severities: Vec<String> = severities.collect();
    let total: u64 = summary.findings.values().sum();
    let mut sentence = count(total, "finding");
    if !severities.is_empty() {
        sentence.push_str(&format!(": {}", severities.join(", ")));
    }
    for (number, what) in [
        (summary.undetermined, "of them undetermined"),
        (summary.known, "more known from the baseline"),
        (summary.waived, "more waived"),
    ] {
        if number > 0 {
            sentence.push_str(&format!("; {number} {what}"));
        }
    }
    let complete = report.scan.complete;
    sentence.push_str(if complete { "" } else { "; the scan is incomplete" });
    page.blank()?;
    page.paragraph(0, if total == 0 && complete { GREEN } else { RED }, &sentence)
}

fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Critical | Severity::High => RED,
        Severity::Medium => YELLOW,
        Severity::Low | Severity::Info => PLAIN,
    }
}

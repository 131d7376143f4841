//! A comparison for reading on a terminal: one line that sums it up, then what opens and closes, then findings.

use std::collections::HashSet;
use std::io::{self, BufWriter, Write};

use anstyle::{AnsiColor, Style};

use super::entry::{Entry, about, entries, mark, own_warnings, rules, waived, way};
use crate::diff::{Comparison, Decision, End, SubjectChange};
use crate::report::{Options, Report, ReportError, Texts, digest, excerpt, text};
use crate::rule::Finding;
use crate::source::{Diagnostic, Level, Location};

const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default().bold();

const LEAST_COLUMNS: usize = 60;
const NAME_COLUMNS: usize = 80;
const LABEL_COLUMNS: usize = 8;
const LINES_INDENT: usize = 12;
/// Machines shown, unless everything is asked for.
const MOST_SUBJECTS: usize = 20;
const MOST_FINDINGS: usize = 8;
const MOST_ALIKE: usize = 6;

pub(super) fn write(
    comparison: &Comparison,
    _: &Report,
    options: &Options,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let mut out = BufWriter::new(out);
    let mut page = Page {
        out: &mut out,
        color: options.color,
        texts: options.texts.clone(),
        shown: HashSet::new(),
        verbose: options.verbose,
        width: options.width.max(LEAST_COLUMNS),
    };
    page.paragraph(0, BOLD, &comparison.sentence)?;
    page.end("base", &comparison.base, &comparison.head)?;
    page.end("head", &comparison.head, &comparison.base)?;
    page.subjects(&comparison.changes)?;
    page.verdicts(comparison)?;
    page.findings(comparison)?;
    page.not_stated(comparison)?;
    Ok(out.flush()?)
}

/// Where the lines go. All text passes through here, so nothing from outside reaches the terminal as it came.
struct Page<'o> {
    out: &'o mut dyn Write,
    color: bool,
    /// Of the head.
    texts: Texts,
    /// Places whose lines were shown: once is enough.
    shown: HashSet<Location>,
    verbose: bool,
    width: usize,
}

impl Page<'_> {
    fn pieces(&mut self, indent: usize, pieces: &[(Style, &str)]) -> io::Result<()> {
        write!(self.out, "{:indent$}", "")?;
        for (style, piece) in pieces {
            let piece = text::line(piece);
            match self.color {
                true => write!(self.out, "{style}{piece}{style:#}")?,
                false => write!(self.out, "{piece}")?,
            }
        }
        writeln!(self.out)
    }

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

    fn end(&mut self, side: &str, end: &End, other: &End) -> io::Result<()> {
        let commit = end.commit.as_deref().and_then(|commit| commit.get(..10));
        let commit = commit.map_or_else(String::new, |commit| format!(" ({commit})"));
        let machines = digest::count(end.machines, "machine");
        let groups = digest::count(end.filters, "group");
        let name = text::name(&end.name, NAME_COLUMNS);
        self.labelled(
            0,
            (DIM, side),
            LABEL_COLUMNS,
            &format!("{name}{commit}: {machines}, {groups}"),
        )?;
        if !end.complete {
            self.labelled(
                0,
                (RED, "  !"),
                LABEL_COLUMNS,
                "not everything was read; what is missing was not compared",
            )?;
        }
        let errors = end.diagnostics.iter().filter(|said| said.level == Level::Error);
        let most = if self.verbose { usize::MAX } else { MOST_FINDINGS };
        for said in errors.take(most) {
            self.said((RED, "error"), said)?;
        }
        for said in own_warnings(end, other).take(most) {
            self.said((YELLOW, "warning"), said)?;
        }
        Ok(())
    }

    fn said(&mut self, label: (Style, &str), said: &Diagnostic) -> io::Result<()> {
        let place = said
            .location
            .as_ref()
            .map_or_else(String::new, |place| format!("{place}: "));
        let sentence = format!("{place}{}", digest::message_line(said));
        self.labelled(2, label, LABEL_COLUMNS, &sentence)
    }

    fn subjects(&mut self, changes: &[SubjectChange]) -> io::Result<()> {
        let most = if self.verbose { usize::MAX } else { MOST_SUBJECTS };
        let groups = alike(changes);
        for group in groups.iter().take(most) {
            self.subject(group)?;
        }
        let more: usize = groups.iter().skip(most).map(Vec::len).sum();
        if more > 0 {
            self.pieces(0, &[])?;
            self.paragraph(0, DIM, &format!("... and {more} more; `--verbose` shows them all"))?;
        }
        Ok(())
    }

    /// Subjects that differ alike are shown once.
    fn subject(&mut self, group: &[&SubjectChange]) -> io::Result<()> {
        let Some(first) = group.first() else { return Ok(()) };
        self.pieces(0, &[])?;
        let mark = mark(first);
        let style = match mark {
            "OPENS" => RED,
            "CLOSES" => GREEN,
            _ => YELLOW,
        };
        let names: Vec<String> = group
            .iter()
            .take(MOST_ALIKE)
            .map(|one| text::name(&one.name, NAME_COLUMNS))
            .collect();
        let more = group.len().saturating_sub(names.len());
        let more = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        let note = match about(first) {
            "" => String::new(),
            note => format!("  {note}"),
        };
        let title = format!("{}{more}{note}", names.join(", "));
        self.labelled(0, (style, mark), LABEL_COLUMNS + 2, &title)?;
        if let (Some(location), true) = (&first.location, group.len() == 1) {
            self.pieces(
                LABEL_COLUMNS + 2,
                &[(DIM, &text::name(&location.to_string(), NAME_COLUMNS))],
            )?;
        }
        for one in group.iter().filter(|one| one.waiver.is_some()) {
            let line = match group.len() {
                1 => waived(one),
                _ => format!("{}: {}", text::name(&one.name, NAME_COLUMNS), waived(one)),
            };
            self.labelled(2, (DIM, "-"), 2, &line)?;
        }
        entries(first).iter().try_for_each(|entry| self.entry(entry))
    }

    fn entry(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        self.pieces(2, &[(BOLD, &entry.title()), (PLAIN, " "), (PLAIN, entry.from())])?;
        for (word, sources) in entry.lines() {
            let style = match word.starts_with("opens") || word.starts_with("now surely") {
                true => RED,
                false if word.starts_with("closes") => GREEN,
                false => YELLOW,
            };
            self.labelled(4, (style, word), text::width(word) + 1, &sources.words)?;
        }
        self.decision("before", &entry.change.before)?;
        self.decision("after", &entry.change.after)?;
        self.lines(&entry.change.after)
    }

    /// The lines of the rules that decide now, where their text is at hand.
    fn lines(&mut self, decision: &Decision) -> io::Result<()> {
        let texts = self.texts.clone();
        for place in decision.rules.iter().filter_map(|rule| rule.location.as_ref()) {
            let Some(text) = texts.get(&place.file) else { continue };
            if !self.shown.insert(place.clone()) {
                continue;
            }
            for (gutter, line) in excerpt::lines(text, place, self.width.saturating_sub(LINES_INDENT)) {
                self.pieces(LINES_INDENT, &[(DIM, &gutter), (PLAIN, &line)])?;
            }
        }
        Ok(())
    }

    fn decision(&mut self, when: &str, decision: &Decision) -> io::Result<()> {
        let ways: Vec<String> = decision.ways.iter().map(way).collect();
        for (rule, place) in rules(decision) {
            let place = place.map_or_else(String::new, |place| format!(", {}", text::name(&place, NAME_COLUMNS)));
            self.labelled(4, (DIM, when), LABEL_COLUMNS, &format!("{rule}{place}"))?;
        }
        if !ways.is_empty() {
            self.labelled(4, (DIM, when), LABEL_COLUMNS, &format!("by {}", ways.join(", ")))?;
        }
        for gap in &decision.gaps {
            self.labelled(4, (DIM, when), LABEL_COLUMNS, &format!("not known: {gap}"))?;
        }
        Ok(())
    }

    fn verdicts(&mut self, comparison: &Comparison) -> io::Result<()> {
        if comparison.verdicts.is_empty() {
            return Ok(());
        }
        self.pieces(0, &[])?;
        self.pieces(0, &[(BOLD, "verdicts of just-in-time access")])?;
        let most = if self.verbose { usize::MAX } else { MOST_FINDINGS };
        for change in comparison.verdicts.iter().take(most) {
            let line = format!(
                "{}: {}, was {}: {}",
                text::name(&change.subject, NAME_COLUMNS),
                change.after.label(),
                change.before.label(),
                change.because
            );
            self.labelled(2, (PLAIN, "-"), 2, &line)?;
        }
        self.more(comparison.verdicts.len(), most)
    }

    fn findings(&mut self, comparison: &Comparison) -> io::Result<()> {
        let findings = &comparison.findings;
        let changed: Vec<&Finding> = findings.changed.iter().map(|changed| &changed.after).collect();
        self.list("new finding", RED, &findings.new.iter().collect::<Vec<_>>())?;
        self.list("changed finding", YELLOW, &changed)?;
        self.list("fixed finding", GREEN, &findings.fixed.iter().collect::<Vec<_>>())
    }

    fn list(&mut self, title: &str, style: Style, findings: &[&Finding]) -> io::Result<()> {
        if findings.is_empty() {
            return Ok(());
        }
        self.pieces(0, &[])?;
        self.pieces(0, &[(style, &digest::count(findings.len() as u64, title))])?;
        let most = if self.verbose { usize::MAX } else { MOST_FINDINGS };
        for finding in findings.iter().take(most) {
            let waived = if finding.waiver.is_some() { " (waived)" } else { "" };
            let name = text::name(&finding.subject.name, NAME_COLUMNS);
            let line = format!("{} {name}: {}{waived}", finding.rule, finding.message);
            self.labelled(2, (PLAIN, finding.severity.as_str()), 10, &line)?;
        }
        self.more(findings.len(), most)
    }

    fn more(&mut self, number: usize, most: usize) -> io::Result<()> {
        match number.saturating_sub(most) {
            0 => Ok(()),
            more => self.paragraph(2, DIM, &format!("... and {more} more; `--verbose` shows them all")),
        }
    }

    fn not_stated(&mut self, comparison: &Comparison) -> io::Result<()> {
        let number = comparison.not_stated.len() as u64;
        if number == 0 {
            return Ok(());
        }
        self.pieces(0, &[])?;
        let machines = digest::count(number, "machine");
        let line = format!(
            "{machines} of the base are not in what was read of the head, which is a part; nothing is said of them"
        );
        self.paragraph(0, DIM, &line)
    }
}

/// Subjects with the same ports in the same words, in their order.
fn alike(changes: &[SubjectChange]) -> Vec<Vec<&SubjectChange>> {
    let mut groups: Vec<Vec<&SubjectChange>> = Vec::new();
    let mut index = std::collections::HashMap::new();
    for change in changes {
        let words = serde_json::to_string(&change.ports).unwrap_or_default();
        let at = *index.entry((change.kind, change.presence, words)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(at) {
            group.push(change);
        }
    }
    groups
}

//! A trace, for reading on a terminal and as JSON: one line a hop, who stands there, what it does, and why.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::report::text;
use crate::trace::{Answer, Hop, HopEffect, HopKind, PortAnswer, Status, Trace, Way};

const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default().bold();

const LEAST_COLUMNS: usize = 60;
/// Room of the word that says what stands at a hop.
const KIND_COLUMNS: usize = 16;
/// Most room of names.
const NAME_COLUMNS: usize = 34;

/// Writes the whole answer as JSON.
///
/// # Errors
/// When the writer fails.
pub fn write_json(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, answer).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// Writes for a terminal of so many columns.
///
/// # Errors
/// When the writer fails.
pub fn write(answer: &Answer, color: bool, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page {
        out,
        color,
        width: width.max(LEAST_COLUMNS),
    };
    for (at, port) in answer.ports.iter().enumerate() {
        if at > 0 {
            page.pieces(0, &[])?;
        }
        page.port(port)?;
    }
    Ok(())
}

/// Where the lines go. All text passes through here, so nothing from outside reaches the terminal as it came.
struct Page<'o> {
    out: &'o mut dyn Write,
    color: bool,
    width: usize,
}

impl Page<'_> {
    fn port(&mut self, port: &PortAnswer) -> io::Result<()> {
        let (style, label) = status(port.status);
        let columns = text::width(label) + 2;
        self.labelled(0, &[(style, label)], columns, &port.sentence, BOLD)?;
        port.traces.iter().try_for_each(|trace| self.trace(trace))
    }

    fn trace(&mut self, trace: &Trace) -> io::Result<()> {
        let (style, label) = status(trace.status);
        self.pieces(0, &[])?;
        let title = format!("{} to {}", way(trace.way), text::name(&trace.target, NAME_COLUMNS * 2));
        self.pieces(2, &[(BOLD, &title), (PLAIN, "  "), (style, label)])?;
        let widest = trace.hops.iter().map(|hop| text::width(&name(hop))).max().unwrap_or(0);
        trace.hops.iter().try_for_each(|hop| self.hop(hop, widest))
    }

    fn hop(&mut self, hop: &Hop, names: usize) -> io::Result<()> {
        let (style, mark) = effect(hop);
        let (kind, name) = (kind(hop.kind), name(hop));
        let gap = |text: &str, columns: usize| " ".repeat(columns.saturating_sub(text::width(text)));
        let margin = [
            (style, mark),
            (PLAIN, " "),
            (DIM, kind),
            (PLAIN, &*gap(kind, KIND_COLUMNS)),
            (PLAIN, &*name),
            (PLAIN, &*gap(&name, names)),
        ];
        let columns = 2 + KIND_COLUMNS + names + 2;
        self.labelled(
            2,
            &margin,
            columns,
            &text::sentence(&hop.sentence, NAME_COLUMNS * 2),
            PLAIN,
        )?;
        let by = origin(hop);
        if by.is_empty() {
            return Ok(());
        }
        for line in text::wrap(&by, self.width.saturating_sub(columns + 2)) {
            self.pieces(2 + columns, &[(DIM, &line)])?;
        }
        Ok(())
    }

    /// Pieces in the margin and a paragraph beside them.
    fn labelled(
        &mut self,
        indent: usize,
        margin: &[(Style, &str)],
        columns: usize,
        paragraph: &str,
        style: Style,
    ) -> io::Result<()> {
        let room = self.width.saturating_sub(indent + columns);
        let mut lines = text::wrap(paragraph, room.max(LEAST_COLUMNS / 2)).into_iter();
        let used: usize = margin.iter().map(|(_, piece)| text::width(piece)).sum();
        let gap = " ".repeat(columns.saturating_sub(used));
        let first = lines.next().unwrap_or_default();
        let mut pieces = margin.to_vec();
        pieces.extend([(PLAIN, &*gap), (style, &*first)]);
        self.pieces(indent, &pieces)?;
        lines.try_for_each(|line| self.pieces(indent + columns, &[(style, &line)]))
    }

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
}

fn name(hop: &Hop) -> String {
    text::name(&hop.name, NAME_COLUMNS)
}

/// The rule that decides, and where it is written.
fn origin(hop: &Hop) -> String {
    let Some(rule) = &hop.rule else { return String::new() };
    let noun = if hop.kind == HopKind::Route { "route" } else { "rule" };
    let mut text = format!("{noun} {}", text::name(rule, NAME_COLUMNS * 2));
    if let Some(priority) = hop.priority {
        text += &format!(", priority {priority}");
    }
    if let Some(location) = &hop.location {
        text += &format!(", {}", text::line(&location.to_string()));
    }
    text
}

fn status(status: Status) -> (Style, &'static str) {
    match status {
        Status::Open => (RED, "OPEN"),
        Status::Undetermined => (YELLOW, "UNDETERMINED"),
        Status::NoReturnPath => (GREEN, "NO RETURN PATH"),
        Status::Closed => (GREEN, "CLOSED"),
    }
}

fn way(way: Way) -> &'static str {
    match way {
        Way::PublicIp => "from the internet, public address",
        Way::LoadBalancer => "from the internet, load balancer",
        Way::FirewallDnat => "from the internet, firewall",
        Way::Private => "private path",
    }
}

fn kind(kind: HopKind) -> &'static str {
    match kind {
        HopKind::Source => "from",
        HopKind::PublicIp => "public address",
        HopKind::LoadBalancer => "load balancer",
        HopKind::Firewall => "firewall",
        HopKind::AdminRule => "admin rule",
        HopKind::SubnetNsg => "subnet",
        HopKind::NicNsg => "interface",
        HopKind::Platform => "platform",
        HopKind::Route => "answer",
        HopKind::Machine => "machine",
    }
}

/// The mark of a hop; what lets a packet pass needs no colour.
fn effect(hop: &Hop) -> (Style, &'static str) {
    match hop.effect {
        HopEffect::Passes => (DIM, "|"),
        HopEffect::Stops => (GREEN, "x"),
        HopEffect::Unknown => (YELLOW, "?"),
    }
}

//! The snapshot format: a header line, one resource a line, a footer line. Read as a stream, so that the estate is
//! never held as text. `docs/snapshot.md` is its description.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use jiff::Timestamp;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decoded, Input, Reading, decode};
use crate::model::{MissingType, SubscriptionCoverage};
use crate::source::{Diagnostic, Location, Locator, SourceId};
use crate::syntax::json;

pub(super) const INPUT: Input = Input {
    name: "snapshot",
    endings: &[],
    recognise,
    read,
};

/// Longest line, in bytes. A resource is far smaller; a longer line is skipped and reported.
pub const LINE_LIMIT: usize = 64 << 20;

/// How much text is decoded at a time.
const CHUNK: usize = 8 << 20;

pub const FORMAT: &str = "portcullis-snapshot";
pub const FOOTER: &str = "portcullis-snapshot-end";
pub const VERSION: u32 = 1;

/// The first line of a snapshot.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    /// Always `portcullis-snapshot`.
    pub format: String,
    /// Version of the format, now 1.
    pub version: u32,
    /// When the recording began, RFC 3339.
    pub recorded: String,
    /// Name and version of the tool that recorded it.
    pub tool: String,
    /// What was asked for.
    #[serde(default)]
    pub scope: Vec<Scope>,
    /// Read from the service: findings name resources, not lines of this file.
    #[serde(default, skip_serializing_if = "is_false")]
    pub live: bool,
    /// Sentences about what was not read and belongs to no subscription that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
    /// What was read of each subscription.
    pub subscriptions: Vec<ReadWhole>,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// One thing that was asked to be recorded.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Subscription(String),
    ManagementGroup(String),
    Tenant(String),
}

/// Whether a subscription was read whole.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReadWhole {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub complete: bool,
    /// Resource types that were not read, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Missing {
    /// Such as `Microsoft.Network/networkSecurityGroups`; `*` for everything.
    #[serde(rename = "type")]
    pub resource_type: String,
    pub reason: String,
}

/// The last line of a snapshot: without it the recording was cut.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Footer {
    /// Always `portcullis-snapshot-end`.
    pub format: String,
    /// How many resource lines come before it.
    pub resources: u64,
}

fn recognise(head: &[u8]) -> bool {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    // The name alone may stand anywhere, such as in a tag.
    let mut values = line
        .split("\"format\"")
        .skip(1)
        .filter_map(|rest| rest.trim_start().strip_prefix(':'));
    line.starts_with('{')
        && values.any(|value| {
            value
                .trim_start()
                .strip_prefix('"')
                .is_some_and(|v| v.starts_with(FORMAT))
        })
}

fn read(reading: &mut Reading, source: SourceId, text: &mut dyn BufRead) -> io::Result<()> {
    Snapshot {
        name: reading.sources.name(source),
        reading,
        source,
        line: 1,
        placed: true,
        resources: 0,
        footer: None,
    }
    .read(text)
}

struct Snapshot<'r> {
    reading: &'r mut Reading,
    source: SourceId,
    name: Arc<str>,
    /// Number of the next line.
    line: u32,
    /// Whether a line of this file says anything to a reader of findings.
    placed: bool,
    resources: u64,
    footer: Option<u64>,
}

impl Snapshot<'_> {
    fn read(mut self, text: &mut dyn BufRead) -> io::Result<()> {
        let mut pending: Vec<u8> = Vec::with_capacity(CHUNK + CHUNK / 8);
        loop {
            let held = pending.len();
            let wanted = CHUNK.saturating_sub(held).max(CHUNK / 8);
            let taken = (&mut *text).take(wanted as u64).read_to_end(&mut pending);
            let ended = match taken {
                Ok(count) => count == 0,
                Err(error) => {
                    self.finish_chunk(&mut pending, held, true);
                    self.check_footer();
                    return Err(error);
                }
            };
            self.finish_chunk(&mut pending, held, ended);
            if ended {
                self.check_footer();
                return Ok(());
            }
            if pending.len() > LINE_LIMIT {
                self.skip_line(text, &mut pending)?;
            }
        }
    }

    /// Decodes the whole lines of the chunk and leaves the rest. What was held before is a part of one line.
    fn finish_chunk(&mut self, pending: &mut Vec<u8>, held: usize, ended: bool) {
        let fresh = pending.get(held..).unwrap_or_default();
        let end = if ended {
            Some(pending.len())
        } else {
            fresh.iter().rposition(|byte| *byte == b'\n').map(|at| held + at + 1)
        };
        let Some(end) = end else { return };
        self.decode_lines(pending.get(..end).unwrap_or_default());
        pending.drain(..end);
    }

    fn decode_lines(&mut self, text: &[u8]) {
        let lines: Vec<(u32, &[u8])> = (self.line..).zip(text.split_inclusive(|byte| *byte == b'\n')).collect();
        self.line = self.line.saturating_add(u32::try_from(lines.len()).unwrap_or(u32::MAX));
        let mut rest = lines.as_slice();
        if let [(1, header), after @ ..] = rest {
            self.take_header(header);
            rest = after;
        }
        let (source, name, placed) = (self.source, self.name.clone(), self.placed);
        let decoded: Vec<Line> = rest
            .par_iter()
            .map(|(number, line)| decode_line(source, &name, *number, line, placed))
            .collect();
        decoded.into_iter().for_each(|line| self.take_line(line));
    }

    fn take_header(&mut self, line: &[u8]) {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let header: Header = match serde_json::from_slice(line) {
            Ok(header) => header,
            Err(error) => {
                let message = format!("the snapshot's header cannot be read: {error}");
                return self.lose("snapshot-header", message, 1, "record the estate again");
            }
        };
        if header.version != VERSION {
            let message = format!(
                "the snapshot has format version {}; this tool reads version {VERSION}",
                header.version
            );
            self.lose(
                "snapshot-version",
                message,
                1,
                "use the version of the tool that wrote it, or record again",
            );
        }
        match header.recorded.parse::<Timestamp>() {
            Ok(recorded) => self.reading.recorded = self.reading.recorded.max(Some(recorded)),
            Err(_) => {
                let message = format!("`recorded` is `{}`, which is not a time", header.recorded);
                self.lose("snapshot-header", message, 1, "write it as `2026-01-31T12:00:00Z`");
            }
        }
        self.placed = !header.live;
        for lost in header.lost {
            self.lose("not-read", lost, 1, "see that the identity may read it, and scan again");
        }
        self.reading.inventory.coverage.whole = true;
        self.reading.inventory.coverage.recorded |= !header.subscriptions.is_empty();
        let covered = header.subscriptions.into_iter().map(covered);
        self.reading.inventory.coverage.subscriptions.extend(covered);
    }

    fn take_line(&mut self, line: Line) {
        match line {
            Line::Blank => {}
            Line::Footer(resources) => self.footer = Some(resources),
            Line::Resource(decoded, mut diagnostics) => {
                self.resources += 1;
                if matches!(decoded, Decoded::Nothing) {
                    let lost = diagnostics
                        .iter()
                        .map(|diagnostic| Arc::from(diagnostic.message.as_str()));
                    self.reading.inventory.coverage.lost.extend(lost);
                }
                self.reading.diagnostics.append(&mut diagnostics);
                self.reading.take(decoded);
            }
            Line::Broken(diagnostic) => {
                self.resources += 1;
                self.reading.lose(*diagnostic);
            }
        }
    }

    /// Passes over a line that is too long, without holding it.
    fn skip_line(&mut self, text: &mut dyn BufRead, pending: &mut Vec<u8>) -> io::Result<()> {
        let number = self.line;
        pending.clear();
        pending.shrink_to(CHUNK);
        loop {
            let buffer = text.fill_buf()?;
            let newline = buffer.iter().position(|byte| *byte == b'\n');
            let consumed = newline.map_or(buffer.len(), |at| at + 1);
            text.consume(consumed);
            if newline.is_some() || consumed == 0 {
                break;
            }
        }
        self.line = self.line.saturating_add(1);
        self.resources += 1;
        let message = format!(
            "line {number} is longer than {} MiB and was passed over",
            LINE_LIMIT >> 20
        );
        self.lose(
            "long-line",
            message,
            number,
            "a snapshot has one resource a line; record the estate again",
        );
        Ok(())
    }

    fn check_footer(&mut self) {
        let line = self.line.saturating_sub(1);
        let help = "record the estate again; what is missing cannot be known";
        match self.footer {
            None => {
                let message = "the snapshot has no footer: it was cut short".to_owned();
                self.lose("snapshot-cut", message, line, help);
            }
            Some(said) if said != self.resources => {
                let message = format!(
                    "the snapshot's footer counts {said} resources, but {} were read",
                    self.resources
                );
                self.lose("snapshot-cut", message, line, help);
            }
            Some(_) => {}
        }
    }

    fn lose(&mut self, code: &str, message: String, line: u32, help: &str) {
        let location = line_location(&self.name, line);
        self.reading
            .lose(Diagnostic::error(code, message).at(location).help(help));
    }
}

fn covered(read: ReadWhole) -> SubscriptionCoverage {
    let missing = |missing: Missing| MissingType {
        resource_type: Arc::from(missing.resource_type.to_ascii_lowercase()),
        reason: Arc::from(missing.reason),
    };
    SubscriptionCoverage {
        id: Arc::from(read.id),
        name: read.name.map(Arc::from),
        complete: read.complete && read.missing.is_empty(),
        missing: read.missing.into_iter().map(missing).collect(),
    }
}

enum Line {
    Blank,
    Resource(Decoded, Vec<Diagnostic>),
    Footer(u64),
    Broken(Box<Diagnostic>),
}

fn decode_line(source: SourceId, name: &Arc<str>, number: u32, line: &[u8], placed: bool) -> Line {
    let line = line.trim_ascii_end();
    if line.is_empty() {
        return Line::Blank;
    }
    let Ok(text) = std::str::from_utf8(line) else {
        let diagnostic = Diagnostic::error("not-utf8", format!("line {number} is not UTF-8"));
        return Line::Broken(Box::new(
            diagnostic
                .at(line_location(name, number))
                .help("record the estate again"),
        ));
    };
    if let Some(footer) = footer(text) {
        return Line::Footer(footer);
    }
    let locator = Locator::new(source, name.clone(), text, number).placed(placed);
    let mut diagnostics = Vec::new();
    match json::parse_noting(text, &mut |one| diagnostics.push(super::repeated(&one, &locator))) {
        Ok(node) => Line::Resource(decode(&node, &locator, &mut diagnostics), diagnostics),
        Err(error) => {
            let location = locator.locate(error.span.start, error.span.end);
            let diagnostic = Diagnostic::error("json-syntax", format!("line {number} is not JSON: {}", error.message));
            Line::Broken(Box::new(
                diagnostic
                    .at(location)
                    .help("record the estate again; this resource was not judged"),
            ))
        }
    }
}

fn footer(text: &str) -> Option<u64> {
    if text.len() > 200 || !text.contains(FOOTER) {
        return None;
    }
    let footer: Footer = serde_json::from_str(text).ok()?;
    (footer.format == FOOTER).then_some(footer.resources)
}

fn line_location(name: &Arc<str>, line: u32) -> Location {
    Location {
        file: name.clone(),
        line,
        column: 1,
        end_line: line,
        end_column: 1,
    }
}

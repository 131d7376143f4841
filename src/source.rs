//! Text and the places in it: which file said a thing, and what in it was not understood.
//! Must not know Azure, JSON or any other notation.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Index of one text among the [`Sources`] of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u32);

/// A region of one source. Lines and columns count from 1, columns in Unicode code points;
/// the end is exclusive, as in SARIF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub source: SourceId,
    pub line: u32,
    pub column: u32,
    pub end_line: u32,
    pub end_column: u32,
}

/// The names of all texts read in one scan, in the order in which they were named.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    names: Vec<Arc<str>>,
}

impl Sources {
    pub fn add(&mut self, name: &str) -> SourceId {
        let id = SourceId(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        self.names.push(Arc::from(name));
        id
    }

    pub fn name(&self, id: SourceId) -> Arc<str> {
        self.names
            .get(id.0 as usize)
            .cloned()
            .unwrap_or_else(|| Arc::from("<unknown>"))
    }

    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names.iter()
    }

    /// The place with its file name, as reports print it.
    pub fn locate(&self, place: Place) -> Location {
        Location {
            file: self.name(place.source),
            line: place.line,
            column: place.column,
            end_line: place.end_line,
            end_column: place.end_column,
        }
    }
}

/// A region of a named file. Lines and columns count from 1 (code points), the end is exclusive.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Location {
    pub file: Arc<str>,
    pub line: u32,
    pub column: u32,
    pub end_line: u32,
    pub end_column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Turns byte offsets of one text into places. Built once per text; an offset costs a binary search.
pub struct Locator<'t> {
    source: SourceId,
    name: Arc<str>,
    text: &'t str,
    first_line: u32,
    line_starts: Vec<usize>,
    ascii: bool,
    placed: bool,
}

impl<'t> Locator<'t> {
    /// `first_line` is the number of the text's first line in its file: a snapshot is read line by line.
    pub fn new(source: SourceId, name: Arc<str>, text: &'t str, first_line: u32) -> Self {
        let mut line_starts = vec![0];
        line_starts.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        Locator {
            source,
            name,
            text,
            first_line,
            line_starts,
            ascii: text.is_ascii(),
            placed: true,
        }
    }

    /// Whether the text is where its statements were made, or only a record of what was said elsewhere.
    pub fn placed(mut self, placed: bool) -> Self {
        self.placed = placed;
        self
    }

    /// The region where something was stated; `None` where the text is only a record.
    pub fn stated(&self, start: usize, end: usize) -> Option<Place> {
        self.placed.then(|| self.place(start, end))
    }

    pub fn source(&self) -> SourceId {
        self.source
    }

    /// The region with its file name.
    pub fn locate(&self, start: usize, end: usize) -> Location {
        let place = self.place(start, end);
        Location {
            file: self.name.clone(),
            line: place.line,
            column: place.column,
            end_line: place.end_line,
            end_column: place.end_column,
        }
    }

    pub fn place(&self, start: usize, end: usize) -> Place {
        let (line, column) = self.position(start);
        let (end_line, end_column) = self.position(end);
        Place {
            source: self.source,
            line,
            column,
            end_line,
            end_column,
        }
    }

    fn position(&self, offset: usize) -> (u32, u32) {
        let index = self
            .line_starts
            .partition_point(|start| *start <= offset)
            .saturating_sub(1);
        let start = self.line_starts.get(index).copied().unwrap_or(0);
        let column = if self.ascii {
            offset.saturating_sub(start)
        } else {
            self.text.get(start..offset).map_or(0, |before| before.chars().count())
        };
        (
            self.first_line.saturating_add(clamp(index)),
            clamp(column).saturating_add(1),
        )
    }
}

fn clamp(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// How much a diagnostic matters to the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing; nothing was lost.
    Note,
    /// Something was read in a way the author may not have meant.
    Warning,
    /// Something could not be read; verdicts that need it are undetermined.
    Error,
}

/// What was not understood, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Diagnostic {
    pub level: Level,
    /// Stable name of the kind of problem, such as `json-syntax`.
    pub code: Arc<str>,
    /// What happened: lower case, no full stop.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub help: Option<String>,
    /// The ARM id of the resource it is about, where one is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resource: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub location: Option<Location>,
}

impl Diagnostic {
    pub fn error(code: &str, message: impl Into<String>) -> Self {
        Self::new(Level::Error, code, message)
    }

    pub fn warning(code: &str, message: impl Into<String>) -> Self {
        Self::new(Level::Warning, code, message)
    }

    pub fn note(code: &str, message: impl Into<String>) -> Self {
        Self::new(Level::Note, code, message)
    }

    fn new(level: Level, code: &str, message: impl Into<String>) -> Self {
        Diagnostic {
            level,
            code: Arc::from(code),
            message: message.into(),
            help: None,
            resource: None,
            location: None,
        }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub fn about(mut self, resource: &str) -> Self {
        self.resource = Some(Arc::from(resource));
        self
    }

    pub fn at(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }
}

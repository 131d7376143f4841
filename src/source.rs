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

/// Turns byte offsets into places. Built once per text; an offset costs a binary search.
///
/// Several texts can be laid end to end, so that what is put together from many files (a group with the rules of other
/// files) keeps every place: then offsets count on from text to text, each of which begins at its [`Locator::base`].
pub struct Locator<'t> {
    /// In order of `base`, never empty.
    texts: Vec<Text<'t>>,
    placed: bool,
}

struct Text<'t> {
    base: usize,
    source: SourceId,
    name: Arc<str>,
    text: &'t str,
    first_line: u32,
    line_starts: Vec<usize>,
    /// Code points before each [`STRIDE`] of bytes; empty where every byte is one.
    counted: Vec<usize>,
}

/// Bytes between two counts of code points: a plan of hundreds of megabytes may be one line.
const STRIDE: usize = 4096;

impl<'t> Locator<'t> {
    /// `first_line` is the number of the text's first line in its file: a snapshot is read line by line.
    pub fn new(source: SourceId, name: Arc<str>, text: &'t str, first_line: u32) -> Self {
        let mut line_starts = vec![0];
        line_starts.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        let counted = if text.is_ascii() { Vec::new() } else { counts(text) };
        let text = Text {
            base: 0,
            source,
            name,
            text,
            first_line,
            line_starts,
            counted,
        };
        Locator {
            texts: vec![text],
            placed: true,
        }
    }

    /// Lays texts end to end, in the order given. At least one is needed.
    pub fn joined(locators: Vec<Locator<'t>>) -> Option<Self> {
        let mut texts: Vec<Text<'t>> = Vec::with_capacity(locators.len());
        let mut base = 0;
        for mut text in locators.into_iter().flat_map(|locator| locator.texts) {
            text.base = base;
            base = text.end();
            texts.push(text);
        }
        (!texts.is_empty()).then_some(Locator { texts, placed: true })
    }

    /// The offset at which each text begins that will be laid end to end.
    pub fn bases(texts: &[&str]) -> Vec<usize> {
        let mut base = 0;
        let begin = |text: &&str| {
            let begin = base;
            base += text.len() + 1;
            begin
        };
        texts.iter().map(begin).collect()
    }

    /// The offset at which a text begins; 0 where there is none of this number.
    pub fn base(&self, at: usize) -> usize {
        self.texts.get(at).map_or(0, |text| text.base)
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

    /// The first text.
    pub fn source(&self) -> SourceId {
        self.texts.first().map_or(SourceId(0), |text| text.source)
    }

    /// The region with its file name.
    pub fn locate(&self, start: usize, end: usize) -> Location {
        let place = self.place(start, end);
        Location {
            file: self
                .text_at(start)
                .map_or_else(|| Arc::from(""), |text| text.name.clone()),
            line: place.line,
            column: place.column,
            end_line: place.end_line,
            end_column: place.end_column,
        }
    }

    pub fn place(&self, start: usize, end: usize) -> Place {
        let text = self.text_at(start);
        let position = |offset: usize| text.map_or((1, 1), |text| text.position(offset));
        let (line, column) = position(start);
        let (end_line, end_column) = position(end);
        Place {
            source: text.map_or(SourceId(0), |text| text.source),
            line,
            column,
            end_line,
            end_column,
        }
    }

    fn text_at(&self, offset: usize) -> Option<&Text<'t>> {
        let after = self.texts.partition_point(|text| text.base <= offset);
        self.texts.get(after.saturating_sub(1))
    }
}

impl Text<'_> {
    /// One past the last offset: the end of a text is an offset of its own.
    fn end(&self) -> usize {
        self.base + self.text.len() + 1
    }

    fn position(&self, offset: usize) -> (u32, u32) {
        let offset = offset.saturating_sub(self.base).min(self.text.len());
        let index = self
            .line_starts
            .partition_point(|start| *start <= offset)
            .saturating_sub(1);
        let start = self.line_starts.get(index).copied().unwrap_or(0);
        let column = self.points_before(offset).saturating_sub(self.points_before(start));
        (
            self.first_line.saturating_add(clamp(index)),
            clamp(column).saturating_add(1),
        )
    }

    fn points_before(&self, offset: usize) -> usize {
        match self.counted.get(offset / STRIDE) {
            None => offset,
            Some(counted) => {
                let begin = offset / STRIDE * STRIDE;
                let rest = self.text.as_bytes().get(begin..offset).unwrap_or_default();
                counted + points(rest)
            }
        }
    }
}

/// Code points that begin in these bytes of UTF-8.
fn points(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte & 0xc0) != 0x80).count()
}

fn counts(text: &str) -> Vec<usize> {
    let mut sum = 0;
    let mut counted = vec![0];
    counted.extend(text.as_bytes().chunks(STRIDE).map(|chunk| {
        sum += points(chunk);
        sum
    }));
    counted
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

#[cfg(test)]
mod tests {
    use super::*;

    fn locator(number: u32, text: &str) -> Locator<'_> {
        Locator::new(SourceId(number), Arc::from(format!("{number}.tf")), text, 1)
    }

    #[test]
    fn texts_laid_end_to_end_keep_their_places() {
        let (first, second) = ("one\ntwo", "drei\nvier");
        let joined = Locator::joined(vec![locator(0, first), locator(1, second)]).unwrap();
        assert_eq!(Locator::bases(&[first, second]), [0, joined.base(1)]);
        let place = joined.place(joined.base(1) + 5, joined.base(1) + 9);
        assert_eq!((place.source, place.line, place.column), (SourceId(1), 2, 1));
        assert_eq!((place.end_line, place.end_column), (2, 5));
        assert_eq!(&*joined.locate(first.len(), first.len()).file, "0.tf");
        assert_eq!(&*joined.locate(joined.base(1), joined.base(1)).file, "1.tf");
    }

    #[test]
    fn columns_are_code_points_however_long_the_line() {
        let text = format!("{}\u{e4}{}x", "\u{20ac}".repeat(5000), "y".repeat(9000));
        let at = text.len() - 1;
        assert_eq!(locator(0, &text).place(at, at).column, 14_002);
        let short = "\u{e4}\u{e4}x\n\u{e4}y";
        assert_eq!(locator(0, short).place(8, 9).column, 2);
    }
}

//! Inputs: text in any supported notation to one inventory. An input is one file and one line in [`INPUTS`];
//! each is recognised by its content, never by its name.

mod decode;
mod document;
mod recording;
mod snapshot;

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use jiff::Timestamp;

pub use decode::{Decoded, decode};
pub use document::LIMIT as DOCUMENT_LIMIT;
pub use snapshot::{Footer, Header, LINE_LIMIT, ReadWhole, Scope as SnapshotScope};

use crate::model::{Inventory, Item};
use crate::source::{Diagnostic, Location, SourceId, Sources};

/// One notation.
pub struct Input {
    pub name: &'static str,
    /// Looks at the first bytes of a text (decompressed, without byte-order mark and leading blanks).
    recognise: fn(&[u8]) -> bool,
    read: fn(&mut Reading, SourceId, &mut dyn BufRead) -> io::Result<()>,
}

/// Every notation, the most particular first.
pub const INPUTS: &[Input] = &[snapshot::INPUT, recording::INPUT];

/// How much of a text is looked at to recognise it.
const HEAD: usize = 4096;

/// What has been read so far.
#[derive(Default)]
pub struct Reading {
    pub inventory: Inventory,
    pub sources: Sources,
    pub diagnostics: Vec<Diagnostic>,
    /// When the estate was recorded; the latest, where several recordings say it.
    pub recorded: Option<Timestamp>,
    pages: recording::Pages,
}

/// How a text came to be read, which decides what being unreadable means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// Named by the user: not being able to read it is an error.
    Named,
    /// Found in a directory: what is no estate is passed over.
    Found,
}

impl Reading {
    /// Reads one text, plain or zstd-compressed. Whatever cannot be read becomes a diagnostic and a gap in the coverage.
    pub fn read(&mut self, name: &str, given: Given, text: impl Read) {
        let source = self.sources.add(name);
        if let Err(error) = self.read_any(source, given, text) {
            let message = format!("`{name}` cannot be read to its end: {error}");
            self.lose(Diagnostic::error("unreadable", message).at(self.start_of(source)));
        }
    }

    fn read_any(&mut self, source: SourceId, given: Given, text: impl Read) -> io::Result<()> {
        let mut raw = BufReader::with_capacity(HEAD, text);
        if raw.fill_buf()?.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            let plain = zstd::stream::read::Decoder::with_buffer(raw)?;
            return self.read_plain(source, given, &mut BufReader::with_capacity(HEAD * 64, plain));
        }
        self.read_plain(source, given, &mut raw)
    }

    fn read_plain(&mut self, source: SourceId, given: Given, text: &mut dyn BufRead) -> io::Result<()> {
        let head = text.fill_buf()?;
        let content = skip_blanks(head);
        if content.is_empty() && head.len() < HEAD {
            self.not_recognised(source, given, "it is empty");
            return Ok(());
        }
        match INPUTS.iter().find(|input| (input.recognise)(content)) {
            Some(input) => (input.read)(self, source, text),
            None => {
                self.not_recognised(source, given, "it is neither a snapshot nor JSON");
                Ok(())
            }
        }
    }

    fn not_recognised(&mut self, source: SourceId, given: Given, why: &str) {
        let name = self.sources.name(source);
        let message = format!("`{name}` holds no estate: {why}");
        let help = "give a snapshot, `az ... list -o json` output, an ARM list page or a Resource Graph answer";
        match given {
            Given::Named => self.lose(
                Diagnostic::error("not-recognised", message)
                    .help(help)
                    .at(self.start_of(source)),
            ),
            Given::Found => self.diagnostics.push(Diagnostic::note("passed-over", message)),
        }
    }

    /// Records a problem that leaves the input incomplete.
    pub fn lose(&mut self, diagnostic: Diagnostic) {
        self.inventory
            .coverage
            .lost
            .push(Arc::from(diagnostic.message.as_str()));
        self.diagnostics.push(diagnostic);
    }

    fn start_of(&self, source: SourceId) -> Location {
        Location {
            file: self.sources.name(source),
            line: 1,
            column: 1,
            end_line: 1,
            end_column: 1,
        }
    }

    /// Takes one decoded resource in.
    fn take(&mut self, decoded: Decoded) {
        match decoded {
            Decoded::Item(item) => self.add(*item),
            Decoded::Unused(resource_type) => *self.inventory.unused.entry(resource_type).or_default() += 1,
            Decoded::Nothing => {}
        }
    }

    fn add(&mut self, item: Item) {
        if let Err(id) = self.inventory.add(item) {
            self.contradicted(&id);
        }
    }

    fn contradicted(&mut self, id: &crate::model::ResourceId) {
        let message = format!("`{}` is stated twice in different words", id.name());
        let help = "give only one recording of it; until then verdicts that need it are undetermined";
        self.diagnostics
            .push(Diagnostic::error("conflict", message).about(id.as_str()).help(help));
    }

    /// Joins what belongs together. Called once, after the last text.
    pub fn finish(&mut self) {
        for id in self.inventory.finish() {
            self.contradicted(&id);
        }
        for lost in std::mem::take(&mut self.pages).lost() {
            self.lose(lost);
        }
    }
}

fn skip_blanks(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    bytes.trim_ascii_start()
}

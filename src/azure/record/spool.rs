//! Rows on disk, in an unnamed file, with an index of their ids.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

/// Where a row is.
pub struct Entry {
    pub id: Box<str>,
    offset: u64,
    length: u32,
}

pub struct Spool {
    file: BufWriter<File>,
    end: u64,
    entries: Vec<Entry>,
    /// The first failure to write; the spool is worth nothing after it.
    failed: Option<io::Error>,
}

impl Spool {
    pub fn new() -> io::Result<Self> {
        Ok(Spool {
            file: BufWriter::with_capacity(1 << 20, tempfile::tempfile()?),
            end: 0,
            entries: Vec::new(),
            failed: None,
        })
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn write(&mut self, id: String, line: &[u8]) {
        let Ok(length) = u32::try_from(line.len()) else { return };
        if let Err(error) = self.file.write_all(line) {
            self.failed.get_or_insert(error);
            return;
        }
        self.entries.push(Entry {
            id: id.into_boxed_str(),
            offset: self.end,
            length,
        });
        self.end += u64::from(length);
    }

    /// The rows in the order of their ids, each id once: the last that came.
    pub fn finish(mut self) -> io::Result<(Reader, Vec<Entry>)> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.file.flush()?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        self.entries
            .sort_unstable_by(|a, b| a.id.cmp(&b.id).then(b.offset.cmp(&a.offset)));
        self.entries.dedup_by(|later, kept| later.id == kept.id);
        Ok((Reader(file), self.entries))
    }
}

/// Reads rows again.
pub struct Reader(File);

impl Reader {
    /// Appends a row to a buffer.
    pub fn read(&mut self, entry: &Entry, into: &mut Vec<u8>) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(entry.offset))?;
        (&mut self.0).take(entry.length.into()).read_to_end(into)?;
        Ok(())
    }
}

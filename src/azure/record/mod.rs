//! What was read, on its way to a snapshot: each row is cleaned, written to a spool and found again by its id, so that
//! memory holds ids alone and the snapshot comes out in one order, however it came in.

mod clean;
pub mod redact;
mod spool;

use std::io::{self, Read, Write};
use std::sync::Mutex;

use serde_json::Value;

use crate::input::{Footer, Header};
use redact::Redaction;
use spool::{Entry, Spool};

/// One resource as the service gave it.
pub struct Row(pub Value);

/// Takes rows from many readers at once.
pub struct Recorder(Mutex<Spool>);

impl Recorder {
    pub fn new() -> io::Result<Self> {
        Spool::new().map(|spool| Recorder(Mutex::new(spool)))
    }

    /// Records a row; of two with one id the later is kept, which says what is so now.
    pub fn take(&self, row: Row) {
        let row = clean::row(row.0);
        let Some(id) = row.get("id").and_then(Value::as_str).map(str::to_ascii_lowercase) else {
            return;
        };
        let line = row.to_string();
        let mut spool = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        spool.write(id, line.as_bytes());
    }

    /// The ids of what was recorded of a type, in lower case.
    pub fn ids_of(&self, kind: &str) -> Vec<String> {
        let spool = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let ids = spool.entries().iter().map(|entry| &entry.id);
        let mut ids: Vec<String> = ids
            .filter(|id| {
                crate::model::ResourceId::new(id)
                    .resource_type()
                    .eq_ignore_ascii_case(kind)
            })
            .map(ToString::to_string)
            .collect();
        ids.sort();
        ids.dedup();
        ids
    }

    pub fn finish(self, header: &Header) -> io::Result<Recording> {
        let spool = self.0.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (file, entries) = spool.finish()?;
        let mut first = serde_json::to_vec(header)?;
        first.push(b'\n');
        Ok(Recording {
            head: first,
            file,
            entries,
            redaction: None,
        })
    }
}

/// A whole snapshot, ready to be read line by line.
pub struct Recording {
    head: Vec<u8>,
    file: spool::Reader,
    entries: Vec<Entry>,
    redaction: Option<Redaction>,
}

impl Recording {
    /// The same estate under other names and addresses.
    pub fn redacted(mut self) -> io::Result<Self> {
        let redaction = Redaction::new().map_err(io::Error::other)?;
        let header: Value = serde_json::from_slice(&self.head)?;
        self.head = redaction.header(header).to_string().into_bytes();
        self.head.push(b'\n');
        self.redaction = Some(redaction);
        Ok(self)
    }

    pub fn resources(&self) -> usize {
        self.entries.len()
    }

    /// The text of the snapshot, read as a stream.
    pub fn text(self) -> RecordingText {
        RecordingText {
            footer: Some(self.entries.len() as u64),
            pending: self.head,
            at: 0,
            file: self.file,
            entries: self.entries.into_iter(),
            redaction: self.redaction,
        }
    }

    /// Writes the snapshot.
    pub fn write(self, mut out: impl Write) -> io::Result<()> {
        io::copy(&mut self.text(), &mut out)?;
        out.flush()
    }
}

/// The text of a recording. Holds one line at a time.
pub struct RecordingText {
    pending: Vec<u8>,
    at: usize,
    file: spool::Reader,
    entries: std::vec::IntoIter<Entry>,
    footer: Option<u64>,
    redaction: Option<Redaction>,
}

impl RecordingText {
    fn next_line(&mut self) -> io::Result<()> {
        self.at = 0;
        self.pending.clear();
        if let Some(entry) = self.entries.next() {
            self.file.read(&entry, &mut self.pending)?;
            if let Some(redaction) = &self.redaction {
                let row: Value = serde_json::from_slice(&self.pending)?;
                self.pending = redaction.row(row).to_string().into_bytes();
            }
            self.pending.push(b'\n');
        } else if let Some(resources) = self.footer.take() {
            let footer = Footer {
                format: crate::input::SNAPSHOT_FOOTER.to_owned(),
                resources,
            };
            self.pending = serde_json::to_vec(&footer)?;
            self.pending.push(b'\n');
        }
        Ok(())
    }
}

impl Read for RecordingText {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.pending.len() {
            self.next_line()?;
        }
        let left = self.pending.get(self.at..).unwrap_or_default();
        let count = left.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), left.get(..count)) {
            to.copy_from_slice(from);
        }
        self.at += count;
        Ok(count)
    }
}

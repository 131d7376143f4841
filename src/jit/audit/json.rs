//! The audit as one JSON object, written record by record.

use std::io::Write;

use super::record::{Header, Record};
use crate::report::ReportError;

/// An object whose list of records is being written.
pub struct Lines<W: Write> {
    out: W,
    first: bool,
}

impl<W: Write> Lines<W> {
    pub fn begin(mut out: W, header: &Header) -> Result<Self, ReportError> {
        let text = serde_json::to_string_pretty(header).map_err(failed)?;
        let open = text.trim_end().strip_suffix('}').unwrap_or(&text).trim_end();
        write!(out, "{open},\n  \"records\": [")?;
        Ok(Lines { out, first: true })
    }

    pub fn write(&mut self, record: &Record) -> Result<(), ReportError> {
        let text = serde_json::to_string(record).map_err(failed)?;
        let separator = if self.first { "\n    " } else { ",\n    " };
        self.first = false;
        Ok(write!(self.out, "{separator}{text}")?)
    }

    pub fn end(mut self) -> Result<(), ReportError> {
        let end = if self.first { "]\n}\n" } else { "\n  ]\n}\n" };
        self.out.write_all(end.as_bytes())?;
        Ok(self.out.flush()?)
    }
}

fn failed(error: serde_json::Error) -> ReportError {
    ReportError::Format {
        format: "json",
        message: error.to_string(),
    }
}

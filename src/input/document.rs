//! A text that must be held whole: bounded, and as UTF-8. Shared by every notation that is one document.

use std::io::{self, BufRead, Read};

/// Largest document, in bytes, unless another limit is set. Larger estates are recorded as snapshots, which are read line by line.
pub const LIMIT: u64 = 1 << 30;

/// The text of a document without its byte-order mark; the error says what is wrong with it.
pub(super) fn read(text: &mut dyn BufRead, limit: u64) -> io::Result<Result<String, String>> {
    let mut bytes = Vec::new();
    text.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Ok(Err(format!(
            "it is larger than {limit} bytes; record it as a snapshot, or raise `--limit document-bytes=NUMBER`"
        )));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        format!("it is not UTF-8 at byte {offset}")
    });
    Ok(text.map(|text| text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))
}

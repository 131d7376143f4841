//! A text that must be held whole: bounded, and as UTF-8. Shared by every notation that is one document.

use std::io::{self, BufRead, Read};

/// Largest document, in bytes. Larger estates are recorded as snapshots, which are read line by line.
pub const LIMIT: u64 = 1 << 30;

/// The text of a document without its byte-order mark; the error says what is wrong with it.
pub(super) fn read(text: &mut dyn BufRead) -> io::Result<Result<String, String>> {
    let mut bytes = Vec::new();
    text.take(LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIMIT {
        return Ok(Err(format!(
            "it is larger than {} MiB; record it as a snapshot",
            LIMIT >> 20
        )));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        format!("it is not UTF-8 at byte {offset}")
    });
    Ok(text.map(|text| text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))
}

//! Where the comments of a text are, for what they say to the scanner. Knows strings and heredocs just well enough
//! not to take their contents for comments.

use crate::syntax::Span;

/// The comments of a text in the native notation, each with the marks that begin and end it.
pub fn comments(text: &str) -> Vec<Span> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let next = bytes.get(at + 1);
        at = match (byte, next) {
            (b'#', _) | (b'/', Some(b'/')) => {
                let end = line_end(bytes, at);
                out.push(Span { start: at, end });
                end
            }
            (b'/', Some(b'*')) => {
                let rest = bytes.get(at + 2..).unwrap_or_default();
                let end = memchr::memmem::find(rest, b"*/").map_or(bytes.len(), |found| at + found + 4);
                out.push(Span { start: at, end });
                end
            }
            (b'"', _) => string_end(bytes, at + 1),
            (b'<', Some(b'<')) => heredoc_end(text, at),
            _ => at + 1,
        };
    }
    out
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(bytes.len(), |found| at + found)
}

/// Behind the closing quote; a string ends with its line at the latest, but for what stands in `${ }`.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    let mut depth = 0_usize;
    while let Some(byte) = bytes.get(at) {
        let opens = matches!((byte, bytes.get(at + 1)), (b'$' | b'%', Some(b'{')));
        match byte {
            b'\\' => at += 1,
            _ if opens => {
                depth += 1;
                at += 1;
            }
            b'}' if depth > 0 => depth -= 1,
            b'"' if depth == 0 => return at + 1,
            b'\n' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

fn heredoc_end(text: &str, at: usize) -> usize {
    let rest = text.get(at + 2..).unwrap_or_default();
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    let name: String = rest
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '-')
        .collect();
    if name.is_empty() {
        return at + 2;
    }
    let mut end = line_end(text.as_bytes(), at);
    while end < text.len() {
        let start = end + 1;
        end = line_end(text.as_bytes(), start.min(text.len()));
        if text.get(start..end).is_some_and(|line| line.trim() == name) {
            return end;
        }
    }
    text.len()
}

//! Places and brackets in a text of any notation. What is not sure is `None`.

use std::ops::Range;
use std::sync::Arc;

use super::Notation;
use crate::source::Location;

/// The byte offset of a line and a column (code points), which count from 1.
pub fn offset(text: &str, line: u32, column: u32) -> Option<usize> {
    let mut start = 0;
    for _ in 1..line {
        start += text.get(start..)?.find('\n')? + 1;
    }
    let rest = text.get(start..)?;
    let (at, _) = rest.char_indices().nth(column.checked_sub(1)? as usize)?;
    Some(start + at)
}

pub fn locate(text: &str, file: &Arc<str>, bytes: &Range<usize>) -> Location {
    let (line, column) = position(text, bytes.start);
    let (end_line, end_column) = position(text, bytes.end);
    Location {
        file: file.clone(),
        line,
        column,
        end_line,
        end_column,
    }
}

fn position(text: &str, offset: usize) -> (u32, u32) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let lines = before.bytes().filter(|byte| *byte == b'\n').count();
    let columns = before.get(line_start..).unwrap_or_default().chars().count();
    (count(lines + 1), count(columns + 1))
}

/// One past the bracket that closes the one at an offset. `None` where there is none, or a heredoc stands between.
pub fn closed(text: &str, open: usize, notation: Notation) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = open;
    loop {
        let rest = text.get(at..)?;
        let next = rest.chars().next()?;
        if let Some(end) = comment(rest, notation) {
            at += end?;
            continue;
        }
        match next {
            '"' | '\'' if is_quote(next, notation) => at = string(text, at, next, notation)?,
            '<' if notation == Notation::Terraform && rest.starts_with("<<") => return None,
            '{' | '[' | '(' => {
                depth += 1;
                at += 1;
            }
            '}' | ']' | ')' => {
                depth = depth.checked_sub(1)?;
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            other => at += other.len_utf8(),
        }
    }
}

fn is_quote(quote: char, notation: Notation) -> bool {
    match notation {
        Notation::Bicep => quote == '\'',
        Notation::Json | Notation::Terraform => quote == '"',
    }
}

/// How long the comment is that begins here; `Some(None)` for one that does not end.
fn comment(rest: &str, notation: Notation) -> Option<Option<usize>> {
    let of_line = rest.starts_with("//") || (notation == Notation::Terraform && rest.starts_with('#'));
    match () {
        () if of_line => Some(Some(rest.find('\n').unwrap_or(rest.len()))),
        () if rest.starts_with("/*") => Some(rest.find("*/").map(|at| at + 2)),
        () => None,
    }
}

/// One past a string, with the expressions in it.
fn string(text: &str, open: usize, quote: char, notation: Notation) -> Option<usize> {
    if notation == Notation::Bicep && text.get(open..)?.starts_with("'''") {
        let end = text.get(open + 3..)?.find("'''")?;
        return Some(open + end + 6);
    }
    let mut at = open + 1;
    loop {
        let rest = text.get(at..)?;
        let next = rest.chars().next()?;
        match next {
            '\\' => at += 1 + rest.chars().nth(1)?.len_utf8(),
            '\n' => return None,
            '$' if notation != Notation::Json && rest.starts_with("${") => at = closed(text, at + 1, notation)?,
            _ if next == quote => return Some(at + 1),
            other => at += other.len_utf8(),
        }
    }
}

/// The last character before an offset that is neither blank nor in a comment on lines of its own, and where it is.
pub fn before(text: &str, offset: usize) -> Option<(usize, char)> {
    let mut head = text.get(..offset)?;
    loop {
        head = head.trim_end();
        let line = head.rfind('\n').map_or(0, |at| at + 1);
        match head.get(line..)?.trim_start() {
            comment if comment.starts_with("//") || comment.starts_with('#') => head = head.get(..line)?,
            _ => return head.char_indices().next_back(),
        }
    }
}

/// The next character that is not blank, and where it is.
pub fn after(text: &str, offset: usize) -> Option<(usize, char)> {
    let rest = text.get(offset..)?;
    let (at, next) = rest.char_indices().find(|(_, next)| !next.is_whitespace())?;
    Some((offset + at, next))
}

/// The whole lines of some bytes, if nothing else stands on them.
pub fn lines(text: &str, bytes: &Range<usize>) -> Option<Range<usize>> {
    let start = text.get(..bytes.start)?.rfind('\n').map_or(0, |at| at + 1);
    let rest = text.get(bytes.end..)?;
    let end = rest.find('\n').map_or(text.len(), |at| bytes.end + at + 1);
    let is_blank = |range: Range<usize>| text.get(range).is_some_and(|part| part.trim().is_empty());
    (is_blank(start..bytes.start) && is_blank(bytes.end..end)).then_some(start..end)
}

//! Where the comments of a text are, for what they say to the scanner. Knows strings and heredocs just well enough
//! not to take their contents for comments.

use super::Span;

/// Which signs begin comments and strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// HCL: `#`, `//` and `/* */`; strings in double quotes, heredocs.
    Terraform,
    /// JSON as Azure reads templates: `//` and `/* */`.
    Json,
    /// `//` and `/* */`; strings in one or three single quotes.
    Bicep,
}

/// A part of a text as far as comments and strings go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// With the marks that begin and end it.
    Comment(Span),
    /// A string or heredoc, and whether it is closed.
    Text(Span, bool),
    /// Any other byte, by its place.
    Sign(usize, u8),
}

/// A text piece by piece.
pub fn pieces(text: &str, notation: Notation) -> impl Iterator<Item = Piece> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let piece = piece(text, at, notation)?;
        at = match piece {
            Piece::Comment(span) | Piece::Text(span, _) => span.end.max(at + 1),
            Piece::Sign(at, _) => at + 1,
        };
        Some(piece)
    })
}

/// The strings and heredocs of a text, each with whether it is closed.
pub fn texts(text: &str, notation: Notation) -> impl Iterator<Item = (Span, bool)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = text.as_bytes().get(at..)?;
            at += rest
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\'' | b'#' | b'/' | b'<'))?;
            match piece(text, at, notation)? {
                Piece::Text(span, closed) => {
                    at = span.end.max(at + 1);
                    return Some((span, closed));
                }
                Piece::Comment(span) => at = span.end.max(at + 1),
                Piece::Sign(..) => at += 1,
            }
        }
    })
}

fn piece(text: &str, start: usize, notation: Notation) -> Option<Piece> {
    let bytes = text.as_bytes();
    let byte = *bytes.get(start)?;
    if begins_comment(bytes, start, notation) {
        let end = comment_end(bytes, start);
        return Some(Piece::Comment(Span { start, end }));
    }
    let closes = string_closes(text, start, notation);
    let (Ok(end) | Err(end)) = closes;
    match closes.is_err() || end > start + 1 {
        true => Some(Piece::Text(Span { start, end }, closes.is_ok())),
        false => Some(Piece::Sign(start, byte)),
    }
}

/// The comments of a text, each with the marks that begin and end it.
pub fn comments(text: &str, notation: Notation) -> Vec<Span> {
    let comment = |piece| match piece {
        Piece::Comment(span) => Some(span),
        Piece::Text(..) | Piece::Sign(..) => None,
    };
    pieces(text, notation).filter_map(comment).collect()
}

/// Behind the string or heredoc that begins at a place; directly behind it, where none does. `Err` where it is not closed,
/// with where it ends all the same.
fn string_closes(text: &str, at: usize, notation: Notation) -> Result<usize, usize> {
    match text.as_bytes().get(at) {
        Some(b'"') if notation != Notation::Bicep => string_end(text.as_bytes(), at, notation),
        Some(b'\'') if notation == Notation::Bicep => string_end(text.as_bytes(), at, notation),
        Some(b'<') if notation == Notation::Terraform => heredoc_end(text, at),
        _ => Ok(at + 1),
    }
}

fn begins_comment(bytes: &[u8], at: usize, notation: Notation) -> bool {
    match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'#'), _) => notation == Notation::Terraform,
        (Some(b'/'), Some(b'/' | b'*')) => true,
        _ => false,
    }
}

fn comment_end(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at..at + 2) {
        Some(b"/*") => {
            let rest = bytes.get(at + 2..).unwrap_or_default();
            memchr::memmem::find(rest, b"*/").map_or(bytes.len(), |found| at + found + 4)
        }
        _ => line_end(bytes, at),
    }
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(bytes.len(), |found| at + found)
}

/// Where in a string one stands.
enum Within {
    Text,
    /// In `${ }`, with the braces that are open in it.
    Hole(usize),
}

/// Behind the closing quote. A string ends with its line at the latest, but for what stands in `${ }`; that of a
/// template may have many lines.
fn string_end(bytes: &[u8], from: usize, notation: Notation) -> Result<usize, usize> {
    let Some(quote) = bytes.get(from).copied() else {
        return Err(bytes.len());
    };
    let rest = bytes.get(from..).unwrap_or_default();
    if notation == Notation::Bicep && rest.starts_with(b"'''") {
        return lines_end(bytes, from);
    }
    // Most strings hold nothing but letters.
    let plain = bytes.get(from + 1..).unwrap_or_default();
    let ends = |byte: &u8| *byte == quote || matches!(byte, b'\\' | b'\n' | b'$' | b'%');
    if let Some(end) = plain.iter().position(ends)
        && plain.get(end) == Some(&quote)
    {
        return Ok(from + end + 2);
    }
    let mut within = vec![Within::Text];
    let mut at = from + 1;
    while let Some(byte) = bytes.get(at) {
        let outermost = within.len() == 1;
        match within.last_mut() {
            Some(Within::Hole(depth)) => match byte {
                b'{' => *depth += 1,
                b'}' if *depth > 0 => *depth -= 1,
                b'}' => drop(within.pop()),
                _ if begins_comment(bytes, at, notation) => {
                    at = comment_end(bytes, at).max(at + 1);
                    continue;
                }
                _ if *byte == quote => within.push(Within::Text),
                _ => {}
            },
            _ => match byte {
                b'\\' => at += 1,
                b'$' | b'%' if notation != Notation::Json && opens(bytes, at) => {
                    within.push(Within::Hole(0));
                    at += 1;
                }
                b'\n' if notation == Notation::Terraform => return Err(at),
                b'\n' if outermost && notation != Notation::Json => return Err(at),
                _ if *byte == quote && outermost => return Ok(at + 1),
                _ if *byte == quote => drop(within.pop()),
                _ => {}
            },
        }
        at += 1;
    }
    Err(bytes.len())
}

/// Whether `${` or `%{` begins a hole: with the sign doubled it stands for itself.
fn opens(bytes: &[u8], at: usize) -> bool {
    let sign = bytes.get(at);
    let doubled = at.checked_sub(1).is_some_and(|before| bytes.get(before) == sign);
    bytes.get(at + 1) == Some(&b'{') && !doubled
}

/// Behind `'''`; quotes that stand directly before the last three belong to the text.
fn lines_end(bytes: &[u8], from: usize) -> Result<usize, usize> {
    let rest = bytes.get(from + 3..).unwrap_or_default();
    let Some(found) = memchr::memmem::find(rest, b"'''") else {
        return Err(bytes.len());
    };
    let end = from + found + 6;
    let more = bytes.get(end..).unwrap_or_default();
    Ok(end + more.iter().take_while(|byte| **byte == b'\'').count())
}

/// Behind a heredoc; what is none is one sign.
fn heredoc_end(text: &str, at: usize) -> Result<usize, usize> {
    let Some(rest) = text.get(at..).and_then(|rest| rest.strip_prefix("<<")) else {
        return Ok(at + 1);
    };
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    let name: String = rest
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '-')
        .collect();
    if name.is_empty() {
        return Ok(at + 2);
    }
    let mut end = line_end(text.as_bytes(), at);
    while end < text.len() {
        let start = end + 1;
        end = line_end(text.as_bytes(), start.min(text.len()));
        if text.get(start..end).is_some_and(|line| line.trim() == name) {
            return Ok(end);
        }
    }
    Err(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, notation: Notation) -> Vec<&str> {
        let spans = comments(text, notation);
        spans.iter().map(|span| &text[span.start..span.end]).collect()
    }

    #[test]
    fn each_notation_has_its_own() {
        let text = "# a\nx = 1 // b\n/* c\n */ y = 2\n";
        assert_eq!(found(text, Notation::Terraform), ["# a", "// b", "/* c\n */"]);
        assert_eq!(found(text, Notation::Bicep), ["// b", "/* c\n */"]);
        assert_eq!(
            found("{ // a\n\"b\": \"//no\" /* c */ }", Notation::Json),
            ["// a", "/* c */"]
        );
    }

    #[test]
    fn strings_hold_no_comments() {
        let terraform = "a = \"# ${f(\"} //\", { b = 1 })} #\" # yes\nb = <<-E\n  # no\n  E\n# too\n";
        assert_eq!(found(terraform, Notation::Terraform), ["# yes", "# too"]);
        assert_eq!(found("a = \"$${\" # yes", Notation::Terraform), ["# yes"]);
        let bicep = "var a = 'https://x ${b('//')} \\'//' // yes\nvar c = '''//\n'no' ''''// too";
        assert_eq!(found(bicep, Notation::Bicep), ["// yes", "// too"]);
        assert_eq!(found("\"a\\\" //\n // no\" // yes", Notation::Json), ["// yes"]);
    }

    #[test]
    fn a_string_that_ends_with_its_line_is_not_closed() {
        let closes = |text| string_closes(text, 0, Notation::Terraform);
        for open in ["\"a\n\"", "\"a\\\"\n", "\"", "\"${f(\"\n\")}\"", "<<E\n"] {
            assert!(closes(open).is_err(), "{open}");
        }
        for closed in [
            "\"a\"\n",
            "\"${\n1}\"\n",
            "\"${/* \" */ 1 # \"\n}\"\n",
            "\"\\\\\"\n",
            "<<E\nE\n",
        ] {
            assert!(closes(closed).is_ok(), "{closed}");
        }
    }

    #[test]
    fn what_is_cut_off_ends() {
        for text in [
            "\"", "\"${", "\"${\"", "'''", "/*", "<<", "<<A", "<<A\n", "\"\\", "'${'${", "\"$",
        ] {
            for notation in [Notation::Terraform, Notation::Json, Notation::Bicep] {
                comments(text, notation);
            }
        }
    }
}

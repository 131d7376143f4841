//! Where a character of a YAML scalar stands in its file, in whichever style the scalar was written.
//! Knows quoting, escapes, folding and block indentation; knows nothing of rules.

use std::ops::Range;

/// A scalar as parsed, beside the text of the file that it stands in.
#[derive(Clone, Copy, Debug)]
pub struct Scalar<'t> {
    text: &'t str,
    value: &'t str,
    /// Byte offset of the scalar in the text: its opening quote, or its first content line in a block.
    start: usize,
}

/// How a line break inside the scalar may be followed by indentation.
#[derive(Clone, Copy)]
enum Style {
    Plain,
    Single,
    Double,
    Block { indent: usize },
}

impl<'t> Scalar<'t> {
    /// `start` is the byte offset that the YAML parser gives for the scalar.
    pub fn new(text: &'t str, value: &'t str, start: usize) -> Self {
        Scalar { text, value, start }
    }

    /// Byte range in the file of the characters `range` (code points) of the value. Where the two cannot be
    /// aligned, as with escapes that stand for other characters, the first character of the scalar.
    pub fn locate(&self, range: Range<usize>) -> Range<usize> {
        self.aligned(&range).unwrap_or_else(|| {
            let width = self
                .text
                .get(self.start..)
                .and_then(|rest| rest.chars().next())
                .map_or(0, char::len_utf8);
            self.start..self.start + width
        })
    }

    fn aligned(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let style = self.style();
        let quote = usize::from(matches!(style, Style::Single | Style::Double));
        let mut at = self.start + quote;
        let mut begin = None;
        // The parser gives the first line with content; blank lines before it are in the value only.
        let blank_lines = match style {
            Style::Block { .. } => self.value.chars().take_while(|c| *c == '\n').count(),
            Style::Plain | Style::Single | Style::Double => 0,
        };
        for (index, wanted) in self.value.chars().enumerate().skip(blank_lines) {
            if index == range.start {
                begin = Some(at);
            }
            at = self.step(at, wanted, style)?;
            if index + 1 == range.end.max(range.start + 1) {
                return Some(begin?..at);
            }
        }
        // Past the end: where an expression ends too early.
        Some(begin.unwrap_or(at)..at)
    }

    /// The end of the source text of one value character that starts at `at`.
    fn step(&self, at: usize, wanted: char, style: Style) -> Option<usize> {
        let rest = self.text.get(at..)?;
        let found = rest.chars().next()?;
        match (style, found) {
            (Style::Single, '\'') if wanted == '\'' => rest.starts_with("''").then_some(at + 2),
            (Style::Double, '\\') => {
                let escaped = rest.get(1..)?.chars().next()?;
                let meant = match escaped {
                    'n' => '\n',
                    't' => '\t',
                    '"' | '\\' | '/' | ' ' => escaped,
                    _ => return None,
                };
                (meant == wanted).then_some(at + 2)
            }
            _ if found == wanted && found != '\n' && !folds(rest, style) => Some(at + found.len_utf8()),
            _ if matches!(wanted, ' ' | '\n') => Some(at + line_break(rest, style)?),
            _ => None,
        }
    }

    fn style(&self) -> Style {
        let before = self.text.get(..self.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let lead = before.get(line_start..).unwrap_or_default();
        match self.text.get(self.start..).and_then(|rest| rest.chars().next()) {
            Some('\'') => Style::Single,
            Some('"') => Style::Double,
            // Only the content of a block starts at the first word of a line without a key or dash before it.
            _ if lead.chars().all(char::is_whitespace) && opens_block(before.get(..line_start).unwrap_or_default()) => {
                Style::Block {
                    indent: lead.chars().count(),
                }
            }
            _ => Style::Plain,
        }
    }
}

/// Whether the line before the content ends in a block header such as `|`, `|-` or `>2`.
fn opens_block(before: &str) -> bool {
    let header = before
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let header = header.split(" #").next().unwrap_or_default();
    let header = header
        .trim_end()
        .trim_end_matches(|c: char| matches!(c, '+' | '-') || c.is_ascii_digit());
    header.ends_with(['|', '>'])
}

/// Outside blocks, blanks before a line break belong to the fold and not to the value.
fn folds(rest: &str, style: Style) -> bool {
    !matches!(style, Style::Block { .. })
        && rest.starts_with([' ', '\t'])
        && rest.trim_start_matches([' ', '\t', '\r']).starts_with('\n')
}

/// Bytes of one line break with what follows it up to the next character of the value.
fn line_break(rest: &str, style: Style) -> Option<usize> {
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
    if !rest.get(blanks..)?.starts_with('\n') {
        return None;
    }
    let after = rest.get(blanks + 1..)?;
    let indentation = match style {
        Style::Block { indent } => after.chars().take(indent).take_while(|c| *c == ' ').count(),
        Style::Plain | Style::Single | Style::Double => after.len() - after.trim_start_matches([' ', '\t']).len(),
    };
    Some(blanks + 1 + indentation)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Document {
        a: serde_yaml::Spanned<String>,
    }

    /// The file text that stands for `needle` in the parsed value.
    fn found<'t>(text: &'t str, needle: &str) -> &'t str {
        let document: Document = serde_yaml::from_str(text).unwrap();
        let value = document.a.value.as_str();
        let start = value.find(needle).unwrap();
        let begin = value[..start].chars().count();
        let offset = document.a.referenced.span().byte_offset().unwrap();
        let scalar = Scalar::new(text, value, usize::try_from(offset).unwrap());
        &text[scalar.locate(begin..begin + needle.chars().count())]
    }

    #[test]
    fn every_style_is_aligned_with_its_source() {
        for text in [
            "a: é && vm.nam\n",
            "a: é &&\n   vm.nam   \n",
            "a: 'it''s é vm.nam'\n",
            "a: \"tab\\t \\\"é vm.nam\"\n",
            "a: |\n  one\n    é  \n\n  two vm.nam\n",
            "a: |-\n\n  one\n  vm.nam",
            "a: >\n  one\n  two vm.nam\n",
            "a: |\r\n  one\r\n  two vm.nam\r\n",
            "a: |2  # note\n   one\n  vm.nam\n",
            "a: 'x\r\n   vm.nam'\r\n",
        ] {
            assert_eq!(found(text, "vm.nam"), "vm.nam", "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_aligned_falls_back_to_the_start() {
        assert_eq!(found("a: \"\\u00e9 vm.nam\"\n", "vm.nam"), "\"");
        assert_eq!(
            found("a: 'x\n\n   vm.nam'\n", "vm.nam"),
            "'",
            "an empty line inside a folded scalar"
        );
    }

    #[test]
    fn an_offset_past_the_end_is_the_end() {
        let text = "a: 'x &&' # more\n";
        assert_eq!(Scalar::new(text, "x &&", 3).locate(4..5), 8..8);
    }
}

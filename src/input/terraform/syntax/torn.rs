//! What can be read of a text that is no Terraform, as editors leave it while somebody types. Each block and each value at
//! the start of a line is read apart; in it a value that is no expression is left out, and a block that still cannot be
//! read keeps what it says before the mistake. What is left out is unknown, never absent.

use std::ops::Range;
use std::sync::Arc;

use super::native::{self, Broken};
use super::{Attribute, Block, Body, Expression, Kind, NOTHING_READ, SyntaxError, shift};
use crate::syntax::{Notation, Piece, Span, pieces, texts};

const VALUE: &str = "correct it; until then what is said there is unknown";
const BLOCK: &str = "correct it; until then all that the block says is unknown";
const PART: &str = "correct it; this part of the file was not judged";

/// Mistakes of one text that are told, and values of one block that are left out.
const MOST: usize = 50;
const VALUES: usize = 8;

/// Words that begin a block at the start of a line.
const BLOCKS: &[&str] = &[
    "resource",
    "data",
    "ephemeral",
    "variable",
    "output",
    "module",
    "provider",
    "check",
    "locals",
    "terraform",
    "moved",
    "import",
    "removed",
];

/// The strings that end with their line.
pub fn unclosed(text: &str) -> impl Iterator<Item = SyntaxError> {
    let open = texts(text, Notation::Terraform).filter(|(_, closed)| !closed);
    let strings = open.filter(|(span, _)| text.get(span.start..).is_some_and(|rest| rest.starts_with('"')));
    strings.map(|(span, _)| SyntaxError {
        message: "a string has no closing quote on its line".to_owned(),
        span: Span {
            start: span.start,
            end: line_end(text, span.start),
        },
        advice: NOTHING_READ,
    })
}

/// Reads what can be read.
pub fn parse(text: &str) -> (Body, Vec<SyntaxError>) {
    let mut body = Body::default();
    let mut said = Vec::new();
    for range in apart(text) {
        if said.len() >= MOST {
            said.push(SyntaxError {
                message: format!("there are more than {MOST} mistakes"),
                span: Span {
                    start: range.start,
                    end: range.start,
                },
                advice: "correct these; what follows was not judged",
            });
            break;
        }
        let start = range.start;
        let (mut own, mistakes) = read(text.get(range).unwrap_or_default());
        shift(&mut own, start);
        body.attributes.extend(own.attributes);
        body.blocks.extend(own.blocks);
        said.extend(mistakes.into_iter().map(|mistake| SyntaxError {
            span: Span {
                start: mistake.span.start + start,
                end: mistake.span.end + start,
            },
            ..mistake
        }));
    }
    (body, said)
}

/// The parts of a text that are read apart: what begins at the start of a line, outside of heredocs that are closed.
fn apart(text: &str) -> Vec<Range<usize>> {
    let blocks = starts(text, |line| {
        let word = name(line);
        let more = line.get(word.len()..).unwrap_or_default();
        BLOCKS.contains(&word) && more.trim_start().starts_with(['"', '{'])
    });
    // A file of values has none.
    let mut starts = match blocks.is_empty() {
        true => starts(text, |line| assigned(line).is_some()),
        false => blocks,
    };
    if starts.first() != Some(&0) {
        starts.insert(0, 0);
    }
    let ends = starts.iter().copied().skip(1).chain([text.len()]);
    starts
        .iter()
        .copied()
        .zip(ends)
        .map(|(start, end)| start..end)
        .collect()
}

fn starts(text: &str, is_start: impl Fn(&str) -> bool) -> Vec<usize> {
    let closed: Vec<Span> = pieces(text, Notation::Terraform)
        .filter_map(|piece| match piece {
            Piece::Text(span, true) | Piece::Comment(span) => Some(span),
            _ => None,
        })
        .collect();
    let within = |at: usize| {
        let before = closed.partition_point(|span| span.start < at);
        let last = before.checked_sub(1).and_then(|before| closed.get(before));
        last.is_some_and(|span| at < span.end)
    };
    let mut at = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        at += line.len();
        (at - line.len(), line)
    });
    lines
        .filter(|(at, line)| is_start(line) && !within(*at))
        .map(|(at, _)| at)
        .collect()
}

/// The name at the beginning of a text.
fn name(text: &str) -> &str {
    let is_start = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'));
    text.get(..end.unwrap_or(text.len()))
        .filter(|_| is_start)
        .unwrap_or_default()
}

/// The name in `name = ...`, and where what follows the sign begins.
fn assigned(line: &str) -> Option<(&str, usize)> {
    let name = Some(name(line)).filter(|name| !name.is_empty())?;
    let rest = line
        .get(name.len()..)?
        .trim_start_matches([' ', '\t'])
        .strip_prefix('=')?;
    let from = line.len() - rest.len();
    (!rest.starts_with(['=', '>'])).then_some((name, from))
}

fn line_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.rfind('\n').map_or(0, |found| found + 1)
}

fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let end = rest.find('\n').map_or(text.len(), |found| at + found);
    match text.get(at..end).is_some_and(|line| line.ends_with('\r')) {
        true => end - 1,
        false => end,
    }
}

/// A part of a text in which names stand in place of what is left out; nothing in it moves.
struct Part<'t> {
    text: &'t str,
    mended: String,
    broken: Broken,
    /// Whole lines are left out, which may have stated anything.
    torn: bool,
    said: Vec<SyntaxError>,
}

fn read(text: &str) -> (Body, Vec<SyntaxError>) {
    let mut part = Part {
        text,
        mended: text.to_owned(),
        broken: Broken::new(),
        torn: false,
        said: Vec::new(),
    };
    let cut: Vec<SyntaxError> = unclosed(text).take(MOST).collect();
    for string in &cut {
        part.leave(string.span.start, string.span.end);
        part.say(string.clone(), VALUE);
    }
    if !cut.is_empty() && part.parsed().is_err() {
        // The string held what closes something.
        for string in &cut {
            part.leave_line(string.span.start);
        }
    }
    for _ in 0..VALUES {
        match part.parsed() {
            Ok(body) => return part.whole(body),
            Err(error) if part.leave_line(error.span.start) => part.say(error, VALUE),
            Err(error) if part.drop_line(error.span.start) => part.say(error, BLOCK),
            Err(error) => return part.torn(error),
        }
    }
    match part.parsed() {
        Ok(body) => part.whole(body),
        Err(error) => part.torn(error),
    }
}

impl Part<'_> {
    fn parsed(&self) -> Result<Body, SyntaxError> {
        native::body(self.text, &self.mended, &self.broken)
    }

    fn say(&mut self, error: SyntaxError, advice: &'static str) {
        self.said.push(SyntaxError { advice, ..error });
    }

    /// Puts a name in place of an expression.
    fn leave(&mut self, start: usize, end: usize) {
        if start < end && self.mended.get(start..end).is_some() {
            let blank = format!("z{}", " ".repeat(end - start - 1));
            self.mended.replace_range(start..end, &blank);
            self.broken.insert(start);
        }
    }

    /// Leaves out the value that is stated on the line of a place; `false` where there is none, or it is left out already.
    fn leave_line(&mut self, at: usize) -> bool {
        let (start, end) = (line_start(&self.mended, at), line_end(&self.mended, at));
        let line = self.mended.get(start..end).unwrap_or_default();
        let indent = line.len() - line.trim_start().len();
        let Some((name, from)) = assigned(line.trim_start()) else {
            return false;
        };
        let behind = start + indent + name.len();
        let value = start + indent + from;
        let blanks = line
            .get(indent + from..)
            .map_or(0, |rest| rest.len() - rest.trim_start().len());
        // `name =` and nothing behind: the sign moves, if there is room.
        let value = match value + blanks < end {
            true => value + blanks,
            false if behind + 2 <= end => {
                self.mended.replace_range(behind..behind + 1, "=");
                behind + 1
            }
            false => return false,
        };
        if self.broken.contains(&value) {
            return false;
        }
        self.leave(value, end);
        true
    }

    /// Leaves out the line of a place, if it opens and closes nothing.
    fn drop_line(&mut self, at: usize) -> bool {
        let (start, end) = (line_start(&self.mended, at), line_end(&self.mended, at));
        let line = self.mended.get(start..end).unwrap_or_default();
        let brackets = ['{', '}', '[', ']', '(', ')', '<', '"', '*'];
        if line.trim().is_empty() || line.contains(brackets) || !self.is_statement(start) {
            return false;
        }
        self.mended.replace_range(start..end, &" ".repeat(end - start));
        self.torn = true;
        true
    }

    /// Whether nothing is open at a place but blocks: in a list or an object a line may be a part of a value.
    fn is_statement(&self, place: usize) -> bool {
        let before = self.mended.get(..place).unwrap_or_default();
        let mut open = Vec::new();
        for piece in pieces(before, Notation::Terraform) {
            let Piece::Sign(at, byte) = piece else { continue };
            match byte {
                b'{' => {
                    let head = before.get(line_start(before, at)..at).unwrap_or_default();
                    open.push(!head.contains(['=', ':', ',', '(', '[', '{']));
                }
                b'(' | b'[' => open.push(false),
                b'}' | b')' | b']' => drop(open.pop()),
                _ => {}
            }
        }
        open.iter().all(|is_block| *is_block)
    }

    fn whole(self, mut body: Body) -> (Body, Vec<SyntaxError>) {
        for block in &mut body.blocks {
            block.body.torn = self.torn;
        }
        (body, self.said)
    }

    /// A block of which only the beginning can be read.
    fn torn(mut self, error: SyntaxError) -> (Body, Vec<SyntaxError>) {
        let at = error.span.start;
        if self.said.is_empty() {
            self.said.push(error);
        }
        let mut body = Body::default();
        let read = self.block(at).map(|block| body.blocks.push(block));
        let read = read.or_else(|| self.value().map(|value| body.attributes.push(value)));
        let advice = if read.is_some() { BLOCK } else { PART };
        for said in &mut self.said {
            said.advice = advice;
        }
        (body, self.said)
    }

    fn block(&self, at: usize) -> Option<Block> {
        let end = self.mended.trim_end().len();
        let opens = self.mended.find('{')?;
        let before = self.before(line_start(&self.mended, at)).unwrap_or(opens + 1);
        let read = |end: usize| {
            let mended = format!("{}}}", self.mended.get(..end)?);
            let body = native::body(self.text, &mended, &self.broken).ok()?;
            body.blocks.into_iter().next()
        };
        let mut block = read(before).or_else(|| read(opens + 1))?;
        block.span.end = end.max(block.head.end);
        block.body.torn = true;
        Some(block)
    }

    /// The last line end before a place at which nothing is open but the block.
    fn before(&self, place: usize) -> Option<usize> {
        let mut depth = 0_usize;
        let mut found = None;
        for piece in pieces(self.mended.get(..place)?, Notation::Terraform) {
            let Piece::Sign(at, byte) = piece else { continue };
            match byte {
                b'{' | b'(' | b'[' => depth += 1,
                b'}' | b')' | b']' => depth = depth.saturating_sub(1),
                b'\n' if depth == 1 => found = Some(at + 1),
                _ => {}
            }
        }
        found
    }

    /// A value of a file of values.
    fn value(&self) -> Option<Attribute> {
        let (name, from) = assigned(&self.mended)?;
        let span = Span {
            start: 0,
            end: self.mended.trim_end().len(),
        };
        Some(Attribute {
            name: Arc::from(name),
            name_span: Span {
                start: 0,
                end: name.len(),
            },
            value: Expression {
                kind: Kind::Broken,
                span: Span {
                    start: from.min(span.end),
                    end: span.end,
                },
            },
            span,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(body: &Body) -> Vec<(&str, bool)> {
        let all = body.attributes.iter();
        all.map(|one| (&*one.name, matches!(one.value.kind, Kind::Broken)))
            .collect()
    }

    #[track_caller]
    fn block(text: &str) -> (Block, Vec<SyntaxError>) {
        let text = format!("{text}\nlocals {{\n  other = 1\n}}\n");
        let (body, said) = native::parse(&text);
        let mut blocks = body.blocks.into_iter();
        let first = blocks.next().unwrap();
        let other = blocks.next().unwrap();
        assert_eq!(names(&other.body), [("other", false)]);
        (first, said)
    }

    #[test]
    fn a_string_that_ends_with_its_line_is_left_out() {
        let text = "locals {\n  a = \"x\n  b = \"y\"\n  c = [\"d\", \"e]\n  f = \"${g\n}";
        let (block, said) = block(text);
        assert!(!block.body.torn);
        assert_eq!(
            names(&block.body),
            [("a", true), ("b", false), ("c", true), ("f", true)]
        );
        let shown: Vec<&str> = said.iter().map(|one| &text[one.span.start..one.span.end]).collect();
        assert_eq!(shown, ["\"x", "\"e]", "\"${g"]);
        assert!(said.iter().all(|one| one.message.contains("closing quote")));
    }

    #[test]
    fn two_cut_strings_do_not_make_one() {
        let (block, said) = block("locals {\n  a = \"\n  b = \"\n}");
        assert_eq!(names(&block.body), [("a", true), ("b", true)]);
        assert_eq!(said.len(), 2);
    }

    #[test]
    fn a_value_that_is_no_expression_is_left_out() {
        let (block, said) = block("locals {\n  a = \n  b = 1 +\n  c = 2\n}");
        assert_eq!(names(&block.body), [("a", true), ("b", true), ("c", false)]);
        assert_eq!(said.len(), 2);
    }

    #[test]
    fn a_block_that_is_not_closed_keeps_what_it_says_before() {
        for rest in ["  b {\n    c = 1\n", "  b = <<E\n  d\n}", "  b = [\n    1 2\n  ]\n}"] {
            let (block, said) = block(&format!("resource \"x\" \"y\" {{\n  a = 1\n{rest}"));
            assert!(block.body.torn, "{rest}");
            assert_eq!(names(&block.body), [("a", false)], "{rest}");
            assert_eq!(said.len(), 1, "{rest}: {said:?}");
            assert_eq!(said[0].advice, BLOCK);
        }
    }

    #[test]
    fn a_line_that_says_nothing_leaves_the_block_open() {
        let (block, said) = block("resource \"x\" \"y\" {\n  a = 1\n  some\n  b {\n    c\n  }\n  d = 2\n}");
        assert!(block.body.torn);
        assert_eq!(names(&block.body), [("a", false), ("d", false)]);
        assert_eq!((said.len(), said[0].advice), (2, BLOCK));
    }

    #[test]
    fn values_of_variables_are_read_one_by_one() {
        let (body, said) = native::parse("a = \"x\nb = [\n  1\nc = 3\n");
        assert_eq!(names(&body), [("a", true), ("b", true), ("c", false)]);
        assert_eq!(said.len(), 2);
    }

    #[test]
    fn what_looks_like_a_block_in_a_heredoc_is_none() {
        let (body, said) = native::parse("locals {\n  a = <<E\nresource \"x\" \"y\" {\nE\n  b = \n}\n");
        assert_eq!((body.blocks.len(), said.len()), (1, 1));
    }
}

//! Strings: `'a ${b}'`, `'''as written'''` and `$'''with ${holes}'''`.

use super::parser::{Parsed, Parser, span};
use super::token::Token;
use super::tree::{Expression, Kind, Problem};

impl Parser<'_> {
    /// The string that begins here.
    pub fn string(&mut self) -> Parsed<Expression> {
        let lexeme = self.next();
        if lexeme.token != Token::Quote {
            return self.unexpected("a string");
        }
        let start = lexeme.start;
        let rest = self.text.get(start..).unwrap_or_default();
        let dollars = rest.len() - rest.trim_start_matches('$').len();
        if rest.get(dollars..).is_some_and(|rest| rest.starts_with("'''")) {
            self.at = start + dollars + 3;
            return self.lines_string(start, dollars);
        }
        self.at = start + 1;
        self.line_string(start)
    }

    /// Passes a string, whatever is wrong in it.
    pub fn pass_string(&mut self) {
        let start = self.next().start;
        if self.string().is_err() && self.at <= start {
            self.at = start + 1;
        }
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn line_string(&mut self, start: usize) -> Parsed<Expression> {
        let (mut texts, mut holes, mut text) = (Vec::new(), Vec::new(), String::new());
        loop {
            let rest = self.rest();
            let plain = rest.find(['\'', '\\', '$', '\n', '\r']).unwrap_or(rest.len());
            text.push_str(rest.get(..plain).unwrap_or_default());
            self.at += plain;
            let rest = self.rest();
            if rest.starts_with("${") {
                self.at += 2;
                texts.push(std::mem::take(&mut text));
                holes.push(self.hole()?);
            } else if rest.starts_with('$') {
                text.push('$');
                self.at += 1;
            } else if rest.starts_with('\'') {
                self.at += 1;
                texts.push(text);
                return self.text_of(start, texts, holes);
            } else if rest.starts_with('\\') {
                self.escape(&mut text)?;
            } else {
                return Err(Problem {
                    message: "a string has no end; close it with `'` on the same line".to_owned(),
                    span: span(start, self.at),
                });
            }
        }
    }

    fn text_of(&self, start: usize, texts: Vec<String>, holes: Vec<Expression>) -> Parsed<Expression> {
        let below: Vec<u16> = holes.iter().map(|hole| hole.height).collect();
        self.over(Kind::Text { texts, holes }, start, &below)
    }

    /// What stands between `${` and `}`.
    fn hole(&mut self) -> Parsed<Expression> {
        self.lines();
        let hole = self.deeper(Self::expression)?;
        self.lines();
        self.need("}")?;
        Ok(hole)
    }

    fn escape(&mut self, text: &mut String) -> Parsed<()> {
        let rest = self.rest();
        let simple = match rest.get(1..2) {
            Some("n") => Some('\n'),
            Some("r") => Some('\r'),
            Some("t") => Some('\t'),
            Some("\\") => Some('\\'),
            Some("'") => Some('\''),
            Some("$") => Some('$'),
            _ => None,
        };
        if let Some(character) = simple {
            text.push(character);
            self.at += 2;
            return Ok(());
        }
        let digits = rest.strip_prefix("\\u{").and_then(|rest| rest.split_once('}'));
        let code = digits.and_then(|(digits, _)| u32::from_str_radix(digits, 16).ok());
        // Half a pair of UTF-16 is no character of its own.
        let character = code.map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        let (Some((digits, _)), Some(character)) = (digits, character) else {
            let at = self.at;
            self.at += 1;
            return Err(Problem {
                message: "an escape that is none; write `\\\\` for a backslash".to_owned(),
                span: span(at, at + 1),
            });
        };
        text.push(character);
        self.at += digits.len() + 4;
        Ok(())
    }

    /// As written, but for the first line end; as many dollars as stand before it begin a hole.
    fn lines_string(&mut self, start: usize, dollars: usize) -> Parsed<Expression> {
        let rest = self.rest();
        let first = rest.strip_prefix('\r').unwrap_or(rest);
        let first = first.strip_prefix('\n').unwrap_or(first);
        self.at += rest.len() - first.len();
        let (mut texts, mut holes, mut text) = (Vec::new(), Vec::new(), String::new());
        loop {
            let rest = self.rest();
            let plain = rest.find(['\'', '$']).unwrap_or(rest.len());
            text.push_str(rest.get(..plain).unwrap_or_default());
            self.at += plain;
            let rest = self.rest();
            let quotes = rest.len() - rest.trim_start_matches('\'').len();
            let marks = rest.len() - rest.trim_start_matches('$').len();
            if quotes >= 3 {
                // The last three close it.
                text.extend(std::iter::repeat_n('\'', quotes - 3));
                self.at += quotes;
                texts.push(text);
                return self.text_of(start, texts, holes);
            }
            if dollars > 0 && marks >= dollars && rest.get(marks..).is_some_and(|rest| rest.starts_with('{')) {
                text.extend(std::iter::repeat_n('$', marks - dollars));
                self.at += marks + 1;
                texts.push(std::mem::take(&mut text));
                holes.push(self.hole()?);
            } else if rest.is_empty() {
                return Err(Problem {
                    message: "a string of several lines has no end; close it with `'''`".to_owned(),
                    span: span(start, start + 3 + dollars),
                });
            } else {
                let run = quotes.max(marks);
                text.push_str(rest.get(..run).unwrap_or_default());
                self.at += run;
            }
        }
    }
}

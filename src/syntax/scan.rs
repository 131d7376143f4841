//! Strict JSON read in passing: what nobody asks for is skipped at the speed of memory, the rest becomes nodes that
//! borrow from the text. For machine-written documents of hundreds of megabytes, of which little matters.

use std::borrow::Cow;

use memchr::memchr2;

use super::json::JsonError;
use super::node::{Member, Node, Span, Value};

/// Deepest nesting of what is turned into nodes.
const DEPTH: usize = 128;

/// A place in a JSON text.
#[derive(Clone, Copy)]
pub struct Scan<'t> {
    text: &'t str,
    at: usize,
}

type Outcome<T> = Result<T, JsonError>;

impl<'t> Scan<'t> {
    pub fn new(text: &'t str) -> Self {
        Scan { text, at: 0 }
    }

    /// At the beginning of a value that was passed over.
    pub fn at(text: &'t str, span: Span) -> Self {
        Scan { text, at: span.start }
    }

    fn bytes(&self) -> &'t [u8] {
        self.text.as_bytes()
    }

    fn fault<T>(&self, message: &str) -> Outcome<T> {
        let at = self.at.min(self.text.len());
        let message = if at == self.text.len() {
            "the text ends in the middle of a value".to_owned()
        } else {
            message.to_owned()
        };
        let span = Span { start: at, end: at };
        Err(JsonError { message, span })
    }

    fn blanks(&mut self) {
        while matches!(self.bytes().get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// The first byte of what follows.
    pub fn peek(&mut self) -> Option<u8> {
        self.blanks();
        self.bytes().get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Outcome<()> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        self.fault(&format!("`{}` is missing", char::from(byte)))
    }

    /// Nothing but blanks may follow.
    pub fn end(&mut self) -> Outcome<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.fault("something follows the document"),
        }
    }

    /// Calls for each member of an object, which must read or skip its value.
    pub fn members(&mut self, mut each: impl FnMut(Cow<'t, str>, &mut Scan<'t>) -> Outcome<()>) -> Outcome<()> {
        self.expect(b'{')?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let name = self.string()?;
            self.expect(b':')?;
            self.blanks();
            each(name, self)?;
            if self.more(b'}', "an object")? {
                continue;
            }
            return Ok(());
        }
    }

    /// Calls for each element of a list, which must be read or skipped.
    pub fn elements(&mut self, mut each: impl FnMut(&mut Scan<'t>) -> Outcome<()>) -> Outcome<()> {
        self.expect(b'[')?;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.blanks();
            each(self)?;
            if self.more(b']', "a list")? {
                continue;
            }
            return Ok(());
        }
    }

    fn more(&mut self, close: u8, what: &str) -> Outcome<bool> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ => self.fault(&format!("{what} goes on without a comma")),
        }
    }

    /// Passes over a value; the span is its text.
    pub fn skip(&mut self) -> Outcome<Span> {
        self.blanks();
        let start = self.at;
        let mut depth = 0usize;
        loop {
            self.skip_one(&mut depth)?;
            if depth == 0 {
                return Ok(Span { start, end: self.at });
            }
        }
    }

    fn skip_one(&mut self, depth: &mut usize) -> Outcome<()> {
        let Some(byte) = self.bytes().get(self.at).copied() else {
            return self.fault("");
        };
        match byte {
            b'"' => self.skip_string()?,
            b'{' | b'[' => {
                *depth += 1;
                self.at += 1;
            }
            b'}' | b']' if *depth > 0 => {
                *depth -= 1;
                self.at += 1;
            }
            b' ' | b'\n' | b'\r' | b'\t' | b',' | b':' if *depth > 0 => self.at += 1,
            b't' | b'f' | b'n' | b'-' | b'0'..=b'9' => {
                let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
                let rest = self.bytes().get(self.at..).unwrap_or_default();
                self.at += rest.iter().take_while(|byte| plain(byte)).count();
            }
            _ => return self.fault("this is no JSON value"),
        }
        Ok(())
    }

    fn skip_string(&mut self) -> Outcome<()> {
        self.at += 1;
        loop {
            let rest = self.bytes().get(self.at..).unwrap_or_default();
            let Some(found) = memchr2(b'"', b'\\', rest) else {
                self.at = self.text.len();
                return self.fault("");
            };
            self.at += found;
            if self.bytes().get(self.at) == Some(&b'"') {
                self.at += 1;
                return Ok(());
            }
            self.at += 2;
        }
    }

    /// A string, borrowed where it has no escapes.
    pub fn string(&mut self) -> Outcome<Cow<'t, str>> {
        if self.peek() != Some(b'"') {
            return self.fault("a string is missing");
        }
        let start = self.at;
        self.skip_string()?;
        let inside = self.text.get(start + 1..self.at.saturating_sub(1)).unwrap_or_default();
        if memchr::memchr(b'\\', inside.as_bytes()).is_none() {
            return Ok(Cow::Borrowed(inside));
        }
        let whole = self.text.get(start..self.at).unwrap_or_default();
        match serde_json::from_str::<String>(whole) {
            Ok(text) => Ok(Cow::Owned(text)),
            Err(_) => {
                self.at = start;
                self.fault("this string is not valid")
            }
        }
    }

    /// The offset of what follows.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// The text that follows; `None` for whatever else follows.
    pub fn optional_text(&mut self) -> Outcome<Option<String>> {
        if self.peek() == Some(b'"') {
            return Ok(Some(self.string()?.into_owned()));
        }
        self.skip()?;
        Ok(None)
    }

    /// The value that follows, whole.
    pub fn node(&mut self) -> Outcome<Node<'t>> {
        self.node_at(0)
    }

    fn node_at(&mut self, depth: usize) -> Outcome<Node<'t>> {
        if depth > DEPTH {
            return self.fault("values are nested too deeply");
        }
        let first = self.peek();
        let start = self.at;
        let value = match first {
            Some(b'"') => Value::Text(self.string()?),
            Some(b'{') => {
                let mut members: Vec<Member<'t>> = Vec::new();
                self.members(|name, scan| {
                    let node = scan.node_at(depth + 1)?;
                    members.push(Member { name, node });
                    Ok(())
                })?;
                Value::Object(members)
            }
            Some(b'[') => {
                let mut items = Vec::new();
                self.elements(|scan| {
                    items.push(scan.node_at(depth + 1)?);
                    Ok(())
                })?;
                Value::List(items)
            }
            _ => self.plain()?,
        };
        let span = Span { start, end: self.at };
        Ok(Node { value, span })
    }

    fn plain(&mut self) -> Outcome<Value<'t>> {
        let start = self.at;
        self.skip()?;
        let text = self.text.get(start..self.at).unwrap_or_default();
        Ok(match text {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            number if is_number(number) => Value::Number(Cow::Borrowed(number)),
            _ => {
                self.at = start;
                return self.fault("this is no JSON value");
            }
        })
    }
}

/// Whether a text is a number of JSON: `-`, digits without a leading zero, a fraction, an exponent.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text.strip_prefix('-').unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.starts_with('0')) {
        return false;
    }
    let mut rest = rest.get(whole..).unwrap_or_default();
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = fraction.get(length..).unwrap_or_default();
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let length = digits(exponent);
        return length > 0 && length == exponent.len();
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_those_of_the_other_reader() {
        let text = r#" { "a": [1, -2.5e3, true, null, "x\n\u00e4"], "b": {}, "c": [], "d": { "e": "\"}" } } "#;
        let mut scan = Scan::new(text);
        let node = scan.node().unwrap();
        scan.end().unwrap();
        let other = super::super::json::parse(text).unwrap();
        assert_eq!(node, other);
        let (mine, theirs) = (node.get("d").unwrap().span, other.get("d").unwrap().span);
        assert_eq!(mine, theirs);
    }

    #[test]
    fn every_cut_text_is_an_error_and_no_panic() {
        let text = r#"{"a":[1,{"b":"c\\"}],"d":true}"#;
        for end in 0..text.len() {
            let cut = text.get(..end).unwrap();
            assert!(Scan::new(cut).node().is_err(), "{cut}");
            let mut scan = Scan::new(cut);
            assert!(scan.skip().is_err(), "{cut}");
        }
        assert_eq!(Scan::new(text).skip().unwrap().end, text.len());
        assert!(Scan::new(&"[".repeat(100_000)).node().is_err());
    }
}

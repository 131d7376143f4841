//! What Terraform reads and the parser of the native notation does not: line ends within brackets and `for`, and keys
//! that an object states twice. The text is changed without moving anything, so that every place stays what it was.

use std::collections::HashMap;
use std::str::FromStr;

use hcl_edit::parser::Error;

use crate::syntax::{Notation, Piece, pieces};

/// Keys that were given another name in the text, by where they stand: what they are called.
pub type Renamed = HashMap<usize, String>;

/// Keys that are renamed in one text.
const MOST: usize = 500;

/// Parses a text; what the parser refuses is mended where Terraform would not refuse it.
pub fn parse<T: FromStr<Err = Error>>(text: &str) -> Result<(T, Renamed), Error> {
    let first = match text.parse() {
        Ok(parsed) => return Ok((parsed, Renamed::new())),
        Err(error) => error,
    };
    let mut mended = on_one_line(text);
    let mut renamed = Renamed::new();
    for round in 0..MOST {
        match mended.parse() {
            Ok(parsed) => return Ok((parsed, renamed)),
            Err(error) if is_repeated(&error) => {
                let at = error.location().offset();
                if rename(&mut mended, at, round, &mut renamed).is_none() {
                    return Err(error);
                }
            }
            // What is wrong is told in the words for the text as it is.
            Err(_) => return Err(first),
        }
    }
    Err(first)
}

fn is_repeated(error: &Error) -> bool {
    error.message().contains("redefined object key")
}

/// Gives the key at a place a name that no other has; `None` where that cannot be done.
fn rename(text: &mut String, at: usize, round: usize, renamed: &mut Renamed) -> Option<()> {
    let rest = text.get(at..)?;
    let quoted = rest.starts_with('"');
    let start = if quoted { at + 1 } else { at };
    let rest = text.get(start..)?;
    let length = match quoted {
        true => rest.find(['"', '\\', '$', '%', '\n'])?,
        false => rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
            .unwrap_or(rest.len()),
    };
    let key = rest.get(..length).filter(|key| !key.is_empty())?.to_owned();
    let name = spare(length, round)?;
    text.replace_range(start..start + length, &name);
    renamed.entry(at).or_insert(key);
    Some(())
}

/// A name of so many letters, another one each round.
fn spare(length: usize, round: usize) -> Option<String> {
    let digits = length.min(3);
    let mut number = round;
    let mut name = vec![b'z'; length];
    for place in name.iter_mut().rev().take(digits) {
        *place = b'a' + u8::try_from(number % 26).ok()?;
        number /= 26;
    }
    String::from_utf8(name).ok().filter(|_| number == 0)
}

/// The text with blanks in place of line ends where these mean nothing: within `( )`, `[ ]` and `{ for ... }`.
fn on_one_line(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut open: Vec<bool> = Vec::new();
    for piece in pieces(text, Notation::Terraform) {
        let joins = open.last() == Some(&true);
        match piece {
            Piece::Comment(comment) if joins => blank(&mut bytes, comment.start, comment.end),
            Piece::Comment(_) | Piece::Text(..) => {}
            Piece::Sign(at, byte) => match byte {
                b'(' | b'[' => open.push(true),
                b'{' => open.push(is_for(text, at + 1)),
                b')' | b']' | b'}' => drop(open.pop()),
                b'\n' | b'\r' if joins => blank(&mut bytes, at, at + 1),
                _ => {}
            },
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn blank(bytes: &mut [u8], start: usize, end: usize) {
    if let Some(bytes) = bytes.get_mut(start..end) {
        bytes.fill(b' ');
    }
}

/// Whether `for` follows behind blanks.
fn is_for(text: &str, from: usize) -> bool {
    let rest = text.get(from..).unwrap_or_default().trim_start();
    rest.strip_prefix("for")
        .is_some_and(|rest| rest.starts_with(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use hcl_edit::structure::Body;

    use super::*;
    use crate::input::terraform::syntax::native;

    #[test]
    fn line_ends_mean_nothing_within_brackets_and_for() {
        let text = "a = { for k in [1,\n 2] : k => true ? 1 : # why\n 2 }\nb = {\n c = (1 # (\n + 2)\n d = \"\n\"\n}\n";
        let mended = on_one_line(text);
        assert_eq!(mended.len(), text.len());
        assert_eq!(mended.lines().count(), 6, "{mended}");
        let (_, mistakes) = native::parse(&mended);
        assert_eq!(mistakes.len(), 2, "a string must not end with its line");
        let text = text.replace("\"\n\"", "\"x\"");
        assert!(text.parse::<Body>().is_err());
        assert!(parse::<Body>(&text).is_ok());
    }

    #[test]
    fn of_a_key_that_is_stated_twice_every_statement_is_kept() {
        let text = "a = {\n  x = 1\n  \"y\" = 2\n  x = 3\n  \"y\" = 4\n  x = 5\n}\n";
        let (_, renamed) = parse::<Body>(text).unwrap();
        let mut keys: Vec<&str> = renamed.values().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["x", "x", "y"]);
        assert!(parse::<Body>("a = 1\na = 2\n").is_err());
        assert!(parse::<Body>("a = {\n  \"${b}\" = 1\n  \"${b}\" = 2\n").is_err());
    }
}

//! The next token of a text. Strings are only begun here: what stands in their holes is for the parser.

/// What begins at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    Name,
    Number,
    /// `'`, `'''`, or either behind dollars.
    Quote,
    Symbol(&'static str),
    NewLine,
    /// A character that begins nothing.
    Odd,
    End,
}

#[derive(Clone, Copy, Debug)]
pub struct Lexeme {
    pub token: Token,
    pub start: usize,
    pub end: usize,
}

/// The longer before those that they begin with.
const SYMBOLS: &[&str] = &[
    "...", "=>", "==", "=~", "!=", "!~", "<=", ">=", "&&", "||", "??", "::", ".?", "=", "!", "<", ">", "|", "?", ":",
    ".", ",", "@", "{", "}", "(", ")", "[", "]", "+", "-", "*", "/", "%", "^",
];

/// The symbol as the table has it.
pub fn symbol(text: &str) -> &'static str {
    SYMBOLS
        .iter()
        .find(|symbol| **symbol == text)
        .copied()
        .unwrap_or_default()
}

/// The token at or behind a place, past blanks and comments.
pub fn next(text: &str, from: usize) -> Lexeme {
    let start = past_blanks(text, from);
    let rest = text.get(start..).unwrap_or_default();
    let (token, length) = token(rest);
    Lexeme {
        token,
        start,
        end: start + length,
    }
}

fn token(rest: &str) -> (Token, usize) {
    let Some(first) = rest.chars().next() else {
        return (Token::End, 0);
    };
    match first {
        '\n' => (Token::NewLine, 1),
        '\r' => (Token::NewLine, if rest.starts_with("\r\n") { 2 } else { 1 }),
        '\'' => (Token::Quote, 1),
        '$' if rest.trim_start_matches('$').starts_with("'''") => (Token::Quote, 1),
        _ if first.is_ascii_digit() => (Token::Number, run(rest, |c| c.is_ascii_digit())),
        _ if is_name(first) => (Token::Name, run(rest, |c| is_name(c) || c.is_ascii_digit())),
        _ => match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            Some(symbol) => (Token::Symbol(symbol), symbol.len()),
            None => (Token::Odd, first.len_utf8()),
        },
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn run(rest: &str, part: impl Fn(char) -> bool) -> usize {
    rest.find(|c| !part(c)).unwrap_or(rest.len())
}

/// Behind blanks, comments and `#` directives; line ends are tokens.
fn past_blanks(text: &str, mut at: usize) -> usize {
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let blanks = run(rest, |c| {
            c == '\u{feff}' || (c.is_whitespace() && c != '\n' && c != '\r')
        });
        let rest = rest.get(blanks..).unwrap_or_default();
        at += blanks;
        at += if rest.starts_with("//") || rest.starts_with('#') {
            rest.find(['\n', '\r']).unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            return at;
        };
    }
}

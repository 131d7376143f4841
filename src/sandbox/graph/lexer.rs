//! Query text to tokens with their places.

/// A token and where it begins: line and character, both from 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub kind: Kind,
    pub line: usize,
    pub column: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Word(String),
    Text(String),
    Number(f64),
    Sign(&'static str),
}

/// What cannot be read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    pub token: String,
    pub line: usize,
    pub column: usize,
}

/// The longest first.
const SIGNS: &[&str] = &[
    "==", "=~", "!=", "!~", "<=", ">=", "|", "(", ")", "[", "]", ",", ".", "=", "<", ">", "~", "!", "-", "*", "+", "/",
    ";", "{", "}", ":",
];

/// The tokens of a query.
pub fn tokens(text: &str) -> Result<Vec<Token>, Unread> {
    let mut lexer = Lexer {
        rest: text,
        line: 1,
        column: 1,
    };
    let mut found = Vec::new();
    while let Some(token) = lexer.next()? {
        found.push(token);
    }
    Ok(found)
}

struct Lexer<'t> {
    rest: &'t str,
    line: usize,
    column: usize,
}

impl Lexer<'_> {
    fn next(&mut self) -> Result<Option<Token>, Unread> {
        self.skip_blanks();
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        let (line, column) = (self.line, self.column);
        let kind = match first {
            '\'' | '"' => self.text(first)?,
            '0'..='9' => self.number(),
            first if first.is_alphabetic() || first == '_' || first == '$' => Kind::Word(self.word()),
            _ => self.sign()?,
        };
        Ok(Some(Token { kind, line, column }))
    }

    fn skip_blanks(&mut self) {
        loop {
            if let Some(comment) = self.rest.strip_prefix("//") {
                let length = comment.find('\n').map_or(self.rest.len(), |at| at + 2);
                self.take(length);
            } else if let Some(blank) = self.rest.chars().next().filter(|next| next.is_whitespace()) {
                self.take(blank.len_utf8());
            } else {
                return;
            }
        }
    }

    fn take(&mut self, bytes: usize) -> String {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        let taken = taken.to_owned();
        self.rest = rest;
        for character in taken.chars() {
            if character == '\n' {
                (self.line, self.column) = (self.line + 1, 1);
            } else {
                self.column += 1;
            }
        }
        taken
    }

    fn word(&mut self) -> String {
        let is_part = |character: char| character.is_alphanumeric() || character == '_' || character == '$';
        let length = self.rest.find(|next| !is_part(next)).unwrap_or(self.rest.len());
        self.take(length)
    }

    fn number(&mut self) -> Kind {
        let is_part = |character: char| character.is_ascii_digit() || character == '.';
        let length = self.rest.find(|next| !is_part(next)).unwrap_or(self.rest.len());
        let text = self.take(length);
        text.parse().map_or(Kind::Word(text), Kind::Number)
    }

    fn text(&mut self, quote: char) -> Result<Kind, Unread> {
        let unread = Unread {
            token: self.rest.chars().take(40).collect(),
            line: self.line,
            column: self.column,
        };
        let mut text = String::new();
        let mut length = quote.len_utf8();
        let mut characters = self.rest.chars().skip(1);
        loop {
            let Some(character) = characters.next() else {
                return Err(unread);
            };
            length += character.len_utf8();
            if character == quote {
                break;
            }
            if character != '\\' {
                text.push(character);
                continue;
            }
            let escaped = characters.next().ok_or_else(|| unread.clone())?;
            length += escaped.len_utf8();
            text.push(match escaped {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            });
        }
        self.take(length);
        Ok(Kind::Text(text))
    }

    fn sign(&mut self) -> Result<Kind, Unread> {
        let found = SIGNS.iter().find(|sign| self.rest.starts_with(**sign));
        let Some(sign) = found else {
            return Err(Unread {
                token: self.rest.chars().take(1).collect(),
                line: self.line,
                column: self.column,
            });
        };
        self.take(sign.len());
        Ok(Kind::Sign(sign))
    }
}

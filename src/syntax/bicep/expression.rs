//! Expressions, by precedence. Line ends count but where nothing else can follow.

use super::parser::{Parsed, Parser, span};
use super::token::Token;
use super::tree::{Element, Entry, Expression, Kind, Name, Problem};

/// Operators with how tightly they bind.
const OPERATORS: &[(&str, u8)] = &[
    ("??", 1),
    ("||", 2),
    ("&&", 3),
    ("==", 4),
    ("!=", 4),
    ("=~", 4),
    ("!~", 4),
    ("<", 5),
    ("<=", 5),
    (">", 5),
    (">=", 5),
    ("+", 6),
    ("-", 6),
    ("*", 7),
    ("/", 7),
    ("%", 7),
];

/// Operators that may begin a line: no value begins with them.
const MAY_BEGIN_LINE: &[&str] = &["??", "||", "&&", "==", "!=", "=~", "!~", "<=", ">="];

impl Parser<'_> {
    pub fn expression(&mut self) -> Parsed<Expression> {
        self.deeper(Self::choice)
    }

    /// `a ? b : c`, where `?` and `:` may begin a line.
    fn choice(&mut self) -> Parsed<Expression> {
        let condition = self.binary(0)?;
        if self.next_beyond_lines().token != Token::Symbol("?") {
            return Ok(condition);
        }
        self.lines();
        self.take();
        self.lines();
        let yes = self.expression()?;
        self.lines();
        self.need(":")?;
        self.lines();
        let no = self.expression()?;
        let below = [condition.height, yes.height, no.height];
        let start = condition.span.start;
        let kind = Kind::Choice {
            condition: Box::new(condition),
            yes: Box::new(yes),
            no: Box::new(no),
        };
        self.over(kind, start, &below)
    }

    fn operator(&mut self) -> Option<(&'static str, u8)> {
        let mut token = self.next().token;
        if token == Token::NewLine {
            token = self.next_beyond_lines().token;
            if !matches!(token, Token::Symbol(symbol) if MAY_BEGIN_LINE.contains(&symbol)) {
                return None;
            }
        }
        let Token::Symbol(symbol) = token else { return None };
        OPERATORS.iter().find(|(known, _)| *known == symbol).copied()
    }

    fn binary(&mut self, above: u8) -> Parsed<Expression> {
        let mut left = self.unary()?;
        while let Some((operator, strength)) = self.operator().filter(|(_, strength)| *strength > above) {
            self.lines();
            self.take();
            self.lines();
            let right = self.deeper(|parser| parser.binary(strength))?;
            let below = [left.height, right.height];
            let start = left.span.start;
            let kind = Kind::Binary {
                operator,
                left: Box::new(left),
                right: Box::new(right),
            };
            left = self.over(kind, start, &below)?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed<Expression> {
        let lexeme = self.next();
        let operator = match lexeme.token {
            Token::Symbol("!") => '!',
            Token::Symbol("-") => '-',
            Token::Symbol("+") => '+',
            _ => return self.postfix(),
        };
        self.take();
        let of = self.deeper(Self::unary)?;
        let below = [of.height];
        self.over(
            Kind::Unary {
                operator,
                of: Box::new(of),
            },
            lexeme.start,
            &below,
        )
    }

    fn postfix(&mut self) -> Parsed<Expression> {
        let start = self.next().start;
        let mut of = self.primary()?;
        loop {
            let Token::Symbol(symbol) = self.next().token else {
                return Ok(of);
            };
            let mut below = vec![of.height];
            let kind = match symbol {
                "." | ".?" => {
                    self.take();
                    self.lines();
                    let name = self.name()?;
                    if symbol == "." && self.is("(") {
                        let arguments = self.arguments()?;
                        below.extend(arguments.iter().map(|argument| argument.height));
                        Kind::Call {
                            of: Some(Box::new(of)),
                            name,
                            arguments,
                        }
                    } else {
                        Kind::Member {
                            of: Box::new(of),
                            name,
                            safe: symbol == ".?",
                        }
                    }
                }
                "::" => {
                    self.take();
                    Kind::Nested {
                        of: Box::new(of),
                        name: self.name()?,
                    }
                }
                "[" => {
                    self.take();
                    let safe = self.took("?");
                    let from_end = self.took("^");
                    self.lines();
                    let index = self.expression()?;
                    self.lines();
                    self.need("]")?;
                    below.push(index.height);
                    Kind::Index {
                        of: Box::new(of),
                        index: Box::new(index),
                        safe,
                        from_end,
                    }
                }
                // A value that is said not to be null.
                "!" => {
                    self.take();
                    continue;
                }
                _ => return Ok(of),
            };
            of = self.over(kind, start, &below)?;
        }
    }

    fn primary(&mut self) -> Parsed<Expression> {
        let lexeme = self.next();
        match lexeme.token {
            Token::Quote => self.string(),
            Token::Number => self.number(),
            Token::Symbol("{") => self.object(),
            Token::Symbol("[") => self.array_or_loop(),
            Token::Symbol("(") => self.parentheses(),
            Token::Name => self.named(),
            _ => self.unexpected("a value"),
        }
    }

    fn number(&mut self) -> Parsed<Expression> {
        let lexeme = self.take();
        match self.slice(lexeme).parse::<i64>() {
            Ok(value) => self.over(Kind::Int(value), lexeme.start, &[]),
            Err(_) => Err(Problem {
                message: format!("`{}` is too large a number", self.slice(lexeme)),
                span: span(lexeme.start, lexeme.end),
            }),
        }
    }

    /// A literal, a call, a lambda of one name, or a name.
    fn named(&mut self) -> Parsed<Expression> {
        let name = self.name()?;
        let start = name.span.start;
        if self.is("=>") {
            return self.lambda(vec![name], start);
        }
        if self.is("(") {
            let arguments = self.arguments()?;
            let below: Vec<u16> = arguments.iter().map(|argument| argument.height).collect();
            return self.over(
                Kind::Call {
                    of: None,
                    name,
                    arguments,
                },
                start,
                &below,
            );
        }
        let kind = match name.text.as_str() {
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            "null" => Kind::Null,
            _ => Kind::Name(name.text),
        };
        self.over(kind, start, &[])
    }

    pub fn arguments(&mut self) -> Parsed<Vec<Expression>> {
        self.need("(")?;
        let mut arguments = Vec::new();
        loop {
            self.lines();
            if self.took(")") {
                return Ok(arguments);
            }
            arguments.push(self.expression()?);
            self.lines();
            if !self.is(")") {
                self.need(",")?;
            }
        }
    }

    fn lambda(&mut self, names: Vec<Name>, start: usize) -> Parsed<Expression> {
        self.need("=>")?;
        self.lines();
        let body = self.expression()?;
        let below = [body.height];
        self.over(
            Kind::Lambda {
                names,
                body: Box::new(body),
            },
            start,
            &below,
        )
    }

    /// `(a)`, or the names of a lambda.
    fn parentheses(&mut self) -> Parsed<Expression> {
        let start = self.next().start;
        if let Some(names) = self.lambda_names() {
            return self.lambda(names, start);
        }
        self.at = start;
        self.need("(")?;
        self.lines();
        let inner = self.expression()?;
        self.lines();
        self.need(")")?;
        Ok(inner)
    }

    /// `(a, b)` before `=>`; where it is none, the place is lost.
    fn lambda_names(&mut self) -> Option<Vec<Name>> {
        self.need("(").ok()?;
        let mut names = Vec::new();
        loop {
            self.lines();
            if self.took(")") {
                break;
            }
            names.push(self.name().ok()?);
            self.lines();
            if !self.is(")") {
                self.need(",").ok()?;
            }
        }
        self.is("=>").then_some(names)
    }

    /// `{ ... }`. What is no member is passed over and noted.
    pub fn object(&mut self) -> Parsed<Expression> {
        let start = self.next().start;
        self.need("{")?;
        let (mut entries, mut below) = (Vec::new(), Vec::new());
        loop {
            self.separators();
            if self.took("}") {
                break;
            }
            if self.next().token == Token::End || self.ends_here(self.at) {
                self.note(Problem {
                    message: "`{` is not closed".to_owned(),
                    span: span(start, start + 1),
                });
                entries.push(Entry::Broken);
                break;
            }
            let from = self.next().start;
            match self.deeper(Self::entry) {
                Ok((entry, height)) => {
                    below.push(height);
                    entries.push(entry);
                }
                Err(problem) => {
                    self.note(problem);
                    self.skip();
                    entries.push(Entry::Broken);
                }
            }
            self.past(from);
        }
        self.over(Kind::Object(entries), start, &below)
    }

    fn separators(&mut self) {
        self.lines();
        while self.took(",") {
            self.lines();
        }
    }

    /// Makes sure that something was passed, and that a separator or an end follows.
    fn past(&mut self, from: usize) {
        let lexeme = self.next();
        let ends = matches!(
            lexeme.token,
            Token::NewLine | Token::End | Token::Symbol("," | "}" | "]")
        );
        if !ends && !self.ends_here(lexeme.start) {
            let problem = self.unexpected::<()>("the end of the line");
            problem.unwrap_or_else(|problem| self.note(problem));
            self.skip();
        }
        // Nothing may hold the reading up; blanks before a token are no progress.
        if self.next().start == from && self.next().token != Token::End {
            self.take();
        }
    }

    fn entry(&mut self) -> Parsed<(Entry, u16)> {
        if self.took("...") {
            let value = self.expression()?;
            let height = value.height;
            return Ok((Entry::Spread(value), height));
        }
        if self.begins_nested() {
            let statement = self.statement();
            return Ok((Entry::Nested(Box::new(statement)), 1));
        }
        let key = self.key()?;
        self.need(":")?;
        if self.lines_continue() {
            self.lines();
        }
        let from = self.next().start;
        let value = match self.expression() {
            Ok(value) => value,
            Err(problem) => {
                self.note(problem);
                self.skip();
                self.broken(from)
            }
        };
        let height = value.height.max(key.height);
        Ok((Entry::Member { key, value }, height))
    }

    /// A value may stand on the line behind its name, where it cannot be another name.
    fn lines_continue(&mut self) -> bool {
        self.next().token == Token::NewLine && matches!(self.next_beyond_lines().token, Token::Symbol("{" | "[" | "("))
    }

    fn key(&mut self) -> Parsed<Expression> {
        let lexeme = self.next();
        match lexeme.token {
            Token::Quote => self.string(),
            Token::Name => {
                self.take();
                let texts = vec![self.slice(lexeme).to_owned()];
                self.over(
                    Kind::Text {
                        texts,
                        holes: Vec::new(),
                    },
                    lexeme.start,
                    &[],
                )
            }
            _ => self.unexpected("the name of a member"),
        }
    }

    fn array_or_loop(&mut self) -> Parsed<Expression> {
        let start = self.take().start;
        let inside = self.at;
        self.lines();
        let is_loop = self.is_word("for") && {
            self.take();
            matches!(self.next().token, Token::Name | Token::Symbol("("))
        };
        if is_loop {
            return self.for_loop(start);
        }
        self.at = inside;
        self.array(start)
    }

    fn array(&mut self, start: usize) -> Parsed<Expression> {
        let (mut elements, mut below) = (Vec::new(), Vec::new());
        loop {
            self.separators();
            if self.took("]") {
                break;
            }
            if self.next().token == Token::End || self.ends_here(self.at) {
                return Err(Problem {
                    message: "`[` is not closed".to_owned(),
                    span: span(start, start + 1),
                });
            }
            let from = self.next().start;
            let spread = self.took("...");
            let value = match self.expression() {
                Ok(value) => value,
                Err(problem) => {
                    self.note(problem);
                    self.skip();
                    self.broken(from)
                }
            };
            below.push(value.height);
            elements.push(Element { value, spread });
            self.past(from);
        }
        self.over(Kind::Array(elements), start, &below)
    }

    /// Behind `[for`.
    fn for_loop(&mut self, start: usize) -> Parsed<Expression> {
        let (item, index) = if self.took("(") {
            self.lines();
            let item = self.name()?;
            self.lines();
            self.need(",")?;
            self.lines();
            let index = self.name()?;
            self.lines();
            self.need(")")?;
            (item, Some(index))
        } else {
            (self.name()?, None)
        };
        self.need_word("in")?;
        let of = self.expression()?;
        self.need(":")?;
        self.lines();
        let body = self.body()?;
        self.lines();
        self.need("]")?;
        let below = [of.height, body.height];
        let kind = Kind::For {
            item,
            index,
            of: Box::new(of),
            body: Box::new(body),
        };
        self.over(kind, start, &below)
    }

    /// The body of a declaration or of a loop: a value, or one behind `if (...)`.
    pub fn body(&mut self) -> Parsed<Expression> {
        let start = self.next().start;
        if self.is_word("if") {
            self.take();
            if self.is("(") {
                let condition = self.parentheses()?;
                self.lines();
                let body = self.object()?;
                let below = [condition.height, body.height];
                let kind = Kind::If {
                    condition: Box::new(condition),
                    body: Box::new(body),
                };
                return self.over(kind, start, &below);
            }
            self.at = start;
        }
        self.expression()
    }
}

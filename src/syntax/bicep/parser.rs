//! The cursor over a text: what comes next, what is expected, and how far to pass over what is broken.

use super::token::{self, Lexeme, Token};
use super::tree::{Document, Expression, Kind, Name, Problem};
use crate::syntax::Span;

/// Deepest nesting of brackets and operators, and height of any tree.
pub(super) const DEPTH: usize = 100;
const HEIGHT: u16 = 300;

/// Most problems that are kept of one statement, and of one text.
const OF_STATEMENT: usize = 3;
const OF_TEXT: usize = 50;

pub(super) type Parsed<T> = Result<T, Problem>;

pub(super) struct Parser<'t> {
    pub text: &'t str,
    pub at: usize,
    /// Whether a statement at the start of a line ends whatever is open.
    pub lines_end: bool,
    depth: usize,
    ahead: Option<(usize, Lexeme)>,
    problems: Vec<Problem>,
    /// How many problems there were before the present statement.
    before: usize,
}

impl<'t> Parser<'t> {
    pub fn new(text: &'t str, lines_end: bool) -> Self {
        Parser {
            text,
            at: 0,
            lines_end,
            depth: 0,
            ahead: None,
            problems: Vec::new(),
            before: 0,
        }
    }

    pub fn document(mut self) -> Document {
        let mut statements = Vec::new();
        loop {
            self.lines();
            if self.next().token == Token::End {
                break;
            }
            self.before = self.problems.len();
            let from = self.next().start;
            statements.push(self.statement());
            if self.next().start == from {
                // Nothing may hold the reading up.
                self.take();
            }
        }
        Document {
            statements,
            problems: self.problems,
        }
    }

    /// The next token, which stays.
    pub fn next(&mut self) -> Lexeme {
        match self.ahead {
            Some((at, lexeme)) if at == self.at => lexeme,
            _ => {
                let lexeme = token::next(self.text, self.at);
                self.ahead = Some((self.at, lexeme));
                lexeme
            }
        }
    }

    pub fn take(&mut self) -> Lexeme {
        let lexeme = self.next();
        self.at = lexeme.end;
        lexeme
    }

    /// The first token that is no line end, which stays.
    pub fn next_beyond_lines(&self) -> Lexeme {
        let mut lexeme = token::next(self.text, self.at);
        while lexeme.token == Token::NewLine {
            lexeme = token::next(self.text, lexeme.end);
        }
        lexeme
    }

    /// Passes line ends.
    pub fn lines(&mut self) {
        while self.next().token == Token::NewLine {
            self.take();
        }
    }

    pub fn is(&mut self, symbol: &str) -> bool {
        self.next().token == Token::Symbol(token::symbol(symbol))
    }

    pub fn took(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        if found {
            self.take();
        }
        found
    }

    pub fn need(&mut self, symbol: &str) -> Parsed<()> {
        if self.took(symbol) {
            return Ok(());
        }
        self.unexpected(&format!("`{symbol}`"))
    }

    /// Whether this name is next.
    pub fn is_word(&mut self, word: &str) -> bool {
        let lexeme = self.next();
        lexeme.token == Token::Name && self.slice(lexeme) == word
    }

    pub fn took_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.take();
        }
        found
    }

    pub fn need_word(&mut self, word: &str) -> Parsed<()> {
        match self.took_word(word) {
            true => Ok(()),
            false => self.unexpected(&format!("`{word}`")),
        }
    }

    pub fn name(&mut self) -> Parsed<Name> {
        let lexeme = self.next();
        if lexeme.token != Token::Name {
            return self.unexpected("a name");
        }
        self.take();
        Ok(Name {
            text: self.slice(lexeme).to_owned(),
            span: span(lexeme.start, lexeme.end),
        })
    }

    pub fn slice(&self, lexeme: Lexeme) -> &'t str {
        self.text.get(lexeme.start..lexeme.end).unwrap_or_default()
    }

    pub fn unexpected<T>(&mut self, wanted: &str) -> Parsed<T> {
        let lexeme = self.next();
        let found = match lexeme.token {
            Token::End => "the end of the file".to_owned(),
            Token::NewLine => "the end of the line".to_owned(),
            _ => format!("`{}`", self.slice(lexeme)),
        };
        Err(Problem {
            message: format!("{wanted} is expected, not {found}"),
            span: span(lexeme.start, lexeme.end),
        })
    }

    pub fn note(&mut self, problem: Problem) {
        let known = self.problems.last().is_some_and(|last| last.span == problem.span);
        if !known && self.problems.len() < (self.before + OF_STATEMENT).min(OF_TEXT) {
            self.problems.push(problem);
        }
    }

    /// Runs one level deeper.
    pub fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEPTH {
            let at = self.next().start;
            return Err(Problem {
                message: format!("it is nested deeper than {DEPTH} levels"),
                span: span(at, at),
            });
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    /// An expression over others, unless it becomes too high.
    pub fn over(&self, kind: Kind, start: usize, below: &[u16]) -> Parsed<Expression> {
        let height = below.iter().copied().max().unwrap_or(0).saturating_add(1);
        let span = span(start, self.at);
        if height > HEIGHT {
            return Err(Problem {
                message: format!("an expression of more than {HEIGHT} levels"),
                span,
            });
        }
        Ok(Expression { kind, span, height })
    }

    /// What stands for something that was not understood.
    pub fn broken(&self, start: usize) -> Expression {
        Expression {
            kind: Kind::Broken,
            span: span(start, self.at),
            height: 1,
        }
    }

    /// Passes to the end of the line or to the bracket that closes what is open around.
    pub fn skip(&mut self) {
        let mut depth = 0_usize;
        loop {
            let lexeme = self.next();
            match lexeme.token {
                Token::End => return,
                Token::NewLine if depth == 0 || self.ends_here(lexeme.end) => return,
                Token::Symbol("{" | "[" | "(") => depth += 1,
                Token::Symbol("}" | "]" | ")") if depth == 0 => return,
                Token::Symbol("}" | "]" | ")") => depth -= 1,
                Token::Quote => {
                    self.pass_string();
                    continue;
                }
                _ => {}
            }
            self.take();
        }
    }

    /// Whether a statement begins at the start of the line at this place, and ends whatever is open.
    pub fn ends_here(&self, at: usize) -> bool {
        self.lines_end && self.begins_statement(at)
    }

    /// Whether a line begins with the keyword of a statement and a name, or with a decorator.
    pub fn begins_statement(&self, at: usize) -> bool {
        let begins = at == 0 || self.text.get(..at).is_some_and(|before| before.ends_with(['\n', '\r']));
        let first = token::next(self.text, at);
        if !begins || first.start != at {
            return false;
        }
        let second = token::next(self.text, first.end);
        match first.token {
            Token::Symbol("@") => second.token == Token::Name,
            Token::Name if self.slice(first) == "targetScope" => second.token == Token::Symbol("="),
            Token::Name => {
                super::statement::KEYWORDS.contains(&self.slice(first))
                    && matches!(second.token, Token::Name | Token::Quote)
            }
            _ => false,
        }
    }
}

pub(super) fn span(start: usize, end: usize) -> Span {
    Span { start, end }
}

//! Tokens to a query. What is outside the subset is named with its place, never passed over.

use super::lexer::{Kind, Token, Unread, tokens};
use super::query::{Expression, Query, Step};

/// Reads a query.
pub fn parse(text: &str) -> Result<Query, Unread> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
    };
    parser.query()
}

pub(super) struct Parser {
    pub tokens: Vec<Token>,
    pub at: usize,
    pub depth: usize,
}

impl Parser {
    fn query(&mut self) -> Result<Query, Unread> {
        let table = match self.peek() {
            Some(Kind::Word(word)) if !is_step(word) => {
                let table = word.to_ascii_lowercase();
                self.at += 1;
                table
            }
            _ => "resources".to_owned(),
        };
        let mut steps = Vec::new();
        if table == "resources" && matches!(self.peek(), Some(Kind::Word(_))) {
            steps.push(self.step()?);
        }
        while self.takes("|") {
            steps.push(self.step()?);
        }
        self.takes(";");
        match self.peek() {
            None => Ok(Query { table, steps }),
            Some(_) => Err(self.unread()),
        }
    }

    fn step(&mut self) -> Result<Step, Unread> {
        let name = self.word()?;
        match name.as_str() {
            "where" | "filter" => Ok(Step::Where(self.condition()?)),
            "project" => Ok(Step::Project(self.columns()?)),
            "extend" => Ok(Step::Extend(self.columns()?)),
            "order" | "sort" => {
                self.keyword("by")?;
                Ok(Step::Order(self.orders()?))
            }
            "limit" | "take" => self.limit(),
            "count" => Ok(Step::Count),
            "summarize" => self.summarize(),
            _ => {
                self.at -= 1;
                Err(self.unread())
            }
        }
    }

    fn limit(&mut self) -> Result<Step, Unread> {
        match self.peek() {
            Some(Kind::Number(number)) if *number >= 0.0 && number.fract() == 0.0 => {
                let limit = *number as usize;
                self.at += 1;
                Ok(Step::Limit(limit))
            }
            _ => Err(self.unread()),
        }
    }

    fn summarize(&mut self) -> Result<Step, Unread> {
        let mut name = "count_".to_owned();
        if matches!(
            self.tokens.get(self.at + 1).map(|token| &token.kind),
            Some(Kind::Sign("="))
        ) {
            name = self.word()?;
            self.at += 1;
        }
        self.keyword("count")?;
        self.sign("(")?;
        self.sign(")")?;
        let mut by = Vec::new();
        if matches!(self.peek(), Some(Kind::Word(word)) if word == "by") {
            self.at += 1;
            by = self.columns()?;
        }
        Ok(Step::Summarize(name, by))
    }

    fn columns(&mut self) -> Result<Vec<(String, Expression)>, Unread> {
        let mut columns = vec![self.column()?];
        while self.takes(",") {
            columns.push(self.column()?);
        }
        Ok(columns)
    }

    fn column(&mut self) -> Result<(String, Expression), Unread> {
        let is_named = matches!(
            self.tokens.get(self.at + 1).map(|token| &token.kind),
            Some(Kind::Sign("="))
        );
        if is_named {
            let name = self.word()?;
            self.at += 1;
            return Ok((name, self.expression()?));
        }
        let expression = self.expression()?;
        Ok((expression.name(), expression))
    }

    fn orders(&mut self) -> Result<Vec<(Expression, bool)>, Unread> {
        let mut orders = Vec::new();
        loop {
            let expression = self.expression()?;
            // Kusto sorts from the greatest down unless told otherwise.
            let mut falls = true;
            if let Some(Kind::Word(word)) = self.peek() {
                falls = match word.as_str() {
                    "asc" => false,
                    "desc" => true,
                    _ => return Err(self.unread()),
                };
                self.at += 1;
            }
            orders.push((expression, falls));
            if !self.takes(",") {
                return Ok(orders);
            }
        }
    }

    pub(super) fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    pub(super) fn takes(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Kind::Sign(next)) if *next == sign);
        self.at += usize::from(found);
        found
    }

    pub(super) fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Kind::Word(next)) if next == word);
        self.at += usize::from(found);
        found
    }

    pub(super) fn is_call(&self, name: &str) -> bool {
        let follows = self.tokens.get(self.at + 1).map(|token| &token.kind);
        matches!(self.peek(), Some(Kind::Word(word)) if word == name) && matches!(follows, Some(Kind::Sign("(")))
    }

    pub(super) fn word(&mut self) -> Result<String, Unread> {
        match self.peek() {
            Some(Kind::Word(word)) => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.unread()),
        }
    }

    fn keyword(&mut self, word: &str) -> Result<(), Unread> {
        if self.takes_word(word) {
            return Ok(());
        }
        Err(self.unread())
    }

    pub(super) fn sign(&mut self, sign: &str) -> Result<(), Unread> {
        if self.takes(sign) {
            return Ok(());
        }
        Err(self.unread())
    }

    /// The token that is not understood, or the end.
    pub(super) fn unread(&self) -> Unread {
        let shown = |kind: &Kind| match kind {
            Kind::Word(word) => word.clone(),
            Kind::Text(text) => format!("'{text}'"),
            Kind::Number(number) => number.to_string(),
            Kind::Sign(sign) => (*sign).to_owned(),
        };
        match self.tokens.get(self.at).or(self.tokens.last()) {
            Some(token) if self.at < self.tokens.len() => Unread {
                token: shown(&token.kind),
                line: token.line,
                column: token.column,
            },
            last => Unread {
                token: "<EOF>".to_owned(),
                line: last.map_or(1, |token| token.line),
                column: last.map_or(1, |token| token.column + shown(&token.kind).chars().count()),
            },
        }
    }
}

const STEPS: &[&str] = &[
    "where",
    "filter",
    "project",
    "extend",
    "order",
    "sort",
    "limit",
    "take",
    "count",
    "summarize",
];

fn is_step(word: &str) -> bool {
    STEPS.contains(&word)
}

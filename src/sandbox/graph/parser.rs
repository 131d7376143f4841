//! Tokens to a query. What is outside the subset is named with its place, never passed over.

use super::lexer::{Kind, Token, Unread, tokens};
use super::query::{Comparison, Condition, Expression, Literal, Part, Query, Step};

/// Brackets may be nested so deep.
const DEPTH: usize = 64;

/// Reads a query.
pub fn parse(text: &str) -> Result<Query, Unread> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
    };
    parser.query()
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

/// Words that compare, with whether the answer is turned round by `!`.
const COMPARISONS: &[(&str, Comparison)] = &[
    ("contains", Comparison::Contains),
    ("has", Comparison::Has),
    ("startswith", Comparison::StartsWith),
    ("endswith", Comparison::EndsWith),
];

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

    fn condition(&mut self) -> Result<Condition, Unread> {
        let mut any = vec![self.conjunction()?];
        while self.takes_word("or") {
            any.push(self.conjunction()?);
        }
        Ok(single(any, Condition::Or))
    }

    fn conjunction(&mut self) -> Result<Condition, Unread> {
        let mut all = vec![self.comparison()?];
        while self.takes_word("and") {
            all.push(self.comparison()?);
        }
        Ok(single(all, Condition::And))
    }

    fn comparison(&mut self) -> Result<Condition, Unread> {
        if self.depth >= DEPTH {
            return Err(self.unread());
        }
        if self.takes("(") {
            return self.bracketed();
        }
        if self.is_call("not") {
            self.at += 2;
            return Ok(Condition::Not(Box::new(self.bracketed()?)));
        }
        for (name, turned, null) in [
            ("isempty", false, false),
            ("isnotempty", true, false),
            ("isnull", false, true),
            ("isnotnull", true, true),
        ] {
            if self.is_call(name) {
                self.at += 2;
                let expression = self.expression()?;
                self.sign(")")?;
                let test = if null {
                    Condition::IsNull(expression)
                } else {
                    Condition::IsEmpty(expression)
                };
                return Ok(turn(test, turned));
            }
        }
        let left = self.expression()?;
        self.compare(left)
    }

    fn bracketed(&mut self) -> Result<Condition, Unread> {
        self.depth += 1;
        let condition = self.condition()?;
        self.depth -= 1;
        self.sign(")")?;
        Ok(condition)
    }

    fn compare(&mut self, left: Expression) -> Result<Condition, Unread> {
        let signs = [
            ("==", Comparison::Equal, false),
            ("!=", Comparison::Equal, true),
            ("=~", Comparison::EqualWithoutCase, false),
            ("!~", Comparison::EqualWithoutCase, true),
            ("<=", Comparison::LessOrEqual, false),
            (">=", Comparison::GreaterOrEqual, false),
            ("<", Comparison::Less, false),
            (">", Comparison::Greater, false),
        ];
        for (sign, comparison, turned) in signs {
            if self.takes(sign) {
                let right = vec![self.literal()?];
                return Ok(turn(Condition::Compare(left, comparison, right), turned));
            }
        }
        let turned = self.takes("!");
        if self.takes_word("in") {
            let comparison = if self.takes("~") {
                Comparison::EqualWithoutCase
            } else {
                Comparison::Equal
            };
            return Ok(turn(Condition::Compare(left, comparison, self.list()?), turned));
        }
        for (word, comparison) in COMPARISONS {
            if self.takes_word(word) {
                let right = vec![self.literal()?];
                return Ok(turn(Condition::Compare(left, *comparison, right), turned));
            }
        }
        Err(self.unread())
    }

    fn list(&mut self) -> Result<Vec<Literal>, Unread> {
        self.sign("(")?;
        let mut literals = vec![self.literal()?];
        while self.takes(",") {
            literals.push(self.literal()?);
        }
        self.sign(")")?;
        Ok(literals)
    }

    fn literal(&mut self) -> Result<Literal, Unread> {
        let literal = match self.peek() {
            Some(Kind::Text(text)) => Literal::Text(text.clone()),
            Some(Kind::Number(number)) => Literal::Number(*number),
            Some(Kind::Word(word)) if word == "true" => Literal::Bool(true),
            Some(Kind::Word(word)) if word == "false" => Literal::Bool(false),
            _ => return Err(self.unread()),
        };
        self.at += 1;
        Ok(literal)
    }

    fn expression(&mut self) -> Result<Expression, Unread> {
        type Wrap = fn(Box<Expression>) -> Expression;
        let calls: [(&str, Wrap); 3] = [
            ("tostring", Expression::Text),
            ("tolower", Expression::Lower),
            ("toupper", Expression::Upper),
        ];
        for (name, wrap) in calls {
            if self.is_call(name) {
                if self.depth >= DEPTH {
                    return Err(self.unread());
                }
                self.at += 2;
                self.depth += 1;
                let inner = self.expression()?;
                self.depth -= 1;
                self.sign(")")?;
                return Ok(wrap(Box::new(inner)));
            }
        }
        self.path()
    }

    fn path(&mut self) -> Result<Expression, Unread> {
        let mut parts = vec![Part::Member(self.word()?)];
        loop {
            if self.takes(".") {
                parts.push(Part::Member(self.word()?));
            } else if self.takes("[") {
                parts.push(self.index()?);
                self.sign("]")?;
            } else {
                break;
            }
        }
        // Any other function is outside the subset.
        match self.peek() {
            Some(Kind::Sign("(")) => {
                self.at -= 1;
                Err(self.unread())
            }
            _ => Ok(Expression::Path(parts)),
        }
    }

    fn index(&mut self) -> Result<Part, Unread> {
        let part = match self.peek() {
            Some(Kind::Text(name)) => Part::Member(name.clone()),
            Some(Kind::Number(number)) if *number >= 0.0 && number.fract() == 0.0 => Part::Index(*number as usize),
            _ => return Err(self.unread()),
        };
        self.at += 1;
        Ok(part)
    }

    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Kind::Sign(next)) if *next == sign);
        self.at += usize::from(found);
        found
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Kind::Word(next)) if next == word);
        self.at += usize::from(found);
        found
    }

    fn is_call(&self, name: &str) -> bool {
        let follows = self.tokens.get(self.at + 1).map(|token| &token.kind);
        matches!(self.peek(), Some(Kind::Word(word)) if word == name) && matches!(follows, Some(Kind::Sign("(")))
    }

    fn word(&mut self) -> Result<String, Unread> {
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

    fn sign(&mut self, sign: &str) -> Result<(), Unread> {
        if self.takes(sign) {
            return Ok(());
        }
        Err(self.unread())
    }

    /// The token that is not understood, or the end.
    fn unread(&self) -> Unread {
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

fn turn(condition: Condition, turned: bool) -> Condition {
    if turned {
        Condition::Not(Box::new(condition))
    } else {
        condition
    }
}

/// One condition stays as it is; several are joined.
fn single(mut conditions: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match (conditions.len(), conditions.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            conditions.extend(last);
            join(conditions)
        }
    }
}

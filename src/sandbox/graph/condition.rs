//! Conditions and expressions of a query.

use super::lexer::{Kind, Unread};
use super::parser::Parser;
use super::query::{Comparison, Condition, Expression, Literal, Part};

/// Brackets may be nested so deep.
const DEPTH: usize = 64;

/// Words that compare, with whether the answer is turned round by `!`.
const COMPARISONS: &[(&str, Comparison)] = &[
    ("contains", Comparison::Contains),
    ("has", Comparison::Has),
    ("startswith", Comparison::StartsWith),
    ("endswith", Comparison::EndsWith),
];

impl Parser {
    pub(super) fn condition(&mut self) -> Result<Condition, Unread> {
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

    pub(super) fn expression(&mut self) -> Result<Expression, Unread> {
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

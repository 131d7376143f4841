//! Text of an expression to its tree. Must not know what any function does.

use std::sync::Arc;

use crate::syntax::Expression;

/// Deepest nesting of one expression.
const DEPTH: usize = 100;

/// Parses what stands between the outer brackets. The error says what is wrong and at which byte.
pub fn parse(text: &str) -> Result<Expression, (String, usize)> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let expression = parser.expression()?;
    parser.blanks();
    match parser.peek() {
        None => Ok(expression),
        Some(other) => parser.fail(format!("`{other}` is not expected here")),
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

type Parsed<T> = Result<T, (String, usize)>;

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn fail<T>(&self, message: String) -> Parsed<T> {
        Err((message, self.at))
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, wanted: char) -> bool {
        self.blanks();
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn need(&mut self, wanted: char) -> Parsed<()> {
        if self.take(wanted) {
            return Ok(());
        }
        match self.peek() {
            Some(found) => self.fail(format!("`{wanted}` is expected, not `{found}`")),
            None => self.fail(format!("`{wanted}` is missing at the end")),
        }
    }

    fn expression(&mut self) -> Parsed<Expression> {
        self.depth += 1;
        if self.depth > DEPTH {
            return self.fail(format!("the expression is nested deeper than {DEPTH} levels"));
        }
        let mut expression = self.primary()?;
        for _ in 0..DEPTH {
            if self.take('.') {
                let safe = self.take('?');
                let name = self.identifier()?;
                expression = member(expression, Expression::Text(Arc::from(name)), safe);
            } else if self.take('[') {
                let safe = self.take('?');
                let key = self.expression()?;
                self.need(']')?;
                expression = member(expression, key, safe);
            } else {
                self.depth -= 1;
                return Ok(expression);
            }
        }
        self.fail(format!("more than {DEPTH} members are asked of one value"))
    }

    fn primary(&mut self) -> Parsed<Expression> {
        self.blanks();
        match self.peek() {
            Some('\'') => self.string(),
            Some(first) if first.is_ascii_digit() || first == '-' || first == '+' => self.number(),
            Some(first) if first.is_ascii_alphabetic() || first == '_' => self.call(),
            Some(other) => self.fail(format!("`{other}` begins no value")),
            None => self.fail("a value is missing at the end".to_owned()),
        }
    }

    /// `'it''s'` is `it's`.
    fn string(&mut self) -> Parsed<Expression> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let Some(quote) = rest.find('\'') else {
                return self.fail("a string has no end; close it with `'`".to_owned());
            };
            text.push_str(rest.get(..quote).unwrap_or_default());
            let doubled = rest.get(quote + 1..).is_some_and(|after| after.starts_with('\''));
            self.at += quote + 1 + usize::from(doubled);
            if !doubled {
                return Ok(Expression::Text(Arc::from(text)));
            }
            text.push('\'');
        }
    }

    fn number(&mut self) -> Parsed<Expression> {
        let start = self.at;
        self.at += 1;
        let part = |c: char| c.is_ascii_digit() || c == '.';
        self.at += self.rest().find(|c| !part(c)).unwrap_or(self.rest().len());
        let text = self.text.get(start..self.at).unwrap_or_default();
        let text = text.strip_prefix('+').unwrap_or(text);
        match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(value), _) => Ok(Expression::Int(value)),
            (_, Ok(_)) => Ok(Expression::Decimal(Arc::from(text))),
            _ => self.fail(format!("`{text}` is no number")),
        }
    }

    fn identifier(&mut self) -> Parsed<String> {
        self.blanks();
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
        let name = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default().to_owned();
        if name.is_empty() {
            return self.fail("a name is missing".to_owned());
        }
        self.at += name.len();
        Ok(name)
    }

    fn call(&mut self) -> Parsed<Expression> {
        let mut name = self.identifier()?;
        let mut namespace = None;
        if self.take('.') {
            namespace = Some(Arc::from(name));
            name = self.identifier()?;
        }
        if !self.take('(') {
            return self.fail(format!("`{name}` is no value; a function is called with `()`"));
        }
        let mut arguments = Vec::new();
        if !self.take(')') {
            loop {
                arguments.push(self.expression()?);
                if self.take(')') {
                    break;
                }
                self.need(',')?;
            }
        }
        Ok(Expression::Call {
            namespace,
            name: Arc::from(name),
            arguments,
        })
    }
}

fn member(of: Expression, key: Expression, safe: bool) -> Expression {
    Expression::Member {
        of: Box::new(of),
        key: Box::new(key),
        safe,
    }
}

//! The tree of an expression, which ARM templates and Bicep share. Must not know what any function does.

use std::sync::Arc;

use super::Span;

/// One expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    Null,
    Bool(bool),
    Text(Arc<str>),
    Int(i64),
    Decimal(Arc<str>),
    /// `name(arguments)` or `namespace.name(arguments)`.
    Call {
        namespace: Option<Arc<str>>,
        name: Arc<str>,
        arguments: Vec<Expression>,
    },
    /// `of.name`, `of[key]`; `safe` gives null where there is no such member (`.?`, `[?`).
    Member {
        of: Box<Expression>,
        key: Box<Expression>,
        safe: bool,
    },
    Array(Vec<Element>),
    Object(Vec<Entry>),
    /// An expression with the region that says it.
    At(Span, Box<Expression>),
    /// What cannot have a value, and why.
    Broken(Arc<str>),
}

/// One element of an array, or the elements of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    pub value: Expression,
    pub spread: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    Member {
        key: Expression,
        value: Expression,
    },
    /// The members of another object, in place of those of their names before.
    Spread(Expression),
}

impl Expression {
    pub fn text(text: &str) -> Self {
        Expression::Text(Arc::from(text))
    }

    pub fn call(name: &str, arguments: Vec<Expression>) -> Self {
        Expression::Call {
            namespace: None,
            name: Arc::from(name),
            arguments,
        }
    }

    pub fn member(self, key: &str) -> Self {
        self.element(Expression::text(key), false)
    }

    pub fn element(self, key: Expression, safe: bool) -> Self {
        Expression::Member {
            of: Box::new(self),
            key: Box::new(key),
            safe,
        }
    }

    pub fn at(self, span: Span) -> Self {
        Expression::At(span, Box::new(self))
    }

    /// The region that says it, where it has one.
    pub fn span(&self) -> Span {
        match self {
            Expression::At(span, _) => *span,
            _ => Span::default(),
        }
    }

    /// The expression without its place.
    pub fn bare(&self) -> &Expression {
        match self {
            Expression::At(_, of) => of.bare(),
            other => other,
        }
    }
}

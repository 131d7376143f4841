//! Types of expressions in rule files, and what may be done with them. Knows no syntax.

use std::fmt;

use crate::rule::fact::{FactType, Field};

/// Type of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    Bool,
    Int,
    Double,
    Text,
    List(Box<Type>),
    Record(&'static [Field]),
    /// Text keys, values of one type.
    Map(Box<Type>),
    /// Of an empty list's elements, and of what was already reported as wrong: fits everywhere.
    Any,
}

impl Type {
    pub fn list(element: Type) -> Type {
        Type::List(Box::new(element))
    }

    pub fn is_number(&self) -> bool {
        matches!(self, Type::Int | Type::Double | Type::Any)
    }

    /// One value rather than a collection: may be compared with `==`, and stands in a message hole.
    pub fn is_scalar(&self) -> bool {
        matches!(self, Type::Bool | Type::Int | Type::Double | Type::Text | Type::Any)
    }

    /// A scalar, or a list of scalars.
    pub fn is_printable(&self) -> bool {
        match self {
            Type::List(element) => element.is_scalar(),
            other => other.is_scalar(),
        }
    }

    /// Whether one may stand where the other is asked for.
    pub fn fits(&self, other: &Type) -> bool {
        match (self, other) {
            (Type::Any, _) | (_, Type::Any) => true,
            (Type::List(left), Type::List(right)) | (Type::Map(left), Type::Map(right)) => left.fits(right),
            _ => self == other,
        }
    }

    /// Whether the two can be equal or ordered at all: CEL compares whole numbers with decimal ones.
    pub fn compares_with(&self, other: &Type) -> bool {
        self.fits(other) || (self.is_number() && other.is_number())
    }

    /// The more telling of two types that fit: of `[]` and `[1]`, the second.
    pub fn unify(self, other: Type) -> Type {
        match (self, other) {
            (Type::Any, known) => known,
            (Type::List(left), Type::List(right)) => Type::list(left.unify(*right)),
            (known, _) => known,
        }
    }
}

impl From<FactType> for Type {
    fn from(ty: FactType) -> Type {
        match ty {
            FactType::Bool => Type::Bool,
            FactType::Int => Type::Int,
            FactType::Double => Type::Double,
            FactType::Text => Type::Text,
            FactType::List(element) => Type::list(Type::from(*element)),
            FactType::Record(fields) => Type::Record(fields),
            FactType::Map(value) => Type::Map(Box::new(Type::from(*value))),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Bool => out.write_str("bool"),
            Type::Int => out.write_str("int"),
            Type::Double => out.write_str("double"),
            Type::Text => out.write_str("text"),
            Type::List(element) => write!(out, "list of {element}"),
            Type::Record(_) => out.write_str("record"),
            Type::Map(value) => write!(out, "map of {value}"),
            Type::Any => out.write_str("anything"),
        }
    }
}

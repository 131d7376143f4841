//! A value and the span of text that said it: what every notation is turned into.

use std::borrow::Cow;
use std::sync::Arc;

use super::Expression;
use crate::model::Why;

/// Byte offsets in the text being read; the end is exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

#[derive(Clone, Debug)]
pub struct Node<'t> {
    pub value: Value<'t>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'t> {
    Null,
    Bool(bool),
    /// As written, so that big integers keep their digits.
    Number(Cow<'t, str>),
    Text(Cow<'t, str>),
    List(Vec<Node<'t>>),
    Object(Vec<Member<'t>>),
    /// An expression that is still to be evaluated.
    Expression(Arc<Expression>),
    /// An expression that could not be decided.
    Unknown(Why),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member<'t> {
    pub name: Cow<'t, str>,
    pub node: Node<'t>,
}

/// Two nodes are equal when they say the same, wherever they say it.
impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Node<'_> {}

impl<'t> Node<'t> {
    /// The member of an object, by name without case.
    pub fn get(&self, name: &str) -> Option<&Node<'t>> {
        match &self.value {
            Value::Object(members) => members
                .iter()
                .find(|member| member.name.eq_ignore_ascii_case(name))
                .map(|member| &member.node),
            _ => None,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Node<'t>]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_object(&self) -> Option<&[Member<'t>]> {
        match &self.value {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::List(_) => "a list",
            Value::Object(_) => "an object",
            Value::Expression(_) => "an expression",
            Value::Unknown(_) => "an unknown value",
        }
    }
}

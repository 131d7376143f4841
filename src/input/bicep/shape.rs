//! Nodes of the template that a Bicep text is turned into.

use std::borrow::Cow;
use std::sync::Arc;

use crate::syntax::{Expression, Member, Node, Span, Value};

pub type Members = Vec<Member<'static>>;

pub fn text(text: &str, span: Span) -> Node<'static> {
    // A text that begins with a bracket is no expression here.
    let plain = match text.starts_with('[') {
        true => format!("[{text}"),
        false => text.to_owned(),
    };
    Node {
        value: Value::Text(Cow::Owned(plain)),
        span,
    }
}

pub fn yes(span: Span) -> Node<'static> {
    Node {
        value: Value::Bool(true),
        span,
    }
}

pub fn expression(expression: Expression, span: Span) -> Node<'static> {
    Node {
        value: Value::Expression(Arc::new(expression)),
        span,
    }
}

pub fn object(members: Members, span: Span) -> Node<'static> {
    Node {
        value: Value::Object(members),
        span,
    }
}

pub fn list(items: Vec<Node<'static>>, span: Span) -> Node<'static> {
    Node {
        value: Value::List(items),
        span,
    }
}

pub fn member(name: &str, node: Node<'static>) -> Member<'static> {
    Member {
        name: Cow::Owned(name.to_owned()),
        node,
    }
}

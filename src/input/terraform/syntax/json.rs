//! The JSON notation: the same tree out of objects. What is a block and what an attribute is decided by where it stands;
//! within a resource nobody can tell without its schema, so there objects and lists of objects stay attributes.

use std::sync::Arc;

use super::native::parse_template;
use super::{Attribute, Block, Body, Expression, Kind, NOTHING_READ, SyntaxError};
use crate::input::terraform::language::Number;
use crate::syntax::{Node, Span, Value, json};

/// Kinds of blocks by how many labels they have.
const BLOCKS: &[(&str, usize)] = &[
    ("resource", 2),
    ("data", 2),
    ("ephemeral", 2),
    ("variable", 1),
    ("output", 1),
    ("module", 1),
    ("provider", 1),
    ("check", 1),
    ("locals", 0),
    ("terraform", 0),
    ("moved", 0),
    ("import", 0),
    ("removed", 0),
];

/// Blocks within blocks that mean something here.
const NESTED: &[&str] = &[
    "required_providers",
    "backend",
    "cloud",
    "lifecycle",
    "dynamic",
    "features",
];

/// Parses one `.tf.json` file.
pub fn parse_json(text: &str) -> Result<Body, SyntaxError> {
    let root = json::parse(text).map_err(|error| SyntaxError {
        message: error.message,
        span: error.span,
        advice: NOTHING_READ,
    })?;
    let Some(members) = root.as_object() else {
        return Err(SyntaxError {
            message: format!("a configuration is an object, not {}", root.kind()),
            span: root.span,
            advice: NOTHING_READ,
        });
    };
    let mut body = Body::default();
    for member in members {
        let name = member.name.as_ref();
        match BLOCKS.iter().find(|(kind, _)| *kind == name) {
            Some((kind, labels)) => blocks(kind, *labels, &[], &member.node, &mut body.blocks),
            // `//` is how comments are written; at the top nothing else is an attribute.
            None if name.starts_with("//") => {}
            None => body.attributes.push(attribute(name, &member.node)),
        }
    }
    Ok(body)
}

/// One object a label, and then one body or a list of them.
fn blocks(kind: &str, labels: usize, so_far: &[Arc<str>], node: &Node<'_>, out: &mut Vec<Block>) {
    match (&node.value, labels) {
        (Value::List(items), _) => {
            for item in items {
                blocks(kind, labels, so_far, item, out);
            }
        }
        (Value::Object(members), 1..) => {
            for member in members {
                if member.name.starts_with("//") {
                    continue;
                }
                let mut next = so_far.to_vec();
                next.push(Arc::from(member.name.as_ref()));
                blocks(kind, labels - 1, &next, &member.node, out);
            }
        }
        (Value::Object(_), 0) => out.push(Block {
            kind: Arc::from(kind),
            labels: so_far.to_vec(),
            body: self::body(node),
            span: node.span,
            head: Span {
                start: node.span.start,
                end: node.span.start.saturating_add(1).min(node.span.end),
            },
        }),
        _ => {}
    }
}

fn body(node: &Node<'_>) -> Body {
    let mut out = Body {
        ambiguous: true,
        ..Body::default()
    };
    for member in node.as_object().unwrap_or_default() {
        let name = member.name.as_ref();
        if name.starts_with("//") {
            continue;
        }
        match name {
            "dynamic" => blocks(name, 1, &[], &member.node, &mut out.blocks),
            "content" => blocks(name, 0, &[], &member.node, &mut out.blocks),
            _ if NESTED.contains(&name) => blocks(name, 0, &[], &member.node, &mut out.blocks),
            _ => out.attributes.push(attribute(name, &member.node)),
        }
    }
    out
}

fn attribute(name: &str, node: &Node<'_>) -> Attribute {
    Attribute {
        name: Arc::from(name),
        name_span: node.span,
        value: expression(node),
        span: node.span,
    }
}

/// Strings are templates.
fn expression(node: &Node<'_>) -> Expression {
    let kind = match &node.value {
        Value::Null | Value::Unknown(_) | Value::Expression(_) => Kind::Null,
        Value::Bool(value) => Kind::Bool(*value),
        Value::Number(digits) => Number::parse(digits).map_or(Kind::Null, Kind::Number),
        Value::Text(text) => match parse_template(text) {
            Ok(template) => moved(template, node.span).kind,
            Err(_) => Kind::Text(Arc::from(text.as_ref())),
        },
        Value::List(items) => Kind::Tuple(items.iter().map(expression).collect()),
        Value::Object(members) => Kind::Object(
            members
                .iter()
                .filter(|member| !member.name.starts_with("//"))
                .map(|member| (key(&member.name, node.span), expression(&member.node)))
                .collect(),
        ),
    };
    Expression { kind, span: node.span }
}

fn key(name: &str, span: Span) -> Expression {
    match parse_template(name) {
        Ok(template) => moved(template, span),
        Err(_) => Expression::text(name, span),
    }
}

/// Places within a string of JSON are those of the string: its escapes shift them.
fn moved(mut expression: Expression, span: Span) -> Expression {
    expression.span = span;
    expression
}

/// The members of an object as attributes, with strings as they are.
pub fn plain_members(node: &Node<'_>) -> Vec<Attribute> {
    let one = |member: &crate::syntax::Member<'_>| Attribute {
        name: Arc::from(member.name.as_ref()),
        name_span: member.node.span,
        value: plain(&member.node),
        span: member.node.span,
    };
    node.as_object().unwrap_or_default().iter().map(one).collect()
}

fn plain(node: &Node<'_>) -> Expression {
    let kind = match &node.value {
        Value::Text(text) => Kind::Text(Arc::from(text.as_ref())),
        Value::List(items) => Kind::Tuple(items.iter().map(plain).collect()),
        Value::Object(members) => Kind::Object(
            members
                .iter()
                .map(|member| (Expression::text(&member.name, node.span), plain(&member.node)))
                .collect(),
        ),
        _ => expression(node).kind,
    };
    Expression { kind, span: node.span }
}

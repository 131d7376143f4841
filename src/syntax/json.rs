//! JSON with comments to nodes. The parsing is `jsonc-parser`'s; here it is made strict and given our shape.

use std::borrow::Cow;

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};

use super::node::{Member, Node, Span, Value};

/// Why a text is not JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    pub message: String,
    pub span: Span,
}

const STRICT: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Parses one document; a text of blanks and comments only is an error.
pub fn parse(text: &str) -> Result<Node<'_>, JsonError> {
    let collect = CollectOptions {
        comments: CommentCollectionStrategy::Off,
        tokens: false,
    };
    let parsed = parse_to_ast(text, &collect, &STRICT).map_err(|error| JsonError {
        message: error.kind().to_string().to_lowercase(),
        span: Span {
            start: error.range().start,
            end: error.range().end,
        },
    })?;
    parsed.value.map(node).ok_or_else(|| JsonError {
        message: "no value".to_owned(),
        span: Span::default(),
    })
}

fn node(value: ast::Value<'_>) -> Node<'_> {
    let range = value.range();
    let span = Span {
        start: range.start,
        end: range.end,
    };
    let value = match value {
        ast::Value::NullKeyword(_) => Value::Null,
        ast::Value::BooleanLit(literal) => Value::Bool(literal.value),
        ast::Value::NumberLit(literal) => Value::Number(Cow::Borrowed(literal.value)),
        ast::Value::StringLit(literal) => Value::Text(literal.value),
        ast::Value::Array(array) => Value::List(array.elements.into_iter().map(node).collect()),
        ast::Value::Object(object) => Value::Object(object.properties.into_iter().map(member).collect()),
    };
    Node { value, span }
}

fn member(property: ast::ObjectProp<'_>) -> Member<'_> {
    let name = match property.name {
        ast::ObjectPropName::String(literal) => literal.value,
        ast::ObjectPropName::Word(word) => Cow::Borrowed(word.value),
    };
    Member {
        name,
        node: node(property.value),
    }
}

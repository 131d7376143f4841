//! JSON with comments to nodes. Plain JSON is read by `Scan`, straight into nodes; whatever it refuses (comments, commas
//! behind the last element, mistakes) is `jsonc-parser`'s, which says exactly what is wrong. Members that an object
//! repeats are settled here.

use std::borrow::Cow;
use std::collections::HashMap;

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};

use super::node::{Member, Node, Span, Value};
use super::scan::Scan;
use crate::model::{Why, WhyKind};

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

/// As Azure reads templates.
const LENIENT: ParseOptions = ParseOptions {
    allow_trailing_commas: true,
    ..STRICT
};

/// A member that one object states more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated {
    pub name: String,
    /// The later statement.
    pub span: Span,
    /// Whether both say the same.
    pub agrees: bool,
}

/// Parses one document; a text of blanks and comments only is an error.
pub fn parse(text: &str) -> Result<Node<'_>, JsonError> {
    parse_noting(text, &mut |_| {})
}

/// Parses one document and tells of members that an object repeats. Readers of JSON differ in which statement they
/// take, so where two of them differ the value is unknown.
pub fn parse_noting<'t>(text: &'t str, note: &mut dyn FnMut(Repeated)) -> Result<Node<'t>, JsonError> {
    parse_with(text, &STRICT, note)
}

/// As `parse_noting`, where a comma may stand behind the last element.
pub fn parse_lenient<'t>(text: &'t str, note: &mut dyn FnMut(Repeated)) -> Result<Node<'t>, JsonError> {
    parse_with(text, &LENIENT, note)
}

fn parse_with<'t>(
    text: &'t str,
    options: &ParseOptions,
    note: &mut dyn FnMut(Repeated),
) -> Result<Node<'t>, JsonError> {
    if let Some(node) = plain(text) {
        return Ok(settled(node, note));
    }
    let collect = CollectOptions {
        comments: CommentCollectionStrategy::Off,
        tokens: false,
    };
    let parsed = parse_to_ast(text, &collect, options).map_err(|error| JsonError {
        message: error.kind().to_string().to_lowercase(),
        span: Span {
            start: error.range().start,
            end: error.range().end,
        },
    })?;
    parsed.value.map(|value| node(value, note)).ok_or_else(|| JsonError {
        message: "no value".to_owned(),
        span: Span::default(),
    })
}

/// A text that is JSON and nothing more, with members as they are stated.
fn plain(text: &str) -> Option<Node<'_>> {
    let mut scan = Scan::new(text);
    let node = scan.node().ok()?;
    scan.end().ok()?;
    Some(node)
}

/// The node with each member of an object once, from the inside out.
fn settled<'t>(node: Node<'t>, note: &mut dyn FnMut(Repeated)) -> Node<'t> {
    let Node { value, span } = node;
    let value = match value {
        Value::List(mut items) => {
            items.iter_mut().for_each(|item| settle(item, note));
            Value::List(items)
        }
        Value::Object(mut members) => {
            members.iter_mut().for_each(|member| settle(&mut member.node, note));
            Value::Object(match repeats(&members) {
                true => merged(members, note),
                false => members,
            })
        }
        leaf => leaf,
    };
    Node { value, span }
}

fn settle(node: &mut Node<'_>, note: &mut dyn FnMut(Repeated)) {
    if matches!(node.value, Value::List(_) | Value::Object(_)) {
        let taken = std::mem::replace(&mut node.value, Value::Null);
        *node = settled(
            Node {
                value: taken,
                span: node.span,
            },
            note,
        );
    }
}

fn node<'t>(value: ast::Value<'t>, note: &mut dyn FnMut(Repeated)) -> Node<'t> {
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
        ast::Value::Array(array) => {
            Value::List(array.elements.into_iter().map(|element| node(element, note)).collect())
        }
        ast::Value::Object(object) => {
            let mut members: Vec<Member<'t>> = object
                .properties
                .into_iter()
                .map(|property| member(property, note))
                .collect();
            if repeats(&members) {
                members = merged(members, note);
            }
            Value::Object(members)
        }
    };
    Node { value, span }
}

fn member<'t>(property: ast::ObjectProp<'t>, note: &mut dyn FnMut(Repeated)) -> Member<'t> {
    let name = match property.name {
        ast::ObjectPropName::String(literal) => literal.value,
        ast::ObjectPropName::Word(word) => Cow::Borrowed(word.value),
    };
    Member {
        name,
        node: node(property.value, note),
    }
}

/// Beyond, names are sorted: objects of so many members are rare, and comparing all pairs would be slow.
const FEW: usize = 48;

/// Whether two members have the same name, without case, as members are looked up.
fn repeats(members: &[Member<'_>]) -> bool {
    if members.len() > FEW {
        let mut names: Vec<String> = members.iter().map(|member| member.name.to_ascii_lowercase()).collect();
        names.sort_unstable();
        return names.windows(2).any(|pair| matches!(pair, [a, b] if a == b));
    }
    let later = |at: usize| members.get(at + 1..).unwrap_or_default();
    let same = |a: &Member<'_>, b: &Member<'_>| a.name.len() == b.name.len() && a.name.eq_ignore_ascii_case(&b.name);
    members
        .iter()
        .enumerate()
        .any(|(at, member)| later(at).iter().any(|other| same(member, other)))
}

/// Each name once: with its value where all statements agree, else unknown.
fn merged<'t>(members: Vec<Member<'t>>, note: &mut dyn FnMut(Repeated)) -> Vec<Member<'t>> {
    let mut kept: Vec<Member<'t>> = Vec::with_capacity(members.len());
    let mut index: HashMap<String, usize> = HashMap::with_capacity(members.len());
    for member in members {
        let at = *index.entry(member.name.to_ascii_lowercase()).or_insert(kept.len());
        let Some(first) = kept.get_mut(at) else {
            kept.push(member);
            continue;
        };
        let agrees = first.node.value == member.node.value;
        note(Repeated {
            name: member.name.to_string(),
            span: member.node.span,
            agrees,
        });
        if !agrees {
            let text = format!("`{}` is stated twice in different words", member.name);
            first.node = Node {
                value: Value::Unknown(Why::new(WhyKind::Conflict, text)),
                span: member.node.span,
            };
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Node<'_>, Vec<Repeated>) {
        let mut repeated = Vec::new();
        let node = parse_noting(text, &mut |one| repeated.push(one)).unwrap();
        (node, repeated)
    }

    #[test]
    fn a_member_stated_twice_is_told_and_unknown_where_the_statements_differ() {
        let (node, repeated) = parsed(r#"{ "access": "Deny", "Access": "Allow", "name": "x" }"#);
        assert!(matches!(node.get("access").unwrap().value, Value::Unknown(_)));
        assert_eq!(repeated.len(), 1);
        assert!(!repeated[0].agrees);
    }

    #[test]
    fn a_member_stated_twice_alike_keeps_its_value() {
        let (node, repeated) = parsed(r#"[{ "a": { "b": [1, "x"] }, "a": {"b":[1,"x"]} }]"#);
        let object = &node.as_list().unwrap()[0];
        assert_eq!(object.as_object().unwrap().len(), 1);
        assert!(object.get("a").unwrap().as_object().is_some());
        assert!(repeated[0].agrees);
    }

    #[test]
    fn plain_texts_give_the_nodes_of_the_reader_with_comments() {
        for text in [
            "{\"a\": [1, -2.5e+3, 0, true, null, \"x\\n\\u00e4\"], \"b\": {}, \"c\": [[]], \"d\": {\"e\": \"two\nlines\"}}",
            "[ \"\u{20ac}\" , {\"x\":{\"X\":1,\"x\":2}} ]",
            "7",
        ] {
            let mut plain_notes = Vec::new();
            let plain = parse_noting(text, &mut |one| plain_notes.push(one)).unwrap();
            // A comment behind the document sends it to the other reader and moves nothing.
            let other = format!("{text} // more");
            let (commented, notes) = parsed(&other);
            assert_eq!(format!("{plain:?}"), format!("{commented:?}"), "{text}");
            assert_eq!(plain_notes, notes);
        }
    }

    #[test]
    fn what_is_no_json_stays_an_error() {
        for text in [
            "01",
            "1.",
            "-",
            "1e",
            ".5",
            "+1",
            "tru",
            "{\"a\" 1}",
            "[1 2]",
            "\"\\x\"",
            "\"a",
            "[1]]",
            "{,}",
            "0x1",
            "1a",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("[1,]").is_err() && parse_lenient("[1,]", &mut |_| {}).is_ok());
    }

    #[test]
    fn large_objects_are_looked_through_as_well() {
        let members: Vec<String> = (0..100).map(|at| format!("\"m{at}\": {at}")).collect();
        let text = format!("{{ {}, \"M7\": 8 }}", members.join(", "));
        let (node, repeated) = parsed(&text);
        assert_eq!((repeated.len(), node.as_object().unwrap().len()), (1, 100));
        assert!(matches!(node.get("m7").unwrap().value, Value::Unknown(_)));
    }
}

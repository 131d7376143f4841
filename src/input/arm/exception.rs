//! Exceptions in templates: in comments of JSON, and in the member `comments` that every resource may have. Each is about
//! the resource or element that follows it, else the innermost one that it is in.

use crate::model::Suppression;
use crate::source::Locator;
use crate::syntax::{Node, Span, Value};

/// Without this no text is looked through.
const MARK: &str = "portcullis:ignore";

pub fn in_json(text: &str, root: &Node<'_>, locator: &Locator<'_>) -> Vec<Suppression> {
    if !text.contains(MARK) {
        return Vec::new();
    }
    let mut things = Vec::new();
    collect(root, false, &mut things);
    let located = |span: Span| locator.locate(span.start, span.end);
    let commented = comments(text).into_iter().filter_map(|comment| {
        let said = text.get(comment.start..comment.end)?;
        let region = following(text, comment.end, &things).or_else(|| around(&things, comment.start));
        Suppression::parse(said, located(comment), region.map(|thing| located(thing.span)))
    });
    let stated = things.iter().filter_map(|thing| {
        let node = thing.comments?;
        Suppression::parse(node.as_text()?, located(node.span), Some(located(thing.span)))
    });
    commented.chain(stated).collect()
}

/// Something that an exception can be about: an element of a list, or a resource by its symbolic name.
struct Thing<'n, 't> {
    span: Span,
    comments: Option<&'n Node<'t>>,
}

/// The things in a node, those around before those within.
fn collect<'n, 't>(node: &'n Node<'t>, is_thing: bool, things: &mut Vec<Thing<'n, 't>>) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| collect(item, true, things)),
        Value::Object(members) => {
            if is_thing {
                things.push(Thing {
                    span: node.span,
                    comments: node.get("comments"),
                });
            }
            for member in members {
                match (&member.node.value, member.name.eq_ignore_ascii_case("resources")) {
                    (Value::Object(symbolic), true) => {
                        symbolic.iter().for_each(|one| collect(&one.node, true, things));
                    }
                    _ => collect(&member.node, false, things),
                }
            }
        }
        _ => {}
    }
}

/// The first thing that begins behind a comment, with nothing but blanks, comments and its own name between.
fn following<'a, 'n, 't>(text: &str, from: usize, things: &'a [Thing<'n, 't>]) -> Option<&'a Thing<'n, 't>> {
    let next = things.iter().filter(|thing| thing.span.start >= from);
    let next = next.min_by_key(|thing| (thing.span.start, std::cmp::Reverse(thing.span.end)))?;
    let between = text.get(from..next.span.start)?;
    let mut plain = String::new();
    let mut at = 0;
    for comment in comments(between) {
        plain.push_str(between.get(at..comment.start)?);
        at = comment.end;
    }
    plain.push_str(between.get(at..)?);
    let rest = plain.trim();
    let is_name = rest.strip_suffix(':').is_some_and(|name| {
        let name = name.trim();
        name.len() > 1 && name.starts_with('"') && name.ends_with('"') && name.matches('"').count() == 2
    });
    (rest.is_empty() || is_name).then_some(next)
}

fn around<'a, 'n, 't>(things: &'a [Thing<'n, 't>], at: usize) -> Option<&'a Thing<'n, 't>> {
    let around = things
        .iter()
        .filter(|thing| (thing.span.start..thing.span.end).contains(&at));
    around.min_by_key(|thing| thing.span.end - thing.span.start)
}

/// The comments of a text, outside of strings.
fn comments(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let Some(next) = rest.find(['"', '/']) else { break };
        let start = at + next;
        let rest = rest.get(next..).unwrap_or_default();
        let length = if rest.starts_with('"') {
            string(rest)
        } else if rest.starts_with("//") {
            rest.find(['\n', '\r']).unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            1
        };
        if rest.starts_with('/') && length > 1 {
            found.push(Span {
                start,
                end: start + length,
            });
        }
        at = start + length;
    }
    found
}

/// How long the string is that begins here.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

//! Exceptions in comments of Bicep: each is about the statement or element that follows it, else the innermost one that
//! it is in.

use crate::model::Suppression;
use crate::source::Locator;
use crate::syntax::Span;
use crate::syntax::bicep::{Document, Entry, Expression, Kind, Statement, StatementKind, comments};

/// Without this no text is looked through.
const MARK: &str = "portcullis:ignore";

pub fn exceptions(text: &str, document: &Document, locator: &Locator<'_>) -> Vec<Suppression> {
    if !text.contains(MARK) {
        return Vec::new();
    }
    let mut things = Vec::new();
    document
        .statements
        .iter()
        .for_each(|statement| of_statement(statement, &mut things));
    let located = |span: Span| locator.locate(span.start, span.end);
    let comments = comments(text);
    let one = |comment: &Span| {
        let said = text.get(comment.start..comment.end)?;
        let next = next_token(text, comment.end, &comments);
        let region = begins(&things, next).or_else(|| around(&things, comment.start));
        Suppression::parse(said, located(*comment), region.map(located))
    };
    comments.iter().filter_map(one).collect()
}

/// What an exception can be about: statements, resources within resources, and elements of arrays.
fn of_statement(statement: &Statement, things: &mut Vec<Span>) {
    things.push(statement.span);
    match &statement.kind {
        StatementKind::Parameter { value: Some(value), .. } | StatementKind::Variable { value, .. } => {
            within(value, things);
        }
        StatementKind::Resource(declaration) | StatementKind::Module(declaration) => within(&declaration.body, things),
        StatementKind::Function { body, .. } => within(body, things),
        _ => {}
    }
}

fn within(of: &Expression, things: &mut Vec<Span>) {
    match &of.kind {
        Kind::Array(elements) => {
            for element in elements {
                if matches!(element.value.kind, Kind::Object(_)) {
                    things.push(element.value.span);
                }
                within(&element.value, things);
            }
        }
        Kind::Object(entries) => {
            for entry in entries {
                match entry {
                    Entry::Member { value, .. } | Entry::Spread(value) => within(value, things),
                    Entry::Nested(statement) => of_statement(statement, things),
                    Entry::Broken => {}
                }
            }
        }
        Kind::For { body, .. } | Kind::If { body, .. } => within(body, things),
        Kind::Call { arguments, .. } => arguments.iter().for_each(|argument| within(argument, things)),
        Kind::Choice { yes, no, .. } => {
            within(yes, things);
            within(no, things);
        }
        _ => {}
    }
}

/// Where the text goes on behind blanks, line ends and comments.
fn next_token(text: &str, from: usize, comments: &[Span]) -> usize {
    let mut at = from;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        at += rest.len() - rest.trim_start().len();
        match comments.iter().find(|comment| comment.start == at && comment.end > at) {
            Some(comment) => at = comment.end,
            None => return at,
        }
    }
}

/// The largest thing that begins at a place.
fn begins(things: &[Span], at: usize) -> Option<Span> {
    let here = things.iter().filter(|thing| thing.start == at);
    here.max_by_key(|thing| thing.end).copied()
}

/// The smallest thing around a place.
fn around(things: &[Span], at: usize) -> Option<Span> {
    let around = things.iter().filter(|thing| (thing.start..thing.end).contains(&at));
    around.min_by_key(|thing| thing.end - thing.start).copied()
}

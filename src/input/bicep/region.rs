//! What in a Bicep text a comment can be about: declarations, and objects that are elements of a list.

use crate::syntax::Span;
use crate::syntax::bicep::{Document, Entry, Expression, Kind, Statement, StatementKind};

pub fn regions(document: &Document) -> Vec<Span> {
    let mut out = Vec::new();
    document.statements.iter().for_each(|one| statement(one, &mut out));
    out
}

fn statement(one: &Statement, out: &mut Vec<Span>) {
    match &one.kind {
        StatementKind::Resource(declaration) | StatementKind::Module(declaration) => {
            out.push(one.span);
            expression(&declaration.body, out);
        }
        StatementKind::Variable { value, .. } => expression(value, out),
        _ => {}
    }
}

fn expression(of: &Expression, out: &mut Vec<Span>) {
    match &of.kind {
        Kind::Array(elements) => elements.iter().for_each(|element| listed(&element.value, out)),
        Kind::Object(entries) => entries.iter().for_each(|entry| match entry {
            Entry::Member { value, .. } | Entry::Spread(value) => expression(value, out),
            Entry::Nested(inner) => statement(inner, out),
            Entry::Broken => {}
        }),
        Kind::For { body, .. } => listed(body, out),
        Kind::If { body, .. } => expression(body, out),
        Kind::Call { arguments, .. } => arguments.iter().for_each(|one| expression(one, out)),
        Kind::Choice { yes, no, .. } => [yes, no].into_iter().for_each(|one| expression(one, out)),
        _ => {}
    }
}

fn listed(of: &Expression, out: &mut Vec<Span>) {
    if matches!(of.kind, Kind::Object(_)) {
        out.push(of.span);
    }
    expression(of, out);
}

//! Moves the places of a tree: several files are laid end to end, and each begins where the one before ended.

use super::{Block, Body, Expression, Kind, Part, Step, StepKind};
use crate::syntax::Span;

fn span(span: &mut Span, by: usize) {
    span.start += by;
    span.end += by;
}

pub fn body(body: &mut Body, by: usize) {
    for attribute in &mut body.attributes {
        span(&mut attribute.name_span, by);
        span(&mut attribute.span, by);
        expression(&mut attribute.value, by);
    }
    for one in &mut body.blocks {
        block(one, by);
    }
}

fn block(block: &mut Block, by: usize) {
    span(&mut block.span, by);
    span(&mut block.head, by);
    body(&mut block.body, by);
}

fn all<'e>(expressions: impl IntoIterator<Item = &'e mut Expression>, by: usize) {
    for one in expressions {
        expression(one, by);
    }
}

fn expression(one: &mut Expression, by: usize) {
    span(&mut one.span, by);
    match &mut one.kind {
        Kind::Broken | Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Variable(_) => {}
        Kind::Template(parts) => self::parts(parts, by),
        Kind::Tuple(items) => all(items, by),
        Kind::Object(members) => all(members.iter_mut().flat_map(|(key, value)| [key, value]), by),
        Kind::Traversal(root, steps) => {
            expression(root, by);
            self::steps(steps, by);
        }
        Kind::Unary(_, operand) => expression(operand, by),
        Kind::Binary(_, left, right) => all([&mut **left, &mut **right], by),
        Kind::Conditional(condition, then, otherwise) => {
            all([&mut **condition, &mut **then, &mut **otherwise], by);
        }
        Kind::Call(call) => all(&mut call.arguments, by),
        Kind::For(one) => {
            all([&mut one.collection, &mut one.result], by);
            all(one.result_key.iter_mut().chain(&mut one.condition), by);
        }
    }
}

fn steps(steps: &mut [Step], by: usize) {
    for step in steps {
        span(&mut step.span, by);
        if let StepKind::Index(index) = &mut step.kind {
            expression(index, by);
        }
    }
}

fn parts(parts: &mut [Part], by: usize) {
    for part in parts {
        match part {
            Part::Literal(_) => {}
            Part::Interpolation(one) => expression(one, by),
            Part::If(condition, then, otherwise) => {
                expression(condition, by);
                self::parts(then, by);
                self::parts(otherwise, by);
            }
            Part::For { collection, body, .. } => {
                expression(collection, by);
                self::parts(body, by);
            }
        }
    }
}

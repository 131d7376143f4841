//! The native notation. The parsing is `hcl-edit`'s; here it is given our shape, with numbers exact and templates as
//! Terraform trims them.

use std::collections::BTreeSet;
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::{self as edit, TraversalOperator};
use hcl_edit::structure::{self, Structure};
use hcl_edit::template::Template;

use super::heredoc::{Flush, parts};
use super::mend::{self, Renamed};
use super::torn;
use super::{
    Attribute, Binary, Block, Body, Call, Expression, For, Kind, NOTHING_READ, Part, Step, StepKind, SyntaxError, Unary,
};
use crate::input::terraform::language::Number;
use crate::syntax::Span;

/// Parses one file, without its byte-order mark. What cannot be read is told, and the rest is there.
pub fn parse(text: &str) -> (Body, Vec<SyntaxError>) {
    match whole(text) {
        Ok(body) => (body, Vec::new()),
        Err(_) => torn::parse(text),
    }
}

/// Parses a text in which nothing is wrong.
fn whole(text: &str) -> Result<Body, SyntaxError> {
    body(text, text, &Broken::new())
}

/// Parses `mended`, which is `text` with names in place of what is broken.
pub fn body(text: &str, mended: &str, broken: &Broken) -> Result<Body, SyntaxError> {
    closed(mended)?;
    let (body, renamed) = mend::parse::<structure::Body>(mended).map_err(|error| refused(&error, mended))?;
    Ok(Builder { text, renamed, broken }.body(&body))
}

pub fn parse_expression(text: &str) -> Result<Expression, SyntaxError> {
    closed(text)?;
    let (expression, renamed) = mend::parse::<edit::Expression>(text).map_err(|error| refused(&error, text))?;
    let broken = &Broken::new();
    Ok(Builder { text, renamed, broken }.expression(&expression))
}

/// The parser takes a string over the end of its line; Terraform does not.
fn closed(text: &str) -> Result<(), SyntaxError> {
    torn::unclosed(text).next().map_or(Ok(()), Err)
}

/// Parses the text of a template, as `templatefile` and strings of JSON hold it.
pub fn parse_template(text: &str) -> Result<Expression, SyntaxError> {
    let span = Span {
        start: 0,
        end: text.len(),
    };
    if !text.contains("${") && !text.contains("%{") {
        return Ok(Expression::text(text, span));
    }
    let template: Template = text.parse().map_err(|error| refused(&error, text))?;
    let builder = Builder {
        text,
        renamed: Renamed::new(),
        broken: &Broken::new(),
    };
    let parts = parts(&builder, &template, Flush::No, true);
    Ok(Expression {
        kind: template_kind(parts, false),
        span,
    })
}

fn refused(error: &hcl_edit::parser::Error, text: &str) -> SyntaxError {
    let mut at = error.location().offset().min(text.len());
    while at > 0 && !text.is_char_boundary(at) {
        at -= 1;
    }
    SyntaxError {
        message: error.message().trim().replace("; ", ", ").to_lowercase(),
        span: Span { start: at, end: at },
        advice: NOTHING_READ,
    }
}

/// One interpolation alone keeps the type of its value; heredocs always are strings, since a line end follows.
pub fn template_kind(mut parts: Vec<Part>, heredoc: bool) -> Kind {
    match parts.as_slice() {
        [] => return Kind::Text(Arc::from("")),
        [Part::Literal(text)] => return Kind::Text(text.clone()),
        [Part::Interpolation(_)] if !heredoc => {}
        _ => return Kind::Template(parts),
    }
    match parts.pop() {
        Some(Part::Interpolation(expression)) => expression.kind,
        Some(part) => Kind::Template(vec![part]),
        None => Kind::Null,
    }
}

pub struct Builder<'t> {
    pub text: &'t str,
    /// Keys that have another name in the tree than in the text.
    renamed: Renamed,
    /// Names that stand in place of what is no expression.
    broken: &'t Broken,
}

/// Where something stands that is no expression.
pub type Broken = BTreeSet<usize>;

fn span(range: Option<std::ops::Range<usize>>) -> Span {
    let range = range.unwrap_or_default();
    Span {
        start: range.start,
        end: range.end,
    }
}

impl Builder<'_> {
    fn body(&self, body: &structure::Body) -> Body {
        let mut out = Body::default();
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => out.attributes.push(self.attribute(attribute)),
                Structure::Block(block) => out.blocks.push(self.block(block)),
            }
        }
        out
    }

    fn attribute(&self, attribute: &structure::Attribute) -> Attribute {
        let value = self.expression(&attribute.value);
        let name_span = span(attribute.key.span());
        Attribute {
            name: Arc::from(attribute.key.as_str()),
            span: Span {
                start: name_span.start,
                end: value.span.end,
            },
            name_span,
            value,
        }
    }

    fn block(&self, block: &structure::Block) -> Block {
        let head = span(block.ident.span());
        let end = block
            .labels
            .last()
            .and_then(|label| match label {
                structure::BlockLabel::Ident(ident) => ident.span(),
                structure::BlockLabel::String(text) => text.span(),
            })
            .map_or(head.end, |range| range.end);
        Block {
            kind: Arc::from(block.ident.as_str()),
            labels: block.labels.iter().map(|label| Arc::from(label.as_str())).collect(),
            body: self.body(&block.body),
            span: span(block.span()),
            head: Span { start: head.start, end },
        }
    }

    pub fn expression(&self, expression: &edit::Expression) -> Expression {
        let place = span(expression.span());
        let boxed = |inner: &edit::Expression| Box::new(self.expression(inner));
        let kind = match expression {
            edit::Expression::Variable(_) if self.broken.contains(&place.start) => Kind::Broken,
            edit::Expression::Null(_) => Kind::Null,
            edit::Expression::Bool(value) => Kind::Bool(*value.value()),
            edit::Expression::Number(_) => self.number(expression, place),
            edit::Expression::String(text) => Kind::Text(Arc::from(text.as_str())),
            edit::Expression::Array(items) => Kind::Tuple(items.iter().map(|item| self.expression(item)).collect()),
            edit::Expression::Object(object) => Kind::Object(
                object
                    .iter()
                    .map(|(key, value)| (self.key(key), self.expression(value.expr())))
                    .collect(),
            ),
            edit::Expression::StringTemplate(template) => template_kind(parts(self, template, Flush::No, false), false),
            edit::Expression::HeredocTemplate(heredoc) => {
                let opening = self.text.get(place.start..).unwrap_or_default();
                let flush = if opening.starts_with("<<-") {
                    Flush::Yes
                } else {
                    Flush::No
                };
                template_kind(parts(self, &heredoc.template, flush, true), true)
            }
            edit::Expression::Parenthesis(inner) => self.expression(inner.inner()).kind,
            edit::Expression::Variable(name) => Kind::Variable(Arc::from(name.as_str())),
            edit::Expression::Conditional(one) => {
                Kind::Conditional(boxed(&one.cond_expr), boxed(&one.true_expr), boxed(&one.false_expr))
            }
            edit::Expression::FuncCall(call) => self.call(call),
            edit::Expression::Traversal(traversal) => {
                let steps = traversal.operators.iter().map(|operator| self.step(operator)).collect();
                Kind::Traversal(boxed(&traversal.expr), steps)
            }
            edit::Expression::UnaryOp(one) => {
                let operator = match one.operator.value() {
                    edit::UnaryOperator::Neg => Unary::Negate,
                    edit::UnaryOperator::Not => Unary::Not,
                };
                Kind::Unary(operator, boxed(&one.expr))
            }
            edit::Expression::BinaryOp(one) => Kind::Binary(
                binary(*one.operator.value()),
                boxed(&one.lhs_expr),
                boxed(&one.rhs_expr),
            ),
            edit::Expression::ForExpr(one) => self.for_expression(one),
        };
        Expression { kind, span: place }
    }

    /// The parser keeps machine numbers; the text has all digits.
    fn number(&self, expression: &edit::Expression, place: Span) -> Kind {
        let written = self.text.get(place.start..place.end).and_then(Number::parse);
        let rough = || {
            expression
                .as_number()
                .and_then(|number| Number::parse(&number.to_string()))
        };
        written.or_else(rough).map_or(Kind::Null, Kind::Number)
    }

    fn key(&self, key: &edit::ObjectKey) -> Expression {
        let place = match key {
            edit::ObjectKey::Ident(name) => span(name.span()),
            edit::ObjectKey::Expression(expression) => span(expression.span()),
        };
        match (self.renamed.get(&place.start), key) {
            (Some(name), _) => Expression::text(name, place),
            (None, _) if self.broken.contains(&place.start) => Expression {
                kind: Kind::Broken,
                span: place,
            },
            (None, edit::ObjectKey::Ident(name)) => Expression::text(name.as_str(), place),
            (None, edit::ObjectKey::Expression(expression)) => self.expression(expression),
        }
    }

    fn call(&self, call: &edit::FuncCall) -> Kind {
        let mut name = String::new();
        for part in &call.name.namespace {
            name.push_str(part.as_str());
            name.push_str("::");
        }
        name.push_str(call.name.name.as_str());
        Kind::Call(Box::new(Call {
            name: Arc::from(name.strip_prefix("core::").unwrap_or(&name)),
            arguments: call.args.iter().map(|argument| self.expression(argument)).collect(),
            expand: call.args.expand_final(),
        }))
    }

    fn step(&self, operator: &hcl_edit::Decorated<TraversalOperator>) -> Step {
        let kind = match operator.value() {
            TraversalOperator::AttrSplat(_) => StepKind::AttributeSplat,
            TraversalOperator::FullSplat(_) => StepKind::FullSplat,
            TraversalOperator::GetAttr(name) => StepKind::Attribute(Arc::from(name.as_str())),
            TraversalOperator::Index(index) => StepKind::Index(Box::new(self.expression(index))),
            TraversalOperator::LegacyIndex(index) => StepKind::Position(*index.value()),
        };
        Step {
            kind,
            span: span(operator.span()),
        }
    }

    fn for_expression(&self, one: &edit::ForExpr) -> Kind {
        Kind::For(Box::new(For {
            key: one.intro.key_var.as_ref().map(|name| Arc::from(name.as_str())),
            value: Arc::from(one.intro.value_var.as_str()),
            collection: self.expression(&one.intro.collection_expr),
            result_key: one.key_expr.as_ref().map(|key| self.expression(key)),
            result: self.expression(&one.value_expr),
            grouping: one.grouping,
            condition: one.cond.as_ref().map(|condition| self.expression(&condition.expr)),
        }))
    }
}

fn binary(operator: edit::BinaryOperator) -> Binary {
    match operator {
        edit::BinaryOperator::Eq => Binary::Equal,
        edit::BinaryOperator::NotEq => Binary::NotEqual,
        edit::BinaryOperator::LessEq => Binary::LessEqual,
        edit::BinaryOperator::GreaterEq => Binary::GreaterEqual,
        edit::BinaryOperator::Less => Binary::Less,
        edit::BinaryOperator::Greater => Binary::Greater,
        edit::BinaryOperator::Plus => Binary::Add,
        edit::BinaryOperator::Minus => Binary::Subtract,
        edit::BinaryOperator::Mul => Binary::Multiply,
        edit::BinaryOperator::Div => Binary::Divide,
        edit::BinaryOperator::Mod => Binary::Remainder,
        edit::BinaryOperator::And => Binary::And,
        edit::BinaryOperator::Or => Binary::Or,
    }
}

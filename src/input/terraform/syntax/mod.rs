//! Text to the tree that both notations of Terraform share, each part with its place. Must not know what names mean.

mod heredoc;
mod json;
mod mend;
mod native;
mod reference;
mod shift;
mod torn;

use std::sync::Arc;

pub use json::{parse_json, plain_members};
pub use native::{parse, parse_expression, parse_template};
pub use reference::{Reference, references};
pub use shift::body as shift;

use super::language::Number;
use crate::syntax::Span;

/// Why a text is not Terraform, and where.
#[derive(Clone, Debug)]
pub struct SyntaxError {
    pub message: String,
    pub span: Span,
    /// What to do, and what is unknown until then.
    pub advice: &'static str,
}

/// Advice for a text that is lost as a whole.
pub const NOTHING_READ: &str = "correct it; nothing of this file was judged";

/// Attributes and blocks in the order stated.
#[derive(Clone, Debug, Default)]
pub struct Body {
    pub attributes: Vec<Attribute>,
    pub blocks: Vec<Block>,
    /// Written as JSON, where an object may be a block and only a schema tells.
    pub ambiguous: bool,
    /// Not all that is written there could be read: what is absent is unknown.
    pub torn: bool,
}

#[derive(Clone, Debug)]
pub struct Attribute {
    pub name: Arc<str>,
    pub name_span: Span,
    pub value: Expression,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Block {
    pub kind: Arc<str>,
    pub labels: Vec<Arc<str>>,
    pub body: Body,
    pub span: Span,
    /// The words before the brace.
    pub head: Span,
}

impl Body {
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| &*attribute.name == name)
    }

    pub fn blocks_of<'b>(&'b self, kind: &'b str) -> impl Iterator<Item = &'b Block> {
        self.blocks.iter().filter(move |block| &*block.kind == kind)
    }
}

#[derive(Clone, Debug)]
pub struct Expression {
    pub kind: Kind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum Kind {
    /// What stands there is no expression.
    Broken,
    Null,
    Bool(bool),
    Number(Number),
    Text(Arc<str>),
    Template(Vec<Part>),
    Tuple(Vec<Expression>),
    Object(Vec<(Expression, Expression)>),
    Variable(Arc<str>),
    Traversal(Box<Expression>, Vec<Step>),
    Unary(Unary, Box<Expression>),
    Binary(Binary, Box<Expression>, Box<Expression>),
    Conditional(Box<Expression>, Box<Expression>, Box<Expression>),
    Call(Box<Call>),
    For(Box<For>),
}

#[derive(Clone, Debug)]
pub struct Call {
    /// With its namespace, such as `provider::azurerm::parse`.
    pub name: Arc<str>,
    pub arguments: Vec<Expression>,
    /// The last argument is a list of arguments.
    pub expand: bool,
}

#[derive(Clone, Debug)]
pub struct For {
    pub key: Option<Arc<str>>,
    pub value: Arc<str>,
    pub collection: Expression,
    /// Of the result, when it is an object.
    pub result_key: Option<Expression>,
    pub result: Expression,
    pub grouping: bool,
    pub condition: Option<Expression>,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub kind: StepKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum StepKind {
    Attribute(Arc<str>),
    Index(Box<Expression>),
    /// `.0`
    Position(u64),
    /// `.*`
    AttributeSplat,
    /// `[*]`
    FullSplat,
}

/// A piece of a template.
#[derive(Clone, Debug)]
pub enum Part {
    Literal(Arc<str>),
    Interpolation(Expression),
    If(Expression, Vec<Part>, Vec<Part>),
    For {
        key: Option<Arc<str>>,
        value: Arc<str>,
        collection: Expression,
        body: Vec<Part>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    Negate,
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    And,
    Or,
}

/// The first word of a reference, and whether it is nothing but a reference.
impl Expression {
    pub fn text(text: &str, span: Span) -> Expression {
        Expression {
            kind: Kind::Text(Arc::from(text)),
            span,
        }
    }

    /// The text of a literal string.
    pub fn as_text(&self) -> Option<&Arc<str>> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What stands for its value where that is not known: a reference as it is written, else its place.
    pub fn symbol(&self) -> String {
        let names = match self.kind {
            Kind::Variable(_) | Kind::Traversal(..) => self.as_reference(),
            _ => None,
        };
        names.map_or_else(|| format!("@{}", self.span.start), |names| names.join("."))
    }

    /// The names of a plain reference, such as `azurerm.west`; in JSON and old code it is a string.
    pub fn as_reference(&self) -> Option<Vec<Arc<str>>> {
        match &self.kind {
            Kind::Text(text) => Some(text.split('.').map(Arc::from).collect()),
            Kind::Variable(name) => Some(vec![name.clone()]),
            Kind::Traversal(root, steps) => {
                let mut names = root.as_reference()?;
                for step in steps {
                    match &step.kind {
                        StepKind::Attribute(name) => names.push(name.clone()),
                        _ => return None,
                    }
                }
                Some(names)
            }
            _ => None,
        }
    }
}

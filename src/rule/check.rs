//! Checks the names and types of a parsed CEL expression against the schema of a subject, and resolves it.
//! Reports every mistake with its place in the expression; must not know files (see `load`) nor facts' values.

mod call;
mod name;
mod operator;

use std::ops::Range;
use std::sync::Arc;

use cel::IdedExpr;
use cel::common::ast::{Expr, ListExpr, LiteralValue, SourceInfo};

use crate::rule::SubjectKind;
use crate::rule::expression::{Code, Mentions};
use crate::rule::fact::Fact;
use crate::rule::types::Type;

/// What an expression may speak of.
#[derive(Clone, Debug)]
pub struct Scope {
    pub kind: SubjectKind,
    pub params: Vec<ParamType>,
}

/// A parameter as an expression sees it.
#[derive(Clone, Debug)]
pub struct ParamType {
    pub name: Arc<str>,
    pub ty: Type,
    /// Texts it is restricted to; empty when it is not.
    pub choices: Vec<Arc<str>>,
}

/// Something wrong in an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Characters (code points) of the expression.
    pub range: Range<usize>,
    pub message: String,
    pub help: Option<String>,
}

/// A resolved expression with its type.
pub struct Checked {
    pub code: Code,
    pub ty: Type,
    pub mentions: Mentions,
}

/// Checks an expression whose macros were not expanded.
///
/// # Errors
/// Every mistake, in the order of the text.
pub fn check(source: &str, expression: &IdedExpr, info: &SourceInfo, scope: &Scope) -> Result<Checked, Vec<Problem>> {
    let mut checker = Checker {
        scope,
        source,
        info,
        locals: Vec::new(),
        depth: 0,
        problems: Vec::new(),
        mentions: Mentions::default(),
    };
    let typed = checker.expression(expression);
    if checker.problems.is_empty() {
        Ok(Checked {
            code: typed.code,
            ty: typed.ty,
            mentions: checker.mentions,
        })
    } else {
        Err(in_characters(source, checker.problems))
    }
}

struct Checker<'c> {
    scope: &'c Scope,
    source: &'c str,
    info: &'c SourceInfo,
    /// Variables bound by the macros around, outermost first.
    locals: Vec<Local>,
    /// How deep the expression at hand stands in others.
    depth: usize,
    /// With ranges in bytes, as the parser counts, until they are handed out.
    problems: Vec<Problem>,
    mentions: Mentions,
}

struct Local {
    name: String,
    ty: Type,
    path: Option<String>,
}

struct Typed {
    code: Code,
    ty: Type,
    /// The fact that it is, such as `nsg.layers`.
    path: Option<String>,
}

impl Typed {
    fn new(code: Code, ty: Type) -> Typed {
        Typed { code, ty, path: None }
    }

    /// Of an expression that was reported as wrong: fits everywhere, so that one mistake is one message.
    fn wrong() -> Typed {
        Typed::new(Code::Constant(Fact::Bool(false)), Type::Any)
    }

    fn label(&self) -> String {
        self.path
            .as_ref()
            .map_or_else(|| self.ty.to_string(), |path| format!("`{path}` ({})", self.ty))
    }
}

/// Checking and evaluating go as deep as the expression does, and the stack is finite.
const MAX_DEPTH: usize = 200;

impl Checker<'_> {
    fn expression(&mut self, node: &IdedExpr) -> Typed {
        if self.depth >= MAX_DEPTH {
            return self.wrong_with(
                self.token(node),
                "the expression is nested too deeply",
                "split it into several steps",
            );
        }
        self.depth += 1;
        let typed = self.node(node);
        self.depth -= 1;
        typed
    }

    fn node(&mut self, node: &IdedExpr) -> Typed {
        match &node.expr {
            Expr::Literal(literal) => self.literal(node, literal),
            Expr::Ident(name) => self.variable(node, name),
            Expr::Select(select) => self.select(node, select),
            Expr::List(list) => self.list(list),
            Expr::Call(call) => self.call(node, call),
            Expr::Map(_) | Expr::Struct(_) => self.wrong(self.token(node), "maps cannot be written in a condition"),
            Expr::Comprehension(_) | Expr::Unspecified => {
                self.wrong(self.token(node), "this expression cannot be written in a condition")
            }
        }
    }

    fn literal(&mut self, node: &IdedExpr, literal: &LiteralValue) -> Typed {
        let (fact, ty) = match literal {
            LiteralValue::Boolean(value) => (Fact::Bool(*value.inner()), Type::Bool),
            LiteralValue::Int(value) => (Fact::Int(*value.inner()), Type::Int),
            LiteralValue::Double(value) => (Fact::Double(*value.inner()), Type::Double),
            LiteralValue::String(value) => (Fact::text(value.inner()), Type::Text),
            LiteralValue::UInt(value) => {
                let help = format!("write `{}`", value.inner());
                return self.wrong_with(self.token(node), "unsigned numbers are not used here", help);
            }
            LiteralValue::Bytes(_) => {
                return self.wrong_with(
                    self.token(node),
                    "bytes are not used here",
                    "write text without the `b`",
                );
            }
            LiteralValue::Null => return self.wrong(self.token(node), "no fact is ever `null`"),
        };
        Typed::new(Code::Constant(fact), ty)
    }

    fn list(&mut self, list: &ListExpr) -> Typed {
        let mut element = Type::Any;
        let mut codes = Vec::with_capacity(list.elements.len());
        for node in &list.elements {
            let typed = self.expression(node);
            if !typed.ty.fits(&element) {
                let message = format!("a list of {element} cannot hold {}", typed.label());
                self.wrong(self.token(node), message);
            }
            element = element.unify(typed.ty);
            codes.push(typed.code);
        }
        Typed::new(constant_list(codes), Type::list(element))
    }

    /// Reports, and stands in for the expression.
    fn wrong(&mut self, range: Range<usize>, message: impl Into<String>) -> Typed {
        self.problems.push(Problem {
            range,
            message: message.into(),
            help: None,
        });
        Typed::wrong()
    }

    fn wrong_with(&mut self, range: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Typed {
        self.problems.push(Problem {
            range,
            message: message.into(),
            help: Some(help.into()),
        });
        Typed::wrong()
    }

    /// The token that the parser remembers for a node: of a variable or literal the whole of it.
    fn token(&self, node: &IdedExpr) -> Range<usize> {
        match &node.expr {
            Expr::Select(select) => self.name_after(node, &select.field),
            _ => self.remembered(node),
        }
    }

    /// Bytes of the token; the parser gives the last one too.
    fn remembered(&self, node: &IdedExpr) -> Range<usize> {
        let (start, last) = self.info.offset_for(node.id).unwrap_or_default();
        start as usize..last as usize + 1
    }

    /// The field name behind the dot that the parser remembers.
    fn name_after(&self, node: &IdedExpr, name: &str) -> Range<usize> {
        let rest = self.source.get(self.remembered(node).end..).unwrap_or_default();
        let start = self.source.len() - rest.trim_start().len();
        start..start + name.len()
    }

    /// The function name before the parenthesis that the parser remembers.
    fn name_before(&self, node: &IdedExpr, name: &str) -> Range<usize> {
        let end = self.before(node).trim_end().len();
        end.saturating_sub(name.len())..end
    }

    /// The source up to the token that the parser remembers.
    fn before(&self, node: &IdedExpr) -> &str {
        self.source.get(..self.remembered(node).start).unwrap_or_default()
    }
}

/// Sorts the problems by place and turns bytes into characters.
fn in_characters(source: &str, mut problems: Vec<Problem>) -> Vec<Problem> {
    let characters = |bytes: usize| source.get(..bytes).map_or(bytes, |before| before.chars().count());
    problems.sort_by_key(|problem| problem.range.start);
    for problem in &mut problems {
        problem.range = characters(problem.range.start)..characters(problem.range.end);
    }
    problems
}

/// A list of constants is one constant: it is not built again for each subject.
fn constant_list(codes: Vec<Code>) -> Code {
    let constants: Option<Vec<Fact>> = codes
        .iter()
        .map(|code| match code {
            Code::Constant(fact) => Some(fact.clone()),
            _ => None,
        })
        .collect();
    constants.map_or(Code::List(codes), |facts| Code::Constant(Fact::list(facts)))
}

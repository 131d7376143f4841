//! Checks the names and types of a parsed CEL expression against the schema of a subject, and resolves it.
//! Reports every mistake with its place in the expression; must not know files (see `load`) nor facts' values.

mod call;
mod operator;

use std::ops::Range;
use std::sync::Arc;

use cel::IdedExpr;
use cel::common::ast::{Expr, ListExpr, LiteralValue, SelectExpr, SourceInfo};

use crate::rule::expression::{Code, Mentions};
use crate::rule::fact::{Fact, Field};
use crate::rule::suggest;
use crate::rule::types::Type;
use crate::rule::{SubjectKind, schema};

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
    let source = source.chars().collect();
    let mut checker = Checker {
        scope,
        source,
        info,
        locals: Vec::new(),
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
        checker.problems.sort_by_key(|problem| problem.range.start);
        Err(checker.problems)
    }
}

struct Checker<'c> {
    scope: &'c Scope,
    source: Vec<char>,
    info: &'c SourceInfo,
    /// Variables bound by the macros around, outermost first.
    locals: Vec<Local>,
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

impl Checker<'_> {
    fn expression(&mut self, node: &IdedExpr) -> Typed {
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

    fn variable(&mut self, node: &IdedExpr, name: &str) -> Typed {
        if let Some(depth) = self.locals.iter().rev().position(|local| local.name == name) {
            let local = self.locals.iter().rev().nth(depth);
            let (ty, path) = local.map_or((Type::Any, None), |local| (local.ty.clone(), local.path.clone()));
            return Typed {
                code: Code::Local(depth),
                ty,
                path,
            };
        }
        let roots = schema::roots(self.scope.kind);
        if let Some((slot, root)) = roots.iter().enumerate().find(|(_, root)| root.name == name) {
            self.mentions.roots.insert(root.name);
            self.mentions.facts.insert(root.name.to_owned());
            return Typed {
                code: Code::Root(slot),
                ty: root.ty.into(),
                path: Some(root.name.to_owned()),
            };
        }
        if name == "params" {
            return self.wrong_with(
                self.token(node),
                "`params` is not a value",
                "name one, as in `params.ports`",
            );
        }
        let help = self.variable_help(name);
        self.wrong_with(self.token(node), format!("unknown name `{name}`"), help)
    }

    fn variable_help(&self, name: &str) -> String {
        let roots = schema::roots(self.scope.kind);
        let field_of = |root: &Field| match Type::from(root.ty) {
            Type::Record(fields) if fields.iter().any(|field| field.name == name) => Some(root.name),
            _ => None,
        };
        if let Some(root) = roots.iter().find_map(field_of) {
            return format!("did you mean `{root}.{name}`?");
        }
        if self.scope.params.iter().any(|param| &*param.name == name) {
            return format!("did you mean `params.{name}`?");
        }
        let locals = self.locals.iter().map(|local| local.name.as_str());
        let names: Vec<&str> = locals
            .chain(roots.iter().map(|root| root.name))
            .chain(["params"])
            .collect();
        suggest::hint(name, &names, "known here")
    }

    fn select(&mut self, node: &IdedExpr, select: &SelectExpr) -> Typed {
        if matches!(&select.operand.expr, Expr::Ident(name) if name == "params") {
            return self.param(node, &select.field);
        }
        let operand = self.expression(&select.operand);
        match &operand.ty {
            Type::Record(fields) => self.field(node, &select.field, fields, operand),
            Type::Map(value) => {
                let ty = (**value).clone();
                let key = Code::Constant(Fact::text(select.field.as_str()));
                Typed::new(
                    Code::Entry {
                        of: Box::new(operand.code),
                        key: Box::new(key),
                    },
                    ty,
                )
            }
            Type::Any => Typed::wrong(),
            Type::List(_) => {
                let message = format!("{} has no field `{}`", operand.label(), select.field);
                self.wrong_with(
                    self.name_after(node, &select.field),
                    message,
                    "ask its elements, as in `.exists(x, ...)`",
                )
            }
            _ => {
                let message = format!("{} has no field `{}`", operand.label(), select.field);
                self.wrong(self.name_after(node, &select.field), message)
            }
        }
    }

    fn param(&mut self, node: &IdedExpr, name: &str) -> Typed {
        let found = self
            .scope
            .params
            .iter()
            .enumerate()
            .find(|(_, param)| &*param.name == name);
        if let Some((slot, param)) = found {
            self.mentions.params.insert(Arc::clone(&param.name));
            return Typed {
                code: Code::Param(slot),
                ty: param.ty.clone(),
                path: Some(format!("params.{name}")),
            };
        }
        let names: Vec<String> = self
            .scope
            .params
            .iter()
            .map(|param| format!("params.{}", param.name))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let help = match names.is_empty() {
            true => "this rule has no `params`".to_owned(),
            false => suggest::hint(&format!("params.{name}"), &names, "this rule has"),
        };
        self.wrong_with(self.name_after(node, name), format!("unknown parameter `{name}`"), help)
    }

    fn field(&mut self, node: &IdedExpr, name: &str, fields: &'static [Field], operand: Typed) -> Typed {
        let Some((slot, field)) = fields.iter().enumerate().find(|(_, field)| field.name == name) else {
            let prefix = self
                .written(node)
                .map_or_else(String::new, |written| format!("{written}."));
            let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
            let help = match suggest::nearest(name, names.iter().copied()) {
                Some(nearest) => format!("did you mean `{prefix}{nearest}`?"),
                None => format!("its fields: {}", suggest::quoted(names)),
            };
            let owner = operand
                .path
                .map_or_else(|| "the record".to_owned(), |path| format!("`{path}`"));
            return self.wrong_with(
                self.name_after(node, name),
                format!("{owner} has no field `{name}`"),
                help,
            );
        };
        let path = operand.path.map(|path| format!("{path}.{name}"));
        self.mentions.facts.extend(path.clone());
        Typed {
            code: Code::Field {
                of: Box::new(operand.code),
                name: field.name,
                slot,
            },
            ty: field.ty.into(),
            path,
        }
    }

    /// The operand of a field access as the author wrote it, such as `l` or `nsg.layers[0]`.
    fn written(&self, node: &IdedExpr) -> Option<String> {
        let (dot, _) = self.info.offset_for(node.id)?;
        let before: String = self.source.iter().take(dot as usize).collect();
        let tail: Vec<char> = before
            .chars()
            .rev()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '[' | ']'))
            .collect();
        Some(tail.into_iter().rev().collect())
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
            _ => self
                .info
                .offset_for(node.id)
                .map_or(0..1, |(start, stop)| start as usize..stop as usize + 1),
        }
    }

    /// The field name behind the dot that the parser remembers.
    fn name_after(&self, node: &IdedExpr, name: &str) -> Range<usize> {
        let dot = self.info.offset_for(node.id).map_or(0, |(start, _)| start as usize);
        let blanks = self
            .source
            .iter()
            .skip(dot + 1)
            .take_while(|c| c.is_whitespace())
            .count();
        let start = dot + 1 + blanks;
        start..start + name.chars().count()
    }

    /// The function name before the parenthesis that the parser remembers.
    fn name_before(&self, node: &IdedExpr, name: &str) -> Range<usize> {
        let parenthesis = self.info.offset_for(node.id).map_or(0, |(start, _)| start as usize);
        let blanks = self
            .source
            .iter()
            .take(parenthesis)
            .rev()
            .take_while(|c| c.is_whitespace())
            .count();
        let end = parenthesis.saturating_sub(blanks);
        end.saturating_sub(name.chars().count())..end
    }
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

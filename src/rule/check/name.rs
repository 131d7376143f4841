//! Names: facts, their fields, parameters and variables that macros bind.

use std::sync::Arc;

use cel::IdedExpr;
use cel::common::ast::{Expr, SelectExpr};

use super::{Checker, Typed};
use crate::rule::expression::Code;
use crate::rule::fact::{Fact, Field};
use crate::rule::types::Type;
use crate::rule::{schema, suggest};

impl Checker<'_> {
    pub(super) fn variable(&mut self, node: &IdedExpr, name: &str) -> Typed {
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

    pub(super) fn select(&mut self, node: &IdedExpr, select: &SelectExpr) -> Typed {
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
            let owner = self.written(node).to_owned();
            let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
            let help = match suggest::nearest(name, names.iter().copied()) {
                Some(nearest) => format!("did you mean `{owner}.{nearest}`?"),
                None => format!("its fields: {}", suggest::quoted(names)),
            };
            let subject = operand
                .path
                .map_or_else(|| "the record".to_owned(), |path| format!("`{path}`"));
            return self.wrong_with(
                self.name_after(node, name),
                format!("{subject} has no field `{name}`"),
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
    fn written(&self, node: &IdedExpr) -> &str {
        let before = self.before(node).trim_end();
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '[' | ']');
        let start = before.trim_end_matches(named).len();
        before.get(start..).unwrap_or_default()
    }
}

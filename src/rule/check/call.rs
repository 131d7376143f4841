//! Calls: functions by their table, macros that bind a variable, and `has`.

use std::ops::Range;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr};
use regex::Regex;

use super::{Checker, Local, Typed};
use crate::rule::expression::{Code, Quantifier};
use crate::rule::fact::Fact;
use crate::rule::function::{self, FUNCTIONS, Function, MACROS};
use crate::rule::suggest;
use crate::rule::types::Type;

/// Macros may stand in one another this deep: each level multiplies the time.
const MACRO_DEPTH: usize = 3;

impl Checker<'_> {
    pub(super) fn call(&mut self, node: &IdedExpr, call: &CallExpr) -> Typed {
        if call.target.is_none()
            && let Some(typed) = self.operator(node, &call.func_name, &call.args)
        {
            return typed;
        }
        match &call.target {
            Some(target) if MACROS.iter().any(|(name, _)| *name == call.func_name) => {
                self.macro_call(node, &call.func_name, target, &call.args)
            }
            None if call.func_name == "has" => self.has(node, &call.args),
            _ => self.function(node, call),
        }
    }

    fn function(&mut self, node: &IdedExpr, call: &CallExpr) -> Typed {
        let arguments: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        let method = call.target.is_some();
        let overloads: Vec<&Function> = function::overloads(&call.func_name, method).collect();
        if overloads.is_empty() {
            return self.unknown_function(node, call);
        }
        let Some(function) = overloads
            .iter()
            .find(|function| function.arguments.len() == arguments.len())
        else {
            let counts: Vec<String> = overloads
                .iter()
                .map(|f| (f.arguments.len() - usize::from(method)).to_string())
                .collect();
            let message = format!(
                "`{}` takes {}, not {}",
                call.func_name,
                arguments_of(&counts.join(" or ")),
                call.args.len()
            );
            return self.wrong(self.name_before(node, &call.func_name), message);
        };
        let typed: Vec<Typed> = arguments.iter().map(|argument| self.expression(argument)).collect();
        for ((argument, typed), sort) in arguments.iter().zip(&typed).zip(function.arguments) {
            if !sort.admits(&typed.ty) {
                let message = format!("`{}` needs {}, not {}", call.func_name, sort.label(), typed.label());
                self.wrong(self.token(argument), message);
            }
        }
        self.applied(function, &arguments, typed)
    }

    fn applied(&mut self, function: &Function, arguments: &[&IdedExpr], typed: Vec<Typed>) -> Typed {
        let codes: Vec<Code> = typed.into_iter().map(|typed| typed.code).collect();
        if let (function::Name::Matches, [text, Code::Constant(Fact::Text(pattern))]) =
            (function.name, codes.as_slice())
        {
            let range = arguments.last().map_or(0..1, |argument| self.token(argument));
            return self.matches(text.clone(), pattern, range);
        }
        let (name, arguments) = (function.name, codes);
        Typed::new(Code::Call { name, arguments }, function.result.clone())
    }

    /// A pattern that is written out is compiled once, and its mistakes are found now.
    fn matches(&mut self, text: Code, pattern: &str, range: Range<usize>) -> Typed {
        match Regex::new(pattern) {
            Ok(pattern) => {
                let (text, pattern) = (Box::new(text), Box::new(pattern));
                Typed::new(Code::Matches { text, pattern }, Type::Bool)
            }
            Err(error) => {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
                self.wrong(range, format!("not a regular expression: {reason}"))
            }
        }
    }

    fn unknown_function(&mut self, node: &IdedExpr, call: &CallExpr) -> Typed {
        let name = call.func_name.as_str();
        let other_form = function::overloads(name, call.target.is_none()).next().is_some();
        let is_macro = MACROS.iter().any(|(known, _)| *known == name);
        let help = match (&call.target, other_form || is_macro) {
            (None, true) => format!("write it behind its subject: `x.{name}(...)`"),
            (Some(_), true) => format!("write it around its subject: `{name}(x)`"),
            _ => {
                let functions = FUNCTIONS.iter().map(|function| function.text);
                let mut names: Vec<&str> = functions
                    .chain(MACROS.iter().map(|(name, _)| *name))
                    .chain(["has"])
                    .collect();
                names.dedup();
                suggest::hint(name, &names, "known functions")
            }
        };
        // The operands may be wrong as well, and should be reported in one go.
        for argument in call.target.as_deref().into_iter().chain(&call.args) {
            if !is_macro {
                self.expression(argument);
            }
        }
        self.wrong_with(self.name_before(node, name), format!("unknown function `{name}`"), help)
    }

    /// `has(map.key)`: of a record every declared field is there, so only its type is looked at.
    fn has(&mut self, node: &IdedExpr, arguments: &[IdedExpr]) -> Typed {
        let [
            IdedExpr {
                expr: Expr::Select(select),
                ..
            },
        ] = arguments
        else {
            return self.wrong_with(
                self.name_before(node, "has"),
                "`has` takes one field",
                "write `has(vm.tags.name)`",
            );
        };
        let operand = self.expression(&select.operand);
        match operand.ty {
            Type::Map(_) => {
                let key = select.field.as_str().into();
                Typed::new(
                    Code::Has {
                        of: Box::new(operand.code),
                        key,
                    },
                    Type::Bool,
                )
            }
            Type::Any => Typed::wrong(),
            _ => {
                let message = format!("`has` asks for a key of a map, and {} is none", operand.label());
                self.wrong_with(self.token(&select.operand), message, "declared fields are always there")
            }
        }
    }

    fn macro_call(&mut self, node: &IdedExpr, name: &str, target: &IdedExpr, arguments: &[IdedExpr]) -> Typed {
        let over = self.expression(target);
        let element = match &over.ty {
            Type::List(element) => (**element).clone(),
            Type::Map(_) => Type::Text,
            Type::Any => Type::Any,
            _ => {
                let message = format!("`{name}` needs a list, and {} is none", over.label());
                return self.wrong(self.token(target), message);
            }
        };
        if self.locals.len() >= MACRO_DEPTH {
            let message = format!("macros are nested deeper than {MACRO_DEPTH}");
            return self.wrong(self.name_before(node, name), message);
        }
        let Some((variable, bodies)) = self.binding(node, name, arguments) else {
            return Typed::wrong();
        };
        self.locals.push(Local {
            name: variable,
            ty: element.clone(),
            path: over.path.clone(),
        });
        let typed = self.macro_body(node, name, over, element, bodies);
        self.locals.pop();
        typed
    }

    /// The name that a macro binds, and what it takes behind it.
    fn binding<'n>(
        &mut self,
        node: &IdedExpr,
        name: &str,
        arguments: &'n [IdedExpr],
    ) -> Option<(String, &'n [IdedExpr])> {
        let (counts, text) = match name {
            "map" => (2..=3, "a variable and one or two expressions"),
            _ => (2..=2, "a variable and a condition"),
        };
        let Some((variable, bodies)) = arguments.split_first().filter(|_| counts.contains(&arguments.len())) else {
            let message = format!("`{name}` takes {text}");
            self.wrong_with(
                self.name_before(node, name),
                message,
                format!("write `list.{name}(x, ...)`"),
            );
            return None;
        };
        let Expr::Ident(bound) = &variable.expr else {
            self.wrong(
                self.token(variable),
                format!("`{name}` needs the name of a variable here"),
            );
            return None;
        };
        let taken = bound == "params"
            || self.locals.iter().any(|local| local.name == *bound)
            || crate::rule::schema::roots(self.scope.kind)
                .iter()
                .any(|root| root.name == *bound);
        if taken {
            self.wrong_with(
                self.token(variable),
                format!("`{bound}` already has a meaning"),
                "choose another name",
            );
            return None;
        }
        Some((bound.clone(), bodies))
    }

    fn macro_body(&mut self, node: &IdedExpr, name: &str, over: Typed, element: Type, bodies: &[IdedExpr]) -> Typed {
        let quantifier = match name {
            "all" => Some(Quantifier::All),
            "exists" => Some(Quantifier::Exists),
            "exists_one" => Some(Quantifier::ExistsOne),
            _ => None,
        };
        let path = over.path.clone();
        let over = Box::new(over.code);
        match (quantifier, name, bodies) {
            (Some(by), _, [body]) => {
                let holds = Box::new(self.bool(body, name));
                Typed::new(Code::Quantify { by, over, holds }, Type::Bool)
            }
            (None, "filter", [body]) => {
                let when = Some(Box::new(self.bool(body, name)));
                let code = Code::Collect {
                    over,
                    when,
                    value: None,
                };
                Typed {
                    code,
                    ty: Type::list(element),
                    path,
                }
            }
            (None, "map", [value]) => self.mapped(over, None, value),
            (None, "map", [when, value]) => {
                let when = Some(Box::new(self.bool(when, name)));
                self.mapped(over, when, value)
            }
            _ => self.wrong(self.name_before(node, name), format!("`{name}` cannot be used here")),
        }
    }

    fn mapped(&mut self, over: Box<Code>, when: Option<Box<Code>>, value: &IdedExpr) -> Typed {
        let value = self.expression(value);
        let ty = Type::list(value.ty);
        Typed {
            code: Code::Collect {
                over,
                when,
                value: Some(Box::new(value.code)),
            },
            ty,
            path: value.path,
        }
    }
}

fn arguments_of(count: &str) -> String {
    if count == "1" {
        "1 argument".to_owned()
    } else {
        format!("{count} arguments")
    }
}

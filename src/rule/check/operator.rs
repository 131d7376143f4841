//! Operators: what types they take and give.

use cel::IdedExpr;
use cel::common::ast::operators;

use super::{Checker, Typed};
use crate::rule::expression::{Calculation, Code, Comparison};
use crate::rule::fact::Fact;
use crate::rule::suggest;
use crate::rule::types::Type;

/// What an operator of two operands does.
#[derive(Clone, Copy)]
enum Binary {
    And,
    Or,
    Compare(Comparison),
    In,
    Index,
    Calculate(Calculation),
}

/// CEL's name of each operator, as written, and what it does.
const BINARY: &[(&str, &str, Binary)] = &[
    (operators::LOGICAL_AND, "&&", Binary::And),
    (operators::LOGICAL_OR, "||", Binary::Or),
    (operators::EQUALS, "==", Binary::Compare(Comparison::Equal)),
    (operators::NOT_EQUALS, "!=", Binary::Compare(Comparison::NotEqual)),
    (operators::LESS, "<", Binary::Compare(Comparison::Less)),
    (operators::LESS_EQUALS, "<=", Binary::Compare(Comparison::LessOrEqual)),
    (operators::GREATER, ">", Binary::Compare(Comparison::Greater)),
    (
        operators::GREATER_EQUALS,
        ">=",
        Binary::Compare(Comparison::GreaterOrEqual),
    ),
    (operators::IN, "in", Binary::In),
    (operators::INDEX, "[]", Binary::Index),
    (operators::ADD, "+", Binary::Calculate(Calculation::Add)),
    (operators::SUBSTRACT, "-", Binary::Calculate(Calculation::Subtract)),
    (operators::MULTIPLY, "*", Binary::Calculate(Calculation::Multiply)),
    (operators::DIVIDE, "/", Binary::Calculate(Calculation::Divide)),
    (operators::MODULO, "%", Binary::Calculate(Calculation::Remainder)),
];

impl Checker<'_> {
    /// The operator of that name applied to its operands, or nothing when it is no operator.
    pub(super) fn operator(&mut self, node: &IdedExpr, name: &str, operands: &[IdedExpr]) -> Option<Typed> {
        match (name, operands) {
            (operators::LOGICAL_NOT, [operand]) => Some(self.not(operand)),
            (operators::NEGATE, [operand]) => Some(self.negate(node, operand)),
            (operators::CONDITIONAL, [when, then, otherwise]) => Some(self.choose(node, when, then, otherwise)),
            (_, [left, right]) => {
                let (_, sign, binary) = BINARY.iter().find(|(operator, _, _)| *operator == name)?;
                Some(self.binary(node, sign, *binary, left, right))
            }
            _ => None,
        }
    }

    fn binary(&mut self, node: &IdedExpr, sign: &str, binary: Binary, left: &IdedExpr, right: &IdedExpr) -> Typed {
        match binary {
            Binary::And => {
                let (left, right) = (self.bool(left, sign), self.bool(right, sign));
                Typed::new(Code::And(Box::new(left), Box::new(right)), Type::Bool)
            }
            Binary::Or => {
                let (left, right) = (self.bool(left, sign), self.bool(right, sign));
                Typed::new(Code::Or(Box::new(left), Box::new(right)), Type::Bool)
            }
            Binary::Compare(by) => self.compare(node, sign, by, left, right),
            Binary::In => self.membership(node, left, right),
            Binary::Index => self.index(node, left, right),
            Binary::Calculate(by) => self.calculate(node, sign, by, left, right),
        }
    }

    /// A condition: an expression that must be a bool.
    pub(super) fn bool(&mut self, node: &IdedExpr, whose: &str) -> Code {
        let typed = self.expression(node);
        if !typed.ty.fits(&Type::Bool) {
            let message = format!("`{whose}` needs a bool, and {} is none", typed.label());
            self.wrong(self.token(node), message);
        }
        typed.code
    }

    fn not(&mut self, operand: &IdedExpr) -> Typed {
        let code = self.bool(operand, "!");
        Typed::new(Code::Not(Box::new(code)), Type::Bool)
    }

    fn negate(&mut self, node: &IdedExpr, operand: &IdedExpr) -> Typed {
        let typed = self.expression(operand);
        if !typed.ty.is_number() {
            let message = format!("`-` needs a number, and {} is none", typed.label());
            return self.wrong(self.token(node), message);
        }
        Typed::new(Code::Negate(Box::new(typed.code)), typed.ty)
    }

    fn choose(&mut self, node: &IdedExpr, when: &IdedExpr, then: &IdedExpr, otherwise: &IdedExpr) -> Typed {
        let when = self.bool(when, "?");
        let (then, otherwise) = (self.expression(then), self.expression(otherwise));
        if !then.ty.fits(&otherwise.ty) {
            let message = format!(
                "the two sides of `:` differ: {} and {}",
                then.label(),
                otherwise.label()
            );
            return self.wrong(self.token(node), message);
        }
        let ty = then.ty.unify(otherwise.ty);
        let (when, then, otherwise) = (Box::new(when), Box::new(then.code), Box::new(otherwise.code));
        Typed::new(Code::Choose { when, then, otherwise }, ty)
    }

    fn compare(&mut self, node: &IdedExpr, sign: &str, by: Comparison, left: &IdedExpr, right: &IdedExpr) -> Typed {
        let (left, right) = (self.expression(left), self.expression(right));
        let equality = matches!(by, Comparison::Equal | Comparison::NotEqual);
        if !left.ty.compares_with(&right.ty) {
            let message = format!("`{sign}` compares {} with {}", left.label(), right.label());
            return self.wrong(self.token(node), message);
        }
        let collection = [&left, &right].into_iter().find(|side| !side.ty.is_scalar());
        if let Some(side) = collection {
            let message = format!(
                "`{sign}` does not compare lists or records, and {} is one",
                side.label()
            );
            return self.wrong_with(
                self.token(node),
                message,
                "ask with `size(...)`, `in`, `all` or `exists`",
            );
        }
        if !equality && left.ty == Type::Bool {
            return self.wrong(self.token(node), format!("`{sign}` does not order bools"));
        }
        self.check_choice(node, &left, &right);
        self.check_choice(node, &right, &left);
        Typed::new(
            Code::Compare {
                by,
                left: Box::new(left.code),
                right: Box::new(right.code),
            },
            Type::Bool,
        )
    }

    /// A parameter that is restricted to choices can equal no other text.
    fn check_choice(&mut self, node: &IdedExpr, param: &Typed, value: &Typed) {
        let (Code::Param(slot), Code::Constant(Fact::Text(text))) = (&param.code, &value.code) else {
            return;
        };
        let Some(param) = self.scope.params.get(*slot) else {
            return;
        };
        if param.choices.is_empty() || param.choices.contains(text) {
            return;
        }
        let choices: Vec<&str> = param.choices.iter().map(|choice| &**choice).collect();
        let message = format!("`params.{}` is never `{text}`", param.name);
        let help = suggest::hint(text, &choices, "its choices");
        self.wrong_with(self.token(node), message, help);
    }

    fn membership(&mut self, node: &IdedExpr, item: &IdedExpr, list: &IdedExpr) -> Typed {
        let (item, list) = (self.expression(item), self.expression(list));
        let element = match &list.ty {
            Type::List(element) => (**element).clone(),
            Type::Map(_) => Type::Text,
            Type::Any => Type::Any,
            _ => {
                let message = format!("`in` needs a list on its right, and {} is none", list.label());
                let help = "text in text is asked with `.contains(...)`";
                return match list.ty {
                    Type::Text => self.wrong_with(self.token(node), message, help),
                    _ => self.wrong(self.token(node), message),
                };
            }
        };
        if !item.ty.compares_with(&element) || !item.ty.is_scalar() {
            let message = format!("{} cannot be in {}", item.label(), list.label());
            return self.wrong(self.token(node), message);
        }
        Typed::new(
            Code::In {
                item: Box::new(item.code),
                list: Box::new(list.code),
            },
            Type::Bool,
        )
    }

    fn index(&mut self, node: &IdedExpr, of: &IdedExpr, index: &IdedExpr) -> Typed {
        let (of, index) = (self.expression(of), self.expression(index));
        let wanted = if matches!(of.ty, Type::List(_)) {
            Type::Int
        } else {
            Type::Text
        };
        match &of.ty {
            Type::List(inner) | Type::Map(inner) => {
                let ty = (**inner).clone();
                if !index.ty.fits(&wanted) {
                    let message = format!("{} is indexed with {wanted}, not with {}", of.label(), index.label());
                    return self.wrong(self.token(node), message);
                }
                let (of, index) = (Box::new(of.code), Box::new(index.code));
                let code = match wanted {
                    Type::Int => Code::Element { of, index },
                    _ => Code::Entry { of, key: index },
                };
                Typed::new(code, ty)
            }
            Type::Any => Typed::wrong(),
            Type::Record(_) => {
                let message = format!("{} is not indexed", of.label());
                self.wrong_with(self.token(node), message, "name a field behind a dot")
            }
            _ => self.wrong(self.token(node), format!("{} is not indexed", of.label())),
        }
    }

    fn calculate(&mut self, node: &IdedExpr, sign: &str, by: Calculation, left: &IdedExpr, right: &IdedExpr) -> Typed {
        let (left, right) = (self.expression(left), self.expression(right));
        let takes = |ty: &Type| match by {
            Calculation::Add => ty.is_number() || matches!(ty, Type::Text | Type::List(_)),
            Calculation::Remainder => matches!(ty, Type::Int | Type::Any),
            Calculation::Subtract | Calculation::Multiply | Calculation::Divide => ty.is_number(),
        };
        if !takes(&left.ty) || !takes(&right.ty) || !left.ty.fits(&right.ty) {
            let message = format!("`{sign}` cannot be applied to {} and {}", left.label(), right.label());
            let mixed = left.ty.is_number() && right.ty.is_number();
            return match (mixed, &left.ty, &right.ty) {
                (true, _, _) => self.wrong_with(self.token(node), message, "convert the int with `double(...)`"),
                (_, Type::Text, other) | (_, other, Type::Text) if other.is_scalar() => {
                    self.wrong_with(self.token(node), message, "convert to text with `string(...)`")
                }
                _ => self.wrong(self.token(node), message),
            };
        }
        let ty = left.ty.unify(right.ty);
        Typed::new(
            Code::Calculate {
                by,
                left: Box::new(left.code),
                right: Box::new(right.code),
            },
            ty,
        )
    }
}

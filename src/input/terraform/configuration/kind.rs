//! Type constraints of variables.

use std::collections::BTreeMap;

use crate::input::terraform::language::{Environment, Fault, Field, Fuel, Scope, Type, Unread, Value, evaluate};
use crate::input::terraform::syntax::{Expression, Kind, Step, parse_expression};
use crate::syntax::Span;

type Refused = (String, Span);

/// The type that an expression such as `list(object({ name = string }))` names.
pub fn kind_of(expression: &Expression) -> Result<Type, Refused> {
    match &expression.kind {
        Kind::Variable(name) => named(name, expression.span),
        Kind::Text(text) => match parse_expression(text) {
            Ok(inner) if !matches!(inner.kind, Kind::Text(_)) => {
                kind_of(&inner).map_err(|(message, _)| (message, expression.span))
            }
            _ => Err((format!("`{text}` is no type"), expression.span)),
        },
        Kind::Call(call) => match (&*call.name, call.arguments.as_slice()) {
            ("list", [of]) => Ok(Type::List(Box::new(kind_of(of)?))),
            ("set", [of]) => Ok(Type::Set(Box::new(kind_of(of)?))),
            ("map", [of]) => Ok(Type::Map(Box::new(kind_of(of)?))),
            ("tuple", [of]) => tuple(of),
            ("object", [of]) => object(of),
            (name, _) => Err((format!("`{name}` makes no type"), expression.span)),
        },
        _ => Err(("a type is required".to_owned(), expression.span)),
    }
}

fn named(name: &str, span: Span) -> Result<Type, Refused> {
    Ok(match name {
        "any" => Type::Any,
        "string" => Type::Text,
        "number" => Type::Number,
        "bool" => Type::Bool,
        "list" => Type::List(Box::new(Type::Any)),
        "set" => Type::Set(Box::new(Type::Any)),
        "map" => Type::Map(Box::new(Type::Any)),
        _ => return Err((format!("there is no type `{name}`"), span)),
    })
}

fn tuple(of: &Expression) -> Result<Type, Refused> {
    match &of.kind {
        Kind::Tuple(items) => items.iter().map(kind_of).collect::<Result<_, _>>().map(Type::Tuple),
        _ => Err(("`tuple` takes a list of types".to_owned(), of.span)),
    }
}

fn object(of: &Expression) -> Result<Type, Refused> {
    let Kind::Object(members) = &of.kind else {
        return Err(("`object` takes names with types".to_owned(), of.span));
    };
    let mut fields = BTreeMap::new();
    for (key, value) in members {
        let Some(name) = key.as_text() else {
            return Err(("the name of an attribute is required".to_owned(), key.span));
        };
        fields.insert(name.clone(), field(value)?);
    }
    Ok(Type::Object(fields))
}

fn field(value: &Expression) -> Result<Field, Refused> {
    let Kind::Call(call) = &value.kind else {
        return kind_of(value).map(Field::from);
    };
    if &*call.name != "optional" {
        return kind_of(value).map(Field::from);
    }
    let (kind, default) = match call.arguments.as_slice() {
        [kind] => (kind, None),
        [kind, default] => (
            kind,
            Some(constant(default).map_err(|fault| (fault.message, default.span))?),
        ),
        _ => return Err(("`optional` takes a type and a default".to_owned(), value.span)),
    };
    Ok(Field {
        kind: kind_of(kind)?,
        optional: true,
        default: default.filter(|default| !default.is_null()),
    })
}

/// The names of nothing: what stands alone must not refer to anything.
pub struct Nothing;

impl Scope for Nothing {
    fn resolve(&self, root: &str, _: &[Step], _: &Environment<'_>) -> Result<(Value, usize), Fault> {
        Err(Fault::new(format!("`{root}` cannot be referred to here")))
    }

    fn file(&self, path: &str) -> Result<std::sync::Arc<str>, Unread> {
        Err(Unread::NotGiven(format!("`{path}` is not read here")))
    }

    fn files_below(&self, path: &str) -> Result<Vec<String>, Unread> {
        Err(Unread::NotGiven(format!("`{path}` is not read here")))
    }
}

/// Steps that a constant may take.
const STEPS: u64 = 100_000;

/// The value of an expression that refers to nothing.
pub fn constant(expression: &Expression) -> Result<Value, Fault> {
    let fuel = Fuel::new(STEPS);
    let environment = Environment {
        scope: &Nothing,
        fuel: &fuel,
        file: 0,
        names: None,
    };
    evaluate(expression, &environment)
}

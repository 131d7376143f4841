//! A parameter of a rule: its type, its default, and which values it takes. Must not know where values come from.

use std::sync::Arc;

use serde_json::Value;

use crate::rule::fact::Fact;
use crate::rule::suggest;
use crate::rule::types::Type;

/// A declared parameter.
#[derive(Clone, Debug)]
pub struct Param {
    pub name: Arc<str>,
    pub description: Arc<str>,
    pub ty: Type,
    pub default: Fact,
    /// The only values it takes; empty when any of its type will do.
    pub choices: Vec<Fact>,
}

/// Why a value does not do, with a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub message: String,
    pub help: Option<String>,
}

impl Param {
    /// The value as a fact.
    ///
    /// # Errors
    /// When its type is not that of the default, when it is none of the choices, or when it is no port.
    pub fn accept(&self, value: &Value) -> Result<Fact, Refusal> {
        let fact = fact_of(value, &self.ty).ok_or_else(|| self.mistyped(value))?;
        self.check_choice(&fact)?;
        check_ports(&self.name, &fact)?;
        Ok(fact)
    }

    fn mistyped(&self, value: &Value) -> Refusal {
        let (name, wanted, found) = (&self.name, article(&self.ty), type_name(value));
        let message = format!("`{name}` must be {wanted}, and `{value}` is {found}");
        let one_of_list = matches!(&self.ty, Type::List(element) if fact_of(value, element).is_some());
        Refusal {
            message,
            help: one_of_list.then(|| format!("write `[{value}]`")),
        }
    }

    fn check_choice(&self, fact: &Fact) -> Result<(), Refusal> {
        if self.choices.is_empty() || self.choices.contains(fact) {
            return Ok(());
        }
        let choices: Vec<String> = self.choices.iter().map(crate::rule::value::print).collect();
        let choices: Vec<&str> = choices.iter().map(String::as_str).collect();
        let typed = crate::rule::value::print(fact);
        let help = suggest::hint(&typed, &choices, "its choices");
        Err(Refusal {
            message: format!("`{}` cannot be `{typed}`", self.name),
            help: Some(help),
        })
    }

    /// The value as JSON, for the report.
    pub fn json(fact: &Fact) -> Value {
        match fact {
            Fact::Bool(value) => Value::from(*value),
            Fact::Int(value) => Value::from(*value),
            Fact::Double(value) => Value::from(*value),
            Fact::Text(value) => Value::from(&**value),
            Fact::List(items) => items.iter().map(Param::json).collect(),
            Fact::Record(_) | Fact::Map(_) | Fact::Unknown(_) => Value::Null,
        }
    }
}

/// Whether the values of a parameter of that name are ports: `ports`, `port`, or a name that ends so.
pub fn holds_ports(name: &str) -> bool {
    ["port", "ports"].into_iter().any(|word| {
        name.strip_suffix(word)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
    })
}

/// Type of a parameter, from its default: bool, int, text, list of int or list of text. An empty list is one of
/// texts, or of ints where the name says that it holds ports.
pub fn type_of(name: &str, default: &Value) -> Option<Type> {
    match default {
        Value::Bool(_) => Some(Type::Bool),
        Value::Number(number) if number.is_i64() => Some(Type::Int),
        Value::String(_) => Some(Type::Text),
        Value::Array(items) if items.is_empty() && holds_ports(name) => Some(Type::list(Type::Int)),
        Value::Array(items) if items.iter().all(Value::is_string) => Some(Type::list(Type::Text)),
        Value::Array(items) if items.iter().all(Value::is_i64) => Some(Type::list(Type::Int)),
        _ => None,
    }
}

/// The value as a fact of that type.
pub fn fact_of(value: &Value, ty: &Type) -> Option<Fact> {
    match (value, ty) {
        (Value::Bool(value), Type::Bool) => Some(Fact::Bool(*value)),
        (Value::Number(number), Type::Int) => number.as_i64().map(Fact::Int),
        (Value::String(text), Type::Text) => Some(Fact::text(text.as_str())),
        (Value::Array(items), Type::List(element)) => {
            let facts: Option<Vec<Fact>> = items.iter().map(|item| fact_of(item, element)).collect();
            facts.map(Fact::list)
        }
        _ => None,
    }
}

/// Ports are 0 to 65535.
///
/// # Errors
/// Names the number that is none.
pub fn check_ports(name: &str, fact: &Fact) -> Result<(), Refusal> {
    if !holds_ports(name) {
        return Ok(());
    }
    let numbers = match fact {
        Fact::List(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    let outside = numbers
        .iter()
        .find(|fact| matches!(fact, Fact::Int(port) if u16::try_from(*port).is_err()));
    match outside {
        Some(Fact::Int(port)) => Err(Refusal {
            message: format!("`{name}` cannot hold {port}"),
            help: Some("ports are 0 to 65535".to_owned()),
        }),
        _ => Ok(()),
    }
}

fn article(ty: &Type) -> String {
    match ty {
        Type::Int => "an int".to_owned(),
        Type::Text => "text".to_owned(),
        other => format!("a {other}"),
    }
}

/// The type of a value as written, for messages.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a bool",
        Value::Number(number) if number.is_i64() => "an int",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

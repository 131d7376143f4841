//! The functions of the language, a file a family, and how they are called: what every function refuses or leaves
//! unknown is decided here, once.

mod collection;
mod conversion;
mod csv;
mod date;
mod encoding;
mod file;
mod format;
mod hash;
mod json;
mod md5;
mod network;
mod numeric;
mod pattern;
mod set;
mod text;
mod yaml;

use std::sync::Arc;

use super::evaluate::{Environment, Fault, evaluate};
use super::value::{Kind, Members, Unknown, Value};
use super::{Number, Type, convert};
use crate::input::terraform::syntax::Call;

/// One function of the language.
pub struct Function {
    pub name: &'static str,
    least: usize,
    most: usize,
    unknowns: Unknowns,
    nulls: bool,
    run: fn(&Arguments<'_, '_>) -> Outcome,
}

type Outcome = Result<Value, Fault>;

/// What unknown arguments do to a result.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknowns {
    /// Anything unknown in an argument, however deep.
    Deep,
    /// An argument that is unknown as a whole.
    Shallow,
    /// The function sees to it.
    Own,
}

const MANY: usize = usize::MAX;

const fn function(name: &'static str, least: usize, most: usize, run: fn(&Arguments<'_, '_>) -> Outcome) -> Function {
    Function {
        name,
        least,
        most,
        unknowns: Unknowns::Deep,
        nulls: false,
        run,
    }
}

impl Function {
    /// Unknown elements of arguments do not matter.
    const fn shallow(mut self) -> Function {
        self.unknowns = Unknowns::Shallow;
        self
    }

    /// The function decides about unknown arguments.
    const fn own(mut self) -> Function {
        self.unknowns = Unknowns::Own;
        self
    }

    /// Null is an argument like any other.
    const fn nulls(mut self) -> Function {
        self.nulls = true;
        self
    }
}

/// Every function, by family.
pub const FUNCTIONS: &[&[Function]] = &[
    numeric::FUNCTIONS,
    text::FUNCTIONS,
    format::FUNCTIONS,
    pattern::FUNCTIONS,
    collection::FUNCTIONS,
    set::FUNCTIONS,
    encoding::FUNCTIONS,
    csv::FUNCTIONS,
    yaml::FUNCTIONS,
    file::FUNCTIONS,
    date::FUNCTIONS,
    hash::FUNCTIONS,
    network::FUNCTIONS,
    conversion::FUNCTIONS,
];

/// Evaluated arguments, without marks.
struct Arguments<'a, 'e> {
    name: &'static str,
    values: &'a [Value],
    environment: &'a Environment<'e>,
}

pub fn call(call: &Call, environment: &Environment<'_>) -> Result<Value, Fault> {
    match &*call.name {
        "try" => return lazily(call, environment),
        "can" => return can(call, environment),
        _ => {}
    }
    let mut values = Vec::with_capacity(call.arguments.len());
    for argument in &call.arguments {
        values.push(evaluate(argument, environment)?);
    }
    if call.expand
        && let Some(last) = values.pop()
    {
        match (&last.kind, last.elements()) {
            (Kind::Unknown(unknown), _) => {
                values.push(last.clone());
                return Ok(unknown_result(&call.name, unknown, &values));
            }
            (_, Some(items)) => values.extend(items.iter().map(|item| item.clone().marked(last.sensitive))),
            _ => return Err(Fault::new("`...` stands behind a list, tuple or set")),
        }
    }
    let found = FUNCTIONS
        .iter()
        .copied()
        .flatten()
        .find(|function| function.name == &*call.name);
    match found {
        Some(function) => apply(function, &values, environment),
        None if call.name.contains("::") => {
            let why = format!("`{}` is a function of a provider", call.name);
            let shown: Vec<String> = values.iter().map(Value::symbol).collect();
            Ok(Unknown::new(why, &format!("{}({})", call.name, shown.join(","))).into())
        }
        None => Err(Fault::new(format!("there is no function `{}`", call.name))),
    }
}

fn apply(function: &Function, values: &[Value], environment: &Environment<'_>) -> Result<Value, Fault> {
    let name = function.name;
    environment.fuel.burn(values.iter().map(Value::weight).sum())?;
    if values.len() < function.least || values.len() > function.most {
        let wanted = match (function.least, function.most) {
            (least, most) if least == most => format!("{least}"),
            (least, MANY) => format!("at least {least}"),
            (least, most) => format!("{least} to {most}"),
        };
        return Err(Fault::new(format!(
            "`{name}` takes {wanted} arguments, not {}",
            values.len()
        )));
    }
    let sensitive = values.iter().any(Value::is_sensitive) && name != "issensitive";
    let plain: Vec<Value> = match name {
        "sensitive" | "nonsensitive" | "issensitive" => values.to_vec(),
        _ => values.iter().map(Value::unmarked).collect(),
    };
    if !function.nulls
        && let Some(at) = plain.iter().position(Value::is_null)
    {
        return Err(Fault::new(format!("argument {} of `{name}` must not be null", at + 1)));
    }
    let open = plain.iter().find_map(|value| match function.unknowns {
        Unknowns::Deep => value.open(),
        Unknowns::Shallow => value.as_unknown(),
        Unknowns::Own => None,
    });
    let arguments = Arguments {
        name,
        values: &plain,
        environment,
    };
    let result = match open {
        Some(unknown) => unknown_result(name, unknown, &plain),
        None => (function.run)(&arguments)?,
    };
    Ok(result.marked(sensitive && name != "nonsensitive"))
}

fn unknown_result(name: &str, unknown: &Unknown, values: &[Value]) -> Value {
    let shown: Vec<String> = values.iter().map(Value::symbol).collect();
    unknown.named(format!("{{{name}({})}}", shown.join(","))).into()
}

/// The first argument that has a value.
fn lazily(call: &Call, environment: &Environment<'_>) -> Result<Value, Fault> {
    let mut last = Fault::new("`try` takes at least 1 argument");
    for argument in &call.arguments {
        match evaluate(argument, environment) {
            Err(fault) if !fault.stopped => last = fault,
            outcome => return outcome,
        }
    }
    Err(last)
}

fn can(call: &Call, environment: &Environment<'_>) -> Result<Value, Fault> {
    let [argument] = call.arguments.as_slice() else {
        return Err(Fault::new("`can` takes 1 argument"));
    };
    match evaluate(argument, environment) {
        Ok(value) => Ok(match value.as_unknown() {
            Some(unknown) => Value::from(unknown.named(format!("{{can({})}}", unknown.inner()))),
            None => Value::from(true),
        }),
        Err(fault) if fault.stopped => Err(fault),
        Err(_) => Ok(Value::from(false)),
    }
}

impl Arguments<'_, '_> {
    fn value(&self, at: usize) -> Result<&Value, Fault> {
        self.values
            .get(at)
            .ok_or_else(|| Fault::new(format!("`{}` takes more arguments", self.name)))
    }

    fn optional(&self, at: usize) -> Option<&Value> {
        self.values.get(at)
    }

    fn converted(&self, at: usize, to: &Type) -> Result<Value, Fault> {
        convert(self.value(at)?, to).map_err(|why| Fault::new(format!("argument {} of `{}`: {why}", at + 1, self.name)))
    }

    fn text(&self, at: usize) -> Result<Arc<str>, Fault> {
        match self.converted(at, &Type::Text)?.kind {
            Kind::Text(text) => Ok(text),
            _ => Err(self.wrong(at, "a string is required")),
        }
    }

    fn number(&self, at: usize) -> Result<Number, Fault> {
        match self.converted(at, &Type::Number)?.kind {
            Kind::Number(number) => Ok(number),
            _ => Err(self.wrong(at, "a number is required")),
        }
    }

    fn whole(&self, at: usize) -> Result<i64, Fault> {
        let number = self.number(at)?;
        number
            .to_i64()
            .ok_or_else(|| self.wrong(at, "a whole number is required"))
    }

    /// The elements of a list, tuple or set.
    fn elements(&self, at: usize) -> Result<&[Value], Fault> {
        let elements = self.value(at)?.elements();
        elements.ok_or_else(|| self.wrong(at, "a list, tuple or set is required"))
    }

    /// As `elements`, all converted to one type.
    fn list(&self, at: usize, of: Type) -> Result<Vec<Value>, Fault> {
        match self.converted(at, &Type::list(of))?.kind {
            Kind::List(items) => Ok(items.to_vec()),
            _ => Err(self.wrong(at, "a list is required")),
        }
    }

    fn texts(&self, at: usize) -> Result<Vec<Arc<str>>, Fault> {
        let items = self.list(at, Type::Text)?;
        let text = |item: &Value| {
            item.as_text()
                .cloned()
                .ok_or_else(|| self.wrong(at, "an element is null"))
        };
        items.iter().map(text).collect()
    }

    fn members(&self, at: usize) -> Result<&Members, Fault> {
        self.value(at)?
            .members()
            .ok_or_else(|| self.wrong(at, "a map or object is required"))
    }

    fn wrong(&self, at: usize, why: &str) -> Fault {
        Fault::new(format!("argument {} of `{}`: {why}", at + 1, self.name))
    }

    fn refuse(&self, why: impl std::fmt::Display) -> Fault {
        Fault::new(format!("`{}`: {why}", self.name))
    }

    /// An unknown result, told apart by all arguments.
    fn open(&self, why: &str) -> Value {
        let shown: Vec<String> = self.values.iter().map(Value::symbol).collect();
        Unknown::new(why, &format!("{}({})", self.name, shown.join(","))).into()
    }
}

//! Trees to values. What is lazy or binds names is here; every other function is in `functions`, or asks the context.
//! Unknown in, unknown out: nothing is guessed, and a value that does not depend on the unknown is known.

use std::cell::Cell;
use std::sync::Arc;

use super::functions;
use super::value::{Kind, Unknown, Value, digest};
use crate::syntax::{Element, Entry, Expression, Span};

/// Why an expression has no value: what Azure would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub message: String,
    /// The evaluation was stopped, not refused.
    pub stopped: bool,
}

impl Fault {
    pub fn new(message: impl Into<String>) -> Self {
        Fault {
            message: message.into(),
            stopped: false,
        }
    }

    fn stopped(message: &str) -> Self {
        Fault {
            message: message.to_owned(),
            stopped: true,
        }
    }
}

pub type Outcome = Result<Value, Fault>;

/// How much work and depth is left.
pub struct Fuel {
    left: Cell<u64>,
    depth: Cell<u32>,
    quiet: Cell<u32>,
}

/// Deepest nesting of calls, variables and user functions together.
const DEPTH: u32 = 400;

/// Longest string, in bytes, and most elements of an array that a function makes.
pub const LONGEST: usize = 1 << 20;
pub const MOST: usize = 10_000;

impl Fuel {
    pub fn new(steps: u64) -> Self {
        Fuel {
            left: Cell::new(steps),
            depth: Cell::new(0),
            quiet: Cell::new(0),
        }
    }

    pub fn spend(&self, steps: usize) -> Result<(), Fault> {
        let left = self.left.get();
        let steps = steps as u64;
        if left < steps {
            self.left.set(0);
            return Err(Fault::stopped(
                "the template takes more steps to evaluate than are allowed",
            ));
        }
        self.left.set(left - steps);
        Ok(())
    }

    /// Runs what is perhaps never run in Azure: what is wrong in it is not worth saying.
    pub fn quietly<T>(&self, run: impl FnOnce() -> T) -> T {
        self.quiet.set(self.quiet.get() + 1);
        let result = run();
        self.quiet.set(self.quiet.get().saturating_sub(1));
        result
    }

    pub fn is_quiet(&self) -> bool {
        self.quiet.get() > 0
    }

    pub fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    /// Runs one level deeper.
    pub fn deeper<T>(&self, run: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth.get() >= DEPTH {
            return Err(Fault::stopped("expressions and variables are nested too deeply"));
        }
        self.depth.set(self.depth.get() + 1);
        let result = run();
        self.depth.set(self.depth.get().saturating_sub(1));
        result
    }
}

/// What surrounds an expression.
pub trait Context {
    fn fuel(&self) -> &Fuel;
    /// Functions that ask the template, its deployment or its loops; `None`: there is no such function.
    fn ask(&self, name: &str, arguments: &[Value]) -> Option<Outcome>;
    /// Functions that the template defines; `None`: it defines no such function.
    fn user(&self, namespace: &str, name: &str, arguments: &[Value]) -> Option<Outcome>;
    /// The variable of a loop that the expression stands in.
    fn local(&self, name: &str) -> Option<Value>;
    /// What is at a path below `reference(arguments)`, where the template itself states it.
    fn referenced(&self, arguments: &[Value], path: &[Step]) -> Option<Outcome>;
    /// Says that the part of an expression at this place has no value, and gives what stands for it.
    fn refuse(&self, span: Span, fault: &Fault) -> Value;
    /// Begins to watch which parameters a value comes from, where that is of interest.
    fn watch(&self) -> Option<usize> {
        None
    }
    /// The value at a place comes from what was asked for since the watch began.
    fn used(&self, _: Span, _: usize) {}
}

/// One step of a path; a safe one gives null where nothing is.
#[derive(Clone, Debug)]
pub struct Step {
    pub key: Value,
    pub safe: bool,
}

/// A variable of a lambda and those around it.
pub struct Binding<'b> {
    pub name: &'b str,
    pub value: &'b Value,
    pub outer: Option<&'b Binding<'b>>,
}

pub fn evaluate(expression: &Expression, context: &dyn Context, bindings: Option<&Binding<'_>>) -> Outcome {
    context.fuel().spend(1)?;
    if let Expression::At(span, of) = expression {
        let watch = context.watch();
        let value = evaluate(of, context, bindings)?;
        if let Some(mark) = watch
            && !matches!(value.kind, Kind::Object(_))
        {
            context.used(*span, mark);
        }
        return Ok(value.at(*span));
    }
    context.fuel().deeper(|| match expression {
        Expression::Null => Ok(Value::null()),
        Expression::Bool(value) => Ok((*value).into()),
        Expression::Broken(why) => Err(Fault::new(why.to_string())),
        Expression::At(_, of) => evaluate(of, context, bindings),
        Expression::Array(elements) => array(elements, context, bindings),
        Expression::Object(entries) => object(entries, context, bindings),
        Expression::Text(text) => Ok(Kind::Text(text.clone()).into()),
        Expression::Int(value) => Ok((*value).into()),
        Expression::Decimal(digits) => Ok(Kind::Decimal(digits.clone()).into()),
        Expression::Member { of, key, safe } => member(of, key, *safe, context, bindings),
        Expression::Call {
            namespace,
            name,
            arguments,
        } => call(namespace.as_deref(), name, arguments, context, bindings),
    })
}

/// A part of an array or object; what has no value is said, and leaves the rest as it is.
fn part(expression: &Expression, context: &dyn Context, bindings: Option<&Binding<'_>>) -> Value {
    let outcome = evaluate(expression, context, bindings);
    outcome.unwrap_or_else(|fault| context.refuse(expression.span(), &fault))
}

fn array(elements: &[Element], context: &dyn Context, bindings: Option<&Binding<'_>>) -> Outcome {
    let mut items = Vec::with_capacity(elements.len());
    for element in elements {
        let value = part(&element.value, context, bindings);
        match (&value.kind, element.spread) {
            (_, false) => items.push(value),
            (Kind::List(others), true) => items.extend(others.iter().cloned()),
            (Kind::Unknown(_), true) => return Ok(value),
            _ => {
                return Err(Fault::new(format!(
                    "`...` is before {}, not an array",
                    value.describe()
                )));
            }
        }
    }
    Ok(items.into())
}

fn object(entries: &[Entry], context: &dyn Context, bindings: Option<&Binding<'_>>) -> Outcome {
    let mut members: Vec<(Arc<str>, Value)> = Vec::with_capacity(entries.len());
    let mut spread = false;
    for entry in entries {
        match entry {
            Entry::Member { key, value } => {
                let name = evaluate(key, context, bindings)?;
                let value = part(value, context, bindings);
                match &name.kind {
                    Kind::Text(name) if spread => put(&mut members, name, value),
                    Kind::Text(name) => members.push((name.clone(), value)),
                    Kind::Unknown(_) => return Ok(name),
                    _ => return Err(Fault::new("the name of a member is no string")),
                }
            }
            Entry::Spread(of) => {
                spread = true;
                let value = part(of, context, bindings);
                match &value.kind {
                    Kind::Object(others) => others
                        .iter()
                        .for_each(|(name, value)| put(&mut members, name, value.clone())),
                    Kind::Unknown(_) => return Ok(value),
                    _ => {
                        return Err(Fault::new(format!(
                            "`...` is before {}, not an object",
                            value.describe()
                        )));
                    }
                }
            }
        }
        context.fuel().spend(1)?;
    }
    Ok(Value::object(members))
}

/// Sets a member, in place of the one of its name.
fn put(members: &mut Vec<(Arc<str>, Value)>, name: &Arc<str>, value: Value) {
    match members.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some((_, known)) => *known = value,
        None => members.push((name.clone(), value)),
    }
}

/// The arguments of the `reference` that a path begins with, and the steps of the path, the last first.
fn reference<'e>(of: &'e Expression, steps: &mut Vec<(&'e Expression, bool)>) -> Option<&'e [Expression]> {
    let mut of = of.bare();
    while let Expression::Member { of: inner, key, safe } = of {
        steps.push((key, *safe));
        of = inner.bare();
    }
    match of {
        Expression::Call {
            namespace: None,
            name,
            arguments,
        } if name.eq_ignore_ascii_case("reference") => Some(arguments),
        _ => None,
    }
}

fn member(
    of: &Expression,
    key: &Expression,
    safe: bool,
    context: &dyn Context,
    bindings: Option<&Binding<'_>>,
) -> Outcome {
    let mut steps = vec![(key, safe)];
    if let Some(arguments) = reference(of, &mut steps) {
        let arguments: Result<Vec<Value>, Fault> =
            arguments.iter().map(|one| evaluate(one, context, bindings)).collect();
        let path: Result<Vec<Step>, Fault> = steps
            .iter()
            .rev()
            .map(|(key, safe)| {
                Ok(Step {
                    key: evaluate(key, context, bindings)?,
                    safe: *safe,
                })
            })
            .collect();
        if let Some(outcome) = context.referenced(&arguments?, &path?) {
            return outcome;
        }
    }
    let of = evaluate(of, context, bindings)?;
    let key = evaluate(key, context, bindings)?;
    element(&of, &key, safe)
}

/// `of[key]` or `of.key`.
pub fn element(of: &Value, key: &Value, safe: bool) -> Outcome {
    if let Some(unknown) = of.as_unknown() {
        let symbol = match &key.kind {
            Kind::Int(index) => format!("{}[{index}]", unknown.symbol),
            _ => format!("{}.{}", unknown.symbol, key.name().map_or("?", |name| name)),
        };
        // A part of an id is no id.
        return Ok(unknown.derived(format!("{{{}}}", symbol.replace('/', ":"))).into());
    }
    if let Some(unknown) = key.as_unknown() {
        let symbol = format!("{{{}[{}]}}", digest(&of.json()), unknown.symbol.replace('/', ":"));
        return Ok(unknown.derived(symbol).into());
    }
    let found = match (&of.kind, &key.kind) {
        (Kind::Object(_), Kind::Text(name)) => of.get(name),
        (Kind::List(items), Kind::Int(index)) => usize::try_from(*index).ok().and_then(|index| items.get(index)),
        (Kind::Null, _) if safe => None,
        (Kind::List(_), Kind::Text(_)) | (Kind::Object(_), Kind::Int(_)) if safe => None,
        _ => {
            let message = format!(
                "{} has no member `{}`",
                of.describe(),
                key.name().map_or("?", |name| name)
            );
            return Err(Fault::new(message));
        }
    };
    match found {
        Some(value) => Ok(value.clone()),
        None if safe => Ok(Value::null()),
        None => Err(Fault::new(match &key.kind {
            Kind::Int(index) => format!("the array has no element {index}"),
            _ => format!("the object has no member `{}`", key.name().map_or("?", |name| name)),
        })),
    }
}

fn call(
    namespace: Option<&str>,
    name: &str,
    arguments: &[Expression],
    context: &dyn Context,
    bindings: Option<&Binding<'_>>,
) -> Outcome {
    let lower = name.to_ascii_lowercase();
    let builtin = namespace.is_none_or(|namespace| ["sys", "az"].iter().any(|own| namespace.eq_ignore_ascii_case(own)));
    let run = Call {
        arguments,
        context,
        bindings,
    };
    if builtin && let Some(outcome) = run.special(&lower) {
        return outcome;
    }
    let values = run.values()?;
    if let Some(namespace) = namespace.filter(|_| !builtin) {
        let outcome = context.user(namespace, name, &values);
        return outcome.unwrap_or_else(|| Err(Fault::new(format!("`{namespace}.{name}` is not defined"))));
    }
    if let Some(outcome) = context.ask(&lower, &values) {
        return outcome;
    }
    let outcome = functions::call(&lower, &values)
        .unwrap_or_else(|| Err(Fault::new(format!("`{name}` is no function of templates"))))?;
    context.fuel().spend(outcome.size(MOST))?;
    Ok(outcome)
}

/// One call with its unevaluated arguments.
struct Call<'c> {
    arguments: &'c [Expression],
    context: &'c dyn Context,
    bindings: Option<&'c Binding<'c>>,
}

impl Call<'_> {
    fn value(&self, at: usize) -> Outcome {
        match self.arguments.get(at) {
            Some(argument) => evaluate(argument, self.context, self.bindings),
            None => Err(Fault::new("an argument is missing")),
        }
    }

    fn values(&self) -> Result<Vec<Value>, Fault> {
        (0..self.arguments.len()).map(|at| self.value(at)).collect()
    }

    /// Functions that are lazy or bind names.
    fn special(&self, name: &str) -> Option<Outcome> {
        Some(match name {
            "if" => self.choose(),
            "and" => self.connect(false),
            "or" => self.connect(true),
            "coalesce" => self.coalesce(),
            "lambdavariables" => self.variable(),
            "lambda" => Err(Fault::new("`lambda` stands only within `filter`, `map` and their like")),
            "filter" => self.filter(),
            "map" => self.map(),
            "mapvalues" => self.map_values(),
            "reduce" => self.reduce(),
            "sort" => self.sort(),
            "groupby" => self.group_by(),
            "toobject" => self.to_object(),
            _ => return None,
        })
    }

    fn choose(&self) -> Outcome {
        let condition = self.value(0)?;
        match &condition.kind {
            Kind::Bool(true) => self.value(1),
            Kind::Bool(false) => self.value(2),
            Kind::Unknown(unknown) => {
                let (yes, no) = self.context.fuel().quietly(|| (self.value(1), self.value(2)));
                if let (Ok(yes), Ok(no)) = (&yes, &no)
                    && yes.same(no) == Some(true)
                {
                    return Ok(yes.clone());
                }
                let shown = |outcome: &Outcome| outcome.as_ref().map_or(String::new(), Value::json);
                let symbol = digest(&format!("{}|{}|{}", unknown.symbol, shown(&yes), shown(&no)));
                Ok(unknown.derived(format!("{{if#{symbol}}}")).into())
            }
            _ => Err(Fault::new(format!("the condition of `if` is {}", condition.describe()))),
        }
    }

    /// `and` (`absorbing` false) and `or` (true): an unknown does not matter where another operand decides.
    fn connect(&self, absorbing: bool) -> Outcome {
        let mut open: Option<Unknown> = None;
        for at in 0..self.arguments.len() {
            let value = self.value(at)?;
            match &value.kind {
                Kind::Bool(value) if *value == absorbing => return Ok(absorbing.into()),
                Kind::Bool(_) => {}
                Kind::Unknown(unknown) => {
                    open = Some(match open {
                        Some(before) => before
                            .derived(format!(
                                "{{{}}}",
                                digest(&format!("{}|{}", before.symbol, unknown.symbol))
                            ))
                            .inexact(),
                        None => unknown.clone(),
                    });
                }
                _ => return Err(Fault::new(format!("an operand is {}, not a boolean", value.describe()))),
            }
        }
        Ok(open.map_or_else(|| (!absorbing).into(), Value::from))
    }

    fn coalesce(&self) -> Outcome {
        for at in 0..self.arguments.len() {
            let value = self.value(at)?;
            match &value.kind {
                Kind::Null => {}
                // It may be null or not; then another value would stand here.
                Kind::Unknown(unknown) if at + 1 < self.arguments.len() => {
                    return Ok(unknown
                        .derived(format!("{{coalesce:{}}}", unknown.symbol.replace('/', ":")))
                        .into());
                }
                _ => return Ok(value),
            }
        }
        Ok(Value::null())
    }

    /// What the call gives where an unknown decides: named by all that it depends on.
    fn open(&self, unknown: &Unknown, of: &str) -> Unknown {
        let call = format!("{:?}|{}|{of}", self.arguments, unknown.symbol);
        unknown.derived(format!("{{call#{}}}", digest(&call))).inexact()
    }

    fn variable(&self) -> Outcome {
        let name = self.value(0)?;
        let wanted = name.as_text().map_or("", |name| name);
        let mut next = self.bindings;
        while let Some(binding) = next {
            if binding.name.eq_ignore_ascii_case(wanted) {
                return Ok(binding.value.clone());
            }
            next = binding.outer;
        }
        let missing = || Fault::new(format!("there is no lambda variable `{wanted}`"));
        self.context.local(wanted).ok_or_else(missing)
    }

    /// The array to go through; unknown ones end the call.
    fn items(&self) -> Result<Result<Arc<Vec<Value>>, Value>, Fault> {
        let list = self.value(0)?;
        match &list.kind {
            Kind::List(items) => Ok(Ok(items.clone())),
            Kind::Unknown(unknown) => Ok(Err(self.open(unknown, "").into())),
            _ => Err(Fault::new(format!(
                "the first argument is {}, not an array",
                list.describe()
            ))),
        }
    }

    /// Applies the lambda that stands at an argument.
    fn apply(&self, at: usize, values: &[&Value]) -> Outcome {
        let lambda = match self.arguments.get(at).map(Expression::bare) {
            Some(Expression::Call { name, arguments, .. }) if name.eq_ignore_ascii_case("lambda") => arguments,
            _ => return Err(Fault::new("a lambda is missing")),
        };
        let Some((body, names)) = lambda.split_last() else {
            return Err(Fault::new("the lambda is empty"));
        };
        bind(body, names, values, self.context, self.bindings)
    }

    fn filter(&self) -> Outcome {
        let items = match self.items()? {
            Ok(items) => items,
            Err(open) => return Ok(open),
        };
        let mut kept = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let index = index(at);
            match self.apply(1, &[item, &index])?.kind {
                Kind::Bool(true) => kept.push(item.clone()),
                Kind::Bool(false) => {}
                Kind::Unknown(unknown) => return Ok(self.open(&unknown, &Value::from(items.to_vec()).json()).into()),
                _ => return Err(Fault::new("the lambda of `filter` gives no boolean")),
            }
        }
        Ok(kept.into())
    }

    fn map(&self) -> Outcome {
        let items = match self.items()? {
            Ok(items) => items,
            Err(open) => return Ok(open),
        };
        let mapped: Result<Vec<Value>, Fault> = items
            .iter()
            .enumerate()
            .map(|(at, item)| self.apply(1, &[item, &index(at)]))
            .collect();
        mapped.map(Value::from)
    }

    fn map_values(&self) -> Outcome {
        let object = self.value(0)?;
        let members = match &object.kind {
            Kind::Object(members) => members.clone(),
            Kind::Unknown(unknown) => return Ok(self.open(unknown, "").into()),
            _ => return Err(Fault::new("the first argument of `mapValues` is no object")),
        };
        let mapped: Result<Vec<_>, Fault> = members
            .iter()
            .map(|(name, value)| Ok((name.clone(), self.apply(1, &[value])?)))
            .collect();
        mapped.map(Value::object)
    }

    fn reduce(&self) -> Outcome {
        let items = match self.items()? {
            Ok(items) => items,
            Err(open) => return Ok(open),
        };
        let mut so_far = self.value(1)?;
        for (at, item) in items.iter().enumerate() {
            so_far = self.apply(2, &[&so_far, item, &index(at)])?;
        }
        Ok(so_far)
    }

    /// Sorts by insertion: the lambda need not be an order, and arrays are short.
    fn sort(&self) -> Outcome {
        let items = match self.items()? {
            Ok(items) => items,
            Err(open) => return Ok(open),
        };
        let mut sorted: Vec<Value> = Vec::with_capacity(items.len());
        for item in items.iter() {
            let (mut low, mut high) = (0, sorted.len());
            while low < high {
                let middle = low + (high - low) / 2;
                let Some(other) = sorted.get(middle) else { break };
                match self.apply(1, &[item, other])?.kind {
                    Kind::Bool(true) => high = middle,
                    Kind::Bool(false) => low = middle + 1,
                    Kind::Unknown(unknown) => {
                        return Ok(self.open(&unknown, &Value::from(items.to_vec()).json()).into());
                    }
                    _ => return Err(Fault::new("the lambda of `sort` gives no boolean")),
                }
            }
            sorted.insert(low, item.clone());
        }
        Ok(sorted.into())
    }

    fn group_by(&self) -> Outcome {
        let items = match self.items()? {
            Ok(items) => items,
            Err(open) => return Ok(open),
        };
        let mut groups: Vec<(Arc<str>, Vec<Value>)> = Vec::new();
        for item in items.iter() {
            let key = match self.key(1, item)? {
                Ok(key) => key,
                Err(open) => return Ok(open),
            };
            let value = if self.arguments.len() > 2 {
                self.apply(2, &[item])?
            } else {
                item.clone()
            };
            match groups.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(&key)) {
                Some((_, group)) => group.push(value),
                None => groups.push((key, vec![value])),
            }
        }
        let members = groups.into_iter().map(|(name, group)| (name, group.into()));
        Ok(Value::object(members.collect()))
    }

    fn to_object(&self) -> Outcome {
        let items = match self.items()? {
            Ok(items) => items,
            Err(open) => return Ok(open),
        };
        let mut members: Vec<(Arc<str>, Value)> = Vec::new();
        for item in items.iter() {
            let key = match self.key(1, item)? {
                Ok(key) => key,
                Err(open) => return Ok(open),
            };
            let value = if self.arguments.len() > 2 {
                self.apply(2, &[item])?
            } else {
                item.clone()
            };
            members.retain(|(name, _)| !name.eq_ignore_ascii_case(&key));
            members.push((key, value));
        }
        Ok(Value::object(members))
    }

    /// The text that the lambda gives; unknown ones end the call.
    fn key(&self, at: usize, item: &Value) -> Result<Result<Arc<str>, Value>, Fault> {
        match self.apply(at, &[item])?.kind {
            Kind::Text(key) => Ok(Ok(key)),
            Kind::Unknown(unknown) => Ok(Err(self.open(&unknown, &item.json()).into())),
            _ => Err(Fault::new("the lambda gives a key that is no string")),
        }
    }
}

fn index(at: usize) -> Value {
    i64::try_from(at).unwrap_or(i64::MAX).into()
}

/// Binds the names one by one and evaluates the body with all of them.
fn bind(
    body: &Expression,
    names: &[Expression],
    values: &[&Value],
    context: &dyn Context,
    outer: Option<&Binding<'_>>,
) -> Outcome {
    let (Some((name, names)), Some((value, values))) = (names.split_first(), values.split_first()) else {
        return evaluate(body, context, outer);
    };
    let Expression::Text(name) = name else {
        return Err(Fault::new("the name of a lambda variable is no string"));
    };
    let binding = Binding { name, value, outer };
    bind(body, names, values, context, Some(&binding))
}

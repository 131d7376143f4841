//! Expressions to values. Work is bounded by steps and depth; what cannot be evaluated says why and where.

use std::cell::Cell;
use std::sync::Arc;

use super::functions;
use super::operator::{binary, decides_alone, unary};
use super::template;
use super::traverse;
use super::value::{Kind, Members, Unknown, Value};
use super::{Type, convert, type_of, unify};
use crate::input::terraform::syntax::{Binary, Expression, For, Kind as Tree, Step};
use crate::input::yaml;
use crate::syntax::Span;

/// A region of one of the files that are evaluated together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: usize,
    pub span: Span,
}

/// Why an expression has no value.
#[derive(Clone, Debug)]
pub struct Fault {
    pub message: String,
    pub place: Option<Place>,
    /// A limit was reached: whatever follows fails as well, and `try` must not hide it.
    pub stopped: bool,
}

impl Fault {
    pub fn new(message: impl Into<String>) -> Fault {
        Fault {
            message: message.into(),
            place: None,
            stopped: false,
        }
    }

    fn stopped(message: &str) -> Fault {
        Fault {
            stopped: true,
            ..Fault::new(message)
        }
    }

    /// The innermost place is the one that is told.
    pub fn at(mut self, file: usize, span: Span) -> Fault {
        self.place.get_or_insert(Place { file, span });
        self
    }
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Fault::new(message)
    }
}

/// The steps that are left.
#[derive(Debug)]
pub struct Fuel {
    steps: Cell<u64>,
    depth: Cell<u32>,
}

/// Deepest nesting of expressions, and of what they refer to.
const DEPTH: u32 = 1500;

impl Fuel {
    pub fn new(steps: u64) -> Fuel {
        Fuel {
            steps: Cell::new(steps),
            depth: Cell::new(0),
        }
    }

    pub fn burn(&self, steps: u64) -> Result<(), Fault> {
        let left = self.steps.get();
        self.steps.set(left.saturating_sub(steps));
        match left >= steps {
            true => Ok(()),
            false => Err(Fault::stopped("it takes too many steps")),
        }
    }

    /// One level deeper for as long as something runs.
    pub fn deeper<T>(&self, run: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
        let depth = self.depth.get();
        if depth >= DEPTH {
            return Err(Fault::new("it is nested too deep, or refers to itself"));
        }
        self.depth.set(depth + 1);
        let outcome = run();
        self.depth.set(depth);
        outcome
    }
}

/// What names stand for.
pub trait Scope {
    /// The value of a reference and how many of its steps that took; names of `for` are known before this is asked.
    fn resolve(&self, root: &str, steps: &[Step], environment: &Environment<'_>) -> Result<(Value, usize), Fault>;

    /// The text of a file by its path, as functions name it; `Err` says why there is none.
    fn file(&self, path: &str) -> Result<Arc<str>, Unread>;

    /// The paths of the files below a directory, relative to it.
    fn files_below(&self, path: &str) -> Result<Vec<String>, Unread>;

    /// Hears which values the text of a file holds.
    fn decoded(&self, _text: &Arc<str>, _values: &yaml::Node) {}
}

/// Why a file has no text here.
#[derive(Clone, Debug)]
pub enum Unread {
    /// It is not among what was given: what it says is unknown.
    NotGiven(String),
    Fault(String),
}

/// Where an expression is evaluated.
#[derive(Clone, Copy)]
pub struct Environment<'e> {
    pub scope: &'e dyn Scope,
    pub fuel: &'e Fuel,
    pub file: usize,
    pub names: Option<&'e Names<'e>>,
}

/// Names that `for` gives, the innermost first.
pub struct Names<'e> {
    pub name: &'e str,
    pub value: Value,
    pub outer: Option<&'e Names<'e>>,
}

impl Environment<'_> {
    pub fn name(&self, wanted: &str) -> Option<&Value> {
        let mut names = self.names;
        while let Some(one) = names {
            if one.name == wanted {
                return Some(&one.value);
            }
            names = one.outer;
        }
        None
    }
}

pub fn evaluate(expression: &Expression, environment: &Environment<'_>) -> Result<Value, Fault> {
    environment.fuel.burn(1)?;
    let run = || kind(expression, environment);
    environment
        .fuel
        .deeper(run)
        .map_err(|fault| fault.at(environment.file, expression.span))
}

fn kind(expression: &Expression, environment: &Environment<'_>) -> Result<Value, Fault> {
    match &expression.kind {
        Tree::Broken => Ok(Unknown::new("what stands there cannot be read", &expression.symbol()).into()),
        Tree::Null => Ok(Value::null()),
        Tree::Bool(value) => Ok(Value::from(*value)),
        Tree::Number(number) => Ok(Value::from(number.clone())),
        Tree::Text(text) => Ok(Value::from(text.clone())),
        Tree::Template(parts) => template::evaluate(parts, environment),
        Tree::Tuple(items) => {
            let items: Result<Vec<Value>, Fault> = items.iter().map(|item| evaluate(item, environment)).collect();
            items.map(Value::tuple)
        }
        Tree::Object(members) => object(members, environment),
        Tree::Variable(_) => traverse::evaluate(expression, &[], environment),
        Tree::Traversal(root, steps) => traverse::evaluate(root, steps, environment),
        Tree::Unary(operator, operand) => unary(*operator, &evaluate(operand, environment)?),
        Tree::Binary(operator @ (Binary::And | Binary::Or), left, right) => {
            logical(*operator, left, right, environment)
        }
        Tree::Binary(operator, left, right) => {
            let (left, right) = (evaluate(left, environment)?, evaluate(right, environment)?);
            environment.fuel.burn(left.weight().min(right.weight()))?;
            binary(*operator, &left, &right)
        }
        Tree::Conditional(condition, then, otherwise) => conditional(condition, then, otherwise, environment),
        Tree::Call(call) => functions::call(call, environment),
        Tree::For(one) => for_expression(one, environment),
    }
}

/// Since Terraform 1.12 the right side is not looked at where the left one decides. Where that is open, the right one may
/// fail: then it is not looked at when all is known.
fn logical(
    operator: Binary,
    left: &Expression,
    right: &Expression,
    environment: &Environment<'_>,
) -> Result<Value, Fault> {
    let left = evaluate(left, environment)?;
    if let Some(decided) = decides_alone(operator, &left)? {
        return Ok(decided);
    }
    match evaluate(right, environment) {
        Ok(right) => binary(operator, &left, &right),
        Err(fault) if fault.stopped => Err(fault),
        Err(fault) => left.as_unknown().map(|left| Value::from(left.part("&&"))).ok_or(fault),
    }
}

fn object(members: &[(Expression, Expression)], environment: &Environment<'_>) -> Result<Value, Fault> {
    let mut out = Members::new();
    let mut open: Option<Unknown> = None;
    let mut sensitive = false;
    for (key, value) in members {
        let name = evaluate(key, environment)?;
        let value = evaluate(value, environment)?;
        sensitive |= name.sensitive;
        match name_of(&name)? {
            Name::Known(name) => {
                out.insert(name, value);
            }
            Name::Open(unknown) => open = Some(unknown),
        }
    }
    Ok(match open {
        Some(unknown) => Value::from(unknown.part("=>object")),
        None => Value::object(out).marked(sensitive),
    })
}

enum Name {
    Known(Arc<str>),
    Open(Unknown),
}

fn name_of(key: &Value) -> Result<Name, Fault> {
    if let Some(unknown) = key.as_unknown() {
        return Ok(Name::Open(unknown.clone()));
    }
    match convert(key, &Type::Text)?.as_text() {
        Some(text) => Ok(Name::Known(text.clone())),
        None => Err(Fault::new("a key must not be null")),
    }
}

/// Both branches are looked at, since the result has a type that both have; only the chosen one may fail.
fn conditional(
    condition: &Expression,
    then: &Expression,
    otherwise: &Expression,
    environment: &Environment<'_>,
) -> Result<Value, Fault> {
    let condition = evaluate(condition, environment)?;
    let sensitive = condition.sensitive;
    let decided = match &condition.kind {
        Kind::Unknown(unknown) => Err(unknown.clone()),
        Kind::Null => return Err(Fault::new("the condition is null")),
        _ => match convert(&condition, &Type::Bool)?.kind {
            Kind::Bool(flag) => Ok(flag),
            _ => return Err(Fault::new("the condition is no bool")),
        },
    };
    let (first, second) = (evaluate(then, environment), evaluate(otherwise, environment));
    let stopped = [&first, &second].into_iter().find_map(|outcome| match outcome {
        Err(fault) if fault.stopped => Some(fault.clone()),
        _ => None,
    });
    if let Some(fault) = stopped {
        return Err(fault);
    }
    let common = match (&first, &second) {
        (Ok(a), Ok(b)) => {
            environment.fuel.burn(a.weight() + b.weight())?;
            let common = unify(&[type_of(a), type_of(b)]);
            common.ok_or_else(|| Fault::new("the two results have no type in common"))?
        }
        _ => Type::Any,
    };
    let fit = |value: Result<Value, Fault>| Ok::<Value, Fault>(convert(&value?, &common)?.marked(sensitive));
    match decided {
        Ok(true) => fit(first),
        Ok(false) => fit(second),
        Err(unknown) => Ok(match (fit(first), fit(second)) {
            (Ok(first), Ok(second)) => undecided(&unknown, &first, &second),
            (Err(fault), Err(_)) => return Err(fault),
            // The branch that fails is not the one that is taken when all is known.
            _ => Value::from(unknown.part("?")).marked(sensitive),
        }),
    }
}

fn undecided(condition: &Unknown, a: &Value, b: &Value) -> Value {
    if a.same(b) == Some(true) {
        return a.clone();
    }
    let symbol = format!("{{{}?{}:{}}}", condition.inner(), a.symbol(), b.symbol());
    Value::from(condition.named(symbol)).marked(a.is_sensitive() || b.is_sensitive())
}

/// What a `for` runs over: keys and values, and whether it must be hidden.
pub struct Items {
    pub pairs: Vec<(Value, Value)>,
    pub sensitive: bool,
}

/// The elements of a collection with their keys; `Err(Ok(..))` where it is unknown.
pub fn items(collection: &Value) -> Result<Items, Result<Unknown, Fault>> {
    let pairs = match &collection.kind {
        Kind::Unknown(unknown) => return Err(Ok(unknown.clone())),
        Kind::Tuple(items) | Kind::List(items) => items
            .iter()
            .enumerate()
            .map(|(at, item)| (Value::from(at), item.clone()))
            .collect(),
        Kind::Set(items) => items.iter().map(|item| (item.clone(), item.clone())).collect(),
        Kind::Map(members) => named(members),
        Kind::Object(object) => named(&object.members),
        _ => {
            let message = format!("{} cannot be iterated", collection.describe());
            return Err(Err(Fault::new(message)));
        }
    };
    Ok(Items {
        pairs,
        sensitive: collection.sensitive,
    })
}

fn named(members: &Members) -> Vec<(Value, Value)> {
    let pairs = members
        .iter()
        .map(|(name, value)| (Value::from(name.clone()), value.clone()));
    pairs.collect()
}

/// Runs something with the names of a `for` set.
pub fn with_names<T>(
    environment: &Environment<'_>,
    key: Option<&str>,
    value: &str,
    pair: (Value, Value),
    run: impl FnOnce(&Environment<'_>) -> T,
) -> T {
    let keyed = key.map(|name| Names {
        name,
        value: pair.0,
        outer: environment.names,
    });
    let names = Names {
        name: value,
        value: pair.1,
        outer: keyed.as_ref().or(environment.names),
    };
    run(&Environment {
        names: Some(&names),
        ..*environment
    })
}

fn for_expression(one: &For, environment: &Environment<'_>) -> Result<Value, Fault> {
    let collection = evaluate(&one.collection, environment)?;
    let items = match items(&collection) {
        Ok(items) => items,
        Err(Ok(unknown)) => {
            let mark = format!("=>{:x}", one.result.span.start);
            return Ok(Value::from(unknown.part(&mark)).marked(collection.sensitive));
        }
        Err(Err(fault)) => return Err(fault.at(environment.file, one.collection.span)),
    };
    let mut result = ForResult::default();
    for pair in items.pairs {
        let round = with_names(environment, one.key.as_deref(), &one.value, pair, |inner| {
            result.round(one, inner)
        });
        round?;
        if let Some(unknown) = result.open {
            return Ok(Value::from(unknown.part("=>for")).marked(items.sensitive));
        }
    }
    let value = match one.result_key {
        None => Value::tuple(result.list),
        Some(_) if one.grouping => {
            let grouped = result
                .groups
                .into_iter()
                .map(|(name, items)| (name, Value::tuple(items)));
            Value::object(grouped.collect())
        }
        Some(_) => Value::object(result.members),
    };
    Ok(value.marked(items.sensitive))
}

#[derive(Default)]
struct ForResult {
    list: Vec<Value>,
    members: Members,
    groups: std::collections::BTreeMap<Arc<str>, Vec<Value>>,
    /// What leaves the shape of the result open.
    open: Option<Unknown>,
}

impl ForResult {
    fn round(&mut self, one: &For, environment: &Environment<'_>) -> Result<(), Fault> {
        if let Some(condition) = &one.condition {
            let held = evaluate(condition, environment)?;
            let flag =
                convert(&held, &Type::Bool).map_err(|why| Fault::new(why).at(environment.file, condition.span))?;
            match flag.kind {
                Kind::Bool(false) => return Ok(()),
                Kind::Bool(true) => {}
                Kind::Unknown(unknown) => {
                    self.open = Some(unknown);
                    return Ok(());
                }
                _ => return Err(Fault::new("the condition is null").at(environment.file, condition.span)),
            }
        }
        let Some(key) = &one.result_key else {
            self.list.push(evaluate(&one.result, environment)?);
            return Ok(());
        };
        let name = evaluate(key, environment)?;
        let value = evaluate(&one.result, environment)?;
        let name = name_of(&name).map_err(|fault| fault.at(environment.file, key.span))?;
        match name {
            Name::Open(unknown) => self.open = Some(unknown),
            Name::Known(name) if one.grouping => self.groups.entry(name).or_default().push(value),
            Name::Known(name) => {
                if self.members.contains_key(&name) {
                    let message =
                        format!("two elements have the key `{name}`; add `...` behind the value to group them");
                    return Err(Fault::new(message).at(environment.file, key.span));
                }
                self.members.insert(name, value);
            }
        }
        Ok(())
    }
}

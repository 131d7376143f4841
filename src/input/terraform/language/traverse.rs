//! References, indexes and splats.

use std::sync::Arc;

use super::evaluate::{Environment, Fault, evaluate as value_of};
use super::value::{Kind, Unknown, Value};
use super::{Type, convert};
use crate::input::terraform::syntax::{Expression, Kind as Tree, Step, StepKind};

/// The value of a root with steps behind it.
pub fn evaluate(root: &Expression, steps: &[Step], environment: &Environment<'_>) -> Result<Value, Fault> {
    let Tree::Variable(name) = &root.kind else {
        return follow(value_of(root, environment)?, steps, environment);
    };
    if let Some(value) = environment.name(name) {
        return follow(value.clone(), steps, environment);
    }
    let (value, taken) = environment
        .scope
        .resolve(name, steps, environment)
        .map_err(|fault| fault.at(environment.file, root.span))?;
    follow(value, steps.get(taken..).unwrap_or_default(), environment)
}

pub fn follow(mut value: Value, steps: &[Step], environment: &Environment<'_>) -> Result<Value, Fault> {
    for (at, step) in steps.iter().enumerate() {
        let rest = steps.get(at + 1..).unwrap_or_default();
        let there = |fault: Fault| fault.at(environment.file, step.span);
        value = match &step.kind {
            StepKind::Attribute(name) => attribute(&value, name).map_err(there)?,
            StepKind::Position(position) => {
                let key = Value::from(usize::try_from(*position).unwrap_or(usize::MAX));
                index(&value, &key).map_err(there)?
            }
            StepKind::Index(key) => {
                let key = value_of(key, environment)?;
                index(&value, &key).map_err(there)?
            }
            StepKind::FullSplat => return splat(&value, rest, environment).map_err(there),
            StepKind::AttributeSplat => {
                let named = |step: &Step| matches!(step.kind, StepKind::Attribute(_) | StepKind::Position(_));
                let taken = rest.iter().take_while(|step| named(step)).count();
                let (mine, behind) = rest.split_at_checked(taken).unwrap_or((rest, &[]));
                let all = splat(&value, mine, environment).map_err(there)?;
                return follow(all, behind, environment);
            }
        };
    }
    Ok(value)
}

fn splat(value: &Value, steps: &[Step], environment: &Environment<'_>) -> Result<Value, Fault> {
    let each = |item: &Value| {
        environment.fuel.burn(1)?;
        follow(item.clone(), steps, environment)
    };
    let all = |items: &[Value]| items.iter().map(each).collect::<Result<Vec<Value>, Fault>>();
    let result = match &value.kind {
        Kind::Null => Value::tuple(Vec::new()),
        Kind::Unknown(unknown) => return Ok(Value::from(splat_symbol(unknown, steps)).marked(value.sensitive)),
        Kind::Tuple(items) => Value::tuple(all(items)?),
        Kind::List(items) | Kind::Set(items) => {
            let items = Value::tuple(all(items)?);
            convert(&items, &Type::list(Type::Any)).unwrap_or(items)
        }
        _ => Value::tuple(vec![each(value)?]),
    };
    Ok(result.marked(value.sensitive))
}

fn splat_symbol(unknown: &Unknown, steps: &[Step]) -> Unknown {
    let mut symbol = unknown.part("[*]");
    for step in steps {
        if let StepKind::Attribute(name) = &step.kind {
            symbol = symbol.part(&format!(".{name}"));
        }
    }
    symbol
}

/// The member of an object or map.
pub fn attribute(value: &Value, name: &str) -> Result<Value, Fault> {
    let marked = |found: Value| Ok(found.marked(value.sensitive));
    match &value.kind {
        Kind::Object(object) => match (object.members.get(name), &object.rest) {
            (Some(member), _) => marked(member.clone()),
            (None, Some(rest)) => marked(Value::from(rest.part(&format!(".{name}")))),
            (None, None) => Err(Fault::new(format!("the object has no attribute `{name}`"))),
        },
        Kind::Map(members) => match members.get(name) {
            Some(member) => marked(member.clone()),
            None => Err(Fault::new(format!("the map has no element `{name}`"))),
        },
        Kind::Unknown(unknown) => marked(Value::from(unknown.part(&format!(".{name}")))),
        Kind::Tuple(_) | Kind::List(_) if name.bytes().all(|byte| byte.is_ascii_digit()) => {
            index(value, &Value::from(name))
        }
        Kind::Null => Err(Fault::new(format!("`{name}` is asked of null"))),
        _ => Err(Fault::new(format!("{} has no attribute `{name}`", value.describe()))),
    }
}

/// The element of a list by number, of a map by name.
pub fn index(value: &Value, key: &Value) -> Result<Value, Fault> {
    let sensitive = value.sensitive || key.sensitive;
    let found = match (&value.kind, &key.kind) {
        (Kind::Unknown(unknown), _) => Value::from(unknown.part(&format!("[{}]", key.symbol()))),
        (Kind::Null, _) => return Err(Fault::new("an element is asked of null")),
        (_, Kind::Null) => return Err(Fault::new("an index must not be null")),
        (_, Kind::Unknown(unknown)) => Value::from(unknown.part(&format!(" in {}", value.symbol()))),
        (Kind::Tuple(items) | Kind::List(items), _) => element(items, key)?,
        (Kind::Map(_) | Kind::Object(_), _) => {
            let name = text(key)?;
            attribute(value, &name)?
        }
        (Kind::Set(_), _) => return Err(Fault::new("the elements of a set have no index")),
        _ => return Err(Fault::new(format!("{} has no elements", value.describe()))),
    };
    Ok(found.marked(sensitive))
}

fn element(items: &[Value], key: &Value) -> Result<Value, Fault> {
    let Kind::Number(number) = convert(key, &Type::Number)?.kind else {
        return Err(Fault::new("an index must be a number"));
    };
    let found = number.to_usize().and_then(|at| items.get(at));
    let missing = || Fault::new(format!("there is no element {number}; the list has {}", items.len()));
    found.cloned().ok_or_else(missing)
}

fn text(key: &Value) -> Result<Arc<str>, Fault> {
    let key = convert(key, &Type::Text)?;
    key.as_text()
        .cloned()
        .ok_or_else(|| Fault::new("a key must be a string"))
}

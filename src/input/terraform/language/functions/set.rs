//! Functions of sets.

use std::cmp::Ordering;

use super::{Arguments, Function, MANY, Outcome, function};
use crate::input::terraform::language::evaluate::Fault;
use crate::input::terraform::language::value::{Kind, Value};
use crate::input::terraform::language::{Type, convert, type_of, unify};

pub const FUNCTIONS: &[Function] = &[
    function("setintersection", 1, MANY, intersection),
    function("setproduct", 2, MANY, product),
    function("setsubtract", 2, 2, difference),
    function("setunion", 1, MANY, union),
];

/// The arguments as sets of one type.
fn sets(arguments: &Arguments<'_, '_>) -> Result<Vec<Vec<Value>>, Fault> {
    let mut sets = Vec::new();
    for at in 0..arguments.values.len() {
        sets.push(arguments.converted(at, &Type::Set(Box::new(Type::Any)))?);
    }
    let types: Vec<Type> = sets.iter().map(type_of).collect();
    let common = unify(&types).ok_or_else(|| arguments.refuse("the sets have no type in common"))?;
    let elements = |set: &Value| -> Result<Vec<Value>, Fault> {
        Ok(convert(set, &common)?.elements().unwrap_or_default().to_vec())
    };
    sets.iter().map(elements).collect()
}

fn has(set: &[Value], item: &Value) -> bool {
    set.binary_search_by(|other| other.order(item))
        .is_ok_and(|at| set.get(at).is_some_and(|found| found.order(item) == Ordering::Equal))
}

fn union(arguments: &Arguments<'_, '_>) -> Outcome {
    Ok(Value::set(sets(arguments)?.into_iter().flatten().collect()))
}

fn intersection(arguments: &Arguments<'_, '_>) -> Outcome {
    let sets = sets(arguments)?;
    let (first, others) = sets.split_first().ok_or_else(|| arguments.refuse("no set is given"))?;
    let everywhere = |item: &&Value| others.iter().all(|set| has(set, item));
    Ok(Value::set(first.iter().filter(everywhere).cloned().collect()))
}

fn difference(arguments: &Arguments<'_, '_>) -> Outcome {
    let sets = sets(arguments)?;
    let [first, second] = sets.as_slice() else {
        return Err(arguments.refuse("two sets are required"));
    };
    Ok(Value::set(
        first.iter().filter(|item| !has(second, item)).cloned().collect(),
    ))
}

/// A set of tuples where one is a set, else a list of them.
fn product(arguments: &Arguments<'_, '_>) -> Outcome {
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for at in 0..arguments.values.len() {
        let items = match arguments.value(at)?.kind {
            Kind::Set(_) => arguments.elements(at)?.to_vec(),
            _ => arguments.list(at, Type::Any)?,
        };
        arguments
            .environment
            .fuel
            .burn(rows.len().saturating_mul(items.len()) as u64)?;
        let longer = |row: &Vec<Value>, item: &Value| row.iter().cloned().chain([item.clone()]).collect();
        rows = rows
            .iter()
            .flat_map(|row| items.iter().map(|item| longer(row, item)).collect::<Vec<_>>())
            .collect();
    }
    let tuples = rows.into_iter().map(Value::tuple).collect();
    let sets = arguments.values.iter().any(|value| matches!(value.kind, Kind::Set(_)));
    Ok(if sets { Value::set(tuples) } else { Value::list(tuples) })
}

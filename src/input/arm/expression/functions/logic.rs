//! Comparisons and booleans.

use std::cmp::Ordering;

use super::super::evaluate::{Fault, Outcome};
use super::super::value::{Kind, Value};
use super::Arguments;

pub(super) fn equals(arguments: &Arguments<'_>) -> Outcome {
    let (a, b) = (arguments.get(0)?, arguments.get(1)?);
    match a.same(b) {
        Some(same) => Ok(same.into()),
        None => {
            let open = a.open().or_else(|| b.open());
            open.map(|open| arguments.unknown(open))
                .ok_or_else(|| Fault::new("the values cannot be compared"))
        }
    }
}

fn flag(arguments: &Arguments<'_>, at: usize) -> Result<bool, Fault> {
    match &arguments.get(at)?.kind {
        Kind::Bool(value) => Ok(*value),
        _ => Err(arguments.wrong(at, "a boolean")),
    }
}

pub(super) fn not(arguments: &Arguments<'_>) -> Outcome {
    Ok((!flag(arguments, 0)?).into())
}

pub(super) fn xor(arguments: &Arguments<'_>) -> Outcome {
    Ok((flag(arguments, 0)? != flag(arguments, 1)?).into())
}

/// Booleans, the words for them, and numbers, of which only zero is false.
pub(super) fn boolean(arguments: &Arguments<'_>) -> Outcome {
    match &arguments.get(0)?.kind {
        Kind::Bool(value) => Ok((*value).into()),
        Kind::Int(value) => Ok((*value != 0).into()),
        Kind::Text(text) if text.eq_ignore_ascii_case("true") || &**text == "1" => Ok(true.into()),
        Kind::Text(text) if text.eq_ignore_ascii_case("false") || &**text == "0" => Ok(false.into()),
        _ => Err(arguments.wrong(0, "a boolean")),
    }
}

pub(super) fn yes(_: &Arguments<'_>) -> Outcome {
    Ok(true.into())
}

pub(super) fn no(_: &Arguments<'_>) -> Outcome {
    Ok(false.into())
}

/// `any` tells only the type checker of Bicep something.
pub(super) fn same(arguments: &Arguments<'_>) -> Outcome {
    arguments.get(0).cloned()
}

fn order(arguments: &Arguments<'_>) -> Result<Ordering, Fault> {
    match (&arguments.get(0)?.kind, &arguments.get(1)?.kind) {
        (Kind::Int(a), Kind::Int(b)) => Ok(a.cmp(b)),
        (Kind::Text(a), Kind::Text(b)) => Ok(a.cmp(b)),
        (Kind::Int(_) | Kind::Decimal(_), Kind::Int(_) | Kind::Decimal(_)) => {
            let number = |value: &Value| value.json().parse::<f64>().ok();
            let (a, b) = (number(arguments.get(0)?), number(arguments.get(1)?));
            let order = a.zip(b).and_then(|(a, b)| a.partial_cmp(&b));
            order.ok_or_else(|| Fault::new("the numbers cannot be compared"))
        }
        _ => Err(arguments.wrong(1, "of the same type as the first: two numbers or two strings")),
    }
}

pub(super) fn less(arguments: &Arguments<'_>) -> Outcome {
    Ok(order(arguments)?.is_lt().into())
}

pub(super) fn less_or_equals(arguments: &Arguments<'_>) -> Outcome {
    Ok(order(arguments)?.is_le().into())
}

pub(super) fn greater(arguments: &Arguments<'_>) -> Outcome {
    Ok(order(arguments)?.is_gt().into())
}

pub(super) fn greater_or_equals(arguments: &Arguments<'_>) -> Outcome {
    Ok(order(arguments)?.is_ge().into())
}

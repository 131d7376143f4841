//! Operators on known values, with CEL's meaning: whole numbers do not wrap, and compare with decimal ones.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::frame::{decide, mistyped};
use super::{Answer, Gaps};
use crate::rule::expression::{Calculation, Comparison};
use crate::rule::fact::Fact;

/// Both sides, or the reasons of either.
fn pair<'f>(left: Answer<'f>, right: Answer<'f>) -> Result<(Cow<'f, Fact>, Cow<'f, Fact>), Gaps> {
    match (left, right) {
        (Ok(left), Ok(right)) => Ok((left, right)),
        (Err(gaps), Err(more)) => Err(gaps.and(more)),
        (Err(gaps), Ok(_)) | (Ok(_), Err(gaps)) => Err(gaps),
    }
}

pub(super) fn compare(by: Comparison, left: Answer<'_>, right: Answer<'_>) -> Result<bool, Gaps> {
    let (left, right) = pair(left, right)?;
    match by {
        Comparison::Equal => return equal(&left, &right),
        Comparison::NotEqual => return equal(&left, &right).map(|equal| !equal),
        Comparison::Less | Comparison::LessOrEqual | Comparison::Greater | Comparison::GreaterOrEqual => {}
    }
    let Some(order) = order(&left, &right) else {
        return mistyped();
    };
    Ok(match by {
        Comparison::Less => order == Ordering::Less,
        Comparison::LessOrEqual => order != Ordering::Greater,
        Comparison::Greater => order == Ordering::Greater,
        Comparison::GreaterOrEqual => order != Ordering::Less,
        Comparison::Equal | Comparison::NotEqual => false,
    })
}

fn equal(left: &Fact, right: &Fact) -> Result<bool, Gaps> {
    match (left, right) {
        (Fact::Bool(left), Fact::Bool(right)) => Ok(left == right),
        (Fact::Text(left), Fact::Text(right)) => Ok(left == right),
        _ => order(left, right).map_or_else(mistyped, |order| Ok(order == Ordering::Equal)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "CEL compares an int with a double as doubles")]
fn order(left: &Fact, right: &Fact) -> Option<Ordering> {
    match (left, right) {
        (Fact::Int(left), Fact::Int(right)) => Some(left.cmp(right)),
        (Fact::Text(left), Fact::Text(right)) => Some(left.cmp(right)),
        (Fact::Double(left), Fact::Double(right)) => left.partial_cmp(right),
        (Fact::Int(left), Fact::Double(right)) => (*left as f64).partial_cmp(right),
        (Fact::Double(left), Fact::Int(right)) => left.partial_cmp(&(*right as f64)),
        _ => None,
    }
}

/// `item in list`: an unknown element matters only when no known one is the item.
pub(super) fn contains(item: &Fact, list: &Fact) -> Result<bool, Gaps> {
    match (item, list) {
        (_, Fact::List(items)) => decide(items, true, |element| match element {
            Fact::Unknown(reason) => Err(Gaps::one(std::sync::Arc::clone(reason))),
            element => equal(item, element),
        }),
        (Fact::Text(key), Fact::Map(entries)) => Ok(entries.contains_key(key)),
        _ => mistyped(),
    }
}

pub(super) fn calculate<'f>(by: Calculation, left: Answer<'f>, right: Answer<'f>) -> Answer<'f> {
    let (left, right) = pair(left, right)?;
    let result = match (by, &*left, &*right) {
        (Calculation::Add, Fact::Text(left), Fact::Text(right)) => Fact::text(format!("{left}{right}")),
        (Calculation::Add, Fact::List(left), Fact::List(right)) => Fact::list(left.iter().chain(right.iter()).cloned()),
        (by, Fact::Int(left), Fact::Int(right)) => Fact::Int(whole(by, *left, *right)?),
        (by, Fact::Double(left), Fact::Double(right)) => Fact::Double(decimal(by, *left, *right)),
        _ => return mistyped(),
    };
    Ok(Cow::Owned(result))
}

fn whole(by: Calculation, left: i64, right: i64) -> Result<i64, Gaps> {
    let result = match by {
        Calculation::Add => left.checked_add(right),
        Calculation::Subtract => left.checked_sub(right),
        Calculation::Multiply => left.checked_mul(right),
        Calculation::Divide => left.checked_div(right),
        Calculation::Remainder => left.checked_rem(right),
    };
    result.ok_or_else(|| Gaps::one("a calculation divides by zero or leaves the range of whole numbers"))
}

fn decimal(by: Calculation, left: f64, right: f64) -> f64 {
    match by {
        Calculation::Add => left + right,
        Calculation::Subtract => left - right,
        Calculation::Multiply => left * right,
        Calculation::Divide => left / right,
        Calculation::Remainder => left % right,
    }
}

pub(super) fn negate<'f>(operand: &Fact) -> Answer<'f> {
    match operand {
        Fact::Int(value) => whole(Calculation::Subtract, 0, *value).map(|value| Cow::Owned(Fact::Int(value))),
        Fact::Double(value) => Ok(Cow::Owned(Fact::Double(-value))),
        _ => mistyped(),
    }
}

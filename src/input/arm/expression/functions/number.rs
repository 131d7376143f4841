//! Whole numbers; `float` only carries digits along.

use super::super::evaluate::{Fault, Outcome};
use super::super::value::{Kind, number};
use super::Arguments;

fn calculate(arguments: &Arguments<'_>, by: fn(i64, i64) -> Option<i64>) -> Outcome {
    let result = by(arguments.int(0)?, arguments.int(1)?);
    let wrong = || {
        Fault::new(format!(
            "`{}` divides by zero or leaves the range of numbers",
            arguments.name
        ))
    };
    result.map(Into::into).ok_or_else(wrong)
}

pub(super) fn add(arguments: &Arguments<'_>) -> Outcome {
    calculate(arguments, i64::checked_add)
}

pub(super) fn sub(arguments: &Arguments<'_>) -> Outcome {
    calculate(arguments, i64::checked_sub)
}

pub(super) fn mul(arguments: &Arguments<'_>) -> Outcome {
    calculate(arguments, i64::checked_mul)
}

pub(super) fn div(arguments: &Arguments<'_>) -> Outcome {
    calculate(arguments, i64::checked_div)
}

pub(super) fn modulo(arguments: &Arguments<'_>) -> Outcome {
    calculate(arguments, i64::checked_rem)
}

pub(super) fn int(arguments: &Arguments<'_>) -> Outcome {
    match &arguments.get(0)?.kind {
        Kind::Int(value) => Ok((*value).into()),
        Kind::Text(text) => match text.trim().parse::<i64>() {
            Ok(value) => Ok(value.into()),
            Err(_) => Err(Fault::new(format!("`{text}` is no whole number"))),
        },
        Kind::Decimal(digits) => {
            let whole = digits.split('.').next().and_then(|whole| whole.parse::<i64>().ok());
            whole
                .map(Into::into)
                .ok_or_else(|| arguments.wrong(0, "a whole number"))
        }
        _ => Err(arguments.wrong(0, "a number or a string")),
    }
}

pub(super) fn float(arguments: &Arguments<'_>) -> Outcome {
    match &arguments.get(0)?.kind {
        Kind::Int(_) | Kind::Decimal(_) => arguments.get(0).cloned(),
        Kind::Text(text) if text.trim().parse::<f64>().is_ok_and(f64::is_finite) => Ok(number(text.trim()).into()),
        _ => Err(arguments.wrong(0, "a number")),
    }
}

/// Of one array or of all arguments.
fn extreme(arguments: &Arguments<'_>, pick: fn(i64, i64) -> i64) -> Outcome {
    let values = match arguments.values {
        [one] if one.as_list().is_some() => one.as_list().unwrap_or_default(),
        all => all,
    };
    let mut found: Option<i64> = None;
    for value in values {
        let Kind::Int(value) = value.kind else {
            return Err(Fault::new(format!(
                "`{}` compares {}, not a whole number",
                arguments.name,
                value.describe()
            )));
        };
        found = Some(found.map_or(value, |so_far| pick(so_far, value)));
    }
    let empty = || Fault::new(format!("`{}` has nothing to compare", arguments.name));
    found.map(Into::into).ok_or_else(empty)
}

pub(super) fn min(arguments: &Arguments<'_>) -> Outcome {
    extreme(arguments, i64::min)
}

pub(super) fn max(arguments: &Arguments<'_>) -> Outcome {
    extreme(arguments, i64::max)
}

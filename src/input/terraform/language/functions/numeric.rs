//! Functions of numbers.

use super::{Arguments, Function, MANY, Outcome, function};
use crate::input::terraform::language::value::Kind;
use crate::input::terraform::language::{Number, Type, Value};
use num_bigint::BigInt;

pub const FUNCTIONS: &[Function] = &[
    function("abs", 1, 1, abs),
    function("ceil", 1, 1, |a| rounded(a, Number::ceil)),
    function("floor", 1, 1, |a| rounded(a, Number::floor)),
    function("log", 2, 2, log),
    function("max", 1, MANY, |a| extreme(a, true)),
    function("min", 1, MANY, |a| extreme(a, false)),
    function("parseint", 2, 2, parse_integer),
    function("pow", 2, 2, power),
    function("signum", 1, 1, sign),
    function("sum", 1, 1, sum),
];

fn abs(arguments: &Arguments<'_, '_>) -> Outcome {
    let number = arguments.number(0)?;
    Ok(Value::from(if number.is_negative() { number.negate() } else { number }))
}

fn rounded(arguments: &Arguments<'_, '_>, round: fn(&Number) -> Option<Number>) -> Outcome {
    let number = round(&arguments.number(0)?);
    number
        .map(Value::from)
        .ok_or_else(|| arguments.refuse("the number is too large"))
}

fn machine(arguments: &Arguments<'_, '_>, value: f64) -> Outcome {
    let number = Number::from_f64(value);
    number
        .map(Value::from)
        .ok_or_else(|| arguments.refuse("there is no such number"))
}

fn log(arguments: &Arguments<'_, '_>) -> Outcome {
    let (number, base) = (arguments.number(0)?.to_f64(), arguments.number(1)?.to_f64());
    machine(arguments, number.ln() / base.ln())
}

fn power(arguments: &Arguments<'_, '_>) -> Outcome {
    let (base, exponent) = (arguments.number(0)?.to_f64(), arguments.number(1)?.to_f64());
    machine(arguments, base.powf(exponent))
}

fn extreme(arguments: &Arguments<'_, '_>, most: bool) -> Outcome {
    let mut best = arguments.number(0)?;
    for at in 1..arguments.values.len() {
        let number = arguments.number(at)?;
        if (number > best) == most && number != best {
            best = number;
        }
    }
    Ok(Value::from(best))
}

fn parse_integer(arguments: &Arguments<'_, '_>) -> Outcome {
    let text = arguments.text(0)?;
    let base = arguments.whole(1)?;
    let Some(base) = u32::try_from(base).ok().filter(|base| (2..=62).contains(base)) else {
        return Err(arguments.wrong(1, "the base is a whole number from 2 to 62"));
    };
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(&text);
    let mut value = BigInt::from(0);
    for digit in unsigned.chars() {
        let digit = digit_of(digit, base).filter(|digit| *digit < base && unsigned.len() <= 4096);
        let Some(digit) = digit else {
            return Err(arguments.refuse(format!("`{text}` is no whole number of base {base}")));
        };
        value = value * base + digit;
    }
    if unsigned.is_empty() {
        return Err(arguments.refuse("the text is empty"));
    }
    let value = if text.starts_with('-') { -value } else { value };
    let number = Number::from_integer(value);
    number
        .map(Value::from)
        .ok_or_else(|| arguments.refuse("the number is too large"))
}

/// Beyond base 36 small letters come before capitals.
fn digit_of(digit: char, base: u32) -> Option<u32> {
    let offset = |from: char| u32::from(digit).checked_sub(u32::from(from));
    match digit {
        '0'..='9' => offset('0'),
        'a'..='z' => offset('a').map(|at| at + 10),
        'A'..='Z' if base <= 36 => offset('A').map(|at| at + 10),
        'A'..='Z' => offset('A').map(|at| at + 36),
        _ => None,
    }
}

fn sign(arguments: &Arguments<'_, '_>) -> Outcome {
    let number = arguments.number(0)?;
    if !number.is_whole() {
        return Err(arguments.wrong(0, "a whole number is required"));
    }
    Ok(Value::from(match (number.is_zero(), number.is_negative()) {
        (true, _) => 0_i64,
        (_, true) => -1,
        _ => 1,
    }))
}

fn sum(arguments: &Arguments<'_, '_>) -> Outcome {
    let mut total: Option<Number> = None;
    for item in arguments.list(0, Type::Number)? {
        let Kind::Number(number) = item.kind else {
            return Err(arguments.wrong(0, "an element is null"));
        };
        total = Some(match total {
            None => number,
            Some(so_far) => so_far
                .add(&number)
                .ok_or_else(|| arguments.refuse("the number is too large"))?,
        });
    }
    total
        .map(Value::from)
        .ok_or_else(|| arguments.refuse("the list is empty"))
}

//! `format` and `formatlist`: texts made by a pattern with verbs.

use super::{Arguments, Function, MANY, Outcome, function, json};
use crate::input::terraform::language::evaluate::Fault;
use crate::input::terraform::language::value::{Kind, Unknown, Value};
use crate::input::terraform::language::{Number, Type, convert};

pub const FUNCTIONS: &[Function] = &[
    function("format", 1, MANY, one).own().nulls(),
    function("formatlist", 1, MANY, many).own().nulls(),
];

/// Widest field.
const WIDEST: usize = 4096;

fn one(arguments: &Arguments<'_, '_>) -> Outcome {
    if let Some(unknown) = arguments.value(0)?.as_unknown() {
        return Ok(super::unknown_result("format", unknown, arguments.values));
    }
    let pattern = arguments.text(0)?;
    formatted(&pattern, arguments.values.get(1..).unwrap_or_default())
}

/// Lists are walked side by side; other arguments stay the same in each round.
fn many(arguments: &Arguments<'_, '_>) -> Outcome {
    let open = arguments.values.iter().find_map(Value::as_unknown);
    if let Some(unknown) = open {
        return Ok(super::unknown_result("formatlist", unknown, arguments.values));
    }
    let pattern = arguments.text(0)?;
    let values = arguments.values.get(1..).unwrap_or_default();
    let lengths: Vec<usize> = values.iter().filter_map(Value::elements).map(<[Value]>::len).collect();
    let rounds = match lengths.first() {
        None if values.is_empty() => 1,
        None => 1,
        Some(first) if lengths.iter().all(|length| length == first) => *first,
        Some(_) => return Err(arguments.refuse("all lists must be of one length")),
    };
    let mut out = Vec::new();
    for round in 0..rounds {
        let pick = |value: &Value| match value.elements() {
            Some(items) => items.get(round).cloned().unwrap_or_else(Value::null),
            None => value.clone(),
        };
        let row: Vec<Value> = values.iter().map(pick).collect();
        out.push(formatted(&pattern, &row)?);
    }
    Ok(Value::list(out))
}

#[derive(Default)]
struct Verb {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

fn formatted(pattern: &str, values: &[Value]) -> Outcome {
    let mut out = String::new();
    let mut open: Option<Unknown> = None;
    let mut rest = pattern.chars().peekable();
    let (mut next, mut most, mut indexed) = (0_usize, 0_usize, false);
    while let Some(one) = rest.next() {
        if one != '%' {
            out.push(one);
            continue;
        }
        if rest.peek() == Some(&'%') {
            rest.next();
            out.push('%');
            continue;
        }
        let mut verb = Verb::default();
        while let Some(flag) = rest.peek() {
            match flag {
                '-' => verb.minus = true,
                '+' => verb.plus = true,
                '#' => verb.sharp = true,
                ' ' => verb.space = true,
                '0' => verb.zero = true,
                _ => break,
            }
            rest.next();
        }
        verb.width = size(&mut rest, values, &mut next)?;
        if rest.peek() == Some(&'.') {
            rest.next();
            verb.precision = Some(size(&mut rest, values, &mut next)?.unwrap_or(0));
        }
        if rest.peek() == Some(&'[') {
            rest.next();
            let digits: String = std::iter::from_fn(|| rest.next_if(char::is_ascii_digit)).collect();
            let at = digits
                .parse::<usize>()
                .ok()
                .filter(|at| *at > 0 && rest.next() == Some(']'));
            next = at.ok_or_else(|| Fault::new("`format`: an argument index such as `%[1]s` is required"))? - 1;
            indexed = true;
        }
        let Some(letter) = rest.next() else {
            return Err(Fault::new("`format`: the pattern ends within a verb"));
        };
        let Some(value) = values.get(next) else {
            return Err(Fault::new(format!(
                "`format`: there are not enough arguments for `%{letter}`"
            )));
        };
        next += 1;
        most = most.max(next);
        if let Some(unknown) = value.open() {
            out.push_str(&unknown.symbol);
            open.get_or_insert_with(|| unknown.clone());
            continue;
        }
        out.push_str(&padded(&verb, letter, value)?);
        if out.len() > super::super::template::LONGEST {
            return Err(Fault::new("`format`: the text is too long"));
        }
    }
    if !indexed && most < values.len() {
        return Err(Fault::new("`format`: there are more arguments than verbs"));
    }
    Ok(match open {
        Some(unknown) => Value::from(unknown.named(out)),
        None => Value::from(out),
    })
}

/// Digits, or `*` for the next argument.
fn size(
    rest: &mut std::iter::Peekable<std::str::Chars<'_>>,
    values: &[Value],
    next: &mut usize,
) -> Result<Option<usize>, Fault> {
    let wide = || Fault::new("`format`: the field is too wide");
    if rest.next_if_eq(&'*').is_some() {
        let value = values.get(*next).map(|value| convert(value, &Type::Number));
        *next += 1;
        return match value {
            Some(Ok(Value {
                kind: Kind::Number(number),
                ..
            })) => number
                .to_usize()
                .filter(|width| *width <= WIDEST)
                .map(Some)
                .ok_or_else(wide),
            _ => Err(Fault::new("`format`: `*` takes a number")),
        };
    }
    let digits: String = std::iter::from_fn(|| rest.next_if(char::is_ascii_digit)).collect();
    match digits.is_empty() {
        true => Ok(None),
        false => digits
            .parse()
            .ok()
            .filter(|width| *width <= WIDEST)
            .map(Some)
            .ok_or_else(wide),
    }
}

fn padded(verb: &Verb, letter: char, value: &Value) -> Result<String, Fault> {
    let (text, number) = body(verb, letter, value)?;
    let width = verb.width.unwrap_or(0);
    let missing = width.saturating_sub(text.chars().count());
    Ok(match (verb.minus, verb.zero && number) {
        (true, _) => format!("{text}{}", " ".repeat(missing)),
        (false, true) => {
            let signed = text.starts_with(['-', '+', ' ']);
            let (sign, digits) = text.split_at(usize::from(signed));
            format!("{sign}{}{digits}", "0".repeat(missing))
        }
        (false, false) if verb.zero => format!("{}{text}", "0".repeat(missing)),
        (false, false) => format!("{}{text}", " ".repeat(missing)),
    })
}

/// The text and whether it is a number.
fn body(verb: &Verb, letter: char, value: &Value) -> Result<(String, bool), Fault> {
    let to = |kind: &Type| {
        let converted = convert(value, kind).map_err(|why| Fault::new(format!("`format`: `%{letter}`: {why}")))?;
        match converted.is_null() {
            true => Err(Fault::new(format!("`format`: `%{letter}` takes no null"))),
            false => Ok(converted),
        }
    };
    let short = |text: &str| match verb.precision {
        Some(most) => text.chars().take(most).collect(),
        None => text.to_owned(),
    };
    Ok(match letter {
        'v' if !verb.sharp => match &value.kind {
            Kind::Text(text) => (short(text), false),
            Kind::Number(number) => (general(verb, number), true),
            Kind::Null => ("null".to_owned(), false),
            Kind::Bool(flag) => (flag.to_string(), false),
            _ => (json::encode(value)?, false),
        },
        'v' => (json::encode(value)?, false),
        't' => match to(&Type::Bool)?.kind {
            Kind::Bool(flag) => (flag.to_string(), false),
            _ => (String::new(), false),
        },
        's' | 'q' => match to(&Type::Text)?.kind {
            Kind::Text(text) if letter == 's' => (short(&text), false),
            Kind::Text(text) => (quoted(&short(&text)), false),
            _ => (String::new(), false),
        },
        'd' | 'b' | 'o' | 'x' | 'X' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'c' => match to(&Type::Number)?.kind {
            Kind::Number(number) => (numeral(verb, letter, &number)?, true),
            _ => (String::new(), true),
        },
        _ => return Err(Fault::new(format!("`format`: there is no verb `%{letter}`"))),
    })
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

fn general(verb: &Verb, number: &Number) -> String {
    with_sign(verb, number.to_string())
}

fn with_sign(verb: &Verb, text: String) -> String {
    match (text.starts_with('-'), verb.plus, verb.space) {
        (false, true, _) => format!("+{text}"),
        (false, false, true) => format!(" {text}"),
        _ => text,
    }
}

fn numeral(verb: &Verb, letter: char, number: &Number) -> Result<String, Fault> {
    let text = match letter {
        'd' | 'b' | 'o' | 'x' | 'X' => {
            let whole = number.to_integer();
            let whole = whole.ok_or_else(|| Fault::new(format!("`format`: `%{letter}` takes a whole number")))?;
            let radix = match letter {
                'd' => 10,
                'b' => 2,
                'o' => 8,
                _ => 16,
            };
            let text = whole.to_str_radix(radix);
            if letter == 'X' { text.to_uppercase() } else { text }
        }
        'f' | 'F' => format!("{:.*}", verb.precision.unwrap_or(6).min(WIDEST), number.to_f64()),
        'e' | 'E' => scientific(number.to_f64(), verb.precision.unwrap_or(6).min(WIDEST), letter),
        'c' => {
            let code = number
                .to_i64()
                .and_then(|code| u32::try_from(code).ok())
                .and_then(char::from_u32);
            code.map(String::from)
                .ok_or_else(|| Fault::new("`format`: `%c` takes the code of a character"))?
        }
        _ => shortest(number.to_f64(), verb.precision, letter),
    };
    Ok(with_sign(verb, text))
}

/// With at least two digits of exponent.
fn scientific(value: f64, precision: usize, letter: char) -> String {
    let text = format!("{value:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}{letter}{sign}{digits:0>2}")
}

fn shortest(value: f64, precision: Option<usize>, letter: char) -> String {
    let e = if letter == 'G' { 'E' } else { 'e' };
    let shown = match precision {
        Some(digits) => format!("{value:.*e}", digits.clamp(1, WIDEST) - 1),
        None => format!("{value:e}"),
    };
    let (mantissa, exponent) = shown.split_once('e').unwrap_or((&shown, "0"));
    let mantissa = if mantissa.contains('.') {
        mantissa.trim_end_matches('0').trim_end_matches('.')
    } else {
        mantissa
    };
    let power: i32 = exponent.parse().unwrap_or(0);
    let most = precision.map_or(21, |digits| i32::try_from(digits.max(1)).unwrap_or(i32::MAX));
    if power < -4 || power >= most {
        let sign = if power < 0 { '-' } else { '+' };
        return format!("{mantissa}{e}{sign}{:0>2}", power.abs());
    }
    let plain: f64 = format!("{mantissa}e{power}").parse().unwrap_or(value);
    format!("{plain}")
}

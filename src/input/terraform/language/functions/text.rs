//! Functions of texts.

use std::sync::Arc;

use super::{Arguments, Function, MANY, Outcome, function};
use crate::input::terraform::language::evaluate::Fault;
use crate::input::terraform::language::value::{Kind, Unknown, Value};
use crate::input::terraform::language::{Type, convert};

pub const FUNCTIONS: &[Function] = &[
    function("chomp", 1, 1, |a| {
        simple(a, |text| text.trim_end_matches(['\n', '\r']).to_owned())
    }),
    function("endswith", 2, 2, |a| test(a, |text, other| text.ends_with(other))),
    function("indent", 2, 2, indent),
    function("join", 2, MANY, join).own(),
    function("lower", 1, 1, |a| simple(a, str::to_lowercase)),
    function("split", 2, 2, split),
    function("startswith", 2, 2, |a| test(a, |text, other| text.starts_with(other))),
    function("strcontains", 2, 2, |a| test(a, |text, other| text.contains(other))),
    function("strrev", 1, 1, |a| simple(a, |text| text.chars().rev().collect())),
    function("substr", 3, 3, substring),
    function("title", 1, 1, |a| simple(a, title)),
    function("trim", 2, 2, |a| {
        pair(a, |text, set| text.trim_matches(|c| set.contains(c)))
    }),
    function("trimprefix", 2, 2, |a| {
        pair(a, |text, start| text.strip_prefix(start).unwrap_or(text))
    }),
    function("trimspace", 1, 1, |a| simple(a, |text| text.trim().to_owned())),
    function("trimsuffix", 2, 2, |a| {
        pair(a, |text, end| text.strip_suffix(end).unwrap_or(text))
    }),
    function("upper", 1, 1, |a| simple(a, str::to_uppercase)),
];

fn simple(arguments: &Arguments<'_, '_>, change: fn(&str) -> String) -> Outcome {
    Ok(Value::from(change(&arguments.text(0)?)))
}

fn test(arguments: &Arguments<'_, '_>, holds: fn(&str, &str) -> bool) -> Outcome {
    Ok(Value::from(holds(&arguments.text(0)?, &arguments.text(1)?)))
}

fn pair(arguments: &Arguments<'_, '_>, change: for<'t> fn(&'t str, &str) -> &'t str) -> Outcome {
    let (text, other) = (arguments.text(0)?, arguments.text(1)?);
    Ok(Value::from(change(&text, &other)))
}

fn indent(arguments: &Arguments<'_, '_>) -> Outcome {
    let spaces = usize::try_from(arguments.whole(0)?)
        .ok()
        .filter(|spaces| *spaces <= 10_000);
    let spaces = spaces.ok_or_else(|| arguments.wrong(0, "a whole number from 0 to 10000 is required"))?;
    let text = arguments.text(1)?;
    if text.matches('\n').count().saturating_mul(spaces) > super::super::template::LONGEST {
        return Err(arguments.refuse("the text would be too long"));
    }
    Ok(Value::from(text.replace('\n', &format!("\n{}", " ".repeat(spaces)))))
}

/// Symbols stand for what is unknown, as in templates.
fn join(arguments: &Arguments<'_, '_>) -> Outcome {
    let mut open: Option<Unknown> = None;
    let mut word = |value: &Value| -> Result<Arc<str>, Fault> {
        match convert(value, &Type::Text)?.kind {
            Kind::Text(text) => Ok(text),
            Kind::Unknown(unknown) => {
                let symbol = unknown.symbol.clone();
                open.get_or_insert(unknown);
                Ok(symbol)
            }
            _ => Err(Fault::new("`join`: an element is null")),
        }
    };
    let separator = word(arguments.value(0)?)?;
    let mut words = Vec::new();
    for at in 1..arguments.values.len() {
        let value = arguments.value(at)?;
        if let Some(unknown) = value.as_unknown() {
            return Ok(super::unknown_result("join", unknown, arguments.values));
        }
        for item in arguments.elements(at)? {
            words.push(word(item)?);
        }
    }
    let text = words.join(&*separator);
    Ok(match open {
        Some(unknown) => Value::from(unknown.named(text)),
        None => Value::from(text),
    })
}

fn split(arguments: &Arguments<'_, '_>) -> Outcome {
    let (separator, text) = (arguments.text(0)?, arguments.text(1)?);
    let parts: Vec<Value> = if separator.is_empty() {
        text.chars().map(|one| Value::from(one.to_string())).collect()
    } else {
        text.split(&*separator).map(Value::from).collect()
    };
    Ok(Value::list(parts))
}

/// In characters; a length below zero means to the end.
fn substring(arguments: &Arguments<'_, '_>) -> Outcome {
    let text: Vec<char> = arguments.text(0)?.chars().collect();
    let (offset, length) = (arguments.whole(1)?, arguments.whole(2)?);
    let size = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let start = if offset < 0 {
        (size + offset).max(0)
    } else {
        offset.min(size)
    };
    // From the end, no length means all of it.
    let end = if length < 0 || (length == 0 && offset < 0) {
        size
    } else {
        start.saturating_add(length).min(size)
    };
    let (start, end) = (usize::try_from(start).unwrap_or(0), usize::try_from(end).unwrap_or(0));
    let part: String = text.get(start..end).unwrap_or_default().iter().collect();
    Ok(Value::from(part))
}

fn title(text: &str) -> String {
    let mut inside = false;
    let mut out = String::with_capacity(text.len());
    for one in text.chars() {
        let part = one.is_alphanumeric() || one == '_' || (!one.is_whitespace() && !one.is_ascii());
        if !inside && one.is_alphabetic() {
            out.extend(one.to_uppercase());
        } else {
            out.push(one);
        }
        inside = part;
    }
    out
}

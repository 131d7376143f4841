//! Regular expressions, and texts replaced.

use std::sync::Arc;

use regex::{Captures, Regex, RegexBuilder};

use super::{Arguments, Function, Outcome, function};
use crate::input::terraform::language::evaluate::Fault;
use crate::input::terraform::language::value::{Members, Value};

pub const FUNCTIONS: &[Function] = &[
    function("regex", 2, 2, first),
    function("regexall", 2, 2, all),
    function("replace", 3, 3, replace),
];

/// Largest compiled expression, in bytes.
const LARGEST: usize = 1 << 20;

fn compiled(arguments: &Arguments<'_, '_>, pattern: &str) -> Result<Regex, Fault> {
    let built = RegexBuilder::new(pattern).size_limit(LARGEST).build();
    built.map_err(|_| arguments.refuse(format!("`{pattern}` is no regular expression")))
}

/// The match; where there are groups, they in its place.
fn captured(regex: &Regex, captures: &Captures<'_>) -> Value {
    let text = |at: usize| {
        captures
            .get(at)
            .map_or_else(Value::null, |found| Value::from(found.as_str()))
    };
    let names: Vec<Option<&str>> = regex.capture_names().skip(1).collect();
    if names.is_empty() {
        return text(0);
    }
    if names.iter().any(Option::is_some) {
        let named = names.iter().enumerate();
        let members: Members = named
            .filter_map(|(at, name)| name.map(|name| (Arc::from(name), text(at + 1))))
            .collect();
        return Value::object(members);
    }
    Value::tuple((0..names.len()).map(|at| text(at + 1)).collect())
}

fn mixed(regex: &Regex) -> bool {
    let named = regex.capture_names().skip(1).filter(Option::is_some).count();
    named != 0 && named != regex.captures_len() - 1
}

fn prepared(arguments: &Arguments<'_, '_>) -> Result<Regex, Fault> {
    let regex = compiled(arguments, &arguments.text(0)?)?;
    match mixed(&regex) {
        true => Err(arguments.refuse("named and unnamed groups cannot stand together")),
        false => Ok(regex),
    }
}

fn first(arguments: &Arguments<'_, '_>) -> Outcome {
    let regex = prepared(arguments)?;
    let text = arguments.text(1)?;
    let captures = regex.captures(&text);
    let captures = captures.ok_or_else(|| arguments.refuse("the pattern does not match"))?;
    Ok(captured(&regex, &captures))
}

fn all(arguments: &Arguments<'_, '_>) -> Outcome {
    let regex = prepared(arguments)?;
    let text = arguments.text(1)?;
    Ok(Value::list(
        regex.captures_iter(&text).map(|one| captured(&regex, &one)).collect(),
    ))
}

/// Between slashes stands a regular expression.
fn replace(arguments: &Arguments<'_, '_>) -> Outcome {
    let (text, wanted, with) = (arguments.text(0)?, arguments.text(1)?, arguments.text(2)?);
    let inner = wanted.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    if let Some(pattern) = inner.filter(|_| wanted.len() > 1) {
        let regex = compiled(arguments, pattern)?;
        return Ok(Value::from(regex.replace_all(&text, &*with).into_owned()));
    }
    let times = if wanted.is_empty() {
        text.len() + 1
    } else {
        text.len() / wanted.len() + 1
    };
    if times.saturating_mul(with.len()) > super::super::template::LONGEST {
        return Err(arguments.refuse("the text would be too long"));
    }
    Ok(Value::from(text.replace(&*wanted, &with)))
}

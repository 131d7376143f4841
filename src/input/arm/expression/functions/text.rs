//! Strings, and names made of what is unknown.

use std::fmt::Write as _;

use super::super::evaluate::{Fault, LONGEST, Outcome};
use super::super::value::{Kind, Unknown, Value, digest};
use super::{Arguments, shown};

/// All strings or all arrays. Unknown strings are spliced into the name that stands for the whole.
pub(super) fn concat(arguments: &Arguments<'_>) -> Outcome {
    if arguments.values.iter().any(|value| value.as_list().is_some()) {
        return concat_lists(arguments);
    }
    let mut text = String::new();
    let mut open: Option<&Unknown> = None;
    for (at, value) in arguments.values.iter().enumerate() {
        match &value.kind {
            Kind::Text(part) => text.push_str(part),
            Kind::Int(value) => {
                let _ = write!(text, "{value}");
            }
            Kind::Unknown(unknown) => {
                text.push_str(&unknown.symbol);
                open = open.or(Some(unknown));
            }
            _ => return Err(arguments.wrong(at, "a string")),
        }
        if text.len() > LONGEST {
            break;
        }
    }
    match open {
        Some(unknown) => Ok(spliced(arguments, unknown.derived(text)).into()),
        None => arguments.made(text),
    }
}

/// As exact as all of its parts.
pub(super) fn spliced(arguments: &Arguments<'_>, made: Unknown) -> Unknown {
    let exact = |value: &Value| value.open().is_none_or(|unknown| unknown.exact);
    match arguments.values.iter().all(exact) {
        true => made,
        false => made.inexact(),
    }
}

fn concat_lists(arguments: &Arguments<'_>) -> Outcome {
    let mut items = Vec::new();
    for (at, value) in arguments.values.iter().enumerate() {
        match &value.kind {
            Kind::List(part) => items.extend(part.iter().cloned()),
            Kind::Unknown(unknown) => return Ok(arguments.unknown(unknown)),
            _ => return Err(arguments.wrong(at, "an array")),
        }
        if items.len() > LONGEST {
            return Err(Fault::new("`concat` makes an array that is too long"));
        }
    }
    Ok(items.into())
}

/// As the service writes values into texts.
pub(super) fn written(value: &Value) -> String {
    match &value.kind {
        Kind::Bool(true) => "True".to_owned(),
        Kind::Bool(false) => "False".to_owned(),
        Kind::Null => String::new(),
        _ => shown(value),
    }
}

pub(super) fn string(arguments: &Arguments<'_>) -> Outcome {
    let value = arguments.get(0)?;
    match (&value.kind, value.open()) {
        (Kind::Unknown(unknown), _) => Ok(unknown.clone().inexact().into()),
        (_, Some(unknown)) => Ok(arguments.unknown(unknown)),
        _ => arguments.made(written(value)),
    }
}

fn recase(arguments: &Arguments<'_>, to: fn(&str) -> String) -> Outcome {
    match &arguments.get(0)?.kind {
        // Names are compared without case, so the symbol may follow.
        Kind::Unknown(unknown) => Ok(unknown.derived(to(&unknown.symbol)).inexact().into()),
        _ => arguments.made(to(arguments.text(0)?)),
    }
}

pub(super) fn to_lower(arguments: &Arguments<'_>) -> Outcome {
    recase(arguments, str::to_lowercase)
}

pub(super) fn to_upper(arguments: &Arguments<'_>) -> Outcome {
    recase(arguments, str::to_uppercase)
}

pub(super) fn trim(arguments: &Arguments<'_>) -> Outcome {
    Ok(arguments.text(0)?.trim().into())
}

pub(super) fn replace(arguments: &Arguments<'_>) -> Outcome {
    let (text, old, new) = (arguments.text(0)?, arguments.text(1)?, arguments.text(2)?);
    if old.is_empty() {
        return Err(Fault::new("`replace` looks for an empty string"));
    }
    if text.len().saturating_mul(new.len().max(1)) > 64 * LONGEST {
        return Err(Fault::new("`replace` makes a string that is too long"));
    }
    arguments.made(text.replace(old, new))
}

/// At any of the delimiters; empty parts stay.
pub(super) fn split(arguments: &Arguments<'_>) -> Outcome {
    let delimiters: Vec<&str> = match arguments.get(1)?.as_list() {
        Some(list) => list
            .iter()
            .filter_map(|one| one.as_text().map(|text| &**text))
            .collect(),
        None => vec![arguments.text(1)?],
    };
    let mut parts: Vec<&str> = vec![arguments.text(0)?];
    for delimiter in delimiters.iter().filter(|delimiter| !delimiter.is_empty()) {
        parts = parts.into_iter().flat_map(|part| part.split(delimiter)).collect();
    }
    Ok(parts.into_iter().map(Value::from).collect::<Vec<_>>().into())
}

pub(super) fn join(arguments: &Arguments<'_>) -> Outcome {
    let delimiter = arguments.text(1)?;
    let parts: Vec<String> = arguments.list(0)?.iter().map(written).collect();
    if parts.len().saturating_mul(delimiter.len()) > LONGEST {
        return Err(Fault::new("`join` makes a string that is too long"));
    }
    arguments.made(parts.join(delimiter))
}

pub(super) fn substring(arguments: &Arguments<'_>) -> Outcome {
    let characters: Vec<char> = arguments.text(0)?.chars().collect();
    let start = usize::try_from(arguments.int(1)?).ok();
    let length = match arguments.values.get(2) {
        Some(_) => usize::try_from(arguments.int(2)?).ok(),
        None => start.map(|start| characters.len().saturating_sub(start)),
    };
    let end = start.zip(length).and_then(|(start, length)| start.checked_add(length));
    let part = start.zip(end).and_then(|(start, end)| characters.get(start..end));
    match part {
        Some(part) => Ok(part.iter().collect::<String>().into()),
        None => Err(Fault::new("`substring` reaches beyond the string")),
    }
}

pub(super) fn pad_left(arguments: &Arguments<'_>) -> Outcome {
    let text = match &arguments.get(0)?.kind {
        Kind::Int(value) => value.to_string(),
        _ => arguments.text(0)?.to_owned(),
    };
    let fill = match arguments.values.get(2) {
        Some(_) => arguments.text(2)?.chars().next().unwrap_or(' '),
        None => ' ',
    };
    let width = usize::try_from(arguments.int(1)?).unwrap_or(0);
    if width > LONGEST {
        return Err(Fault::new("`padLeft` makes a string that is too long"));
    }
    let missing = width.saturating_sub(text.chars().count());
    arguments.made(std::iter::repeat_n(fill, missing).chain(text.chars()).collect())
}

pub(super) fn starts_with(arguments: &Arguments<'_>) -> Outcome {
    let (text, start) = (arguments.text(0)?.to_lowercase(), arguments.text(1)?.to_lowercase());
    Ok(text.starts_with(&start).into())
}

pub(super) fn ends_with(arguments: &Arguments<'_>) -> Outcome {
    let (text, end) = (arguments.text(0)?.to_lowercase(), arguments.text(1)?.to_lowercase());
    Ok(text.ends_with(&end).into())
}

/// The hash that the service makes is not published: the text is unknown, and the same for the same arguments.
fn hashed(arguments: &Arguments<'_>) -> Outcome {
    let seed: Vec<String> = arguments.values.iter().map(shown).collect();
    let symbol = format!("{{{}#{}}}", arguments.name, digest(&seed.join("\n")));
    let open = arguments.values.iter().find_map(Value::open);
    Ok(match open {
        Some(unknown) => unknown.derived(symbol).into(),
        None => Value::unknown(format!("what `{}` makes is computed by Azure", arguments.name), &symbol),
    })
}

pub(super) fn unique_string(arguments: &Arguments<'_>) -> Outcome {
    hashed(arguments)
}

pub(super) fn guid(arguments: &Arguments<'_>) -> Outcome {
    hashed(arguments)
}

pub(super) fn new_guid(_: &Arguments<'_>) -> Outcome {
    Ok(Value::unknown(
        "`newGuid` makes another value in each deployment",
        "{newGuid}",
    ))
}

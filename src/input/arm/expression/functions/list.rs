//! Arrays, and what strings and objects have in common with them.

use std::sync::Arc;

use super::super::evaluate::{Fault, MOST, Outcome};
use super::super::value::{Kind, Value};
use super::Arguments;

pub(super) fn array(arguments: &Arguments<'_>) -> Outcome {
    let value = arguments.get(0)?;
    match &value.kind {
        Kind::List(_) => Ok(value.clone()),
        Kind::Unknown(unknown) => Ok(arguments.unknown(unknown)),
        _ => Ok(vec![value.clone()].into()),
    }
}

pub(super) fn create(arguments: &Arguments<'_>) -> Outcome {
    Ok(arguments.values.to_vec().into())
}

/// Texts are searched with case, names of members without.
pub(super) fn contains(arguments: &Arguments<'_>) -> Outcome {
    let (container, wanted) = (arguments.get(0)?, arguments.get(1)?);
    let open = container.as_unknown().or(wanted.as_unknown());
    if let Some(unknown) = open {
        return Ok(arguments.unknown(unknown));
    }
    match &container.kind {
        Kind::List(items) => {
            let answers: Vec<Option<bool>> = items.iter().map(|item| item.same(wanted)).collect();
            let unknown = container.open().filter(|_| answers.contains(&None));
            match unknown {
                _ if answers.contains(&Some(true)) => Ok(true.into()),
                Some(unknown) => Ok(arguments.unknown(unknown)),
                None => Ok(false.into()),
            }
        }
        Kind::Object(_) => Ok(container.get(arguments.text(1)?).is_some().into()),
        Kind::Text(text) => match &wanted.kind {
            Kind::Int(value) => Ok(text.contains(&value.to_string()).into()),
            _ => Ok(text.contains(arguments.text(1)?).into()),
        },
        _ => Err(arguments.wrong(0, "an array, an object or a string")),
    }
}

fn count(arguments: &Arguments<'_>) -> Result<usize, Fault> {
    match &arguments.get(0)?.kind {
        Kind::List(items) => Ok(items.len()),
        Kind::Object(members) => Ok(members.len()),
        // The service counts UTF-16 units.
        Kind::Text(text) => Ok(text.encode_utf16().count()),
        Kind::Null => Ok(0),
        _ => Err(arguments.wrong(0, "an array, an object or a string")),
    }
}

pub(super) fn empty(arguments: &Arguments<'_>) -> Outcome {
    Ok((count(arguments)? == 0).into())
}

pub(super) fn length(arguments: &Arguments<'_>) -> Outcome {
    Ok(i64::try_from(count(arguments)?).unwrap_or(i64::MAX).into())
}

fn end(arguments: &Arguments<'_>, last: bool) -> Outcome {
    match &arguments.get(0)?.kind {
        Kind::List(items) => {
            let item = if last { items.last() } else { items.first() };
            Ok(item.cloned().unwrap_or_else(Value::null))
        }
        Kind::Text(text) => {
            let character = if last {
                text.chars().next_back()
            } else {
                text.chars().next()
            };
            Ok(character.map(String::from).unwrap_or_default().into())
        }
        _ => Err(arguments.wrong(0, "an array or a string")),
    }
}

pub(super) fn first(arguments: &Arguments<'_>) -> Outcome {
    end(arguments, false)
}

pub(super) fn last(arguments: &Arguments<'_>) -> Outcome {
    end(arguments, true)
}

fn position(arguments: &Arguments<'_>, last: bool) -> Outcome {
    let at = match &arguments.get(0)?.kind {
        Kind::List(items) => {
            let wanted = arguments.get(1)?;
            let same = |item: &Value| item.same(wanted) == Some(true);
            if last {
                items.iter().rposition(same)
            } else {
                items.iter().position(same)
            }
        }
        // Without case, counted in characters.
        Kind::Text(text) => {
            let (text, wanted) = (text.to_lowercase(), arguments.text(1)?.to_lowercase());
            let byte = if last { text.rfind(&wanted) } else { text.find(&wanted) };
            byte.map(|byte| text.get(..byte).unwrap_or_default().chars().count())
        }
        _ => return Err(arguments.wrong(0, "an array or a string")),
    };
    Ok(at.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1).into())
}

pub(super) fn index_of(arguments: &Arguments<'_>) -> Outcome {
    position(arguments, false)
}

pub(super) fn last_index_of(arguments: &Arguments<'_>) -> Outcome {
    position(arguments, true)
}

pub(super) fn range(arguments: &Arguments<'_>) -> Outcome {
    let (start, count) = (arguments.int(0)?, arguments.int(1)?);
    let most = i64::try_from(MOST).unwrap_or(i64::MAX);
    let end = start.checked_add(count).filter(|_| (0..=most).contains(&count));
    let Some(end) = end else {
        return Err(Fault::new(format!("`range` makes 0 to {MOST} numbers, not {count}")));
    };
    let numbers: Vec<Value> = (start..end).map(Value::from).collect();
    Ok(numbers.into())
}

fn cut(arguments: &Arguments<'_>, skip: bool) -> Outcome {
    let count = usize::try_from(arguments.int(1)?.max(0)).unwrap_or(usize::MAX);
    match &arguments.get(0)?.kind {
        Kind::List(items) if skip => Ok(items.iter().skip(count).cloned().collect::<Vec<_>>().into()),
        Kind::List(items) => Ok(items.iter().take(count).cloned().collect::<Vec<_>>().into()),
        Kind::Text(text) if skip => Ok(text.chars().skip(count).collect::<String>().into()),
        Kind::Text(text) => Ok(text.chars().take(count).collect::<String>().into()),
        _ => Err(arguments.wrong(0, "an array or a string")),
    }
}

pub(super) fn skip(arguments: &Arguments<'_>) -> Outcome {
    cut(arguments, true)
}

pub(super) fn take(arguments: &Arguments<'_>) -> Outcome {
    cut(arguments, false)
}

pub(super) fn flatten(arguments: &Arguments<'_>) -> Outcome {
    let mut flat = Vec::new();
    for item in arguments.list(0)? {
        match &item.kind {
            Kind::List(items) => flat.extend(items.iter().cloned()),
            Kind::Unknown(unknown) => return Ok(arguments.unknown(unknown)),
            _ => return Err(arguments.wrong(0, "an array of arrays")),
        }
    }
    Ok(flat.into())
}

/// Counted from the end, where the last element is 1.
fn from_end<'v>(arguments: &'v Arguments<'_>) -> Result<Option<&'v Value>, Fault> {
    let items = arguments.list(0)?;
    let back = usize::try_from(arguments.int(1)?).ok().filter(|back| *back > 0);
    Ok(back
        .and_then(|back| items.len().checked_sub(back))
        .and_then(|at| items.get(at)))
}

pub(super) fn index_from_end(arguments: &Arguments<'_>) -> Outcome {
    let found = from_end(arguments)?.cloned();
    found.ok_or_else(|| Fault::new("the array has no such element"))
}

pub(super) fn try_index_from_end(arguments: &Arguments<'_>) -> Outcome {
    Ok(from_end(arguments)?.cloned().unwrap_or_else(Value::null))
}

pub(super) fn intersection(arguments: &Arguments<'_>) -> Outcome {
    let mut values = arguments.values.iter();
    let Some(first) = values.next() else {
        return Err(Fault::new("`intersection` has no arguments"));
    };
    let mut common = first.clone();
    for other in values {
        common = match (&common.kind, &other.kind) {
            (Kind::List(ours), Kind::List(theirs)) => {
                let in_both = |item: &&Value| theirs.iter().any(|other| other.same(item) == Some(true));
                distinct(ours.iter().filter(in_both)).into()
            }
            (Kind::Object(ours), Kind::Object(_)) => {
                let same = |(name, value): &&(Arc<str>, Value)| {
                    other.get(name).is_some_and(|other| other.same(value) == Some(true))
                };
                Value::object(ours.iter().filter(same).cloned().collect())
            }
            _ => return Err(Fault::new("`intersection` takes only arrays or only objects")),
        };
    }
    Ok(common)
}

/// Each value once, where it first stands. Unknown elements are kept: they may be new.
fn distinct<'v>(values: impl Iterator<Item = &'v Value>) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::new();
    for value in values {
        if !kept.iter().any(|present| present.same(value) == Some(true)) {
            kept.push(value.clone());
        }
    }
    kept
}

pub(super) fn union(arguments: &Arguments<'_>) -> Outcome {
    let mut values = arguments.values.iter();
    let Some(first) = values.next() else {
        return Err(Fault::new("`union` has no arguments"));
    };
    let mut joined = match &first.kind {
        Kind::List(items) => distinct(items.iter()).into(),
        _ => first.clone(),
    };
    for other in values {
        joined = match (&joined.kind, &other.kind) {
            (Kind::List(ours), Kind::List(theirs)) => distinct(ours.iter().chain(theirs.iter())).into(),
            (Kind::Object(_), Kind::Object(_)) => merge(&joined, other, 0),
            _ => return Err(Fault::new("`union` takes only arrays or only objects")),
        };
    }
    Ok(joined)
}

/// The later value of equal names stands; objects are merged member by member.
fn merge(earlier: &Value, later: &Value, depth: usize) -> Value {
    let (Some(ours), Some(theirs)) = (earlier.as_object(), later.as_object()) else {
        return later.clone();
    };
    if depth > 64 {
        return later.clone();
    }
    let mut members = ours.to_vec();
    for (name, value) in theirs {
        match members.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, present)) => *present = merge_member(present, value, depth),
            None => members.push((name.clone(), value.clone())),
        }
    }
    Value::object(members).at(later.span)
}

/// Whether an unknown is an object to merge with is open.
fn merge_member(earlier: &Value, later: &Value, depth: usize) -> Value {
    match (&earlier.kind, &later.kind) {
        (Kind::Object(_), Kind::Object(_)) => merge(earlier, later, depth + 1),
        (Kind::Unknown(unknown), Kind::Object(_)) => Value::from(unknown.clone()).at(later.span),
        _ => later.clone(),
    }
}

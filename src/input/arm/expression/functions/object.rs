//! Objects.

use std::sync::Arc;

use super::super::evaluate::{Fault, Outcome, element};
use super::super::value::{Kind, Unknown, Value};
use super::Arguments;
use crate::syntax;

pub(super) fn null(_: &Arguments<'_>) -> Outcome {
    Ok(Value::null())
}

/// Names and values in turn.
pub(super) fn create(arguments: &Arguments<'_>) -> Outcome {
    if !arguments.values.len().is_multiple_of(2) {
        return Err(Fault::new("`createObject` takes a value for each name"));
    }
    let mut members: Vec<(Arc<str>, Value)> = Vec::new();
    for pair in arguments.values.chunks(2) {
        let [name, value] = pair else { continue };
        let name = match &name.kind {
            Kind::Text(name) => name.clone(),
            Kind::Unknown(unknown) => return Ok(arguments.unknown(unknown)),
            _ => return Err(Fault::new("a name given to `createObject` is no string")),
        };
        members.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
        members.push((name, value.clone()));
    }
    Ok(Value::object(members))
}

fn members<'v>(arguments: &'v Arguments<'_>) -> Result<&'v [(Arc<str>, Value)], Fault> {
    let object = arguments.get(0)?.as_object();
    object.ok_or_else(|| arguments.wrong(0, "an object"))
}

/// The members in the order of their names.
fn sorted(members: &[(Arc<str>, Value)]) -> Vec<&(Arc<str>, Value)> {
    let mut sorted: Vec<&(Arc<str>, Value)> = members.iter().collect();
    sorted.sort_by_key(|(name, _)| name.to_lowercase());
    sorted
}

pub(super) fn items(arguments: &Arguments<'_>) -> Outcome {
    let item = |(name, value): &(Arc<str>, Value)| {
        let key = Value::from(Kind::Text(name.clone()));
        Value::object(vec![(Arc::from("key"), key), (Arc::from("value"), value.clone())])
    };
    let items: Vec<Value> = sorted(members(arguments)?).into_iter().map(item).collect();
    Ok(items.into())
}

pub(super) fn keys(arguments: &Arguments<'_>) -> Outcome {
    let keys: Vec<Value> = sorted(members(arguments)?)
        .into_iter()
        .map(|(name, _)| Kind::Text(name.clone()).into())
        .collect();
    Ok(keys.into())
}

/// One object out of an array of them; of equal names the later value stands.
pub(super) fn shallow_merge(arguments: &Arguments<'_>) -> Outcome {
    let mut merged: Vec<(Arc<str>, Value)> = Vec::new();
    for object in arguments.list(0)? {
        if let Some(unknown) = object.as_unknown() {
            return Ok(arguments.unknown(unknown));
        }
        let members = object.as_object();
        for (name, value) in members.ok_or_else(|| arguments.wrong(0, "an array of objects"))? {
            match merged.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                Some((_, present)) => *present = value.clone(),
                None => merged.push((name.clone(), value.clone())),
            }
        }
    }
    Ok(Value::object(merged))
}

/// The member that the keys lead to, null where there is none.
pub(super) fn try_get(arguments: &Arguments<'_>) -> Outcome {
    let mut found = arguments.get(0)?.clone();
    for key in arguments.values.iter().skip(1) {
        let index = matches!((&found.kind, &key.kind), (Kind::List(_), Kind::Int(_)));
        let named = matches!((&found.kind, &key.kind), (Kind::Object(_), Kind::Text(_)));
        let open = found.as_unknown().or(key.as_unknown()).is_some();
        if !(index || named || open) {
            return Ok(Value::null());
        }
        found = element(&found, key, true)?;
    }
    Ok(found)
}

/// What a JSON text says. The service takes texts in single quotes as well.
pub(super) fn json(arguments: &Arguments<'_>) -> Outcome {
    match arguments.get(0)?.as_unknown() {
        Some(unknown) => Ok(structured(unknown).unwrap_or_else(|| arguments.unknown(unknown))),
        None => parse(arguments.text(0)?),
    }
}

/// A text that is put together of JSON and of what is unknown, such as `concat('{ "id": "', resourceId('...'), '" }')`, has
/// the structure that it shows; each text in it is as open as the whole.
fn structured(unknown: &Unknown) -> Option<Value> {
    let node = syntax::json::parse(&unknown.symbol).ok()?;
    let compound = node.as_object().is_some() || node.as_list().is_some();
    compound.then(|| opened(&Value::literal(&node), unknown).moved(syntax::Span::default()))
}

fn opened(value: &Value, unknown: &Unknown) -> Value {
    match &value.kind {
        Kind::Text(text) => unknown.derived(text.to_string()).into(),
        Kind::List(items) => items
            .iter()
            .map(|item| opened(item, unknown))
            .collect::<Vec<_>>()
            .into(),
        Kind::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| (name.clone(), opened(value, unknown)));
            Value::object(members.collect())
        }
        kind => kind.clone().into(),
    }
}

pub(super) fn parse(text: &str) -> Outcome {
    if text.trim().is_empty() {
        return Ok(Value::null());
    }
    let swapped;
    let node = match syntax::json::parse(text) {
        Ok(node) => node,
        Err(error) if text.contains('\'') && !text.contains('"') => {
            swapped = text.replace('\'', "\"");
            syntax::json::parse(&swapped).map_err(|_| Fault::new(format!("the text is not JSON: {}", error.message)))?
        }
        Err(error) => return Err(Fault::new(format!("the text is not JSON: {}", error.message))),
    };
    // Places within that text are none of the template.
    Ok(Value::literal(&node).moved(syntax::Span::default()))
}

//! Applies the fields of a row to the attributes of an instance. Must not know any type.

use std::sync::Arc;

use super::identity::child;
use super::table::{Field, How};
use super::{Instance, Said};
use crate::input::arm::expression::{Kind, Value};
use crate::syntax::Span;

pub type Members = Vec<(Arc<str>, Value)>;

/// What fields need beside the attributes.
pub struct Context<'i> {
    pub instance: &'i Instance,
}

/// The members that the fields give; paths that begin with `/` are for `root`, others for `properties`.
pub fn apply(
    fields: &[Field],
    attributes: &Value,
    context: &Context<'_>,
    root: &mut Members,
    properties: &mut Members,
) {
    for field in fields {
        let Some(value) = value(field, attributes, context) else {
            continue;
        };
        let span = attributes.span;
        match field.to.strip_prefix('/') {
            Some(path) => put(root, path, value, span),
            None => put(properties, field.to, value, span),
        }
    }
}

/// An object made of the fields.
fn object(fields: &[Field], attributes: &Value, context: &Context<'_>) -> Value {
    if attributes.as_object().is_none() {
        return attributes.clone();
    }
    let mut members = Members::new();
    let mut own = Members::new();
    apply(fields, attributes, context, &mut own, &mut members);
    members.extend(own);
    Value::object(members).at(attributes.span)
}

fn value(field: &Field, attributes: &Value, context: &Context<'_>) -> Option<Value> {
    if let How::Constant(text) = &field.how {
        return Some(Value::from(*text).at(attributes.span));
    }
    if let How::Own(fields) = &field.how {
        return Some(Value::from(vec![object(fields, attributes, context)]).at(attributes.span));
    }
    let given = attributes
        .get(field.from)
        .filter(|value| !matches!(value.kind, Kind::Null));
    let Some(given) = given else {
        return absent(field, attributes.span, context);
    };
    if is_given_later(field.from, given, context) {
        return None;
    }
    let span = given.span;
    let is_open = given.as_unknown().is_some();
    match &field.how {
        How::Same | How::Default(_) => Some(given.clone()),
        How::Constant(_) | How::Own(_) => None,
        How::Id => reference(given),
        How::Ids => Some(each(given, reference)),
        How::OneId => Some(Value::from(Vec::from_iter(reference(given))).at(span)),
        How::EachAs(member) => Some(each(given, |item| {
            Some(Value::object(vec![(Arc::from(*member), item.clone())]).at(item.span))
        })),
        How::ListOf if given.as_list().is_some() => Some(given.clone()),
        How::ListOf if is_empty(given) => None,
        How::ListOf => Some(Value::from(vec![given.clone()]).at(span)),
        How::Not => Some(opposite(given)),
        How::Block(fields) => match given.as_list() {
            Some(items) => items.first().map(|block| object(fields, block, context)),
            None => Some(object(fields, given, context)),
        },
        How::Blocks(_) if is_open => Some(given.clone()),
        How::Blocks(fields) => Some(each(given, |block| Some(object(fields, block, context)))),
        How::Word(words) => Some(translated(given, words)),
        How::ChildOf(..) if is_empty(given) => None,
        How::ChildOf(of, kind) => {
            let of = attributes.get(of).or_else(|| context.instance.attributes.get(of))?;
            reference(&child(of, kind, given).at(span))
        }
    }
}

/// Addresses that Azure chooses: in a plan they are unknown whether or not somebody asked for one.
fn is_given_later(name: &str, given: &Value, context: &Context<'_>) -> bool {
    let is_address = ["private_ip_address", "ip_address"].contains(&name);
    is_address && context.instance.said == Said::Recorded && given.as_unknown().is_some()
}

/// What an absent argument says: in a configuration, the default of the provider.
fn absent(field: &Field, span: Span, context: &Context<'_>) -> Option<Value> {
    let How::Default(by_major) = &field.how else {
        return None;
    };
    if context.instance.said == Said::Recorded {
        return None;
    }
    let major = context.instance.settings.major?;
    let known = by_major.iter().rev().find(|(from, _)| *from <= major)?;
    Some(Value::from(known.1).at(span))
}

fn is_empty(value: &Value) -> bool {
    value.as_text().is_some_and(|text| text.is_empty())
}

fn reference(id: &Value) -> Option<Value> {
    if is_empty(id) {
        return None;
    }
    Some(Value::object(vec![(Arc::from("id"), id.clone())]).at(id.span))
}

/// Each element of a list, or one value as if it were a list; an open list stays open.
fn each(given: &Value, make: impl Fn(&Value) -> Option<Value>) -> Value {
    match &given.kind {
        Kind::List(items) => {
            let made: Vec<Value> = items.iter().filter_map(make).collect();
            Value::from(made).at(given.span)
        }
        Kind::Unknown(_) => given.clone(),
        _ => Value::from(make(given).into_iter().collect::<Vec<_>>()).at(given.span),
    }
}

fn opposite(given: &Value) -> Value {
    let kind = match &given.kind {
        Kind::Bool(value) => Kind::Bool(!value),
        Kind::Text(text) if text.eq_ignore_ascii_case("true") => Kind::Bool(false),
        Kind::Text(text) if text.eq_ignore_ascii_case("false") => Kind::Bool(true),
        kind => kind.clone(),
    };
    Value { kind, span: given.span }
}

fn translated(given: &Value, words: &[(&str, &str)]) -> Value {
    let text = given.as_text();
    let found = text.and_then(|text| words.iter().find(|(from, _)| from.eq_ignore_ascii_case(text)));
    match found {
        Some((_, to)) => Value::from(*to).at(given.span),
        None => given.clone(),
    }
}

/// Sets a member by its path. A list joins the list that is there; an open one stays open.
pub fn put(members: &mut Members, path: &str, value: Value, span: Span) {
    let (name, rest) = match path.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (path, None),
    };
    let at = match members.iter().position(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some(at) => at,
        None => {
            let first = match rest {
                Some(_) => Value::object(Vec::new()).at(span),
                None => return members.push((Arc::from(name), value)),
            };
            members.push((Arc::from(name), first));
            members.len() - 1
        }
    };
    let Some((_, present)) = members.get_mut(at) else {
        return;
    };
    match (rest, &mut present.kind) {
        (Some(rest), Kind::Object(inner)) => put(Arc::make_mut(inner), rest, value, span),
        (Some(_), _) => {}
        (None, Kind::List(items)) => match value.kind {
            Kind::List(more) => Arc::make_mut(items).extend(more.iter().cloned()),
            Kind::Unknown(_) => *present = value,
            _ => Arc::make_mut(items).push(value),
        },
        (None, Kind::Unknown(_)) => {}
        (None, _) => *present = value,
    }
}

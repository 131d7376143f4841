//! Functions of lists, maps and objects.

use std::sync::Arc;

use super::{Arguments, Function, MANY, Outcome, function, unknown_result};
use crate::input::terraform::language::evaluate::Fault;
use crate::input::terraform::language::value::{Kind, Members, Value};
use crate::input::terraform::language::{Number, Type, convert, index, type_of, unify};

pub const FUNCTIONS: &[Function] = &[
    function("alltrue", 1, 1, |a| flags(a, true)),
    function("anytrue", 1, 1, |a| flags(a, false)),
    function("chunklist", 2, 2, chunks).shallow(),
    function("coalesce", 1, MANY, coalesce).own().nulls(),
    function("coalescelist", 1, MANY, coalesce_list).own().nulls(),
    function("compact", 1, 1, compact),
    function("concat", 1, MANY, concat).shallow(),
    function("contains", 2, 2, contains).own().nulls(),
    function("distinct", 1, 1, distinct),
    function("element", 2, 2, element).shallow(),
    function("flatten", 1, 1, flatten).shallow(),
    function("index", 2, 2, position),
    function("keys", 1, 1, keys).shallow(),
    function("length", 1, 1, length).shallow(),
    function("lookup", 2, 3, lookup).own().nulls(),
    function("matchkeys", 3, 3, match_keys),
    function("merge", 0, MANY, merge).shallow().nulls(),
    function("one", 1, 1, one).shallow(),
    function("range", 1, 3, range),
    function("reverse", 1, 1, reverse).shallow(),
    function("slice", 3, 3, slice).shallow(),
    function("sort", 1, 1, sort),
    function("transpose", 1, 1, transpose),
    function("values", 1, 1, values).shallow(),
    function("zipmap", 2, 2, zip).own(),
];

fn flags(arguments: &Arguments<'_, '_>, all: bool) -> Outcome {
    let items = arguments.list(0, Type::Bool)?;
    let holds = |item: &Value| matches!(item.kind, Kind::Bool(true));
    Ok(Value::from(if all {
        items.iter().all(holds)
    } else {
        items.iter().any(holds)
    }))
}

fn chunks(arguments: &Arguments<'_, '_>) -> Outcome {
    let items = arguments.list(0, Type::Any)?;
    let size = usize::try_from(arguments.whole(1)?).map_err(|_| arguments.wrong(1, "it must not be negative"))?;
    let size = if size == 0 { items.len().max(1) } else { size };
    Ok(Value::list(
        items.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect(),
    ))
}

/// All of the type that the arguments have in common.
fn coalesce(arguments: &Arguments<'_, '_>) -> Outcome {
    let types: Vec<Type> = arguments.values.iter().map(type_of).collect();
    let common = unify(&types).ok_or_else(|| arguments.refuse("the arguments have no type in common"))?;
    for value in arguments.values {
        if let Some(unknown) = value.as_unknown() {
            return Ok(unknown_result("coalesce", unknown, arguments.values));
        }
        if value.is_null() || value.as_text().is_some_and(|text| text.is_empty()) {
            continue;
        }
        return Ok(convert(value, &common)?);
    }
    Err(arguments.refuse("every argument is null or empty"))
}

fn coalesce_list(arguments: &Arguments<'_, '_>) -> Outcome {
    let set = arguments
        .values
        .iter()
        .position(|value| matches!(value.kind, Kind::Set(_)));
    if let Some(at) = set {
        return Err(arguments.wrong(at, "a list or tuple is required"));
    }
    for (at, value) in arguments.values.iter().enumerate() {
        if let Some(unknown) = value.as_unknown() {
            return Ok(unknown_result("coalescelist", unknown, arguments.values));
        }
        if !value.is_null() && !arguments.elements(at)?.is_empty() {
            return Ok(value.clone());
        }
    }
    Err(arguments.refuse("every list is null or empty"))
}

fn compact(arguments: &Arguments<'_, '_>) -> Outcome {
    let mut items = arguments.list(0, Type::Text)?;
    items.retain(|item| item.as_text().is_some_and(|text| !text.is_empty()));
    Ok(Value::list(items))
}

fn concat(arguments: &Arguments<'_, '_>) -> Outcome {
    let mut all = Vec::new();
    for at in 0..arguments.values.len() {
        if matches!(arguments.value(at)?.kind, Kind::Set(_)) {
            return Err(arguments.wrong(at, "a list or tuple is required"));
        }
        all.extend(arguments.elements(at)?.iter().cloned());
    }
    let lists = arguments.values.iter().all(|value| matches!(value.kind, Kind::List(_)));
    let types: Vec<Type> = arguments.values.iter().map(type_of).collect();
    let tuple = Value::tuple(all);
    match lists && unify(&types).is_some() {
        true => Ok(convert(&tuple, &Type::list(Type::Any)).unwrap_or(tuple)),
        false => Ok(tuple),
    }
}

fn contains(arguments: &Arguments<'_, '_>) -> Outcome {
    let (list, wanted) = (arguments.value(0)?, arguments.value(1)?);
    if let Some(unknown) = list.as_unknown() {
        return Ok(unknown_result("contains", unknown, arguments.values));
    }
    let mut open = None;
    for item in arguments.elements(0)? {
        match item.same(wanted) {
            Some(true) => return Ok(Value::from(true)),
            Some(false) => {}
            None => open = item.open().or_else(|| wanted.open()),
        }
    }
    Ok(match open {
        Some(unknown) => unknown_result("contains", unknown, arguments.values),
        None => Value::from(false),
    })
}

fn distinct(arguments: &Arguments<'_, '_>) -> Outcome {
    let mut out: Vec<Value> = Vec::new();
    for item in arguments.list(0, Type::Any)? {
        arguments.environment.fuel.burn(out.len() as u64)?;
        if !out.iter().any(|other| other.same(&item) == Some(true)) {
            out.push(item);
        }
    }
    Ok(Value::list(out))
}

fn element(arguments: &Arguments<'_, '_>) -> Outcome {
    if matches!(arguments.value(0)?.kind, Kind::Set(_)) {
        return Err(arguments.wrong(0, "the elements of a set have no order"));
    }
    let items = arguments.elements(0)?;
    let at = arguments.whole(1)?;
    let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
    if at < 0 {
        return Err(arguments.wrong(1, "it must not be negative"));
    }
    let found = at
        .checked_rem(count)
        .and_then(|at| items.get(usize::try_from(at).ok()?));
    found.cloned().ok_or_else(|| arguments.refuse("the list is empty"))
}

fn flatten(arguments: &Arguments<'_, '_>) -> Outcome {
    let mut out = Vec::new();
    match add_flat(arguments.elements(0)?, &mut out) {
        None => Ok(Value::tuple(out)),
        Some(open) => {
            let unknown = open.as_unknown();
            Ok(unknown.map_or_else(Value::null, |unknown| {
                unknown_result("flatten", unknown, arguments.values)
            }))
        }
    }
}

/// The element that leaves the length open, if one does.
fn add_flat<'v>(items: &'v [Value], out: &mut Vec<Value>) -> Option<&'v Value> {
    for item in items {
        match item.elements() {
            Some(inner) => {
                let open = add_flat(inner, out);
                if open.is_some() {
                    return open;
                }
            }
            None if item.as_unknown().is_some_and(may_be_list) => return Some(item),
            None => out.push(item.clone()),
        }
    }
    None
}

/// An id or a text with literal parts is no list.
fn may_be_list(unknown: &crate::input::terraform::language::Unknown) -> bool {
    unknown.inner().len() + 2 == unknown.symbol.len()
}

fn position(arguments: &Arguments<'_, '_>) -> Outcome {
    let wanted = arguments.value(1)?;
    if matches!(arguments.value(0)?.kind, Kind::Set(_)) {
        return Err(arguments.wrong(0, "a list or tuple is required"));
    }
    let found = arguments
        .elements(0)?
        .iter()
        .position(|item| item.same(wanted) == Some(true));
    found
        .map(Value::from)
        .ok_or_else(|| arguments.refuse("the list has no such element"))
}

fn is_map(value: &Value) -> bool {
    matches!(value.kind, Kind::Map(_))
}

fn keys(arguments: &Arguments<'_, '_>) -> Outcome {
    let names = arguments
        .members(0)?
        .keys()
        .map(|name| Value::from(name.clone()))
        .collect();
    Ok(if is_map(arguments.value(0)?) {
        Value::list(names)
    } else {
        Value::tuple(names)
    })
}

fn values(arguments: &Arguments<'_, '_>) -> Outcome {
    let all = arguments.members(0)?.values().cloned().collect();
    Ok(if is_map(arguments.value(0)?) {
        Value::list(all)
    } else {
        Value::tuple(all)
    })
}

fn length(arguments: &Arguments<'_, '_>) -> Outcome {
    let value = arguments.value(0)?;
    let count = match (&value.kind, value.elements(), value.members()) {
        (Kind::Text(text), _, _) => text.chars().count(),
        (Kind::Set(items), _, _) if items.len() > 1 && value.open().is_some() => {
            // Elements that are unknown may be equal.
            let unknown = value.open();
            return Ok(unknown.map_or_else(Value::null, |one| unknown_result("length", one, arguments.values)));
        }
        (_, Some(items), _) => items.len(),
        (_, _, Some(members)) => members.len(),
        _ => return Err(arguments.wrong(0, "a string, list or map is required")),
    };
    Ok(Value::from(count))
}

fn lookup(arguments: &Arguments<'_, '_>) -> Outcome {
    let (map, key) = (arguments.value(0)?, arguments.value(1)?);
    if let Some(unknown) = map.as_unknown().or_else(|| key.as_unknown()) {
        return Ok(unknown_result("lookup", unknown, arguments.values));
    }
    let name = arguments.text(1)?;
    let open = matches!(&map.kind, Kind::Object(object) if object.rest.is_some());
    match (arguments.members(0)?.get(&name), arguments.optional(2)) {
        (Some(found), default) => match (is_map(map), default.map(type_of)) {
            // A default makes the type.
            (true, Some(kind)) => Ok(convert(found, &unify(&[type_of(found), kind]).unwrap_or(Type::Any))?),
            _ => Ok(found.clone()),
        },
        (None, _) if open => Ok(index(map, key)?),
        (None, Some(default)) if is_map(map) => {
            let types: Vec<Type> = arguments.members(0)?.values().map(type_of).collect();
            Ok(convert(default, &unify(&types).unwrap_or(Type::Any))?)
        }
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Err(arguments.refuse(format!("there is no element `{name}`"))),
    }
}

fn match_keys(arguments: &Arguments<'_, '_>) -> Outcome {
    let values = arguments.list(0, Type::Any)?;
    let keys = arguments.list(1, Type::Any)?;
    let search = arguments.list(2, Type::Any)?;
    if values.len() != keys.len() {
        return Err(arguments.refuse("values and keys must be of one length"));
    }
    let wanted = |key: &Value| search.iter().any(|one| one.same(key) == Some(true));
    let pairs = values.into_iter().zip(keys);
    Ok(Value::list(
        pairs.filter(|(_, key)| wanted(key)).map(|(value, _)| value).collect(),
    ))
}

fn merge(arguments: &Arguments<'_, '_>) -> Outcome {
    let mut out = Members::new();
    let mut rest = None;
    let stated: Vec<&Value> = arguments.values.iter().filter(|value| !value.is_null()).collect();
    for (at, value) in arguments.values.iter().enumerate() {
        if value.is_null() {
            continue;
        }
        for (name, member) in arguments.members(at)? {
            out.insert(name.clone(), member.clone());
        }
        if let Kind::Object(object) = &value.kind {
            rest = object.rest.clone().or(rest);
        }
    }
    if stated.is_empty() {
        return Ok(if arguments.values.is_empty() {
            Value::object(out)
        } else {
            Value::null()
        });
    }
    let mut types = stated
        .iter()
        .map(|value| type_of(value))
        .filter(|one| *one != Type::Map(Box::new(Type::Any)));
    let first = types.next();
    let maps = stated.iter().all(|value| is_map(value)) && types.all(|one| Some(&one) == first.as_ref());
    let object = match rest {
        Some(rest) => Value::open_object(out, rest),
        None => Value::object(out),
    };
    match maps {
        true => Ok(convert(&object, &Type::Map(Box::new(Type::Any))).unwrap_or(object)),
        false => Ok(object),
    }
}

fn one(arguments: &Arguments<'_, '_>) -> Outcome {
    match arguments.elements(0)? {
        [] => Ok(Value::null()),
        [only] => Ok(only.clone()),
        _ => Err(arguments.refuse("the list has more than one element")),
    }
}

/// Most elements of a range, as in Terraform.
const LONGEST: usize = 1024;

fn range(arguments: &Arguments<'_, '_>) -> Outcome {
    let zero = Number::from(0_i64);
    let (start, end) = match arguments.values.len() {
        1 => (zero.clone(), arguments.number(0)?),
        _ => (arguments.number(0)?, arguments.number(1)?),
    };
    let step = match arguments.optional(2) {
        Some(_) => arguments.number(2)?,
        None => Number::from(if end < start { -1_i64 } else { 1 }),
    };
    let down = end < start;
    if step.is_zero() || (step.is_negative() != down && start != end) {
        return Err(arguments.refuse("the step leads away from the end"));
    }
    let mut out = Vec::new();
    let mut at = start;
    while if down { at > end } else { at < end } {
        if out.len() >= LONGEST {
            return Err(arguments.refuse(format!("more than {LONGEST} elements")));
        }
        out.push(Value::from(at.clone()));
        at = at
            .add(&step)
            .ok_or_else(|| arguments.refuse("the number is too large"))?;
    }
    Ok(Value::list(out))
}

/// As many of the same kind; a set becomes a list.
fn same_kind(like: &Value, items: Vec<Value>) -> Value {
    match like.kind {
        Kind::Tuple(_) => Value::tuple(items),
        _ => Value::list(items),
    }
}

fn reverse(arguments: &Arguments<'_, '_>) -> Outcome {
    let items = arguments.elements(0)?.iter().rev().cloned().collect();
    Ok(same_kind(arguments.value(0)?, items))
}

fn slice(arguments: &Arguments<'_, '_>) -> Outcome {
    let value = arguments.value(0)?;
    if matches!(value.kind, Kind::Set(_)) {
        return Err(arguments.wrong(0, "the elements of a set have no order"));
    }
    let items = arguments.elements(0)?;
    let bound = |at: usize| -> Result<usize, Fault> {
        let bound = usize::try_from(arguments.whole(at)?).ok();
        bound.ok_or_else(|| arguments.wrong(at, "it must not be negative"))
    };
    let part = items.get(bound(1)?..bound(2)?);
    let part = part.ok_or_else(|| arguments.refuse("the bounds are outside of the list"))?;
    Ok(same_kind(value, part.to_vec()))
}

fn sort(arguments: &Arguments<'_, '_>) -> Outcome {
    let mut texts = arguments.texts(0)?;
    texts.sort();
    Ok(Value::list(texts.into_iter().map(Value::from).collect()))
}

fn transpose(arguments: &Arguments<'_, '_>) -> Outcome {
    let of = Type::Map(Box::new(Type::list(Type::Text)));
    let lists = arguments.converted(0, &of)?;
    let mut out: std::collections::BTreeMap<Arc<str>, Vec<Value>> = std::collections::BTreeMap::new();
    for (name, list) in lists.members().into_iter().flatten() {
        for item in list.elements().unwrap_or_default() {
            let text = item.as_text().ok_or_else(|| arguments.wrong(0, "an element is null"))?;
            out.entry(text.clone()).or_default().push(Value::from(name.clone()));
        }
    }
    Ok(Value::map(
        out.into_iter().map(|(name, list)| (name, Value::list(list))).collect(),
    ))
}

fn zip(arguments: &Arguments<'_, '_>) -> Outcome {
    let whole = |at: usize| arguments.optional(at).and_then(Value::as_unknown);
    let keys_open = arguments.optional(0).and_then(Value::open);
    if let Some(unknown) = keys_open.or_else(|| whole(1)) {
        return Ok(unknown_result("zipmap", unknown, arguments.values));
    }
    let keys = arguments.texts(0)?;
    let values = arguments.elements(1)?;
    if matches!(arguments.value(1)?.kind, Kind::Set(_)) {
        return Err(arguments.wrong(1, "a list or tuple is required"));
    }
    if keys.len() != values.len() {
        return Err(arguments.refuse("keys and values must be of one length"));
    }
    let members: Members = keys.into_iter().zip(values.iter().cloned()).collect();
    Ok(match arguments.value(1)?.kind {
        Kind::Tuple(_) => Value::object(members),
        _ => Value::map(members),
    })
}

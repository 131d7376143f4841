//! Types, how values are converted to them, and which type several values have in common.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Number;
use super::value::{Kind, Members, Object, Value};

#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    Any,
    Bool,
    Number,
    Text,
    List(Box<Type>),
    Set(Box<Type>),
    Map(Box<Type>),
    Tuple(Vec<Type>),
    Object(BTreeMap<Arc<str>, Field>),
}

/// A member of an object type.
#[derive(Clone, Debug)]
pub struct Field {
    pub kind: Type,
    pub optional: bool,
    /// In place of what is null or not stated.
    pub default: Option<Value>,
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl From<Type> for Field {
    fn from(kind: Type) -> Self {
        Field {
            kind,
            optional: false,
            default: None,
        }
    }
}

impl Type {
    pub fn list(of: Type) -> Type {
        Type::List(Box::new(of))
    }

    pub fn name(&self) -> &'static str {
        match self {
            Type::Any => "any",
            Type::Bool => "bool",
            Type::Number => "number",
            Type::Text => "string",
            Type::List(_) => "list",
            Type::Set(_) => "set",
            Type::Map(_) => "map",
            Type::Tuple(_) => "tuple",
            Type::Object(_) => "object",
        }
    }

    fn is_primitive(&self) -> bool {
        matches!(self, Type::Bool | Type::Number | Type::Text)
    }
}

/// The type of a value; what is null or unknown may be of any.
pub fn type_of(value: &Value) -> Type {
    let common = |items: &mut dyn Iterator<Item = &Value>| {
        let types: Vec<Type> = items.map(type_of).collect();
        Box::new(unify(&types).unwrap_or(Type::Any))
    };
    match &value.kind {
        Kind::Null | Kind::Unknown(_) => Type::Any,
        Kind::Bool(_) => Type::Bool,
        Kind::Number(_) => Type::Number,
        Kind::Text(_) => Type::Text,
        Kind::Tuple(items) => Type::Tuple(items.iter().map(type_of).collect()),
        Kind::List(items) => Type::List(common(&mut items.iter())),
        Kind::Set(items) => Type::Set(common(&mut items.iter())),
        Kind::Map(members) => Type::Map(common(&mut members.values())),
        Kind::Object(object) => Type::Object(
            object
                .members
                .iter()
                .map(|(name, value)| (name.clone(), Field::from(type_of(value))))
                .collect(),
        ),
    }
}

/// The type that values of all these types can be converted to.
pub fn unify(types: &[Type]) -> Option<Type> {
    let stated: Vec<&Type> = types.iter().filter(|one| **one != Type::Any).collect();
    let Some(first) = stated.first() else {
        return Some(Type::Any);
    };
    if stated.iter().all(|one| one == first) {
        return Some((*first).clone());
    }
    if stated.iter().all(|one| one.is_primitive()) {
        return stated.contains(&&Type::Text).then_some(Type::Text);
    }
    if stated
        .iter()
        .all(|one| matches!(one, Type::Tuple(_) | Type::List(_) | Type::Set(_)))
    {
        return unify_sequences(&stated);
    }
    if stated.iter().all(|one| matches!(one, Type::Object(_) | Type::Map(_))) {
        return unify_members(&stated);
    }
    None
}

fn unify_sequences(types: &[&Type]) -> Option<Type> {
    let tuples: Vec<&Vec<Type>> = types
        .iter()
        .filter_map(|one| match one {
            Type::Tuple(items) => Some(items),
            _ => None,
        })
        .collect();
    if let Some(first) = tuples.first()
        && tuples.len() == types.len()
        && tuples.iter().all(|items| items.len() == first.len())
    {
        let column = |at: usize| {
            tuples
                .iter()
                .filter_map(|items| items.get(at).cloned())
                .collect::<Vec<_>>()
        };
        let all: Option<Vec<Type>> = (0..first.len()).map(|at| unify(&column(at))).collect();
        if let Some(all) = all {
            return Some(Type::Tuple(all));
        }
    }
    let elements: Vec<Type> = types
        .iter()
        .flat_map(|one| match one {
            Type::Tuple(items) => items.clone(),
            Type::List(of) | Type::Set(of) => vec![(**of).clone()],
            _ => Vec::new(),
        })
        .collect();
    let of = Box::new(unify(&elements)?);
    let sets = types.iter().any(|one| matches!(one, Type::Set(_)));
    Some(if sets { Type::Set(of) } else { Type::List(of) })
}

fn unify_members(types: &[&Type]) -> Option<Type> {
    let objects: Vec<&BTreeMap<Arc<str>, Field>> = types
        .iter()
        .filter_map(|one| match one {
            Type::Object(fields) => Some(fields),
            _ => None,
        })
        .collect();
    if let Some(first) = objects.first()
        && objects.len() == types.len()
        && objects.iter().all(|fields| fields.keys().eq(first.keys()))
    {
        let of = |name: &Arc<str>| {
            let column: Vec<Type> = objects
                .iter()
                .filter_map(|fields| fields.get(name).map(|field| field.kind.clone()))
                .collect();
            Some((name.clone(), Field::from(unify(&column)?)))
        };
        let all: Option<BTreeMap<Arc<str>, Field>> = first.keys().map(of).collect();
        if let Some(all) = all {
            return Some(Type::Object(all));
        }
    }
    let elements: Vec<Type> = types
        .iter()
        .flat_map(|one| match one {
            Type::Object(fields) => fields.values().map(|field| field.kind.clone()).collect(),
            Type::Map(of) => vec![(**of).clone()],
            _ => Vec::new(),
        })
        .collect();
    Some(Type::Map(Box::new(unify(&elements)?)))
}

/// The value as one of a type; the error says why there is none.
pub fn convert(value: &Value, to: &Type) -> Result<Value, String> {
    let kind = match (&value.kind, to) {
        (Kind::Unknown(_) | Kind::Null, _) | (_, Type::Any) => return Ok(value.clone()),
        (Kind::Text(_), Type::Text) | (Kind::Number(_), Type::Number) | (Kind::Bool(_), Type::Bool) => {
            return Ok(value.clone());
        }
        (Kind::Number(number), Type::Text) => Kind::Text(Arc::from(number.to_string())),
        (Kind::Bool(flag), Type::Text) => Kind::Text(Arc::from(if *flag { "true" } else { "false" })),
        (Kind::Text(text), Type::Number) => {
            Kind::Number(Number::parse(text).ok_or_else(|| "a number is required".to_owned())?)
        }
        (Kind::Text(text), Type::Bool) => match &**text {
            "true" | "1" => Kind::Bool(true),
            "false" | "0" => Kind::Bool(false),
            _ => return Err("a bool is required".to_owned()),
        },
        (Kind::Tuple(items) | Kind::List(items) | Kind::Set(items), Type::List(of)) => {
            Kind::List(Arc::new(elements(items, of)?))
        }
        (Kind::Tuple(items) | Kind::List(items) | Kind::Set(items), Type::Set(of)) => {
            let set = Value::set(elements(items, of)?);
            return Ok(set.marked(value.sensitive));
        }
        (Kind::Tuple(items) | Kind::List(items), Type::Tuple(of)) if items.len() == of.len() => {
            let pairs = items.iter().zip(of);
            Kind::Tuple(Arc::new(
                pairs.map(|(item, of)| convert(item, of)).collect::<Result<_, _>>()?,
            ))
        }
        (Kind::Map(members), Type::Map(of)) => Kind::Map(Arc::new(values(members, of)?)),
        (Kind::Object(object), Type::Map(of)) => Kind::Map(Arc::new(values(&object.members, of)?)),
        (Kind::Map(members), Type::Object(fields)) => fit(members, None, fields)?,
        (Kind::Object(object), Type::Object(fields)) => fit(&object.members, Some(object), fields)?,
        _ => return Err(format!("{} is required, not {}", article(to.name()), value.describe())),
    };
    Ok(Value {
        kind,
        sensitive: value.sensitive,
    })
}

fn article(name: &str) -> String {
    match name {
        "object" | "any" => format!("an {name}"),
        _ => format!("a {name}"),
    }
}

fn common<'v>(items: impl Iterator<Item = &'v Value>, of: &Type) -> Result<Type, String> {
    if *of != Type::Any {
        return Ok(of.clone());
    }
    let types: Vec<Type> = items.map(type_of).collect();
    unify(&types).ok_or_else(|| "all elements must have one type".to_owned())
}

fn elements(items: &[Value], of: &Type) -> Result<Vec<Value>, String> {
    let of = common(items.iter(), of)?;
    let one = |(at, item): (usize, &Value)| convert(item, &of).map_err(|why| format!("element {at}: {why}"));
    items.iter().enumerate().map(one).collect()
}

fn values(members: &Members, of: &Type) -> Result<Members, String> {
    let of = common(members.values(), of)?;
    let one = |(name, value): (&Arc<str>, &Value)| {
        let converted = convert(value, &of).map_err(|why| format!("element `{name}`: {why}"))?;
        Ok((name.clone(), converted))
    };
    members.iter().map(one).collect()
}

/// The members that a type names; others are dropped.
fn fit(members: &Members, object: Option<&Object>, fields: &BTreeMap<Arc<str>, Field>) -> Result<Kind, String> {
    let mut out = Members::new();
    for (name, field) in fields {
        let stated = members
            .get(name)
            .filter(|value| !(value.is_null() && field.default.is_some()));
        let rest = object.and_then(|object| object.rest.as_ref());
        let value = match (stated, rest, &field.default) {
            (Some(value), _, _) => convert(value, &field.kind).map_err(|why| format!("attribute `{name}`: {why}"))?,
            (None, Some(rest), _) => Value::from(rest.part(&format!(".{name}"))),
            (None, None, Some(default)) => {
                convert(default, &field.kind).map_err(|why| format!("default of `{name}`: {why}"))?
            }
            (None, None, None) if field.optional => Value::null(),
            (None, None, None) => return Err(format!("attribute `{name}` is required")),
        };
        out.insert(name.clone(), value);
    }
    Ok(Kind::Object(Arc::new(Object {
        members: out,
        rest: None,
    })))
}

//! The values that expressions compute with. They carry no places: a place is where a value is used.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::Number;
use crate::input::arm::expression::digest;

#[derive(Clone, Debug)]
pub struct Value {
    pub kind: Kind,
    /// Must not be shown.
    pub sensitive: bool,
}

pub type Members = BTreeMap<Arc<str>, Value>;

#[derive(Clone, Debug)]
pub enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(Arc<str>),
    Tuple(Arc<Vec<Value>>),
    List(Arc<Vec<Value>>),
    /// Sorted, without repetitions.
    Set(Arc<Vec<Value>>),
    Map(Arc<Members>),
    Object(Arc<Object>),
    Unknown(Unknown),
}

#[derive(Clone, Debug, Default)]
pub struct Object {
    pub members: Members,
    /// What every member is that is not stated: a resource has attributes that only Azure knows.
    pub rest: Option<Unknown>,
}

/// What the configuration leaves open.
#[derive(Clone, Debug)]
pub struct Unknown {
    pub why: Arc<str>,
    /// Stands for the value where it is a part of a name; see `input::arm::expression::Unknown`.
    pub symbol: Arc<str>,
    /// Whether equal symbols mean equal values, not only equal names.
    pub exact: bool,
}

/// Longest symbol, in bytes.
const SYMBOL: usize = 240;

impl Unknown {
    /// `what` is the text within the braces of the symbol.
    pub fn new(why: impl Into<Arc<str>>, what: &str) -> Unknown {
        Unknown {
            why: why.into(),
            symbol: Arc::from(format!("{{{what}}}")),
            exact: true,
        }
    }

    pub fn named(&self, symbol: String) -> Unknown {
        let symbol = if symbol.len() > SYMBOL && !symbol.starts_with('/') {
            format!("{{#{}}}", digest(&symbol))
        } else {
            symbol
        };
        Unknown {
            why: self.why.clone(),
            symbol: Arc::from(symbol),
            exact: self.exact,
        }
    }

    /// A part of it: `{a}` and `.b` is `{a.b}`.
    pub fn part(&self, suffix: &str) -> Unknown {
        let inner = self.inner();
        self.named(format!("{{{inner}{suffix}}}"))
    }

    /// The symbol without its braces.
    pub fn inner(&self) -> &str {
        let inside = self.symbol.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        inside
            .filter(|inside| !inside.contains(['{', '}']))
            .unwrap_or(&self.symbol)
    }

    pub fn inexact(mut self) -> Unknown {
        self.exact = false;
        self
    }
}

impl From<Kind> for Value {
    fn from(kind: Kind) -> Self {
        Value { kind, sensitive: false }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Kind::Bool(value).into()
    }
}

impl From<Number> for Value {
    fn from(value: Number) -> Self {
        Kind::Number(value).into()
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Kind::Number(Number::from(value)).into()
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Kind::Number(Number::from(value)).into()
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Kind::Text(Arc::from(value)).into()
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Kind::Text(Arc::from(value)).into()
    }
}

impl From<Arc<str>> for Value {
    fn from(value: Arc<str>) -> Self {
        Kind::Text(value).into()
    }
}

impl From<Unknown> for Value {
    fn from(value: Unknown) -> Self {
        Kind::Unknown(value).into()
    }
}

impl Value {
    pub fn null() -> Value {
        Kind::Null.into()
    }

    pub fn tuple(items: Vec<Value>) -> Value {
        Kind::Tuple(Arc::new(items)).into()
    }

    /// Its elements must be of one type.
    pub fn list(items: Vec<Value>) -> Value {
        Kind::List(Arc::new(items)).into()
    }

    /// Sorts, and drops repetitions. Marks of elements become one of the set.
    pub fn set(mut items: Vec<Value>) -> Value {
        let sensitive = items.iter().any(|item| item.sensitive);
        for item in &mut items {
            item.sensitive = false;
        }
        items.sort_by(Value::order);
        items.dedup_by(|a, b| a.order(b) == Ordering::Equal);
        Value {
            kind: Kind::Set(Arc::new(items)),
            sensitive,
        }
    }

    pub fn map(members: Members) -> Value {
        Kind::Map(Arc::new(members)).into()
    }

    pub fn object(members: Members) -> Value {
        Kind::Object(Arc::new(Object { members, rest: None })).into()
    }

    pub fn open_object(members: Members, rest: Unknown) -> Value {
        Kind::Object(Arc::new(Object {
            members,
            rest: Some(rest),
        }))
        .into()
    }

    pub fn marked(mut self, sensitive: bool) -> Value {
        self.sensitive |= sensitive;
        self
    }

    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    pub fn as_unknown(&self) -> Option<&Unknown> {
        match &self.kind {
            Kind::Unknown(unknown) => Some(unknown),
            _ => None,
        }
    }

    pub fn as_text(&self) -> Option<&Arc<str>> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of a list, tuple or set.
    pub fn elements(&self) -> Option<&[Value]> {
        match &self.kind {
            Kind::Tuple(items) | Kind::List(items) | Kind::Set(items) => Some(items),
            _ => None,
        }
    }

    /// The members of a map or object.
    pub fn members(&self) -> Option<&Members> {
        match &self.kind {
            Kind::Map(members) => Some(members),
            Kind::Object(object) => Some(&object.members),
            _ => None,
        }
    }

    fn children(&self) -> Box<dyn Iterator<Item = &Value> + '_> {
        match (self.elements(), self.members()) {
            (Some(items), _) => Box::new(items.iter()),
            (_, Some(members)) => Box::new(members.values()),
            _ => Box::new(std::iter::empty()),
        }
    }

    /// The first unknown in it, however deep.
    pub fn open(&self) -> Option<&Unknown> {
        match &self.kind {
            Kind::Unknown(unknown) => Some(unknown),
            _ => self.children().find_map(Value::open),
        }
    }

    /// Whether anything in it is sensitive.
    pub fn is_sensitive(&self) -> bool {
        self.sensitive || self.children().any(Value::is_sensitive)
    }

    /// Without the marks of whatever is in it.
    pub fn unmarked(&self) -> Value {
        if !self.is_sensitive() {
            return self.clone();
        }
        let all = |items: &[Value]| Arc::new(items.iter().map(Value::unmarked).collect::<Vec<_>>());
        let named = |members: &Members| {
            let pairs = members.iter().map(|(name, value)| (name.clone(), value.unmarked()));
            pairs.collect::<Members>()
        };
        let kind = match &self.kind {
            Kind::Tuple(items) => Kind::Tuple(all(items)),
            Kind::List(items) => Kind::List(all(items)),
            Kind::Set(items) => Kind::Set(all(items)),
            Kind::Map(members) => Kind::Map(Arc::new(named(members))),
            Kind::Object(object) => Kind::Object(Arc::new(Object {
                members: named(&object.members),
                rest: object.rest.clone(),
            })),
            other => other.clone(),
        };
        kind.into()
    }

    /// How many values it consists of, up to `most`.
    pub fn size(&self, most: usize) -> usize {
        let mut sum = 1;
        if let Kind::Text(text) = &self.kind {
            sum += text.len() / 64;
        }
        for child in self.children() {
            if sum >= most {
                return most;
            }
            sum += child.size(most - sum);
        }
        sum.min(most)
    }

    /// Whether two values are the same; `None` when an unknown decides.
    pub fn same(&self, other: &Value) -> Option<bool> {
        match (&self.kind, &other.kind) {
            (Kind::Unknown(a), Kind::Unknown(b)) => (a.symbol == b.symbol && a.exact && b.exact).then_some(true),
            (Kind::Unknown(_), _) | (_, Kind::Unknown(_)) => None,
            (Kind::Null, Kind::Null) => Some(true),
            (Kind::Bool(a), Kind::Bool(b)) => Some(a == b),
            (Kind::Number(a), Kind::Number(b)) => Some(a == b),
            (Kind::Text(a), Kind::Text(b)) => Some(a == b),
            (Kind::Tuple(a), Kind::Tuple(b)) | (Kind::List(a), Kind::List(b)) | (Kind::Set(a), Kind::Set(b)) => {
                if a.len() != b.len() {
                    let open = self.open().is_some() || other.open().is_some();
                    return if open && matches!(self.kind, Kind::Set(_)) {
                        None
                    } else {
                        Some(false)
                    };
                }
                all_same(a.iter().zip(b.iter()).map(|(a, b)| a.same(b)))
            }
            (Kind::Map(a), Kind::Map(b)) => same_members(a, b),
            (Kind::Object(a), Kind::Object(b)) => same_members(&a.members, &b.members),
            _ => Some(false),
        }
    }

    /// A total order, for sets.
    pub fn order(&self, other: &Value) -> Ordering {
        let rank = |value: &Value| match value.kind {
            Kind::Null => 10,
            Kind::Bool(_) => 1,
            Kind::Number(_) => 2,
            Kind::Text(_) => 3,
            Kind::Tuple(_) => 4,
            Kind::List(_) => 5,
            Kind::Set(_) => 6,
            Kind::Map(_) => 7,
            Kind::Object(_) => 8,
            Kind::Unknown(_) => 9,
        };
        match (&self.kind, &other.kind) {
            (Kind::Bool(a), Kind::Bool(b)) => a.cmp(b),
            (Kind::Number(a), Kind::Number(b)) => a.cmp(b),
            (Kind::Text(a), Kind::Text(b)) => a.cmp(b),
            (Kind::Tuple(a), Kind::Tuple(b)) | (Kind::List(a), Kind::List(b)) | (Kind::Set(a), Kind::Set(b)) => {
                in_turn(a.iter().zip(b.iter()).map(|(a, b)| a.order(b))).then(a.len().cmp(&b.len()))
            }
            (Kind::Map(a), Kind::Map(b)) => order_members(a, b),
            (Kind::Object(a), Kind::Object(b)) => order_members(&a.members, &b.members),
            (Kind::Unknown(a), Kind::Unknown(b)) => a.symbol.cmp(&b.symbol),
            _ => rank(self).cmp(&rank(other)),
        }
    }

    /// How many values it consists of, in steps of work.
    pub fn weight(&self) -> u64 {
        self.size(usize::MAX) as u64
    }

    /// Whether it is nested deeper than so many levels.
    pub fn is_deeper(&self, levels: usize) -> bool {
        match levels.checked_sub(1) {
            Some(rest) => self.children().any(|child| child.is_deeper(rest)),
            None => true,
        }
    }

    /// What kind of value it is, for messages.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a bool",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "a string",
            Kind::Tuple(_) => "a tuple",
            Kind::List(_) => "a list",
            Kind::Set(_) => "a set",
            Kind::Map(_) => "a map",
            Kind::Object(_) => "an object",
            Kind::Unknown(_) => "unknown",
        }
    }

    /// How it is shown within a symbol: equal values alike.
    pub fn symbol(&self) -> String {
        match &self.kind {
            _ if self.sensitive => format!("#{}", digest(&self.unmarked().symbol())),
            Kind::Unknown(unknown) => unknown.inner().to_owned(),
            Kind::Text(text) if text.len() <= 64 => text.to_string(),
            Kind::Number(number) => number.to_string(),
            Kind::Bool(value) => value.to_string(),
            Kind::Null => "null".to_owned(),
            _ => format!("#{}", digest(&self.structure())),
        }
    }

    fn structure(&self) -> String {
        let mut out = String::new();
        match (self.elements(), self.members()) {
            (Some(items), _) => {
                for item in items {
                    let _ = write!(out, "{},", item.structure());
                }
            }
            (_, Some(members)) => {
                for (name, value) in members {
                    let _ = write!(out, "{name}={},", value.structure());
                }
            }
            _ => match &self.kind {
                Kind::Text(text) => out.push_str(text),
                _ => out = self.symbol(),
            },
        }
        out
    }
}

fn same_members(a: &Members, b: &Members) -> Option<bool> {
    if a.len() != b.len() || !a.keys().eq(b.keys()) {
        return Some(false);
    }
    all_same(a.values().zip(b.values()).map(|(a, b)| a.same(b)))
}

fn order_members(a: &Members, b: &Members) -> Ordering {
    let pairs = a.iter().zip(b.iter());
    in_turn(pairs.map(|(a, b)| a.0.cmp(b.0).then_with(|| a.1.order(b.1)))).then(a.len().cmp(&b.len()))
}

fn in_turn(mut orders: impl Iterator<Item = Ordering>) -> Ordering {
    orders
        .find(|order| *order != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}

/// One that differs decides; else one that is open.
fn all_same(pairs: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut so_far = Some(true);
    for pair in pairs {
        match pair {
            Some(false) => return Some(false),
            Some(true) => {}
            None => so_far = None,
        }
    }
    so_far
}

//! The values that expressions compute with: cheap to copy, each with the place of what said it.
//! Must not know functions, templates or resources.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::model::{Why, WhyKind};
use crate::syntax::{Member, Node, Span, Value as Json};

/// A value and the region of the template that says it.
#[derive(Clone, Debug)]
pub struct Value {
    pub kind: Kind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    /// A number that is not whole, as written.
    Decimal(Arc<str>),
    Text(Arc<str>),
    List(Arc<Vec<Value>>),
    /// In the order stated; names are compared without case.
    Object(Arc<Vec<(Arc<str>, Value)>>),
    Unknown(Unknown),
}

/// What the template leaves open.
#[derive(Clone, Debug)]
pub struct Unknown {
    pub why: Why,
    /// Stands for the value where it is a part of a name: equal symbols are equal values, different ones may be equal.
    pub symbol: Arc<str>,
    /// Whether the symbol tells case and type: only then do equal symbols mean equal values, not only equal names.
    pub exact: bool,
}

/// Longest symbol, in bytes; longer ones are replaced by their digest.
const SYMBOL: usize = 240;

impl Unknown {
    pub fn new(text: impl Into<Arc<str>>, symbol: &str) -> Self {
        Unknown {
            why: Why::new(WhyKind::Open, text),
            symbol: Arc::from(symbol),
            exact: true,
        }
    }

    /// The same name for a value that may differ in case or type.
    pub fn inexact(mut self) -> Self {
        self.exact = false;
        self
    }

    /// Another unknown for the same reason, named by what was made of it.
    pub fn derived(&self, symbol: String) -> Self {
        // Ids stay as they are, and so does JSON, which may be taken apart.
        let whole = symbol.starts_with('/') || (symbol.starts_with("{\"") && symbol.len() <= 8 * SYMBOL);
        let symbol = if symbol.len() > SYMBOL && !whole {
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

    /// Whether the symbol is the id of a resource, of which only parts are placeholders.
    pub fn is_id(&self) -> bool {
        ["/subscriptions/", "/providers/"]
            .iter()
            .any(|start| self.symbol.starts_with(start))
    }
}

/// A short name for a text: equal texts have equal ones.
pub fn digest(text: &str) -> String {
    use sha2::{Digest, Sha256};
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().take(6).fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

impl From<Kind> for Value {
    fn from(kind: Kind) -> Self {
        Value {
            kind,
            span: Span::default(),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Kind::Bool(value).into()
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Kind::Int(value).into()
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

impl From<Vec<Value>> for Value {
    fn from(value: Vec<Value>) -> Self {
        Kind::List(Arc::new(value)).into()
    }
}

impl From<Unknown> for Value {
    fn from(value: Unknown) -> Self {
        Kind::Unknown(value).into()
    }
}

impl Value {
    pub fn null() -> Self {
        Kind::Null.into()
    }

    pub fn object(members: Vec<(Arc<str>, Value)>) -> Self {
        Kind::Object(Arc::new(members)).into()
    }

    pub fn unknown(text: impl Into<Arc<str>>, symbol: &str) -> Self {
        Unknown::new(text, symbol).into()
    }

    pub fn at(mut self, span: Span) -> Self {
        self.span = span;
        self
    }

    pub fn as_text(&self) -> Option<&Arc<str>> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_unknown(&self) -> Option<&Unknown> {
        match &self.kind {
            Kind::Unknown(unknown) => Some(unknown),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Value]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_object(&self) -> Option<&[(Arc<str>, Value)]> {
        match &self.kind {
            Kind::Object(members) => Some(members),
            _ => None,
        }
    }

    /// A text, or the symbol that stands for one.
    pub fn name(&self) -> Option<&Arc<str>> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            Kind::Unknown(unknown) => Some(&unknown.symbol),
            _ => None,
        }
    }

    /// The member of an object, by name without case.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_object()?
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The first unknown in it, however deep.
    pub fn open(&self) -> Option<&Unknown> {
        match &self.kind {
            Kind::Unknown(unknown) => Some(unknown),
            Kind::List(items) => items.iter().find_map(Value::open),
            Kind::Object(members) => members.iter().find_map(|(_, value)| value.open()),
            _ => None,
        }
    }

    /// Whether two values are the same; `None` when an unknown decides.
    pub fn same(&self, other: &Value) -> Option<bool> {
        match (&self.kind, &other.kind) {
            (Kind::Unknown(a), Kind::Unknown(b)) => (a.symbol == b.symbol && a.exact && b.exact).then_some(true),
            (Kind::Unknown(_), _) | (_, Kind::Unknown(_)) => None,
            (Kind::Null, Kind::Null) => Some(true),
            (Kind::Bool(a), Kind::Bool(b)) => Some(a == b),
            (Kind::Int(a), Kind::Int(b)) => Some(a == b),
            (Kind::Decimal(a), Kind::Decimal(b)) => Some(a == b),
            (Kind::Text(a), Kind::Text(b)) => Some(a == b),
            (Kind::List(a), Kind::List(b)) if a.len() == b.len() => {
                all_same(a.iter().zip(b.iter()).map(|(a, b)| a.same(b)))
            }
            (Kind::Object(a), Kind::Object(b)) if a.len() == b.len() => {
                let pair = |(name, value): &(Arc<str>, Value)| match other.get(name) {
                    Some(theirs) => value.same(theirs),
                    None => Some(false),
                };
                all_same(a.iter().map(pair))
            }
            _ => Some(false),
        }
    }

    /// How many values it consists of, up to `most`.
    pub fn size(&self, most: usize) -> usize {
        let sum = |values: &mut dyn Iterator<Item = &Value>| {
            values.fold(1, |sum: usize, value| {
                if sum >= most {
                    most
                } else {
                    sum + value.size(most - sum)
                }
            })
        };
        match &self.kind {
            Kind::List(items) => sum(&mut items.iter()),
            Kind::Object(members) => sum(&mut members.iter().map(|(_, value)| value)),
            Kind::Text(text) => 1 + text.len() / 64,
            _ => 1,
        }
    }

    /// All of it said at one place: its own is in another text.
    pub fn moved(&self, span: Span) -> Value {
        let kind = match &self.kind {
            Kind::List(items) => Kind::List(Arc::new(items.iter().map(|item| item.moved(span)).collect())),
            Kind::Object(members) => {
                let moved = |(name, value): &(Arc<str>, Value)| (name.clone(), value.moved(span));
                Kind::Object(Arc::new(members.iter().map(moved).collect()))
            }
            kind => kind.clone(),
        };
        Value { kind, span }
    }

    /// What kind of value it is, for messages.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a boolean",
            Kind::Int(_) | Kind::Decimal(_) => "a number",
            Kind::Text(_) => "a string",
            Kind::List(_) => "an array",
            Kind::Object(_) => "an object",
            Kind::Unknown(_) => "unknown",
        }
    }

    /// The JSON text of it, without blanks. Unknowns are shown by their symbols.
    pub fn json(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    fn write_json(&self, out: &mut String) {
        let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
        match &self.kind {
            Kind::Null => out.push_str("null"),
            Kind::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Kind::Int(value) => {
                let _ = write!(out, "{value}");
            }
            Kind::Decimal(digits) => out.push_str(digits),
            Kind::Text(text) => out.push_str(&quoted(text)),
            Kind::Unknown(unknown) => out.push_str(&quoted(&unknown.symbol)),
            Kind::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    item.write_json(out);
                }
                out.push(']');
            }
            Kind::Object(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    out.push_str(&quoted(name));
                    out.push(':');
                    value.write_json(out);
                }
                out.push('}');
            }
        }
    }

    /// The value of a node as it is, expressions unread.
    pub fn literal(node: &Node<'_>) -> Value {
        let kind = match &node.value {
            Json::Null => Kind::Null,
            Json::Bool(value) => Kind::Bool(*value),
            Json::Number(digits) => number(digits),
            Json::Text(text) => Kind::Text(Arc::from(text.as_ref())),
            Json::List(items) => Kind::List(Arc::new(items.iter().map(Value::literal).collect())),
            Json::Object(members) => {
                let member = |member: &Member<'_>| (Arc::from(member.name.as_ref()), Value::literal(&member.node));
                Kind::Object(Arc::new(members.iter().map(member).collect()))
            }
            // Only what evaluates can tell.
            Json::Expression(_) => Kind::Null,
            Json::Unknown(why) => Kind::Unknown(Unknown {
                why: why.clone(),
                symbol: Arc::from("{conflict}"),
                exact: false,
            }),
        };
        Value { kind, span: node.span }
    }

    /// The node that the decoder reads. Ids and names with placeholders are ids and names, so that what refers to them
    /// finds them; whatever else is unknown stays so.
    pub fn node(&self) -> Node<'_> {
        self.node_of("")
    }

    /// `of` is the name of the member that it is the value of.
    fn node_of(&self, of: &str) -> Node<'_> {
        let value = match &self.kind {
            Kind::Null => Json::Null,
            Kind::Bool(value) => Json::Bool(*value),
            Kind::Int(value) => Json::Number(Cow::Owned(value.to_string())),
            Kind::Decimal(digits) => Json::Number(Cow::Borrowed(digits)),
            Kind::Text(text) => Json::Text(Cow::Borrowed(text)),
            Kind::List(items) => Json::List(items.iter().map(Value::node).collect()),
            Kind::Object(members) => Json::Object(members.iter().map(|(name, value)| value.member(name, of)).collect()),
            Kind::Unknown(unknown) if unknown.is_id() => Json::Text(Cow::Borrowed(&unknown.symbol)),
            Kind::Unknown(unknown) => Json::Unknown(unknown.why.clone()),
        };
        Node { value, span: self.span }
    }

    /// The member of this name with this value, of an object that is the value of the member `of`.
    fn member<'v>(&'v self, name: &'v str, of: &str) -> Member<'v> {
        let node = match self.as_unknown() {
            // The name of a SKU is no identity.
            Some(unknown) if name == "name" && of != "sku" => Node {
                value: Json::Text(Cow::Borrowed(&unknown.symbol)),
                span: self.span,
            },
            _ => self.node_of(name),
        };
        Member {
            name: Cow::Borrowed(name),
            node,
        }
    }
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

pub fn number(digits: &str) -> Kind {
    match digits.parse::<i64>() {
        Ok(value) => Kind::Int(value),
        Err(_) => Kind::Decimal(Arc::from(digits)),
    }
}

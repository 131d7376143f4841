//! The estate as the documents that were read, so that one can be changed in a copy and the whole be read again by the
//! one decoder. Must not know what a change means.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::digest;
use crate::input::{Given, Reading};
use crate::model::ResourceId;
use crate::syntax::{self, Node, json};

type Index = HashMap<ResourceId, (usize, usize), foldhash::fast::RandomState>;

/// Every text of an estate, with its resources taken apart.
#[derive(Clone, Default)]
pub struct Documents {
    texts: Vec<Text>,
    index: Index,
}

#[derive(Clone)]
struct Text {
    name: String,
    given: Given,
    shape: Shape,
    items: Vec<Arc<Value>>,
}

/// What stands around the resources of a text.
#[derive(Clone)]
enum Shape {
    /// Header line, and whether a footer followed.
    Snapshot(String, bool),
    Array,
    /// An object and the name of the member that is the list.
    Page(Map<String, Value>, &'static str),
    One,
    /// Not taken apart: given to the decoder as it is, and nothing in it can be changed.
    Whole(Arc<Vec<u8>>),
}

const SNAPSHOT: &str = "portcullis-snapshot";
const FOOTER: &str = "portcullis-snapshot-end";

impl Documents {
    /// Documents of a list of resources, as a recording named `estate.json` would hold them.
    pub fn of(resources: Vec<Value>) -> Self {
        let mut documents = Documents::default();
        documents.take(Text {
            name: "estate.json".to_owned(),
            given: Given::Named,
            shape: Shape::Array,
            items: resources.into_iter().map(Arc::new).collect(),
        });
        documents
    }

    /// Takes one text in, plain or zstd-compressed. A text that states a member twice is kept whole: what it says is
    /// open, and nothing of it may be changed.
    pub fn read(&mut self, name: &str, given: Given, mut text: impl Read) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        text.read_to_end(&mut bytes)?;
        if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            bytes = zstd::stream::decode_all(bytes.as_slice())?;
        }
        let taken = std::str::from_utf8(&bytes).ok().and_then(apart);
        let (shape, items) = taken.unwrap_or_else(|| (Shape::Whole(Arc::new(bytes)), Vec::new()));
        self.take(Text {
            name: name.to_owned(),
            given,
            shape,
            items: items.into_iter().map(Arc::new).collect(),
        });
        Ok(())
    }

    fn take(&mut self, text: Text) {
        let at = self.texts.len();
        for (position, item) in text.items.iter().enumerate() {
            if let Some(id) = id_of(item) {
                self.index.entry(id).or_insert((at, position));
            }
        }
        self.texts.push(text);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Value> {
        self.texts.iter().flat_map(|text| text.items.iter().map(|item| &**item))
    }

    /// A resource that stands for itself.
    pub fn find(&self, id: &ResourceId) -> Option<&Value> {
        let (text, item) = self.index.get(id)?;
        self.texts.get(*text)?.items.get(*item).map(|item| &**item)
    }

    /// Puts a document in the place of the one with its id, or adds it.
    pub fn put(&mut self, id: &ResourceId, document: Value) {
        if let Some((text, item)) = self.index.get(id).copied() {
            let place = self.texts.get_mut(text).and_then(|text| text.items.get_mut(item));
            if let Some(place) = place {
                *place = Arc::new(document);
            }
            return;
        }
        let open = |text: &Text| matches!(text.shape, Shape::Snapshot(..) | Shape::Array);
        let at = self.texts.iter().position(open).unwrap_or_else(|| {
            self.texts.push(Text {
                name: "added".to_owned(),
                given: Given::Named,
                shape: Shape::Array,
                items: Vec::new(),
            });
            self.texts.len() - 1
        });
        if let Some(text) = self.texts.get_mut(at) {
            self.index.insert(id.clone(), (at, text.items.len()));
            text.items.push(Arc::new(document));
        }
    }

    pub fn remove(&mut self, id: &ResourceId) {
        let Some((at, item)) = self.index.remove(id) else {
            return;
        };
        if let Some(text) = self.texts.get_mut(at) {
            text.items.remove(item);
        }
        for (_, place) in self.index.iter_mut().filter(|(_, place)| place.0 == at) {
            if place.1 > item {
                place.1 -= 1;
            }
        }
    }

    /// Reads every text with the one decoder.
    pub fn reading(&self) -> Reading {
        let mut reading = Reading::default();
        for text in &self.texts {
            reading.read(&text.name, text.given, text.written().as_slice());
        }
        reading.finish();
        reading
    }

    /// A digest of all that is said, whatever the files it lies in.
    pub fn digest(&self) -> String {
        let mut lines: Vec<String> = self.iter().map(digest::canonical).collect();
        lines.sort_unstable();
        digest::of_text(&lines.join("\n"))
    }

    /// Everything as one snapshot; `recorded` is its time, where no text says one.
    pub fn snapshot(&self, recorded: &str) -> Vec<u8> {
        let header = self.texts.iter().find_map(|text| match &text.shape {
            Shape::Snapshot(header, _) => Some(header.clone()),
            _ => None,
        });
        let header = header.unwrap_or_else(|| {
            serde_json::json!({ "format": SNAPSHOT, "version": 1, "recorded": recorded,
                "tool": concat!("portcullis ", env!("CARGO_PKG_VERSION")), "subscriptions": [] })
            .to_string()
        });
        let items: Vec<Arc<Value>> = self.texts.iter().flat_map(|text| text.items.iter().cloned()).collect();
        lines(&header, &items, true)
    }
}

impl Text {
    fn written(&self) -> Vec<u8> {
        let list = || Value::Array(self.items.iter().map(|item| (**item).clone()).collect());
        match &self.shape {
            Shape::Snapshot(header, footer) => lines(header, &self.items, *footer),
            Shape::Array => list().to_string().into_bytes(),
            Shape::Page(members, name) => {
                let mut members = members.clone();
                members.insert((*name).to_owned(), list());
                Value::Object(members).to_string().into_bytes()
            }
            Shape::One => self
                .items
                .first()
                .map_or_else(Vec::new, |item| item.to_string().into_bytes()),
            Shape::Whole(bytes) => bytes.to_vec(),
        }
    }
}

fn lines(header: &str, items: &[Arc<Value>], footer: bool) -> Vec<u8> {
    let mut text = header.to_owned();
    text.push('\n');
    for item in items {
        text.push_str(&item.to_string());
        text.push('\n');
    }
    if footer {
        text.push_str(&format!("{{\"format\":\"{FOOTER}\",\"resources\":{}}}\n", items.len()));
    }
    text.into_bytes()
}

pub fn id_of(item: &Value) -> Option<ResourceId> {
    member(item, "id").and_then(Value::as_str).map(ResourceId::new)
}

/// A member by name without case; `null` counts as absent.
pub fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let members = value.as_object()?;
    let found = members.get(name).or_else(|| {
        let mut all = members.iter();
        all.find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    });
    found.filter(|value| !value.is_null())
}

/// A member of `properties` or, as the command line prints it, of the object itself.
pub fn property<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let wrapped = member(value, "properties").and_then(|properties| member(properties, name));
    wrapped.or_else(|| member(value, name))
}

/// The place where a member stands or would stand, in the shape that the document has.
pub(super) fn slot<'v>(document: &'v mut Value, name: &str) -> Option<&'v mut Value> {
    let flat = member(document, "properties").is_none() && member(document, name).is_some();
    let inside = if flat {
        document
    } else {
        let members = document.as_object_mut()?;
        let key = spelled(members, "properties");
        members.entry(key).or_insert_with(|| Value::Object(Map::new()))
    };
    let members = inside.as_object_mut()?;
    let key = spelled(members, name);
    Some(members.entry(key).or_insert(Value::Null))
}

fn spelled(members: &Map<String, Value>, name: &str) -> String {
    let known = members.keys().find(|known| known.eq_ignore_ascii_case(name));
    known.cloned().unwrap_or_else(|| name.to_owned())
}

fn apart(text: &str) -> Option<(Shape, Vec<Value>)> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let first = text.lines().next().unwrap_or_default();
    if let Ok(header) = serde_json::from_str::<Value>(first)
        && member(&header, "format").and_then(Value::as_str) == Some(SNAPSHOT)
    {
        return snapshot(first, text);
    }
    document(parse(text)?)
}

fn snapshot(header: &str, text: &str) -> Option<(Shape, Vec<Value>)> {
    let mut items = Vec::new();
    let mut footer = None;
    for line in text.lines().skip(1).filter(|line| !line.trim().is_empty()) {
        let item = parse(line)?;
        if member(&item, "format").and_then(Value::as_str) == Some(FOOTER) {
            footer = member(&item, "resources").and_then(Value::as_u64);
        } else {
            items.push(item);
        }
    }
    // A cut snapshot stays as it is, so that the decoder says what it always says.
    (footer == Some(items.len() as u64)).then(|| (Shape::Snapshot(header.to_owned(), true), items))
}

fn document(root: Value) -> Option<(Shape, Vec<Value>)> {
    match root {
        Value::Array(items) => Some((Shape::Array, items)),
        Value::Object(_) if id_of(&root).is_some() => Some((Shape::One, vec![root])),
        Value::Object(mut members) => {
            let name = ["value", "data"]
                .into_iter()
                .find(|name| matches!(members.get(*name), Some(Value::Array(_))))?;
            match members.remove(name) {
                Some(Value::Array(items)) => Some((Shape::Page(members, name), items)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The JSON of a text in which no object states a member twice.
fn parse(text: &str) -> Option<Value> {
    let mut repeated = false;
    let node = json::parse_noting(text, &mut |_| repeated = true).ok()?;
    (!repeated).then(|| plain(&node)).flatten()
}

fn plain(node: &Node<'_>) -> Option<Value> {
    Some(match &node.value {
        syntax::Value::Null => Value::Null,
        syntax::Value::Bool(value) => Value::Bool(*value),
        syntax::Value::Number(digits) => serde_json::from_str(digits).ok()?,
        syntax::Value::Text(text) => Value::String(text.to_string()),
        syntax::Value::List(items) => Value::Array(items.iter().map(plain).collect::<Option<_>>()?),
        syntax::Value::Object(members) => {
            let each = members
                .iter()
                .map(|member| Some((member.name.to_string(), plain(&member.node)?)));
            Value::Object(each.collect::<Option<_>>()?)
        }
        syntax::Value::Unknown(_) | syntax::Value::Expression(_) => return None,
    })
}

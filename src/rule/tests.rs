//! Tests of the whole path from text to judgement, over facts that are written as JSON.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod builtin;
mod conditions;
mod loading;
mod oracle;
mod parameters;
mod verdicts;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::rule::fact::{Fact, FactSource, FactType};
use crate::rule::{SubjectKind, schema};

/// Facts written as JSON in the shape of the schema; a text that begins with `?` is unknown for the reason behind it.
pub struct Written {
    kind: SubjectKind,
    json: Value,
    asked: AtomicUsize,
}

impl Written {
    pub fn new(kind: SubjectKind, json: Value) -> Written {
        Written {
            kind,
            json,
            asked: AtomicUsize::new(0),
        }
    }

    pub fn vm(json: Value) -> Written {
        Written::new(SubjectKind::Vm, json)
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl FactSource for Written {
    fn fact(&self, root: &str) -> Fact {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let field = schema::roots(self.kind)
            .iter()
            .find(|field| field.name == root)
            .unwrap();
        fact(field.ty, &self.json[root])
    }
}

/// Absent fields are absent in the record; an absent list or map is empty.
pub fn fact(ty: FactType, json: &Value) -> Fact {
    match (ty, json) {
        (_, Value::String(text)) if text.starts_with('?') => Fact::Unknown(Arc::from(&text[1..])),
        (FactType::Bool, Value::Bool(value)) => Fact::Bool(*value),
        (FactType::Int, value) => Fact::Int(value.as_i64().unwrap()),
        (FactType::Double, value) => Fact::Double(value.as_f64().unwrap()),
        (FactType::Text, Value::String(text)) => Fact::text(text.as_str()),
        (FactType::List(_), Value::Null) => Fact::list([]),
        (FactType::List(element), Value::Array(items)) => Fact::list(items.iter().map(|item| fact(*element, item))),
        (FactType::Record(fields), json) => {
            let given = fields.iter().filter_map(|field| Some((field, json.get(field.name)?)));
            Fact::record(given.map(|(field, json)| (field.name, fact(field.ty, json))))
        }
        (FactType::Map(value), Value::Object(entries)) => {
            let entries: BTreeMap<Arc<str>, Fact> = entries
                .iter()
                .map(|(key, json)| (Arc::from(key.as_str()), fact(*value, json)))
                .collect();
            Fact::Map(Arc::new(entries))
        }
        (ty, json) => panic!("{json} is no {ty:?}"),
    }
}

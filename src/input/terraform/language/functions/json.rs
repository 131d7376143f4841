//! Values to JSON text and back.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::input::terraform::language::Number;
use crate::input::terraform::language::evaluate::Fault;
use crate::input::terraform::language::value::{Kind, Members, Value};
use crate::syntax::{Node, Value as Json, json};

pub fn encode(value: &Value) -> Result<String, Fault> {
    let mut out = String::new();
    write(value, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut String) -> Result<(), Fault> {
    match (&value.kind, value.elements(), value.members()) {
        (_, Some(items), _) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write(item, out)?;
            }
            out.push(']');
        }
        (_, _, Some(members)) => {
            out.push('{');
            for (at, (name, member)) in members.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                quote(name, out);
                out.push(':');
                write(member, out)?;
            }
            out.push('}');
        }
        (Kind::Bool(flag), _, _) => out.push_str(if *flag { "true" } else { "false" }),
        (Kind::Number(number), _, _) => {
            let _ = write!(out, "{number}");
        }
        (Kind::Text(text), _, _) => quote(text, out),
        (Kind::Unknown(unknown), _, _) => {
            return Err(Fault::new(format!("`{}` is unknown", unknown.symbol)));
        }
        _ => out.push_str("null"),
    }
    Ok(())
}

/// With the escapes that keep JSON harmless within HTML.
pub fn quote(text: &str, out: &mut String) {
    let plain = serde_json::to_string(text).unwrap_or_default();
    for one in plain.chars() {
        match one {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(one));
            }
            other => out.push(other),
        }
    }
}

/// Deepest nesting that is read.
const DEPTH: usize = 256;

pub fn decode(text: &str) -> Result<Value, Fault> {
    let refused = |why: String| Fault::new(format!("`jsondecode`: {why}"));
    let checked: Result<serde::de::IgnoredAny, _> = serde_json::from_str(text);
    checked.map_err(|_| refused("the text is not JSON".to_owned()))?;
    let root = json::parse(text).map_err(|error| refused(error.message))?;
    value(&root, DEPTH).ok_or_else(|| refused("the text is nested too deep".to_owned()))
}

pub fn value(node: &Node<'_>, depth: usize) -> Option<Value> {
    let deeper = depth.checked_sub(1)?;
    Some(match &node.value {
        Json::Null | Json::Unknown(_) | Json::Expression(_) => Value::null(),
        Json::Bool(flag) => Value::from(*flag),
        Json::Number(digits) => Value::from(Number::parse(digits)?),
        Json::Text(text) => Value::from(text.as_ref()),
        Json::List(items) => Value::tuple(items.iter().map(|item| value(item, deeper)).collect::<Option<_>>()?),
        Json::Object(members) => {
            let one = |member: &crate::syntax::Member<'_>| {
                Some((Arc::from(member.name.as_ref()), value(&member.node, deeper)?))
            };
            Value::object(members.iter().map(one).collect::<Option<Members>>()?)
        }
    })
}

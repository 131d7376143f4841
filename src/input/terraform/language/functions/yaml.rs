//! Values to YAML text and back.

use std::sync::Arc;

use super::{Arguments, Function, Outcome, function};
use crate::input::terraform::language::Number;
use crate::input::terraform::language::value::{Kind, Value};
use crate::input::yaml::{Kind as Yaml, Node, parse};

pub const FUNCTIONS: &[Function] = &[
    function("yamldecode", 1, 1, decode),
    function("yamlencode", 1, 1, encode).nulls(),
];

fn value(node: &Node) -> Value {
    match &node.kind {
        Yaml::Null => Value::null(),
        Yaml::Bool(value) => Value::from(*value),
        Yaml::Int(value) => Value::from(*value),
        Yaml::Large(value) => Number::parse(&value.to_string()).map_or_else(Value::null, Value::from),
        Yaml::Float(value) => {
            let number = Number::parse(&value.to_string()).or_else(|| Number::from_f64(*value));
            number.map_or_else(Value::null, Value::from)
        }
        Yaml::Text(text) => Value::from(text.clone()),
        Yaml::List(items) => Value::tuple(items.iter().map(value).collect()),
        Yaml::Map(members) => Value::object(members.iter().map(|(key, one)| (name(key), value(one))).collect()),
    }
}

fn name(key: &Node) -> Arc<str> {
    match &key.kind {
        Yaml::Text(text) => text.clone(),
        _ => Arc::from(value(key).symbol()),
    }
}

fn decode(arguments: &Arguments<'_, '_>) -> Outcome {
    let text = arguments.text(0)?;
    if text.trim().is_empty() {
        return Ok(Value::null());
    }
    let node = parse(&text).map_err(|_| arguments.refuse("the text is not YAML, or holds more than one document"))?;
    arguments.environment.scope.decoded(&text, &node);
    Ok(value(&node))
}

fn encode(arguments: &Arguments<'_, '_>) -> Outcome {
    let mut out = String::new();
    write(arguments.value(0)?, 0, false, &mut out);
    let bare = matches!(arguments.value(0)?.kind, Kind::Null | Kind::Bool(_) | Kind::Number(_));
    if bare {
        out.push_str("...\n");
    }
    Ok(Value::from(out))
}

/// `inline`: the text before is on the same line.
fn write(value: &Value, indent: usize, inline: bool, out: &mut String) {
    let blanks = " ".repeat(indent);
    match (value.elements(), value.members()) {
        (Some([]), _) => out.push_str(if inline { " []\n" } else { "[]\n" }),
        (Some(items), _) => {
            out.push_str(if inline { "\n" } else { "" });
            for item in items {
                out.push_str(&blanks);
                out.push('-');
                entry(item, indent + 2, true, out);
            }
        }
        (_, Some(members)) if members.is_empty() => out.push_str(if inline { " {}\n" } else { "{}\n" }),
        (_, Some(members)) => {
            out.push_str(if inline { "\n" } else { "" });
            for (name, member) in members {
                out.push_str(&blanks);
                super::json::quote(name, out);
                out.push(':');
                entry(member, indent, false, out);
            }
        }
        _ => {
            out.push_str(if inline { " " } else { "" });
            scalar(value, indent, out);
        }
    }
}

/// What stands behind a dash or a colon. Members of an object in a list begin on the line of the dash.
fn entry(value: &Value, indent: usize, dash: bool, out: &mut String) {
    let object = value.members().is_some_and(|members| !members.is_empty());
    let list = value.elements().is_some_and(|items| !items.is_empty());
    if dash && (object || list) {
        out.push(' ');
        let start = out.len();
        write(value, indent, false, out);
        let text = out.split_off(start);
        out.push_str(text.trim_start());
        return;
    }
    let deeper = if object { indent + 2 } else { indent };
    write(value, deeper, true, out);
}

fn scalar(value: &Value, indent: usize, out: &mut String) {
    match &value.kind {
        Kind::Text(text) if text.contains('\n') => {
            let keep = if text.ends_with('\n') { "" } else { "-" };
            out.push_str(&format!("|{keep}\n"));
            let blanks = " ".repeat(indent + 2);
            for line in text.lines() {
                out.push_str(&format!("{blanks}{line}\n"));
            }
        }
        Kind::Text(text) => {
            super::json::quote(text, out);
            out.push('\n');
        }
        Kind::Number(number) => out.push_str(&format!("{number}\n")),
        Kind::Bool(flag) => out.push_str(&format!("{flag}\n")),
        _ => out.push_str("null\n"),
    }
}

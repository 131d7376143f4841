//! Values as `terraform console` prints them.

use super::value::{Kind, Members, Value};
use super::{Type, type_of, unify};

pub fn shown(value: &Value) -> String {
    at(value, 0)
}

fn at(value: &Value, indent: usize) -> String {
    if value.sensitive {
        return "(sensitive value)".to_owned();
    }
    match &value.kind {
        Kind::Null => "null".to_owned(),
        Kind::Bool(flag) => flag.to_string(),
        Kind::Number(number) => number.to_string(),
        Kind::Text(text) => quoted(text, indent),
        Kind::Tuple(items) => sequence(items, indent),
        Kind::List(items) => format!("tolist({})", typed(items, indent)),
        Kind::Set(items) => format!("toset({})", typed(items, indent)),
        Kind::Map(members) => format!("tomap({})", named(members, indent)),
        Kind::Object(object) => named(&object.members, indent),
        Kind::Unknown(_) => "(known after apply)".to_owned(),
    }
}

/// Elements of one type: null among them is shown with it.
fn typed(items: &[Value], indent: usize) -> String {
    let plain = sequence(items, indent);
    let types: Vec<Type> = items.iter().map(type_of).collect();
    let null = match unify(&types) {
        Some(Type::Text) => "tostring(null)",
        Some(Type::Number) => "tonumber(null)",
        Some(Type::Bool) => "tobool(null)",
        _ => return plain,
    };
    let blanks = " ".repeat(indent);
    plain.replace(&format!("\n{blanks}  null,"), &format!("\n{blanks}  {null},"))
}

fn quoted(text: &str, indent: usize) -> String {
    if !text.contains('\n') {
        return go_quoted(text);
    }
    let blanks = " ".repeat(indent);
    let mark = if indent == 0 { "<<EOT" } else { "<<-EOT" };
    let lines: Vec<String> = text.split('\n').map(|line| format!("{blanks}{line}")).collect();
    format!("{mark}\n{}\n{blanks}EOT", lines.join("\n"))
}

fn go_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for one in text.chars() {
        match one {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            one if one.is_control() && u32::from(one) < 0x80 => out.push_str(&format!("\\x{:02x}", u32::from(one))),
            one => out.push(one),
        }
    }
    out.push('"');
    out
}

fn sequence(items: &[Value], indent: usize) -> String {
    if items.is_empty() {
        return "[]".to_owned();
    }
    let blanks = " ".repeat(indent);
    let lines = items
        .iter()
        .map(|item| format!("{blanks}  {},\n", at(item, indent + 2)));
    format!("[\n{}{blanks}]", lines.collect::<String>())
}

fn named(members: &Members, indent: usize) -> String {
    if members.is_empty() {
        return "{}".to_owned();
    }
    let blanks = " ".repeat(indent);
    let lines = members
        .iter()
        .map(|(name, value)| format!("{blanks}  {} = {}\n", go_quoted(name), at(value, indent + 2)));
    format!("{{\n{}{blanks}}}", lines.collect::<String>())
}

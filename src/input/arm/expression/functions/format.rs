//! Composite format strings: `{0}`, `{0,8}`, `{0:D3}`, `{{`.

use std::fmt::Write as _;

use super::super::evaluate::{Fault, LONGEST, Outcome};
use super::super::value::{Kind, Unknown, Value};
use super::Arguments;
use super::text::{spliced, written};

pub(super) fn format(arguments: &Arguments<'_>) -> Outcome {
    let pattern = match &arguments.get(0)?.kind {
        Kind::Unknown(unknown) => return Ok(arguments.unknown(unknown)),
        _ => arguments.text(0)?,
    };
    let mut out = String::new();
    let mut open: Option<Unknown> = None;
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(rest.get(..at).unwrap_or_default());
        let brace = rest.get(at..).unwrap_or_default();
        if brace.starts_with("{{") || brace.starts_with("}}") {
            out.push_str(brace.get(..1).unwrap_or_default());
            rest = brace.get(2..).unwrap_or_default();
            continue;
        }
        let item = brace.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        let Some((item, after)) = item else {
            return Err(Fault::new("the format string has a brace without its pair"));
        };
        let value = placed(arguments, item, &mut out)?;
        open = match (open, value) {
            (Some(before), Some(now)) if !now.exact => Some(before.inexact()),
            (before, now) => before.or(now),
        };
        rest = after;
        if out.len() > LONGEST {
            return Err(Fault::new("`format` makes a string that is too long"));
        }
    }
    out.push_str(rest);
    match open {
        Some(unknown) => Ok(spliced(arguments, unknown.derived(out)).into()),
        None => arguments.made(out),
    }
}

/// Writes one item, `index[,width][:format]`; gives what is unknown in it.
fn placed(arguments: &Arguments<'_>, item: &str, out: &mut String) -> Result<Option<Unknown>, Fault> {
    let (head, style) = item.split_once(':').map_or((item, ""), |(head, style)| (head, style));
    let (index, width) = head
        .split_once(',')
        .map_or((head, "0"), |(index, width)| (index, width));
    let index = index
        .trim()
        .parse::<usize>()
        .ok()
        .and_then(|index| index.checked_add(1));
    let Some(value) = index.and_then(|index| arguments.values.get(index)) else {
        return Err(Fault::new(format!("`{{{item}}}` names no argument of `format`")));
    };
    if let Some(unknown) = value.open() {
        match value.name() {
            Some(symbol) => out.push_str(symbol),
            None => out.push_str(&unknown.symbol),
        }
        // How it is written matters to the text, and not to the name that stands for it.
        let plain = style.is_empty() && width == "0";
        return Ok(Some(if plain {
            unknown.clone()
        } else {
            unknown.clone().inexact()
        }));
    }
    let text = styled(value, style)?;
    let width = width
        .trim()
        .parse::<i64>()
        .ok()
        .filter(|width| width.unsigned_abs() <= 10_000);
    let width = width.ok_or_else(|| Fault::new(format!("`{item}` has no width that is allowed")))?;
    let spaces = usize::try_from(width.unsigned_abs()).unwrap_or(0);
    let _ = if width < 0 {
        write!(out, "{text:<spaces$}")
    } else {
        write!(out, "{text:>spaces$}")
    };
    Ok(None)
}

fn styled(value: &Value, style: &str) -> Result<String, Fault> {
    let Kind::Int(number) = value.kind else {
        return Ok(written(value));
    };
    let digits = style.get(1..).unwrap_or_default();
    let count = digits.parse::<usize>().ok().filter(|count| *count <= 100);
    let sign = if number < 0 { "-" } else { "" };
    let size = number.unsigned_abs();
    match style.chars().next().map(|c| c.to_ascii_uppercase()) {
        None => Ok(number.to_string()),
        Some('D') => Ok(format!("{sign}{size:0>width$}", width = count.unwrap_or(0))),
        Some('N') => Ok(format!("{sign}{}{}", grouped(size), fraction(count.unwrap_or(2)))),
        Some('F') => Ok(format!("{sign}{size}{}", fraction(count.unwrap_or(2)))),
        Some('X') if style.starts_with('x') => Ok(format!("{number:0>width$x}", width = count.unwrap_or(0))),
        Some('X') => Ok(format!("{number:0>width$X}", width = count.unwrap_or(0))),
        Some('0') if style.bytes().all(|byte| byte == b'0') && style.len() <= 100 => {
            Ok(format!("{sign}{size:0>width$}", width = style.len()))
        }
        _ => Err(Fault::new(format!(
            "`format` does not know the number format `{style}`"
        ))),
    }
}

fn fraction(count: usize) -> String {
    if count == 0 {
        String::new()
    } else {
        format!(".{}", "0".repeat(count))
    }
}

fn grouped(size: u64) -> String {
    let digits = size.to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

//! What the functions of the table in `rule::function` do.

use std::borrow::Cow;

use regex::Regex;

use super::frame::{Frame, known, mistyped};
use super::{Answer, Gaps, text};
use crate::rule::expression::Code;
use crate::rule::fact::Fact;
use crate::rule::function::Name;

impl<'f> Frame<'f> {
    pub(super) fn call(self, name: Name, arguments: &'f [Code]) -> Answer<'f> {
        let values: Result<Vec<Cow<'f, Fact>>, Gaps> = arguments.iter().map(|argument| self.value(argument)).collect();
        let values = values?;
        match values.as_slice() {
            [value] => apply(name, value, None),
            [value, other] => apply(name, value, Some(other)),
            _ => mistyped(),
        }
    }
}

fn apply<'f>(name: Name, value: &Fact, other: Option<&Fact>) -> Answer<'f> {
    let result = match (name, value, other) {
        (Name::Size, value, None) => Fact::Int(size(value)?),
        (Name::StartsWith, Fact::Text(text), Some(Fact::Text(other))) => Fact::Bool(text.starts_with(&**other)),
        (Name::EndsWith, Fact::Text(text), Some(Fact::Text(other))) => Fact::Bool(text.ends_with(&**other)),
        (Name::Contains, Fact::Text(text), Some(Fact::Text(other))) => Fact::Bool(text.contains(&**other)),
        (Name::Matches, Fact::Text(text), Some(Fact::Text(pattern))) => Fact::Bool(matches(text, pattern)?),
        (Name::LowerAscii, Fact::Text(text), None) => Fact::text(text.to_ascii_lowercase()),
        (Name::Join, Fact::List(items), None) => Fact::text(join(items, "")?),
        (Name::Join, Fact::List(items), Some(Fact::Text(separator))) => Fact::text(join(items, separator)?),
        (Name::Double, value, None) => Fact::Double(double(value)?),
        (Name::String, value, None) => Fact::text(text::plain(value)),
        _ => return mistyped(),
    };
    Ok(Cow::Owned(result))
}

fn size(value: &Fact) -> Result<i64, Gaps> {
    let size = match value {
        Fact::Text(text) => text.chars().count(),
        Fact::List(items) => items.len(),
        Fact::Map(entries) => entries.len(),
        _ => return mistyped(),
    };
    Ok(i64::try_from(size).unwrap_or(i64::MAX))
}

/// A pattern that is only known now, because a parameter or fact holds it.
fn matches(text: &str, pattern: &str) -> Result<bool, Gaps> {
    match Regex::new(pattern) {
        Ok(pattern) => Ok(pattern.is_match(text)),
        Err(_) => Err(Gaps::one(format!("`{pattern}` is not a regular expression"))),
    }
}

fn join(items: &[Fact], separator: &str) -> Result<String, Gaps> {
    let texts: Result<Vec<String>, Gaps> = items
        .iter()
        .map(|item| known(item).map(|fact| text::plain(&fact)))
        .collect();
    Ok(texts?.join(separator))
}

#[expect(clippy::cast_precision_loss, reason = "what CEL's double() does")]
fn double(value: &Fact) -> Result<f64, Gaps> {
    match value {
        Fact::Int(value) => Ok(*value as f64),
        Fact::Double(value) => Ok(*value),
        _ => mistyped(),
    }
}

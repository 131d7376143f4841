//! Reads YAML that people write: strict booleans, generous limits, and errors as diagnostics with their place.
//! Must not know what is read.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_yaml::{Error, Spanned};

use crate::rule::scalar::Scalar;
use crate::rule::suggest;
use crate::source::{Diagnostic, Location, Locator, SourceId};

/// One text with its file name; turns places in it into locations.
pub struct Document<'t> {
    file: Arc<str>,
    text: &'t str,
    locator: Locator<'t>,
}

impl<'t> Document<'t> {
    pub fn new(file: &str, text: &'t str) -> Self {
        Document {
            file: Arc::from(file),
            text,
            locator: Locator::new(SourceId(0), Arc::from(file), text, 1),
        }
    }

    /// Parses the whole text.
    ///
    /// # Errors
    /// The first thing that is no YAML or does not fit the type; nothing behind it was looked at.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Diagnostic> {
        serde_yaml::from_str_with_options(self.text, options())
            .map_err(|error| self.diagnostic(error.without_snippet()))
    }

    /// Where the values of the keys at the top stand. The text has been parsed before.
    pub fn places(&self) -> BTreeMap<String, Location> {
        let keys: BTreeMap<String, Spanned<IgnoredAny>> = self.parse().unwrap_or_default();
        keys.into_iter()
            .map(|(key, value)| (key, self.location(&value)))
            .collect()
    }

    /// Where a value stands.
    pub fn location<T>(&self, value: &Spanned<T>) -> Location {
        self.locate(self.range(value))
    }

    /// Where the characters `range` of a scalar stand.
    pub fn within(&self, scalar: &Spanned<String>, range: Range<usize>) -> Location {
        let start = self.range(scalar).start;
        self.locate(Scalar::new(self.text, &scalar.value, start).locate(range))
    }

    fn range<T>(&self, value: &Spanned<T>) -> Range<usize> {
        let span = value.referenced.span();
        let bytes = |offset: Option<u64>| offset.and_then(|offset| usize::try_from(offset).ok()).unwrap_or(0);
        let start = bytes(span.byte_offset());
        let end = start + bytes(span.byte_len());
        // The span of a collection or block may run over its last line break.
        let shown = self.text.get(start..end).unwrap_or_default().trim_end().len();
        start..start + shown
    }

    fn locate(&self, range: Range<usize>) -> Location {
        let place = self.locator.place(range.start, range.end);
        Location {
            file: Arc::clone(&self.file),
            line: place.line,
            column: place.column,
            end_line: place.end_line,
            end_column: place.end_column,
        }
    }

    fn diagnostic(&self, error: &Error) -> Diagnostic {
        let (message, help, width) = explain(error);
        let mut diagnostic = Diagnostic::error(code(error), message);
        diagnostic.help = help;
        match error.location() {
            // Not every error has an offset in bytes, as values have.
            Some(location) => {
                let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
                let (line, column) = (number(location.line()).max(1), number(location.column()).max(1));
                let end_column = column.saturating_add(u32::try_from(width).unwrap_or(1));
                let file = Arc::clone(&self.file);
                diagnostic.at(Location {
                    file,
                    line,
                    column,
                    end_line: line,
                    end_column,
                })
            }
            None => diagnostic,
        }
    }
}

fn options() -> serde_yaml::Options {
    serde_yaml::options! {
        strict_booleans: true,
        budget: serde_yaml::budget! { max_nodes: 2_000_000, max_events: 4_000_000 },
    }
}

/// A value given on the command line.
///
/// # Errors
/// What is wrong with it, in lower case.
pub fn parse_value(text: &str) -> Result<serde_json::Value, String> {
    serde_yaml::from_str_with_options(text, options()).map_err(|error| explain(error.without_snippet()).0)
}

fn code(error: &Error) -> &'static str {
    match error {
        Error::SerdeUnknownField { .. }
        | Error::SerdeUnknownVariant { .. }
        | Error::SerdeMissingField { .. }
        | Error::SerdeInvalidType { .. }
        | Error::SerdeInvalidValue { .. }
        | Error::SerdeInvalidLength { .. }
        | Error::Unexpected { .. }
        | Error::NullIntoString { .. }
        | Error::InvalidScalar { .. }
        | Error::InvalidBooleanStrict { .. }
        | Error::ExternallyTaggedEnumExpectedScalarOrMapping { .. }
        | Error::Message { .. } => "yaml-shape",
        _ => "yaml-syntax",
    }
}

/// Message, help, and how many characters to mark.
fn explain(error: &Error) -> (String, Option<String>, usize) {
    match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            let help = suggest::hint(field, expected, "known keys");
            (format!("unknown key `{field}`"), Some(help), field.chars().count())
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            let help = suggest::hint(variant, expected, "known here");
            (
                format!("`{variant}` is not known here"),
                Some(help),
                variant.chars().count(),
            )
        }
        Error::SerdeMissingField { field, .. } => {
            // The parser gives the place of the last key of the mapping.
            let help = "the mapping that ends here needs it".to_owned();
            (format!("`{field}` is missing"), Some(help), 1)
        }
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            (format!("`{key}` is given twice"), None, key.chars().count())
        }
        Error::SerdeInvalidType {
            unexpected, expected, ..
        } => (format!("expected {expected}, found {unexpected}"), None, 1),
        Error::Unexpected { expected, .. } => (format!("expected {}", kind(expected)), None, 1),
        Error::NullIntoString { .. } => ("expected text, found nothing".to_owned(), None, 1),
        Error::Eof { .. } => ("the file ends too early".to_owned(), None, 0),
        Error::MultipleDocuments { .. } => {
            let help = "one file holds one document".to_owned();
            ("there is a second document".to_owned(), Some(help), 3)
        }
        other => (plain(other), None, 1),
    }
}

/// The parser's word for what it wanted, in words for people.
fn kind(expected: &'static str) -> &'static str {
    match expected {
        "string scalar" | "string" => "text",
        "sequence start" => "a list",
        "mapping start" => "a mapping",
        other => other,
    }
}

/// The parser's own message without the place, which is printed apart.
fn plain(error: &Error) -> String {
    let text = error.to_string();
    let text = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(message, _)| message);
    let mut characters = text.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_lowercase).collect();
    (first + characters.as_str())
        .trim_end_matches('.')
        .replace(['\n', '\r'], " ")
}

//! Exceptions that stand in comments of the input, whatever its notation. The notation finds the comment and the region
//! that it is about; what it says is read here.

use std::sync::Arc;

use crate::source::Location;

/// `portcullis:ignore RULE reason="..." until=2027-01-31`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Id of the rule, or `*` for every rule; empty where the comment names none.
    pub rule: String,
    pub reason: Option<String>,
    /// Last day on which it holds, as written.
    pub until: Option<String>,
    /// The comment.
    pub location: Location,
    /// What it is about: findings whose subject is stated within. `None` where the comment stands beside nothing.
    pub region: Option<Location>,
    /// Ids of the subjects that it is about, where what is written there only gives values to what is stated elsewhere.
    pub subjects: Vec<Arc<str>>,
}

/// Begins an exception in a comment.
const MARK: &str = "portcullis:ignore";

impl Suppression {
    /// Whether a text says anything to the scanner.
    pub fn is_in(text: &str) -> bool {
        text.contains(MARK)
    }

    /// Reads the text of a comment; `None` where it says nothing to the scanner.
    pub fn parse(comment: &str, location: Location, region: Option<Location>) -> Option<Suppression> {
        let (_, rest) = comment.split_once(MARK)?;
        let rest = rest.lines().next().unwrap_or_default().trim_end();
        let rest = rest.strip_suffix("*/").unwrap_or(rest);
        Some(Suppression {
            rule: rule(rest).to_owned(),
            reason: named(rest, "reason"),
            until: named(rest, "until"),
            location,
            region,
            subjects: Vec::new(),
        })
    }
}

/// The first word, unless it is one of the settings.
fn rule(text: &str) -> &str {
    let first = text.split_whitespace().next().unwrap_or_default();
    if first.contains('=') { "" } else { first }
}

/// The value behind `name=`, bare or in quotes of either kind, outside the quotes of others.
fn named(text: &str, name: &str) -> Option<String> {
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('=') {
        let (value, after) = value(behind);
        if before.split_whitespace().next_back() == Some(name) && before.ends_with(name) {
            let value = value.trim();
            return (!value.is_empty()).then(|| value.to_owned());
        }
        rest = after;
    }
    None
}

/// A value, and what follows it.
fn value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(comment: &str) -> Option<Suppression> {
        let location = Location {
            file: "a.tf".into(),
            line: 1,
            column: 1,
            end_line: 1,
            end_column: 2,
        };
        Suppression::parse(comment, location, None)
    }

    #[test]
    fn a_rule_with_its_reason_and_last_day() {
        let read = parse("# portcullis:ignore management-port-exposed reason=\"jump host, see T-1\" until=2027-01-31")
            .unwrap();
        assert_eq!(read.rule, "management-port-exposed");
        assert_eq!(read.reason.as_deref(), Some("jump host, see T-1"));
        assert_eq!(read.until.as_deref(), Some("2027-01-31"));
    }

    #[test]
    fn what_is_missing_is_missing() {
        assert_eq!(parse("# nothing to see"), None);
        assert_eq!(parse("# portcullis:ignore").unwrap().rule, "");
        assert_eq!(parse("# portcullis:ignore reason=\"x\"").unwrap().rule, "");
        let read = parse("/* portcullis:ignore * */").unwrap();
        assert_eq!((read.rule.as_str(), read.reason, read.until), ("*", None, None));
    }

    #[test]
    fn settings_within_quotes_are_prose() {
        let read = parse("// portcullis:ignore x reason='until=2020-01-01, or \"so\"'  until=\"2027-01-31\"").unwrap();
        assert_eq!(read.reason.as_deref(), Some("until=2020-01-01, or \"so\""));
        assert_eq!(read.until.as_deref(), Some("2027-01-31"));
        let read = parse("// portcullis:ignore x reason=\"\" my-until=2027-01-31").unwrap();
        assert_eq!((read.reason, read.until), (None, None));
    }
}

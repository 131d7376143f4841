//! Exceptions that stand in comments of the input, whatever its notation. The notation finds the comment and the region
//! that it is about; what it says is read here.

use crate::source::Location;

/// `portcullis:ignore RULE reason="..." until=2027-01-31`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Id of the rule, or `*` for every rule.
    pub rule: String,
    pub reason: Option<String>,
    /// Last day on which it holds, as written.
    pub until: Option<String>,
    /// The comment.
    pub location: Location,
    /// What it is about: findings whose subject is stated within. `None` where the comment stands beside nothing.
    pub region: Option<Location>,
}

/// Begins an exception in a comment.
const MARK: &str = "portcullis:ignore";

impl Suppression {
    /// Reads the text of a comment; `None` where it says nothing to the scanner.
    pub fn parse(comment: &str, location: Location, region: Option<Location>) -> Option<Suppression> {
        let (_, rest) = comment.split_once(MARK)?;
        let rest = rest.lines().next().unwrap_or_default().trim_end_matches("*/");
        let (rule, rest) = word(rest)?;
        Some(Suppression {
            rule: rule.to_owned(),
            reason: named(rest, "reason"),
            until: named(rest, "until"),
            location,
            region,
        })
    }
}

fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (!word.is_empty() && !word.contains('=')).then_some((word, rest))
}

/// The value behind `name=`, bare or in quotes.
fn named(text: &str, name: &str) -> Option<String> {
    let at = text.match_indices(name).find_map(|(at, _)| {
        let before = text.get(..at)?.chars().next_back().is_none_or(char::is_whitespace);
        let behind = text.get(at + name.len()..)?.strip_prefix('=')?;
        before.then_some(behind)
    })?;
    let value = match at.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => at.split_whitespace().next(),
    };
    value
        .map(str::trim)
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
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
        assert_eq!(parse("# portcullis:ignore"), None);
        let read = parse("/* portcullis:ignore * */").unwrap();
        assert_eq!((read.rule.as_str(), read.reason, read.until), ("*", None, None));
    }
}

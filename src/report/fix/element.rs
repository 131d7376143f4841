//! Takes a rule out of the list of its group. Rules that are resources of their own stay: something may refer to them.

use std::ops::Range;

use super::{Edit, Notation, Stated, text};
use crate::report::Report;
use crate::rule::Finding;

pub fn remove(stated: &Stated<'_>, finding: &Finding, _: &Report) -> Option<(String, Vec<Edit>)> {
    let name = finding.subject.name.rsplit('/').next()?;
    let bytes = match stated.notation {
        Notation::Terraform => block(stated, name),
        Notation::Bicep | Notation::Json => element(stated, name),
    }?;
    let edit = Edit {
        bytes,
        inserted: String::new(),
    };
    Some((format!("delete the rule `{name}`"), vec![edit]))
}

/// A `security_rule` block, with the blank line behind it.
fn block(stated: &Stated<'_>, name: &str) -> Option<Range<usize>> {
    let text = stated.text;
    let rest = text.get(stated.start..)?;
    let open = rest.strip_prefix("security_rule")?.trim_start_matches([' ', '\t']);
    let at = stated.start + (rest.len() - open.len());
    let end = open
        .starts_with('{')
        .then(|| text::closed(text, at, stated.notation))??;
    if !states(text.get(at..end)?, &format!("name=\"{name}\"")) {
        return None;
    }
    let lines = text::lines(text, &(stated.start..end))?;
    let rest = text.get(lines.end..)?;
    let blank = rest
        .find('\n')
        .filter(|at| rest.get(..*at).is_some_and(|line| line.trim().is_empty()));
    Some(lines.start..lines.end + blank.map_or(0, |at| at + 1))
}

/// An element of a list that is written out.
fn element(stated: &Stated<'_>, name: &str) -> Option<Range<usize>> {
    let Stated { text, start, notation } = *stated;
    let end = text
        .get(start..)?
        .starts_with('{')
        .then(|| text::closed(text, start, notation))??;
    let body = text.get(start..end)?;
    let named = match notation {
        Notation::Json => format!("\"name\":\"{name}\""),
        _ => format!("name:'{name}'"),
    };
    if !states(body, &named) || states(body, "\"type\":") {
        return None;
    }
    let (before_at, before) = text::before(text, start)?;
    let (after_at, after) = text::after(text, end)?;
    match (before, after) {
        ('[' | ',' | '}', ',') => Some(start..text::after(text, after_at + 1)?.0),
        (',', ']') => Some(before_at..end),
        ('[', ']') => Some(start..end),
        // Bicep sets elements apart by lines.
        ('[' | '}', _) if notation == Notation::Bicep => text::lines(text, &(start..end)),
        _ => None,
    }
}

/// Whether a member is written out in these words, whatever the blanks; they begin a word.
fn states(body: &str, wanted: &str) -> bool {
    let plain: String = body.chars().filter(|c| !matches!(c, ' ' | '\t' | '\r')).collect();
    plain.match_indices(wanted).any(|(at, _)| {
        let before = plain.get(..at).and_then(|head| head.chars().next_back());
        before.is_none_or(|before| !before.is_alphanumeric() && before != '_' && before != '-')
    })
}

//! Shortens the openings that an entry of a just-in-time policy grants.

use super::{Edit, Notation, Stated, text};
use crate::report::Report;
use crate::rule::Finding;

const MEMBER: &str = "maxRequestAccessDuration";

pub fn shorten(stated: &Stated<'_>, finding: &Finding, report: &Report) -> Option<(String, Vec<Edit>)> {
    let rule = report.rules.iter().find(|rule| rule.id == finding.rule)?;
    let most = rule.params.get("max_minutes")?.as_u64()?;
    let start = stated.start;
    let open = stated.text.get(start..)?.starts_with('{');
    let end = open.then(|| text::closed(stated.text, start, stated.notation))??;
    let body = stated.text.get(start..end)?;
    // Openings that are put together from elsewhere are not all in sight.
    if ["concat(", "union(", "merge(", "..."]
        .iter()
        .any(|made| body.contains(made))
    {
        return None;
    }
    let mut edits = Vec::new();
    for (at, _) in body.match_indices(MEMBER) {
        let literal = literal(body.get(at + MEMBER.len()..)?, stated.notation)?;
        let from = start + at + MEMBER.len() + literal.at;
        if minutes(literal.text)? > most {
            edits.push(Edit {
                bytes: from..from + literal.text.len(),
                inserted: duration(most),
            });
        }
    }
    (!edits.is_empty()).then(|| (format!("grant openings of at most {most} minutes"), edits))
}

struct Literal<'t> {
    /// Behind the name of the member.
    at: usize,
    text: &'t str,
}

/// A value that is written out.
fn literal(rest: &str, notation: Notation) -> Option<Literal<'_>> {
    let quote = if notation == Notation::Bicep { '\'' } else { '"' };
    let begin = rest.trim_start_matches(['"', ' ', '\t']);
    let value = begin.strip_prefix([':', '='])?.trim_start();
    let value = value.strip_prefix(quote)?;
    let text = value.get(..value.find(quote)?)?;
    Some(Literal {
        at: rest.len() - value.len(),
        text,
    })
}

/// Minutes of a duration such as `PT3H` or `P1DT30M`; `None` for what is no literal.
fn minutes(text: &str) -> Option<u64> {
    let (days, time) = text.strip_prefix('P')?.split_once('T').unwrap_or((text.get(1..)?, ""));
    let mut total = 0u64;
    let mut number = String::new();
    let units = [('D', 1440), ('H', 60), ('M', 1)];
    for (part, allowed) in [(days, &units[..1]), (time, &units[1..])] {
        for c in part.chars() {
            if c.is_ascii_digit() {
                number.push(c);
                continue;
            }
            let (_, each) = allowed.iter().find(|(unit, _)| *unit == c)?;
            total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*each)?)?;
            number.clear();
        }
    }
    number.is_empty().then_some(total)
}

fn duration(minutes: u64) -> String {
    match minutes % 60 {
        0 => format!("PT{}H", minutes / 60),
        _ => format!("PT{minutes}M"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, wanted) in [
            ("PT3H", Some(180)),
            ("P1D", Some(1440)),
            ("P1DT1H30M", Some(1530)),
            ("PT90M", Some(90)),
            ("[parameters('x')]", None),
            ("PT", Some(0)),
            ("P3", None),
            ("PT1S", None),
        ] {
            assert_eq!(minutes(text), wanted, "{text}");
        }
        assert_eq!(duration(180), "PT3H");
        assert_eq!(duration(90), "PT90M");
    }
}

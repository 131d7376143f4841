//! Puts templates, style, scripts and data together into one page.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};

use super::context::Context;
use super::data;
use super::markdown;
use super::past::PastView;
use super::policy::content_security_policy;
use crate::history::model::Past;
use crate::report::Report;

const TEMPLATES: &[(&str, &str)] = &[
    ("report.html", include_str!("../../../templates/report.html")),
    (
        "report/marks.html",
        include_str!("../../../templates/report/marks.html"),
    ),
    (
        "report/sprite.html",
        include_str!("../../../templates/report/sprite.html"),
    ),
    (
        "report/overview.html",
        include_str!("../../../templates/report/overview.html"),
    ),
    (
        "report/findings.html",
        include_str!("../../../templates/report/findings.html"),
    ),
    (
        "report/machines.html",
        include_str!("../../../templates/report/machines.html"),
    ),
    (
        "report/rules.html",
        include_str!("../../../templates/report/rules.html"),
    ),
    (
        "report/trend.html",
        include_str!("../../../templates/report/trend.html"),
    ),
    (
        "report/standards.html",
        include_str!("../../../templates/report/standards.html"),
    ),
    (
        "report/notes.html",
        include_str!("../../../templates/report/notes.html"),
    ),
];

const STYLE: &[&str] = &[
    include_str!("../../../templates/report/style/colour.css"),
    include_str!("../../../templates/report/style/layout.css"),
    include_str!("../../../templates/report/style/parts.css"),
    include_str!("../../../templates/report/style/tables.css"),
    include_str!("../../../templates/report/style/machine.css"),
    include_str!("../../../templates/report/style/trend.css"),
    include_str!("../../../templates/report/style/print.css"),
];

/// Runs before the first paint, so that nothing jumps.
const EARLY: &[&str] = &[include_str!("../../../templates/report/script/early.js")];

/// Runs when the page is read, in this order.
const SCRIPT: &[&str] = &[
    include_str!("../../../templates/report/script/data.js"),
    include_str!("../../../templates/report/script/element.js"),
    include_str!("../../../templates/report/script/past.js"),
    include_str!("../../../templates/report/script/list.js"),
    include_str!("../../../templates/report/script/findings.js"),
    include_str!("../../../templates/report/script/machines.js"),
    include_str!("../../../templates/report/script/machine.js"),
    include_str!("../../../templates/report/script/notes.js"),
    include_str!("../../../templates/report/script/route.js"),
];

/// The whole page; with what a history says, where there is one.
pub fn render(report: &Report, past: Option<&Past>) -> Result<String, Error> {
    let (style, early, script) = (embedded(STYLE), embedded(EARLY), embedded(SCRIPT));
    let policy = content_security_policy(&style, &[&early, &script]);
    let data = data::block(report, past).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
    environment()?.get_template("report.html")?.render(minijinja::context! {
        policy,
        style => Value::from_safe_string(style),
        early => Value::from_safe_string(early),
        script => Value::from_safe_string(script),
        data => Value::from_safe_string(data),
        past => past.map(|past| Value::from(Serde(PastView::of(past, report)))),
        ..Value::from(Serde(Context::of(report)))
    })
}

/// One text with the line ends that a browser sees, or the hashes of the policy would not fit.
fn embedded(files: &[&str]) -> String {
    files.concat().replace("\r\n", "\n")
}

fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_filter("visible", visible);
    environment.add_filter("grouped", grouped);
    environment.add_filter("moment", moment);
    environment.add_filter("message", |text: &str| Value::from(Serde(markdown::message(text))));
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}

/// Text with its control, bidirectional and zero-width characters spelt out; the script does the same.
fn visible(text: &str) -> String {
    let show = |character: char| match character {
        hidden if is_hidden(hidden) => format!("[U+{:04X}]", u32::from(hidden)),
        plain => plain.to_string(),
    };
    if text.contains(is_hidden) {
        text.chars().map(show).collect()
    } else {
        text.to_owned()
    }
}

fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}')
}

/// A number with its digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<String> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect();
    groups.join(",")
}

/// An RFC 3339 time as people write it, to the minute.
fn moment(time: &str) -> String {
    match (time.get(..10), time.get(10..11), time.get(11..16), time.ends_with('Z')) {
        (Some(day), Some("T"), Some(minute), true) => format!("{day} {minute} UTC"),
        _ => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_spelt_out() {
        assert_eq!(
            visible("vm\u{202e}gpj.exe\n\u{7}é"),
            "vm[U+202E]gpj.exe[U+000A][U+0007]é"
        );
    }

    #[test]
    fn numbers_and_times_for_people() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(moment("2026-02-03T04:05:06Z"), "2026-02-03 04:05 UTC");
        assert_eq!(moment("yesterday"), "yesterday");
    }
}

//! Dates and times. The clock is not read: `utcNow` is unknown.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::super::evaluate::{Fault, Outcome};
use super::super::value::Value;
use super::Arguments;

pub(super) fn now(_: &Arguments<'_>) -> Outcome {
    Ok(Value::unknown("`utcNow` is the time of the deployment", "{utcNow}"))
}

/// The spellings that `utcNow` and people write, with the pattern that writes them again.
const SPELLINGS: &[(&str, &str)] = &[
    ("%Y%m%dT%H%M%SZ", "%Y%m%dT%H%M%SZ"),
    ("%Y-%m-%d %H:%M:%SZ", "%Y-%m-%d %H:%M:%SZ"),
    ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%SZ"),
    ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"),
    ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"),
];

fn read(text: &str) -> Result<(Timestamp, &'static str), Fault> {
    let wrong = || Fault::new(format!("`{text}` is no date"));
    for (spelling, pattern) in SPELLINGS {
        let read = DateTime::strptime(spelling, text).ok();
        let date = read.or_else(|| jiff::civil::Date::strptime(spelling, text).ok().map(DateTime::from));
        if let Some(date) = date {
            let zoned = date.to_zoned(TimeZone::UTC).map_err(|_| wrong())?;
            return Ok((zoned.timestamp(), *pattern));
        }
    }
    let time: Timestamp = text.parse().map_err(|_| wrong())?;
    Ok((time, "%Y-%m-%dT%H:%M:%SZ"))
}

pub(super) fn add(arguments: &Arguments<'_>) -> Outcome {
    let (base, own) = read(arguments.text(0)?)?;
    let duration = arguments.text(1)?;
    let wrong = || Fault::new(format!("`{duration}` is no ISO 8601 duration that can be added"));
    let span: Span = duration.parse().map_err(|_| wrong())?;
    let sum = base.to_zoned(TimeZone::UTC).checked_add(span).map_err(|_| wrong())?;
    let pattern = match arguments.values.get(2) {
        Some(_) => pattern(arguments.text(2)?)?,
        None => own.to_owned(),
    };
    Ok(sum.strftime(&pattern).to_string().into())
}

pub(super) fn from_epoch(arguments: &Arguments<'_>) -> Outcome {
    let time = Timestamp::from_second(arguments.int(0)?);
    let time = time.map_err(|_| Fault::new("the number of seconds is no time"))?;
    Ok(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into())
}

pub(super) fn to_epoch(arguments: &Arguments<'_>) -> Outcome {
    Ok(read(arguments.text(0)?)?.0.as_second().into())
}

/// Tokens of custom formats, the longest first, with what writes them here.
const TOKENS: &[(&str, &str)] = &[
    ("yyyy", "%Y"),
    ("MMMM", "%B"),
    ("dddd", "%A"),
    ("MMM", "%b"),
    ("ddd", "%a"),
    ("yy", "%y"),
    ("MM", "%m"),
    ("dd", "%d"),
    ("HH", "%H"),
    ("hh", "%I"),
    ("mm", "%M"),
    ("ss", "%S"),
    ("tt", "%p"),
    ("M", "%-m"),
    ("d", "%-d"),
    ("H", "%-H"),
    ("h", "%-I"),
    ("m", "%-M"),
    ("s", "%-S"),
];

/// The pattern of a standard or custom format.
fn pattern(format: &str) -> Result<String, Fault> {
    match format {
        "u" => return Ok("%Y-%m-%d %H:%M:%SZ".to_owned()),
        "s" => return Ok("%Y-%m-%dT%H:%M:%S".to_owned()),
        "o" | "O" => return Ok("%Y-%m-%dT%H:%M:%S.0000000Z".to_owned()),
        "d" => return Ok("%m/%d/%Y".to_owned()),
        _ => {}
    }
    let mut out = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        if let Some((token, written)) = TOKENS.iter().find(|(token, _)| rest.starts_with(token)) {
            out.push_str(written);
            rest = rest.get(token.len()..).unwrap_or_default();
            continue;
        }
        if let Some((text, after)) = rest.strip_prefix('\'').and_then(|quoted| quoted.split_once('\'')) {
            out.push_str(&text.replace('%', "%%"));
            rest = after;
            continue;
        }
        if first.is_ascii_alphabetic() && !matches!(first, 'T' | 'Z') {
            return Err(Fault::new(format!(
                "`{format}` has a part that is not known here: `{first}`"
            )));
        }
        out.push_str(if first == '%' { "%%" } else { "" });
        if first != '%' {
            out.push(first);
        }
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
    Ok(out)
}

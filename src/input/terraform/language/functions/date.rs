//! Dates. The clock is unknown.

use jiff::civil::DateTime;

use super::{Arguments, Function, Outcome, function};
use crate::input::terraform::language::evaluate::Fault;
use crate::input::terraform::language::value::Value;

pub const FUNCTIONS: &[Function] = &[
    function("formatdate", 2, 2, format),
    function("plantimestamp", 0, 0, |a| {
        Ok(a.open("the time of the plan is not in the configuration"))
    }),
    function("timeadd", 2, 2, add),
    function("timecmp", 2, 2, compare),
    function("timestamp", 0, 0, |a| {
        Ok(a.open("the time of the run is not in the configuration"))
    }),
];

/// A local time and how many minutes it is ahead of universal time.
struct Moment {
    local: DateTime,
    offset: i64,
}

/// `2006-01-02T15:04:05Z`, or with a fraction or an offset.
fn parse(text: &str) -> Option<Moment> {
    let digits = |from: usize, to: usize| {
        let part = text.get(from..to)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
        part.parse::<i32>().ok()
    };
    let marks = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")];
    if !marks.iter().all(|(at, mark)| text.get(*at..*at + 1) == Some(*mark)) {
        return None;
    }
    let mut rest = text.get(19..)?;
    let mut nanosecond = 0;
    if let Some(behind) = rest.strip_prefix('.') {
        let end = behind.find(|one: char| !one.is_ascii_digit())?;
        let fraction = behind.get(..end).filter(|fraction| !fraction.is_empty())?;
        nanosecond = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
        rest = behind.get(end..)?;
    }
    let offset = match rest.as_bytes() {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let hours: i64 = rest.get(1..3)?.parse().ok()?;
            let minutes: i64 = rest.get(4..6)?.parse().ok()?;
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    let small = |value: i32| i8::try_from(value).ok();
    let local = DateTime::new(
        i16::try_from(digits(0, 4)?).ok()?,
        small(digits(5, 7)?)?,
        small(digits(8, 10)?)?,
        small(digits(11, 13)?)?,
        small(digits(14, 16)?)?,
        small(digits(17, 19)?)?,
        nanosecond,
    );
    Some(Moment {
        local: local.ok()?,
        offset,
    })
}

fn moment(arguments: &Arguments<'_, '_>, at: usize) -> Result<Moment, Fault> {
    let text = arguments.text(at)?;
    parse(&text).ok_or_else(|| arguments.wrong(at, "a time such as `2006-01-02T15:04:05Z` is required"))
}

impl Moment {
    fn universal(&self) -> Option<DateTime> {
        self.local
            .checked_sub(jiff::SignedDuration::from_mins(self.offset))
            .ok()
    }

    fn zone(&self, colon: bool) -> String {
        let sign = if self.offset < 0 { '-' } else { '+' };
        let (hours, minutes) = (self.offset.abs() / 60, self.offset.abs() % 60);
        let between = if colon { ":" } else { "" };
        format!("{sign}{hours:02}{between}{minutes:02}")
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

fn format(arguments: &Arguments<'_, '_>) -> Outcome {
    let pattern = arguments.text(0)?;
    let moment = moment(arguments, 1)?;
    let mut out = String::new();
    let mut rest = pattern.chars().peekable();
    while let Some(one) = rest.next() {
        if one == '\'' {
            loop {
                match rest.next() {
                    Some('\'') if rest.next_if_eq(&'\'').is_some() => out.push('\''),
                    Some('\'') => break,
                    Some(other) => out.push(other),
                    None => return Err(arguments.wrong(0, "a quote is not closed")),
                }
            }
        } else if one.is_ascii_alphabetic() {
            let mut word = String::from(one);
            while let Some(more) = rest.next_if_eq(&one) {
                word.push(more);
            }
            let part = field(&moment, &word);
            out.push_str(&part.ok_or_else(|| arguments.wrong(0, &format!("there is no verb `{word}`")))?);
        } else {
            out.push(one);
        }
    }
    Ok(Value::from(out))
}

fn field(moment: &Moment, word: &str) -> Option<String> {
    let local = &moment.local;
    let hour12 = match local.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let month = usize::try_from(local.month())
        .ok()
        .and_then(|month| MONTHS.get(month.checked_sub(1)?))?;
    let weekday = usize::try_from(local.weekday().to_monday_zero_offset())
        .ok()
        .and_then(|day| DAYS.get(day))?;
    let half = if local.hour() < 12 { "am" } else { "pm" };
    Some(match word {
        "YYYY" => format!("{:04}", local.year()),
        "YY" => format!("{:02}", local.year() % 100),
        "MMMM" => (*month).to_owned(),
        "MMM" => month.chars().take(3).collect(),
        "MM" => format!("{:02}", local.month()),
        "M" => local.month().to_string(),
        "DD" => format!("{:02}", local.day()),
        "D" => local.day().to_string(),
        "EEEE" => (*weekday).to_owned(),
        "EEE" => weekday.chars().take(3).collect(),
        "hh" => format!("{:02}", local.hour()),
        "h" => local.hour().to_string(),
        "HH" => format!("{hour12:02}"),
        "H" => hour12.to_string(),
        "AA" => half.to_uppercase(),
        "aa" => half.to_owned(),
        "mm" => format!("{:02}", local.minute()),
        "m" => local.minute().to_string(),
        "ss" => format!("{:02}", local.second()),
        "s" => local.second().to_string(),
        "ZZZZZ" => moment.zone(true),
        "ZZZZ" => moment.zone(false),
        "ZZZ" if moment.offset == 0 => "UTC".to_owned(),
        "ZZZ" => moment.zone(false),
        "Z" if moment.offset == 0 => "Z".to_owned(),
        "Z" => moment.zone(true),
        _ => return None,
    })
}

/// Units of durations, the longer names first, in nanoseconds.
const UNITS: &[(&str, f64)] = &[
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 6e10),
    ("h", 3.6e12),
];

/// Such as `-1h30m`.
fn duration(text: &str) -> Option<jiff::SignedDuration> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(jiff::SignedDuration::ZERO);
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|one: char| !one.is_ascii_digit() && one != '.')?;
        let (amount, behind) = rest.split_at(end);
        let word_end = behind
            .find(|one: char| one.is_ascii_digit() || one == '.')
            .unwrap_or(behind.len());
        let (word, after) = behind.split_at(word_end);
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == word)?;
        total += amount.parse::<f64>().ok()? * unit;
        rest = after;
    }
    let usable = !text.is_empty() && total < 9e18;
    usable.then(|| jiff::SignedDuration::try_from_secs_f64(sign * total / 1e9).ok())?
}

fn add(arguments: &Arguments<'_, '_>) -> Outcome {
    let moment = moment(arguments, 0)?;
    let duration = duration(&arguments.text(1)?);
    let duration = duration.ok_or_else(|| arguments.wrong(1, "a duration such as `1h30m` is required"))?;
    let local = moment.local.checked_add(duration);
    let local = local.map_err(|_| arguments.refuse("the time is out of range"))?;
    let zone = if moment.offset == 0 {
        "Z".to_owned()
    } else {
        moment.zone(true)
    };
    Ok(Value::from(format!("{}{zone}", local.strftime("%Y-%m-%dT%H:%M:%S"))))
}

fn compare(arguments: &Arguments<'_, '_>) -> Outcome {
    let (a, b) = (moment(arguments, 0)?.universal(), moment(arguments, 1)?.universal());
    Ok(Value::from(match a.cmp(&b) {
        std::cmp::Ordering::Less => -1_i64,
        std::cmp::Ordering::Equal => 0,
        std::cmp::Ordering::Greater => 1,
    }))
}

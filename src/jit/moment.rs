//! How long, and until when: as people type it, with time zones and the hours that clocks repeat or skip.

use jiff::civil::{DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};

/// `90m`, `1h30m`, `PT1H30M`: something longer than nothing.
pub fn length(text: &str) -> Result<SignedDuration, String> {
    let wrong = || format!("`{text}` is no length of time; write it as `30m`, `1h`, `1h30m` or `PT90M`");
    let trimmed = text.trim();
    let days = trimmed.strip_prefix('P').or_else(|| trimmed.strip_prefix('p'));
    let days = days.and_then(|rest| rest.strip_suffix(['D', 'd'])?.parse::<i64>().ok());
    let length = match days {
        Some(days) => days
            .checked_mul(24)
            .and_then(SignedDuration::try_from_hours)
            .ok_or_else(wrong)?,
        None => trimmed.parse().map_err(|_| wrong())?,
    };
    if length <= SignedDuration::ZERO {
        return Err(wrong());
    }
    Ok(length)
}

/// The moment that somebody means who types it at `now` in a time zone: `18:00` (the next one), `2026-11-01T01:30`,
/// `2026-11-01T01:30-05:00`, `2026-11-01T01:30[America/New_York]`, `...Z`.
pub fn until(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    if let Some((civil, name)) = text.strip_suffix(']').and_then(|rest| rest.split_once('[')) {
        // With an offset and a name, both must fit; without an offset, the clocks of the place decide.
        if let Ok(zoned) = text.parse::<Zoned>()
            && has_offset(civil)
        {
            return Ok(zoned.timestamp());
        }
        return at(civil, &named(name)?);
    }
    if let Ok(time) = text.parse::<Time>()
        && !text.contains(['T', 't', ' '])
    {
        return next(time, now, zone);
    }
    at(text, zone)
}

/// A time zone by its name in the database, or `local` and `utc`.
pub fn named(name: &str) -> Result<TimeZone, String> {
    if name.eq_ignore_ascii_case("utc") || name == "Z" {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|_| format!("`{name}` is no time zone; write it as `Europe/Berlin` or `UTC`"))
}

fn has_offset(civil: &str) -> bool {
    let clock = civil.split(['T', 't', ' ']).nth(1).unwrap_or_default();
    clock.contains(['+', '-']) || clock.ends_with(['Z', 'z'])
}

/// The next time that a clock shows `time`.
fn next(time: Time, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let today = now.to_zoned(zone.clone()).date();
    let first = on(today.to_datetime(time), zone)?;
    if first > now {
        return Ok(first);
    }
    let tomorrow = today.checked_add(1.day()).map_err(|error| error.to_string())?;
    on(tomorrow.to_datetime(time), zone)
}

fn at(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let wrong = || {
        format!(
            "`{text}` is no moment; write it as `18:00`, `2026-11-01T18:00`, `2026-11-01T18:00+01:00` or `2026-11-01T18:00[Europe/Berlin]`"
        )
    };
    let civil: DateTime = text.parse().map_err(|_| wrong())?;
    on(civil, zone)
}

/// What the clocks of a place show; an hour that they repeat or skip is asked about, since an opening must not last an
/// hour more than was meant.
fn on(civil: DateTime, zone: &TimeZone) -> Result<Timestamp, String> {
    let ambiguous = zone.to_ambiguous_timestamp(civil);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => ambiguous
            .unambiguous()
            .map_err(|error| format!("`{civil}` is out of range: {error}")),
        AmbiguousOffset::Fold { before, after } => Err(format!(
            "`{civil}` comes twice there, since the clocks are set back; write `{civil}{before}` or an hour later `{civil}{after}`"
        )),
        AmbiguousOffset::Gap { before, after } => Err(format!(
            "`{civil}` does not come there, since the clocks are set ahead; write it with an offset, such as `{civil}{before}` or `{civil}{after}`"
        )),
    }
}

/// A moment for people: in their zone, with the offset, and in UTC where that differs.
pub fn shown(moment: Timestamp, zone: &TimeZone) -> String {
    let local = moment.to_zoned(zone.clone());
    let utc = moment.strftime("%H:%M UTC");
    if local.offset().is_zero() {
        return moment.strftime("%Y-%m-%d %H:%M UTC").to_string();
    }
    format!("{} ({utc})", local.strftime("%Y-%m-%d %H:%M %:z"))
}

/// How long, in hours and minutes.
pub fn lasting(length: SignedDuration) -> String {
    let minutes = (length.as_secs() + 30) / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn lengths_are_read() {
        for (text, minutes) in [
            ("30m", 30),
            ("1h", 60),
            ("1h30m", 90),
            ("PT90M", 90),
            ("P1D", 1440),
            ("24h", 1440),
        ] {
            assert_eq!(length(text), Ok(SignedDuration::from_mins(minutes)), "{text}");
        }
        for wrong in ["", "0h", "-1h", "soon", "P", "P9999999999999999D", "1"] {
            assert!(length(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn clocks_of_places_are_obeyed() {
        let berlin = named("Europe/Berlin").unwrap();
        let now = moment("2026-07-01T12:00:00Z");
        assert_eq!(until("18:00", now, &berlin), Ok(moment("2026-07-01T16:00:00Z")));
        // 13:00 has passed in Berlin: the next one is tomorrow's.
        assert_eq!(until("13:00", now, &berlin), Ok(moment("2026-07-02T11:00:00Z")));
        assert_eq!(
            until("2026-12-01T18:00", now, &berlin),
            Ok(moment("2026-12-01T17:00:00Z"))
        );
        assert_eq!(
            until("2026-07-01T18:00-04:00", now, &berlin),
            Ok(moment("2026-07-01T22:00:00Z"))
        );
        assert_eq!(
            until("2026-07-01T18:00[America/New_York]", now, &berlin),
            Ok(moment("2026-07-01T22:00:00Z"))
        );
        assert_eq!(
            until("2026-07-01T18:00Z", now, &berlin),
            Ok(moment("2026-07-01T18:00:00Z"))
        );
        for wrong in [
            "",
            "tomorrow",
            "25:00",
            "2026-07-01T18:00[Europe/Atlantis]",
            "2026-13-01T00:00",
        ] {
            assert!(until(wrong, now, &berlin).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hours_that_come_twice_or_never_are_asked_about() {
        let york = named("America/New_York").unwrap();
        let now = moment("2026-10-31T12:00:00Z");
        let twice = until("2026-11-01T01:30", now, &york).unwrap_err();
        assert!(twice.contains("-04") && twice.contains("-05"), "{twice}");
        assert_eq!(
            until("2026-11-01T01:30-04:00", now, &york),
            Ok(moment("2026-11-01T05:30:00Z"))
        );
        assert_eq!(
            until("2026-11-01T01:30-05:00", now, &york),
            Ok(moment("2026-11-01T06:30:00Z"))
        );
        assert_eq!(
            until("2026-11-01T01:30-05:00[America/New_York]", now, &york),
            Ok(moment("2026-11-01T06:30:00Z"))
        );
        let never = until("2026-03-08T02:30[America/New_York]", now, &york).unwrap_err();
        assert!(never.contains("does not come"), "{never}");
        // A length is a length, whatever the clocks do in between.
        let start = moment("2026-11-01T05:00:00Z");
        let end = start.checked_add(length("2h").unwrap()).unwrap();
        assert_eq!(shown(end, &york), "2026-11-01 02:00 -05:00 (07:00 UTC)");
    }
}

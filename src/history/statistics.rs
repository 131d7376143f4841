//! Ages of what is open and times to fix, over plain data. Ages count whole days.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::model::{KeptFinding, State};

/// Ages up to so many days, with the word of each group; the last takes the rest.
pub const AGES: [(i64, &str); 4] = [
    (7, "up to 7 days"),
    (30, "8 to 30 days"),
    (90, "31 to 90 days"),
    (i64::MAX, "over 90 days"),
];

/// Ages of open findings, and times to fix of those that were fixed, of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Group {
    pub name: String,
    /// Open findings that are not waived.
    pub open: u64,
    /// By [`AGES`].
    pub ages: [u64; AGES.len()],
    /// Days that the oldest has been open.
    pub oldest: i64,
    /// Openings that ended because the finding was fixed.
    pub fixed: u64,
    /// Median of the days from opening to fix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_days: Option<i64>,
    /// Nine of ten were fixed within so many days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ninth_decile_days: Option<i64>,
}

/// Groups the findings by a word, the group with the most open ones first.
pub fn groups<'f>(
    findings: impl Iterator<Item = &'f KeptFinding>,
    now: &str,
    name: impl Fn(&KeptFinding) -> String,
) -> Vec<Group> {
    let mut groups: BTreeMap<String, (Group, Vec<i64>)> = BTreeMap::new();
    for finding in findings {
        let name = name(finding);
        let (group, times) = groups.entry(name).or_default();
        if finding.state == State::Open && !finding.waived {
            age(group, days(&finding.opened, now));
        }
        let fixed = finding.spells.iter().filter(|spell| spell.ending == Some(State::Fixed));
        times.extend(fixed.filter_map(|spell| Some(days(&spell.opened, spell.closed.as_deref()?))));
    }
    let mut all: Vec<Group> = groups
        .into_iter()
        .map(|(name, (mut group, mut times))| {
            times.sort_unstable();
            group.name = name;
            group.fixed = times.len() as u64;
            group.median_days = quantile(&times, 1, 2);
            group.ninth_decile_days = quantile(&times, 9, 10);
            group
        })
        .collect();
    all.sort_by_key(|group| (std::cmp::Reverse(group.open), std::cmp::Reverse(group.fixed)));
    all
}

fn age(group: &mut Group, days: i64) {
    group.open += 1;
    group.oldest = group.oldest.max(days);
    let place = AGES
        .iter()
        .position(|(most, _)| days <= *most)
        .unwrap_or(AGES.len() - 1);
    if let Some(count) = group.ages.get_mut(place) {
        *count += 1;
    }
}

/// The smallest time that so large a part stays within (nearest rank).
fn quantile(sorted: &[i64], part: usize, whole: usize) -> Option<i64> {
    let rank = (sorted.len() * part).div_ceil(whole).max(1);
    sorted.get(rank - 1).copied()
}

/// Whole days from one moment to another; 0 where a moment cannot be read or comes first.
pub fn days(from: &str, to: &str) -> i64 {
    let parse = |text: &str| text.parse::<Timestamp>().map(Timestamp::as_second).ok();
    match (parse(from), parse(to)) {
        (Some(from), Some(to)) => ((to - from) / 86_400).max(0),
        _ => 0,
    }
}

/// A moment so many days before another one, in the same form.
pub fn days_before(moment: &str, days: i64) -> String {
    seconds_before(moment, days.saturating_mul(86_400))
}

/// The same in seconds.
pub fn seconds_before(moment: &str, seconds: i64) -> String {
    let parsed = moment.parse::<Timestamp>().ok();
    let earlier = parsed.and_then(|time| Timestamp::from_second(time.as_second().checked_sub(seconds)?).ok());
    earlier.map_or_else(|| moment.to_owned(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_times_that_occurred() {
        assert_eq!(quantile(&[], 1, 2), None);
        assert_eq!(quantile(&[4], 9, 10), Some(4));
        assert_eq!(quantile(&[1, 2, 3, 4], 1, 2), Some(2));
        assert_eq!(quantile(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 9, 10), Some(9));
        assert_eq!(quantile(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 9, 10), Some(10));
    }

    #[test]
    fn days_are_whole_and_never_negative() {
        assert_eq!(days("2026-01-01T01:00:00Z", "2026-01-02T00:59:59Z"), 0);
        assert_eq!(days("2026-01-01T01:00:00Z", "2026-03-01T01:00:00Z"), 59);
        assert_eq!(days("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"), 0);
        assert_eq!(days_before("2026-03-01T01:00:00Z", 59), "2026-01-01T01:00:00Z");
    }
}

//! First match for many ports in one pass: the ends of all ranges of a group are sorted once and walked once, and each
//! port, a lane, sees the rules that concern it. Exact, O(E log E) for all ports together.
//! Must not know what a rule is. [`super::sweep`] asks one question of any lists and is the slower, plainer of the two.

use super::passage::NO_RULE;
use crate::net::Bound;

/// Most lanes that one pass has: bits of a mask.
pub const MOST_LANES: usize = 64;

/// A range of a rule starts here, or the one before has ended.
#[derive(Clone, Copy, Debug)]
pub struct Event<T> {
    at: T,
    /// Position of the rule.
    rule: u16,
    starts: bool,
}

/// The ends of ranges of rules. Ranges of one rule may overlap.
#[derive(Debug)]
pub struct Ends<T> {
    events: Vec<Event<T>>,
}

impl<T> Default for Ends<T> {
    fn default() -> Self {
        Ends { events: Vec::new() }
    }
}

impl<T: Placed> Ends<T> {
    pub fn add(&mut self, rule: u16, (first, last): (T, T)) {
        if first > last {
            return;
        }
        self.events.push(Event {
            at: first,
            rule,
            starts: true,
        });
        self.events.extend(last.next().map(|after| Event {
            at: after,
            rule,
            starts: false,
        }));
    }

    /// All of them, ascending.
    pub fn sorted(mut self) -> Vec<Event<T>> {
        T::sort(&mut self.events);
        self.events
    }
}

/// A value that events can be sorted by.
pub trait Placed: Bound {
    fn sort(events: &mut Vec<Event<Self>>) {
        events.sort_unstable_by_key(|event| event.at);
    }
}

impl Placed for u8 {}
impl Placed for u128 {}

impl Placed for u32 {
    /// By eleven bits at a time, from the lowest: comparing takes most of the time of a large group.
    fn sort(events: &mut Vec<Event<u32>>) {
        if events.len() < FEW {
            return events.sort_unstable_by_key(|event| event.at);
        }
        let mut sorted = events.clone();
        for shift in [0, 11, 22] {
            distribute(events, &mut sorted, |event| (event.at >> shift) as usize % BUCKETS);
            std::mem::swap(events, &mut sorted);
        }
    }
}

/// Fewer are sorted faster by comparing.
const FEW: usize = 512;
const BUCKETS: usize = 1 << 11;

/// Writes the items by their bucket, and within a bucket in the order in which they were.
fn distribute<E: Copy>(from: &[E], to: &mut [E], bucket: impl Fn(&E) -> usize) {
    let mut starts = [0; BUCKETS];
    for item in from {
        if let Some(count) = starts.get_mut(bucket(item)) {
            *count += 1;
        }
    }
    let mut next = 0;
    for start in &mut starts {
        next += std::mem::replace(start, next);
    }
    for item in from {
        if let Some(start) = starts.get_mut(bucket(item)) {
            if let Some(place) = to.get_mut(*start) {
                *place = *item;
            }
            *start += 1;
        }
    }
}

/// A maximal run of values with one winner, from where the one before ended up to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch<T> {
    pub last: T,
    /// Position of the first rule in the lane that covers the run, or [`NO_RULE`].
    pub winner: u16,
}

/// Splits the line for each lane by the first rule of the lane that covers each value. `masks` tells the lanes of each
/// rule; only those in `wanted` are answered, the others stay empty.
pub fn first_matches<T: Bound>(events: &[Event<T>], masks: &[u64], lanes: usize, wanted: u64) -> Vec<Vec<Stretch<T>>> {
    let mut active = Active::new(masks, lanes.min(MOST_LANES));
    let room = |lane: usize| {
        if (wanted >> lane) & 1 == 1 {
            events.len() / 4 + 1
        } else {
            0
        }
    };
    let mut stretches: Vec<Vec<Stretch<T>>> = (0..lanes).map(|lane| Vec::with_capacity(room(lane))).collect();
    let mut shown = vec![NO_RULE; lanes];
    for here in events.chunk_by(|a, b| a.at == b.at) {
        let mut changed = 0;
        for event in here {
            changed |= active.apply(event, wanted);
        }
        let Some(at) = here.first().map(|event| event.at) else {
            continue;
        };
        for lane in bits(changed) {
            let winner = active.winner(lane);
            let (Some(shown), Some(stretches)) = (shown.get_mut(lane), stretches.get_mut(lane)) else {
                continue;
            };
            if *shown == winner {
                continue;
            }
            stretches.extend(at.previous().map(|last| Stretch { last, winner: *shown }));
            *shown = winner;
        }
    }
    for lane in bits(wanted) {
        if let (Some(shown), Some(stretches)) = (shown.get(lane), stretches.get_mut(lane)) {
            stretches.push(Stretch {
                last: T::MAX,
                winner: *shown,
            });
        }
    }
    stretches
}

/// The rules that cover the current position, and the first of them in each lane.
struct Active<'m> {
    masks: &'m [u64],
    /// How many ranges of each rule cover it.
    counts: Vec<u32>,
    /// One bit a rule.
    covering: Vec<u64>,
    lanes: Vec<Lane>,
}

struct Lane {
    winner: u16,
    /// One bit for each rule of the lane.
    rules: Vec<u64>,
}

impl<'m> Active<'m> {
    fn new(masks: &'m [u64], lanes: usize) -> Self {
        let words = masks.len().div_ceil(64);
        let rules_of = |lane: usize| {
            let word = |rules: &[u64]| rules.iter().rev().fold(0, |word, mask| word << 1 | (mask >> lane & 1));
            masks.chunks(64).map(word).collect()
        };
        let lane = |lane| Lane {
            winner: NO_RULE,
            rules: rules_of(lane),
        };
        Active {
            masks,
            counts: vec![0; masks.len()],
            covering: vec![0; words],
            lanes: (0..lanes).map(lane).collect(),
        }
    }

    fn winner(&self, lane: usize) -> u16 {
        self.lanes.get(lane).map_or(NO_RULE, |lane| lane.winner)
    }

    /// Takes note of an event; answers the lanes whose winner it changed.
    fn apply<T>(&mut self, event: &Event<T>, wanted: u64) -> u64 {
        let (at, word) = (usize::from(event.rule), usize::from(event.rule) / 64);
        let bit = 1u64 << (event.rule % 64);
        let (Some(mask), Some(count), Some(covering)) =
            (self.masks.get(at), self.counts.get_mut(at), self.covering.get_mut(word))
        else {
            return 0;
        };
        let lanes = mask & wanted;
        if event.starts {
            *count += 1;
            if *count > 1 {
                return 0;
            }
            *covering |= bit;
            return self.enter(event.rule, lanes);
        }
        // Where one range ends and the next of the rule starts, either is seen first.
        *count = count.saturating_sub(1);
        if *count > 0 {
            return 0;
        }
        *covering &= !bit;
        self.leave(event.rule, lanes)
    }

    fn enter(&mut self, rule: u16, lanes: u64) -> u64 {
        let mut changed = 0;
        for lane in bits(lanes) {
            if let Some(entry) = self.lanes.get_mut(lane).filter(|entry| rule < entry.winner) {
                entry.winner = rule;
                changed |= 1 << lane;
            }
        }
        changed
    }

    fn leave(&mut self, rule: u16, lanes: u64) -> u64 {
        let mut changed = 0;
        for lane in bits(lanes) {
            if let Some(entry) = self.lanes.get_mut(lane).filter(|entry| rule == entry.winner) {
                entry.winner = entry.first_of(&self.covering, usize::from(rule) / 64);
                changed |= 1 << lane;
            }
        }
        changed
    }
}

impl Lane {
    /// The first of its rules among those that cover, none of which stands before the given word.
    fn first_of(&self, covering: &[u64], from: usize) -> u16 {
        let words = self.rules.iter().zip(covering).enumerate().skip(from);
        let mut both = words.map(|(at, (rules, covering))| (at, rules & covering));
        let found = both.find(|(_, word)| *word != 0);
        found.map_or(NO_RULE, |(at, word)| {
            u16::try_from(at * 64 + word.trailing_zeros() as usize).unwrap_or(NO_RULE)
        })
    }
}

/// The positions of the bits that are set.
fn bits(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (mask != 0).then(|| mask.trailing_zeros() as usize);
        mask &= mask.wrapping_sub(1);
        lowest
    })
}

#[cfg(test)]
mod tests {
    use super::super::sweep::first_match;
    use super::*;
    use proptest::prelude::*;

    fn rules() -> impl Strategy<Value = Vec<(u64, Vec<(u8, u8)>)>> {
        let range = (any::<u8>(), any::<u8>()).prop_map(|(a, b)| (a.min(b), a.max(b)));
        prop::collection::vec((0..8u64, prop::collection::vec(range, 0..4)), 0..150)
    }

    proptest! {
        #[test]
        fn many_ends_are_in_order(firsts in prop::collection::vec(any::<u32>(), 0..2000)) {
            let mut ends = Ends::default();
            firsts.iter().for_each(|first| ends.add(0, (*first, first.saturating_add(9))));
            let found: Vec<u32> = ends.sorted().iter().map(|event| event.at).collect();
            let mut expected: Vec<u32> = firsts.iter().flat_map(|first| {
                [Some(*first), first.saturating_add(9).checked_add(1)].into_iter().flatten()
            }).collect();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn each_lane_is_first_match_of_its_rules(rules in rules(), wanted in 0..8u64) {
            let masks: Vec<u64> = rules.iter().map(|(mask, _)| *mask).collect();
            let mut ends = Ends::default();
            for (at, (_, ranges)) in (0u16..).zip(&rules) {
                ranges.iter().for_each(|range| ends.add(at, *range));
            }
            let found = first_matches(&ends.sorted(), &masks, 3, wanted);
            for (lane, found) in found.iter().enumerate() {
                if wanted >> lane & 1 == 0 {
                    prop_assert!(found.is_empty());
                    continue;
                }
                let normal = |(mask, ranges): &(u64, Vec<(u8, u8)>)| {
                    let ranges = ranges.iter().copied().filter(|_| mask >> lane & 1 == 1);
                    crate::net::IntervalSet::from_ranges(ranges)
                };
                let lists: Vec<_> = rules.iter().map(normal).collect();
                let slices: Vec<&[(u8, u8)]> = lists.iter().map(|list| list.ranges()).collect();
                let expected: Vec<Stretch<u8>> = first_match(&slices)
                    .into_iter()
                    .map(|segment| Stretch { last: segment.last, winner: segment.winner.unwrap_or(NO_RULE) })
                    .collect();
                prop_assert_eq!(found, &expected);
            }
        }
    }
}

//! First match on a line: which rule of a prioritised list decides each address. Exact, O(E log E).
//! Must not know what a rule is; generic over the width of addresses, so that tests can be exhaustive.

use crate::net::Bound;

/// A maximal run of values with one winner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<T> {
    pub first: T,
    pub last: T,
    /// Index of the first list that covers the run, `None` where none does.
    pub winner: Option<u16>,
}

/// Splits the whole line by the first of `lists` (in order of precedence) that covers each value.
///
/// The segments are ascending, disjoint and cover the domain; neighbours have different winners.
/// At most `u16::MAX` lists are looked at.
pub fn first_match<T: Bound>(lists: &[&[(T, T)]]) -> Vec<Segment<T>> {
    let mut events: Vec<(T, u16, bool)> = Vec::with_capacity(lists.iter().map(|ranges| ranges.len() * 2).sum());
    for (index, ranges) in (0..u16::MAX).zip(lists) {
        for (first, last) in *ranges {
            events.push((*first, index, true));
            if let Some(after) = last.next() {
                events.push((after, index, false));
            }
        }
    }
    events.sort_unstable();
    let mut active = Active::new(lists.len());
    let mut segments: Vec<Segment<T>> = Vec::with_capacity(events.len() + 1);
    let mut start = T::MIN;
    let mut events = events.into_iter().peekable();
    loop {
        while let Some((_, index, enters)) = events.next_if(|(at, _, _)| *at == start) {
            active.set(index, enters);
        }
        let next = events.peek().map(|(at, _, _)| *at);
        let last = next.and_then(Bound::previous).unwrap_or(T::MAX);
        push(
            &mut segments,
            Segment {
                first: start,
                last,
                winner: active.first(),
            },
        );
        match next {
            Some(at) => start = at,
            None => return segments,
        }
    }
}

fn push<T: Bound>(segments: &mut Vec<Segment<T>>, segment: Segment<T>) {
    match segments.last_mut() {
        Some(open) if open.winner == segment.winner => open.last = segment.last,
        _ => segments.push(segment),
    }
}

/// The lists that cover the current position. A list whose ranges touch leaves and enters at one position, in either
/// order, so coverage is counted and not only set.
struct Active {
    words: Vec<u64>,
    counts: Vec<i8>,
}

impl Active {
    fn new(lists: usize) -> Self {
        Active {
            words: vec![0; lists.div_ceil(64)],
            counts: vec![0; lists],
        }
    }

    fn set(&mut self, index: u16, enters: bool) {
        let (word, bit) = (usize::from(index) / 64, 1u64 << (index % 64));
        let (Some(word), Some(count)) = (self.words.get_mut(word), self.counts.get_mut(usize::from(index))) else {
            return;
        };
        *count += if enters { 1 } else { -1 };
        if *count > 0 { *word |= bit } else { *word &= !bit }
    }

    fn first(&self) -> Option<u16> {
        let (index, word) = (0u16..).zip(&self.words).find(|(_, word)| **word != 0)?;
        u16::try_from(word.trailing_zeros()).ok().map(|bit| index * 64 + bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lists() -> impl Strategy<Value = Vec<Vec<(u8, u8)>>> {
        let range = (any::<u8>(), any::<u8>()).prop_map(|(a, b)| (a.min(b), a.max(b)));
        let ranges = prop::collection::vec(range, 0..4)
            .prop_map(|ranges| crate::net::IntervalSet::from_ranges(ranges).ranges().to_vec());
        prop::collection::vec(ranges, 0..80)
    }

    proptest! {
        #[test]
        fn agrees_with_asking_each_value(lists in lists()) {
            let slices: Vec<&[(u8, u8)]> = lists.iter().map(Vec::as_slice).collect();
            let segments = first_match(&slices);
            prop_assert_eq!(segments.first().map(|s| s.first), Some(0));
            prop_assert_eq!(segments.last().map(|s| s.last), Some(u8::MAX));
            for pair in segments.windows(2) {
                prop_assert_eq!(pair[0].last + 1, pair[1].first);
                prop_assert_ne!(pair[0].winner, pair[1].winner);
            }
            for segment in &segments {
                for value in segment.first..=segment.last {
                    let naive = lists.iter().position(|ranges| ranges.iter().any(|(a, b)| *a <= value && value <= *b));
                    prop_assert_eq!(segment.winner.map(usize::from), naive);
                }
            }
        }
    }
}

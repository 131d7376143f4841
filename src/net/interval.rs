//! Sets of integers as sorted, disjoint, non-adjacent closed ranges. The line that every filter is swept over.

use std::fmt::Debug;

/// An integer that can bound a range: ports (`u16`), IPv4 (`u32`) and IPv6 (`u128`) addresses.
pub trait Bound: Copy + Ord + Debug + Send + Sync + 'static {
    const MIN: Self;
    const MAX: Self;
    /// The next larger value, `None` at the end of the domain.
    fn next(self) -> Option<Self>;
    /// The next smaller value, `None` at the start of the domain.
    fn previous(self) -> Option<Self>;
    fn to_u128(self) -> u128;
}

macro_rules! bound {
    ($($integer:ty),*) => {$(
        impl Bound for $integer {
            const MIN: Self = <$integer>::MIN;
            const MAX: Self = <$integer>::MAX;
            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }
            fn previous(self) -> Option<Self> {
                self.checked_sub(1)
            }
            fn to_u128(self) -> u128 {
                self.into()
            }
        }
    )*};
}

bound!(u8, u16, u32, u128);

/// A set of integers. Two equal sets have equal representations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IntervalSet<T> {
    ranges: Vec<(T, T)>,
}

impl<T> Default for IntervalSet<T> {
    fn default() -> Self {
        IntervalSet { ranges: Vec::new() }
    }
}

impl<T: Bound> IntervalSet<T> {
    pub fn empty() -> Self {
        Self::default()
    }

    pub fn full() -> Self {
        Self::range(T::MIN, T::MAX)
    }

    /// The closed range from `first` to `last`; empty when `first > last`.
    pub fn range(first: T, last: T) -> Self {
        if first > last {
            Self::empty()
        } else {
            IntervalSet {
                ranges: vec![(first, last)],
            }
        }
    }

    /// The union of closed ranges in any order; ranges with `first > last` count as empty.
    pub fn from_ranges(ranges: impl IntoIterator<Item = (T, T)>) -> Self {
        let ranges = ranges.into_iter().filter(|(first, last)| first <= last);
        let (mut merged, ascending) = merge(ranges);
        if !ascending {
            merged.sort_unstable();
            merged = merge(merged.into_iter()).0;
        }
        IntervalSet { ranges: merged }
    }

    /// The ranges, ascending.
    pub fn ranges(&self) -> &[(T, T)] {
        &self.ranges
    }

    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.ranges.as_slice() == [(T::MIN, T::MAX)]
    }

    pub fn contains(&self, value: T) -> bool {
        if let [(first, last)] = self.ranges.as_slice() {
            return *first <= value && value <= *last;
        }
        let after = self.ranges.partition_point(|(first, _)| *first <= value);
        after
            .checked_sub(1)
            .and_then(|index| self.ranges.get(index))
            .is_some_and(|(_, last)| value <= *last)
    }

    /// How many values; saturates at `u128::MAX` (only the full IPv6 space has one more).
    pub fn count(&self) -> u128 {
        let size = |(first, last): &(T, T)| (last.to_u128() - first.to_u128()).saturating_add(1);
        self.ranges.iter().map(size).fold(0, u128::saturating_add)
    }

    pub fn union(&self, other: &Self) -> Self {
        match (self.is_empty(), other.is_empty()) {
            (true, _) => other.clone(),
            (_, true) => self.clone(),
            _ => Self::from_ranges(self.ranges.iter().chain(&other.ranges).copied()),
        }
    }

    pub fn intersection(&self, other: &Self) -> Self {
        let (mut left, mut right) = (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        let mut ranges = Vec::new();
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            let (first, last) = (a.0.max(b.0), a.1.min(b.1));
            if first <= last {
                ranges.push((first, last));
            }
            if a.1 < b.1 {
                left.next()
            } else {
                right.next()
            };
        }
        IntervalSet { ranges }
    }

    pub fn complement(&self) -> Self {
        let mut ranges = Vec::with_capacity(self.ranges.len() + 1);
        let mut start = Some(T::MIN);
        for (first, last) in &self.ranges {
            if let (Some(from), Some(to)) = (start, first.previous())
                && from <= to
            {
                ranges.push((from, to));
            }
            start = last.next();
        }
        if let Some(from) = start {
            ranges.push((from, T::MAX));
        }
        IntervalSet { ranges }
    }

    pub fn difference(&self, other: &Self) -> Self {
        if other.is_empty() || self.is_empty() {
            return self.clone();
        }
        self.intersection(&other.complement())
    }

    /// Asks for each range of the shorter set: mostly one side is a single range.
    pub fn intersects(&self, other: &Self) -> bool {
        let (few, many) = if self.ranges.len() <= other.ranges.len() {
            (self, other)
        } else {
            (other, self)
        };
        few.ranges
            .iter()
            .any(|(first, last)| many.intersects_range(*first, *last))
    }

    /// Whether any value from `first` to `last` is in the set.
    pub fn intersects_range(&self, first: T, last: T) -> bool {
        let after = self.ranges.partition_point(|(_, end)| *end < first);
        self.ranges.get(after).is_some_and(|(start, _)| *start <= last)
    }

    pub fn is_superset(&self, other: &Self) -> bool {
        other.difference(self).is_empty()
    }
}

/// Joins ranges that touch, as far as they come in order; answers whether all do.
fn merge<T: Bound>(ranges: impl Iterator<Item = (T, T)>) -> (Vec<(T, T)>, bool) {
    let mut merged: Vec<(T, T)> = Vec::with_capacity(ranges.size_hint().0);
    let mut ascending = true;
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(open) if open.0 <= first && touches(open.1, first) => open.1 = open.1.max(last),
            Some(open) => {
                ascending &= open.0 <= first;
                merged.push((first, last));
            }
            None => merged.push((first, last)),
        }
    }
    (merged, ascending)
}

fn touches<T: Bound>(last: T, first: T) -> bool {
    first <= last || last.next() == Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use range_set_blaze::RangeSetBlaze;

    fn ranges() -> impl Strategy<Value = Vec<(u8, u8)>> {
        prop::collection::vec((any::<u8>(), any::<u8>()).prop_map(|(a, b)| (a.min(b), a.max(b))), 0..6)
    }

    fn model(ranges: &[(u8, u8)]) -> RangeSetBlaze<u8> {
        ranges.iter().map(|(first, last)| *first..=*last).collect()
    }

    fn same(ours: &IntervalSet<u8>, theirs: &RangeSetBlaze<u8>) -> bool {
        ours.ranges()
            .iter()
            .map(|(first, last)| *first..=*last)
            .eq(theirs.ranges())
    }

    proptest! {
        #[test]
        fn agrees_with_an_independent_set(a in ranges(), b in ranges()) {
            let (x, y) = (IntervalSet::from_ranges(a.iter().copied()), IntervalSet::from_ranges(b.iter().copied()));
            let (p, q) = (model(&a), model(&b));
            prop_assert!(same(&x, &p));
            prop_assert!(same(&x.union(&y), &(&p | &q)));
            prop_assert!(same(&x.intersection(&y), &(&p & &q)));
            prop_assert!(same(&x.difference(&y), &(&p - &q)));
            prop_assert!(same(&x.complement(), &!&p));
            prop_assert_eq!(x.intersects(&y), !(&p & &q).is_empty());
            prop_assert_eq!(x.is_superset(&y), p.is_superset(&q));
            for value in 0..=u8::MAX {
                prop_assert_eq!(x.contains(value), p.contains(value));
            }
        }
    }

    #[test]
    fn counts_to_the_ends_of_the_domain() {
        assert_eq!(IntervalSet::<u32>::full().count(), 1 << 32);
        assert_eq!(IntervalSet::<u128>::full().count(), u128::MAX);
        assert!(IntervalSet::<u128>::full().complement().is_empty());
    }
}

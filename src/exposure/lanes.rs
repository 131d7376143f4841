//! First match for a few ports and both layers in one pass. Prefixes nest: walking them in the order in which they begin,
//! the rules in force at a place are those of the blocks around it, and the first of them is found when a block is entered
//! and again when it is left. Exact, O(n) for n sorted prefixes, whatever the priorities.
//! Must not know what a rule is. [`super::sweep`] asks one question of any lists and is the slower, plainer of the two.

use super::passage::{NO_RULE, Outcome, Run};
use crate::net::{Bound, blocks};

/// The ports that one pass answers.
pub const LANES: usize = 4;

/// Most rules that a layer can have: a mark has a bit less than a number.
pub const MOST_RULES: usize = (u16::MAX >> 1) as usize;

/// For each lane a rule by its mark: rules that come first have smaller ones.
pub type Row = [Mark; LANES];

/// Position of a rule and whether it denies, so that the smaller of two marks is that of the rule that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u16);

impl Mark {
    /// No rule covers it, and that denies.
    pub const NOTHING: Mark = Mark(u16::MAX);
    /// No group stands there, so all passes.
    pub const OPEN: Mark = Mark(u16::MAX - 1);

    pub fn of(position: u16, allows: bool) -> Self {
        Mark(position << 1 | u16::from(!allows))
    }

    fn position(self) -> usize {
        usize::from(self.0 >> 1)
    }

    fn allows(self) -> bool {
        self.0 & 1 == 0
    }
}

/// The values of a rule that share a prefix.
#[derive(Clone, Copy, Debug)]
pub struct Block<T> {
    first: T,
    /// Bits that all have in common.
    length: u8,
    /// Position of the rule.
    rule: u16,
}

/// The blocks of rules in the order in which they begin, outer before inner. The ranges of one rule may overlap.
#[derive(Clone, Debug)]
pub struct Blocks<T> {
    sorted: Vec<Block<T>>,
}

impl<T: Line> Blocks<T> {
    /// Splits ranges, each with the position of its rule, into blocks and sorts them.
    pub fn of(ranges: impl Iterator<Item = (u16, (T, T))>) -> Self {
        let mut sorted = Vec::with_capacity(ranges.size_hint().1.unwrap_or_default());
        for (rule, (first, last)) in ranges {
            if let Some(length) = T::common(first, last) {
                sorted.push(Block { first, length, rule });
                continue;
            }
            let parts = blocks(first, last);
            sorted.extend(parts.map(|(first, length)| Block { first, length, rule }));
        }
        T::sort(&mut sorted);
        Blocks { sorted }
    }
}

/// A line of values whose prefixes are known.
pub trait Line: Bound + TryFrom<u128> {
    /// The last value of a block.
    fn end(first: Self, length: u8) -> Self;

    /// How long the prefix of a range is, where it is all that has the prefix.
    fn common(first: Self, last: Self) -> Option<u8>;

    fn sort(blocks: &mut Vec<Block<Self>>) {
        blocks.sort_unstable_by_key(|block| (block.first, block.length));
    }
}

macro_rules! line {
    ($integer:ty $(, $sort:item)?) => {
        impl Line for $integer {
            fn end(first: Self, length: u8) -> Self {
                first | <$integer>::MAX.checked_shr(length.into()).unwrap_or(0)
            }
            fn common(first: Self, last: Self) -> Option<u8> {
                let host = first ^ last;
                let block = first <= last && host & host.wrapping_add(1) == 0 && first & host == 0;
                block.then_some(host.leading_zeros().to_le_bytes()[0])
            }
            $($sort)?
        }
    };
}

line!(u8);
line!(u128);
line!(
    u32,
    fn sort(blocks: &mut Vec<Block<u32>>) {
        sort_large(blocks);
    }
);

/// Fewer are sorted faster by comparing.
const FEW: usize = 512;
const DIGIT: u32 = 11;
const BUCKETS: usize = 1 << DIGIT;

/// By eleven bits at a time, from the lowest: comparing would take most of the time of a large group.
fn sort_large(blocks: &mut Vec<Block<u32>>) {
    if blocks.len() < FEW {
        return blocks.sort_unstable_by_key(|block| (block.first, block.length));
    }
    let digit = |block: &Block<u32>, at: u32| (block.first >> (at * DIGIT)) as usize % BUCKETS;
    let mut starts = [[0u32; BUCKETS]; 3];
    for block in &*blocks {
        for (at, counts) in (0..).zip(&mut starts) {
            if let Some(count) = counts.get_mut(digit(block, at)) {
                *count += 1;
            }
        }
    }
    let mut sorted = blocks.clone();
    for (at, starts) in (0..).zip(&mut starts) {
        let mut next = 0;
        for start in starts.iter_mut() {
            next += std::mem::replace(start, next);
        }
        for block in &*blocks {
            if let Some(start) = starts.get_mut(digit(block, at)) {
                if let Some(place) = sorted.get_mut(*start as usize) {
                    *place = *block;
                }
                *start += 1;
            }
        }
        std::mem::swap(blocks, &mut sorted);
    }
    for alike in blocks.chunk_by_mut(|a, b| a.first == b.first) {
        if alike.len() > 1 {
            alike.sort_unstable_by_key(|block| block.length);
        }
    }
}

/// One layer of rules.
pub struct Side<'b, T> {
    pub blocks: Option<&'b Blocks<T>>,
    /// For each rule its mark in the lanes that it bears on, [`Mark::NOTHING`] in all others.
    pub rows: &'b [Row],
    /// What is so where no rule covers.
    pub otherwise: Mark,
    /// Of each rule what it is called in the answer.
    pub names: &'b [u16],
}

impl<T: Line> Side<'_, T> {
    fn blocks(&self) -> &[Block<T>] {
        self.blocks.map_or(&[], |blocks| &blocks.sorted)
    }

    fn name(&self, mark: Mark) -> u16 {
        self.names.get(mark.position()).copied().unwrap_or(NO_RULE)
    }
}

/// The marks that decide at a place, at the outer side and at the inner one.
type State = [Row; 2];

/// A block around the current place.
struct Around<T> {
    last: T,
    /// What is so behind it.
    behind: State,
}

/// Splits the line for each lane by what decides about each value: the outer side's rule, and where that lets it pass
/// the inner one's. Only the lanes in `wanted` are answered, the others stay empty.
pub fn runs<T: Line>(sides: &[Side<'_, T>; 2], wanted: [bool; LANES]) -> [Vec<Run<T>>; LANES] {
    let mut state = sides.each_ref().map(|side| [side.otherwise; LANES]);
    let mut lanes = Lanes::new(sides, wanted, &state);
    let mut around: Vec<Around<T>> = Vec::with_capacity(64);
    // From here on `state` is so, up to where the innermost block ends or the next one begins.
    let mut at = T::MIN;
    for (side, block) in in_order(sides) {
        let Some(row) = sides.get(side).and_then(|side| side.rows.get(usize::from(block.rule))) else {
            continue;
        };
        // Where the block ends that was left last, something else may have begun.
        while let Some(left) = around.pop_if(|block_around| block_around.last < block.first) {
            lanes.leave(&mut at, &mut state, left);
        }
        let Some(inner) = state.get(side).map(|outer| least(outer, row)) else {
            continue;
        };
        if state.get(side) == Some(&inner) {
            continue;
        }
        if at < block.first {
            lanes.show(at, &state);
        }
        around.push(Around {
            last: T::end(block.first, block.length),
            behind: state,
        });
        if let Some(row) = state.get_mut(side) {
            *row = inner;
        }
        at = block.first;
    }
    while let Some(left) = around.pop() {
        if left.last == T::MAX {
            break;
        }
        lanes.leave(&mut at, &mut state, left);
    }
    lanes.show(at, &state);
    lanes.finish()
}

/// The blocks of both sides in one order.
fn in_order<T: Line>(sides: &[Side<'_, T>; 2]) -> impl Iterator<Item = (usize, Block<T>)> {
    let [outer, inner] = sides.each_ref().map(Side::blocks);
    let (mut outer, mut inner) = (outer.iter(), inner.iter());
    let (mut one, mut other) = (outer.next(), inner.next());
    let begins = |block: &Block<T>| (block.first, block.length);
    std::iter::from_fn(move || match (one, other) {
        (Some(block), None) => {
            one = outer.next();
            Some((0, *block))
        }
        (Some(block), Some(rival)) if begins(block) <= begins(rival) => {
            one = outer.next();
            Some((0, *block))
        }
        (_, Some(block)) => {
            other = inner.next();
            Some((1, *block))
        }
        (None, None) => None,
    })
}

fn least(one: &Row, other: &Row) -> Row {
    let mut least = *one;
    for (mark, other) in least.iter_mut().zip(other) {
        *mark = (*mark).min(*other);
    }
    least
}

/// The answers so far.
struct Lanes<'s, 'b, T> {
    sides: &'s [Side<'b, T>; 2],
    shown: State,
    lanes: [Lane<T>; LANES],
}

struct Lane<T> {
    wanted: bool,
    /// What has decided since `first`.
    deciding: [Mark; 2],
    first: T,
    runs: Vec<Run<T>>,
}

impl<'s, 'b, T: Line> Lanes<'s, 'b, T> {
    fn new(sides: &'s [Side<'b, T>; 2], wanted: [bool; LANES], state: &State) -> Self {
        let [outer, inner] = state;
        let room = sides.iter().map(|side| side.blocks().len()).sum::<usize>() / 2 + 4;
        let mut marks = outer.iter().zip(inner);
        let lanes = wanted.map(|wanted| Lane {
            wanted,
            deciding: marks
                .next()
                .map_or([Mark::NOTHING; 2], |(outer, inner)| deciding(*outer, *inner)),
            first: T::MIN,
            runs: Vec::with_capacity(if wanted { room } else { 0 }),
        });
        Lanes {
            sides,
            shown: *state,
            lanes,
        }
    }

    /// Passes the end of a block.
    fn leave(&mut self, at: &mut T, state: &mut State, left: Around<T>) {
        if *at <= left.last {
            self.show(*at, state);
        }
        *state = left.behind;
        if let Some(after) = left.last.next() {
            *at = after;
        }
    }

    /// From `at` on, `state` is so.
    fn show(&mut self, at: T, state: &State) {
        if self.shown == *state {
            return;
        }
        self.shown = *state;
        let [outer, inner] = state;
        let marks = outer.iter().zip(inner);
        for (lane, (outer, inner)) in self.lanes.iter_mut().zip(marks).filter(|(lane, _)| lane.wanted) {
            let now = deciding(*outer, *inner);
            if lane.deciding == now {
                continue;
            }
            if let Some(last) = at.previous().filter(|last| lane.first <= *last) {
                lane.runs.push(run(self.sides, lane.first, last, lane.deciding));
            }
            lane.first = at;
            lane.deciding = now;
        }
    }

    fn finish(self) -> [Vec<Run<T>>; LANES] {
        let sides = self.sides;
        self.lanes.map(|mut lane| {
            if lane.wanted {
                lane.runs.push(run(sides, lane.first, T::MAX, lane.deciding));
            }
            lane.runs
        })
    }
}

/// What the outer side stops never comes to the inner one.
fn deciding(outer: Mark, inner: Mark) -> [Mark; 2] {
    [outer, if outer.allows() { inner } else { Mark::NOTHING }]
}

fn run<T: Line>(sides: &[Side<'_, T>; 2], first: T, last: T, marks: [Mark; 2]) -> Run<T> {
    let ([outer, inner], [one, other]) = (sides, marks);
    let outcome = match (one.allows(), other.allows()) {
        (false, _) => Outcome::Stopped(Some(0)),
        (true, false) => Outcome::Stopped(Some(1)),
        (true, true) => Outcome::Admitted,
    };
    Run::new(first, last, [outer.name(one), inner.name(other)], outcome)
}

#[cfg(test)]
mod tests {
    use super::super::sweep::first_match;
    use super::*;
    use crate::net::IntervalSet;
    use proptest::prelude::*;

    /// A rule: the lanes that it bears on, whether it allows, its ranges.
    type Rule = ([bool; LANES], bool, Vec<(u8, u8)>);

    fn rules() -> impl Strategy<Value = Vec<Rule>> {
        let range = (any::<u8>(), any::<u8>()).prop_map(|(a, b)| (a.min(b), a.max(b)));
        let block = (any::<u8>(), 0..=8u8).prop_map(|(address, length)| {
            let first = address & !u8::MAX.checked_shr(length.into()).unwrap_or(0);
            (first, u8::end(first, length))
        });
        let ranges = prop::collection::vec(prop_oneof![range, block.clone(), block], 0..5);
        prop::collection::vec((any::<[bool; LANES]>(), any::<bool>(), ranges), 0..60)
    }

    fn rows(rules: &[Rule]) -> Vec<Row> {
        let row = |(at, (lanes, allows, _)): (u16, &Rule)| {
            lanes.map(|lane| if lane { Mark::of(at, *allows) } else { Mark::NOTHING })
        };
        (0..).zip(rules).map(row).collect()
    }

    fn sorted(rules: &[Rule]) -> Blocks<u8> {
        let ranges = (0u16..)
            .zip(rules)
            .flat_map(|(at, (.., ranges))| ranges.iter().map(move |range| (at, *range)));
        Blocks::of(ranges)
    }

    /// For each value the rule that decides in a lane, asked one by one.
    fn naive(rules: &[Rule], lane: usize, value: u8) -> Option<usize> {
        let covers = |(lanes, _, ranges): &Rule| lanes[lane] && ranges.iter().any(|(a, b)| (*a..=*b).contains(&value));
        rules.iter().position(covers)
    }

    proptest! {
        #[test]
        fn blocks_are_in_order_and_whole(firsts in prop::collection::vec((any::<u32>(), 0..=32u8), 0..2000)) {
            let ranges: Vec<(u16, (u32, u32))> = firsts
                .iter()
                .map(|(address, length)| {
                    let first = address & !u32::MAX.checked_shr((*length).into()).unwrap_or(0);
                    (0, (first, u32::end(first, *length)))
                })
                .collect();
            let found = Blocks::of(ranges.iter().copied()).sorted;
            let found: Vec<(u32, u8)> = found.iter().map(|block| (block.first, block.length)).collect();
            let mut expected: Vec<(u32, u8)> = ranges
                .iter()
                .zip(&firsts)
                .map(|((_, (first, _)), (_, length))| (*first, *length))
                .collect();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn each_lane_is_first_match_of_both_sides(outer in rules(), inner in rules(), wanted in any::<[bool; LANES]>()) {
            let (rows, blocks) = ([rows(&outer), rows(&inner)], [sorted(&outer), sorted(&inner)]);
            let names: Vec<u16> = (0..100).collect();
            let side = |at: usize| Side {
                blocks: Some(&blocks[at]),
                rows: &rows[at],
                otherwise: Mark::NOTHING,
                names: &names,
            };
            let found = runs(&[side(0), side(1)], wanted);
            for (lane, runs) in found.iter().enumerate() {
                if !wanted[lane] {
                    prop_assert!(runs.is_empty());
                    continue;
                }
                prop_assert_eq!(runs.first().map(|run| run.first), Some(0));
                prop_assert_eq!(runs.last().map(|run| run.last), Some(u8::MAX));
                for pair in runs.windows(2) {
                    prop_assert_eq!(pair[0].last + 1, pair[1].first);
                    prop_assert!(!pair[0].alike(&pair[1]));
                }
                for run in runs {
                    for value in run.first..=run.last {
                        let at_subnet = naive(&outer, lane, value);
                        let passes = at_subnet.is_some_and(|at| outer[at].1);
                        let at_nic = naive(&inner, lane, value).filter(|_| passes);
                        let name = |at: Option<usize>| at.map_or(NO_RULE, |at| at as u16);
                        prop_assert_eq!(run.deciders(), [name(at_subnet), name(at_nic)]);
                        let outcome = match (passes, at_nic.is_some_and(|at| inner[at].1)) {
                            (false, _) => Outcome::Stopped(Some(0)),
                            (true, false) => Outcome::Stopped(Some(1)),
                            (true, true) => Outcome::Admitted,
                        };
                        prop_assert_eq!(run.outcome(), outcome);
                    }
                }
            }
        }

        /// The one-question sweep, which knows nothing of blocks, splits the line alike.
        #[test]
        fn one_side_is_the_plain_sweep(rules in rules()) {
            let names: Vec<u16> = (0..100).collect();
            let (rows, blocks) = (rows(&rules), sorted(&rules));
            let subnet = Side { blocks: Some(&blocks), rows: &rows, otherwise: Mark::NOTHING, names: &names };
            let open = Side { blocks: None, rows: &[], otherwise: Mark::OPEN, names: &[] };
            let [runs, ..] = runs(&[subnet, open], [true; LANES]);
            let of_lane = |(lanes, _, ranges): &Rule| IntervalSet::from_ranges(ranges.iter().copied().filter(|_| lanes[0]));
            let lists: Vec<_> = rules.iter().map(of_lane).collect();
            let slices: Vec<&[(u8, u8)]> = lists.iter().map(|list| list.ranges()).collect();
            let expected: Vec<(u8, u8, u16)> = first_match(&slices)
                .into_iter()
                .map(|segment| (segment.first, segment.last, segment.winner.unwrap_or(NO_RULE)))
                .collect();
            let found: Vec<(u8, u8, u16)> = runs.iter().map(|run| (run.first, run.last, run.deciders()[0])).collect();
            prop_assert_eq!(found, expected);
        }
    }
}

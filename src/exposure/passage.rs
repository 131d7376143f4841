//! What becomes of the sources of one port: runs of them that all layers treat alike, with the rules that decided.
//! Kept small, since a large group has thousands of runs for each port; read as [`Passage`]s.

use super::deciding::Deciding;
use crate::net::{AddressRange, AddressSet, Bound, IntervalSet};

/// A rule that decided: group and rule by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleRef {
    pub nsg: u32,
    /// Index among the stated rules followed by the default rules.
    pub rule: u16,
}

/// A run of sources that all layers treat alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    pub range: AddressRange,
    pub admitted: bool,
    /// What decided at the subnet and at the interface.
    pub deciders: [Option<RuleRef>; 2],
    /// The layer that stopped it, `None` when admitted or when no rule of a known group did.
    pub stopped_at: Option<u8>,
    /// The security admin rule that settled it before any group, by its position among those rules.
    pub admin: Option<u32>,
}

/// No rule, among rules by position, which need a bit less than a number.
pub(super) const NO_RULE: u16 = u16::MAX >> 1;
const NO_ADMIN_RULE: u32 = u32::MAX;
/// The bit of a decider beside its rule: half of what became of the run.
const HALF: u16 = !NO_RULE;

/// A passage without what all of its list have in common, twelve bytes for IPv4: most of what an analysis keeps are runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run<T> {
    pub first: T,
    pub last: T,
    /// The deciding rules at the subnet and at the interface, each with half of the outcome.
    marked: [u16; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Admitted,
    /// At the subnet, at the interface, or by no rule of a known group.
    Stopped(Option<u8>),
}

impl Outcome {
    fn halves(self) -> [bool; 2] {
        match self {
            Outcome::Admitted => [false, false],
            Outcome::Stopped(Some(0)) => [true, false],
            Outcome::Stopped(Some(_)) => [false, true],
            Outcome::Stopped(None) => [true, true],
        }
    }
}

impl<T> Run<T> {
    /// `deciders` are the indexes of the deciding rules at the subnet and at the interface, or [`NO_RULE`].
    pub fn new(first: T, last: T, deciders: [u16; 2], outcome: Outcome) -> Self {
        let [outer, inner] = deciders.map(|rule| rule & NO_RULE);
        let [one, other] = outcome.halves().map(|half| if half { HALF } else { 0 });
        Run {
            first,
            last,
            marked: [outer | one, inner | other],
        }
    }

    /// Whether the same decides about the sources of another run.
    pub fn alike(&self, other: &Self) -> bool {
        self.marked == other.marked
    }

    pub fn deciders(&self) -> [u16; 2] {
        self.marked.map(|rule| rule & NO_RULE)
    }

    pub fn outcome(&self) -> Outcome {
        match self.marked.map(|rule| rule & HALF != 0) {
            [false, false] => Outcome::Admitted,
            [true, false] => Outcome::Stopped(Some(0)),
            [false, true] => Outcome::Stopped(Some(1)),
            [true, true] => Outcome::Stopped(None),
        }
    }

    fn is_admitted(&self) -> bool {
        let [outer, inner] = self.marked;
        (outer | inner) & HALF == 0
    }
}

/// An address family as the bounds of its ranges.
pub(super) trait Address: Bound {
    const FULL: &'static [(Self, Self)];
    fn ranges(set: &AddressSet) -> &[(Self, Self)];
    fn range(first: Self, last: Self) -> AddressRange;
    /// The ends of a range of this family.
    fn ends(range: AddressRange) -> Option<(Self, Self)>;
    fn parts(passages: &Passages) -> &[Part<Self>];
    fn parts_mut(passages: &mut Passages) -> &mut Vec<Part<Self>>;
}

macro_rules! address {
    ($integer:ty, $variant:ident, $field:ident) => {
        impl Address for $integer {
            const FULL: &'static [(Self, Self)] = &[(Self::MIN, Self::MAX)];
            fn ranges(set: &AddressSet) -> &[(Self, Self)] {
                set.$field.ranges()
            }
            fn range(first: Self, last: Self) -> AddressRange {
                AddressRange::$variant(first, last)
            }
            fn ends(range: AddressRange) -> Option<(Self, Self)> {
                match range {
                    AddressRange::$variant(first, last) => Some((first, last)),
                    _ => None,
                }
            }
            fn parts(passages: &Passages) -> &[Part<Self>] {
                &passages.$field
            }
            fn parts_mut(passages: &mut Passages) -> &mut Vec<Part<Self>> {
                &mut passages.$field
            }
        }
    };
}

address!(u32, V4, v4);
address!(u128, V6, v6);

/// The runs of one class of source ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part<T> {
    runs: Vec<Run<T>>,
    /// The security admin rule that settled each run, or [`NO_ADMIN_RULE`]; empty where none settled any.
    admin: Vec<u32>,
}

impl<T> Part<T> {
    fn admin(&self, at: usize) -> Option<u32> {
        self.admin.get(at).copied().filter(|rule| *rule != NO_ADMIN_RULE)
    }

    /// The runs, each with the admin rule that settled it.
    fn iter(&self) -> impl Iterator<Item = (&Run<T>, Option<u32>)> {
        self.runs.iter().enumerate().map(|(at, run)| (run, self.admin(at)))
    }
}

/// The passages to one port. Each part is ascending and disjoint, and there is one for each class of source ports that
/// the rules tell apart: a client chooses its source port, so what one class admits is admitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passages {
    /// The groups that `deciders` of runs belong to, by index.
    groups: [u32; 2],
    v4: Vec<Part<u32>>,
    v6: Vec<Part<u128>>,
}

impl Passages {
    /// None yet, decided by the groups of two layers.
    pub(super) fn of(groups: [u32; 2]) -> Self {
        Passages {
            groups,
            ..Passages::default()
        }
    }

    /// All of a set, passed or stopped by no rule.
    pub(super) fn all_of(set: &AddressSet, admitted: bool) -> Self {
        let outcome = if admitted {
            Outcome::Admitted
        } else {
            Outcome::Stopped(None)
        };
        let mut all = Passages::default();
        all.add_part(runs_of::<u32>(set, outcome));
        all.add_part(runs_of::<u128>(set, outcome));
        all
    }

    /// Adds the runs of one class of source ports.
    pub(super) fn add_part<T: Address>(&mut self, runs: Vec<Run<T>>) {
        let part = Part {
            runs,
            admin: Vec::new(),
        };
        let parts = T::parts_mut(self);
        if parts.last() != Some(&part) {
            parts.push(part);
        }
    }

    /// Every passage, part by part.
    pub fn iter(&self) -> impl Iterator<Item = Passage> + '_ {
        let v4 = self.v4.iter().flat_map(Part::iter).map(|run| self.passage(run));
        v4.chain(self.v6.iter().flat_map(Part::iter).map(|run| self.passage(run)))
    }

    /// The passages that have some source in a set; one that meets several ranges of it comes several times.
    pub(super) fn meeting<'p>(&'p self, set: &'p AddressSet) -> impl Iterator<Item = Passage> + 'p {
        let v4 = clipped::<u32>(self, set).map(|(run, _)| self.passage(run));
        v4.chain(clipped::<u128>(self, set).map(|(run, _)| self.passage(run)))
    }

    /// The sources of a set that are admitted.
    pub fn admitted_within(&self, set: &AddressSet) -> AddressSet {
        self.admitted_by(set, &mut Deciding::default())
    }

    /// The same, with the rules that let them in.
    pub(super) fn admitted_by(&self, set: &AddressSet, by: &mut Deciding) -> AddressSet {
        for (rules, group) in by.groups.iter_mut().zip(self.groups) {
            rules.nsg = group;
        }
        AddressSet {
            v4: IntervalSet::from_ranges(admitted_of::<u32>(self, set, by)),
            v6: IntervalSet::from_ranges(admitted_of::<u128>(self, set, by)),
        }
    }

    /// Every passage replaced by others of the same sources.
    pub(super) fn repainted(&self, paint: impl Fn(Passage, &mut Vec<Passage>)) -> Self {
        let mut painted = Passages::of(self.groups);
        painted.v4 = repainted_parts(self, &paint);
        painted.v6 = repainted_parts(self, &paint);
        painted
    }

    fn passage<T: Address>(&self, (run, admin): (&Run<T>, Option<u32>)) -> Passage {
        let ([outer, inner], [subnet, nic]) = (self.groups, run.deciders());
        let decider = |nsg, rule| (rule != NO_RULE).then_some(RuleRef { nsg, rule });
        Passage {
            range: T::range(run.first, run.last),
            admitted: run.is_admitted(),
            deciders: [decider(outer, subnet), decider(inner, nic)],
            stopped_at: match run.outcome() {
                Outcome::Admitted => None,
                Outcome::Stopped(layer) => layer,
            },
            admin,
        }
    }
}

fn runs_of<T: Address>(set: &AddressSet, outcome: Outcome) -> Vec<Run<T>> {
    let run = |(first, last): &(T, T)| Run::new(*first, *last, [NO_RULE; 2], outcome);
    T::ranges(set).iter().map(run).collect()
}

/// A run with the admin rule that settled it, and what it has in common with a set.
type Clipped<'p, T> = ((&'p Run<T>, Option<u32>), (T, T));

/// The runs that meet a set, with what they have in common with it.
fn clipped<'p, T: Address>(passages: &'p Passages, set: &'p AddressSet) -> impl Iterator<Item = Clipped<'p, T>> + 'p {
    let of_part = |part: &'p Part<T>| T::ranges(set).iter().flat_map(move |range| clipped_to(part, *range));
    T::parts(passages).iter().flat_map(of_part)
}

fn clipped_to<T: Bound>(part: &Part<T>, (first, last): (T, T)) -> impl Iterator<Item = Clipped<'_, T>> {
    let from = part.runs.partition_point(|run| run.last < first);
    let met = (from..)
        .zip(part.runs.iter().skip(from))
        .take_while(move |(_, run)| run.first <= last);
    met.map(move |(at, run)| ((run, part.admin(at)), (run.first.max(first), run.last.min(last))))
}

/// The ranges of a set that are admitted, ascending in each part.
fn admitted_of<T: Address>(passages: &Passages, set: &AddressSet, by: &mut Deciding) -> Vec<(T, T)> {
    let mut admitted: Vec<(T, T)> = Vec::new();
    let [subnet, nic] = &mut by.groups;
    for part in T::parts(passages) {
        for range in T::ranges(set) {
            for ((run, admin), (first, last)) in clipped_to(part, *range).filter(|((run, _), _)| run.is_admitted()) {
                let [outer, inner] = run.deciders();
                if outer != NO_RULE {
                    subnet.insert(outer);
                }
                if inner != NO_RULE {
                    nic.insert(inner);
                }
                by.admin.extend(admin);
                match admitted.last_mut() {
                    Some(open) if open.1.next() == Some(first) => open.1 = last,
                    _ => admitted.push((first, last)),
                }
            }
        }
    }
    admitted
}

fn repainted_parts<T: Address>(passages: &Passages, paint: &impl Fn(Passage, &mut Vec<Passage>)) -> Vec<Part<T>> {
    let of_part = |part: &Part<T>| {
        let mut painted = Vec::with_capacity(part.runs.len());
        part.iter().for_each(|run| paint(passages.passage(run), &mut painted));
        painted.sort_by_key(|passage| passage.range);
        let of_family = painted
            .iter()
            .filter_map(|passage| Some((run_of::<T>(passage)?, passage.admin)));
        let (runs, admin): (Vec<Run<T>>, Vec<Option<u32>>) = of_family.unzip();
        let settled = admin.iter().any(Option::is_some);
        let admin = admin.into_iter().filter(|_| settled);
        Part {
            runs,
            admin: admin.map(|rule| rule.unwrap_or(NO_ADMIN_RULE)).collect(),
        }
    };
    T::parts(passages).iter().map(of_part).collect()
}

fn run_of<T: Address>(passage: &Passage) -> Option<Run<T>> {
    let (first, last) = T::ends(passage.range)?;
    let rule = |decider: Option<RuleRef>| decider.map_or(NO_RULE, |decider| decider.rule);
    let outcome = match passage.admitted {
        true => Outcome::Admitted,
        false => Outcome::Stopped(passage.stopped_at),
    };
    Some(Run::new(first, last, passage.deciders.map(rule), outcome))
}

/// The admitted sources among passages.
pub fn admitted(passages: &Passages) -> AddressSet {
    passages.admitted_within(&AddressSet::full())
}

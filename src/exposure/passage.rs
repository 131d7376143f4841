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

/// No rule, among rules by position.
pub(super) const NO_RULE: u16 = u16::MAX;
const NO_ADMIN_RULE: u32 = u32::MAX;

/// A passage without what all of its list have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run<T> {
    pub first: T,
    pub last: T,
    /// Index of the deciding rule at the subnet and at the interface, or [`NO_RULE`].
    pub deciders: [u16; 2],
    admin: u32,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Admitted,
    /// By the layer of this number, or by none.
    Stopped(Option<u8>),
}

impl<T> Run<T> {
    pub fn new(first: T, last: T, deciders: [u16; 2], outcome: Outcome) -> Self {
        Run {
            first,
            last,
            deciders,
            admin: NO_ADMIN_RULE,
            outcome,
        }
    }

    /// Whether the same decides about the sources of another run.
    pub fn alike(&self, other: &Self) -> bool {
        (self.deciders, self.outcome, self.admin) == (other.deciders, other.outcome, other.admin)
    }
}

/// An address family as the bounds of its ranges.
pub(super) trait Address: Bound {
    const FULL: &'static [(Self, Self)];
    fn ranges(set: &AddressSet) -> &[(Self, Self)];
    fn range(first: Self, last: Self) -> AddressRange;
    /// The ends of a range of this family.
    fn ends(range: AddressRange) -> Option<(Self, Self)>;
    fn parts(passages: &Passages) -> &[Vec<Run<Self>>];
    fn parts_mut(passages: &mut Passages) -> &mut Vec<Vec<Run<Self>>>;
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
            fn parts(passages: &Passages) -> &[Vec<Run<Self>>] {
                &passages.$field
            }
            fn parts_mut(passages: &mut Passages) -> &mut Vec<Vec<Run<Self>>> {
                &mut passages.$field
            }
        }
    };
}

address!(u32, V4, v4);
address!(u128, V6, v6);

/// The passages to one port. Each part is ascending and disjoint, and there is one for each class of source ports that
/// the rules tell apart: a client chooses its source port, so what one class admits is admitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passages {
    /// The groups that `deciders` of runs belong to, by index.
    groups: [u32; 2],
    v4: Vec<Vec<Run<u32>>>,
    v6: Vec<Vec<Run<u128>>>,
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
        let parts = T::parts_mut(self);
        if parts.last() != Some(&runs) {
            parts.push(runs);
        }
    }

    /// Every passage, part by part.
    pub fn iter(&self) -> impl Iterator<Item = Passage> + '_ {
        let v4 = self.v4.iter().flatten().map(|run| self.passage(run));
        v4.chain(self.v6.iter().flatten().map(|run| self.passage(run)))
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

    fn passage<T: Address>(&self, run: &Run<T>) -> Passage {
        let ([outer, inner], [subnet, nic]) = (self.groups, run.deciders);
        let decider = |nsg, rule| (rule != NO_RULE).then_some(RuleRef { nsg, rule });
        Passage {
            range: T::range(run.first, run.last),
            admitted: run.outcome == Outcome::Admitted,
            deciders: [decider(outer, subnet), decider(inner, nic)],
            stopped_at: match run.outcome {
                Outcome::Admitted => None,
                Outcome::Stopped(layer) => layer,
            },
            admin: (run.admin != NO_ADMIN_RULE).then_some(run.admin),
        }
    }
}

fn runs_of<T: Address>(set: &AddressSet, outcome: Outcome) -> Vec<Run<T>> {
    let run = |(first, last): &(T, T)| Run::new(*first, *last, [NO_RULE; 2], outcome);
    T::ranges(set).iter().map(run).collect()
}

/// The runs that meet a set, with what they have in common with it.
fn clipped<'p, T: Address>(
    passages: &'p Passages,
    set: &'p AddressSet,
) -> impl Iterator<Item = (&'p Run<T>, (T, T))> + 'p {
    let of_part = |runs: &'p Vec<Run<T>>| T::ranges(set).iter().flat_map(move |range| clipped_to(runs, *range));
    T::parts(passages).iter().flat_map(of_part)
}

fn clipped_to<T: Bound>(runs: &[Run<T>], (first, last): (T, T)) -> impl Iterator<Item = (&Run<T>, (T, T))> {
    let from = runs.partition_point(|run| run.last < first);
    let met = runs.iter().skip(from).take_while(move |run| run.first <= last);
    met.map(move |run| (run, (run.first.max(first), run.last.min(last))))
}

/// The ranges of a set that are admitted, ascending in each part.
fn admitted_of<T: Address>(passages: &Passages, set: &AddressSet, by: &mut Deciding) -> Vec<(T, T)> {
    let mut admitted: Vec<(T, T)> = Vec::new();
    let [subnet, nic] = &mut by.groups;
    for runs in T::parts(passages) {
        for range in T::ranges(set) {
            for (run, (first, last)) in clipped_to(runs, *range).filter(|(run, _)| run.outcome == Outcome::Admitted) {
                let [outer, inner] = run.deciders;
                if outer != NO_RULE {
                    subnet.insert(outer);
                }
                if inner != NO_RULE {
                    nic.insert(inner);
                }
                if run.admin != NO_ADMIN_RULE {
                    by.admin.insert(run.admin);
                }
                match admitted.last_mut() {
                    Some(open) if open.1.next() == Some(first) => open.1 = last,
                    _ => admitted.push((first, last)),
                }
            }
        }
    }
    admitted
}

fn repainted_parts<T: Address>(passages: &Passages, paint: &impl Fn(Passage, &mut Vec<Passage>)) -> Vec<Vec<Run<T>>> {
    let of_part = |part: &Vec<Run<T>>| {
        let mut painted = Vec::with_capacity(part.len());
        part.iter().for_each(|run| paint(passages.passage(run), &mut painted));
        painted.sort_by_key(|passage| passage.range);
        painted.iter().filter_map(run_of).collect()
    };
    T::parts(passages).iter().map(of_part).collect()
}

fn run_of<T: Address>(passage: &Passage) -> Option<Run<T>> {
    let (first, last) = T::ends(passage.range)?;
    let rule = |decider: Option<RuleRef>| decider.map_or(NO_RULE, |decider| decider.rule);
    Some(Run {
        first,
        last,
        deciders: passage.deciders.map(rule),
        admin: passage.admin.unwrap_or(NO_ADMIN_RULE),
        outcome: match passage.admitted {
            true => Outcome::Admitted,
            false => Outcome::Stopped(passage.stopped_at),
        },
    })
}

/// The admitted sources among passages.
pub fn admitted(passages: &Passages) -> AddressSet {
    passages.admitted_within(&AddressSet::full())
}

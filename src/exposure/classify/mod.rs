//! From passages to an answer: how wide, through which rules, in which words.

mod deciders;
mod exact;
mod nat;
mod platform;
mod words;

use std::borrow::Cow;
use std::sync::Arc;

pub use deciders::find;
pub(super) use nat::rule_sources;
pub use platform::Platform;
pub use words::grouped;
use words::sentence;

use super::admin::AdminRules;
use super::answer::{Decider, ExposureClass, FrontPort, PortExposure};
use super::deciding::Deciding;
use super::environment::Bounds;
use super::stack::PortReach;
use crate::model::{Inventory, ServiceTag};
use crate::net::{AddressSet, Family};
use crate::source::Sources;

/// Most CIDRs listed in one answer.
const MOST_SOURCES: usize = 64;

/// The clients that can come on a way in, and the routes that their answers need.
pub struct Clients<'a> {
    pub family: Family,
    /// Everyone who can send a packet on this way.
    pub all: &'a AddressSet,
    /// Those to whom an answer finds the way back; `None` for all of them.
    pub answered: Option<&'a Bounds>,
    /// Why that is not known better.
    pub answer_gaps: &'a [Arc<str>],
    pub public: bool,
}

/// Words answers, with names and places out of the inventory.
pub struct Describer<'a> {
    pub inventory: &'a Inventory,
    pub sources: &'a Sources,
    pub admin: &'a AdminRules<'a>,
    /// Whether answers keep their sets.
    pub exact: bool,
}

impl Describer<'_> {
    /// The answer for a port behind the groups of a stack. `by` names what leads there, or is empty.
    pub fn exposure(&self, reach: &PortReach, clients: &Clients<'_>, front: FrontPort, by: &str) -> PortExposure {
        let among = Among::of(reach, clients);
        let mut tags = Tags::of(reach, clients);
        let mut class = class(clients, &among, &tags);
        if class == ExposureClass::Narrow
            && let Some(tenants) = self.tenants(&reach.certain, &clients.surely_answered())
        {
            class = ExposureClass::AzureTenants;
            tags.admitted.extend(tenants);
        }
        let unsure = among.unsure();
        let mut answer = PortExposure {
            port: reach.port,
            front_port: None,
            front_ports: None,
            class,
            more_sources: 0,
            sources: Vec::new(),
            tags: tags.admitted.iter().map(|tag| Arc::from(tag.to_string())).collect(),
            addresses: among.sure.count().to_string(),
            possible_sources: unsure.cidrs(MOST_SOURCES),
            deciders: self.deciding(reach, clients, class, &among),
            gaps: if unsure.is_empty() && !tags.unsure {
                Vec::new()
            } else {
                reach.gaps.iter().chain(clients.answer_gaps).cloned().collect()
            },
            disputed: None,
            sentence: Arc::from(""),
            exact: self.exact.then(|| Arc::new(self.exact(reach, clients))),
        };
        let cidrs = list_sources(&mut answer, &among.sure, clients);
        front.show(&mut answer);
        answer.sentence = Arc::from(sentence(&answer, (&among.sure, cidrs), clients, &tags, by));
        answer
    }

    /// The rules to name in an answer: those that let in what it tells of, else those that keep all others out.
    fn deciding(&self, reach: &PortReach, clients: &Clients<'_>, class: ExposureClass, among: &Among) -> Vec<Decider> {
        match class {
            ExposureClass::Closed => self.stoppers(&reach.certain, clients.all),
            ExposureClass::Undetermined => self.admitters([reach.possible()], &clients.perhaps_answered()),
            ExposureClass::AzureTenants if among.sure.is_empty() => {
                self.admitters(reach.tags.iter().map(|tag| &tag.certain), clients.all)
            }
            ExposureClass::NoReturnPath => self.admitters([reach.possible()], clients.all),
            _ => self.deciders(&among.by),
        }
    }
}

impl Clients<'_> {
    /// Those to whom an answer surely finds the way back.
    fn surely_answered(&self) -> Cow<'_, AddressSet> {
        within(self.all, self.answered.map(|back| &back.must))
    }

    /// Those to whom it may.
    fn perhaps_answered(&self) -> Cow<'_, AddressSet> {
        within(self.all, self.answered.map(|back| &back.may))
    }
}

/// What two sets have in common; no second set holds everything.
fn within<'s>(set: &'s AddressSet, other: Option<&AddressSet>) -> Cow<'s, AddressSet> {
    match other {
        Some(other) if !other.is_full() => Cow::Owned(set.intersection(other)),
        _ => Cow::Borrowed(set),
    }
}

/// Who gets through among the clients of a way in.
struct Among {
    /// Those who surely do, and get an answer.
    sure: AddressSet,
    /// The rules that let them in.
    by: Deciding,
    /// Those who may; `None` where they are the same.
    perhaps: Option<AddressSet>,
    /// Whether the groups may admit anybody, answered or not.
    any_admitted: bool,
}

impl Among {
    fn of(reach: &PortReach, clients: &Clients<'_>) -> Self {
        let mut by = Deciding::default();
        let sure = reach.certain.admitted_by(&clients.surely_answered(), &mut by);
        let settled = clients.answered.is_none_or(|back| back.must == back.may);
        let perhaps = (reach.possible.is_some() || !settled)
            .then(|| reach.possible().admitted_within(&clients.perhaps_answered()));
        let found = !sure.is_empty() || perhaps.as_ref().is_some_and(|perhaps| !perhaps.is_empty());
        Among {
            any_admitted: found || reach.possible().meeting(clients.all).any(|passage| passage.admitted),
            sure,
            by,
            perhaps,
        }
    }

    fn unsure(&self) -> AddressSet {
        let perhaps = self.perhaps.as_ref();
        perhaps
            .map(|perhaps| perhaps.difference(&self.sure))
            .unwrap_or_default()
    }

    fn may_be_open(&self) -> bool {
        !self.perhaps.as_ref().unwrap_or(&self.sure).is_empty()
    }
}

/// What named tags add to an answer and take from it.
#[derive(Default)]
struct Tags {
    admitted: Vec<ServiceTag>,
    excluded: Vec<ServiceTag>,
    unsure: bool,
}

impl Tags {
    fn of(reach: &PortReach, clients: &Clients<'_>) -> Self {
        let mut tags = Tags::default();
        if reach.tags.is_empty() {
            return tags;
        }
        let base = reach.certain.admitted_within(clients.all);
        for tag in &reach.tags {
            let certain = tag.certain.admitted_within(clients.all);
            let possible = tag.possible.admitted_within(clients.all);
            if !certain.difference(&base).is_empty() {
                tags.admitted.push(tag.tag.clone());
            } else if !possible.difference(&base).is_empty() {
                tags.unsure = true;
            }
            if !base.difference(&possible).is_empty() {
                tags.excluded.push(tag.tag.clone());
            }
        }
        tags
    }
}

fn class(clients: &Clients<'_>, among: &Among, tags: &Tags) -> ExposureClass {
    if !among.sure.is_empty() {
        return match clients.public {
            false => ExposureClass::Private,
            true if is_wide(&among.sure, clients.all) => ExposureClass::Wide,
            true => ExposureClass::Narrow,
        };
    }
    if clients.public && !tags.admitted.is_empty() {
        return ExposureClass::AzureTenants;
    }
    if among.may_be_open() || (clients.public && tags.unsure) {
        return ExposureClass::Undetermined;
    }
    if among.any_admitted {
        ExposureClass::NoReturnPath
    } else {
        ExposureClass::Closed
    }
}

/// At least half of the clients that there are.
pub(super) fn is_wide(set: &AddressSet, all: &AddressSet) -> bool {
    set.count() >= all.count() / 2
}

/// Lists the sources; answers how many prefixes they are.
fn list_sources(answer: &mut PortExposure, sure: &AddressSet, clients: &Clients<'_>) -> usize {
    let count = sure.cidr_count();
    if clients.public && !sure.is_empty() && sure == clients.all {
        answer.sources = vec!["Internet".to_owned()];
        return count;
    }
    answer.sources = sure.cidrs(MOST_SOURCES);
    answer.more_sources = count.saturating_sub(MOST_SOURCES) as u64;
    count
}

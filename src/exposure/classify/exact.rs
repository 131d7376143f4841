//! The answer as sets, for those who compare estates.

use std::collections::BTreeMap;

use super::deciders::counts;
use super::{Clients, Describer};
use crate::exposure::deciding::Deciding;
use crate::exposure::exact::{Exact, Reach, Run};
use crate::exposure::passage::{Passage, Passages, RuleRef};
use crate::exposure::stack::PortReach;
use crate::model::ServiceTag;
use crate::net::{AddressRange, AddressSet};

/// Whether sources pass, and what decides it: the admin rule, and the rules at the subnet and at the interface.
type Outcome = (bool, Option<u32>, [Option<RuleRef>; 2]);

impl Describer<'_> {
    /// The answer for a port as sets.
    pub(super) fn exact(&self, reach: &PortReach, clients: &Clients<'_>) -> Exact {
        let tags = reach.tags.iter();
        let mut exact = Exact {
            reach: clients.reach(&reach.certain, reach.possible()),
            tags: tags
                .map(|tag| (tag.tag.clone(), clients.reach(&tag.certain, &tag.possible)))
                .collect(),
            runs: Vec::new(),
        };
        self.add_runs(&reach.certain, None, true, &mut exact.runs);
        if let Some(possible) = &reach.possible {
            self.add_runs(possible, None, false, &mut exact.runs);
        }
        for tag in &reach.tags {
            self.add_runs(&tag.certain, Some(&tag.tag), true, &mut exact.runs);
            self.add_runs(&tag.possible, Some(&tag.tag), false, &mut exact.runs);
        }
        exact
    }

    /// One run for all passages that the same rules decide.
    fn add_runs(&self, passages: &Passages, tag: Option<&ServiceTag>, sure: bool, runs: &mut Vec<Run>) {
        let mut alike: BTreeMap<Outcome, (Deciding, Vec<AddressRange>)> = BTreeMap::new();
        for passage in passages.iter() {
            let (deciding, ranges) = alike.entry(outcome(&passage)).or_default();
            if ranges.is_empty() {
                deciding.add(&passage, counts(&passage));
            }
            ranges.push(passage.range);
        }
        runs.extend(alike.into_iter().map(|((admitted, ..), (deciding, ranges))| Run {
            sources: AddressSet::from_ranges(ranges),
            tag: tag.cloned(),
            sure,
            admitted,
            deciders: self.deciders(&deciding),
        }));
    }
}

impl Clients<'_> {
    fn reach(&self, certain: &Passages, possible: &Passages) -> Reach {
        let certain = certain.admitted_within(&self.surely_answered());
        let possible = possible.admitted_within(&self.perhaps_answered());
        Reach {
            possible: possible.union(&certain),
            certain,
        }
    }
}

fn outcome(passage: &Passage) -> Outcome {
    let [subnet, nic] = passage.deciders;
    let [at_subnet, at_nic] = counts(passage);
    (
        passage.admitted,
        passage.admin,
        [subnet.filter(|_| at_subnet), nic.filter(|_| at_nic)],
    )
}

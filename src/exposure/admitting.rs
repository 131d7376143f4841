//! Which rules let somebody through to a port: the same passages, asked from the rules' side.

use std::collections::HashMap;

use super::environment::PLATFORM;
use super::passage::{Passages, RuleRef};
use super::stack::PortReach;
use crate::net::{AddressRange, AddressSet};

/// A rule that lets some client through to a port, whatever the way in.
#[derive(Clone, Debug)]
pub struct Admitting {
    pub port: u16,
    pub rule: RuleRef,
    /// Whether it surely does.
    pub sure: bool,
    pub sources: AddressSet,
}

/// Whether a rule surely admits, and whom.
type Admitted = HashMap<RuleRef, (bool, Vec<AddressRange>), foldhash::fast::RandomState>;

/// The rules that let some client through to a port, in order.
pub(super) fn admitting(reach: &PortReach) -> Vec<Admitting> {
    let mut rules = Admitted::default();
    gather(&mut rules, &reach.certain, true);
    // Without a second answer the first is both.
    reach
        .possible
        .iter()
        .for_each(|possible| gather(&mut rules, possible, false));
    for tag in &reach.tags {
        gather(&mut rules, &tag.certain, true);
        gather(&mut rules, &tag.possible, false);
    }
    let admitting = rules.into_iter().map(|(rule, (sure, ranges))| Admitting {
        port: reach.port,
        rule,
        sure,
        sources: AddressSet::from_ranges(ranges),
    });
    let mut all: Vec<Admitting> = admitting.collect();
    all.sort_unstable_by_key(|admitting| admitting.rule);
    all
}

fn gather(rules: &mut Admitted, passages: &Passages, sure: bool) {
    let clients = |range: AddressRange| !PLATFORM.is_superset(&range.into());
    for passage in passages
        .iter()
        .filter(|passage| passage.admitted && clients(passage.range))
    {
        for rule in passage.deciders.into_iter().flatten() {
            let (surely, ranges) = rules.entry(rule).or_default();
            *surely |= sure;
            ranges.push(passage.range);
        }
    }
}

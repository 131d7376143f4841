//! The answer behind a destination NAT rule: the client's filter is the rule's, the groups see the firewall.

use std::sync::Arc;

use super::words::rule_names;
use super::{Clients, Describer};
use crate::exposure::answer::{ExposureClass, PortExposure};
use crate::exposure::compile::{Truth, truth};
use crate::exposure::environment::{PLATFORM, PUBLIC};
use crate::exposure::passage::{Passages, admitted};
use crate::exposure::stack::PortReach;
use crate::exposure::translated::TranslatedWay;
use crate::model::{AddressTerm, FirewallRule, Inventory, Known};
use crate::net::{AddressSet, Family};

impl Describer<'_> {
    /// The answer for a destination NAT rule. The client must be among the rule's sources; the groups must admit the
    /// firewall's own addresses, any of which it may put in place of the client's.
    pub fn translated(
        &self,
        way: &TranslatedWay,
        reach: &PortReach,
        range: Option<&AddressSet>,
        by: &str,
    ) -> PortExposure {
        let everyone = PUBLIC.difference(&PLATFORM).only(Family::V4);
        let (sources, unknown) = rule_sources(self.inventory, &way.rule);
        let admits = admits(reach, range);
        let passage = |admitted| Passages::all_of(if admitted { &sources } else { &everyone }, admitted);
        let mut through = PortReach {
            port: reach.port,
            ..PortReach::default()
        };
        through.certain = passage(admits == Truth::Yes && unknown.is_none());
        let doubt = way.unsure.clone().or(unknown).or_else(|| {
            range
                .is_none()
                .then(|| Arc::from("the subnet of the firewall is not in the input"))
        });
        if admits == Truth::Maybe || (admits == Truth::Yes && doubt.is_some()) {
            through.certain = passage(false);
            through.possible = Some(passage(true));
            through.gaps.extend(doubt);
            through.gaps.extend(reach.gaps.iter().cloned());
        }
        let clients = Clients {
            family: Family::V4,
            all: &everyone,
            answered: None,
            answer_gaps: &[],
            public: true,
        };
        let mut answer = self.exposure(&through, &clients, way.front(), by);
        let within = range.cloned().unwrap_or_else(AddressSet::full);
        answer.deciders = match answer.class {
            ExposureClass::Closed => self.stoppers(&reach.certain, &within),
            _ => self.admitters([reach.possible()], &within),
        };
        if answer.class == ExposureClass::Closed {
            let rule = by.trim_start_matches(" by ");
            answer.sentence = Arc::from(format!(
                "{rule} leads here, but the port is closed by {}",
                rule_names(&answer.deciders)
            ));
        }
        answer
    }
}

/// Whether the groups admit the firewall, whichever of its addresses it uses.
fn admits(reach: &PortReach, range: Option<&AddressSet>) -> Truth {
    let certain = admitted(&reach.certain);
    match range {
        _ if certain.v4.is_full() => Truth::Yes,
        None => Truth::Maybe,
        Some(range) if certain.is_superset(range) => Truth::Yes,
        Some(range) => truth(admitted(reach.possible()).intersects(range)).min(Truth::Maybe),
    }
}

/// The clients a NAT rule takes, and why that is not sure.
fn rule_sources(inventory: &Inventory, rule: &FirewallRule) -> (AddressSet, Option<Arc<str>>) {
    let mut set = AddressSet::empty();
    let mut unknown = None;
    for term in &rule.sources.terms {
        match term {
            AddressTerm::Any => set = AddressSet::full(),
            AddressTerm::Range(range) => set = set.union(&(*range).into()),
            AddressTerm::Unknown(why) => unknown = Some(why.text.clone()),
            AddressTerm::Tag(_) | AddressTerm::Group(_) => {
                unknown = Some(Arc::from("a source of the NAT rule is not an address"));
            }
        }
    }
    for group in &rule.source_groups {
        match inventory.ip_groups.find(group).map(|group| &group.ranges) {
            Some(Known::Known(ranges)) => set = set.union(&AddressSet::from_ranges(ranges.iter().copied())),
            Some(Known::Unknown(why)) => unknown = Some(why.text.clone()),
            None => unknown = Some(inventory.why_absent(group).text),
        }
    }
    if unknown.is_some() {
        set = AddressSet::full();
    }
    (set, unknown)
}

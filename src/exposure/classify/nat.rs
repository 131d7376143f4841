//! The answer behind a destination NAT rule: the client's filter is the rule's, the groups see the firewall.

use std::sync::Arc;

use super::words::rule_names;
use super::{Clients, Describer};
use crate::exposure::answer::{ExposureClass, PortExposure};
use crate::exposure::compile::{Truth, truth};
use crate::exposure::environment::{Bounds, PLATFORM, PUBLIC};
use crate::exposure::overruled::Overruled;
use crate::exposure::passage::{Passages, admitted};
use crate::exposure::stack::PortReach;
use crate::exposure::translated::TranslatedWay;
use crate::model::{AddressTerm, FirewallRule, Inventory, Known, choices};
use crate::net::{AddressSet, Family};

impl Describer<'_> {
    /// The answer for a destination NAT rule. The client must be among the rule's sources; the groups must admit the
    /// firewall's own addresses, any of which it may put in place of the client's.
    pub fn translated(
        &self,
        way: &TranslatedWay,
        reach: &PortReach,
        range: &Result<AddressSet, Arc<str>>,
        by: &str,
    ) -> PortExposure {
        let everyone = PUBLIC.difference(&PLATFORM).only(Family::V4);
        let (sources, unknown) = rule_sources(self.inventory, &way.rule);
        let range_known = range.as_ref().ok();
        let admits = admits(reach, range_known);
        let overruled = self.overruled(way, reach.port);
        let taken = self.taken(&sources, &overruled);
        let passage =
            |admitted: Option<&AddressSet>| Passages::all_of(admitted.unwrap_or(&everyone), admitted.is_some());
        let mut through = PortReach {
            port: reach.port,
            ..PortReach::default()
        };
        let doubt = way.unsure.clone().or(unknown).or_else(|| range.as_ref().err().cloned());
        let settled = admits == Truth::Yes && doubt.is_none();
        through.certain = passage(settled.then_some(&taken.must));
        if admits != Truth::No && (!settled || taken.must != taken.may) {
            through.possible = Some(passage(Some(&taken.may)));
            through.gaps.extend(doubt);
            through
                .gaps
                .extend((taken.must != taken.may).then(|| overruled.doubt()));
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
        let within = range_known.cloned().unwrap_or_else(AddressSet::full);
        answer.deciders = match answer.class {
            ExposureClass::Closed if admits == Truth::No => self.stoppers(&reach.certain, &within),
            _ => self.admitters([reach.possible()], &within),
        };
        let rule = by.trim_start_matches(" by ");
        if answer.class == ExposureClass::Closed {
            answer.sentence = Arc::from(match admits {
                Truth::No => format!(
                    "{rule} leads here, but the port is closed by {}",
                    rule_names(&answer.deciders)
                ),
                _ if overruled.clients.may.intersects(&sources) => {
                    format!("{rule} leads here, but {} of the firewall stops it", overruled.named())
                }
                _ => format!("{rule} leads here, but takes no public address"),
            });
        } else if self.inventory.choices.is(&choices::DENY_AFTER_NAT, "ignored")
            && overruled.clients.may.intersection(&sources).intersects(&everyone)
        {
            let disputed: Arc<str> = Arc::from(format!(
                "{} of the firewall covers it, which older documentation lets stop what a NAT rule translates",
                overruled.named()
            ));
            answer.sentence = Arc::from(format!("{}; disputed: {disputed}", answer.sentence));
            answer.disputed = Some(disputed);
        }
        answer
    }

    /// The Deny network rules that cover what a NAT rule lets through to a port.
    fn overruled(&self, way: &TranslatedWay, port: u16) -> Overruled {
        let firewall = way.firewall.and_then(|index| self.inventory.firewalls.get(index));
        let firewall = firewall.filter(|_| !way.doubtful);
        firewall
            .map(|firewall| Overruled::of(self.inventory, firewall, way.rule.translated_address, port))
            .unwrap_or_default()
    }

    /// The clients that a NAT rule lets through, as Deny network rules are taken to bear on it.
    fn taken(&self, sources: &AddressSet, overruled: &Overruled) -> Bounds {
        let Bounds { must, may } = &overruled.clients;
        match self.inventory.choices.of(&choices::DENY_AFTER_NAT) {
            "overrides" => Bounds {
                must: sources.difference(may),
                may: sources.difference(must),
            },
            "unknown" => Bounds {
                must: sources.difference(may),
                may: sources.clone(),
            },
            _ => Bounds::exact(sources.clone()),
        }
    }
}

impl Overruled {
    fn named(&self) -> String {
        let shown: Vec<String> = self.rules.iter().take(3).map(|rule| format!("`{rule}`")).collect();
        let word = if self.rules.len() == 1 {
            "Deny rule"
        } else {
            "Deny rules"
        };
        format!("{word} {}", shown.join(" and "))
    }

    fn doubt(&self) -> Arc<str> {
        Arc::from(format!(
            "whether {} of the firewall stops what its NAT rule translates is not known",
            self.named()
        ))
    }
}

/// Whether the groups admit the firewall, whichever of its addresses it uses.
fn admits(reach: &PortReach, range: Option<&AddressSet>) -> Truth {
    let certain = admitted(&reach.certain);
    match range {
        _ if certain.v4.is_full() => Truth::Yes,
        None => truth(!admitted(reach.possible()).difference(&PLATFORM).v4.is_empty()).min(Truth::Maybe),
        Some(range) if certain.is_superset(range) => Truth::Yes,
        Some(range) => truth(admitted(reach.possible()).intersects(range)).min(Truth::Maybe),
    }
}

/// The clients a NAT rule takes, and why that is not sure.
pub fn rule_sources(inventory: &Inventory, rule: &FirewallRule) -> (AddressSet, Option<Arc<str>>) {
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

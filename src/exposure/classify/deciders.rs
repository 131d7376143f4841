//! Which rules decided, and what is told of each.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Describer;
use crate::exposure::answer::{Decider, Layer};
use crate::exposure::deciding::Deciding;
use crate::exposure::passage::{Passage, Passages, RuleRef};
use crate::model::{Access, AddressTerm, Addresses, Inventory, Nsg, SecurityRule, ServiceTag};
use crate::net::AddressSet;
use crate::source::Place;

/// Most deciding rules listed in one answer.
const MOST_DECIDERS: usize = 8;

impl Describer<'_> {
    /// The rules that let in some of a set.
    pub(super) fn admitters<'p>(
        &self,
        all: impl IntoIterator<Item = &'p Passages>,
        within: &AddressSet,
    ) -> Vec<Decider> {
        let mut deciding = Deciding::default();
        for passages in all {
            passages.admitted_by(within, &mut deciding);
        }
        self.deciders(&deciding)
    }

    /// The rules that keep out some of a set.
    pub(super) fn stoppers(&self, passages: &Passages, within: &AddressSet) -> Vec<Decider> {
        let mut deciding = Deciding::default();
        let stopped = passages.meeting(within).filter(|passage| !passage.admitted);
        stopped.for_each(|passage| deciding.add(&passage, counts(&passage)));
        self.deciders(&deciding)
    }

    /// The tags for any Azure tenant through which all of some sources get in; `None` where one gets in otherwise.
    pub(super) fn tenants(&self, passages: &Passages, among: &AddressSet) -> Option<BTreeSet<ServiceTag>> {
        let mut tags = BTreeSet::new();
        for passage in passages.meeting(among).filter(|passage| passage.admitted) {
            let mut named = 0;
            for rule in passage.deciders.into_iter().flatten() {
                let (_, rule) = find(self.inventory, rule)?;
                let mut tenants = rule.sources.terms.iter().filter_map(tenant).peekable();
                match tenants.peek() {
                    Some(_) => named += 1,
                    None if is_everybody(&rule.sources) => {}
                    None => return None,
                }
                tags.extend(tenants);
            }
            if named == 0 {
                return None;
            }
        }
        Some(tags).filter(|tags| !tags.is_empty())
    }

    /// What is told of the first rules that decided. By name, so that the answer stays the same when rules change places.
    pub(super) fn deciders(&self, deciding: &Deciding) -> Vec<Decider> {
        let mut deciders: Vec<Decider> = deciding
            .admin
            .iter()
            .filter_map(|rule| self.admin_decider(*rule))
            .collect();
        deciders.sort_by(|a, b| (&a.group, &a.rule).cmp(&(&b.group, &b.rule)));
        for (layer, rules) in [Layer::Subnet, Layer::Nic].into_iter().zip(&deciding.groups) {
            let mut named: Vec<(&str, RuleRef)> =
                rules.iter().filter_map(|rule| Some((self.name(rule)?, rule))).collect();
            // A large group has hundreds of them, of which the first few are told.
            if named.len() > MOST_DECIDERS {
                named.select_nth_unstable(MOST_DECIDERS);
                named.truncate(MOST_DECIDERS);
            }
            named.sort_unstable();
            deciders.extend(named.into_iter().filter_map(|(_, rule)| self.decider(layer, rule)));
        }
        deciders.truncate(MOST_DECIDERS);
        deciders
    }

    fn name(&self, reference: RuleRef) -> Option<&str> {
        find(self.inventory, reference).map(|(_, rule)| &*rule.name)
    }

    fn decider(&self, layer: Layer, reference: RuleRef) -> Option<Decider> {
        let (nsg, rule) = find(self.inventory, reference)?;
        Some(Decider {
            layer,
            group: Arc::from(nsg.id.name()),
            group_id: Some(nsg.id.text().clone()),
            rule: rule.name.clone(),
            priority: rule.priority.known().copied(),
            access: Arc::from(rule.access.known().map_or("unknown", |access| access.as_str())),
            location: decided_at(rule).map(|place| self.sources.locate(place)),
        })
    }

    fn admin_decider(&self, rule: u32) -> Option<Decider> {
        let rule = self.admin.rule(rule)?;
        let collection = rule.id.parent();
        Some(Decider {
            layer: Layer::Admin,
            group: Arc::from(collection.as_ref().map_or("", |id| id.name())),
            group_id: collection.map(|id| id.text().clone()),
            rule: Arc::from(rule.id.name()),
            priority: rule.priority.known().and_then(|priority| u16::try_from(*priority).ok()),
            access: Arc::from(rule.access.known().map_or("unknown", |access| access.as_str())),
            location: rule.origin.0.map(|place| self.sources.locate(place)),
        })
    }
}

/// At which layers the rules decided about a passage: at both where it passed, else at the one that stopped it.
pub(super) fn counts(passage: &Passage) -> [bool; 2] {
    [0, 1].map(|layer| passage.admitted || passage.stopped_at == Some(layer))
}

/// What of a rule a reader wants to see first: of one that lets in, whom; of another, the whole.
fn decided_at(rule: &SecurityRule) -> Option<Place> {
    match rule.access.known() {
        Some(Access::Allow) => rule.sources_origin.0.or(rule.origin.0),
        _ => rule.origin.0,
    }
}

/// The rule that a reference means.
pub fn find(inventory: &Inventory, reference: RuleRef) -> Option<(&Nsg, &SecurityRule)> {
    let nsg = inventory.nsgs.get(reference.nsg)?;
    let stated = nsg.rules.known()?;
    let rule = stated
        .iter()
        .chain(&nsg.default_rules)
        .nth(usize::from(reference.rule))?;
    Some((nsg, rule))
}

fn tenant(term: &AddressTerm) -> Option<ServiceTag> {
    match term {
        AddressTerm::Tag(tag) if tag.is_any_azure_tenant() => Some(tag.clone()),
        _ => None,
    }
}

/// A source that keeps nobody of the internet out.
fn is_everybody(sources: &Addresses) -> bool {
    let internet = |term: &AddressTerm| matches!(term, AddressTerm::Tag(ServiceTag::Internet));
    sources.is_any() || sources.terms.iter().any(internet)
}

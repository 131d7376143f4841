//! Which rules decided, gathered over thousands of runs of sources: a bit for each rule of the groups.

use std::collections::BTreeSet;

use super::passage::{Passage, RuleRef};

/// Distinct rules that decided, outermost layer first.
#[derive(Clone, Debug, Default)]
pub(super) struct Deciding {
    /// Security admin rules, by position.
    pub admin: BTreeSet<u32>,
    /// Rules of the groups at the subnet and at the interface.
    pub groups: [RuleSet; 2],
}

impl Deciding {
    /// Adds what decided a passage: the admin rule, and the rules of those layers that count.
    pub fn add(&mut self, passage: &Passage, counts: [bool; 2]) {
        self.admin.extend(passage.admin);
        for ((set, rule), counts) in self.groups.iter_mut().zip(passage.deciders).zip(counts) {
            if let Some(rule) = rule.filter(|_| counts) {
                set.nsg = rule.nsg;
                set.insert(rule.rule);
            }
        }
    }
}

/// Rules of one group, one bit each.
#[derive(Clone, Debug, Default)]
pub(super) struct RuleSet {
    pub nsg: u32,
    words: Vec<u64>,
}

impl RuleSet {
    pub fn insert(&mut self, rule: u16) {
        let at = usize::from(rule) / 64;
        if at >= self.words.len() {
            self.words.resize(at + 1, 0);
        }
        if let Some(word) = self.words.get_mut(at) {
            *word |= 1 << (rule % 64);
        }
    }

    /// The rules, ascending.
    pub fn iter(&self) -> impl Iterator<Item = RuleRef> + '_ {
        let bits = self
            .words
            .iter()
            .flat_map(|word| (0..64).map(move |bit| (word >> bit) & 1 == 1));
        let rules = (0..=u16::MAX).zip(bits).filter(|(_, set)| *set);
        rules.map(|(rule, _)| RuleRef { nsg: self.nsg, rule })
    }
}

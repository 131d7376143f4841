//! What was not read: by subscription and type, with the reason. Completeness is a fact like any other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::input::SnapshotMissing;

/// Everything of a subscription.
pub const EVERYTHING: &str = "*";

/// Gaps in the making, shared by all that read.
#[derive(Default)]
pub struct Gaps {
    missing: Mutex<BTreeMap<(Arc<str>, String), String>>,
    lost: Mutex<Vec<String>>,
}

impl Gaps {
    /// A type that was not read, or not whole. The first reason stays.
    pub fn add(&self, subscription: &Arc<str>, kind: &str, reason: &str) {
        let mut missing = self.missing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        missing
            .entry((Arc::clone(subscription), kind.to_owned()))
            .or_insert_with(|| reason.to_owned());
    }

    /// Something that belongs to no subscription that is known.
    pub fn lose(&self, sentence: String) {
        let mut lost = self.lost.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        lost.push(sentence);
    }

    /// The reason why a type was not read.
    pub fn reason(&self, subscription: &Arc<str>, kind: &str) -> Option<String> {
        let missing = self.missing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        missing.get(&(Arc::clone(subscription), kind.to_owned())).cloned()
    }

    /// What is missing of a subscription, for the header of a snapshot.
    pub fn of(&self, subscription: &str) -> Vec<SnapshotMissing> {
        let missing = self.missing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let own = missing.iter().filter(|((of, _), _)| &**of == subscription);
        own.map(|((_, kind), reason)| SnapshotMissing {
            resource_type: kind.clone(),
            reason: reason.clone(),
        })
        .collect()
    }

    pub fn lost(&self) -> Vec<String> {
        let mut lost = self
            .lost
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone();
        lost.sort();
        lost.dedup();
        lost
    }
}

//! What was read whole and what was not. Completeness is a fact like any other.

use std::sync::Arc;

/// What the input covers, per subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    pub subscriptions: Vec<SubscriptionCoverage>,
    /// True when the input says that it is the whole of its scope (a snapshot), false for loose files.
    pub whole: bool,
    /// The input says of which subscriptions it was recorded; all others were not read.
    pub recorded: bool,
    /// Sentences about what was lost, apart from subscriptions: an unreadable file, a cut snapshot.
    pub lost: Vec<Arc<str>>,
    /// Interfaces or subnets are in the input to which another Terraform configuration could attach groups and routes.
    pub attached_here: bool,
    /// Templates of one directory name resources of each other, and were joined.
    pub joined_groups: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionCoverage {
    pub id: Arc<str>,
    pub name: Option<Arc<str>>,
    pub complete: bool,
    pub missing: Vec<MissingType>,
}

/// A resource type that could not be read in a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingType {
    /// Lower case, such as `microsoft.network/networksecuritygroups`; `*` for everything.
    pub resource_type: Arc<str>,
    pub reason: Arc<str>,
}

impl Coverage {
    pub fn is_complete(&self) -> bool {
        self.lost.is_empty() && self.subscriptions.iter().all(|subscription| subscription.complete)
    }

    /// Why resources of a type may be missing in a subscription; `None` when it was read whole or nothing is known.
    pub fn missing(&self, subscription: &str, resource_type: &str) -> Option<Arc<str>> {
        let covered = self
            .subscriptions
            .iter()
            .find(|covered| covered.id.eq_ignore_ascii_case(subscription))?;
        let of_type = |missing: &&MissingType| {
            &*missing.resource_type == "*" || missing.resource_type.eq_ignore_ascii_case(resource_type)
        };
        covered
            .missing
            .iter()
            .find(of_type)
            .map(|missing| missing.reason.clone())
    }

    /// Why a subscription may have resources of a type that are not in the input: they were refused, or the subscription
    /// is none of those that were recorded.
    pub fn unread(&self, subscription: &str, resource_type: &str) -> Option<Arc<str>> {
        let mut covered = self.subscriptions.iter();
        if covered.any(|covered| covered.id.eq_ignore_ascii_case(subscription)) {
            return self.missing(subscription, resource_type);
        }
        self.recorded
            .then(|| Arc::from(format!("subscription `{subscription}` was not scanned")))
    }

    /// The first subscription in which resources of a type were refused, and why.
    pub fn first_missing(&self, resource_type: &str) -> Option<(&str, Arc<str>)> {
        let mut covered = self.subscriptions.iter();
        covered.find_map(|covered| Some((&*covered.id, self.missing(&covered.id, resource_type)?)))
    }
}

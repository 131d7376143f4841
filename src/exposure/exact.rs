//! The answer for one port as sets: exactly who gets through, and which rules let them through or keep them out.
//! Kept only where it is asked for, because reports show short lists of prefixes.

use std::collections::BTreeMap;

use super::answer::Decider;
use crate::model::ServiceTag;
use crate::net::AddressSet;

/// Who gets through to one port on one way in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exact {
    /// Clients that are in no tag of `tags`.
    pub reach: Reach,
    /// What holds instead for addresses of a service tag that are not in the input.
    pub tags: BTreeMap<ServiceTag, Reach>,
    pub runs: Vec<Run>,
}

/// Sources that get through whatever the unknowns are, and for at least one way they could turn out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reach {
    pub certain: AddressSet,
    pub possible: AddressSet,
}

/// Sources that the same rules treat alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub sources: AddressSet,
    /// Only for addresses of this tag.
    pub tag: Option<ServiceTag>,
    /// Whether this is so whatever the unknowns are.
    pub sure: bool,
    pub admitted: bool,
    /// Outermost layer first; empty where no rule decides.
    pub deciders: Vec<Decider>,
}

impl Reach {
    pub fn is_empty(&self) -> bool {
        self.possible.is_empty()
    }

    #[must_use]
    pub fn union(&self, other: &Reach) -> Reach {
        Reach {
            certain: self.certain.union(&other.certain),
            possible: self.possible.union(&other.possible),
        }
    }
}

impl Exact {
    /// What holds for addresses of a tag.
    pub fn of_tag(&self, tag: &ServiceTag) -> &Reach {
        self.tags.get(tag).unwrap_or(&self.reach)
    }

    /// Takes the certainty from it.
    pub(super) fn unsettle(&mut self) {
        for reach in self.tags.values_mut().chain([&mut self.reach]) {
            reach.certain = AddressSet::empty();
        }
    }
}

//! What service tags stand for, where the input says it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::{ServiceTag, TagName};
use crate::net::{AddressRange, AddressSet};

/// Addresses by tag.
#[derive(Clone, Debug, Default)]
pub struct TagAddresses {
    known: BTreeMap<Arc<str>, TagExtent>,
}

/// The addresses of one tag: `must` surely belong to it, nothing outside `may` does. They differ where two lists do,
/// since lists change every week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagExtent {
    pub must: AddressSet,
    pub may: AddressSet,
}

impl TagAddresses {
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    pub fn add(&mut self, name: &TagName, ranges: Vec<AddressRange>) {
        let set = AddressSet::from_ranges(ranges);
        match self.known.get_mut(name.lower()) {
            Some(known) => {
                known.must = known.must.intersection(&set);
                known.may = known.may.union(&set);
            }
            None => {
                let extent = TagExtent {
                    must: set.clone(),
                    may: set,
                };
                self.known.insert(Arc::from(name.lower()), extent);
            }
        }
    }

    /// Whether a tag surely holds an address, and whether it may; `None` where its addresses are not in the input.
    pub fn holds(&self, tag: &ServiceTag, address: IpAddr) -> Option<(bool, bool)> {
        let ServiceTag::Named(name) = tag else { return None };
        let extent = self.known.get(name.lower())?;
        let surely = extent.must.contains(address) && (address.is_ipv4() || !tag.is_any_azure_tenant());
        Some((surely, extent.may.contains(address)))
    }

    /// The addresses of a tag, `None` where they are not in the input. `AzureCloud` has no IPv6 in rules, whatever the
    /// lists say.
    pub fn of(&self, tag: &ServiceTag) -> Option<TagExtent> {
        let ServiceTag::Named(name) = tag else { return None };
        let extent = self.known.get(name.lower())?.clone();
        if !tag.is_any_azure_tenant() {
            return Some(extent);
        }
        let must = AddressSet {
            v4: extent.must.v4,
            ..AddressSet::default()
        };
        Some(TagExtent { must, ..extent })
    }
}

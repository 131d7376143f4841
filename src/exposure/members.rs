//! Which private addresses the application security groups of rules stand for.

use std::collections::HashMap;
use std::sync::Arc;

use super::environment::Bounds;
use crate::model::{Inventory, Known, Nic, ResourceId};
use crate::net::{AddressRange, AddressSet};

/// The addresses of one group's members, and why some are not known.
type Members = (Vec<AddressRange>, Vec<Arc<str>>);

/// Private addresses of the members of application security groups.
#[derive(Debug, Default)]
pub struct GroupMembers {
    members: HashMap<ResourceId, Members, foldhash::fast::RandomState>,
    /// Why any group may have further members.
    unread: Option<Arc<str>>,
}

impl GroupMembers {
    pub fn of(inventory: &Inventory) -> Self {
        let mut members = GroupMembers::default();
        let nics = inventory
            .nics
            .iter()
            .chain(inventory.vms.iter().flat_map(|vm| &vm.inline_nics));
        let nics: Vec<&Nic> = nics.collect();
        let unread = nics
            .iter()
            .find_map(|nic| nic.ip_configurations.why().or_else(|| inventory.conflict(&nic.id)));
        members.unread = unread.map(|why| why.text.clone());
        for configuration in nics
            .into_iter()
            .filter_map(|nic| nic.ip_configurations.known())
            .flatten()
        {
            if let Some(why) = &configuration.groups_unread {
                members.unread = Some(why.text.clone());
            }
            for group in &configuration.application_security_groups {
                let (ranges, gaps) = members.members.entry(group.clone()).or_default();
                match &configuration.private_address {
                    Known::Known(address) => ranges.push(AddressRange::host(*address)),
                    Known::Unknown(why) => gaps.push(why.text.clone()),
                }
            }
        }
        members
    }

    /// The members' addresses. When a member's address is unknown, any private address may be one.
    pub fn bounds(&self, inventory: &Inventory, group: &ResourceId, gaps: &mut Vec<Arc<str>>) -> Bounds {
        if let Some(why) = &self.unread {
            gaps.push(Arc::from(format!("a member of `{}`: {why}", group.name())));
            let ranges = self
                .members
                .get(group)
                .map(|(ranges, _)| ranges.as_slice())
                .unwrap_or_default();
            return Bounds {
                must: AddressSet::from_ranges(ranges.iter().copied()),
                may: AddressSet::full(),
            };
        }
        let Some((ranges, unknown)) = self.members.get(group) else {
            if inventory.application_security_groups.find(group).is_none() {
                gaps.push(inventory.why_absent(group).text);
                return Bounds {
                    must: AddressSet::empty(),
                    may: AddressSet::full(),
                };
            }
            return Bounds::default();
        };
        let mut bounds = Bounds::exact(AddressSet::from_ranges(ranges.iter().copied()));
        if let Some(why) = unknown.first() {
            gaps.push(Arc::from(format!("a member of `{}`: {why}", group.name())));
            bounds.may = AddressSet::full();
        }
        bounds
    }
}

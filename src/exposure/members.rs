//! Which private addresses the application security groups of rules stand for.

use std::collections::HashMap;
use std::sync::Arc;

use super::environment::Bounds;
use crate::model::{Inventory, IpConfiguration, Known, Nic, ResourceId, choices};
use crate::net::{AddressRange, AddressSet};

/// The addresses of one group's members, and why some are not known.
#[derive(Debug, Default)]
struct Members {
    ranges: Vec<AddressRange>,
    gaps: Vec<Arc<str>>,
    /// Where they stand: one network, as Azure demands, or several.
    network: Option<ResourceId>,
    several_networks: bool,
}

impl Members {
    fn add(&mut self, configuration: &IpConfiguration) {
        match &configuration.private_address {
            Known::Known(address) => self.ranges.push(AddressRange::host(*address)),
            Known::Unknown(why) => self.gaps.push(why.text.clone()),
        }
        let subnet = configuration.subnet.known().and_then(Option::as_ref);
        if let Some(network) = subnet.and_then(ResourceId::parent) {
            let other = self.network.get_or_insert_with(|| network.clone());
            self.several_networks |= *other != network;
        }
    }
}

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
                members.members.entry(group.clone()).or_default().add(configuration);
            }
        }
        members
    }

    /// The members' addresses. When a member's address is unknown, any private address may be one.
    pub fn bounds(&self, inventory: &Inventory, group: &ResourceId, gaps: &mut Vec<Arc<str>>) -> Bounds {
        let mut bounds = self.of_all(inventory, group, gaps);
        let several = self.members.get(group).is_some_and(|members| members.several_networks);
        if several && inventory.choices.is(&choices::ASG_MEMBERS, "unknown") {
            gaps.push(Arc::from(format!(
                "the members of `{}` stand in several networks",
                group.name()
            )));
            bounds.must = AddressSet::empty();
        }
        bounds
    }

    fn of_all(&self, inventory: &Inventory, group: &ResourceId, gaps: &mut Vec<Arc<str>>) -> Bounds {
        if let Some(why) = &self.unread {
            gaps.push(Arc::from(format!("a member of `{}`: {why}", group.name())));
            let ranges = self
                .members
                .get(group)
                .map(|members| members.ranges.as_slice())
                .unwrap_or_default();
            return Bounds {
                must: AddressSet::from_ranges(ranges.iter().copied()),
                may: AddressSet::full(),
            };
        }
        let Some(Members {
            ranges, gaps: unknown, ..
        }) = self.members.get(group)
        else {
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

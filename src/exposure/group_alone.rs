//! One group asked by itself, before any other layer and any way in: who gets through it to which port, by which rule.
//! Comparisons with Azure's own answers, benches and tests do.

use std::sync::Arc;

use super::analysis::{Exposures, TargetExposure};
use super::compile::{Filter, Outline};
use super::environment::Environment;
use super::members::GroupMembers;
use super::stack::{LayerState, PortReach, reaches};
use super::target::{Seen, Target};
use crate::model::Inventory;
use crate::net::{Family, Protocol};

/// A group at a subnet, ready to be asked. What its prefixes are and in which order they start is found out once.
pub struct GroupAlone<'i> {
    layers: [LayerState<'i>; 2],
    family: Family,
}

impl<'i> GroupAlone<'i> {
    /// The group of this position, as seen from the first subnet of the network of this position; `None` where one of
    /// them is not there or the rules are not known.
    pub fn of(inventory: &'i Inventory, nsg: u32, network: u32) -> Option<Self> {
        let network = inventory.networks.get(network)?;
        let environment = Environment::of(inventory, network, network.subnets.first()?);
        let target = Target {
            address: None,
            subnet: None,
            groups: &[],
            groups_unread: true,
            seen: Seen::Own,
        };
        Self::before(inventory, &environment, nsg, &target, Family::V4)
    }

    /// A group as it stands before one address of a machine; `None` where its rules are not known.
    pub fn at(inventory: &'i Inventory, exposures: &Exposures, nsg: u32, target: &TargetExposure) -> Option<Self> {
        let stack = exposures.stacks.get(target.stack as usize)?;
        let environment = exposures.environments.get(stack.environment as usize)?;
        Self::before(inventory, environment, nsg, &target.end(inventory), stack.family)
    }

    fn before(
        inventory: &'i Inventory,
        environment: &Environment,
        nsg: u32,
        target: &Target<'_>,
        family: Family,
    ) -> Option<Self> {
        let members = GroupMembers::of(inventory);
        let group = inventory.nsgs.get(nsg)?;
        let filter = Filter::compile(inventory, &members, group, environment)?;
        let filter = LayerState::Filter {
            nsg,
            filter: Arc::new(filter),
            meets: Outline::of(inventory, group)?.meets(target),
        };
        Some(GroupAlone {
            layers: [filter, LayerState::Open],
            family,
        })
    }

    /// Who gets through over TCP, with the rule that decides.
    pub fn reaches(&self, ports: &[u16]) -> Vec<PortReach> {
        reaches(&self.layers, self.family, Protocol::Tcp, ports)
    }
}

//! One group asked by itself, as benches and tests do: who gets through it to which port, before any way in is worded.

use std::sync::Arc;

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
}

impl<'i> GroupAlone<'i> {
    /// The group of this position, as seen from the first subnet of the network of this position; `None` where one of
    /// them is not there or the rules are not known.
    pub fn of(inventory: &'i Inventory, nsg: u32, network: u32) -> Option<Self> {
        let network = inventory.networks.get(network)?;
        let environment = Environment::of(inventory, network, network.subnets.first()?);
        let members = GroupMembers::of(inventory);
        let group = inventory.nsgs.get(nsg)?;
        let filter = Filter::compile(inventory, &members, group, &environment)?;
        let target = Target {
            address: None,
            subnet: None,
            groups: &[],
            groups_unread: true,
            seen: Seen::Own,
        };
        let meets = Outline::of(inventory, group)?.meets(&target);
        let filter = LayerState::Filter {
            nsg,
            filter: Arc::new(filter),
            meets,
        };
        Some(GroupAlone {
            layers: [filter, LayerState::Open],
        })
    }

    /// Who gets through over TCP from IPv4, with the rule that decides.
    pub fn reaches(&self, ports: &[u16]) -> Vec<PortReach> {
        reaches(&self.layers, Family::V4, Protocol::Tcp, ports)
    }
}

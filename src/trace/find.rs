//! The machine that is meant: by name, by ARM id, or by one of its addresses.

use std::net::IpAddr;

use super::ways::address_of;
use crate::model::{Inventory, IpConfiguration, Nic, PublicIpRef, ResourceId, Vm};

/// A machine, and the address by which it was named.
#[derive(Clone, Copy, Debug)]
pub struct Found<'i> {
    pub vm: &'i Vm,
    /// Only the ip configurations that have this address, private or public, are meant.
    pub only: Option<IpAddr>,
}

/// Why no single machine is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotFound<'i> {
    /// Several; their ids.
    Ambiguous(Vec<&'i ResourceId>),
    /// None.
    Unknown,
}

/// Finds the machine that a text means.
///
/// # Errors
/// When no machine or more than one is meant.
pub fn find<'i>(inventory: &'i Inventory, text: &str) -> Result<Found<'i>, NotFound<'i>> {
    let text = text.trim();
    if let Ok(address) = text.parse::<IpAddr>() {
        let at = inventory.vms.iter().filter(|vm| has_address(inventory, vm, address));
        return one(at, Some(address));
    }
    let id = ResourceId::new(text);
    let means = |vm: &&Vm| {
        if text.contains('/') {
            vm.id == id
        } else {
            vm.id.name().eq_ignore_ascii_case(text)
        }
    };
    one(inventory.vms.iter().filter(means), None)
}

fn one<'i>(vms: impl Iterator<Item = &'i Vm>, only: Option<IpAddr>) -> Result<Found<'i>, NotFound<'i>> {
    let vms: Vec<&Vm> = vms.collect();
    match vms.as_slice() {
        [] => Err(NotFound::Unknown),
        [vm] => Ok(Found { vm, only }),
        many => Err(NotFound::Ambiguous(many.iter().map(|vm| &vm.id).collect())),
    }
}

fn has_address(inventory: &Inventory, vm: &Vm, address: IpAddr) -> bool {
    let named = vm
        .nics
        .known()
        .into_iter()
        .flatten()
        .filter_map(|id| inventory.nics.find(id));
    let claiming = inventory.nics.iter().filter(|nic| nic.vm.as_ref() == Some(&vm.id));
    let configurations = |nic: &'_ Nic| {
        let configurations = nic.ip_configurations.known().into_iter().flatten();
        configurations
            .into_iter()
            .any(|configuration| is_at(inventory, configuration, address))
    };
    vm.inline_nics.iter().chain(named).chain(claiming).any(configurations)
}

/// Whether an ip configuration has an address, private or public.
pub fn is_at(inventory: &Inventory, configuration: &IpConfiguration, address: IpAddr) -> bool {
    let public = match &configuration.public_ip {
        Some(PublicIpRef::Id(id)) => address_of(inventory, Some(id)),
        _ => None,
    };
    configuration.private_address.known() == Some(&address) || public == Some(address)
}

//! Facts of one machine: the roots, each built when it is asked for.

use std::sync::Arc;

use super::{Estate, defender, exposure, firewall, jit, known, nsg, undeclared, unknown};
use crate::exposure::MachineExposure;
use crate::model::{MachineKind, Vm};
use crate::rule::fact::{Fact, FactSource};

/// The facts of a machine by its index in the inventory.
pub struct VmFacts<'e, 'i> {
    pub estate: &'e Estate<'i>,
    pub vm: &'i Vm,
    pub machine: &'i MachineExposure,
}

impl<'e, 'i> VmFacts<'e, 'i> {
    pub fn new(estate: &'e Estate<'i>, index: u32) -> Option<Self> {
        let machine = estate.exposures.machines.get(index as usize)?;
        Some(VmFacts {
            estate,
            vm: estate.vm(index)?,
            machine,
        })
    }
}

impl FactSource for VmFacts<'_, '_> {
    fn fact(&self, root: &str) -> Fact {
        match root {
            "vm" => self.identity(),
            "jit" => jit::of_machine(self),
            "nsg" => nsg::of_machine(self),
            "firewall" => firewall::of_machine(self),
            "defender" => defender::of_machine(self),
            "exposures" => exposure::of_machine(self),
            _ => undeclared(root),
        }
    }
}

impl VmFacts<'_, '_> {
    fn identity(&self) -> Fact {
        let vm = self.vm;
        let tags = vm
            .tags
            .iter()
            .map(|(name, value)| (name.clone(), Fact::Text(value.clone())));
        Fact::record([
            ("id", Fact::Text(vm.id.text().clone())),
            ("name", Fact::text(vm.id.name())),
            ("subscription", Fact::text(vm.id.subscription())),
            ("resource_group", Fact::text(vm.id.resource_group())),
            ("region", Fact::Text(vm.location.clone())),
            ("os", known(&vm.os, |os| Fact::text(os.as_str()))),
            ("power", known(&vm.power, |power| Fact::Text(power.clone()))),
            ("classic", Fact::Bool(vm.kind == MachineKind::Classic)),
            ("scale_set", Fact::Bool(vm.scale_set.is_some())),
            ("has_nic", self.has_nic()),
            ("public_ips", self.public_ips()),
            ("tags", Fact::Map(Arc::new(tags.collect()))),
        ])
    }

    fn has_nic(&self) -> Fact {
        match &self.machine.gap {
            Some(why) if self.machine.targets.is_empty() => unknown(why),
            _ => Fact::Bool(!self.machine.targets.is_empty()),
        }
    }

    fn public_ips(&self) -> Fact {
        if let Some(why) = &self.machine.gap {
            return unknown(why);
        }
        let ways = self.machine.targets.iter().flat_map(|target| &target.ways);
        let own = ways
            .filter(|way| way.way == crate::exposure::Way::PublicIp)
            .filter_map(|way| way.front.as_ref());
        super::texts(own.map(|front| front.address.clone()))
    }
}

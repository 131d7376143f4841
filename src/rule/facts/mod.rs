//! Facts from the estate: what the schema promises, gathered from inventory and exposures when a condition asks.
//! Must not know policies; every fact here is a line of the schema.

mod defender;
mod exposure;
mod firewall;
mod jit;
mod nsg;
mod security_rule;
mod vm;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

pub use jit::{JitRuleName, Standing, standing};
pub use nsg::spelled as spelled_sources;
pub use security_rule::SecurityRuleFacts;
pub use vm::VmFacts;

use super::fact::{Fact, FactSource};
use crate::exposure::Exposures;
use crate::model::{Inventory, JitEntry, JitPolicy, JitRequest, Known, ResourceId, Vm, Why};

type Index<'i, V> = HashMap<&'i ResourceId, Vec<V>, foldhash::fast::RandomState>;

/// Everything that facts are gathered from, with indexes built once.
pub struct Estate<'i> {
    pub inventory: &'i Inventory,
    pub exposures: &'i Exposures,
    /// The moment at which requests are active or over.
    pub now: Timestamp,
    /// Why it is unknown whether a machine without an entry has one in a policy that was not given.
    pub jit_unknown: Option<Arc<str>>,
    entries: Index<'i, (&'i JitPolicy, &'i JitEntry)>,
    /// Policies that could not be read: subscription and reason.
    unreadable: Vec<(&'i str, Arc<str>)>,
    requests: Index<'i, &'i JitRequest>,
    machines: HashMap<&'i ResourceId, u32, foldhash::fast::RandomState>,
    pricings: HashMap<&'i ResourceId, &'i crate::model::Pricing, foldhash::fast::RandomState>,
    assessments: HashMap<&'i ResourceId, &'i crate::model::Assessment, foldhash::fast::RandomState>,
    /// By group: its Allow rules for the analysed ports.
    allows: Vec<OnceLock<Arc<Vec<nsg::Allow>>>>,
    firewalls: firewall::Placed,
    /// Machines by address, for rules that JIT writes.
    by_address: HashMap<std::net::IpAddr, Vec<u32>, foldhash::fast::RandomState>,
    bastion_ranges: crate::net::AddressSet,
    /// Groups that a subnet or an interface names.
    attached: HashSet<&'i ResourceId, foldhash::fast::RandomState>,
}

impl<'i> Estate<'i> {
    pub fn new(inventory: &'i Inventory, exposures: &'i Exposures, now: Timestamp) -> Self {
        let mut estate = Estate {
            inventory,
            exposures,
            now,
            jit_unknown: None,
            entries: Index::default(),
            unreadable: Vec::new(),
            requests: Index::default(),
            machines: (0u32..)
                .zip(inventory.vms.iter())
                .map(|(index, vm)| (&vm.id, index))
                .collect(),
            pricings: inventory
                .pricings
                .iter()
                .filter(|p| defender::is_servers(p))
                .map(|p| (&p.scope, p))
                .collect(),
            assessments: defender::jit_assessments(inventory).map(|a| (&a.resource, a)).collect(),
            allows: (0..inventory.nsgs.len()).map(|_| OnceLock::new()).collect(),
            firewalls: firewall::Placed::of(inventory),
            by_address: HashMap::default(),
            bastion_ranges: bastion_ranges(inventory),
            attached: attached(inventory),
        };
        estate.index_policies();
        estate.index_addresses();
        estate
    }

    fn index_policies(&mut self) {
        for policy in self.inventory.jit_policies.iter() {
            let conflict = self.inventory.conflict(&policy.id);
            let unread = conflict.or_else(|| policy.entries.why()).or(policy.unread.as_ref());
            if let Some(why) = unread {
                self.unreadable.push((policy.id.subscription(), why.text.clone()));
            }
            for entry in policy.entries.known().into_iter().flatten() {
                self.entries.entry(&entry.vm).or_default().push((policy, entry));
            }
            for request in &policy.requests {
                self.requests.entry(&request.vm).or_default().push(request);
            }
        }
    }

    fn index_addresses(&mut self) {
        for (index, machine) in (0u32..).zip(&self.exposures.machines) {
            for address in machine.targets.iter().filter_map(|target| target.address.known()) {
                self.by_address.entry(*address).or_default().push(index);
            }
        }
    }

    pub fn vm(&self, index: u32) -> Option<&'i Vm> {
        self.inventory.vms.get(index)
    }

    pub fn machine_index(&self, id: &ResourceId) -> Option<u32> {
        self.machines.get(id).copied()
    }

    /// Whether a subnet or an interface names the group.
    pub fn is_attached(&self, nsg: &ResourceId) -> bool {
        self.attached.contains(nsg)
    }

    pub fn entries_of(&self, vm: &ResourceId) -> &[(&'i JitPolicy, &'i JitEntry)] {
        self.entries.get(vm).map_or(&[], Vec::as_slice)
    }

    /// Defender's own verdict on just-in-time access.
    pub fn assessment_of(&self, vm: &ResourceId) -> Option<&'i crate::model::Assessment> {
        self.assessments.get(vm).copied()
    }

    pub fn requests_of(&self, vm: &ResourceId) -> &[&'i JitRequest] {
        self.requests.get(vm).map_or(&[], Vec::as_slice)
    }

    /// Why a machine without an entry may still have one: a policy or its list could not be read.
    fn policies_unread(&self, vm: &ResourceId) -> Option<Arc<str>> {
        const TYPE: &str = "microsoft.security/locations/jitnetworkaccesspolicies";
        let missing = self.inventory.coverage.missing(vm.subscription(), TYPE);
        let missing = missing.map(|reason| Arc::from(format!("just-in-time policies were not read: {reason}")));
        missing
            .or_else(|| self.unreadable_policy(vm))
            .or_else(|| self.jit_unknown.clone())
    }

    fn unreadable_policy(&self, vm: &ResourceId) -> Option<Arc<str>> {
        let same = |(subscription, _): &&(&str, Arc<str>)| subscription.eq_ignore_ascii_case(vm.subscription());
        self.unreadable.iter().find(same).map(|(_, why)| why.clone())
    }
}

/// The groups that some subnet or interface names.
fn attached(inventory: &Inventory) -> HashSet<&ResourceId, foldhash::fast::RandomState> {
    let subnets = inventory
        .networks
        .iter()
        .flat_map(|network| &network.subnets)
        .map(|subnet| &subnet.nsg);
    let inline = inventory.vms.iter().flat_map(|vm| &vm.inline_nics);
    let nics = inventory.nics.iter().chain(inline).map(|nic| &nic.nsg);
    subnets.chain(nics).filter_map(Known::known).flatten().collect()
}

/// Ranges of the subnets that bastion hosts stand in.
fn bastion_ranges(inventory: &Inventory) -> crate::net::AddressSet {
    let subnets = inventory.networks.iter().flat_map(|network| &network.subnets);
    let of_bastion = subnets.filter(|subnet| subnet.id.name().eq_ignore_ascii_case("AzureBastionSubnet"));
    let ranges = of_bastion
        .filter_map(|subnet| subnet.prefixes.known())
        .flatten()
        .copied();
    crate::net::AddressSet::from_ranges(ranges)
}

/// The facts of one machine's entry in one policy.
pub struct JitEntryFacts<'e, 'i> {
    pub estate: &'e Estate<'i>,
    pub policy: &'i JitPolicy,
    pub entry: &'i JitEntry,
}

impl FactSource for JitEntryFacts<'_, '_> {
    fn fact(&self, root: &str) -> Fact {
        match root {
            "entry" => jit::entry(self.estate, self.policy, self.entry),
            _ => undeclared(root),
        }
    }
}

fn undeclared(name: &str) -> Fact {
    Fact::Unknown(Arc::from(format!("there is no fact `{name}`")))
}

fn unknown(why: &Why) -> Fact {
    Fact::Unknown(why.text.clone())
}

fn known<T>(value: &Known<T>, fact: impl FnOnce(&T) -> Fact) -> Fact {
    match value {
        Known::Known(value) => fact(value),
        Known::Unknown(why) => unknown(why),
    }
}

fn texts<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> Fact {
    Fact::list(items.into_iter().map(|item| Fact::text(item.as_ref())))
}

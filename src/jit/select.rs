//! Which machines are meant: by name, by id, by tag, by finding, all. What is not found or means several is an error.

use std::collections::BTreeSet;

use crate::model::{Inventory, ResourceId};
use crate::rule::{Finding, suggest};

/// What was typed.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    /// Names or ids.
    pub machines: Vec<String>,
    /// All of them must be there.
    pub tags: Vec<(String, String)>,
    /// Machines with an open finding of one of these rules.
    pub findings: Vec<String>,
    pub all: bool,
}

/// Machines listed in an error at most.
const NAMED: usize = 10;

impl Selector {
    pub fn is_empty(&self) -> bool {
        self.machines.is_empty() && self.tags.is_empty() && self.findings.is_empty() && !self.all
    }

    /// The machines that are meant, in the order of their ids. Machines that policies name and that are gone are found
    /// by name and id too.
    pub fn find(&self, inventory: &Inventory, findings: &[Finding]) -> Result<Vec<ResourceId>, String> {
        let mut found: BTreeSet<String> = BTreeSet::new();
        for typed in &self.machines {
            found.insert(one(inventory, typed)?.as_str().to_owned());
        }
        if !self.tags.is_empty() || !self.findings.is_empty() || self.all {
            found.extend(self.many(inventory, findings));
        }
        if found.is_empty() {
            return Err("no machine is meant by what was given".to_owned());
        }
        Ok(found.iter().map(|id| ResourceId::new(id)).collect())
    }

    fn many<'i>(&'i self, inventory: &'i Inventory, findings: &'i [Finding]) -> impl Iterator<Item = String> + 'i {
        let tagged = |tags: &crate::model::Tags| {
            self.tags.iter().all(|(name, value)| {
                tags.iter()
                    .any(|(known, has)| known.eq_ignore_ascii_case(name) && **has == **value)
            })
        };
        let has_finding = |index: u32| {
            self.findings.is_empty()
                || findings.iter().any(|finding| {
                    finding.is_open()
                        && finding.subject.machine == Some(index)
                        && self.findings.iter().any(|rule| *rule == *finding.rule)
                })
        };
        (0u32..)
            .zip(inventory.vms.iter())
            .filter(move |(index, vm)| tagged(&vm.tags) && has_finding(*index))
            .map(|(_, vm)| vm.id.as_str().to_owned())
    }
}

/// Every machine that is read or named in a policy.
fn known(inventory: &Inventory) -> impl Iterator<Item = &ResourceId> {
    let policies = inventory.jit_policies.iter();
    let entries = policies.filter_map(|policy| policy.entries.known()).flatten();
    inventory
        .vms
        .iter()
        .map(|vm| &vm.id)
        .chain(entries.map(|entry| &entry.vm))
}

/// The one machine of a name or id.
pub fn one(inventory: &Inventory, typed: &str) -> Result<ResourceId, String> {
    let id = ResourceId::new(typed);
    let matching = |known: &&ResourceId| match typed.starts_with('/') {
        true => **known == id,
        false => known.name().eq_ignore_ascii_case(typed),
    };
    let mut found: Vec<&ResourceId> = known(inventory).filter(matching).collect();
    found.sort_by_key(|id| id.as_str().to_ascii_lowercase());
    found.dedup();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            let names: BTreeSet<&str> = known(inventory).map(ResourceId::name).collect();
            let near = suggest::nearest(typed, names);
            let hint = near.map_or_else(
                || "name it as `portcullis jit status` lists it".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            Err(format!("no machine `{typed}` was read; {hint}"))
        }
        several => {
            let ids: Vec<String> = several.iter().take(NAMED).map(|id| format!("`{id}`")).collect();
            Err(format!(
                "`{typed}` means several machines; give the id of one: {}",
                ids.join(", ")
            ))
        }
    }
}

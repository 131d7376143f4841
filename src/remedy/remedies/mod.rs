//! The remedies: each looks at one finding in the estate as it would be by then, and says which changes of which
//! smallest resources mend it, or who must. A remedy is one file and one line in [`REMEDIES`].

mod allow_bastion;
mod attach_group;
mod close_allow;
mod delete_left;
mod edit_jit;
mod enable_jit;
mod lift_deny;
pub(super) mod remove_entry;

use serde_json::Value;

pub use enable_jit::{duration, names_fit, policy_for, policy_named, possible, set_sources};

use super::documents::Documents;
use super::plan::{Expected, Mended};
use super::view::View;
use crate::model::{ResourceId, Vm};
use crate::rule::Finding;

/// One remedy. Phases are carried out one after the other: 0 keeps ways open that must stay, 1 brings just-in-time
/// access, 2 raises its Deny rules, 3 closes.
pub struct Remedy {
    pub name: &'static str,
    pub phase: u8,
    /// Ids of the rules whose findings it mends.
    pub mends: &'static [&'static str],
    pub about: &'static str,
    pub propose: fn(&Sight<'_>, &Finding) -> Proposal,
}

/// Every remedy, in the order of the phases.
pub const REMEDIES: &[Remedy] = &[
    attach_group::REMEDY,
    allow_bastion::REMEDY,
    enable_jit::REMEDY,
    edit_jit::REMEDY,
    remove_entry::REMEDY,
    lift_deny::REMEDY,
    delete_left::REMEDY,
    close_allow::REMEDY,
];

/// What a remedy has to say of a finding.
#[derive(Debug)]
pub enum Proposal {
    /// It is not the remedy for this.
    Nothing,
    Steps(Vec<Draft>),
    Cannot {
        owner: String,
        reason: String,
    },
}

impl Proposal {
    pub(super) fn cannot(owner: impl Into<String>, reason: impl Into<String>) -> Proposal {
        Proposal::Cannot {
            owner: owner.into(),
            reason: reason.into(),
        }
    }
}

/// A step before it has a place in a plan.
#[derive(Clone, Debug)]
pub struct Draft {
    pub remedy: &'static str,
    pub phase: u8,
    pub target: ResourceId,
    pub part: Option<ResourceId>,
    pub lane: ResourceId,
    pub before: Option<Value>,
    pub after: Option<Value>,
    pub expects: Vec<Expected>,
    pub reason: String,
    pub mends: Vec<Mended>,
}

impl Draft {
    pub fn is_of(&self, other: &Draft) -> bool {
        self.target == other.target && self.part == other.part
    }
}

/// What the user chose.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Protect the port of the machine's system alone, as the page of a single machine does.
    pub jit_ports_by_system: bool,
    /// Longest opening, in minutes.
    pub jit_minutes: u32,
    /// From where openings may be requested; empty: any address, the request says it.
    pub jit_sources: Vec<String>,
    /// Keep management ports open to these prefixes where a rule is closed.
    pub narrow_to: Vec<String>,
    /// Close rules of machines that just-in-time access does not protect.
    pub close_without_jit: bool,
    /// Raise Deny rules of just-in-time access above the rules that shadow them, instead of closing these.
    pub lift: bool,
    /// Put a group of its own before an interface that nothing filters.
    pub attach_group: bool,
    /// Rules or resources whose findings are to be mended; empty: all.
    pub only: Vec<String>,
    pub exclude: Vec<String>,
    pub max_steps: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            jit_ports_by_system: false,
            jit_minutes: 180,
            jit_sources: Vec::new(),
            narrow_to: Vec::new(),
            close_without_jit: false,
            lift: false,
            attach_group: false,
            only: Vec::new(),
            exclude: Vec::new(),
            max_steps: 100,
        }
    }
}

/// The estate as it would be by now, and what was chosen.
pub struct Sight<'v> {
    pub view: &'v View,
    pub settings: &'v Settings,
    pub ports: &'v [u16],
    /// The estate as it was read, before any step.
    pub first: &'v Documents,
    /// Steps proposed since the view was made.
    pub fresh: &'v [Draft],
}

impl Sight<'_> {
    /// Inbound priorities that steps of this moment take in a group.
    pub(super) fn taken(&self, group: &ResourceId) -> Vec<u16> {
        let here = self.fresh.iter().filter(|draft| draft.lane == *group);
        let shapes = here.filter_map(|draft| draft.after.as_ref());
        shapes
            .filter_map(|after| super::rules::Shape::of(after).priority())
            .collect()
    }
}

/// Who owns a machine, as its tags say it.
pub(super) fn owner(vm: &Vm) -> String {
    let named = |name: &str| {
        vm.tags
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_string())
    };
    let group = || format!("whoever runs resource group `{}`", vm.id.resource_group());
    named("owner").or_else(|| named("team")).unwrap_or_else(group)
}

//! Virtual machines of every kind.

use std::sync::Arc;

use super::{Known, Nic, Origin, ResourceId, Tags, Why};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Os {
    Linux,
    Windows,
}

impl Os {
    pub fn as_str(self) -> &'static str {
        match self {
            Os::Linux => "linux",
            Os::Windows => "windows",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MachineKind {
    /// A virtual machine of Azure Resource Manager, members of flexible scale sets included.
    Arm,
    /// The classic deployment model, which JIT does not support.
    Classic,
    /// An instance of a uniform scale set; or the set itself, where no instance of it is in the input.
    ScaleSetInstance,
}

/// A scale set and the profile that its instances are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScaleSet {
    pub id: ResourceId,
    pub location: Arc<str>,
    pub os: Known<Os>,
    pub tags: Tags,
    /// How many instances there are; `None` where it is not said.
    pub capacity: Option<i64>,
    /// Interfaces of every instance; unknown where the profile leaves them out or cannot be read.
    pub nics: Known<Vec<Nic>>,
    pub origin: Origin,
}

impl ScaleSet {
    /// One machine that stands for every instance, since all are made alike.
    pub fn representative(&self) -> Vm {
        Vm {
            id: self.id.clone(),
            kind: MachineKind::ScaleSetInstance,
            location: self.location.clone(),
            os: self.os.clone(),
            power: Known::Unknown(Why::not_in_input("the power state of the instances")),
            tags: self.tags.clone(),
            scale_set: Some(self.id.clone()),
            nics: self.nics.clone().map(|_| Vec::new()),
            inline_nics: self.nics.known().cloned().unwrap_or_default(),
            latest_model: Some(true),
            origin: self.origin,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vm {
    pub id: ResourceId,
    pub kind: MachineKind,
    pub location: Arc<str>,
    pub os: Known<Os>,
    /// `running`, `deallocated`, ... as the service names it.
    pub power: Known<Arc<str>>,
    pub tags: Tags,
    pub scale_set: Option<ResourceId>,
    pub nics: Known<Vec<ResourceId>>,
    /// Interfaces declared within the machine.
    pub inline_nics: Vec<Nic>,
    /// Whether an instance of a scale set has the set's current profile.
    pub latest_model: Option<bool>,
    pub origin: Origin,
}

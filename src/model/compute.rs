//! Virtual machines of every kind.

use std::sync::Arc;

use super::{Known, Nic, Origin, ResourceId, Tags};

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
    /// An instance of a uniform scale set.
    ScaleSetInstance,
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
    pub origin: Origin,
}

//! What Microsoft Defender for Cloud says: plans and assessments.

use std::sync::Arc;

use super::{Known, Origin, ResourceId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pricing {
    pub id: ResourceId,
    /// The subscription or machine it applies to.
    pub scope: ResourceId,
    /// `VirtualMachines` and others.
    pub name: Arc<str>,
    /// `Free` or `Standard`.
    pub tier: Known<Arc<str>>,
    /// `P1` or `P2`; absent means the full plan.
    pub sub_plan: Known<Option<Arc<str>>>,
    /// `FullyCovered`, `PartiallyCovered`, `NotCovered`.
    pub coverage: Option<Arc<str>>,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    pub id: ResourceId,
    /// The assessed resource.
    pub resource: ResourceId,
    /// The assessment's own id, such as `805651bc-6ecd-4c73-9b55-97a19d0582d0`.
    pub key: Arc<str>,
    pub code: Arc<str>,
    pub cause: Option<Arc<str>>,
    pub origin: Origin,
}

impl Assessment {
    /// "Management ports of virtual machines should be protected with just-in-time network access control".
    pub const JIT: &'static str = "805651bc-6ecd-4c73-9b55-97a19d0582d0";

    /// The verdict with its cause, such as `Healthy (JitIsEnabled)`.
    pub fn words(&self) -> String {
        match &self.cause {
            Some(cause) => format!("{} ({cause})", self.code),
            None => self.code.to_string(),
        }
    }
}

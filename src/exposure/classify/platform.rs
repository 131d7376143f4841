//! What the platform does with packets for a machine that no group filters.

use std::sync::Arc;

use super::{Clients, Describer};
use crate::exposure::answer::{Decider, ExposureClass, FrontPort, Layer, PortExposure};
use crate::exposure::passage::{Passage, Passages};
use crate::exposure::stack::PortReach;
use crate::model::{Access, Inventory, choices};
use crate::net::AddressSet;

/// What the platform does with packets for a machine that no group filters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Platform {
    Open,
    Closed,
    Unknown(Arc<str>),
}

impl Platform {
    fn decider(&self) -> Decider {
        let (rule, access) = match self {
            Platform::Open => ("no network security group", Access::Allow.as_str()),
            Platform::Closed => ("Standard SKU without a network security group", Access::Deny.as_str()),
            Platform::Unknown(_) => ("no network security group, SKU unknown", "unknown"),
        };
        Decider {
            layer: Layer::Platform,
            group: Arc::from(""),
            group_id: None,
            rule: Arc::from(rule),
            priority: None,
            access: Arc::from(access),
            location: None,
        }
    }
}

impl Describer<'_> {
    /// The answer where no group filters: the platform decides, after admin rules have had their say in `reach`.
    pub fn unfiltered(
        &self,
        reach: &PortReach,
        front: FrontPort,
        clients: &Clients<'_>,
        platform: Platform,
    ) -> PortExposure {
        let mut answer = self.exposure(&behind_platform(self.inventory, reach, &platform), clients, front, "");
        let by_admin = !answer.deciders.is_empty();
        answer.deciders.push(platform.decider());
        answer.sentence = Arc::from(match platform {
            Platform::Open if by_admin => answer.sentence.to_string(),
            Platform::Open => format!("{}; no network security group filters this machine", answer.sentence),
            Platform::Closed if answer.class == ExposureClass::Closed => {
                "closed: a Standard public address stays closed until a network security group allows".to_owned()
            }
            Platform::Closed | Platform::Unknown(_) => answer.sentence.to_string(),
        });
        answer
    }
}

fn only_delivered(passages: &Passages) -> Passages {
    passages.repainted(|passage, painted| {
        painted.push(Passage {
            admitted: passage.admitted && passage.admin.is_some(),
            ..passage
        });
    })
}

/// What the platform makes of sources that no group filters. Of a Standard address it stops all; whether a rule that
/// delivers past every group opens it is not documented, so that the answer is a matter of choice.
fn behind_platform(inventory: &Inventory, reach: &PortReach, platform: &Platform) -> PortReach {
    let delivered = |passages: &Passages| {
        passages
            .iter()
            .any(|passage| passage.admitted && passage.admin.is_some())
    };
    let stopped = || Passages::all_of(&AddressSet::full(), false);
    let always_allow = inventory.choices.of(&choices::ALWAYS_ALLOW);
    let mut behind = reach.clone();
    match platform {
        Platform::Open => {}
        Platform::Unknown(why) => {
            behind.possible = Some(reach.possible().clone());
            behind.certain = stopped();
            behind.gaps.push(why.clone());
        }
        Platform::Closed if always_allow == "closed" || !delivered(reach.possible()) => {
            behind.certain = stopped();
            behind.possible = None;
            behind.gaps.clear();
        }
        Platform::Closed => {
            behind.possible = Some(only_delivered(reach.possible()));
            behind.certain = match always_allow {
                "open" => only_delivered(&reach.certain),
                _ => stopped(),
            };
            behind.gaps.push(Arc::from(
                "whether an AlwaysAllow rule opens a Standard public address without a group is not documented",
            ));
        }
    }
    behind
}

//! Exposure: who reaches which port of which machine, by which way in, because of which rule. Exact.
//! Must not know policies, reports or notations; it meets the input only in the model.

mod admin;
mod admitting;
mod alone;
mod analysis;
mod answer;
mod balancer;
mod classify;
mod compile;
mod deciding;
mod draft;
mod environment;
mod exact;
mod group_alone;
mod lanes;
mod machine;
mod members;
mod neighbours;
mod overruled;
mod passage;
mod priority;
mod redundant;
mod service;
mod shadow;
mod stack;
mod stacks;
mod sweep;
mod target;
mod translated;

pub use admin::find_admin_rule;
pub use admitting::Admitting;
pub use alone::{Alone, Opening, alone, alone_among, guarding};
pub use analysis::{Attached, Exposures, Front, MachineExposure, Stack, TargetExposure, WayIn, analyse, analyse_with};
pub use answer::{Decider, ExposureClass, FrontPort, Layer, PortExposure, Way};
pub use classify::{find as find_rule, grouped};
pub use compile::Truth;
pub use environment::{PLATFORM, PUBLIC, internet_route, learned_default, stated_routes};
pub use exact::{Exact, Reach, Run};
pub use group_alone::GroupAlone;
pub use neighbours::{Holder, holder};
pub use passage::{Passage, Passages, RuleRef, admitted};
pub use redundant::redundancies;
pub use shadow::shadows;
pub use stack::PortReach;
pub use sweep::{Segment, first_match};
pub use translated::{collections, ordered, unread_policies};

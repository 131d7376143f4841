//! Exposure: who reaches which port of which machine, by which way in, because of which rule. Exact.
//! Must not know policies, reports or notations; it meets the input only in the model.

mod analysis;
mod answer;
mod classify;
mod compile;
mod environment;
mod stack;
mod sweep;
mod ways;

pub use analysis::{Attached, Exposures, Front, MachineExposure, Stack, TargetExposure, WayIn, analyse};
pub use answer::{Decider, ExposureClass, Layer, PortExposure, Way};
pub use sweep::{Segment, first_match};

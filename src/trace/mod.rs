//! Trace: one packet, followed from its sender to a port of a machine, filter by filter, with the rule that decides at
//! each and the sentence why. Written from the semantics as a plain loop, and sharing nothing with the analysis of sets
//! in `exposure`: each is the other's proof. Must not know reports or notations.

mod admin;
mod answer;
mod candidates;
mod find;
mod force;
mod group;
mod holds;
mod judge;
mod machine;
mod nat;
mod packet;
mod place;
mod question;
mod unseen;
mod ways;
mod words;

pub use answer::{
    Answer, Asked, FORMAT_VERSION, Hop, HopEffect, HopKind, PortAnswer, Request, Subject, Trace, answer, json_schema,
};
pub use find::{Found, NotFound, find};
pub use holds::{Holds, Reason};
pub use judge::{Course, Status, comes_by, judge};
pub use machine::{Estate, Machine, Target};
pub use packet::{Membership, PLATFORM, Packet, is_nobody, is_platform, is_public};
pub use question::{From, Question, Traced, trace};
pub use ways::{Way, WayIn, ways};

//! Portcullis: who can reach the management ports of which Azure virtual machine, by which way, because of
//! which rule, and is just-in-time access holding the gate shut?

pub mod azure;
pub mod cli;
pub mod diff;
pub mod example;
pub mod exposure;
pub mod history;
pub mod input;
mod intern;
pub mod jit;
pub mod model;
pub mod net;
pub mod notify;
pub mod remedy;
pub mod report;
pub mod rule;
pub mod sandbox;
pub mod scan;
pub mod source;
pub mod syntax;
pub mod trace;
pub mod verify;

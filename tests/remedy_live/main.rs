//! Plans carried out over HTTP against a sandbox: from the unhealthy list to none and back, what stops a run before it
//! begins, every fault and other clients at every call, and the real program killed at every instant.
#![allow(dead_code)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::panic,
    reason = "what is not there fails the test"
)]

#[path = "../estate/mod.rs"]
mod estate;
#[path = "../generated/mod.rs"]
mod generated;
#[path = "../live/mod.rs"]
mod live;

mod bad_input;
mod contoso;
mod desk;
mod faults;
mod killed;
mod readme;

//! Telling people what a scan changed: one notice in several shapes, sent or written to a file. Nothing is sent of a scan
//! that changed nothing. Where a message goes is a secret and is never printed. Must not know how a scan is made.

mod card;
pub mod channel;
mod email;
mod issue;
pub mod notice;
pub mod post;
mod slack;
mod template;

use std::time::Duration;

pub use channel::{Channel, ChannelRule, Kind};
pub use notice::Notice;

/// Why a notice did not get through: a sentence without secrets, and whether it is worth trying again.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{why}")]
pub struct Undelivered {
    pub why: String,
    pub again: bool,
    /// The pause that the other side asked for.
    pub wait: Option<Duration>,
}

impl Undelivered {
    fn for_good(why: impl Into<String>) -> Self {
        Undelivered {
            why: why.into(),
            again: false,
            wait: None,
        }
    }

    /// With the pause that was asked for.
    fn after(mut self, wait: Option<Duration>) -> Self {
        self.wait = wait;
        self
    }

    fn for_now(why: impl Into<String>) -> Self {
        Undelivered {
            why: why.into(),
            again: true,
            wait: None,
        }
    }
}

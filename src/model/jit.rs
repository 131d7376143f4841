//! Just-in-time network access policies and the requests they remember.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Addresses, Known, Origin, ResourceId, Why};
use crate::net::ProtocolSet;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JitPolicy {
    pub id: ResourceId,
    pub location: Arc<str>,
    pub entries: Known<Vec<JitEntry>>,
    /// Why there may be an entry or a request for a machine that is not among those read.
    pub unread: Option<Why>,
    pub requests: Vec<JitRequest>,
    pub origin: Origin,
}

/// One machine of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JitEntry {
    pub vm: ResourceId,
    pub ports: Vec<JitPort>,
    /// Why there may be further ports.
    pub unread: Option<Why>,
    /// Public address of the firewall in front, where JIT works through one.
    pub public_address: Option<Arc<str>>,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JitPort {
    pub number: Known<u16>,
    pub protocol: Known<ProtocolSet>,
    pub sources: Addresses,
    /// Longest opening, in minutes.
    pub max_minutes: Known<i64>,
    pub origin: Origin,
}

/// One port of one machine of one remembered request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JitRequest {
    pub vm: ResourceId,
    pub port: Known<u16>,
    pub sources: Addresses,
    pub start: Known<Timestamp>,
    pub end: Known<Timestamp>,
    /// `Initiated`, `Initiating`, `Revoked` or what else the service says.
    pub status: Arc<str>,
    /// Why it has that status: `UserRequested`, `Expired`, `NewerRequestInitiated` or what else the service says.
    pub reason: Option<Arc<str>>,
    pub requestor: Option<Arc<str>>,
    pub justification: Option<Arc<str>>,
    /// The port of the firewall in front that leads to it.
    pub mapped_port: Option<u16>,
}

impl JitRequest {
    /// Whether the opening holds at `now`; unknown when its end cannot be read.
    pub fn active(&self, now: Timestamp) -> Known<bool> {
        if self.status.eq_ignore_ascii_case("revoked") {
            return Known::Known(false);
        }
        self.end.clone().map(|end| end > now)
    }
}

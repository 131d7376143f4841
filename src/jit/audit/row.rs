//! What is kept of a remembered request or of an event while an audit is made: small, so that a day of thousands of
//! machines fits.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::Touched;
use crate::jit::history::{self, Request};
use crate::remedy::documents::id_of;

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "snake_case")]
pub enum Row {
    Request(RequestRow),
    Event(EventRow),
}

/// A request that a policy remembers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestRow {
    pub policy: String,
    pub start: Timestamp,
    pub requestor: Option<String>,
    pub justification: Option<String>,
    pub touched: Vec<Touched>,
}

/// What an event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Initiate,
    PolicyWritten,
    PolicyDeleted,
    RuleWritten,
    RuleDeleted,
}

/// One event of the activity log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRow {
    pub id: String,
    pub at: Timestamp,
    pub kind: Kind,
    /// `Started`, `Accepted`, `Succeeded`, `Failed` or what else the log says.
    pub status: String,
    pub correlation: String,
    pub resource: String,
    pub user: Option<String>,
    pub client_address: Option<String>,
    pub justification: Option<String>,
    /// Machines and ports that the body of the request names.
    pub touched: Vec<Touched>,
    /// What the service said when it refused.
    pub error: Option<String>,
    /// The machine that a rule is for, as its description names it.
    pub machine: Option<String>,
}

impl Row {
    pub fn at(&self) -> Timestamp {
        match self {
            Row::Request(request) => request.start,
            Row::Event(event) => event.at,
        }
    }
}

/// Longest text that is kept of anything.
const LONGEST: usize = 2000;

/// A text within bounds.
pub(super) fn bounded(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// The requests that a policy remembers; those whose start cannot be read are counted and left out.
pub fn rows_of_policy(policy: &Value) -> (Vec<Row>, u64) {
    let id = id_of(policy).map(|id| id.as_str().to_owned()).unwrap_or_default();
    let (mut rows, mut unread) = (Vec::new(), 0);
    for request in history::requests(policy) {
        let touched = touched(&request);
        match request.start {
            Some(start) => rows.push(Row::Request(RequestRow {
                policy: id.clone(),
                start,
                requestor: request.requestor.as_deref().map(bounded),
                justification: request.justification.as_deref().map(bounded),
                touched,
            })),
            None => unread += 1,
        }
    }
    (rows, unread)
}

pub(super) fn touched(request: &Request) -> Vec<Touched> {
    let touched = |opening: &history::Opening| Touched {
        machine: opening.machine.as_str().to_owned(),
        port: opening.port,
        sources: opening.sources.clone(),
        end: opening.end.map(|end| end.to_string()),
        status: (!opening.status.is_empty()).then(|| opening.status.clone()),
        reason: opening.reason.clone(),
    };
    request.openings.iter().map(touched).collect()
}

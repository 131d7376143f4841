//! What applying a plan needs of Azure, one call at a time. Knows neither HTTP nor waiting; a client, the sandbox and
//! the rehearsal implement it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::model::ResourceId;

/// The service, called from several threads.
pub trait Service: Sync {
    /// The tenant that is spoken to, where it is known.
    fn tenant(&self) -> Option<String> {
        None
    }

    /// A resource as it is now. A resource that does not exist is an answer, not a fault.
    fn get(&self, id: &ResourceId, api_version: &str) -> Result<Found, Fault>;

    /// Creates or replaces, while the condition holds.
    fn put(&self, id: &ResourceId, api_version: &str, body: &Value, only: Condition<'_>) -> Result<Reply, Fault>;

    /// Deletes, while the condition holds; deleting what does not exist succeeds.
    fn delete(&self, id: &ResourceId, api_version: &str, only: Condition<'_>) -> Result<Reply, Fault>;

    /// An action on a resource, such as `initiate` on a just-in-time policy. Whether it may be asked for again after a lost
    /// answer is for the caller to know.
    fn act(&self, id: &ResourceId, action: &str, api_version: &str, body: &Value) -> Result<Reply, Fault>;

    /// Asks how a long operation stands.
    fn poll(&self, operation: &str) -> Result<Reply, Fault>;
}

/// When a change may be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition<'t> {
    #[default]
    Always,
    /// While the resource has this entity tag.
    Tag(&'t str),
    /// While it does not exist.
    Absent,
}

/// The answer to a reading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// `None`: it does not exist.
    pub document: Option<Value>,
    pub etag: Option<String>,
    pub request_id: Option<String>,
}

/// The answer to a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub progress: Progress,
    pub request_id: Option<String>,
    /// What the service showed; `Null` where it showed nothing.
    pub body: Value,
}

impl Reply {
    /// A change that is done.
    pub fn done(request_id: Option<String>) -> Reply {
        Reply {
            progress: Progress::Done,
            request_id,
            body: Value::Null,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    Done,
    /// Where to ask, and how long to wait before, where the service says it.
    Running {
        operation: String,
        wait: Option<Duration>,
    },
}

/// Why a call did not do what it should.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The entity tag is no longer that one: somebody changed the resource.
    #[error("the resource was changed by somebody else meanwhile")]
    Changed,
    /// Too many requests, or another operation is in progress: nothing was done, ask again later.
    #[error("the service is busy")]
    Busy { wait: Option<Duration> },
    /// No answer came: the call may have had its effect or not.
    #[error("the answer was lost: {0}")]
    Lost(String),
    /// The service says no, and will say so again.
    #[error("the service refused: {code}: {message}")]
    Refused {
        status: u16,
        code: String,
        message: String,
        request_id: Option<String>,
    },
}

impl Fault {
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Fault::Refused { request_id, .. } => request_id.as_deref(),
            _ => None,
        }
    }

    /// How long the service asks to wait.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Fault::Busy { wait } => *wait,
            _ => None,
        }
    }
}

/// The time, and waiting for it.
pub trait Clock: Sync {
    fn now(&self) -> Timestamp;
    fn wait(&self, duration: Duration);
}

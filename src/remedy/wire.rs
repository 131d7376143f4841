//! The service over HTTP, without HTTP: what Azure Resource Manager's answers mean for a plan. A client lends only the
//! sending, with tokens, host checks and redirects; statuses, long operations and entity tags are read here.

use std::time::Duration;

use serde_json::Value;

use super::documents::{member, property};
use super::service::{Condition, Fault, Found, Progress, Reply, Service};
use crate::model::ResourceId;

/// One answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// `Null` where there is none.
    pub body: Value,
}

/// Sends one request once and gives whatever answer comes. The error says why none did: `Lost`, when the request may have
/// arrived, or `Refused`, when it was not sent. `url` is a path with its query, or an absolute address that the service
/// gave; the sender must refuse other hosts.
pub trait Transport: Sync {
    fn send(&self, method: &str, url: &str, only: Condition<'_>, body: Option<&Value>) -> Result<Answer, Fault>;

    fn tenant(&self) -> Option<String> {
        None
    }
}

/// Azure behind a transport.
pub struct Remote<T>(pub T);

/// Codes with which the service refuses for now, whatever the status.
const FOR_NOW: &[&str] = &[
    "AnotherOperationInProgress",
    "RetryableError",
    "RetryableErrorDueToAnotherOperation",
    "ReferencedResourceNotProvisioned",
    "ServerTimeout",
    "TooManyRequests",
    "OperationPreempted",
    "Canceled",
];

/// Longest wait that is obeyed.
const LONGEST: Duration = Duration::from_secs(600);

impl<T: Transport> Service for Remote<T> {
    fn tenant(&self) -> Option<String> {
        self.0.tenant()
    }

    fn get(&self, id: &ResourceId, api_version: &str) -> Result<Found, Fault> {
        let answer = self.0.send("GET", &url(id, api_version), Condition::Always, None)?;
        let request_id = answer.request_id();
        if answer.status == 404 && answer.says_absent() {
            return Ok(Found {
                document: None,
                etag: None,
                request_id,
            });
        }
        let answer = answer.accepted()?;
        if !answer.body.is_object() {
            return Err(Fault::Lost("the answer is no JSON object".to_owned()));
        }
        let etag = answer.header("etag").map(str::to_owned);
        let stated = || member(&answer.body, "etag").and_then(Value::as_str).map(str::to_owned);
        Ok(Found {
            etag: etag.or_else(stated),
            document: Some(answer.body.clone()),
            request_id,
        })
    }

    fn put(&self, id: &ResourceId, api_version: &str, body: &Value, only: Condition<'_>) -> Result<Reply, Fault> {
        let url = url(id, api_version);
        self.0.send("PUT", &url, only, Some(body))?.changed(&url)
    }

    fn delete(&self, id: &ResourceId, api_version: &str, only: Condition<'_>) -> Result<Reply, Fault> {
        let url = url(id, api_version);
        let answer = self.0.send("DELETE", &url, only, None)?;
        if answer.status == 404 && answer.says_absent() {
            return Ok(Reply::done(answer.request_id()));
        }
        answer.changed(&url)
    }

    fn act(&self, id: &ResourceId, action: &str, api_version: &str, body: &Value) -> Result<Reply, Fault> {
        let path = format!("{}/{action}", id.as_str());
        let url = url(&ResourceId::new(&path), api_version);
        let answer = self.0.send("POST", &url, Condition::Always, Some(body))?.accepted()?;
        // An action names no resource that could be asked how far it is.
        let operation = answer.operation().map(str::to_owned);
        let progress = operation.map_or(Progress::Done, |operation| Progress::Running {
            operation,
            wait: answer.wait(),
        });
        Ok(Reply {
            progress,
            ..answer.done()
        })
    }

    fn poll(&self, operation: &str) -> Result<Reply, Fault> {
        let answer = self.0.send("GET", operation, Condition::Always, None)?;
        // What is gone is at rest; a fresh reading of the target says what became of it.
        if answer.status == 404 {
            return Ok(answer.done());
        }
        answer.changed(operation)
    }
}

fn url(id: &ResourceId, api_version: &str) -> String {
    format!("{}?api-version={api_version}", super::words::encoded(id.as_str()))
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    fn request_id(&self) -> Option<String> {
        let named = self
            .header("x-ms-request-id")
            .or_else(|| self.header("x-ms-correlation-request-id"));
        named.map(str::to_owned)
    }

    fn error(&self, name: &str) -> Option<&str> {
        let error = member(&self.body, "error").unwrap_or(&self.body);
        member(error, name).and_then(Value::as_str)
    }

    fn is_for_now(&self) -> bool {
        self.error("code").is_some_and(|code| FOR_NOW.contains(&code))
    }

    /// A 404 of the resource itself. One of its subscription or group says that the plan is of another place.
    fn says_absent(&self) -> bool {
        let elsewhere = [
            "SubscriptionNotFound",
            "InvalidSubscriptionId",
            "ResourceGroupNotFound",
            "ParentResourceNotFound",
        ];
        self.error("code").is_some_and(|code| !elsewhere.contains(&code))
    }

    /// How long the service asks to wait: seconds, milliseconds or a date, as Azure writes them.
    fn wait(&self) -> Option<Duration> {
        let milliseconds = ["x-ms-retry-after-ms", "retry-after-ms"].into_iter();
        let exact = milliseconds.filter_map(|name| self.header(name)?.trim().parse().ok());
        let asked = exact.map(Duration::from_millis).next().or_else(|| {
            let text = self.header("retry-after")?.trim();
            text.parse().ok().map(Duration::from_secs)
        })?;
        Some(asked.min(LONGEST))
    }

    /// The answer, if the service did or began what was asked.
    fn accepted(self) -> Result<Answer, Fault> {
        match self.status {
            200..=299 => Ok(self),
            412 => Err(Fault::Changed),
            // A redirect comes from a proxy: who knows what it let through.
            300..=399 | 408 | 500 | 502 | 503 | 504 => Err(Fault::Lost(format!("status {}", self.status))),
            429 => Err(Fault::Busy { wait: self.wait() }),
            _ if self.is_for_now() => Err(Fault::Busy { wait: self.wait() }),
            _ => Err(self.refusal(String::new())),
        }
    }

    fn refusal(&self, otherwise: String) -> Fault {
        Fault::Refused {
            status: self.status,
            code: self.error("code").unwrap_or("Unknown").to_owned(),
            message: self.error("message").map_or(otherwise, str::to_owned),
            request_id: self.request_id(),
        }
    }

    /// Of an operation or a resource: how far it is.
    fn state(&self) -> Option<&str> {
        let operation = member(&self.body, "status").and_then(Value::as_str);
        operation.or_else(|| property(&self.body, "provisioningState").and_then(Value::as_str))
    }

    fn failed_state(&self) -> Option<&str> {
        self.state()
            .filter(|state| ["failed", "canceled"].iter().any(|bad| state.eq_ignore_ascii_case(bad)))
    }

    /// The operation that the headers name.
    fn operation(&self) -> Option<&str> {
        self.header("azure-asyncoperation")
            .or_else(|| self.header("location").filter(|_| self.status == 202))
    }

    /// The answer to a change, or to the question how far it is.
    fn changed(self, asked: &str) -> Result<Reply, Fault> {
        let answer = self.accepted()?;
        match answer.failed_state() {
            Some(state) if answer.is_for_now() => Err(Fault::Lost(format!("the operation ended as `{state}`"))),
            Some(state) => Err(answer.refusal(format!("the operation ended as `{state}`"))),
            None => Ok(answer.reply(asked)),
        }
    }

    fn done(&self) -> Reply {
        Reply {
            body: self.body.clone(),
            ..Reply::done(self.request_id())
        }
    }

    /// Done, or where to ask: the operation that the headers name, else the resource itself.
    fn reply(&self, asked: &str) -> Reply {
        let unfinished = self
            .state()
            .is_some_and(|state| !state.eq_ignore_ascii_case("succeeded") && self.failed_state().is_none());
        let operation = match self.operation() {
            Some(named) if self.status != 200 || unfinished => Some(named.to_owned()),
            _ if unfinished || self.status == 202 => Some(asked.to_owned()),
            _ => None,
        };
        let progress = operation.map_or(Progress::Done, |operation| Progress::Running {
            operation,
            wait: self.wait(),
        });
        Reply {
            progress,
            ..self.done()
        }
    }
}

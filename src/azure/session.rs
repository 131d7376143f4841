//! Single calls to Azure Resource Manager for whoever is not asynchronous: one object, a list page by page, an action.
//! Waiting, asking again and budgets are the client's.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::client::{Client, Fault, Lane};
use super::cloud::is_loopback;
use super::patience::Stop;
use super::{Connection, Unread, Way, connect, runtime, watch};

/// Somebody who is signed in, or will be at the first call. Ctrl-C and the deadline of the connection end it.
pub struct Session {
    runtime: Runtime,
    client: Client,
}

impl Session {
    pub fn open(connection: &Connection) -> Result<Session, Unread> {
        let runtime = runtime()?;
        let stop = Stop::default();
        let (client, _) = {
            let _entered = runtime.enter();
            connect(connection, stop.clone())?
        };
        runtime.spawn(watch(stop, connection.patience.scan));
        Ok(Session { runtime, client })
    }

    /// One object, by a path with its query.
    pub fn get(&self, path: &str) -> Result<Value, Fault> {
        self.runtime.block_on(self.client.get(path, &lane(path)))
    }

    /// Every page of a list, handed over as it comes. An error means that the rest is missing.
    pub fn list(&self, path: &str, take: impl FnMut(Vec<Value>)) -> Result<(), Fault> {
        self.runtime.block_on(self.client.list(path, &lane(path), take))
    }

    /// The answer to an action.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, Fault> {
        self.runtime.block_on(self.client.post(path, body, &lane(path)))
    }

    /// The moment by the service's clock, once it has answered anything.
    pub fn now(&self) -> Timestamp {
        Timestamp::now().saturating_add(self.ahead()).unwrap_or(Timestamp::MAX)
    }

    /// By how much the service's clock is ahead of this machine's.
    pub fn ahead(&self) -> SignedDuration {
        self.client.ahead()
    }

    /// Why nothing more is asked for, once somebody stopped it.
    pub fn stopped(&self) -> Option<&'static str> {
        self.client.stop.reason()
    }
}

/// Whose budget a path uses.
fn lane(path: &str) -> Lane {
    let mut segments = path.trim_start_matches('/').split(['/', '?']);
    match (segments.next(), segments.next()) {
        (Some(first), Some(id)) if first.eq_ignore_ascii_case("subscriptions") && !id.is_empty() => {
            Lane::Subscription(Arc::from(id.to_ascii_lowercase()))
        }
        _ => Lane::Tenant,
    }
}

/// Asks an address of the user's choice for a short text, without any token.
pub fn fetch(connection: &Connection, url: &str) -> Result<String, String> {
    let url: reqwest::Url = url.parse().map_err(|_| format!("`{url}` is no web address"))?;
    if url.scheme() != "https" && !is_loopback(&url) {
        return Err(format!(
            "`{url}` is not https; who stands between could name an address of their own"
        ));
    }
    let runtime = runtime().map_err(|unread| unread.0)?;
    runtime.block_on(async {
        let way = Way::to(&url);
        let http = super::http(connection, Duration::from_secs(10), way).map_err(|unread| unread.0)?;
        let unreached = |_| "no answer came".to_owned();
        let mut answer = http.get(url).send().await.map_err(unreached)?;
        if !answer.status().is_success() {
            return Err(format!("the answer has status {}", answer.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreached)? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST {
                return Err("the answer is too long for an address".to_owned());
            }
        }
        String::from_utf8(body).map_err(|_| "the answer is no text".to_owned())
    })
}

/// Longest text that is taken from an address of the user's choice, in bytes.
const LONGEST: usize = 1024;

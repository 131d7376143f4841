//! The transport of plans: one request to Azure Resource Manager for each call, with the tokens, budgets and host checks of
//! the client. Async ends here. Must not know what a plan is, nor what an answer means for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::client::{Answer as Received, Change, Client, Fault as Failed, Lane};
use super::collect::rights::Rights;
use super::credential::tokens::Tokens;
use super::patience::Stop;
use super::{Connection, Unread, connect, runtime};
use crate::model::ResourceId;
use crate::remedy::wire::{Answer, Transport};
use crate::remedy::{Condition, Fault};

/// A connection on which plans are carried out.
pub struct Wire {
    runtime: Runtime,
    client: Client,
    tokens: Arc<Tokens>,
    tenant: OnceLock<String>,
    /// By scope, in lower case.
    rights: Mutex<HashMap<String, Result<Rights, String>>>,
}

/// A subscription, as the service shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub tenant: Option<String>,
    /// `Enabled`, or why nothing can be changed there.
    pub state: Option<String>,
}

/// Actions that the identity lacks, by resource group; and why it cannot be told for some.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lacking {
    pub actions: BTreeMap<String, Vec<String>>,
    pub untold: BTreeMap<String, String>,
}

impl Wire {
    pub fn open(connection: &Connection) -> Result<Wire, Unread> {
        let runtime = runtime()?;
        // The client's timers belong to the runtime.
        let (client, tokens) = runtime.block_on(async { connect(connection, Stop::default()) })?;
        Ok(Wire {
            runtime,
            client,
            tokens,
            tenant: OnceLock::new(),
            rights: Mutex::default(),
        })
    }

    /// Signs in. The way that worked and whom the token is for, in words for people and the journal.
    pub fn sign_in(&self) -> Result<String, Unread> {
        self.runtime.block_on(async {
            let token = self.tokens.get().await.map_err(|none| Unread(none.0.to_string()))?;
            let kind = self.tokens.kind().await.unwrap_or("nothing");
            Ok(match owner(token.secret()) {
                Some(owner) => format!("{kind} as {owner}"),
                None => kind.to_owned(),
            })
        })
    }

    /// The subscription, which also says which tenant is spoken to.
    pub fn subscription(&self, id: &str) -> Result<Subscription, String> {
        let shown = self.object(&format!("subscriptions/{id}?api-version=2022-12-01"), id)?;
        let text = |name: &str| shown.get(name).and_then(Value::as_str).map(str::to_owned);
        let found = Subscription {
            tenant: text("tenantId"),
            state: text("state"),
        };
        if let Some(tenant) = &found.tenant {
            // The first one says it; a plan is of one tenant.
            let _ = self.tenant.set(tenant.clone());
        }
        Ok(found)
    }

    /// Which of these actions the identity may not take, each at the resource group of its resource. A permission may be
    /// given at a resource alone, which this does not see.
    pub fn lacking(&self, needs: &[(ResourceId, &'static str)]) -> Lacking {
        let mut lacking = Lacking::default();
        for (target, action) in needs {
            let scope = format!(
                "/subscriptions/{}/resourceGroups/{}",
                target.subscription(),
                target.resource_group()
            );
            match self.rights_at(&scope, target.subscription()) {
                Ok(rights) if rights.allow(action) => {}
                Ok(_) => {
                    let actions = lacking.actions.entry(scope).or_default();
                    if !actions.iter().any(|known| known == action) {
                        actions.push((*action).to_owned());
                    }
                }
                Err(why) => {
                    lacking.untold.insert(scope, why);
                }
            }
        }
        lacking
    }

    fn rights_at(&self, scope: &str, subscription: &str) -> Result<Rights, String> {
        let key = scope.to_ascii_lowercase();
        let known = self
            .rights
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .cloned();
        if let Some(known) = known {
            return known;
        }
        let lane = Lane::Subscription(Arc::from(subscription));
        let found = self.runtime.block_on(Rights::at(&self.client, scope, &lane));
        let found = found.map_err(|fault| fault.words());
        let mut rights = self.rights.lock().unwrap_or_else(PoisonError::into_inner);
        rights.insert(key, found.clone());
        found
    }

    /// Every row of a list below Resource Manager's endpoint; the error is for people.
    pub fn list(&self, path: &str, subscription: &str) -> Result<Vec<Value>, String> {
        let lane = Lane::Subscription(Arc::from(subscription));
        let mut rows = Vec::new();
        let listed = self
            .runtime
            .block_on(self.client.list(path, &lane, |page| rows.extend(page)));
        listed.map(|()| rows).map_err(|fault| fault.words())
    }

    /// One object; the error is for people.
    pub fn object(&self, path: &str, subscription: &str) -> Result<Value, String> {
        let lane = Lane::Subscription(Arc::from(subscription));
        let found = self.runtime.block_on(self.client.get(path, &lane));
        found.map_err(|fault| fault.words())
    }

    fn change(&self, method: &str, url: &str, only: Condition<'_>, body: Option<&Value>) -> Result<Change, Failed> {
        let url = match url.contains("://") {
            true => self.client.follow(url)?,
            false => self.client.url(url)?,
        };
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| Failed::refused(0, "InvalidMethod", "the method cannot be sent"))?;
        let subscription: Arc<str> = Arc::from(ResourceId::new(url.path()).subscription());
        let lane = match method {
            Method::GET => Lane::Subscription(subscription),
            _ => Lane::Changes(subscription),
        };
        Ok(Change {
            method,
            url,
            condition: header(only),
            body: body.map(|body| body.to_string().into_bytes()),
            lane,
        })
    }
}

/// Whom a token is for, as its claims say it. Nothing is decided by it: only the service can tell whether they are true.
fn owner(token: &str) -> Option<String> {
    let claims = token.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let text = |name: &str| {
        claims
            .get(name)
            .and_then(Value::as_str)
            .map(|text| text.chars().take(120).collect::<String>())
    };
    let user = text("upn").or_else(|| text("unique_name"));
    let application = || {
        text("appid")
            .or_else(|| text("azp"))
            .map(|id| format!("application {id}"))
    };
    user.or_else(application).or_else(|| text("oid"))
}

fn header(only: Condition<'_>) -> Option<(HeaderName, String)> {
    match only {
        Condition::Always => None,
        Condition::Tag(tag) => Some((IF_MATCH, tag.to_owned())),
        Condition::Absent => Some((IF_NONE_MATCH, "*".to_owned())),
    }
}

impl Transport for Wire {
    fn send(&self, method: &str, url: &str, only: Condition<'_>, body: Option<&Value>) -> Result<Answer, Fault> {
        let change = self.change(method, url, only, body).map_err(unsent)?;
        let received = self.runtime.block_on(self.client.send_once(&change));
        received.map_err(unsent).and_then(|received| read(&received))
    }

    fn tenant(&self) -> Option<String> {
        self.tenant.get().cloned()
    }
}

/// What failed before it was sent will fail again; of all else nobody knows whether it had its effect.
fn unsent(fault: Failed) -> Fault {
    let code = match &fault {
        Failed::NoToken(_) => "NoToken",
        Failed::Astray(_) => "ForeignHost",
        Failed::Refused { code, .. } if code.starts_with("Invalid") => "InvalidRequest",
        _ => return Fault::Lost(fault.words()),
    };
    Fault::Refused {
        status: 0,
        code: code.to_owned(),
        message: fault.words(),
        request_id: None,
    }
}

/// An answer whose body is no JSON comes from something between us and the service.
fn read(received: &Received) -> Result<Answer, Fault> {
    let body = match received.body.iter().all(u8::is_ascii_whitespace) {
        true => Value::Null,
        false => received.json().map_err(|fault| Fault::Lost(fault.words()))?,
    };
    let mut headers = headers(&received.headers);
    if let Some(wait) = received.wait() {
        headers.push(("retry-after-ms".to_owned(), wait.as_millis().to_string()));
    }
    Ok(Answer {
        status: received.status,
        headers,
        body,
    })
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |(name, value): (&HeaderName, &reqwest::header::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    headers.iter().filter_map(text).collect()
}

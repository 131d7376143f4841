//! Requests to Azure Resource Manager: JSON in, JSON out, tokens for the hosts of the cloud alone, asked again while the
//! service fails, within a budget. Must not know what is asked.

mod answer;
mod budget;
mod change;
pub(in crate::azure) mod fault;
pub mod pages;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use azure_core::credentials::Secret;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{RequestBuilder, Url};

pub use answer::{Answer, without_tokens};
pub use budget::{Budget, Lane};
pub use change::Change;
pub use fault::{Fault, trouble};

use super::cloud::Cloud;
use super::credential::tokens::Tokens;
use super::patience::{Patience, Stop};

/// One request, which may be sent several times.
#[derive(Clone, Debug)]
pub struct Ask {
    pub url: Url,
    /// The JSON of a POST; a GET has none.
    pub body: Option<Arc<[u8]>>,
    pub lane: Lane,
}

pub struct Client {
    http: reqwest::Client,
    pub cloud: Cloud,
    tokens: Arc<Tokens>,
    patience: Patience,
    budget: Budget,
    pub stop: Stop,
    /// Requests that were sent.
    sent: AtomicU64,
    /// By how many seconds the service's clock is ahead of this machine's, as its latest answer said.
    ahead: AtomicI64,
}

impl Client {
    pub fn new(http: reqwest::Client, cloud: Cloud, tokens: Arc<Tokens>, patience: Patience, stop: Stop) -> Self {
        Client {
            http,
            cloud,
            tokens,
            patience,
            budget: Budget::default(),
            stop,
            sent: AtomicU64::new(0),
            ahead: AtomicI64::new(0),
        }
    }

    /// How many requests were sent so far, every attempt counted.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// By how much the service's clock is ahead of this machine's.
    pub fn ahead(&self) -> SignedDuration {
        SignedDuration::from_secs(self.ahead.load(Ordering::Relaxed))
    }

    /// A path below the endpoint of Resource Manager, such as `subscriptions?api-version=2022-12-01`.
    pub fn url(&self, path: &str) -> Result<Url, Fault> {
        let joined = self.cloud.arm.join(path.trim_start_matches('/'));
        let url = joined.map_err(|_| Fault::refused(0, "InvalidPath", "the path cannot be asked for"))?;
        // A name with dots or a scheme in it must not lead elsewhere.
        if url.path().starts_with(self.cloud.arm.path()) && self.cloud.trusts(&url) {
            Ok(url)
        } else {
            Err(Fault::refused(0, "InvalidPath", "the path leads to another place"))
        }
    }

    /// Sends until the answer is whole, or until there is no hope. `check` refuses answers that lie.
    pub async fn send<T>(&self, ask: &Ask, check: impl Fn(Answer) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut pauses = self.patience.pauses();
        let (mut failures, mut renewed) = (0, false);
        loop {
            let fault = match self.once(ask).await.and_then(&check) {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            let pause = match &fault {
                Fault::Unauthorized { token } if !renewed => {
                    renewed = true;
                    self.tokens.forget(token).await;
                    continue;
                }
                Fault::Throttled { wait } => {
                    let own = pauses.next();
                    let pause = wait.or(own).filter(|_| own.is_some());
                    pause.filter(|pause| *pause <= self.patience.longest_wait)
                }
                Fault::Failed { .. } => {
                    failures += 1;
                    pauses.next().filter(|_| failures < self.patience.attempts)
                }
                _ => None,
            };
            let Some(pause) = pause else { return Err(fault) };
            if let (Fault::Throttled { .. }, true) = (&fault, ask.lane.is_shared()) {
                self.budget.hold(&ask.lane, pause);
            }
            self.sleep(pause).await?;
        }
    }

    /// A short wait before a list is begun again.
    pub async fn pause(&self) -> Result<(), Fault> {
        self.sleep(self.patience.first_pause).await
    }

    async fn sleep(&self, pause: Duration) -> Result<(), Fault> {
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            () = self.stop.wait() => Err(self.stopped()),
        }
    }

    fn stopped(&self) -> Fault {
        Fault::Stopped(self.stop.reason().unwrap_or("the scan was ended before it was read"))
    }

    /// One attempt, from its place in the queue to the last byte.
    async fn once(&self, ask: &Ask) -> Result<Answer, Fault> {
        if !self.cloud.trusts(&ask.url) {
            return Err(Fault::Astray(ask.url.host_str().unwrap_or_default().to_owned()));
        }
        if self.stop.reason().is_some() {
            return Err(self.stopped());
        }
        tokio::select! {
            biased;
            () = self.stop.wait() => Err(self.stopped()),
            answer = self.in_turn(ask) => answer,
        }
    }

    async fn in_turn(&self, ask: &Ask) -> Result<Answer, Fault> {
        let request = match &ask.body {
            Some(body) => self
                .http
                .post(ask.url.clone())
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_vec()),
            None => self.http.get(ask.url.clone()),
        };
        self.whole(&ask.lane, request).await?.into_result()
    }

    /// One answer, whatever it says, in its turn and to its last byte.
    async fn whole(&self, lane: &Lane, request: RequestBuilder) -> Result<Answer, Fault> {
        let _place = self.budget.enter(lane).await;
        let token = self.tokens.get().await.map_err(|none| Fault::NoToken(none.0))?;
        self.sent.fetch_add(1, Ordering::Relaxed);
        let whole = tokio::time::timeout(self.patience.request, exchange(request, token)).await;
        let late = |_| {
            Fault::failed(format!(
                "no whole answer within {} seconds",
                self.patience.request.as_secs_f64()
            ))
        };
        let answer = whole.unwrap_or_else(|elapsed| Err(late(elapsed)))?;
        self.budget.learn(lane, &answer);
        if let Some(date) = answer.date() {
            let ahead = date.duration_since(Timestamp::now()).as_secs();
            self.ahead.store(ahead, Ordering::Relaxed);
        }
        Ok(answer)
    }
}

async fn exchange(request: RequestBuilder, token: Secret) -> Result<Answer, Fault> {
    let sent = request
        .bearer_auth(token.secret())
        .header(ACCEPT, "application/json")
        .send()
        .await;
    let response = sent.map_err(|error| Fault::failed(fault::transport_words(&error)))?;
    Answer::read(response, token).await
}

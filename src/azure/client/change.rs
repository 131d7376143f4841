//! Requests that may change something: sent once, and answered with whatever came. Whether to send again is for those who
//! know what a lost answer means. A refused token is the exception: nothing was done then.

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use super::{Answer, Client, Fault, Lane};

/// One request that is sent once.
#[derive(Clone, Debug)]
pub struct Change {
    pub method: Method,
    pub url: Url,
    /// `If-Match` or `If-None-Match`, with its value.
    pub condition: Option<(HeaderName, String)>,
    /// JSON.
    pub body: Option<Vec<u8>>,
    pub lane: Lane,
}

impl Client {
    /// The answer, whatever its status. An error says why there is none: of `Failed` nobody knows whether the request
    /// had its effect, all others were not sent.
    pub async fn send_once(&self, change: &Change) -> Result<Answer, Fault> {
        let answer = self.attempt(change).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        self.tokens.forget(&answer.token).await;
        self.attempt(change).await
    }

    async fn attempt(&self, change: &Change) -> Result<Answer, Fault> {
        if !self.cloud.trusts(&change.url) {
            return Err(Fault::Astray(change.url.host_str().unwrap_or_default().to_owned()));
        }
        let mut request = self.http.request(change.method.clone(), change.url.clone());
        if let Some((name, value)) = &change.condition {
            let value = HeaderValue::from_str(value)
                .map_err(|_| Fault::refused(0, "InvalidTag", "the entity tag is no value of a header"))?;
            request = request.header(name.clone(), value);
        }
        if let Some(body) = &change.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        self.whole(&change.lane, request).await
    }
}

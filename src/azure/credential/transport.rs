//! The way to the places that issue tokens. Plain http is for this machine and its link alone, answers are bounded, and
//! redirects are never followed.

use std::collections::HashMap;

use azure_core::error::ErrorKind;
use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Method, Request};
use reqwest::Url;

use super::tokens::is_passing;
use crate::azure::client::trouble;
use crate::azure::cloud::{Cloud, is_link_local, is_loopback, is_near};

/// Stands for the authority in addresses, since the crate refuses authorities without https.
pub(super) const AUTHORITY: &str = "authority.portcullis.invalid";

/// Largest answer of a token service, in bytes.
const LIMIT: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct SignInTransport {
    pub cloud: Cloud,
    pub http: reqwest::Client,
    pub near: reqwest::Client,
}

/// Whether a secret may be sent there.
pub(super) fn is_safe(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => is_near(url),
        _ => false,
    }
}

impl SignInTransport {
    /// Where a request really goes. In a rehearsal the authority stands for the metadata endpoint too.
    fn place(&self, url: &Url) -> Url {
        let is_authority = url.host_str() == Some(AUTHORITY);
        let is_rehearsed = is_link_local(url) && is_loopback(&self.cloud.authority);
        if !is_authority && !is_rehearsed {
            return url.clone();
        }
        let mut place = self.cloud.authority.clone();
        let base = place.path().trim_end_matches('/').to_owned();
        place.set_path(&format!("{base}{}", url.path()));
        place.set_query(url.query());
        place
    }

    /// The client for a place. The metadata endpoint answers soon or is not there, and no proxy is shown its tokens.
    fn client(&self, place: &Url) -> &reqwest::Client {
        if is_near(place) { &self.near } else { &self.http }
    }

    fn request(&self, request: &Request) -> azure_core::Result<reqwest::Request> {
        let url = self.place(request.url());
        if !is_safe(&url) {
            let message = format!(
                "`{}` is no https address, and is sent no secret",
                url.host_str().unwrap_or_default()
            );
            return Err(azure_core::Error::with_message(ErrorKind::Credential, message));
        }
        let method = match request.method() {
            Method::Post => reqwest::Method::POST,
            _ => reqwest::Method::GET,
        };
        let mut built = self.client(&url).request(method, url);
        for (name, value) in request.headers().iter() {
            built = built.header(name.as_str(), value.as_str());
        }
        if let Body::Bytes(bytes) = request.body() {
            built = built.body(bytes.clone());
        }
        let failed = |_| azure_core::Error::with_message(ErrorKind::Other, "the request could not be made".to_owned());
        built.build().map_err(failed)
    }
}

#[async_trait::async_trait]
impl HttpClient for SignInTransport {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let place = self.place(request.url());
        let host = place.host_str().unwrap_or_default().to_owned();
        let request = self.request(request)?;
        let sent = self.client(&place).execute(request).await;
        let answer = sent.map_err(|error| unreached(&error, &host))?;
        let status = answer.status().as_u16();
        let headers = headers(answer.headers());
        let cut = |why| azure_core::Error::with_message(ErrorKind::Io, why);
        let body = read_bounded(answer).await.map_err(cut)?;
        if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_err() {
            // A proxy that answers in the service's place, or leads elsewhere, may have let go the next time; a refusal stays one.
            let kind = match status < 400 || is_passing(status) {
                true => ErrorKind::DataConversion,
                false => ErrorKind::Credential,
            };
            return Err(azure_core::Error::with_message(kind, speechless(&host, status)));
        }
        Ok(AsyncRawResponse::from_bytes(status.into(), headers, body))
    }
}

/// Why an answer is no token and no reason either; the crate would tell of the syntax of JSON.
fn speechless(host: &str, status: u16) -> String {
    format!("`{host}` answered with status {status} and no JSON, as a proxy or a sign-in page does")
}

/// A service that is not there, or one to which the way broke.
fn unreached(error: &reqwest::Error, host: &str) -> azure_core::Error {
    if let Some(trouble) = trouble(error) {
        return azure_core::Error::with_message(ErrorKind::Connection, format!("`{host}`: {trouble}"));
    }
    if error.is_connect() {
        return azure_core::Error::with_message(ErrorKind::Connection, format!("`{host}` was not reached"));
    }
    azure_core::Error::with_message(ErrorKind::Io, format!("the connection to `{host}` broke"))
}

fn headers(map: &reqwest::header::HeaderMap) -> Headers {
    let text = map.iter().filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        Some((
            HeaderName::from(name.as_str().to_owned()),
            HeaderValue::from(value.to_owned()),
        ))
    });
    Headers::from(text.collect::<HashMap<_, _>>())
}

/// The body of an answer, no longer than a token service has reason to send.
pub(super) async fn read_bounded(mut answer: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= LIMIT => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err("the answer of the token service is too long".to_owned()),
            Ok(None) => return Ok(body),
            Err(_) => return Err("the answer of the token service was cut".to_owned()),
        }
    }
}

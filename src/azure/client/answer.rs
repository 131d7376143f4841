//! One answer of the service, read to its end and sorted into good and bad. Bodies are bounded.

use std::time::Duration;

use azure_core::credentials::Secret;
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Fault;

/// Largest body, in bytes. A page of Resource Graph has 16 MiB at most.
const LIMIT: usize = 128 << 20;

/// Longest text of an error that is shown.
const SHOWN: usize = 240;

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub(super) token: Secret,
}

impl Answer {
    pub(super) async fn read(mut response: reqwest::Response, token: Secret) -> Result<Self, Fault> {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= LIMIT => body.extend_from_slice(&chunk),
                Ok(Some(_)) => {
                    let message = format!("the answer is longer than {} MiB", LIMIT >> 20);
                    return Err(Fault::refused(0, "AnswerTooLong", &message));
                }
                Ok(None) => break,
                Err(_) => return Err(Fault::failed("the answer was cut")),
            }
        }
        Ok(Answer {
            status,
            headers,
            body,
            token,
        })
    }

    /// A number in a header.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.trim().parse().ok()
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What the service's clock shows.
    pub fn date(&self) -> Option<Timestamp> {
        Some(jiff::fmt::rfc2822::parse(self.text("date")?).ok()?.timestamp())
    }

    /// The answer as what it should be; anything else may be better the next time.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().to_ascii_lowercase();
        if !kind.contains("json") {
            let kind = kind.split(';').next().unwrap_or_default().trim();
            let what = if kind.is_empty() {
                "of no stated type".to_owned()
            } else {
                format!("`{kind}`")
            };
            return Err(Fault::failed(format!("the service answered {what} instead of JSON")));
        }
        let read = serde_json::from_slice(&self.body);
        read.map_err(|error| {
            let why = if error.is_eof() {
                "the answer was cut"
            } else {
                "the answer is not the JSON that was asked for"
            };
            Fault::failed(why)
        })
    }

    /// Sorts an answer that says no.
    pub(super) fn into_result(self) -> Result<Answer, Fault> {
        match self.status {
            200..=299 => Ok(self),
            401 => Err(Fault::Unauthorized { token: self.token }),
            429 => Err(Fault::Throttled { wait: self.wait() }),
            408 | 500..=599 => match self.wait() {
                Some(wait) => Err(Fault::Throttled { wait: Some(wait) }),
                None => Err(Fault::failed(self.said().words())),
            },
            300..=399 => Err(Fault::refused(self.status, "Redirect", "redirects are not followed")),
            _ => Err(self.said()),
        }
    }

    /// How long the service asks to wait.
    pub fn wait(&self) -> Option<Duration> {
        if let Some(milliseconds) = self
            .number("x-ms-retry-after-ms")
            .or_else(|| self.number("retry-after-ms"))
        {
            return Some(Duration::from_millis(milliseconds));
        }
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse::<u32>() {
            return Some(Duration::from_secs(seconds.into()));
        }
        let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        let now = Timestamp::now();
        Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
    }

    /// A text in which neither the token that was sent is left, nor anything with the looks of one: some services say back
    /// what they were sent.
    fn conceal(&self, text: &str) -> String {
        let token = self.token.secret();
        match token.is_empty() {
            true => without_tokens(text),
            false => without_tokens(&text.replace(token, "***")),
        }
    }

    /// What the service says is wrong.
    fn said(&self) -> Fault {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Envelope {
            error: Said,
            code: String,
            message: String,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Said {
            code: String,
            message: String,
        }
        let envelope: Envelope = serde_json::from_slice(&self.body).unwrap_or_default();
        let said = if envelope.error.code.is_empty() {
            Said {
                code: envelope.code,
                message: envelope.message,
            }
        } else {
            envelope.error
        };
        let code = shown(&self.conceal(&said.code));
        let code = if code.is_empty() {
            "without a code".to_owned()
        } else {
            code
        };
        Fault::refused(
            self.status,
            &code,
            &first_sentence(&shown(&self.conceal(&said.message))),
        )
    }
}

/// A text without the words that look like tokens.
pub fn without_tokens(text: &str) -> String {
    let hidden = text
        .split(' ')
        .map(|word| if word.contains("eyJ") { "***" } else { word });
    hidden.collect::<Vec<_>>().join(" ")
}

/// One line, of a length that people read.
fn shown(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(SHOWN)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// The rest is advice, correlation ids and times, which differ from scan to scan.
fn first_sentence(text: &str) -> String {
    let end = text.find(". ").unwrap_or(text.len());
    text.get(..end).unwrap_or(text).trim_end_matches('.').to_owned()
}

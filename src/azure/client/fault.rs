//! What can go wrong with a request, sorted by what helps.

use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::Secret;

/// Why there is no answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The service asks to wait.
    Throttled { wait: Option<Duration> },
    /// The service or the way to it failed; it may work in a moment.
    Failed { why: String },
    /// The pages of a list do not fit together; it may help to begin again.
    Disordered(String),
    /// The token was refused.
    Unauthorized { token: Secret },
    /// The service says no, and will again.
    Refused { status: u16, code: String, message: String },
    /// A link leads to a host outside the cloud; nothing was sent there.
    Astray(String),
    /// No credential gave a token.
    NoToken(Arc<str>),
    /// The scan was ended.
    Stopped(&'static str),
}

impl Fault {
    pub fn failed(why: impl Into<String>) -> Self {
        Fault::Failed { why: why.into() }
    }

    pub fn refused(status: u16, code: &str, message: &str) -> Self {
        Fault::Refused {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }

    /// The status and code of a refusal.
    pub fn refusal(&self) -> Option<(u16, &str)> {
        match self {
            Fault::Refused { status, code, .. } => Some((*status, code)),
            Fault::Unauthorized { .. } => Some((401, "InvalidAuthenticationToken")),
            _ => None,
        }
    }

    /// The reason in words, for the header of a snapshot and for reports.
    pub fn words(&self) -> String {
        match self {
            Fault::Throttled { .. } => "429: the service asked to wait longer than the scan may".to_owned(),
            Fault::Failed { why } | Fault::Disordered(why) => why.clone(),
            Fault::Unauthorized { .. } => "401: the token was refused".to_owned(),
            Fault::Refused { status: 0, message, .. } => message.clone(),
            Fault::Refused { status, code, message } if message.is_empty() => format!("{status} {code}"),
            Fault::Refused { status, code, message } => format!("{status} {code}: {message}"),
            Fault::Astray(host) => format!("the service pointed to `{host}`, which is no host of the cloud"),
            Fault::NoToken(why) => why.to_string(),
            Fault::Stopped(why) => (*why).to_owned(),
        }
    }
}

/// What happened on the way, without addresses: they may carry what must not be shown.
pub(in crate::azure) fn transport_words(error: &reqwest::Error) -> String {
    if let Some(trouble) = trouble(error) {
        trouble.to_owned()
    } else if error.is_connect() {
        "the service was not reached".to_owned()
    } else if error.is_timeout() {
        "the service did not answer in time".to_owned()
    } else {
        "the connection broke".to_owned()
    }
}

/// What is wrong on the way, where somebody can mend it: a certificate that nobody here trusts, as companies put them before
/// every service, or a proxy that does not let through.
pub fn trouble(error: &reqwest::Error) -> Option<&'static str> {
    // The error itself names the address, which may hold any word.
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        // The libraries below keep these errors to themselves; their words are all that can be asked.
        let words = error.to_string();
        if words.contains("certificate") {
            return Some("the certificate of the service is not trusted; name who issued it with --ca-file");
        }
        if words.contains("tunnel") {
            return Some("the proxy does not lead to the service; see HTTPS_PROXY and NO_PROXY");
        }
        cause = error.source();
    }
    None
}

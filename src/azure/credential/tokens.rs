//! The token of a scan: fetched from the first credential that gives one, kept until five minutes before it expires,
//! and fetched anew once when the service refuses it.

use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::{AccessToken, Secret, TokenCredential};
use azure_core::error::ErrorKind;
use azure_core::time::OffsetDateTime;
use tokio::sync::Mutex;

use super::{Kind, SignIn, Tried};
use crate::azure::patience::Patience;

/// How long before its end a token is no longer used.
const EARLY: Duration = Duration::from_secs(300);

/// How long one credential may take: a tool of a developer starts an interpreter.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long one may take that is only tried in passing.
const HURRY: Duration = Duration::from_secs(5);

/// No credential gave a token; the words say what was tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoToken(pub Arc<str>);

pub struct Tokens {
    sign_in: SignIn,
    kinds: Vec<&'static Kind>,
    patience: Patience,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The credential that gave the last token.
    chosen: Option<(&'static Kind, Arc<dyn TokenCredential>)>,
    token: Option<AccessToken>,
    /// That there is none is asked once, not once a request.
    refused: Option<NoToken>,
}

impl Tokens {
    pub fn new(sign_in: SignIn, kinds: Vec<&'static Kind>, patience: Patience) -> Self {
        Tokens {
            sign_in,
            kinds,
            patience,
            state: Mutex::default(),
        }
    }

    /// A token that is good for some minutes.
    pub async fn get(&self) -> Result<Secret, NoToken> {
        let mut state = self.state.lock().await;
        if let Some(refused) = &state.refused {
            return Err(refused.clone());
        }
        if let Some(token) = state.token.as_ref().filter(|token| is_fresh(token)) {
            return Ok(token.token.clone());
        }
        let fetched = self.fetch(&mut state).await;
        match fetched {
            Ok(token) => {
                let secret = token.token.clone();
                state.token = Some(token);
                Ok(secret)
            }
            Err(tried) => {
                let refused = NoToken(Arc::from(tried.words()));
                state.refused = Some(refused.clone());
                Err(refused)
            }
        }
    }

    /// Forgets a token that the service refused; one that was fetched meanwhile is kept.
    pub async fn forget(&self, stale: &Secret) {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|token| token.token == *stale) {
            state.token = None;
            // The credential holds the token too; a new one does not.
            let renewed = state.chosen.take().map(|(kind, _)| (kind, (kind.build)(&self.sign_in)));
            if let Some((kind, Ok(credential))) = renewed {
                state.chosen = Some((kind, credential));
            }
        }
    }

    /// The name of the way that gave the token.
    pub async fn kind(&self) -> Option<&'static str> {
        let state = self.state.lock().await;
        state.chosen.as_ref().map(|(kind, _)| kind.name)
    }

    async fn fetch(&self, state: &mut State) -> Result<AccessToken, Tried> {
        let mut tried = Tried::default();
        if let Some((kind, credential)) = &state.chosen {
            match self.patiently(kind, &**credential).await {
                Ok(token) => return Ok(token),
                Err(why) => tried.add(kind.name, why),
            }
            return Err(tried);
        }
        for kind in &self.kinds {
            let credential = match (kind.build)(&self.sign_in) {
                Ok(credential) => credential,
                Err(why) => {
                    tried.add(kind.name, why.0);
                    continue;
                }
            };
            match self.patiently(kind, &*credential).await {
                Ok(token) => {
                    state.chosen = Some((kind, credential));
                    return Ok(token);
                }
                Err(why) => tried.add(kind.name, why),
            }
        }
        Err(tried)
    }

    /// Asks again while the token service fails in a way that may pass.
    async fn patiently(&self, kind: &Kind, credential: &dyn TokenCredential) -> Result<AccessToken, String> {
        let limit = if kind.hurried && self.kinds.len() > 1 {
            HURRY
        } else {
            PATIENCE
        };
        let mut pauses = self.patience.pauses().take(self.patience.attempts.saturating_sub(1));
        loop {
            let scopes = [&*self.sign_in.cloud.scope];
            let asked = tokio::time::timeout(limit, credential.get_token(&scopes, None)).await;
            let error = match asked {
                Ok(Ok(token)) => return Ok(token),
                Ok(Err(error)) => error,
                Err(_) => return Err(format!("no answer within {} seconds", limit.as_secs())),
            };
            match pauses.next().filter(|_| may_pass(&error)) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(self.sign_in.conceal(&words(&error))),
            }
        }
    }
}

fn is_fresh(token: &AccessToken) -> bool {
    token.expires_on > OffsetDateTime::now_utc() + EARLY
}

/// Whether a service that says no with this status may say yes in a moment.
pub(super) fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429) || status >= 500
}

/// Whether the same request may succeed in a moment.
fn may_pass(error: &azure_core::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<azure_core::Error>() {
            match error.kind() {
                ErrorKind::HttpResponse { status, .. } => {
                    return is_passing(u16::from(*status));
                }
                ErrorKind::Io | ErrorKind::DataConversion => return true,
                // A service that is not there, such as the metadata endpoint on a laptop, is not waited for.
                ErrorKind::Connection => return false,
                _ => {}
            }
        }
        cause = error.source();
    }
    false
}

/// A failure in words: one line, short, and of a token service only its error code.
pub(super) fn words(error: &azure_core::Error) -> String {
    let mut text = error.to_string();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    let line: String = text
        .split_once("To troubleshoot, visit")
        .map_or(text.as_str(), |(before, _)| before)
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(240)
        .collect();
    line.trim().trim_end_matches('.').to_owned()
}

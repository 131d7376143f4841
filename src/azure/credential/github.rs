//! GitHub Actions: the job's own OpenID Connect token, exchanged for one of Azure.

use std::sync::Arc;

use azure_core::credentials::Secret;
use azure_core::error::ErrorKind;
use azure_core::http::ClientMethodOptions;
use azure_identity::{ClientAssertion, ClientAssertionCredential};
use reqwest::Url;

use super::assertion::options;
use super::transport::{is_safe, read_bounded};
use super::{Built, Kind, NotHere, SignIn, not_here};

pub(super) const KIND: Kind = Kind {
    name: "github",
    about: "GitHub Actions with `permissions: id-token: write`: AZURE_TENANT_ID, AZURE_CLIENT_ID",
    chained: true,
    hurried: false,
    build,
};

/// What Azure wants the job's token to be for.
const AUDIENCE: &str = "api://AzureADTokenExchange";

struct JobToken {
    url: Url,
    bearer: Secret,
    http: reqwest::Client,
}

impl std::fmt::Debug for JobToken {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("JobToken")
    }
}

#[derive(serde::Deserialize)]
struct Answer {
    value: String,
}

impl JobToken {
    async fn fetch(&self) -> Result<String, (ErrorKind, String)> {
        let sent = self
            .http
            .get(self.url.clone())
            .bearer_auth(self.bearer.secret())
            .send()
            .await;
        let answer = sent.map_err(|_| (ErrorKind::Io, "GitHub's token service was not reached".to_owned()))?;
        let status = answer.status();
        let body = read_bounded(answer).await.map_err(|why| (ErrorKind::Io, why))?;
        if !status.is_success() {
            let kind = if status.is_server_error() {
                ErrorKind::Io
            } else {
                ErrorKind::Credential
            };
            return Err((kind, format!("GitHub's token service answered {}", status.as_u16())));
        }
        let answer: Result<Answer, _> = serde_json::from_slice(&body);
        answer
            .map(|answer| answer.value)
            .map_err(|_| (ErrorKind::Io, "GitHub's token service answered no token".to_owned()))
    }
}

#[async_trait::async_trait]
impl ClientAssertion for JobToken {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let fetched = self.fetch().await;
        fetched.map_err(|(kind, why)| azure_core::Error::with_message(kind, why))
    }
}

fn build(sign_in: &SignIn) -> Built {
    let text = sign_in.needed("ACTIONS_ID_TOKEN_REQUEST_URL")?;
    let bearer = Secret::from(sign_in.needed("ACTIONS_ID_TOKEN_REQUEST_TOKEN")?);
    let mut url =
        Url::parse(&text).map_err(|_| NotHere("`ACTIONS_ID_TOKEN_REQUEST_URL` is no web address".to_owned()))?;
    if !is_safe(&url) {
        return Err(NotHere("`ACTIONS_ID_TOKEN_REQUEST_URL` is no https address".to_owned()));
    }
    url.query_pairs_mut().append_pair("audience", AUDIENCE);
    let token = JobToken {
        bearer,
        http: sign_in.client(&url).clone(),
        url,
    };
    let tenant = sign_in.needed("AZURE_TENANT_ID")?;
    let client = sign_in.needed("AZURE_CLIENT_ID")?;
    let credential =
        ClientAssertionCredential::new(tenant, client, token, options(sign_in)).map_err(|e| not_here(&e))?;
    let credential: Arc<_> = credential;
    Ok(credential)
}

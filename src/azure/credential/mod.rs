//! Credentials: one file a kind, one line in [`KINDS`], and the chain that tries them in order.
//! Must not know what the tokens are for, and never shows a secret.

mod assertion;
mod certificate;
mod developer;
mod github;
mod given;
mod managed;
mod pipelines;
mod secret;
pub mod tokens;
mod transport;
mod workload;

use std::fmt::Write as _;
use std::sync::Arc;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::TokenCredential;
use azure_core::http::{ClientOptions, RetryOptions, Transport};

use super::client::without_tokens;
use super::cloud::{Cloud, is_near};
use transport::{AUTHORITY, SignInTransport};

/// Reads the environment; tests give their own.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What a credential is made from.
#[derive(Clone)]
pub struct SignIn {
    pub cloud: Cloud,
    pub environment: Environment,
    /// The client id of a user-assigned managed identity, where one was named.
    pub managed_identity: Option<String>,
    pub http: reqwest::Client,
    /// For what is on this machine or its link, such as the metadata endpoint: never through a proxy, and given up soon,
    /// since most machines have none.
    pub near: reqwest::Client,
}

/// Why a kind of credential does not apply here, in words for people.
pub struct NotHere(pub String);

type Built = Result<Arc<dyn TokenCredential>, NotHere>;

/// One way to sign in.
pub struct Kind {
    /// What `--auth` takes.
    pub name: &'static str,
    pub about: &'static str,
    /// Whether it is tried when `--auth` is not given.
    chained: bool,
    /// Whether it is given up soon where others can be tried: most machines have no metadata endpoint.
    hurried: bool,
    build: fn(&SignIn) -> Built,
}

/// Every way to sign in, in the order in which they are tried.
pub const KINDS: &[Kind] = &[
    secret::KIND,
    certificate::KIND,
    github::KIND,
    workload::KIND,
    pipelines::KIND,
    managed::KIND,
    developer::AZ,
    developer::AZD,
    given::KIND,
];

/// The ways that are tried: the one that was asked for, or the chain.
pub fn asked(auth: Option<&str>) -> Result<Vec<&'static Kind>, String> {
    let Some(name) = auth else {
        return Ok(KINDS.iter().filter(|kind| kind.chained).collect());
    };
    let found = KINDS.iter().find(|kind| kind.name == name);
    found.map(|kind| vec![kind]).ok_or_else(|| {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        format!("`{name}` is no way to sign in; there are {}", names.join(", "))
    })
}

/// What was tried and why each failed.
#[derive(Default)]
pub struct Tried(Vec<(&'static str, String)>);

impl Tried {
    fn add(&mut self, kind: &'static str, why: String) {
        self.0.push((kind, why));
    }

    /// One sentence for people, without secrets.
    fn words(&self) -> String {
        let mut text = String::from("no token for Azure Resource Manager: ");
        for (at, (kind, why)) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            let _ = write!(text, "{separator}{kind}: {why}");
        }
        text
    }
}

impl SignIn {
    fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.trim().is_empty())
    }

    /// The value of a variable, or the reason for passing over the kind that needs it.
    fn needed(&self, name: &str) -> Result<String, NotHere> {
        self.variable(name)
            .ok_or_else(|| NotHere(format!("`{name}` is not set")))
    }

    /// The client for an address: near ones are never asked through a proxy.
    fn client(&self, url: &reqwest::Url) -> &reqwest::Client {
        if is_near(url) { &self.near } else { &self.http }
    }

    /// Options for credentials that talk to the authority: over our transport, without retries of their own.
    fn options(&self) -> ClientOptions {
        let mut custom = CustomConfiguration::default();
        // The crate takes https alone; the transport knows the real place.
        custom.authority_host = format!("https://{AUTHORITY}");
        ClientOptions {
            transport: Some(Transport::new(Arc::new(SignInTransport {
                cloud: self.cloud.clone(),
                http: self.http.clone(),
                near: self.near.clone(),
            }))),
            retry: RetryOptions::none(),
            cloud: Some(Arc::new(CloudConfiguration::from(custom))),
            ..ClientOptions::default()
        }
    }
}

/// Variables whose values must never be shown, whoever echoes them.
const SECRETS: &[&str] = &[
    "AZURE_CLIENT_SECRET",
    "SYSTEM_ACCESSTOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "PORTCULLIS_ACCESS_TOKEN",
    "IDENTITY_HEADER",
];

impl SignIn {
    /// A text in which no secret of the environment is left, nor anything with the looks of a token.
    fn conceal(&self, text: &str) -> String {
        let secrets = SECRETS.iter().filter_map(|name| self.variable(name));
        let without = secrets.fold(text.to_owned(), |text, secret| text.replace(secret.trim(), "***"));
        without_tokens(&without)
    }
}

/// Names the failure of a library in words, short and on one line.
fn not_here(error: &azure_core::Error) -> NotHere {
    NotHere(tokens::words(error))
}

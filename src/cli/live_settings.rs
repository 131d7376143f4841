//! `live` of the configuration: which estate is read, and how Azure is reached. Heeded only where the user named the file: one
//! that lies beside what is scanned must not say where tokens go.

use std::path::PathBuf;

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Failure;
use super::config::Config;
use super::live::{self, ConnectionArguments, ScopeArguments, SourceName};

/// As the flags of the same names, of `scan`. Heeded only in a file that is named with `--config`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LiveConfig {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscription: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub management_group: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_subscriptions: Option<bool>,
    /// As `--subscription-tag`: `NAME=VALUE`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscription_tag: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_subscription: Vec<String>,
    /// `auto`, `graph` or `arm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_identity: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_timeout: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_pause: Option<String>,
}

impl LiveConfig {
    pub fn is_empty(&self) -> bool {
        *self == LiveConfig::default()
    }

    /// What was typed, else what the configuration says.
    pub fn scope(&self, typed: &ScopeArguments) -> Result<ScopeArguments, Failure> {
        let mut scope = typed.clone();
        if !typed.is_given() {
            scope.subscription = all("subscription", &self.subscription, live::guid)?;
            scope.management_group.clone_from(&self.management_group);
            scope.all_subscriptions = self.all_subscriptions.unwrap_or(false);
            scope.subscription_tag = all("subscription_tag", &self.subscription_tag, live::tag)?;
        }
        if typed.exclude_subscription.is_empty() {
            scope.exclude_subscription = all("exclude_subscription", &self.exclude_subscription, live::guid)?;
        }
        let source =
            |text: &str| SourceName::from_str(text, true).map_err(|_| format!("`{text}` is none of auto, graph, arm"));
        scope.source = typed.source.or(one("source", self.source.as_deref(), source)?);
        Ok(scope)
    }

    /// The same of the connection. Paths are relative to the file.
    pub fn connection(&self, typed: &ConnectionArguments, config: &Config) -> Result<ConnectionArguments, Failure> {
        let or = |typed: &Option<String>, stated: &Option<String>| typed.clone().or_else(|| stated.clone());
        let mut connection = typed.clone();
        connection.auth = typed.auth.clone().or(one("auth", self.auth.as_deref(), live::auth)?);
        connection.cloud = typed
            .cloud
            .clone()
            .or(one("cloud", self.cloud.as_deref(), live::cloud_name)?);
        connection.managed_identity = or(&typed.managed_identity, &self.managed_identity);
        // Of a cloud that was typed nothing is taken from elsewhere.
        if typed.endpoint.is_none() && typed.cloud.is_none() {
            connection.endpoint.clone_from(&self.endpoint);
            connection.authority.clone_from(&self.authority);
            connection.audience.clone_from(&self.audience);
        }
        let beside = || self.ca_file.as_ref().map(|path| config.beside(path));
        connection.ca_file = typed.ca_file.clone().or_else(beside);
        let duration = |key, text: &Option<String>| one(key, text.as_deref(), live::duration);
        connection.deadline = typed.deadline.or(duration("deadline", &self.deadline)?);
        connection.request_timeout = typed
            .request_timeout
            .or(duration("request_timeout", &self.request_timeout)?);
        connection.retry_pause = typed.retry_pause.or(duration("retry_pause", &self.retry_pause)?);
        let attempts = |number: u8| match number {
            1..=50 => Ok(number),
            _ => Err(wrong("attempts", "it is not between 1 and 50".to_owned())),
        };
        connection.attempts = typed.attempts.or(self.attempts.map(attempts).transpose()?);
        Ok(connection)
    }
}

fn wrong(key: &str, why: String) -> Failure {
    Failure(format!("`live.{key}` of the configuration: {why}"))
}

fn one<T>(key: &str, text: Option<&str>, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, Failure> {
    text.map(parse).transpose().map_err(|why| wrong(key, why))
}

fn all<T>(key: &str, texts: &[String], parse: fn(&str) -> Result<T, String>) -> Result<Vec<T>, Failure> {
    let parsed = texts.iter().map(|text| parse(text));
    parsed.collect::<Result<_, _>>().map_err(|why| wrong(key, why))
}

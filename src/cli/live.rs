//! The arguments of whatever reads a live estate: which subscriptions, which cloud, who signs in, how long to wait.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{Failure, style};
use crate::azure::cloud::Cloud;
use crate::azure::collect::shard::Shard;
use crate::azure::collect::{Source, Which};
use crate::azure::patience::Patience;
use crate::azure::{Connection, Recorded, Request, credential, record};

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Live estate")]
pub struct ScopeArguments {
    /// Read this subscription; may be given several times
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = guid)]
    pub subscription: Vec<String>,

    /// Read the subscriptions below this management group; may be given several times
    #[arg(long, value_name = "NAME")]
    pub management_group: Vec<String>,

    /// Read every subscription that the identity is shown
    #[arg(long)]
    pub all_subscriptions: bool,

    /// Of those, or of all, only subscriptions with this tag; may be given several times, and all must be there
    #[arg(long, value_name = "NAME=VALUE", value_parser = tag)]
    pub subscription_tag: Vec<(String, String)>,

    /// Leave this subscription out; may be given several times
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = guid)]
    pub exclude_subscription: Vec<String>,

    /// Of those, only this part: INDEX/COUNT, counted from 0. The same subscription is in the same part each time
    #[arg(long, value_name = "INDEX/COUNT")]
    pub shard: Option<Shard>,

    /// Where resources are read from: Resource Graph, lists, or Resource Graph with lists where it fails [default: auto]
    #[arg(long, value_enum, value_name = "SOURCE")]
    pub source: Option<SourceName>,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connection to Azure")]
pub struct ConnectionArguments {
    /// How to sign in, see `portcullis permissions --help` [default: the first that works]
    #[arg(long, value_name = "KIND", value_parser = auth)]
    pub auth: Option<String>,

    /// The client id or resource id of a user-assigned managed identity
    #[arg(long, value_name = "ID")]
    pub managed_identity: Option<String>,

    /// The cloud: public, usgovernment or china [default: public]
    #[arg(long, value_name = "NAME", value_parser = cloud_name)]
    pub cloud: Option<String>,

    /// The Resource Manager of a private cloud or of a rehearsal, such as `http://127.0.0.1:8080`
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,

    /// Where the tokens of a private cloud are issued [default: --endpoint]
    #[arg(long, value_name = "URL", requires = "endpoint")]
    pub authority: Option<String>,

    /// What tokens of a private cloud are for [default: --endpoint]
    #[arg(long, value_name = "URL", requires = "endpoint")]
    pub audience: Option<String>,

    /// Certificates in PEM that are trusted beside those of the system
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// End the reading after this time, and report what was read as incomplete [default: 1h]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub deadline: Option<Duration>,

    /// The longest time for one answer [default: 60s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub request_timeout: Option<Duration>,

    /// How often a request is sent at most when the service fails [default: 6]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=50))]
    pub attempts: Option<u8>,

    /// The first pause before a request is sent again; it doubles each time [default: 500ms]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub retry_pause: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SourceName {
    #[default]
    Auto,
    Graph,
    Arm,
}

pub(super) fn guid(text: &str) -> Result<String, String> {
    let text = text.trim();
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    let is_guid = parts == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    match is_guid {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(format!(
            "`{text}` is no subscription id; `az account list -o table` shows them"
        )),
    }
}

pub(super) fn tag(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    parts
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| format!("`{text}` is no tag; write it as `environment=production`"))
}

pub(super) fn auth(text: &str) -> Result<String, String> {
    credential::asked(Some(text)).map(|_| text.to_owned())
}

pub(super) fn cloud_name(text: &str) -> Result<String, String> {
    let names = || Cloud::names().collect::<Vec<_>>().join(", ");
    match Cloud::named(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(format!(
            "`{text}` is no cloud; there are {}, or give --endpoint",
            names()
        )),
    }
}

/// `500ms`, `60s`, `10m`, `1h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration; write it as `500ms`, `60s`, `10m` or `1h`");
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let unit = text.get(digits.len()..).unwrap_or_default();
    let milliseconds = match unit {
        "ms" => Some(number),
        "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => None,
    };
    milliseconds.map(Duration::from_millis).ok_or_else(wrong)
}

impl ScopeArguments {
    /// Whether any live estate was asked for.
    pub fn is_given(&self) -> bool {
        self.is_all() || !self.subscription.is_empty() || !self.management_group.is_empty()
    }

    /// Tags alone are asked of every subscription.
    fn is_all(&self) -> bool {
        let by_tag = !self.subscription_tag.is_empty();
        self.all_subscriptions || (by_tag && self.subscription.is_empty() && self.management_group.is_empty())
    }

    pub fn request(&self) -> Request {
        Request {
            which: Which {
                all: self.is_all(),
                listed: self.subscription.clone(),
                management_groups: self.management_group.clone(),
                tags: self.subscription_tag.clone(),
                excluded: self.exclude_subscription.clone(),
                shard: self.shard,
            },
            source: match self.source.unwrap_or_default() {
                SourceName::Auto => Source::Auto,
                SourceName::Graph => Source::Graph,
                SourceName::Arm => Source::Arm,
            },
        }
    }

    /// What was asked for, as reports name it.
    pub fn names(&self) -> Vec<String> {
        let all = self.is_all().then(|| "all subscriptions".to_owned());
        let groups = self
            .management_group
            .iter()
            .map(|name| format!("management group {name}"));
        let listed = self.subscription.iter().map(|id| format!("subscription {id}"));
        let shard = self.shard.map(|shard| format!("shard {shard}"));
        all.into_iter().chain(groups).chain(listed).chain(shard).collect()
    }
}

impl ConnectionArguments {
    pub fn connection(&self) -> Result<Connection, Failure> {
        let first_pause = self.retry_pause.unwrap_or(Duration::from_millis(500));
        Ok(Connection {
            cloud: self.cloud()?,
            kinds: credential::asked(self.auth.as_deref()).map_err(Failure)?,
            environment: Arc::new(|name| std::env::var(name).ok()),
            managed_identity: self.managed_identity.clone(),
            certificates: self.certificates()?,
            patience: Patience {
                attempts: usize::from(self.attempts.unwrap_or(6)),
                first_pause,
                longest_pause: first_pause.max(Duration::from_millis(1)) * 60,
                request: self.request_timeout.unwrap_or(Duration::from_secs(60)),
                scan: self.deadline.unwrap_or(Duration::from_secs(3600)),
                ..Patience::default()
            },
        })
    }

    fn cloud(&self) -> Result<Cloud, Failure> {
        match &self.endpoint {
            Some(endpoint) => {
                Cloud::custom(endpoint, self.authority.as_deref(), self.audience.as_deref()).map_err(Failure)
            }
            None => {
                let name = self.cloud.as_deref().unwrap_or("public");
                Cloud::named(name).ok_or_else(|| Failure(format!("`{name}` is no cloud")))
            }
        }
    }

    /// What `--ca-file` holds.
    pub fn certificates(&self) -> Result<Option<Vec<u8>>, Failure> {
        let Some(path) = &self.ca_file else { return Ok(None) };
        let read = std::fs::read(path);
        read.map(Some)
            .map_err(|error| Failure(format!("cannot read `{}`: {error}", path.display())))
    }
}

/// Reads the estate, and says on the error stream what it took.
pub fn read(scope: &ScopeArguments, connection: &ConnectionArguments) -> Result<Recorded, Failure> {
    let connection = connection.connection()?;
    let spinner = super::progress::spinner("reading from Azure");
    let recorded = record(&connection, &scope.request());
    if let Some(spinner) = spinner {
        spinner.finish_and_clear();
    }
    let recorded = recorded.map_err(|unread| Failure(unread.0))?;
    // With few subscriptions a part may have none.
    if scope.shard.is_none() || !recorded.header.subscriptions.is_empty() {
        say(&recorded)?;
    }
    Ok(recorded)
}

fn say(recorded: &Recorded) -> Result<(), Failure> {
    if recorded.header.subscriptions.is_empty() {
        return Err(Failure(
            "no subscription to read: the identity is shown none, or tags and exclusions leave none".to_owned(),
        ));
    }
    style::note(&format!(
        "read {} resources in {} subscriptions with {} requests, signed in by `{}`",
        recorded.recording.resources(),
        recorded.header.subscriptions.len(),
        recorded.requests,
        recorded.signed_in.unwrap_or("nothing"),
    ));
    if let Some(stopped) = recorded.stopped {
        let why = stopped.trim_end_matches(" before it was read");
        style::warning(&format!(
            "{why}; what was read is kept, and the rest is reported as missing"
        ));
    }
    Ok(())
}

/// Whether everything that was asked for was read.
pub fn is_complete(recorded: &Recorded) -> bool {
    let subscriptions = &recorded.header.subscriptions;
    recorded.header.lost.is_empty() && subscriptions.iter().all(|read| read.complete)
}

/// Names what was not read, on the error stream.
pub fn say_missing(recorded: &Recorded) {
    for lost in &recorded.header.lost {
        style::warning(lost);
    }
    for read in recorded.header.subscriptions.iter().filter(|read| !read.complete) {
        let name = read.name.as_deref().unwrap_or(&read.id);
        for missing in read.missing.iter().take(SHOWN) {
            style::warning(&format!(
                "subscription `{name}`: `{}` was not read: {}",
                missing.resource_type, missing.reason
            ));
        }
        if let Some(more) = read.missing.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            style::warning(&format!("subscription `{name}`: and {more} types more"));
        }
    }
}

/// Missing types of one subscription that are shown.
const SHOWN: usize = 8;

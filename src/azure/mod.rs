//! The live edge: what Azure Resource Manager says, recorded as a snapshot. Async ends here; whoever calls gets plain
//! values. Must not judge anything.

pub mod client;
pub mod cloud;
pub mod collect;
pub mod credential;
pub mod examine;
mod guard;
pub mod jit;
pub mod patience;
pub mod permission;
pub mod record;
pub mod session;
pub mod surroundings;
pub mod wire;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use self::client::{Client, Fault};
use self::cloud::Cloud;
use self::collect::{Source, Which, collect};
use self::credential::tokens::Tokens;
use self::credential::{Environment, Kind, SignIn};
use self::patience::{Patience, Stop};
use self::record::{Recorder, Recording};
use crate::input::{Header, SnapshotScope};

/// How to reach a cloud and who signs in.
#[derive(Clone)]
pub struct Connection {
    pub cloud: Cloud,
    pub kinds: Vec<&'static Kind>,
    pub environment: Environment,
    /// The client id or resource id of a user-assigned managed identity.
    pub managed_identity: Option<String>,
    /// Certificates, as PEM, that are trusted beside those of the system.
    pub certificates: Option<Vec<u8>>,
    pub patience: Patience,
}

/// What a live scan is asked for.
pub struct Request {
    pub which: Which,
    pub source: Source,
}

/// What was recorded, and what it took.
pub struct Recorded {
    pub recording: Recording,
    pub header: Header,
    /// Requests that were sent, every attempt counted.
    pub requests: u64,
    /// The way in which the identity signed in.
    pub signed_in: Option<&'static str>,
    /// Why the scan was ended early.
    pub stopped: Option<&'static str>,
    /// By how much the service's clock is ahead of this machine's.
    pub ahead: SignedDuration,
}

/// Nothing could be read at all; the words are for people.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unread(pub String);

impl From<std::io::Error> for Unread {
    fn from(error: std::io::Error) -> Self {
        Unread(format!("what was read cannot be kept on disk: {error}"))
    }
}

/// Reads an estate. Ctrl-C and the deadline end it early; what was read is kept, and the header says what was not.
pub fn record(connection: &Connection, request: &Request) -> Result<Recorded, Unread> {
    let runtime = runtime()?;
    let recorded = Timestamp::now();
    let stop = Stop::default();
    let recorder = Recorder::new()?;
    let (collected, client, tokens) = runtime.block_on(async {
        let (client, tokens) = connect(connection, stop.clone())?;
        let watching = tokio::spawn(watch(stop.clone(), connection.patience.scan));
        let collected = collect(&client, &recorder, &request.which, request.source).await;
        watching.abort();
        let collected = collected.map_err(|fault: Fault| Unread(fault.words()))?;
        Ok::<_, Unread>((collected, client, tokens))
    })?;
    let header = Header {
        format: crate::input::SNAPSHOT_FORMAT.to_owned(),
        version: crate::input::SNAPSHOT_VERSION,
        recorded: whole_seconds(recorded),
        tool: format!("portcullis {}", env!("CARGO_PKG_VERSION")),
        scope: scope(&request.which, &collected.subscriptions),
        live: true,
        lost: collected.lost,
        subscriptions: collected.subscriptions,
    };
    let signed_in = runtime.block_on(tokens.kind());
    Ok(Recorded {
        recording: recorder.finish(&header)?,
        header,
        requests: client.sent(),
        signed_in,
        stopped: stop.reason(),
        ahead: client.ahead(),
    })
}

fn scope(which: &Which, subscriptions: &[crate::input::ReadWhole]) -> Vec<SnapshotScope> {
    let groups = which
        .management_groups
        .iter()
        .cloned()
        .map(SnapshotScope::ManagementGroup);
    let read = subscriptions
        .iter()
        .map(|read| SnapshotScope::Subscription(read.id.clone()));
    groups.chain(read).collect()
}

fn whole_seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

fn runtime() -> Result<tokio::runtime::Runtime, Unread> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Unread(format!("the program cannot start its threads: {error}")))
}

/// A client that has not asked for anything yet.
fn connect(connection: &Connection, stop: Stop) -> Result<(Client, Arc<Tokens>), Unread> {
    let far = http(connection, Duration::from_secs(20), Way::Configured)?;
    let sign_in = SignIn {
        cloud: connection.cloud.clone(),
        environment: Arc::clone(&connection.environment),
        managed_identity: connection.managed_identity.clone(),
        http: far.clone(),
        near: http(connection, Duration::from_secs(1), Way::Straight)?,
    };
    let http = match Way::to(&connection.cloud.arm) {
        Way::Straight => http(connection, Duration::from_secs(20), Way::Straight)?,
        Way::Configured => far,
    };
    let tokens = Arc::new(Tokens::new(
        sign_in,
        connection.kinds.clone(),
        connection.patience.clone(),
    ));
    let client = Client::new(
        http,
        connection.cloud.clone(),
        Arc::clone(&tokens),
        connection.patience.clone(),
        stop,
    );
    Ok((client, tokens))
}

/// How a host is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Through the proxies that `HTTPS_PROXY` and its like name.
    Configured,
    /// Directly: what is on this machine or its link must not be shown to a proxy.
    Straight,
}

impl Way {
    fn to(url: &reqwest::Url) -> Way {
        match cloud::is_loopback(url) {
            true => Way::Straight,
            false => Way::Configured,
        }
    }
}

fn http(connection: &Connection, reached_within: Duration, way: Way) -> Result<reqwest::Client, Unread> {
    let wrong = |error: reqwest::Error| Unread(format!("the connection cannot be set up: {error}"));
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(reached_within)
        .timeout(connection.patience.request)
        .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")));
    if let Some(pem) = &connection.certificates {
        let certificates = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|_| Unread("the file of certificates holds none in PEM".to_owned()))?;
        builder = builder.tls_certs_merge(certificates);
    }
    if way == Way::Straight {
        builder = builder.no_proxy();
    }
    builder.build().map_err(wrong)
}

/// Ends the scan at its deadline or when somebody asks; who asks twice wants out.
async fn watch(stop: Stop, deadline: Duration) {
    tokio::select! {
        () = tokio::time::sleep(deadline) => return stop.deadline(),
        pressed = tokio::signal::ctrl_c() => match pressed {
            Ok(()) => stop.interrupt(),
            Err(_) => return std::future::pending().await,
        },
    }
    if tokio::signal::ctrl_c().await.is_ok() {
        std::process::exit(130);
    }
}

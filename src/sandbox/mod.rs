//! A local Azure: tokens, Azure Resource Manager and Resource Graph over an estate that was recorded, for rehearsal,
//! demonstration and tests. It speaks the wire protocol, remembers what is written to it and misbehaves when told to.
//! Only `server` is asynchronous; a call is answered by plain functions over one [`State`].

mod access;
mod activity;
mod answer;
mod arm;
mod call;
mod clock;
mod control;
mod entra;
mod fault;
mod graph;
mod jit;
pub mod kind;
mod limits;
mod security;
mod server;
mod service;
mod state;
mod store;
mod tls;
mod write;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

pub use entra::Identity;
pub use fault::{FAULTS, Fault, FaultKind, Faults};
pub use state::{Record, State};
pub use store::{LoadError, Store, load};

/// Called for each call, after it was answered.
pub type Watch = Arc<dyn Fn(&Record) + Send + Sync>;

/// How a sandbox is set up.
#[derive(Clone)]
pub struct Options {
    pub listen: SocketAddr,
    pub tls: bool,
    /// Names under which clients reach it, beside those of this machine.
    pub tls_names: Vec<String>,
    pub faults: Vec<Fault>,
    /// Before each answer.
    pub latency: Duration,
    /// Rows of a page of Azure Resource Manager.
    pub page_size: usize,
    /// Rows of a page of Resource Graph, however many are asked for.
    pub graph_page_size: usize,
    /// Subscriptions that one query of Resource Graph looks at.
    pub graph_subscriptions: usize,
    /// Enforce the documented rate limits.
    pub limits: bool,
    /// How long a write takes after it was accepted, on the sandbox's clock.
    pub operation: Duration,
    /// How long after a change assessments are computed anew.
    pub assessment_lag: Duration,
    pub identity: Identity,
    /// What the identity is assigned in the whole tenant, by name or id: the role Owner where nothing is said, neither
    /// here nor in the recording.
    pub roles: Vec<String>,
    /// What the clock shows at the start; the machine's time where nothing is said.
    pub start: Option<Timestamp>,
    pub watch: Option<Watch>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: false,
            tls_names: Vec::new(),
            faults: Vec::new(),
            latency: Duration::ZERO,
            page_size: 100,
            graph_page_size: 1000,
            graph_subscriptions: 10_000,
            limits: false,
            operation: Duration::from_millis(300),
            assessment_lag: Duration::from_secs(600),
            identity: Identity::default(),
            roles: Vec::new(),
            start: None,
            watch: None,
        }
    }
}

/// A sandbox that serves, until it is dropped.
pub struct Sandbox {
    /// Such as `http://127.0.0.1:40123`.
    pub origin: String,
    pub address: SocketAddr,
    /// What clients must trust, in PEM.
    pub certificate: Option<String>,
    state: Arc<Mutex<State>>,
    runtime: Option<Runtime>,
    stop: Option<oneshot::Sender<()>>,
}

impl Sandbox {
    /// Serves an estate. It must be settled.
    pub fn start(mut store: Store, options: Options) -> io::Result<Sandbox> {
        access::endow(&mut store, &options.identity, &options.roles).map_err(|name| {
            let names: Vec<&str> = access::BUILT_IN.iter().map(|role| role.name).collect();
            let known = names.join("`, `");
            io::Error::other(format!(
                "no role is named `{name}`; there are `{known}` and those of the recording"
            ))
        })?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sandbox")
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind(options.listen))?;
        let address = listener.local_addr()?;
        let tls = options
            .tls
            .then(|| tls::make(address.ip(), &options.tls_names))
            .transpose();
        let tls = tls.map_err(io::Error::other)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let latency = options.latency;
        let state = Arc::new(Mutex::new(State::new(store, options)));
        let (stop, stopped) = oneshot::channel();
        let (acceptor, certificate) = match tls {
            Some(tls) => (Some(tls.acceptor), Some(tls.certificate)),
            None => (None, None),
        };
        let served = server::Served::new(state.clone(), scheme, latency, address);
        runtime.spawn(server::serve(listener, acceptor, served, stopped));
        Ok(Sandbox {
            origin: format!("{scheme}://{address}"),
            address,
            certificate,
            state,
            runtime: Some(runtime),
            stop: Some(stop),
        })
    }

    /// What the sandbox remembers, to look at or to change between calls.
    pub fn state(&self) -> MutexGuard<'_, State> {
        server::lock(&self.state)
    }

    /// Sets the sandbox's clock ahead, and lets happen what was to happen until then.
    pub fn advance(&self, by: SignedDuration) {
        let mut state = self.state();
        state.clock.advance(by);
        state.settle();
    }

    /// Puts these faults in place of those before, and counts calls from 1 again.
    pub fn inject(&self, faults: Vec<Fault>) {
        let mut state = self.state();
        state.faults = Faults::new(faults);
        state.calls = 0;
    }

    /// Calls since the start or since the last [`Sandbox::inject`].
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// How many calls were met by faults since the last [`Sandbox::inject`].
    pub fn met(&self) -> u64 {
        self.state().faults.met()
    }

    /// Waits for Ctrl-C.
    pub fn wait(&self) -> io::Result<()> {
        match &self.runtime {
            Some(runtime) => runtime.block_on(tokio::signal::ctrl_c()),
            None => Ok(()),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_millis(200));
        }
    }
}

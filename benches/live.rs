//! A live scan against the sandbox with realistic latency and the documented rate limits: 50 subscriptions, 20,000
//! machines. Prints requests against the least possible, wall time against what the limits allow, and memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing
)]

mod estate;

use std::io::Cursor;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis::azure::cloud::Cloud;
use portcullis::azure::collect::{Source, Which};
use portcullis::azure::credential;
use portcullis::azure::patience::Patience;
use portcullis::azure::{Connection, Request, record};
use portcullis::sandbox::{Options, Sandbox, Store, load};

const SUBSCRIPTIONS: usize = 50;
const MACHINES: usize = 20_000;
const LATENCY: Duration = Duration::from_millis(50);

fn number(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn main() {
    match std::env::var("LIVE_BENCH_ORIGIN") {
        Ok(origin) => client(&origin),
        Err(_) => serve(),
    }
}

/// Serves the estate, and lets a process of its own read it, so that its memory is the client's alone.
fn serve() {
    let subscriptions = number("SUBSCRIPTIONS", SUBSCRIPTIONS);
    let machines = number("MACHINES", MACHINES) / subscriptions;
    let mut store = Store::default();
    for index in 0..subscriptions {
        let mut text = Vec::new();
        estate::write(machines, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let text = text.replace("00000000-5c1e-", &format!("{index:08x}-5c1e-")).replace(
            "\"subPlan\":\"P2\",",
            "\"subPlan\":\"P2\",\"resourcesCoverageStatus\":\"FullyCovered\",",
        );
        load(&mut store, "estate", Cursor::new(text)).unwrap();
    }
    store.settle();
    let sandbox = Sandbox::start(
        store,
        Options {
            latency: LATENCY,
            limits: true,
            ..Options::default()
        },
    )
    .unwrap();
    println!(
        "estate     {subscriptions} subscriptions, {} machines, {} ms latency, documented rate limits",
        machines * subscriptions,
        LATENCY.as_millis()
    );
    let ended = Command::new(std::env::current_exe().unwrap())
        .env("LIVE_BENCH_ORIGIN", &sandbox.origin)
        .status()
        .unwrap();
    assert!(ended.success());
    let refused = sandbox.state().recent.iter().filter(|call| call.status == 429).count();
    println!("refused    {refused} requests for going too fast");
}

/// Reads everything, and says what it took.
fn client(origin: &str) {
    let connection = Connection {
        cloud: Cloud::custom(origin, None, None).unwrap(),
        kinds: credential::asked(Some("managed-identity")).unwrap(),
        environment: Arc::new(|_| None),
        managed_identity: None,
        certificates: None,
        patience: Patience::default(),
    };
    let request = Request {
        which: Which {
            all: true,
            ..Which::default()
        },
        source: Source::Auto,
    };
    let before = memory();
    let began = Instant::now();
    let recorded = record(&connection, &request).unwrap();
    let wall = began.elapsed();
    let peak = memory();
    let complete = recorded.header.subscriptions.iter().all(|read| read.complete);
    let (subscriptions, requests) = (recorded.header.subscriptions.len(), recorded.requests);
    let rows = recorded.recording.resources();
    let mut text = Vec::new();
    recorded.recording.write(&mut text).unwrap();
    let least = Least::of(std::str::from_utf8(&text).unwrap(), subscriptions);
    println!(
        "read       {rows} resources, {} MB of text, complete: {complete}",
        text.len() / 1_000_000
    );
    println!(
        "requests   {requests}, least possible {}: ratio {:.3}",
        least.requests(),
        requests as f64 / least.requests() as f64
    );
    println!(
        "wall       {:.1} s, limits allow {:.1} s: ratio {:.3}",
        wall.as_secs_f64(),
        least.seconds(),
        wall.as_secs_f64() / least.seconds()
    );
    println!("memory     {} MiB at most, {} MiB before", peak >> 10, before >> 10);
}

/// The fewest requests that give every row, by the cheapest way that gives the truth.
struct Least {
    /// Pages of Resource Graph.
    graph: u64,
    /// Lists, one page each at least, and one question for the rights of each subscription.
    lists: u64,
}

impl Least {
    fn of(text: &str, subscriptions: usize) -> Least {
        let count = |word: &str| text.lines().filter(|line| line.contains(word)).count() as u64;
        let assessments = count("/providers/Microsoft.Security/assessments/");
        let policies = count("/jitNetworkAccessPolicies/");
        let plans = count("/providers/Microsoft.Security/pricings/");
        let rows = text.lines().count() as u64 - 2 - subscriptions as u64 - assessments - policies - plans;
        let pages = |rows: u64| rows.div_ceil(1000).max(1);
        Least {
            graph: pages(rows) + pages(assessments) + pages(0),
            lists: 1 + subscriptions as u64 * (1 + 1 + policies.div_ceil(subscriptions as u64 * 100).max(1)),
        }
    }

    fn requests(&self) -> u64 {
        self.graph + self.lists
    }

    /// Fifteen queries in five seconds, and four round trips one after another: token, subscriptions, rights, resources.
    fn seconds(&self) -> f64 {
        let windows = (self.graph.saturating_sub(1) / 15) as f64 * 5.0;
        windows + 4.0 * LATENCY.as_secs_f64()
    }
}

/// The most memory so far, in KiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

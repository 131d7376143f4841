//! A sandbox to read from, and what a reading of it gave.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portcullis::azure::cloud::Cloud;
use portcullis::azure::collect::{Source, Which};
use portcullis::azure::credential::{self, Environment};
use portcullis::azure::patience::Patience;
use portcullis::azure::{Connection, Recorded, Request, Unread, record};
use portcullis::sandbox::{Options, Sandbox, Store, load};
use serde_json::Value;

pub const ESTATE: &str = "examples/contoso/estate.jsonl";
pub const SECRET: &str = "sandbox-secret";

pub fn store(path: impl AsRef<Path>) -> Store {
    let mut store = Store::default();
    load(&mut store, "estate", File::open(path).unwrap()).unwrap();
    store.settle();
    store
}

/// A sandbox with pages so small that every list has several.
pub fn sandbox(options: Options) -> Sandbox {
    Sandbox::start(store(ESTATE), options).unwrap()
}

pub fn small_pages() -> Options {
    Options {
        page_size: 7,
        graph_page_size: 40,
        ..Options::default()
    }
}

/// The variables of a service principal that the sandbox knows.
pub fn environment(pairs: &[(&str, &str)]) -> Environment {
    let pairs: Vec<(String, String)> = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    Arc::new(move |name| {
        pairs
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    })
}

pub fn service_principal() -> Environment {
    environment(&[
        ("AZURE_TENANT_ID", "5f0c2a77-d3b1-4e68-9c84-1be07a36f2d9"),
        ("AZURE_CLIENT_ID", "00000000-5a4d-4b0c-8000-000000000001"),
        ("AZURE_CLIENT_SECRET", SECRET),
    ])
}

/// Waits of milliseconds, so that failing is fast.
pub fn impatient() -> Patience {
    Patience {
        attempts: 4,
        first_pause: Duration::from_millis(2),
        longest_pause: Duration::from_millis(20),
        longest_wait: Duration::from_secs(5),
        request: Duration::from_secs(3),
        scan: Duration::from_secs(120),
        ..Patience::default()
    }
}

pub fn connection(origin: &str) -> Connection {
    Connection {
        cloud: Cloud::custom(origin, None, None).unwrap(),
        kinds: credential::asked(Some("secret")).unwrap(),
        environment: service_principal(),
        managed_identity: None,
        certificates: None,
        patience: impatient(),
    }
}

pub fn everything(source: Source) -> Request {
    Request {
        which: Which {
            all: true,
            ..Which::default()
        },
        source,
    }
}

pub fn read(origin: &str, source: Source) -> Result<Recorded, Unread> {
    record(&connection(origin), &everything(source))
}

/// The lines of resources of a recording, without header and footer.
pub fn lines(recorded: Recorded) -> Vec<String> {
    let mut text = Vec::new();
    recorded.recording.write(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[1..lines.len() - 1].to_vec()
}

pub fn is_complete(recorded: &Recorded) -> bool {
    recorded.header.lost.is_empty() && recorded.header.subscriptions.iter().all(|read| read.complete)
}

pub fn ids(lines: &[String]) -> Vec<String> {
    let id = |line: &String| {
        let row: Value = serde_json::from_str(line).unwrap();
        row["id"].as_str().unwrap().to_ascii_lowercase()
    };
    lines.iter().map(id).collect()
}

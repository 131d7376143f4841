//! What a live scan reads, in order: subscriptions, the rights in them, resources by Resource Graph or lists, and what is
//! below them. Every failure becomes a gap with a reason; nothing is left out in silence.

mod below;
mod gaps;
mod graph;
mod plans;
pub mod query;
pub mod rights;
pub mod shard;
pub(crate) mod subscriptions;
pub mod types;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use serde_json::Value;

pub use subscriptions::Which;

use super::client::{Client, Fault, Lane};
use super::record::{Recorder, Row};
use crate::input::ReadWhole;
use crate::rule::recommendation;
use gaps::{EVERYTHING, Gaps};
use rights::Rights;
use subscriptions::Subscription;
use types::{ASSESSMENT, KINDS, Kind, Read, SUBSCRIPTION};

/// Where resources are read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// Resource Graph, and lists where it fails.
    #[default]
    Auto,
    Graph,
    Arm,
}

/// A scan under way.
pub(super) struct Scan<'c> {
    pub client: &'c Client,
    pub recorder: &'c Recorder,
    pub source: Source,
    pub gaps: Gaps,
    /// Ids of resources with something below them, by type.
    parents: Mutex<HashMap<&'static str, Vec<String>>>,
    /// Subscriptions whose plan for servers may not cover every machine.
    partly_covered: Mutex<BTreeSet<String>>,
}

/// What a scan read, beside the resources themselves.
pub struct Collected {
    pub subscriptions: Vec<ReadWhole>,
    /// Sentences about what belongs to no subscription.
    pub lost: Vec<String>,
}

/// Reads everything. An error means that nothing could be read at all.
pub(super) async fn collect(
    client: &Client,
    recorder: &Recorder,
    which: &Which,
    source: Source,
) -> Result<Collected, Fault> {
    let scan = Scan {
        client,
        recorder,
        source,
        gaps: Gaps::default(),
        parents: Mutex::default(),
        partly_covered: Mutex::default(),
    };
    let subscriptions = subscriptions::find(&scan, which).await?;
    for row in subscriptions.iter().filter_map(|subscription| subscription.row.clone()) {
        scan.take(types::find(SUBSCRIPTION), row);
    }
    scan.resources(&subscriptions).await;
    scan.below(&subscriptions).await;
    scan.plans_of_machines(&subscriptions).await;
    Ok(scan.collected(subscriptions))
}

/// A subscription with what the identity may do there.
struct Readable<'s> {
    subscription: &'s Subscription,
    rights: Option<Rights>,
    /// Whether Resource Graph can be asked about it.
    graph: bool,
}

impl Readable<'_> {
    fn may(&self, kind: &Kind) -> bool {
        match (&self.rights, kind.action()) {
            (Some(rights), Some(action)) => rights.allow(&action),
            _ => true,
        }
    }
}

impl Scan<'_> {
    async fn resources(&self, subscriptions: &[Subscription]) {
        let shown = subscriptions.iter().filter(|subscription| subscription.row.is_some());
        let readable = join_all(shown.map(|subscription| self.readable(subscription))).await;
        for one in &readable {
            self.note_lack(one);
        }
        let lists = join_all(readable.iter().map(|one| self.lists(one)));
        tokio::join!(
            self.either(&readable),
            self.assessments(&readable),
            self.plans(&readable),
            lists
        );
    }

    /// Asks for the rights. Where they cannot be had, nobody knows what the service leaves out.
    async fn readable<'s>(&self, subscription: &'s Subscription) -> Readable<'s> {
        let readable = |rights, graph| Readable {
            subscription,
            rights,
            graph,
        };
        match Rights::of(self.client, &subscription.id).await {
            Ok(rights) => readable(Some(rights), true),
            // A cloud without this question has nothing to say to it.
            Err(fault) if matches!(fault.refusal(), Some((404 | 405 | 501, _))) => readable(None, true),
            Err(fault) => {
                let reason = format!("what may be read cannot be told: {}", fault.words());
                self.gaps.add(&subscription.id, EVERYTHING, &reason);
                readable(None, false)
            }
        }
    }

    fn note_lack(&self, one: &Readable<'_>) {
        for kind in KINDS.iter().filter(|kind| !one.may(kind)) {
            let action = kind.action().unwrap_or_default();
            self.gaps.add(
                &one.subscription.id,
                kind.name,
                &format!("the identity lacks `{action}`"),
            );
        }
    }

    /// Types that Resource Graph and lists give.
    async fn either(&self, readable: &[Readable<'_>]) {
        let by_graph: Vec<&Readable<'_>> = readable.iter().filter(|one| self.asks_graph(one)).collect();
        let by_list: Vec<&Readable<'_>> = readable.iter().filter(|one| !self.asks_graph(one)).collect();
        let text = query::resources();
        let chunks = by_graph
            .chunks(query::SUBSCRIPTIONS)
            .map(|chunk| self.chunk(chunk, &text, Read::Either));
        tokio::join!(join_all(chunks), self.list_all(&by_list, Read::Either));
    }

    /// Plans of single machines; those of subscriptions come by lists. By lists alone each machine has to be asked.
    async fn plans(&self, readable: &[Readable<'_>]) {
        let may = |one: &&Readable<'_>| types::find(types::PRICING).is_some_and(|kind| one.may(kind));
        let by_graph: Vec<&Readable<'_>> = readable.iter().filter(may).filter(|one| self.asks_graph(one)).collect();
        for one in readable.iter().filter(may).filter(|one| !self.asks_graph(one)) {
            self.ask_each_machine(&one.subscription.id);
        }
        let text = query::plans_of_machines();
        for chunk in by_graph.chunks(query::SUBSCRIPTIONS) {
            let asked: Vec<&Subscription> = chunk.iter().map(|one| one.subscription).collect();
            let answered = graph::query(self, &asked, &text, |rows| {
                let of_machines = rows.into_iter().filter(is_of_machine);
                of_machines.for_each(|row| self.take(types::find(types::PRICING), row));
            })
            .await;
            let Err(fault) = answered else { continue };
            if self.lists_stand_in(&fault) {
                asked.iter().for_each(|one| self.ask_each_machine(&one.id));
            } else {
                let reason = format!("of single machines: {}", fault.words());
                chunk
                    .iter()
                    .for_each(|one| self.gaps.add(&one.subscription.id, types::PRICING, &reason));
            }
        }
    }

    fn ask_each_machine(&self, subscription: &str) {
        let mut asked = self
            .partly_covered
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        asked.insert(subscription.to_owned());
    }

    async fn assessments(&self, readable: &[Readable<'_>]) {
        let by_graph: Vec<&Readable<'_>> = readable.iter().filter(|one| self.asks_graph(one)).collect();
        let by_list: Vec<&Readable<'_>> = readable.iter().filter(|one| !self.asks_graph(one)).collect();
        let text = query::assessments();
        let chunks = by_graph
            .chunks(query::SUBSCRIPTIONS)
            .map(|chunk| self.chunk(chunk, &text, Read::Assessments));
        tokio::join!(join_all(chunks), self.list_all(&by_list, Read::Assessments));
    }

    fn asks_graph(&self, one: &Readable<'_>) -> bool {
        match self.source {
            Source::Auto => one.graph,
            Source::Graph => true,
            Source::Arm => false,
        }
    }

    /// One query, and lists for all its subscriptions where it fails.
    async fn chunk(&self, chunk: &[&Readable<'_>], text: &str, read: Read) {
        let asked: Vec<&Subscription> = chunk.iter().map(|one| one.subscription).collect();
        let answered = graph::query(self, &asked, text, |rows| {
            for row in rows {
                self.take(kind_of(&row), row);
            }
        })
        .await;
        let Err(fault) = answered else { return };
        if self.lists_stand_in(&fault) {
            return self.list_all(chunk, read).await;
        }
        for (one, kind) in chunk.iter().flat_map(|one| of(read).map(move |kind| (one, kind))) {
            self.gaps.add(&one.subscription.id, kind.name, &fault.words());
        }
    }

    /// Whether lists are asked where Resource Graph failed.
    fn lists_stand_in(&self, fault: &Fault) -> bool {
        self.source == Source::Auto && !matches!(fault, Fault::Stopped(_) | Fault::NoToken(_))
    }

    async fn list_all(&self, readable: &[&Readable<'_>], read: Read) {
        let lists = readable.iter().flat_map(|one| {
            of(read)
                .filter(|kind| one.may(kind))
                .map(move |kind| self.list(one.subscription, kind))
        });
        join_all(lists).await;
    }

    /// Types that only lists give.
    async fn lists(&self, one: &Readable<'_>) {
        let kinds = KINDS
            .iter()
            .filter(|kind| matches!(kind.read, Read::List(_)) && one.may(kind));
        join_all(kinds.map(|kind| self.list(one.subscription, kind))).await;
    }

    /// A list of one type in one subscription.
    async fn list(&self, subscription: &Subscription, kind: &'static Kind) {
        let name = match kind.read {
            Read::List(path) => path,
            _ => kind.name,
        };
        let path = format!(
            "subscriptions/{}/providers/{name}?api-version={}",
            subscription.id, kind.version
        );
        let lane = Lane::Subscription(Arc::clone(&subscription.id));
        let listed = self
            .client
            .list(&path, &lane, |rows| {
                for row in rows {
                    self.take(Some(kind), row);
                }
            })
            .await;
        match listed {
            Ok(()) => {}
            // A provider that a subscription never registered, or a cloud never had, holds nothing.
            Err(fault) if is_absent(&fault) => {}
            Err(fault) => self.gaps.add(&subscription.id, kind.name, &fault.words()),
        }
    }

    /// Records a row, and remembers it where something is below it.
    pub(super) fn take(&self, kind: Option<&'static Kind>, row: Value) {
        if kind.is_some_and(|kind| kind.name == ASSESSMENT) && !is_compared(&row) {
            return;
        }
        self.note_coverage(kind, &row);
        if let (Some(kind), Some(id)) = (kind, row.get("id").and_then(Value::as_str)) {
            if below::is_parent(kind, &row) {
                let mut parents = self.parents.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                parents.entry(kind.name).or_default().push(id.to_owned());
            }
            if !kind.recorded {
                return;
            }
        }
        self.recorder.take(Row(row));
    }

    fn note_coverage(&self, kind: Option<&'static Kind>, row: &Value) {
        let text = |pointer: &str| row.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let is_partial = kind.is_some_and(|kind| kind.name == types::PRICING)
            && text("/name").eq_ignore_ascii_case("VirtualMachines")
            && !is_whole(text("/properties/resourcesCoverageStatus"));
        // The plan of a single machine says nothing about others.
        if is_partial && !is_of_machine(row) {
            self.ask_each_machine(&below::subscription_of(text("/id")));
        }
    }

    fn collected(self, subscriptions: Vec<Subscription>) -> Collected {
        let read = |subscription: Subscription| {
            let missing = self.gaps.of(&subscription.id);
            ReadWhole {
                id: subscription.id.to_string(),
                name: subscription.name,
                complete: missing.is_empty(),
                missing,
            }
        };
        Collected {
            subscriptions: subscriptions.into_iter().map(read).collect(),
            lost: self.gaps.lost(),
        }
    }
}

/// Whether one plan holds for every machine. A service that does not say so has to be asked machine by machine.
fn is_whole(coverage: &str) -> bool {
    coverage.eq_ignore_ascii_case("FullyCovered") || coverage.eq_ignore_ascii_case("NotCovered")
}

/// The types that are read in one way.
fn of(read: Read) -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().filter(move |kind| kind.read == read)
}

fn kind_of(row: &Value) -> Option<&'static Kind> {
    types::find(row.get("type").and_then(Value::as_str)?)
}

/// Whether a plan is one of a resource, not of its subscription.
fn is_of_machine(row: &Value) -> bool {
    let id = row.get("id").and_then(Value::as_str).unwrap_or_default();
    id.to_ascii_lowercase().contains("/resourcegroups/")
}

/// Whether an assessment is one that our rules are held against; lists have all there are.
fn is_compared(row: &Value) -> bool {
    let name = row.get("name").and_then(Value::as_str);
    name.is_some_and(|name| recommendation::keys().any(|key| key.eq_ignore_ascii_case(name)))
}

/// Whether a refusal says that there is no such thing at all.
fn is_absent(fault: &Fault) -> bool {
    const CODES: &[&str] = &[
        "MissingSubscriptionRegistration",
        "SubscriptionNotRegistered",
        "InvalidResourceNamespace",
        "InvalidResourceType",
        "NoRegisteredProviderFound",
    ];
    fault
        .refusal()
        .is_some_and(|(_, code)| CODES.iter().any(|known| known.eq_ignore_ascii_case(code)))
}

/// A name as one segment of a path.
pub(super) fn segment(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'(' | b')' => text.push(byte.into()),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

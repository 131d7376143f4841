//! Everything that a sandbox remembers, behind one lock: the estate, the clock, tokens, operations under way, the log.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::Options;
use super::access::Rights;
use super::activity::Event;
use super::call::Call;
use super::clock::Clock;
use super::entra::{Authority, Tokens};
use super::fault::Faults;
use super::jit::{self, Opening};
use super::limits::Limits;
use super::security;
use super::service::Delivery;
use super::store::Store;
use super::write::{self, Operations};

pub struct State {
    pub options: Options,
    pub store: Store,
    pub clock: Clock,
    pub tokens: Tokens,
    /// What the identity may do.
    pub rights: Rights,
    pub limits: Limits,
    pub faults: Faults,
    /// Calls so far, without those of the control endpoint.
    pub calls: u64,
    pub operations: Operations,
    /// Openings of just-in-time access that were asked for here.
    pub openings: Vec<Opening>,
    /// When the assessments of a subscription, in lower case, are computed anew.
    pub assessments_due: BTreeMap<String, Timestamp>,
    /// The activity log, oldest first.
    pub events: VecDeque<Event>,
    /// The latest calls.
    pub recent: VecDeque<Record>,
}

/// What is remembered of a call: nothing of its headers or body.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    pub number: u64,
    pub method: String,
    pub path: String,
    pub status: u16,
    /// How the answer travelled, when not whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
}

/// Calls remembered.
const RECENT: usize = 20_000;

impl State {
    pub fn new(store: Store, options: Options) -> State {
        State {
            clock: options.start.map_or_else(Clock::default, Clock::starting_at),
            limits: Limits::new(options.limits),
            faults: Faults::new(options.faults.clone()),
            rights: Rights::of(&store, &options.identity),
            options,
            store,
            tokens: Tokens::default(),
            calls: 0,
            operations: Operations::default(),
            openings: Vec::new(),
            assessments_due: BTreeMap::new(),
            events: VecDeque::new(),
            recent: VecDeque::new(),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Brings everything up to the present: operations end, openings close, assessments follow.
    pub fn settle(&mut self) {
        write::settle(self);
        jit::expire(self);
        security::settle(self);
    }

    pub fn log(&mut self, call: &Call, status: u16, delivery: Delivery) {
        let record = Record {
            number: call.number,
            method: call.method.to_string(),
            path: call.path.clone(),
            status,
            delivery: (delivery != Delivery::Whole).then(|| format!("{delivery:?}")),
        };
        if let Some(watch) = &self.options.watch {
            watch(&record);
        }
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(record);
    }

    /// The endpoints that give tokens.
    pub fn authority(&mut self) -> Authority<'_> {
        Authority {
            identity: &self.options.identity,
            tokens: &mut self.tokens,
            tenant: &self.store.tenant,
        }
    }

    /// Whether reading a type in a subscription is refused, by the recording or by a fault. `*` asks for the whole
    /// subscription.
    pub fn is_refused(&self, subscription: &str, resource_type: &str) -> bool {
        let recorded = self.store.refused.iter().any(|refused| {
            refused.subscription.eq_ignore_ascii_case(subscription)
                && (refused.resource_type == "*" || refused.resource_type.eq_ignore_ascii_case(resource_type))
        });
        recorded || self.faults.denies(subscription, resource_type)
    }

    /// The management groups above a subscription as rows of Resource Graph name them, the nearest first.
    pub fn ancestors(&self, subscription: &str) -> Value {
        let above = self.store.management_groups_above(subscription).into_iter();
        above
            .map(|group| json!({ "displayName": group.display_name, "name": group.name }))
            .collect()
    }
}

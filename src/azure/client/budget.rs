//! How many requests may be under way and how fast they may follow each other. The figures are those that Azure
//! documents: reads of a principal in a subscription, or of a tenant, 250 at once and 25 a second; changes in a subscription
//! 200 at once and 10 a second; queries of Resource Graph 15 in 5 seconds, until its headers say otherwise.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use governor::clock::DefaultClock;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Answer;

/// Requests under way at once, in all and in one lane.
const TENANT_AT_ONCE: usize = 48;
const LANE_AT_ONCE: usize = 8;

/// Whose quota a request uses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    Tenant,
    Subscription(Arc<str>),
    /// Changes in a subscription, which have a quota of their own.
    Changes(Arc<str>),
    Graph,
}

impl Lane {
    /// Whether a pause that one request is asked for is one for all.
    pub fn is_shared(&self) -> bool {
        matches!(self, Lane::Graph)
    }

    /// How many requests may follow each other at once, and how many a second after that.
    fn quota(&self) -> (u32, u32) {
        match self {
            Lane::Graph => (15, 3),
            Lane::Tenant | Lane::Subscription(_) => (250, 25),
            Lane::Changes(_) => (200, 10),
        }
    }
}

type Bucket = RateLimiter<NotKeyed, InMemoryState, DefaultClock>;

pub struct Budget {
    all: Arc<Semaphore>,
    lanes: Mutex<HashMap<Lane, Arc<State>>>,
}

struct State {
    places: Arc<Semaphore>,
    bucket: Bucket,
    /// Nobody in this lane starts before.
    not_before: Mutex<Option<Instant>>,
    /// Requests that were started and have no answer yet.
    under_way: Arc<AtomicU64>,
}

/// A place among the requests under way; given back when dropped.
pub struct Place {
    _all: Option<OwnedSemaphorePermit>,
    _lane: Option<OwnedSemaphorePermit>,
    under_way: Arc<AtomicU64>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            all: Arc::new(Semaphore::new(TENANT_AT_ONCE)),
            lanes: Mutex::default(),
        }
    }
}

impl Budget {
    /// Waits for a place, a token of the bucket, and the end of any pause.
    pub async fn enter(&self, lane: &Lane) -> Place {
        let state = self.state(lane);
        let of_lane = Arc::clone(&state.places).acquire_owned().await.ok();
        state.bucket.until_ready().await;
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok();
        while let Some(pause) = state.pause() {
            tokio::time::sleep(pause).await;
        }
        state.under_way.fetch_add(1, Ordering::SeqCst);
        Place {
            _lane: of_lane,
            _all: of_all,
            under_way: Arc::clone(&state.under_way),
        }
    }

    /// Nobody in the lane starts for that long.
    pub fn hold(&self, lane: &Lane, pause: Duration) {
        self.state(lane).hold(pause);
    }

    /// What the headers of an answer say about the quota: what is left goes to the requests that are under way already.
    pub fn learn(&self, lane: &Lane, answer: &Answer) {
        let Some(left) = answer.number("x-ms-user-quota-remaining") else {
            return;
        };
        let others = self.state(lane).under_way.load(Ordering::SeqCst).saturating_sub(1);
        if left <= others {
            let resets = answer.text("x-ms-user-quota-resets-after").and_then(clock);
            self.hold(
                lane,
                resets.unwrap_or(Duration::from_secs(1)).min(Duration::from_secs(60)),
            );
        }
    }

    fn state(&self, lane: &Lane) -> Arc<State> {
        let mut lanes = self.lanes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(lanes.entry(lane.clone()).or_insert_with(|| Arc::new(State::new(lane))))
    }
}

impl State {
    fn new(lane: &Lane) -> Self {
        let (burst, each_second) = lane.quota();
        let positive = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(positive(each_second)).allow_burst(positive(burst));
        State {
            places: Arc::new(Semaphore::new(LANE_AT_ONCE)),
            bucket: RateLimiter::direct(quota),
            not_before: Mutex::default(),
            under_way: Arc::default(),
        }
    }

    fn hold(&self, pause: Duration) {
        let until = Instant::now().checked_add(pause);
        let mut held = self
            .not_before
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *held = (*held).max(until);
    }

    /// What is left of a pause.
    fn pause(&self) -> Option<Duration> {
        let held = self
            .not_before
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        (*held)?
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
    }
}

/// `hh:mm:ss`, with or without a fraction.
fn clock(text: &str) -> Option<Duration> {
    let mut seconds = 0.0;
    for part in text.trim().split(':') {
        seconds = seconds * 60.0
            + part
                .parse::<f64>()
                .ok()
                .filter(|part| part.is_finite() && *part >= 0.0)?;
    }
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_read() {
        assert_eq!(clock("00:00:05"), Some(Duration::from_secs(5)));
        assert_eq!(clock("00:01:00.5"), Some(Duration::from_millis(60_500)));
        assert_eq!(clock("soon"), None);
        assert_eq!(clock("-1:00"), None);
    }
}

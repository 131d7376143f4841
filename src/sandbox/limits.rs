//! The documented rate limits, enforced when asked for: token buckets of Azure Resource Manager per subscription and the
//! query quota of Resource Graph. Times are those of the machine's clock, as a client feels them.

use std::collections::HashMap;
use std::time::Instant;

use axum::http::Method;

use super::answer::Refusal;

/// Queries in a window of Resource Graph, and the window in seconds.
const GRAPH: (u32, f64) = (15, 5.0);

/// Size and refill a second of a bucket.
const READS: (f64, f64) = (250.0, 25.0);
const WRITES: (f64, f64) = (200.0, 10.0);

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

#[derive(Debug, Default)]
pub struct Limits {
    enforced: bool,
    buckets: HashMap<(String, &'static str), Bucket>,
    window: Option<(Instant, u32)>,
}

impl Limits {
    pub fn new(enforced: bool) -> Limits {
        Limits {
            enforced,
            ..Limits::default()
        }
    }

    /// Takes a token for a call to a subscription; `Retry-After` where there is none.
    pub fn take(&mut self, subscription: &str, method: &Method) -> Result<Option<(&'static str, u32)>, Refusal> {
        let (class, header, (size, refill)) = match *method {
            Method::GET | Method::HEAD | Method::POST => {
                ("reads", "x-ms-ratelimit-remaining-subscription-reads", READS)
            }
            Method::DELETE => ("deletes", "x-ms-ratelimit-remaining-subscription-deletes", WRITES),
            _ => ("writes", "x-ms-ratelimit-remaining-subscription-writes", WRITES),
        };
        let now = Instant::now();
        let bucket = self
            .buckets
            .entry((subscription.to_ascii_lowercase(), class))
            .or_insert(Bucket { left: size, at: now });
        let refilled = now.duration_since(bucket.at).as_secs_f64() * refill;
        (bucket.left, bucket.at) = ((bucket.left + refilled).min(size), now);
        if !self.enforced {
            return Ok(Some((header, size as u32 - 1)));
        }
        if bucket.left < 1.0 {
            return Err(throttled(((1.0 - bucket.left) / refill).ceil().max(1.0) as u64));
        }
        bucket.left -= 1.0;
        Ok(Some((header, bucket.left as u32)))
    }

    /// Takes one query of the window.
    pub fn take_query(&mut self) -> Result<(), Refusal> {
        let now = Instant::now();
        let (began, taken) = match self.window {
            Some((began, taken)) if now.duration_since(began).as_secs_f64() < GRAPH.1 => (began, taken),
            _ => (now, 0),
        };
        if self.enforced && taken >= GRAPH.0 {
            let left = GRAPH.1 - now.duration_since(began).as_secs_f64();
            return Err(graph_throttled(left.ceil().max(1.0) as u64));
        }
        self.window = Some((began, taken + 1));
        Ok(())
    }

    /// Queries left in the window, and when it ends, as `hh:mm:ss`.
    pub fn graph_headers(&self) -> (u32, String) {
        let (began, taken) = match self.window {
            Some(window) if self.enforced => window,
            _ => return (GRAPH.0 - 1, "00:00:05".to_owned()),
        };
        let left = (GRAPH.1 - began.elapsed().as_secs_f64()).ceil().max(0.0);
        (GRAPH.0.saturating_sub(taken), format!("00:00:{:02}", left as u32))
    }
}

/// The refusal of Azure Resource Manager.
pub fn throttled(seconds: u64) -> Refusal {
    let message =
        format!("Number of requests for subscription exceeded the limit. Please try again after '{seconds}' seconds.");
    Refusal::new(429, "SubscriptionRequestsThrottled", message).with("retry-after", seconds.to_string())
}

/// The refusal of Resource Graph.
pub fn graph_throttled(seconds: u64) -> Refusal {
    let message = "Client application has been throttled and should not attempt to repeat the request until an amount \
                   of time has elapsed. Please see https://aka.ms/resourcegraph-throttling for help.";
    Refusal::new(429, "RateLimiting", message)
        .with("retry-after", seconds.to_string())
        .with("x-ms-user-quota-remaining", "0")
        .with("x-ms-user-quota-resets-after", format!("00:00:{seconds:02}"))
}

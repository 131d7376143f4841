//! How long a scan waits and how often it asks again; and what stops it. Numbers only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::sync::Notify;

/// Limits of waiting.
#[derive(Clone, Debug)]
pub struct Patience {
    /// How often one request is sent at most, when the service fails.
    pub attempts: usize,
    /// How often it is sent at most, when the service only asks to wait.
    pub throttled_attempts: usize,
    /// The first pause between two attempts; it doubles, with jitter.
    pub first_pause: Duration,
    /// The longest pause of our own choice.
    pub longest_pause: Duration,
    /// The longest pause that the service may ask for.
    pub longest_wait: Duration,
    /// For one answer, to its last byte.
    pub request: Duration,
    /// For the whole scan.
    pub scan: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            attempts: 6,
            throttled_attempts: 30,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            longest_wait: Duration::from_secs(300),
            request: Duration::from_secs(60),
            scan: Duration::from_secs(3600),
        }
    }
}

impl Patience {
    /// The pauses between attempts.
    pub fn pauses(&self) -> ExponentialBackoff {
        ExponentialBuilder::default()
            .with_min_delay(self.first_pause)
            .with_max_delay(self.longest_pause)
            .with_max_times(self.throttled_attempts)
            .with_jitter()
            .build()
    }
}

/// Ends a scan early: Ctrl-C, or its deadline. What was read is kept.
#[derive(Clone, Default)]
pub struct Stop(Arc<Signal>);

#[derive(Default)]
struct Signal {
    stopped: AtomicBool,
    late: AtomicBool,
    notify: Notify,
}

impl Stop {
    pub fn interrupt(&self) {
        self.0.stopped.store(true, Ordering::SeqCst);
        self.0.notify.notify_waiters();
    }

    pub fn deadline(&self) {
        self.0.late.store(true, Ordering::SeqCst);
        self.interrupt();
    }

    /// Why the scan was ended, in words.
    pub fn reason(&self) -> Option<&'static str> {
        if !self.0.stopped.load(Ordering::SeqCst) {
            return None;
        }
        Some(if self.0.late.load(Ordering::SeqCst) {
            "the time for the scan ran out before it was read"
        } else {
            "the scan was interrupted before it was read"
        })
    }

    /// Completes when the scan is to end.
    pub async fn wait(&self) {
        let notified = self.0.notify.notified();
        tokio::pin!(notified);
        notified.as_mut().enable();
        if self.reason().is_none() {
            notified.await;
        }
    }
}

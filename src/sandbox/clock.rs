//! The sandbox's own time: the machine's clock and an offset, so that openings expire when a test says so.

use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};

/// A clock that can be set ahead and never runs back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    offset: SignedDuration,
}

impl Clock {
    /// A clock that shows `time` now.
    pub fn starting_at(time: Timestamp) -> Clock {
        Clock {
            offset: time.duration_since(real()),
        }
    }

    pub fn now(&self) -> Timestamp {
        real().checked_add(self.offset).unwrap_or(Timestamp::MAX)
    }

    /// Sets the clock ahead.
    pub fn advance(&mut self, by: SignedDuration) {
        self.offset = self.offset.saturating_add(by.max(SignedDuration::ZERO));
    }
}

/// The time of the machine, which tokens are dated with.
pub fn real() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A time as Azure writes it: seven digits of a second.
pub fn azure_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%7fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_moves_only_ahead() {
        let start: Timestamp = "2026-03-14T02:10:00Z".parse().unwrap();
        let mut clock = Clock::starting_at(start);
        clock.advance(SignedDuration::from_hours(3));
        clock.advance(SignedDuration::from_hours(-9));
        let now = clock.now();
        assert!(now >= "2026-03-14T05:10:00Z".parse().unwrap() && now < "2026-03-14T05:11:00Z".parse().unwrap());
        assert_eq!(azure_time(start), "2026-03-14T02:10:00.0000000Z");
    }
}

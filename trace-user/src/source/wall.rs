//! Notices when the wall clock is set: a board without a battery starts in 1970, and gets the time from
//! the network later.
//!
//! In: the clocks, now and then. Out: a fact when the wall clock no longer shows what it would if it had run on.

use crate::clock;
use modtrail_core::event::{Body, Event, Fact, Stamp};

/// How far it may be from that. A clock that is adjusted drifts by less than a thousandth.
const APART_NS: u64 = 50_000_000;

/// What the wall clock showed when it was last found to be set.
#[derive(Debug)]
pub struct WallClock {
    at: Stamp,
    wall_ns: u64,
}

impl WallClock {
    /// It showed this at that instant.
    #[must_use]
    pub const fn new(at: Stamp, wall_ns: u64) -> Self {
        Self { at, wall_ns }
    }

    /// Reads it again. An event if it was set.
    pub fn look(&mut self) -> Option<Event> {
        let (at, wall_ns) = clock::wall_at()?;
        self.is_set(at, wall_ns).then_some(Event { at, body: Body::Fact(Fact::ClockSet { wall_ns }) })
    }

    /// Whether it shows something else than it would if it had run on; then that counts from now on.
    fn is_set(&mut self, at: Stamp, wall_ns: u64) -> bool {
        let expected = self.wall_ns.saturating_add(at.boot.since(self.at.boot).as_nanos());
        let is_set = expected.abs_diff(wall_ns) >= APART_NS;
        if is_set {
            *self = Self { at, wall_ns };
        }
        is_set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_runs_on_is_not_set_and_one_that_jumps_is_once() {
        let second = 1_000_000_000;
        let mut wall = WallClock::new(Stamp::awake(0), 60 * second);
        assert!(!wall.is_set(Stamp::awake(second), 61 * second + 1_000_000));
        assert!(wall.is_set(Stamp::awake(2 * second), 1_795_428_000 * second));
        assert!(!wall.is_set(Stamp::awake(3 * second), 1_795_428_001 * second));
        assert!(wall.is_set(Stamp::awake(4 * second), 5 * second));
    }
}

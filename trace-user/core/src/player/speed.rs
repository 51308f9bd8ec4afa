//! How fast a recording is played.

use std::fmt;
use trace_common::time::Nanos;

/// A power of two: from a quarter of the real speed to 256 times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Speed(i8);

const SLOWEST: i8 = -2;
const FASTEST: i8 = 8;

impl Speed {
    /// Twice as fast, if that is possible.
    #[must_use]
    pub fn faster(self) -> Self {
        Self((self.0 + 1).min(FASTEST))
    }

    /// Half as fast, if that is possible.
    #[must_use]
    pub fn slower(self) -> Self {
        Self((self.0 - 1).max(SLOWEST))
    }

    /// How much of the recording is played in `time`.
    #[must_use]
    pub const fn of(self, time: Nanos) -> Nanos {
        let nanoseconds = time.as_nanos();
        Nanos::new(match self.0 {
            0.. => nanoseconds.saturating_mul(1 << self.0),
            _ => nanoseconds >> self.0.unsigned_abs(),
        })
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0.. => write!(out, "{}x", 1 << self.0),
            _ => write!(out, "1/{}x", 1 << self.0.unsigned_abs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_powers_of_two_between_a_quarter_and_256() {
        let (mut slow, mut fast) = (Speed::default(), Speed::default());
        for _ in 0..20 {
            (slow, fast) = (slow.slower(), fast.faster());
        }
        let said = [slow, slow.faster(), Speed::default(), fast.slower(), fast].map(|speed| speed.to_string());
        assert_eq!(said, ["1/4x", "1/2x", "1x", "128x", "256x"]);
        let second = Nanos::from_secs(1);
        assert_eq!((slow.of(second), fast.of(second)), (Nanos::from_millis(250), Nanos::from_secs(256)));
        assert_eq!(fast.of(Nanos::new(u64::MAX)), Nanos::new(u64::MAX));
    }
}

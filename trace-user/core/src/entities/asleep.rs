//! How long the machine slept: the difference of the two clocks, and how long things lasted with that.

use crate::event::Stamp;
use trace_common::time::Nanos;

/// The largest distance between the two clock readings of one probe. A probe is only preempted for longer if the whole
/// machine is, and no machine sleeps for so short a time.
const CLOCK_SKEW: Nanos = Nanos::from_millis(1);

/// How long the machine slept between two instants. The two clocks are read one after the other, so less than
/// `CLOCK_SKEW` is not a sleep.
#[must_use]
pub fn asleep(from: Stamp, to: Stamp) -> Nanos {
    let asleep = to.boot.since(from.boot).minus(to.mono.since(from.mono));
    if asleep < CLOCK_SKEW { Nanos::ZERO } else { asleep }
}

/// From one instant to another, time asleep included. The differences of the two clocks differ by what came between
/// their readings, which is not time: it is the difference of the clock that stops, with the time asleep.
#[must_use]
pub fn lasted(from: Stamp, to: Stamp) -> Nanos {
    to.mono.since(from.mono).plus(asleep(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trace_common::time::Ktime;

    fn stamp(mono: u64, boot: u64) -> Stamp {
        Stamp { mono: Ktime::from_nanos(mono), boot: Ktime::from_nanos(boot) }
    }

    #[test]
    fn what_comes_between_the_readings_of_the_clocks_is_not_time() {
        let from = stamp(1_000_000, 1_012_000);
        assert_eq!(lasted(from, stamp(5_000_000, 5_000_000)).as_nanos(), 4_000_000, "the boot clock shows 12 us less");
        assert_eq!(lasted(from, stamp(5_000_000, 5_900_000)).as_nanos(), 4_000_000, "the boot clock shows 888 us more");
        let hour = 3_600_000_000_000;
        assert_eq!(lasted(from, stamp(5_000_000, 5_012_000 + hour)).as_nanos(), 4_000_000 + hour, "the machine slept");
    }
}

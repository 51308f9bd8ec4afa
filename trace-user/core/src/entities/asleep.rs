//! How long the machine slept: the difference of the two clocks.

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

//! The only code that reads clocks. In: nothing. Out: instants; everything else receives the time as a value.

use modtrail_core::event::Stamp;
use rustix::time::{ClockId, Timespec, clock_gettime};
use trace_common::time::{Ktime, Nanos};

/// Now, on both of the kernel's clocks.
#[must_use]
pub fn now() -> Stamp {
    let boot = Ktime::from_nanos(nanoseconds(clock_gettime(ClockId::Boottime)));
    let mono = Ktime::from_nanos(nanoseconds(clock_gettime(ClockId::Monotonic)));
    Stamp { mono, boot }
}

/// The processor time that this process has used, in user space and in the kernel.
#[must_use]
pub fn processor_time() -> Nanos {
    Nanos::new(nanoseconds(clock_gettime(ClockId::ProcessCPUTime)))
}

/// Nanoseconds since the Unix epoch.
#[must_use]
pub fn wall_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Realtime))
}

/// The wall clock, and the instant at which it was read; `None` if something came between, so that they do not belong
/// together.
#[must_use]
pub fn wall_at() -> Option<(Stamp, u64)> {
    const TOGETHER: Nanos = Nanos::from_millis(1);
    let (before, wall, after) = (now(), wall_ns(), now());
    (after.boot.since(before.boot) <= TOGETHER).then_some((before, wall))
}

fn nanoseconds(time: Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let rest = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

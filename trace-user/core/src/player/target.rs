//! Where a seek leads. Each target is one position, whatever the way to it.

use trace_common::time::Ktime;

/// A position in a recording, as it is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Before the first event of a probe: what was established before tracing began is known.
    Start,
    /// After everything.
    End,
    /// After so many events, in order, of every kind.
    Step(u64),
    /// After so many events of probes, at least one: at the last of them.
    Event(u64),
    /// At the beginning of the request with this number, from 1.
    Request(u64),
    /// After everything up to this instant, on the clock that does not stop in suspend.
    Time(Ktime),
    /// Before the next event of a probe, from here on.
    NextEvent,
}

impl Target {
    /// After so many events of probes.
    #[must_use]
    pub const fn after_event(events: u64) -> Self {
        if events == 0 { Self::Start } else { Self::Event(events) }
    }

    /// At the beginning of this request; before the first one, at the start.
    #[must_use]
    pub const fn after_request(number: u64) -> Self {
        if number == 0 { Self::Start } else { Self::Request(number) }
    }
}

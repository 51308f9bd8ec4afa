//! For which spans of time something that happened may not have been seen.
//!
//! In: losses, each with the span between the two reads of the counters that it happened in. Out: how much of the
//! traced time was covered. Nothing says that a thing was not there if it says nothing about the time it was looked for
//! in.

use crate::event::Stamp;
use std::collections::VecDeque;
use trace_common::time::{Ktime, Nanos};

/// Spans that are kept. Beyond that, the two oldest become one, which can only make the coverage smaller.
const SPANS: usize = 1_024;

/// Spans in which something may be missing, in order and apart from each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlindSpans {
    spans: VecDeque<(Ktime, Ktime)>,
}

/// How much of the time was covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Coverage {
    /// How long was traced, without time asleep.
    pub traced: Nanos,
    /// How long the machine slept in that time.
    pub asleep: Nanos,
    /// How much of what was traced lies in spans in which something was lost, or in which a probe was deaf.
    pub blind: Nanos,
}

/// Below this share of the time, in thousandths, nothing is said about what did not happen.
pub const ENOUGH: u64 = 950;

impl BlindSpans {
    /// Something may be missing after `from` and not after `to`.
    pub fn note(&mut self, from: Ktime, to: Ktime) {
        let (mut from, mut to) = (from, to.max(from));
        while let Some((before_from, before_to)) = self.spans.pop_back() {
            if before_to < from {
                self.spans.push_back((before_from, before_to));
                break;
            }
            // They touch, or this one came late: what lies between counts as blind too. Losses come nearly in order.
            from = from.min(before_from);
            to = to.max(before_to);
        }
        self.spans.push_back((from, to));
        if self.spans.len() > SPANS
            && let (Some((begin, _)), Some((_, end))) = (self.spans.pop_front(), self.spans.pop_front())
        {
            self.spans.push_front((begin, end));
        }
    }

    /// How much of the time from `first` to `now` was covered.
    #[must_use]
    pub fn coverage(&self, first: Stamp, now: Stamp) -> Coverage {
        let traced = now.mono.since(first.mono);
        let within = |(from, to): &(Ktime, Ktime)| (*to).min(now.mono).since((*from).max(first.mono));
        Coverage {
            traced,
            asleep: now.boot.since(first.boot).minus(traced),
            blind: self.spans.iter().map(within).fold(Nanos::ZERO, Nanos::plus),
        }
    }
}

impl Coverage {
    /// The share of the traced time that was covered, in thousandths; zero if nothing was traced.
    #[must_use]
    pub fn thousandths(self) -> u64 {
        let traced = u128::from(self.traced.as_nanos());
        let covered = u128::from(self.traced.minus(self.blind).as_nanos());
        u64::try_from((covered * 1_000).checked_div(traced).unwrap_or_default()).unwrap_or_default()
    }

    /// Whether it is enough to say what did not happen.
    #[must_use]
    pub fn is_enough(self) -> bool {
        self.thousandths() >= ENOUGH
    }

    /// Both, one after the other.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            traced: self.traced.plus(other.traced),
            asleep: self.asleep.plus(other.asleep),
            blind: self.blind.plus(other.blind),
        }
    }

    /// `100% of 47.6s`, or `98.2% of 3600s (and the machine slept 20s)`.
    #[must_use]
    pub fn words(self) -> String {
        let share = match self.thousandths() {
            1_000 => "100%".to_owned(),
            thousandths => format!("{}.{}%", thousandths / 10, thousandths % 10),
        };
        let asleep = if self.asleep.as_nanos() >= 1_000_000_000 {
            format!(" (and the machine slept {})", self.asleep)
        } else {
            String::new()
        };
        format!("{share} of {}{asleep}", self.traced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanoseconds: u64) -> Ktime {
        Ktime::from_nanos(nanoseconds)
    }

    fn blind(spans: &[(u64, u64)]) -> BlindSpans {
        let mut blind = BlindSpans::default();
        spans.iter().for_each(|(from, to)| blind.note(at(*from), at(*to)));
        blind
    }

    fn blind_time(spans: &[(u64, u64)]) -> u64 {
        blind(spans).coverage(Stamp::awake(100), Stamp::awake(1_100)).blind.as_nanos()
    }

    #[test]
    fn spans_that_overlap_count_once_and_only_within_the_trace() {
        assert_eq!(blind_time(&[(200, 300), (250, 400)]), 200);
        assert_eq!(blind_time(&[(200, 300), (500, 600), (250, 550)]), 400);
        assert_eq!(blind_time(&[(500, 600), (200, 300)]), 400, "a span that comes late takes in what is between");
        assert_eq!(blind_time(&[(0, 150), (1_000, 2_000)]), 150);
        assert_eq!(blind_time(&[(300, 200)]), 0);
        assert_eq!(blind_time(&[]), 0);
    }

    #[test]
    fn too_many_spans_make_the_coverage_smaller() {
        let many: Vec<(u64, u64)> = (0..5_000).map(|place| (place * 10, place * 10 + 1)).collect();
        let blind = blind(&many);
        assert_eq!(blind.spans.len(), SPANS);
        assert!(blind.coverage(Stamp::awake(0), Stamp::awake(50_000)).blind.as_nanos() > 5_000);
    }

    #[test]
    fn the_share_is_stated_and_nothing_is_no_coverage() {
        let whole = blind(&[]).coverage(Stamp::awake(0), Stamp::awake(2_000_000_000));
        assert_eq!((whole.words().as_str(), whole.is_enough()), ("100% of 2.00s", true));
        let some = blind(&[(0, 200_000_000)]).coverage(Stamp::awake(0), Stamp::awake(2_000_000_000));
        assert_eq!((some.words().as_str(), some.is_enough()), ("90.0% of 2.00s", false));
        assert_eq!((Coverage::default().thousandths(), Coverage::default().is_enough()), (0, false));
        let slept = Stamp { mono: at(2_000_000_000), boot: at(9_000_000_000) };
        assert_eq!(blind(&[]).coverage(Stamp::awake(0), slept).words(), "100% of 2.00s (and the machine slept 7.00s)");
    }
}

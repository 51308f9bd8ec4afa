//! What happened when: requests, how long they took, and how long inits ran, in bins of time.
//!
//! In: instants on the clock that does not stop in suspend, in any order. Out: bins of equal length. When the time
//! outgrows them, two become one, so the memory stays the same however long the trace is.

use super::histogram::Histogram;
use std::sync::Arc;
use trace_common::time::{Ktime, Nanos};

/// Bins that are kept at most.
const BINS: usize = 256;
/// How long a bin is at first.
const LENGTH: Nanos = Nanos::from_millis(10);

/// The bins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// When the first bin begins; `None` until something came.
    began: Option<Ktime>,
    length: Nanos,
    bins: Vec<Arc<Bin>>,
}

/// A stretch of time, and what happened in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bin {
    /// Requests that were made.
    pub requests: u64,
    /// How long those that have returned took.
    pub total: Histogram,
    /// How long the inits of loads that began ran.
    pub init: Histogram,
}

/// Several bins in a row as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it begins.
    pub from: Ktime,
    /// When it ends: the first instant that is not in it.
    pub to: Ktime,
    /// What happened in it.
    pub bin: Bin,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { began: None, length: LENGTH, bins: Vec::new() }
    }
}

impl Timeline {
    /// It lasts at least from the first instant that it heard of until `now`.
    pub fn last_until(&mut self, now: Ktime) {
        let began = *self.began.get_or_insert(now);
        while self.place(began, now) >= BINS {
            self.halve();
        }
        let wanted = self.place(began, now) + 1;
        if self.bins.len() < wanted {
            self.bins.resize(wanted, Arc::default());
        }
    }

    /// The bin of an instant: the first if the instant is before it.
    pub fn at(&mut self, at: Ktime) -> Option<&mut Bin> {
        self.last_until(at);
        let place = self.place(self.began?, at);
        self.bins.get_mut(place).map(Arc::make_mut)
    }

    /// All of it in at most `count` spans of equal length; empty if nothing came yet.
    #[must_use]
    pub fn spans(&self, count: usize) -> Vec<Span> {
        let Some(began) = self.began.filter(|_| count > 0) else { return Vec::new() };
        let each = self.bins.len().div_ceil(count).max(1);
        let length = Nanos::new(self.length.as_nanos().saturating_mul(each as u64));
        let span = |(place, bins): (usize, &[Arc<Bin>])| {
            let from = began.plus(Nanos::new(length.as_nanos().saturating_mul(place as u64)));
            let mut bin = Bin::default();
            bins.iter().for_each(|other| bin.merge(other));
            Span { from, to: from.plus(length), bin }
        };
        self.bins.chunks(each).enumerate().map(span).collect()
    }

    fn place(&self, began: Ktime, at: Ktime) -> usize {
        usize::try_from(at.since(began).as_nanos() / self.length.as_nanos().max(1)).unwrap_or(usize::MAX)
    }

    /// Bins become twice as long.
    fn halve(&mut self) {
        self.length = Nanos::new(self.length.as_nanos().saturating_mul(2));
        let pairs = std::mem::take(&mut self.bins);
        for pair in pairs.chunks(2) {
            let mut bin = Bin::default();
            pair.iter().for_each(|other| bin.merge(other));
            self.bins.push(Arc::new(bin));
        }
    }
}

impl Bin {
    fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.total.merge(&other.total);
        self.init.merge(&other.init);
    }
}

impl Span {
    /// How long it is.
    #[must_use]
    pub fn length(&self) -> Nanos {
        self.to.since(self.from)
    }

    /// Requests in a second, in hundredths.
    #[must_use]
    pub fn rate_hundredths(&self) -> u64 {
        let per = u128::from(self.bin.requests) * 100_000_000_000 / u128::from(self.length().as_nanos().max(1));
        u64::try_from(per).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Ktime {
        Ktime::from_nanos(milliseconds * 1_000_000)
    }

    fn counts(timeline: &Timeline, count: usize) -> Vec<u64> {
        timeline.spans(count).iter().map(|span| span.bin.requests).collect()
    }

    fn add(timeline: &mut Timeline, milliseconds: u64) {
        timeline.at(at(milliseconds)).expect("a bin").requests += 1;
    }

    #[test]
    fn what_happens_counts_in_its_bin_and_time_without_anything_is_there() {
        let mut timeline = Timeline::default();
        assert!(timeline.spans(10).is_empty());
        for milliseconds in [1_000, 1_009, 1_010, 1_035] {
            add(&mut timeline, milliseconds);
        }
        timeline.last_until(at(1_059));
        assert_eq!(counts(&timeline, 100), [2, 1, 0, 1, 0, 0]);
        assert_eq!(counts(&timeline, 3), [3, 1, 0]);
        let spans = timeline.spans(3);
        assert_eq!((spans[1].from, spans[1].to), (at(1_020), at(1_040)));
        assert_eq!(spans[0].rate_hundredths(), 15_000);
        // What is known late, and began before everything else.
        add(&mut timeline, 500);
        assert_eq!(counts(&timeline, 1), [5]);
    }

    #[test]
    fn a_long_trace_takes_no_more_memory_and_loses_no_count() {
        let mut timeline = Timeline::default();
        for second in 0..100_000 {
            add(&mut timeline, second * 1_000);
            timeline.at(at(second * 1_000)).expect("a bin").total.add(Nanos::from_millis(second % 7 + 1));
        }
        assert!(timeline.bins.len() <= BINS);
        assert_eq!(counts(&timeline, 1), [100_000]);
        assert_eq!(timeline.spans(1)[0].bin.total.count(), 100_000);
        assert!(timeline.spans(60).len() <= 60);
    }
}

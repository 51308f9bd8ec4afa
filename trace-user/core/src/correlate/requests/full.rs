//! When all slots for requests were taken.
//!
//! In: that they are, or no longer are. Out: whether they were at any time within a span. The last spans are kept.

use std::collections::VecDeque;
use trace_common::time::Ktime;

/// Spans that are kept. A request asks about the last few seconds.
const SPANS: usize = 256;

/// The last spans during which all slots were taken, in order of time.
#[derive(Clone, Debug, Default)]
pub struct Full {
    /// From and to; `None`: they still are.
    spans: VecDeque<(Ktime, Option<Ktime>)>,
}

impl Full {
    /// All slots are taken from `now` on, or no longer are.
    pub fn set(&mut self, is_full: bool, now: Ktime) {
        match (self.spans.back_mut(), is_full) {
            (Some((_, end @ None)), false) => *end = Some(now),
            (Some((_, None)), true) | (_, false) => {}
            (_, true) => {
                self.spans.push_back((now, None));
                if self.spans.len() > SPANS {
                    self.spans.pop_front();
                }
            }
        }
    }

    /// Whether they were at any time from `from` until before `until`.
    pub fn was_within(&self, from: Ktime, until: Ktime) -> bool {
        self.spans.iter().any(|(began, ended)| *began < until && ended.is_none_or(|ended| ended > from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_found_by_what_they_overlap() {
        let at = Ktime::from_nanos;
        let mut full = Full::default();
        for (is_full, now) in [(false, 1), (true, 10), (true, 12), (false, 20), (false, 25), (true, 30)] {
            full.set(is_full, at(now));
        }
        let within = |from, until| full.was_within(at(from), at(until));
        assert_eq!([within(0, 10), within(0, 11), within(19, 25), within(20, 30)], [false, true, true, false]);
        assert!(within(100, 200), "they still are");
    }
}

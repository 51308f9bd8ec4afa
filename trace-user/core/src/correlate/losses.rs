//! When events were lost. A loss is found after it happened, between two reads of the counters, so it is kept as the
//! span between them. A request that was open in that span may be missing something.

use std::collections::VecDeque;
use trace_common::time::Ktime;

/// Spans kept. Beyond that, the two oldest become one, which can only make more requests doubtful.
const SPANS: usize = 256;

/// The spans in which something was lost.
#[derive(Clone, Debug, Default)]
pub struct Losses {
    spans: VecDeque<(Ktime, Ktime)>,
    /// Nothing was lost after this.
    last: Ktime,
}

impl Losses {
    /// Something was lost after `since` and not after `until`.
    pub fn note(&mut self, since: Ktime, until: Ktime) {
        self.spans.push_back((since, until));
        self.last = self.last.max(until);
        if self.spans.len() > SPANS
            && let (Some((begin, _)), Some((_, end))) = (self.spans.pop_front(), self.spans.pop_front())
        {
            self.spans.push_front((begin, end));
        }
    }

    /// Whether something may have been lost between `from` and `to`.
    #[must_use]
    pub fn overlap(&self, from: Ktime, to: Ktime) -> bool {
        from <= self.last && self.spans.iter().rev().any(|(since, until)| *since <= to && *until >= from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanoseconds: u64) -> Ktime {
        Ktime::from_nanos(nanoseconds)
    }

    #[test]
    fn only_what_was_open_in_the_span_is_doubtful() {
        let mut losses = Losses::default();
        losses.note(at(100), at(200));
        assert!(losses.overlap(at(150), at(160)));
        assert!(losses.overlap(at(10), at(100)));
        assert!(!losses.overlap(at(10), at(99)));
        assert!(!losses.overlap(at(201), at(300)));
    }

    #[test]
    fn merging_old_spans_never_hides_a_loss() {
        let mut losses = Losses::default();
        for span in 0..1_000 {
            losses.note(at(span * 10), at(span * 10 + 1));
        }
        assert_eq!(losses.spans.len(), SPANS);
        assert!((0..1_000).all(|span| losses.overlap(at(span * 10), at(span * 10))));
    }
}

//! Requests as bars along the time: when each was made, how long it took, and what became of it.
//!
//! In: the model. Out: bars in lanes, so that those that overlap stand below each other. The longest are kept.

use super::plain::Plain;
use super::wall;
use crate::attribution::known::with_name;
use crate::entities::{Request, Timed, Verdict};
use crate::model::Model;
use std::sync::Arc;
use trace_common::time::{Ktime, Nanos};

/// Lanes at most: a screenful.
const LANES: usize = 40;

/// Bars along the time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// What the wall clock showed when it begins; `None` if that is not known.
    pub from: Option<String>,
    /// How long it is; not zero.
    pub length: Nanos,
    /// In order of time.
    pub bars: Vec<Bar>,
    /// How many lanes there are.
    pub lanes: usize,
    /// Requests that there is no room for.
    pub left_out: usize,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// What it is, in a few words.
    pub words: Plain,
    /// Whether it went as it should.
    pub tone: Tone,
    /// Its lane, from 0.
    pub lane: usize,
    /// When it begins, from the beginning of the timeline.
    pub begins: Nanos,
    /// How long it is.
    pub lasts: Nanos,
}

/// What became of a request, in one of three colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// What it wanted is live.
    Good,
    /// It went wrong.
    Bad,
    /// Neither, or not known.
    Neutral,
}

impl Tone {
    /// The tone of a verdict.
    #[must_use]
    pub const fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Live | Verdict::AlreadyLive | Verdict::SatisfiedByAnother => Self::Good,
            Verdict::Hollow
            | Verdict::InitFailed
            | Verdict::HelperFailed
            | Verdict::HelperMissing
            | Verdict::Refused
            | Verdict::Throttled
            | Verdict::Denied => Self::Bad,
            Verdict::NotFound | Verdict::Abandoned | Verdict::Unwaited | Verdict::InFlight | Verdict::Incomplete => {
                Self::Neutral
            }
        }
    }
}

/// The requests of the trace, with so many bars at most.
#[must_use]
pub fn timeline(model: &Model, most: usize) -> Timeline {
    let now = model.now();
    let mut requests: Vec<&Arc<Request>> = model.requests().collect();
    requests.sort_by_key(|request| (std::cmp::Reverse(request.age_so_far(now)), request.id));
    let mut left_out = requests.len().saturating_sub(most);
    requests.truncate(most);
    requests.sort_by_key(|request| (request.asked.mono, request.id));
    let Some(begin) = requests.first().map(|request| request.asked) else { return Timeline::default() };
    let mut lanes: Vec<Ktime> = Vec::new();
    let mut bars = Vec::new();
    for request in requests {
        let (from, lasts) = (request.asked.mono, request.age_so_far(now));
        let free = lanes.iter().position(|ends| *ends <= from);
        let Some(lane) = free.or((lanes.len() < LANES).then_some(lanes.len())) else {
            left_out += 1;
            continue;
        };
        let end = from.plus(lasts).plus(Nanos::new(1));
        match lanes.get_mut(lane) {
            Some(ends) => *ends = end,
            None => lanes.push(end),
        }
        bars.push(Bar {
            words: words(request),
            tone: Tone::of(request.verdict),
            lane,
            begins: from.since(begin.mono),
            lasts,
        });
    }
    let length = bars.iter().map(|bar| bar.begins.plus(bar.lasts)).max().unwrap_or_default().max(Nanos::new(1));
    Timeline { from: model.wall_ns(begin).and_then(wall::iso), length, bars, lanes: lanes.len(), left_out }
}

/// `#12 net-pf-29 (AF_CAN): live, 107ms, by ping[412]`
fn words(request: &Request) -> Plain {
    let total = request.total().map_or_else(|| "open".to_owned(), |total| total.to_string());
    let name = with_name(&request.requested.alias);
    let task = crate::explain::task_words(&request.task);
    format!("#{} {name}: {}, {total}, by {task}", request.id.0, request.verdict.words()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::busy;

    #[test]
    fn bars_of_one_lane_do_not_overlap_and_all_are_within_the_time() {
        let scenario = busy();
        let all = timeline(scenario.model(), 2_000);
        assert_eq!((all.bars.len(), all.left_out), (scenario.model().requests().count(), 0));
        for (place, bar) in all.bars.iter().enumerate() {
            let end = bar.begins.plus(bar.lasts);
            assert!(bar.lane < all.lanes && end <= all.length, "{bar:?}");
            let later = all.bars.iter().skip(place + 1).filter(|other| other.lane == bar.lane);
            assert!(later.into_iter().all(|other| other.begins >= end), "{bar:?}");
        }
        let two = timeline(scenario.model(), 2);
        assert_eq!((two.bars.len(), two.left_out), (2, all.bars.len() - 2));
        // The longest: the one that is open, and the one that waited for two inits.
        assert!(two.bars[1].words.as_str().contains("char-major-10-200"), "{two:?}");
    }
}

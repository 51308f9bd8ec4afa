//! The flight recorder: the last minutes of a trace, held in memory until somebody wants them.
//!
//! In: events as they came, and since when something has been open. Out: the events of the last minutes, with the facts
//! that were established before them, as a recording needs them. Memory is bounded.

use super::preface::Preface;
use crate::event::{Body, Event, Fact, Stamp};
use std::collections::VecDeque;
use trace_common::time::{Ktime, Nanos};

/// The last minutes.
#[derive(Debug)]
pub struct Flight {
    keep: Nanos,
    bytes: usize,
    events: VecDeque<Event>,
    /// What they weigh.
    weight: usize,
    /// What was established before them.
    preface: Preface,
    /// Events that were let go before their time, since there was no room for them.
    crowded_out: u64,
}

impl Flight {
    /// Holds the events of the last `keep`, but no more than about `bytes` of memory.
    #[must_use]
    pub fn new(keep: Nanos, bytes: usize) -> Self {
        let (events, preface) = (VecDeque::new(), Preface::default());
        Self { keep, bytes, events, weight: 0, preface, crowded_out: 0 }
    }

    /// Takes the next event. `open_since`: the beginning of the oldest thing that is still open; the events from there
    /// on are held, too, so that its whole story is there.
    pub fn push(&mut self, event: Event, open_since: Option<Stamp>) {
        let now = event.at.mono;
        let is_tick = |event: &Event| matches!(event.body, Body::Fact(Fact::Tick));
        // Of several ticks in a row, the last says what all say.
        if is_tick(&event)
            && let Some(last) = self.events.back_mut().filter(|last| is_tick(last))
        {
            *last = event;
        } else {
            self.weight += event.weight();
            self.events.push_back(event);
        }
        let recent = now.minus(self.keep);
        self.let_go(open_since.map_or(recent, |open| recent.min(open.mono)));
    }

    fn let_go(&mut self, from: Ktime) {
        while let Some(first) = self.events.front() {
            let is_old = first.at.mono < from;
            if !is_old && self.weight <= self.bytes {
                break;
            }
            self.crowded_out += u64::from(!is_old);
            if let Some(event) = self.events.pop_front() {
                self.weight -= event.weight();
                self.preface.take(&event);
            }
        }
    }

    /// How long events are held.
    #[must_use]
    pub const fn keep(&self) -> Nanos {
        self.keep
    }

    /// The number of events so far that were let go before their time, since there was no room for them.
    #[must_use]
    pub const fn crowded_out(&self) -> u64 {
        self.crowded_out
    }

    /// The instant of the first event that is held; `None` if there is none.
    #[must_use]
    pub fn first(&self) -> Option<Stamp> {
        self.events.front().map(|event| event.at)
    }

    /// What is held, as a recording that begins there.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        let preface = self.first().map(|at| self.preface.events(at));
        preface.into_iter().flatten().chain(self.events.iter().cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::Flight;
    use crate::event::{Body, Event, Fact, Stamp};
    use crate::model::Model;
    use crate::pipeline::Pipeline;
    use crate::testing::{Scenario, busy, stamp};
    use trace_common::time::Nanos;

    fn model(events: impl IntoIterator<Item = Event>) -> Model {
        let mut pipeline = Pipeline::default();
        events.into_iter().for_each(|event| pipeline.push(event, |_, _| {}));
        pipeline.into_model()
    }

    #[test]
    fn the_last_minutes_are_held_with_what_was_established_before() {
        let all = busy().events;
        let last = all.iter().map(|event| event.at.mono).max().expect("events");
        let half = Nanos::new(last.as_nanos() / 2);
        let mut flight = Flight::new(half, usize::MAX);
        all.iter().cloned().for_each(|event| flight.push(event, None));
        let first = flight.first().expect("events");
        assert!(first.mono >= last.minus(half) && first.mono < last);
        let [whole, held] = [model(all), model(flight.events().collect::<Vec<_>>())];
        assert_eq!(held.machine().map(|machine| &machine.boot_id), whole.machine().map(|machine| &machine.boot_id));
        assert_eq!(held.wall_ns(held.now()), whole.wall_ns(whole.now()), "the wall clock goes on");
        assert_eq!(held.hooks(), whole.hooks());
        let verdicts = |model: &Model| -> Vec<_> {
            let late = model.requests().filter(|request| request.asked.mono > first.mono);
            late.map(|request| (request.asked, request.verdict, request.module().cloned())).collect()
        };
        assert!(!verdicts(&whole).is_empty());
        assert_eq!(verdicts(&held), verdicts(&whole));
    }

    #[test]
    fn what_is_open_is_held_from_its_beginning_and_memory_is_bounded() {
        let event = |at: u64| Event { at: stamp(at), body: Body::Fact(Fact::ClockSet { wall_ns: at }) };
        let us = |at: u64| Nanos::new(at * 1_000);
        let mut flight = Flight::new(us(10), usize::MAX);
        for at in 0..100 {
            flight.push(event(at), Some(stamp(40)));
        }
        assert_eq!(flight.first(), Some(stamp(40)));
        flight.push(event(100), None);
        assert_eq!((flight.first(), flight.crowded_out()), (Some(stamp(90)), 0));
        let weight = event(0).weight();
        let mut flight = Flight::new(us(1_000), 20 * weight);
        for at in 0..100 {
            flight.push(event(at), Some(stamp(0)));
        }
        assert_eq!((flight.events().count(), flight.crowded_out()), (20, 80));
    }

    #[test]
    fn ticks_in_a_row_are_one() {
        let mut scenario = Scenario::default();
        (0..50).for_each(|at| scenario.until(at));
        let mut flight = Flight::new(Nanos::from_secs(1), usize::MAX);
        scenario.events.into_iter().for_each(|event| flight.push(event, None));
        assert_eq!(flight.events().map(|event| event.at).collect::<Vec<Stamp>>(), [stamp(100_049)]);
    }
}

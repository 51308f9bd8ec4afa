//! Puts events into the order in which they happened.
//!
//! The ring buffer delivers records in the order in which they were reserved, and the stages of one request run on
//! different CPUs, so neighbours can be swapped. Events are held back until a [`Fact::Tick`] reports that everything
//! older than a window has been delivered, or a [`Fact::Drained`] that everything has.
//!
//! In: events as they came. Out: the same events by instant, with each tick moved to the instant up to which the order
//! is final. A fact about what an alias resolves to is not held back: it precedes every request for the alias. Pure: no
//! clock; time comes from the ticks.

use crate::event::{Body, Event, Fact, Lost, Stamp};
use std::collections::{BTreeMap, VecDeque};
use trace_common::time::{Ktime, Nanos};

/// How long an event is held back for others that happened before it. Observed inversions are below a millisecond; a
/// probe that is preempted between reading the clock and submitting its record can take tens of milliseconds under
/// emulation.
pub const WINDOW: Nanos = Nanos::from_millis(100);

/// Events held back at most. Beyond that, the oldest is passed on at once.
const HELD: usize = 262_144;
/// Bytes of events held back at most, which a file that was made to fill the memory reaches first.
const HELD_BYTES: usize = 64 * 1024 * 1024;

/// The stage.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// Those that came in order.
    held: VecDeque<Event>,
    /// Those that came after later ones, with the number of their arrival.
    strays: BTreeMap<(Ktime, u64), Event>,
    arrivals: u64,
    /// What all of them weigh.
    bytes: usize,
    /// The last instant that was passed on: the order is final up to here.
    passed: Stamp,
}

impl Order {
    /// Takes one event; appends what is final by now to `out`, in order.
    pub fn push(&mut self, event: Event, out: &mut VecDeque<Event>) {
        match event.body {
            Body::Fact(Fact::Tick) => {
                let Stamp { mono, boot } = event.at;
                self.tick(Stamp { mono: mono.minus(WINDOW), boot: boot.minus(WINDOW) }, out);
            }
            Body::Fact(Fact::Drained) => self.tick(event.at, out),
            Body::Fact(Fact::End) => {
                self.finish(out);
                out.push_back(event);
            }
            // It was made when the first request for the alias came, which is not the first that was asked: it must not
            // wait.
            Body::Fact(Fact::Resolved { .. }) => out.push_back(event),
            Body::Probe(_) | Body::Fact(_) => self.hold(event, out),
        }
    }

    /// Lets everything out, in order: nothing will follow.
    pub fn finish(&mut self, out: &mut VecDeque<Event>) {
        while self.first().is_some() {
            self.pop(out);
        }
    }

    /// How many are held back.
    #[must_use]
    pub fn count(&self) -> usize {
        self.held.len() + self.strays.len()
    }

    fn hold(&mut self, event: Event, out: &mut VecDeque<Event>) {
        if event.at.mono < self.passed.mono && matches!(event.body, Body::Fact(Fact::Lost { .. } | Fact::Blamed { .. }))
        {
            // Its instant may be long past.
            return out.push_back(event);
        }
        if event.at.mono < self.passed.mono {
            // What has been passed on was judged without it.
            let late = Fact::Lost { loss: Lost::Late, count: 1, until: self.passed.mono };
            out.push_back(Event { at: event.at, body: Body::Fact(late) });
            out.push_back(event);
            return;
        }
        self.bytes += event.weight();
        if self.held.back().is_some_and(|last| event.at.mono < last.at.mono) {
            self.strays.insert((event.at.mono, self.arrivals), event);
            self.arrivals += 1;
        } else {
            self.held.push_back(event);
        }
        while self.count() > HELD || self.bytes > HELD_BYTES {
            self.pop(out);
        }
    }

    fn tick(&mut self, horizon: Stamp, out: &mut VecDeque<Event>) {
        while self.first().is_some_and(|at| at <= horizon.mono) {
            self.pop(out);
        }
        if self.passed.mono < horizon.mono {
            self.passed = horizon;
        }
        out.push_back(Event { at: self.passed, body: Body::Fact(Fact::Tick) });
    }

    fn pop(&mut self, out: &mut VecDeque<Event>) {
        // For the same instant, what came in order came first.
        let in_order = self.held.front().map(|event| event.at.mono);
        let stray = self.strays.first_key_value().map(|((at, _), _)| *at);
        let is_stray = stray.is_some_and(|stray| in_order.is_none_or(|in_order| stray < in_order));
        let next = if is_stray { self.strays.pop_first().map(|(_, event)| event) } else { self.held.pop_front() };
        if let Some(event) = next {
            self.passed = event.at;
            self.bytes -= event.weight();
            out.push_back(event);
        }
    }

    /// The instant of the first that is held back.
    fn first(&self) -> Option<Ktime> {
        let in_order = self.held.front().map(|event| event.at.mono);
        let stray = self.strays.first_key_value().map(|((at, _), _)| *at);
        in_order.into_iter().chain(stray).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(at: u64, fact: Fact) -> Event {
        Event { at: Stamp::awake(at), body: Body::Fact(fact) }
    }

    fn live(at: u64) -> Event {
        fact(at, Fact::LiveModules([].into()))
    }

    fn instants(events: &VecDeque<Event>) -> Vec<u64> {
        events.iter().map(|event| event.at.mono.as_nanos()).collect()
    }

    #[test]
    fn swapped_neighbours_come_out_in_order_once_a_tick_makes_them_final() {
        let (mut order, mut out) = (Order::default(), VecDeque::new());
        order.push(live(30), &mut out);
        order.push(live(10), &mut out);
        order.push(live(20), &mut out);
        assert!(out.is_empty());
        order.push(fact(20 + WINDOW.as_nanos(), Fact::Tick), &mut out);
        assert_eq!(instants(&out), [10, 20, 20]);
        order.finish(&mut out);
        assert_eq!(instants(&out), [10, 20, 20, 30]);
    }

    #[test]
    fn a_drained_ring_makes_all_before_it_final_and_later_ticks_do_not_go_back() {
        let (mut order, mut out) = (Order::default(), VecDeque::new());
        order.push(live(20), &mut out);
        order.push(live(10), &mut out);
        order.push(fact(25, Fact::Drained), &mut out);
        assert_eq!(instants(&out), [10, 20, 25]);
        order.push(live(26), &mut out);
        order.push(fact(24 + WINDOW.as_nanos(), Fact::Tick), &mut out);
        assert_eq!(instants(&out), [10, 20, 25, 25]);
        order.push(fact(26, Fact::Drained), &mut out);
        assert_eq!(instants(&out), [10, 20, 25, 25, 26, 26]);
    }

    #[test]
    fn an_event_that_comes_too_late_is_passed_on_and_counted() {
        let (mut order, mut out) = (Order::default(), VecDeque::new());
        order.push(live(50), &mut out);
        order.push(fact(50 + WINDOW.as_nanos(), Fact::Tick), &mut out);
        order.push(live(40), &mut out);
        assert_eq!(instants(&out), [50, 50, 40, 40]);
        let late = Fact::Lost { loss: Lost::Late, count: 1, until: Ktime::from_nanos(50) };
        assert_eq!(out[2].body, Body::Fact(late));
    }

    #[test]
    fn equal_instants_keep_the_order_in_which_they_came() {
        let (mut order, mut out) = (Order::default(), VecDeque::new());
        order.push(fact(5, Fact::LiveModules(["a".into()].into())), &mut out);
        order.push(fact(5, Fact::LiveModules(["b".into()].into())), &mut out);
        order.push(fact(6, Fact::End), &mut out);
        let names: Vec<_> = out
            .iter()
            .filter_map(|event| match &event.body {
                Body::Fact(Fact::LiveModules(names)) => names.first().cloned(),
                Body::Fact(_) | Body::Probe(_) => None,
            })
            .collect();
        assert_eq!(names, ["a".into(), "b".into()]);
    }
}

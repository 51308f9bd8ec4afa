//! Where a recording is being played: the pipeline, event by event, and what is counted on the way.
//!
//! In: events as they came. Out: the model after each, in order. A copy goes on from the same position.

use super::Feed;
use super::target::Target;
use crate::event::{Body, Event, Fact};
use crate::model::Model;
use crate::overview::Overview;
use crate::pipeline::Pipeline;
use trace_common::time::Ktime;

/// Events between two looks of the overview: long before the model gives up what came since.
const LOOK: u64 = 1_024;

/// The position, and everything that is known there.
#[derive(Clone, Debug, Default)]
pub struct Head {
    pipeline: Pipeline,
    overview: Overview,
    steps: u64,
    /// The latest instant that was let through.
    latest: Ktime,
    /// Events of probes when the newest request began.
    request_begun: u64,
    /// The feed has no more events.
    is_over: bool,
    /// What is open is to be closed, as it is when everything has been let through.
    is_to_cut: bool,
}

/// Whether a head has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advance {
    /// At the target, or at the end.
    Arrived,
    /// It goes on later.
    Underway,
}

impl Head {
    /// The model here.
    #[must_use]
    pub const fn model(&self) -> &Model {
        self.pipeline.model()
    }

    /// The overview's counts, as of [`Head::refresh_overview`].
    #[must_use]
    pub const fn overview(&self) -> &Overview {
        &self.overview
    }

    /// Events that were let through.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// Events of probes that were let through.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.model().counts().events
    }

    /// The number of the newest request.
    #[must_use]
    pub const fn requests(&self) -> u64 {
        self.model().counts().requests
    }

    /// Events of probes when the newest request began.
    pub(super) const fn request_begun(&self) -> u64 {
        self.request_begun
    }

    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// The next event, if it is known already.
    pub(super) fn upcoming(&self) -> Option<&Event> {
        self.pipeline.next()
    }

    /// Whether this is the target. It is not past it.
    pub(super) fn has_reached(&self, target: Target) -> bool {
        match target {
            Target::Start | Target::NextEvent => self.upcoming().is_some_and(is_of_probe),
            Target::End => false,
            Target::Step(steps) => self.steps >= steps,
            Target::Event(events) => self.events() >= events,
            Target::Request(number) => self.requests() >= number,
            // Before the start, nothing is known.
            Target::Time(at) => self.upcoming().is_some_and(|event| {
                has_instant(event) && event.at.boot > at && (self.events() > 0 || is_of_probe(event))
            }),
        }
    }

    /// Whether going on from here leads to the target: this is not past it.
    pub(super) fn is_before(&self, target: Target) -> bool {
        match target {
            Target::Start => self.steps == 0,
            Target::End | Target::NextEvent => true,
            Target::Step(steps) => self.steps <= steps,
            Target::Event(events) => self.events() < events,
            Target::Request(number) => self.requests() < number,
            Target::Time(at) => self.latest <= at || self.steps == 0,
        }
    }

    /// Whether nothing follows.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_over && !self.is_to_cut && self.pipeline.next().is_none()
    }

    /// Counts what the model has by now.
    pub fn refresh_overview(&mut self) {
        self.overview.refresh(self.pipeline.model());
    }

    /// Goes on until the target is reached, or about `budget` events were read or let through. `between`: whenever all
    /// that was read has been let through.
    pub(super) fn advance<F: Feed>(
        &mut self,
        feed: &mut F,
        target: Target,
        budget: usize,
        mut between: impl FnMut(&Self, &F),
    ) -> Result<Advance, F::Error> {
        for _ in 0..budget {
            if self.is_closed() || self.has_reached(target) {
                return Ok(Advance::Arrived);
            }
            if self.step() {
                continue;
            }
            between(self, feed);
            match feed.next()? {
                Some(event) => self.pipeline.take(event),
                None => self.end(feed.end()),
            }
        }
        Ok(Advance::Underway)
    }

    /// The feed is over: `end` is what the recording says of its end.
    fn end(&mut self, end: Option<Event>) {
        self.is_over = true;
        match end {
            Some(end) => self.pipeline.take(end),
            None => {
                self.pipeline.release();
                self.is_to_cut = true;
            }
        }
    }

    /// Lets one event through, or closes what is open at the end; returns whether there was anything to do.
    fn step(&mut self) -> bool {
        match self.pipeline.next() {
            Some(event) if has_instant(event) => self.latest = self.latest.max(event.at.boot),
            Some(_) => {}
            None if self.is_to_cut => {
                self.is_to_cut = false;
                self.pipeline.cut(|_, _| {});
                self.steps += 1;
                return true;
            }
            None => return false,
        }
        let requests = self.requests();
        self.pipeline.step(|_, _| {});
        self.steps += 1;
        if self.requests() > requests {
            self.request_begun = self.events();
        }
        if self.steps.is_multiple_of(LOOK) {
            self.refresh_overview();
        }
        true
    }

    /// About how many bytes a copy has for itself, in addition to what the model keeps.
    pub(super) fn own_weight(&self) -> usize {
        self.pipeline.own_weight()
    }
}

/// Whether the event's instant says when it happened: what an alias resolves to holds before and after.
const fn has_instant(event: &Event) -> bool {
    !matches!(event.body, Body::Fact(Fact::Resolved { .. }))
}

const fn is_of_probe(event: &Event) -> bool {
    matches!(event.body, Body::Probe(_))
}

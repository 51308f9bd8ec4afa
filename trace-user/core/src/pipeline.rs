//! The pure line from events to the model: order, correlate, model. It is in one place so that every source and every
//! command runs the same code.
//!
//! In: events as they came. Out: a model, and the changes for those who act on each. What came can be let through one
//! by one, and a copy goes on from where the original was.

use crate::correlate::Correlator;
use crate::entities::Change;
use crate::event::{Body, Event};
use crate::model::Model;
use crate::order::Order;
use std::collections::VecDeque;

/// The line.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    order: Order,
    /// What came, in order, and has not been let through.
    ordered: VecDeque<Event>,
    correlator: Correlator,
    model: Model,
    changes: Vec<Change>,
}

impl Pipeline {
    /// Takes one event. `each` sees every change after the model has it.
    pub fn push(&mut self, event: Event, mut each: impl FnMut(&Change, &Model)) {
        self.take(event);
        while self.step(&mut each) {}
    }

    /// Takes one event, and lets none through.
    pub fn take(&mut self, event: Event) {
        self.order.push(event, &mut self.ordered);
    }

    /// The next event that [`Pipeline::step`] lets through.
    #[must_use]
    pub fn next(&self) -> Option<&Event> {
        self.ordered.front()
    }

    /// Lets one event through; returns whether there was one. `each` sees every change after the model has it.
    pub fn step(&mut self, each: impl FnMut(&Change, &Model)) -> bool {
        let Some(event) = self.ordered.pop_front() else { return false };
        if let Body::Probe(_) = event.body {
            self.model.count_event(event.at);
        }
        self.correlator.step(event, &mut self.changes);
        self.report(each);
        true
    }

    /// The source stopped: `end` is what it reported as its end; `None` if it reported none.
    pub fn close(&mut self, end: Option<Event>, mut each: impl FnMut(&Change, &Model)) {
        match end {
            Some(end) => self.push(end, each),
            None => {
                self.release();
                while self.step(&mut each) {}
                self.cut(each);
            }
        }
    }

    /// The source stopped: nothing is held back any more.
    pub fn release(&mut self) {
        self.order.finish(&mut self.ordered);
    }

    /// The source stopped without reporting its end, and everything has been let through: closes what is open as it is
    /// now.
    pub fn cut(&mut self, each: impl FnMut(&Change, &Model)) {
        self.correlator.cut(&mut self.changes);
        self.report(each);
    }

    /// The model as it is now.
    #[must_use]
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// The model, when nothing more comes.
    #[must_use]
    pub fn into_model(self) -> Model {
        self.model
    }

    /// About how many bytes a copy has for itself, beside the things that the model keeps.
    #[must_use]
    pub fn own_weight(&self) -> usize {
        let events = self.order.count() + self.ordered.len();
        events * size_of::<Event>() + self.correlator.own_weight() + self.model.own_weight()
    }

    fn report(&mut self, mut each: impl FnMut(&Change, &Model)) {
        for change in self.changes.drain(..) {
            self.model.apply(&change);
            each(&change, &self.model);
        }
    }
}

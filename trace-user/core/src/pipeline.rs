//! The pure line from events to the model: order, correlate, model. It is in one place so that every source and every
//! command runs the same code.
//!
//! In: events as they came. Out: a model, and the changes for those who act on each.

use crate::correlate::Correlator;
use crate::entities::Change;
use crate::event::{Body, Event};
use crate::model::Model;
use crate::order::Order;

/// The line.
#[derive(Debug, Default)]
pub struct Pipeline {
    order: Order,
    correlator: Correlator,
    model: Model,
    ordered: Vec<Event>,
    changes: Vec<Change>,
}

impl Pipeline {
    /// Takes one event. `each` sees every change after the model has it.
    pub fn push(&mut self, event: Event, each: impl FnMut(&Change, &Model)) {
        self.order.push(event, &mut self.ordered);
        self.run(each);
    }

    /// The source stopped: `end` is what it reported as its end; `None` if it reported none.
    pub fn close(&mut self, end: Option<Event>, each: impl FnMut(&Change, &Model)) {
        match end {
            Some(end) => self.push(end, each),
            None => self.cut(each),
        }
    }

    /// The source stopped without reporting its end: releases what is held back, and closes what is open as it is now.
    pub fn cut(&mut self, mut each: impl FnMut(&Change, &Model)) {
        self.order.finish(&mut self.ordered);
        self.run(&mut each);
        self.correlator.cut(&mut self.changes);
        self.report(&mut each);
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

    fn run(&mut self, mut each: impl FnMut(&Change, &Model)) {
        for event in std::mem::take(&mut self.ordered) {
            if let Body::Probe(_) = event.body {
                self.model.count_event(event.at);
            }
            self.correlator.step(event, &mut self.changes);
            self.report(&mut each);
        }
    }

    fn report(&mut self, mut each: impl FnMut(&Change, &Model)) {
        for change in self.changes.drain(..) {
            self.model.apply(&change);
            each(&change, &self.model);
        }
    }
}

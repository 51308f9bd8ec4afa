//! The model as a reader sees it: with the time zone in which instants are shown.

use jiff::tz::TimeZone;
use modtrail_core::model::Model;
use std::ops::Deref;
use trace_common::time::Nanos;

/// A model and what its reader set.
#[derive(Clone, Copy, Debug)]
pub struct World<'m> {
    /// The model.
    pub model: &'m Model,
    /// The zone.
    pub zone: &'m TimeZone,
    /// What has been open for this long is stalled.
    pub limit: Nanos,
}

impl Deref for World<'_> {
    type Target = Model;

    fn deref(&self) -> &Model {
        self.model
    }
}

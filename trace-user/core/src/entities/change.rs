//! What the correlator reports: things as they are now, and facts.
//!
//! Values only. An `Option` that is `None` was not seen; nothing here is guessed. Durations are on the clock that stops
//! in suspend unless stated otherwise.

use super::call::Call;
use super::cycle::Cycle;
use super::device::Device;
use super::firmware::Firmware;
use super::load::Load;
use super::request::Request;
use super::unload::Unload;
use crate::event::{Fact, Lost, Stamp};
use std::sync::Arc;
use trace_common::time::Ktime;

/// What the correlator reports to the model. Each carries the whole value as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Change {
    /// A request was opened or changed; its `closed` shows whether this is its last change.
    Request(Arc<Request>),
    /// A helper call that serves no request was opened or changed.
    Call(Arc<Call>),
    /// A load was opened or changed.
    Load(Arc<Load>),
    /// An unload was opened or changed.
    Unload(Arc<Unload>),
    /// A firmware request was opened or changed.
    Firmware(Arc<Firmware>),
    /// A device was seen, or something more of it.
    Device(Arc<Device>),
    /// A suspend cycle was opened or changed.
    Cycle(Arc<Cycle>),
    /// A fact for the model to keep.
    Fact {
        /// What.
        fact: Fact,
        /// When it was established.
        at: Stamp,
    },
    /// Something was lost.
    Lost {
        /// What.
        loss: Lost,
        /// How many.
        count: u64,
        /// It was lost after this.
        at: Stamp,
        /// It was lost before this.
        until: Ktime,
    },
    /// Something could not be tied to anything seen before: a return without a call, a birth without a call. What was
    /// under way when tracing began looks like this.
    Unmatched,
    /// A map of open things was full; the oldest was given up.
    Capped,
    /// Another modtrail began a self-test: its request is left out.
    OtherSelfTest,
    /// Time has come this far.
    Now(Stamp),
}

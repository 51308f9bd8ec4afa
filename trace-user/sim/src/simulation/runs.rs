//! What is under way in the simulated machine, besides its truth: helper calls, loads, and whether a thread goes on.
//!
//! In: nothing. Out: the states that [`super::machine`] keeps and its parts change.

use super::plan::Helper;
use super::tasks::{Inserted, ThreadNo};

/// Whether a thread goes on.
pub enum Flow {
    /// With its next step.
    On,
    /// After this many nanoseconds.
    After(u64),
    /// Not by itself.
    Stop,
}

/// The hidden state of a helper call, besides its truth.
#[derive(Clone, Debug)]
pub struct CallRun {
    /// Who waits.
    pub caller: ThreadNo,
    /// What modprobe is.
    pub helper: Helper,
    /// What it is asked for; `None`: the helper is not modprobe.
    pub alias: Option<&'static str>,
    /// How long it takes before it does anything, in microseconds.
    pub slow_us: u32,
    /// It loads by `init_module`.
    pub memory: bool,
    /// The caller has its answer.
    pub done: bool,
    /// The answer.
    pub answer: i32,
    /// The caller was killed and does not wait.
    pub abandoned: bool,
    /// Processes of its tree that have not ended.
    pub alive: u32,
    /// The worker that waits for its helper's end.
    pub worker: Option<ThreadNo>,
    /// How the helper ended.
    pub status: Option<i32>,
}

/// What the kernel knows of a module's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// Nothing.
    Absent,
    /// A load has claimed it.
    Claimed,
    /// It is live; the place of its life in the truth.
    Live(usize),
    /// It is on its way out.
    Going,
}

/// The hidden state of a load, besides its truth.
#[derive(Clone, Copy, Debug)]
pub struct LoadRun {
    /// What is loaded.
    pub inserted: Inserted,
    /// Its result.
    pub result: i32,
    /// When the kernel first answered that the module is live.
    pub live: u64,
}

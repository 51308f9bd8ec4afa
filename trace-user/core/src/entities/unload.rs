//! An unload: one call of `delete_module`, by any task.
//!
//! Values only. An `Option` that is `None` was not seen; nothing here is guessed. Durations are on the clock that stops
//! in suspend unless stated otherwise.

use super::ids::UnloadId;
use crate::answer::ReturnCode;
use crate::event::{Captured, Origin, Stamp, Task};
use std::sync::Arc;

/// An unload: one call of `delete_module`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unload {
    /// Its number.
    pub id: UnloadId,
    /// The thread that unloads.
    pub task: Task,
    /// The thread belongs to the traced command.
    pub of_command: bool,
    /// Where the task comes from; `None` if that could not be read.
    pub origin: Option<Arc<Origin>>,
    /// The module, as the caller named it.
    pub module: Captured,
    /// When it began.
    pub began: Stamp,
    /// When the module's exit was over.
    pub going: Option<Stamp>,
    /// When the system call returned, and with what.
    pub ended: Option<(Stamp, ReturnCode)>,
    /// Nothing more will change: it ended, or its thread went on or exited and its end was not seen.
    pub closed: bool,
}

impl Unload {
    /// It ended with an error.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.ended.is_some_and(|(_, result)| result.failed())
    }
}

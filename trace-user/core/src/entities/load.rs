//! A load: one attempt to load a module, by any task.
//!
//! Values only. An `Option` that is `None` was not seen; nothing here is guessed. Durations are on the clock that stops
//! in suspend unless stated otherwise.

use super::ids::{LoadId, RequestId};
use crate::answer::{Errno, ReturnCode};
use crate::event::{Comm, Stamp, Syscall, Task};
use std::sync::Arc;
use trace_common::time::Nanos;

/// A load: one attempt to load a module, by any task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// Its number.
    pub id: LoadId,
    /// The thread that loads.
    pub task: Task,
    /// The request whose helper's tree it belongs to.
    pub request: Option<RequestId>,
    /// By which system call; `None` if its entry was not seen.
    pub syscall: Option<Syscall>,
    /// When it began, or when it was first seen.
    pub began: Stamp,
    /// The size of the decompressed image in bytes.
    pub bytes: Option<u64>,
    /// The module's name; `None` if the load failed before the module had one.
    pub module: Option<Arc<str>>,
    /// When the module was coming.
    pub coming: Option<Stamp>,
    /// When its init was called.
    pub init_begun: Option<Stamp>,
    /// When it went live.
    pub live: Option<Stamp>,
    /// When `do_init_module` returned, and with what.
    pub init_ended: Option<(Stamp, ReturnCode)>,
    /// When the system call returned, and with what.
    pub ended: Option<(Stamp, ReturnCode)>,
    /// Nothing more will change: it ended, or its thread went on or exited and its end was not seen.
    pub closed: bool,
}

impl Load {
    /// It ended with an error, or its init did. Losing to another copy of the module counts.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.error().is_some()
    }

    /// The error it ended with.
    #[must_use]
    pub fn error(&self) -> Option<Errno> {
        let error = |end: Option<(Stamp, ReturnCode)>| end.and_then(|(_, result)| result.error());
        error(self.ended).or_else(|| error(self.init_ended))
    }

    /// How long its init ran, until the module went live or the init returned; `None` if that was not seen.
    #[must_use]
    pub fn init_time(&self) -> Option<Nanos> {
        let end = self.live.or(self.init_ended.map(|(at, _)| at))?;
        Some(end.mono.since(self.init_begun?.mono))
    }

    /// From its beginning until its module went live.
    #[must_use]
    pub fn to_live(&self) -> Option<Nanos> {
        self.live.map(|live| live.mono.since(self.began.mono))
    }

    /// It ended without making a module live and without calling its init: another copy was there first.
    #[must_use]
    pub fn lost_to_another(&self) -> bool {
        self.init_begun.is_none()
            && self.live.is_none()
            && self.ended.is_some_and(|(_, result)| result.error().is_none_or(|error| error == Errno::EEXIST))
    }

    /// The process that loads, by name.
    #[must_use]
    pub const fn comm(&self) -> Comm {
        self.task.comm
    }
}

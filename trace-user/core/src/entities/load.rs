//! A load: one attempt to load a module, by any task.
//!
//! Values only. An `Option` that is `None` was not seen; nothing here is guessed. Durations are on the clock that stops
//! in suspend unless stated otherwise.

use super::ids::{LoadId, RequestId};
use super::unload::Unload;
use crate::answer::{Errno, ReturnCode, WaitStatus};
use crate::event::{Comm, FileId, Origin, Policy, Stamp, Syscall, Task};
use std::sync::Arc;
use trace_common::time::Nanos;

/// A load: one attempt to load a module, by any task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// Its number.
    pub id: LoadId,
    /// The thread that loads.
    pub task: Task,
    /// The thread belongs to the traced command.
    pub of_command: bool,
    /// The request whose helper's tree it belongs to.
    pub request: Option<RequestId>,
    /// By which system call; `None` if its entry was not seen.
    pub syscall: Option<Syscall>,
    /// When it began, or when it was first seen.
    pub began: Stamp,
    /// The size of the decompressed image in bytes.
    pub bytes: Option<u64>,
    /// Where the task comes from; `None` if its entry was not seen, and in older recordings.
    pub origin: Option<Arc<Origin>>,
    /// The file, if the kernel was given one and it was seen.
    pub file: Option<Arc<LoadedFile>>,
    /// The module's name, as the kernel has it; `None` if the load failed before the kernel looked it up, and no line
    /// of the kernel's names it.
    pub module: Option<Arc<str>>,
    /// What the kernel printed in this thread during the load: a line each, cut lines end in `…`. Empty if the kernel
    /// printed nothing or if that is not seen.
    pub printed: Vec<Arc<str>>,
    /// What the machine allowed when the load failed; `None` if it did not fail, or in older recordings.
    pub policy: Option<Arc<Policy>>,
    /// The unload of the same module that was running when the load was refused, if one was.
    pub unloading: Option<Arc<Unload>>,
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
    /// How its process was about to end when the system call returned, as when a signal kills a process whose init
    /// cannot be interrupted; `None` if it was not, or if that was not seen.
    pub ending: Option<WaitStatus>,
    /// It failed, and its thread tried again at once with the image in memory, as modprobe and insmod do if the kernel
    /// does not take their file.
    pub retried: bool,
    /// Nothing more will change, but whether it is tried again: it ended, or its thread went on or exited and its end
    /// was not seen.
    pub closed: bool,
}

/// The file that a load reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedFile {
    /// Its name, without its folder. The module in it may have another.
    pub name: Arc<str>,
    /// Which file it is; `None` if that could not be read.
    pub id: Option<FileId>,
}

impl Load {
    /// A load that has just begun: nothing more is known of it.
    #[must_use]
    pub const fn begun(id: LoadId, task: Task, at: Stamp) -> Self {
        Self {
            id,
            task,
            of_command: false,
            request: None,
            syscall: None,
            began: at,
            bytes: None,
            origin: None,
            file: None,
            module: None,
            printed: Vec::new(),
            policy: None,
            unloading: None,
            coming: None,
            init_begun: None,
            live: None,
            init_ended: None,
            ended: None,
            ending: None,
            retried: false,
            closed: false,
        }
    }

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

    /// From its beginning until its module went live; `None` if either was not seen.
    #[must_use]
    pub fn to_live(&self) -> Option<Nanos> {
        self.live.filter(|_| self.syscall.is_some()).map(|live| live.mono.since(self.began.mono))
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

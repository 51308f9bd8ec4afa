//! A helper call: one `call_usermodehelper_exec`, with its helper.
//!
//! Values only. An `Option` that is `None` was not seen; nothing here is guessed. Durations are on the clock that stops
//! in suspend unless stated otherwise.

use super::ids::{CallId, RequestId};
use crate::answer::{CallResult, Errno, ReturnCode, WaitStatus};
use crate::event::{CallEntered, Program, Stamp, Task, Wait};
use std::sync::Arc;

/// A helper call: one `call_usermodehelper_exec`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its number.
    pub id: CallId,
    /// The thread that called.
    pub caller: Task,
    /// What it called with.
    pub entry: Arc<CallEntered>,
    /// The request it serves; `None` for every other kind of helper.
    pub request: Option<RequestId>,
    /// When the call was entered.
    pub entered: Stamp,
    /// When a kernel worker picked it up.
    pub picked: Option<Stamp>,
    /// The helper's first task, and when it was born.
    pub helper: Option<(Task, Stamp)>,
    /// When exec was done, and its result.
    pub executed: Option<(Stamp, ReturnCode)>,
    /// What it executed; `None` if that could not be read, and in older recordings.
    pub program: Option<Arc<Program>>,
    /// How deep its tree of processes is, as far as was seen: 0 is the helper alone.
    pub depth: u32,
    /// The helper is known to have run its program: its exec was seen to succeed, it has changed its name, or it has
    /// forked.
    pub ran: bool,
    /// When the helper's process ended, and how, if that could be read.
    pub exited: Option<(Stamp, Option<WaitStatus>)>,
    /// When the kernel was done with the call. If the caller waits for the helper's end, the helper was reaped.
    /// Otherwise its exec was done, which is only seen if `umh_complete` is a function of its own.
    pub completed: Option<Stamp>,
    /// When the call returned, and with what.
    pub returned: Option<(Stamp, CallResult)>,
    /// When the calling thread exited, if its return was not seen.
    pub caller_gone: Option<Stamp>,
    /// When the calling thread was seen alive elsewhere, if its return was not seen.
    pub caller_left: Option<Stamp>,
}

impl Call {
    /// When the kernel reaped the helper, for a caller that waits for its end.
    #[must_use]
    pub fn reaped(&self) -> Option<Stamp> {
        self.completed.filter(|_| self.entry.wait == Wait::Proc)
    }

    /// When the helper is known to have ended: by its exit or, for a caller that waits for its end, when it was reaped
    /// or when the caller got its status (kernel/umh.c `call_usermodehelper_exec_sync`, 5.10 to 7.3).
    #[must_use]
    pub fn gone(&self) -> Option<Stamp> {
        let answered = self.returned.filter(|(_, result)| result.error().is_none() && self.entry.wait == Wait::Proc);
        self.exited.map(|(at, _)| at).or(self.reaped()).or(answered.map(|(at, _)| at))
    }

    /// Whether its caller still waits in it, as far as was seen.
    #[must_use]
    pub const fn is_waited_in(&self) -> bool {
        self.returned.is_none() && self.caller_gone.is_none() && self.caller_left.is_none()
    }

    /// When its caller was seen to have left it, if no helper was seen.
    #[must_use]
    pub fn left(&self) -> Option<Stamp> {
        self.caller_left.filter(|_| self.helper.is_none())
    }
}

impl Call {
    /// The alias that a request's call passes to modprobe (kernel/module/kmod.c `call_modprobe`, 5.10 to 7.3); `None`
    /// for every other call.
    #[must_use]
    pub fn alias(&self) -> Option<&Arc<str>> {
        self.request?;
        self.entry.argv.get(3)?.text()
    }

    /// It could not be started, or its helper ended with an error or by a signal.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.error().is_some() || self.exited.and_then(|(_, status)| status).is_some_and(|status| !status.is_success())
    }

    /// Why it could not be started, or why its caller no longer waits for it.
    #[must_use]
    pub fn error(&self) -> Option<Errno> {
        let returned = self.returned.and_then(|(_, result)| result.error());
        returned.or(self.executed.and_then(|(_, result)| result.error()))
    }
}

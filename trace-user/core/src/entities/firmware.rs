//! A request for a firmware file: who asked for what, and whether user space was asked for the file.

use crate::answer::ReturnCode;
use crate::event::{FirmwareAsked, Stamp, Task};
use std::sync::Arc;
use trace_common::time::Nanos;

/// A firmware request's number, from 1 in the order in which they were seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FirmwareId(pub u64);

/// One request. What was not seen is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firmware {
    /// Its number.
    pub id: FirmwareId,
    /// The thread that asks.
    pub task: Task,
    /// Which file, and for which device.
    pub file: Arc<FirmwareAsked>,
    /// When it was asked for.
    pub asked: Stamp,
    /// When its fallback was entered because the file was missing.
    pub fallback: Option<Stamp>,
    /// When the fallback was over, and with what.
    pub fallback_ended: Option<(Stamp, ReturnCode)>,
    /// The lock that keeps helpers enabled.
    pub lock: Lock,
    /// When it returned, and with what.
    pub ended: Option<(Stamp, ReturnCode)>,
    /// Nothing more will change.
    pub closed: bool,
}

/// The read side of the helpers' lock, which the fallback holds: as long as it does, helpers cannot be disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Lock {
    /// When it was asked for.
    pub asked: Option<Stamp>,
    /// The thread waits while helpers are disabled; otherwise it is refused.
    pub waits: bool,
    /// When the answer came, and whether the lock is held.
    pub answered: Option<(Stamp, bool)>,
    /// When it was given back.
    pub released: Option<Stamp>,
}

/// The state of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockState {
    /// It was asked for; the answer has not come.
    Waiting,
    /// The thread holds it.
    Held,
    /// Helpers are disabled, so the thread did not get it.
    Refused,
    /// The thread gave it back.
    Released,
}

impl LockState {
    /// As spelled in JSON and shown to a person.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Refused => "refused",
            Self::Released => "released",
        }
    }
}

impl Firmware {
    /// What it returned.
    #[must_use]
    pub fn result(&self) -> Option<ReturnCode> {
        self.ended.map(|(_, result)| result)
    }

    /// Whether user space was asked for it, which needs the lock first (drivers/base/firmware_loader/fallback.c
    /// `fw_load_from_user_helper`, 5.10 to 7.3): the function is also called for drivers that do not want that.
    #[must_use]
    pub const fn is_asked_of_user_space(&self) -> bool {
        self.fallback.is_some() && self.lock.asked.is_some()
    }

    /// How long user space was waited for, as seen at `now`; `None` if it was not asked, or if the end was not seen.
    #[must_use]
    pub fn fallback_time(&self, now: Stamp) -> Option<Nanos> {
        let seen = self.fallback_ended.or(self.ended).map(|(at, _)| at);
        let until = seen.or((!self.closed).then_some(now))?;
        self.fallback.filter(|_| self.is_asked_of_user_space()).map(|began| until.mono.since(began.mono))
    }

    /// How long the lock was held, as seen at `now`; `None` if it was not held, or if its release was not seen.
    #[must_use]
    pub fn lock_time(&self, now: Stamp) -> Option<Nanos> {
        let is_unseen = self.closed && self.ended.is_none();
        self.lock.time(now).filter(|_| !is_unseen)
    }

    /// It ended by `at` at the latest, but the end was not seen. No request ends with the lock held.
    #[must_use]
    pub fn unseen(mut self, at: Stamp) -> Self {
        if self.lock.answered.is_some_and(|(_, held)| held) {
            self.lock.released.get_or_insert(at);
        }
        Self { closed: true, ..self }
    }
}

impl Lock {
    /// Its state; `None` if it was not asked for.
    #[must_use]
    pub fn state(&self) -> Option<LockState> {
        self.asked?;
        Some(match (self.answered, self.released) {
            (None, _) => LockState::Waiting,
            (Some((_, false)), _) => LockState::Refused,
            (Some((_, true)), None) => LockState::Held,
            (Some((_, true)), Some(_)) => LockState::Released,
        })
    }

    fn time(&self, now: Stamp) -> Option<Nanos> {
        let since = self.answered.filter(|(_, held)| *held).map(|(at, _)| at)?;
        Some(self.released.unwrap_or(now).mono.since(since.mono))
    }

    /// Whether it was held at `at`.
    #[must_use]
    pub fn held_at(&self, at: Stamp) -> bool {
        self.answered.is_some_and(|(since, held)| held && since.mono <= at.mono)
            && self.released.is_none_or(|released| released.mono >= at.mono)
    }
}

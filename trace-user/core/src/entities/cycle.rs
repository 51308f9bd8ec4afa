//! A suspend cycle: one attempt to suspend, hibernate or shut down, with what it did to helpers.

use super::asleep::asleep;
use super::call::Call;
use super::load::Load;
use crate::answer::{Errno, ReturnCode};
use crate::event::{PmTest, Stamp, Task, Way};
use std::sync::Arc;
use trace_common::time::Nanos;

/// A cycle's number, from 1 in the order in which cycles began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CycleId(pub u64);

/// Why helpers are disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CycleKind {
    /// The machine is about to sleep.
    Suspend,
    /// The machine is about to write its memory to disk, or user space does that for it.
    Hibernation,
    /// The machine is about to shut down or restart: helpers stay disabled.
    Shutdown,
    /// User space is frozen; who asked for it was not seen.
    Unknown,
}

/// What became of a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum CycleVerdict {
    /// It was a test, and the test passed.
    Tested,
    /// The machine slept, and resumed.
    Slept,
    /// It failed because a helper was still running when the drain timed out.
    HelperRan,
    /// It failed because a task did not freeze.
    NotFrozen,
    /// It failed, for another reason.
    Failed,
    /// The machine shuts down.
    ShutDown,
    /// It goes on.
    UnderWay,
    /// It ended, and its result was not seen.
    Unknown,
}

impl CycleVerdict {
    /// As spelled in JSON and shown to a person.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tested => "tested",
            Self::Slept => "slept",
            Self::HelperRan => "failed: helper",
            Self::NotFrozen => "failed: freezer",
            Self::Failed => "failed",
            Self::ShutDown => "shut down",
            Self::UnderWay => "under way",
            Self::Unknown => "over",
        }
    }
}

/// One attempt. What was not seen is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Its number.
    pub id: CycleId,
    /// The first cycle of the series of attempts that this one belongs to: itself, unless the attempt before it failed
    /// shortly before.
    pub group: CycleId,
    /// Its purpose.
    pub kind: CycleKind,
    /// What was asked for.
    pub way: Option<Way>,
    /// How far it was only a test.
    pub pm_test: Option<PmTest>,
    /// Who asked.
    pub task: Task,
    /// When.
    pub began: Stamp,
    /// `freeze_processes`: when it was entered, and when it returned with what.
    pub freeze: Stretch,
    /// `__usermodehelper_disable`: when it was entered, and when it returned with what.
    pub disable: Stretch,
    /// When user space began to be thawed.
    pub thawed: Option<Stamp>,
    /// When helpers were enabled again.
    pub enabled: Option<Stamp>,
    /// The phases, in the order in which they began.
    pub phases: Vec<PhaseSpan>,
    /// When it was over; `None` until then, or if that was not seen.
    pub ended: Option<Stamp>,
    /// It does not go on.
    pub closed: bool,
    /// What the attempt returned.
    pub result: Option<ReturnCode>,
    /// Helper calls that it failed for: they had not returned when the drain timed out.
    pub culprits: Vec<Arc<Call>>,
    /// Helper calls that it waited for, and that returned in time.
    pub drained: Vec<Arc<Call>>,
    /// Helper calls that were refused because helpers were disabled.
    pub refused: Vec<Arc<Call>>,
    /// Helper calls whose helper, or what it left behind, was frozen half way.
    pub frozen: Vec<Arc<Call>>,
    /// Loads that went on from before the freezer began until it failed: a task rarely freezes while it loads a module.
    pub unfrozen: Vec<Arc<Load>>,
    /// Events that may belong here were lost during the cycle.
    pub incomplete: bool,
}

/// The call of a function, from its entry to its return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Stretch {
    /// When it was entered.
    pub began: Option<Stamp>,
    /// When it returned, and with what.
    pub ended: Option<(Stamp, ReturnCode)>,
}

/// A phase of suspend or resume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseSpan {
    /// Which, in the kernel's words.
    pub action: Arc<str>,
    /// A state, a CPU, an event.
    pub value: i32,
    /// When it began.
    pub began: Stamp,
    /// When it ended.
    pub ended: Option<Stamp>,
}

impl CycleKind {
    /// As spelled in JSON and shown to a person.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Hibernation => "hibernation",
            Self::Shutdown => "shutdown",
            Self::Unknown => "unknown",
        }
    }
}

impl Stretch {
    /// How long it took.
    #[must_use]
    pub fn time(&self) -> Option<Nanos> {
        self.began.zip(self.ended).map(|(began, (ended, _))| ended.mono.since(began.mono))
    }

    /// What it returned.
    #[must_use]
    pub fn result(&self) -> Option<ReturnCode> {
        self.ended.map(|(_, result)| result)
    }
}

impl Cycle {
    /// Whether it was only a test, as far as is known.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.pm_test.is_some_and(|test| test != PmTest::NONE)
    }

    /// It failed.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.result.is_some_and(ReturnCode::failed)
    }

    /// What became of it.
    #[must_use]
    pub fn verdict(&self) -> CycleVerdict {
        match self.result.map(ReturnCode::error) {
            Some(None) if self.is_test() => CycleVerdict::Tested,
            Some(None) => CycleVerdict::Slept,
            Some(Some(Errno::EAGAIN)) if !self.culprits.is_empty() => CycleVerdict::HelperRan,
            Some(Some(_)) if self.freeze.result().is_some_and(ReturnCode::failed) => CycleVerdict::NotFrozen,
            Some(Some(_)) => CycleVerdict::Failed,
            None if self.kind == CycleKind::Shutdown => CycleVerdict::ShutDown,
            None if !self.closed => CycleVerdict::UnderWay,
            None => CycleVerdict::Unknown,
        }
    }

    /// How long the machine slept, as seen at `now`.
    #[must_use]
    pub fn asleep(&self, now: Stamp) -> Nanos {
        asleep(self.began, self.ended.unwrap_or(now))
    }

    /// Every helper call that it met, and how.
    pub fn met(&self) -> impl Iterator<Item = (Met, &Arc<Call>)> {
        let lists = [
            (Met::Culprit, &self.culprits),
            (Met::Drained, &self.drained),
            (Met::Refused, &self.refused),
            (Met::Frozen, &self.frozen),
        ];
        lists.into_iter().flat_map(|(met, calls)| calls.iter().map(move |call| (met, call)))
    }
}

/// How a cycle met a helper call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Met {
    /// It failed for it.
    Culprit,
    /// It waited for it.
    Drained,
    /// It was refused during the cycle.
    Refused,
    /// It was frozen half way.
    Frozen,
}

impl Met {
    /// As shown to a person.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Culprit => "culprit",
            Self::Drained => "drained",
            Self::Refused => "refused",
            Self::Frozen => "frozen",
        }
    }
}

//! What the correlator joins events into: requests, helper calls, loads, firmware requests and suspend cycles, and the
//! changes it tells of them.
//!
//! Values only. An `Option` that is `None` was not seen; nothing here is guessed. Durations are on the clock that
//! stops in suspend unless said otherwise.

pub mod cycle;
mod firmware;

use crate::errno::EEXIST;
use crate::event::{Captured, Comm, Fact, Lost, Resolution, Stamp, Syscall, Task, Wait};
pub use cycle::{Cycle, CycleId, CycleKind, Met, PhaseSpan, Stretch};
pub use firmware::{Firmware, FirmwareId, Lock};
use std::sync::Arc;
use trace_common::ids::CallAddress;
use trace_common::time::Nanos;

/// A request's number, from 1 in the order in which requests were seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A helper call's number, from 1 in the order in which calls were seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// A load's number, from 1 in the order in which loads were seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoadId(pub u64);

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The helper's own load of the wanted module went live.
    Live,
    /// The wanted module was live before, or is built in.
    AlreadyLive,
    /// Someone else's load made the wanted module live while the request was open.
    SatisfiedByAnother,
    /// The helper reported success and nothing that was wanted is live.
    Hollow,
    /// A load of the helper's failed.
    InitFailed,
    /// The alias stands for no module, and the helper tried none.
    NotFound,
    /// The helper ended with another status, or by a signal.
    HelperFailed,
    /// The helper could not be started.
    HelperMissing,
    /// Helpers were disabled.
    Refused,
    /// No slot became free in time.
    Throttled,
    /// A security module said no.
    Denied,
    /// The requester was killed while it waited; the helper went on.
    Abandoned,
    /// The requester did not wait for the helper's end.
    Unwaited,
    /// Still open.
    InFlight,
    /// Something that could have changed the verdict was not seen.
    Incomplete,
}

/// A request: one call of `__request_module`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its number.
    pub id: RequestId,
    /// The string asked for.
    pub alias: Captured,
    /// Who asked.
    pub requester: Arc<Requester>,
    /// When the security hook was asked.
    pub asked: Stamp,
    /// It was turned away before it had a helper call, as was seen: by whom.
    pub turned_away: Option<TurnedAway>,
    /// When its requester's thread exited, where that came before a helper call and before a return was seen.
    pub requester_gone: Option<Stamp>,
    /// When it got its slot.
    pub admitted: Option<Stamp>,
    /// Its helper call.
    pub call: Option<Arc<Call>>,
    /// The loads that its helper's tree made, in order of their beginning.
    pub loads: Vec<Arc<Load>>,
    /// When it returned to the requester.
    pub returned: Option<Stamp>,
    /// What it returned: zero, a wait status word, or a negative errno.
    pub result: Option<i32>,
    /// What the alias stands for; `None` where no index was consulted.
    pub resolution: Option<Arc<Resolution>>,
    /// The request whose helper's load asked for this one.
    pub parent: Option<RequestId>,
    /// When the wanted module went live, in this request's own tree or by another's load while it was open.
    pub live: Option<Stamp>,
    /// Whose load made the wanted module live, where it was another's.
    pub satisfied_by: Option<SatisfiedBy>,
    /// What became of it.
    pub verdict: Verdict,
    /// What was not seen of it.
    pub gaps: Vec<Gap>,
    /// Others that asked for the same meanwhile.
    pub duplicates: Duplicates,
    /// Nothing more will change.
    pub ended: bool,
}

/// By whom a request was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnedAway {
    /// A security module said no.
    Denied,
    /// No slot became free in time.
    Throttled,
}

/// When nobody waits for a slot any more: a second after the kernel's limit (`MAX_KMOD_ALL_BUSY_TIMEOUT`, kernel/module/kmod.c,
/// 5.10 to 7.3).
pub const SLOT_LIMIT: Nanos = Nanos::from_secs(6);

/// How a request stands to the kernel's slots (kernel/module/kmod.c `MAX_KMOD_CONCURRENT`, 5.10 to 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// It waits for one.
    Waiting,
    /// It holds one.
    Held,
}

impl Slot {
    /// As a filter names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Held => "held",
        }
    }
}

/// The task that asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    /// The thread.
    pub task: Task,
    /// Its user in the initial namespace.
    pub uid: u32,
    /// The user who logged in ([`crate::event::NO_LOGIN`]: nobody did); `None` where not read.
    pub loginuid: Option<u32>,
    /// The path of its executable; `None` where not read, and for a kernel thread.
    pub exe: Option<Arc<str>>,
    /// Its cgroup's path.
    pub cgroup: Option<Arc<str>>,
    /// Its kernel stack from `__request_module` outwards; empty where not taken.
    pub stack: Arc<[Arc<str>]>,
}

/// Another's load that satisfied a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SatisfiedBy {
    /// The module.
    pub module: Arc<str>,
    /// The thread that loaded it.
    pub task: Task,
    /// The request that load belongs to, if any.
    pub request: Option<RequestId>,
}

/// Something about a request that was not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// The requester's return; the helper's own end stands for the result.
    ReturnUnseen,
    /// Events were lost while it was open.
    EventsLost,
    /// Nothing was seen of what followed its being asked.
    NothingFollowed,
    /// What the alias stands for: it could not be read, or the module indexes could not.
    AliasUnknown,
    /// Tracing ended before it did.
    TracingEnded,
}

/// How many other requests asked for the same while a request was open; the three counts never overlap in meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Duplicates {
    /// Requests for the same alias.
    pub same_alias: u32,
    /// Requests for another alias of the same module.
    pub same_module: u32,
    /// Loads of this request's own that lost to another copy of the same module.
    pub same_file: u32,
}

/// A helper call: one `call_usermodehelper_exec`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its number.
    pub id: CallId,
    /// The address of its `subprocess_info`, reused after it.
    pub address: CallAddress,
    /// The thread that called.
    pub caller: Task,
    /// The request it serves; `None` for every other kind of helper.
    pub request: Option<RequestId>,
    /// How the caller waits.
    pub wait: Wait,
    /// The file to execute.
    pub path: Captured,
    /// Its arguments.
    pub argv: Arc<[Captured]>,
    /// There were more arguments than were kept.
    pub argv_more: bool,
    /// The caller's kernel stack, from `call_usermodehelper_exec` outwards; empty where not taken.
    pub stack: Arc<[Arc<str>]>,
    /// When the call was entered.
    pub entered: Stamp,
    /// When a kernel worker took it up.
    pub picked: Option<Stamp>,
    /// The helper's first task, and when it was born.
    pub helper: Option<(Task, Stamp)>,
    /// When exec was done, and its result.
    pub executed: Option<(Stamp, i32)>,
    /// The helper is known to have run its program: its exec was seen to succeed, or it has taken another name, or forked.
    pub ran: bool,
    /// When the helper's process ended, and its wait status word where it could be read.
    pub exited: Option<(Stamp, Option<i32>)>,
    /// When the kernel was done with the call: the helper was reaped, where the caller waits for its end; else its exec was
    /// done, which is seen only where `umh_complete` is a function of its own.
    pub completed: Option<Stamp>,
    /// When the call returned, and with what.
    pub returned: Option<(Stamp, i32)>,
    /// When the calling thread exited without having been seen to return.
    pub caller_gone: Option<Stamp>,
    /// When the calling thread was seen to be elsewhere, alive, without having been seen to return.
    pub caller_left: Option<Stamp>,
}

impl Call {
    /// When the kernel reaped the helper, for a caller that waits for its end.
    #[must_use]
    pub fn reaped(&self) -> Option<Stamp> {
        self.completed.filter(|_| self.wait == Wait::Proc)
    }

    /// When the helper is known to have ended: by its exit, or, for a caller that waits for its end, by its being reaped, or by
    /// the status that the caller was told (kernel/umh.c `call_usermodehelper_exec_sync`, 5.10 to 7.3).
    #[must_use]
    pub fn gone(&self) -> Option<Stamp> {
        let told = self.returned.filter(|(_, result)| *result >= 0 && self.wait == Wait::Proc).map(|(at, _)| at);
        self.exited.map(|(at, _)| at).or(self.reaped()).or(told)
    }

    /// Whether its caller still waits in it, as far as was seen.
    #[must_use]
    pub const fn is_waited_in(&self) -> bool {
        self.returned.is_none() && self.caller_gone.is_none() && self.caller_left.is_none()
    }

    /// When its caller was seen to have left it, no helper having been seen.
    #[must_use]
    pub fn left(&self) -> Option<Stamp> {
        self.caller_left.filter(|_| self.helper.is_none())
    }
}

/// A load: one attempt to load a module, by any task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// Its number.
    pub id: LoadId,
    /// The thread that loads.
    pub task: Task,
    /// The request whose helper's tree it belongs to.
    pub request: Option<RequestId>,
    /// By which system call; `None` where its entry was not seen.
    pub syscall: Option<Syscall>,
    /// When it began, or when it was first seen.
    pub began: Stamp,
    /// The size of the decompressed image in bytes.
    pub bytes: Option<u64>,
    /// The module's name; `None` where it failed before the module had one.
    pub module: Option<Arc<str>>,
    /// When the module was coming.
    pub coming: Option<Stamp>,
    /// When its init was called.
    pub init_begun: Option<Stamp>,
    /// When it went live.
    pub live: Option<Stamp>,
    /// When `do_init_module` returned, and with what.
    pub init_ended: Option<(Stamp, i32)>,
    /// When the system call returned, and with what.
    pub ended: Option<(Stamp, i32)>,
    /// Nothing more will change: it ended, or its thread went on or away and its end was not seen.
    pub over: bool,
}

/// What the correlator tells the model. Each carries the whole value as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A request was opened or changed; `ended` in it says whether for the last time.
    Request(Arc<Request>),
    /// A helper call that serves no request was opened or changed.
    Call(Arc<Call>),
    /// A load was opened or changed.
    Load(Arc<Load>),
    /// A firmware request was opened or changed.
    Firmware(Arc<Firmware>),
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
        /// When it was found.
        at: Stamp,
    },
    /// Something could not be tied to anything that was seen before: a return without a call, a birth without a
    /// call. What was under way when tracing began looks like this.
    Unmatched,
    /// A map of open things was full; the oldest was given up.
    Capped,
    /// Time has come this far.
    Now(Stamp),
}

impl Verdict {
    /// Every verdict, in the order in which reports list them.
    pub const ALL: [Self; 15] = [
        Self::Live,
        Self::AlreadyLive,
        Self::SatisfiedByAnother,
        Self::Hollow,
        Self::InitFailed,
        Self::NotFound,
        Self::HelperFailed,
        Self::HelperMissing,
        Self::Refused,
        Self::Throttled,
        Self::Denied,
        Self::Abandoned,
        Self::Unwaited,
        Self::InFlight,
        Self::Incomplete,
    ];

    /// As spelt in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::AlreadyLive => "already_live",
            Self::SatisfiedByAnother => "satisfied_by_another",
            Self::Hollow => "hollow",
            Self::InitFailed => "init_failed",
            Self::NotFound => "not_found",
            Self::HelperFailed => "helper_failed",
            Self::HelperMissing => "helper_missing",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
            Self::Denied => "denied",
            Self::Abandoned => "abandoned",
            Self::Unwaited => "unwaited",
            Self::InFlight => "in_flight",
            Self::Incomplete => "incomplete",
        }
    }

    /// As shown to a person.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::AlreadyLive => "already live",
            Self::SatisfiedByAnother => "satisfied by another",
            Self::Hollow => "hollow",
            Self::InitFailed => "init failed",
            Self::NotFound => "not found",
            Self::HelperFailed => "helper failed",
            Self::HelperMissing => "helper missing",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
            Self::Denied => "denied",
            Self::Abandoned => "abandoned",
            Self::Unwaited => "unwaited",
            Self::InFlight => "in flight",
            Self::Incomplete => "incomplete",
        }
    }
}

impl Gap {
    /// As a phrase for a person.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReturnUnseen => "the requester's return was not seen",
            Self::EventsLost => "events were lost while it was open",
            Self::NothingFollowed => "what followed was not seen",
            Self::AliasUnknown => "what the alias stands for is not known",
            Self::TracingEnded => "tracing ended first",
        }
    }
}

impl Request {
    /// From the security hook to the requester's return; `None` while it is open and where the return was not seen.
    #[must_use]
    pub fn total(&self) -> Option<Nanos> {
        self.returned.map(|returned| returned.mono.since(self.asked.mono))
    }

    /// From the security hook to the wanted module's going live.
    #[must_use]
    pub fn to_live(&self) -> Option<Nanos> {
        self.live.map(|live| live.mono.since(self.asked.mono))
    }

    /// How long the machine slept from its being asked to the last that was seen of it: its return, or, where it went on
    /// without its requester, its module's going live and its helper's end. `None` where its return was not seen.
    #[must_use]
    pub fn asleep(&self) -> Option<Nanos> {
        let exited = self.call.as_ref().and_then(|call| call.exited).map(|(at, _)| at);
        let last = [self.live, exited].into_iter().flatten().fold(self.returned?, Stamp::max);
        Some(cycle::asleep(self.asked, last))
    }

    /// How long it is, or was, open as seen at `now`.
    #[must_use]
    pub fn age(&self, now: Stamp) -> Nanos {
        self.total().unwrap_or_else(|| now.mono.since(self.asked.mono))
    }

    /// The requester waits, or its helper goes on after it.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !self.ended
    }

    /// How it stands to the slots at `now`; `None` where it has given its slot back, as a requester that is killed does at once,
    /// or never got one.
    #[must_use]
    pub fn slot(&self, now: Stamp) -> Option<Slot> {
        if self.returned.is_some() || self.requester_gone.is_some() || self.ended {
            return None;
        }
        match self.call.as_deref() {
            Some(call) => call.is_waited_in().then_some(Slot::Held),
            None if self.admitted.is_some() => Some(Slot::Held),
            None => (now.mono.since(self.asked.mono) < SLOT_LIMIT).then_some(Slot::Waiting),
        }
    }

    /// The module that the alias stands for: the first where there are several.
    #[must_use]
    pub fn module(&self) -> Option<&Arc<str>> {
        self.resolution.as_ref().and_then(|resolution| resolution.modules.first()).map(|wanted| &wanted.name)
    }

    /// Whether `module` is one that the alias stands for. Where the alias stands for nothing known, every module is.
    #[must_use]
    pub fn wants(&self, module: &str) -> bool {
        match &self.resolution {
            Some(resolution) if !resolution.modules.is_empty() => {
                resolution.modules.iter().any(|wanted| wanted.is(module))
            }
            Some(_) | None => true,
        }
    }

    /// Whether `load` served another module on the way to the wanted one.
    #[must_use]
    pub fn is_dependency(&self, load: &Load) -> bool {
        load.module.as_ref().is_some_and(|module| !self.wants(module))
    }

    /// The helper's wait status word: what the requester was told, else how the process ended. A helper whose exec
    /// fails exits with 0 too (kernel/umh.c `call_usermodehelper_exec_async`, 5.10 to 7.3), so that 0 counts only where
    /// the helper is known to have run.
    #[must_use]
    pub fn status(&self) -> Option<i32> {
        let told = self.result.filter(|result| *result >= 0 && self.wait() == Some(Wait::Proc));
        let call = self.call.as_ref()?;
        let ran = call.ran || !self.loads.is_empty();
        let ended = call.exited.and_then(|(_, status)| status).filter(|status| *status != 0 || ran);
        told.or(ended)
    }

    /// How the requester waits.
    #[must_use]
    pub fn wait(&self) -> Option<Wait> {
        self.call.as_ref().map(|call| call.wait)
    }

    /// The last of its loads that failed.
    #[must_use]
    pub fn failed_load(&self) -> Option<&Arc<Load>> {
        self.loads.iter().rev().find(|load| load.failed())
    }
}

impl Call {
    /// The alias that a request's call passes on to modprobe (kernel/module/kmod.c `call_modprobe`, 5.10 to 7.3); `None` for
    /// every other call.
    #[must_use]
    pub fn alias(&self) -> Option<&Arc<str>> {
        self.request?;
        self.argv.get(3)?.text()
    }

    /// It could not be started, or its helper ended with an error or by a signal.
    #[must_use]
    pub fn failed(&self) -> bool {
        let refused = [self.returned, self.executed].into_iter().flatten().any(|(_, result)| result < 0);
        refused || self.exited.and_then(|(_, status)| status).is_some_and(|status| status != 0)
    }

    /// From the call to its helper's end, or to its failure; `None` while that has not come, or was not seen.
    #[must_use]
    pub fn time(&self) -> Option<Nanos> {
        self.end().map(|at| at.mono.since(self.entered.mono))
    }

    /// Whether nothing of it goes on: its helper ended, or it never had one and was answered or left.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.end().is_some() || self.left().is_some()
    }

    /// When it was over, where it is and that was seen.
    #[must_use]
    pub fn end(&self) -> Option<Stamp> {
        let failed = self.returned.filter(|(_, result)| *result < 0).map(|(at, _)| at);
        self.gone().or(failed)
    }
}

impl Load {
    /// It ended with an error, or its init did. Losing to another copy of the module counts.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.error().is_some()
    }

    /// The error it ended with.
    #[must_use]
    pub fn error(&self) -> Option<i32> {
        let ended = self.ended.map(|(_, result)| result).filter(|result| *result < 0);
        ended.or_else(|| self.init_ended.map(|(_, result)| result).filter(|result| *result < 0))
    }

    /// It ended without making a module live and without trying its init: another copy was there first.
    #[must_use]
    pub fn lost_to_another(&self) -> bool {
        self.init_begun.is_none()
            && self.live.is_none()
            && self.ended.is_some_and(|(_, result)| matches!(result, 0 | EEXIST))
    }

    /// The process that loads, by name.
    #[must_use]
    pub const fn comm(&self) -> Comm {
        self.task.comm
    }
}

/// How far apart the readings of the two clocks in one probe can lie: a probe is not preempted for longer unless the
/// whole machine is, and no machine sleeps for so short a time.
pub const CLOCK_SKEW: Nanos = Nanos::from_millis(1);

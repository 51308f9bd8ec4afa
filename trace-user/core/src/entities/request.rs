//! A request: one call of `__request_module`, by one requester.
//!
//! Values only. An `Option` that is `None` was not seen; nothing here is guessed. Durations are on the clock that stops
//! in suspend unless stated otherwise.

use super::asleep::asleep;
use super::call::Call;
use super::ids::RequestId;
use super::load::Load;
use super::slot::{SLOT_LIMIT, Slot};
use super::verdict::Verdict;
use crate::answer::{CallResult, ReturnCode, WaitStatus};
use crate::event::{Requested, Resolution, Server, Stamp, Task, Wait};
use std::sync::Arc;
use trace_common::time::Nanos;

/// A request: one call of `__request_module`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its number.
    pub id: RequestId,
    /// The thread that asked.
    pub task: Task,
    /// The traced command caused it: a task of the command's asked, or a helper that was called for one.
    pub of_command: bool,
    /// What it asked for, and who it is.
    pub requested: Arc<Requested>,
    /// When the security hook was asked.
    pub asked: Stamp,
    /// Who turned it away before it had a helper call, if that was seen.
    pub turned_away: Option<TurnedAway>,
    /// When its requester's thread exited, if that came before a helper call and before a return was seen.
    pub requester_gone: Option<Stamp>,
    /// When it got its slot.
    pub admitted: Option<Stamp>,
    /// The earlier request with whose result the kernel answered it, if it did and that one was seen.
    pub deduplicated_by: Option<RequestId>,
    /// Its helper call.
    pub call: Option<Arc<Call>>,
    /// The loads by its helper's tree, in order of their beginning.
    pub loads: Vec<Arc<Load>>,
    /// When it returned to the requester.
    pub returned: Option<Stamp>,
    /// What it returned.
    pub result: Option<CallResult>,
    /// What the alias resolves to; `None` if no index was consulted.
    pub resolution: Option<Arc<Resolution>>,
    /// The request whose helper's load asked for this one.
    pub parent: Option<RequestId>,
    /// When the wanted module went live, in this request's own tree or by another's load while it was open.
    pub live: Option<Stamp>,
    /// When the wanted module was unloaded again, if that was before the request returned.
    pub gone: Option<Stamp>,
    /// Whose load made the wanted module live, if it was another's.
    pub satisfied_by: Option<SatisfiedBy>,
    /// What its requester got; `None` if that was not seen, or if the request was not the last that a call which failed
    /// made.
    pub served: Option<Served>,
    /// What became of it.
    pub verdict: Verdict,
    /// What was not seen of it.
    pub gaps: Vec<Gap>,
    /// Other requests for the same thing while it was open.
    pub duplicates: Duplicates,
    /// Nothing more will change.
    pub closed: bool,
}

/// Who turned a request away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnedAway {
    /// A security module denied it.
    Denied,
    /// No slot became free in time.
    Throttled,
    /// The kernel answered it with the result of an earlier request for the same name (kernel/module/dups.c, 6.4 to
    /// 7.3).
    Deduplicated,
    /// The kernel refused it before it asked a security module: no helper is set, or the name is too long
    /// (kernel/module/kmod.c `__request_module`, 5.10 to 7.3).
    RefusedEarly,
}

/// What a requester got: what the kernel function that requested the module returned to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// The function.
    pub by: Server,
    /// Zero: the requester got what it asked for; else a negative errno.
    pub result: ReturnCode,
}

/// Another's load that satisfied a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SatisfiedBy {
    /// The module.
    pub module: Arc<str>,
    /// The thread that loaded it.
    pub task: Task,
    /// The request that the load belongs to, if any.
    pub request: Option<RequestId>,
}

/// Something about a request that was not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Gap {
    /// The requester's return; the helper's own end is used as the result.
    ReturnUnseen,
    /// Events were lost while it was open.
    EventsLost,
    /// Nothing was seen of what followed the request.
    NothingFollowed,
    /// What became of the request with whose result the kernel answered it.
    FirstUnseen,
    /// What the alias resolves to: it could not be read, or the module indexes could not.
    AliasUnknown,
    /// Tracing ended before it did.
    TracingEnded,
}

/// How many other requests asked for the same thing while a request was open. The three counts never overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Duplicates {
    /// Requests for the same alias.
    pub same_alias: u32,
    /// Requests for another alias of the same module.
    pub same_module: u32,
    /// This request's own loads that lost to another copy of the same module.
    pub same_file: u32,
}

impl Gap {
    /// As a phrase for a person.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReturnUnseen => "the requester's return was not seen",
            Self::EventsLost => "events were lost while it was open",
            Self::NothingFollowed => "what followed was not seen",
            Self::FirstUnseen => "what became of the earlier request, whose result the kernel gave it, was not seen",
            Self::AliasUnknown => "what the alias stands for is not known",
            Self::TracingEnded => "tracing ended first",
        }
    }
}

impl Request {
    /// From the security hook until the wanted module went live.
    #[must_use]
    pub fn to_live(&self) -> Option<Nanos> {
        self.live.map(|live| live.mono.since(self.asked.mono))
    }

    /// How long the machine slept from the request until the last that was seen of it: its return or, if it went on
    /// without its requester, until its module went live and its helper ended. `None` if its return was not seen.
    #[must_use]
    pub fn asleep(&self) -> Option<Nanos> {
        let exited = self.call.as_ref().and_then(|call| call.exited).map(|(at, _)| at);
        let last = [self.live, exited].into_iter().flatten().fold(self.returned?, Stamp::max);
        Some(asleep(self.asked, last))
    }

    /// The requester waits, or its helper goes on after it.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !self.closed
    }

    /// Whether it holds a slot or waits for one at `now`; `None` if it never got one, or has given its slot back, as a
    /// requester that is killed does at once.
    #[must_use]
    pub fn slot(&self, now: Stamp) -> Option<Slot> {
        if self.returned.is_some() || self.requester_gone.is_some() || self.closed {
            return None;
        }
        match self.call.as_deref() {
            Some(call) => call.is_waited_in().then_some(Slot::Held),
            None if self.admitted.is_some() => Some(Slot::Held),
            None => (now.mono.since(self.asked.mono) < SLOT_LIMIT).then_some(Slot::Waiting),
        }
    }

    /// The module that the alias resolves to: the first if there are several.
    #[must_use]
    pub fn module(&self) -> Option<&Arc<str>> {
        self.resolution.as_ref().and_then(|resolution| resolution.modules.first()).map(|wanted| &wanted.name)
    }

    /// Whether `module` is one that the alias resolves to. If the alias resolves to nothing known, every module is.
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

    /// How the helper ended: the status that the requester got, or else how the process ended. A helper whose exec
    /// fails exits with 0 too (kernel/umh.c `call_usermodehelper_exec_async`, 5.10 to 7.3), so 0 only counts if the
    /// helper is known to have run.
    #[must_use]
    pub fn status(&self) -> Option<WaitStatus> {
        let returned = self.result.and_then(CallResult::status).filter(|_| self.wait() == Some(Wait::Proc));
        let call = self.call.as_ref()?;
        let ran = call.ran || !self.loads.is_empty();
        let ended = call.exited.and_then(|(_, status)| status).filter(|status| !status.is_success() || ran);
        returned.or(ended)
    }

    /// What it waits for while it has no helper call, as a phrase.
    #[must_use]
    pub const fn awaited(&self) -> &'static str {
        if self.admitted.is_some() {
            "its helper call, or the result of an earlier request for the same name"
        } else {
            "a slot"
        }
    }

    /// How the requester waits.
    #[must_use]
    pub fn wait(&self) -> Option<Wait> {
        self.call.as_ref().map(|call| call.entry.wait)
    }

    /// The last of its loads that failed.
    #[must_use]
    pub fn failed_load(&self) -> Option<&Arc<Load>> {
        self.loads.iter().rev().find(|load| load.failed())
    }
}

//! The load-timeout rule. An alert fires while a request, a firmware request, or a load or helper call that serves no
//! request is open longer than its limit. It is resolved when that ends.
//!
//! In: the model, each time it has advanced. Out: notices, each once. Time is the model's.

use crate::entities::{Call, CallId, Firmware, FirmwareId, Load, LoadId, Request, RequestId, Timed, Verdict};
use crate::event::{Stamp, Wait};
use crate::explain::firmware::explain_firmware;
use crate::explain::load::explain_load;
use crate::explain::{explain, helper};
use crate::model::Model;
use crate::query::Query;
use crate::stall::{self, Place, Timeout};
use std::collections::BTreeMap;
use std::sync::Arc;
use trace_common::time::Nanos;

/// The limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For everything that has no limit of its own.
    pub default: Nanos,
    /// By alias or module.
    pub named: BTreeMap<String, Nanos>,
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A request.
    Request(RequestId),
    /// A load that serves no request: started by udev, or by a person.
    Load(LoadId),
    /// A helper call that serves no request.
    Call(CallId),
    /// A firmware request.
    Firmware(FirmwareId),
}

/// The state of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Open past its limit.
    Firing,
    /// It has ended.
    Resolved,
}

/// What a sink gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The state of the alert.
    pub standing: Standing,
    /// What it is about.
    pub subject: Subject,
    /// The alias of a request, the path of a helper call, the file of a firmware request.
    pub alias: Option<Arc<str>>,
    /// The module that is wanted or loaded, if known.
    pub module: Option<Arc<str>>,
    /// Who waits: name and process.
    pub task: (String, u32),
    /// How long it has been open, or was open.
    pub age: Nanos,
    /// Its limit.
    pub limit: Nanos,
    /// Where it is stuck, in words; empty if it has ended.
    pub stuck_in: String,
    /// Which timeout acts on the wait; `None` if none does, or if it has ended.
    pub timeout: Option<Timeout>,
    /// The kernel stack of the stuck thread, innermost first; empty if it was not read, or if the alert has ended.
    pub stack: Vec<Arc<str>>,
    /// The request's verdict; `None` while it is open, and for what has none.
    pub verdict: Option<Verdict>,
    /// What became of it, as a sentence; `None` while it is open.
    pub outcome: Option<String>,
    /// When this was found.
    pub at: Stamp,
}

/// The alerts that are firing.
#[derive(Debug)]
pub struct Alerts {
    limits: Limits,
    /// What alerts may be about.
    query: Query,
    firing: BTreeMap<Subject, Nanos>,
}

impl Alerts {
    /// With these limits; nothing fires yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::about(limits, Query::default())
    }

    /// The same, about what matches the query alone.
    #[must_use]
    pub const fn about(limits: Limits, query: Query) -> Self {
        Self { limits, query, firing: BTreeMap::new() }
    }

    /// How many are firing.
    #[must_use]
    pub fn firing(&self) -> usize {
        self.firing.len()
    }

    /// Looks at the model as it is now.
    pub fn step(&mut self, model: &Model) -> Vec<Notice> {
        let mut notices = self.resolved(model);
        let now = model.now();
        for request in model.open_requests() {
            let limit = self.limit(request.requested.alias.text(), request.module());
            let subject = Subject::Request(request.id);
            if request.age_so_far(now) >= limit && self.query.matches(&**request, model) && self.fires(subject, limit) {
                notices.push(request_notice(Standing::Firing, request, limit, model));
            }
        }
        for load in model.open_loads().filter(|load| load.request.is_none()) {
            let limit = self.limit(None, load.module.as_ref());
            let is_late = load.age_so_far(now) >= limit && self.query.matches(&**load, model);
            if is_late && self.fires(Subject::Load(load.id), limit) {
                notices.push(load_notice(Standing::Firing, load, limit, model));
            }
        }
        for call in model.open_calls() {
            let limit = self.limit(call.entry.path.text(), None);
            let is_late = call.age_so_far(now) >= limit && self.query.matches(&**call, model);
            if is_late && self.fires(Subject::Call(call.id), limit) {
                notices.push(call_notice(Standing::Firing, call, limit, model));
            }
        }
        for firmware in model.open_firmware() {
            let limit = self.limit(firmware.file.name.text(), None);
            let is_late = firmware.age_so_far(now) >= limit && self.query.matches(&**firmware, model);
            if is_late && self.fires(Subject::Firmware(firmware.id), limit) {
                notices.push(firmware_notice(Standing::Firing, firmware, limit, model));
            }
        }
        notices
    }

    /// Notes that `subject` fires; `false` if it did already.
    fn fires(&mut self, subject: Subject, limit: Nanos) -> bool {
        self.firing.insert(subject, limit).is_none()
    }

    fn resolved(&mut self, model: &Model) -> Vec<Notice> {
        let mut notices = Vec::new();
        self.firing.retain(|subject, limit| {
            let notice = match subject {
                Subject::Request(id) => model
                    .request(*id)
                    .filter(|request| !request.is_open())
                    .map(|request| request_notice(Standing::Resolved, request, *limit, model)),
                Subject::Load(id) => model
                    .load(*id)
                    .filter(|load| load.closed)
                    .map(|load| load_notice(Standing::Resolved, load, *limit, model)),
                Subject::Call(id) => model
                    .call(*id)
                    .filter(|call| call.is_closed())
                    .map(|call| call_notice(Standing::Resolved, call, *limit, model)),
                Subject::Firmware(id) => model
                    .firmware_request(*id)
                    .filter(|firmware| firmware.closed)
                    .map(|firmware| firmware_notice(Standing::Resolved, firmware, *limit, model)),
            };
            let keep = notice.is_none();
            notices.extend(notice);
            keep
        });
        notices
    }

    fn limit(&self, alias: Option<&Arc<str>>, module: Option<&Arc<str>>) -> Nanos {
        let named = |name: &Arc<str>| self.limits.named.get(&**name).copied();
        alias.and_then(named).or_else(|| module.and_then(named)).unwrap_or(self.limits.default)
    }
}

fn request_notice(standing: Standing, request: &Request, limit: Nanos, model: &Model) -> Notice {
    let task = &request.task;
    let notice = Notice {
        standing,
        subject: Subject::Request(request.id),
        alias: request.requested.alias.text().cloned(),
        module: request.module().cloned(),
        task: (task.comm.to_text(), task.key.tgid.0),
        age: open_for(request, model.now()),
        limit,
        stuck_in: String::new(),
        timeout: None,
        stack: Vec::new(),
        verdict: (standing == Standing::Resolved).then_some(request.verdict),
        outcome: None,
        at: model.now(),
    };
    filled(notice, request.asked, model, || stall::of_request(request, model), || explain(request))
}

/// Fills in where it is stuck or, if it has ended, what became of it.
fn filled(
    notice: Notice,
    since: Stamp,
    model: &Model,
    place: impl FnOnce() -> Place,
    outcome: impl FnOnce() -> String,
) -> Notice {
    if notice.standing == Standing::Resolved {
        return Notice { outcome: Some(outcome()), ..notice };
    }
    let place = place();
    let stack = stall::stack(&place, model, since).to_vec();
    Notice { stuck_in: place.words, timeout: place.timeout, stack, ..notice }
}

/// How long it was open: a helper that its requester does not wait for counts until its end.
fn open_for(request: &Request, now: Stamp) -> Nanos {
    let exited = request.call.as_ref().and_then(|call| call.exited).map(|(at, _)| at);
    let end = match (request.wait(), request.is_open()) {
        (_, true) => now,
        (Some(Wait::Exec | Wait::None), false) => exited.or(request.returned).unwrap_or(now),
        (Some(Wait::Proc) | None, false) => request.returned.max(exited).unwrap_or(now),
    };
    end.mono.since(request.asked.mono)
}

fn load_notice(standing: Standing, load: &Load, limit: Nanos, model: &Model) -> Notice {
    let age = load.age_so_far(model.now());
    let notice = other(standing, Subject::Load(load.id), (None, load.module.clone()), load.task, (age, limit), model);
    filled(notice, load.began, model, || stall::of_load(load), || explain_load(load))
}

fn call_notice(standing: Standing, call: &Call, limit: Nanos, model: &Model) -> Notice {
    let end = call.ended().or(call.returned.map(|(at, _)| at)).unwrap_or(model.now());
    let age = end.mono.since(call.entered.mono);
    let name = (call.entry.path.text().cloned(), None);
    let notice = other(standing, Subject::Call(call.id), name, call.caller, (age, limit), model);
    filled(notice, call.entered, model, || stall::of_call(call, model), || helper::ended(call, true))
}

fn firmware_notice(standing: Standing, firmware: &Firmware, limit: Nanos, model: &Model) -> Notice {
    let age = firmware.age_so_far(model.now());
    let name = (firmware.file.name.text().cloned(), None);
    let notice = other(standing, Subject::Firmware(firmware.id), name, firmware.task, (age, limit), model);
    filled(notice, firmware.asked, model, || stall::of_firmware(firmware), || explain_firmware(firmware))
}

/// A notice about something that has no verdict. Where it is stuck and what became of it are filled in later.
fn other(
    standing: Standing,
    subject: Subject,
    (alias, module): (Option<Arc<str>>, Option<Arc<str>>),
    task: crate::event::Task,
    (age, limit): (Nanos, Nanos),
    model: &Model,
) -> Notice {
    Notice {
        standing,
        subject,
        alias,
        module,
        task: (task.comm.to_text(), task.key.tgid.0),
        age,
        limit,
        stuck_in: String::new(),
        timeout: None,
        stack: Vec::new(),
        verdict: None,
        outcome: None,
        at: model.now(),
    }
}

//! The load-timeout rule: a request, or a load that serves no request, that is open longer than its limit is an alert
//! while it is, and resolved when it ends.
//!
//! In: the model, each time it has moved. Out: notices, each once. Time is the model's.

use crate::event::{Stamp, Wait};
use crate::joined::{Load, LoadId, Request, RequestId, Verdict};
use crate::model::Model;
use std::collections::BTreeMap;
use std::sync::Arc;
use trace_common::time::Nanos;

/// The limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For everything without one of its own.
    pub default: Nanos,
    /// By alias or module.
    pub named: BTreeMap<String, Nanos>,
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A request.
    Request(RequestId),
    /// A load that serves no request: by udev, or a person.
    Load(LoadId),
}

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Open past its limit.
    Firing,
    /// It has ended.
    Resolved,
}

/// What a sink is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Where it stands.
    pub standing: Standing,
    /// What it is about.
    pub subject: Subject,
    /// The alias, where it is a request.
    pub alias: Option<Arc<str>>,
    /// The module that is wanted or loaded, where known.
    pub module: Option<Arc<str>>,
    /// Who waits: name and process.
    pub task: (String, u32),
    /// How long it is, or was, open.
    pub age: Nanos,
    /// Its limit.
    pub limit: Nanos,
    /// Where it is stuck, in words; empty where it has ended.
    pub stuck_in: String,
    /// How it ended; `None` while it has not, and for a load.
    pub verdict: Option<Verdict>,
    /// When this was found.
    pub at: Stamp,
}

/// The alerts that fire.
#[derive(Debug)]
pub struct Alerts {
    limits: Limits,
    firing: BTreeMap<Subject, Nanos>,
}

impl Alerts {
    /// With these limits; nothing fires yet.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, firing: BTreeMap::new() }
    }

    /// How many fire.
    #[must_use]
    pub fn firing(&self) -> usize {
        self.firing.len()
    }

    /// Looks at the model as it is now.
    pub fn step(&mut self, model: &Model) -> Vec<Notice> {
        let mut notices = self.resolved(model);
        let now = model.now();
        for request in model.open_requests() {
            let limit = self.limit(request.alias.text(), request.module());
            let subject = Subject::Request(request.id);
            if request.age(now) >= limit && self.fires(subject, limit) {
                notices.push(request_notice(Standing::Firing, request, limit, now));
            }
        }
        for load in model.open_loads().filter(|load| load.request.is_none()) {
            let limit = self.limit(None, load.module.as_ref());
            if now.mono.since(load.began.mono) >= limit && self.fires(Subject::Load(load.id), limit) {
                notices.push(load_notice(Standing::Firing, load, limit, now));
            }
        }
        notices
    }

    /// Notes that `subject` fires; `false` where it did already.
    fn fires(&mut self, subject: Subject, limit: Nanos) -> bool {
        self.firing.insert(subject, limit).is_none()
    }

    fn resolved(&mut self, model: &Model) -> Vec<Notice> {
        let now = model.now();
        let mut notices = Vec::new();
        self.firing.retain(|subject, limit| {
            let notice = match subject {
                Subject::Request(id) => model
                    .request(*id)
                    .filter(|request| !request.is_open())
                    .map(|request| request_notice(Standing::Resolved, request, *limit, now)),
                Subject::Load(id) => model
                    .load(*id)
                    .filter(|load| load.over)
                    .map(|load| load_notice(Standing::Resolved, load, *limit, now)),
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

fn request_notice(standing: Standing, request: &Request, limit: Nanos, now: Stamp) -> Notice {
    let task = &request.requester.task;
    let ended = standing == Standing::Resolved;
    Notice {
        standing,
        subject: Subject::Request(request.id),
        alias: request.alias.text().cloned(),
        module: request.module().cloned(),
        task: (task.comm.to_text(), task.key.tgid.0),
        age: open_for(request, now),
        limit,
        stuck_in: if ended { String::new() } else { stuck_in(request) },
        verdict: ended.then_some(request.verdict),
        at: now,
    }
}

/// How long it was open: a helper that its requester does not wait for counts to its end.
fn open_for(request: &Request, now: Stamp) -> Nanos {
    let exited = request.call.as_ref().and_then(|call| call.exited).map(|(at, _)| at);
    let end = match (request.wait(), request.is_open()) {
        (_, true) => now,
        (Some(Wait::Exec | Wait::None), false) => exited.or(request.returned).unwrap_or(now),
        (Some(Wait::Proc) | None, false) => request.returned.max(exited).unwrap_or(now),
    };
    end.mono.since(request.asked.mono)
}

/// The last thing that was seen of an open request, as the place where it is stuck.
fn stuck_in(request: &Request) -> String {
    let load = request.loads.iter().rev().find(|load| !load.over);
    if let Some(load) = load {
        return load_stuck_in(load);
    }
    let Some(call) = request.call.as_deref() else {
        return "the wait for a slot".to_owned();
    };
    match (call.helper, call.executed) {
        (None, _) => "the wait for a kernel worker".to_owned(),
        (Some((helper, _)), None) => format!("the start of {}[{}]", call.path, helper.key.tgid.0),
        (Some((helper, _)), Some(_)) => {
            format!("the helper {}[{}], outside its loads", call.path, helper.key.tgid.0)
        }
    }
}

fn load_notice(standing: Standing, load: &Load, limit: Nanos, now: Stamp) -> Notice {
    let end = load.ended.map_or(now, |(at, _)| at);
    Notice {
        standing,
        subject: Subject::Load(load.id),
        alias: None,
        module: load.module.clone(),
        task: (load.task.comm.to_text(), load.task.key.tgid.0),
        age: end.mono.since(load.began.mono),
        limit,
        stuck_in: if standing == Standing::Resolved { String::new() } else { load_stuck_in(load) },
        verdict: None,
        at: now,
    }
}

fn load_stuck_in(load: &Load) -> String {
    let module = load.module.as_deref().unwrap_or("a module");
    let task = format!("{}[{}]", load.task.comm.to_text(), load.task.key.tgid.0);
    match (load.init_begun, load.live) {
        (None, _) => format!("the load of {module} by {task}, before its init"),
        (Some(_), None) => format!("the init of {module}, loaded by {task}"),
        (Some(_), Some(_)) => format!("the wait for asynchronous work after {module} went live, in {task}"),
    }
}

//! Tasks that wait for each other in a circle: one finding for each circle, while it lasts.
//!
//! A graph of threads. A requester waits for its helper's open loads. A load that has not reached its init waits for a
//! load of the same module that has. A load whose module is live waits for all asynchronous work, and a requester in
//! asynchronous work is that (kernel/module/main.c `do_init_module`, kernel/async.c, 5.10 to 7.3).

use super::circles::circles;
use super::{Evidence, Finding, Kind};
use crate::entities::{Gap, Load, Request};
use crate::event::{Stamp, on_stack};
use crate::explain::load::subject;
use crate::explain::task_words;
use crate::model::Model;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use trace_common::ids::Tid;
use trace_common::time::Nanos;

/// How long a circle lasts before it is a deadlock.
const LASTING: Nanos = Nanos::from_secs(1);

/// The function in which asynchronous work runs (kernel/async.c, 5.10 to 7.3).
const ASYNC: &str = "async_run_entry_fn";

/// Finds them.
pub(super) fn find(model: &Model) -> Vec<Finding> {
    let graph = Graph::of(model);
    circles(&graph.waits, &[Waiter::Asynchronous]).iter().filter_map(|circle| graph.finding(circle)).collect()
}

/// Who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Waiter {
    /// A thread.
    Thread(Tid),
    /// All asynchronous work.
    Asynchronous,
}

/// Who waits for whom.
struct Graph<'m> {
    waits: BTreeMap<Waiter, BTreeSet<Waiter>>,
    requests: BTreeMap<Tid, &'m Arc<Request>>,
    loads: BTreeMap<Tid, &'m Arc<Load>>,
    now: Stamp,
}

impl<'m> Graph<'m> {
    fn of(model: &'m Model) -> Self {
        // What was open when tracing ended may last still: no request is open after that.
        let cut = |request: &&Arc<Request>| request.is_open() || request.gaps.contains(&Gap::TracingEnded);
        let waiting = |request: &&Arc<Request>| request.returned.is_none() && request.requester_gone.is_none();
        let asked = model.open_loads().filter_map(|load| model.request(load.request?)).filter(cut);
        let requests: BTreeMap<Tid, &Arc<Request>> =
            (model.open_requests().chain(asked)).filter(waiting).map(|request| (request.task.tid, request)).collect();
        let loads: BTreeMap<Tid, &Arc<Load>> = model.open_loads().map(|load| (load.task.tid, load)).collect();
        let mut waits: BTreeMap<Waiter, BTreeSet<Waiter>> = BTreeMap::new();
        for (thread, request) in &requests {
            let own = request.loads.iter().filter(|load| !load.closed).map(|load| load.task.tid);
            let own = own.filter(|loader| loads.contains_key(loader));
            waits.entry(Waiter::Thread(*thread)).or_default().extend(own.map(Waiter::Thread));
            if is_asynchronous(request) {
                waits.entry(Waiter::Asynchronous).or_default().insert(Waiter::Thread(*thread));
            }
        }
        let in_init: BTreeMap<&str, Tid> = (loads.iter())
            .filter(|(_, load)| load.init_begun.is_some() && load.live.is_none() && load.init_ended.is_none())
            .filter_map(|(thread, load)| Some((load.module.as_deref()?, *thread)))
            .collect();
        for (thread, load) in &loads {
            let waits = waits.entry(Waiter::Thread(*thread)).or_default();
            if load.live.is_some() && load.init_ended.is_none() {
                waits.insert(Waiter::Asynchronous);
            } else if load.init_begun.is_none()
                && let Some(other) = load.module.as_deref().and_then(|module| in_init.get(module))
            {
                waits.insert(Waiter::Thread(*other));
            }
        }
        Self { waits, requests, loads, now: model.now() }
    }

    fn finding(&self, circle: &[Waiter]) -> Option<Finding> {
        let thread = |waiter: &Waiter| if let Waiter::Thread(thread) = waiter { Some(*thread) } else { None };
        let circle: Vec<Tid> = circle.iter().filter_map(thread).collect();
        let begun = circle.iter().filter_map(|thread| {
            let request = self.requests.get(thread).map(|request| request.asked);
            request.max(self.loads.get(thread).map(|load| load.live.unwrap_or(load.began)))
        });
        let at = begun.max()?;
        // What lasts for a moment is not a deadlock: asynchronous work may be about to end.
        if self.now.mono.since(at.mono) < LASTING {
            return None;
        }
        let words: Vec<String> = circle.iter().filter_map(|thread| self.words(*thread)).collect();
        let requests = circle.iter().filter_map(|thread| self.requests.get(thread));
        let loads = circle.iter().filter_map(|thread| self.loads.get(thread));
        let evidence = requests.map(|request| Evidence::Request(request.id));
        Some(Finding {
            kind: Kind::Deadlock,
            sentence: format!("deadlock: {}, which closes the circle", words.join("; ")),
            next: self.next(&circle),
            at,
            evidence: evidence.chain(loads.map(|load| Evidence::Load(load.id))).collect(),
        })
    }

    /// What would end the circle. Who waits for another load, or for a helper, can be killed, but not a kernel worker;
    /// the wait for asynchronous work cannot be interrupted (kernel/async.c `async_synchronize_cookie_domain`, 5.10 to
    /// 6.12).
    fn next(&self, circle: &[Tid]) -> String {
        let load = |thread: &Tid| self.loads.get(thread).filter(|load| load.live.is_none()).map(|load| &load.task);
        let asks = |thread: &Tid| {
            let request = self.requests.get(thread).filter(|request| !is_asynchronous(request));
            request.map(|request| &request.task)
        };
        let waits = circle.iter().filter(|thread| !self.requests.contains_key(*thread)).find_map(load);
        match waits.or_else(|| circle.iter().find_map(asks)) {
            Some(task) => format!("kill {}; if it does not end, only a reboot ends it", task_words(task)),
            None => "only a reboot ends it: a load that waits for asynchronous work cannot be killed, and a kernel \
                     worker cannot either"
                .to_owned(),
        }
    }

    /// What a thread of a circle waits for.
    fn words(&self, thread: Tid) -> Option<String> {
        if let Some(request) = self.requests.get(&thread) {
            let who = task_words(&request.task);
            return Some(format!("{who} asks for {} and waits for its helper", request.requested.alias));
        }
        let load = self.loads.get(&thread)?;
        let (who, module) = (task_words(&load.task), subject(load));
        Some(if load.live.is_some() {
            format!("{who} has loaded {module} and waits for all asynchronous work")
        } else {
            format!("{who} loads {module} and waits for the load of the same module that is in its init")
        })
    }
}

/// Whether asynchronous work asked.
fn is_asynchronous(request: &Request) -> bool {
    on_stack(&request.requested.stack, &[ASYNC])
}

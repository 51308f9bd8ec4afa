//! What a requester got: the return of the kernel function that made the request.
//!
//! In: requests as they are opened, and the returns of such functions in their threads. Out: which requests a return is
//! about. One call may make several requests: if it succeeds, it served all of them; if it fails, that is about the
//! last, which it gave up after.

use crate::answer::ReturnCode;
use crate::correlate::Correlator;
use crate::entities::{Change, Request, RequestId, Served};
use crate::event::{Hook, Server, Stamp, Task};
use std::collections::{BTreeMap, BTreeSet};
use trace_common::ids::Tid;
use trace_common::time::Nanos;

/// How long after a request's end its function may take to return. It looks up what the request was for, and returns at
/// once; only the self-tests of a crypto algorithm take longer.
const SOON: Nanos = Nanos::from_secs(2);

/// Requests whose function was not seen to return.
#[derive(Debug, Default)]
pub struct Unserved {
    /// Functions whose return is seen.
    seen: BTreeSet<Server>,
    /// By thread, each with the function that made it, in the order in which they were made.
    by_tid: BTreeMap<Tid, Vec<(RequestId, Server)>>,
}

impl Unserved {
    /// The hooks that are attached.
    pub fn set_hooks(&mut self, hooks: &[Hook]) {
        let attached = hooks.iter().filter(|hook| hook.attached.is_some());
        self.seen = attached.filter_map(|hook| Server::of_moment(hook.moment)).collect();
    }

    /// A request was opened.
    pub fn opened(&mut self, request: &Request) {
        let by = Server::of_stack(&request.requested.stack).filter(|by| self.seen.contains(by));
        if let Some(by) = by {
            self.by_tid.entry(request.task.tid).or_default().push((request.id, by));
        }
    }

    /// The function returned in this thread: the requests that it made, in order.
    fn returned(&mut self, thread: Tid, by: Server) -> Vec<RequestId> {
        let Some(waiting) = self.by_tid.get_mut(&thread) else { return Vec::new() };
        let made: Vec<RequestId> = waiting.iter().filter(|(_, server)| *server == by).map(|(id, _)| *id).collect();
        waiting.retain(|(_, server)| *server != by);
        if waiting.is_empty() {
            self.by_tid.remove(&thread);
        }
        made
    }

    /// Whether the return of the request's function is still to come.
    fn awaits(&self, request: &Request) -> bool {
        let waiting = self.by_tid.get(&request.task.tid);
        waiting.is_some_and(|waiting| waiting.iter().any(|(id, _)| *id == request.id))
    }

    /// The request is closed.
    pub fn closed(&mut self, request: &Request) {
        let thread = request.task.tid;
        if let Some(waiting) = self.by_tid.get_mut(&thread) {
            waiting.retain(|(id, _)| *id != request.id);
            if waiting.is_empty() {
                self.by_tid.remove(&thread);
            }
        }
    }
}

impl Correlator {
    /// The function returned in a thread that has made requests.
    pub(in crate::correlate) fn served(
        &mut self,
        task: Task,
        (by, result): (Server, ReturnCode),
        out: &mut Vec<Change>,
    ) {
        let made = self.unserved.returned(task.tid, by);
        let last = made.last().copied();
        for id in made {
            let is_about = !result.failed() || Some(id) == last;
            if let Some(request) = self.requests.get_mut(id).filter(|request| request.task.key == task.key && is_about)
            {
                request.served = Some(Served { by, result });
            }
            self.settle(id, out);
        }
    }

    /// Whether what the requester got is still to be seen, for a request that is over at `now` otherwise.
    pub(in crate::correlate) fn awaits_served(&self, request: &Request, now: Stamp) -> bool {
        let is_soon = request.returned.is_some_and(|at| now.mono.since(at.mono) < SOON);
        is_soon && self.unserved.awaits(request)
    }
}

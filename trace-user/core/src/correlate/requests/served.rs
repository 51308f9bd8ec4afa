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

/// How long after the end of the last request that a call makes its function may take to return. It looks up what the
/// request was for; a driver that is opened, or the self-test of a crypto algorithm, can take longer.
const SOON: Nanos = Nanos::from_secs(2);

/// Requests whose function was not seen to return.
#[derive(Clone, Debug, Default)]
pub struct Unserved {
    /// Functions whose return is seen.
    seen: BTreeSet<Server>,
    /// By thread, in the order in which they were made.
    by_tid: BTreeMap<Tid, Vec<Made>>,
}

/// A request that a function made.
#[derive(Clone, Copy, Debug)]
struct Made {
    id: RequestId,
    by: Server,
    /// Since when nothing but the function's return is awaited.
    over: Option<Stamp>,
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
            self.by_tid.entry(request.task.tid).or_default().push(Made { id: request.id, by, over: None });
        }
    }

    /// The function returned in this thread: the requests that it made, in order.
    fn returned(&mut self, thread: Tid, by: Server) -> Vec<RequestId> {
        let Some(waiting) = self.by_tid.get_mut(&thread) else { return Vec::new() };
        let made = waiting.iter().filter(|made| made.by == by).map(|made| made.id).collect();
        waiting.retain(|made| made.by != by);
        if waiting.is_empty() {
            self.by_tid.remove(&thread);
        }
        made
    }

    /// The request is over at `now` but for the return of its function. The requests of that call, this one too; none
    /// if nothing is awaited.
    fn over(&mut self, id: RequestId, thread: Tid, now: Stamp) -> Vec<RequestId> {
        let Some(waiting) = self.by_tid.get_mut(&thread) else { return Vec::new() };
        let Some(request) = waiting.iter_mut().find(|made| made.id == id) else { return Vec::new() };
        request.over.get_or_insert(now);
        let by = request.by;
        waiting.iter().filter(|made| made.by == by).map(|made| made.id).collect()
    }

    /// The request is closed. Since when it was over otherwise, if it waited for its function.
    pub fn closed(&mut self, request: &Request) -> Option<Stamp> {
        let thread = request.task.tid;
        let waiting = self.by_tid.get_mut(&thread)?;
        let over = waiting.iter().find(|made| made.id == request.id)?.over;
        waiting.retain(|made| made.id != request.id);
        if waiting.is_empty() {
            self.by_tid.remove(&thread);
        }
        over
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

    /// Whether the function of a request that is over otherwise is to be waited for: until some time after the last
    /// request that it made has returned to it.
    pub(in crate::correlate) fn awaits_served(&mut self, id: RequestId, thread: Tid) -> bool {
        let now = self.now;
        let made = self.unserved.over(id, thread, now);
        let is_soon = |since: Stamp| now.mono.since(since.mono) < SOON;
        made.into_iter().filter_map(|made| self.requests.get(made)).any(|made| match made.returned {
            Some(at) => is_soon(at),
            // The call goes on with another request; if it is this one, its return was not seen.
            None => made.id != id || is_soon(made.asked),
        })
    }
}

//! The open requests, and when one is over.
//!
//! A request lives in one thread, the requester's, from the security hook to its return, and a thread has one at a
//! time; nested requests are in other threads (the loading task of the outer one's helper) and point to their parent.
//! A request is *over* when nothing that is still to come can change what is said of it: for one that waits, when it
//! has returned and no process of its helper's tree is left to load anything; for an abandoned or unwaited one, when
//! its helper has ended. Where a return cannot be seen, the helper's own end stands for it, and the gap is named.

use super::helpers::{ERESTARTSYS, Helpers};
use crate::event::{Captured, Requested, Stamp, Task, Wait};
use crate::joined::{Call, Duplicates, Gap, Request, RequestId, Requester, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use trace_common::ids::Tid;
use trace_common::time::Nanos;

/// Requests that can be open at once. Beyond, the oldest is closed as incomplete and counted.
pub const OPEN: usize = 65_536;

/// How long after a request's return descendants of its helper are given to make the module live: a helper that
/// daemonises returns before its child loads.
pub const GRACE: Nanos = Nanos::from_secs(2);

/// How long after the helper's end a return that a probe may miss is waited for.
pub const RETURN_GRACE: Nanos = Nanos::from_secs(1);

/// Requests that can be inside `__request_module` at once (`MAX_KMOD_CONCURRENT`, kernel/module/kmod.c, 5.10 to 7.3).
const SLOTS: usize = 50;

/// How long the kernel waits for a slot (`MAX_KMOD_ALL_BUSY_TIMEOUT`, kernel/module/kmod.c, 5.10 to 7.3).
pub const SLOT_TIMEOUT: Nanos = Nanos::from_secs(5);

/// When nothing is expected any more of a request that made no helper call: a second after its wait for a slot.
pub const SLOT_LIMIT: Nanos = Nanos::from_secs(6);

/// The open requests.
#[derive(Debug, Default)]
pub struct Requests {
    open: BTreeMap<RequestId, Request>,
    by_tid: BTreeMap<Tid, RequestId>,
    /// The open requests that were asked while as many others were as there are slots.
    found_all_taken: BTreeSet<RequestId>,
    last: u64,
}

/// Whether a request can still change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Something is still to come.
    Open,
    /// Nothing is, and all of it was seen.
    Over,
    /// Nothing is expected any more, and this was not seen.
    OverWith(Gap),
}

impl Requests {
    /// Opens a request and counts those that ask for the same meanwhile, in both.
    pub fn open(&mut self, at: Stamp, task: Task, asked: &Requested, request: Request) -> RequestId {
        let id = request.id;
        let mut request = Request {
            asked: at,
            requester: Arc::new(Requester {
                task,
                uid: asked.uid,
                cgroup: asked.cgroup.clone(),
                stack: asked.stack.clone(),
            }),
            ..request
        };
        let mut waiting = 0;
        for other in self.open.values_mut().filter(|other| other.returned.is_none()) {
            count_duplicates(&mut request, other);
            waiting += 1;
        }
        if waiting >= SLOTS {
            self.found_all_taken.insert(id);
        }
        self.by_tid.insert(task.tid, id);
        self.open.insert(id, request);
        id
    }

    /// The number of the next request.
    pub fn next_id(&mut self) -> RequestId {
        self.last += 1;
        RequestId(self.last)
    }

    /// Whether all slots were taken when the request was asked.
    #[must_use]
    pub fn found_all_taken(&self, id: RequestId) -> bool {
        self.found_all_taken.contains(&id)
    }

    /// The request has been judged: nothing is asked about it any more.
    pub fn closed(&mut self, id: RequestId) {
        self.found_all_taken.remove(&id);
    }

    /// The request that the thread has open.
    #[must_use]
    pub fn of(&self, thread: Tid) -> Option<RequestId> {
        self.by_tid.get(&thread).copied()
    }

    /// The thread has gone on: it has no request open any more.
    pub fn leave(&mut self, thread: Tid) {
        self.by_tid.remove(&thread);
    }

    /// An open request.
    #[must_use]
    pub fn get(&self, id: RequestId) -> Option<&Request> {
        self.open.get(&id)
    }

    /// An open request, to be changed.
    pub fn get_mut(&mut self, id: RequestId) -> Option<&mut Request> {
        self.open.get_mut(&id)
    }

    /// Takes a request out: it is over.
    pub fn take(&mut self, id: RequestId) -> Option<Request> {
        let request = self.open.remove(&id)?;
        let thread = request.requester.task.tid;
        if self.by_tid.get(&thread) == Some(&id) {
            self.by_tid.remove(&thread);
        }
        Some(request)
    }

    /// Every open request's number, oldest first.
    #[must_use]
    pub fn ids(&self) -> Vec<RequestId> {
        self.open.keys().copied().collect()
    }

    /// The oldest, where too many are open.
    #[must_use]
    pub fn surplus(&self) -> Option<RequestId> {
        if self.open.len() > OPEN { self.open.keys().next().copied() } else { None }
    }
}

/// A request that was just asked for, before anything is known of it.
#[must_use]
pub fn fresh(id: RequestId, task: Task, asked: &Requested) -> Request {
    Request {
        id,
        alias: asked.alias.clone(),
        requester: Arc::new(Requester { task, uid: asked.uid, cgroup: None, stack: [].into() }),
        asked: Stamp::default(),
        lsm_result: asked.lsm_result,
        admitted: None,
        call: None,
        loads: Vec::new(),
        returned: None,
        result: None,
        resolution: None,
        parent: None,
        live: None,
        satisfied_by: None,
        verdict: Verdict::InFlight,
        gaps: Vec::new(),
        duplicates: Duplicates::default(),
        ended: false,
    }
}

/// Whether `request` is over at `now`. `may_miss_returns`: the hook that sees helper calls return does not see all.
#[must_use]
pub fn state(request: &Request, helpers: &Helpers, now: Stamp, may_miss_returns: bool) -> State {
    if request.lsm_result.is_some_and(|result| result != 0) {
        return State::Over;
    }
    let Some(call) = request.call.as_deref() else {
        let waited = now.mono.since(request.asked.mono) >= SLOT_LIMIT;
        return if waited { State::OverWith(Gap::NothingFollowed) } else { State::Open };
    };
    match (request.returned, request.result) {
        (Some(returned), Some(result)) => after_return(request, call, helpers, (returned, result), now),
        (_, _) => without_return(call, helpers, now, may_miss_returns),
    }
}

fn after_return(request: &Request, call: &Call, helpers: &Helpers, returned: (Stamp, i32), now: Stamp) -> State {
    let (at, result) = returned;
    let goes_on = result == ERESTARTSYS || (result == 0 && call.wait != Wait::Proc);
    let over = if goes_on {
        helpers.is_over(call.id) || since(call.exited.map(|(at, _)| at).or(call.completed), now, GRACE)
    } else {
        // A module of its own is live, or nothing is left that could load one.
        let loading = request.loads.iter().any(|load| !load.over);
        let live = request.loads.iter().any(|load| load.live.is_some() && !request.is_dependency(load));
        (live && !loading) || !helpers.alive(call.id) || now.mono.since(at.mono) >= GRACE
    };
    if over { State::Over } else { State::Open }
}

fn without_return(call: &Call, helpers: &Helpers, now: Stamp, may_miss_returns: bool) -> State {
    let exited = call.exited.map(|(at, _)| at);
    let helper_over = exited.is_some() && (!helpers.alive(call.id) || since(exited, now, GRACE));
    let waited = since(exited, now, RETURN_GRACE);
    let gone = call.caller_gone.is_some();
    if helper_over && (gone || (may_miss_returns && waited)) { State::OverWith(Gap::ReturnUnseen) } else { State::Open }
}

/// Whether `moment` is so long ago.
fn since(moment: Option<Stamp>, now: Stamp, long: Nanos) -> bool {
    moment.is_some_and(|at| now.mono.since(at.mono) >= long)
}

fn count_duplicates(request: &mut Request, other: &mut Request) {
    let same_alias = match (&request.alias, &other.alias) {
        (Captured::Whole(one), Captured::Whole(two)) => one == two,
        (_, _) => false,
    };
    if same_alias {
        request.duplicates.same_alias += 1;
        other.duplicates.same_alias += 1;
    } else if request.module().is_some() && request.module() == other.module() {
        request.duplicates.same_module += 1;
        other.duplicates.same_module += 1;
    }
}

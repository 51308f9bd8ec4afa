//! Joins helper calls with their workers, helpers and helpers' descendants.
//!
//! The obvious key of a call, the address of its `subprocess_info`, fails: it is freed before the call returns and
//! handed out again at once, to another CPU. So the address is used only where it cannot be stale, at the pick-up by
//! the worker and at the helper's birth, both of which happen while the call owns it; everything later is tied by the
//! thread it happens in: the return by the caller's thread, the completion by the worker's, the exec and the exit by
//! the helper's process. What doubt is left: a completion in a worker whose pick-up was lost is not tied at all.

use crate::event::{CallEntered, Stamp, Task, Wait};
use crate::joined::{Call, CallId, RequestId};
use std::collections::BTreeMap;
use trace_common::ids::{CallAddress, TaskKey, Tgid, Tid};

/// Calls that can be open at once. Beyond, the oldest is given up and counted.
const OPEN: usize = 65_536;

/// What the call returns to a caller that was killed while it waited (kernel/umh.c, 5.10 to 7.3).
pub const ERESTARTSYS: i32 = -512;

/// A process of a helper's tree.
#[derive(Clone, Copy, Debug)]
struct Member {
    key: TaskKey,
    call: CallId,
}

/// The calls that something can still happen to.
#[derive(Debug, Default)]
pub struct Helpers {
    calls: BTreeMap<CallId, Call>,
    last: u64,
    by_address: BTreeMap<CallAddress, CallId>,
    by_caller: BTreeMap<Tid, CallId>,
    by_worker: BTreeMap<Tid, CallId>,
    members: BTreeMap<Tgid, Member>,
    capped: u64,
}

impl Helpers {
    /// A call as it is now.
    #[must_use]
    pub fn call(&self, id: CallId) -> Option<&Call> {
        self.calls.get(&id)
    }

    /// The call whose tree the process belongs to.
    #[must_use]
    pub fn owner(&self, process: TaskKey) -> Option<CallId> {
        self.members.get(&process.tgid).filter(|member| member.key == process).map(|member| member.call)
    }

    /// Whether a process of the call's tree is alive.
    #[must_use]
    pub fn alive(&self, id: CallId) -> bool {
        self.members.values().any(|member| member.call == id)
    }

    /// Calls given up because too many were open, since the last time this was asked.
    pub fn take_capped(&mut self) -> u64 {
        std::mem::take(&mut self.capped)
    }

    /// A call was entered.
    pub fn entered(&mut self, at: Stamp, caller: Task, entered: &CallEntered, request: Option<RequestId>) -> CallId {
        self.last += 1;
        let id = CallId(self.last);
        let call = Call {
            id,
            address: entered.call,
            caller,
            request,
            wait: entered.wait,
            path: entered.path.clone(),
            argv: entered.argv.clone(),
            argv_more: entered.argv_more,
            entered: at,
            picked: None,
            helper: None,
            executed: None,
            exited: None,
            completed: None,
            returned: None,
            caller_gone: None,
        };
        self.calls.insert(id, call);
        self.by_address.insert(entered.call, id);
        let before = self.by_caller.insert(caller.tid, id);
        // A thread makes one call at a time: the one before has returned unseen.
        if let Some(before) = before.filter(|before| self.calls.get(before).is_some_and(|call| call.exited.is_some())) {
            self.forget(before);
        }
        if self.calls.len() > OPEN
            && let Some((oldest, _)) = self.calls.first_key_value()
        {
            let oldest = *oldest;
            self.forget(oldest);
            self.capped += 1;
        }
        id
    }

    /// A worker took the call up.
    pub fn picked(&mut self, at: Stamp, worker: Tid, address: CallAddress) -> Option<CallId> {
        let id = *self.by_address.get(&address)?;
        self.by_worker.insert(worker, id);
        let call = self.calls.get_mut(&id)?;
        call.picked.get_or_insert(at);
        Some(id)
    }

    /// The call's helper exists.
    pub fn born(&mut self, at: Stamp, helper: Task, address: CallAddress) -> Option<CallId> {
        let id = *self.by_address.get(&address)?;
        let call = self.calls.get_mut(&id)?;
        call.helper.get_or_insert((helper, at));
        self.members.insert(helper.key.tgid, Member { key: helper.key, call: id });
        Some(id)
    }

    /// Exec is done, in the helper itself; a later exec of the same process or of a descendant is not the call's.
    pub fn executed(&mut self, at: Stamp, process: TaskKey, result: i32) -> Option<CallId> {
        let id = self.owner(process)?;
        let call = self.calls.get_mut(&id)?;
        if call.helper.is_some_and(|(helper, _)| helper.key == process) {
            call.executed.get_or_insert((at, result));
        }
        Some(id)
    }

    /// A process of a helper's tree forked.
    pub fn forked(&mut self, parent: TaskKey, child: TaskKey) -> Option<CallId> {
        let call = self.owner(parent)?;
        self.members.insert(child.tgid, Member { key: child, call });
        Some(call)
    }

    /// A process of a helper's tree ended.
    pub fn exited(&mut self, at: Stamp, process: TaskKey, status: Option<i32>) -> Option<CallId> {
        let id = self.owner(process)?;
        self.members.remove(&process.tgid);
        let call = self.calls.get_mut(&id)?;
        if call.helper.is_some_and(|(helper, _)| helper.key == process) {
            call.exited.get_or_insert((at, status));
        }
        Some(id)
    }

    /// The kernel is done with a helper whose caller waits for its end. For other callers the same function says no
    /// more than that the helper was started.
    pub fn completed(&mut self, at: Stamp, thread: Tid, address: Option<CallAddress>) -> Option<CallId> {
        let picked = self.by_worker.remove(&thread);
        let id = picked.or_else(|| self.unpicked(address?))?;
        // The requester may have returned first, and the call be forgotten: then this is no news.
        if let Some(call) = self.calls.get_mut(&id).filter(|call| call.wait == Wait::Proc) {
            call.completed.get_or_insert(at);
        }
        Some(id)
    }

    /// The call returned to its caller.
    pub fn returned(&mut self, at: Stamp, caller: Tid, result: i32) -> Option<CallId> {
        let id = self.by_caller.remove(&caller)?;
        let call = self.calls.get_mut(&id)?;
        call.returned.get_or_insert((at, result));
        Some(id)
    }

    /// The caller's thread exits and was not seen to return.
    pub fn caller_gone(&mut self, at: Stamp, caller: Tid) -> Option<CallId> {
        let id = self.by_caller.remove(&caller)?;
        let call = self.calls.get_mut(&id)?;
        call.caller_gone.get_or_insert(at);
        Some(id)
    }

    /// Nothing more is expected of the call: its helper has ended or never was, and its caller has returned.
    #[must_use]
    pub fn is_over(&self, id: CallId) -> bool {
        let Some(call) = self.calls.get(&id) else {
            return true;
        };
        // A killed caller leaves its call in the queue: the helper may still be born.
        let refused = call.returned.is_some_and(|(_, result)| result < 0 && result != ERESTARTSYS);
        let never_born = call.helper.is_none() && (refused || call.completed.is_some());
        let returned = call.returned.is_some() || call.caller_gone.is_some();
        returned && (never_born || call.exited.is_some()) && !self.alive(id)
    }

    /// Drops a call that is over.
    pub fn forget(&mut self, id: CallId) {
        let Some(call) = self.calls.remove(&id) else { return };
        if self.by_address.get(&call.address) == Some(&id) {
            self.by_address.remove(&call.address);
        }
        if self.by_caller.get(&call.caller.tid) == Some(&id) {
            self.by_caller.remove(&call.caller.tid);
        }
        self.members.retain(|_, member| member.call != id);
    }

    /// The call at the address, if no worker has been seen to take it up.
    fn unpicked(&self, address: CallAddress) -> Option<CallId> {
        let id = *self.by_address.get(&address)?;
        self.calls.get(&id).filter(|call| call.picked.is_none()).map(|call| call.id)
    }
}

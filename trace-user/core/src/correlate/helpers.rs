//! Joins helper calls with their workers, helpers and helpers' descendants.
//!
//! The obvious key of a call, the address of its `subprocess_info`, fails: the kernel frees it before the call returns
//! and reuses it at once, on another CPU. So the address is only used when it cannot be stale: when the worker picks
//! the call up and when the helper is born. The call owns it at both moments. Everything later is tied by the thread it
//! happens in: the return by the caller's thread, the completion by the worker's or the helper's, the exec and the exit
//! by the helper's process. One doubt is left: a completion in a worker whose pick-up was lost is not tied at all.

use crate::answer::{CallResult, Errno, ReturnCode, WaitStatus};
use crate::entities::{Call, CallId, RequestId};
use crate::event::{CallEntered, Program, Stamp, Task, Wait};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use trace_common::ids::{CallAddress, TaskKey, Tgid, Tid};
use trace_common::time::Nanos;

/// Calls that can be open at once. Beyond that, the oldest is given up and counted.
const OPEN: usize = 65_536;
/// What they weigh, at most.
const OPEN_BYTES: usize = 64 * 1024 * 1024;

/// How soon after its helper's end a waiting caller returns.
const RETURNS_WITHIN: Nanos = Nanos::from_secs(1);

/// A process of a helper's tree.
#[derive(Clone, Copy, Debug)]
struct Member {
    /// Its depth in the tree: 0 is the helper.
    depth: u32,
    key: TaskKey,
    call: CallId,
}

/// The calls that can still change.
#[derive(Clone, Debug, Default)]
pub struct Helpers {
    calls: BTreeMap<CallId, Arc<Call>>,
    /// What they weigh.
    bytes: usize,
    last: u64,
    by_address: BTreeMap<CallAddress, CallId>,
    by_caller: BTreeMap<Tid, CallId>,
    by_worker: BTreeMap<Tid, CallId>,
    members: BTreeMap<Tgid, Member>,
    /// The live processes of each call's tree, if there are any.
    living: BTreeMap<CallId, BTreeSet<Tgid>>,
    /// Calls of modtrail's own.
    hidden: BTreeSet<CallId>,
    /// Requests whose helper ended or was given up because of what happened to another call.
    touched: BTreeSet<RequestId>,
    capped: u64,
}

impl Helpers {
    /// What those that can still change weigh.
    #[must_use]
    pub const fn weight(&self) -> usize {
        self.bytes
    }

    /// A call as it is now.
    #[must_use]
    pub fn call(&self, id: CallId) -> Option<&Arc<Call>> {
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
        self.living.contains_key(&id)
    }

    /// `depth`: of the process in the call's tree.
    fn lives(&mut self, key: TaskKey, call: CallId, depth: u32) {
        // The end of an earlier process with this number was not seen.
        let before = self.members.get(&key.tgid).and_then(|member| self.calls.get(&member.call));
        self.touched.extend(before.and_then(|call| call.request));
        self.ends(key.tgid);
        self.members.insert(key.tgid, Member { key, call, depth });
        self.living.entry(call).or_default().insert(key.tgid);
    }

    /// Removes the call's helper from the live processes if something other than its exit proves that it is gone. It
    /// may have left other processes behind.
    fn bury(&mut self, id: CallId) {
        let gone = self.calls.get(&id).filter(|call| call.gone().is_some());
        let helper = gone.and_then(|call| call.helper).map(|(helper, _)| helper.key);
        if let Some(helper) = helper.filter(|helper| self.owner(*helper) == Some(id)) {
            self.ends(helper.tgid);
        }
    }

    fn ends(&mut self, process: Tgid) {
        let Some(Member { call, .. }) = self.members.remove(&process) else { return };
        if let Some(processes) = self.living.get_mut(&call) {
            processes.remove(&process);
            if processes.is_empty() {
                self.living.remove(&call);
            }
        }
    }

    /// Whether the call's helper, or what it left behind, can still do something although the call has returned.
    #[must_use]
    pub fn goes_on(&self, call: &Call) -> bool {
        (call.gone().is_some() || call.entry.wait != Wait::Proc) && self.alive(call.id)
    }

    /// Requests that may have changed because of other calls, since the last call of this function.
    pub fn take_touched(&mut self) -> BTreeSet<RequestId> {
        std::mem::take(&mut self.touched)
    }

    /// The request is closed: nobody asks about it any more.
    pub fn untouch(&mut self, request: RequestId) {
        self.touched.remove(&request);
    }

    /// Calls given up because too many were open, since the last time this was called.
    pub fn take_capped(&mut self) -> u64 {
        std::mem::take(&mut self.capped)
    }

    /// A call was entered.
    pub fn entered(
        &mut self,
        at: Stamp,
        caller: Task,
        entered: &Arc<CallEntered>,
        request: Option<RequestId>,
    ) -> CallId {
        self.last += 1;
        let id = CallId(self.last);
        let call = Call {
            id,
            caller,
            entry: entered.clone(),
            request,
            entered: at,
            picked: None,
            helper: None,
            executed: None,
            program: None,
            depth: 0,
            ran: false,
            exited: None,
            completed: None,
            returned: None,
            caller_gone: None,
            caller_left: None,
        };
        self.bytes += call.entry.weight();
        self.calls.insert(id, Arc::new(call));
        self.by_address.insert(entered.call, id);
        let before = self.by_caller.insert(caller.tid, id);
        // A thread makes one call at a time: the return of the one before was not seen.
        let ended = |id: &CallId| self.calls.get(id).is_some_and(|call| call.gone().is_some()) && !self.alive(*id);
        if let Some(before) = before.filter(ended) {
            self.forget(before);
        }
        while (self.calls.len() > OPEN || self.bytes > OPEN_BYTES)
            && let Some((oldest, _)) = self.calls.first_key_value()
        {
            let oldest = *oldest;
            self.forget(oldest);
            self.capped += 1;
        }
        id
    }

    /// The call is modtrail's own. It is followed so that its helper is known, but it is not counted.
    pub fn hide(&mut self, id: CallId) {
        self.hidden.insert(id);
    }

    /// Whether the call is modtrail's own.
    #[must_use]
    pub fn is_hidden(&self, id: CallId) -> bool {
        self.hidden.contains(&id)
    }

    /// A worker picked the call up.
    pub fn picked(&mut self, at: Stamp, worker: Tid, address: CallAddress) -> Option<CallId> {
        let id = *self.by_address.get(&address)?;
        self.by_worker.insert(worker, id);
        let call = self.calls.get_mut(&id).map(Arc::make_mut)?;
        call.picked.get_or_insert(at);
        Some(id)
    }

    /// The call's helper exists.
    pub fn born(&mut self, at: Stamp, helper: Task, address: CallAddress) -> Option<CallId> {
        let id = *self.by_address.get(&address)?;
        // A call has one helper. A second helper's own call is not known; it had the same address as this one.
        let call = self.calls.get_mut(&id).filter(|call| call.helper.is_none()).map(Arc::make_mut)?;
        call.helper = Some((helper, at));
        self.lives(helper.key, id, 0);
        Some(id)
    }

    /// Exec is done, in the helper itself. A later exec of the same process or of a descendant does not belong to the
    /// call.
    pub fn executed(
        &mut self,
        at: Stamp,
        process: TaskKey,
        result: ReturnCode,
        program: Option<&Arc<Program>>,
    ) -> Option<CallId> {
        let id = self.owner(process)?;
        let call = self.calls.get_mut(&id).map(Arc::make_mut)?;
        if call.helper.is_some_and(|(helper, _)| helper.key == process) {
            if call.executed.is_none() {
                call.program = program.cloned();
            }
            call.executed.get_or_insert((at, result));
            call.ran |= !result.failed();
        }
        Some(id)
    }

    /// A process of a helper's tree forked.
    pub fn forked(&mut self, parent: TaskKey, child: TaskKey) -> Option<CallId> {
        let call = self.owner(parent)?;
        let depth = self.members.get(&parent.tgid).map_or(0, |member| member.depth).saturating_add(1);
        self.lives(child, call, depth);
        if let Some(call) = self.calls.get_mut(&call).map(Arc::make_mut) {
            call.ran = true;
            call.depth = call.depth.max(depth);
        }
        Some(call)
    }

    /// A process of a helper's tree ended.
    pub fn exited(&mut self, at: Stamp, task: Task, status: Option<WaitStatus>) -> Option<CallId> {
        let id = self.owner(task.key)?;
        self.ends(task.key.tgid);
        let call = self.calls.get_mut(&id).map(Arc::make_mut)?;
        if let Some((helper, _)) = call.helper.filter(|(helper, _)| helper.key == task.key) {
            call.exited.get_or_insert((at, status));
            // It is born with the worker's name; a successful exec gives it a name of its own (fs/exec.c
            // `begin_new_exec`, 5.10 to 7.3).
            call.ran |= helper.comm != task.comm;
        }
        Some(id)
    }

    /// The kernel is done with a call (kernel/umh.c `umh_complete`, 5.10 to 7.3, or, instead of it, the end of the
    /// worker's function). If the caller waits for the helper's end, this happens in the worker, which has reaped the
    /// helper. Otherwise it happens in the helper itself, which has done its exec; the end of the worker's function
    /// then only shows that the helper was started.
    pub fn completed(&mut self, at: Stamp, task: Task, address: Option<CallAddress>) -> Option<CallId> {
        if let Some(id) = self.unwaited_of(task.key, address) {
            self.calls.get_mut(&id).map(Arc::make_mut)?.completed.get_or_insert(at);
            return Some(id);
        }
        let picked = self.by_worker.remove(&task.tid);
        let id = picked.or_else(|| self.unpicked(address?))?;
        // The requester may have returned first, and the call may be forgotten: then nothing changes.
        if let Some(call) = self.calls.get_mut(&id).filter(|call| call.entry.wait == Wait::Proc).map(Arc::make_mut) {
            call.completed.get_or_insert(at);
            self.bury(id);
        }
        Some(id)
    }

    /// The call at the address whose helper this process is, and whose caller does not wait for the helper's end.
    fn unwaited_of(&self, process: TaskKey, address: Option<CallAddress>) -> Option<CallId> {
        let call = self.calls.get(&self.owner(process)?)?;
        let own = call.helper.is_some_and(|(helper, _)| helper.key == process);
        (own && call.entry.wait != Wait::Proc && address == Some(call.entry.call)).then_some(call.id)
    }

    /// The call returned to its caller.
    pub fn returned(&mut self, at: Stamp, caller: Task, result: CallResult) -> Option<CallId> {
        let id = *self.by_caller.get(&caller.tid)?;
        // One that began before the call belongs to an earlier call, and came late.
        let own = |call: &&mut Arc<Call>| call.entered <= at && call.caller.key == caller.key;
        let call = self.calls.get_mut(&id).filter(own).map(Arc::make_mut)?;
        self.by_caller.remove(&caller.tid);
        call.returned.get_or_insert((at, result));
        // The caller has given the address back, unless the helper or the worker does so later.
        let address = call.entry.call;
        let goes_on = match result {
            CallResult::Failed(error) => error == Errno::ERESTARTSYS,
            CallResult::Status(_) => call.entry.wait == Wait::None,
        };
        if !goes_on && self.by_address.get(&address) == Some(&id) {
            self.by_address.remove(&address);
        }
        self.bury(id);
        Some(id)
    }

    /// The call that the thread waits in, as far as was seen.
    #[must_use]
    pub fn waiting(&self, thread: Tid) -> Option<&Arc<Call>> {
        self.calls.get(self.by_caller.get(&thread)?).filter(|call| call.entry.wait != Wait::None)
    }

    /// The caller's thread exits, and its return was not seen.
    pub fn caller_gone(&mut self, at: Stamp, caller: Task) -> Option<CallId> {
        let call = self.entered_by(caller)?;
        call.caller_gone.get_or_insert(at);
        let id = call.id;
        self.by_caller.remove(&caller.tid);
        Some(id)
    }

    /// The caller's thread is elsewhere, and its return was not seen.
    pub fn caller_left(&mut self, at: Stamp, caller: Task) -> Option<CallId> {
        let call = self.entered_by(caller)?;
        call.caller_left.get_or_insert(at);
        let id = call.id;
        self.by_caller.remove(&caller.tid);
        Some(id)
    }

    /// The call that the thread has entered. A call in a thread with the same number may be another process's.
    fn entered_by(&mut self, caller: Task) -> Option<&mut Call> {
        let id = self.by_caller.get(&caller.tid)?;
        self.calls.get_mut(id).filter(|call| call.caller.key == caller.key).map(Arc::make_mut)
    }

    /// Nothing more can happen to the call: its helper has ended or never existed, and its caller has returned.
    #[must_use]
    pub fn is_closed(&self, id: CallId) -> bool {
        let Some(call) = self.calls.get(&id) else {
            return true;
        };
        // A killed caller leaves its call in the queue: the helper may still be born.
        let error = call.returned.and_then(|(_, result)| result.error());
        let refused = error.is_some_and(|error| error != Errno::ERESTARTSYS);
        let never_born = call.helper.is_none() && (refused || call.completed.is_some());
        !call.is_waited_in() && (never_born || call.gone().is_some()) && !self.alive(id)
    }

    /// Drops a call that is over.
    pub fn forget(&mut self, id: CallId) {
        let Some(call) = self.calls.remove(&id) else { return };
        self.bytes -= call.entry.weight();
        self.touched.extend(call.request);
        self.hidden.remove(&id);
        if self.by_address.get(&call.entry.call) == Some(&id) {
            self.by_address.remove(&call.entry.call);
        }
        if self.by_caller.get(&call.caller.tid) == Some(&id) {
            self.by_caller.remove(&call.caller.tid);
        }
        for process in self.living.remove(&id).into_iter().flatten() {
            self.members.remove(&process);
        }
    }

    /// The call at the address, if no worker has been seen to take it up.
    fn unpicked(&self, address: CallAddress) -> Option<CallId> {
        let id = *self.by_address.get(&address)?;
        self.calls.get(&id).filter(|call| call.picked.is_none()).map(|call| call.id)
    }
}

impl Helpers {
    /// Calls whose caller is inside `call_usermodehelper_exec`. If returns can be missed, a call whose helper ended
    /// long ago does not count.
    pub fn inside(&self, at: Stamp) -> Vec<Arc<Call>> {
        let long_over = |call: &Call| {
            let over = call.gone().or(call.completed);
            call.entry.wait == Wait::None || over.is_some_and(|over| at.mono.since(over.mono) >= RETURNS_WITHIN)
        };
        let inside = |call: &&Arc<Call>| call.is_waited_in() && !self.is_hidden(call.id) && !long_over(call);
        self.calls.values().filter(inside).cloned().collect()
    }

    /// Calls that have a live process.
    pub fn all_alive(&self) -> Vec<Arc<Call>> {
        let shown = self.living.keys().filter(|call| !self.is_hidden(**call));
        shown.filter_map(|call| self.calls.get(call)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::answer::{CallResult, ReturnCode, WaitStatus};
    use crate::entities::Verdict;
    use crate::event::{Moment, Task, Wait};
    use crate::testing::{Scenario, asked, entered, stamp, worker};
    use trace_common::ids::CallAddress;

    const CALL: CallAddress = CallAddress(413);
    const ALIAS: &str = "net-pf-29";

    fn helper() -> Task {
        Task::new(413, 413, 10_900, "modprobe")
    }

    /// A thread calls, and returns at once with `result` from a helper that runs on; the completion is in `completer`.
    fn called(scenario: &mut Scenario, caller: Task, wait: Wait, completer: Task, result: i32) {
        let words = ["/sbin/modprobe", "-q", "--", ALIAS];
        scenario.probe(10_100, caller, Moment::CallEntered(entered(CALL, wait, &words).into()));
        scenario.probe(10_300, worker(413), Moment::CallPicked { call: CALL });
        scenario.probe(10_900, helper(), Moment::Born { call: CALL });
        scenario.probe(12_000, helper(), Moment::Executed { result: ReturnCode(result), program: None });
        scenario.probe(12_100, completer, Moment::Completed { call: Some(CALL) });
        scenario.probe(12_200, caller, Moment::CallReturned { result: CallResult::from_return(result) });
    }

    #[test]
    fn a_call_that_waits_for_exec_is_completed_by_its_helper_and_open_until_its_end() {
        let mut scenario = Scenario::default();
        let requester = Task::new(412, 412, 5, "ping");
        scenario.probe(10_000, requester, Moment::Requested(asked(ALIAS).into()));
        called(&mut scenario, requester, Wait::Exec, helper(), 0);
        scenario.until(5_000_000);
        let request = scenario.request(1);
        assert_eq!(request.call.as_ref().and_then(|call| call.completed), Some(stamp(12_100)));
        assert_eq!(request.call.as_ref().and_then(|call| call.reaped()), None);
        assert!(!request.closed, "its helper still runs");
        scenario.probe(5_100_000, helper(), Moment::Exited { status: Some(WaitStatus::SUCCESS) });
        scenario.until(5_200_000);
        assert_eq!(scenario.request(1).verdict, Verdict::Unwaited);
        assert_eq!(scenario.model().counts().unmatched, 0);
    }

    #[test]
    fn an_exec_that_fails_completes_the_call_too() {
        let mut scenario = Scenario::default();
        let requester = Task::new(412, 412, 5, "ping");
        scenario.probe(10_000, requester, Moment::Requested(asked(ALIAS).into()));
        called(&mut scenario, requester, Wait::Exec, helper(), -2);
        scenario.probe(12_300, helper(), Moment::Exited { status: Some(WaitStatus::SUCCESS) });
        scenario.until(100_000);
        assert_eq!(scenario.request(1).verdict, Verdict::HelperMissing);
        assert_eq!(scenario.model().counts().unmatched, 0);
    }

    #[test]
    fn a_call_that_nobody_waits_for_is_completed_by_its_helper() {
        let mut scenario = Scenario::default();
        called(&mut scenario, Task::new(9, 9, 1, "kworker/0:1"), Wait::None, helper(), 0);
        scenario.until(100_000);
        let completed: Vec<_> = scenario.model().calls().map(|call| call.completed).collect();
        assert_eq!(completed, [Some(stamp(12_100))]);
        assert_eq!(scenario.model().counts().unmatched, 0);
    }

    #[test]
    fn the_worker_that_started_a_helper_is_not_its_end() {
        // If `umh_complete` cannot be seen, the worker's function returns when the helper has been started.
        let mut scenario = Scenario::default();
        called(&mut scenario, Task::new(9, 9, 1, "kworker/0:1"), Wait::None, worker(413), 0);
        scenario.until(100_000);
        let completed: Vec<_> = scenario.model().calls().map(|call| call.completed).collect();
        assert_eq!(completed, [None]);
        assert_eq!(scenario.model().counts().unmatched, 0);
    }
}

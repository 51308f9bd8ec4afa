//! What a requester does: it asks, is turned away or leaves, enters a helper call and returns from it.
//!
//! In: these moments. Out: the request that each belongs to, as it is now.

use super::fresh;
use crate::answer::{CallResult, ReturnCode};
use crate::correlate::Correlator;
use crate::entities::{CallId, Change, Gap, Request, RequestId, TurnedAway};
use crate::event::{CallEntered, Captured, Requested, Stamp, Task, Wait};
use std::sync::Arc;

impl Correlator {
    pub(in crate::correlate) fn requested(
        &mut self,
        at: Stamp,
        task: Task,
        asked: &Arc<Requested>,
        out: &mut Vec<Change>,
    ) {
        if let Some(before) = self.requests.last_of(task.tid) {
            // The thread asks again, so the return of its earlier request was not seen.
            self.requests.leave(task.tid);
            self.caller_left(at, task, out);
            let request = self.requests.get(before);
            match request.and_then(|request| request.call.as_deref()) {
                Some(call) if self.helpers.goes_on(call) => {}
                Some(_) if request.is_some_and(|request| self.awaits_live(request)) => {}
                Some(_) => self.close(before, Some(Gap::ReturnUnseen), out),
                // It seems to be turned away, but it may still get what others' helpers work for.
                None if self.requests.awaits_others(before, at) => {}
                None => self.close(before, Some(Gap::NothingFollowed), out),
            }
        }
        let id = self.requests.next_id();
        let mut request = fresh(id, at, task, asked);
        let alias = asked.alias.text();
        request.resolution = alias.and_then(|alias| self.resolutions.get(alias)).map(|(_, known)| known.clone());
        let owner = self.helpers.owner(task.key).and_then(|call| self.helpers.call(call));
        request.parent = owner.and_then(|call| call.request);
        let parent = request.parent.and_then(|parent| self.requests.get(parent));
        request.of_command = self.of_command || parent.is_some_and(|parent| parent.of_command);
        self.unserved.opened(&request);
        self.requests.open(request);
        while let Some(surplus) = self.requests.surplus() {
            out.push(Change::Capped);
            self.close(surplus, Some(Gap::EventsLost), out);
        }
        self.settle(id, out);
    }

    /// The thread's request got its slot.
    pub(in crate::correlate) fn admitted(&mut self, at: Stamp, task: Task, out: &mut Vec<Change>) {
        let request = self.requests.of(task).and_then(|id| self.requests.get_mut(id));
        let Some(request) = request else { return out.push(Change::Unmatched) };
        request.admitted.get_or_insert(at);
        let id = request.id;
        self.requests.look_again(id, self.now);
        self.requests.changed(id);
        self.report(id, out);
    }

    /// The thread enters a helper call.
    pub(in crate::correlate) fn call_entered(
        &mut self,
        at: Stamp,
        task: Task,
        entered: &Arc<CallEntered>,
        out: &mut Vec<Change>,
    ) {
        let request = self.requests.of(task);
        let request = request.filter(|id| self.requests.get(*id).is_some_and(|open| serves(open, entered)));
        let first = request.and_then(|id| self.requests.get(id)).filter(|_| entered.wait == Wait::Proc);
        let left_alone = first.map(|first| self.firsts.waits(first)).unwrap_or_default();
        left_alone.into_iter().for_each(|follower| self.settle(follower, out));
        let call = self.helpers.entered(at, task, entered, request);
        if self.is_own(&task) {
            return self.helpers.hide(call);
        }
        if let Some(call) = self.helpers.call(call) {
            self.suspends.call_entered(call);
        }
        self.call_changed(Some(call), out);
    }

    /// The thread's request ended before it had a helper call.
    pub(in crate::correlate) fn turned_away(
        &mut self,
        at: Stamp,
        task: Task,
        by: (TurnedAway, ReturnCode),
        out: &mut Vec<Change>,
    ) {
        let request = self.requests.of(task).and_then(|id| self.requests.get_mut(id));
        // A request that was admitted does not wait for a slot: what ended is another wait of its thread.
        let fits = |request: &&mut Request| {
            request.call.is_none()
                && request.asked <= at
                && (by.0 != TurnedAway::Throttled || request.admitted.is_none())
        };
        let Some(request) = request.filter(fits) else {
            return out.push(Change::Unmatched);
        };
        request.turned_away = Some(by.0);
        if by.0 == TurnedAway::Deduplicated {
            let alias = request.requested.alias.text();
            request.deduplicated_by = alias.and_then(|alias| self.firsts.of(alias, request.asked));
        }
        request.returned.get_or_insert(at);
        request.result.get_or_insert(CallResult::from_return(by.1.0));
        let id = request.id;
        self.requests.leave(task.tid);
        self.settle(id, out);
    }

    /// The thread is gone: its request and its call are over.
    pub(in crate::correlate) fn caller_gone(&mut self, at: Stamp, task: Task, out: &mut Vec<Change>) {
        let call = self.helpers.caller_gone(at, task);
        self.requests.own_ended(&task);
        let request = self.requests.of(task);
        if request.is_some() {
            self.requests.leave(task.tid);
        }
        match call {
            Some(call) => self.call_changed(Some(call), out),
            None => self.requester_gone(at, request, out),
        }
    }

    /// The thread is elsewhere: the return of the call that it waited in was not seen.
    pub(in crate::correlate) fn caller_left(&mut self, at: Stamp, caller: Task, out: &mut Vec<Change>) {
        let Some(call) = self.helpers.caller_left(at, caller) else { return };
        if self.requests.of(caller).is_some() {
            self.requests.leave(caller.tid);
        }
        self.call_changed(Some(call), out);
    }

    /// The requester's thread exited while its request was open without a helper call.
    fn requester_gone(&mut self, at: Stamp, request: Option<RequestId>, out: &mut Vec<Change>) {
        let Some(id) = request else { return };
        // It may have been denied and have run to its end; a request that was admitted no longer waited for a slot.
        let killed =
            |request: &&mut Request| request.call.is_none() && request.admitted.is_none() && !self.misses_denials;
        if let Some(request) = self.requests.get_mut(id).filter(killed) {
            request.requester_gone = Some(at);
        }
        let is_unanswered = |request: &Request| request.admitted.is_some() && request.call.is_none();
        if self.firsts.is_on() && self.requests.get(id).is_some_and(is_unanswered) {
            return self.close(id, Some(Gap::NothingFollowed), out);
        }
        self.settle(id, out);
    }

    pub(in crate::correlate) fn returned(
        &mut self,
        at: Stamp,
        task: Task,
        call: Option<CallId>,
        result: CallResult,
        out: &mut Vec<Change>,
    ) {
        let Some(call) = call else {
            // The entry was lost: the thread's request is over, and no later call belongs to it.
            let open = self.requests.of(task).and_then(|id| self.requests.get(id));
            if let Some(id) = open.filter(|request| request.call.is_none() && request.asked <= at).map(|open| open.id) {
                self.close(id, Some(Gap::NothingFollowed), out);
            }
            return out.push(Change::Unmatched);
        };
        if let Some(request) = self.helpers.call(call).and_then(|call| call.request) {
            self.requests.leave(task.tid);
            if let Some(request) = self.requests.get_mut(request) {
                request.returned.get_or_insert(at);
                request.result.get_or_insert(result);
            }
        }
        self.call_changed(Some(call), out);
    }

    /// Takes what changed in a call to its request, or reports the call itself if it serves no request.
    pub(in crate::correlate) fn call_changed(&mut self, call: Option<CallId>, out: &mut Vec<Change>) {
        let Some(id) = call else {
            return out.push(Change::Unmatched);
        };
        let Some(call) = self.helpers.call(id).cloned() else {
            return;
        };
        if self.helpers.is_hidden(id) {
            if self.helpers.is_closed(id) {
                self.helpers.forget(id);
            }
            return;
        }
        self.suspends.call_changed(&call);
        match call.request.and_then(|request| self.requests.get_mut(request)) {
            Some(request) => {
                request.call = Some(call);
                let request = request.id;
                self.settle(request, out);
            }
            None => {
                if call.request.is_none() {
                    out.push(Change::Call(call));
                }
                if self.helpers.is_closed(id) {
                    self.helpers.forget(id);
                }
            }
        }
    }
}

/// Whether a call that the requester's thread enters is the request's own: it passes the alias on to modprobe
/// (kernel/module/kmod.c `call_modprobe`, 5.10 to 7.3). A thread whose request was turned away makes other calls.
fn serves(request: &Request, call: &CallEntered) -> bool {
    let passes_it_on = match (call.argv.get(3), &request.requested.alias) {
        (Some(Captured::Whole(passed)), Captured::Whole(alias)) => passed == alias,
        (Some(_), _) => true,
        // An argument vector that could not be read, or that does not look like modprobe's.
        (None, _) => call.argv.is_empty(),
    };
    request.call.is_none() && request.returned.is_none() && passes_it_on
}

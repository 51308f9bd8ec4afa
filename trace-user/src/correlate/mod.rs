//! Joins ordered events into requests, helper calls and loads, and decides verdicts.
//!
//! In: events in the order in which they happened (from [`crate::order`]). Out: [`Change`]s, each a whole value. Pure:
//! no I/O, no clock (time is what the events say), no threads, no globals; every container is ordered, so the same
//! events give the same changes. One file per rule: [`requests`] when a request is over, [`helpers`] which process
//! belongs to which call, [`loads`] the stages of a load, [`modules`] who is live, [`losses`] what may be missing.

pub mod helpers;
pub mod loads;
pub mod losses;
pub mod modules;
pub mod requests;
#[cfg(test)]
mod tests;

use crate::event::{
    Body, CallEntered, Captured, Event, Fact, Module, Moment, Probe, Requested, Resolution, Stamp, Task,
};
use crate::joined::{CallId, Change, Gap, Load, Request, RequestId, Verdict};
use crate::verdict;
use helpers::Helpers;
use loads::Loads;
use losses::Losses;
use modules::{Birth, Modules};
use requests::{Requests, State};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use trace_common::kind::Kind;

/// Resolutions kept: every alias a machine asks for in practice, and an end to those that a program makes up. More
/// than the live source remembers having told, so that what it does not tell again is known.
const RESOLUTIONS: usize = 65_536;

/// Loads kept of one request: no module has so many dependencies.
const LOADS: usize = 1_024;

/// The stage.
#[derive(Debug, Default)]
pub struct Correlator {
    requests: Requests,
    helpers: Helpers,
    loads: Loads,
    modules: Modules,
    losses: Losses,
    resolutions: BTreeMap<Arc<str>, Arc<Resolution>>,
    /// Their aliases, oldest first.
    resolved: VecDeque<Arc<str>>,
    may_miss_returns: bool,
    may_miss_inits: bool,
    now: Stamp,
}

impl Correlator {
    /// Takes one event; what it changes is appended to `out`.
    pub fn step(&mut self, event: Event, out: &mut Vec<Change>) {
        let at = event.at;
        if let Body::Fact(Fact::Resolved { alias, resolution }) = event.body {
            // Goes before what it is needed for, so its instant says nothing about how far time has come.
            return self.resolved(alias, resolution);
        }
        self.now = Stamp { mono: self.now.mono.max(at.mono), boot: self.now.boot.max(at.boot) };
        match event.body {
            Body::Probe(probe) => self.probe(at, &probe, out),
            Body::Fact(fact) => self.fact(at, fact, out),
        }
        for load in self.loads.take_surplus() {
            out.push(Change::Capped);
            self.tell_load(load, out);
        }
        out.extend((0..self.helpers.take_capped()).map(|_| Change::Capped));
    }

    fn resolved(&mut self, alias: Arc<str>, resolution: Arc<Resolution>) {
        if self.resolutions.insert(alias.clone(), resolution).is_none() {
            self.resolved.push_back(alias);
        }
        if self.resolved.len() > RESOLUTIONS
            && let Some(oldest) = self.resolved.pop_front()
        {
            self.resolutions.remove(&oldest);
        }
    }

    fn fact(&mut self, at: Stamp, fact: Fact, out: &mut Vec<Change>) {
        match &fact {
            Fact::Hooks(hooks) => {
                let may_miss = |moment| {
                    hooks.iter().any(|hook| hook.moment == moment && (hook.may_miss || hook.attached.is_none()))
                };
                self.may_miss_returns = may_miss(Kind::CallReturned);
                self.may_miss_inits = may_miss(Kind::InitEnded);
            }
            Fact::LiveModules(names) => self.modules.list(names, at),
            Fact::Lost { loss, count, until } => {
                self.losses.note(at.mono, *until);
                out.push(Change::Lost { loss: *loss, count: *count, at });
                return;
            }
            Fact::Tick => {
                for load in self.loads.unended(self.now, self.may_miss_inits) {
                    self.tell_load(load, out);
                }
                self.look_at_open(out);
                out.push(Change::Now(self.now));
                return;
            }
            Fact::End => self.close_all(out),
            Fact::Machine(_) | Fact::Resolved { .. } => {}
        }
        out.push(Change::Fact { fact, at });
    }

    fn probe(&mut self, at: Stamp, probe: &Probe, out: &mut Vec<Change>) {
        let task = probe.task;
        match &probe.moment {
            Moment::Requested(asked) => self.requested(at, task, asked, out),
            Moment::Admitted { .. } => {
                let request = self.requests.of(task.tid).and_then(|id| self.requests.get_mut(id));
                let Some(request) = request else { return out.push(Change::Unmatched) };
                request.admitted.get_or_insert(at);
                let id = request.id;
                self.tell(id, out);
            }
            Moment::CallEntered(entered) => {
                let request = self.requests.of(task.tid);
                let request = request.filter(|id| self.requests.get(*id).is_some_and(|open| serves(open, entered)));
                let call = self.helpers.entered(at, task, entered, request);
                self.call_changed(Some(call), out);
            }
            Moment::CallReturned { result } => {
                let call = self.helpers.returned(at, task.tid, *result);
                self.returned(at, task, call, *result, out);
            }
            Moment::CallPicked { call } => {
                let call = self.helpers.picked(at, task.tid, *call);
                self.call_changed(call, out);
            }
            Moment::Born { call } => {
                let call = self.helpers.born(at, task, *call);
                self.call_changed(call, out);
            }
            Moment::Executed { result } => {
                let call = self.helpers.executed(at, task.key, *result);
                self.call_changed(call, out);
            }
            Moment::Completed { call } => {
                let call = self.helpers.completed(at, task.tid, *call);
                self.call_changed(call, out);
            }
            Moment::CallerGone => {
                let call = self.helpers.caller_gone(at, task.tid);
                self.requests.leave(task.tid);
                self.call_changed(call, out);
            }
            Moment::Forked { child } => {
                let call = self.helpers.forked(task.key, *child);
                self.call_changed(call, out);
            }
            Moment::Exited { status } => {
                let call = self.helpers.exited(at, task.key, *status);
                if let Some(load) = self.loads.abandoned(task.tid) {
                    self.tell_load(load, out);
                }
                self.call_changed(call, out);
            }
            Moment::LoadBegan { .. }
            | Moment::LoadEnded { .. }
            | Moment::ImageRead { .. }
            | Moment::Coming(_)
            | Moment::InitBegun(_)
            | Moment::InitEnded { .. }
            | Moment::Live(_)
            | Moment::Going(_)
            | Moment::Freed(_) => self.load_moment(at, task, &probe.moment, out),
        }
    }

    fn requested(&mut self, at: Stamp, task: Task, asked: &Requested, out: &mut Vec<Change>) {
        if let Some(before) = self.requests.of(task.tid) {
            // The thread asks again, so what it asked before has returned unseen.
            self.requests.leave(task.tid);
            let gap = match self.requests.get(before).and_then(|request| request.call.as_ref()) {
                Some(_) => Gap::ReturnUnseen,
                None => Gap::NothingFollowed,
            };
            self.close(before, Some(gap), out);
        }
        let id = self.requests.next_id();
        let mut request = requests::fresh(id, task, asked);
        let alias = asked.alias.text();
        request.resolution = alias.and_then(|alias| self.resolutions.get(alias)).cloned();
        let owner = self.helpers.owner(task.key).and_then(|call| self.helpers.call(call));
        request.parent = owner.and_then(|call| call.request);
        if let Some(result) = asked.lsm_result.filter(|result| *result != 0) {
            request.returned = Some(at);
            request.result = Some(result);
        }
        self.requests.open(at, task, asked, request);
        if let Some(surplus) = self.requests.surplus() {
            out.push(Change::Capped);
            self.close(surplus, Some(Gap::EventsLost), out);
        }
        self.settle(id, out);
    }

    fn returned(&mut self, at: Stamp, task: Task, call: Option<CallId>, result: i32, out: &mut Vec<Change>) {
        let Some(call) = call else {
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

    /// Takes a call's news to its request, or tells of the call itself where it serves none.
    fn call_changed(&mut self, call: Option<CallId>, out: &mut Vec<Change>) {
        let Some(id) = call else {
            return out.push(Change::Unmatched);
        };
        let Some(call) = self.helpers.call(id).map(|call| Arc::new(call.clone())) else {
            return;
        };
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
                if self.helpers.is_over(id) {
                    self.helpers.forget(id);
                }
            }
        }
    }

    fn load_moment(&mut self, at: Stamp, task: Task, moment: &Moment, out: &mut Vec<Change>) {
        let thread = task.tid;
        match moment {
            Moment::LoadBegan { syscall } => {
                let request = self.request_of(task);
                if let Some(unended) = self.loads.began(at, task, Some(*syscall), request) {
                    self.tell_load(unended, out);
                }
            }
            Moment::ImageRead { bytes } => {
                self.expect_load(at, task);
                self.loads.image(thread, *bytes);
            }
            Moment::Coming(module) => {
                self.expect_load(at, task);
                self.loads.coming(at, thread, module);
            }
            Moment::InitBegun(module) => {
                self.expect_load(at, task);
                self.loads.init_begun(at, thread, module);
            }
            Moment::InitEnded { result } => self.loads.init_ended(at, thread, *result),
            Moment::Live(module) => {
                self.expect_load(at, task);
                self.loads.live(at, thread, module);
                if let Some(name) = module.name.text() {
                    self.modules.live(name, Birth { at, task, request: self.request_of(task) });
                }
            }
            Moment::LoadEnded { result, .. } => match self.loads.ended(at, thread, *result) {
                Some(load) => return self.tell_load(load, out),
                None => return out.push(Change::Unmatched),
            },
            Moment::Going(module) | Moment::Freed(module) => return self.going(at, module),
            Moment::Requested(_)
            | Moment::Admitted { .. }
            | Moment::CallEntered(_)
            | Moment::CallReturned { .. }
            | Moment::CallPicked { .. }
            | Moment::Born { .. }
            | Moment::Executed { .. }
            | Moment::Completed { .. }
            | Moment::CallerGone
            | Moment::Forked { .. }
            | Moment::Exited { .. } => return,
        }
        if let Some(load) = self.loads.of(thread).cloned() {
            self.tell_load(load, out);
        }
    }

    /// A stage of a load whose beginning was not seen begins it.
    fn expect_load(&mut self, at: Stamp, task: Task) {
        if self.loads.of(task.tid).is_none() {
            let request = self.request_of(task);
            self.loads.began(at, task, None, request);
        }
    }

    fn going(&mut self, at: Stamp, module: &Module) {
        if let Some(name) = module.name.text() {
            self.modules.gone(name, at);
        }
    }

    /// The request whose helper's tree the task belongs to.
    fn request_of(&self, task: Task) -> Option<RequestId> {
        self.helpers.owner(task.key).and_then(|call| self.helpers.call(call)).and_then(|call| call.request)
    }

    fn tell_load(&mut self, load: Load, out: &mut Vec<Change>) {
        let load = Arc::new(load);
        out.push(Change::Load(load.clone()));
        let Some(request) = load.request.and_then(|id| self.requests.get_mut(id)) else {
            return;
        };
        let kept = request.loads.len();
        match request.loads.iter_mut().find(|known| known.id == load.id) {
            Some(known) => *known = load,
            None if kept < LOADS => request.loads.push(load),
            None => out.push(Change::Capped),
        }
        let lost = request.loads.iter().filter(|load| load.lost_to_another()).count();
        request.duplicates.same_file = u32::try_from(lost).unwrap_or(u32::MAX);
        let id = request.id;
        self.settle(id, out);
    }

    /// Closes the request if it is over; tells how it stands otherwise.
    fn settle(&mut self, id: RequestId, out: &mut Vec<Change>) {
        match self.state(id) {
            Some(State::Over) => self.close(id, None, out),
            Some(State::OverWith(gap)) => self.close(id, Some(gap), out),
            Some(State::Open) => self.tell(id, out),
            None => {}
        }
    }

    fn state(&self, id: RequestId) -> Option<State> {
        let request = self.requests.get(id)?;
        let may_miss = self.may_miss_returns || self.lost_during(request);
        Some(requests::state(request, &self.helpers, self.now, may_miss))
    }

    /// Time has passed: some requests may be over by it.
    fn look_at_open(&mut self, out: &mut Vec<Change>) {
        for id in self.requests.ids() {
            if self.state(id) != Some(State::Open) {
                self.settle(id, out);
            }
        }
    }

    fn tell(&mut self, id: RequestId, out: &mut Vec<Change>) {
        if let Some(request) = self.requests.get(id) {
            out.push(Change::Request(Arc::new(request.clone())));
        }
    }

    /// Decides the request's verdict and lets go of it.
    fn close(&mut self, id: RequestId, gap: Option<Gap>, out: &mut Vec<Change>) {
        let Some(mut request) = self.requests.take(id) else { return };
        let lost = self.lost_during(&request);
        request.gaps.extend(gap);
        if lost {
            request.gaps.push(Gap::EventsLost);
        }
        self.judge(&mut request, gap, lost);
        request.ended = true;
        self.requests.closed(id);
        if let Some(call) = &request.call
            && (self.helpers.is_over(call.id) || gap == Some(Gap::ReturnUnseen))
        {
            self.helpers.forget(call.id);
        }
        out.push(Change::Request(Arc::new(request)));
    }

    fn judge(&self, request: &mut Request, gap: Option<Gap>, lost: bool) {
        if gap == Some(Gap::NothingFollowed) {
            // Turned away is who found all slots taken, was not denied, and got none in time; else it is not known.
            let waited = self.now.mono.since(request.asked.mono) >= requests::SLOT_TIMEOUT;
            let asked_in_vain = request.admitted.is_none() && request.lsm_result == Some(0) && waited;
            let turned_away = asked_in_vain && self.requests.found_all_taken(request.id) && !lost;
            request.verdict = if turned_away { Verdict::Throttled } else { Verdict::Incomplete };
            return;
        }
        let decision = verdict::decide(request, &self.modules, self.now, lost);
        request.verdict = decision.verdict;
        request.live = decision.live;
        request.satisfied_by = decision.satisfied_by;
        let known = request.resolution.as_ref().is_some_and(|resolution| resolution.known);
        if request.verdict == Verdict::Incomplete && !known {
            request.gaps.push(Gap::AliasUnknown);
        }
    }

    /// The source stopped without its end: everything that is open is closed as it stands.
    pub fn cut(&mut self, out: &mut Vec<Change>) {
        self.close_all(out);
    }

    /// Tracing ends: what has not returned stays in flight, and what still could change is judged with that doubt.
    fn close_all(&mut self, out: &mut Vec<Change>) {
        self.look_at_open(out);
        for id in self.requests.ids() {
            let Some(mut request) = self.requests.take(id) else { continue };
            request.gaps.push(Gap::TracingEnded);
            if request.returned.is_some() {
                self.judge(&mut request, None, true);
            }
            request.ended = true;
            out.push(Change::Request(Arc::new(request)));
        }
    }

    fn lost_during(&self, request: &Request) -> bool {
        self.losses.overlap(request.asked.mono, self.now.mono)
    }
}

/// Whether a call that the requester's thread enters is the request's own: it passes the alias on to modprobe
/// (kernel/module/kmod.c `call_modprobe`, 5.10 to 7.3). A thread whose request was turned away makes other calls.
fn serves(request: &Request, call: &CallEntered) -> bool {
    let passes_it_on = match (call.argv.get(3), &request.alias) {
        (Some(Captured::Whole(passed)), Captured::Whole(alias)) => passed == alias,
        (Some(_), _) => true,
        // A vector that could not be read, or nothing like modprobe's.
        (None, _) => call.argv.is_empty(),
    };
    request.call.is_none() && request.returned.is_none() && passes_it_on
}

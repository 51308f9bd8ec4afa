//! The open requests, and when one is over.
//!
//! A request lives in one thread, the requester's, from the security hook to its return, and a thread has one request
//! at a time. Nested requests are in other threads (the loading task of the outer request's helper) and point to their
//! parent. A request is *over* when nothing that is still to come can change what is reported of it. A request that
//! waits is over when it has returned and no process of its helper's tree is left to load anything; an abandoned or
//! unwaited one, when its helper has ended. If a return cannot be seen, the helper's own end is used instead, and the
//! gap is named.

mod closing;
mod crowds;
pub mod firsts;
mod full;
mod moments;
pub mod served;

use super::helpers::Helpers;
use crate::answer::{CallResult, Errno};
use crate::entities::{Call, Duplicates, Gap, Request, RequestId, SLOT_LIMIT, SLOTS, Slot, Verdict};
use crate::event::{Captured, Requested, Stamp, Task, Wait};
use crate::verdict;
use crowds::{Crowds, Places};
use full::Full;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use trace_common::ids::{TaskKey, Tid};
use trace_common::time::{Ktime, Nanos};

/// Requests that can be open at once. Beyond that, the oldest is closed as incomplete and counted.
pub const OPEN: usize = 65_536;
/// What they weigh, at most.
const OPEN_BYTES: usize = 64 * 1024 * 1024;

/// Threads of modtrail's own, and of other modtrails' self-tests, that are known at once.
const OWN: usize = 64;

/// How long after a request's return descendants of its helper may still make the module live: a helper that daemonises
/// returns before its child loads.
pub const GRACE: Nanos = Nanos::from_secs(2);

/// How long after the helper's end a return that a probe may miss is awaited.
pub const RETURN_GRACE: Nanos = Nanos::from_secs(3);

/// How long after it was asked for a request that was turned away still follows what becomes of its module.
const AFTERMATH: Nanos = Nanos::from_secs(60);

/// How long the kernel waits for a slot (`MAX_KMOD_ALL_BUSY_TIMEOUT`, kernel/module/kmod.c, 5.10 to 7.3).
pub const SLOT_TIMEOUT: Nanos = Nanos::from_secs(5);

/// How long after its caller's death a helper can still be born: kernel workers may be short, and a suspend may delay
/// them.
const UNBORN: Nanos = Nanos::from_secs(60);

/// The open requests.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    open: BTreeMap<RequestId, Box<Open>>,
    /// What they weigh.
    bytes: usize,
    by_tid: BTreeMap<Tid, RequestId>,
    /// The open requests that were asked for while all slots were taken.
    found_all_taken: BTreeSet<RequestId>,
    /// Threads of modtrail's, or of another modtrail's self-test, that have a request open: it takes a slot but is not
    /// counted.
    own: BTreeMap<(TaskKey, Tid), Ktime>,
    crowds: Crowds,
    /// How many hold a slot.
    held: usize,
    full: Full,
    /// Those that wait for a slot, by when they asked: a wait whose end is not seen is given up.
    waiting: BTreeSet<(Ktime, RequestId)>,
    /// How many have a helper call, by module, or by alias.
    at_work: BTreeMap<Work, usize>,
    /// When time alone may change each, soonest first.
    due: BTreeSet<(Ktime, RequestId)>,
    /// Those that the actions of others may change.
    restless: BTreeSet<RequestId>,
    /// Those that changed since the last tick.
    changed: BTreeSet<RequestId>,
    last: u64,
}

/// An open request, with what is kept beside it.
#[derive(Clone, Debug)]
struct Open {
    request: Request,
    places: Places,
    /// Whether it holds a slot or waits for one.
    slot: Option<Slot>,
    /// Its return is known.
    is_returned: bool,
    /// What its helper works for, if it has a helper call.
    works: Vec<Work>,
    /// The soonest instant in `due`.
    due: Option<Ktime>,
    /// It has not changed since it was last reported.
    is_reported: bool,
}

/// What a helper works for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Module(Arc<str>),
    Alias(Captured),
}

/// Whether a request can still change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Something is still to come.
    Open,
    /// Nothing is, and all of it was seen.
    Closed,
    /// Nothing is expected any more, but the end was not seen.
    ClosedWith(Gap),
}

impl Requests {
    /// What those that can still change weigh.
    #[must_use]
    pub const fn weight(&self) -> usize {
        self.bytes
    }

    /// Opens a request and counts those that ask for the same thing at the same time, in both.
    pub fn open(&mut self, request: Request) -> RequestId {
        let id = request.id;
        self.give_up_waits(request.asked);
        // The end of a request may not have been seen.
        self.own.retain(|_, began| request.asked.mono.since(*began) < AFTERMATH);
        let waiting = self.own.len() + self.crowds.inside();
        if waiting >= SLOTS {
            self.found_all_taken.insert(id);
        }
        let places = self.crowds.come(&request);
        self.by_tid.insert(request.task.tid, id);
        // That it waits for a slot is reported when it is first checked.
        let open =
            Open { request, places, slot: None, is_returned: false, works: Vec::new(), due: None, is_reported: false };
        self.bytes += asked_weight(&open.request);
        self.open.insert(id, Box::new(open));
        id
    }

    /// The end of a wait for a slot was not seen if the wait is longer than the kernel allows.
    fn give_up_waits(&mut self, now: Stamp) {
        while let Some((asked, id)) = self.waiting.first().copied() {
            if now.mono.since(asked) < SLOT_LIMIT {
                break;
            }
            self.waiting.pop_first();
            self.look_again(id, now);
        }
    }

    /// The request may have changed: updates its counts. Returns whether it took or gave back a slot, began or ended
    /// its wait for one, or returned.
    pub fn look_again(&mut self, id: RequestId, now: Stamp) -> bool {
        let Some(open) = self.open.get_mut(&id) else { return false };
        let slot = open.request.slot(now);
        let is_returned = open.request.returned.is_some();
        let changed = open.slot != slot || open.is_returned != is_returned;
        open.is_returned = is_returned;
        self.crowds.set_inside(&mut open.places, slot.is_some());
        let before = std::mem::replace(&mut open.slot, slot);
        if before != slot {
            let wait = (open.request.asked.mono, id);
            if slot == Some(Slot::Waiting) {
                self.waiting.insert(wait)
            } else {
                self.waiting.remove(&wait)
            };
        }
        if open.works.is_empty() && open.request.call.is_some() {
            open.works = open.request.module().cloned().map(Work::Module).into_iter().collect();
            open.works.push(Work::Alias(open.request.requested.alias.clone()));
            for work in &open.works {
                *self.at_work.entry(work.clone()).or_default() += 1;
            }
        }
        self.holds(before, slot, now.mono);
        changed
    }

    /// A request took a slot, or gave it back.
    fn holds(&mut self, before: Option<Slot>, after: Option<Slot>, now: Ktime) {
        self.held -= usize::from(before == Some(Slot::Held));
        self.held += usize::from(after == Some(Slot::Held));
        self.full.set(self.held + self.own.len() >= SLOTS, now);
    }

    /// Whether helpers of other open requests work for the same module, or for the same alias if it resolves to none.
    fn others_at_work(&self, open: &Open) -> bool {
        let work = match open.request.module() {
            Some(module) => Work::Module(module.clone()),
            None => Work::Alias(open.request.requested.alias.clone()),
        };
        self.at_work.get(&work).copied().unwrap_or(0) > usize::from(open.works.contains(&work))
    }

    /// Whether the request waited for a slot as long as one can, and helpers of others work for the same thing; limited
    /// in time.
    #[must_use]
    pub fn awaits_others(&self, id: RequestId, now: Stamp) -> bool {
        let waited = |open: &Open| (SLOT_TIMEOUT..AFTERMATH).contains(&now.mono.since(open.request.asked.mono));
        self.open.get(&id).is_some_and(|open| waited(open) && self.others_at_work(open))
    }

    /// Notes when the request has to be checked again: at `due` (`None`: not by time alone), and with each tick if it
    /// is `restless`, since the actions of others may change it.
    pub fn schedule(&mut self, id: RequestId, due: Option<Ktime>, restless: bool) {
        let Some(open) = self.open.get_mut(&id) else { return };
        if let Some(due) = due.filter(|due| open.due.is_none_or(|before| *due < before)) {
            open.due = Some(due);
            self.due.insert((due, id));
        }
        if restless {
            self.restless.insert(id)
        } else {
            self.restless.remove(&id)
        };
    }

    /// The requests that have to be checked now because they changed, their time has come, or they are restless.
    #[must_use]
    pub fn take_due(&mut self, now: Ktime) -> BTreeSet<RequestId> {
        let mut ids = std::mem::take(&mut self.changed);
        ids.extend(&self.restless);
        while let Some((due, id)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            self.due.pop_first();
            // A request that was moved forward is listed twice.
            if let Some(open) = self.open.get_mut(&id).filter(|open| open.due == Some(due)) {
                open.due = None;
                ids.insert(id);
            }
        }
        ids
    }

    /// The request as it is now, to be reported.
    #[must_use]
    pub fn reported(&mut self, id: RequestId) -> Option<Request> {
        let open = self.open.get_mut(&id)?;
        open.is_reported = true;
        let mut request = open.request.clone();
        (request.duplicates.same_alias, request.duplicates.same_module) = self.crowds.met(&open.places);
        Some(request)
    }

    /// The request changed: it is reported with the next tick, if not before.
    pub fn changed(&mut self, id: RequestId) {
        if let Some(open) = self.open.get_mut(&id) {
            open.is_reported = false;
            self.changed.insert(id);
        }
    }

    /// Whether the request, if it is open, was reported as it is.
    #[must_use]
    pub fn is_reported(&self, id: RequestId) -> bool {
        self.open.get(&id).is_none_or(|open| open.is_reported)
    }

    /// One of modtrail's own threads makes a request.
    pub fn own_began(&mut self, at: Stamp, task: Task) {
        self.own.insert((task.key, task.tid), at.mono);
    }

    /// Whether the thread has such a request open.
    pub fn is_own(&self, task: &Task) -> bool {
        self.own.contains_key(&(task.key, task.tid))
    }

    /// Whether one more would be known: beyond that, requests are shown like any other's.
    pub fn has_room_for_own(&self) -> bool {
        self.own.len() < OWN
    }

    /// The open request of modtrail's own thread, if it has one, is over.
    pub fn own_ended(&mut self, task: &Task) {
        self.own.remove(&(task.key, task.tid));
    }

    /// The number of the next request.
    pub fn next_id(&mut self) -> RequestId {
        self.last += 1;
        RequestId(self.last)
    }

    /// Whether all slots were taken when the request was asked, or while it can have waited: others may overtake it on
    /// the way.
    #[must_use]
    pub fn found_all_taken(&self, request: &Request) -> bool {
        let asked = request.asked.mono;
        self.found_all_taken.contains(&request.id) || self.full.was_within(asked, asked.plus(SLOT_TIMEOUT))
    }

    /// The request has been judged: nobody asks about it any more.
    pub fn closed(&mut self, id: RequestId) {
        self.found_all_taken.remove(&id);
    }

    /// The request that the thread has open. A request in a thread with the same number may belong to a process that is
    /// gone.
    #[must_use]
    pub fn of(&self, task: Task) -> Option<RequestId> {
        self.last_of(task.tid).filter(|id| self.get(*id).is_some_and(|open| open.task.key == task.key))
    }

    /// The request that a thread with this number was last seen to have open.
    #[must_use]
    pub fn last_of(&self, thread: Tid) -> Option<RequestId> {
        self.by_tid.get(&thread).copied()
    }

    /// The thread has gone on: its request is no longer open.
    pub fn leave(&mut self, thread: Tid) {
        self.by_tid.remove(&thread);
    }

    /// An open request.
    #[must_use]
    pub fn get(&self, id: RequestId) -> Option<&Request> {
        self.open.get(&id).map(|open| &open.request)
    }

    /// An open request, to be changed.
    pub fn get_mut(&mut self, id: RequestId) -> Option<&mut Request> {
        self.open.get_mut(&id).map(|open| &mut open.request)
    }

    /// Takes a request out: it is over.
    pub fn take(&mut self, id: RequestId, now: Stamp) -> Option<Request> {
        let Open { mut request, places, works, due, slot, .. } = *self.open.remove(&id)?;
        self.holds(slot, None, now.mono);
        self.bytes -= asked_weight(&request);
        (request.duplicates.same_alias, request.duplicates.same_module) = self.crowds.met(&places);
        self.crowds.go(places);
        self.waiting.remove(&(request.asked.mono, id));
        for work in works {
            if let Some(count) = self.at_work.get_mut(&work) {
                *count -= 1;
                if *count == 0 {
                    self.at_work.remove(&work);
                }
            }
        }
        due.map(|due| self.due.remove(&(due, id)));
        self.restless.remove(&id);
        self.changed.remove(&id);
        let thread = request.task.tid;
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

    /// The oldest, if too many are open.
    #[must_use]
    pub fn surplus(&self) -> Option<RequestId> {
        let is_full = self.open.len() > OPEN || self.bytes > OPEN_BYTES;
        self.open.keys().next().copied().filter(|_| is_full)
    }
}

/// What of a request does not change while it is open, in bytes.
fn asked_weight(request: &Request) -> usize {
    request.requested.weight() + request.resolution.as_ref().map_or(0, |resolution| resolution.weight())
}

/// A request that was just made, before anything else is known of it.
#[must_use]
pub fn fresh(id: RequestId, at: Stamp, task: Task, asked: &Arc<Requested>) -> Request {
    Request {
        id,
        task,
        of_command: false,
        requested: asked.clone(),
        asked: at,
        turned_away: None,
        requester_gone: None,
        admitted: None,
        call: None,
        loads: Vec::new(),
        returned: None,
        result: None,
        resolution: None,
        parent: None,
        live: None,
        gone: None,
        deduplicated_by: None,
        satisfied_by: None,
        served: None,
        verdict: Verdict::InFlight,
        gaps: Vec::new(),
        duplicates: Duplicates::default(),
        closed: false,
    }
}

/// Whether `request` is over at `now`. `may_miss_returns`: the hook that sees helper calls return does not see all.
#[must_use]
pub fn state(request: &Request, helpers: &Helpers, now: Stamp, may_miss_returns: bool, deduplicates: bool) -> State {
    let Some(call) = request.call.as_deref() else {
        return without_call(request, now, deduplicates);
    };
    match (request.returned, request.result) {
        (Some(returned), Some(result)) => after_return(request, call, helpers, (returned, result), now),
        (_, _) => without_return(call, helpers, now, may_miss_returns),
    }
}

/// A request without a helper call: turned away, given up by a requester that was killed in its wait for a slot (which
/// 5.10 and 6.1 allow), or still waiting: for a slot or, if the kernel deduplicates, for an earlier request.
fn without_call(request: &Request, now: Stamp, deduplicates: bool) -> State {
    let follows = deduplicates && request.admitted.is_some();
    let waited = !follows && now.mono.since(request.asked.mono) >= SLOT_LIMIT;
    match (request.turned_away, request.requester_gone) {
        (Some(_), _) => State::Closed,
        (None, Some(gone)) if gone.mono.since(request.asked.mono) < SLOT_TIMEOUT => {
            State::ClosedWith(Gap::ReturnUnseen)
        }
        (None, _) if waited => State::ClosedWith(Gap::NothingFollowed),
        (None, _) => State::Open,
    }
}

fn after_return(request: &Request, call: &Call, helpers: &Helpers, returned: (Stamp, CallResult), now: Stamp) -> State {
    let (at, result) = returned;
    let goes_on = match result {
        CallResult::Failed(error) => error == Errno::ERESTARTSYS,
        CallResult::Status(_) => call.entry.wait != Wait::Proc,
    };
    let over = if goes_on {
        // A worker that could not fork only reports it to a caller that waits.
        let unborn = call.picked.filter(|_| call.helper.is_none());
        let end = call.gone().or(unborn);
        helpers.is_closed(call.id) || since(end, now, GRACE)
    } else {
        // A module that it loaded itself is live, or nothing is left that could load one.
        let loading = request.loads.iter().any(|load| !load.closed);
        let live = request.loads.iter().any(|load| load.live.is_some() && !request.is_dependency(load));
        (live && !loading) || !helpers.alive(call.id) || now.mono.since(at.mono) >= GRACE
    };
    if over { State::Closed } else { State::Open }
}

fn without_return(call: &Call, helpers: &Helpers, now: Stamp, may_miss_returns: bool) -> State {
    let ended = call.gone();
    let helper_over = ended.is_some() && (!helpers.alive(call.id) || since(ended, now, GRACE));
    let waited = since(ended, now, RETURN_GRACE);
    let gone = call.caller_gone.or(call.caller_left).is_some();
    // A killed caller's helper may still be born, with a delay.
    let unborn = call.caller_gone.filter(|_| call.helper.is_none() && may_miss_returns);
    let left = since(call.left(), now, RETURN_GRACE) || since(unborn, now, UNBORN);
    if left || helper_over && (gone || (may_miss_returns && waited)) {
        State::ClosedWith(Gap::ReturnUnseen)
    } else {
        State::Open
    }
}

/// Whether `moment` is at least this long ago.
fn since(moment: Option<Stamp>, now: Stamp, long: Nanos) -> bool {
    moment.is_some_and(|at| now.mono.since(at.mono) >= long)
}

/// The next instant after `now` at which time alone may change [`state`], or what is awaited beside it; never too late.
#[must_use]
pub fn next_due(request: &Request, now: Stamp) -> Option<Ktime> {
    let asked = [SLOT_TIMEOUT, SLOT_LIMIT, AFTERMATH].map(|long| Some(request.asked.mono.plus(long)));
    let after = |moment: Option<Stamp>, long: Nanos| moment.map(|at| at.mono.plus(long));
    let call = request.call.as_deref();
    let gone = call.and_then(Call::gone);
    let of_call = [
        after(request.returned, GRACE),
        after(gone, GRACE),
        after(gone, RETURN_GRACE),
        after(call.and_then(|call| call.picked), GRACE),
        after(call.and_then(Call::left), RETURN_GRACE),
        after(call.and_then(|call| call.caller_gone), UNBORN),
        verdict::reported_until(request).map(|until| until.mono),
    ];
    asked.into_iter().chain(of_call).flatten().filter(|due| *due > now.mono).min()
}

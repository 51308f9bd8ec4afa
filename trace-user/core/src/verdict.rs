//! What became of a request: the rules, in their order.
//!
//! In: a request as far as it is joined, what is known of modules' lives, and whether events were lost in its time.
//! Out: a verdict, and whose load it was. Pure; the same input gives the same verdict.

use crate::answer::{CallResult, Errno, WaitStatus};
use crate::entities::{Call, Load, Request, SatisfiedBy, TurnedAway, Verdict};
use crate::event::{Stamp, Wait, Wanted};
use crate::lives::Lives;
use std::sync::Arc;
use trace_common::time::Nanos;

/// The longest that a requester takes to return from a helper that has ended: it waits for a processor.
const WAKE: Nanos = Nanos::from_millis(50);
/// How late the kernel may report that a module is live: it sets the module's state first (kernel/module/main.c
/// `do_init_module`, 5.10 to 7.3), and the thread may wait for a processor in between.
const REPORTED_LATE: Nanos = WAKE;
/// The same, if it is proven that the module was live.
const PROVEN_LATE: Nanos = Nanos::from_secs(2);

/// A verdict with its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What became of the request.
    pub verdict: Verdict,
    /// When the wanted module went live, if it did while the request or its helper was active.
    pub live: Option<Stamp>,
    /// Whose load it was, if it was another's.
    pub satisfied_by: Option<SatisfiedBy>,
}

/// When the module that a request made live, or that another's load did, was unloaded again, if that was before the
/// request returned.
#[must_use]
pub fn gone(request: &Request, decision: &Decision, lives: &Lives) -> Option<Stamp> {
    let (live, returned) = (decision.live?, request.returned?);
    let own = || request.loads.iter().rev().find(|load| load.live == Some(live))?.module.as_ref();
    let module = decision.satisfied_by.as_ref().map(|by| &by.module).or_else(own)?;
    lives.gone_by(module, live, returned)
}

/// What a loss can hide of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Doubt {
    /// Events were lost while it was open: a verdict that rests on something not seen is incomplete.
    pub open: bool,
    /// Events were lost between its helper call and the return, which may then belong to a later call of the thread.
    pub called: bool,
}

/// Decides what became of `request`, which has returned (or is known to be over) by `now`.
#[must_use]
pub fn decide(request: &Request, lives: &Lives, now: Stamp, doubt: Doubt) -> Decision {
    let own_live = own_live(request);
    let lost = doubt.open;
    // The return, or the requester's exit, may be what was lost: neither is proven.
    if lost && request.result.is_none() {
        return Decision { verdict: Verdict::Incomplete, live: own_live, satisfied_by: None };
    }
    // Nothing shows how the call ended.
    let left = request.call.as_ref().and_then(|call| call.left());
    if request.result.is_none() && left.is_some() {
        return afterwards(request, Verdict::Incomplete, lives, now);
    }
    if let Some(verdict) = by_return(request) {
        let verdict = if doubt.called && !is_started(request) { Verdict::Incomplete } else { verdict };
        return afterwards(request, verdict, lives, now);
    }
    if own_live.is_some() {
        return Decision { verdict: Verdict::Live, live: own_live, satisfied_by: None };
    }
    let until = returned_by(request, now);
    if let Some((live, satisfied_by)) = by_another(request, lives, until, reported_until(request)) {
        // If a birth or a fork was lost, the task that seems to belong to no helper may belong to this one. If the
        // module did not stay, this helper, or one whose birth was lost, may have loaded it again.
        let helper = request.call.as_ref().and_then(|call| call.helper);
        let stayed = helper.is_some() && lives.stayed_live(&satisfied_by.module, live, until);
        let is_sure = satisfied_by.request.is_some() && stayed;
        let verdict = if lost && !is_sure { Verdict::Incomplete } else { Verdict::SatisfiedByAnother };
        let satisfied_by = (verdict == Verdict::SatisfiedByAnother).then_some(satisfied_by);
        return Decision { verdict, live: Some(live), satisfied_by };
    }
    let verdict = if lost { Verdict::Incomplete } else { from_what_was_tried(request, lives) };
    Decision { verdict, live: None, satisfied_by: None }
}

/// The verdict of a request that the kernel answered with the result of the request `first`: that one's, but that the
/// module was loaded by another.
#[must_use]
pub fn deduplicated(request: &Request, first: Option<&Request>, lives: &Lives, lost: bool) -> Decision {
    let of = |verdict| Decision { verdict, live: None, satisfied_by: None };
    // Its own requester was killed, or that of the first.
    if request.result.and_then(CallResult::error) == Some(Errno::ERESTARTSYS) {
        return of(Verdict::Abandoned);
    }
    let Some(first) = first.filter(|_| !lost) else { return of(Verdict::Incomplete) };
    // The kernel gives the result for a minute, whatever becomes of the module.
    let returned = request.returned.unwrap_or(request.asked);
    let mut wanted = first.resolution.iter().flat_map(|resolution| &resolution.modules);
    let is_there = |wanted: &Wanted| wanted.built_in || lives.live_at(&wanted.name, returned);
    if first.verdict == Verdict::AlreadyLive && !wanted.any(is_there) {
        return of(Verdict::Hollow);
    }
    let Some(by) = loaded_for(first) else { return of(first.verdict) };
    if first.live.is_some_and(|live| lives.gone_by(&by.module, live, returned).is_some()) {
        return of(Verdict::Hollow);
    }
    let live = first.live.filter(|live| *live >= request.asked);
    Decision { verdict: Verdict::SatisfiedByAnother, live, satisfied_by: Some(by) }
}

/// Whose load made the module live that a request asked for; `None` if it did not get it by a load.
fn loaded_for(first: &Request) -> Option<SatisfiedBy> {
    if first.verdict != Verdict::Live {
        return first.satisfied_by.clone().filter(|_| first.verdict == Verdict::SatisfiedByAnother);
    }
    let load = first.loads.iter().rev().find(|load| load.live.is_some() && load.live == first.live)?;
    Some(SatisfiedBy { module: load.module.clone()?, task: load.task, request: Some(first.id) })
}

/// The verdict of a requester that went on before its helper's end, with what became of the wanted module after all.
#[must_use]
pub fn afterwards(request: &Request, verdict: Verdict, lives: &Lives, now: Stamp) -> Decision {
    if let Some(live) = own_live(request) {
        return Decision { verdict, live: Some(live), satisfied_by: None };
    }
    let another = by_another(request, lives, now, None).filter(|_| verdict != Verdict::Denied);
    let (live, satisfied_by) = another.unzip();
    Decision { verdict, live, satisfied_by }
}

/// Whether it only waits for its helper's exec, which was seen.
fn is_started(request: &Request) -> bool {
    let executed = request.call.as_ref().and_then(|call| call.executed);
    request.wait() != Some(Wait::Proc) && executed.is_some_and(|(_, result)| !result.failed())
}

/// Verdicts that the return alone proves, whatever the helper does.
fn by_return(request: &Request) -> Option<Verdict> {
    match request.turned_away {
        Some(TurnedAway::Denied) => return Some(Verdict::Denied),
        Some(TurnedAway::Throttled) => return Some(Verdict::Throttled),
        Some(TurnedAway::RefusedEarly) if request.result == Some(CallResult::Failed(Errno::ENOENT)) => {
            return Some(Verdict::HelperMissing);
        }
        Some(TurnedAway::RefusedEarly) => return Some(Verdict::Refused),
        Some(TurnedAway::Deduplicated) | None => {}
    }
    if request.requester_gone.is_some() {
        return Some(Verdict::Abandoned);
    }
    match (request.result, request.wait()) {
        (Some(CallResult::Failed(Errno::EBUSY)), _)
            if request.call.as_ref().is_some_and(|call| call.helper.is_none()) =>
        {
            Some(Verdict::Refused)
        }
        (Some(CallResult::Failed(Errno::ERESTARTSYS)), _) => Some(Verdict::Abandoned),
        (Some(CallResult::Status(_)), Some(Wait::Exec | Wait::None)) => Some(Verdict::Unwaited),
        (Some(_), _) => None,
        (None, _) => by_return_unseen(request.call.as_deref()?),
    }
}

/// What an unseen return must have been. A waiting requester only leaves before its helper's end if it is killed, and
/// then it exits. A requester that only waits for exec gets 0 if exec succeeds.
fn by_return_unseen(call: &Call) -> Option<Verdict> {
    let executed = call.executed.is_some_and(|(_, result)| !result.failed());
    // A worker that could not fork wakes the caller before the worker is seen to be done: the order proves nothing.
    if call.entry.wait == Wait::Proc && call.helper.is_none() && call.reaped().is_some() {
        return None;
    }
    let answered = match call.entry.wait {
        Wait::Proc => call.gone(),
        Wait::Exec => call.executed.map(|(at, _)| at),
        Wait::None => Some(call.entered),
    };
    match (call.entry.wait, call.caller_gone) {
        (_, Some(gone)) if answered.is_none_or(|answered| gone < answered) => Some(Verdict::Abandoned),
        (Wait::Exec | Wait::None, _) if executed => Some(Verdict::Unwaited),
        (Wait::Proc | Wait::Exec | Wait::None, _) => None,
    }
}

/// When the wanted module went live by this request's own helper: the last of its loads, since what is wanted is loaded
/// after what it depends on. If it is not known what is wanted, this is the last load, if any.
fn own_live(request: &Request) -> Option<Stamp> {
    if request.module().is_none() {
        return request.loads.last().and_then(|load| load.live);
    }
    let wanted = request.loads.iter().rev().filter(|load| !request.is_dependency(load));
    wanted.filter_map(|load| load.live).next()
}

/// Whether the helper can only have found the wanted modules live: it was kmod, which loads what is not, it loaded
/// nothing, and nothing in its configuration keeps it from that.
fn found_live(request: &Request) -> bool {
    let program = request.call.as_ref().and_then(|call| call.program.as_ref());
    let path = program.and_then(|program| program.path.as_deref());
    let is_kmod = path.is_some_and(|path| path.rsplit('/').next() == Some("kmod"));
    let Some(resolution) = request.resolution.as_deref().filter(|_| is_kmod && request.loads.is_empty()) else {
        return false;
    };
    let is_loaded = |wanted: &Wanted| {
        wanted.blacklisted.is_none() && wanted.install.is_none() && wanted.replaced.is_empty() && !wanted.missing
    };
    resolution.configured.is_some_and(|configured| configured.unread_files == 0)
        && !resolution.modules.is_empty()
        && resolution.modules.iter().all(is_loaded)
}

/// Until when a report counts that the wanted module was live when the successful helper was over; `None` if the helper
/// did not succeed. A load that lost with -EEXIST proves it (kernel/module/main.c `add_unformed_module`, 5.10 to 7.3),
/// unless it got that answer from the init of another load of the file (6.5 and later), which is over then; so does
/// kmod, if it did nothing.
#[must_use]
pub fn reported_until(request: &Request) -> Option<Stamp> {
    let is_sure = request.result.is_none_or(|result| result == CallResult::OK) && request.wait() == Some(Wait::Proc);
    let over = request.returned.or(request.call.as_ref()?.gone());
    let over = over.filter(|_| is_sure && request.status() == Some(WaitStatus::SUCCESS))?;
    let lost_by_then = |load: &Arc<Load>| load.lost_to_another() && load.ended.is_some_and(|(at, _)| at <= over);
    let proves =
        |load: &Arc<Load>| lost_by_then(load) && load.error() == Some(Errno::EEXIST) && !request.is_dependency(load);
    let is_proven = request.loads.iter().any(proves) || found_live(request);
    let late = if is_proven { PROVEN_LATE } else { REPORTED_LATE };
    Some(Stamp { mono: over.mono.plus(late), boot: over.boot.plus(late) })
}

/// Another's load that made the wanted module live up to `until`, if it was not live before. If its init began by then,
/// the report may come later.
fn by_another(
    request: &Request,
    lives: &Lives,
    until: Stamp,
    reported_until: Option<Stamp>,
) -> Option<(Stamp, SatisfiedBy)> {
    let wanted = request.resolution.as_ref()?;
    if wanted.modules.iter().any(|wanted| wanted.built_in || lives.live_at(&wanted.name, request.asked)) {
        return None;
    }
    wanted.modules.iter().find_map(|wanted| {
        let birth = lives.went_live_within(&wanted.name, request.asked, until, reported_until)?;
        if birth.request == Some(request.id) {
            return None;
        }
        let by = SatisfiedBy { module: wanted.name.clone(), task: birth.task, request: birth.request };
        Some((birth.at, by))
    })
}

/// When the request was over for its requester: at its return or, if that was not seen, soon after its helper's end.
fn returned_by(request: &Request, now: Stamp) -> Stamp {
    let answered = request.call.as_ref().and_then(|call| call.exited.map(|(at, _)| at).max(call.reaped()));
    let soon = answered.map(|at| Stamp { mono: at.mono.plus(WAKE), boot: at.boot.plus(WAKE) });
    request.returned.or(soon.map(|soon| soon.min(now))).unwrap_or(now)
}

/// The remaining rules. Each applies only if the wanted module was not seen to go live, now or before.
fn from_what_was_tried(request: &Request, lives: &Lives) -> Verdict {
    let resolution = request.resolution.as_deref();
    let wanted = resolution.map_or(&[] as &[_], |resolution| &resolution.modules);
    let status = request.status();
    let was_live = wanted.iter().any(|wanted| was_live(request, wanted, lives));
    if was_live && agrees_with_live(request, status) {
        return Verdict::AlreadyLive;
    }
    let known = resolution.is_some_and(|resolution| resolution.known);
    if !known && request.loads.is_empty() && matches!(status, Some(WaitStatus::SUCCESS | WaitStatus::EXIT_1)) {
        return Verdict::Incomplete;
    }
    let succeeded = status == Some(WaitStatus::SUCCESS);
    let error = request.failed_load().and_then(|load| load.error());
    match error {
        // modprobe treats -EEXIST as success; if nothing is live after all, its 0 is hollow.
        Some(Errno::EEXIST) if succeeded => return Verdict::Hollow,
        Some(_) if !succeeded || failed_wanted(request) => return Verdict::InitFailed,
        Some(_) | None => {}
    }
    let executed = request.call.as_ref().and_then(|call| call.executed);
    if executed.is_some_and(|(_, result)| result.failed()) {
        return Verdict::HelperMissing;
    }
    if request.result.is_some_and(|result| result.error().is_some()) {
        return Verdict::HelperMissing;
    }
    // A load whose end was missed may have failed, which would be the reason.
    let unended = |load: &&Arc<Load>| load.closed && load.ended.is_none() && load.live.is_none();
    let mut unended = request.loads.iter().filter(unended);
    // The helper's status says nothing about loads by other processes.
    let helper = request.call.as_ref().and_then(|call| call.helper).map(|(helper, _)| helper.key);
    match status {
        None => Verdict::Incomplete,
        Some(WaitStatus::SUCCESS) if unended.any(|load| Some(load.task.key) != helper) => Verdict::Incomplete,
        Some(WaitStatus::SUCCESS) => Verdict::Hollow,
        Some(_) if unended.next().is_some() => Verdict::Incomplete,
        Some(WaitStatus::EXIT_1) if !wanted.iter().any(can_be_tried) && request.loads.is_empty() => Verdict::NotFound,
        Some(_) => Verdict::HelperFailed,
    }
}

/// Whether a module that was requested was live, or is built in, and no load of the helper's shows that it was not any
/// more: a module that is being unloaded counts as live until its exit is over, but cannot be used.
fn was_live(request: &Request, wanted: &Wanted, lives: &Lives) -> bool {
    let others = request.resolution.as_ref().is_some_and(|resolution| resolution.modules.len() > 1);
    // If several are wanted, modprobe goes on to the next one, and a load without a name may be that one's.
    let failed_itself = |load: &Arc<Load>| match &load.module {
        Some(module) => wanted.is(module) || (!others && request.is_dependency(load)),
        None => !others,
    };
    let refused = |load: &&Arc<Load>| load.error().is_some_and(|error| error != Errno::EEXIST);
    let is_refuted = request.loads.iter().filter(refused).any(failed_itself);
    (wanted.built_in || lives.live_at(&wanted.name, request.asked)) && !is_refuted
}

/// Whether how the helper ended agrees with a wanted module that was live all the time: it succeeded, or it failed for
/// another module's sake.
fn agrees_with_live(request: &Request, status: Option<WaitStatus>) -> bool {
    let is_missing = request.call.as_ref().and_then(|call| call.executed).is_some_and(|(_, result)| result.failed());
    match status {
        Some(WaitStatus::SUCCESS) => true,
        Some(_) => request.loads.iter().any(|load| load.error().is_some_and(|error| error != Errno::EEXIST)),
        None => !is_missing && request.result.is_none_or(|result| result.error().is_none()),
    }
}

/// There is something to load, or to run, for it: `alias net-pf-10 off` names no module.
const fn can_be_tried(wanted: &Wanted) -> bool {
    !wanted.missing || wanted.install.is_some()
}

fn failed_wanted(request: &Request) -> bool {
    request.failed_load().is_some_and(|load| !request.is_dependency(load))
}

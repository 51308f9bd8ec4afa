//! What became of a request: the rules of decision, in their order.
//!
//! In: a request as far as it is joined, what is known of modules' lives, and whether events were lost meanwhile.
//! Out: a verdict, and whose load it was. Pure; the same input gives the same verdict.

use crate::correlate::helpers::ERESTARTSYS;
use crate::correlate::modules::Modules;
use crate::event::{Stamp, Wait};
use crate::joined::{Call, EEXIST, Request, SatisfiedBy, Verdict};

/// `-EBUSY`: helpers are disabled (kernel/umh.c `call_usermodehelper_exec`, 5.10 to 7.3).
const EBUSY: i32 = -16;
/// The wait status word of modprobe's only failing exit code.
const EXIT_1: i32 = 1 << 8;

/// A verdict with its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What became of the request.
    pub verdict: Verdict,
    /// When the wanted module went live, where it did while the request or its helper was at work.
    pub live: Option<Stamp>,
    /// Whose load it was, where it was another's.
    pub satisfied_by: Option<SatisfiedBy>,
}

/// Decides what became of `request`, which has returned (or is known to be over) by `now`. `lost` says that events
/// were lost while it was open: a verdict that rests on something not having been seen is then incomplete.
#[must_use]
pub fn decide(request: &Request, modules: &Modules, now: Stamp, lost: bool) -> Decision {
    let own_live = own_live(request);
    let by_return = by_return(request);
    if let Some(verdict) = by_return {
        return Decision { verdict, live: own_live, satisfied_by: None };
    }
    if own_live.is_some() {
        return Decision { verdict: Verdict::Live, live: own_live, satisfied_by: None };
    }
    if let Some((live, satisfied_by)) = by_another(request, modules, now) {
        return Decision { verdict: Verdict::SatisfiedByAnother, live: Some(live), satisfied_by: Some(satisfied_by) };
    }
    let (verdict, proven) = from_what_was_tried(request, modules);
    let verdict = if lost && !proven { Verdict::Incomplete } else { verdict };
    Decision { verdict, live: None, satisfied_by: None }
}

/// Verdicts that the return alone proves, whatever the helper does.
fn by_return(request: &Request) -> Option<Verdict> {
    if request.lsm_result.is_some_and(|result| result != 0) {
        return Some(Verdict::Denied);
    }
    match (request.result, request.wait()) {
        (Some(EBUSY), _) if request.call.as_ref().is_some_and(|call| call.helper.is_none()) => Some(Verdict::Refused),
        (Some(ERESTARTSYS), _) => Some(Verdict::Abandoned),
        (Some(0), Some(Wait::Exec | Wait::None)) => Some(Verdict::Unwaited),
        (Some(_), _) => None,
        (None, _) => by_return_unseen(request.call.as_deref()?),
    }
}

/// What an unseen return must have been: a waiting requester leaves before its helper's end only when it is killed,
/// and then it exits; one that waits for exec alone gets 0 when exec succeeds.
fn by_return_unseen(call: &Call) -> Option<Verdict> {
    let executed = call.executed.is_some_and(|(_, result)| result == 0);
    let helper_ended = call.exited.map(|(at, _)| at);
    match (call.wait, call.caller_gone) {
        (Wait::Proc, Some(gone)) if helper_ended.is_none_or(|ended| gone < ended) => Some(Verdict::Abandoned),
        (Wait::Exec | Wait::None, _) if executed => Some(Verdict::Unwaited),
        (Wait::Proc | Wait::Exec | Wait::None, _) => None,
    }
}

/// When the wanted module went live by this request's own helper: the last of them, since what is wanted is loaded
/// after what it depends on.
fn own_live(request: &Request) -> Option<Stamp> {
    let wanted = request.loads.iter().rev().filter(|load| !request.is_dependency(load));
    wanted.filter_map(|load| load.live).next()
}

/// The load of another's that made the wanted module live while the request was open, where it was not live before.
fn by_another(request: &Request, modules: &Modules, now: Stamp) -> Option<(Stamp, SatisfiedBy)> {
    let until = request.returned.unwrap_or(now);
    let wanted = request.resolution.as_ref()?;
    if wanted.modules.iter().any(|wanted| wanted.built_in || modules.live_at(&wanted.name, request.asked)) {
        return None;
    }
    wanted.modules.iter().find_map(|wanted| {
        let birth = modules.went_live_within(&wanted.name, request.asked, until)?;
        let by = SatisfiedBy { module: wanted.name.clone(), task: birth.task, request: birth.request };
        Some((birth.at, by))
    })
}

/// The remaining rules, and whether the verdict rests on something seen alone.
fn from_what_was_tried(request: &Request, modules: &Modules) -> (Verdict, bool) {
    let resolution = request.resolution.as_deref();
    let wanted = resolution.map_or(&[] as &[_], |resolution| &resolution.modules);
    if wanted.iter().any(|wanted| wanted.built_in || modules.live_at(&wanted.name, request.asked)) {
        return (Verdict::AlreadyLive, false);
    }
    let status = request.status();
    let known = resolution.is_some_and(|resolution| resolution.known);
    if !known && request.loads.is_empty() && matches!(status, Some(0 | EXIT_1)) {
        return (Verdict::Incomplete, true);
    }
    let error = request.failed_load().and_then(|load| load.error());
    match error {
        // modprobe takes -EEXIST for success; where nothing is live after all, its 0 is hollow.
        Some(EEXIST) if status == Some(0) => return (Verdict::Hollow, false),
        Some(_) if status != Some(0) || failed_wanted(request) => return (Verdict::InitFailed, false),
        Some(_) | None => {}
    }
    let executed = request.call.as_ref().and_then(|call| call.executed);
    if executed.is_some_and(|(_, result)| result < 0) {
        return (Verdict::HelperMissing, true);
    }
    if request.result.is_some_and(|result| result < 0) {
        return (Verdict::HelperMissing, executed.is_none());
    }
    match status {
        None => (Verdict::Incomplete, true),
        Some(0) => (Verdict::Hollow, false),
        Some(EXIT_1) if wanted.is_empty() && request.loads.is_empty() => (Verdict::NotFound, false),
        Some(_) => (Verdict::HelperFailed, false),
    }
}

fn failed_wanted(request: &Request) -> bool {
    request.failed_load().is_some_and(|load| !request.is_dependency(load))
}

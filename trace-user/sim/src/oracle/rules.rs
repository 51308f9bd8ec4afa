//! The rules that give a request its verdict, from what really happened.

use super::{GRACE, NEXT_TICK, Oracle, REPORT_DELAY, RETURN_GRACE};
use crate::simulation::machine::BEGAN;
use crate::simulation::plan::Release;
use crate::simulation::truth::{Away, Call, Life, Load, Request};
use crate::simulation::world::{self, FILES, State};
use modtrail_core::entities::Verdict;
use modtrail_core::event::Wait;
use std::collections::BTreeSet;

const EEXIST: i32 = -17;
const EBUSY: i32 = -16;
const ERESTARTSYS: i32 = -512;

/// Whether something is so, if the kernel does it and the probe reports it a moment later.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sure {
    Yes,
    Maybe,
    No,
}

impl Oracle<'_> {
    /// The verdicts that are right, whatever was seen. More than one if two instants are too close to decide.
    pub fn right(&self, request: &Request) -> BTreeSet<Verdict> {
        let one = |verdict| BTreeSet::from([verdict]);
        match request.away {
            Some(Away::Denied) => return one(Verdict::Denied),
            Some(Away::Throttled) => return one(Verdict::Throttled),
            // The wait can last a little too long, and a requester that leaves at that time may have been turned away.
            Some(Away::Killed) if self.is_timed_out(request) => {
                return BTreeSet::from([Verdict::Abandoned, Verdict::Throttled]);
            }
            Some(Away::Killed) => return one(Verdict::Abandoned),
            None => {}
        }
        let (Some(call), Some((returned, result))) = (self.call(request), request.returned) else {
            return one(Verdict::InFlight);
        };
        if result == EBUSY && call.picked.is_none() {
            return one(Verdict::Refused);
        }
        if result == ERESTARTSYS {
            return one(Verdict::Abandoned);
        }
        if result == 0 && call.wait != Wait::Proc {
            return one(Verdict::Unwaited);
        }
        let mut right = BTreeSet::new();
        match self.own_live(request, returned.at) {
            Sure::Yes => return one(Verdict::Live),
            Sure::Maybe => right.extend([Verdict::Live]),
            Sure::No => {}
        }
        match self.live_before(request) {
            Sure::Yes => right.extend(self.with_live_before(request, call)),
            Sure::Maybe => {
                right.extend(self.with_live_before(request, call));
                right.extend(self.without_live_before(request, call));
            }
            Sure::No => right.extend(self.without_live_before(request, call)),
        }
        right
    }

    /// Whether the wanted module went live by the helper's own tree, in time.
    fn own_live(&self, request: &Request, returned: u64) -> Sure {
        let wanted = world::stands_for(request.alias);
        let lives = self.loads(request).into_iter().filter(|load| wanted.contains(&load.module));
        match lives.filter_map(|load| load.live).map(|live| live.at).min() {
            Some(live) if live <= returned + GRACE => Sure::Yes,
            Some(live) if live <= returned + GRACE + NEXT_TICK => Sure::Maybe,
            // A return that was not seen is awaited longer.
            Some(live) if !self.is_return_seen(request) && live <= returned + RETURN_GRACE + NEXT_TICK => Sure::Maybe,
            Some(_) | None => Sure::No,
        }
    }

    /// Whether the wanted module was live, or built in, when it was asked for.
    fn live_before(&self, request: &Request) -> Sure {
        let asked = request.asked.at;
        let wanted = world::stands_for(request.alias);
        if FILES.iter().any(|file| wanted.contains(&file.name) && file.state == State::BuiltIn) {
            return Sure::Yes;
        }
        let sure = |life: &Life| {
            let gone = life.gone.unwrap_or((u64::MAX, u64::MAX));
            if life.from.1 < asked && gone.0 > asked {
                Sure::Yes
            } else if life.from.0.min(life.from.1) <= asked && gone.0.max(gone.1) >= asked {
                Sure::Maybe
            } else {
                Sure::No
            }
        };
        let all: Vec<Sure> = self.lives(request).map(sure).collect();
        [Sure::Yes, Sure::Maybe].into_iter().find(|sure| all.contains(sure)).unwrap_or(Sure::No)
    }

    /// What remains if a wanted module was live when it was asked for: that, unless the helper's end or its loads say
    /// otherwise.
    fn with_live_before(&self, request: &Request, call: &Call) -> BTreeSet<Verdict> {
        let wanted = world::stands_for(request.alias);
        let built_in = |name: &str| FILES.iter().any(|file| file.name == name && file.state == State::BuiltIn);
        let asked = request.asked.at;
        let was_live = |name: &str| {
            let mut lives = self.lives(request).filter(|life| life.module == name);
            let at_the_time = |life: &Life| {
                life.from.0.min(life.from.1) <= asked && life.gone.is_none_or(|gone| gone.0.max(gone.1) >= asked)
            };
            built_in(name) || lives.any(at_the_time)
        };
        let loads = self.loads(request);
        let refused: Vec<&&Load> =
            loads.iter().filter(|load| error(load).is_some_and(|error| error != EEXIST)).collect();
        let of_itself = |name: &str| {
            refused.iter().any(|load| load.module == name || (wanted.len() == 1 && !wanted.contains(&load.module)))
        };
        let unnamed = refused.iter().any(|load| load.named.is_none_or(|mark| !self.seen(mark)));
        let live = wanted.iter().any(|name| was_live(name) && !of_itself(name));
        let executed = call.executed.is_some_and(|(_, result)| result == 0);
        let agrees = executed
            && match call.exited.map(|(_, status)| status) {
                Some(0) | None => true,
                Some(_) => !refused.is_empty(),
            };
        let mut right = BTreeSet::new();
        if live && agrees {
            right.insert(Verdict::AlreadyLive);
        }
        // Which of several modules a load without a name was of is not known; loads may end after the verdict.
        let returned = request.returned.map_or(0, |(mark, _)| mark.at);
        let late = loads.iter().any(|load| load.ended.is_none_or(|(mark, _)| mark.at > returned));
        if unnamed || late {
            right.insert(Verdict::AlreadyLive);
        }
        if !(live && agrees) || unnamed || late {
            right.extend(self.by_failure(request, call));
        }
        right
    }

    /// What remains if the module was not live when it was asked for.
    fn without_live_before(&self, request: &Request, call: &Call) -> BTreeSet<Verdict> {
        let mut right = BTreeSet::new();
        let (begin, end) = (request.asked.at, request.returned.map_or(u64::MAX, |(mark, _)| mark.at));
        let others = self.lives(request).filter(|life| {
            life.load.is_some_and(|load| {
                let load = &self.truth.loads[load];
                load.call.is_none() || load.call != request.call
            })
        });
        let mut within = Sure::No;
        for life in others {
            if life.from.1 >= begin && (life.from.1 <= end || self.is_proven_live(request, life)) {
                within = Sure::Yes;
            } else if within == Sure::No && life.from.1 >= begin && self.may_be_reported_late(request, life) {
                within = Sure::Maybe;
            }
        }
        if within != Sure::No {
            right.insert(Verdict::SatisfiedByAnother);
        }
        if within != Sure::Yes {
            right.extend(self.by_failure(request, call));
        }
        right
    }

    /// Whether the kernel let the helper know that the module was live before a probe could see it: it refused a load
    /// by the helper for that reason alone, and the helper succeeded.
    fn is_proven_live(&self, request: &Request, life: &Life) -> bool {
        let returned = request.returned.filter(|(_, result)| *result == 0);
        let refused = |load: &&Load| {
            let ended = load.ended.filter(|(_, result)| *result == EEXIST && load.init_begun.is_none());
            let in_time = ended.is_some_and(|(mark, _)| returned.is_some_and(|(returned, _)| mark.at <= returned.at));
            load.module == life.module && in_time
        };
        returned.is_some_and(|(mark, _)| life.from.0 <= mark.at && life.from.1 <= mark.at + GRACE)
            && self.loads(request).iter().any(refused)
    }

    /// Whether a life that began before the requester's return was reported after it. If the helper succeeded while the
    /// init was running, a life that began soon after counts too: the two cannot be distinguished.
    fn may_be_reported_late(&self, request: &Request, life: &Life) -> bool {
        let Some((returned, result)) = request.returned else { return true };
        let in_init = life.load.and_then(|load| self.truth.loads[load].init_begun);
        let soon = result == 0 && in_init.is_some_and(|begun| begun.at <= returned.at);
        life.from.0 <= returned.at || (soon && life.from.1 <= returned.at + REPORT_DELAY)
    }

    /// The result of the helper and its loads, if nothing that was wanted is live.
    fn by_failure(&self, request: &Request, call: &Call) -> BTreeSet<Verdict> {
        let wanted = world::stands_for(request.alias);
        let status = call.exited.map(|(_, status)| status);
        let loads = self.loads(request);
        let failed: Vec<&&Load> =
            loads.iter().filter(|load| error(load).is_some_and(|error| error != EEXIST)).collect();
        let returned = request.returned.map_or(0, |(mark, _)| mark.at);
        let in_time = |load: &&&&Load| load.ended.is_some_and(|(mark, _)| mark.at <= returned + GRACE);
        if let Some(load) = failed.iter().find(in_time) {
            let is_wanted = failed.iter().any(|load| wanted.contains(&load.module));
            let mut right = BTreeSet::from([Verdict::InitFailed]);
            if !is_wanted && status == Some(0) || load.ended.is_none() {
                right.insert(Verdict::Hollow);
            }
            return right;
        }
        let mut right = BTreeSet::new();
        if !failed.is_empty() {
            right.insert(Verdict::InitFailed);
        }
        let exists = loads.iter().find(|load| wanted.contains(&load.module) && error(load) == Some(EEXIST));
        if let Some(load) = exists.filter(|_| status != Some(0)) {
            right.insert(Verdict::InitFailed);
            if load.init_begun.is_some() {
                return right;
            }
        }
        right.insert(match (call.executed, status) {
            (Some((_, result)), _) if result < 0 => Verdict::HelperMissing,
            (None, _) => Verdict::HelperMissing,
            (_, Some(256)) if wanted.is_empty() && loads.is_empty() => Verdict::NotFound,
            (_, Some(0)) => Verdict::Hollow,
            (_, Some(_)) => Verdict::HelperFailed,
            (_, None) => Verdict::Incomplete,
        });
        right
    }

    /// Adds what may be reported instead if something hid the truth. A wrong verdict is never added, unless the event
    /// that would have shown this came after the verdict.
    pub fn allow_for_what_was_hidden(&self, request: &Request, verdicts: &mut BTreeSet<Verdict>) {
        if self.comes_late(request) {
            verdicts.extend(Verdict::ALL);
        }
        if self.is_doubtful(request) || self.is_cut(request) {
            verdicts.extend([Verdict::Incomplete, Verdict::InFlight]);
        }
        // The remaining doubt: a later call of the same thread for the same alias, or at the same address, is mistaken
        // for this request's own if its own entry or its helper's birth, its return, and the beginning of the later one
        // were all lost.
        let call = self.call(request).filter(|_| self.is_doubtful(request) && !self.is_return_seen(request));
        let is_seen = |call: &Call| self.seen(call.entered) && call.born.is_some_and(|(_, mark)| self.seen(mark));
        if call.is_some_and(|call| !is_seen(call)) {
            verdicts.insert(Verdict::Live);
        }
        if self.is_end_missed(request) {
            verdicts.insert(Verdict::Incomplete);
        }
        // All slots were taken only after it was asked: nothing shows that it waited for one.
        let throttled_unseen = self.release == Release::V6_1 && self.is_timed_out(request);
        let in_the_middle = self.truth.attached > BEGAN + 1_000_000;
        if throttled_unseen && (request.others < 50 || in_the_middle) {
            verdicts.insert(Verdict::Incomplete);
        }
        if !self.is_return_seen(request) {
            self.allow_for_an_unseen_return(request, verdicts);
        }
    }

    fn allow_for_an_unseen_return(&self, request: &Request, verdicts: &mut BTreeSet<Verdict>) {
        let (Some(call), Some((returned, result))) = (self.call(request), request.returned) else { return };
        if call.born.is_none() {
            // Neither a helper nor a return: nothing shows how it ended.
            verdicts.extend([Verdict::Incomplete, Verdict::InFlight]);
            if self.live_before(request) != Sure::No {
                verdicts.insert(Verdict::AlreadyLive);
            }
        }
        if result == ERESTARTSYS {
            // The requester's thread and the helper may have ended at the same time.
            let (end, instead) = match call.wait {
                Wait::Proc => (call.exited, 1),
                Wait::Exec | Wait::None => (call.executed, 0),
            };
            if end.is_some_and(|(mark, _)| mark.at <= returned.at + 5_000_000) {
                verdicts.extend(self.right(&Request { returned: Some((returned, instead)), ..request.clone() }));
            }
            verdicts.insert(Verdict::Incomplete);
        }
        let over = self.over(request);
        let later = self.lives(request).any(|life| life.load.is_some() && (returned.at..=over).contains(&life.from.1));
        if later {
            verdicts.insert(Verdict::SatisfiedByAnother);
        }
    }

    /// When the wanted module went live while the request, its helper or, for a request that was turned away, the
    /// helpers of others were active.
    pub fn live(&self, request: &Request) -> BTreeSet<Option<u64>> {
        let wanted = world::stands_for(request.alias);
        let loads = self.loads(request);
        let own = loads.iter().filter(|load| wanted.contains(&load.module)).filter_map(|load| load.live);
        let own: BTreeSet<u64> = own.map(|mark| mark.at).collect();
        let right = self.right(request);
        let goes_on = right.iter().any(|verdict| matches!(verdict, Verdict::Abandoned | Verdict::Unwaited));
        let call = self.call(request);
        let returned = request.returned.map_or(u64::MAX, |(mark, _)| mark.at);
        let exited = call.and_then(|call| call.exited).map_or(0, |(mark, _)| mark.at);
        let grace = if goes_on { exited.max(returned) } else { returned }.saturating_add(GRACE);
        if let Some(live) = own.iter().rfind(|live| **live <= grace) {
            return BTreeSet::from([Some(*live)]);
        }
        if self.live_before(request) == Sure::Yes || right.contains(&Verdict::Denied) {
            return BTreeSet::from([None]);
        }
        let tree_ended = call.and_then(|call| call.tree_ended).unwrap_or(returned);
        let end = if goes_on { tree_ended.max(returned).min(grace) } else { returned };
        let first = self.lives(request).map(|life| life.from.1).filter(|live| *live >= request.asked.at).min();
        // The grace ends with the next tick.
        let late = own.iter().filter(|live| **live <= grace.saturating_add(NEXT_TICK));
        let mut live: BTreeSet<Option<u64>> = late.map(|live| Some(*live)).collect();
        if right.contains(&Verdict::Throttled) {
            let at_work = |live: u64| self.others(request).any(|(begin, end)| begin <= returned && live <= end);
            live.extend([first].into_iter().chain((!first.is_some_and(at_work)).then_some(None)));
        } else {
            live.insert(first.filter(|live| *live <= end));
            let late = self.lives(request).find(|life| Some(life.from.1) == first && life.from.1 > end);
            let counted =
                late.filter(|life| self.is_proven_live(request, life) || self.may_be_reported_late(request, life));
            live.extend(counted.map(|life| Some(life.from.1)));
        }
        if goes_on && call.is_some_and(|call| call.born.is_none()) {
            // A helper that may still be born is awaited.
            live.insert(first.filter(|live| *live <= returned.saturating_add(GRACE + NEXT_TICK)));
        }
        if self.live_before(request) == Sure::Maybe {
            live.insert(None);
        }
        live
    }

    /// When the helpers of others' requests for the same module are active, from and to.
    pub fn others(&self, request: &Request) -> impl Iterator<Item = (u64, u64)> {
        let wanted = world::stands_for(request.alias);
        let same = move |other: &&Request| {
            let resolves = world::stands_for(other.alias);
            if wanted.is_empty() { other.alias == request.alias } else { resolves.first() == wanted.first() }
        };
        let others = self.truth.requests.iter().filter(|other| !other.own).filter(same);
        others.filter_map(|other| {
            let call = self.call(other)?;
            let end = call.exited.or(call.returned).map_or(u64::MAX, |(mark, _)| mark.at);
            Some((call.entered.at, end))
        })
    }
}

/// What the load failed with.
fn error(load: &Load) -> Option<i32> {
    let ended = load.ended.map(|(_, result)| result).filter(|result| *result < 0);
    ended.or_else(|| load.init_ended.map(|(_, result)| result).filter(|result| *result < 0))
}

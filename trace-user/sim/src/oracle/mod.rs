//! What must be reported of each request of a simulated kernel, worked out only from what really happened.
//!
//! In: the truth of a simulation. Out: for each request the verdicts that may be reported (one, unless something hid
//! the truth or two answers are equally right) and what else must be reported. It is written from the rules alone, and
//! simple: it uses no code of the correlator, of the verdict or of the phases. [`check`] compares the pipeline's
//! answers with it, and `evidence` with what is reported beside them.

pub mod check;
mod cycles;
mod evidence;
mod rules;

use crate::simulation::plan::Release;
use crate::simulation::truth::{Away, Call, Life, Load, Lost, Mark, Request, Truth};
use crate::simulation::world;
use modtrail_core::entities::Verdict;
use modtrail_core::event;
use std::collections::BTreeSet;
use trace_common::kind::Kind;

/// How long after a request's return its helper's descendants still count.
const GRACE: u64 = 2_000_000_000;
/// The longest time until the next tick.
const NEXT_TICK: u64 = 500_000_000;
/// How late the kernel may report that a module is live.
const REPORT_DELAY: u64 = 50_000_000;
/// How long a request waits for a slot.
const SLOT_TIMEOUT: u64 = 5_000_000_000;
/// When a wait for a slot whose end was not seen is given up.
const SLOT_LIMIT: u64 = 6_000_000_000;
/// How long to wait for a return that a probe may miss.
const RETURN_GRACE: u64 = 3_000_000_000;

/// Moments that are needed to know what belongs to what, or which module is live.
const TELLING: [Kind; 11] = [
    Kind::Requested,
    Kind::CallEntered,
    Kind::CallReturned,
    Kind::Born,
    Kind::Forked,
    Kind::Exited,
    Kind::CallerGone,
    Kind::LoadBegan,
    Kind::Live,
    Kind::Going,
    Kind::Freed,
];

/// Moments that show how something ended.
const ENDS: [Kind; 5] = [Kind::Denied, Kind::Throttled, Kind::Executed, Kind::LoadEnded, Kind::InitEnded];

/// What must be reported of a request.
#[derive(Clone, Debug)]
pub struct Expected {
    /// One of these.
    pub verdicts: BTreeSet<Verdict>,
    /// Nothing hid any of it: everything below must be reported exactly.
    pub exact: bool,
    /// When the wanted module went live; more than one if two answers are right.
    pub live: BTreeSet<Option<u64>>,
    /// How many others asked for the same alias: at least and at most.
    pub same_alias: (u32, u32),
    /// How many others asked for the same module by another alias.
    pub same_module: (u32, u32),
    /// How many of its own loads lost to another copy.
    pub same_file: u32,
    /// The request whose helper's tree asked, by its place.
    pub parent: Option<usize>,
}

/// The truth, with the questions about it.
pub struct Oracle<'t> {
    truth: &'t Truth,
    release: Release,
}

impl<'t> Oracle<'t> {
    /// An oracle that knows this truth.
    pub const fn new(truth: &'t Truth, release: Release) -> Self {
        Self { truth, release }
    }

    /// What must be reported of the request; `None` if it must not be reported at all.
    pub fn expected(&self, number: usize) -> Option<Expected> {
        let request = &self.truth.requests[number];
        if request.own || !self.seen(request.asked) {
            return None;
        }
        let mut verdicts = self.right(request);
        self.allow_for_what_was_hidden(request, &mut verdicts);
        let parent = request.parent.filter(|parent| {
            let parent = &self.truth.requests[*parent];
            let born = parent.call.and_then(|call| self.truth.calls[call].born);
            self.seen(parent.asked) && born.is_some_and(|(_, mark)| self.seen(mark))
        });
        Some(Expected {
            verdicts,
            exact: self.is_exact(request),
            live: self.live(request),
            same_alias: self.overlapping(number, |other| other.alias == request.alias),
            same_module: self.overlapping(number, |other| {
                let wanted = world::stands_for(request.alias).first();
                other.alias != request.alias && wanted.is_some() && wanted == world::stands_for(other.alias).first()
            }),
            same_file: self.lost_copies(request),
            parent,
        })
    }

    /// Whether the moment was delivered.
    pub fn seen(&self, mark: Mark) -> bool {
        self.truth.seen.get(mark.number).copied().unwrap_or(false)
    }

    fn call(&self, request: &Request) -> Option<&'t Call> {
        request.call.map(|call| &self.truth.calls[call])
    }

    /// The loads of the request's helper's tree.
    pub fn loads(&self, request: &Request) -> Vec<&'t Load> {
        let of_it = |load: &&Load| load.call.is_some() && load.call == request.call && load.began.number != usize::MAX;
        self.truth.loads.iter().filter(of_it).collect()
    }

    fn lives(&self, request: &Request) -> impl Iterator<Item = &'t Life> {
        let wanted = world::stands_for(request.alias);
        self.truth.lives.iter().filter(move |life| wanted.contains(&life.module))
    }

    /// The latest instant at which anything can be added to what is known of the request.
    pub fn over(&self, request: &Request) -> u64 {
        let Some((returned, result)) = request.returned else { return u64::MAX };
        let Some(call) = self.call(request) else {
            if !self.is_timed_out(request) {
                return returned.at + NEXT_TICK;
            }
            let limit = returned.at.max(request.asked.at + SLOT_LIMIT);
            let others = self.others(request).filter(|(begin, _)| *begin <= limit).map(|(_, end)| end);
            return limit.max(others.max().unwrap_or(0).saturating_add(GRACE)).saturating_add(NEXT_TICK);
        };
        let exited = call.exited.map_or(0, |(mark, _)| mark.at);
        let waits = call.wait == event::Wait::Proc && result != -512;
        let unseen = if self.seen(returned) { 0 } else { exited + RETURN_GRACE };
        let tree = call.tree_ended.unwrap_or(0);
        let tree = if waits { tree.min(returned.at + GRACE) } else { tree.min(exited + GRACE) };
        returned.at.max(exited).max(tree).max(unseen) + NEXT_TICK
    }

    /// Whether it waited for a slot as long as a request can, in vain.
    fn is_timed_out(&self, request: &Request) -> bool {
        let waited = request.returned.is_some_and(|(mark, _)| mark.at >= request.asked.at + SLOT_TIMEOUT);
        request.away == Some(Away::Throttled) || (request.away == Some(Away::Killed) && waited)
    }

    /// Whether something that was counted as lost can have hidden the truth of the request.
    pub fn is_doubtful(&self, request: &Request) -> bool {
        let hides = |lost: &Lost| {
            let runs = if let event::Lost::Unrun(kind) = lost.why { Some(kind) } else { None };
            let harmless = runs.is_some_and(|kind| !TELLING.contains(&kind));
            !harmless && !matches!(lost.why, event::Lost::Unreturned(_)) && self.is_within(request, lost)
        };
        self.truth.lost.iter().any(hides) || self.comes_late(request)
    }

    /// Whether a moment was missed that shows how something ended, so that its result may have to stay unknown.
    pub fn is_end_missed(&self, request: &Request) -> bool {
        let ends = |lost: &Lost| lost.why.moment().is_some_and(|kind| ENDS.contains(&kind));
        self.truth.lost.iter().any(|lost| ends(lost) && self.is_within(request, lost))
    }

    fn is_within(&self, request: &Request, lost: &Lost) -> bool {
        lost.span.0 <= self.over(request) && lost.span.1 >= request.asked.at
    }

    /// Whether an event of its time came after the order for that time was final.
    pub fn comes_late(&self, request: &Request) -> bool {
        let over = self.over(request);
        self.truth.late.iter().any(|(at, came)| *at <= over && *came >= request.asked.at)
    }

    /// Whether tracing ended before the request can have been judged.
    fn is_cut(&self, request: &Request) -> bool {
        self.over(request).saturating_add(NEXT_TICK) >= self.truth.ended
    }

    fn is_exact(&self, request: &Request) -> bool {
        let is_whole = self.truth.lost.is_empty() && self.truth.late.is_empty() && !self.is_cut(request);
        is_whole && request.asked.at >= self.truth.attached && self.is_return_seen(request)
    }

    /// Whether the return was seen, or is of a kind that no probe sees.
    fn is_return_seen(&self, request: &Request) -> bool {
        request.returned.is_some_and(|(mark, _)| self.seen(mark)) || request.away.is_some()
    }

    /// The lowest and the highest number of others that were seen and were open at the same time.
    fn overlapping(&self, number: usize, same: impl Fn(&Request) -> bool) -> (u32, u32) {
        let request = &self.truth.requests[number];
        let mut range = (0, 0);
        for (place, other) in self.truth.requests.iter().enumerate() {
            if place == number || other.own || !self.seen(other.asked) || !same(other) {
                continue;
            }
            let (first, second) = if other.asked.at <= request.asked.at { (other, request) } else { (request, other) };
            let begin = second.asked.at;
            range.0 += u32::from(self.closed(first).0 > begin);
            range.1 += u32::from(self.closed(first).1 >= begin || first.asked.at == begin);
        }
        range
    }

    /// The earliest and the latest instant at which the request counts as answered.
    fn closed(&self, request: &Request) -> (u64, u64) {
        let Some((returned, _)) = request.returned else { return (u64::MAX, u64::MAX) };
        let latest = match self.seen(returned) {
            true => returned.at,
            false if self.is_timed_out(request) => request.asked.at + SLOT_LIMIT,
            false => self.over(request),
        };
        (returned.at, latest)
    }

    fn lost_copies(&self, request: &Request) -> u32 {
        let lost = |load: &&&Load| {
            load.init_begun.is_none() && load.ended.is_some_and(|(_, result)| matches!(result, 0 | -17))
        };
        u32::try_from(self.loads(request).iter().filter(lost).count()).unwrap_or(u32::MAX)
    }
}

//! Where a request's time went. The phases partition the time from the request to its return, so their sum is exactly
//! the total. If a border was not seen, its time goes to the phase before.
//!
//! In: a request. Out: [`Phases`].

use crate::entities::{Call, Load, Request};
use crate::event::{Stamp, Wait};
use std::sync::Arc;
use trace_common::time::{Ktime, Nanos};

/// A part of a request's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Waiting for one of 50 slots.
    SlotWait,
    /// The helper call waits for a kernel worker.
    Queue,
    /// The worker forks, and the child executes the helper.
    ForkExec,
    /// The helper runs, outside its loads.
    User,
    /// Modules are read, decompressed, verified and laid out.
    Load,
    /// Modules' init functions run.
    Init,
    /// Modules are live, and their loads wait for asynchronous work.
    Settle,
    /// The helper is reaped, and the requester wakes up.
    Wake,
}

/// How long each phase took; `None` if its beginning was not seen or the request did not reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Phases([Option<Nanos>; 8]);

impl Phase {
    /// Every phase, in order of time.
    pub const ALL: [Self; 8] =
        [Self::SlotWait, Self::Queue, Self::ForkExec, Self::User, Self::Load, Self::Init, Self::Settle, Self::Wake];

    /// As spelled in JSON, without the unit.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SlotWait => "slot_wait",
            Self::Queue => "queue",
            Self::ForkExec => "fork_exec",
            Self::User => "user",
            Self::Load => "load",
            Self::Init => "init",
            Self::Settle => "settle",
            Self::Wake => "wake",
        }
    }
}

impl Phases {
    /// The time of the phase.
    #[must_use]
    pub fn get(&self, phase: Phase) -> Option<Nanos> {
        self.0.get(phase as usize).copied().flatten()
    }

    /// The sum of all of them.
    #[must_use]
    pub fn sum(&self) -> Nanos {
        self.0.iter().flatten().fold(Nanos::ZERO, |sum, share| sum.plus(*share))
    }

    fn add(&mut self, phase: Phase, share: Nanos) {
        if let Some(place) = self.0.get_mut(phase as usize) {
            *place = Some(place.unwrap_or_default().plus(share));
        }
    }
}

/// A stretch of a request's time, before the helper's part is split further.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stretch {
    SlotWait,
    Queue,
    ForkExec,
    Helper,
    Wake,
}

/// Where the request's time went up to its return, or up to `until` while it is open. Nothing if its return was not
/// seen: its last phase has no end.
#[must_use]
pub fn phases(request: &Request, until: Option<Stamp>) -> Phases {
    let mut phases = Phases::default();
    let Some(end) = request.returned.or(until) else {
        return phases;
    };
    let borders = borders(request, end.mono);
    for (index, (stretch, begin)) in borders.iter().enumerate() {
        let finish = borders.get(index + 1).map_or(end.mono, |(_, next)| *next);
        match stretch {
            Stretch::SlotWait => phases.add(Phase::SlotWait, finish.since(*begin)),
            Stretch::Queue => phases.add(Phase::Queue, finish.since(*begin)),
            Stretch::ForkExec => phases.add(Phase::ForkExec, finish.since(*begin)),
            Stretch::Helper => split_helper(&mut phases, &request.loads, *begin, finish),
            Stretch::Wake => phases.add(Phase::Wake, finish.since(*begin)),
        }
    }
    phases
}

/// The seen borders in order: none before its predecessor, none after `end`.
fn borders(request: &Request, end: Ktime) -> Vec<(Stretch, Ktime)> {
    let call = request.call.as_deref();
    let entered = call.map(|call| call.entered);
    let executed = call.and_then(|call| call.executed);
    let waits = request.wait() == Some(Wait::Proc);
    // A caller that only waits for exec is woken by it; the helper's own time is not the request's.
    let (helper, wake) = if waits {
        let helper = executed.filter(|(_, result)| !result.failed()).map(|(at, _)| at);
        (helper, call.and_then(|call| reaped(call, end)))
    } else {
        (None, executed.map(|(at, _)| at).or(call.and_then(|call| call.completed)))
    };
    let seen = [
        (Stretch::SlotWait, Some(request.asked)),
        (Stretch::Queue, request.admitted.or(entered)),
        (Stretch::ForkExec, call.and_then(|call| call.picked)),
        (Stretch::Helper, helper),
        (Stretch::Wake, wake),
    ];
    let mut borders: Vec<(Stretch, Ktime)> = Vec::with_capacity(seen.len());
    for (stretch, at) in seen {
        let Some(at) = at.filter(|at| at.mono <= end) else { continue };
        let earliest = borders.last().map_or(at.mono, |(_, before)| *before);
        borders.push((stretch, at.mono.max(earliest)));
    }
    borders
}

/// When the helper was reaped. The function whose return shows this wakes the requester first, and may return after it.
/// Then the helper's exit, microseconds earlier, is used instead.
fn reaped(call: &Call, end: Ktime) -> Option<Stamp> {
    let reaped = call.reaped().filter(|at| at.mono <= end);
    reaped.or(call.exited.map(|(at, _)| at))
}

/// Splits the helper's part, `begin` to `finish`, among its loads' stages and the rest. If loads of two of its
/// processes overlap, an instant counts once: for init before settle before load.
fn split_helper(phases: &mut Phases, loads: &[Arc<Load>], begin: Ktime, finish: Ktime) {
    let stages: Vec<(Phase, Ktime, Ktime)> = loads.iter().flat_map(|load| stages(load, finish)).collect();
    let mut cuts: Vec<Ktime> = stages.iter().flat_map(|(_, from, to)| [*from, *to]).collect();
    cuts.extend([begin, finish]);
    cuts.retain(|cut| (begin..=finish).contains(cut));
    cuts.sort_unstable();
    cuts.dedup();
    phases.add(Phase::User, Nanos::ZERO);
    for pair in cuts.windows(2) {
        let &[from, to] = pair else { continue };
        let phase = [Phase::Init, Phase::Settle, Phase::Load]
            .into_iter()
            .find(|phase| stages.iter().any(|(stage, begin, end)| stage == phase && *begin <= from && to <= *end));
        phases.add(phase.unwrap_or(Phase::User), to.since(from));
    }
}

/// The stages of one load, each with its beginning and end; an open stage lasts to `finish`.
fn stages(load: &Load, finish: Ktime) -> Vec<(Phase, Ktime, Ktime)> {
    let ended = load.ended.map_or(finish, |(at, _)| at.mono);
    let init_ended = load.init_ended.map_or(ended, |(at, _)| at.mono);
    let init_begun = load.init_begun.map(|at| at.mono);
    let live = load.live.map(|at| at.mono);
    let mut stages = vec![(Phase::Load, load.began.mono, init_begun.unwrap_or(ended))];
    if let Some(begun) = init_begun {
        stages.push((Phase::Init, begun, live.unwrap_or(init_ended)));
        stages.push((Phase::Load, init_ended, ended));
    }
    if let Some(live) = live {
        stages.push((Phase::Settle, live, init_ended));
    }
    stages
}

//! The bounded store of what was joined; it answers every question that screens, reports and alerts ask.
//!
//! In: changes from the correlator. Out: answers by reference. Pure. Each kind of thing has a cap; what is given up to
//! keep it is counted and shown.

use crate::event::{Fact, Hook, Lost, Machine, Stamp};
use crate::joined::{Call, CallId, Change, Load, LoadId, Request, RequestId, Verdict};
use std::collections::BTreeMap;
use std::sync::Arc;
use trace_common::time::Nanos;

/// Things of one kind that are kept: a busy boot has a few thousand requests.
pub const KEPT: usize = 100_000;

/// The store.
#[derive(Clone, Debug, Default)]
pub struct Model {
    machine: Option<(Machine, Stamp)>,
    hooks: Arc<[Hook]>,
    requests: BTreeMap<RequestId, Arc<Request>>,
    open: BTreeMap<RequestId, Stamp>,
    children: BTreeMap<RequestId, Vec<RequestId>>,
    calls: BTreeMap<CallId, Arc<Call>>,
    loads: BTreeMap<LoadId, Arc<Load>>,
    open_loads: BTreeMap<LoadId, Stamp>,
    verdicts: BTreeMap<Verdict, u64>,
    lost: BTreeMap<Lost, u64>,
    worst: Option<(Nanos, RequestId)>,
    counts: Counts,
    first: Option<Stamp>,
    now: Stamp,
    ended: bool,
}

/// How much came, and how much of it is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counts {
    /// Events taken in, facts not counted.
    pub events: u64,
    /// Events that could be tied to nothing seen before.
    pub unmatched: u64,
    /// Open things given up because too many were open.
    pub capped: u64,
    /// Requests, calls and loads that are no longer kept.
    pub forgotten: u64,
    /// Requests seen, kept or not.
    pub requests: u64,
}

impl Model {
    /// Takes in one change.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Request(request) => self.request_changed(request.clone()),
            Change::Call(call) => {
                self.now = self.now.max(call.entered);
                self.calls.insert(call.id, call.clone());
                self.counts.forgotten += trim(&mut self.calls);
            }
            Change::Load(load) => self.load_changed(load.clone()),
            Change::Fact { fact, at } => self.fact(fact.clone(), *at),
            Change::Lost { loss, count, at } => {
                let lost = self.lost.entry(*loss).or_default();
                *lost = lost.saturating_add(*count);
                self.advance(*at);
            }
            Change::Unmatched => self.counts.unmatched += 1,
            Change::Capped => self.counts.capped += 1,
            Change::Now(now) => self.advance(*now),
        }
    }

    /// One event came in at `at`.
    pub fn count_event(&mut self, at: Stamp) {
        self.counts.events += 1;
        self.advance(at);
    }

    /// The machine that was traced; `None` where the source did not say.
    #[must_use]
    pub fn machine(&self) -> Option<&Machine> {
        self.machine.as_ref().map(|(machine, _)| machine)
    }

    /// Nanoseconds since the Unix epoch at `at`; `None` where the source gave no anchor.
    #[must_use]
    pub fn wall_ns(&self, at: Stamp) -> Option<u64> {
        let (machine, anchor) = self.machine.as_ref()?;
        let after = at.boot.since(anchor.boot).as_nanos();
        let before = anchor.boot.since(at.boot).as_nanos();
        Some(machine.wall_ns.saturating_add(after).saturating_sub(before))
    }

    /// By what each moment is seen.
    #[must_use]
    pub fn hooks(&self) -> &[Hook] {
        &self.hooks
    }

    /// Every kept request, oldest first.
    pub fn requests(&self) -> impl DoubleEndedIterator<Item = &Arc<Request>> {
        self.requests.values()
    }

    /// One request, while it is kept.
    #[must_use]
    pub fn request(&self, id: RequestId) -> Option<&Arc<Request>> {
        self.requests.get(&id)
    }

    /// The requests that are open, oldest first.
    pub fn open_requests(&self) -> impl Iterator<Item = &Arc<Request>> {
        self.open.keys().filter_map(|id| self.requests.get(id))
    }

    /// The requests that were asked for by `parent`'s helper.
    pub fn children(&self, parent: RequestId) -> impl Iterator<Item = &Arc<Request>> {
        self.children.get(&parent).into_iter().flatten().filter_map(|id| self.requests.get(id))
    }

    /// Helper calls that serve no request, oldest first.
    pub fn calls(&self) -> impl DoubleEndedIterator<Item = &Arc<Call>> {
        self.calls.values()
    }

    /// One load, while it is kept.
    #[must_use]
    pub fn load(&self, id: LoadId) -> Option<&Arc<Load>> {
        self.loads.get(&id)
    }

    /// Every kept load, oldest first.
    pub fn loads(&self) -> impl DoubleEndedIterator<Item = &Arc<Load>> {
        self.loads.values()
    }

    /// The loads that are open, oldest first.
    pub fn open_loads(&self) -> impl Iterator<Item = &Arc<Load>> {
        self.open_loads.keys().filter_map(|id| self.loads.get(id))
    }

    /// How many ended requests have each verdict; verdicts that none has are left out.
    #[must_use]
    pub const fn verdicts(&self) -> &BTreeMap<Verdict, u64> {
        &self.verdicts
    }

    /// What was lost, by what it was.
    #[must_use]
    pub const fn lost(&self) -> &BTreeMap<Lost, u64> {
        &self.lost
    }

    /// Everything that was lost, together.
    #[must_use]
    pub fn lost_total(&self) -> u64 {
        self.lost.values().fold(0, |sum: u64, count| sum.saturating_add(*count))
    }

    /// The longest time from being asked to return that was seen, and whose it was.
    #[must_use]
    pub const fn worst(&self) -> Option<(Nanos, RequestId)> {
        self.worst
    }

    /// The counts.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The instant of the first thing that came in.
    #[must_use]
    pub const fn first(&self) -> Option<Stamp> {
        self.first
    }

    /// The latest instant known.
    #[must_use]
    pub const fn now(&self) -> Stamp {
        self.now
    }

    /// The source ended in order.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    fn fact(&mut self, fact: Fact, at: Stamp) {
        self.advance(at);
        match fact {
            Fact::Machine(machine) => self.machine = Some((machine, at)),
            Fact::Hooks(hooks) => self.hooks = hooks,
            Fact::End => self.ended = true,
            Fact::LiveModules(_) | Fact::Resolved { .. } | Fact::Lost { .. } | Fact::Tick => {}
        }
    }

    fn request_changed(&mut self, request: Arc<Request>) {
        let id = request.id;
        self.counts.requests = self.counts.requests.max(id.0);
        if request.ended {
            self.open.remove(&id);
            *self.verdicts.entry(request.verdict).or_default() += 1;
            let total = request.total();
            if let Some(total) = total.filter(|total| self.worst.is_none_or(|(worst, _)| worst < *total)) {
                self.worst = Some((total, id));
            }
        } else {
            self.open.insert(id, request.asked);
        }
        let parent = request.parent;
        if self.requests.insert(id, request).is_none()
            && let Some(parent) = parent
        {
            self.children.entry(parent).or_default().push(id);
        }
        if self.requests.len() > KEPT {
            let oldest = self.requests.keys().find(|id| !self.open.contains_key(id)).copied();
            if let Some(oldest) = oldest {
                self.requests.remove(&oldest);
                self.children.remove(&oldest);
                self.counts.forgotten += 1;
            }
        }
    }

    fn load_changed(&mut self, load: Arc<Load>) {
        if load.over {
            self.open_loads.remove(&load.id);
        } else {
            self.open_loads.insert(load.id, load.began);
        }
        self.loads.insert(load.id, load);
        self.counts.forgotten += trim(&mut self.loads);
    }

    fn advance(&mut self, now: Stamp) {
        self.first.get_or_insert(now);
        self.now = Stamp { mono: self.now.mono.max(now.mono), boot: self.now.boot.max(now.boot) };
    }
}

/// Gives up the oldest beyond the cap and says how many.
fn trim<K: Ord + Copy, V>(kept: &mut BTreeMap<K, V>) -> u64 {
    let surplus = kept.len().saturating_sub(KEPT);
    for _ in 0..surplus {
        kept.pop_first();
    }
    surplus as u64
}

//! What modtrail's probes make of what happens: what they see, what they remember, and what they ignore.
//!
//! In: everything that happened. Out: the records that reach the ring, and what was lost before it, as the kernel side
//! counts it. The rules are those of the `trace-ebpf` crate, written independently.

use super::machine::{BEGAN, Happening};
use super::plan::{Deed, Plan, Release};
use super::random::Random;
use modtrail_core::event::{Lost, Moment};
use std::collections::{BTreeMap, BTreeSet};
use trace_common::ids::TaskKey;
use trace_common::kind::{Kind, Loss};

/// A record in the ring.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its place among everything that happened.
    pub number: usize,
    /// What it reports.
    pub happening: Happening,
}

/// Something that the kernel side counted as lost.
#[derive(Clone, Copy, Debug)]
pub struct Drop {
    /// When.
    pub at: u64,
    /// Why.
    pub why: Lost,
}

/// What the probes remember.
#[derive(Debug)]
struct Probes<'p> {
    plan: &'p Plan,
    random: Random,
    /// Threads that asked or called and have no answer yet, with when their process started.
    callers: BTreeMap<u32, TaskKey>,
    /// Threads that have asked since the last return of a function that asks.
    asked: BTreeMap<u32, TaskKey>,
    /// Processes of helpers' trees.
    followed: BTreeSet<TaskKey>,
    /// Threads that hold a place of a return probe.
    places: BTreeMap<Kind, BTreeSet<u32>>,
    drops: Vec<Drop>,
}

/// What reaches the ring, and what does not.
#[must_use]
pub fn see(plan: &Plan, happened: &[Happening]) -> (Vec<Record>, Vec<Drop>) {
    let random = Random::new(u64::from(plan.view.salt) ^ 0x5ee);
    let mut probes = Probes {
        plan,
        random,
        callers: BTreeMap::new(),
        asked: BTreeMap::new(),
        followed: BTreeSet::new(),
        places: BTreeMap::new(),
        drops: Vec::new(),
    };
    let mut records = Vec::new();
    for (number, happening) in happened.iter().enumerate() {
        if probes.runs(happening) && probes.reports(happening) && !probes.is_full(happening) {
            records.push(Record { number, happening: happening.clone() });
        }
    }
    (records, probes.drops)
}

/// When the hook of a moment is attached: those late in a request's life come first.
#[must_use]
pub fn attached_at(plan: &Plan, kind: Kind) -> u64 {
    if plan.view.attach_us == 0 {
        return 0;
    }
    let place = Kind::ALL.iter().rev().position(|other| *other == kind).unwrap_or(0);
    BEGAN + u64::from(plan.view.attach_us) * 1_000 + place as u64 * 40_000
}

impl Probes<'_> {
    /// Whether the moment's probe runs at all.
    fn runs(&mut self, happening: &Happening) -> bool {
        let kind = happening.moment.kind();
        self.enter(happening);
        let no_hook = kind == Kind::Throttled && self.plan.view.release == Release::V6_1;
        if no_hook || happening.at < attached_at(self.plan, kind) || !self.has_place(happening) {
            return false;
        }
        let skipped = self.is_lost(happening, Some(kind));
        if skipped {
            self.drops.push(Drop { at: happening.at, why: Lost::Unrun(kind) });
        }
        !skipped
    }

    /// A function with a return probe is entered: it takes a place, or the return will be missed.
    fn enter(&mut self, happening: &Happening) {
        let (returns, places): (&[Kind], _) = match happening.moment.kind() {
            Kind::CallEntered => (&[Kind::CallReturned], self.plan.view.places),
            Kind::LoadBegan => (&[Kind::LoadEnded], self.plan.view.load_places),
            Kind::InitBegun => (&[Kind::InitEnded], self.plan.view.load_places),
            _ => return,
        };
        let Some(places) = places else { return };
        for kind in returns {
            if happening.at < attached_at(self.plan, *kind) {
                continue;
            }
            let held = self.places.entry(*kind).or_default();
            if held.len() < usize::from(places) {
                held.insert(happening.task.tid.0);
            } else {
                self.drops.push(Drop { at: happening.at, why: Lost::Unreturned(*kind) });
            }
        }
    }

    /// Whether a return has its place.
    fn has_place(&mut self, happening: &Happening) -> bool {
        let kind = happening.moment.kind();
        let places = match kind {
            Kind::CallReturned => self.plan.view.places,
            Kind::LoadEnded | Kind::InitEnded => self.plan.view.load_places,
            _ => None,
        };
        places.is_none() || self.places.entry(kind).or_default().remove(&happening.task.tid.0)
    }

    /// Whether the probe, which runs, has anything to report; and what it remembers.
    fn reports(&mut self, happening: &Happening) -> bool {
        let (tid, key) = (happening.task.tid.0, happening.task.key);
        match &happening.moment {
            Moment::Served { .. } => self.asked.remove(&tid) == Some(key),
            Moment::Requested(_) | Moment::CallEntered(_) => {
                if matches!(happening.moment, Moment::Requested(_)) {
                    self.asked.insert(tid, key);
                }
                self.callers.insert(tid, key);
                true
            }
            Moment::Throttled { .. } | Moment::Denied { .. } | Moment::CallReturned { .. } => {
                self.callers.remove(&tid).is_some()
            }
            Moment::CallerGone => self.callers.remove(&tid) == Some(key),
            Moment::Born { .. } => {
                self.followed.insert(key);
                true
            }
            Moment::Forked { child } => self.followed.contains(&key) && self.followed.insert(*child),
            Moment::Executed { .. } => self.followed.contains(&key),
            Moment::Exited { .. } => self.followed.remove(&key),
            _ => true,
        }
    }

    /// Whether the ring has no room.
    fn is_full(&mut self, happening: &Happening) -> bool {
        let full = self.is_lost(happening, None);
        if full {
            self.drops.push(Drop { at: happening.at, why: Lost::Kernel(Loss::RingFull) });
        }
        full
    }

    fn is_lost(&mut self, happening: &Happening, of: Option<Kind>) -> bool {
        let since_began = happening.at.saturating_sub(BEGAN + 1_000_000) / 1_000;
        let mut lost = false;
        for action in &self.plan.actions {
            let Deed::Lose { for_us, kind, one_in } = action.deed else { continue };
            let begin = u64::from(action.at_us);
            let within = (begin..begin + u64::from(for_us)).contains(&since_began);
            lost |= within && kind == of && self.random.one_in(u64::from(one_in));
        }
        lost
    }
}

//! Joins the moments of a suspend cycle, and finds which helper calls it met.
//!
//! One attempt runs in one thread, from `pm_suspend` or `hibernate` to its return, so the thread is the key. If that
//! function is not seen (user space hibernates by itself, or a probe is missing), the freezing of user space begins the
//! cycle, and a failure or the enabling of helpers ends it. A shutdown disables helpers and never ends.
//!
//! The kernel counts the callers inside `call_usermodehelper_exec`, waits until there are none, and fails with -EAGAIN
//! after five seconds (kernel/umh.c `__usermodehelper_disable`, 5.10 to 7.3). If it fails, helpers are enabled again
//! and no thaw follows.

use super::helpers::Helpers;
use super::loads::Loads;
use crate::answer::{CallResult, Errno, ReturnCode};
use crate::entities::{Call, CallId, Cycle, CycleId, CycleKind, PhaseSpan, Stretch};
use crate::event::{Captured, Depth, PmTest, Stamp, SuspendMoment, SuspendState, Task, Way};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use trace_common::ids::Tid;
use trace_common::time::Nanos;

/// How soon after a failed attempt another one counts as its repetition.
const AGAIN: Nanos = Nanos::from_secs(60);
/// How long after helpers were enabled an attempt's return is awaited: drivers' notifiers run in between.
const END_GRACE: Nanos = Nanos::from_secs(30);
/// Phases kept per cycle: about twenty, and two for each CPU. More are counted as given up.
const PHASES: usize = 4_096;
/// Helper calls kept per cycle, for each way in which it can meet one. More are counted as given up.
const CALLS: usize = 1_024;
/// Ended cycles whose frozen helpers still go on.
const UNFINISHED: usize = 64;
/// Cycles that can be open at once: shutdowns that did not happen never end.
const OPEN: usize = 64;

/// The cycles that can still change.
#[derive(Clone, Debug, Default)]
pub struct Suspends {
    open: BTreeMap<Tid, Cycle>,
    /// Ended cycles, oldest first, whose frozen helpers go on.
    unfinished: Vec<Cycle>,
    /// The calls that these cycles met, as they are now, and the cycles that met each.
    met: BTreeMap<CallId, (Arc<Call>, BTreeSet<CycleId>)>,
    /// The cycles that changed since they were last reported.
    unreported: BTreeSet<CycleId>,
    /// Those of them that another cycle replaced.
    replaced: Vec<Cycle>,
    last: u64,
    /// The last cycle that ended: its group, its kind, when it ended, and whether it failed.
    before: Option<(CycleId, CycleKind, Stamp, bool)>,
    capped: u64,
}

/// What a moment of suspend meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It belongs to no cycle.
    Unmatched,
    /// It belongs to a cycle that goes on, which is reported with the next tick.
    Taken,
    /// It ended this cycle.
    Ended(Box<Cycle>),
}

impl Step {
    fn ended(cycle: Cycle) -> Self {
        Self::Ended(Box::new(cycle))
    }
}

/// The helper calls and loads that are active now.
#[derive(Clone, Copy)]
pub struct AtWork<'c> {
    /// The helper calls.
    pub helpers: &'c Helpers,
    /// The loads.
    pub loads: &'c Loads,
}

impl Suspends {
    /// Takes in a moment.
    pub fn step(&mut self, at: Stamp, task: Task, moment: &SuspendMoment, at_work: AtWork<'_>) -> Step {
        let step = self.take_in(at, task, moment, at_work).unwrap_or(Step::Unmatched);
        if step == Step::Taken {
            self.unreported.extend(self.open.get(&task.tid).map(|cycle| cycle.id));
        }
        step
    }

    /// The same; `None` if it belongs to no cycle.
    fn take_in(&mut self, at: Stamp, task: Task, moment: &SuspendMoment, at_work: AtWork<'_>) -> Option<Step> {
        match moment {
            SuspendMoment::Began { way, pm_test } => self.began(at, task, *way, *pm_test),
            SuspendMoment::Ended { result } => return self.ended(at, task, Some(*result)).map(Step::ended),
            SuspendMoment::Phase { action, value, begins } => self.phase(at, task, action, *value, *begins)?,
            SuspendMoment::FreezeBegan => self.of(at, task, CycleKind::Hibernation).freeze.began = Some(at),
            SuspendMoment::FreezeEnded { result } => {
                let cycle = self.open.get_mut(&task.tid)?;
                cycle.freeze.ended = Some((at, *result));
                if !result.failed() {
                    cycle.frozen = at_work.helpers.all_alive();
                    let (id, frozen) = (cycle.id, cycle.frozen.clone());
                    frozen.into_iter().for_each(|call| self.meet(id, call));
                    return Some(Step::Taken);
                }
                cycle.unfrozen = cycle.freeze.began.map_or_else(Vec::new, |began| at_work.loads.since(began));
                if cycle.way.is_none() {
                    // It ends a cycle whose own end is not seen.
                    return self.ended(at, task, Some(*result)).map(Step::ended);
                }
            }
            SuspendMoment::ThawBegan => self.open.get_mut(&task.tid)?.thawed = Some(at),
            SuspendMoment::DisableBegan { depth } => {
                let kind = if *depth == Depth::DISABLED { CycleKind::Shutdown } else { CycleKind::Unknown };
                let cycle = self.of(at, task, kind);
                cycle.disable = Stretch { began: Some(at), ended: None };
                cycle.culprits = at_work.helpers.inside(at);
                let (id, inside) = (cycle.id, cycle.culprits.clone());
                inside.into_iter().for_each(|call| self.meet(id, call));
            }
            SuspendMoment::DisableEnded { result } => {
                let cycle = self.open.get_mut(&task.tid)?;
                cycle.disable.ended = Some((at, *result));
                if !result.failed() {
                    // The call that the cycle waited for has returned, though the return may be reported a little
                    // later.
                    cycle.drained.append(&mut cycle.culprits);
                } else {
                    cycle.enabled = Some(at);
                }
            }
            SuspendMoment::DepthSet { depth } => {
                let cycle = self.open.get_mut(&task.tid)?;
                if *depth == Depth::ENABLED && cycle.disable.began.is_some() {
                    cycle.enabled = Some(at);
                    // A freezer that fails thaws by itself, before it reports the failure (kernel/power/process.c
                    // `freeze_processes`).
                    let is_freezing = cycle.freeze.began.is_some() && cycle.freeze.ended.is_none();
                    if cycle.way.is_none() && !is_freezing {
                        return self.ended(at, task, None).map(Step::ended);
                    }
                }
            }
        }
        Some(Step::Taken)
    }

    /// A cycle met the call.
    fn meet(&mut self, cycle: CycleId, call: Arc<Call>) {
        let (_, cycles) = self.met.entry(call.id).or_insert_with(|| (call, BTreeSet::new()));
        cycles.insert(cycle);
        self.unreported.insert(cycle);
    }

    /// A helper call was entered: the cycle waits for it if helpers are being disabled.
    pub fn call_entered(&mut self, call: &Arc<Call>) {
        let mut waiting = Vec::new();
        for cycle in self.open.values_mut().filter(|cycle| is_draining(cycle)) {
            if cycle.culprits.len() < CALLS {
                cycle.culprits.push(call.clone());
                waiting.push(cycle.id);
            } else {
                self.capped += 1;
            }
        }
        waiting.into_iter().for_each(|cycle| self.meet(cycle, call.clone()));
    }

    /// A helper call changed, and with it the cycles that met it.
    pub fn call_changed(&mut self, call: &Arc<Call>) {
        if let Some((known, cycles)) = self.met.get_mut(&call.id) {
            *known = call.clone();
            self.unreported.extend(cycles.iter().copied());
        }
        let Some((at, result)) = call.returned else { return };
        let met_by = self.met.get(&call.id).map(|(_, cycles)| cycles.clone()).unwrap_or_default();
        let (mut refused, mut dropped) = (Vec::new(), Vec::new());
        for cycle in self.open.values_mut().filter(|cycle| cycle.enabled.is_none()) {
            match returned(cycle, call, (at, result), met_by.contains(&cycle.id)) {
                Returned::Refused => refused.push(cycle.id),
                Returned::Dropped => dropped.push(cycle.id),
                Returned::AsBefore => {}
            }
        }
        refused.into_iter().for_each(|cycle| self.meet(cycle, call.clone()));
        for cycle in dropped {
            self.unreported.insert(cycle);
            self.part(cycle, call.id);
        }
    }

    /// The cycle no longer holds the call.
    fn part(&mut self, cycle: CycleId, call: CallId) {
        if let Some((_, cycles)) = self.met.get_mut(&call) {
            cycles.remove(&cycle);
            if cycles.is_empty() {
                self.met.remove(&call);
            }
        }
    }

    /// Nothing more happens to the cycle.
    fn leave(&mut self, cycle: &Cycle) {
        let calls = [&cycle.culprits, &cycle.drained, &cycle.refused, &cycle.frozen];
        calls.into_iter().flatten().for_each(|call| self.part(cycle.id, call.id));
    }

    /// Another cycle replaces this one, whose end was not seen.
    fn replace(&mut self, mut cycle: Cycle) {
        bring_up_to_date(&mut cycle, &self.met);
        self.leave(&cycle);
        if self.unreported.remove(&cycle.id) || !cycle.closed {
            cycle.closed = true;
            self.replaced.push(cycle);
        }
    }

    /// The cycles that changed and are not reported, oldest first.
    pub fn take_unreported(&mut self) -> Vec<Cycle> {
        let unreported = std::mem::take(&mut self.unreported);
        let (met, mut changed) = (&self.met, std::mem::take(&mut self.replaced));
        for cycle in self.open.values_mut().chain(&mut self.unfinished) {
            if unreported.contains(&cycle.id) {
                bring_up_to_date(cycle, met);
                changed.push(cycle.clone());
            }
        }
        let (unfinished, finished): (Vec<Cycle>, Vec<Cycle>) =
            std::mem::take(&mut self.unfinished).into_iter().partition(is_unfinished);
        self.unfinished = unfinished;
        finished.iter().for_each(|cycle| self.leave(cycle));
        changed.sort_by_key(|cycle| cycle.id);
        changed
    }

    /// The cycles whose end was missed: helpers were enabled again so long ago that it must have come.
    pub fn unended(&mut self, now: Stamp) -> Vec<Cycle> {
        let is_closed = |cycle: &Cycle| cycle.enabled.is_some_and(|at| now.mono.since(at.mono) >= END_GRACE);
        let over: Vec<(Task, Stamp)> =
            self.open.values().filter(|cycle| is_closed(cycle)).filter_map(|it| Some((it.task, it.enabled?))).collect();
        over.into_iter().filter_map(|(task, at)| self.ended(at, task, None)).collect()
    }

    /// Takes out what is open, as it is now.
    pub fn take_open(&mut self) -> Vec<Cycle> {
        let met = std::mem::take(&mut self.met);
        let mut open: Vec<Cycle> = std::mem::take(&mut self.open).into_values().collect();
        open.iter_mut().for_each(|cycle| bring_up_to_date(cycle, &met));
        open
    }

    /// How much was given up because there was too much of it, since the last call.
    pub fn take_capped(&mut self) -> u64 {
        std::mem::take(&mut self.capped)
    }

    fn began(&mut self, at: Stamp, task: Task, way: Way, pm_test: Option<PmTest>) {
        let kind = match way {
            Way::Suspend { .. } => CycleKind::Suspend,
            Way::Hibernate => CycleKind::Hibernation,
        };
        let cycle = self.open(at, task, kind);
        cycle.way = Some(way);
        cycle.pm_test = pm_test;
    }

    /// The thread's cycle, or a new one of this kind.
    fn of(&mut self, at: Stamp, task: Task, kind: CycleKind) -> &mut Cycle {
        if !self.open.contains_key(&task.tid) {
            self.open(at, task, kind);
        }
        self.open.entry(task.tid).or_insert_with(|| fresh(CycleId(0), CycleId(0), kind, task, at))
    }

    fn open(&mut self, at: Stamp, task: Task, kind: CycleKind) -> &mut Cycle {
        self.last += 1;
        let id = CycleId(self.last);
        let again = self
            .before
            .filter(|(_, before, ended, failed)| *failed && *before == kind && at.boot.since(ended.boot) < AGAIN);
        let group = again.map_or(id, |(group, ..)| group);
        if self.open.len() >= OPEN
            && let Some((_, surplus)) = self.open.pop_first()
        {
            self.capped += 1;
            self.replace(surplus);
        }
        if let Some(before) = self.open.insert(task.tid, fresh(id, group, kind, task, at)) {
            self.replace(before);
        }
        self.open.entry(task.tid).or_insert_with(|| fresh(id, group, kind, task, at))
    }

    fn phase(&mut self, at: Stamp, task: Task, action: &Captured, value: i32, begins: bool) -> Option<()> {
        let action = action.text()?;
        if !self.open.contains_key(&task.tid) && &**action == "suspend_enter" && begins {
            self.began(at, task, Way::Suspend { state: SuspendState::from_number(value) }, None);
        }
        let cycle = self.open.get_mut(&task.tid)?;
        if begins && cycle.phases.len() < PHASES {
            cycle.phases.push(PhaseSpan { action: action.clone(), value, began: at, ended: None });
        } else if begins {
            self.capped += 1;
        } else {
            let same = |span: &&mut PhaseSpan| span.ended.is_none() && span.action == *action && span.value == value;
            cycle.phases.iter_mut().rev().find(same)?.ended = Some(at);
        }
        Some(())
    }

    fn ended(&mut self, at: Stamp, task: Task, result: Option<ReturnCode>) -> Option<Cycle> {
        let mut cycle = self.open.remove(&task.tid)?;
        bring_up_to_date(&mut cycle, &self.met);
        self.unreported.remove(&cycle.id);
        cycle.ended = Some(at);
        cycle.closed = true;
        cycle.result = result;
        self.before = Some((cycle.group, cycle.kind, at, cycle.failed()));
        if is_unfinished(&cycle) {
            if self.unfinished.len() >= UNFINISHED {
                let surplus = self.unfinished.remove(0);
                self.replace(surplus);
                self.capped += 1;
            }
            self.unfinished.push(cycle.clone());
        } else {
            self.leave(&cycle);
        }
        Some(cycle)
    }
}

fn fresh(id: CycleId, group: CycleId, kind: CycleKind, task: Task, at: Stamp) -> Cycle {
    Cycle {
        id,
        group,
        kind,
        way: None,
        pm_test: None,
        task,
        began: at,
        freeze: Stretch::default(),
        disable: Stretch::default(),
        thawed: None,
        enabled: None,
        phases: Vec::new(),
        ended: None,
        closed: false,
        result: None,
        culprits: Vec::new(),
        drained: Vec::new(),
        refused: Vec::new(),
        frozen: Vec::new(),
        unfrozen: Vec::new(),
        incomplete: false,
    }
}

fn is_draining(cycle: &Cycle) -> bool {
    cycle.disable.began.is_some() && cycle.disable.ended.is_none()
}

/// A helper that was frozen half way goes on.
fn is_unfinished(cycle: &Cycle) -> bool {
    cycle.frozen.iter().any(|call| call.exited.is_none())
}

/// Replaces what was known of the calls by the calls as they are now.
fn bring_up_to_date(cycle: &mut Cycle, met: &BTreeMap<CallId, (Arc<Call>, BTreeSet<CycleId>)>) {
    let lists = [&mut cycle.culprits, &mut cycle.drained, &mut cycle.refused, &mut cycle.frozen];
    for place in lists.into_iter().flatten() {
        if let Some((call, _)) = met.get(&place.id) {
            *place = call.clone();
        }
    }
}

/// What a call's return means to a cycle.
enum Returned {
    /// Nothing.
    AsBefore,
    /// It was refused.
    Refused,
    /// The cycle waited for it, and no longer holds it.
    Dropped,
}

/// The call returned while helpers were disabled, or being disabled. `is_met`: the cycle holds it in one of its lists.
fn returned(cycle: &mut Cycle, call: &Arc<Call>, (at, result): (Stamp, CallResult), is_met: bool) -> Returned {
    let Some(since) = cycle.disable.began.filter(|since| *since <= at) else {
        return Returned::AsBefore;
    };
    let waited_for = is_met && take(&mut cycle.culprits, call.id);
    let is_known = |calls: &[Arc<Call>]| calls.iter().any(|known| known.id == call.id);
    if is_met && (is_known(&cycle.drained) || is_known(&cycle.refused)) {
        return Returned::AsBefore;
    }
    if result.error() == Some(Errno::EBUSY) && call.entered >= since && cycle.refused.len() < CALLS {
        cycle.refused.push(call.clone());
        Returned::Refused
    } else if waited_for && is_draining(cycle) && cycle.drained.len() < CALLS {
        cycle.drained.push(call.clone());
        Returned::AsBefore
    } else if waited_for && !is_known(&cycle.frozen) {
        Returned::Dropped
    } else {
        Returned::AsBefore
    }
}

fn take(calls: &mut Vec<Arc<Call>>, id: CallId) -> bool {
    let before = calls.len();
    calls.retain(|call| call.id != id);
    calls.len() < before
}

#[cfg(test)]
mod tests {
    use super::{AtWork, Step, Suspends};
    use crate::answer::{CallResult, ReturnCode};
    use crate::correlate::helpers::Helpers;
    use crate::correlate::loads::Loads;
    use crate::entities::{Cycle, CycleKind};
    use crate::event::{Depth, Moment, Stamp, SuspendMoment, SuspendState, Task, Wait, Way};
    use crate::testing::{Scenario, entered};
    use std::sync::Arc;
    use trace_common::ids::CallAddress;

    fn cycles(moments: &[(u64, SuspendMoment)]) -> Vec<Arc<Cycle>> {
        let mut scenario = Scenario::default();
        let task = Task::new(900, 900, 3, "systemd-sleep");
        for (at, moment) in moments {
            scenario.probe(*at, task, Moment::Suspend(moment.clone()));
        }
        scenario.until(200_000_000);
        scenario.model().cycles().cloned().collect()
    }

    #[test]
    fn a_shutdown_disables_helpers_for_good() {
        let cycles = cycles(&[
            (1_000, SuspendMoment::DisableBegan { depth: Depth::DISABLED }),
            (2_000, SuspendMoment::DisableEnded { result: ReturnCode::OK }),
        ]);
        assert_eq!(cycles.len(), 1);
        assert_eq!((cycles[0].kind, cycles[0].ended, cycles[0].result), (CycleKind::Shutdown, None, None));
    }

    #[test]
    fn user_space_that_hibernates_by_itself_begins_with_the_freezer() {
        let cycles = cycles(&[
            (1_000, SuspendMoment::FreezeBegan),
            (1_100, SuspendMoment::DisableBegan { depth: Depth::FREEZING }),
            (1_200, SuspendMoment::DisableEnded { result: ReturnCode::OK }),
            (1_300, SuspendMoment::FreezeEnded { result: ReturnCode::OK }),
            (9_000, SuspendMoment::ThawBegan),
            (9_100, SuspendMoment::DepthSet { depth: Depth::FREEZING }),
            (9_200, SuspendMoment::DepthSet { depth: Depth::ENABLED }),
        ]);
        assert_eq!(cycles.len(), 1);
        assert_eq!((cycles[0].kind, cycles[0].way, cycles[0].result), (CycleKind::Hibernation, None, None));
        assert!(cycles[0].ended.is_some() && cycles[0].ended == cycles[0].enabled);
    }

    #[test]
    fn a_cycle_that_another_takes_the_place_of_is_reported() {
        let began = SuspendMoment::Began { way: Way::Suspend { state: SuspendState::Mem }, pm_test: None };
        let cycles = cycles(&[(1_000, began.clone()), (1_100, SuspendMoment::FreezeBegan), (2_000, began)]);
        let frozen: Vec<bool> = cycles.iter().map(|cycle| cycle.freeze.began.is_some()).collect();
        assert_eq!(frozen, [true, false]);
    }

    #[test]
    fn calls_are_forgotten_with_the_cycles_that_met_them() {
        let task = |tid| Task::new(tid, tid, 3, "task");
        let mut suspends = Suspends::default();
        let mut helpers = Helpers::default();
        let entered = entered(CallAddress(7), Wait::Proc, &["/bin/slow"]).into();
        let call = helpers.entered(Stamp::awake(10), task(5), &entered, None);
        let step = |suspends: &mut Suspends, helpers: &Helpers, at, moment| {
            suspends.step(Stamp::awake(at), task(9), &moment, AtWork { helpers, loads: &Loads::default() })
        };
        step(&mut suspends, &helpers, 20, SuspendMoment::DisableBegan { depth: Depth::FREEZING });
        assert_eq!(suspends.met.len(), 1);
        helpers.returned(Stamp::awake(30), task(5), CallResult::OK);
        suspends.call_changed(helpers.call(call).expect("a call"));
        step(&mut suspends, &helpers, 40, SuspendMoment::DisableEnded { result: ReturnCode::OK });
        let [cycle] = suspends.take_unreported().try_into().expect("one cycle");
        assert_eq!((cycle.drained.len(), cycle.culprits.len()), (1, 0));
        let ended = step(&mut suspends, &helpers, 50, SuspendMoment::DepthSet { depth: Depth::ENABLED });
        assert!(matches!(ended, Step::Ended(cycle) if cycle.drained.len() == 1));
        assert!(suspends.met.is_empty());
    }

    #[test]
    fn an_attempt_soon_after_a_failed_one_is_its_repetition() {
        let attempt = |at: u64, result: i32| {
            let way = Way::Suspend { state: SuspendState::Mem };
            [
                (at, SuspendMoment::Began { way, pm_test: None }),
                (at + 10, SuspendMoment::Ended { result: ReturnCode(result) }),
            ]
        };
        let moments = [attempt(1_000, -11), attempt(2_000_000, -16), attempt(70_000_000, 0), attempt(71_000_000, 0)];
        let groups: Vec<u64> = cycles(&moments.concat()).iter().map(|cycle| cycle.group.0).collect();
        assert_eq!(groups, [1, 1, 3, 4]);
    }
}

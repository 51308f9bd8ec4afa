//! Joins ordered events into requests, helper calls and loads, and decides verdicts.
//!
//! In: events in the order in which they happened (from [`crate::order`]). Out: [`Change`]s, each a whole value. Pure:
//! no I/O, no clock (time comes from the events), no threads, no globals. Every container is ordered, so the same
//! events give the same changes.
//!
//! This file passes each event to the file that handles it: [`requests`] for what requesters do and when a request is
//! closed, [`helpers`] for which process belongs to which call, [`loads`] for the stages of a load, [`losses`] for what
//! may be missing, [`suspends`] for which calls a suspend cycle met, [`firmware`] for the stages of a firmware request,
//! [`devices`] for which driver is bound to which device,
//! `sampling` for what a thread's stack proves about what waits for it.

pub mod devices;
pub mod firmware;
pub mod helpers;
pub mod loads;
pub mod losses;
pub mod requests;
mod sampling;
pub mod suspends;
#[cfg(test)]
mod tests;
pub mod unloads;

use crate::entities::device::Outcome;
use crate::entities::{Change, Cycle, TurnedAway};
use crate::event::{
    Body, DeviceMoment, Event, Fact, Moment, Policy, Probe, Resolution, SELF_TEST_ALIAS, SELF_TEST_THREAD, Stamp,
    SuspendMoment, Task,
};
use crate::lives::Lives;
use devices::Devices;
use firmware::Firmwares;
use helpers::Helpers;
use loads::Loads;
use losses::Losses;
use requests::Requests;
use requests::firsts::Firsts;
use requests::served::Unserved;
use std::collections::BTreeMap;
use std::sync::Arc;
use suspends::{AtWork, Step, Suspends};
use trace_common::ids::Tgid;
use trace_common::kind::Kind;
use unloads::Unloads;

/// Resolutions kept: enough for every alias that a machine asks for in practice, with a bound for aliases that a
/// program makes up. The live source remembers fewer aliases, so whatever it does not report again is still known here.
const RESOLUTIONS: usize = 65_536;
/// What they weigh, at most.
const RESOLUTION_BYTES: usize = 32 * 1024 * 1024;

/// The stage.
#[derive(Clone, Debug, Default)]
pub struct Correlator {
    requests: Requests,
    unserved: Unserved,
    firsts: Firsts,
    helpers: Helpers,
    loads: Loads,
    unloads: Unloads,
    lives: Lives,
    losses: Losses,
    suspends: Suspends,
    firmwares: Firmwares,
    devices: Devices,
    /// What aliases resolve to, each with the number of its report.
    resolutions: BTreeMap<Arc<str>, (u64, Arc<Resolution>)>,
    /// What they weigh.
    resolution_bytes: usize,
    /// The aliases by the number of their report, oldest first.
    resolved: BTreeMap<u64, Arc<str>>,
    reports: u64,
    /// What forbids loads, as it was last reported.
    policy: Option<Arc<Policy>>,
    may_miss_returns: bool,
    /// Of calls that serve no request.
    may_miss_other_returns: bool,
    may_miss_inits: bool,
    may_miss_firmware: bool,
    may_miss_denials: bool,
    /// Some denials were not seen, or none can be.
    misses_denials: bool,
    /// What may be missing has changed since the open requests were last checked.
    doubts_changed: bool,
    /// The task of the event that is taken in belongs to the traced command.
    of_command: bool,
    /// modtrail's own process: its requests are followed but not reported.
    tracer: Option<Tgid>,
    now: Stamp,
}

/// Whether a request ends with it before it has a helper call.
const fn is_answer(moment: &Moment) -> bool {
    matches!(
        moment,
        Moment::Throttled { .. } | Moment::Denied { .. } | Moment::Deduplicated { .. } | Moment::RefusedEarly { .. }
    )
}

impl Correlator {
    /// Takes one event; appends what it changes to `out`.
    pub fn step(&mut self, event: Event, out: &mut Vec<Change>) {
        let at = event.at;
        if let Body::Fact(Fact::Resolved { alias, resolution }) = event.body {
            // It comes before the request that needs it, so its instant does not show how far time has come.
            return self.resolved(alias, resolution);
        }
        self.now = Stamp { mono: self.now.mono.max(at.mono), boot: self.now.boot.max(at.boot) };
        match event.body {
            Body::Probe(probe) => self.probe(at, &probe, out),
            Body::Fact(fact) => self.fact(at, fact, out),
        }
        for load in self.loads.take_surplus() {
            out.push(Change::Capped);
            self.report_load(load, out);
        }
        let capped = self.helpers.take_capped()
            + self.suspends.take_capped()
            + self.firmwares.take_capped()
            + self.devices.take_capped()
            + self.loads.take_capped()
            + self.unloads.take_capped()
            + self.lives.take_capped();
        out.extend((0..capped).map(|_| Change::Capped));
    }

    /// About how many bytes a copy has for itself.
    #[must_use]
    pub fn own_weight(&self) -> usize {
        /// Of an alias in both maps.
        const RESOLVED: usize = 128;
        self.resolutions.len() * RESOLVED + self.requests.weight() + self.helpers.weight() + self.loads.weight()
    }

    fn resolved(&mut self, alias: Arc<str>, resolution: Arc<Resolution>) {
        self.reports += 1;
        self.resolution_bytes += resolution.weight();
        if let Some((before, old)) = self.resolutions.insert(alias.clone(), (self.reports, resolution)) {
            self.resolved.remove(&before);
            self.resolution_bytes -= old.weight();
        }
        self.resolved.insert(self.reports, alias);
        while self.resolved.len() > RESOLUTIONS || self.resolution_bytes > RESOLUTION_BYTES {
            let Some((_, oldest)) = self.resolved.pop_first() else { break };
            let given_up = self.resolutions.remove(&oldest);
            self.resolution_bytes -= given_up.map_or(0, |(_, old)| old.weight());
        }
    }

    fn fact(&mut self, at: Stamp, fact: Fact, out: &mut Vec<Change>) {
        match &fact {
            Fact::Hooks(hooks) => {
                self.unserved.set_hooks(hooks);
                self.firsts.set(hooks.iter().any(|hook| hook.moment == Kind::Deduplicated && hook.attached.is_some()));
                self.doubts_changed = true;
                let may_miss = |moment| {
                    hooks.iter().any(|hook| hook.moment == moment && (hook.may_miss || hook.attached.is_none()))
                };
                self.may_miss_returns = may_miss(Kind::CallReturned);
                let returns = hooks.iter().find(|hook| hook.moment == Kind::CallReturned);
                self.may_miss_other_returns =
                    self.may_miss_returns || returns.is_some_and(|hook| !hook.loses.is_empty());
                self.may_miss_inits = may_miss(Kind::InitEnded);
                self.may_miss_firmware = may_miss(Kind::FirmwareEnded);
                self.may_miss_denials = may_miss(Kind::Denied);
                self.misses_denials |= hooks.iter().any(|hook| hook.moment == Kind::Denied && hook.attached.is_none());
            }
            Fact::LiveModules(names) => self.lives.list(names, at, |name| self.loads.is_in_init(name)),
            Fact::Lost { loss, count, until } => {
                if loss.casts_doubt() {
                    self.losses.note(at.mono, *until);
                    self.doubts_changed = true;
                }
                self.misses_denials |= loss.moment() == Some(Kind::Denied);
                out.push(Change::Lost { loss: *loss, count: *count, at, until: *until });
                return;
            }
            Fact::Tick | Fact::Drained => {
                let unended = self.suspends.unended(self.now);
                self.report_cycles(unended, out);
                for load in self.loads.unended(self.now, self.may_miss_inits, &self.losses) {
                    self.report_load(load, out);
                }
                out.extend(self.unloads.unended(self.now).into_iter().map(Change::Unload));
                self.look_at_open(out);
                let changed = self.suspends.take_unreported();
                self.report_cycles(changed, out);
                out.push(Change::Now(self.now));
                return;
            }
            Fact::End => self.close_all(out),
            Fact::Tracer(process) => self.tracer = Some(*process),
            Fact::Stuck { thread, stack } => self.sampled(at, *thread, stack, out),
            Fact::Gone { thread } => self.thread_gone(at, *thread, out),
            Fact::Policy(policy) => self.policy = Some(policy.clone()),
            Fact::Machine(_)
            | Fact::Rights(_)
            | Fact::ClockSet { .. }
            | Fact::SelfTest(_)
            | Fact::Costs(_)
            | Fact::Resolved { .. }
            | Fact::Blamed { .. } => {}
        }
        out.push(Change::Fact { fact, at });
    }

    /// Whether the task is modtrail's own, or a thread of another modtrail's that makes a request for its self-test.
    fn is_own(&self, task: &Task) -> bool {
        self.tracer == Some(task.key.tgid) || self.requests.is_own(task)
    }

    /// Whether another modtrail begins a self-test.
    fn is_other_self_test(&self, task: &Task, moment: &Moment) -> bool {
        let Moment::Requested(asked) = moment else { return false };
        asked.alias.text().is_some_and(|alias| &**alias == SELF_TEST_ALIAS)
            && task.comm.to_text() == SELF_TEST_THREAD
            && self.requests.has_room_for_own()
    }

    fn probe(&mut self, at: Stamp, probe: &Probe, out: &mut Vec<Change>) {
        let task = probe.task;
        self.of_command = probe.of_command;
        if let Moment::Requested(_) = &probe.moment {
            // A thread has one request at a time: the end of an earlier one was not seen.
            self.requests.own_ended(&task);
        }
        let is_other = !self.is_own(&task) && self.is_other_self_test(&task, &probe.moment);
        // It is counted: anybody can give a thread that name.
        out.extend(is_other.then_some(Change::OtherSelfTest));
        let own = is_other || self.is_own(&task);
        if own && is_answer(&probe.moment) {
            return self.requests.own_ended(&task);
        }
        match &probe.moment {
            Moment::Requested(_) if own => self.requests.own_began(at, task),
            Moment::Admitted { .. } if own => {}
            Moment::Requested(asked) => self.requested(at, task, asked, out),
            Moment::RefusedEarly { requested, result } => {
                self.requested(at, task, requested, out);
                self.turned_away(at, task, (TurnedAway::RefusedEarly, *result), out);
            }
            Moment::Admitted { .. } => self.admitted(at, task, out),
            Moment::Throttled { result } => self.turned_away(at, task, (TurnedAway::Throttled, *result), out),
            Moment::Deduplicated { result } => self.turned_away(at, task, (TurnedAway::Deduplicated, *result), out),
            Moment::Denied { result } => self.turned_away(at, task, (TurnedAway::Denied, *result), out),
            Moment::Served { by, result } => self.served(task, (*by, *result), out),
            Moment::CallEntered(entered) => self.call_entered(at, task, entered, out),
            Moment::CallReturned { result } => {
                let call = self.helpers.returned(at, task, *result);
                self.requests.own_ended(&task);
                self.returned(at, task, call, *result, out);
            }
            Moment::CallPicked { .. }
            | Moment::Born { .. }
            | Moment::Executed { .. }
            | Moment::Completed { .. }
            | Moment::Forked { .. }
            | Moment::Exited { .. } => self.helper_moment(at, task, &probe.moment, out),
            Moment::CallerGone => self.caller_gone(at, task, out),
            Moment::LoadBegan { .. }
            | Moment::LoadEnded { .. }
            | Moment::ImageRead { .. }
            | Moment::Coming(_)
            | Moment::InitBegun(_)
            | Moment::InitEnded { .. }
            | Moment::Live(_)
            | Moment::Going(_)
            | Moment::Freed(_)
            | Moment::Named { .. }
            | Moment::FileNamed { .. }
            | Moment::Printed { .. } => self.load_moment(at, task, &probe.moment, out),
            Moment::UnloadBegan { name, origin } => {
                out.extend(
                    self.unloads
                        .began(at, (task, probe.of_command), name, origin.as_ref())
                        .into_iter()
                        .map(Change::Unload),
                );
            }
            Moment::UnloadEnded { result } => match self.unloads.ended(at, task.tid, *result) {
                Some(unload) => out.push(Change::Unload(unload)),
                None => out.push(Change::Unmatched),
            },
            Moment::Suspend(moment) => self.suspend_moment(at, task, moment, out),
            Moment::Firmware(moment) => {
                let changed = self.firmwares.step(at, task, moment);
                out.extend(changed.into_iter().map(|firmware| Change::Firmware(Arc::new(firmware))));
            }
            Moment::Device(moment) => self.device_moment(at, task, moment, out),
        }
    }

    /// A moment in the life of a helper, or of a process of its tree.
    #[expect(clippy::wildcard_enum_match_arm, reason = "`probe` passes only these moments")]
    fn helper_moment(&mut self, at: Stamp, task: Task, moment: &Moment, out: &mut Vec<Change>) {
        let call = match moment {
            Moment::CallPicked { call } => self.helpers.picked(at, task.tid, *call),
            Moment::Born { call } => self.helpers.born(at, task, *call),
            Moment::Executed { result, program } => self.helpers.executed(at, task.key, *result, program.as_ref()),
            Moment::Completed { call } => self.helpers.completed(at, task, *call),
            Moment::Forked { child } => self.helpers.forked(task.key, *child),
            Moment::Exited { status } => {
                let call = self.helpers.exited(at, task, *status);
                if let Some(load) = self.loads.abandoned(task.tid) {
                    self.report_load(load, out);
                }
                out.extend(self.unloads.abandoned(task.tid).map(Change::Unload));
                call
            }
            _ => return,
        };
        self.call_changed(call, out);
    }

    fn device_moment(&mut self, at: Stamp, task: Task, moment: &DeviceMoment, out: &mut Vec<Change>) {
        let device = match moment {
            DeviceMoment::Bound(tried) => self.devices.tried(at, task, tried, Outcome::Bound),
            DeviceMoment::Failed { tried, error } => self.devices.tried(at, task, tried, Outcome::Failed(*error)),
            DeviceMoment::Uevent(uevent) => {
                let alias = uevent.alias.text();
                let resolution = alias.and_then(|alias| self.resolutions.get(alias)).map(|(_, found)| found.clone());
                self.devices.announced(at, task, uevent, resolution)
            }
        };
        out.extend(device.map(|device| Change::Device(Arc::new(device))));
    }

    fn suspend_moment(&mut self, at: Stamp, task: Task, moment: &SuspendMoment, out: &mut Vec<Change>) {
        let at_work = AtWork { helpers: &self.helpers, loads: &self.loads };
        match self.suspends.step(at, task, moment, at_work) {
            Step::Ended(cycle) => self.report_cycles([*cycle], out),
            Step::Taken => {}
            Step::Unmatched => out.push(Change::Unmatched),
        }
    }

    fn report_cycles(&self, cycles: impl IntoIterator<Item = Cycle>, out: &mut Vec<Change>) {
        for mut cycle in cycles {
            cycle.incomplete = self.losses.overlap(cycle.began.mono, cycle.ended.unwrap_or(self.now).mono);
            out.push(Change::Cycle(Arc::new(cycle)));
        }
    }
}

//! The bounded store of what was joined. It answers every question that screens, reports and alerts ask.
//!
//! In: changes from the correlator. Out: answers by reference. Pure. Each kind of thing has a cap; what is given up
//! because of it is counted and shown.

pub mod coverage;
pub mod duplicates;
mod kept;

use crate::entities::device::Attempt;
use crate::entities::{
    Call, CallId, Change, Cycle, CycleId, Device, DeviceId, Firmware, FirmwareId, Load, LoadId, Request, RequestId,
    SLOTS, Slot, Timed, Unload, UnloadId, Verdict,
};
use crate::event::{Comm, Costs, Fact, Hook, Lost, Machine, Policy, Right, SelfTest, Stamp};
use coverage::{BlindSpans, Coverage};
use duplicates::{Group, GroupFacts, Groups, Sameness};
use kept::Kept;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use trace_common::ids::Tid;
use trace_common::time::{Ktime, Nanos};

/// Things of one kind that are kept: a busy boot has a few thousand requests.
pub const KEPT: usize = 100_000;
/// What the kept requests weigh, at most.
const REQUEST_BYTES: usize = 96 * 1024 * 1024;
/// What the kept things of every other kind weigh, at most.
const OTHER_BYTES: usize = 32 * 1024 * 1024;

/// A kernel stack as symbols, innermost first.
pub type Stack = Arc<[Arc<str>]>;

/// Threads whose last known kernel stack is kept.
const STACKS: usize = 256;

/// The store.
#[derive(Clone, Debug)]
pub struct Model {
    machine: Option<(Machine, Stamp)>,
    /// What the wall clock showed when it was read first, and after each time it was set, oldest first.
    anchors: Vec<(Stamp, u64)>,
    hooks: Arc<[Hook]>,
    self_test: Option<SelfTest>,
    costs: Option<Costs>,
    rights: Arc<[Right]>,
    policy: Option<Arc<Policy>>,
    requests: Kept<RequestId, Request>,
    children: BTreeMap<RequestId, Vec<RequestId>>,
    calls: Kept<CallId, Call>,
    loads: Kept<LoadId, Load>,
    unloads: Kept<UnloadId, Unload>,
    cycles: Kept<CycleId, Cycle>,
    firmware: Kept<FirmwareId, Firmware>,
    devices: Kept<DeviceId, Device>,
    /// Which devices a load has to do with; they may no longer be kept.
    devices_of: BTreeSet<(LoadId, DeviceId)>,
    stacks: BTreeMap<Tid, (Stamp, Stack)>,
    /// The requests that hold a slot now.
    slots: BTreeSet<RequestId>,
    most_slots: MostSlots,
    /// One for each [`Sameness`].
    duplicates: [Groups; 3],
    verdicts: BTreeMap<Verdict, u64>,
    lost: BTreeMap<Lost, u64>,
    blind: BlindSpans,
    blamed: BTreeMap<(u32, Lost), Blamed>,
    worst: Option<(Nanos, RequestId)>,
    counts: Counts,
    changes: u64,
    first: Option<Stamp>,
    now: Stamp,
    ended: bool,
    is_part: bool,
}

/// Settings of the wall clock that are kept: enough for days of a clock that drifts.
const ANCHORS: usize = 4_096;

/// Users and losses that are kept. Beyond that, the one that was blamed longest ago is given up.
const BLAMED: usize = 4_096;

/// Pairs of loads and devices that are kept before those are given up whose device is no longer kept: each device has
/// some loads at most.
const DEVICES_OF: usize = 4 * KEPT;

/// What one user caused to be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blamed {
    /// How many.
    pub count: u64,
    /// The name of the thread that caused the latest.
    pub comm: Comm,
    /// When the latest was found.
    pub latest: Stamp,
}

/// How much came, and how much of it is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counts {
    /// Events taken in, not counting facts.
    pub events: u64,
    /// Events that could not be tied to anything seen before.
    pub unmatched: u64,
    /// Open things given up because too many were open.
    pub capped: u64,
    /// Requests, calls, loads, unloads, devices and the like that are no longer kept.
    pub forgotten: u64,
    /// Requests seen, kept or not.
    pub requests: u64,
    /// Self-tests of other modtrails: their requests are left out.
    pub other_self_tests: u64,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            machine: None,
            anchors: Vec::new(),
            hooks: [].into(),
            self_test: None,
            costs: None,
            rights: [].into(),
            policy: None,
            requests: Kept::new(KEPT, REQUEST_BYTES),
            children: BTreeMap::new(),
            calls: Kept::new(KEPT, OTHER_BYTES),
            loads: Kept::new(KEPT, OTHER_BYTES),
            unloads: Kept::new(KEPT, OTHER_BYTES),
            cycles: Kept::new(KEPT, OTHER_BYTES),
            firmware: Kept::new(KEPT, OTHER_BYTES),
            devices: Kept::new(KEPT, OTHER_BYTES),
            devices_of: BTreeSet::new(),
            stacks: BTreeMap::new(),
            slots: BTreeSet::new(),
            most_slots: MostSlots::default(),
            duplicates: [Sameness::Alias, Sameness::Module, Sameness::File].map(Groups::new),
            verdicts: BTreeMap::new(),
            lost: BTreeMap::new(),
            blind: BlindSpans::default(),
            blamed: BTreeMap::new(),
            worst: None,
            counts: Counts::default(),
            changes: 0,
            first: None,
            now: Stamp::default(),
            ended: false,
            is_part: false,
        }
    }
}

impl Model {
    /// Takes in one change.
    pub fn apply(&mut self, change: &Change) {
        if !only_time_passed(change) {
            self.changes += 1;
        }
        match change {
            Change::Request(request) => self.request_changed(request.clone()),
            Change::Call(call) => {
                self.now = self.now.max(call.entered);
                self.counts.forgotten += self.calls.put(call.id, call.clone()).count();
            }
            Change::Load(load) => self.load_changed(load.clone()),
            Change::Unload(unload) => {
                self.counts.forgotten += self.unloads.put(unload.id, unload.clone()).count();
            }
            Change::Cycle(cycle) => {
                self.counts.forgotten += self.cycles.put(cycle.id, cycle.clone()).count();
            }
            Change::Firmware(firmware) => {
                self.counts.forgotten += self.firmware.put(firmware.id, firmware.clone()).count();
            }
            Change::Device(device) => self.device_changed(device.clone()),
            Change::Fact { fact, at } => self.fact(fact.clone(), *at),
            Change::Lost { loss, count, at, until } => {
                if loss.hides() {
                    self.blind.note(at.mono, *until);
                }
                let lost = self.lost.entry(*loss).or_default();
                *lost = lost.saturating_add(*count);
                self.advance(*at);
            }
            Change::Unmatched => self.counts.unmatched += 1,
            Change::Capped => self.counts.capped += 1,
            Change::OtherSelfTest => self.counts.other_self_tests += 1,
            Change::Now(now) => self.advance(*now),
        }
    }

    /// The same trace with only some of its things: those that `is_wanted`, as changes, and the loads of requests that
    /// are. What the machine is, what was lost, how much came and how full the slots were stay as they are.
    #[must_use]
    pub fn narrowed(&self, is_wanted: impl Fn(&Change) -> bool) -> Self {
        let empty = Self::default();
        let mut narrow = Self {
            requests: empty.requests,
            children: empty.children,
            calls: empty.calls,
            loads: empty.loads,
            unloads: empty.unloads,
            cycles: empty.cycles,
            firmware: empty.firmware,
            devices: empty.devices,
            devices_of: empty.devices_of,
            slots: empty.slots,
            duplicates: empty.duplicates,
            verdicts: empty.verdicts,
            worst: empty.worst,
            is_part: true,
            ..self.clone()
        };
        let requests = self.requests.all().cloned().map(Change::Request);
        requests.filter(|change| is_wanted(change)).for_each(|change| narrow.apply(&change));
        for load in self.loads.all() {
            let change = Change::Load(load.clone());
            if load.request.is_some_and(|id| narrow.request(id).is_some()) || is_wanted(&change) {
                narrow.apply(&change);
            }
        }
        let calls = self.calls.all().cloned().map(Change::Call);
        let unloads = self.unloads.all().cloned().map(Change::Unload);
        let cycles = self.cycles.all().cloned().map(Change::Cycle);
        let firmware = self.firmware.all().cloned().map(Change::Firmware);
        let others = calls.chain(unloads).chain(cycles).chain(firmware);
        others.filter(|change| is_wanted(change)).for_each(|change| narrow.apply(&change));
        for device in self.devices.all() {
            let change = Change::Device(device.clone());
            if device.loads().any(|load| narrow.load(load).is_some()) || is_wanted(&change) {
                narrow.apply(&change);
            }
        }
        narrow.most_slots = self.most_slots.clone();
        narrow.counts = Counts { requests: narrow.requests.all().len() as u64, ..self.counts };
        narrow
    }

    /// What the kept things weigh, and what all that ever came weighed, kept or not.
    #[must_use]
    pub fn weights(&self) -> (usize, u64) {
        let of_each = [
            self.requests.weights(),
            self.calls.weights(),
            self.loads.weights(),
            self.unloads.weights(),
            self.cycles.weights(),
            self.firmware.weights(),
            self.devices.weights(),
        ];
        of_each.into_iter().fold((0, 0), |(kept, came), (more_kept, more_came)| (kept + more_kept, came + more_came))
    }

    /// About how many bytes a copy has for itself, beside the things that are kept.
    #[must_use]
    pub fn own_weight(&self) -> usize {
        /// Of a group, with some members.
        const GROUP: usize = 256;
        let groups: usize = self.duplicates.iter().map(Groups::count).sum();
        groups * GROUP
            + self.devices_of.len() * size_of::<(LoadId, DeviceId)>()
            + self.anchors.len() * size_of::<Stamp>()
    }

    /// One event came in at `at`.
    pub fn count_event(&mut self, at: Stamp) {
        self.counts.events += 1;
        self.advance(at);
    }

    /// The machine that was traced; `None` if the source did not report it.
    #[must_use]
    pub fn machine(&self) -> Option<&Machine> {
        self.machine.as_ref().map(|(machine, _)| machine)
    }

    /// Nanoseconds since the Unix epoch at `at`, as the wall clock showed it then; `None` if the source gave no anchor.
    #[must_use]
    pub fn wall_ns(&self, at: Stamp) -> Option<u64> {
        let later = self.anchors.partition_point(|(anchor, _)| anchor.boot <= at.boot);
        let (anchor, wall_ns) = self.anchors.get(later.saturating_sub(1))?;
        let after = at.boot.since(anchor.boot).as_nanos();
        let before = anchor.boot.since(at.boot).as_nanos();
        Some(wall_ns.saturating_add(after).saturating_sub(before))
    }

    /// When the wall clock showed this first, on the clock that does not stop in suspend; if it never did because it
    /// was set, when it was set past it. `None` if the source gave no anchor.
    #[must_use]
    pub fn boot_at(&self, wall_ns: u64) -> Option<Ktime> {
        let mut latest = None;
        for (place, (anchor, shown)) in self.anchors.iter().enumerate() {
            let length = self.anchors.get(place + 1).map(|(next, _)| next.boot.since(anchor.boot).as_nanos());
            let after = Nanos::new(wall_ns.saturating_sub(*shown));
            let before = Nanos::new(shown.saturating_sub(wall_ns));
            if before > Nanos::ZERO {
                // It is before the first, or the clock was set past it here.
                return Some(if place == 0 { anchor.boot.minus(before) } else { anchor.boot });
            }
            latest = Some(anchor.boot.plus(after));
            if length.is_none_or(|length| after.as_nanos() < length) {
                break;
            }
        }
        latest
    }

    fn anchor(&mut self, at: Stamp, wall_ns: u64) {
        let place = self.anchors.partition_point(|(anchor, _)| anchor.boot <= at.boot);
        self.anchors.insert(place, (at, wall_ns));
        if self.anchors.len() > ANCHORS {
            // The first says when tracing began.
            self.anchors.remove(1);
        }
    }

    /// How each moment is seen.
    #[must_use]
    pub fn hooks(&self) -> &[Hook] {
        &self.hooks
    }

    /// Whether the probes were seen to fire; `None` if that was not tried.
    #[must_use]
    pub const fn self_test(&self) -> Option<&SelfTest> {
        self.self_test.as_ref()
    }

    /// The capabilities that modtrail kept while it traced; empty if it had none, or if the source did not report them.
    #[must_use]
    pub fn rights(&self) -> &[Right] {
        &self.rights
    }

    /// What forbids loads on the machine, as it was last reported; `None` if the source did not report it.
    #[must_use]
    pub fn policy(&self) -> Option<&Policy> {
        self.policy.as_deref()
    }

    /// What tracing had cost when that was last asked for; `None` if it never was.
    #[must_use]
    pub const fn costs(&self) -> Option<&Costs> {
        self.costs.as_ref()
    }

    /// Every kept request, oldest first.
    pub fn requests(&self) -> impl DoubleEndedIterator<Item = &Arc<Request>> + ExactSizeIterator {
        self.requests.all()
    }

    /// One request, while it is kept.
    #[must_use]
    pub fn request(&self, id: RequestId) -> Option<&Arc<Request>> {
        self.requests.get(id)
    }

    /// The requests that are open, oldest first.
    pub fn open_requests(&self) -> impl Iterator<Item = &Arc<Request>> {
        self.requests.open()
    }

    /// The requests that were asked for by `parent`'s helper.
    pub fn children(&self, parent: RequestId) -> impl Iterator<Item = &Arc<Request>> {
        self.children.get(&parent).into_iter().flatten().filter_map(|id| self.requests.get(*id))
    }

    /// Helper calls that serve no request, oldest first.
    pub fn calls(&self) -> impl DoubleEndedIterator<Item = &Arc<Call>> + ExactSizeIterator {
        self.calls.all()
    }

    /// The helper calls serving no request that are open, oldest first.
    pub fn open_calls(&self) -> impl Iterator<Item = &Arc<Call>> {
        self.calls.open()
    }

    /// One helper call that serves no request, while it is kept.
    #[must_use]
    pub fn call(&self, id: CallId) -> Option<&Arc<Call>> {
        self.calls.get(id)
    }

    /// The firmware requests that are open, oldest first.
    pub fn open_firmware(&self) -> impl Iterator<Item = &Arc<Firmware>> {
        self.firmware.open()
    }

    /// One load, while it is kept.
    #[must_use]
    pub fn load(&self, id: LoadId) -> Option<&Arc<Load>> {
        self.loads.get(id)
    }

    /// Every kept load, oldest first.
    pub fn loads(&self) -> impl DoubleEndedIterator<Item = &Arc<Load>> + ExactSizeIterator {
        self.loads.all()
    }

    /// The loads that are open, oldest first.
    pub fn open_loads(&self) -> impl Iterator<Item = &Arc<Load>> {
        self.loads.open()
    }

    /// Every kept unload, oldest first.
    pub fn unloads(&self) -> impl DoubleEndedIterator<Item = &Arc<Unload>> + ExactSizeIterator {
        self.unloads.all()
    }

    /// One unload, while it is kept.
    #[must_use]
    pub fn unload(&self, id: UnloadId) -> Option<&Arc<Unload>> {
        self.unloads.get(id)
    }

    /// Every kept suspend cycle, oldest first.
    pub fn cycles(&self) -> impl DoubleEndedIterator<Item = &Arc<Cycle>> + ExactSizeIterator {
        self.cycles.all()
    }

    /// One suspend cycle, while it is kept.
    #[must_use]
    pub fn cycle(&self, id: CycleId) -> Option<&Arc<Cycle>> {
        self.cycles.get(id)
    }

    /// Every kept firmware request, oldest first.
    pub fn firmware(&self) -> impl DoubleEndedIterator<Item = &Arc<Firmware>> + ExactSizeIterator {
        self.firmware.all()
    }

    /// One firmware request, while it is kept.
    #[must_use]
    pub fn firmware_request(&self, id: FirmwareId) -> Option<&Arc<Firmware>> {
        self.firmware.get(id)
    }

    /// The firmware requests that held the helpers' lock when a cycle wanted to disable helpers, so the cycle had to
    /// wait.
    pub fn firmware_holding_up(&self, cycle: &Cycle) -> impl Iterator<Item = &Arc<Firmware>> {
        let began = cycle.disable.began;
        self.firmware.all().filter(move |firmware| began.is_some_and(|at| firmware.lock.held_at(at)))
    }

    /// Every kept device, oldest first.
    pub fn devices(&self) -> impl DoubleEndedIterator<Item = &Arc<Device>> + ExactSizeIterator {
        self.devices.all()
    }

    /// The kept devices that a load's driver was tried on, or whose uevent the load followed, oldest first.
    pub fn devices_of(&self, load: LoadId) -> impl Iterator<Item = &Arc<Device>> {
        let of_load = (load, DeviceId(0))..=(load, DeviceId(u64::MAX));
        self.devices_of.range(of_load).filter_map(|(_, device)| self.devices.get(*device))
    }

    /// The kept devices that a load's drivers were tried on, oldest first, each with what came of it last.
    pub fn attempts_of(&self, load: LoadId) -> impl Iterator<Item = (&Device, &Attempt)> {
        self.devices_of(load).filter_map(move |device| {
            let attempt = device.attempts.iter().rev().find(|attempt| attempt.load == Some(load))?;
            Some((&**device, attempt))
        })
    }

    /// The last known kernel stack of a thread that something waits for, and when it was read.
    #[must_use]
    pub fn stack(&self, thread: Tid) -> Option<&(Stamp, Stack)> {
        self.stacks.get(&thread)
    }

    /// The requests that hold one of the slots now, oldest first.
    pub fn slots(&self) -> impl Iterator<Item = &Arc<Request>> {
        self.slots.iter().filter_map(|id| self.requests.get(*id))
    }

    /// When the most slots were taken at once, as far as was seen, and by whom.
    #[must_use]
    pub const fn most_slots(&self) -> &MostSlots {
        &self.most_slots
    }

    /// Groups of duplicates: of the same alias, of the same module, of the same file, each oldest first.
    pub fn duplicates(&self) -> impl DoubleEndedIterator<Item = &Group> {
        self.duplicates.iter().flat_map(Groups::iter).filter(|group| self.are_duplicates(group))
    }

    /// One group of duplicates.
    #[must_use]
    pub fn duplicate(&self, sameness: Sameness, id: u64) -> Option<&Group> {
        self.duplicates.get(sameness as usize)?.get(id)
    }

    /// The roles of a group's members, and what the group cost; `None` if none of it is kept.
    #[must_use]
    pub fn group_facts(&self, group: &Group) -> Option<GroupFacts> {
        if group.sameness == Sameness::File {
            duplicates::of_loads(&self.loads_of(group))
        } else {
            duplicates::of_requests(&self.requests_of(group))
        }
    }

    /// Aliases that differ for one module, and copies of which one lost; the same alias is always a duplicate.
    fn are_duplicates(&self, group: &Group) -> bool {
        match group.sameness {
            Sameness::Alias => true,
            Sameness::Module => {
                let requests = self.requests_of(group);
                requests.windows(2).any(|pair| matches!(pair, [one, two] if one.requested.alias != two.requested.alias))
            }
            Sameness::File => self.loads_of(group).iter().any(|load| load.lost_to_another()),
        }
    }

    /// The kept requests of a group.
    #[must_use]
    pub fn requests_of(&self, group: &Group) -> Vec<&Request> {
        group.members.iter().filter_map(|id| self.requests.get(RequestId(*id))).map(|request| &**request).collect()
    }

    /// The kept loads of a group.
    #[must_use]
    pub fn loads_of(&self, group: &Group) -> Vec<&Load> {
        group.members.iter().filter_map(|id| self.loads.get(LoadId(*id))).map(|load| &**load).collect()
    }

    /// How many ended requests have each verdict; verdicts without requests are left out.
    #[must_use]
    pub const fn verdicts(&self) -> &BTreeMap<Verdict, u64> {
        &self.verdicts
    }

    /// What was lost, by what it was.
    #[must_use]
    pub const fn lost(&self) -> &BTreeMap<Lost, u64> {
        &self.lost
    }

    /// How much of the traced time was covered.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        self.first.map_or_else(Coverage::default, |first| self.blind.coverage(first, self.now))
    }

    /// What each user caused to be lost, by the user's number in the initial namespace and by what was lost.
    #[must_use]
    pub const fn blamed(&self) -> &BTreeMap<(u32, Lost), Blamed> {
        &self.blamed
    }

    /// Everything that was lost, together.
    #[must_use]
    pub fn lost_total(&self) -> u64 {
        self.lost.values().fold(0, |sum: u64, count| sum.saturating_add(*count))
    }

    /// The longest time from request to return that was seen, and whose it was.
    #[must_use]
    pub const fn worst(&self) -> Option<(Nanos, RequestId)> {
        self.worst
    }

    /// The counts.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// A number that rises with each change of anything but the time, so that what was made from the model is known to
    /// be fresh.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether anything is open.
    #[must_use]
    pub fn has_open(&self) -> bool {
        self.open_requests().next().is_some()
            || self.open_calls().next().is_some()
            || self.open_loads().next().is_some()
            || self.open_firmware().next().is_some()
            || self.cycles.open().next().is_some()
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

    /// Whether it holds only a part of what was traced: see [`Model::narrowed`]. Then it does not say what was not
    /// there.
    #[must_use]
    pub const fn is_part(&self) -> bool {
        self.is_part
    }

    fn fact(&mut self, fact: Fact, at: Stamp) {
        self.advance(at);
        match fact {
            Fact::Machine(machine) => {
                self.anchor(at, machine.wall_ns);
                self.machine = Some((machine, at));
            }
            Fact::ClockSet { wall_ns } => self.anchor(at, wall_ns),
            Fact::Hooks(hooks) => self.hooks = hooks,
            Fact::SelfTest(test) => self.self_test = Some(test),
            Fact::Costs(costs) => self.costs = Some(costs),
            Fact::Rights(rights) => self.rights = rights,
            Fact::Policy(policy) => self.policy = Some(policy),
            Fact::End => self.ended = true,
            Fact::Stuck { thread, stack } => {
                self.stacks.insert(thread, (at, stack));
                if self.stacks.len() > STACKS
                    && let Some(oldest) = self.stacks.iter().min_by_key(|(_, (at, _))| *at).map(|(thread, _)| *thread)
                {
                    self.stacks.remove(&oldest);
                }
            }
            Fact::Blamed { uid, comm, loss, count } => self.blame(uid, loss, Blamed { count, comm, latest: at }),
            Fact::Tracer(_)
            | Fact::Gone { .. }
            | Fact::LiveModules(_)
            | Fact::Resolved { .. }
            | Fact::Lost { .. }
            | Fact::Tick
            | Fact::Drained => {}
        }
    }

    fn request_changed(&mut self, request: Arc<Request>) {
        let id = request.id;
        self.counts.requests = self.counts.requests.max(id.0);
        self.hold_slot(&request);
        self.group_request(&request);
        if request.closed {
            *self.verdicts.entry(request.verdict).or_default() += 1;
            let total = request.total();
            if let Some(total) = total.filter(|total| self.worst.is_none_or(|(worst, _)| worst < *total)) {
                self.worst = Some((total, id));
            }
        }
        let parent = request.parent;
        let put = self.requests.put(id, request);
        if let Some(parent) = parent.filter(|_| put.is_new) {
            self.children.entry(parent).or_default().push(id);
        }
        self.counts.forgotten += put.count();
        for oldest in put.forgotten {
            self.children.remove(&oldest);
        }
    }

    fn blame(&mut self, uid: u32, loss: Lost, more: Blamed) {
        if !self.blamed.contains_key(&(uid, loss)) && self.blamed.len() >= BLAMED {
            self.counts.forgotten += 1;
            let oldest = self.blamed.iter().min_by_key(|(_, blamed)| blamed.latest).map(|(who, _)| *who);
            oldest.map(|who| self.blamed.remove(&who));
        }
        let count = self.blamed.get(&(uid, loss)).map_or(0, |before| before.count).saturating_add(more.count);
        self.blamed.insert((uid, loss), Blamed { count, ..more });
    }

    fn hold_slot(&mut self, request: &Request) {
        if request.slot(self.now) == Some(Slot::Held) {
            self.slots.insert(request.id);
            // More are only seen if returns were missed.
            if self.slots.len().min(SLOTS) > self.most_slots.holders.len() {
                self.most_slots = MostSlots { at: self.now, holders: self.slots.iter().copied().collect() };
            }
        } else {
            self.slots.remove(&request.id);
        }
    }

    fn group_request(&mut self, request: &Request) {
        let [by_alias, by_module, _] = &mut self.duplicates;
        let id = request.id.0;
        if self.requests.get(request.id).is_none() {
            if let Some(alias) = request.requested.alias.text() {
                self.counts.forgotten += by_alias.join(alias, id, request.asked);
            }
            if let Some(module) = request.module() {
                self.counts.forgotten += by_module.join(module, id, request.asked);
            }
            self.counts.forgotten += by_alias.trim(KEPT) + by_module.trim(KEPT);
        }
        if request.returned.is_some() || request.closed {
            let ended = request.returned.unwrap_or(self.now);
            by_alias.leave(id, ended);
            by_module.leave(id, ended);
        }
    }

    fn group_load(&mut self, load: &Load) {
        let [_, _, by_file] = &mut self.duplicates;
        let is_new = self.loads.get(load.id).is_none_or(|before| before.module.is_none());
        if let Some(module) = load.module.as_ref().filter(|_| is_new) {
            self.counts.forgotten += by_file.join(module, load.id.0, load.began) + by_file.trim(KEPT);
        }
        if load.closed {
            by_file.leave(load.id.0, load.ended.map_or(self.now, |(at, _)| at));
        }
    }

    fn load_changed(&mut self, load: Arc<Load>) {
        self.group_load(&load);
        self.counts.forgotten += self.loads.put(load.id, load).count();
    }

    fn device_changed(&mut self, device: Arc<Device>) {
        self.devices_of.extend(device.loads().map(|load| (load, device.id)));
        self.counts.forgotten += self.devices.put(device.id, device).count();
        if self.devices_of.len() > DEVICES_OF {
            let devices = &self.devices;
            self.devices_of.retain(|(_, device)| devices.get(*device).is_some());
        }
    }

    fn advance(&mut self, now: Stamp) {
        self.first.get_or_insert(now);
        self.now = Stamp { mono: self.now.mono.max(now.mono), boot: self.now.boot.max(now.boot) };
    }
}

const fn only_time_passed(change: &Change) -> bool {
    matches!(change, Change::Now(_) | Change::Fact { fact: Fact::Tick | Fact::Drained, .. })
}

/// The fullest that the slots for requests were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MostSlots {
    /// When that was.
    pub at: Stamp,
    /// The requests that held one, oldest first: 50 at most (`MAX_KMOD_CONCURRENT`, kernel/module/kmod.c, 5.10 to 7.3).
    pub holders: Vec<RequestId>,
}

#[cfg(test)]
mod tests {
    use super::Model;
    use crate::entities::Change;
    use crate::event::{Fact, Stamp};
    use trace_common::time::Ktime;

    #[test]
    fn an_instant_is_found_by_what_the_wall_clock_showed_first() {
        let mut model = Model::default();
        assert_eq!(model.boot_at(5), None);
        // Set forward by 500 after 100, back by 300 after another 100.
        for (at, wall_ns) in [(1_000, 50_000), (1_100, 50_600), (1_200, 50_400)] {
            model.apply(&Change::Fact { fact: Fact::ClockSet { wall_ns }, at: Stamp::awake(at) });
        }
        let at = |wall_ns| model.boot_at(wall_ns).map(Ktime::as_nanos);
        assert_eq!([49_990, 50_000, 50_099].map(at), [990, 1_000, 1_099].map(Some));
        assert_eq!([50_300, 50_600, 50_699].map(at), [1_100, 1_100, 1_199].map(Some));
        assert_eq!(at(50_750), Some(1_550));
    }
}

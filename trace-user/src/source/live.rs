//! The running kernel as a source: drains the ring buffer, decodes, and adds what the edge knows.
//!
//! In: the attached probes. Out: events, in the order in which they came. Facts come before what needs them: what an
//! alias resolves to before its request, what was lost before the next tick.

use crate::clock;
use crate::kernel::attach::{self, AttachError, Attached, Plan, ProbeLog, Progress};
use crate::kernel::btf::Types;
use crate::kernel::costs::Statistics;
use crate::kernel::enrich::{Names as _, enrich};
use crate::kernel::hooks::HookChoice;
use crate::kernel::lookup::Lookup;
use crate::kernel::misses::Misses;
use crate::kernel::names::{Namer, SystemNames};
use crate::kernel::ring::{RingError, Rings};
use crate::kernel::stacks::Stacks;
use crate::kernel::{policy, probe_log, snapshot};
use crate::source::wall::WallClock;
use crate::source::watchdog::{Finding, Watchdog};
use modtrail_core::answer::ReturnCode;
use modtrail_core::decode::decode;
use modtrail_core::event::{
    Body, Captured, Costs, DeviceMoment, Event, Fact, Hook, Lost, Moment, Policy, Resolution, Right, SelfTest, Stamp,
    Task,
};
use modtrail_core::record::interner::Interner;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use trace_common::kind::{Kind, Loss};
use trace_common::settings::{Offsets, Settings, UNKNOWN};
use trace_common::time::{Ktime, Nanos};

/// Records taken from the ring before the others get their turn.
const BATCH: usize = 4_096;
/// How often the ring may wake us between two ticks; after that, records are left to gather. What `/proc` shows about a
/// requester is read while the requester waits.
const WAKES: u32 = 16;
/// How long records then gather.
const REST: Duration = Duration::from_millis(20);
/// How often ticks are sent while something may be held back for one.
const BUSY: Duration = Duration::from_millis(50);
/// How often ticks are sent otherwise: what is stuck past its limit must be reported within a second.
const IDLE: Duration = Duration::from_millis(250);
/// How long after the last record something may still be held back.
const SETTLED: Nanos = Nanos::from_millis(300);
/// How often the costs of tracing are reported.
const COSTS_EVERY: Duration = Duration::from_secs(1);
/// Aliases whose resolution is remembered; beyond that, all are looked up again.
const ALIASES: usize = 16_384;

/// How to trace.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which rungs may be used.
    pub hooks: HookChoice,
    /// Rungs that may not be used: those with one of these in their name.
    pub without: Vec<String>,
    /// The ring buffer's size in bytes.
    pub ring_bytes: u32,
    /// How many tasks are followed at once.
    pub tracked: u32,
    /// Whether the probes' own messages go to stderr.
    pub probe_log: ProbeLog,
    /// The process of the command that is traced, if there is one.
    pub command: Option<u32>,
    /// The root of the modules and of modprobe's configuration, if it is not that of the kernel's helpers.
    pub modules_root: Option<PathBuf>,
}

/// Why this kernel cannot be traced.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The probes do not attach.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// The ring cannot be read.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// The wait for the ring failed.
    #[error("cannot wait for events")]
    Wait(#[source] io::Error),
}

/// The source.
pub struct Live {
    rings: Rings,
    misses: Misses,
    names: SystemNames,
    /// What came again and again, kept once.
    interner: Interner,
    stacks: Stacks,
    aliases: Aliases,
    /// What forbids loads, as it was last reported.
    policy: Policy,
    /// It was read again since the last batch.
    policy_is_fresh: bool,
    /// What was established at the start and not passed on yet.
    facts: Vec<Event>,
    last_look: Stamp,
    /// When the next tick is due. It outlives a wait that is cancelled, so nothing can put it off.
    next_tick: Instant,
    /// Records gather until then: the ring does not wake us for each record of a storm.
    rest: Instant,
    /// How often records were read since the last tick.
    wakes: u32,
    /// Nothing was left in the ring when it was last read.
    is_empty: bool,
    /// The ring held more than a batch: it must be read again at once.
    more: bool,
    last_record: Ktime,
    /// Records that could not be decoded and are not reported yet.
    undecodable: u64,
    /// When events were last found to be lost.
    lost: Option<Ktime>,
    attached: Attached,
    plan: Plan,
    statistics: Option<Statistics>,
    /// When costs are reported next.
    costs_due: Instant,
    watchdog: Watchdog,
    wall: WallClock,
    self_test: Option<SelfTest>,
}

impl Live {
    /// Attaches to the running kernel. Call it inside a runtime, which wakes it for records. It proves that the probes
    /// fire while events come; see [`Live::self_test`].
    ///
    /// # Errors
    /// [`LiveError`] if it cannot be traced.
    pub fn attach(options: &Options, progress: &Progress) -> Result<Self, LiveError> {
        let mut namer = Namer::find();
        let (machine, at) = snapshot::machine();
        let wall = WallClock::new(at, machine.wall_ns);
        let types = Types::read();
        let (offsets, device_offsets) = (types.offsets, types.device_offsets);
        let settings = Settings {
            module_notify_list: namer.address("module_notify_list"),
            pm_test_level: namer.address("pm_test_level"),
            modprobe_path: namer.address("modprobe_path"),
            command: options.command.filter(|_| snapshot::own_process().is_some()).unwrap_or(0),
            reserved: 0,
            offsets,
        };
        let release = snapshot::kernel_version(&machine.release);
        let plan = Plan {
            choice: options.hooks,
            without: options.without.clone(),
            preemptible: snapshot::is_preemptible(),
            settings,
            device_offsets,
            addresses: namer.addresses(),
            release,
            ring_bytes: options.ring_bytes,
            tracked: options.tracked,
            log: options.probe_log,
        };
        let stacks = Stacks::open(&types);
        let mut attached = attach::attach(&plan, types, progress)?;
        report_unknown_offsets(&mut attached.hooks, &offsets);
        let rings = Rings::open(&mut attached)?;
        if options.probe_log == ProbeLog::On {
            probe_log::forward(&attached);
        }
        let begun = clock::now();
        let hooks = Fact::Hooks(attached.hooks.clone().into());
        let mut facts = vec![fact(at, Fact::Machine(machine)), fact(begun, hooks)];
        facts.extend(snapshot::own_process().map(|own| fact(at, Fact::Tracer(own))));
        facts.extend(live_modules(begun));
        let policy = policy::read();
        facts.push(fact(begun, Fact::Policy(policy.clone().into())));
        Ok(Self {
            rings,
            misses: Misses::default(),
            names: SystemNames::new(namer),
            interner: Interner::default(),
            stacks,
            aliases: Aliases { root: options.modules_root.clone(), ..Aliases::default() },
            policy,
            policy_is_fresh: false,
            facts,
            last_look: begun,
            next_tick: Instant::now(),
            rest: Instant::now(),
            wakes: 0,
            is_empty: false,
            more: false,
            last_record: begun.mono,
            undecodable: 0,
            lost: None,
            attached,
            plan,
            statistics: None,
            costs_due: Instant::now(),
            watchdog: Watchdog::new(begun),
            wall,
            self_test: None,
        })
    }

    /// How each moment is seen.
    #[must_use]
    pub fn hooks(&self) -> &[Hook] {
        &self.attached.hooks
    }

    /// Whether the probes were seen to fire; `None` if that is not known yet.
    #[must_use]
    pub const fn self_test(&self) -> Option<&SelfTest> {
        self.self_test.as_ref()
    }

    /// What the kernel reports that probes missed since the last call or since it was last reported as lost.
    pub fn missed(&mut self) -> Vec<(Lost, u64)> {
        self.misses.take(&self.attached)
    }

    /// Starts or stops the report of what tracing costs, once a second. The kernel only keeps statistics in between.
    pub fn report_costs(&mut self, wanted: bool) {
        match (wanted, self.statistics.is_some()) {
            (true, false) => (self.statistics, self.costs_due) = (Some(Statistics::open()), Instant::now()),
            (false, true) => self.statistics = None,
            (true, true) | (false, false) => {}
        }
    }

    /// Reports the capabilities that stay from now on.
    pub fn report_rights(&mut self, rights: Arc<[Right]>) {
        self.facts.push(fact(clock::now(), Fact::Rights(rights)));
    }

    /// What tracing has cost up to now; `None` if that is not asked for.
    #[must_use]
    pub fn costs(&self) -> Option<Costs> {
        self.statistics.as_ref().map(|statistics| statistics.read(&self.attached))
    }

    /// The kernel stacks of these threads now, or that they are gone; see [`Stacks::sample`].
    pub fn sample(&mut self, threads: &[Task]) -> Vec<Event> {
        let Self { stacks, names, .. } = self;
        stacks.sample(threads, |address| names.symbol(address))
    }

    /// Why kernel stacks are read from `/proc`; `None` if the kernel's iterator over tasks has them.
    #[must_use]
    pub fn no_iterator(&self) -> Option<&str> {
        match &self.stacks {
            Stacks::Proc(why) => Some(why),
            Stacks::Iterator(_) => None,
        }
    }

    /// Whether a kprobe is attached that could not be attached again without CAP_SYS_ADMIN.
    #[must_use]
    pub fn has_guarded_kprobes(&self) -> bool {
        self.attached.has_guarded_kprobes()
    }

    /// Whether kernel symbols are read from the kernel's table, and not asked for one at a time.
    #[must_use]
    pub const fn reads_symbols(&self) -> bool {
        self.names.reads_table()
    }

    /// Why the module indexes could not be read, if they could not.
    #[must_use]
    pub fn indexes_error(&mut self) -> Option<&io::Error> {
        self.aliases.lookup().indexes_error()
    }

    /// Problems with modprobe's configuration, in words.
    #[must_use]
    pub fn configuration_problems(&mut self) -> &[String] {
        self.aliases.lookup().problems()
    }

    /// Waits for the next events and appends them to `out`, with a tick last if one is due.
    ///
    /// # Errors
    /// [`LiveError`] if the ring or its counters cannot be read.
    pub async fn next(&mut self, out: &mut Vec<Event>) -> Result<(), LiveError> {
        if self.facts.is_empty() && !self.more {
            if Instant::now() < self.rest {
                tokio::time::sleep_until(self.rest.min(self.next_tick)).await;
            } else {
                tokio::select! {
                    ready = self.rings.readable() => ready.map_err(LiveError::Wait)?,
                    () = tokio::time::sleep_until(self.next_tick) => {}
                }
            }
        }
        self.look(out)
    }

    /// Appends what is there now. Returns true if the ring was then seen to be empty: [`Fact::Drained`] is appended
    /// last, and whatever fires later has a later instant. Returns false if records come faster than they are read, or
    /// if one is still being written.
    ///
    /// # Errors
    /// [`LiveError`] if the counters cannot be read.
    pub fn drain(&mut self, out: &mut Vec<Event>) -> Result<bool, LiveError> {
        let now = clock::now();
        self.next_tick = Instant::now();
        self.look(out)?;
        if self.is_empty {
            out.push(fact(now, Fact::Drained));
        }
        Ok(self.is_empty)
    }

    /// Appends what is there now and, with a tick if one is due, what was lost.
    fn look(&mut self, out: &mut Vec<Event>) -> Result<(), LiveError> {
        let from = out.len();
        out.append(&mut self.facts);
        let now = clock::now();
        let Taken { count, is_more, undecodable } = self.take(out);
        let is_empty = !is_more && self.rings.is_empty();
        self.undecodable += undecodable;
        self.watch(now, from, out);
        if count > 0 {
            self.last_record = now.mono;
            self.wakes += 1;
            if self.wakes > WAKES {
                self.rest = Instant::now() + REST;
            }
            self.next_tick = self.next_tick.min(Instant::now() + BUSY);
        }
        // A full batch leaves records behind that are older than now: time is only known if the ring is empty.
        self.more = is_more;
        self.is_empty = is_empty;
        if Instant::now() < self.next_tick {
            return Ok(());
        }
        self.wakes = 0;
        self.losses(now, out)?;
        if Instant::now() >= self.costs_due {
            self.costs_due = Instant::now() + COSTS_EVERY;
            out.extend(self.costs().map(|costs| fact(now, Fact::Costs(costs))));
        }
        out.extend(self.wall.look());
        if !self.more {
            out.push(fact(now, Fact::Tick));
        }
        let busy = now.mono.since(self.last_record) < SETTLED;
        self.next_tick = Instant::now() + if busy { BUSY } else { IDLE };
        Ok(())
    }

    /// Appends a batch of what is in the rings, in the order in which it happened.
    fn take(&mut self, out: &mut Vec<Event>) -> Taken {
        let mut undecodable = 0;
        let mut decoded = Vec::new();
        let (count, is_more) = self.rings.drain(BATCH, |bytes| match decode(bytes) {
            Ok(record) if is_seen_elsewhere(&record.event) => {}
            Ok(record) => decoded.push(record),
            Err(_) => undecodable += 1,
        });
        // Each ring's records are nearly in order.
        decoded.sort_by_key(|record| record.event.at.mono);
        self.aliases.fresh = false;
        self.aliases.checked.clear();
        self.policy_is_fresh = false;
        for record in decoded {
            let mut event = enrich(record, &mut self.names);
            self.interner.intern(&mut event);
            self.before(&event, out);
            out.push(event);
        }
        Taken { count, is_more, undecodable }
    }

    /// Appends what has to be known before `event`.
    fn before(&mut self, event: &Event, out: &mut Vec<Event>) {
        let Body::Probe(probe) = &event.body else { return };
        if matches!(probe.moment, Moment::Live(_) | Moment::Going(_)) {
            self.names.modules_changed();
        }
        if !self.policy_is_fresh && shows_policy(&probe.moment, &self.policy) {
            self.policy_is_fresh = true;
            let policy = policy::read();
            if policy != self.policy {
                self.policy = policy.clone();
                out.push(fact(event.at, Fact::Policy(policy.into())));
            }
        }
        let Some(alias) = alias(&probe.moment).filter(|_| !self.names.is_own(probe.task.key.tgid.0)) else { return };
        if let Some(resolution) = self.aliases.report(alias) {
            out.push(fact(event.at, Fact::Resolved { alias: alias.clone(), resolution: Arc::new(resolution) }));
        }
    }

    /// Proves the probes again after the machine slept, and attaches again those that do not fire.
    fn watch(&mut self, now: Stamp, from: usize, out: &mut Vec<Event>) {
        let new = out.get(from..).unwrap_or_default();
        match self.watchdog.look(now, new) {
            Finding::Nothing => {}
            Finding::Proven(test) => {
                self.self_test = Some(test.clone());
                out.push(fact(now, Fact::SelfTest(test)));
            }
            Finding::Deaf { since, .. } if self.lost.is_some_and(|lost| lost >= since.mono) => self.watchdog.lost(),
            Finding::Deaf { moments, since } => {
                // What the kernel counted for the programs that are about to be replaced is reported first.
                let mut missed = self.misses.take(&self.attached);
                self.attached.renew(&self.plan, &moments);
                report_unknown_offsets(&mut self.attached.hooks, &self.plan.settings.offsets);
                self.misses = Misses::default();
                self.misses.take(&self.attached);
                let until = clock::now();
                self.watchdog.attached_again(until);
                missed.extend(moments.iter().map(|moment| (Lost::Deaf(*moment), 1)));
                let lost = missed.into_iter().map(|(loss, count)| Fact::Lost { loss, count, until: until.mono });
                out.extend(lost.map(|lost| fact(since, lost)));
                self.self_test = Some(SelfTest::Deaf(moments.clone()));
                out.push(fact(until, Fact::SelfTest(SelfTest::Deaf(moments))));
                out.push(fact(until, Fact::Hooks(self.attached.hooks.clone().into())));
                out.extend(live_modules(until));
            }
        }
    }

    /// Reports what was lost since the last read. The counters are read after the ring, so what they count now was lost
    /// before now, and after the beginning of the last read.
    fn losses(&mut self, look: Stamp, out: &mut Vec<Event>) -> Result<(), LiveError> {
        let undecodable = std::mem::take(&mut self.undecodable);
        let since = std::mem::replace(&mut self.last_look, look);
        let kernel = self.rings.lost()?.into_iter().map(|(loss, count)| (Lost::Kernel(loss), count));
        let lost: Vec<(Lost, u64)> = kernel
            .chain([(Lost::Undecodable, undecodable)])
            .chain(self.misses.take(&self.attached))
            .filter(|(_, count)| *count > 0)
            .collect();
        if !lost.is_empty() {
            let until = clock::now();
            let is_in_doubt = lost.iter().any(|(loss, _)| loss.casts_doubt());
            if is_in_doubt || lost.iter().any(|(loss, _)| may_hide_self_test(*loss)) {
                self.lost = Some(until.mono);
            }
            let lost = lost.into_iter().map(|(loss, count)| Fact::Lost { loss, count, until: until.mono });
            out.extend(lost.map(|lost| fact(since, lost)));
            out.extend(self.rings.blamed()?.into_iter().map(|blamed| fact(since, blamed)));
            // What went live or away unseen is established again.
            out.extend(is_in_doubt.then(|| live_modules(until)).flatten());
        }
        Ok(())
    }
}

/// Whether modtrail's own request may be among what was left out. It shares root's share with its cgroup.
const fn may_hide_self_test(loss: Lost) -> bool {
    matches!(loss, Lost::Kernel(Loss::RequestsLeftOut | Loss::CallsLeftOut))
}

/// What a read of the rings gave.
struct Taken {
    /// How many records there were.
    count: usize,
    /// There may be more.
    is_more: bool,
    /// How many were not understood.
    undecodable: u64,
}

/// What aliases resolve to. Each is looked up once as long as the module indexes and modprobe's configuration do not
/// change. They are read when an alias is first asked for.
#[derive(Default)]
struct Aliases {
    /// The root that was chosen, if one was.
    root: Option<PathBuf>,
    lookup: Option<Lookup>,
    /// With the files that modprobe would load, and whether each was there.
    reported: BTreeMap<Arc<str>, Vec<(PathBuf, bool)>>,
    /// The aliases whose files were checked since the last batch.
    checked: BTreeSet<Arc<str>>,
    /// The indexes and the configuration were checked since the last batch.
    fresh: bool,
}

impl Aliases {
    fn lookup(&mut self) -> &mut Lookup {
        let root = self.root.as_deref();
        self.lookup.get_or_insert_with(|| Lookup::read(root))
    }

    /// What `alias` resolves to; `None` if that was reported before and is still valid.
    fn report(&mut self, alias: &Arc<str>) -> Option<Resolution> {
        let changed = !self.fresh && self.lookup().refresh();
        self.fresh = true;
        if changed || self.reported.len() >= ALIASES {
            self.reported.clear();
        }
        let is_same = |files: &Vec<(PathBuf, bool)>| files.iter().all(|(path, was_there)| path.exists() == *was_there);
        if !changed && self.checked.contains(alias) {
            return None;
        }
        self.checked.insert(alias.clone());
        if self.reported.get(alias).is_some_and(is_same) {
            return None;
        }
        let files = self.lookup().files(alias);
        self.reported.insert(alias.clone(), files);
        Some(self.lookup().resolve(alias))
    }
}

/// A request that could have been refused early, and was not: the security hook shows it.
fn is_seen_elsewhere(event: &Event) -> bool {
    matches!(&event.body, Body::Probe(probe) if matches!(probe.moment, Moment::RefusedEarly { result: ReturnCode::OK, .. }))
}

/// Whether what the machine allows may have changed since it was last read: a load was refused, or another helper runs.
#[expect(clippy::wildcard_enum_match_arm, reason = "no other moment shows that")]
fn shows_policy(moment: &Moment, known: &Policy) -> bool {
    match moment {
        Moment::LoadEnded { result, .. } => result.error().is_some_and(|error| REFUSALS.contains(&error.as_return())),
        Moment::RefusedEarly { .. } => true,
        // A request's call passes the alias on (kernel/module/kmod.c `call_modprobe`).
        Moment::CallEntered(entered) => {
            let is_request = entered.argv.get(1).and_then(Captured::text).is_some_and(|word| &**word == "-q");
            is_request && entered.path.text() != known.helper.as_ref()
        }
        _ => false,
    }
}

/// `EPERM`, `ENOKEY`, `EKEYREJECTED`: what a load that the machine forbids is answered.
const REFUSALS: [i32; 3] = [-1, -126, -129];

/// Reports what is lost if the kernel's types do not show how a task is laid out.
fn report_unknown_offsets(hooks: &mut [Hook], offsets: &Offsets) {
    let lacks = |known: &[u32]| known.contains(&UNKNOWN);
    let pid = lacks(&[offsets.task_group_leader, offsets.task_start_boottime]);
    let end = lacks(&[offsets.task_exit_code, offsets.task_signal, offsets.signal_live]);
    for hook in hooks {
        let loses = if pid && matches!(hook.moment, Kind::Born | Kind::Forked) {
            "the kernel's BTF does not say when a task started: a reused pid is taken for the same task"
        } else if end && hook.moment == Kind::Exited {
            "the kernel's BTF does not say how a task ended: exit codes, and whether a thread was the last"
        } else {
            continue;
        };
        let before = if hook.loses.is_empty() { String::new() } else { format!("{}; ", hook.loses) };
        hook.loses = format!("{before}{loses}").into();
        hook.may_miss = true;
    }
}

/// What has to be resolved before the moment: what is requested, or the alias of a device if it was read whole.
#[expect(clippy::wildcard_enum_match_arm, reason = "only these moments hold aliases")]
fn alias(moment: &Moment) -> Option<&Arc<str>> {
    match moment {
        Moment::Requested(requested) | Moment::RefusedEarly { requested, .. } => requested.alias.text(),
        Moment::Device(DeviceMoment::Uevent(uevent)) => match &uevent.alias {
            Captured::Whole(alias) => Some(alias),
            Captured::Truncated(_) | Captured::Unreadable(_) => None,
        },
        _ => None,
    }
}

fn fact(at: Stamp, fact: Fact) -> Event {
    Event { at, body: Body::Fact(fact) }
}

/// The list of live modules as a fact; nothing on a kernel that has no such list.
fn live_modules(at: Stamp) -> Option<Event> {
    snapshot::live_modules().ok().map(|names| fact(at, Fact::LiveModules(names)))
}

//! Joins the stages of loads. A load happens in one thread, from the entry of its system call to the return. A thread
//! makes one load at a time, so the thread is the key; the address of the `struct module` is not needed.

mod moments;

use super::losses::Losses;
use crate::answer::{ReturnCode, WaitStatus};
use crate::entities::{Load, LoadId, LoadedFile, RequestId, Timed as _, Unload};
use crate::event::{Captured, FileId, Module, Origin, Policy, Stamp, Syscall, Task};
use crate::printed;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use trace_common::ids::Tid;
use trace_common::time::Nanos;

/// Loads that can be open at once. Beyond that, the oldest is given up and counted.
const OPEN: usize = 65_536;
/// What they weigh, at most.
const OPEN_BYTES: usize = 64 * 1024 * 1024;

/// The longest that a load waits for another module, and the same again: 30 s (kernel/module/main.c
/// `resolve_symbol_wait`, 5.10 to 7.3).
const WAIT_LIMIT: Nanos = Nanos::from_secs(60);

/// Lines that are kept of what the kernel printed during a load: as many as probes keep.
const LINES: usize = trace_common::limits::LINES as usize;

/// How long after the kernel refused its file a thread may try again with the image in memory: it reads and
/// decompresses it first.
pub const RETRY: Nanos = Nanos::from_secs(2);

/// Refused loads that are remembered; beyond that, all are forgotten, and counted.
const REFUSED: usize = 256;

/// How long after its last stage a load's end is awaited.
const END_GRACE: Nanos = Nanos::from_secs(1);

/// The open loads.
#[derive(Clone, Debug, Default)]
pub struct Loads {
    open: BTreeMap<Tid, Arc<Load>>,
    /// What they weigh.
    bytes: usize,
    /// Their threads, by age.
    by_age: BTreeMap<LoadId, Tid>,
    /// Those of which only the end is missing.
    ending: BTreeSet<Tid>,
    /// The threads that load each file.
    by_file: BTreeMap<FileId, BTreeSet<Tid>>,
    /// How many are in a module's init.
    in_init: BTreeMap<Arc<str>, usize>,
    last: u64,
    surplus: Vec<Arc<Load>>,
    /// Loads of a file that failed a moment ago, by thread: it may try again.
    refused: BTreeMap<Tid, Arc<Load>>,
    /// Lines that were not kept, and refused loads that were forgotten.
    capped: u64,
}

impl Loads {
    /// What those that can still change weigh.
    #[must_use]
    pub const fn weight(&self) -> usize {
        self.bytes
    }

    /// The thread's open load.
    #[must_use]
    pub fn of(&self, thread: Tid) -> Option<&Arc<Load>> {
        self.open.get(&thread)
    }

    /// Loads given up because too many were open, since the last call.
    pub fn take_surplus(&mut self) -> Vec<Arc<Load>> {
        std::mem::take(&mut self.surplus)
    }

    /// Takes out the loads whose end was missed: `do_init_module` returned, and the return of the system call, which
    /// follows at once, was not seen. If the return of `do_init_module` may be missed too, going live counts instead.
    /// If events were lost, this also takes out a load that has not reached its init for longer than the kernel lets it
    /// wait for another module.
    pub fn unended(&mut self, now: Stamp, may_miss_inits: bool, losses: &Losses) -> Vec<Arc<Load>> {
        let mut threads = self.standing_still(now, losses);
        let is_unended = |load: &Arc<Load>| {
            let live = load.live.filter(|_| may_miss_inits);
            let last = load.init_ended.map(|(at, _)| at).or(live);
            last.is_some_and(|at| now.mono.since(at.mono) >= END_GRACE)
        };
        threads.extend(self.ending.iter().filter(|thread| self.open.get(thread).is_some_and(is_unended)));
        threads.into_iter().filter_map(|thread| self.abandoned(thread)).collect()
    }

    /// The threads of loads that have not reached their init for longer than the kernel lets them wait, and whose end
    /// may have been missed.
    fn standing_still(&self, now: Stamp, losses: &Losses) -> BTreeSet<Tid> {
        let by_age = self.by_age.values().filter_map(|thread| self.open.get(thread));
        // No younger load is too old, and none began before a loss that an older one did not precede.
        let old = by_age.take_while(|load| {
            now.mono.since(load.began.mono) >= WAIT_LIMIT && losses.overlap(load.began.mono, now.mono)
        });
        old.filter(|load| load.init_begun.is_none()).map(|load| load.task.tid).collect()
    }

    /// Open loads that began at this instant or before it, the oldest first.
    pub fn since(&self, since: Stamp) -> Vec<Arc<Load>> {
        let by_age = self.by_age.values().filter_map(|thread| self.open.get(thread));
        by_age.take_while(|load| load.began.mono <= since.mono).cloned().collect()
    }

    /// Changes the thread's open load, if it has one.
    fn change(&mut self, thread: Tid, change: impl FnOnce(&mut Load)) {
        let Some(load) = self.open.get_mut(&thread).map(Arc::make_mut) else { return };
        let (before, weight) = (in_init(load), load.weight());
        change(load);
        self.bytes = self.bytes + load.weight() - weight;
        let after = in_init(load);
        if load.init_ended.is_some() || load.live.is_some() {
            self.ending.insert(thread);
        }
        if before != after {
            self.leave_init(before);
            if let Some(module) = after {
                *self.in_init.entry(module).or_default() += 1;
            }
        }
    }

    fn leave_init(&mut self, module: Option<Arc<str>>) {
        let Some(module) = module else { return };
        if let Some(count) = self.in_init.get_mut(&module) {
            *count -= 1;
            if *count == 0 {
                self.in_init.remove(&module);
            }
        }
    }

    /// Takes out the thread's open load.
    fn take(&mut self, thread: Tid) -> Option<Arc<Load>> {
        let load = self.open.remove(&thread)?;
        self.bytes -= load.weight();
        self.by_age.remove(&load.id);
        self.ending.remove(&thread);
        if let Some(file) = load.file.as_ref().and_then(|file| file.id)
            && let Some(threads) = self.by_file.get_mut(&file)
        {
            threads.remove(&thread);
            if threads.is_empty() {
                self.by_file.remove(&file);
            }
        }
        self.leave_init(in_init(&load));
        Some(load)
    }

    /// A load began, maybe by a task of the traced command's; returns what the thread had open before, whose end was
    /// not seen.
    pub fn began(
        &mut self,
        at: Stamp,
        (task, of_command): (Task, bool),
        syscall: Option<Syscall>,
        origin: Option<&Arc<Origin>>,
        request: Option<RequestId>,
    ) -> Option<Arc<Load>> {
        self.last += 1;
        let begun = Load::begun(LoadId(self.last), task, at);
        let load = Load { of_command, request, syscall, origin: origin.cloned(), ..begun };
        let unended = self.abandoned(task.tid);
        self.by_age.insert(load.id, task.tid);
        self.bytes += load.weight();
        self.open.insert(task.tid, Arc::new(load));
        while self.open.len() > OPEN || (self.bytes > OPEN_BYTES && self.open.len() > 1) {
            let oldest = self.by_age.values().next().copied();
            let Some(surplus) = oldest.and_then(|thread| self.abandoned(thread)) else { break };
            self.surplus.push(surplus);
        }
        unended
    }

    /// The thread begins a load of an image in memory: the load of a file that it tries again, if there is one.
    pub fn retries(&mut self, at: Stamp, task: Task) -> Option<Arc<Load>> {
        let mut before = self.refused.remove(&task.tid)?;
        let ended = before.ended.map(|(at, _)| at)?;
        if before.task.key != task.key || at.mono.since(ended.mono) > RETRY {
            return None;
        }
        Arc::make_mut(&mut before).retried = true;
        let file = before.file.clone();
        self.change(task.tid, |load| load.file = file);
        Some(before)
    }

    /// Whether an open load is in the init of `module`.
    #[must_use]
    pub fn is_in_init(&self, module: &str) -> bool {
        self.in_init.contains_key(module)
    }

    /// Whether what is seen of `module` cannot belong to the load that the thread has open: that load went through the
    /// stages of another module.
    #[must_use]
    pub fn is_of_another(&self, thread: Tid, module: &Module) -> bool {
        let staged = |load: &&Arc<Load>| load.coming.or(load.init_begun).or(load.live).is_some();
        let known = self.open.get(&thread).filter(staged).and_then(|load| load.module.as_ref());
        known.zip(module.name.text()).is_some_and(|(known, name)| known != name)
    }

    /// The image is in memory.
    pub fn image(&mut self, thread: Tid, bytes: Option<u64>) {
        self.change(thread, |load| load.bytes = bytes);
    }

    /// The name of the module is known; returns the threads of the loads for which that is new: the thread's own, and
    /// those that wait for its file.
    pub fn named_by(&mut self, thread: Tid, name: &Captured) -> BTreeSet<Tid> {
        let Captured::Whole(name) = name else { return BTreeSet::new() };
        let mut threads = BTreeSet::from([thread]);
        let file = self.open.get(&thread).and_then(|load| load.file.as_ref()?.id);
        threads.extend(file.and_then(|file| self.by_file.get(&file)).into_iter().flatten());
        threads.retain(|thread| self.open.get(thread).is_some_and(|load| load.module.is_none()));
        for thread in &threads {
            self.change(*thread, |load| load.module = Some(name.clone()));
        }
        threads
    }

    /// The file is known; returns whether the thread has a load.
    pub fn file_named(&mut self, thread: Tid, name: &Captured, id: Option<FileId>) -> bool {
        let Some(load) = self.open.get(&thread) else { return false };
        // An init can read other files, such as firmware; an image in memory has none.
        if load.file.is_some() || load.syscall == Some(Syscall::Init) {
            return true;
        }
        let threads = id.and_then(|id| self.by_file.get(&id)).into_iter().flatten();
        // Whoever loads the same file now has the same module.
        let known = threads.filter_map(|thread| self.open.get(thread)?.module.clone()).next();
        let name = name.text().cloned().unwrap_or_default();
        self.change(thread, |load| {
            load.file = Some(LoadedFile { name, id }.into());
            load.module = load.module.take().or(known);
        });
        if let Some(id) = id {
            self.by_file.entry(id).or_default().insert(thread);
        }
        true
    }

    /// The kernel printed a line; returns whether the thread has a load.
    pub fn printed(&mut self, thread: Tid, line: &Captured) -> bool {
        let Some(load) = self.open.get(&thread) else { return false };
        if load.printed.len() >= LINES {
            self.capped += 1;
            return true;
        }
        let named = load.module.is_none().then(|| line.text().and_then(|line| printed::module(line))).flatten();
        let named: Option<Arc<str>> = named.map(Into::into);
        let text: Arc<str> = line.to_string().into();
        self.change(thread, |load| {
            load.module = load.module.take().or(named);
            load.printed.push(text);
        });
        true
    }

    /// What the machine allows, while the load fails.
    pub fn fails_under(&mut self, thread: Tid, policy: &Arc<Policy>) {
        self.change(thread, |load| load.policy = Some(policy.clone()));
    }

    /// The process of the thread was about to end, with this status, when the load returned.
    pub fn ends_with_its_process(&mut self, thread: Tid, status: WaitStatus) {
        self.change(thread, |load| load.ending = Some(status));
    }

    /// The load was refused while this unload of its module ran.
    pub fn refused_by(&mut self, thread: Tid, unload: &Arc<Unload>) {
        self.change(thread, |load| load.unloading = Some(unload.clone()));
    }

    /// Lines and refused loads given up because there were too many, since the last call.
    pub fn take_capped(&mut self) -> u64 {
        std::mem::take(&mut self.capped)
    }

    /// The module is coming.
    pub fn coming(&mut self, at: Stamp, thread: Tid, module: &Module) {
        self.stage(thread, module, |load| {
            load.coming.get_or_insert(at);
        });
    }

    /// The module's init is called.
    pub fn init_begun(&mut self, at: Stamp, thread: Tid, module: &Module) {
        self.stage(thread, module, |load| {
            load.init_begun.get_or_insert(at);
        });
    }

    /// The module is live.
    pub fn live(&mut self, at: Stamp, thread: Tid, module: &Module) {
        self.stage(thread, module, |load| {
            load.live.get_or_insert(at);
        });
    }

    /// `do_init_module` returned.
    pub fn init_ended(&mut self, at: Stamp, thread: Tid, result: ReturnCode) {
        self.change(thread, |load| {
            load.init_ended.get_or_insert((at, result));
        });
    }

    /// The system call returned: the load is over.
    pub fn ended(&mut self, at: Stamp, thread: Tid, result: ReturnCode) -> Option<Arc<Load>> {
        let mut load = self.take(thread)?;
        Arc::make_mut(&mut load).ended = Some((at, result));
        let load = closed(load);
        if load.syscall == Some(Syscall::Finit) && load.failed() && load.init_begun.is_none() {
            self.remember_refused(at, thread, &load);
        }
        Some(load)
    }

    /// The thread may try again. What is too old for that makes room; if nothing is, all are forgotten and counted.
    fn remember_refused(&mut self, at: Stamp, thread: Tid, load: &Arc<Load>) {
        if self.refused.len() >= REFUSED {
            self.refused.retain(|_, load| load.ended.is_some_and(|(ended, _)| at.mono.since(ended.mono) <= RETRY));
        }
        if self.refused.len() >= REFUSED {
            self.capped += self.refused.len() as u64;
            self.refused.clear();
        }
        self.refused.insert(thread, load.clone());
    }

    /// The thread's process is gone: the end of what it had open was not seen.
    pub fn abandoned(&mut self, thread: Tid) -> Option<Arc<Load>> {
        self.take(thread).map(closed)
    }

    fn stage(&mut self, thread: Tid, module: &Module, change: impl FnOnce(&mut Load)) {
        self.change(thread, |load| {
            // The file that it was read from may have had another name.
            if let Some(name) = module.name.text() {
                load.module = Some(name.clone());
            }
            change(load);
        });
    }
}

/// The module whose init the load is in.
fn in_init(load: &Load) -> Option<Arc<str>> {
    let is_in_init = load.init_begun.is_some() && load.init_ended.is_none() && load.live.is_none();
    load.module.clone().filter(|_| is_in_init)
}

fn closed(mut load: Arc<Load>) -> Arc<Load> {
    Arc::make_mut(&mut load).closed = true;
    load
}

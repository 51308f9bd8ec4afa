//! Joins the stages of loads. A load happens in one thread from its system call's entry to its return, and a thread
//! makes one at a time, so the thread is the key; the address of the `struct module` is not needed.

use super::losses::Losses;
use crate::event::{Captured, Module, Stamp, Syscall, Task};
use crate::joined::{Load, LoadId, RequestId};
use std::collections::BTreeMap;
use trace_common::ids::Tid;
use trace_common::time::Nanos;

/// Loads that can be open at once. Beyond, the oldest is given up and counted.
const OPEN: usize = 65_536;

/// How long a load waits for another module at most, and as long again: 30 s (kernel/module/main.c
/// `resolve_symbol_wait`, 5.10 to 7.3).
const WAIT_LIMIT: Nanos = Nanos::from_secs(60);

/// How long after its last stage a load's end is waited for.
const END_GRACE: Nanos = Nanos::from_secs(1);

/// The open loads.
#[derive(Debug, Default)]
pub struct Loads {
    open: BTreeMap<Tid, Load>,
    last: u64,
    surplus: Vec<Load>,
}

impl Loads {
    /// The thread's open load.
    #[must_use]
    pub fn of(&self, thread: Tid) -> Option<&Load> {
        self.open.get(&thread)
    }

    /// Loads given up because too many were open, since the last time this was asked.
    pub fn take_surplus(&mut self) -> Vec<Load> {
        std::mem::take(&mut self.surplus)
    }

    /// Takes out the loads whose end was missed: `do_init_module` returned, and the system call, which follows at once,
    /// was not seen to. Where the return of `do_init_module` may be missed too, going live has to do.
    /// And where events were lost, one that has not come to its init for longer than the kernel lets it wait for another.
    pub fn unended(&mut self, now: Stamp, may_miss_inits: bool, losses: &Losses) -> Vec<Load> {
        let is_unended = |load: &Load| {
            let stands_still = load.init_begun.is_none() && now.mono.since(load.began.mono) >= WAIT_LIMIT;
            if stands_still && losses.overlap(load.began.mono, now.mono) {
                return true;
            }
            let live = load.live.filter(|_| may_miss_inits);
            let last = load.init_ended.map(|(at, _)| at).or(live);
            last.is_some_and(|at| now.mono.since(at.mono) >= END_GRACE)
        };
        let threads: Vec<Tid> = self.open.iter().filter(|(_, load)| is_unended(load)).map(|(tid, _)| *tid).collect();
        threads.into_iter().filter_map(|thread| self.abandoned(thread)).collect()
    }

    /// A load began; what the thread had open before ended unseen and is returned.
    pub fn began(
        &mut self,
        at: Stamp,
        task: Task,
        syscall: Option<Syscall>,
        request: Option<RequestId>,
    ) -> Option<Load> {
        self.last += 1;
        let load = Load {
            id: LoadId(self.last),
            task,
            request,
            syscall,
            began: at,
            bytes: None,
            module: None,
            coming: None,
            init_begun: None,
            live: None,
            init_ended: None,
            ended: None,
            over: false,
        };
        let unended = self.open.insert(task.tid, load).map(over);
        if self.open.len() > OPEN {
            let oldest = self.open.iter().min_by_key(|(_, load)| load.id).map(|(thread, _)| *thread);
            let surplus = oldest.and_then(|thread| self.abandoned(thread));
            self.surplus.extend(surplus);
        }
        unended
    }

    /// Whether an open load is in the init of `module`.
    #[must_use]
    pub fn is_in_init(&self, module: &str) -> bool {
        let in_init = |load: &Load| load.init_begun.is_some() && load.init_ended.is_none() && load.live.is_none();
        self.open.values().any(|load| in_init(load) && load.module.as_deref() == Some(module))
    }

    /// Whether what is seen of `module` cannot be the load's that the thread has open: another went through the stages of it.
    #[must_use]
    pub fn is_of_another(&self, thread: Tid, module: &Module) -> bool {
        let staged = |load: &&Load| load.coming.or(load.init_begun).or(load.live).is_some();
        let known = self.open.get(&thread).filter(staged).and_then(|load| load.module.as_ref());
        known.zip(module.name.text()).is_some_and(|(known, name)| known != name)
    }

    /// The image is in memory.
    pub fn image(&mut self, thread: Tid, bytes: Option<u64>) {
        if let Some(load) = self.open.get_mut(&thread) {
            load.bytes = bytes;
        }
    }

    /// What the thread loads is known by name; whether that is news of a load.
    pub fn named_by(&mut self, thread: Tid, name: &Captured) -> bool {
        let unnamed = self.open.get_mut(&thread).filter(|load| load.module.is_none());
        let (Some(load), Captured::Whole(name)) = (unnamed, name) else { return false };
        load.module = Some(name.clone());
        true
    }

    /// The module is coming.
    pub fn coming(&mut self, at: Stamp, thread: Tid, module: &Module) {
        if let Some(load) = self.named(thread, module) {
            load.coming.get_or_insert(at);
        }
    }

    /// The module's init is called.
    pub fn init_begun(&mut self, at: Stamp, thread: Tid, module: &Module) {
        if let Some(load) = self.named(thread, module) {
            load.init_begun.get_or_insert(at);
        }
    }

    /// The module is live.
    pub fn live(&mut self, at: Stamp, thread: Tid, module: &Module) {
        if let Some(load) = self.named(thread, module) {
            load.live.get_or_insert(at);
        }
    }

    /// `do_init_module` returned.
    pub fn init_ended(&mut self, at: Stamp, thread: Tid, result: i32) {
        if let Some(load) = self.open.get_mut(&thread) {
            load.init_ended.get_or_insert((at, result));
        }
    }

    /// The system call returned: the load is over.
    pub fn ended(&mut self, at: Stamp, thread: Tid, result: i32) -> Option<Load> {
        let mut load = self.open.remove(&thread)?;
        load.ended = Some((at, result));
        Some(over(load))
    }

    /// The thread's process is gone: whatever it had open ended unseen.
    pub fn abandoned(&mut self, thread: Tid) -> Option<Load> {
        self.open.remove(&thread).map(over)
    }

    fn named(&mut self, thread: Tid, module: &Module) -> Option<&mut Load> {
        let load = self.open.get_mut(&thread)?;
        // The file it was read from may have had another name.
        if let Some(name) = module.name.text() {
            load.module = Some(name.clone());
        }
        Some(load)
    }
}

fn over(load: Load) -> Load {
    Load { over: true, ..load }
}

//! Joins the stages of unloads. An unload happens in one thread, from the entry of its system call to the return.
//!
//! In: the moments of unloads. Out: unloads as they are now, and which unload of a module runs.

use crate::answer::ReturnCode;
use crate::entities::{Unload, UnloadId};
use crate::event::{Captured, Origin, Stamp, Task};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use trace_common::ids::Tid;
use trace_common::time::Nanos;

/// Unloads that can be open at once. Beyond that, the oldest is given up and counted.
const OPEN: usize = 4_096;

/// How long after the module was going the end is awaited.
const END_GRACE: Nanos = Nanos::from_secs(1);

/// The open unloads.
#[derive(Clone, Debug, Default)]
pub struct Unloads {
    open: BTreeMap<Tid, Arc<Unload>>,
    /// Their threads, by age.
    by_age: BTreeMap<UnloadId, Tid>,
    /// Those of which only the end is missing.
    going: BTreeSet<Tid>,
    /// Those of each module, by age.
    by_module: BTreeMap<Arc<str>, BTreeMap<UnloadId, Tid>>,
    last: u64,
    capped: u64,
}

impl Unloads {
    /// An unload began, maybe by a task of the traced command's. Returns it, after those whose end was not seen: the
    /// thread's earlier one, or the oldest if too many are open.
    pub fn began(
        &mut self,
        at: Stamp,
        (task, of_command): (Task, bool),
        module: &Captured,
        origin: Option<&Arc<Origin>>,
    ) -> Vec<Arc<Unload>> {
        let mut changed: Vec<Arc<Unload>> = self.abandoned(task.tid).into_iter().collect();
        if self.open.len() >= OPEN {
            self.capped += 1;
            let oldest = self.by_age.values().next().copied();
            changed.extend(oldest.and_then(|thread| self.abandoned(thread)));
        }
        self.last += 1;
        let id = UnloadId(self.last);
        let unload = Arc::new(Unload {
            id,
            task,
            of_command,
            origin: origin.cloned(),
            module: module.clone(),
            began: at,
            going: None,
            ended: None,
            closed: false,
        });
        self.by_age.insert(id, task.tid);
        if let Some(name) = module.text() {
            self.by_module.entry(name.clone()).or_default().insert(id, task.tid);
        }
        self.open.insert(task.tid, unload.clone());
        changed.push(unload);
        changed
    }

    /// The module is going: its exit is over, if this thread unloads it.
    pub fn going(&mut self, at: Stamp, thread: Tid) -> Option<Arc<Unload>> {
        let unload = self.open.get_mut(&thread)?;
        Arc::make_mut(unload).going.get_or_insert(at);
        self.going.insert(thread);
        Some(unload.clone())
    }

    /// The system call returned.
    pub fn ended(&mut self, at: Stamp, thread: Tid, result: ReturnCode) -> Option<Arc<Unload>> {
        let mut unload = self.take(thread)?;
        Arc::make_mut(&mut unload).ended = Some((at, result));
        Some(unload)
    }

    /// Takes out the unloads whose end was missed: the module was going, and the return of the system call, which
    /// follows at once, was not seen.
    pub fn unended(&mut self, now: Stamp) -> Vec<Arc<Unload>> {
        let is_over = |unload: &Arc<Unload>| unload.going.is_some_and(|at| now.mono.since(at.mono) >= END_GRACE);
        let going = self.going.iter().copied();
        let over: Vec<Tid> = going.filter(|thread| self.open.get(thread).is_none_or(is_over)).collect();
        over.into_iter().filter_map(|thread| self.take(thread)).collect()
    }

    /// The thread is gone or does something else: the end of what it had open was not seen.
    pub fn abandoned(&mut self, thread: Tid) -> Option<Arc<Unload>> {
        self.take(thread)
    }

    /// The oldest open unload of the module.
    #[must_use]
    pub fn of(&self, module: &str) -> Option<&Arc<Unload>> {
        self.open.get(self.by_module.get(module)?.values().next()?)
    }

    /// Unloads given up because too many were open, since the last call.
    pub fn take_capped(&mut self) -> u64 {
        std::mem::take(&mut self.capped)
    }

    fn take(&mut self, thread: Tid) -> Option<Arc<Unload>> {
        self.going.remove(&thread);
        let mut unload = self.open.remove(&thread)?;
        self.by_age.remove(&unload.id);
        if let Some(name) = unload.module.text()
            && let Some(of_module) = self.by_module.get_mut(name)
        {
            of_module.remove(&unload.id);
            if of_module.is_empty() {
                self.by_module.remove(name);
            }
        }
        Arc::make_mut(&mut unload).closed = true;
        Some(unload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(tid: u32) -> Task {
        Task::new(tid, tid, 1, "rmmod")
    }

    fn at(milliseconds: u64) -> Stamp {
        Stamp::awake(milliseconds * 1_000_000)
    }

    #[test]
    fn an_unload_runs_from_its_entry_to_its_return() {
        let mut unloads = Unloads::default();
        let can = Captured::whole("can");
        assert_eq!(unloads.began(at(1), (task(5), false), &can, None).len(), 1);
        assert_eq!(unloads.of("can").map(|unload| unload.task.tid), Some(Tid(5)));
        assert_eq!(unloads.going(at(4), Tid(5)).and_then(|unload| unload.going), Some(at(4)));
        let ended = unloads.ended(at(5), Tid(5), ReturnCode::OK).expect("it was open");
        assert_eq!((ended.ended, ended.closed), (Some((at(5), ReturnCode::OK)), true));
        assert!(unloads.of("can").is_none() && unloads.ended(at(6), Tid(5), ReturnCode::OK).is_none());
    }

    #[test]
    fn the_end_of_an_earlier_one_was_not_seen() {
        let mut unloads = Unloads::default();
        unloads.began(at(1), (task(5), false), &Captured::whole("can"), None);
        let changed = unloads.began(at(2), (task(5), false), &Captured::whole("vcan"), None);
        let shown: Vec<_> = changed.iter().map(|unload| (unload.closed, unload.ended.is_some())).collect();
        assert_eq!(shown, [(true, false), (false, false)]);
        assert!(unloads.of("can").is_none() && unloads.of("vcan").is_some());
    }

    #[test]
    fn the_oldest_is_given_up_and_counted() {
        let mut unloads = Unloads::default();
        for tid in 0..=u32::try_from(OPEN).unwrap() {
            unloads.began(at(u64::from(tid)), (task(tid), false), &Captured::whole("can"), None);
        }
        assert_eq!((unloads.take_capped(), unloads.take_capped()), (1, 0));
        assert_eq!(unloads.of("can").map(|unload| unload.task.tid), Some(Tid(1)));
    }
}

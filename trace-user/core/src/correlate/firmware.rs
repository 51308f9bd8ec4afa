//! Joins the moments of a request for a firmware file. All of them happen in the thread that asks, one request at a
//! time, so the thread is the key. A lock that is taken outside a request belongs to no request.

use crate::entities::{Firmware, FirmwareId, Lock};
use crate::event::{FirmwareAsked, FirmwareMoment, Stamp, Task};
use std::collections::BTreeMap;
use std::sync::Arc;
use trace_common::ids::Tid;

/// Requests that can be open at once. Beyond that, the oldest is given up and counted.
const OPEN: usize = 16_384;

/// The open requests.
#[derive(Clone, Debug, Default)]
pub struct Firmwares {
    open: BTreeMap<Tid, Firmware>,
    last: u64,
    capped: u64,
}

impl Firmwares {
    /// Takes in a moment; returns the requests that it changed, as they are now.
    pub fn step(&mut self, at: Stamp, task: Task, moment: &FirmwareMoment) -> Vec<Firmware> {
        let mut changed = Vec::new();
        match moment {
            FirmwareMoment::Began(asked) => changed.extend(self.began(at, task, asked)),
            FirmwareMoment::FallbackBegan(asked) => {
                if !self.open.contains_key(&task.tid) {
                    self.began(at, task, asked);
                }
                self.with(task, |open| open.fallback = Some(at));
            }
            FirmwareMoment::FallbackEnded { result } => {
                self.with(task, |open| open.fallback_ended = Some((at, *result)));
            }
            FirmwareMoment::LockBegan { waits } => {
                self.with(task, |open| open.lock = Lock { asked: Some(at), waits: *waits, ..Lock::default() });
            }
            FirmwareMoment::LockEnded { held } => self.with(task, |open| open.lock.answered = Some((at, *held))),
            FirmwareMoment::Unlocked => self.with(task, |open| open.lock.released = Some(at)),
            FirmwareMoment::Ended { result } => {
                let ended = self.open.remove(&task.tid);
                changed.extend(ended.map(|open| Firmware { ended: Some((at, *result)), ..open.unseen(at) }));
            }
        }
        changed.extend(self.open.get(&task.tid).cloned());
        changed
    }

    /// The request that the thread has open.
    #[must_use]
    pub fn of(&self, thread: Tid) -> Option<&Firmware> {
        self.open.get(&thread)
    }

    /// The thread is elsewhere, or gone: the end of what it had open was not seen.
    pub fn left(&mut self, at: Stamp, thread: Tid) -> Option<Firmware> {
        self.open.remove(&thread).map(|open| open.unseen(at))
    }

    /// Takes out what is open, as it is now.
    pub fn take_open(&mut self) -> Vec<Firmware> {
        std::mem::take(&mut self.open).into_values().collect()
    }

    /// How many were given up because too many were open, since the last call.
    pub fn take_capped(&mut self) -> u64 {
        std::mem::take(&mut self.capped)
    }

    /// Opens a request; returns what the thread had open, whose end was not seen.
    fn began(&mut self, at: Stamp, task: Task, asked: &Arc<FirmwareAsked>) -> Option<Firmware> {
        self.last += 1;
        let fresh = Firmware {
            id: FirmwareId(self.last),
            task,
            file: asked.clone(),
            asked: at,
            fallback: None,
            fallback_ended: None,
            lock: Lock::default(),
            ended: None,
            closed: false,
        };
        if self.open.len() >= OPEN {
            self.open.pop_first();
            self.capped += 1;
        }
        self.open.insert(task.tid, fresh).map(|open| open.unseen(at))
    }

    fn with(&mut self, task: Task, change: impl FnOnce(&mut Firmware)) {
        if let Some(open) = self.open.get_mut(&task.tid) {
            change(open);
        }
    }
}

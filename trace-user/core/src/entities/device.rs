//! A device, from the uevent that announces it to the driver that is bound to it.
//!
//! Values only. An `Option` that is `None` was not seen; nothing here is guessed.

use super::ids::{DeviceId, LoadId};
use crate::answer::Errno;
use crate::event::{Resolution, Stamp, Task, Uevent};
use std::sync::Arc;
use trace_common::time::Nanos;

/// A device. One that is announced as added again is another, and one that gets a driver again after it had one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its number.
    pub id: DeviceId,
    /// Its name.
    pub name: Arc<str>,
    /// Its bus, or its class; empty if it has none.
    pub bus: Arc<str>,
    /// When it was first seen.
    pub began: Stamp,
    /// The uevent that announced it, if it has a module alias.
    pub announced: Option<Announced>,
    /// The first load of a module that its alias resolves to, begun after the uevent.
    pub followed_by: Option<LoadId>,
    /// The drivers that were tried on it, oldest first.
    pub attempts: Vec<Attempt>,
    /// How many of them are no longer kept.
    pub attempts_more: u64,
}

/// The uevent of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// When.
    pub at: Stamp,
    /// The task that added the device, or that asked for the uevent through sysfs.
    pub task: Task,
    /// What it says.
    pub uevent: Arc<Uevent>,
    /// What the module alias resolves to; `None` if that was not reported.
    pub resolution: Option<Arc<Resolution>>,
}

/// A driver that was tried on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it was bound, or had failed; the first time if several.
    pub at: Stamp,
    /// The task that tried it.
    pub task: Task,
    /// The driver's name.
    pub driver: Arc<str>,
    /// The module that the driver is in; `None` if it is built in.
    pub module: Option<Arc<str>>,
    /// The load that brought the module, if it was seen.
    pub load: Option<LoadId>,
    /// What came of it.
    pub outcome: Outcome,
    /// How often in a row.
    pub times: u64,
}

/// What came of trying a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is bound to the device.
    Bound,
    /// It is not, with this error; `None` if the kernel does not say which: the driver has rejected the device.
    Failed(Option<Errno>),
}

impl Outcome {
    /// The error; `None` if there is none, or if it is not known.
    #[must_use]
    pub const fn error(self) -> Option<Errno> {
        match self {
            Self::Bound => None,
            Self::Failed(error) => error,
        }
    }

    /// As the kernel returns it: zero, or a negative errno; `None` if that is not known.
    #[must_use]
    pub fn as_return(self) -> Option<i32> {
        match self {
            Self::Bound => Some(0),
            Self::Failed(error) => error.map(Errno::as_return),
        }
    }

    /// Whether the driver failed with an error that the kernel warns of: not one that rejects the device, and not one
    /// that puts it off (drivers/base/dd.c `call_driver_probe`, 5.10 to 7.3).
    #[must_use]
    pub fn is_failure(self) -> bool {
        self.error().is_some_and(|error| ![Errno::ENODEV, Errno::ENXIO, Errno::EPROBE_DEFER].contains(&error))
    }
}

impl Attempt {
    /// How long after the module went live; `None` if the module's init was still running, or if that was not seen.
    #[must_use]
    pub fn after_live(&self, live: Option<Stamp>) -> Option<Nanos> {
        live.filter(|live| live.mono <= self.at.mono).map(|live| self.at.mono.since(live.mono))
    }
}

impl Device {
    /// A device of which nothing is known yet.
    #[must_use]
    pub fn seen(id: DeviceId, (bus, name): (Arc<str>, Arc<str>), at: Stamp) -> Self {
        Self { id, name, bus, began: at, announced: None, followed_by: None, attempts: Vec::new(), attempts_more: 0 }
    }

    /// The driver that is bound to it, if it was seen to be.
    #[must_use]
    pub fn bound(&self) -> Option<&Attempt> {
        self.attempts.iter().rev().find(|attempt| attempt.outcome == Outcome::Bound)
    }

    /// The loads that it has to do with.
    pub fn loads(&self) -> impl Iterator<Item = LoadId> {
        self.attempts.iter().filter_map(|attempt| attempt.load).chain(self.followed_by)
    }
}

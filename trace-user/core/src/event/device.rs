//! What probes see of devices and their drivers.

use super::Captured;
use crate::answer::Errno;
use std::sync::Arc;
use trace_common::kind::Kind;

/// A moment in the life of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum DeviceMoment {
    /// [`Kind::DeviceBound`]
    Bound(Arc<DriverTried>),
    /// [`Kind::DriverFailed`]
    Failed {
        /// Which driver, on which device.
        tried: Arc<DriverTried>,
        /// Why; `None` if the kernel does not say which: the driver has rejected the device (`-ENODEV` or `-ENXIO`).
        error: Option<Errno>,
    },
    /// [`Kind::Uevent`]
    Uevent(Arc<Uevent>),
}

/// A driver that was tried on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriverTried {
    /// The device's name.
    pub device: Captured,
    /// The name of its bus.
    pub bus: Captured,
    /// The driver's name.
    pub driver: Captured,
    /// The module that the driver is in; `None` if the driver is built in.
    pub module: Option<Captured>,
}

/// The kernel announces a device that has a module alias to user space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uevent {
    /// What happened to the device.
    pub action: Action,
    /// Somebody asked for the uevent through sysfs, as `udevadm trigger` does.
    pub is_synthetic: bool,
    /// The device's name.
    pub device: Captured,
    /// Its subsystem: its bus, or its class.
    pub subsystem: Captured,
    /// The driver that is bound to it already.
    pub driver: Option<Captured>,
    /// Its module alias.
    pub alias: Captured,
}

/// What happened to a device (include/linux/kobject.h `enum kobject_action`): only what makes udev load modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It was added.
    Add,
    /// It has changed.
    Change,
}

impl Action {
    /// The kernel's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Change => "change",
        }
    }

    /// Its number in a record.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Add => trace_common::wire::ACTION_ADD,
            Self::Change => trace_common::wire::ACTION_CHANGE,
        }
    }

    /// The action with this number; `None` if there is none.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            trace_common::wire::ACTION_ADD => Some(Self::Add),
            trace_common::wire::ACTION_CHANGE => Some(Self::Change),
            _ => None,
        }
    }
}

impl DeviceMoment {
    /// Which moment this is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Bound(_) => Kind::DeviceBound,
            Self::Failed { .. } => Kind::DriverFailed,
            Self::Uevent(_) => Kind::Uevent,
        }
    }
}

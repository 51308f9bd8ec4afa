//! Records of devices and their drivers (drivers/base/dd.c, drivers/base/core.c, lib/kobject_uevent.c).

use super::{Header, Text64, Text256};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A driver was tried on a device: `DeviceBound` or `DriverFailed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct DriverTried {
    /// In the task that tries the driver: a loader, a kernel worker, or who writes to sysfs.
    pub header: Header,
    /// The device's name.
    pub device: Text64,
    /// The name of its bus; empty if it has none.
    pub bus: Text64,
    /// The driver's name.
    pub driver: Text64,
    /// The name of the module that the driver is in; meaningless unless `in_module`.
    pub module: Text64,
    /// Not zero: the driver is in a module; else it is built in.
    pub in_module: u32,
    /// Of `DriverFailed`: a negative errno, or zero if the kernel does not say which.
    pub result: i32,
}

/// `action` of a uevent: the device was added.
pub const ACTION_ADD: u32 = 1;
/// `action` of a uevent: the device has changed.
pub const ACTION_CHANGE: u32 = 2;

/// A uevent of a device that has a module alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Uevent {
    /// In the task that adds the device, or that asks for the uevent through sysfs.
    pub header: Header,
    /// [`ACTION_ADD`] or [`ACTION_CHANGE`].
    pub action: u32,
    /// Not zero: somebody asked for it through sysfs (`udevadm trigger`).
    pub synthetic: u32,
    /// The end of the device's path in sysfs: its name follows the last slash.
    pub path_end: Text64,
    /// The device's subsystem: its bus, or its class.
    pub subsystem: Text64,
    /// The driver that is bound to it already; meaningless unless `has_driver`.
    pub driver: Text64,
    /// Not zero: a driver is bound to it already.
    pub has_driver: u32,
    /// Not zero: `path_end` lacks the beginning of the path.
    pub is_path_cut: u32,
    /// The module alias.
    pub alias: Text256,
}

record!(DriverTried: DeviceBound, DriverFailed);
record!(Uevent: Uevent);

const _: () = assert!(size_of::<DriverTried>() == 320 && size_of::<Uevent>() == 520);

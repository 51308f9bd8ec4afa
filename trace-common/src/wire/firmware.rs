//! Records of requests for firmware files (drivers/base/firmware_loader/) and of the lock that keeps helpers enabled
//! during them (kernel/umh.c).

use super::{Header, Text64, Text128};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `_request_firmware` or `firmware_fallback_sysfs` was entered: `FirmwareBegan` and `FallbackBegan`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FirmwareBegan {
    /// In the task that asks.
    pub header: Header,
    /// The file.
    pub name: Text128,
    /// The device's name.
    pub device: Text64,
}

/// `usermodehelper_read_trylock` or `usermodehelper_read_lock_wait` was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct LockBegan {
    /// In the task that asks.
    pub header: Header,
    /// Not zero: it waits until helpers are enabled again; zero: it is refused if they are disabled.
    pub waits: u32,
    /// Zero.
    pub reserved: u32,
}

/// It returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct LockEnded {
    /// In the task that asked.
    pub header: Header,
    /// Not zero: the task holds the lock.
    pub held: u32,
    /// Zero.
    pub reserved: u32,
}

record!(FirmwareBegan: FirmwareBegan, FallbackBegan);
record!(LockBegan: LockBegan);
record!(LockEnded: LockEnded);

const _: () = assert!(size_of::<FirmwareBegan>() == 248);
const _: () = assert!(size_of::<LockBegan>() == 64 && size_of::<LockEnded>() == 64);

//! The record of a function's return, whatever the function is about.

use super::Header;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A function returned zero or a negative errno.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Ended {
    /// In the task that had called it.
    pub header: Header,
    /// What it returned.
    pub result: i32,
    /// Zero.
    pub reserved: u32,
}

record!(Ended: SuspendEnded, FreezeEnded, DisableEnded, FirmwareEnded, FallbackEnded, UnloadEnded);
record!(Ended: SocketServed, FileSystemServed, AlgorithmServed, CharDeviceServed, BlockDeviceServed, NetDeviceServed);
record!(Ended: LinkServed, CongestionServed);

const _: () = assert!(size_of::<Ended>() == 64);

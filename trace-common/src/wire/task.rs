//! Records of the life of helper processes and their descendants.

use super::Header;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A tracked process forked another process (not a thread).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Forked {
    /// In the parent's task.
    pub header: Header,
    /// When the child started, on the boot clock; zero if it could not be read.
    pub child_start: u64,
    /// The child's process.
    pub child_tgid: u32,
    /// Zero.
    pub reserved: u32,
}

/// The last thread of a tracked process exited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Exited {
    /// In the exiting task.
    pub header: Header,
    /// A wait status word; meaningless if `status_seen` is zero.
    pub status: i32,
    /// Not zero: `status` was read.
    pub status_seen: u32,
}

record!(Forked: Forked);
record!(Exited: Exited);

const _: () = assert!(size_of::<Forked>() == 72 && size_of::<Exited>() == 64);

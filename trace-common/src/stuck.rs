//! The kernel stack of one thread, as the iterator over tasks writes it: not a record of the ring.

use crate::limits::STACK_FRAMES;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A thread's kernel stack at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Stuck {
    /// The thread, as the kernel numbers it.
    pub tid: u32,
    /// Bytes of `frames` that are filled; a negative errno if the stack could not be read.
    pub bytes: i32,
    /// Addresses, innermost first.
    pub frames: [u64; STACK_FRAMES],
}

const _: () = assert!(size_of::<Stuck>() == 8 + 8 * STACK_FRAMES);

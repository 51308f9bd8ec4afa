//! Records of helper calls (kernel/umh.c).

use super::{Header, Text64, Text128};
use crate::limits::{ARGV, CALL_STACK};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `call_usermodehelper_exec(struct subprocess_info *, int wait)` was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CallEntered {
    /// In the caller's task.
    pub header: Header,
    /// The address of the `subprocess_info`.
    pub call: u64,
    /// The `wait` argument: 0 no wait, 1 for exec, 2 for the helper's end; plus 4 killable, 8 freezable.
    pub wait_mode: i32,
    /// Arguments in `argv`, at most [`ARGV`].
    pub argc: u32,
    /// Not zero: there were more arguments than were kept.
    pub argv_more: u32,
    /// Zero.
    pub reserved: u32,
    /// The file to execute.
    pub path: Text128,
    /// The first arguments; entries from `argc` on are meaningless.
    pub argv: [Text64; ARGV],
    /// The number of bytes of `stack` that are filled, or a negative errno if the stack could not be taken.
    pub stack_bytes: i64,
    /// Return addresses, innermost first.
    pub stack: [u64; CALL_STACK],
}

/// `call_usermodehelper_exec` returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CallReturned {
    /// In the caller's task.
    pub header: Header,
    /// The address of the (already freed) `subprocess_info`; zero if the hook cannot see it.
    pub call: u64,
    /// Zero, a wait status word, or a negative errno.
    pub result: i32,
    /// Zero.
    pub reserved: u32,
}

/// Something happened to a helper call: `CallPicked`, `Born` or `Completed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CallSeen {
    /// In the worker's or the helper's task.
    pub header: Header,
    /// The address of the `subprocess_info`; zero if the hook cannot see it.
    pub call: u64,
}

/// A helper's `kernel_execve` returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Executed {
    /// In the helper's task.
    pub header: Header,
    /// Zero or a negative errno.
    pub result: i32,
    /// The device of the file that it executes now, as in [`super::Requested`].
    pub exe_device: u32,
    /// The number of its inode; zero if it could not be read.
    pub exe_inode: u64,
}

record!(CallEntered: CallEntered);
record!(CallReturned: CallReturned);
record!(CallSeen: CallPicked, Born, Completed);
record!(Executed: Executed);

const _: () = assert!(size_of::<CallEntered>() == 824 && size_of::<CallReturned>() == 72);
const _: () = assert!(size_of::<CallSeen>() == 64 && size_of::<Executed>() == 72);

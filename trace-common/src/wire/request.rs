//! Records of module requests (kernel/module/kmod.c, `__request_module`).

use super::{Header, Text64};
use crate::limits::STACK;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `lsm_result` where the hook that fired cannot see the answer of the security hook.
pub const LSM_UNSEEN: i32 = i32::MAX;

/// `security_kernel_module_request(char *kmod_name)` was asked: the request exists, and has no slot yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Requested {
    /// In the requester's task.
    pub header: Header,
    /// The alias, exactly as asked for.
    pub alias: Text64,
    /// The requester's cgroup v2 id.
    pub cgroup: u64,
    /// The requester's user, in the initial user namespace.
    pub uid: u32,
    /// What the security hook answered: zero, a negative errno, or [`LSM_UNSEEN`].
    pub lsm_result: i32,
    /// Bytes of `stack` that are filled, or a negative errno where the stack could not be taken.
    pub stack_bytes: i64,
    /// Return addresses, innermost first.
    pub stack: [u64; STACK],
}

/// `module:module_request`: the request got its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Admitted {
    /// In the requester's task.
    pub header: Header,
    /// The alias.
    pub alias: Text64,
    /// Not zero: the requester waits for the helper's end; zero: `request_module_nowait`.
    pub wait: u32,
    /// Zero.
    pub reserved: u32,
}

const _: () = assert!(size_of::<Requested>() == 336 && size_of::<Admitted>() == 128);

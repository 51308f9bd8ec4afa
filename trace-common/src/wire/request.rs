//! Records of module requests (kernel/module/kmod.c, `__request_module`).

use super::{Header, Text64};
use crate::limits::{FORMAT_WORDS, STACK};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What the requester may do. Everything is zero if the kernel's types do not show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Privileges {
    /// Its effective capabilities, a bit for each (`cred.cap_effective`).
    pub caps: u64,
    /// The number of its user namespace (`user_namespace.ns.inum`).
    pub userns: u32,
    /// How deep that lies: zero for the initial one.
    pub userns_depth: u32,
    /// Who made it: a user in the initial namespace.
    pub userns_owner: u32,
    /// `task_struct.seccomp.mode`: 0 none, 1 strict, 2 filter.
    pub seccomp: u32,
    /// Not zero: it, and what it executes, cannot gain privileges.
    pub no_new_privs: u32,
    /// Bits: [`CAPS_SEEN`], [`USERNS_SEEN`], [`SECCOMP_SEEN`], [`NO_NEW_PRIVS_SEEN`].
    pub seen: u32,
}

/// The capabilities could be read.
pub const CAPS_SEEN: u32 = 1;
/// The user namespace could be read.
pub const USERNS_SEEN: u32 = 2;
/// The mode of seccomp could be read.
pub const SECCOMP_SEEN: u32 = 4;
/// Whether new privileges can be gained could be read.
pub const NO_NEW_PRIVS_SEEN: u32 = 8;

/// `security_kernel_module_request(char *kmod_name)` was called: the request exists, and has no slot yet.
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
    /// The user who logged in, whatever user the task has become since (`task_struct.loginuid`); meaningless unless
    /// `loginuid_seen`.
    pub loginuid: u32,
    /// Not zero: `loginuid` could be read.
    pub loginuid_seen: u32,
    /// The device of the requester's executable, as the kernel numbers it (`super_block.s_dev`): 12 bits of major, 20
    /// of minor number.
    pub exe_device: u32,
    /// The number of its inode on that device (`inode.i_ino`); zero if the requester has no executable, or if it could
    /// not be read.
    pub exe_inode: u64,
    /// What the requester may do.
    pub privileges: Privileges,
    /// The number of bytes of `stack` that are filled, or a negative errno if the stack could not be taken.
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

/// The request ended before it had a helper call: `Throttled` (`down_timeout` gave up on the semaphore of the slots) or
/// `Denied` (the security hook denied it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct TurnedAway {
    /// In the requester's task.
    pub header: Header,
    /// A negative errno.
    pub result: i32,
    /// Zero.
    pub reserved: u32,
}

/// `int __request_module(bool wait, const char *fmt, ...)` was entered, and returns an error before it asks the
/// security hook, or may do so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RefusedEarly {
    /// In the requester's task.
    pub header: Header,
    /// A negative errno; zero if it is refused only if the alias is too long.
    pub result: i32,
    /// The requester's user, in the initial user namespace.
    pub uid: u32,
    /// As in [`Requested`].
    pub loginuid: u32,
    /// As in [`Requested`].
    pub loginuid_seen: u32,
    /// The requester's cgroup v2 id.
    pub cgroup: u64,
    /// As in [`Requested`].
    pub exe_inode: u64,
    /// As in [`Requested`].
    pub exe_device: u32,
    /// Zero.
    pub reserved: u32,
    /// What the requester may do.
    pub privileges: Privileges,
    /// The format of the alias, which the kernel had not formatted for good.
    pub format: Text64,
    /// The words that the format may use, by their place.
    pub words: [u64; FORMAT_WORDS],
    /// The strings at those words, as far as they are addresses.
    pub strings: [Text64; FORMAT_WORDS],
    /// The number of bytes of `stack` that are filled, or a negative errno if the stack could not be taken.
    pub stack_bytes: i64,
    /// Return addresses, innermost first.
    pub stack: [u64; STACK],
}

record!(Requested: Requested);
record!(RefusedEarly: RefusedEarly);
record!(Admitted: Admitted);
record!(TurnedAway: Throttled, Denied, Deduplicated);

const _: () = assert!(size_of::<TurnedAway>() == 64 && size_of::<RefusedEarly>() == 680);
const _: () = assert!(size_of::<Requested>() == 384 && size_of::<Admitted>() == 128);

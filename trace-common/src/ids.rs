//! Identities of tasks and helper calls, and why a bare number does not identify them.

use crate::time::Ktime;

/// A process: what user space calls a pid, and the kernel a thread-group id, in the initial pid namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tgid(pub u32);

/// A thread: what the kernel calls a pid, in the initial pid namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tid(pub u32);

/// One process for its whole life. A pid alone is reused; a pid with the boot-clock instant at which the process
/// started is not. `start` is zero on a kernel where it cannot be read, which leaves only the pid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskKey {
    /// The process.
    pub tgid: Tgid,
    /// When it started, on the boot clock (`task_struct.start_boottime` of the group leader).
    pub start: Ktime,
}

/// The address of a `struct subprocess_info`. It is reused at once after a call ends, so it only identifies a helper
/// call together with the time: the last call that was entered with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallAddress(pub u64);

/// The address of a `struct module`; reused after the module is freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleAddress(pub u64);

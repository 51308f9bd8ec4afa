//! Where a task comes from: its user, its executable, its cgroup, its parent. Values only.

use super::Comm;
use std::sync::Arc;
use trace_common::ids::Tgid;

/// A file, for as long as it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId {
    /// The number of its device as the kernel has it: 12 bits of major, 20 of minor number.
    pub device: u32,
    /// The number of its inode on that device.
    pub inode: u64,
}

/// What a helper executes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Which file.
    pub file: FileId,
    /// Its path, without symbolic links; `None` if it could not be read while the helper ran.
    pub path: Option<Arc<str>>,
}

/// Where a task that loads or unloads a module comes from.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Origin {
    /// The task's user in the initial namespace.
    pub uid: u32,
    /// The user who logged in, as in [`super::Requested`].
    pub loginuid: Option<u32>,
    /// It had `CAP_SYS_MODULE` in the initial user namespace; if that could not be read, it was root.
    pub capable: bool,
    /// The path of the task's executable; `None` if it could not be read.
    pub exe: Option<Arc<str>>,
    /// The task's cgroup path; `None` if it could not be read.
    pub cgroup: Option<Arc<str>>,
    /// Its parent, when it began; `None` if that could not be read.
    pub parent: Option<Parent>,
}

/// The parent of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its process.
    pub process: Tgid,
    /// Its name.
    pub comm: Comm,
    /// The path of its executable; `None` if it could not be read, and for kernel threads.
    pub exe: Option<Arc<str>>,
}

//! Records of module loads and of modules' states (kernel/module/main.c).

use super::{Header, Text64};
use crate::limits::LINE;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `syscall` of a load by `init_module`.
pub const SYSCALL_INIT: u32 = 1;
/// `syscall` of a load by `finit_module`.
pub const SYSCALL_FINIT: u32 = 2;

/// `init_module` or `finit_module` was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct LoadBegan {
    /// In the loading task.
    pub header: Header,
    /// [`SYSCALL_INIT`] or [`SYSCALL_FINIT`].
    pub syscall: u32,
    /// Zero.
    pub reserved: u32,
    /// Who loads.
    pub origin: Origin,
}

/// Where a task comes from: its user, its executable, its cgroup, its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Origin {
    /// The task's user, in the initial user namespace.
    pub uid: u32,
    /// The user who logged in; meaningless unless `loginuid_seen`.
    pub loginuid: u32,
    /// Not zero: `loginuid` could be read.
    pub loginuid_seen: u32,
    /// The device of the task's executable, as in [`super::Requested`].
    pub exe_device: u32,
    /// The number of its inode; zero if it has none or it could not be read.
    pub exe_inode: u64,
    /// The task's cgroup v2 id.
    pub cgroup: u64,
    /// When the parent started, on the boot clock; zero if it could not be read.
    pub parent_start: u64,
    /// The number of the inode of the parent's executable, as `exe_inode`.
    pub parent_exe_inode: u64,
    /// The device of the parent's executable.
    pub parent_exe_device: u32,
    /// The parent's process; zero if it could not be read.
    pub parent: u32,
    /// The parent's `comm`; zeros if it could not be read.
    pub parent_comm: [u8; 16],
    /// Not zero: the task has `CAP_SYS_MODULE` in the initial user namespace.
    pub capable: u32,
    /// Zero.
    pub reserved: u32,
}

/// `init_module` or `finit_module` returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct LoadEnded {
    /// In the loading task.
    pub header: Header,
    /// [`SYSCALL_INIT`] or [`SYSCALL_FINIT`].
    pub syscall: u32,
    /// Zero or a negative errno.
    pub result: i32,
    /// How the task's process is going to end once the call returns, as a wait status word; meaningless unless
    /// `ending`.
    pub status: i32,
    /// Not zero: the task's process is ending, by a signal or because another of its threads exits.
    pub ending: u32,
}

/// `load_module` was entered: the module's image is in memory, decompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ImageRead {
    /// In the loading task.
    pub header: Header,
    /// The image's size; zero if it could not be read.
    pub bytes: u64,
}

/// Something happened to a module: `Coming`, `InitBegun`, `Live`, `Going` or `Freed`; or the name of the module that a
/// thread loads is known: `Named`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ModuleSeen {
    /// In the loading or unloading task.
    pub header: Header,
    /// The address of the `struct module`; zero for `Named`.
    pub module: u64,
    /// The module's name.
    pub name: Text64,
}

/// The file that a thread loads is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FileNamed {
    /// In the loading task.
    pub header: Header,
    /// The number of its inode; zero if it could not be read.
    pub inode: u64,
    /// Its device, as in [`super::Requested`].
    pub device: u32,
    /// Zero.
    pub reserved: u32,
    /// Its name, without its folder.
    pub name: Text64,
}

/// The kernel printed a line in a thread that loads a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Printed {
    /// In the loading task.
    pub header: Header,
    /// Bytes of text, or a negative errno if the kernel could not read it.
    pub length: i32,
    /// Not zero: the line is longer than what was kept.
    pub truncated: u32,
    /// The text; bytes from `length` on are meaningless.
    pub bytes: [u8; LINE],
}

/// `int delete_module(const char __user *name_user, unsigned int flags)` was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct UnloadBegan {
    /// In the unloading task.
    pub header: Header,
    /// The module's name, as the caller gave it.
    pub name: Text64,
    /// Who unloads.
    pub origin: Origin,
}

/// `do_init_module` returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct InitEnded {
    /// In the loading task.
    pub header: Header,
    /// The address of the `struct module` (freed if `result` is negative); zero if the hook cannot see it.
    pub module: u64,
    /// Zero or a negative errno.
    pub result: i32,
    /// Zero.
    pub reserved: u32,
}

record!(LoadBegan: LoadBegan);
record!(LoadEnded: LoadEnded);
record!(ImageRead: ImageRead);
record!(ModuleSeen: Coming, InitBegun, Live, Going, Freed, Named);
record!(FileNamed: FileNamed);
record!(Printed: Printed);
record!(UnloadBegan: UnloadBegan);
record!(InitEnded: InitEnded);

const _: () = assert!(size_of::<LoadBegan>() == 144 && size_of::<LoadEnded>() == 72);
const _: () = assert!(size_of::<ImageRead>() == 64 && size_of::<ModuleSeen>() == 128);
const _: () = assert!(size_of::<InitEnded>() == 72 && size_of::<FileNamed>() == 136);
const _: () = assert!(size_of::<Printed>() == 320 && size_of::<UnloadBegan>() == 200);

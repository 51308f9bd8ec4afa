//! Records of module loads and of modules' states (kernel/module/main.c).

use super::{Header, Text64};
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

/// Something happened to a module: `Coming`, `InitBegun`, `Live`, `Going` or `Freed`; or the name of a load is known:
/// `Named`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ModuleSeen {
    /// In the loading or unloading task.
    pub header: Header,
    /// The address of the `struct module`; zero for `Named`.
    pub module: u64,
    /// The module's name; for `Named` it can be its file's.
    pub name: Text64,
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
record!(InitEnded: InitEnded);

const _: () = assert!(size_of::<LoadBegan>() == 64 && size_of::<LoadEnded>() == 64);
const _: () = assert!(size_of::<ImageRead>() == 64 && size_of::<ModuleSeen>() == 128);
const _: () = assert!(size_of::<InitEnded>() == 72);

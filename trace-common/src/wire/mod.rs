//! The records that cross the ring buffer, one file per kernel subject. Fixed-width integers and bytes only, no
//! implicit padding, in the byte order of the machine. Each starts with a [`Header`].

/// Ties a layout to the kinds of the records that have it.
macro_rules! record {
    ($layout:ty: $($kind:ident),+) => {
        // SAFETY: the layout is `repr(C)` and begins with a `Header`, as is checked here; its fields are integers and
        // bytes, as `FromBytes` requires.
        $(unsafe impl super::Record<{ crate::kind::Kind::$kind as u16 }> for $layout {})+
        const _: () = assert!(core::mem::offset_of!($layout, header) == 0);
    };
}

mod device;
mod ended;
mod firmware;
mod helper;
mod load;
mod request;
mod suspend;
mod task;
mod text;

pub use device::{ACTION_ADD, ACTION_CHANGE, DriverTried, Uevent};
pub use ended::Ended;
pub use firmware::{FirmwareBegan, LockBegan, LockEnded};
pub use helper::{CallEntered, CallReturned, CallSeen, Executed};
pub use load::{
    FileNamed, ImageRead, InitEnded, LoadBegan, LoadEnded, ModuleSeen, Origin, Printed, SYSCALL_FINIT, SYSCALL_INIT,
    UnloadBegan,
};
pub use request::{
    Admitted, CAPS_SEEN, NO_NEW_PRIVS_SEEN, Privileges, RefusedEarly, Requested, SECCOMP_SEEN, TurnedAway, USERNS_SEEN,
};
pub use suspend::{DepthSeen, PhaseSeen, SuspendBegan, WAY_HIBERNATE, WAY_SUSPEND};
pub use task::{Exited, Forked};
pub use text::{Text64, Text128, Text256};

use crate::kind::Kind;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The layout of the records of one kind, on both sides of the ring: `KIND` is a [`Kind`]'s number. A type with another
/// layout can be neither written nor read as that kind.
///
/// # Safety
/// The type is `repr(C)` and begins with a [`Header`].
pub unsafe trait Record<const KIND: u16>: FromBytes + Immutable + KnownLayout + 'static {}

/// Records of these kinds consist of a header alone.
macro_rules! header_alone {
    ($($kind:ident),+) => {
        // SAFETY: it is `repr(C)`, and it is the header.
        $(unsafe impl Record<{ Kind::$kind as u16 }> for Header {})+
    };
}

header_alone!(CallerGone, FreezeBegan, ThawBegan, Unlocked);

/// `flags` of a record of a task that belongs to the traced command: its process, or one that descends from it.
pub const OF_COMMAND: u32 = 1;

/// What every record starts with: when, where and in which task the probe fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Header {
    /// When, on the clock that stops in suspend (`bpf_ktime_get_ns`).
    pub mono: u64,
    /// When, on the clock that also runs in suspend (`bpf_ktime_get_boot_ns`).
    pub boot: u64,
    /// When the current process started, on the boot clock; zero if it could not be read.
    pub task_start: u64,
    /// The current process.
    pub tgid: u32,
    /// The current thread.
    pub tid: u32,
    /// A [`crate::kind::Kind`].
    pub kind: u16,
    /// The CPU the probe ran on.
    pub cpu: u16,
    /// Bits: [`OF_COMMAND`].
    pub flags: u32,
    /// The current thread's `comm`, padded with NUL.
    pub comm: [u8; 16],
}

const _: () = assert!(size_of::<Header>() == 56);

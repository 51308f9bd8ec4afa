//! Records of suspend and hibernation (kernel/power/, kernel/umh.c).

use super::{Header, Text64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `pm_suspend` was called.
pub const WAY_SUSPEND: u32 = 1;
/// `hibernate` was called.
pub const WAY_HIBERNATE: u32 = 2;

/// `int pm_suspend(suspend_state_t state)` or `int hibernate(void)` was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SuspendBegan {
    /// In the task that asked.
    pub header: Header,
    /// [`WAY_SUSPEND`] or [`WAY_HIBERNATE`].
    pub way: u32,
    /// The `suspend_state_t`: 1 to idle, 2 standby, 3 to memory; zero for hibernation.
    pub state: i32,
    /// `pm_test_level`; meaningless unless seen.
    pub pm_test: i32,
    /// Not zero: `pm_test` was read.
    pub pm_test_seen: u32,
}

/// `power:suspend_resume(const char *action, int val, bool start)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct PhaseSeen {
    /// In the task that suspends.
    pub header: Header,
    /// The `val` argument: a state, a CPU, an event.
    pub value: i32,
    /// Not zero: it begins.
    pub begins: u32,
    /// Which phase.
    pub action: Text64,
}

/// An `enum umh_disable_depth` was passed: 0 enabled, 1 freezing, 2 disabled. `DisableBegan` and `DepthSet`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct DepthSeen {
    /// In the task that suspends or shuts down.
    pub header: Header,
    /// How far helpers are disabled.
    pub depth: i32,
    /// Zero.
    pub reserved: u32,
}

record!(SuspendBegan: SuspendBegan);
record!(PhaseSeen: PhaseSeen);
record!(DepthSeen: DisableBegan, DepthSet);

const _: () = assert!(size_of::<SuspendBegan>() == 72 && size_of::<PhaseSeen>() == 128);
const _: () = assert!(size_of::<DepthSeen>() == 64);

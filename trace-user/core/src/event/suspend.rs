//! What probes see of suspend and hibernation, and of how helpers are disabled around them.

use super::Captured;
use trace_common::kind::Kind;

/// A moment of suspend, hibernation or shutdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SuspendMoment {
    /// [`Kind::SuspendBegan`]
    Began {
        /// What the task asks for.
        way: Way,
        /// How far the kernel only pretends; `None` where it could not be read.
        pm_test: Option<PmTest>,
    },
    /// [`Kind::SuspendEnded`]
    Ended {
        /// Zero or a negative errno.
        result: i32,
    },
    /// [`Kind::PhaseSeen`]
    Phase {
        /// Which phase, in the kernel's words.
        action: Captured,
        /// A state, a CPU, an event.
        value: i32,
        /// It begins; else it ends.
        begins: bool,
    },
    /// [`Kind::FreezeBegan`]
    FreezeBegan,
    /// [`Kind::FreezeEnded`]
    FreezeEnded {
        /// Zero or a negative errno.
        result: i32,
    },
    /// [`Kind::ThawBegan`]
    ThawBegan,
    /// [`Kind::DisableBegan`]
    DisableBegan {
        /// How far helpers are to be disabled.
        depth: i32,
    },
    /// [`Kind::DisableEnded`]
    DisableEnded {
        /// Zero or a negative errno.
        result: i32,
    },
    /// [`Kind::DepthSet`]
    DepthSet {
        /// How far helpers are disabled now.
        depth: i32,
    },
}

/// Helpers are enabled (include/linux/umh.h `enum umh_disable_depth`, 5.10 to 7.3).
pub const ENABLED: i32 = 0;
/// Helpers are disabled for good, or while user space is frozen.
pub const DISABLED: i32 = 2;

/// What a task asks the kernel for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To suspend.
    Suspend {
        /// The `suspend_state_t` (include/linux/suspend.h): 1 to idle, 2 standby, 3 to memory.
        state: i32,
    },
    /// To hibernate.
    Hibernate,
}

/// How far a suspend goes before it turns round: `pm_test_level` (kernel/power/power.h, 5.10 to 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PmTest(pub i32);

impl PmTest {
    /// All the way: no test.
    pub const NONE: Self = Self(0);
    /// Only user space is frozen.
    pub const FREEZER: Self = Self(5);

    /// As it stands in `/sys/power/pm_test`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self.0 {
            0 => "none",
            1 => "core",
            2 => "processors",
            3 => "platform",
            4 => "devices",
            5 => "freezer",
            _ => "unknown",
        }
    }
}

impl SuspendMoment {
    /// Which moment this is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Began { .. } => Kind::SuspendBegan,
            Self::Ended { .. } => Kind::SuspendEnded,
            Self::Phase { .. } => Kind::PhaseSeen,
            Self::FreezeBegan => Kind::FreezeBegan,
            Self::FreezeEnded { .. } => Kind::FreezeEnded,
            Self::ThawBegan => Kind::ThawBegan,
            Self::DisableBegan { .. } => Kind::DisableBegan,
            Self::DisableEnded { .. } => Kind::DisableEnded,
            Self::DepthSet { .. } => Kind::DepthSet,
        }
    }
}

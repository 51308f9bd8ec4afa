//! What probes see of suspend and hibernation, and of how helpers are disabled around them.

use super::Captured;
use crate::answer::ReturnCode;
use trace_common::kind::Kind;

/// A moment of suspend, hibernation or shutdown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum SuspendMoment {
    /// [`Kind::SuspendBegan`]
    Began {
        /// What the task asks for.
        way: Way,
        /// How far the kernel only pretends; `None` if it could not be read.
        pm_test: Option<PmTest>,
    },
    /// [`Kind::SuspendEnded`]
    Ended {
        /// Zero or a negative errno.
        result: ReturnCode,
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
        result: ReturnCode,
    },
    /// [`Kind::ThawBegan`]
    ThawBegan,
    /// [`Kind::DisableBegan`]
    DisableBegan {
        /// How far helpers are to be disabled.
        depth: Depth,
    },
    /// [`Kind::DisableEnded`]
    DisableEnded {
        /// Zero or a negative errno.
        result: ReturnCode,
    },
    /// [`Kind::DepthSet`]
    DepthSet {
        /// How far helpers are disabled now.
        depth: Depth,
    },
}

/// How far helpers are disabled (include/linux/umh.h `enum umh_disable_depth`, 5.10 to 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth(pub i32);

/// What a machine suspends to: `suspend_state_t` (include/linux/suspend.h, 5.10 to 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuspendState {
    /// 1: suspend to idle.
    Freeze,
    /// 2: standby.
    Standby,
    /// 3: suspend to memory.
    Mem,
    /// Any other number, which the kernel does not know.
    Other(i32),
}

/// What a task asks the kernel for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To suspend.
    Suspend {
        /// To what.
        state: SuspendState,
    },
    /// To hibernate.
    Hibernate,
}

/// How far a suspend goes before it turns back: `pm_test_level` (kernel/power/power.h, 5.10 to 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PmTest(pub i32);

impl PmTest {
    /// All the way: no test.
    pub const NONE: Self = Self(0);
    /// Only user space is frozen.
    pub const FREEZER: Self = Self(5);

    /// As written in `/sys/power/pm_test`.
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

impl Depth {
    /// Helpers are enabled.
    pub const ENABLED: Self = Self(0);
    /// User space is being frozen: new helpers are refused.
    pub const FREEZING: Self = Self(1);
    /// Helpers are disabled for good, or while user space is frozen.
    pub const DISABLED: Self = Self(2);
}

impl SuspendState {
    /// From the kernel's number.
    #[must_use]
    pub const fn from_number(number: i32) -> Self {
        match number {
            1 => Self::Freeze,
            2 => Self::Standby,
            3 => Self::Mem,
            other => Self::Other(other),
        }
    }

    /// The kernel's number.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Freeze => 1,
            Self::Standby => 2,
            Self::Mem => 3,
            Self::Other(number) => number,
        }
    }

    /// As written in `/sys/power/state`; `None` for a number that the kernel does not know.
    #[must_use]
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Freeze => Some("freeze"),
            Self::Standby => Some("standby"),
            Self::Mem => Some("mem"),
            Self::Other(_) => None,
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

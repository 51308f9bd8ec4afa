//! What probes see of requests for firmware files, and of the lock that keeps helpers enabled during them.

use super::Captured;
use crate::answer::ReturnCode;
use std::sync::Arc;
use trace_common::kind::Kind;

/// A moment of a request for a firmware file. All of one request's happen in one thread.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum FirmwareMoment {
    /// [`Kind::FirmwareBegan`]
    Began(Arc<FirmwareAsked>),
    /// [`Kind::FirmwareEnded`]
    Ended {
        /// Zero or a negative errno.
        result: ReturnCode,
    },
    /// [`Kind::FallbackBegan`]
    FallbackBegan(Arc<FirmwareAsked>),
    /// [`Kind::FallbackEnded`]
    FallbackEnded {
        /// Zero or a negative errno.
        result: ReturnCode,
    },
    /// [`Kind::LockBegan`]
    LockBegan {
        /// It waits until helpers are enabled; otherwise it is refused if they are not.
        waits: bool,
    },
    /// [`Kind::LockEnded`]
    LockEnded {
        /// The thread holds the lock.
        held: bool,
    },
    /// [`Kind::Unlocked`]
    Unlocked,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirmwareAsked {
    /// The file, relative to the kernel's firmware folders.
    pub name: Captured,
    /// The device's name.
    pub device: Captured,
}

impl FirmwareMoment {
    /// Which moment this is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Began(_) => Kind::FirmwareBegan,
            Self::Ended { .. } => Kind::FirmwareEnded,
            Self::FallbackBegan(_) => Kind::FallbackBegan,
            Self::FallbackEnded { .. } => Kind::FallbackEnded,
            Self::LockBegan { .. } => Kind::LockBegan,
            Self::LockEnded { .. } => Kind::LockEnded,
            Self::Unlocked => Kind::Unlocked,
        }
    }
}

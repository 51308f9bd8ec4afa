//! Which guest: a kernel series on a machine type.
//!
//! In: names as typed. Out: [`Guest`].

use std::fmt;

use crate::arch::Arch;
use crate::series::Series;

/// A kernel series on a machine type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guest {
    /// The kernel.
    pub series: Series,
    /// The machine type.
    pub arch: Arch,
}

impl Guest {
    /// A guest of 64-bit x86.
    pub const fn amd64(series: Series) -> Guest {
        Guest { series, arch: Arch::Amd64 }
    }

    /// A guest of 64-bit ARM.
    pub const fn arm64(series: Series) -> Guest {
        Guest { series, arch: Arch::Arm64 }
    }
}

impl fmt::Display for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.arch {
            Arch::Amd64 => write!(f, "{}", self.series),
            Arch::Arm64 => write!(f, "{}-{}", self.series, self.arch),
        }
    }
}

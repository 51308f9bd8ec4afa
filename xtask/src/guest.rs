//! Which guest: a kernel series on a machine type.
//!
//! In: names as typed. Out: [`Guest`], and what Debian, rustc and ELF call its machine type.

use std::fmt;

use clap::ValueEnum;

use crate::kernels::Series;

/// Machine types guests can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Arch {
    /// 64-bit x86.
    Amd64,
    /// 64-bit ARM.
    Arm64,
}

impl Arch {
    /// Debian's name for it, and ours.
    pub const fn as_str(self) -> &'static str {
        match self {
            Arch::Amd64 => "amd64",
            Arch::Arm64 => "arm64",
        }
    }

    /// `e_machine` in the header of its programs (`EM_X86_64`, `EM_AARCH64`).
    pub const fn elf_machine(self) -> u16 {
        match self {
            Arch::Amd64 => 62,
            Arch::Arm64 => 183,
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

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

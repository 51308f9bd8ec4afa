//! The kernel series that guests can be had for, and the releases of them.
//!
//! In: names as typed, and the names of Debian's packages. Out: [`Series`] and [`Release`].

use std::fmt;
use std::str::FromStr;

use crate::arch::Arch;

/// A kernel series that guests can be had for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Series {
    /// 5.10, the kernel of Debian 11.
    V5_10,
    /// 6.1, the kernel of Debian 12.
    V6_1,
    /// 6.12, the backport to Debian 12.
    V6_12,
    /// The highest of sid that comes with its modules.
    Newest,
    /// 6.12, built with the kernel's own accounting of loads (CONFIG_MODULE_STATS) and its selftest of requests
    /// (CONFIG_TEST_KMOD); not Debian's, so it is only used if the cache has it.
    V6_12Stats,
    /// The same, which also answers requests with the results of earlier ones (CONFIG_MODULE_DEBUG_AUTOLOAD_DUPS).
    V6_12Dups,
}

impl Series {
    /// Debian's series, oldest first.
    pub const ALL: [Series; 4] = [Series::V5_10, Series::V6_1, Series::V6_12, Series::Newest];

    /// Those that Debian does not have.
    pub const OWN: [Series; 2] = [Series::V6_12Stats, Series::V6_12Dups];

    /// Whether Debian does not have it.
    pub fn is_own(self) -> bool {
        Self::OWN.contains(&self)
    }

    /// The name as typed after `--kernel`.
    pub fn as_str(self) -> &'static str {
        match self {
            Series::V5_10 => "5.10",
            Series::V6_1 => "6.1",
            Series::V6_12 => "6.12",
            Series::Newest => "newest",
            Series::V6_12Stats => "6.12-stats",
            Series::V6_12Dups => "6.12-dups",
        }
    }

    /// Arguments that the series needs where it is emulated. The newest is booted by one processor, and the guest's
    /// init brings the others online: while that kernel patches its own code, which it does most of all in its boot,
    /// another emulated processor can trap on an instruction that has been put back meanwhile, and dies of it (7.2:
    /// `Oops: int3`).
    pub const fn arguments(self) -> &'static str {
        match self {
            Series::V5_10 | Series::V6_1 | Series::V6_12 | Series::V6_12Stats | Series::V6_12Dups => "",
            Series::Newest => "maxcpus=1",
        }
    }

    /// Whether a release (`6.1.0-56-amd64`) is one of this series, built for the Debian release whose
    /// compiler and libraries its headers need.
    pub fn owns(self, release: &Release) -> bool {
        let version = (release.numbers.first().copied(), release.numbers.get(1).copied());
        match self {
            Series::V5_10 => version == (Some(5), Some(10)) && release.rebuilt_for.is_empty(),
            Series::V6_1 => version == (Some(6), Some(1)) && release.rebuilt_for.is_empty(),
            Series::V6_12 => version == (Some(6), Some(12)) && release.rebuilt_for == "deb12",
            Series::Newest => true,
            Series::V6_12Stats | Series::V6_12Dups => false,
        }
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Series {
    type Err = String;

    fn from_str(text: &str) -> Result<Series, String> {
        let found = Series::ALL.into_iter().chain(Series::OWN).find(|series| series.as_str() == text);
        found.ok_or_else(|| {
            format!(
                "no kernel series {text}: one of 5.10, 6.1, 6.12, newest, or, if they were built, 6.12-stats, 6.12-dups"
            )
        })
    }
}

/// A kernel release taken apart for comparing: `6.12.117+deb12-amd64`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    numbers: Vec<u32>,
    rebuilt_for: String,
    /// As it stands in the names of packages.
    pub name: String,
}

impl Release {
    /// Reads the release in an image package's name; `None` for flavours (cloud, rt, 16k), debug and meta packages.
    pub fn of_package(package: &str, arch: Arch) -> Option<Release> {
        let name = package.strip_prefix("linux-image-")?;
        let version = name.strip_suffix(arch.as_str())?.strip_suffix('-')?;
        let (version, plus) = version.split_once('+').unwrap_or((version, ""));
        let (plus, plus_point) = plus.split_once('.').unwrap_or((plus, "0"));
        if !plus.chars().all(char::is_alphanumeric) {
            return None;
        }
        let (point, abi) = version.split_once('-').unwrap_or((version, "0"));
        let (old_backport, abi) = match abi.split_once(".deb") {
            Some((_, backport)) => (format!("deb{}", backport.split('.').next()?), "0"),
            None => (String::new(), abi),
        };
        let numbers: Option<Vec<u32>> =
            point.split('.').chain([abi, plus_point]).map(|number| number.parse().ok()).collect();
        let numbers = numbers.filter(|numbers| numbers.len() == 5)?;
        let rebuilt_for = if plus.is_empty() { old_backport } else { plus.to_owned() };
        Some(Release { numbers, rebuilt_for, name: name.to_owned() })
    }
}

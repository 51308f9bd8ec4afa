//! Instants and durations of the kernel's clocks, as types that cannot be mixed up.

use core::fmt;
use core::num::NonZeroU64;

/// An instant: nanoseconds since boot on one of the kernel's clocks (`bpf_ktime_get_ns`, which stops in suspend,
/// or `bpf_ktime_get_boot_ns`, which does not). The field that holds it says which.
///
/// It is kept as one nanosecond more, so that an instant which was not seen takes no more room than one which was.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ktime(NonZeroU64);

/// A duration in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(u64);

impl Ktime {
    /// The instant `nanoseconds` after boot.
    #[must_use]
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        match NonZeroU64::new(nanoseconds.saturating_add(1)) {
            Some(one_more) => Self(one_more),
            None => Self(NonZeroU64::MIN),
        }
    }

    /// Nanoseconds since boot.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0.get() - 1
    }

    /// The time since `earlier`; zero if `earlier` is later, which can happen with two CPUs' clocks.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Nanos {
        Nanos(self.0.get().saturating_sub(earlier.0.get()))
    }

    /// The instant `duration` later.
    #[must_use]
    pub const fn plus(self, duration: Nanos) -> Self {
        Self::from_nanos(self.as_nanos().saturating_add(duration.0))
    }

    /// The instant `duration` earlier, never before boot.
    #[must_use]
    pub const fn minus(self, duration: Nanos) -> Self {
        Self::from_nanos(self.as_nanos().saturating_sub(duration.0))
    }
}

impl Default for Ktime {
    /// When the machine booted.
    fn default() -> Self {
        Self::from_nanos(0)
    }
}

impl fmt::Debug for Ktime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Ktime({})", self.as_nanos())
    }
}

impl Nanos {
    /// No time.
    pub const ZERO: Self = Self(0);

    /// A duration of `nanoseconds`.
    #[must_use]
    pub const fn new(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// A duration of `milliseconds`.
    #[must_use]
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(milliseconds.saturating_mul(1_000_000))
    }

    /// A duration of `seconds`.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// The duration in nanoseconds.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The sum, capped at the largest duration.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference to `other`, never below zero.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Nanos {
    /// Three significant digits and the unit that fits: `850ns`, `12.3us`, `4.56ms`, `1.20s`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, unit) = match self.0 {
            0..1_000 => return write!(out, "{}ns", self.0),
            1_000..1_000_000 => (1_000, "us"),
            1_000_000..1_000_000_000 => (1_000_000, "ms"),
            _ => (1_000_000_000, "s"),
        };
        let thousandths = (u128::from(self.0) * 1_000 / whole) as u64;
        match thousandths {
            0..10_000 => write!(out, "{}.{:02}{unit}", thousandths / 1_000, thousandths % 1_000 / 10),
            10_000..100_000 => write!(out, "{}.{}{unit}", thousandths / 1_000, thousandths % 1_000 / 100),
            _ => write!(out, "{}{unit}", thousandths / 1_000),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn durations_print_with_three_digits_and_a_unit() {
        let shown = [0, 850, 12_345, 999_999, 4_567_000, 127_700_000, 1_200_000_000, 61_000_000_000]
            .map(|nanoseconds| Nanos::new(nanoseconds).to_string());
        assert_eq!(shown, ["0ns", "850ns", "12.3us", "999us", "4.56ms", "127ms", "1.20s", "61.0s"]);
    }

    #[test]
    fn an_instant_is_what_it_was_made_from_and_one_that_is_missing_needs_no_room() {
        for nanoseconds in [0, 1, 42, u64::MAX - 1] {
            assert_eq!(Ktime::from_nanos(nanoseconds).as_nanos(), nanoseconds);
        }
        assert_eq!(Ktime::from_nanos(u64::MAX).as_nanos(), u64::MAX - 1, "584 years after boot");
        assert_eq!(Ktime::default(), Ktime::from_nanos(0));
        assert_eq!(Ktime::from_nanos(u64::MAX).plus(Nanos::new(1)), Ktime::from_nanos(u64::MAX));
        assert_eq!(Ktime::from_nanos(1).minus(Nanos::new(2)), Ktime::from_nanos(0));
        assert_eq!(std::format!("{:?}", Ktime::from_nanos(7)), "Ktime(7)");
        assert_eq!(size_of::<Option<Ktime>>(), size_of::<Ktime>());
    }

    #[test]
    fn an_earlier_instant_that_is_later_gives_no_time() {
        assert_eq!(Ktime::from_nanos(5).since(Ktime::from_nanos(9)), Nanos::ZERO);
    }
}

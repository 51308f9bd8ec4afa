//! How durations are spread, in little memory, whatever their number.
//!
//! In: durations. Out: percentiles, each within 0.4 % of a duration that was counted.

use std::collections::BTreeMap;
use trace_common::time::Nanos;

/// Steps between a power of two and the next, as a power of two.
const STEPS: u32 = 7;

/// Durations, counted by how long they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Only what is not zero.
    counts: BTreeMap<u32, u64>,
    count: u64,
    least: Nanos,
    most: Nanos,
}

/// Three percentiles of durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentiles {
    /// Half of them are not longer.
    pub p50: Nanos,
    /// Nine in ten are not longer.
    pub p90: Nanos,
    /// Ninety-nine in a hundred are not longer.
    pub p99: Nanos,
}

impl Histogram {
    /// One more.
    pub fn add(&mut self, duration: Nanos) {
        *self.counts.entry(step(duration.as_nanos())).or_default() += 1;
        self.least = if self.count == 0 { duration } else { self.least.min(duration) };
        self.most = self.most.max(duration);
        self.count += 1;
    }

    /// All of another's.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        for (step, count) in &other.counts {
            *self.counts.entry(*step).or_default() += count;
        }
        self.least = if self.count == 0 { other.least } else { self.least.min(other.least) };
        self.most = self.most.max(other.most);
        self.count += other.count;
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The longest; zero if there are none.
    #[must_use]
    pub const fn most(&self) -> Nanos {
        self.most
    }

    /// The percentiles; `None` if there are no durations.
    #[must_use]
    pub fn percentiles(&self) -> Option<Percentiles> {
        let at = |hundredths| self.at(hundredths);
        Some(Percentiles { p50: at(50)?, p90: at(90)?, p99: at(99)? })
    }

    /// The shortest duration that so many in a hundred are not longer than.
    fn at(&self, hundredths: u64) -> Option<Nanos> {
        let wanted = self.count.saturating_mul(hundredths).div_ceil(100).max(1);
        let mut before = 0;
        let (step, _) = self.counts.iter().find(|(_, count)| {
            before += **count;
            before >= wanted
        })?;
        Some(middle(*step).clamp(self.least, self.most))
    }
}

/// The step that a duration counts in: exact below two to the power of [`STEPS`].
fn step(nanoseconds: u64) -> u32 {
    let power = u64::BITS.saturating_sub(nanoseconds.leading_zeros() + 1);
    let Some(shift) = power.checked_sub(STEPS) else { return u32::try_from(nanoseconds).unwrap_or_default() };
    // From one power of two to the next, the number without its leading one counts the steps.
    let within = (nanoseconds >> shift) & ((1 << STEPS) - 1);
    ((shift + 1) << STEPS) + u32::try_from(within).unwrap_or_default()
}

/// The duration in the middle of a step.
fn middle(step: u32) -> Nanos {
    let Some(shift) = (step >> STEPS).checked_sub(1) else { return Nanos::new(u64::from(step)) };
    let within = u64::from(step & ((1 << STEPS) - 1));
    let begin = ((1 << STEPS) + within) << shift;
    Nanos::new(begin + (1_u64 << shift) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_narrow_everywhere_and_steps_rise() {
        let mut before = None;
        for nanoseconds in (0..60).flat_map(|power| [1_u64 << power, (1 << power) + (1 << power) / 3, (2 << power) - 1])
        {
            let step = step(nanoseconds);
            let off = middle(step).as_nanos().abs_diff(nanoseconds);
            assert!(u128::from(off) * 250 <= u128::from(nanoseconds), "{nanoseconds} is off by {off}");
            assert!(before.is_none_or(|before| before <= step), "{nanoseconds}");
            before = Some(step);
        }
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_durations() {
        let mut all = Histogram::default();
        assert_eq!(all.percentiles(), None);
        (1..=100).for_each(|milliseconds| all.add(Nanos::from_millis(milliseconds)));
        let found = all.percentiles().expect("some");
        for (found, exact) in [(found.p50, 50), (found.p90, 90), (found.p99, 99)] {
            let exact = Nanos::from_millis(exact).as_nanos();
            assert!(found.as_nanos().abs_diff(exact) <= exact / 250, "{found}");
        }
        let mut one = Histogram::default();
        one.add(Nanos::new(123_456_789));
        let only = Nanos::new(123_456_789);
        assert_eq!(one.percentiles(), Some(Percentiles { p50: only, p90: only, p99: only }));
    }

    #[test]
    fn two_halves_make_the_whole() {
        let (mut whole, mut odd, mut even) = (Histogram::default(), Histogram::default(), Histogram::default());
        for number in 1..500 {
            let duration = Nanos::new(number * 977);
            whole.add(duration);
            if number % 2 == 0 { even.add(duration) } else { odd.add(duration) }
        }
        odd.merge(&even);
        odd.merge(&Histogram::default());
        assert_eq!(odd, whole);
    }
}

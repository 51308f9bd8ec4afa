//! Percentiles of times. In: the times. Out: values that were measured, by the nearest rank; none is interpolated.

use trace_common::time::Nanos;

/// Fewer samples than this have no 90th percentile of their own: it would be the largest.
pub const FOR_P90: usize = 10;
/// The same for the 99th percentile.
pub const FOR_P99: usize = 100;

/// The percentiles of some times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentiles {
    /// How many times there are: one at least.
    pub samples: usize,
    /// Half of them are not longer.
    pub p50: Nanos,
    /// Nine of ten are not longer; `None` if there are fewer than [`FOR_P90`].
    pub p90: Option<Nanos>,
    /// 99 of 100 are not longer; `None` if there are fewer than [`FOR_P99`].
    pub p99: Option<Nanos>,
    /// The longest.
    pub max: Nanos,
}

impl Percentiles {
    /// Of these times, in any order; `None` of none.
    #[must_use]
    pub fn of(mut times: Vec<Nanos>) -> Option<Self> {
        times.sort_unstable();
        Some(Self {
            samples: times.len(),
            p50: nearest_rank(&times, 50)?,
            p90: nearest_rank(&times, 90).filter(|_| times.len() >= FOR_P90),
            p99: nearest_rank(&times, 99).filter(|_| times.len() >= FOR_P99),
            max: times.last().copied()?,
        })
    }

    /// Whether there are too few for more than the median and the longest.
    #[must_use]
    pub const fn is_few(&self) -> bool {
        self.samples < FOR_P90
    }
}

/// The smallest of the sorted values that at least so many per cent are not larger than.
fn nearest_rank<T: Copy>(sorted: &[T], percent: usize) -> Option<T> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// The median of values in any order, by the nearest rank; `None` of none.
#[must_use]
pub fn median<T: Copy + PartialOrd>(values: &[T]) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    nearest_rank(&sorted, 50)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(times: impl Iterator<Item = u64>) -> Option<Percentiles> {
        Percentiles::of(times.map(Nanos::new).collect())
    }

    #[test]
    fn each_is_a_measured_value_of_the_nearest_rank() {
        // The textbook's example of the nearest rank: 15, 20, 35, 40, 50 have the median 35.
        assert_eq!(of([50, 15, 40, 20, 35].into_iter()).expect("samples").p50, Nanos::new(35));
        let hundred = of((1..=100).rev()).expect("samples");
        let (p50, p90, p99) = (Nanos::new(50), Some(Nanos::new(90)), Some(Nanos::new(99)));
        assert_eq!(hundred, Percentiles { samples: 100, p50, p90, p99, max: Nanos::new(100) });
        assert_eq!([median(&[4, 1, 3, 2]), median(&[7])], [Some(2), Some(7)]);
    }

    #[test]
    fn few_samples_have_no_high_percentiles() {
        assert_eq!(of(std::iter::empty()), None);
        let nine = of(1..=9).expect("samples");
        assert_eq!((nine.p50, nine.p90, nine.p99, nine.is_few()), (Nanos::new(5), None, None, true));
        let ten = of(1..=10).expect("samples");
        assert_eq!((ten.p90, ten.p99, ten.is_few()), (Some(Nanos::new(9)), None, false));
        assert_eq!(of(1..=99).expect("samples").p99, None);
    }
}

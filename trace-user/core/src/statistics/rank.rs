//! Whether the values of one sample tend to be larger than those of another: the Mann-Whitney U test, which assumes
//! nothing about how they are distributed, and Cliff's delta as the size of the effect.
//!
//! In: two samples. Out: [`RankTest`]. Without ties and with up to [`EXACT`] values on each side, the probability is
//! exact; else it is that of the normal distribution, corrected for ties and for continuity.

/// Values on each side up to which the probability is counted out.
pub const EXACT: usize = 20;

/// What the test says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankTest {
    /// How probable a difference as large as this, either way, is if both samples come from the same distribution.
    pub probability: f64,
    /// Cliff's delta, from -1 to 1: how much more often a value of the second sample is larger than one of the first
    /// than smaller. 1: each is.
    pub effect: f64,
}

/// Compares two samples; `None` if one of them is empty.
#[must_use]
pub fn mann_whitney(first: &[u64], second: &[u64]) -> Option<RankTest> {
    if first.is_empty() || second.is_empty() {
        return None;
    }
    let (larger, ties) = ranked(first, second);
    let pairs = first.len() as f64 * second.len() as f64;
    let has_ties = ties > 0.0;
    let probability = if !has_ties && first.len() <= EXACT && second.len() <= EXACT {
        exact(larger, first.len(), second.len())
    } else {
        normal(larger, ties, first.len() as f64, second.len() as f64)
    };
    Some(RankTest { probability, effect: 2.0 * larger / pairs - 1.0 })
}

/// The smallest probability that the test can give for samples of these sizes: that of samples that do not overlap.
#[must_use]
pub fn least_probability(first: usize, second: usize) -> f64 {
    let (few, many) = (first.min(second), first.max(second));
    // 2 / C(n + m, n), as a product that neither overflows nor runs on when it is zero in practice.
    let mut least = 2.0;
    for place in 1..=few {
        least *= place as f64 / (many + place) as f64;
        if least < f64::MIN_POSITIVE {
            return 0.0;
        }
    }
    f64::min(least, 1.0)
}

/// How many pairs have the larger value in the second sample, where equal ones count half (U); and the sum of t³ - t
/// over the groups of t equal values.
fn ranked(first: &[u64], second: &[u64]) -> (f64, f64) {
    let mut values: Vec<(u64, bool)> =
        first.iter().map(|value| (*value, false)).chain(second.iter().map(|value| (*value, true))).collect();
    values.sort_unstable();
    let (mut larger, mut ties, mut smaller_firsts) = (0.0, 0.0, 0.0);
    for equal in values.chunk_by(|one, other| one.0 == other.0) {
        let seconds = equal.iter().filter(|(_, is_second)| *is_second).count() as f64;
        let size = equal.len() as f64;
        let firsts = size - seconds;
        larger += seconds * (smaller_firsts + firsts / 2.0);
        smaller_firsts += firsts;
        ties += size * size * size - size;
    }
    (larger, ties)
}

/// The exact probability, two-sided, without ties. The numbers of orders that give each U are the coefficients of the
/// Gaussian binomial: the product over i of (1 - q^(m+i)) / (1 - q^i).
fn exact(larger: f64, first: usize, second: usize) -> f64 {
    let pairs = first * second;
    let mut orders = vec![0.0_f64; pairs + 1];
    if let Some(none) = orders.first_mut() {
        *none = 1.0;
    }
    for factor in 1..=first {
        for place in (second + factor..=pairs).rev() {
            orders[place] -= orders[place - second - factor];
        }
        for place in factor..=pairs {
            orders[place] += orders[place - factor];
        }
    }
    // Without ties, U is a whole number.
    let extreme = f64::min(larger, pairs as f64 - larger) as usize;
    let all: f64 = orders.iter().sum();
    let beyond: f64 = orders.iter().take(extreme + 1).sum();
    f64::min(2.0 * beyond / all, 1.0)
}

fn normal(larger: f64, ties: f64, first: f64, second: f64) -> f64 {
    let all = first + second;
    let variance = first * second / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    let distance = f64::max((larger - first * second / 2.0).abs() - 0.5, 0.0);
    f64::min(libm::erfc(distance / variance.sqrt() / std::f64::consts::SQRT_2), 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    /// Ages at diagnosis of diabetes, of men and women: the worked example of SciPy's documentation.
    const MEN: [u64; 5] = [19, 22, 16, 29, 24];
    const WOMEN: [u64; 4] = [20, 11, 17, 12];

    #[test]
    fn the_exact_probability_is_that_of_the_textbook() {
        let test = mann_whitney(&WOMEN, &MEN).expect("samples");
        is_near(test.probability, 1.0 / 9.0);
        // U is 17 of 20 pairs.
        is_near(test.effect, 2.0 * 17.0 / 20.0 - 1.0);
        let reversed = mann_whitney(&MEN, &WOMEN).expect("samples");
        is_near(reversed.probability, test.probability);
        is_near(reversed.effect, -test.effect);
        // Samples that do not overlap: 2 of the C(10, 5) = 252 orders.
        let apart = mann_whitney(&[1, 2, 3, 4, 5], &[6, 7, 8, 9, 10]).expect("samples");
        is_near(apart.probability, 2.0 / 252.0);
        is_near(apart.effect, 1.0);
    }

    #[test]
    fn the_normal_approximation_is_that_of_the_textbook() {
        is_near(normal(17.0, 0.0, 4.0, 5.0), 0.111_346_886_533_140_41);
    }

    #[test]
    fn ties_count_half_and_narrow_the_variance() {
        // By hand: each value has as many below as above it in the other sample.
        let same = mann_whitney(&[1, 1, 2, 2], &[1, 1, 2, 2]).expect("samples");
        is_near(same.effect, 0.0);
        is_near(same.probability, 1.0);
        // By hand: 15.5 of 16 pairs, two groups of two equal values. The variance is 16/12·(9 - 12/56) = 11.714, the
        // distance from 8, corrected for continuity, 7.
        let test = mann_whitney(&[1, 2, 2, 3], &[3, 4, 5, 6]).expect("samples");
        is_near(test.effect, 2.0 * 15.5 / 16.0 - 1.0);
        is_near(test.probability, 0.04083312586129956);
        let equal = mann_whitney(&[7; 30], &[7; 40]).expect("samples");
        is_near(equal.probability, 1.0);
    }

    #[test]
    fn nothing_is_compared_with_nothing() {
        assert_eq!((mann_whitney(&[], &[1]), mann_whitney(&[1], &[])), (None, None));
    }

    #[test]
    fn the_least_probability_is_that_of_samples_apart() {
        is_near(least_probability(5, 5), 2.0 / 252.0);
        is_near(least_probability(4, 4), 2.0 / 70.0);
        is_near(least_probability(1, 1), 1.0);
        assert!(least_probability(100_000, 100_000) < 1e-100);
        for (one, other) in [(3, 3), (5, 7), (8, 8), (20, 20)] {
            let first: Vec<u64> = (0..one).collect();
            let second: Vec<u64> = (100..100 + other).collect();
            let least = least_probability(first.len(), second.len());
            is_near(mann_whitney(&first, &second).expect("samples").probability, least);
        }
    }
}

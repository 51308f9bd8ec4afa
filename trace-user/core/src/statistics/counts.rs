//! Whether something happens more often in one of two series of trials: Fisher's exact test.
//!
//! In: how often it happened in each, and how often not. Out: a probability.

/// How probable it is that shares differ as much as these, either way, if it happens equally often in both. `happened`
/// and `trials` are those of the first and of the second series; no more happened than there were trials.
#[must_use]
pub fn fisher(happened: [u64; 2], trials: [u64; 2]) -> f64 {
    let [first, second] = trials;
    let all = happened[0].saturating_add(happened[1]);
    let least = all.saturating_sub(second);
    let most = all.min(first);
    let weight = |here: u64| choices(first, here) + choices(second, all.saturating_sub(here));
    let whole = choices(first.saturating_add(second), all);
    let seen = weight(happened[0]);
    // Two are as probable as each other although they are computed in another order.
    let as_rare = (least..=most).map(weight).filter(|other| *other <= seen + 1e-7);
    f64::min(as_rare.map(|other| libm::exp(other - whole)).sum(), 1.0)
}

/// The logarithm of the number of ways to choose `chosen` of `all`.
fn choices(all: u64, chosen: u64) -> f64 {
    let factorial = |number: u64| libm::lgamma(number as f64 + 1.0);
    factorial(all) - factorial(chosen) - factorial(all.saturating_sub(chosen))
}

#[cfg(test)]
mod tests {
    use super::fisher;

    fn is_near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn the_probability_is_that_of_the_textbook() {
        // The lady tasting tea: 3 of 4 cups right.
        is_near(fisher([3, 1], [4, 4]), 34.0 / 70.0);
        // Whales and sharks, the worked example of SciPy's documentation.
        is_near(fisher([8, 1], [10, 6]), 5.0 / 143.0);
        is_near(fisher([0, 5], [5, 5]), 2.0 / 252.0);
        is_near(fisher([5, 5], [10, 10]), 1.0);
        is_near(fisher([0, 0], [9, 4]), 1.0);
        is_near(fisher([1, 0], [1, 1]), 1.0);
    }
}

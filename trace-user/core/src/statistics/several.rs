//! Several tests at once: with a hundred of them, one is below 1 % by chance alone.
//!
//! In: the probability that each test gives. Out: the same, adjusted by Holm's method, so that the probability that any
//! of those below a limit is there by chance is below the limit.

/// The adjusted probabilities, in the order of those that come in.
#[must_use]
pub fn holm(probabilities: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|one, other| probabilities[*one].total_cmp(&probabilities[*other]));
    let mut adjusted = vec![1.0; probabilities.len()];
    let mut largest = 0.0_f64;
    for (place, index) in order.iter().enumerate() {
        let left = (probabilities.len() - place) as f64;
        largest = largest.max(probabilities[*index] * left).min(1.0);
        adjusted[*index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::holm;

    #[test]
    fn each_is_multiplied_by_how_many_are_not_smaller_and_the_order_is_kept() {
        // By hand: 0.01·4, 0.03·2 = 0.06, 0.04·1 < 0.06, 0.005·4 = 0.02 then 0.01·3 = 0.03.
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        let expected = [0.03, 0.06, 0.06, 0.02];
        assert!(
            adjusted.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-12),
            "{adjusted:?}"
        );
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }
}

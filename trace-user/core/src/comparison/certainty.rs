//! How sure it is that a difference is not chance. Values only.

/// A difference counts if it is there by chance with less than this probability, over all that is compared.
pub const LIMIT: f64 = 0.01;

/// How sure a difference is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Certainty {
    /// A test shows that it is not chance.
    Tested {
        /// How probable it is by chance, adjusted for all that was compared.
        probability: f64,
        /// Of times: Cliff's delta.
        effect: Option<f64>,
    },
    /// It is large, but there are too few samples for a test.
    Few,
}

//! What many measured times say: percentiles, and whether two samples differ by more than chance.
//!
//! In: numbers. Out: numbers. Nothing here knows what was measured.

pub mod counts;
pub mod percentiles;
pub mod rank;
pub mod several;

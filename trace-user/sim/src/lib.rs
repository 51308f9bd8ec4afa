//! A simulated kernel that knows what really happened, and holds modtrail's answers against it.
//!
//! In: seeds. Out: what is wrong with what the pipeline makes of them, with the smallest plan that shows it. Pure, but
//! for the binary.

pub mod fuzz;
pub mod oracle;
#[cfg(test)]
mod regressions;
pub mod simulation;

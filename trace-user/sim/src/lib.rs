//! A simulated kernel that knows what really happened, and checks modtrail's answers against it.
//!
//! In: seeds. Out: what is wrong in the pipeline's answers, with the smallest plan that shows it. Pure, except for the
//! binary.

#[cfg(test)]
mod comparisons;
#[cfg(test)]
mod deadlocks;
pub mod fuzz;
pub mod oracle;
#[cfg(test)]
mod playing;
#[cfg(test)]
mod regressions;
pub mod simulation;

//! Alerts: which requests and loads are stuck past their limit, while they still are, and who is told.
//!
//! [`rules`] decides (pure: from the model to notices); [`sinks`] say it.

pub mod rules;
pub mod sinks;

//! The rights that modtrail keeps while it traces.
//!
//! In: what the edge decided. Out: values for reports and screens.

use std::sync::Arc;

/// A capability that modtrail keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// Its name: `CAP_BPF`.
    pub capability: Arc<str>,
    /// What it is needed for.
    pub why: Arc<str>,
}

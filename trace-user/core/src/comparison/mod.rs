//! What differs between two traces, or two parts of one: what is new and gone, what became of things, what is slower
//! and faster, with chance kept apart from change.
//!
//! In: two models. Out: a [`Comparison`], and for a person a document. Names are compared, never numbers: the same
//! happens to other processes in another boot. `docs/diff.md` states the rules.

pub mod certainty;
pub mod json;
pub mod judge;
pub mod observed;
pub mod outcomes;
pub mod times;
pub mod words;

pub use judge::{Comparison, compare};
pub use observed::{Observed, Subject};

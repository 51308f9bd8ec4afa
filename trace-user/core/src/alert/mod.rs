//! Alerts: which requests and loads are stuck past their limit, while they still are, in the words of a sink.
//!
//! [`rules`] decides, from the model to notices; [`text`] words them.

pub mod rules;
pub mod text;

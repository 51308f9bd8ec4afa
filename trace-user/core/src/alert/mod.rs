//! Alerts: which requests and loads are stuck past their limit, while they still are, worded for a sink.
//!
//! [`rules`] makes notices from the model; [`text`] words them.

pub mod rules;
pub mod text;

//! Alerts: which requests and loads are stuck past their limit, while they still are, and whose events are being lost,
//! worded for a sink.
//!
//! [`rules`] and [`losses`] make notices from the model; [`text`] words them.

pub mod losses;
pub mod rules;
pub mod text;

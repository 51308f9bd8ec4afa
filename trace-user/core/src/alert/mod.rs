//! Alerts: which requests and loads are stuck past their limit, while they still are, whose events are being lost, and
//! which findings are urgent, worded for a sink.
//!
//! [`rules`], [`losses`] and [`urgent`] make notices from the model; [`text`] words them.

pub mod losses;
pub mod rules;
pub mod text;
pub mod urgent;

//! Those who are told of alerts.

pub mod exec;
pub mod text;

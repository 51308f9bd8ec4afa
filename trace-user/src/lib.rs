//! modtrail follows every kernel-module request from the task that asked to the moment the module is live, and says
//! what really happened.
//!
//! Events come from a source (the running kernel or a recording), are put in order, joined, and kept in a model that
//! the dashboard, the reports and the alerts read. Everything from [`order`] to [`model`] is pure: the same events
//! give the same bytes out. `ARCHITECTURE.md` has the map.

#![cfg_attr(not(test), warn(clippy::print_stderr, clippy::print_stdout))]

pub mod alert;
pub mod app;
pub mod cli;
pub mod clock;
pub mod correlate;
pub mod decode;
pub mod errno;
pub mod event;
pub mod explain;
pub mod joined;
pub mod kernel;
pub mod lives;
pub mod model;
#[cfg(test)]
mod oracle;
pub mod order;
pub mod phases;
pub mod pipeline;
pub mod record;
pub mod recording;
pub mod replay;
pub mod report;
pub mod sinks;
pub mod source;
pub mod stall;
pub mod stderr;
#[cfg(test)]
mod testing;
pub mod tui;
pub mod verdict;
pub mod who;

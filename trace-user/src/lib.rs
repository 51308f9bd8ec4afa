//! The parts of the `modtrail` binary, for its tests and benchmarks: the edge to the running kernel, the dashboard, the
//! commands.
//!
//! The library `modtrail-core` handles the events that come in here. `ARCHITECTURE.md` has the map.

#![cfg_attr(not(test), warn(clippy::print_stderr, clippy::print_stdout))]

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod confine;
pub mod files;
pub mod kernel;
pub mod priority;
pub mod ready;
pub mod recording;
pub mod rights;
pub mod sinks;
pub mod source;
pub mod stderr;
pub mod tui;

//! The edge to the running kernel: the only user of aya, `/proc` and `/sys`.

pub mod attach;
pub mod btf;
pub mod hooks;
pub mod misses;
pub mod modules;
pub mod names;
pub mod probe_log;
pub mod ring;
pub mod snapshot;
pub mod symbols;

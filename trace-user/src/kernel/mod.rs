//! The edge to the running kernel: the only user of aya, `/proc` and `/sys`.

pub mod attach;
pub mod btf;
pub mod hooks;
pub mod lookup;
pub mod misses;
pub mod modprobe_d;
pub mod modules;
pub mod names;
pub mod pattern;
pub mod probe_log;
pub mod ring;
pub mod self_test;
pub mod snapshot;
pub mod stacks;
pub mod symbols;

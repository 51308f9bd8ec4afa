//! The edge to the running kernel: the only user of aya, `/proc` and `/sys`.

pub mod ask;
pub mod attach;
pub mod bpf;
pub mod btf;
pub mod costs;
pub mod detach;
pub mod enrich;
pub mod executable;
pub mod hooks;
pub mod index;
pub mod kallsyms;
pub mod lookup;
pub mod misses;
pub mod modprobe_d;
pub mod modules;
pub mod names;
pub mod object;
pub mod pattern;
pub mod policy;
pub mod probe_log;
pub mod ring;
pub mod self_test;
pub mod snapshot;
pub mod stacks;

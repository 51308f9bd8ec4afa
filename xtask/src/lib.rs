//! Everything a developer of modtrail runs. The binary `xtask` reads the command line; the work is here, so
//! that tests can run guests too.
//!
//! In: typed options. Out: programs built, guests run, checks made. Only `anyhow` errors leave it.

pub mod accelerator;
pub mod apt;
pub mod arch;
pub mod artifact;
pub mod bench;
pub mod check;
pub mod circles;
pub mod cli;
pub mod cpio;
pub mod cross;
pub mod dist;
pub mod evidence;
pub mod guest;
pub mod initramfs;
pub mod interrupt;
pub mod kernels;
pub mod mentions;
pub mod modules;
pub mod paths;
pub mod process;
pub mod progress;
pub mod qemu;
pub mod relay;
pub mod results;
pub mod rooms;
pub mod run;
pub mod rundir;
pub mod series;
pub mod setup;
pub mod snapshot;
pub mod spent;
pub mod streams;
pub mod terminal;
pub mod test;
pub mod testmodule;
pub mod tools;
pub mod used;
pub mod vm;
pub mod vmlinux;

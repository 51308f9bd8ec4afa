//! The probes' object for `--probe-log`: `programs.rs`, with debug messages. The probes are then four times as long,
//! which makes the verifier slower.
//!
//! In: nothing. Out: one eBPF object.
#![expect(unsafe_code, reason = "a probe reads the kernel's memory and calls its helpers")]
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

/// Writes a debug message.
macro_rules! debug {
    ($ctx:expr, $($message:tt)*) => {
        aya_log_ebpf::debug!($ctx, $($message)*);
    };
}

mod command;
mod emit;
mod maps;
mod object;
mod probes;
mod programs;
mod read;
mod room;
mod share;

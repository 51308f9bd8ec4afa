//! The probes' object: `programs.rs`, without debug messages.
//!
//! In: nothing. Out: one eBPF object.
#![expect(unsafe_code, reason = "a probe reads the kernel's memory and calls its helpers")]
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

/// A debug message, which `log.rs` would write.
macro_rules! debug {
    ($ctx:expr, $($message:tt)*) => {
        let _ = &$ctx;
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

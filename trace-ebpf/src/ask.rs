//! Questions that only the kernel can answer about itself: which function contains an address, and the address of a
//! symbol. The loader runs a program once per question; none is ever attached.
//!
//! In: a number in the context, or the map `NAME`. Out: the map `NAME`, or a number in the context. Needs Linux 5.16;
//! on older kernels, the loader reads `/proc/kallsyms`, which takes as long as attaching all probes.
#![expect(unsafe_code, reason = "a probe reads the kernel's memory and calls its helpers")]
#![no_std]
#![no_main]

mod object;

use aya_ebpf::EbpfContext as _;
use aya_ebpf::helpers::generated::{bpf_kallsyms_lookup_name, bpf_snprintf};
use aya_ebpf::macros::{map, raw_tracepoint};
use aya_ebpf::maps::Array;
use aya_ebpf::programs::RawTracePointContext;
use trace_common::limits::SYMBOL;

/// A symbol's name, NUL-terminated: the question, or the answer.
#[map]
static NAME: Array<[u8; SYMBOL]> = Array::with_max_entries(1, 0);

/// "The symbol that this address lies in, without offset" (lib/vsprintf.c, 5.13 to 7.3).
static FORMAT: [u8; 4] = *b"%ps\0";

/// In: the address as the first word of the context. Out: `NAME` and, in place of the address, the length of the name
/// in bytes, including its NUL; zero or negative for none.
///
/// It is compiled like a raw tracepoint's program, whose context is an array of words too, and loaded as a program that
/// is run by the system call.
#[raw_tracepoint]
fn name_of(ctx: RawTracePointContext) -> i32 {
    let Some(name) = NAME.get_ptr_mut(0) else { return 0 };
    let mut address: u64 = ctx.arg(0);
    // SAFETY: `name` is valid for `SYMBOL` bytes, `address` for its eight, and the format ends with a NUL.
    let length = unsafe { bpf_snprintf(name.cast(), SYMBOL as u32, FORMAT.as_ptr().cast(), &raw mut address, 8) };
    answer(&ctx, length as u64)
}

/// In: `NAME`, its last byte zero. Out: the symbol's address as the first word of the context; zero for none.
#[raw_tracepoint]
fn address_of(ctx: RawTracePointContext) -> i32 {
    let Some(name) = NAME.get_ptr(0) else { return 0 };
    let mut address: u64 = 0;
    // SAFETY: `name` is valid for `SYMBOL` bytes, the last of which is zero, and `address` for writes.
    unsafe { bpf_kallsyms_lookup_name(name.cast(), SYMBOL as i32, 0, &raw mut address) };
    answer(&ctx, address)
}

/// Gives the loader a number.
#[inline(always)]
fn answer(ctx: &RawTracePointContext, number: u64) -> i32 {
    // SAFETY: the context of a program that is run by the system call is writable; its first word exists.
    unsafe { ctx.as_ptr().cast::<u64>().write(number) };
    0
}

//! What every eBPF object needs besides its programs.
//!
//! In: nothing. Out: the licence, and the handler that the compiler wants.

/// Never reached: the programs contain no panic. The compiler requires it, and the verifier would refuse a loop.
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Lets the programs call helpers that the kernel offers to GPL programs only; modtrail's MIT licence is compatible.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

//! What eBPF the kernel holds: it is counted as `bpftool` does, by the numbers that the kernel has given out.
//!
//! In: nothing. Out: counts.

use std::io;

use anyhow::{Context, Result};

/// `BPF_PROG_GET_NEXT_ID`, `BPF_LINK_GET_NEXT_ID` (include/uapi/linux/bpf.h, 5.8 to 7.3).
const NEXT_PROGRAM: libc::c_int = 11;
const NEXT_LINK: libc::c_int = 31;

/// How many programs are loaded.
pub fn programs() -> Result<u32> {
    count(NEXT_PROGRAM).context("cannot count programs")
}

/// How many links there are.
pub fn links() -> Result<u32> {
    count(NEXT_LINK).context("cannot count links")
}

#[repr(C)]
struct NextId {
    start: u32,
    next: u32,
    flags: u32,
}

fn count(command: libc::c_int) -> io::Result<u32> {
    let mut attributes = NextId { start: 0, next: 0, flags: 0 };
    let mut count = 0;
    loop {
        // SAFETY: the kernel reads and writes this many bytes of `attributes`, which lives through the call.
        let answer = unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut attributes, size_of::<NextId>()) };
        if answer == 0 {
            count += 1;
            attributes.start = attributes.next;
            continue;
        }
        let error = io::Error::last_os_error();
        return if error.raw_os_error() == Some(libc::ENOENT) { Ok(count) } else { Err(error) };
    }
}

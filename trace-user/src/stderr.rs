//! Lines on standard error, each written whole: other output there, such as the traced command's, comes before or after
//! it.
//!
//! In: text. Out: one write. If nobody reads any more, errors are ignored. If nobody reads now, the line is given up
//! after a moment, and counted in the next: tracing must not wait for a reader.

use modtrail_core::report::plain::counted;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fmt::Display;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

/// How long a reader is waited for, in nanoseconds.
const PATIENCE_NS: i64 = 100_000_000;

/// Lines that were given up since the last one that was written.
static GIVEN_UP: AtomicU64 = AtomicU64::new(0);

/// Writes a message with modtrail's name.
pub fn say(text: impl Display) {
    line(format_args!("modtrail: {text}"));
}

/// Writes a line.
pub fn line(text: impl Display) {
    if !is_ready() {
        GIVEN_UP.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let given_up = GIVEN_UP.swap(0, Ordering::Relaxed);
    let before = match given_up {
        0 => String::new(),
        _ => format!("modtrail: {} lost: nobody read them\n", counted(given_up, "message")),
    };
    let _ = io::stderr().write_all(format!("{before}{text}\n").as_bytes());
}

/// Whether a write of a line would not wait. If the kernel does not say, the write will. A reader that did not read the
/// last line is not waited for again.
fn is_ready() -> bool {
    let patience = if GIVEN_UP.load(Ordering::Relaxed) == 0 { PATIENCE_NS } else { 0 };
    let stderr = io::stderr();
    let mut wanted = [PollFd::new(&stderr, PollFlags::OUT)];
    poll(&mut wanted, Some(&Timespec { tv_sec: 0, tv_nsec: patience })) != Ok(0)
}

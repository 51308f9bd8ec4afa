//! Whether a write would wait for a reader.
//!
//! In: a descriptor, and how long to wait for its reader. Out: whether it takes a write now.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::AsFd;
use std::time::Duration;

/// Whether a write would not wait. One that would fail does not; if the kernel does not say, the write will.
pub fn is_ready(to: impl AsFd, patience: Duration) -> bool {
    let mut wanted = [PollFd::new(&to, PollFlags::OUT)];
    let limit = Timespec::try_from(patience).unwrap_or_default();
    poll(&mut wanted, Some(&limit)) != Ok(0)
}

//! The wait for the end of a process that is nobody's child here.
//!
//! In: its number. Out: nothing but the time that it takes.

use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use anyhow::{Context, Result};

/// Waits until the process of this number has ended: it is gone, or a zombie.
pub fn wait_for(process: &str) -> Result<()> {
    let number: libc::pid_t = process.parse().context("not the number of a process")?;
    // SAFETY: the call takes numbers.
    let answer = unsafe { libc::syscall(libc::SYS_pidfd_open, number, 0) };
    if answer == -1 {
        let error = io::Error::last_os_error();
        // There is none any more.
        return if error.raw_os_error() == Some(libc::ESRCH) { Ok(()) } else { Err(error).context("cannot watch it") };
    }
    let descriptor = i32::try_from(answer).context("an odd descriptor")?;
    // SAFETY: the descriptor was opened just now, and nobody else has it.
    let process = unsafe { OwnedFd::from_raw_fd(descriptor) };
    let mut wanted = libc::pollfd { fd: process.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: `wanted` is one entry that is valid for writes, and so many are passed.
    while unsafe { libc::poll(&raw mut wanted, 1, -1) } == -1 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error).context("cannot wait for it");
        }
    }
    Ok(())
}

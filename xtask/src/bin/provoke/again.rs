//! One thing many times over, for measuring what tracing adds to it; and the wait for a process that is measured.
//!
//! In: what, and how often. Out: nothing but the time that it takes.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use anyhow::{Context, Result, bail};

/// Does it.
pub fn run(count: u32, what: &[&str]) -> Result<()> {
    let path = match what {
        ["fork" | "socket"] => CString::default(),
        ["open", path] => CString::new(*path)?,
        _ => bail!("not something to do again: {}", what.join(" ")),
    };
    for _ in 0..count {
        match what {
            ["fork"] => fork()?,
            ["socket"] => closed(
                // SAFETY: the call takes numbers.
                unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0) },
            )?,
            _ => closed(
                // SAFETY: the path is a string that ends with a NUL and lives through the call.
                unsafe { libc::open(path.as_ptr(), libc::O_RDONLY) },
            )?,
        }
    }
    Ok(())
}

fn closed(descriptor: i32) -> Result<()> {
    if descriptor == -1 {
        return Err(io::Error::last_os_error()).context("cannot open it");
    }
    // SAFETY: the descriptor was opened just now, and nobody else has it.
    unsafe { libc::close(descriptor) };
    Ok(())
}

fn fork() -> Result<()> {
    // SAFETY: the child does nothing but exit.
    let child = unsafe { libc::fork() };
    match child {
        -1 => Err(io::Error::last_os_error()).context("cannot fork"),
        // SAFETY: as above.
        0 => unsafe { libc::_exit(0) },
        _ => {
            // SAFETY: no status is asked for; the child is ours.
            unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
            Ok(())
        }
    }
}

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

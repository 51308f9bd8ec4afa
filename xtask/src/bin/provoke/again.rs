//! One thing many times over, for measuring what tracing adds to it.
//!
//! In: what, and how often. Out: nothing but the time that it takes.

use std::ffi::CString;
use std::io;

use anyhow::{Context, Result, bail};

/// Does one thing `count` times.
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

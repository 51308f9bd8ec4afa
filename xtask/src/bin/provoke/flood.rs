//! What a user without rights can do over and over, to push out what others do.
//!
//! In: for how long, and what. Out: how often it was done.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Asks the kernel, which refuses, to load a module that is not there, for so many seconds.
pub fn loads(seconds: u64) {
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut count: u64 = 0;
    while Instant::now() < until {
        // SAFETY: the descriptor is none, and the string ends with a NUL.
        unsafe { libc::syscall(libc::SYS_finit_module, -1, c"".as_ptr(), 0) };
        count += 1;
    }
    println!("{count}");
}

/// So many processes open sockets of a family, one after another, for so many seconds.
pub fn sockets(seconds: u64, processes: u32, family: &str) -> Result<()> {
    let own = std::env::current_exe().context("cannot find this program")?;
    let seconds = seconds.to_string();
    let start = |_| Command::new(&own).args(["flood", &seconds, "socket", family]).stdout(Stdio::null()).spawn();
    let children: Vec<_> = (0..processes).map(start).collect::<Result<_, _>>().context("cannot start it again")?;
    for mut child in children {
        child.wait().context("cannot wait")?;
    }
    Ok(())
}

/// Opens sockets of a family, one after another, for so many seconds.
pub fn socket(seconds: u64, family: i32) {
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        // SAFETY: the call takes numbers. No family that is asked for here is there.
        unsafe { libc::socket(family, libc::SOCK_RAW, 0) };
    }
}

//! A program on a terminal of its own, whose screen goes to a file.
//!
//! In: a file and a command, and keys on standard input. Out: what the command writes to its terminal, in the file, as
//! it comes.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, bail};

/// Runs the command to its end.
pub fn run(file: &str, program: &str, arguments: &[&str]) -> Result<()> {
    let mut screen = OpenOptions::new().create(true).append(true).open(file).with_context(|| format!("no {file}"))?;
    let (controller, terminal) = open()?;
    let of = |what: &OwnedFd| what.try_clone().context("cannot share the terminal");
    let mut child = Command::new(program)
        .args(arguments)
        .env("TERM", "linux")
        .stdin(of(&terminal)?)
        .stdout(of(&terminal)?)
        .stderr(of(&terminal)?)
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    drop(terminal);
    let mut controller = std::fs::File::from(controller);
    let mut keys = controller.try_clone().context("cannot share the terminal")?;
    // The thread ends with the keys, or with this process.
    thread::spawn(move || io::copy(&mut io::stdin(), &mut keys));
    let mut shown = [0; 4096];
    loop {
        match controller.read(&mut shown) {
            Ok(length) if length > 0 => screen.write_all(shown.get(..length).unwrap_or_default()).context("no room")?,
            // Whoever had the terminal open is gone (EIO).
            Ok(_) | Err(_) if child.try_wait().is_ok_and(|ended| ended.is_some()) => return Ok(()),
            Ok(_) => bail!("the terminal ended before its program"),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => {
                child.wait().context("cannot wait for the program")?;
                return Ok(());
            }
        }
    }
}

/// Both ends of a new terminal.
fn open() -> Result<(OwnedFd, OwnedFd)> {
    let (mut controller, mut terminal) = (-1, -1);
    let mut size = libc::winsize { ws_row: 30, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the first two pointers are to integers of ours, which are written; no name and no settings are asked for
    // or given; the last is to a size of ours, which is read.
    let answer = unsafe {
        libc::openpty(&raw mut controller, &raw mut terminal, std::ptr::null_mut(), std::ptr::null_mut(), &raw mut size)
    };
    if answer != 0 {
        bail!("cannot open a terminal: {}", io::Error::last_os_error());
    }
    // SAFETY: the call above has opened both, and nobody else has them.
    Ok(unsafe { (OwnedFd::from_raw_fd(controller), OwnedFd::from_raw_fd(terminal)) })
}

//! This terminal: its size, and its state kept over a program that changes it.
//!
//! In: standard input. Out: rows and columns, and a guard that restores the state however the run ends.
#![expect(unsafe_code, reason = "the terminal by ioctl")]

use std::io::{self, IsTerminal};
use std::time::Duration;

/// Rows and columns of the terminal on standard output; 24 by 80 where there is none.
pub fn size() -> (u16, u16) {
    // SAFETY: an all-zero winsize is a valid one.
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    // SAFETY: `size` is a winsize that lives through the call, which is what TIOCGWINSZ writes to.
    let answer = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &mut size) };
    if answer == 0 && size.ws_row > 0 && size.ws_col > 0 { (size.ws_row, size.ws_col) } else { (24, 80) }
}

/// Whether both ends are a terminal, as an interactive guest needs.
pub fn present() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// The terminal on standard input in raw mode (keys are bytes, output is untouched), restored when dropped.
pub struct Raw {
    state: Option<libc::termios>,
}

/// Puts the terminal into raw mode.
pub fn raw() -> Raw {
    // SAFETY: an all-zero termios is a valid one.
    let mut state: libc::termios = unsafe { std::mem::zeroed() };
    // SAFETY: `state` is a termios that lives through the call.
    if unsafe { libc::tcgetattr(libc::STDIN_FILENO, &mut state) } != 0 {
        return Raw { state: None };
    }
    let mut changed = state;
    // SAFETY: `changed` is a termios that lives through the call.
    unsafe { libc::cfmakeraw(&mut changed) };
    // SAFETY: `changed` was filled by tcgetattr and lives through the call.
    unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSADRAIN, &changed) };
    Raw { state: Some(state) }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some(state) = &self.state {
            // SAFETY: `state` was filled by tcgetattr and lives through the call.
            unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSADRAIN, state) };
        }
    }
}

/// Whether a key waits on standard input, waiting for one for up to `patience`.
pub fn key_waits(patience: Duration) -> bool {
    let mut poll = libc::pollfd { fd: libc::STDIN_FILENO, events: libc::POLLIN, revents: 0 };
    let milliseconds = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: `poll` is one pollfd that lives through the call.
    unsafe { libc::poll(&mut poll, 1, milliseconds) > 0 }
}

//! Lines on standard error, each written whole: other output there, such as the traced command's, comes before or after
//! it.
//!
//! In: text. Out: one write. If nobody reads any more, errors are ignored. If nobody reads now, the line is given up
//! after a moment, and counted in the next: tracing must not wait for a reader.

use crate::ready::is_ready;
use modtrail_core::report::plain::counted;
use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a reader is waited for.
const PATIENCE: Duration = Duration::from_millis(100);

/// Lines that were given up since the last one that was written.
static GIVEN_UP: AtomicU64 = AtomicU64::new(0);

/// Writes a message with modtrail's name.
pub fn say(text: impl Display) {
    line(format_args!("modtrail: {text}"));
}

/// Shows text in the place of the last that was shown so, on a terminal: nothing, if it is empty.
pub fn status(text: &str) {
    // The next one says more: nobody waits for this one.
    if is_ready(io::stderr(), Duration::ZERO) {
        let _ = io::stderr().write_all(format!("\r\u{1b}[K{text}").as_bytes());
    }
}

/// Writes a line.
pub fn line(text: impl Display) {
    // A reader that did not read the last line is not waited for again.
    let patience = if GIVEN_UP.load(Ordering::Relaxed) == 0 { PATIENCE } else { Duration::ZERO };
    if !is_ready(io::stderr(), patience) {
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

/// The error and its causes in one line, each once.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let said = error.to_string();
        if words.last().is_none_or(|last| !last.ends_with(&said)) {
            words.push(said);
        }
        next = error.source();
    }
    words.join(": ")
}

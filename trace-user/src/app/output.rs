//! Writes lines to stdout, each whole and flushed at once. A closed pipe is not a failure: the reader had enough.

use super::failure::Failure;
use std::io::{self, Write as _};

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Written {
    /// The line is out.
    Out,
    /// Nobody reads any more.
    Closed,
}

/// Writes one line.
///
/// # Errors
/// [`Failure`] with what the system answered, except for a closed pipe.
pub fn line(text: &str) -> Result<Written, Failure> {
    let mut stdout = io::stdout().lock();
    let answer = stdout.write_all(format!("{text}\n").as_bytes()).and_then(|()| stdout.flush());
    match answer {
        Ok(()) => Ok(Written::Out),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Written::Closed),
        Err(error) => Err(Failure::input_output("cannot write to standard output", &error)),
    }
}

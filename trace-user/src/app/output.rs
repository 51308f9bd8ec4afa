//! Lines on stdout, or in a file. While tracing goes on, it never waits for a pipe's reader: what nobody reads yet is
//! kept, up to a limit. A terminal that was stopped (Ctrl-S) can hold it up.
//!
//! In: lines. Out: each whole, as soon as the reader takes it. A closed pipe is not a failure: the reader had enough. A
//! line that finds no room is counted.

use super::failure::Failure;
use crate::files;
use crate::ready::is_ready;
use crate::recording::target::Target;
use crate::stderr;
use modtrail_core::report::plain::counted;
use rustix::io::{Errno, write};
use std::collections::VecDeque;
use std::io::{self, BufWriter, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes that wait for the reader, at most.
const WAITING: usize = 16 * 1024 * 1024;
/// What a pipe that is ready takes without waiting (`PIPE_BUF`).
const PIECE: usize = 4_096;
/// How long a reader that takes nothing is waited for at the end.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long the end takes at most, however slowly the reader reads.
const END: Duration = Duration::from_secs(10);

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Written {
    /// The line is out, or waits for the reader.
    Out,
    /// Nobody reads any more.
    Closed,
}

/// Writes one line, however long the reader takes: nothing else waits.
///
/// # Errors
/// [`Failure`] with what the system answered, except for a closed pipe.
pub fn line(text: &str) -> Result<Written, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(format!("{text}\n").as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(Written::Out),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Written::Closed),
        Err(error) => Err(cannot_write(STDOUT, &error)),
    }
}

/// Writes what is made in one go to a file, whole or not at all, or to stdout if there is none or if it is `-`. A
/// closed pipe is not a failure.
///
/// # Errors
/// [`Failure`] with what the system answered.
pub fn whole(file: Option<&Path>, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    if let Some(file) = file.filter(|file| *file != Path::new("-")) {
        return files::write(file, content).map_err(|error| cannot_write(&file.display().to_string(), &error));
    }
    let mut stdout = BufWriter::new(io::stdout().lock());
    match content(&mut stdout).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(cannot_write(STDOUT, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// That the file to write is not one of those that are read.
///
/// # Errors
/// [`Failure`] if it is.
pub fn spares(output: Option<&Path>, inputs: &[&Path]) -> Result<(), Failure> {
    let Some(output) = output else { return Ok(()) };
    match inputs.iter().any(|input| files::is_same(output, input)) {
        true => Err(Failure::usage(&format!("{} is the recording that is read: name another file", output.display()))),
        false => Ok(()),
    }
}

/// What stdout is called in a message.
const STDOUT: &str = "standard output";

fn cannot_write(to: &str, error: &io::Error) -> Failure {
    Failure::input_output(&format!("cannot write to {to}"), error)
}

/// Where lines go while tracing goes on.
#[derive(Debug)]
pub struct Output<F> {
    to: F,
    /// What `to` is called in a message.
    name: String,
    /// What waits for the reader.
    waiting: VecDeque<u8>,
    /// Lines that found no room.
    lost: u64,
}

/// Where lines can go.
#[derive(Debug)]
pub enum Destination {
    /// Standard output.
    Stdout(io::Stdout),
    /// A file.
    File(OwnedFd),
}

impl AsFd for Destination {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Stdout(stdout) => stdout.as_fd(),
            Self::File(file) => file.as_fd(),
        }
    }
}

/// stdout.
#[must_use]
pub fn stdout() -> Output<Destination> {
    Output::new(Destination::Stdout(io::stdout()), STDOUT)
}

/// A file, whose old content is gone from here on.
///
/// # Errors
/// [`Failure`] if it cannot be written.
pub fn file(target: Target, path: &Path) -> Result<Output<Destination>, Failure> {
    Ok(Output::new(Destination::File(target.emptied()?.into()), &path.display().to_string()))
}

impl<F: AsFd> Output<F> {
    /// To this descriptor.
    #[must_use]
    pub fn new(to: F, name: &str) -> Self {
        Self { to, name: name.to_owned(), waiting: VecDeque::new(), lost: 0 }
    }

    /// Writes one line, or keeps it for later.
    ///
    /// # Errors
    /// [`Failure`] with what the system answered, except for a closed pipe.
    pub fn line(&mut self, text: &str) -> Result<Written, Failure> {
        if self.waiting.len() + text.len() >= WAITING {
            self.lost += 1;
        } else {
            self.waiting.extend(text.bytes());
            self.waiting.push_back(b'\n');
        }
        self.pass_on()
    }

    /// Writes what the reader takes now.
    ///
    /// # Errors
    /// [`Failure`] with what the system answered, except for a closed pipe.
    pub fn pass_on(&mut self) -> Result<Written, Failure> {
        self.pass_on_within(Duration::ZERO)
    }

    /// Writes what is left, as long as the reader goes on reading. Reports on stderr how many lines nobody took.
    ///
    /// # Errors
    /// [`Failure`] with what the system answered, except for a closed pipe.
    pub fn finish(&mut self) -> Result<(), Failure> {
        let untaken = self.untaken()?;
        if untaken > 0 {
            let lines = counted(untaken, "line");
            stderr::say(format_args!("{lines} of output lost: nobody read {}", self.name));
        }
        Ok(())
    }

    fn untaken(&mut self) -> Result<u64, Failure> {
        if self.pass_on_within(PATIENCE)? == Written::Closed {
            return Ok(0);
        }
        let left = self.waiting.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.waiting.clear();
        Ok(self.lost + left)
    }

    /// The same as [`Self::pass_on`], waiting for the reader so long at a time.
    fn pass_on_within(&mut self, patience: Duration) -> Result<Written, Failure> {
        let begun = Instant::now();
        while !self.waiting.is_empty() && begun.elapsed() < END && is_ready(&self.to, patience) {
            let piece = self.piece();
            match write(&self.to, &piece) {
                Ok(count) => drop(self.waiting.drain(..count)),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(Errno::PIPE) => return Ok(Written::Closed),
                Err(error) => return Err(cannot_write(&self.name, &error.into())),
            }
        }
        Ok(Written::Out)
    }

    /// The next lines that a pipe takes whole or, of a longer line, a piece.
    fn piece(&self) -> Vec<u8> {
        let piece: Vec<u8> = self.waiting.iter().take(PIECE).copied().collect();
        match piece.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => piece.into_iter().take(end + 1).collect(),
            None => piece,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn what_nobody_reads_is_kept_and_comes_whole_and_in_order() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let mut output = Output::new(writer, "a pipe");
        let long = "x".repeat(PIECE * 2);
        let lines: Vec<String> = (0..40).map(|number| format!("{number} {long}")).collect();
        for line in &lines {
            assert_eq!(output.line(line).expect("it is kept"), Written::Out);
        }
        assert!(!output.waiting.is_empty(), "a pipe holds less");
        let text = std::thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).expect("the other end is closed");
            text
        });
        assert_eq!(output.untaken().expect("it is read"), 0);
        drop(output);
        assert_eq!(text.join().expect("it is read"), lines.join("\n") + "\n");
    }

    #[test]
    fn what_nobody_takes_is_counted_and_a_closed_pipe_is_not_a_failure() {
        let (reader, writer) = io::pipe().expect("a pipe");
        let mut output = Output::new(writer, "a pipe");
        let line = "x".repeat(PIECE);
        for _ in 0..WAITING / PIECE + 100 {
            let _ = output.line(&line).expect("it is kept, or counted");
        }
        assert!(output.lost > 0 && output.waiting.len() < WAITING);
        let lost = output.lost;
        assert!(output.untaken().expect("nobody reads") > lost + 100);
        let _ = output.line(&line).expect("it is kept");
        drop(reader);
        assert_eq!(output.pass_on().expect("nobody reads any more"), Written::Closed);
    }
}

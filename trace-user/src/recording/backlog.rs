//! Bytes of a recording that are not in its file yet: the disk is full, or nobody reads the pipe.
//!
//! In: what the recorder made. Out: the same bytes, as the file takes them, and how many events are among those that it
//! did not take.

use crate::ready::is_ready;
use rustix::io::{Errno, write};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// What a pipe that is ready takes without waiting (`PIPE_BUF`).
const PIECE_OF_PIPE: usize = 4_096;
/// What is written to a file at a time.
const PIECE_OF_FILE: usize = 1024 * 1024;

/// What can be written to without end, and what cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlet {
    /// A regular file.
    File,
    /// A pipe, a terminal, or a device: its reader may be slow.
    Pipe,
}

/// What came of passing bytes on.
#[derive(Debug)]
pub enum Passed {
    /// Nothing waits any more.
    All,
    /// The reader takes no more for now.
    Some,
    /// Nobody reads any more.
    Closed,
    /// The system's answer.
    Refused(io::Error),
}

/// The bytes, shared with the recorder that makes them.
#[derive(Clone, Debug, Default)]
pub struct Backlog(Rc<RefCell<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    bytes: VecDeque<u8>,
    /// All bytes so far.
    made: u64,
    /// The events whose last byte stands at this place, and that are not all in the file yet.
    marks: VecDeque<(u64, u64)>,
}

impl io::Write for Backlog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.borrow_mut();
        waiting.bytes.extend(bytes);
        waiting.made += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Backlog {
    /// Bytes that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.borrow().bytes.len()
    }

    /// Whether none wait.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All bytes that the recorder made so far.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.0.borrow().made
    }

    /// The last `events` that were recorded end here.
    pub fn mark(&self, events: u64) {
        if events > 0 {
            let mut waiting = self.0.borrow_mut();
            let made = waiting.made;
            waiting.marks.push_back((made, events));
        }
    }

    /// Events that are not in the file, or not whole.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.0.borrow().marks.iter().map(|(_, events)| events).sum()
    }

    /// Writes what `to` takes without waiting.
    pub fn pass_on(&self, to: &File, outlet: Outlet) -> Passed {
        self.pass_on_within(to, outlet, Duration::ZERO, Duration::MAX)
    }

    /// The same, waiting for a slow reader: `patience` at a time, and about `limit` in all.
    pub fn pass_on_within(&self, to: &File, outlet: Outlet, patience: Duration, limit: Duration) -> Passed {
        let begun = Instant::now();
        loop {
            let piece = self.piece(outlet);
            if piece.is_empty() {
                return Passed::All;
            }
            if outlet == Outlet::Pipe && (begun.elapsed() > limit || !is_ready(to, patience)) {
                return Passed::Some;
            }
            match write(to, &piece) {
                Ok(count) => self.taken(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Passed::Some,
                Err(Errno::PIPE) => return Passed::Closed,
                Err(answer) => return Passed::Refused(answer.into()),
            }
        }
    }

    fn piece(&self, outlet: Outlet) -> Vec<u8> {
        let most = match outlet {
            Outlet::File => PIECE_OF_FILE,
            Outlet::Pipe => PIECE_OF_PIPE,
        };
        self.0.borrow().bytes.iter().take(most).copied().collect()
    }

    fn taken(&self, count: usize) {
        let mut waiting = self.0.borrow_mut();
        waiting.bytes.drain(..count);
        let passed = waiting.made - waiting.bytes.len() as u64;
        while waiting.marks.front().is_some_and(|(end, _)| *end <= passed) {
            waiting.marks.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Backlog, Outlet, Passed};
    use std::fs::File;
    use std::io::{self, Read as _, Write as _};
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    #[test]
    fn what_a_pipe_does_not_take_waits_and_its_events_are_counted() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let writer = File::from(OwnedFd::from(writer));
        let mut backlog = Backlog::default();
        for number in 0..100_u8 {
            backlog.write_all(&[number; 10_000]).expect("it is kept");
            backlog.mark(2);
        }
        assert!(matches!(backlog.pass_on(&writer, Outlet::Pipe), Passed::Some));
        let in_pipe = 1_000_000 - backlog.len();
        assert!(in_pipe > 0, "a pipe takes something");
        assert_eq!(backlog.events(), 200 - 2 * (in_pipe as u64 / 10_000), "an event of which a byte waits is not out");
        let bytes = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).expect("the other end is closed");
            bytes
        });
        let patience = Duration::from_secs(10);
        assert!(matches!(backlog.pass_on_within(&writer, Outlet::Pipe, patience, patience), Passed::All));
        drop(writer);
        let bytes = bytes.join().expect("it is read");
        assert!(bytes.len() == 1_000_000 && bytes.is_sorted(), "whole and in order");
        assert_eq!((backlog.events(), backlog.made()), (0, 1_000_000));
    }

    #[test]
    fn a_full_disk_and_a_closed_pipe_are_different_answers() {
        let mut backlog = Backlog::default();
        backlog.write_all(b"x").expect("it is kept");
        let full = File::options().write(true).open("/dev/full").expect("a full device");
        assert!(matches!(backlog.pass_on(&full, Outlet::File), Passed::Refused(_)));
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let writer = File::from(OwnedFd::from(writer));
        assert!(matches!(backlog.pass_on(&writer, Outlet::Pipe), Passed::Closed));
        assert_eq!(backlog.len(), 1);
    }
}

//! A recording that is still being written, read as it grows.
//!
//! In: a file. Out: its bytes, and those that come later, until its recorder ends it or a signal comes.

use super::failure::Failure;
use super::runtime;
use super::session::Signals;
use crate::recording::read::Source;
use modtrail_core::record::read::Last;
use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How often it is looked at for more.
const EVERY: Duration = Duration::from_millis(100);

/// What waits for a file to grow.
pub struct Growing {
    runtime: Runtime,
    signals: Signals,
    /// Nobody reads what is made of it any more.
    is_unread: Rc<Cell<bool>>,
}

impl Growing {
    /// Listens for the signals that end it. `is_unread` ends it, too.
    ///
    /// # Errors
    /// [`Failure`] if the recording is not a file, or the system provides no event loop.
    pub fn new(source: &Source, is_unread: Rc<Cell<bool>>) -> Result<Self, Failure> {
        if !source.is_lasting() {
            return Err(Failure::usage("--follow needs a file: what comes through a pipe is followed anyway"));
        }
        let runtime = runtime()?;
        let signals = runtime.block_on(async { Signals::new() })?;
        Ok(Self { runtime, signals, is_unread })
    }

    /// The bytes of the file, and those that come later.
    #[must_use]
    pub fn over(self, file: Box<dyn Read>) -> Box<dyn Read> {
        Box::new(Follower { file, growing: self, last: Last::default(), is_over: false })
    }

    /// Waits a little; whether a signal came, or nobody reads any more.
    fn is_ended(&mut self) -> bool {
        if self.is_unread.get() {
            return true;
        }
        let Self { runtime, signals, .. } = self;
        runtime.block_on(async {
            tokio::select! {
                _ = signals.next() => true,
                () = tokio::time::sleep(EVERY) => false,
            }
        })
    }
}

struct Follower {
    file: Box<dyn Read>,
    growing: Growing,
    last: Last,
    is_over: bool,
}

impl Read for Follower {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.is_over {
            let count = self.file.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                self.last.push(buffer.get(..count).unwrap_or_default());
                return Ok(count);
            }
            self.is_over = self.last.is_end() || self.growing.is_ended();
        }
        Ok(0)
    }
}

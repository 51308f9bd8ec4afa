//! How far a recording has been read, on stderr while that takes long, if stderr is a terminal; else nothing.
//!
//! In: a reader, and how much there is to read. Out: the same bytes, and a line that is gone when they are read.

use crate::stderr;
use std::io::{self, IsTerminal as _, Read};
use std::time::{Duration, Instant};

/// Nothing is shown of what takes less.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often the line changes.
const EVERY: Duration = Duration::from_millis(100);

/// When to show what.
#[derive(Debug)]
struct Meter {
    read: u64,
    /// How much there is; `None` if that is not known.
    whole: Option<u64>,
    /// When the line is due, since the beginning.
    due: Duration,
}

impl Meter {
    const fn of(whole: Option<u64>) -> Self {
        Self { read: 0, whole, due: PATIENCE }
    }

    /// More was read, so long after the beginning. The line, if it is due.
    fn more(&mut self, bytes: u64, elapsed: Duration) -> Option<String> {
        self.read = self.read.saturating_add(bytes);
        if elapsed < self.due {
            return None;
        }
        self.due = elapsed + EVERY;
        let mebibytes = self.read / (1024 * 1024);
        Some(match self.whole.filter(|whole| *whole >= self.read) {
            Some(whole) => {
                let percent = u128::from(self.read) * 100 / u128::from(whole.max(1));
                format!("reading the recording: {percent}% ({mebibytes} of {} MiB)", whole / (1024 * 1024))
            }
            None => format!("reading the recording: {mebibytes} MiB"),
        })
    }
}

/// A reader that shows how far it is.
#[derive(Debug)]
pub struct Progress<R> {
    inner: R,
    begun: Instant,
    /// `None`: nobody would see it.
    meter: Option<Meter>,
    is_shown: bool,
}

impl<R> Progress<R> {
    /// Over a reader of so many bytes, if that is known.
    #[must_use]
    pub fn over(inner: R, whole: Option<u64>) -> Self {
        let meter = io::stderr().is_terminal().then(|| Meter::of(whole));
        Self { inner, begun: Instant::now(), meter, is_shown: false }
    }
}

impl<R: Read> Read for Progress<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let line = self.meter.as_mut().and_then(|meter| meter.more(count as u64, self.begun.elapsed()));
        if let Some(line) = line {
            self.is_shown = true;
            stderr::status(&line);
        }
        Ok(count)
    }
}

impl<R> Drop for Progress<R> {
    fn drop(&mut self) {
        if self.is_shown {
            stderr::status("");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn what_takes_long_is_shown_ten_times_a_second() {
        let mut meter = Meter::of(Some(200 * MIB));
        assert_eq!(meter.more(30 * MIB, Duration::from_millis(499)), None);
        let at = |milliseconds| Duration::from_millis(milliseconds);
        assert_eq!(meter.more(20 * MIB, at(500)).as_deref(), Some("reading the recording: 25% (50 of 200 MiB)"));
        assert_eq!(meter.more(MIB, at(599)), None);
        assert_eq!(meter.more(49 * MIB, at(600)).as_deref(), Some("reading the recording: 50% (100 of 200 MiB)"));
        // The file has grown.
        assert_eq!(meter.more(150 * MIB, at(900)).as_deref(), Some("reading the recording: 250 MiB"));
        assert_eq!(Meter::of(None).more(3 * MIB, at(700)).as_deref(), Some("reading the recording: 3 MiB"));
    }
}

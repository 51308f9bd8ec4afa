//! A recording in several files: its segments, each of which can be read alone. The oldest are removed when there are
//! too many.
//!
//! In: events, and how large and how old a segment, and all of them, may become. Out: files with numbers in their
//! names.

use super::file::{FileRecorder, Flow, Sync};
use super::numbered::Numbered;
use super::target::FileWriteError;
use crate::stderr;
use modtrail_core::event::{Event, Stamp};
use modtrail_core::record::preface::Preface;
use modtrail_core::record::segment::Segment;
use modtrail_core::record::series::head;
use modtrail_core::report::plain::counted;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use trace_common::time::{Ktime, Nanos};

/// How often the oldest segments are looked at, on the trace's clock.
const LOOK: Nanos = Nanos::from_secs(10);

/// How large and how old files may become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a segment, about: it ends at the first flush beyond that.
    pub segment_bytes: Option<u64>,
    /// How long a segment lasts.
    pub segment_age: Option<Nanos>,
    /// Bytes of all segments.
    pub bytes: Option<u64>,
    /// How old a segment becomes, from its last change.
    pub age: Option<Nanos>,
    /// Bytes of the file system that stay free.
    pub free: Option<u64>,
}

impl Limits {
    /// Whether the recording is written in segments.
    #[must_use]
    pub fn is_any(&self) -> bool {
        *self != Self::default()
    }
}

/// A recording being written in segments.
pub struct SegmentRecorder {
    names: Numbered,
    limits: Limits,
    sync: Sync,
    current: FileRecorder,
    segment: Segment,
    /// The number in the current file's name.
    number: u32,
    /// The number in the first file's name.
    first: u32,
    /// The oldest segments were looked at.
    looked: Ktime,
    /// Files that were removed.
    removed: u64,
    /// The next segment could not be begun, and that was reported.
    is_stuck: bool,
    /// What earlier segments lost.
    incomplete: Option<FileWriteError>,
}

impl SegmentRecorder {
    /// Begins the first segment.
    ///
    /// # Errors
    /// [`FileWriteError`] if it cannot be written.
    pub fn begin(names: Numbered, limits: Limits, sync: Sync, at: Stamp) -> Result<Self, FileWriteError> {
        let number = names.next_number()?;
        // Which boot it is of is a fact of the recording: the instant tells series of one boot apart.
        let segment = Segment::first(format!("{}-{number}", at.boot.as_nanos()), at);
        let (number, current) = names.begin_next(sync, Some(&segment), Preface::default(), at)?;
        let (first, looked) = (number, at.mono);
        let (removed, is_stuck, incomplete) = (0, false, None);
        Ok(Self { names, limits, sync, current, segment, number, first, looked, removed, is_stuck, incomplete })
    }

    /// Appends one event.
    ///
    /// # Errors
    /// [`FileWriteError`] if it cannot be encoded.
    pub fn write(&mut self, event: &Event) -> Result<(), FileWriteError> {
        self.current.write(event)
    }

    /// Passes everything so far to the file, begins the next segment if this one is large or old enough, and removes
    /// those that are too old or too many.
    ///
    /// # Errors
    /// [`FileWriteError`] if it cannot be encoded.
    pub fn flush(&mut self) -> Result<Flow, FileWriteError> {
        let flow = self.current.flush()?;
        let now = self.current.last();
        let is_large = self.limits.segment_bytes.is_some_and(|limit| self.current.size() >= limit);
        let age = now.boot.since(self.segment.began.boot);
        let is_old = self.limits.segment_age.is_some_and(|limit| age >= limit);
        // What waits for the disk belongs to this one.
        let rotates = (is_large || is_old) && self.current.is_caught_up();
        if rotates {
            self.rotate(now)?;
        }
        if rotates || now.mono.since(self.looked) >= LOOK {
            self.looked = now.mono;
            self.retain();
        }
        Ok(flow)
    }

    fn rotate(&mut self, at: Stamp) -> Result<(), FileWriteError> {
        let preface = self.current.preface().clone();
        let next = self.segment.next(at, &preface);
        let (number, recorder) = match self.names.begin_next(self.sync, Some(&next), preface, at) {
            Ok(begun) => begun,
            Err(error) => {
                if !self.is_stuck {
                    let answer = stderr::chain(&error);
                    stderr::say(format_args!("the next segment cannot begin, so this one goes on: {answer}"));
                }
                self.is_stuck = true;
                return Ok(());
            }
        };
        let before = std::mem::replace(&mut self.current, recorder);
        (self.segment, self.number, self.is_stuck) = (next, number, false);
        match before.finish(at) {
            Err(error @ FileWriteError::Incomplete { .. }) => {
                stderr::say(stderr::chain(&error));
                self.incomplete.get_or_insert(error);
                Ok(())
            }
            finished => finished,
        }
    }

    /// Removes the oldest segments that are more than may stay. Only files with such a name are removed that hold a
    /// recording and that nobody writes to, and only they count.
    fn retain(&mut self) {
        let Ok(existing) = self.names.existing() else { return };
        let size = |path: &PathBuf| fs::metadata(path).map_or(0, |file| file.len());
        let mut total: u64 = existing.values().map(size).sum();
        for path in existing.range(..self.number).map(|(_, path)| path) {
            if !is_done(path) {
                total = total.saturating_sub(size(path));
                continue;
            }
            let is_over = self.limits.bytes.is_some_and(|limit| total > limit);
            let is_old = self.limits.age.is_some_and(|limit| is_older(path, limit));
            let is_full =
                self.limits.free.is_some_and(|limit| free(self.names.folder()).is_some_and(|free| free < limit));
            if !is_over && !is_old && !is_full {
                break;
            }
            let bytes = size(path);
            match fs::remove_file(path) {
                Ok(()) => {
                    total -= bytes;
                    self.removed += 1;
                }
                Err(answer) => {
                    stderr::say(format_args!("cannot remove the old segment {}: {answer}", path.display()));
                    break;
                }
            }
        }
    }

    /// Ends the recording in order.
    ///
    /// # Errors
    /// [`FileWriteError::Incomplete`] if events were lost, with how many.
    pub fn finish(self, at: Stamp) -> Result<(), FileWriteError> {
        self.current.finish(at)?;
        self.incomplete.map_or(Ok(()), Err)
    }

    /// What was written, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let [first, last] = [self.first, self.number].map(|number| self.names.path(number).display().to_string());
        let span = if first == last { first } else { format!("{first} to {last}") };
        match self.removed {
            0 => span,
            count => format!("{span}, of which the oldest were removed ({})", counted(count, "old segment")),
        }
    }
}

/// Whether the file holds a recording, and nobody writes to it.
fn is_done(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| file.try_lock_shared().is_ok() && head(file).is_ok())
}

/// Whether the file was last changed so long ago.
fn is_older(path: &Path, limit: Nanos) -> bool {
    let changed = fs::metadata(path).and_then(|file| file.modified());
    let age = changed.ok().and_then(|changed| SystemTime::now().duration_since(changed).ok());
    age.is_some_and(|age| age > Duration::from_nanos(limit.as_nanos()))
}

/// Bytes that are free for this user.
fn free(folder: &Path) -> Option<u64> {
    rustix::fs::statvfs(folder).ok().map(|system| system.f_bavail.saturating_mul(system.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::{Limits, SegmentRecorder};
    use crate::recording::file::{Flow, Sync};
    use crate::recording::numbered::Numbered;
    use modtrail_core::event::Stamp;
    use modtrail_core::testing::busy;
    use std::fs;

    fn numbers(names: &Numbered) -> Vec<u32> {
        names.existing().expect("the folder is there").into_keys().collect()
    }

    #[test]
    fn the_oldest_segments_go_and_what_is_not_a_recording_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let names = Numbered::of(&folder.path().join("t.mcap")).expect("a name");
        fs::write(names.path(1), b"a letter").expect("a file");
        let events = busy().events;
        let limits = Limits { segment_bytes: Some(1), bytes: Some(100_000), ..Limits::default() };
        let mut recorder =
            SegmentRecorder::begin(names.clone(), limits, Sync::Never, Stamp::default()).expect("it can be written");
        for event in events.iter().cycle().take(100 * events.len()) {
            recorder.write(event).expect("it can be written");
            if event == events.last().expect("events") {
                assert_eq!(recorder.flush().expect("it can be written"), Flow::On);
            }
        }
        let (removed, last) = (recorder.removed, recorder.number);
        recorder.finish(Stamp::awake(u64::MAX)).expect("it can be written");
        let left = numbers(&names);
        assert_eq!(left.first(), Some(&1), "nobody's letter is removed");
        assert_eq!((left.len() as u64 - 1 + removed, last), (101, 102));
        let bytes: u64 = left.iter().map(|number| fs::metadata(names.path(*number)).map_or(0, |file| file.len())).sum();
        assert!(bytes > 50_000 && bytes < 110_000, "{bytes}: the current one comes on top");
    }
}

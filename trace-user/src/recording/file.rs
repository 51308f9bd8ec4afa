//! A recording that is written to one file, or to a pipe. What the disk or the reader does not take waits in memory, up
//! to a limit; beyond that, events are counted as unwritten, in the recording too.
//!
//! In: events. Out: the bytes of a recording in the file; on stderr, that it cannot be written, and that it can again.

use super::backlog::{Backlog, Outlet, Passed};
use super::target::{FileWriteError, Target};
use crate::stderr;
use modtrail_core::event::{Body, Event, Fact, Lost, Stamp};
use modtrail_core::record::preface::Preface;
use modtrail_core::record::segment::Segment;
use modtrail_core::record::write::Recorder;
use modtrail_core::report::plain::counted;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Bytes that wait for the file, at most.
const WAITING: usize = if cfg!(test) { 128 * 1024 } else { 16 * 1024 * 1024 };
/// How long a reader that takes nothing is waited for at the end.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long the end takes at most, however slowly the reader reads.
const END: Duration = Duration::from_secs(10);
/// How often it is reported that a file still cannot be written, at most.
const REMIND: Duration = Duration::from_secs(60);

/// When a recording is flushed to disk, not only passed to the system: what a power cut can cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sync {
    /// At each flush.
    #[default]
    Flush,
    /// When a file ends.
    End,
    /// Never: the system decides.
    Never,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Flow {
    /// Go on.
    On,
    /// Nobody reads the pipe any more.
    Closed,
}

/// A recording being written.
pub struct FileRecorder {
    recorder: Recorder<Backlog>,
    backlog: Backlog,
    file: File,
    path: PathBuf,
    outlet: Outlet,
    sync: Sync,
    /// Where it stands in a series; `None` if it is a recording in one file.
    segment: Option<Segment>,
    /// The facts that hold, for a file that must be begun again.
    preface: Preface,
    last: Stamp,
    /// Events since the last flush.
    unmarked: u64,
    /// Events in the file, or on their way.
    recorded: u64,
    /// Events that found no room, and since when; they are not in the recording yet as a loss.
    unwritten: Option<(u64, Stamp)>,
    /// All events that were lost.
    lost: u64,
    failing: Option<Failing>,
}

/// The file takes nothing.
struct Failing {
    answer: io::Error,
    reported: Instant,
}

impl FileRecorder {
    /// Begins a recording; the old content of the file is gone from here on. `preface`: what was established before, if
    /// it begins in the middle of a trace, at `at`. The schema is on disk when this returns, so the file is recognised
    /// as a recording whatever happens later.
    ///
    /// # Errors
    /// [`FileWriteError::Write`] with what the system answered.
    pub fn begin(
        target: Target,
        sync: Sync,
        segment: Option<&Segment>,
        preface: Preface,
        at: Stamp,
    ) -> Result<Self, FileWriteError> {
        let path = target.path().to_owned();
        let failed = |source| FileWriteError::Write { path: path.clone(), source };
        let is_stdout = target.is_stdout();
        let file = target.emptied()?;
        let is_file = file.metadata().map_err(failed)?.is_file() && !is_stdout;
        let outlet = if is_file { Outlet::File } else { Outlet::Pipe };
        let backlog = Backlog::default();
        let mut recorder = Recorder::begin_segment(backlog.clone(), segment).map_err(failed)?;
        for event in preface.events(at) {
            recorder.write(&event).map_err(failed)?;
        }
        recorder.flush().map_err(failed)?;
        if let Passed::Refused(answer) = backlog.pass_on(&file, outlet) {
            return Err(failed(answer));
        }
        let begun = Self {
            recorder,
            backlog,
            file,
            path: path.clone(),
            outlet,
            sync,
            segment: segment.cloned(),
            preface,
            last: at,
            unmarked: 0,
            recorded: 0,
            unwritten: None,
            lost: 0,
            failing: None,
        };
        begun.synced(Sync::Flush).map_err(failed)?;
        Ok(begun)
    }

    /// Appends one event. If it finds no room, it is counted.
    ///
    /// # Errors
    /// [`FileWriteError::Write`] if it cannot be encoded.
    pub fn write(&mut self, event: &Event) -> Result<(), FileWriteError> {
        self.preface.take(event);
        self.last = event.at;
        if self.backlog.len() >= WAITING {
            let (count, since) = self.unwritten.unwrap_or((0, event.at));
            self.unwritten = Some((count + 1, since));
            self.lost += 1;
            return Ok(());
        }
        self.append(event)
    }

    fn append(&mut self, event: &Event) -> Result<(), FileWriteError> {
        self.unmarked += 1;
        self.recorded += 1;
        let written = self.recorder.write(event);
        written.map_err(|source| FileWriteError::Write { path: self.path.clone(), source })
    }

    /// Passes everything so far to the file: a kill after this costs none of it, nor does a power cut if flushes go to
    /// disk. If the file takes nothing, that is reported on stderr, and tried again the next time.
    ///
    /// # Errors
    /// [`FileWriteError::Write`] if it cannot be encoded.
    pub fn flush(&mut self) -> Result<Flow, FileWriteError> {
        if self.is_gone() && !self.begins_again()? {
            return Ok(Flow::On);
        }
        self.end_chunk()?;
        match self.passed_on() {
            Passed::Closed => return Ok(Flow::Closed),
            Passed::Refused(answer) => self.fails(answer, "events wait in memory, and modtrail tries again"),
            Passed::Some => {}
            Passed::All => self.recovers()?,
        }
        Ok(Flow::On)
    }

    fn end_chunk(&mut self) -> Result<(), FileWriteError> {
        let flushed = self.recorder.flush();
        flushed.map_err(|source| FileWriteError::Write { path: self.path.clone(), source })?;
        self.backlog.mark(std::mem::take(&mut self.unmarked));
        Ok(())
    }

    fn passed_on(&mut self) -> Passed {
        if self.backlog.is_empty() {
            return Passed::All;
        }
        match self.backlog.pass_on(&self.file, self.outlet) {
            Passed::All => self.synced(Sync::Flush).map_or_else(Passed::Refused, |()| Passed::All),
            other @ (Passed::Some | Passed::Closed | Passed::Refused(_)) => other,
        }
    }

    /// Flushes the file to disk if that is wanted at such a moment.
    fn synced(&self, moment: Sync) -> io::Result<()> {
        if self.outlet == Outlet::Pipe || self.sync == Sync::Never || (self.sync == Sync::End && moment == Sync::Flush)
        {
            return Ok(());
        }
        self.file.sync_data()
    }

    /// Somebody removed the file: what is written to it is lost.
    fn is_gone(&self) -> bool {
        self.outlet == Outlet::File && self.file.metadata().is_ok_and(|file| file.nlink() == 0)
    }

    /// Begins the file again, since somebody removed it. Returns whether that was possible.
    fn begins_again(&mut self) -> Result<bool, FileWriteError> {
        let opened = Target::for_recording(&self.path);
        let segment = self.segment.as_ref().map(|segment| segment.again(self.last, &self.preface));
        let begun =
            opened.and_then(|target| Self::begin(target, self.sync, segment.as_ref(), self.preface.clone(), self.last));
        let answer = match begun {
            Ok(begun) => {
                let (path, gone) = (self.path.display(), counted(self.recorded, "event"));
                stderr::say(format_args!("{path} was removed, and {gone} with it; the recording begins there again"));
                let before = self.unwritten.map_or(0, |(count, _)| count);
                let unwritten = Some((self.recorded + before, self.last));
                *self = Self { lost: self.lost + self.recorded, unwritten, ..begun };
                return Ok(true);
            }
            Err(FileWriteError::Create { source, .. } | FileWriteError::Write { source, .. }) => source,
            Err(FileWriteError::Unfit { reason, .. }) => io::Error::other(reason),
            Err(other) => return Err(other),
        };
        self.fails(answer, "the file was removed, and what is recorded is lost until it can be made again");
        Ok(false)
    }

    fn fails(&mut self, answer: io::Error, consequence: &str) {
        let reported = self.failing.as_ref().map(|failing| failing.reported);
        if reported.is_none_or(|reported| reported.elapsed() >= REMIND) {
            stderr::say(format_args!("cannot write to {}: {answer}; {consequence}", self.path.display()));
            self.failing = Some(Failing { answer, reported: Instant::now() });
        }
    }

    /// Reports in the recording how many events found no room, and returns that.
    fn report_unwritten(&mut self) -> Result<u64, FileWriteError> {
        let Some((count, since)) = self.unwritten.take() else { return Ok(0) };
        let lost = Fact::Lost { loss: Lost::Unwritten, count, until: self.last.mono };
        self.append(&Event { at: since, body: Body::Fact(lost) })?;
        Ok(count)
    }

    /// Everything is in the file: what found no room is reported there.
    fn recovers(&mut self) -> Result<(), FileWriteError> {
        let count = self.report_unwritten()?;
        if self.failing.take().is_some() {
            let path = self.path.display();
            stderr::say(format_args!("{path} can be written again; {} lost until then", counted(count, "event")));
        }
        Ok(())
    }

    /// Bytes of the recording so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.backlog.made()
    }

    /// Whether the file holds everything so far, so that another can follow it.
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        self.backlog.is_empty() && self.unwritten.is_none()
    }

    /// Where it is written.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The facts that hold by now.
    #[must_use]
    pub const fn preface(&self) -> &Preface {
        &self.preface
    }

    /// The instant of the last event.
    #[must_use]
    pub const fn last(&self) -> Stamp {
        self.last
    }

    /// Ends the recording in order. A reader is waited for while it reads, up to ten seconds.
    ///
    /// # Errors
    /// [`FileWriteError::Incomplete`] if events were lost, with how many.
    pub fn finish(mut self, at: Stamp) -> Result<(), FileWriteError> {
        if self.flush()? == Flow::Closed {
            return Ok(());
        }
        if self.is_gone() {
            self.lost += self.recorded;
        }
        self.report_unwritten()?;
        let (path, sync, outlet) = (self.path.clone(), self.sync, self.outlet);
        let failed = |source| FileWriteError::Write { path: path.clone(), source };
        self.backlog.mark(std::mem::take(&mut self.unmarked) + 1);
        self.recorder.finish(at).map_err(failed)?;
        let passed = self.backlog.pass_on_within(&self.file, outlet, PATIENCE, END);
        if let Passed::Closed = passed {
            return Ok(());
        }
        if outlet == Outlet::File && sync != Sync::Never {
            self.file.sync_data().map_err(failed)?;
        }
        let count = self.lost + self.backlog.events();
        if count == 0 && self.backlog.is_empty() {
            return Ok(());
        }
        let source = match passed {
            Passed::Refused(answer) => answer,
            Passed::Some => io::Error::new(io::ErrorKind::TimedOut, "nobody read it"),
            Passed::All | Passed::Closed => match self.failing {
                Some(failing) => failing.answer,
                None => io::Error::other("the file was removed, or could not be written for some time"),
            },
        };
        Err(FileWriteError::Incomplete { path, count, source })
    }
}

#[cfg(test)]
mod tests {
    use super::{FileRecorder, Flow, Outlet, Sync};
    use crate::files::SYSTEM_LINKS;
    use crate::recording::target::{FileWriteError, OWNER_ALONE, Target};
    use modtrail_core::event::{Body, Event, Fact, Lost, Stamp};
    use modtrail_core::record::preface::Preface;
    use modtrail_core::record::read::read;
    use modtrail_core::testing::busy;
    use std::fs;
    use std::io::Read as _;
    use std::os::fd::AsRawFd as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    fn begun(path: &Path) -> FileRecorder {
        let target = Target::for_recording(path).expect("it can be opened");
        FileRecorder::begin(target, Sync::Flush, None, Preface::default(), Stamp::default()).expect("it can be written")
    }

    fn events(mut bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        read(&mut bytes, |event| events.push(event)).expect("a recording");
        events
    }

    #[test]
    fn a_recording_is_its_owners_alone_and_is_not_a_link_and_not_a_second_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let [path, link] = ["a.mcap", "link.mcap"].map(|name| folder.path().join(name));
        let reason = |path: &Path| Target::open(path).err().map(|error| error.to_string()).unwrap_or_default();
        fs::write(&path, b"").expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("its rights");
        let mut earlier = fs::File::open(&path).expect("others can open it");
        let first = Target::open(&path).expect("the file can be opened");
        assert!(reason(&path).ends_with("another modtrail writes to it"), "{}", reason(&path));
        drop(first);
        let recorder = begun(&path);
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, OWNER_ALONE);
        assert!(!reason(&path).is_empty(), "it is locked while it is recorded to");
        drop(recorder);
        let mut seen = Vec::new();
        earlier.read_to_end(&mut seen).expect("it can be read");
        assert!(seen.is_empty() && fs::metadata(&path).is_ok_and(|file| file.len() > 0), "whoever had it open sees it");
        drop(Target::open(&path).expect("the lock is gone with the recorder"));
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        assert!(reason(&link).contains("symbolic link"), "{}", reason(&link));
        let twice = folder.path().join("twice.mcap");
        fs::hard_link(&path, &twice).expect("another name");
        assert!(reason(&path).contains("another name"), "{}", reason(&path));
        let made = folder.path().join("made.mcap");
        drop(begun(&made));
        assert_eq!(fs::metadata(&made).expect("it is there").permissions().mode() & 0o777, OWNER_ALONE);
    }

    #[test]
    fn what_is_not_a_recording_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("thesis.txt");
        fs::write(&path, b"precious").expect("a file");
        let refused = Target::for_recording(&path).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.contains("something else than a recording"), "{refused}");
        assert_eq!(fs::read(&path).expect("it is there"), b"precious");
        let recording = folder.path().join("old.mcap");
        drop(begun(&recording));
        drop(begun(&recording));
    }

    #[test]
    fn a_pipe_of_a_shell_is_recorded_to() {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        for folder in SYSTEM_LINKS.iter().filter(|folder| folder.ends_with("fd")) {
            let path = Path::new(folder).join(writer.as_raw_fd().to_string());
            drop(begun(&path));
            let mut bytes = vec![0; 65_536];
            let count = reader.read(&mut bytes).expect("a recording");
            assert!(bytes.get(..count).is_some_and(|bytes| bytes.windows(4).any(|word| word == b"MCAP")));
        }
    }

    #[test]
    fn what_a_slow_reader_costs_is_counted_in_the_recording() {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let mut recorder = begun(&Path::new("/dev/fd").join(writer.as_raw_fd().to_string()));
        drop(writer);
        let written = busy().events;
        let mut lost = 0;
        while recorder.unwritten.is_none_or(|(count, _)| count < 1_000) {
            for event in &written {
                recorder.write(event).expect("it is kept, or counted");
            }
            assert_eq!(recorder.flush().expect("it goes on"), Flow::On);
            lost = recorder.lost;
        }
        let bytes = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).expect("the other end is closed");
            bytes
        });
        while recorder.unwritten.is_some() {
            assert_eq!(recorder.flush().expect("it goes on"), Flow::On);
        }
        let last = recorder.last();
        let error = recorder.finish(last).expect_err("some were lost");
        assert!(matches!(error, FileWriteError::Incomplete { count, .. } if count == lost), "{error}");
        let events = events(&bytes.join().expect("it is read"));
        let counted: u64 = events.iter().filter_map(unwritten).sum();
        assert_eq!(counted, lost);
    }

    fn unwritten(event: &Event) -> Option<u64> {
        match &event.body {
            Body::Fact(Fact::Lost { loss: Lost::Unwritten, count, .. }) => Some(*count),
            Body::Fact(_) | Body::Probe(_) => None,
        }
    }

    #[test]
    fn a_file_that_is_removed_begins_again_and_what_went_with_it_is_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.mcap");
        let mut recorder = begun(&path);
        assert_eq!(recorder.outlet, Outlet::File);
        let written = busy().events;
        let (before, after) = written.split_at(written.len() / 2);
        for event in before {
            recorder.write(event).expect("it can be written");
        }
        assert_eq!(recorder.flush().expect("it can be written"), Flow::On);
        fs::remove_file(&path).expect("it is there");
        assert_eq!(recorder.flush().expect("it begins again"), Flow::On);
        for event in after {
            recorder.write(event).expect("it can be written");
        }
        let end = recorder.last();
        let error = recorder.finish(end).expect_err("some are gone");
        assert!(matches!(error, FileWriteError::Incomplete { count, .. } if count == before.len() as u64), "{error}");
        let read = events(&fs::read(&path).expect("it is there again"));
        let (facts, rest) = read.split_at(read.len() - after.len() - 1);
        assert_eq!(rest.get(..after.len()), Some(after));
        assert!(facts.iter().any(|event| matches!(event.body, Body::Fact(Fact::Machine(_)))), "it can be read alone");
    }
}

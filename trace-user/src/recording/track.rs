//! A recording, event by event, from its beginning or from a place that was marked: what it takes to seek in it.
//!
//! In: the files of a recording, and who opens them. Out: the events as they came, as if they stood in one file; how
//! much of each file could be read.

use modtrail_core::event::Event;
use modtrail_core::player::Feed;
use modtrail_core::record::read::{Integrity, Mark, ReadError, Reading};
use modtrail_core::record::segment::Segment;
use modtrail_core::record::series::Series;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The name of standard input.
pub(super) const STDIN: &str = "-";
/// How a recording's name ends in a folder.
pub(super) const EXTENSION: &str = "mcap";

/// Why a file cannot be read as a recording.
#[derive(Debug, thiserror::Error)]
pub enum FileReadError {
    /// The system refuses the file.
    #[error("cannot read {}", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// It is something else.
    #[error("{} is not a modtrail recording: {reason}", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it lacks.
        reason: &'static str,
    },
    /// Another file is the same segment of the same recording.
    #[error("{} is a segment that was named already", .path.display())]
    Double {
        /// The file.
        path: PathBuf,
    },
    /// The file is another one now, or shorter than it was.
    #[error("{} was replaced or cut after it was opened", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A folder holds no recordings.
    #[error("{} holds no recordings (files that end in .{EXTENSION})", .path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
}

impl FileReadError {
    pub(super) fn of(path: &Path, error: ReadError) -> Self {
        let path = path.to_owned();
        match error {
            ReadError::Io(source) => Self::Open { path, source },
            ReadError::Foreign(reason) => Self::Foreign { path, reason },
        }
    }
}

/// A file of a recording.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Where it is.
    pub path: PathBuf,
    /// How many bytes it had when it was found; `None` if it is not a file.
    pub size: Option<u64>,
    /// Its device and its number there; `None` if it is not a file.
    identity: Option<(u64, u64)>,
    /// Where it stands in a series; `None` if it is a recording in one file.
    segment: Option<Segment>,
}

impl SourceFile {
    /// A file, of which the beginning said where it stands in a series.
    #[must_use]
    pub fn new(path: PathBuf, segment: Option<Segment>) -> Self {
        let metadata = fs::metadata(&path).ok().filter(fs::Metadata::is_file);
        let size = metadata.as_ref().map(fs::Metadata::len);
        let identity = metadata.as_ref().map(identity);
        Self { path, size, identity, segment }
    }

    /// Its bytes from this one on.
    ///
    /// # Errors
    /// [`FileReadError`] if the system refuses it.
    pub fn open(&self, from: u64) -> Result<Box<dyn Read>, FileReadError> {
        if self.path == Path::new(STDIN) {
            return Ok(Box::new(io::stdin()));
        }
        let refused = |source| FileReadError::Open { path: self.path.clone(), source };
        let mut file = File::open(&self.path).map_err(refused)?;
        if from > 0 {
            file.seek(SeekFrom::Start(from)).map_err(refused)?;
        }
        Ok(Box::new(file))
    }

    /// The same, again and again: as many bytes as it had when it was found, whatever comes later.
    ///
    /// # Errors
    /// [`FileReadError`] if the system refuses it, or if it is not the same any more.
    pub fn open_again(&self, from: u64) -> Result<Box<dyn Read>, FileReadError> {
        let Some((size, known)) = self.size.zip(self.identity) else { return self.open(from) };
        let refused = |source| FileReadError::Open { path: self.path.clone(), source };
        let now = fs::metadata(&self.path).map_err(refused)?;
        if identity(&now) != known || now.len() < size {
            return Err(FileReadError::Changed { path: self.path.clone() });
        }
        Ok(Box::new(self.open(from)?.take(size.saturating_sub(from))))
    }

    /// Where it stands in a series; `None` if it is a recording in one file.
    #[must_use]
    pub const fn segment(&self) -> Option<&Segment> {
        self.segment.as_ref()
    }
}

/// How much of a file could be read.
pub type Faults = Vec<(Integrity, PathBuf)>;

/// Its device and its number there.
fn identity(file: &fs::Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Opens a file from a byte on.
pub type Opener = fn(&SourceFile, u64) -> Result<Box<dyn Read>, FileReadError>;

/// A recording that is being read. `O` opens a file from a byte on.
pub struct Track<'s, O> {
    files: &'s [SourceFile],
    open: O,
    /// The place of the file that is being read.
    place: usize,
    /// What is read of it; `None` before it is opened.
    reading: Option<Reading<BufReader<Box<dyn Read>>>>,
    series: Series,
    out: VecDeque<Event>,
    faults: Faults,
}

/// A place in a recording.
#[derive(Clone, Debug)]
pub struct TrackMark {
    file: usize,
    /// `None`: the beginning of the file.
    within: Option<Mark>,
    series: Series,
}

impl TrackMark {
    /// The beginning of a recording.
    #[must_use]
    pub fn beginning() -> Self {
        Self { file: 0, within: None, series: Series::default() }
    }
}

impl<'s, O: FnMut(&SourceFile, u64) -> Result<Box<dyn Read>, FileReadError>> Track<'s, O> {
    /// From the beginning.
    pub fn new(files: &'s [SourceFile], open: O) -> Self {
        let (series, out, faults) = (Series::default(), VecDeque::new(), Vec::new());
        Self { files, open, place: 0, reading: None, series, out, faults }
    }

    /// How much of the files that have been read could be.
    pub fn into_faults(self) -> Faults {
        self.faults
    }

    /// Bytes of the recording that have been read.
    pub fn bytes_read(&self) -> u64 {
        let before = self.files.iter().take(self.place).filter_map(|file| file.size).fold(0, u64::saturating_add);
        before.saturating_add(self.reading.as_ref().map_or(0, Reading::place))
    }

    fn begin_file(&mut self, file: &SourceFile) -> Result<(), FileReadError> {
        let bytes = (self.open)(file, 0)?;
        self.series.begin(file.segment(), |event| self.out.push_back(event));
        self.reading = Some(Reading::begin(BufReader::new(bytes)));
        Ok(())
    }
}

impl<O: FnMut(&SourceFile, u64) -> Result<Box<dyn Read>, FileReadError>> Feed for Track<'_, O> {
    type Mark = TrackMark;
    type Error = FileReadError;

    fn next(&mut self) -> Result<Option<Event>, FileReadError> {
        loop {
            if let Some(event) = self.out.pop_front() {
                return Ok(Some(event));
            }
            let Some(file) = self.files.get(self.place) else { return Ok(None) };
            let Some(reading) = &mut self.reading else {
                self.begin_file(file)?;
                continue;
            };
            match reading.next_event().map_err(|error| FileReadError::of(&file.path, error))? {
                Some(event) => self.series.pass(event, |event| self.out.push_back(event)),
                None => {
                    let integrity = reading.integrity();
                    self.series.ended(&integrity);
                    self.faults.push((integrity, file.path.clone()));
                    self.reading = None;
                    self.place += 1;
                }
            }
        }
    }

    fn end(&self) -> Option<Event> {
        self.series.end().cloned()
    }

    fn mark(&self) -> Option<TrackMark> {
        let within = match &self.reading {
            Some(reading) => Some(reading.mark()?),
            None => None,
        };
        let series = self.series.clone();
        self.out.is_empty().then_some(TrackMark { file: self.place, within, series })
    }

    fn go(&mut self, mark: &TrackMark) -> Result<(), FileReadError> {
        self.out.clear();
        self.reading = None;
        self.faults.truncate(mark.file);
        (self.place, self.series) = (mark.file, mark.series.clone());
        if let Some((within, file)) = mark.within.as_ref().zip(self.files.get(mark.file)) {
            let bytes = (self.open)(file, within.first_byte())?;
            let reading = Reading::resume(BufReader::new(bytes), within);
            self.reading = Some(reading.map_err(|error| FileReadError::of(&file.path, error))?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{FileReadError, Opener, SourceFile, Track};
    use crate::recording::file::Sync;
    use crate::recording::numbered::Numbered;
    use crate::recording::read::sources;
    use crate::recording::segments::{Limits, SegmentRecorder};
    use modtrail_core::event::{Event, Stamp};
    use modtrail_core::player::Feed;
    use modtrail_core::testing::busy;
    use std::fs;
    use std::path::Path;

    const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recordings/linux-6.12.mcap");

    /// What is read from each place that can be found again is what followed it.
    fn check(files: &[SourceFile], at_least: usize) {
        let track = || Track::new(files, SourceFile::open_again as Opener);
        let mut whole = track();
        let mut events: Vec<Event> = Vec::new();
        let mut marks = Vec::new();
        loop {
            marks.extend(whole.mark().map(|mark| (events.len(), mark)));
            match whole.next().expect("it can be read") {
                Some(event) => events.push(event),
                None => break,
            }
        }
        assert!(marks.len() >= at_least, "{} marks", marks.len());
        let mut other = track();
        for (place, mark) in marks.iter().rev().chain(&marks) {
            other.go(mark).expect("it is found again");
            let mut rest = Vec::new();
            while let Some(event) = other.next().expect("it can be read") {
                rest.push(event);
            }
            assert!(rest == events[*place..], "from event {place}");
            assert_eq!(other.end(), whole.end(), "from event {place}");
        }
    }

    fn files(path: &Path) -> Vec<SourceFile> {
        let [source] = &sources(&[path.to_owned()], |_| {}).expect("a recording")[..] else { panic!("one recording") };
        source.files().to_vec()
    }

    #[test]
    fn a_recording_goes_on_from_every_chunk() {
        check(&files(Path::new(RECORDING)), 3);
    }

    #[test]
    fn segments_go_on_from_every_chunk_of_each() {
        let folder = tempfile::tempdir().expect("a folder");
        let names = Numbered::of(&folder.path().join("a.mcap")).expect("a name");
        let limits = Limits { segment_bytes: Some(1), ..Limits::default() };
        let mut recorder = SegmentRecorder::begin(names, limits, Sync::Never, Stamp::default()).expect("written");
        for (index, event) in busy().events.iter().enumerate() {
            recorder.write(event).expect("it can be written");
            if index % 10 == 9 {
                let _ = recorder.flush().expect("it can be written");
            }
        }
        recorder.finish(busy().events.last().expect("events").at).expect("it can be written");
        check(&files(folder.path()), 10);
    }

    #[test]
    fn a_damaged_recording_goes_on_from_every_chunk() {
        let folder = tempfile::tempdir().expect("a folder");
        let whole = fs::read(RECORDING).expect("a recording");
        let file = folder.path().join("damaged.mcap");
        for place in (200..whole.len()).step_by(whole.len() / 40) {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x55;
            fs::write(&file, &bytes).expect("a file");
            check(&files(&file), 1);
            fs::write(&file, &whole[..place]).expect("a file");
            if let Ok(sources) = sources(std::slice::from_ref(&file), |_| {}) {
                assert_eq!(sources.len(), 1);
                check(&files(&file), 1);
            }
        }
    }

    #[test]
    fn a_file_that_grows_stays_as_it_was_and_one_that_changes_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("it.mcap");
        let whole = fs::read(RECORDING).expect("a recording");
        let half = whole.len() / 2;
        fs::write(&file, &whole[..half]).expect("a file");
        let files = files(&file);
        let count = || {
            let mut track = Track::new(&files, SourceFile::open_again as Opener);
            let mut count = 0;
            while track.next()?.is_some() {
                count += 1;
            }
            Ok::<usize, FileReadError>(count)
        };
        let before = count().expect("it can be read");
        fs::write(&file, &whole).expect("a file");
        assert_eq!(count().ok(), Some(before), "what came later is not read");
        fs::write(&file, &whole[..half - 1]).expect("a file");
        assert!(matches!(count(), Err(FileReadError::Changed { .. })), "it was cut");
        let other = folder.path().join("other.mcap");
        fs::write(&other, &whole).expect("a file");
        fs::rename(&other, &file).expect("it is replaced");
        assert!(matches!(count(), Err(FileReadError::Changed { .. })), "it was replaced");
    }
}

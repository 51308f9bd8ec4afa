//! Recordings that are read: files, folders of them, standard input. Segments of one series are one recording.
//!
//! In: paths. Out: recordings, each with the bytes of its files in order, for the library to read.

use super::track::{EXTENSION, Opener, STDIN, Track};
use modtrail_core::entities::Change;
use modtrail_core::event::{Event, Stamp};
use modtrail_core::model::Model;
use modtrail_core::pipeline::Pipeline;
use modtrail_core::player::Feed as _;
use modtrail_core::record::read::{Integrity, ReadError};
use modtrail_core::record::series::{Head, head};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

pub use super::track::{Faults, FileReadError, SourceFile};

/// One recording, in one file or several.
#[derive(Clone, Debug)]
pub struct Source {
    files: Vec<SourceFile>,
    boot_id: Option<String>,
    first: Option<Stamp>,
}

/// The recordings that are meant: each path is a file, a folder of recordings, or `-` for standard input. They come in
/// the order of the paths, those of a folder by their beginning. `skipped`: the files of a folder that end as
/// recordings do, and are none, with what they lack.
///
/// # Errors
/// [`FileReadError`] if a path cannot be read, or is not a recording.
pub fn sources(paths: &[PathBuf], mut skipped: impl FnMut(FileReadError)) -> Result<Vec<Source>, FileReadError> {
    let mut sources: Vec<Source> = Vec::new();
    for path in paths {
        for (path, head) in heads(path, &mut skipped)? {
            add(&mut sources, path, head, &mut skipped);
        }
    }
    for source in &mut sources {
        source.files.sort_by_key(|file| file.segment().map(|segment| segment.number));
    }
    Ok(sources)
}

/// The recordings that a path stands for, with what their beginning says.
fn heads(path: &Path, skipped: &mut impl FnMut(FileReadError)) -> Result<Vec<(PathBuf, Head)>, FileReadError> {
    let refused = |source| FileReadError::Open { path: path.to_owned(), source };
    // A pipe can be read only once.
    let unknown = || vec![(path.to_owned(), Head::default())];
    if path == Path::new(STDIN) {
        return Ok(unknown());
    }
    let metadata = fs::metadata(path).map_err(refused)?;
    if metadata.is_dir() {
        return in_folder(path, skipped);
    }
    if !metadata.is_file() {
        return Ok(unknown());
    }
    let file = File::open(path).map_err(refused)?;
    let head = head(BufReader::new(file)).map_err(|error| FileReadError::of(path, error))?;
    Ok(vec![(path.to_owned(), head)])
}

/// The recordings in a folder, by their beginning.
fn in_folder(folder: &Path, skipped: &mut impl FnMut(FileReadError)) -> Result<Vec<(PathBuf, Head)>, FileReadError> {
    let refused = |source| FileReadError::Open { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(refused)? {
        let path = entry.map_err(refused)?.path();
        if path.extension() != Some(OsStr::new(EXTENSION)) || !path.is_file() {
            continue;
        }
        let opened = File::open(&path).map_err(ReadError::Io);
        match opened.and_then(|file| head(BufReader::new(file))) {
            Ok(head) => found.push((path, head)),
            Err(error) => skipped(FileReadError::of(&path, error)),
        }
    }
    if found.is_empty() {
        return Err(FileReadError::Empty { path: folder.to_owned() });
    }
    found.sort_by(|(path, head), (other_path, other)| (head.wall_ns, path).cmp(&(other.wall_ns, other_path)));
    Ok(found)
}

/// Adds a file to the recording that it is a segment of, or as a recording.
fn add(
    sources: &mut Vec<Source>,
    path: PathBuf,
    Head { segment, boot_id, first, .. }: Head,
    skipped: &mut impl FnMut(FileReadError),
) {
    let is_same = |source: &Source| {
        let of = source.files.first().and_then(SourceFile::segment);
        source.boot_id == boot_id && of.zip(segment.as_ref()).is_some_and(|(of, next)| of.series == next.series)
    };
    let known = sources.iter_mut().find(|source| is_same(source));
    let file = SourceFile::new(path, segment);
    match known {
        Some(source) if source.files.iter().any(|other| other.segment() == file.segment()) => {
            skipped(FileReadError::Double { path: file.path });
        }
        Some(source) => {
            source.first = source.first.min(first);
            source.files.push(file);
        }
        None => sources.push(Source { files: vec![file], boot_id, first }),
    }
}

impl Source {
    /// Its files, in order.
    pub fn paths(&self) -> impl DoubleEndedIterator<Item = &Path> {
        self.files.iter().map(|file| &*file.path)
    }

    /// Which boot it is of; `None` if that is not known before it is read.
    #[must_use]
    pub fn boot_id(&self) -> Option<&str> {
        self.boot_id.as_deref()
    }

    /// The instant of its first event; `None` if that is not known before it is read.
    #[must_use]
    pub const fn first(&self) -> Option<Stamp> {
        self.first
    }

    /// Whether it can be read again.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        self.paths().all(Path::is_file)
    }

    /// What it is called: the name of its file, or of the first and the last.
    #[must_use]
    pub fn name(&self) -> String {
        let name = |path: &Path| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let mut names = self.paths().map(name);
        let first = names.next().unwrap_or_default();
        match names.next_back() {
            Some(last) => format!("{first} to {last}"),
            None if first == STDIN => "standard input".to_owned(),
            None => first,
        }
    }

    /// Passes its events to `each`, as they came. Returns the recording's end, `None` if it is not there, and how much
    /// of each file could be read.
    ///
    /// # Errors
    /// [`FileReadError`] if a file cannot be read or is not a recording.
    pub fn events(&self, each: impl FnMut(Event)) -> Result<(Option<Event>, Faults), FileReadError> {
        self.events_through(each, |_, bytes| bytes)
    }

    fn events_through(
        &self,
        mut each: impl FnMut(Event),
        mut through: impl FnMut(&SourceFile, Box<dyn Read>) -> Box<dyn Read>,
    ) -> Result<(Option<Event>, Faults), FileReadError> {
        let mut track = Track::new(&self.files, |file: &SourceFile, from| Ok(through(file, file.open(from)?)));
        while let Some(event) = track.next()? {
            each(event);
        }
        Ok((track.end(), track.into_faults()))
    }

    /// Its events one by one, from any place: those that it had when it was found.
    pub fn track(&self) -> Track<'_, Opener> {
        Track::new(&self.files, SourceFile::open_again as Opener)
    }

    /// Its files, in order.
    #[must_use]
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// How many bytes it has; `None` if a part of it is not a file.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.files.iter().map(|file| file.size).try_fold(0, |all: u64, size| all.checked_add(size?))
    }

    /// Reads it into a model. `each` sees every change after the model has it.
    ///
    /// # Errors
    /// [`FileReadError`] if a file cannot be read or is not a recording.
    pub fn model(&self, each: impl FnMut(&Change, &Model)) -> Result<(Model, Faults), FileReadError> {
        self.model_through(each, |_, bytes| bytes)
    }

    /// The same, with the bytes of each file as `through` passes them on.
    ///
    /// # Errors
    /// [`FileReadError`] if a file cannot be read or is not a recording.
    pub fn model_through(
        &self,
        mut each: impl FnMut(&Change, &Model),
        through: impl FnMut(&SourceFile, Box<dyn Read>) -> Box<dyn Read>,
    ) -> Result<(Model, Faults), FileReadError> {
        let mut pipeline = Pipeline::default();
        let (end, faults) = self.events_through(|event| pipeline.push(event, &mut each), through)?;
        pipeline.close(end, &mut each);
        Ok((pipeline.into_model(), faults))
    }
}

/// How much of all the files could be read: what a report of the recording says.
#[must_use]
pub fn integrity(faults: &Faults) -> Integrity {
    let mut all = Integrity { has_end: !faults.is_empty(), ..Integrity::default() };
    for (one, _) in faults {
        all.events += one.events;
        all.damaged += one.damaged;
        all.repeated += one.repeated;
        all.misplaced += one.misplaced;
        all.has_end &= one.has_end;
        // One place is enough to know that counts are at least so high.
        let is_worse = one.damage.is_some_and(|damage| !damage.is_counted);
        all.damage = if is_worse { one.damage } else { all.damage.or(one.damage) };
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{FileReadError, integrity, sources};
    use crate::recording::file::Sync;
    use crate::recording::numbered::Numbered;
    use crate::recording::segments::{Limits, SegmentRecorder};
    use modtrail_core::event::Stamp;
    use modtrail_core::testing::busy;
    use std::fs;
    use std::path::{Path, PathBuf};

    /// A trace in segments that begin after every ten events, below `folder`.
    fn record(folder: &Path, name: &str) {
        let names = Numbered::of(&folder.join(name)).expect("a name");
        let limits = Limits { segment_bytes: Some(1), ..Limits::default() };
        let mut recorder = SegmentRecorder::begin(names, limits, Sync::Never, Stamp::default()).expect("written");
        for (index, event) in busy().events.iter().enumerate() {
            recorder.write(event).expect("it can be written");
            if index % 10 == 9 {
                let _ = recorder.flush().expect("it can be written");
            }
        }
        recorder.finish(busy().events.last().expect("events").at).expect("it can be written");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let missing = sources(&["/nonexistent/it.mcap".into()], |_| {}).expect_err("it is not there");
        assert!(missing.to_string().contains("/nonexistent/it.mcap"));
    }

    #[test]
    fn the_segments_of_a_folder_are_one_recording_and_other_files_are_reported() {
        let folder = tempfile::tempdir().expect("a folder");
        record(folder.path(), "a.mcap");
        fs::write(folder.path().join("letter.mcap"), b"dear").expect("a file");
        fs::write(folder.path().join("letter.txt"), b"dear").expect("a file");
        let mut skipped = Vec::new();
        let found = sources(&[folder.path().to_owned()], |error| skipped.push(error.to_string())).expect("recordings");
        assert!(matches!(&skipped[..], [one] if one.contains("letter.mcap")), "{skipped:?}");
        let [source] = &found[..] else { panic!("{found:?}") };
        let mut events = Vec::new();
        let (end, faults) = source.events(|event| events.push(event)).expect("a recording");
        assert!(events == busy().events && end.is_some());
        assert_eq!(faults.len(), source.paths().count());
        assert_eq!(integrity(&faults).damaged, 0);
        assert!(source.name().starts_with("a.00001.mcap to a.000"), "{}", source.name());
        let backwards: Vec<PathBuf> = source.paths().map(Path::to_owned).rev().collect();
        let mut twice = 0;
        let all = [&backwards[..], &backwards[..1]].concat();
        let again = sources(&all, |_| twice += 1).expect("recordings");
        assert_eq!(twice, 1, "a segment that is named twice is read once");
        assert_eq!(again.first().map(super::Source::name), Some(source.name()));
    }

    #[test]
    fn two_series_are_two_recordings_and_an_empty_folder_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(sources(&[folder.path().to_owned()], |_| {}), Err(FileReadError::Empty { .. })));
        let file = folder.path().join("whole.mcap");
        fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recordings/linux-6.12.mcap"), &file).expect("a recording");
        record(folder.path(), "a.mcap");
        assert_eq!(sources(&[folder.path().to_owned()], |_| {}).expect("recordings").len(), 2);
        assert_eq!(sources(&[file.clone(), file], |_| {}).expect("recordings").len(), 2);
    }
}

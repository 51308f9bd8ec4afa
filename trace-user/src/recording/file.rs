//! A recording that is written to one file.
//!
//! In: events. Out: the bytes of a recording in the file, flushed to disk when it is asked for.

use super::target::{FileWriteError, Target};
use modtrail_core::event::{Event, Stamp};
use modtrail_core::record::write::Recorder;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A recording being written to a file.
pub struct FileRecorder {
    recorder: Recorder<File>,
    /// The same file, for flushing it to disk.
    file: File,
    path: PathBuf,
}

impl FileRecorder {
    /// Begins a recording; the old content of the file is gone from here on. The schema is on disk when this returns,
    /// so the file is recognised as a recording whatever happens later.
    ///
    /// # Errors
    /// [`FileWriteError::Write`] with what the system answered.
    pub fn begin(target: Target) -> Result<Self, FileWriteError> {
        let path = target.path().to_owned();
        let failed = |source| FileWriteError::Write { path: path.clone(), source };
        let file = target.emptied()?;
        let recorder = file.try_clone().and_then(Recorder::begin).map_err(failed)?;
        let recorder = Self { recorder, file, path };
        recorder.written(Ok(true))?;
        Ok(recorder)
    }

    /// Appends one event.
    ///
    /// # Errors
    /// [`FileWriteError::Write`] with what the system answered.
    pub fn write(&mut self, event: &Event) -> Result<(), FileWriteError> {
        let answer = self.recorder.write(event).map(|()| false);
        self.written(answer)
    }

    /// Flushes everything so far to disk: a kill or a power cut after this costs none of it.
    ///
    /// # Errors
    /// [`FileWriteError::Write`] with what the system answered.
    pub fn flush(&mut self) -> Result<(), FileWriteError> {
        let answer = self.recorder.flush();
        self.written(answer)
    }

    /// Ends the recording in order.
    ///
    /// # Errors
    /// [`FileWriteError::Write`] with what the system answered.
    pub fn finish(self, at: Stamp) -> Result<(), FileWriteError> {
        let Self { recorder, file, path } = self;
        written(&file, &path, recorder.finish(at).map(|()| true))
    }

    fn written(&self, answer: io::Result<bool>) -> Result<(), FileWriteError> {
        written(&self.file, &self.path, answer)
    }
}

/// Flushes the file to disk if `answer` shows that there is something to flush.
fn written(file: &File, path: &Path, answer: io::Result<bool>) -> Result<(), FileWriteError> {
    let synced = answer.and_then(|is_new| if is_new { sync(file) } else { Ok(()) });
    synced.map_err(|source| FileWriteError::Write { path: path.to_owned(), source })
}

fn sync(file: &File) -> io::Result<()> {
    match file.sync_data() {
        // A pipe or a terminal has no disk behind it.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        answer => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::FileRecorder;
    use crate::recording::target::{OWNER_ALONE, SYSTEM_LINKS, Target};
    use std::fs;
    use std::io::Read as _;
    use std::os::fd::AsRawFd as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    #[test]
    fn a_recording_is_its_owners_alone_and_is_no_link_and_no_second_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let [path, link] = ["a.mcap", "link.mcap"].map(|name| folder.path().join(name));
        let reason = |path: &Path| Target::open(path).err().map(|error| error.to_string()).unwrap_or_default();
        fs::write(&path, b"").expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("its rights");
        let mut earlier = fs::File::open(&path).expect("others can open it");
        let first = Target::open(&path).expect("the file can be opened");
        assert!(reason(&path).ends_with("another modtrail writes to it"), "{}", reason(&path));
        let recorder = FileRecorder::begin(first).expect("it can be written");
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
        drop(FileRecorder::begin(Target::open(&made).expect("it can be made")).expect("it can be written"));
        assert_eq!(fs::metadata(&made).expect("it is there").permissions().mode() & 0o777, OWNER_ALONE);
    }

    #[test]
    fn a_pipe_of_a_shell_is_recorded_to() {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        for folder in SYSTEM_LINKS.iter().filter(|folder| folder.ends_with("fd")) {
            let path = Path::new(folder).join(writer.as_raw_fd().to_string());
            drop(FileRecorder::begin(Target::open(&path).expect("it can be opened")).expect("it can be written"));
            let mut bytes = vec![0; 65_536];
            let count = reader.read(&mut bytes).expect("a recording");
            assert!(bytes.get(..count).is_some_and(|bytes| bytes.windows(4).any(|word| word == b"MCAP")));
        }
    }
}

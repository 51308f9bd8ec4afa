//! Recordings as files: opened for reading, and written so that a kill or a power cut only costs what was not flushed
//! to disk.
//!
//! In: a path. Out: the bytes of a recording, for the library to read; or a file that events are appended to.

use modtrail_core::event::{Event, Stamp};
use modtrail_core::record::read::ReadError;
use modtrail_core::record::write::Recorder;
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufReader};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

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
}

/// Opens `path` and lets `reader` read it.
///
/// # Errors
/// [`FileReadError`] if the file cannot be read or is not a recording.
pub fn read<T>(path: &Path, reader: impl FnOnce(BufReader<File>) -> Result<T, ReadError>) -> Result<T, FileReadError> {
    let refused = |source| FileReadError::Open { path: path.to_owned(), source };
    let file = File::open(path).map_err(refused)?;
    reader(BufReader::new(file)).map_err(|error| match error {
        ReadError::Io(source) => refused(source),
        ReadError::Foreign(reason) => FileReadError::Foreign { path: path.to_owned(), reason },
    })
}

/// Why a file for a recording, or for lines, cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum FileWriteError {
    /// The file is not one that may be replaced.
    #[error("cannot write to {}: {reason}", .path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// Why, in words.
        reason: &'static str,
    },
    /// The file cannot be created.
    #[error("cannot create {}", .path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write to {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
}

/// A file that was not there before, for its owner alone. Nothing that is there is replaced, and a symbolic link is not
/// followed.
///
/// # Errors
/// [`FileWriteError::Create`] with what the system answered.
pub fn new_file(path: &Path) -> Result<File, FileWriteError> {
    let made = options(path).create_new(true).open(path);
    made.map_err(|source| FileWriteError::Create { path: path.to_owned(), source })
}

/// A folder and those above it, if they are not there.
///
/// # Errors
/// What the system answered.
pub fn new_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// A file that can be written, but is unchanged: if no recording begins, a file that did not exist before is removed
/// again.
pub struct Target {
    file: Option<File>,
    path: PathBuf,
    is_new: bool,
}

impl Target {
    /// Opens or creates the file, for its owner alone: a recording holds command lines. Its content stays until a
    /// recording begins. A path that is itself a symbolic link is not followed, a file of another user's and a block
    /// device are refused, and only one recorder writes to a file.
    ///
    /// # Errors
    /// [`FileWriteError::Create`] with what the system answered, or [`FileWriteError::Unfit`].
    pub fn open(path: &Path) -> Result<Self, FileWriteError> {
        let refused = |source| FileWriteError::Create { path: path.to_owned(), source };
        let unfit = |reason| FileWriteError::Unfit { path: path.to_owned(), reason };
        let (file, is_new) = match options(path).create_new(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match options(path).open(path) {
                Err(error) if is_link(&error) => return Err(unfit("it is a symbolic link; name the file itself")),
                opened => (opened.map_err(refused)?, false),
            },
            made => (made.map_err(refused)?, true),
        };
        let metadata = file.metadata().map_err(refused)?;
        if metadata.file_type().is_block_device() {
            return Err(unfit("it is a block device"));
        }
        // Who owns a file can read it, and whoever has another name for it can, too.
        let is_own = metadata.uid() == rustix::process::geteuid().as_raw() && metadata.nlink() <= 1;
        if metadata.is_file() && !is_own {
            return Err(unfit("it belongs to another user, or has another name; remove it first"));
        }
        if metadata.is_file() && matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(unfit("another modtrail writes to it"));
        }
        Ok(Self { file: Some(file), path: path.to_owned(), is_new })
    }

    /// The file, whose old content is gone from here on.
    ///
    /// # Errors
    /// [`FileWriteError::Write`] with what the system answered.
    pub fn emptied(mut self) -> Result<File, FileWriteError> {
        let path = self.path.clone();
        let failed = |source| FileWriteError::Write { path: path.clone(), source };
        let mut file = self.file.take().ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_file() {
            file.set_len(0).map_err(failed)?;
            // Somebody may have opened one that others could read.
            if metadata.permissions().mode() & !OWNER_ALONE & 0o777 != 0 {
                file = replaced(&path).map_err(failed)?;
            }
        }
        Ok(file)
    }

    /// Whether it is the file at `other`.
    #[must_use]
    pub fn is_at(&self, other: &Path) -> bool {
        let own = self.file.as_ref().and_then(|file| file.metadata().ok());
        own.zip(fs::metadata(other).ok())
            .is_some_and(|(own, other)| (own.dev(), own.ino()) == (other.dev(), other.ino()))
    }
}

/// `rw-------`
const OWNER_ALONE: u32 = 0o600;

fn options(path: &Path) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(OWNER_ALONE).custom_flags(flags(path));
    options
}

/// Folders whose links are the system's own: `/dev/stdout`, and `/dev/fd/63` of a shell's `>(command)`.
const SYSTEM_LINKS: [&str; 3] = ["/dev", "/dev/fd", "/proc/self/fd"];

/// Flags of `open` that the standard library has no names for.
fn flags(path: &Path) -> i32 {
    let follows = path.parent().is_some_and(|folder| SYSTEM_LINKS.iter().any(|links| folder == Path::new(links)));
    let flags = if follows { OFlags::NOCTTY } else { OFlags::NOCTTY | OFlags::NOFOLLOW };
    i32::try_from(flags.bits()).unwrap_or_default()
}

/// Whether the system refused a symbolic link.
fn is_link(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::LOOP)
}

impl Drop for Target {
    fn drop(&mut self) {
        if self.is_new && self.file.is_some() {
            // It stays empty if it cannot be removed, which does no harm.
            let _ = fs::remove_file(&self.path);
        }
    }
}

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
        let path = target.path.clone();
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

/// A new file in the place of the old one, for its owner alone.
fn replaced(path: &Path) -> io::Result<File> {
    fs::remove_file(path)?;
    let file = options(path).create_new(true).open(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(_)) | Ok(()) => Ok(file),
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
    use super::{FileRecorder, OWNER_ALONE, Target, read};
    use std::fs;
    use std::io::Read as _;
    use std::os::fd::AsRawFd as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    #[test]
    fn a_target_that_is_never_begun_keeps_what_it_held() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("old.mcap");
        fs::write(&path, b"precious").expect("the file can be written");
        drop(Target::open(&path).expect("the file can be opened"));
        assert_eq!(fs::read(&path).expect("the file is there"), b"precious");
        let path = folder.path().join("new.mcap");
        drop(Target::open(&path).expect("the file can be made"));
        assert!(!path.exists(), "nothing was recorded, so nothing is left behind");
    }

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
        for folder in super::SYSTEM_LINKS.iter().filter(|folder| folder.ends_with("fd")) {
            let path = Path::new(folder).join(writer.as_raw_fd().to_string());
            drop(FileRecorder::begin(Target::open(&path).expect("it can be opened")).expect("it can be written"));
            let mut bytes = vec![0; 65_536];
            let count = reader.read(&mut bytes).expect("a recording");
            assert!(bytes.get(..count).is_some_and(|bytes| bytes.windows(4).any(|word| word == b"MCAP")));
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let missing = read(Path::new("/nonexistent/it.mcap"), |_| Ok(())).expect_err("no such file");
        assert!(missing.to_string().contains("/nonexistent/it.mcap"));
    }
}

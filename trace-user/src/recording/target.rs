//! Files that are going to be written, and are fit for it.
//!
//! In: a path. Out: an open file, for its owner alone, that nobody else records to; or why there is none.

use crate::files::is_link_of_system;
use modtrail_core::record::read::ReadError;
use modtrail_core::record::series::head;
use modtrail_core::report::plain::counted;
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

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
    /// Not everything that was recorded is in the file.
    #[error("{} could not be written to {}", counted(*.count, "event"), .path.display())]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// Events that are not there.
        count: u64,
        /// What the system answered at last.
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

/// A file that can be written, but is unchanged: if no recording begins, a file that did not exist before is removed
/// again.
pub struct Target {
    file: Option<File>,
    path: PathBuf,
    is_new: bool,
    is_stdout: bool,
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
        Ok(Self { file: Some(file), path: path.to_owned(), is_new, is_stdout: false })
    }

    /// The same, for a recording: a file that holds something else is not replaced.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn for_recording(path: &Path) -> Result<Self, FileWriteError> {
        let target = Self::open(path)?;
        let old = fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0);
        let refused = |source| FileWriteError::Create { path: path.to_owned(), source };
        match old.then(|| File::open(path)).transpose().map_err(refused)?.map(head) {
            Some(Err(ReadError::Io(source))) => Err(refused(source)),
            Some(Err(ReadError::Foreign(_))) => {
                let reason = "it holds something else than a recording; remove it first, or name another file";
                Err(FileWriteError::Unfit { path: path.to_owned(), reason })
            }
            Some(Ok(_)) | None => Ok(target),
        }
    }

    /// A new file: one that exists is an error.
    ///
    /// # Errors
    /// [`FileWriteError::Create`] with what the system answered.
    pub fn create(path: &Path) -> Result<Self, FileWriteError> {
        let refused = |source| FileWriteError::Create { path: path.to_owned(), source };
        let file = options(path).create_new(true).open(path).map_err(refused)?;
        file.try_lock().map_err(|_| refused(io::ErrorKind::WouldBlock.into()))?;
        Ok(Self { file: Some(file), path: path.to_owned(), is_new: true, is_stdout: false })
    }

    /// A file that is open already: what becomes of it is not this one's business.
    #[must_use]
    pub fn of(file: File, path: &Path) -> Self {
        Self { file: Some(file), path: path.to_owned(), is_new: false, is_stdout: false }
    }

    /// Standard output, as it is.
    ///
    /// # Errors
    /// [`FileWriteError::Unfit`] if it is a terminal; [`FileWriteError::Create`] with what the system answered.
    pub fn stdout() -> Result<Self, FileWriteError> {
        let path = PathBuf::from("standard output");
        if io::stdout().is_terminal() {
            return Err(FileWriteError::Unfit {
                path,
                reason: "it is a terminal; pipe it to a program, or name a file",
            });
        }
        match io::stdout().as_fd().try_clone_to_owned() {
            Ok(file) => Ok(Self { file: Some(file.into()), path, is_new: false, is_stdout: true }),
            Err(source) => Err(FileWriteError::Create { path, source }),
        }
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
        if metadata.is_file() && !self.is_stdout {
            file.set_len(0).map_err(failed)?;
            // Somebody may have opened one that others could read.
            if metadata.permissions().mode() & !OWNER_ALONE & 0o777 != 0 {
                file = replaced(&path).map_err(failed)?;
            }
        }
        Ok(file)
    }

    /// It is standard output.
    #[must_use]
    pub const fn is_stdout(&self) -> bool {
        self.is_stdout
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// `rw-------`
pub(super) const OWNER_ALONE: u32 = 0o600;

fn options(path: &Path) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(OWNER_ALONE).custom_flags(flags(path));
    options
}

/// Flags of `open` that the standard library has no names for.
fn flags(path: &Path) -> i32 {
    let flags = if is_link_of_system(path) { OFlags::NOCTTY } else { OFlags::NOCTTY | OFlags::NOFOLLOW };
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

/// A new file in the place of the old one, for its owner alone.
fn replaced(path: &Path) -> io::Result<File> {
    fs::remove_file(path)?;
    let file = options(path).create_new(true).open(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(_)) | Ok(()) => Ok(file),
    }
}

#[cfg(test)]
mod tests {
    use super::Target;
    use std::fs;

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
}

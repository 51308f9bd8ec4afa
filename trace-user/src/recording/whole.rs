//! A file that is written whole or not at all: under another name beside it until it is done.
//!
//! In: a path. Out: a file to write, which takes the path's place in the end, or is removed.

use super::target::{FileWriteError, Target};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The file.
#[derive(Debug)]
pub struct Whole {
    path: PathBuf,
    beside: PathBuf,
}

impl Whole {
    /// Begins one that takes the place of `path`, and the file to write. What is there stays until then.
    ///
    /// # Errors
    /// [`FileWriteError::Create`] with what the system answered.
    pub fn begin(path: &Path) -> Result<(Self, Target), FileWriteError> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.partial", rustix::process::getpid().as_raw_nonzero()));
        let beside = path.with_file_name(name);
        let target = Target::create(&beside)?;
        Ok((Self { path: path.to_owned(), beside }, target))
    }

    /// It is written: it takes its place. Returns where that is.
    ///
    /// # Errors
    /// [`FileWriteError::Write`] with what the system answered.
    pub fn done(self) -> Result<PathBuf, FileWriteError> {
        let path = self.path.clone();
        match fs::rename(&self.beside, &path) {
            Ok(()) => Ok(path),
            Err(source) => Err(FileWriteError::Write { path, source }),
        }
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        // After `done`, there is nothing under this name.
        let _ = fs::remove_file(&self.beside);
    }
}

/// Writes a text file whole.
///
/// # Errors
/// [`FileWriteError`] with what the system answered.
pub fn write(path: &Path, text: &str) -> Result<(), FileWriteError> {
    let (whole, target) = Whole::begin(path)?;
    let failed = |source: io::Error| FileWriteError::Write { path: path.to_owned(), source };
    let mut file: File = target.emptied()?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_data()).map_err(failed)?;
    whole.done().map(drop)
}

#[cfg(test)]
mod tests {
    use super::{Whole, write};
    use std::fs;

    #[test]
    fn what_was_there_stays_until_the_new_file_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.html");
        fs::write(&path, "old").expect("a file");
        drop(Whole::begin(&path).expect("it can be begun"));
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "old");
        write(&path, "new").expect("it can be written");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "new");
        assert_eq!(fs::read_dir(folder.path()).expect("the folder is there").count(), 1, "nothing is left beside it");
        assert!(write(&folder.path().join("no/such/folder"), "x").is_err());
    }
}

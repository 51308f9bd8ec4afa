//! Recordings that are read.
//!
//! In: a path. Out: the bytes of a recording, for the library to read.

use modtrail_core::record::read::ReadError;
use std::fs::File;
use std::io::{self, BufReader};
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

#[cfg(test)]
mod tests {
    use super::read;
    use std::path::Path;

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let missing = read(Path::new("/nonexistent/it.mcap"), |_| Ok(())).expect_err("no such file");
        assert!(missing.to_string().contains("/nonexistent/it.mcap"));
    }
}

//! Files with numbers in their names: those of one recording, or of one flight recorder.
//!
//! In: the name that stands for all of them. Out: the files that exist, and the next one.

use super::file::{FileRecorder, Sync};
use super::target::{FileWriteError, Target};
use crate::files::folder;
use modtrail_core::event::Stamp;
use modtrail_core::record::preface::Preface;
use modtrail_core::record::segment::Segment;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Digits of a number in its name, at least.
const DIGITS: usize = 5;
/// Files of others that can be in the way of the next one.
const TRIES: u32 = 1_000;

/// Files with numbers: `boot.mcap` stands for `boot.00001.mcap`, `boot.00002.mcap` and so on.
#[derive(Clone, Debug)]
pub struct Numbered {
    folder: PathBuf,
    stem: OsString,
    extension: Option<OsString>,
}

impl Numbered {
    /// Those that `path` stands for.
    ///
    /// # Errors
    /// [`FileWriteError::Unfit`] if it names no file.
    pub fn of(path: &Path) -> Result<Self, FileWriteError> {
        let unfit = || FileWriteError::Unfit { path: path.to_owned(), reason: "it is not the name of a file" };
        let stem = path.file_stem().ok_or_else(unfit)?.to_owned();
        Ok(Self { folder: folder(path).to_owned(), stem, extension: path.extension().map(ToOwned::to_owned) })
    }

    /// The folder that they are in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The one with this number.
    #[must_use]
    pub fn path(&self, number: u32) -> PathBuf {
        let mut name = self.stem.clone();
        name.push(format!(".{number:0DIGITS$}"));
        if let Some(extension) = &self.extension {
            name.push(".");
            name.push(extension);
        }
        self.folder.join(name)
    }

    /// Those of this user's that exist, by number: whoever else may write to the folder does not decide about numbers.
    ///
    /// # Errors
    /// What the system answered.
    pub fn existing(&self) -> io::Result<BTreeMap<u32, PathBuf>> {
        let mut existing = BTreeMap::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let is_own = entry.metadata().is_ok_and(|file| file.uid() == rustix::process::geteuid().as_raw());
            if let Some(number) = self.number(&entry.path()).filter(|_| is_own) {
                existing.insert(number, entry.path());
            }
        }
        Ok(existing)
    }

    /// The number in a name of this kind; `None` if it is of another.
    fn number(&self, path: &Path) -> Option<u32> {
        let name = if self.extension.is_some() { path.file_stem()? } else { path.file_name()? };
        let has_extension = self.extension.is_none() || path.extension() == self.extension.as_deref();
        let digits = name.to_str()?.strip_prefix(self.stem.to_str()?)?.strip_prefix('.')?;
        let is_number = digits.len() >= DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        (has_extension && is_number).then(|| digits.parse().ok()).flatten()
    }

    /// A recording in a new file with the next number, and the number. If it cannot begin, no file is left behind.
    ///
    /// # Errors
    /// [`FileWriteError`] if it cannot be written.
    pub fn begin_next(
        &self,
        sync: Sync,
        segment: Option<&Segment>,
        preface: Preface,
        at: Stamp,
    ) -> Result<(u32, FileRecorder), FileWriteError> {
        let (number, target) = self.create_next()?;
        let begun = FileRecorder::begin(target, sync, segment, preface, at);
        if begun.is_err() {
            // It is in the way of nobody if it cannot be removed.
            let _ = fs::remove_file(self.path(number));
        }
        begun.map(|recorder| (number, recorder))
    }

    /// A new file with the next number.
    ///
    /// # Errors
    /// [`FileWriteError::Create`] with what the system answered.
    pub fn create_next(&self) -> Result<(u32, Target), FileWriteError> {
        let mut number = self.next_number()?;
        let tries = number.saturating_add(TRIES);
        loop {
            match Target::create(&self.path(number)) {
                Err(FileWriteError::Create { source, .. })
                    if source.kind() == io::ErrorKind::AlreadyExists && number < tries =>
                {
                    number += 1;
                }
                created => return created.map(|target| (number, target)),
            }
        }
    }

    /// The number after the last one.
    ///
    /// # Errors
    /// [`FileWriteError::Create`] with what the system answered.
    pub fn next_number(&self) -> Result<u32, FileWriteError> {
        let refused = |source| FileWriteError::Create { path: self.folder.clone(), source };
        let last = self.existing().map_err(refused)?.into_keys().next_back();
        Ok(last.unwrap_or(0).saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::Numbered;
    use std::fs;
    use std::path::Path;

    #[test]
    fn names_have_numbers_and_others_are_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let names = Numbered::of(&folder.path().join("boot.mcap")).expect("a name");
        for name in ["boot.mcap", "boot.00007.mcap", "boot.7.mcap", "boot.0000x.mcap", "boots.00009.mcap", "boot.00008"]
        {
            fs::write(folder.path().join(name), b"").expect("a file");
        }
        assert_eq!(names.existing().expect("the folder is there").into_keys().collect::<Vec<_>>(), [7]);
        let (number, target) = names.create_next().expect("a new file");
        assert_eq!((number, target.path()), (8, &*folder.path().join("boot.00008.mcap")));
        assert!(Numbered::of(Path::new("/")).is_err());
        let bare = Numbered::of(Path::new("trace")).expect("a name");
        assert_eq!(bare.number(&bare.path(123_456)), Some(123_456));
        assert_eq!(bare.path(3), Path::new("./trace.00003"));
    }
}

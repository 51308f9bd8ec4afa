//! A folder of one run, gone when the run is, and those of killed runs cleared away.
//!
//! In: nothing. Out: an empty folder in the cache that no other run uses.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::paths;

/// A folder younger than this may be one whose owner has not locked it yet.
const SURELY_LOCKED: Duration = Duration::from_secs(60);

/// The folder; removed when dropped.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// Makes one.
    pub fn new() -> Result<RunFolder> {
        let all = paths::cache()?.join("runs");
        paths::make_dir(&all)?;
        clear_abandoned(&all);
        let path = paths::temporary_beside(&all.join("run"));
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        let lock = File::create(path.join("lock")).context("cannot make a lock")?;
        lock.lock().context("cannot lock the folder of this run")?;
        Ok(RunFolder { path, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.path).ok();
    }
}

fn clear_abandoned(all: &Path) {
    for folder in fs::read_dir(all).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if paths::age(&folder).is_none_or(|age| age < SURELY_LOCKED) {
            continue;
        }
        let owner = File::open(folder.join("lock"));
        if owner.is_err() || owner.is_ok_and(|lock| lock.try_lock().is_ok()) {
            fs::remove_dir_all(&folder).ok();
        }
    }
}

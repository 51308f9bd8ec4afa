//! Where things are kept: the cache, the lock that guards it, files that appear whole or not at all.
//!
//! In: environment variables. Out: folders that exist. Everything in the cache can be deleted at any time
//! while nothing runs.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};

use crate::progress::say;

/// The root of the workspace this xtask was built in.
pub fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// `$MODTRAIL_CACHE`, else `$XDG_CACHE_HOME/modtrail`, else `~/.cache/modtrail`; made where missing.
pub fn cache() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = match (set("MODTRAIL_CACHE"), set("XDG_CACHE_HOME"), set("HOME")) {
        (Some(folder), _, _) => std::path::absolute(folder)?,
        (None, Some(folder), _) => folder.join("modtrail"),
        (None, None, Some(home)) => home.join(".cache/modtrail"),
        (None, None, None) => bail!("no place for a cache: set MODTRAIL_CACHE or HOME"),
    };
    make_dir(&folder)?;
    Ok(folder)
}

/// Where programs built for this project only are linked from (bpf-linker's LLVM): it must last.
pub fn data() -> Result<PathBuf> {
    let home = std::env::var_os("HOME").context("HOME is not set")?;
    Ok(PathBuf::from(home).join(".local/share/modtrail"))
}

/// Makes a folder with its parents.
pub fn make_dir(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

/// The right to write to the cache, given up when dropped (or when the process dies, in any way).
#[derive(Debug)]
pub struct CacheLock {
    _file: File,
}

/// Waits for the right to write to the cache.
pub fn lock_cache() -> Result<CacheLock> {
    let path = cache()?.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
    if file.try_lock().is_err() {
        say("waiting for another run that is filling the cache");
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    }
    Ok(CacheLock { _file: file })
}

/// A name beside `path` that no other process or thread uses; for writing and then renaming.
pub fn temporary_beside(path: &Path) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!("{name}.part-{}-{number}", std::process::id()))
}

/// Writes a file that appears whole or not at all.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = temporary_beside(path);
    fs::write(&part, bytes).with_context(|| format!("cannot write {}", part.display()))?;
    fs::rename(&part, path).with_context(|| format!("cannot write {}", path.display()))
}

/// Fills a folder under a temporary name and gives it its own when `fill` succeeded. What an interrupted
/// run left under temporary names is removed: call this under the cache lock only.
pub fn fill_folder(folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let parent = folder.parent().context("a folder without a parent")?;
    make_dir(parent)?;
    for entry in fs::read_dir(parent)?.flatten() {
        if entry.file_name().to_string_lossy().contains(".part-") && entry.path().is_dir() {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
    let part = temporary_beside(folder);
    make_dir(&part)?;
    let filled = fill(&part);
    if filled.is_err() {
        fs::remove_dir_all(&part).ok();
        return filled;
    }
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot replace {}", folder.display()))?;
    }
    fs::rename(&part, folder).with_context(|| format!("cannot make {}", folder.display()))
}

/// How long ago a file was last written; `None` where it does not exist or lies in the future.
pub fn age(path: &Path) -> Option<Duration> {
    SystemTime::now().duration_since(path.metadata().ok()?.modified().ok()?).ok()
}

/// A short name for the inputs of something cached.
pub fn key(inputs: impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    inputs.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// What stands for a file's content in a [`key`]: its path, size and time of writing.
pub fn stamp(path: &Path) -> Result<(PathBuf, u64, Option<Duration>)> {
    let meta = path.metadata().with_context(|| format!("cannot read {}", path.display()))?;
    let written = meta.modified()?.duration_since(SystemTime::UNIX_EPOCH).ok();
    Ok((path.to_path_buf(), meta.len(), written))
}

//! Guests that have booted already: each is saved once, where it waits for what a run brings, and continues from there
//! in every run. Booting takes half of a short run's time.
//!
//! In: a machine whose initramfs waits at that point. Out: a folder with the saved state and the files that it was
//! started from. What a run brings is on a small disk, which the guest reads after it continued.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::paths;
use crate::progress::say;
use crate::qemu::Machine;

/// The environment variable that turns them on.
pub const ENABLED: &str = "MODTRAIL_SNAPSHOTS";
/// What the guest writes to its results when it waits.
const READY: &[u8] = b"modtrail-guest-ready";
/// Bytes of a run's disk: the same for all, since the guest has seen it when it was saved.
const DISK_BYTES: u64 = 64 * 1024 * 1024;
/// Where the archive begins on it; the number of its bytes stands before.
const ARCHIVE_AT: usize = 4_096;
/// How long a guest is given to boot.
const BOOT_LIMIT: Duration = Duration::from_secs(120);
/// The file that says that a saved guest is whole.
const WHOLE: &str = "whole";
/// How often a guest is booted, until one that was saved goes on as it should: emulated machines damage their memory
/// now and then, and one that was saved so would fail in every run.
const BOOTS: u32 = 3;
/// How often the results are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Modules that the guest reads its disk with. They are unloaded again.
pub const MODULES: [&str; 2] = ["virtio_pci", "virtio_blk"];

/// Whether they are wanted.
pub fn is_enabled() -> bool {
    std::env::var_os(ENABLED).is_some_and(|value| !value.is_empty())
}

/// The saved state of a guest, in a folder with the kernel and the initramfs that it was started from. Nobody takes it
/// away while this lives.
#[derive(Debug)]
pub struct Snapshot {
    folder: PathBuf,
    _in_use: File,
}

impl Snapshot {
    /// The state, to be read by the emulator.
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// The kernel.
    pub fn kernel(&self) -> PathBuf {
        self.folder.join("kernel")
    }

    /// The initramfs.
    pub fn initrd(&self) -> PathBuf {
        self.folder.join("initrd")
    }

    /// The one of the guest called `name`, for which `key` stands; `make` fills a folder with the kernel and the
    /// initramfs and says which machine waits there, `check` continues the saved one. Those of other keys that nobody
    /// uses are taken away: they are of programs or kernels that are gone.
    pub fn provide(
        name: &str,
        key: &str,
        make: impl Fn(&Path) -> Result<Machine>,
        check: impl Fn(&Snapshot) -> Result<()>,
    ) -> Result<Snapshot> {
        let all = paths::cache()?.join("snapshots");
        paths::make_dir(&all)?;
        let folder = all.join(format!("{name}@{key}"));
        loop {
            let lock = lock_of(&folder)?;
            lock.lock_shared().context("cannot lock the saved guest")?;
            if folder.join(WHOLE).exists() {
                return Ok(Snapshot { folder, _in_use: lock });
            }
            drop(lock);
            let lock = lock_of(&folder)?;
            lock.lock().context("cannot lock the saved guest")?;
            if folder.join(WHOLE).exists() {
                continue;
            }
            discard_others(&all, name, &folder);
            fs::remove_dir_all(&folder).ok();
            paths::make_dir(&folder)?;
            say(format!("booting a {name} guest once, to continue from in every run"));
            let machine = make(&folder)?;
            let saved = Snapshot { folder: folder.clone(), _in_use: lock };
            for boot in 1.. {
                save(&machine, &saved.state()).with_context(|| format!("cannot save a {name} guest"))?;
                match check(&saved) {
                    Ok(()) => break,
                    Err(error) if boot < BOOTS => {
                        say(format!("the saved {name} guest does not go on ({error}): again"))
                    }
                    Err(error) => return Err(error).with_context(|| format!("no saved {name} guest goes on")),
                }
            }
            paths::write_whole(&folder.join(WHOLE), b"")?;
        }
    }
}

/// The file by whose lock a saved guest is in use (shared) or made or taken away (exclusive).
fn lock_of(folder: &Path) -> Result<File> {
    File::create(folder.with_added_extension("lock")).context("cannot make a lock")
}

/// Takes away the saved guests of this name that nobody uses, but for `kept`.
fn discard_others(all: &Path, name: &str, kept: &Path) {
    let folders = fs::read_dir(all).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_other = |folder: &PathBuf| {
        let is_of_name =
            folder.file_name().and_then(|own| own.to_str()?.split_once('@')).is_some_and(|(of, _)| of == name);
        is_of_name && folder != kept && folder.is_dir()
    };
    for folder in folders.filter(is_other) {
        let Ok(lock) = lock_of(&folder) else { continue };
        if lock.try_lock().is_ok() {
            fs::remove_dir_all(&folder).ok();
        }
    }
}

/// Boots the machine, waits until it waits, and saves it.
fn save(machine: &Machine, state: &Path) -> Result<()> {
    // What an earlier boot said.
    fs::remove_file(machine.results()).ok();
    let mut qemu = machine.start()?;
    let limit = Instant::now() + BOOT_LIMIT;
    while !fs::read(machine.results()).is_ok_and(|said| said.windows(READY.len()).any(|words| words == READY)) {
        if qemu.ended()?.is_some() || Instant::now() >= limit {
            bail!("the guest did not come up: {}", fs::read_to_string(machine.console()).unwrap_or_default());
        }
        thread::sleep(LOOK_EVERY);
    }
    let mut monitor = UnixStream::connect(machine.monitor()).context("cannot reach the emulator")?;
    // It is saved as it runs: one that was stopped first would be continued stopped.
    let commands = format!(
        "migrate_set_parameter max-bandwidth 100G\nmigrate \"exec:cat > {}\"\ninfo migrate\nquit\n",
        state.display()
    );
    monitor.write_all(commands.as_bytes()).context("cannot tell the emulator to save the guest")?;
    let mut answer = Vec::new();
    // The emulator quits, and with it the stream ends.
    monitor.read_to_end(&mut answer).ok();
    let answer = String::from_utf8_lossy(&answer);
    if !answer.contains("Migration status: completed") {
        bail!("the emulator answered: {answer}");
    }
    Ok(())
}

/// An empty disk, to be there when the guest is saved.
pub fn write_empty_disk(path: &Path) -> Result<()> {
    write_disk(path, &[])
}

/// A disk with an archive.
pub fn write_disk(path: &Path, archive: &[u8]) -> Result<()> {
    let disk = || -> std::io::Result<()> {
        let mut file = File::create(path)?;
        let mut head = format!("{}\n", archive.len()).into_bytes();
        head.resize(ARCHIVE_AT, 0);
        file.write_all(&head)?;
        file.write_all(archive)?;
        file.set_len(DISK_BYTES)
    };
    if archive.len() as u64 > DISK_BYTES - ARCHIVE_AT as u64 {
        bail!("a run brings {} bytes, for which its disk has no room", archive.len());
    }
    disk().with_context(|| format!("cannot write {}", path.display()))
}

//! Programs that go into a guest: busybox from the archive, kmod from this machine, shared libraries.
//!
//! In: programs of this machine. Out: their files and the closure of their libraries.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::apt::{self, PrivateApt};
use crate::paths;
use crate::process;

/// kmod's names in /sbin; busybox has weaker ones of the same names.
pub const KMOD_NAMES: [&str; 6] = ["modprobe", "rmmod", "insmod", "depmod", "lsmod", "modinfo"];

/// kmod of this machine.
pub fn kmod() -> Result<&'static Path> {
    let places = ["/usr/bin/kmod", "/bin/kmod"].map(Path::new);
    let found = places.into_iter().find(|path| path.exists());
    found.context("kmod is not installed: run `cargo xtask setup`")
}

/// A busybox that needs no libraries, unpacked into the cache. Needs the cache lock.
pub fn busybox() -> Result<PathBuf> {
    let folder = paths::cache()?.join("tools");
    let program = folder.join("busybox");
    if !program.exists() {
        let archive = PrivateApt::open()?;
        archive.refresh(apt::INDEX_KEPT)?;
        paths::fill_folder(&folder, |part| {
            archive.unpack(&[archive.of_host_release("busybox-static")], part)?;
            let places = ["bin/busybox", "usr/bin/busybox"].map(|place| part.join(place));
            let found = places.iter().find(|path| path.exists()).context("no busybox in its package")?;
            fs::rename(found, part.join("busybox")).context("cannot move busybox")
        })?;
    }
    Ok(program)
}

/// The applets of a busybox, as paths (`bin/ls`).
pub fn applets(busybox: &Path) -> Result<Vec<String>> {
    let text = process::text(Command::new(busybox).arg("--list-full"))?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// The shared libraries of programs, the loader included, by the paths they are looked for under.
pub fn libraries(programs: &[PathBuf]) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for program in programs {
        let answer = Command::new("ldd").arg(program).env_remove("LD_LIBRARY_PATH").output();
        let answer = answer.context("cannot start ldd")?;
        for line in String::from_utf8_lossy(&answer.stdout).lines() {
            if line.contains("not found") {
                bail!("{} lacks a library: {}", program.display(), line.trim());
            }
            // `libc.so.6 => /lib/… (0x…)`, or `/lib64/ld-linux… (0x…)`; the vDSO has no path.
            let path = line.split_whitespace().find(|word| word.starts_with('/'));
            found.extend(path.filter(|path| !path.ends_with(':')).map(PathBuf::from));
        }
    }
    Ok(found)
}

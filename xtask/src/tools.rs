//! Programs that go into a guest: busybox from the archive, kmod with its shared libraries from this machine or, for
//! another machine type, from the archive too.
//!
//! In: a machine type, programs. Out: their files and the closure of their libraries.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::apt::{self, PrivateApt};
use crate::arch::Arch;
use crate::cross;
use crate::paths;
use crate::process;

/// kmod's names in /sbin; busybox has weaker ones of the same names.
pub const KMOD_NAMES: [&str; 6] = ["modprobe", "rmmod", "insmod", "depmod", "lsmod", "modinfo"];

/// What every guest has.
#[derive(Clone, Debug)]
pub struct Base {
    /// A busybox that needs no libraries.
    pub busybox: PathBuf,
    /// kmod.
    pub kmod: PathBuf,
    /// kmod's libraries, the loader included, each by its place in the guest.
    pub libraries: BTreeMap<String, PathBuf>,
}

/// What guests of the machine type have. Needs the cache lock.
pub fn base(arch: Arch) -> Result<Base> {
    match arch {
        Arch::Amd64 => {
            let kmod = kmod()?.to_path_buf();
            let place = |library: PathBuf| Some((library.to_str()?.to_owned(), library.clone()));
            let libraries = libraries(std::slice::from_ref(&kmod))?.into_iter().filter_map(place).collect();
            Ok(Base { busybox: busybox()?, kmod, libraries })
        }
        Arch::Arm64 => {
            let root = cross::userland()?;
            let kmod = in_root(&root, &["usr/bin/kmod", "bin/kmod"])?;
            let libraries = libraries_in(&root, &kmod)?;
            Ok(Base { busybox: in_root(&root, &["usr/bin/busybox", "bin/busybox"])?, kmod, libraries })
        }
    }
}

fn in_root(root: &Path, places: &[&str]) -> Result<PathBuf> {
    let found = places.iter().map(|place| root.join(place)).find(|path| path.exists());
    found.with_context(|| format!("no {} in its package", places.last().unwrap_or(&"program")))
}

/// kmod of this machine.
pub fn kmod() -> Result<&'static Path> {
    let places = ["/usr/bin/kmod", "/bin/kmod"].map(Path::new);
    let found = places.into_iter().find(|path| path.exists());
    found.context("kmod is not installed: run `cargo xtask setup`")
}

/// A busybox for this machine, unpacked into the cache. Needs the cache lock.
pub fn busybox() -> Result<PathBuf> {
    let folder = paths::cache()?.join("tools");
    let program = folder.join("busybox");
    if !program.exists() {
        let archive = PrivateApt::open(Arch::Amd64)?;
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

/// The applets of busybox, as paths (`bin/ls`). This machine's is asked: Debian builds it alike for all. Needs the
/// cache lock.
pub fn applets() -> Result<Vec<String>> {
    let text = process::text(Command::new(busybox()?).arg("--list-full"))?;
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

/// The shared libraries of a program in a root folder, with the loader, by their places in it; nothing there is run.
fn libraries_in(root: &Path, program: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    let mut open = vec![program.to_path_buf()];
    while let Some(file) = open.pop() {
        let text =
            process::text(Command::new("readelf").args(["--dynamic", "--program-headers", "--wide"]).arg(&file))?;
        for name in text.lines().filter_map(named_library) {
            let place = library_place(root, name);
            let place = place.with_context(|| format!("{} lacks a library: {name}", program.display()))?;
            let path = root.join(&place);
            if found.insert(place, path.clone()).is_none() {
                open.push(path);
            }
        }
    }
    Ok(found)
}

/// The library, or the loader, that a line of readelf's names: `(NEEDED) Shared library: [libc.so.6]`,
/// `[Requesting program interpreter: /lib/ld-linux-aarch64.so.1]`.
fn named_library(line: &str) -> Option<&str> {
    let library = line.contains("(NEEDED)").then(|| line.split_once("library: ["));
    let loader = || line.split_once("[Requesting program interpreter: ");
    let (_, rest) = library.flatten().or_else(loader)?;
    Some(rest.split_once(']')?.0)
}

/// Where a library lies below `root`: where it says, or in one of the folders that the loader looks into.
fn library_place(root: &Path, name: &str) -> Option<String> {
    let name = name.trim_start_matches('/');
    let folders = ["", "lib/", "usr/lib/", "lib/aarch64-linux-gnu/", "usr/lib/aarch64-linux-gnu/"];
    folders.iter().map(|folder| format!("{folder}{name}")).find(|place| root.join(place).exists())
}

#[cfg(test)]
mod tests {
    use super::named_library;

    #[test]
    fn libraries_and_the_loader_are_named() {
        let needed = " 0x0000000000000001 (NEEDED)             Shared library: [libzstd.so.1]";
        assert_eq!(named_library(needed), Some("libzstd.so.1"));
        let loader = "      [Requesting program interpreter: /lib/ld-linux-aarch64.so.1]";
        assert_eq!(named_library(loader), Some("/lib/ld-linux-aarch64.so.1"));
        assert_eq!(named_library(" 0x000000000000000e (SONAME)             Library soname: [libc.so.6]"), None);
    }
}

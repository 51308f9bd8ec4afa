//! The project's own programs that go into a guest.
//!
//! In: the workspace, a machine type. Out: paths of `modtrail` and `provoke`, up to date (cargo decides).

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

use crate::arch::Arch;
use crate::cross;
use crate::paths;
use crate::process;

/// What is shipped into every guest.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The tracer. `None` where `MODTRAIL_BIN` is set and empty: a guest without it.
    pub modtrail: Option<PathBuf>,
    /// The program that provokes requests.
    pub provoke: PathBuf,
}

/// What was built for each machine type: a process asks cargo once, however many guests it runs.
static BUILT: [Mutex<Option<Programs>>; 2] = [Mutex::new(None), Mutex::new(None)];

/// Builds what has changed, for guests of a machine type, once in this process. `MODTRAIL_BIN` names a modtrail that
/// was made before, for guests of the type it was made for; empty, there is none. Not under the cache lock.
pub fn build(arch: Arch) -> Result<Programs> {
    let [amd64, arm64] = &BUILT;
    let built = match arch {
        Arch::Amd64 => amd64,
        Arch::Arm64 => arm64,
    };
    // Others wait until it is there: they want the same.
    let mut built = built.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(programs) = &*built {
        return Ok(programs.clone());
    }
    let programs = build_now(arch)?;
    *built = Some(programs.clone());
    Ok(programs)
}

fn build_now(arch: Arch) -> Result<Programs> {
    let named = std::env::var_os("MODTRAIL_BIN").map(PathBuf::from);
    let without = named.as_ref().is_some_and(|path| path.as_os_str().is_empty());
    let named = match named.filter(|_| !without) {
        Some(path) if is_for(&path, arch)? => Some(path),
        Some(_) | None => None,
    };
    let wanted: &[&str] = if without || named.is_some() { &[] } else { &["modtrail"] };
    let mut programs = match arch {
        Arch::Amd64 => {
            let built = wanted.first().map(|_| modtrail()).transpose()?;
            Programs { modtrail: built, provoke: provoke()? }
        }
        Arch::Arm64 => cross_built(!wanted.is_empty())?,
    };
    programs.modtrail = programs.modtrail.or(named);
    Ok(programs)
}

/// Whether the program runs on machines of the type, by its ELF header.
fn is_for(program: &Path, arch: Arch) -> Result<bool> {
    let mut header = [0_u8; 20];
    let read = File::open(program).and_then(|mut file| file.read_exact(&mut header));
    read.with_context(|| format!("cannot read {}, which MODTRAIL_BIN names", program.display()))?;
    let [.., low, high] = header;
    Ok(header.starts_with(b"\x7fELF") && u16::from_le_bytes([low, high]) == arch.elf_machine())
}

/// The release build of modtrail.
pub fn modtrail() -> Result<PathBuf> {
    build_one(&["--release", "-p", "modtrail", "--bin", "modtrail"], "release", "modtrail")
}

/// The profile of what is tested.
pub const CHECKED: &str = "checked";

/// The build of modtrail that the tests of the host make too, and that guests run: beside an example, and of no package
/// by name, it is built with the same features.
pub fn checked() -> Result<PathBuf> {
    build_one(&["--profile", CHECKED, "--bin", "modtrail", "--example", "frames"], CHECKED, "modtrail")
}

/// provoke, by the profile that xtask itself is built by: what it depends on is there already.
pub fn provoke() -> Result<PathBuf> {
    build_one(&["-p", "xtask", "--bin", "provoke"], "debug", "provoke")
}

fn build_one(what: &[&str], profile: &str, program: &str) -> Result<PathBuf> {
    let mut cargo = process::host_cargo();
    process::run(cargo.arg("build").args(what)).with_context(|| format!("cannot build {program}"))?;
    Ok(target_folder()?.join(profile).join(program))
}

/// The builds for arm64, in a folder of their own: another compiler makes them.
fn cross_built(with_modtrail: bool) -> Result<Programs> {
    let target = target_folder()?.join("arm64");
    let lock = paths::lock_cache()?;
    let mut cargo = cross::cargo_build(&target)?;
    drop(lock);
    cargo.args(["--profile", CHECKED, "-p", "xtask", "--bin", "provoke"]);
    if with_modtrail {
        cargo.args(["-p", "modtrail", "--bin", "modtrail"]);
    }
    process::run(&mut cargo).context("cannot build modtrail and provoke for arm64")?;
    let built = target.join(cross::TARGET).join(CHECKED);
    Ok(Programs { modtrail: with_modtrail.then(|| built.join("modtrail")), provoke: built.join("provoke") })
}

/// Where cargo builds.
pub fn target_folder() -> Result<PathBuf> {
    match std::env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty()) {
        // Cargo takes it relative to where it was started: here, the workspace.
        Some(folder) => Ok(paths::workspace().join(folder)),
        None => Ok(paths::workspace().join("target")),
    }
}

//! The project's own programs that go into a guest.
//!
//! In: the workspace. Out: paths of `modtrail` and `provoke`, up to date (cargo decides).

use std::path::PathBuf;

use anyhow::{Context, Result};

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

/// Builds what has changed. `MODTRAIL_BIN` names a ready-made modtrail instead; empty, there is none.
pub fn build() -> Result<Programs> {
    let modtrail = match std::env::var_os("MODTRAIL_BIN") {
        Some(path) if path.is_empty() => None,
        Some(path) => Some(PathBuf::from(path)),
        None => Some(modtrail()?),
    };
    Ok(Programs { modtrail, provoke: provoke()? })
}

/// The release build of modtrail.
pub fn modtrail() -> Result<PathBuf> {
    build_one(&["--release", "-p", "trace-user", "--bin", "modtrail"], "release", "modtrail")
}

/// provoke, by the profile this xtask was built with: what it depends on is there already.
pub fn provoke() -> Result<PathBuf> {
    build_one(&["-p", "xtask", "--bin", "provoke"], "debug", "provoke")
}

fn build_one(what: &[&str], profile: &str, program: &str) -> Result<PathBuf> {
    let mut cargo = process::host_cargo();
    process::run(cargo.args(["build", "--quiet"]).args(what)).with_context(|| format!("cannot build {program}"))?;
    Ok(target_folder()?.join(profile).join(program))
}

/// Where cargo builds.
pub fn target_folder() -> Result<PathBuf> {
    match std::env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty()) {
        // Cargo takes it relative to where it was started: here, the workspace.
        Some(folder) => Ok(paths::workspace().join(folder)),
        None => Ok(paths::workspace().join("target")),
    }
}

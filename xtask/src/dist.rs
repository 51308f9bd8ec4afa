//! `cargo xtask dist`: the program as it is handed out.
//!
//! In: the workspace. Out: `target/dist/release/modtrail`, which holds no path of the machine that built it: the same
//! sources and compilers give the same bytes in any folder.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::artifact;
use crate::paths;
use crate::process::{self, host_cargo};
use crate::progress::say;
use crate::setup;

/// Builds it and says where it is.
pub fn run() -> Result<ExitCode> {
    setup::run()?;
    let program = build(paths::workspace(), &artifact::target_folder()?.join("dist"))?;
    say(format!("built {}", program.display()));
    Ok(ExitCode::SUCCESS)
}

/// Builds the sources in `folder` into `target`.
pub fn build(folder: &Path, target: &Path) -> Result<PathBuf> {
    let mut cargo = host_cargo();
    cargo.current_dir(folder).args(["build", "--release", "--locked", "-p", "modtrail", "--bin", "modtrail"]);
    cargo.arg("--target-dir").arg(target).env("CARGO_ENCODED_RUSTFLAGS", remapped(folder)?.join("\x1f"));
    // What another build was given has no place in it.
    cargo.env_remove("MODTRAIL_EBPF_OBJECTS").env_remove("RUSTFLAGS");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PROFILE_")) {
            cargo.env_remove(name);
        }
    }
    process::run(&mut cargo).context("cannot build modtrail")?;
    Ok(target.join("release/modtrail"))
}

/// What keeps the compiler from writing this machine's paths into the program.
fn remapped(folder: &Path) -> Result<[String; 3]> {
    let sysroot = process::text(Command::new("rustc").args(["--print", "sysroot"]).current_dir(folder))?;
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    Ok([
        remap(folder, "modtrail"),
        remap(&cargo_home()?, "cargo"),
        remap(&Path::new(sysroot.trim()).join("lib/rustlib/src/rust"), "rust"),
    ])
}

fn cargo_home() -> Result<PathBuf> {
    if let Some(home) = std::env::var_os("CARGO_HOME").filter(|home| !home.is_empty()) {
        return Ok(PathBuf::from(home));
    }
    Ok(PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cargo"))
}

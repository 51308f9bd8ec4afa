//! What this machine needs for building and testing, installed where missing.
//!
//! In: a Debian machine with rustup's stable. Out: the BPF toolchain, bpf-linker, cargo-deny, the emulator. Quick when
//! all is there.
#![expect(unsafe_code, reason = "geteuid")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::apt;
use crate::paths;
use crate::process::{self, foreign_toolchain, in_path};
use crate::progress::say;

/// Packages of Debian, with a reason each.
const PACKAGES: [(&str, &str); 17] = [
    ("rustc-web", "the compiler for BPF, of one version with the next"),
    ("libstd-rust-web-dev-bpf", "core, compiled for BPF"),
    ("cargo-web", "links the BPF programs by bpf-linker"),
    ("rust-web-clippy", "lints of the BPF programs"),
    ("rustfmt-web", "completes that toolchain"),
    ("libllvm22", "bpf-linker writes BPF with it"),
    ("qemu-system-x86", "guests"),
    ("kmod", "module indexes, and modprobe in guests"),
    ("xz-utils", "compressed kernels"),
    ("zstd", "compressed kernels"),
    ("lz4", "compressed kernels"),
    ("binutils", "strip"),
    ("gcc", "linking Rust programs"),
    ("gcc-12", "the test module, by the compiler of the kernels"),
    ("libc6-dev", "linking Rust programs"),
    ("make", "the test module"),
    ("libelf-dev", "objtool, for the test module"),
];

/// The toolchain's name for rustup, and the folder it stands in.
pub const BPF_TOOLCHAIN: &str = "rust-web";
const BPF_TOOLCHAIN_ROOT: &str = "/usr";
const BPF_LINKER: &str = "0.13.0";
const CARGO_DENY: &str = "0.20.2";
const LLVM: &str = "/usr/lib/x86_64-linux-gnu/libLLVM.so.22.1";

/// Brings the machine up to what is needed.
pub fn run() -> Result<()> {
    if !apt::is_debian() {
        bail!(
            "this machine is not Debian: install with its own means qemu-system-x86_64, kmod, gcc, make, xz, zstd and \
             lz4, then `rustup toolchain install nightly --component rust-src` and `cargo install bpf-linker`"
        );
    }
    packages(&PACKAGES.map(|(name, _)| name))?;
    toolchain()?;
    bpf_linker()?;
    cargo_deny()
}

/// Installs those of these packages of Debian that are missing.
pub fn packages(wanted: &[&str]) -> Result<()> {
    let missing: Vec<&str> = wanted.iter().copied().filter(|name| !is_installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    say(format!("installing {}", missing.join(" ")));
    let install = || {
        let mut command = as_root("apt-get");
        command.args(["-q", "-o", "DPkg::Lock::Timeout=120", "install", "-y", "--no-install-recommends"]);
        process::run(command.args(&missing))
    };
    let known = missing.iter().all(|name| is_known(name));
    if known && install().is_ok() {
        return Ok(());
    }
    // The index may be absent, or so old that the mirror has dropped what it names.
    process::run(as_root("apt-get").args(["-q", "-o", "DPkg::Lock::Timeout=120", "update"]))?;
    install()
}

fn is_installed(package: &str) -> bool {
    let query = Command::new("dpkg-query").args(["-W", "-f", "${db:Status-Status}\n", package]).output();
    query.is_ok_and(|answer| String::from_utf8_lossy(&answer.stdout).lines().any(|line| line == "installed"))
}

fn is_known(package: &str) -> bool {
    let query = Command::new("apt-cache").args(["show", "--no-all-versions", package]).output();
    query.is_ok_and(|answer| answer.status.success() && !answer.stdout.is_empty())
}

/// Whether we are root.
pub fn is_root() -> bool {
    // SAFETY: the call has no arguments and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

fn as_root(program: &str) -> Command {
    let mut command = if is_root() { Command::new("env") } else { Command::new("sudo") };
    command.args(["DEBIAN_FRONTEND=noninteractive", program]);
    command
}

fn toolchain() -> Result<()> {
    if !in_path("rustup") {
        bail!("rustup is not in PATH: it chooses between the compiler for the host and the one for BPF");
    }
    let known = process::text(foreign_toolchain("rustup").args(["toolchain", "list", "-v"]))?;
    let linked = known.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some(BPF_TOOLCHAIN) && words.any(|word| word.trim_end_matches('/') == BPF_TOOLCHAIN_ROOT)
    });
    if linked {
        return Ok(());
    }
    say(format!("telling rustup of the compiler for BPF ({BPF_TOOLCHAIN})"));
    process::run(foreign_toolchain("rustup").args(["toolchain", "link", BPF_TOOLCHAIN, BPF_TOOLCHAIN_ROOT]))
}

fn bpf_linker() -> Result<()> {
    if has_bpf_linker() {
        return Ok(());
    }
    say(format!("building bpf-linker {BPF_LINKER} (about a minute)"));
    let prefix = llvm_prefix()?;
    let mut cargo = foreign_toolchain("cargo");
    cargo.arg(format!("+{BPF_TOOLCHAIN}")).args(["install", "bpf-linker", "--version", BPF_LINKER, "--force"]);
    cargo.args(["--locked", "--no-default-features", "--features", "llvm-22"]);
    // Outside the workspace, whose own settings are not meant for it.
    cargo.env("LLVM_PREFIX", &prefix).env("CARGO_PROFILE_RELEASE_DEBUG", "0").current_dir("/");
    process::run(&mut cargo)?;
    if !has_bpf_linker() {
        bail!("bpf-linker {BPF_LINKER} was built but does not answer: is cargo's bin folder in PATH?");
    }
    Ok(())
}

fn has_bpf_linker() -> bool {
    let answer = Command::new("bpf-linker").arg("--version").env_remove("LD_LIBRARY_PATH").output();
    answer.is_ok_and(|answer| String::from_utf8_lossy(&answer.stdout).trim().ends_with(BPF_LINKER))
}

/// What checks licences and sources of dependencies.
fn cargo_deny() -> Result<()> {
    if has_cargo_deny() {
        return Ok(());
    }
    say(format!("building cargo-deny {CARGO_DENY} (about two minutes)"));
    let mut cargo = process::host_cargo();
    // It runs for a second or two: what optimising it takes is never earned back.
    cargo.args(["install", "cargo-deny", "--version", CARGO_DENY, "--force", "--locked", "--profile", "dev"]);
    process::run(cargo.env("CARGO_PROFILE_DEV_DEBUG", "0").current_dir("/"))?;
    if !has_cargo_deny() {
        bail!("cargo-deny {CARGO_DENY} was built but does not answer: is cargo's bin folder in PATH?");
    }
    Ok(())
}

fn has_cargo_deny() -> bool {
    let answer = Command::new("cargo-deny").arg("--version").output();
    answer.is_ok_and(|answer| String::from_utf8_lossy(&answer.stdout).trim().ends_with(CARGO_DENY))
}

/// A folder in which LLVM has the name linkers look for. It ends up in bpf-linker, so it must last.
fn llvm_prefix() -> Result<PathBuf> {
    let prefix = paths::data()?.join("llvm22");
    paths::make_dir(&prefix.join("lib"))?;
    let link = prefix.join("lib/libLLVM.so");
    if fs::read_link(&link).ok().as_deref() != Some(Path::new(LLVM)) {
        fs::remove_file(&link).ok();
        symlink(LLVM, &link).with_context(|| format!("cannot link {}", link.display()))?;
    }
    Ok(prefix)
}

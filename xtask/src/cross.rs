//! What guests of arm64 need that this machine does not have: an emulator, a compiler and a linker, Rust's standard
//! library, the programs of the guest's base.
//!
//! In: Debian's archive, seen from both machine types. Out: programs and folders in the cache, unpacked at their first
//! use. Nothing is installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::apt::{self, PrivateApt};
use crate::arch::Arch;
use crate::paths;
use crate::process::{self, foreign_toolchain};
use crate::setup::BPF_TOOLCHAIN;

/// The emulator; its libraries are those of the emulator of this machine's own type.
const EMULATOR: [&str; 1] = ["qemu-system-arm"];

/// The compiler of the kernels' own release, with what it links.
const COMPILER: [&str; 8] = [
    "gcc-12-aarch64-linux-gnu",
    "cpp-12-aarch64-linux-gnu",
    "binutils-aarch64-linux-gnu",
    "libgcc-12-dev-arm64-cross",
    "libgcc-s1-arm64-cross",
    "libc6-arm64-cross",
    "libc6-dev-arm64-cross",
    "linux-libc-dev-arm64-cross",
];

/// What begins the names of the compiler's programs (`CROSS_COMPILE`).
pub const PREFIX: &str = "aarch64-linux-gnu-";

/// rustc's name for the guest.
pub const TARGET: &str = "aarch64-unknown-linux-gnu";

/// The compiler, the linker and the like for arm64, running on this machine.
#[derive(Debug)]
pub struct Compiler {
    folder: PathBuf,
}

impl Compiler {
    /// The compiler. Needs the cache lock.
    pub fn provide() -> Result<Compiler> {
        Ok(Compiler { folder: unpacked("compiler", Arch::Amd64, &COMPILER)? })
    }

    /// The file of one of its programs, by the name it has on the machine it is for (`strip`).
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs().join(format!("{PREFIX}{name}"))
    }

    /// Lets `command`, and what it starts, find the compiler's programs: they have libraries of their own.
    pub fn lend(&self, command: &mut Command) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.programs()).chain(std::env::split_paths(&path));
        if let Ok(path) = std::env::join_paths(folders) {
            command.env("PATH", path);
        }
        command.env("LD_LIBRARY_PATH", self.folder.join("usr/lib/x86_64-linux-gnu"));
    }

    fn programs(&self) -> PathBuf {
        self.folder.join("usr/bin")
    }
}

/// The emulator. Needs the cache lock.
pub fn emulator() -> Result<PathBuf> {
    Ok(unpacked("emulator", Arch::Amd64, &EMULATOR)?.join("usr/bin/qemu-system-aarch64"))
}

/// A root folder with busybox, kmod and kmod's libraries. Needs the cache lock.
pub fn userland() -> Result<PathBuf> {
    provided("userland", Arch::Arm64, |archive| {
        let kmod = archive.of_host_release("kmod");
        let libraries = archive.dependencies(&kmod)?.into_iter().filter(|name| name.starts_with("lib"));
        let mut packages: Vec<String> = libraries.map(|name| archive.of_host_release(&name)).collect();
        packages.extend([kmod, archive.of_host_release("busybox-static")]);
        Ok(packages)
    })
}

/// `cargo build` in the workspace, for arm64, into `target`: static programs. Needs the cache lock.
pub fn cargo_build(target: &Path) -> Result<Command> {
    let compiler = Compiler::provide()?;
    let library = standard_library()?;
    let mut cargo = foreign_toolchain("cargo");
    cargo.arg(format!("+{BPF_TOOLCHAIN}")).args(["build", "--target", TARGET]);
    cargo.arg("--target-dir").arg(target).current_dir(paths::workspace());
    let sysroot = format!("--sysroot={}", library.join("usr").display());
    let flags = [sysroot.as_str(), "-Ctarget-feature=+crt-static"];
    cargo.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", compiler.program("gcc-12"));
    cargo.env("CC_aarch64_unknown_linux_gnu", compiler.program("gcc-12"));
    cargo.env("AR_aarch64_unknown_linux_gnu", compiler.program("ar"));
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    // What runs in an emulator is not measured, and optimising takes most of the build's time.
    cargo.env("CARGO_PROFILE_CHECKED_OPT_LEVEL", "0");
    // A ready-made object reads this machine's registers.
    cargo.env_remove("MODTRAIL_EBPF_OBJECTS");
    compiler.lend(&mut cargo);
    Ok(cargo)
}

/// Rust's standard library for arm64, of exactly the version of the compiler that is installed.
fn standard_library() -> Result<PathBuf> {
    let query = process::text(Command::new("dpkg-query").args(["-W", "-f", "${Version}", "rustc-web"]));
    let version = query.context("rustc-web is not installed: run `cargo xtask setup`")?;
    let package = format!("libstd-rust-web-dev={version}");
    let found = unpacked(&format!("rust-{}", version.replace(['/', ':'], "_")), Arch::Arm64, &[&package]);
    found.with_context(|| format!("cannot get Rust's library for arm64 of rustc-web {version}: upgrade rustc-web"))
}

/// Packages of the host's own release (or of the version they name), unpacked into a folder of the cache.
fn unpacked(name: &str, arch: Arch, packages: &[&str]) -> Result<PathBuf> {
    provided(name, arch, |archive| {
        let place = |package: &&str| match package.contains('=') {
            true => (*package).to_owned(),
            false => archive.of_host_release(package),
        };
        Ok(packages.iter().map(place).collect())
    })
}

fn provided(name: &str, arch: Arch, packages: impl FnOnce(&PrivateApt) -> Result<Vec<String>>) -> Result<PathBuf> {
    let folder = paths::cache()?.join("arm64").join(name);
    if !folder.exists() {
        let archive = PrivateApt::open(arch)?;
        archive.refresh(apt::INDEX_KEPT)?;
        let packages = packages(&archive)?;
        paths::fill_folder(&folder, |part| archive.unpack(&packages, part))
            .with_context(|| format!("cannot get the {name} for arm64"))?;
    }
    Ok(folder)
}

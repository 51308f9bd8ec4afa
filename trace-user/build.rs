//! Builds the probes that the binary carries (trace-ebpf, for the BPF target).
//!
//! In: the toolchain that is there (Debian's `rust-web` with its precompiled BPF `core`, else nightly with
//! `-Zbuild-std`), or a folder of prebuilt objects named by `MODTRAIL_EBPF_OBJECTS`. Out: `trace-ebpf`,
//! `trace-ebpf-log`, `ask` and `stack` in `$OUT_DIR`.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "bpfel-unknown-none";
const PREBUILT: &str = "MODTRAIL_EBPF_OBJECTS";
/// The objects: the probes, the same with debug messages, the questions to the kernel, and the stacks of stuck threads.
const OBJECTS: [&str; 4] = ["trace-ebpf", "trace-ebpf-log", "ask", "stack"];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-env-changed={PREBUILT}");
    for part in ["../trace-ebpf/src", "../trace-ebpf/Cargo.toml", "../trace-common/src", "../Cargo.lock"] {
        println!("cargo::rerun-if-changed={part}");
    }
    match env::var_os(PREBUILT) {
        Some(folder) => copy_objects(Path::new(&folder), &out),
        None => build_objects(&out),
    }
}

fn copy_objects(from: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    for name in OBJECTS {
        let object = from.join(name);
        fs::copy(&object, out.join(name))
            .map_err(|error| format!("cannot copy the eBPF object {}: {error}", object.display()))?;
    }
    Ok(())
}

/// Runs cargo for the BPF target.
fn build_objects(out: &Path) -> Result<(), Box<dyn Error>> {
    // One for all profiles and machine types, where cargo's own folder is known: most of what is built is the same.
    let target_dir = out.ancestors().filter(|folder| is_cargos(folder)).last().unwrap_or(out).join("ebpf");
    let folder = target_dir.join(TARGET).join("release");
    fs::create_dir_all(&target_dir)?;
    // Another build may be here at the same time.
    let lock = fs::File::create(target_dir.join("lock"))?;
    lock.lock()?;
    let toolchain = bpf_toolchain()?;
    build(toolchain, &target_dir)?;
    copy_objects(&folder, out)
}

/// Whether cargo has made the folder to build in.
fn is_cargos(folder: &Path) -> bool {
    fs::read_to_string(folder.join("CACHEDIR.TAG")).is_ok_and(|tag| tag.contains("created by cargo"))
}

fn build((toolchain, build_std): (&str, bool), target_dir: &Path) -> Result<(), Box<dyn Error>> {
    let arch = env::var("CARGO_CFG_TARGET_ARCH")?;
    let mut command = Command::new("rustup");
    command.args(["run", toolchain, "cargo", "build", "--quiet", "--release", "--package", "trace-ebpf", "--bins"]);
    command.args(["--target", TARGET, "--target-dir"]).arg(target_dir);
    if build_std {
        command.arg("-Zbuild-std=core");
    } else {
        command.env("RUSTC_BOOTSTRAP", "aya_ebpf,trace_ebpf,trace_ebpf_log");
    }
    // Without debug information, which nothing reads: the loader knows the programs by their symbols.
    let flags = [&format!("--cfg=bpf_target_arch=\"{arch}\"") as &str, "-Cdebuginfo=0"];
    for (name, _) in env::vars_os() {
        let is_foreign = name.to_str().is_some_and(|name| {
            ["RUSTC", "RUSTUP_TOOLCHAIN", "RUSTFLAGS", "CARGO_PROFILE_"].iter().any(|start| name.starts_with(start))
        });
        if is_foreign && name != "RUSTC_BOOTSTRAP" {
            command.env_remove(name);
        }
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    let status = command.status().map_err(|error| format!("cannot run rustup: {error}"))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("building trace-ebpf with toolchain {toolchain} failed; `cargo xtask setup` installs what it needs")
        .into())
}

/// The toolchain that can build for BPF, and whether it has to build `core` itself.
fn bpf_toolchain() -> Result<(&'static str, bool), Box<dyn Error>> {
    if Command::new("bpf-linker").arg("--version").output().is_err() {
        return Err(missing("bpf-linker"));
    }
    if sysroot("rust-web").is_some_and(|root| root.join("lib/rustlib").join(TARGET).exists()) {
        return Ok(("rust-web", false));
    }
    if sysroot("nightly").is_some_and(|root| root.join("lib/rustlib/src/rust/library/core").exists()) {
        return Ok(("nightly", true));
    }
    Err(missing("a Rust toolchain for the BPF target"))
}

fn missing(what: &str) -> Box<dyn Error> {
    format!(
        "{what} is not installed: run `cargo xtask setup` (Debian), or install nightly with rust-src and bpf-linker, \
         or name a folder of prebuilt objects in {PREBUILT}"
    )
    .into()
}

fn sysroot(toolchain: &str) -> Option<PathBuf> {
    let output = Command::new("rustup")
        .args(["run", toolchain, "rustc", "--print", "sysroot"])
        .env_remove("RUSTUP_TOOLCHAIN")
        .output()
        .ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(path.trim()))
}

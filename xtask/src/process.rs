//! Running other programs: with their failure as an error that names them, and cargo without inherited state.
//!
//! In: a [`Command`]. Out: its success, or what it wrote. Their stdout never reaches ours unless asked for.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Runs `command` with its stdout on our stderr; an error where it cannot start or fails.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command
        .stdin(Stdio::null())
        .stdout(io::stderr())
        .status()
        .with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed: {status}");
    }
    Ok(())
}

/// Runs `command` and returns its stdout; its stderr becomes part of the error where it fails.
pub fn output(command: &mut Command) -> Result<Vec<u8>> {
    let shown = show(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start `{shown}`"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("`{shown}` failed: {}\n{}", output.status, stderr.trim_end());
    }
    Ok(output.stdout)
}

/// Like [`output`], as text.
pub fn text(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8_lossy(&output(command)?).into_owned())
}

/// Whether `program` stands in PATH.
pub fn in_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| is_executable(&folder.join(program))))
}

/// Where `program` stands in PATH; as it is where it does not, or is a path itself.
pub fn found(program: &Path) -> PathBuf {
    let all = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&all).map(|folder| folder.join(program)).filter(|path| is_executable(path));
    found.next().unwrap_or_else(|| program.to_path_buf())
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// `cargo` in the workspace with the toolchain this one runs under, without what an outer `cargo run` sets
/// for the program it starts (it would reach the build scripts of the inner one).
pub fn host_cargo() -> Command {
    let mut command = Command::new("cargo");
    for (name, _) in std::env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        let inherited = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_PRIMARY_", "CARGO_CRATE_"];
        if inherited.iter().any(|prefix| text.starts_with(prefix)) || text == "OUT_DIR" {
            command.env_remove(&name);
        }
    }
    command.env_remove("LD_LIBRARY_PATH").env_remove("CARGO").current_dir(crate::paths::workspace());
    command
}

/// A program of another toolchain (`cargo +rust-web`): nothing of this one's environment but where cargo's
/// own folder is and how it reaches its registry.
pub fn foreign_toolchain(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        let kept = ["CARGO_HOME", "CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTR", "CARGO_SOURCE_"];
        let foreign = text.starts_with("CARGO") || text.starts_with("RUSTC") || text == "RUSTFLAGS";
        let toolchain = matches!(text, "RUSTUP_TOOLCHAIN" | "RUSTDOC" | "RUSTDOCFLAGS" | "OUT_DIR");
        if (foreign && !kept.iter().any(|prefix| text.starts_with(prefix))) || toolchain {
            command.env_remove(&name);
        }
    }
    command.env_remove("LD_LIBRARY_PATH");
    command
}

fn show(command: &Command) -> String {
    let mut shown = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        shown.push(' ');
        shown.push_str(&argument.to_string_lossy());
    }
    shown
}

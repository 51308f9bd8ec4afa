//! `cargo xtask check`: everything that holds without running the program.
//!
//! In: the workspace. Out: status 0, or 1 with the names of the checks that failed, all of them run.

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::artifact::{self, CHECKED};
use crate::paths;
use crate::process::{self, foreign_toolchain, host_cargo};
use crate::progress::say;
use crate::rooms;
use crate::setup::{self, BPF_TOOLCHAIN};

/// A check: its name, and what does it.
type Check = (&'static str, fn() -> Result<()>);

/// Columns of a line: rustfmt holds them for code.
const COLUMNS: usize = 120;

const CHECKS: [Check; 8] = [
    ("formatting", formatting),
    ("width of comments", comments),
    ("lints of the host crates", host_lints),
    ("lints of the BPF crate", bpf_lints),
    ("documentation", documentation),
    ("allowed imports", rooms::check),
    ("dependencies", dependencies),
    ("docs/hooks.md", hooks_document),
];

/// Runs all checks.
pub fn run() -> Result<ExitCode> {
    setup::run()?;
    let failed = failures();
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    say(format!("failed: {}", failed.join(", ")));
    Ok(ExitCode::FAILURE)
}

/// How many checks there are.
pub const COUNT: usize = CHECKS.len();

/// Runs all checks and names those that failed.
pub fn failures() -> Vec<&'static str> {
    let fails = |(name, check): &Check| {
        say(name);
        let outcome = check();
        if let Err(error) = &outcome {
            eprintln!("{error:#}");
        }
        outcome.is_err().then_some(*name)
    };
    CHECKS.iter().filter_map(fails).collect()
}

fn formatting() -> Result<()> {
    process::run(host_cargo().args(["fmt", "--all", "--check"]))
}

/// rustfmt leaves comments alone.
fn comments() -> Result<()> {
    let root = paths::workspace();
    let mut wrong = Vec::new();
    for folder in ["trace-common", "trace-ebpf", "trace-user", "xtask"] {
        for file in rooms::sources(&root.join(folder))? {
            let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let shown = file.strip_prefix(root).unwrap_or(&file).display().to_string();
            let is_wide = |line: &str| line.trim_start().starts_with("//") && line.chars().count() > COLUMNS;
            let wide = text.lines().enumerate().filter(|(_, line)| is_wide(line));
            wrong.extend(wide.map(|(number, _)| format!("{shown}:{}: wider than {COLUMNS} columns", number + 1)));
        }
    }
    if wrong.is_empty() { Ok(()) } else { bail!("{}", wrong.join("\n")) }
}

/// Broken links, and what is not a link.
fn documentation() -> Result<()> {
    let mut cargo = host_cargo();
    cargo.env("RUSTDOCFLAGS", "-D warnings");
    process::run(cargo.args(["doc", "--quiet", "--profile", CHECKED, "--no-deps", "--lib"]))
}

fn host_lints() -> Result<()> {
    // "All" leaves the guest tests out, which are built only if they are named.
    let targets: [&[&str]; 2] = [&["--all-targets"], &["-p", "xtask", "--test", "guest"]];
    let lint = |targets: &[&str]| {
        let clippy = ["clippy", "--quiet", "--profile", CHECKED];
        process::run(host_cargo().args(clippy).args(targets).args(["--", "-D", "warnings"]))
    };
    targets.into_iter().try_for_each(lint)
}

fn bpf_lints() -> Result<()> {
    let mut cargo = foreign_toolchain("cargo");
    cargo.current_dir(paths::workspace()).arg(format!("+{BPF_TOOLCHAIN}"));
    cargo.args(["clippy", "--quiet", "--release", "-p", "trace-ebpf", "--bins", "--target", "bpfel-unknown-none"]);
    // Where the programs are built: what runs on the host is there already.
    cargo.arg("--target-dir").arg(artifact::target_folder()?.join("ebpf"));
    // As in the build of the BPF programs: only the crates that need an unstable feature get it.
    let flags = [&format!("--cfg=bpf_target_arch=\"{}\"", std::env::consts::ARCH), "-Cdebuginfo=0"];
    cargo
        .env("RUSTC_BOOTSTRAP", "aya_ebpf,trace_ebpf,trace_ebpf_log")
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    process::run(cargo.args(["--", "-D", "warnings"]))
}

/// Licences, sources and wildcards, as deny.toml wants them. Advisories are left out: they change without the tree, and
/// need the network.
fn dependencies() -> Result<()> {
    process::run(host_cargo().args([
        "deny",
        "--locked",
        "--log-level",
        "error",
        "--all-features",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))
}

/// The table of hooks is made by the program itself.
fn hooks_document() -> Result<()> {
    let made = process::text(Command::new(artifact::checked()?).args(["doctor", "--hooks-table"]))?;
    let path = paths::workspace().join("docs/hooks.md");
    let kept = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    if made == kept {
        return Ok(());
    }
    let lines = made.lines().zip(kept.lines()).take_while(|(a, b)| a == b).count();
    bail!("docs/hooks.md differs from `modtrail doctor --hooks-table` from line {}: regenerate it", lines + 1)
}

//! What the dashboard costs, beside bottom's, which idles in the same run.
//!
//! In: how many requests. Out: rows: a frame, from a key to the screen, and a dashboard left alone.
#![expect(unsafe_code, reason = "kill")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Row, Size, bytes, seconds};
use crate::artifact;
use crate::paths;
use crate::process::{self, host_cargo};
use crate::progress::say;
use crate::rundir::RunFolder;
use crate::used;

/// The peer's version.
const BOTTOM: &str = "0.15.0";
/// How long it is given to open.
const OPENING: Duration = Duration::from_secs(5);

/// Mebibytes for the checkpoints of a replay, as it has without an option.
const MEMORY: &str = "512";

/// Measures.
pub fn measure(size: Size) -> Result<(String, Vec<Row>)> {
    let folder = RunFolder::new()?;
    let recording = folder.path().join("requests.mcap");
    let mut frames = Command::new(size.example("frames")?);
    let text = process::text(frames.arg(size.requests.to_string()).arg(&recording))?;
    let mut rows: Vec<Row> = Vec::new();
    for line in text.lines() {
        if let Some((what, nanoseconds)) = line.rsplit_once(' ') {
            rows.push(Row::alone(what, seconds(nanoseconds.parse::<f64>()? / 1e9)));
        }
    }
    rows.extend(seeks(size, folder.path())?);
    let alone = Duration::from_secs(if size == Size::SHORT { 1 } else { 10 });
    let ours = idle(alone, on_terminal(&size.modtrail()?)?.arg("replay").arg(&recording))?;
    let peer = match bottom(size)? {
        Some(program) => Some(idle(alone, &mut on_terminal(&program)?)?),
        None => None,
    };
    let what = ("a replay left alone: processor time by time", "the same: resident memory");
    let beside = match peer {
        Some(peer) => {
            rows.push(Row::of(what.0, ours.0, ("bottom", peer.0), percent));
            rows.push(Row::of(what.1, ours.1, ("bottom", peer.1), bytes));
            format!("bottom {BOTTOM}")
        }
        None => {
            rows.push(Row::alone(what.0, percent(ours.0)));
            rows.push(Row::alone(what.1, bytes(ours.1)));
            "no peer".to_owned()
        }
    };
    Ok((format!("A recording of {} requests; {beside}.", size.requests), rows))
}

/// What it takes to go to any position of a recording.
fn seeks(size: Size, folder: &Path) -> Result<Vec<Row>> {
    let mut seeks = Command::new(size.example("seeks")?);
    let text = process::text(seeks.arg(size.events.to_string()).arg(folder.join("long.mcap")).arg(MEMORY))?;
    let row = |line: &str| line.split_once(": ").map(|(what, value)| Row::alone(what, value.to_owned()));
    Ok(text.lines().filter_map(row).collect())
}

/// A program on a terminal of its own.
fn on_terminal(program: &Path) -> Result<Command> {
    let mut command = Command::new(artifact::provoke()?);
    command.args(["pty", "/dev/null", "--"]).arg(program);
    Ok(command)
}

fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

/// The peer, built from the registry when it is first asked for.
fn bottom(size: Size) -> Result<Option<PathBuf>> {
    let root = paths::cache()?.join("bottom");
    let program = root.join("bin/btm");
    if program.exists() {
        return Ok(Some(program));
    }
    if !size.with_dashboard_peer {
        return Ok(None);
    }
    say(format!("building bottom {BOTTOM} (some minutes)"));
    let mut cargo = host_cargo();
    cargo.args(["install", "bottom", "--version", BOTTOM, "--locked", "--root"]).arg(&root).current_dir("/");
    process::run(&mut cargo)?;
    Ok(Some(program))
}

/// The part of a processor that a program on a terminal uses while it is left alone, and its resident memory in bytes.
fn idle(alone: Duration, on_terminal: &mut Command) -> Result<(f64, f64)> {
    let child = on_terminal.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = Ended(child.with_context(|| format!("cannot start {on_terminal:?}"))?, None);
    thread::sleep(OPENING);
    let program = program_of(child.0.id()).context("the program on the terminal has ended")?;
    child.1 = i32::try_from(program).ok();
    let time = || used::processor_time(program).context("the program has ended");
    let before = time()?;
    thread::sleep(alone);
    let busy = time()?.saturating_sub(before);
    let resident = used::resident(program).context("the program has ended")?;
    Ok((busy.as_secs_f64() / alone.as_secs_f64(), resident as f64))
}

/// A child that ends with its owner, after the program that it runs on its terminal.
struct Ended(Child, Option<i32>);

impl Drop for Ended {
    fn drop(&mut self) {
        if let Some(program) = self.1 {
            // SAFETY: the call takes numbers and touches no memory of ours.
            unsafe { libc::kill(program, libc::SIGKILL) };
        }
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The only child of a process.
fn program_of(process: u32) -> Option<u32> {
    let children = fs::read_to_string(Path::new("/proc").join(format!("{process}/task/{process}/children"))).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

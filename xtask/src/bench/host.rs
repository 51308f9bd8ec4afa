//! How fast modtrail's own line is, beside `trace-cmd report` over as many events.
//!
//! In: how many events, a trace of trace-cmd's. Out: rows. All on this machine, one after another.
#![expect(unsafe_code, reason = "wait4 tells what a process used")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::guest::Trace;
use super::{Row, Size, bytes, seconds};
use crate::process;
use crate::rundir::RunFolder;

/// Measures.
pub fn measure(size: Size, trace: &Trace) -> Result<(String, Vec<Row>)> {
    let folder = RunFolder::new()?;
    let recording = folder.path().join("many.mcap");
    let lines = throughput(size, &recording)?;
    let mut rows = Vec::new();
    let mut few_open = None;
    for line in lines.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [what, events, nanoseconds, rest @ ..] = words.as_slice() else {
            bail!("odd line of throughput's: {line}")
        };
        let (events, nanoseconds): (f64, f64) = (events.parse()?, nanoseconds.parse()?);
        if let Some(open) = what.strip_prefix("open-") {
            let each = nanoseconds / events / 1e9;
            let what = format!("an event to the model while {open} requests are open");
            rows.push(match few_open.replace(each) {
                None => Row::alone(&what, seconds(each)),
                Some(few) => Row::of(&what, each, ("few open", few), seconds),
            });
            continue;
        }
        let rate = format!("{:.2} million events a second", events / nanoseconds * 1e3);
        let note = match rest {
            [size, unit] => format!(", {size} {unit}"),
            _ => String::new(),
        };
        rows.push(Row::alone(what_is(what), format!("{rate}{note}")));
    }
    let (ours, memory) = report(size, &recording)?;
    let peer = timed(Command::new("trace-cmd").args(["report", "-i"]).arg(&trace.file))?;
    // Both by event: the files do not have the same number.
    let (ours, peer) = (ours / size.events as f64, peer / trace.events as f64);
    rows.push(Row::of("`report`, an event (trace-cmd: `report`)", ours, ("trace-cmd", peer), seconds));
    rows.push(Row::alone("peak memory of `report`", bytes(memory)));
    Ok((format!("{} events; trace-cmd: {}.", size.events, trace.events), rows))
}

fn what_is(name: &str) -> &str {
    match name {
        "decode" => "decoding a record of a live module",
        "pipeline" => "events to the model",
        "record" => "recording, with zstd and checksums",
        "read" => "reading back",
        other => other,
    }
}

/// Runs the example that measures the stages.
fn throughput(size: Size, recording: &Path) -> Result<String> {
    let mut throughput = Command::new(size.example("throughput")?);
    process::text(throughput.arg(size.events.to_string()).arg(recording))
}

/// How long `modtrail report` takes, in seconds, and its peak memory in bytes.
fn report(size: Size, recording: &Path) -> Result<(f64, f64)> {
    let modtrail = size.modtrail()?;
    let time = timed(Command::new(&modtrail).arg("report").arg(recording))?;
    Ok((time, peak(Command::new(&modtrail).arg("report").arg(recording))?))
}

fn timed(command: &mut Command) -> Result<f64> {
    let began = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let status = status.with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{command:?} failed: {status}");
    }
    Ok(began.elapsed().as_secs_f64())
}

/// The most memory that a program had resident, in bytes.
fn peak(command: &mut Command) -> Result<f64> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = child.with_context(|| format!("cannot start {command:?}"))?;
    let pid = i32::try_from(child.id()).context("an odd process number")?;
    // SAFETY: an all-zero rusage is a valid one.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is valid for writes, and the process is a child of ours that nobody else waits for.
    let answer = unsafe { libc::wait4(pid, std::ptr::null_mut(), 0, &raw mut usage) };
    if answer != pid {
        bail!("cannot wait for {command:?}: {}", std::io::Error::last_os_error());
    }
    Ok(usage.ru_maxrss as f64 * 1024.0)
}

//! `modtrail record`: events as they come, to a file.

use super::config::limit;
use super::failure::Failure;
use super::launcher::Held;
use super::runtime;
use super::session::{Finished, Session, Signals, Until, passed_on, report_gaps};
use crate::cli::RecordArgs;
use crate::recording::{Keep, Plan};
use crate::stderr;
use modtrail_core::alert::losses::LossLines;
use modtrail_core::alert::rules::Limits;
use modtrail_core::entities::Change;
use modtrail_core::model::Model;
use modtrail_core::record::read::Integrity;
use modtrail_core::report::plain::counted;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
/// [`Failure`] if it cannot be done.
pub fn run(args: &RecordArgs) -> Result<ExitCode, Failure> {
    let until = Until { duration: args.duration, command: Held::new(&args.command)? };
    let plan = plan(args)?;
    let mut losses = LossLines::default();
    let outcome = runtime()?.block_on(async {
        let signals = Signals::new()?;
        let limit = args.keep.map(|_| limit(args.limit)).transpose()?;
        let mut session = Session::begin(&args.trace, Some(plan), &until)?;
        if let Some(limit) = limit {
            session.sample_stalls(limit);
        }
        if args.command.is_empty() {
            stderr::say(begun(args));
        }
        let each = |change: &Change, model: &Model| {
            if let Change::Now(_) = change {
                losses.step(model).iter().for_each(stderr::say);
            }
            ControlFlow::Continue(())
        };
        session.run(until, signals, each).await
    });
    let Finished { model, status, recording } = outcome?;
    report_gaps(&model, Integrity::default());
    let counts = model.counts();
    stderr::say(format_args!(
        "saw {} and {}; {}",
        counted(counts.requests, "request"),
        counted(counts.events, "event"),
        recording.unwrap_or_default()
    ));
    Ok(passed_on(status))
}

/// What was typed, as a plan.
fn plan(args: &RecordArgs) -> Result<Plan, Failure> {
    let is_stdout = args.output.as_os_str() == "-";
    let limits = args.segments.limits();
    if is_stdout && (args.keep.is_some() || limits.is_any()) {
        return Err(Failure::usage("-o - is one stream: it has no segments, and no flight recorder writes to it"));
    }
    if is_stdout && !args.command.is_empty() {
        return Err(Failure::usage("the command writes to standard output too: name a file with -o"));
    }
    let stalled = Limits { default: limit(args.limit)?, named: BTreeMap::new() };
    let keep = args.keep.map(|time| Keep { time, bytes: args.keep_bytes, stalled: Some(stalled) });
    let path = (!is_stdout).then(|| args.output.clone());
    Ok(Plan { path, flush_every: args.flush_every, sync: args.sync.into(), limits, keep })
}

/// That it has begun, and how it ends.
fn begun(args: &RecordArgs) -> String {
    let output = args.output.display();
    match args.keep {
        Some(keep) => format!(
            "ready; the last {keep} are held in memory, and written to {output}, with a number in its name, when \
             something is found or SIGUSR1 comes; Ctrl-C ends it"
        ),
        None => format!("ready, recording to {output}; Ctrl-C ends it"),
    }
}

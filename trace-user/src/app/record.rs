//! `modtrail record`: events as they come, to a file.

use super::failure::Failure;
use super::launcher::Held;
use super::runtime;
use super::session::{Session, Signals, Until, passed_on, report_gaps};
use crate::cli::RecordArgs;
use crate::stderr;
use modtrail_core::alert::losses::LossLines;
use modtrail_core::entities::Change;
use modtrail_core::model::Model;
use modtrail_core::record::read::Integrity;
use modtrail_core::report::plain::counted;
use std::ops::ControlFlow;
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
/// [`Failure`] if it cannot be done.
pub fn run(args: &RecordArgs) -> Result<ExitCode, Failure> {
    let until = Until { duration: args.duration, command: Held::new(&args.command)? };
    let mut losses = LossLines::default();
    let outcome = runtime()?.block_on(async {
        let signals = Signals::new()?;
        let session = Session::begin(&args.trace, Some(&args.output), &until)?;
        if args.command.is_empty() {
            stderr::say(format_args!("ready, recording to {}; Ctrl-C ends it", args.output.display()));
        }
        let each = |change: &Change, model: &Model| {
            if let Change::Now(_) = change {
                losses.step(model).iter().for_each(stderr::say);
            }
            ControlFlow::Continue(())
        };
        session.run(until, signals, each).await
    });
    let (model, status) = outcome?;
    report_gaps(&model, Integrity::default());
    let counts = model.counts();
    stderr::say(format_args!(
        "recorded {} and {} to {}",
        counted(counts.requests, "request"),
        counted(counts.events, "event"),
        args.output.display()
    ));
    Ok(passed_on(status))
}

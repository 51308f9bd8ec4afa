//! `modtrail who`: who asks for an alias or a module, over recordings or the running kernel.

use super::failure::Failure;
use super::session::{Session, Signals, Until, report_gaps};
use super::{output, replay, runtime};
use crate::cli::WhoArgs;
use crate::stderr;
use modtrail_core::model::Model;
use modtrail_core::query::narrowed;
use modtrail_core::record::read::Integrity;
use modtrail_core::report::who::Who;
use std::ops::ControlFlow;
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
/// [`Failure`] if a file cannot be read, or if the kernel cannot be traced.
pub fn run(args: &WhoArgs) -> Result<ExitCode, Failure> {
    let query = args.select.query();
    let mut who = Who::asks_for(&args.name, &query);
    let mut read = Vec::new();
    if args.files.is_empty() {
        let model = live(args)?;
        report_gaps(&model, Integrity::default());
        who.add(&narrowed(model, &query));
    }
    for source in replay::sources(&args.files)? {
        let (model, faults) = replay::read(&source, |_, _| {})?;
        read.push(faults);
        who.add(&narrowed(model, &query));
    }
    let text = if args.json { who.json() } else { who.text() };
    let _ = output::line(text.trim_end())?;
    read.iter().for_each(replay::report_faults);
    Ok(ExitCode::SUCCESS)
}

fn live(args: &WhoArgs) -> Result<Model, Failure> {
    let until = Until { duration: args.duration, command: None };
    let outcome = runtime()?.block_on(async {
        let signals = Signals::new()?;
        let session = Session::begin(&args.trace, None, &until)?;
        stderr::say("ready; the answer comes when tracing ends, with Ctrl-C");
        session.run(until, signals, |_, _| ControlFlow::Continue(())).await
    });
    outcome.map(|finished| finished.model)
}

//! `modtrail log`: a line per request as it ends, from the running kernel, a command, or a recording.

use super::failure::Failure;
use super::launcher::Held;
use super::output::{self, Output, Written};
use super::session::{Session, Signals, Until, passed_on, report_gaps};
use super::{replay, runtime};
use crate::cli::LogArgs;
use crate::stderr;
use modtrail_core::alert::losses::LossLines;
use modtrail_core::alert::rules::{Alerts, Limits};
use modtrail_core::alert::text;
use modtrail_core::entities::{Change, Request};
use modtrail_core::model::Model;
use modtrail_core::report::{json, line};
use std::io::Stdout;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
/// [`Failure`] if it cannot be done.
pub fn run(args: &LogArgs) -> Result<ExitCode, Failure> {
    match &args.file {
        Some(file) => recording(file, args.json),
        None => live(args),
    }
}

fn live(args: &LogArgs) -> Result<ExitCode, Failure> {
    let until = Until { duration: None, command: Held::new(&args.command)? };
    let mut lines = Lines { json: args.json, live: Some(output::stdout()), failure: None, closed: false };
    let mut alerts = Alerts::new(Limits { default: args.limit, named: std::collections::BTreeMap::new() });
    let mut losses = LossLines::default();
    let outcome = runtime()?.block_on(async {
        let signals = Signals::new()?;
        let mut session = Session::begin(&args.trace, None, &until)?;
        session.sample_stalls(args.limit);
        if args.command.is_empty() {
            stderr::say("ready; Ctrl-C ends it");
        }
        let each = |change: &Change, model: &Model| {
            if let Change::Now(_) = change {
                alerts.step(model).iter().for_each(|notice| stderr::say(text::line(notice, model)));
                losses.step(model).iter().for_each(stderr::say);
            }
            lines.on(change, model)
        };
        session.run(until, signals, each).await
    });
    let (model, status) = outcome?;
    lines.finish();
    report_gaps(&model);
    match lines.failure {
        Some(failure) => Err(failure),
        None => Ok(passed_on(status)),
    }
}

fn recording(file: &Path, json: bool) -> Result<ExitCode, Failure> {
    let mut lines = Lines { json, live: None, failure: None, closed: false };
    let (model, ending) = replay::read(file, |change, model| {
        let _ = lines.on(change, model);
    })?;
    if !lines.closed {
        report_gaps(&model);
        replay::report_ending(ending, file);
    }
    match lines.failure {
        Some(failure) => Err(failure),
        None => Ok(ExitCode::SUCCESS),
    }
}

struct Lines {
    json: bool,
    /// Where lines go while tracing goes on; a recording waits for its reader.
    live: Option<Output<Stdout>>,
    failure: Option<Failure>,
    closed: bool,
}

impl Lines {
    fn on(&mut self, change: &Change, model: &Model) -> ControlFlow<()> {
        match change {
            Change::Request(request) if request.closed => self.write(request, model),
            Change::Request(_)
            | Change::Call(_)
            | Change::Load(_)
            | Change::Firmware(_)
            | Change::Cycle(_)
            | Change::Fact { .. }
            | Change::Lost { .. }
            | Change::Unmatched
            | Change::Capped
            | Change::OtherSelfTest => ControlFlow::Continue(()),
            Change::Now(_) => {
                let written = self.live.as_mut().map_or(Ok(Written::Out), Output::pass_on);
                self.note(written)
            }
        }
    }

    /// Writes what is left.
    fn finish(&mut self) {
        if let Some(Err(failure)) = self.live.as_mut().filter(|_| self.failure.is_none()).map(Output::finish) {
            self.failure = Some(failure);
        }
    }

    fn write(&mut self, request: &Request, model: &Model) -> ControlFlow<()> {
        if self.closed || self.failure.is_some() {
            return ControlFlow::Break(());
        }
        let text = if self.json { json::request_line(request, model) } else { line::request_line(request, model) };
        let written = match &mut self.live {
            Some(output) => output.line(&text),
            None => output::line(&text),
        };
        self.note(written)
    }

    fn note(&mut self, written: Result<Written, Failure>) -> ControlFlow<()> {
        match written {
            Ok(Written::Out) => return ControlFlow::Continue(()),
            Ok(Written::Closed) => self.closed = true,
            Err(failure) => self.failure = Some(failure),
        }
        ControlFlow::Break(())
    }
}

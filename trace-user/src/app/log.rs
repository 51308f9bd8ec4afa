//! `modtrail log`: a line per request as it ends, from the running kernel, a command, or a recording.

use super::config::limit;
use super::failure::Failure;
use super::follow::Growing;
use super::launcher::Held;
use super::output::{self, Destination, Output, Written};
use super::session::{Finished, Session, Signals, Until, passed_on, report_gaps};
use super::{replay, runtime};
use crate::cli::LogArgs;
use crate::kernel::snapshot;
use crate::recording::read::{Source, SourceFile, integrity};
use crate::recording::target::Target;
use crate::stderr;
use modtrail_core::alert::losses::LossLines;
use modtrail_core::alert::rules::{Alerts, Limits};
use modtrail_core::alert::text;
use modtrail_core::correlate::loads::RETRY;
use modtrail_core::entities::{Change, Load, LoadId};
use modtrail_core::model::Model;
use modtrail_core::query::Query;
use modtrail_core::record::read::Integrity;
use modtrail_core::report::{json, line};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;

/// Failed loads that wait for their next try; beyond that, the oldest gets its line.
const REFUSED: usize = 4_096;

/// Runs the command.
///
/// # Errors
/// [`Failure`] if it cannot be done.
pub fn run(args: &LogArgs) -> Result<ExitCode, Failure> {
    if args.files.is_empty() { live(args) } else { recordings(args) }
}

fn live(args: &LogArgs) -> Result<ExitCode, Failure> {
    let until = Until { duration: None, command: Held::new(&args.command)? };
    // A wrong path is reported before the kernel is touched; the old content is kept until there are lines to write.
    let mut target = args.output.as_deref().map(Target::open).transpose()?;
    let is_recognised = snapshot::own_process().is_some();
    if !args.command.is_empty() && !is_recognised {
        stderr::say(
            "in a pid or time namespace the command cannot be told from others: everybody's requests are shown",
        );
    }
    let only_command = !args.command.is_empty() && !args.all && is_recognised;
    let query = args.select.of_lines().map_err(|fault| Failure::usage(&fault))?;
    let mut lines = Lines::new(args.json, Some(output::stdout()), only_command, query);
    let limit = limit(args.limit)?;
    let mut alerts = Alerts::new(Limits { default: limit, named: BTreeMap::new() });
    let mut losses = LossLines::default();
    let outcome = runtime()?.block_on(async {
        let signals = Signals::new()?;
        let mut session = Session::begin(&args.trace, None, &until)?;
        session.sample_stalls(limit);
        if let (Some(target), Some(path)) = (target.take(), &args.output) {
            lines.live = Some(output::file(target, path)?);
        }
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
    let Finished { model, status, .. } = outcome?;
    lines.end(&model);
    lines.finish();
    report_gaps(&model, Integrity::default());
    if lines.others > 0 {
        let others = lines.others;
        stderr::say(format_args!("not shown: {others} requests, loads and unloads of others; --all shows them"));
    }
    match lines.failure {
        Some(failure) => Err(failure),
        None => Ok(passed_on(status)),
    }
}

fn recordings(args: &LogArgs) -> Result<ExitCode, Failure> {
    let sources = replay::sources(&args.files)?;
    output::spares(args.output.as_deref(), &sources.iter().flat_map(Source::paths).collect::<Vec<_>>())?;
    let to = match &args.output {
        Some(path) => {
            let target = Target::open(path)?;
            Some(output::file(target, path)?)
        }
        None => None,
    };
    let query = args.select.of_lines().map_err(|fault| Failure::usage(&fault))?;
    let mut lines = Lines::new(args.json, to, false, Query::default());
    for (index, source) in sources.iter().enumerate() {
        lines.query = anchored(&query, source)?;
        let is_last = index + 1 == sources.len();
        let (model, faults) = if args.follow && is_last {
            let mut growing = Some(Growing::new(source, lines.is_closed.clone())?);
            let last = source.paths().next_back();
            let through = |file: &SourceFile, bytes| match growing.take_if(|_| last == Some(&*file.path)) {
                Some(growing) => growing.over(bytes),
                None => bytes,
            };
            source.model_through(|change, model| _ = lines.on(change, model), through)?
        } else {
            source.model(|change, model| _ = lines.on(change, model))?
        };
        lines.end(&model);
        if lines.is_closed.get() {
            break;
        }
        report_gaps(&model, integrity(&faults));
        replay::report_faults(&faults);
    }
    lines.finish();
    match lines.failure {
        Some(failure) => Err(failure),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// The query with its times before the end as instants: what was before the end is known at the end.
fn anchored(query: &Query, source: &Source) -> Result<Query, Failure> {
    if !query.is_relative() {
        return Ok(query.clone());
    }
    if !source.is_lasting() {
        return Err(Failure::usage("a time before the end (-5m) needs a file that can be read twice"));
    }
    let (model, _) = replay::read(source, |_, _| {})?;
    Ok(query.clone().anchored(model.now(), &model))
}

struct Lines {
    json: bool,
    /// Where lines go while tracing goes on; a recording waits for its reader.
    live: Option<Output<Destination>>,
    failure: Option<Failure>,
    /// Nobody reads the lines any more.
    is_closed: Rc<Cell<bool>>,
    /// Only what the traced command caused is wanted.
    only_command: bool,
    /// What is wanted.
    query: Query,
    /// How much of others was left out for that.
    others: u64,
    /// Loads that failed a moment ago: they have no line if they are tried again at once.
    refused: BTreeMap<LoadId, Arc<Load>>,
}

impl Lines {
    fn new(json: bool, live: Option<Output<Destination>>, only_command: bool, query: Query) -> Self {
        Self {
            json,
            live,
            failure: None,
            is_closed: Rc::default(),
            only_command,
            query,
            others: 0,
            refused: BTreeMap::new(),
        }
    }

    fn on(&mut self, change: &Change, model: &Model) -> ControlFlow<()> {
        match change {
            Change::Request(request) if request.closed && self.is_of_others(request.of_command) => {
                self.others += 1;
                ControlFlow::Continue(())
            }
            Change::Load(load) if load.closed && self.is_of_others(load.of_command) => {
                if load.request.is_none() {
                    // A load that is tried again was counted when it failed.
                    self.others = if load.retried { self.others.saturating_sub(1) } else { self.others + 1 };
                }
                ControlFlow::Continue(())
            }
            Change::Unload(unload) if unload.closed && self.is_of_others(unload.of_command) => {
                self.others += 1;
                ControlFlow::Continue(())
            }
            Change::Request(request) if request.closed && !self.query.matches(&**request, model) => {
                ControlFlow::Continue(())
            }
            Change::Unload(unload) if unload.closed && !self.query.matches(&**unload, model) => {
                ControlFlow::Continue(())
            }
            Change::Request(request) if request.closed => {
                self.write(
                    |json| {
                        if json { json::request_line(request, model) } else { line::request_line(request, model) }
                    },
                )
            }
            Change::Load(load) if load.closed && load.request.is_none() => {
                if load.failed() && !load.retried {
                    self.refused.insert(load.id, load.clone());
                    return ControlFlow::Continue(());
                }
                self.refused.remove(&load.id);
                if load.retried { ControlFlow::Continue(()) } else { self.write_load(load, model) }
            }
            Change::Unload(unload) if unload.closed => self
                .write(|json| if json { json::unload_line(unload, model) } else { line::unload_line(unload, model) }),
            Change::Request(_)
            | Change::Call(_)
            | Change::Load(_)
            | Change::Unload(_)
            | Change::Firmware(_)
            | Change::Device(_)
            | Change::Cycle(_)
            | Change::Fact { .. }
            | Change::Lost { .. }
            | Change::Unmatched
            | Change::Capped
            | Change::OtherSelfTest => ControlFlow::Continue(()),
            Change::Now(now) => {
                let given_up = |load: &Arc<Load>| load.ended.is_none_or(|(at, _)| now.mono.since(at.mono) >= RETRY);
                while let Some((id, load)) = self.refused.first_key_value().map(|(id, load)| (*id, load.clone()))
                    && (given_up(&load) || self.refused.len() > REFUSED)
                {
                    self.refused.remove(&id);
                    if self.write_load(&load, model).is_break() {
                        return ControlFlow::Break(());
                    }
                }
                let written = self.live.as_mut().map_or(Ok(Written::Out), Output::pass_on);
                self.note(written)
            }
        }
    }

    /// Whether only the command's lines are wanted, and this is not one.
    const fn is_of_others(&self, of_command: bool) -> bool {
        self.only_command && !of_command
    }

    /// Writes what is left of a trace that has ended.
    fn end(&mut self, model: &Model) {
        for load in std::mem::take(&mut self.refused).into_values() {
            let _ = self.write_load(&load, model);
        }
    }

    /// Waits for the reader of what is left.
    fn finish(&mut self) {
        if let Some(Err(failure)) = self.live.as_mut().filter(|_| self.failure.is_none()).map(Output::finish) {
            self.failure = Some(failure);
        }
    }

    fn write_load(&mut self, load: &Load, model: &Model) -> ControlFlow<()> {
        if !self.query.matches(load, model) {
            return ControlFlow::Continue(());
        }
        self.write(|json| if json { json::load_line(load, model) } else { line::load_line(load, model) })
    }

    /// Writes a line, which is JSON if that is wanted.
    fn write(&mut self, line: impl FnOnce(bool) -> String) -> ControlFlow<()> {
        if self.is_closed.get() || self.failure.is_some() {
            return ControlFlow::Break(());
        }
        let text = line(self.json);
        let written = match &mut self.live {
            Some(output) => output.line(&text),
            None => output::line(&text),
        };
        self.note(written)
    }

    fn note(&mut self, written: Result<Written, Failure>) -> ControlFlow<()> {
        match written {
            Ok(Written::Out) => return ControlFlow::Continue(()),
            Ok(Written::Closed) => self.is_closed.set(true),
            Err(failure) => self.failure = Some(failure),
        }
        ControlFlow::Break(())
    }
}

//! `modtrail cut` and `modtrail merge`: recordings made of others.
//!
//! In: recordings, and which part is wanted. Out: a recording that can be read alone, whole or not at all.

use super::failure::Failure;
use super::{output, replay};
use crate::cli::{CutArgs, MergeArgs};
use crate::files::{self, Beside};
use crate::recording::file::{FileRecorder, Flow, Sync};
use crate::recording::read::Source;
use crate::recording::target::Target;
use crate::stderr;
use modtrail_core::entities::Timed;
use modtrail_core::event::{Body, Event, Fact, Lost, Stamp};
use modtrail_core::model::Model;
use modtrail_core::query::{Query, narrowed};
use modtrail_core::record::preface::Preface;
use modtrail_core::record::redact::redacted;
use modtrail_core::report::plain::counted;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use trace_common::time::{Ktime, Nanos};

/// How long after the end of the last row: what its requester got is seen after its request.
const AFTER: Nanos = Nanos::from_secs(1);
/// Events that are encoded before they are passed to the file.
const AT_ONCE: u64 = 4_096;

/// Runs `cut`.
///
/// # Errors
/// [`Failure`] if the recording cannot be read or the new one cannot be written, or if nothing matches.
pub fn cut(args: &CutArgs) -> Result<ExitCode, Failure> {
    let source = replay::one(&args.files, "cut takes from")?;
    let query = args.select.query();
    let span = span(&source, &query)?;
    output::spares(Some(&args.output), &source.paths().collect::<Vec<_>>())?;
    let mut writer = Writer::to(&args.output)?;
    let mut failure = None;
    let (_, faults) = source.events(|event| {
        let event = if args.redact { redacted(event) } else { event };
        let mono = event.at.mono;
        if span.is_some_and(|(from, _)| mono < from) {
            writer.before(&event);
        } else if span.is_none_or(|(_, to)| mono <= to) && failure.is_none() {
            failure = writer.take(&event).err();
        }
    })?;
    failure.map_or(Ok(()), Err)?;
    writer.finish()?;
    replay::report_faults(&faults);
    Ok(ExitCode::SUCCESS)
}

/// The time from the beginning of the first row that matches to the end of the last; `None` is all of it.
fn span(source: &Source, query: &Query) -> Result<Option<(Ktime, Ktime)>, Failure> {
    if query.is_empty() {
        return Ok(None);
    }
    if !source.is_lasting() {
        return Err(Failure::usage("a part can only be cut out of a file: a pipe cannot be read twice"));
    }
    let (model, _) = replay::read(source, |_, _| {})?;
    let model = narrowed(model, query);
    let spans = spans(&model);
    let from = spans.iter().map(|(from, _)| *from).min();
    let to = spans.iter().map(|(_, to)| to.plus(AFTER)).max();
    let span =
        from.zip(to).ok_or_else(|| Failure::usage("nothing in the recording matches, so nothing was written"))?;
    Ok(Some(span))
}

/// When each row of the model began, and when it ended; the end of the trace if it has not. A request lasts as long as
/// its helper.
fn spans(model: &Model) -> Vec<(Ktime, Ktime)> {
    fn of<T: Timed>(row: &T, now: Stamp) -> (Ktime, Ktime) {
        (row.began().mono, row.ended().unwrap_or(now).mono)
    }
    let now = model.now();
    let helpers = model.requests().filter_map(|request| request.call.as_deref()).map(|call| of(call, now));
    let rows = helpers
        .chain(model.requests().map(|row| of(&**row, now)))
        .chain(model.calls().map(|row| of(&**row, now)))
        .chain(model.loads().map(|row| of(&**row, now)))
        .chain(model.unloads().map(|row| of(&**row, now)))
        .chain(model.cycles().map(|row| of(&**row, now)))
        .chain(model.firmware().map(|row| of(&**row, now)))
        .chain(model.devices().map(|row| of(&**row, now)));
    rows.collect()
}

/// Runs `merge`.
///
/// # Errors
/// [`Failure`] if a recording cannot be read or the new one cannot be written, or if they are not parts of one trace.
pub fn merge(args: &MergeArgs) -> Result<ExitCode, Failure> {
    let mut sources = replay::sources(&args.files)?;
    if let Some(pipe) = sources.iter().find(|source| !source.is_lasting()) {
        return Err(Failure::usage(&format!("merge needs files, and {} is not one", pipe.name())));
    }
    sources.sort_by_key(Source::first);
    output::spares(Some(&args.output), &sources.iter().flat_map(Source::paths).collect::<Vec<_>>())?;
    let mut writer = Writer::to(&args.output)?;
    let mut before: Option<&Source> = None;
    for source in &sources {
        if let Some(before) = before {
            follows(source, before, writer.last)?;
            writer.gap(source)?;
        }
        let mut failure = None;
        let (_, faults) = source.events(|event| {
            if failure.is_none() {
                failure = writer.take(&event).err();
            }
        })?;
        failure.map_or(Ok(()), Err)?;
        replay::report_faults(&faults);
        before = Some(source);
    }
    writer.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// Whether `source` begins where `before`, of the same boot, has ended.
fn follows(source: &Source, before: &Source, end: Stamp) -> Result<(), Failure> {
    let names = format!("{} and {}", before.name(), source.name());
    if source.boot_id() != before.boot_id() {
        return Err(Failure::usage(&format!(
            "{names} are of two boots, whose clocks differ: they stay two recordings"
        )));
    }
    if source.first().is_some_and(|first| first.mono < end.mono) {
        return Err(Failure::usage(&format!("{names} overlap: both cover some of the same time")));
    }
    Ok(())
}

/// A recording that is made of others.
struct Writer {
    /// What takes its place in the end; `None` for standard output.
    beside: Option<Beside>,
    target: Option<Target>,
    /// It begins with the first event.
    recorder: Option<FileRecorder>,
    /// What was established before its first event.
    preface: Preface,
    last: Stamp,
    events: u64,
    /// Nobody reads it any more.
    is_unread: bool,
}

impl Writer {
    fn to(output: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::input_output(&format!("cannot write to {}", output.display()), &error);
        let (beside, target) = if output.as_os_str() == "-" {
            (None, Target::stdout()?)
        } else if files::is_written_through(output) {
            (None, Target::open(output)?)
        } else {
            // What is there may only be replaced if it is a recording.
            drop(Target::for_recording(output)?);
            let beside = Beside::begin(output).map_err(failed)?;
            let file = beside.file().try_clone().map_err(failed)?;
            (Some(beside), Target::of(file, output))
        };
        let (preface, last, target) = (Preface::default(), Stamp::default(), Some(target));
        Ok(Self { beside, target, recorder: None, preface, last, events: 0, is_unread: false })
    }

    /// What happened before its beginning.
    fn before(&mut self, event: &Event) {
        self.preface.take(event);
    }

    fn take(&mut self, event: &Event) -> Result<(), Failure> {
        if let Some(target) = self.target.take() {
            let preface = std::mem::take(&mut self.preface);
            self.recorder = Some(FileRecorder::begin(target, Sync::End, None, preface, event.at)?);
        }
        let Some(recorder) = self.recorder.as_mut().filter(|_| !self.is_unread) else { return Ok(()) };
        recorder.write(event)?;
        self.last = event.at;
        self.events += 1;
        if self.events.is_multiple_of(AT_ONCE) {
            self.is_unread = recorder.flush()? == Flow::Closed;
        }
        Ok(())
    }

    /// Nobody watched between what was written and the next recording.
    fn gap(&mut self, next: &Source) -> Result<(), Failure> {
        let until = next.first().unwrap_or(self.last).mono;
        let lost = Fact::Lost { loss: Lost::MissingPart, count: 1, until };
        self.take(&Event { at: self.last, body: Body::Fact(lost) })
    }

    fn finish(self) -> Result<(), Failure> {
        let Some(recorder) = self.recorder else {
            return Err(Failure::usage("the recording holds no events, so nothing was written"));
        };
        if self.is_unread {
            return Ok(());
        }
        let path = recorder.path().to_owned();
        recorder.finish(self.last)?;
        let failed = |error: io::Error| Failure::input_output(&format!("cannot write to {}", path.display()), &error);
        let written = self.beside.map_or(Ok(path.clone()), Beside::done).map_err(failed)?;
        stderr::say(format_args!("wrote {} to {}", counted(self.events, "event"), written.display()));
        Ok(())
    }
}

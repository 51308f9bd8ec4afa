//! The flight recorder: the last minutes in memory, written to a file when something is found, a request is stalled, or
//! somebody asks for them.
//!
//! In: events, and the model that they led to. Out: a recording for each time, with a number in its name; on stderr,
//! why it was written.

use super::file::{FileRecorder, Flow, Sync};
use super::numbered::Numbered;
use super::target::FileWriteError;
use crate::{files, stderr};
use modtrail_core::alert::rules::{Alerts, Limits, Standing};
use modtrail_core::alert::text;
use modtrail_core::alert::urgent::{FindingAlerts, FindingNotice};
use modtrail_core::entities::Timed as _;
use modtrail_core::event::{Event, Stamp};
use modtrail_core::model::Model;
use modtrail_core::query::Query;
use modtrail_core::record::flight::Flight;
use modtrail_core::record::preface::Preface;
use modtrail_core::report::plain::counted;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use trace_common::time::Nanos;

/// How long after a recording was written because of a finding the next one is, at least, if so much is held: what is
/// found until then is in that one.
const PAUSE: Nanos = Nanos::from_secs(60);
/// Events that are encoded before they are passed to the file.
const AT_ONCE: usize = 4_096;

/// What is held, and what makes it a recording.
pub struct FlightRecorder {
    flight: Flight,
    names: Numbered,
    /// Where files are made if none can be made there.
    or_in: Option<Numbered>,
    sync: Sync,
    /// The beginning of the oldest thing that is open.
    open_since: Option<Stamp>,
    /// What makes it write by itself; `None` if only somebody's wish does.
    triggers: Option<Triggers>,
    written: u64,
}

/// What makes a flight recorder write by itself.
struct Triggers {
    stalled: Alerts,
    findings: FindingAlerts,
    /// Why a recording is due.
    due: Option<String>,
    written_at: Option<Stamp>,
}

/// A recording that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Where.
    pub path: PathBuf,
    /// The time that it covers.
    pub span: Nanos,
    /// Events so far that had to go before their time.
    pub crowded_out: u64,
}

impl fmt::Display for Saved {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, span, crowded_out } = self;
        write!(out, "the last {span} are in {}", path.display())?;
        if *crowded_out > 0 {
            let events = counted(*crowded_out, "event");
            write!(out, " ({events} had to go before their time so far: there was no room for them)")?;
        }
        Ok(())
    }
}

impl Triggers {
    fn new(limits: Limits) -> Self {
        let (stalled, findings) = (Alerts::about(limits, Query::default()), FindingAlerts::about(Query::default()));
        Self { stalled, findings, due: None, written_at: None }
    }

    /// Why a recording must be written now. `keep`: what is held.
    fn step(&mut self, model: &Model, keep: Nanos) -> Option<String> {
        self.look(model, FindingAlerts::step);
        let now = model.now();
        let pause = PAUSE.min(Nanos::new(keep.as_nanos() / 2));
        let is_soon = self.written_at.is_some_and(|written| now.mono.since(written.mono) < pause);
        let due = self.due.take_if(|_| !is_soon)?;
        self.written_at = Some(now);
        Some(due)
    }

    fn look(&mut self, model: &Model, findings: impl FnOnce(&mut FindingAlerts, &Model) -> Vec<FindingNotice>) {
        let is_new = |standing: Standing| standing == Standing::Firing;
        let stalled = self.stalled.step(model).into_iter().filter(|notice| is_new(notice.standing));
        let found = findings(&mut self.findings, model).into_iter().filter(|notice| is_new(notice.standing));
        let why = stalled
            .map(|notice| text::line(&notice, model))
            .chain(found.map(|notice| text::finding_line(&notice, model)))
            .next();
        self.due = self.due.take().or(why);
    }
}

impl FlightRecorder {
    /// Holds the events of the last `keep`, in about `bytes` of memory. What is open past `stalled` makes it write, as
    /// findings do; without it, it only writes if somebody asks.
    #[must_use]
    pub fn new(names: Numbered, sync: Sync, keep: Nanos, bytes: usize, stalled: Option<Limits>) -> Self {
        let (flight, triggers) = (Flight::new(keep, bytes), stalled.map(Triggers::new));
        Self { flight, names, or_in: None, sync, open_since: None, triggers, written: 0 }
    }

    /// Makes files with these names if none can be made with its own: root without its capabilities cannot write to the
    /// folders of others.
    #[must_use]
    pub fn or_in(self, names: Numbered) -> Self {
        Self { or_in: Some(names), ..self }
    }

    /// Takes one event.
    pub fn write(&mut self, event: Event) {
        self.flight.push(event, self.open_since);
    }

    /// Looks at the model as it is now, and writes a recording if something new was found. If it cannot be written,
    /// that is reported, and tried again after a while.
    pub fn look(&mut self, model: &Model) {
        self.open_since = open_since(model);
        let keep = self.flight.keep();
        let Some(why) = self.triggers.as_mut().and_then(|triggers| triggers.step(model, keep)) else { return };
        match self.save(model.now()) {
            Ok(saved) => stderr::say(format_args!("{saved}: {why}")),
            Err(error) => {
                stderr::say(format_args!("{}; modtrail tries again in {PAUSE}", stderr::chain(&error)));
                if let Some(triggers) = &mut self.triggers {
                    triggers.due = Some(why);
                }
            }
        }
    }

    /// Writes what is held to a new file.
    ///
    /// # Errors
    /// [`FileWriteError`] if it cannot be written; then what is held stays.
    pub fn save(&mut self, now: Stamp) -> Result<Saved, FileWriteError> {
        let path = self.written_to(now)?;
        self.written += 1;
        let span = self.flight.first().map_or(Nanos::ZERO, |first| now.mono.since(first.mono));
        Ok(Saved { path, span, crowded_out: self.flight.crowded_out() })
    }

    fn written_to(&self, now: Stamp) -> Result<PathBuf, FileWriteError> {
        let at = self.flight.first().unwrap_or(now);
        // The probes' rings are not read meanwhile: once, at the end, is often enough.
        let sync = if self.sync == Sync::Never { Sync::Never } else { Sync::End };
        let begin = |names: &Numbered| names.begin_next(sync, None, Preface::default(), at);
        let (_, recorder) = match (begin(&self.names), &self.or_in) {
            (Err(FileWriteError::Create { source, .. }), Some(other)) if files::is_forbidden(&source) => begin(other)?,
            (begun, _) => begun?,
        };
        let path = recorder.path().to_owned();
        if let Err(error) = self.fill(recorder, now) {
            // Half of what is held would be taken for all of it.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(path)
    }

    fn fill(&self, mut recorder: FileRecorder, now: Stamp) -> Result<(), FileWriteError> {
        for (index, event) in self.flight.events().enumerate() {
            recorder.write(&event)?;
            if index % AT_ONCE == AT_ONCE - 1 && recorder.flush()? == Flow::Closed {
                break;
            }
        }
        recorder.finish(now)
    }

    /// Writes what is still due, when tracing ends, and what only shows then. Returns what was written, in words.
    ///
    /// # Errors
    /// [`FileWriteError`] if it cannot be written.
    pub fn finish(mut self, at: Stamp, model: &Model) -> Result<String, FileWriteError> {
        let due = self.triggers.as_mut().and_then(|triggers| {
            triggers.look(model, FindingAlerts::step_at_end);
            triggers.due.take()
        });
        if let Some(why) = due {
            stderr::say(format_args!("{}: {why}", self.save(at)?));
        }
        Ok(match self.written {
            0 => "nothing was found, so nothing was written".to_owned(),
            count => format!("wrote {}", counted(count, "file")),
        })
    }
}

/// The beginning of the oldest thing that is open.
fn open_since(model: &Model) -> Option<Stamp> {
    let request = model.open_requests().next().map(|request| request.began());
    let call = model.open_calls().next().map(|call| call.began());
    let load = model.open_loads().next().map(|load| load.began());
    let firmware = model.open_firmware().next().map(|firmware| firmware.began());
    [request, call, load, firmware].into_iter().flatten().min()
}

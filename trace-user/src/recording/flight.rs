//! The flight recorder: the last minutes in memory, written to a file when something is found, a request is stalled, or
//! somebody asks for them.
//!
//! In: events, and the model that they led to. Out: a recording for each time, with a number in its name; on stderr,
//! why it was written.

use super::file::{FileRecorder, Flow, Sync};
use super::segments::Numbered;
use super::target::FileWriteError;
use crate::stderr;
use modtrail_core::alert::rules::{Alerts, Limits, Standing};
use modtrail_core::alert::text;
use modtrail_core::alert::urgent::FindingAlerts;
use modtrail_core::entities::Timed as _;
use modtrail_core::event::{Event, Stamp};
use modtrail_core::model::Model;
use modtrail_core::query::Query;
use modtrail_core::record::flight::Flight;
use modtrail_core::record::preface::Preface;
use modtrail_core::report::plain::counted;
use std::path::PathBuf;
use trace_common::time::Nanos;

/// How long after a recording was written because of a finding the next one is, at least: what is found until then is
/// in that one.
const PAUSE: Nanos = Nanos::from_secs(60);
/// Events that are encoded before they are passed to the file.
const AT_ONCE: usize = 4_096;

/// What is held, and what makes it a recording.
pub struct FlightRecorder {
    flight: Flight,
    names: Numbered,
    sync: Sync,
    /// The beginning of the oldest thing that is open.
    open_since: Option<Stamp>,
    stalls: Alerts,
    findings: FindingAlerts,
    /// Why a recording is due.
    due: Option<String>,
    written_at: Option<Stamp>,
    written: u64,
}

impl FlightRecorder {
    /// Holds the events of the last `keep`, in about `bytes` of memory. What is open past `limits` is stalled.
    #[must_use]
    pub fn new(names: Numbered, sync: Sync, keep: Nanos, bytes: usize, limits: Limits) -> Self {
        Self {
            flight: Flight::new(keep, bytes),
            names,
            sync,
            open_since: None,
            stalls: Alerts::about(limits, Query::default()),
            findings: FindingAlerts::about(Query::default()),
            due: None,
            written_at: None,
            written: 0,
        }
    }

    /// Takes one event.
    pub fn write(&mut self, event: Event) {
        self.flight.push(event, self.open_since);
    }

    /// Looks at the model as it is now, and writes a recording if something new was found. If it cannot be written,
    /// that is reported, and tried again after a while.
    pub fn look(&mut self, model: &Model) {
        self.open_since = open_since(model);
        let is_new = |standing: Standing| standing == Standing::Firing;
        let stalled = self.stalls.step(model).into_iter().filter(|notice| is_new(notice.standing));
        let found = self.findings.step(model).into_iter().filter(|notice| is_new(notice.standing));
        let why = stalled
            .map(|notice| text::line(&notice, model))
            .chain(found.map(|notice| text::finding_line(&notice, model)))
            .next();
        self.due = self.due.take().or(why);
        let now = model.now();
        let is_soon = self.written_at.is_some_and(|written| now.mono.since(written.mono) < PAUSE);
        if let Some(why) = self.due.take_if(|_| !is_soon)
            && let Err(error) = self.save(&why, now)
        {
            stderr::say(format_args!("{}; modtrail tries again in {PAUSE}", stderr::chain(&error)));
            self.due = Some(why);
        }
    }

    /// Writes what is held to a new file.
    ///
    /// # Errors
    /// [`FileWriteError`] if it cannot be written; then what is held stays.
    pub fn save(&mut self, why: &str, now: Stamp) -> Result<(), FileWriteError> {
        self.written_at = Some(now);
        let path = self.saved(now)?;
        self.written += 1;
        let span = self.flight.first().map_or(Nanos::ZERO, |first| now.mono.since(first.mono));
        stderr::say(format_args!("the last {span} are in {}: {why}", path.display()));
        let crowded = self.flight.crowded_out();
        if crowded > 0 {
            let events = counted(crowded, "event");
            stderr::say(format_args!("{events} had to go before their time so far: --keep-bytes sets the memory"));
        }
        Ok(())
    }

    fn saved(&self, now: Stamp) -> Result<PathBuf, FileWriteError> {
        let (_, target) = self.names.create_next()?;
        let path = target.path().to_owned();
        let at = self.flight.first().unwrap_or(now);
        let mut recorder = FileRecorder::begin(target, self.sync, None, Preface::default(), at)?;
        for (index, event) in self.flight.events().enumerate() {
            recorder.write(&event)?;
            if index % AT_ONCE == AT_ONCE - 1 && recorder.flush()? == Flow::Closed {
                break;
            }
        }
        recorder.finish(now)?;
        Ok(path)
    }

    /// Writes what is still due, when tracing ends. Returns the number of recordings that were written.
    ///
    /// # Errors
    /// [`FileWriteError`] if it cannot be written.
    pub fn finish(mut self, at: Stamp) -> Result<u64, FileWriteError> {
        if let Some(why) = self.due.take() {
            self.save(&why, at)?;
        }
        Ok(self.written)
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

//! A recording, read into a model: its events through the pipeline, at once.
//!
//! In: bytes, of one file or of the segments of a series one after the other. Out: the model, and how much of the
//! recording could be read. A recording without an end is closed where it stops, and what was open then stays open for
//! its reader.

use crate::entities::Change;
use crate::event::{Body, Event, Fact, Lost, Stamp};
use crate::model::Model;
use crate::pipeline::Pipeline;
use crate::record::read::{Integrity, ReadError, read_segment};
use crate::record::series::Segment;
use std::io::Read;

/// Reads a recording into a model. `each` sees every change after the model has it.
///
/// # Errors
/// [`ReadError`] if the bytes cannot be read or are not a recording. Damage is not an error: the model counts what it
/// cost.
pub fn replay(bytes: impl Read, mut each: impl FnMut(&Change, &Model)) -> Result<(Model, Integrity), ReadError> {
    let mut pipeline = Pipeline::default();
    let mut series = Series::default();
    let integrity = series.read(bytes, None, |event| pipeline.push(event, &mut each))?;
    pipeline.close(series.finish(), &mut each);
    Ok((pipeline.into_model(), integrity))
}

/// The events of a recording that may stand in several files, as if they stood in one.
#[derive(Debug, Default)]
pub struct Series {
    /// The segment that was read last.
    before: Option<Segment>,
    /// The last event's instant.
    last: Stamp,
    /// The end of the file that was read last, until it is known that no other follows.
    end: Option<Event>,
}

impl Series {
    /// Reads the next file of the series: `segment`, as its beginning says.
    ///
    /// # Errors
    /// [`ReadError`] if the bytes cannot be read or are not a recording.
    pub fn read(
        &mut self,
        bytes: impl Read,
        segment: Option<&Segment>,
        mut each: impl FnMut(Event),
    ) -> Result<Integrity, ReadError> {
        let missing = self.before.as_ref().zip(segment).and_then(|(before, next)| next.missing_after(before));
        self.end = None;
        if let Some((count, next)) = missing.filter(|count| *count > 0).zip(segment) {
            let lost = Fact::Lost { loss: Lost::MissingSegment, count: count.into(), until: next.began.mono };
            each(Event { at: self.last, body: Body::Fact(lost) });
        }
        let continued = segment.filter(|_| missing == Some(0));
        let mut repeated = continued.map_or(0, |segment| segment.repeated);
        let (integrity, _) = read_segment(bytes, |event| {
            if repeated > 0 && continued.is_some_and(|segment| segment.repeats(&event)) {
                repeated -= 1;
                return;
            }
            repeated = 0;
            self.last = event.at;
            // What something follows was not the end.
            if let Some(end) = self.end.take() {
                each(end);
            }
            if matches!(event.body, Body::Fact(Fact::End)) {
                self.end = Some(event);
            } else {
                each(event);
            }
        })?;
        self.before = segment.cloned();
        Ok(integrity)
    }

    /// The end of the recording, when no other file follows; `None` if it is not there.
    #[must_use]
    pub fn finish(self) -> Option<Event> {
        self.end
    }
}

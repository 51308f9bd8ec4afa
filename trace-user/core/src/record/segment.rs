//! A segment: a file of a recording in several files, which can be read alone.
//!
//! In: where it stands in its series. Out: the same as a record of the file, and back; which of its events repeat what
//! stands in the segments before it.

use super::preface::Preface;
use crate::event::{Body, Event, Fact, Stamp};
use mcap::records::Metadata;
use std::collections::BTreeMap;
use trace_common::time::Ktime;

/// The name of the record in the file.
const NAME: &str = "modtrail.segment";
/// Where a segment stands in its series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The series: the same for all of its segments, and for no others.
    pub series: String,
    /// The number of the segment, from 1.
    pub number: u32,
    /// The instant at which it begins: that of the facts that it repeats from the segments before it.
    pub began: Stamp,
    /// How many facts it repeats.
    pub repeated: u32,
}

impl Segment {
    /// The first of a series.
    #[must_use]
    pub const fn first(series: String, began: Stamp) -> Self {
        Self { series, number: 1, began, repeated: 0 }
    }

    /// The next one, which begins with `preface`.
    #[must_use]
    pub fn next(&self, began: Stamp, preface: &Preface) -> Self {
        let repeated = u32::try_from(preface.events(began).count()).unwrap_or(u32::MAX);
        Self { series: self.series.clone(), number: self.number.saturating_add(1), began, repeated }
    }

    /// The same one, begun again: its file was removed.
    #[must_use]
    pub fn again(&self, began: Stamp, preface: &Preface) -> Self {
        Self { number: self.number, ..self.next(began, preface) }
    }

    /// As a record of the file.
    #[must_use]
    pub fn record(&self) -> Metadata {
        let Stamp { mono, boot } = self.began;
        let fields = [
            ("series", self.series.clone()),
            ("number", self.number.to_string()),
            ("began_mono_ns", mono.as_nanos().to_string()),
            ("began_boot_ns", boot.as_nanos().to_string()),
            ("repeated", self.repeated.to_string()),
        ];
        let metadata = fields.map(|(name, value)| (name.to_owned(), value)).into();
        Metadata { name: NAME.to_owned(), metadata }
    }

    /// From a record of a file; `None` if it says something else.
    #[must_use]
    pub fn from_record(record: &Metadata) -> Option<Self> {
        let number = |name: &str| record.metadata.get(name)?.parse().ok();
        let instant = |name: &str| number(name).map(Ktime::from_nanos);
        let fields: &BTreeMap<String, String> = (record.name == NAME).then_some(&record.metadata)?;
        Some(Self {
            series: fields.get("series")?.clone(),
            number: fields.get("number")?.parse().ok()?,
            began: Stamp { mono: instant("began_mono_ns")?, boot: instant("began_boot_ns")? },
            repeated: fields.get("repeated")?.parse().ok()?,
        })
    }

    /// The number of segments that are missing between `before` and this one, if they are of one series; `None` if they
    /// are not.
    #[must_use]
    pub fn missing_after(&self, before: &Self) -> Option<u32> {
        (self.series == before.series).then(|| self.number.checked_sub(before.number)?.checked_sub(1)).flatten()
    }

    /// Whether the event can be one of those that the segment repeats from the segments before it.
    #[must_use]
    pub fn repeats(&self, event: &Event) -> bool {
        event.at == self.began
            && matches!(
                event.body,
                Body::Fact(
                    Fact::Machine(_)
                        | Fact::Tracer(_)
                        | Fact::Hooks(_)
                        | Fact::Rights(_)
                        | Fact::Policy(_)
                        | Fact::LiveModules(_)
                        | Fact::SelfTest(_)
                        | Fact::Resolved { .. }
                )
            )
    }
}

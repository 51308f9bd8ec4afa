//! A recording in several files, its segments: each can be read alone, and all of them together are one recording.
//!
//! In: where a segment stands in its series, or the beginning of a file. Out: the same as a record of the file; what a
//! file's beginning says of it; whether one segment continues another.

use super::preface::Preface;
use super::read::{ReadError, read_segment};
use crate::event::{Body, Event, Fact, Stamp};
use mcap::records::Metadata;
use std::collections::BTreeMap;
use std::io::Read;
use trace_common::time::Ktime;

/// The name of the record in the file.
const NAME: &str = "modtrail.segment";
/// Bytes of a file that are read to know what it is: its first chunk is shorter.
const HEAD_BYTES: u64 = 2 * 1024 * 1024;

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

/// What the beginning of a recording says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Where it stands in a series; `None` if it is a recording in one file.
    pub segment: Option<Segment>,
    /// Which boot it is of; `None` if that could not be read.
    pub boot_id: Option<String>,
    /// The instant of its first event; `None` if it could not be read.
    pub first: Option<Stamp>,
    /// What the wall clock showed at its beginning, in nanoseconds since the Unix epoch; `None` if that could not be
    /// read.
    pub wall_ns: Option<u64>,
}

/// Reads the beginning of a recording.
///
/// # Errors
/// [`ReadError`] if the stream fails or is not a recording.
pub fn head(bytes: impl Read) -> Result<Head, ReadError> {
    let mut head = Head::default();
    let (_, segment) = read_segment(bytes.take(HEAD_BYTES), |event| {
        if head.boot_id.is_none()
            && let Body::Fact(Fact::Machine(machine)) = &event.body
        {
            head.boot_id = Some(machine.boot_id.clone());
            head.wall_ns = Some(machine.wall_ns);
        }
        head.first.get_or_insert(event.at);
    })?;
    Ok(Head { segment, ..head })
}

#[cfg(test)]
mod tests {
    use super::{Segment, head};
    use crate::event::{Body, Event, Fact, Lost, Stamp};
    use crate::record::preface::Preface;
    use crate::record::write::Recorder;
    use crate::replay::Series;
    use crate::testing::busy;

    /// The events as segments that end at these places.
    fn segments(events: &[Event], ends: &[usize]) -> Vec<Vec<u8>> {
        let mut preface = Preface::default();
        let mut segment = Segment::first("s".into(), Stamp::default());
        let mut begin = 0_usize;
        let mut files = Vec::new();
        for (index, end) in ends.iter().enumerate() {
            let began = begin.checked_sub(1).and_then(|last| events.get(last)).map_or(Stamp::default(), |e| e.at);
            segment = if index == 0 { Segment::first("s".into(), began) } else { segment.next(began, &preface) };
            let mut bytes = Vec::new();
            let mut recorder = Recorder::begin_segment(&mut bytes, Some(&segment)).expect("bytes can be written");
            for event in preface.events(began) {
                recorder.write(&event).expect("bytes can be written");
            }
            for event in events.get(begin..*end).expect("events") {
                recorder.write(event).expect("bytes can be written");
                preface.take(event);
            }
            recorder.finish(events.get(end - 1).expect("events").at).expect("bytes can be written");
            begin = *end;
            files.push(bytes);
        }
        files
    }

    fn read(files: &[Vec<u8>]) -> (Vec<Event>, bool) {
        let mut series = Series::default();
        let mut events = Vec::new();
        for file in files {
            let segment = head(&file[..]).expect("a recording").segment;
            series.read(&file[..], segment.as_ref(), |event| events.push(event)).expect("a recording");
        }
        (events, series.finish().is_some())
    }

    #[test]
    fn segments_are_read_as_one_wherever_they_were_cut() {
        let events = busy().events;
        for cut in (1..8).chain((8..events.len()).step_by(5)) {
            let (read, has_end) = read(&segments(&events, &[cut, events.len()]));
            assert!(read == events && has_end, "cut after event {cut}");
        }
    }

    #[test]
    fn a_missing_segment_is_a_loss_and_the_next_one_stands_alone() {
        let events = busy().events;
        let third = events.len() / 3;
        let mut files = segments(&events, &[third, 2 * third, events.len()]);
        files.remove(1);
        let (read, _) = read(&files);
        let lost = read.get(third).map(|event| &event.body);
        let expected = Fact::Lost { loss: Lost::MissingSegment, count: 1, until: events[2 * third - 1].at.mono };
        assert_eq!(lost, Some(&Body::Fact(expected)));
        let machine = read.iter().rposition(|event| matches!(event.body, Body::Fact(Fact::Machine(_))));
        assert!(machine > Some(third), "it repeats what was established before");
        let rest = &events[2 * third..];
        assert!(read.ends_with(rest), "all of the next one is there");
    }

    #[test]
    fn a_head_knows_boot_and_beginning() {
        let events = busy().events;
        let files = segments(&events, &[10, events.len()]);
        let heads: Vec<_> = files.iter().map(|file| head(&file[..]).expect("a recording")).collect();
        assert_eq!(heads[0].boot_id, heads[1].boot_id);
        assert!(heads[0].boot_id.is_some() && heads[0].first < heads[1].first);
        let [first, second] = [0, 1].map(|index: usize| heads[index].segment.clone().expect("a segment"));
        assert_eq!((second.missing_after(&first), first.missing_after(&second)), (Some(0), None));
        let other = Segment { series: "t".into(), ..second };
        assert_eq!(other.missing_after(&first), None);
    }
}

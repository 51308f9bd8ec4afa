//! A recording in several files, its segments, read as one.
//!
//! In: the bytes of the files, in order. Out: what a file's beginning says of it; the events as they came, without
//! those that a segment repeats, and with a loss for each segment that is missing.

use super::read::{Integrity, ReadError, read_segment};
use super::segment::Segment;
use crate::event::{Body, Event, Fact, Lost, Stamp};
use std::io::Read;

/// Bytes of a file that are read to know what it is: its first chunk is shorter.
const HEAD_BYTES: u64 = 2 * 1024 * 1024;

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

/// The events of a recording that may stand in several files, as if they stood in one.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// The segment that is being read, or was read last.
    segment: Option<Segment>,
    /// Facts at its beginning that it may still repeat.
    repeated: u32,
    /// It had no end: its recorder was killed, or the file was cut.
    is_cut: bool,
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
        self.begin(segment, &mut each);
        let (integrity, _) = read_segment(bytes, |event| self.pass(event, &mut each))?;
        self.ended(&integrity);
        Ok(integrity)
    }

    /// The next file begins: `segment`, as its beginning says.
    pub fn begin(&mut self, segment: Option<&Segment>, each: impl FnOnce(Event)) {
        let before = std::mem::replace(&mut self.segment, segment.cloned());
        let missing = before.as_ref().zip(segment).and_then(|(before, next)| next.missing_after(before));
        self.end = None;
        // Of a segment without its end, the last part is missing.
        let missing = missing.map(|count| u64::from(count) + u64::from(self.is_cut));
        if let Some((count, next)) = missing.filter(|count| *count > 0).zip(segment) {
            let lost = Fact::Lost { loss: Lost::MissingPart, count, until: next.began.mono };
            each(Event { at: self.last, body: Body::Fact(lost) });
        }
        let continued = segment.filter(|_| missing == Some(0));
        self.repeated = continued.map_or(0, |segment| segment.repeated);
    }

    /// Passes on an event of the file, unless it repeats one, or until it is known that it is not the last.
    pub fn pass(&mut self, event: Event, mut each: impl FnMut(Event)) {
        if self.repeated > 0 && self.segment.as_ref().is_some_and(|segment| segment.repeats(&event)) {
            self.repeated -= 1;
            return;
        }
        self.repeated = 0;
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
    }

    /// The file was read.
    pub const fn ended(&mut self, integrity: &Integrity) {
        self.is_cut = !integrity.has_end;
    }

    /// The end of the recording, when no other file follows; `None` if it is not there.
    #[must_use]
    pub const fn end(&self) -> Option<&Event> {
        self.end.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::{Series, head};
    use crate::event::{Body, Event, Fact, Lost, Stamp};
    use crate::record::preface::Preface;
    use crate::record::segment::Segment;
    use crate::record::write::Recorder;
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
        (events, series.end().is_some())
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
        let expected = Fact::Lost { loss: Lost::MissingPart, count: 1, until: events[2 * third - 1].at.mono };
        assert_eq!(lost, Some(&Body::Fact(expected)));
        let machine = read.iter().rposition(|event| matches!(event.body, Body::Fact(Fact::Machine(_))));
        assert!(machine > Some(third), "it repeats what was established before");
        let rest = &events[2 * third..];
        assert!(read.ends_with(rest), "all of the next one is there");
    }

    #[test]
    fn a_segment_that_was_cut_is_a_loss_before_the_next_one() {
        let events = busy().events;
        let half = events.len() / 2;
        let mut files = segments(&events, &[half, events.len()]);
        let has_end = |file: &[u8]| read(&[file.to_vec()]).1;
        // What follows the end repeats the schema.
        while has_end(&files[0]) {
            let length = files[0].len();
            files[0].truncate(length - 100);
        }
        let (read, has_end) = read(&files);
        let lost = |event: &Event| matches!(event.body, Body::Fact(Fact::Lost { loss: Lost::MissingPart, .. }));
        assert_eq!(read.iter().filter(|event| lost(event)).count(), 1);
        assert!(read.ends_with(&events[half..]) && has_end);
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

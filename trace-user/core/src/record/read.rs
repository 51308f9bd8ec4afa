//! Reads a recording back, whatever happened to it: killed in the middle, cut, damaged.
//!
//! In: bytes. Out: events, and at the end whether the recording's own end is there and what could not be read. A
//! damaged chunk costs that chunk: its events are lost together, and a fact in their place reports it. If the length of
//! a record is damaged, nothing after it can be found, and how much that was is not known. The file is streamed, with
//! one chunk in memory at a time. A [`Mark`] is a place from which reading can go on later, without all before it.

use super::codec::from_message;
use super::interner::Interner;
use super::segment::Segment;
use super::{ENCODING, PROFILE, SCHEMA_NAME, schema};
use crate::event::{Body, Event, Fact, Lost, Stamp};
use mcap::records::{Record, op};
use mcap::sans_io::linear_reader::{LinearReadEvent, LinearReader, LinearReaderOptions};
use mcap::{McapError, parse_record};
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, Read};
use std::vec;

/// A larger record is damage: chunks are written at a mebibyte before compression.
const RECORD_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of a chunk before compression. One that claims more is damaged, or made to fill the memory.
const CHUNK_BYTES: u64 = RECORD_BYTES as u64;
/// Bytes of one event's message, at most: a list of all live modules is the longest.
const EVENT_BYTES: usize = 1024 * 1024;
/// The same, for everything else.
const SMALL_BYTES: usize = 64 * 1024;
/// What a resolution weighs, at most: many of these are kept, and a few bytes of a message can become many in memory.
const RESOLUTION_WEIGHT: usize = 128 * 1024;
/// Gaps between events that are kept, to recognize what fills them later.
const GAPS: usize = 4_096;

/// Why bytes cannot be read as a recording.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system's answer.
    #[error("cannot read it")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("not a modtrail recording: {0}")]
    Foreign(&'static str),
}

/// How the source ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// In order.
    Whole,
    /// Its end is missing: the recorder was killed, or is still writing.
    Missing,
}

/// Where a recording is damaged, and whether it is known what that cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The place in the file of the first record that could not be read, in bytes.
    pub at: u64,
    /// The number of events that could not be read is known. Otherwise at least so many could not: what could not be
    /// read may have held more.
    pub is_counted: bool,
}

/// How much of a recording could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Integrity {
    /// Events read.
    pub events: u64,
    /// Events that could not be read, if their number is known; a broken end counts as one.
    pub damaged: u64,
    /// Events that stood there twice.
    pub repeated: u64,
    /// Events that stood there after later ones.
    pub misplaced: u64,
    /// The recording was ended in order.
    pub has_end: bool,
    /// Where it is damaged; `None` if that cost no events.
    pub damage: Option<Damage>,
}

impl Integrity {
    /// Whether the recording's own end is there.
    #[must_use]
    pub const fn ending(&self) -> Ending {
        if self.has_end { Ending::Whole } else { Ending::Missing }
    }

    /// What a count of something lost begins with: nothing, or `at least ` if it is not the whole number.
    #[must_use]
    pub fn at_least(&self, loss: Lost) -> &'static str {
        let is_whole = loss != Lost::Damaged || self.damage.is_none_or(|damage| damage.is_counted);
        if is_whole { "" } else { "at least " }
    }

    /// What is wrong with the file of the recording, as phrases for a person that follow its name.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let events = |count: u64| format!("{count} event{}", if count == 1 { "" } else { "s" });
        let damage = self.damage.map(|Damage { at, is_counted }| {
            let count = events(self.damaged);
            if is_counted {
                format!("is damaged at byte {at}: {count} could not be read")
            } else {
                format!("is damaged at byte {at}: at least {count} could not be read, and how many more is not known")
            }
        });
        // If nothing was read after the damage, that explains why there is no end.
        let is_cut = !self.has_end && self.damage.is_none_or(|damage| damage.is_counted);
        let words = "is truncated: the recorder was killed, or is still running; everything that was flushed is here";
        damage.into_iter().chain(is_cut.then(|| words.to_owned())).collect()
    }
}

/// Reads a recording from any stream of bytes.
///
/// # Errors
/// [`ReadError`] if the stream fails or is not a recording.
pub fn read(bytes: impl Read, each: impl FnMut(Event)) -> Result<Integrity, ReadError> {
    read_segment(bytes, each).map(|(integrity, _)| integrity)
}

/// The same, with where the recording stands in a series; `None` if it is a recording in one file.
///
/// # Errors
/// [`ReadError`] if the stream fails or is not a recording.
pub fn read_segment(bytes: impl Read, mut each: impl FnMut(Event)) -> Result<(Integrity, Option<Segment>), ReadError> {
    let mut reading = Reading::begin(bytes);
    while let Some(event) = reading.next_event()? {
        each(event);
    }
    Ok((reading.integrity(), reading.events.segment))
}

/// A recording that is being read, event by event.
pub struct Reading<R> {
    bytes: R,
    reader: LinearReader,
    /// The records of the chunk that have not been looked at.
    chunk: vec::IntoIter<Record<'static>>,
    /// The texts of the events so far.
    interner: Interner,
    events: Events,
    last: Last,
    is_over: bool,
}

/// A place in a recording: before one of its records.
#[derive(Clone, Debug)]
pub struct Mark {
    events: Box<Events>,
}

impl Mark {
    /// The first byte of the file that [`Reading::resume`] reads.
    #[must_use]
    pub fn first_byte(&self) -> u64 {
        self.events.next - mcap::MAGIC.len() as u64
    }
}

impl<R: Read> Reading<R> {
    /// Reads a recording from its beginning.
    pub fn begin(bytes: R) -> Self {
        Self::of(bytes, Events { next: mcap::MAGIC.len() as u64, ..Events::default() }, false)
    }

    /// Goes on at a place in the recording: `bytes` are those of its file from [`Mark::first_byte`] on.
    ///
    /// # Errors
    /// [`ReadError`] if they cannot be read any more.
    pub fn resume(mut bytes: R, mark: &Mark) -> Result<Self, ReadError> {
        let mut before = [0; mcap::MAGIC.len()];
        bytes.read_exact(&mut before)?;
        let last = Last { bytes: before.to_vec(), is_more: true };
        Ok(Self { last, ..Self::of(bytes, (*mark.events).clone(), true) })
    }

    fn of(bytes: R, events: Events, is_begun: bool) -> Self {
        let options = LinearReaderOptions::default()
            .with_skip_start_magic(is_begun)
            .with_emit_chunks(true)
            .with_skip_end_magic(true)
            .with_record_length_limit(RECORD_BYTES);
        Self {
            bytes,
            reader: LinearReader::new_with_options(options),
            chunk: Vec::new().into_iter(),
            interner: Interner::default(),
            events,
            last: Last::default(),
            is_over: false,
        }
    }

    /// The next event; `None` at the end of the recording.
    ///
    /// # Errors
    /// [`ReadError`] if the stream fails or is not a recording.
    pub fn next_event(&mut self) -> Result<Option<Event>, ReadError> {
        loop {
            if let Some(event) = self.events.out.pop_front() {
                return Ok(Some(event));
            }
            if let Some(record) = self.chunk.next() {
                self.events.plain(record, &mut self.interner)?;
            } else if self.is_over {
                return Ok(None);
            } else {
                self.record()?;
            }
        }
    }

    /// Where [`Reading::next_event`] goes on; `None` in the middle of a chunk, and at the end.
    #[must_use]
    pub fn mark(&self) -> Option<Mark> {
        let is_between = self.events.out.is_empty() && self.chunk.len() == 0 && !self.is_over;
        is_between.then(|| Mark { events: Box::new(self.events.clone()) })
    }

    /// How much of what was passed so far could be read; of the whole recording, once it is over.
    #[must_use]
    pub const fn integrity(&self) -> Integrity {
        self.events.integrity
    }

    /// The place of the next record in the file, in bytes.
    #[must_use]
    pub const fn place(&self) -> u64 {
        self.events.next
    }

    /// Reads the next record, or finds that there is none.
    fn record(&mut self) -> Result<(), ReadError> {
        while let Some(step) = self.reader.next_event() {
            match step {
                Ok(LinearReadEvent::ReadRequest(need)) => {
                    let room = self.reader.insert(need.min(RECORD_BYTES));
                    let count = self.bytes.read(room)?;
                    self.last.push(room.get(..count).unwrap_or_default());
                    self.reader.notify_read(count);
                    self.events.is_empty &= count == 0;
                }
                Ok(LinearReadEvent::Record { data, opcode }) => {
                    let records = self.events.record(opcode, data);
                    self.chunk = records.into_iter();
                    return Ok(());
                }
                Err(McapError::BadMagic) if self.events.records == 0 => {
                    return Err(ReadError::Foreign("it has no MCAP header"));
                }
                Err(McapError::UnexpectedEof) if self.events.records == 0 => {
                    return Err(ReadError::Foreign("it ends before its first record"));
                }
                // A file that ends as whole ones do was not cut: the length of a record is damaged.
                Err(McapError::UnexpectedEof) if !self.last.is_end() => break,
                // Nothing after the record can be found.
                Err(_) => {
                    self.events.at = self.events.next;
                    self.events.breaks();
                    break;
                }
            }
        }
        self.end()
    }

    fn end(&mut self) -> Result<(), ReadError> {
        self.is_over = true;
        if self.events.is_empty {
            return Err(ReadError::Foreign("it is empty"));
        }
        if self.events.integrity.events == 0 && !self.events.channels.known() {
            return Err(ReadError::Foreign("it holds no modtrail events"));
        }
        let is_followed = self.events.has_footer && follows(&mut self.bytes)?;
        self.events.finish(is_followed);
        Ok(())
    }
}

/// Bytes of a record before its content: the opcode and the length.
const RECORD_HEAD: usize = 9;

/// The last bytes of a stream.
#[derive(Debug, Default)]
pub struct Last {
    bytes: Vec<u8>,
    /// More came before them.
    is_more: bool,
}

impl Last {
    /// More of the stream has come.
    pub fn push(&mut self, bytes: &[u8]) {
        let kept = mcap::MAGIC.len();
        self.bytes.extend(bytes.get(bytes.len().saturating_sub(kept)..).unwrap_or_default());
        let surplus = self.bytes.len().saturating_sub(kept);
        self.is_more |= surplus > 0 || bytes.len() > kept;
        self.bytes.drain(..surplus);
    }

    /// Whether they are what stands at the end of every whole file. The same stands at its beginning.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.is_more && self.bytes == mcap::MAGIC
    }
}

/// Whether anything but the magic number at its end follows the file's last record.
fn follows(bytes: &mut impl Read) -> io::Result<bool> {
    const END: usize = mcap::MAGIC.len();
    let mut rest = Vec::new();
    bytes.take(END as u64 + 1).read_to_end(&mut rest)?;
    Ok(rest.len() > END)
}

/// Which channels carry events.
#[derive(Clone, Debug, Default)]
struct Channels {
    schemas: BTreeSet<u16>,
    ours: BTreeSet<u16>,
    /// The file says that modtrail wrote it.
    is_profile_ours: bool,
}

impl Channels {
    fn known(&self) -> bool {
        !self.ours.is_empty()
    }
}

/// The records in a chunk, if its checksum holds.
fn chunk(data: &[u8]) -> Result<Vec<Record<'static>>, McapError> {
    // Its length before compression stands behind the instants of its first and last message.
    let claimed = data.get(16..24).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
    if claimed.is_none_or(|claimed| claimed > CHUNK_BYTES) {
        return Err(McapError::UnexpectedEof);
    }
    let options = LinearReaderOptions::default()
        .with_skip_start_magic(true)
        .with_skip_end_magic(true)
        .with_prevalidate_chunk_crcs(true)
        .with_record_length_limit(RECORD_BYTES);
    let mut reader = LinearReader::new_with_options(options);
    let head = [&[op::CHUNK][..], &(data.len() as u64).to_le_bytes()].concat();
    let mut bytes = head.chain(data);
    let mut records = Vec::new();
    while let Some(step) = reader.next_event() {
        match step? {
            LinearReadEvent::ReadRequest(need) => {
                let count = bytes.read(reader.insert(need.min(RECORD_BYTES)))?;
                reader.notify_read(count);
            }
            LinearReadEvent::Record { data, opcode: opcode @ (op::SCHEMA | op::CHANNEL | op::MESSAGE) } => {
                records.push(parse_record(opcode, data)?.into_owned());
            }
            LinearReadEvent::Record { .. } => {}
        }
    }
    Ok(records)
}

/// What is known of a recording when some of it has been read.
#[derive(Clone, Debug)]
struct Events {
    /// Those that have not been returned.
    out: VecDeque<Event>,
    /// Records so far.
    records: u64,
    /// The place of the next record, in bytes.
    next: u64,
    /// Not a byte has come.
    is_empty: bool,
    has_footer: bool,
    integrity: Integrity,
    channels: Channels,
    last: Stamp,
    /// The number of the next message. A recorder numbers messages without gaps, so a gap is what could not be read.
    expected: u32,
    /// Numbers that were left out so far, from and to (not included).
    gaps: BTreeMap<u32, u32>,
    /// There were too many of them.
    is_gap_forgotten: bool,
    /// Events that stood there twice, and are not reported yet.
    repeated: u64,
    /// The recording's end, until it is known that nothing follows it.
    end: Option<Event>,
    /// Chunks and messages that could not be read since the last event.
    broken: u32,
    /// The place of the record that is being read, in bytes.
    at: u64,
    /// The place of the first one that could not be read.
    damaged_at: Option<u64>,
    /// Where the recording stands in a series, if it says so.
    segment: Option<Segment>,
}

impl Default for Events {
    /// Nothing has been read.
    fn default() -> Self {
        Self {
            out: VecDeque::new(),
            records: 0,
            next: 0,
            is_empty: true,
            has_footer: false,
            integrity: Integrity::default(),
            channels: Channels::default(),
            last: Stamp::default(),
            expected: 0,
            gaps: BTreeMap::new(),
            is_gap_forgotten: false,
            repeated: 0,
            end: None,
            broken: 0,
            at: 0,
            damaged_at: None,
            segment: None,
        }
    }
}

impl Events {
    /// Takes a record of the file; returns those that it holds.
    fn record(&mut self, opcode: u8, data: &[u8]) -> Vec<Record<'static>> {
        self.records += 1;
        self.has_footer |= opcode == op::FOOTER;
        self.at = self.next;
        self.next += (RECORD_HEAD + data.len()) as u64;
        // A chunk counts as a whole: its checksum shows whether any of it can be trusted.
        let records = match opcode {
            op::CHUNK => chunk(data),
            op::HEADER | op::SCHEMA | op::CHANNEL | op::MESSAGE | op::METADATA => {
                parse_record(opcode, data).map(|record| vec![record.into_owned()])
            }
            // Indexes and similar records: not needed to read the whole file.
            _ => Ok(Vec::new()),
        };
        records.unwrap_or_else(|_| {
            self.breaks();
            Vec::new()
        })
    }

    /// The record, or a message in it, cannot be read.
    fn breaks(&mut self) {
        self.broken = self.broken.saturating_add(1);
        self.damaged_at.get_or_insert(self.at);
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "another crate's enum, of which five records matter")]
    fn plain(&mut self, record: Record<'_>, interner: &mut Interner) -> Result<(), ReadError> {
        match record {
            Record::Header(header) => self.channels.is_profile_ours = header.profile == PROFILE,
            Record::Schema { header, .. } if header.name == SCHEMA_NAME && header.encoding == ENCODING => {
                self.channels.schemas.insert(header.id);
            }
            Record::Metadata(metadata) => self.segment = Segment::from_record(&metadata).or(self.segment.take()),
            Record::Channel(channel) if self.channels.schemas.contains(&channel.schema_id) => {
                self.channels.ours.insert(channel.id);
            }
            // If the channel's own record is damaged, the messages still show whether they are ours.
            Record::Message { header, data }
                if self.channels.ours.contains(&header.channel_id)
                    || self.channels.is_profile_ours
                    || self.broken > 0
                    || self.integrity.damaged > 0 =>
            {
                match event_of(&data) {
                    Some(mut event) => {
                        interner.intern(&mut event);
                        self.event(header.sequence, event);
                    }
                    None => self.breaks(),
                }
            }
            Record::Message { .. } => return Err(ReadError::Foreign("it is an MCAP file of another program")),
            _ => {}
        }
        Ok(())
    }

    fn event(&mut self, sequence: u32, event: Event) {
        let ahead = sequence.wrapping_sub(self.expected);
        // Half of all numbers lie behind.
        if ahead > u32::MAX / 2 {
            return self.behind(sequence, event);
        }
        self.remember_gap(self.expected, sequence);
        if ahead > 0 {
            // If nothing was seen to be broken, it is missing here.
            self.damaged_at.get_or_insert(self.at);
        }
        self.report_missing(ahead, event.at);
        self.broken = 0;
        self.expected = sequence.wrapping_add(1);
        // What something follows was not the end.
        self.integrity.has_end = false;
        if let Some(end) = self.end.take() {
            self.out.push_back(end);
        }
        self.pass_on(event);
    }

    /// An event that stands after later ones: it fills a gap, or stands there twice.
    fn behind(&mut self, sequence: u32, event: Event) {
        let gap = self.gaps.range(..=sequence).next_back().map(|(from, to)| (*from, *to));
        let Some((from, to)) = gap.filter(|(_, to)| sequence < *to) else {
            // An event of a gap that is not remembered counts as unreadable already.
            if !self.is_gap_forgotten {
                self.integrity.repeated += 1;
                self.repeated += 1;
            }
            return;
        };
        self.gaps.remove(&from);
        self.remember_gap(from, sequence);
        self.remember_gap(sequence.wrapping_add(1), to);
        self.integrity.misplaced += 1;
        self.integrity.damaged = self.integrity.damaged.saturating_sub(1);
        self.lost(Lost::Misplaced, 1, event.at);
        self.pass_on(event);
    }

    /// Numbers that no message had so far, up to `to` (not included).
    fn remember_gap(&mut self, from: u32, to: u32) {
        if from == to {
            return;
        }
        if self.gaps.len() < GAPS {
            self.gaps.insert(from, to);
        } else {
            self.is_gap_forgotten = true;
        }
    }

    fn pass_on(&mut self, event: Event) {
        let repeated = std::mem::take(&mut self.repeated);
        self.lost(Lost::Repeated, repeated, event.at);
        self.integrity.events += 1;
        self.last = event.at;
        if !matches!(event.body, Body::Fact(Fact::End)) {
            return self.out.push_back(event);
        }
        self.integrity.has_end = true;
        if let Some(before) = self.end.replace(event) {
            self.out.push_back(before);
        }
    }

    /// What could not be read at the very end, if no later message shows by its number how much it was, and what else
    /// is only known now: `is_followed`, that something follows the recording. Then its end.
    fn finish(&mut self, is_followed: bool) {
        let repeated = std::mem::take(&mut self.repeated);
        self.lost(Lost::Repeated, repeated, self.last);
        let is_counted = self.integrity.has_end || self.broken == 0;
        if !self.integrity.has_end {
            self.report_missing(self.broken, self.last);
        }
        if self.integrity.damaged > 0 {
            let at = self.damaged_at.unwrap_or(self.at);
            self.integrity.damage = Some(Damage { at, is_counted });
        }
        self.lost(Lost::Trailing, is_followed.into(), self.last);
        if let Some(end) = self.end.take() {
            self.out.push_back(end);
        }
    }

    fn report_missing(&mut self, count: u32, next: Stamp) {
        self.integrity.damaged += u64::from(count);
        self.lost(Lost::Damaged, count.into(), next);
    }

    /// Reports in its place what is missing or wrong: it lies between what was read before it and what follows.
    fn lost(&mut self, loss: Lost, count: u64, next: Stamp) {
        if count > 0 {
            let lost = Fact::Lost { loss, count, until: next.mono.max(self.last.mono) };
            self.out.push_back(Event { at: self.last, body: Body::Fact(lost) });
        }
    }
}

/// The event in a message; `None` if the message is damaged, or longer than any that a recorder writes.
fn event_of(message: &[u8]) -> Option<Event> {
    if message.len() > EVENT_BYTES {
        return None;
    }
    let event = from_message(schema::Event::decode(message).ok()?).ok()?;
    let is_fit = match &event.body {
        Body::Fact(Fact::LiveModules(_)) => true,
        Body::Fact(Fact::Resolved { resolution, .. }) => {
            message.len() <= SMALL_BYTES && resolution.weight() <= RESOLUTION_WEIGHT
        }
        Body::Fact(_) | Body::Probe(_) => message.len() <= SMALL_BYTES,
    };
    is_fit.then_some(event)
}

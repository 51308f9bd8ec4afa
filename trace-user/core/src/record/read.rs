//! Reads a recording back, whatever happened to it: killed in the middle, cut, damaged.
//!
//! In: bytes. Out: events, and at the end whether the recording's own end is there and what could not be read. A
//! damaged chunk costs that chunk: its events are lost together, and a fact in their place reports it. If the length of
//! a record is damaged, nothing after it can be found, and how much that was is not known. The file is streamed, with
//! one chunk in memory at a time.

use super::codec::from_message;
use super::interner::Interner;
use super::segment::Segment;
use super::{ENCODING, PROFILE, SCHEMA_NAME, schema};
use crate::event::{Body, Event, Fact, Lost, Stamp};
use mcap::records::{Record, op};
use mcap::sans_io::linear_reader::{LinearReadEvent, LinearReader, LinearReaderOptions};
use mcap::{McapError, parse_record};
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

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
pub fn read_segment(mut bytes: impl Read, each: impl FnMut(Event)) -> Result<(Integrity, Option<Segment>), ReadError> {
    let options = LinearReaderOptions::default()
        .with_emit_chunks(true)
        .with_skip_end_magic(true)
        .with_record_length_limit(RECORD_BYTES);
    let mut reader = LinearReader::new_with_options(options);
    let mut events = Events {
        each,
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
        interner: Interner::default(),
        segment: None,
    };
    let mut records = 0_u64;
    let mut size = 0;
    let mut last = Last::default();
    let mut has_footer = false;
    // The place of the next record.
    let mut next = mcap::MAGIC.len() as u64;
    while let Some(step) = reader.next_event() {
        match step {
            Ok(LinearReadEvent::ReadRequest(need)) => {
                let room = reader.insert(need.min(RECORD_BYTES));
                let count = bytes.read(room)?;
                last.push(room.get(..count).unwrap_or_default());
                reader.notify_read(count);
                size += count;
            }
            Ok(LinearReadEvent::Record { data, opcode }) => {
                records += 1;
                has_footer |= opcode == op::FOOTER;
                events.at = next;
                next += (RECORD_HEAD + data.len()) as u64;
                events.record(opcode, data)?;
            }
            Err(McapError::BadMagic) if records == 0 => {
                return Err(ReadError::Foreign("it has no MCAP header"));
            }
            Err(McapError::UnexpectedEof) if records == 0 => {
                return Err(ReadError::Foreign("it ends before its first record"));
            }
            // A file that ends as whole ones do was not cut: the length of a record is damaged.
            Err(McapError::UnexpectedEof) if !last.is_end() => break,
            // Nothing after the record can be found.
            Err(_) => {
                events.at = next;
                events.breaks();
                break;
            }
        }
    }
    if size == 0 {
        return Err(ReadError::Foreign("it is empty"));
    }
    if events.integrity.events == 0 && !events.channels.known() {
        return Err(ReadError::Foreign("it holds no modtrail events"));
    }
    let is_followed = has_footer && follows(&mut bytes)?;
    events.finish(is_followed);
    Ok((events.integrity, events.segment))
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
#[derive(Debug, Default)]
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

struct Events<F> {
    each: F,
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
    /// The texts of the events so far.
    interner: Interner,
    /// Where the recording stands in a series, if it says so.
    segment: Option<Segment>,
}

impl<F: FnMut(Event)> Events<F> {
    fn record(&mut self, opcode: u8, data: &[u8]) -> Result<(), ReadError> {
        // A chunk counts as a whole: its checksum shows whether any of it can be trusted.
        let records = match opcode {
            op::CHUNK => chunk(data),
            op::HEADER | op::SCHEMA | op::CHANNEL | op::MESSAGE | op::METADATA => {
                parse_record(opcode, data).map(|record| vec![record.into_owned()])
            }
            // Indexes and similar records: not needed to read the whole file.
            _ => Ok(Vec::new()),
        };
        match records {
            Ok(records) => records.into_iter().try_for_each(|record| self.plain(record)),
            Err(_) => {
                self.breaks();
                Ok(())
            }
        }
    }

    /// The record, or a message in it, cannot be read.
    fn breaks(&mut self) {
        self.broken = self.broken.saturating_add(1);
        self.damaged_at.get_or_insert(self.at);
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "another crate's enum, of which five records matter")]
    fn plain(&mut self, record: Record<'_>) -> Result<(), ReadError> {
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
                        self.interner.intern(&mut event);
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
            (self.each)(end);
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
            return (self.each)(event);
        }
        self.integrity.has_end = true;
        if let Some(before) = self.end.replace(event) {
            (self.each)(before);
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
            (self.each)(end);
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
            (self.each)(Event { at: self.last, body: Body::Fact(lost) });
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

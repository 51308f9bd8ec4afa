//! Reads a recording back, whatever happened to it: killed in the middle, cut, damaged.
//!
//! In: bytes. Out: events, and at the end whether the recording's own end is there and what could not be read. A
//! damaged chunk costs that chunk: its events are lost together, and a fact in their place reports it. The file is
//! streamed, with one chunk in memory at a time.

use super::codec::from_message;
use super::{ENCODING, SCHEMA_NAME, schema};
use crate::event::{Body, Event, Fact, Lost, Stamp};
use mcap::records::{Record, op};
use mcap::sans_io::linear_reader::{LinearReadEvent, LinearReader, LinearReaderOptions};
use mcap::{McapError, parse_record};
use prost::Message as _;
use std::collections::BTreeSet;
use std::io::{self, Read};

/// A larger record is damage: chunks are written at a mebibyte before compression.
const RECORD_BYTES: usize = 64 * 1024 * 1024;

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

/// How much of a recording could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Events read.
    pub events: u64,
    /// Events that could not be read, if their number is known; a broken end counts as one.
    pub damaged: u64,
    /// The recording was ended in order.
    pub has_end: bool,
}

impl Coverage {
    /// Whether the recording's own end is there.
    #[must_use]
    pub const fn ending(&self) -> Ending {
        if self.has_end { Ending::Whole } else { Ending::Missing }
    }
}

/// Reads a recording from any stream of bytes.
///
/// # Errors
/// [`ReadError`] if the stream fails or is not a recording.
pub fn read(mut bytes: impl Read, each: impl FnMut(Event)) -> Result<Coverage, ReadError> {
    let options = LinearReaderOptions::default()
        .with_emit_chunks(true)
        .with_skip_end_magic(true)
        .with_record_length_limit(RECORD_BYTES);
    let mut reader = LinearReader::new_with_options(options);
    let mut events = Events {
        each,
        coverage: Coverage::default(),
        channels: Channels::default(),
        last: Stamp::default(),
        expected: 0,
        broken: false,
    };
    let mut records = 0_u64;
    let mut size = 0;
    while let Some(step) = reader.next_event() {
        match step {
            Ok(LinearReadEvent::ReadRequest(need)) => {
                let count = bytes.read(reader.insert(need.min(RECORD_BYTES)))?;
                reader.notify_read(count);
                size += count;
            }
            Ok(LinearReadEvent::Record { data, opcode }) => {
                records += 1;
                events.record(opcode, data)?;
            }
            Err(McapError::BadMagic) if records == 0 => {
                return Err(ReadError::Foreign("it has no MCAP header"));
            }
            Err(McapError::UnexpectedEof) if records == 0 => {
                return Err(ReadError::Foreign("it ends before its first record"));
            }
            Err(McapError::UnexpectedEof) => break,
            // The length of a record is damaged: nothing after it can be found.
            Err(_) => {
                events.broken = true;
                break;
            }
        }
    }
    if size == 0 {
        return Err(ReadError::Foreign("it is empty"));
    }
    if events.coverage.events == 0 && !events.channels.known() {
        return Err(ReadError::Foreign("it holds no modtrail events"));
    }
    events.finish();
    Ok(events.coverage)
}

/// Which channels carry events.
#[derive(Debug, Default)]
struct Channels {
    schemas: BTreeSet<u16>,
    ours: BTreeSet<u16>,
}

impl Channels {
    fn known(&self) -> bool {
        !self.ours.is_empty()
    }
}

/// The records in a chunk, if its checksum holds.
fn chunk(data: &[u8]) -> Result<Vec<Record<'static>>, McapError> {
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
    coverage: Coverage,
    channels: Channels,
    last: Stamp,
    /// The number of the next message. A recorder numbers messages without gaps, so a gap is what could not be read.
    expected: u32,
    /// Something could not be read since the last event.
    broken: bool,
}

impl<F: FnMut(Event)> Events<F> {
    fn record(&mut self, opcode: u8, data: &[u8]) -> Result<(), ReadError> {
        // A chunk counts as a whole: its checksum shows whether any of it can be trusted.
        let records = match opcode {
            op::CHUNK => chunk(data),
            op::SCHEMA | op::CHANNEL | op::MESSAGE => {
                parse_record(opcode, data).map(|record| vec![record.into_owned()])
            }
            // Indexes and similar records: not needed to read the whole file.
            _ => Ok(Vec::new()),
        };
        match records {
            Ok(records) => records.into_iter().try_for_each(|record| self.plain(record)),
            Err(_) => {
                self.broken = true;
                Ok(())
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "another crate's enum, of which three records matter")]
    fn plain(&mut self, record: Record<'_>) -> Result<(), ReadError> {
        match record {
            Record::Schema { header, .. } if header.name == SCHEMA_NAME && header.encoding == ENCODING => {
                self.channels.schemas.insert(header.id);
            }
            Record::Channel(channel) if self.channels.schemas.contains(&channel.schema_id) => {
                self.channels.ours.insert(channel.id);
            }
            // If the channel's own record is damaged, the messages still show whether they are ours.
            Record::Message { header, data }
                if self.channels.ours.contains(&header.channel_id) || self.broken || self.coverage.damaged > 0 =>
            {
                match schema::Event::decode(&*data).ok().and_then(|message| from_message(message).ok()) {
                    Some(event) => self.event(header.sequence, event),
                    None => self.broken = true,
                }
            }
            Record::Message { .. } => return Err(ReadError::Foreign("it is an MCAP file of another program")),
            _ => {}
        }
        Ok(())
    }

    fn event(&mut self, sequence: u32, event: Event) {
        self.report_missing(sequence.wrapping_sub(self.expected), event.at);
        self.expected = sequence.wrapping_add(1);
        self.broken = false;
        self.coverage.events += 1;
        self.coverage.has_end = matches!(event.body, Body::Fact(Fact::End));
        self.last = event.at;
        (self.each)(event);
    }

    /// What could not be read at the very end, if no later message shows by its number how much it was.
    fn finish(&mut self) {
        if self.broken && !self.coverage.has_end {
            self.report_missing(1, self.last);
        }
    }

    /// Reports in its place that events are missing: they lie between what was read before them and what follows.
    fn report_missing(&mut self, count: u32, next: Stamp) {
        if count > 0 {
            let count = u64::from(count);
            self.coverage.damaged += count;
            let lost = Fact::Lost { loss: Lost::Damaged, count, until: next.mono.max(self.last.mono) };
            (self.each)(Event { at: self.last, body: Body::Fact(lost) });
        }
    }
}

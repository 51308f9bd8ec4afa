//! Turns events into the bytes of a recording. A kill at any moment only costs the tail that was not flushed.
//!
//! In: events as they came, and when to flush. Out: the bytes of an MCAP file. Nothing is ever rewritten, so the output
//! may be a pipe. Each chunk carries a checksum and is compressed separately.

use super::codec::to_message;
use super::schema::DESCRIPTORS;
use super::segment::Segment;
use super::{ENCODING, PROFILE, SCHEMA_NAME, TOPIC};
use crate::event::{Body, Event, Fact, Stamp};
use mcap::records::MessageHeader;
use mcap::write::NoSeek;
use mcap::{Compression, McapError, WriteOptions, Writer};
use prost::Message as _;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Uncompressed bytes of a chunk, unless a flush ends it sooner. A damaged chunk costs at most this much.
const CHUNK_BYTES: u64 = 1024 * 1024;

/// A recording being written.
pub struct Recorder<W: Write> {
    writer: Writer<NoSeek<W>>,
    channel: u16,
    sequence: u32,
    buffer: Vec<u8>,
    unflushed: bool,
}

impl<W: Write> Recorder<W> {
    /// Begins a recording. The schema has been written when this returns, so the file is recognised as a recording
    /// whatever happens later.
    ///
    /// # Errors
    /// What `out` answered.
    pub fn begin(out: W) -> io::Result<Self> {
        Self::begin_segment(out, None)
    }

    /// The same, of a recording in several files: `segment` says where this one stands.
    ///
    /// # Errors
    /// What `out` answered.
    pub fn begin_segment(out: W, segment: Option<&Segment>) -> io::Result<Self> {
        let options = WriteOptions::new()
            .compression(Some(Compression::Zstd))
            // Threads would have the rights that this one gives up later.
            .compression_threads(0)
            .profile(PROFILE)
            .library(concat!("modtrail ", env!("CARGO_PKG_VERSION")))
            .chunk_size(Some(CHUNK_BYTES))
            .disable_seeking(true)
            .emit_message_indexes(false)
            .calculate_data_section_crc(false);
        let mut writer = Writer::with_options(NoSeek::new(out), options).map_err(io_error)?;
        let schema = writer.add_schema(SCHEMA_NAME, ENCODING, DESCRIPTORS).map_err(io_error)?;
        let channel = writer.add_channel(schema, TOPIC, ENCODING, &BTreeMap::new()).map_err(io_error)?;
        if let Some(segment) = segment {
            writer.write_metadata(&segment.record()).map_err(io_error)?;
        }
        let mut recorder = Self { writer, channel, sequence: 0, buffer: Vec::new(), unflushed: true };
        recorder.flush()?;
        Ok(recorder)
    }

    /// Appends one event.
    ///
    /// # Errors
    /// What the output answered.
    pub fn write(&mut self, event: &Event) -> io::Result<()> {
        self.buffer.clear();
        to_message(event).encode(&mut self.buffer).map_err(io::Error::other)?;
        let boot = event.at.boot.as_nanos();
        let header =
            MessageHeader { channel_id: self.channel, sequence: self.sequence, log_time: boot, publish_time: boot };
        self.sequence = self.sequence.wrapping_add(1);
        self.writer.write_to_known_channel(&header, &self.buffer).map_err(io_error)?;
        // A tick alone does not deserve a chunk.
        self.unflushed |= !matches!(event.body, Body::Fact(Fact::Tick | Fact::Drained));
        Ok(())
    }

    /// Ends the chunk and passes everything so far to the output. Returns whether there was anything new.
    ///
    /// # Errors
    /// What the output answered.
    pub fn flush(&mut self) -> io::Result<bool> {
        if self.unflushed {
            self.writer.flush().map_err(io_error)?;
        }
        Ok(std::mem::take(&mut self.unflushed))
    }

    /// Ends the recording in order: the mark of its end, and the index.
    ///
    /// # Errors
    /// What the output answered.
    pub fn finish(mut self, at: Stamp) -> io::Result<()> {
        self.write(&Event { at, body: Body::Fact(Fact::End) })?;
        self.writer.finish().map_err(io_error)?;
        Ok(())
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "another crate's enum: only the system's answer is distinguished")]
fn io_error(error: McapError) -> io::Error {
    match error {
        McapError::Io(error) => error,
        other => io::Error::other(other),
    }
}

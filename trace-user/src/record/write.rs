//! Appends events to a recording so that a kill at any moment costs no more than the tail that was not flushed.
//!
//! In: events as they came, and when to flush. Out: the bytes of an MCAP file; nothing is ever rewritten, so the
//! output may be a pipe. Chunks carry a checksum and are compressed each by itself.

use super::codec::to_message;
use super::schema::DESCRIPTORS;
use super::{ENCODING, PROFILE, SCHEMA_NAME, TOPIC};
use crate::event::{Body, Event, Fact, Stamp};
use mcap::records::MessageHeader;
use mcap::write::NoSeek;
use mcap::{Compression, McapError, WriteOptions, Writer};
use prost::Message as _;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Uncompressed bytes of a chunk, unless a flush ends it sooner. A damaged chunk costs at most this much.
const CHUNK_BYTES: u64 = 1024 * 1024;

/// Why a recording cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file cannot be made.
    #[error("cannot create the recording {}", .path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write to the recording {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
}

/// A recording being written.
pub struct Recorder {
    writer: Writer<NoSeek<File>>,
    /// The same file, for handing it to the disk.
    file: File,
    path: PathBuf,
    channel: u16,
    sequence: u32,
    buffer: Vec<u8>,
    unsynced: bool,
}

/// A file that can be written, and is as it was: where no recording begins, one that was not there before is taken
/// away again.
pub struct Target {
    file: Option<File>,
    path: PathBuf,
    is_new: bool,
}

impl Target {
    /// Opens or makes the file. What is in it stays until a recording begins.
    ///
    /// # Errors
    /// [`WriteError::Create`] with what the system answered.
    pub fn open(path: &Path) -> Result<Self, WriteError> {
        let made = OpenOptions::new().write(true).create_new(true).open(path);
        let (opened, is_new) = match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                (OpenOptions::new().write(true).open(path), false)
            }
            made => (made, true),
        };
        let file = opened.map_err(|source| WriteError::Create { path: path.to_owned(), source })?;
        Ok(Self { file: Some(file), path: path.to_owned(), is_new })
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if self.is_new && self.file.is_some() {
            // It stays empty where it cannot be removed, which is no worse.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Recorder {
    /// Begins a recording; what the file held is gone from here on. The schema is on the disk when this returns, so
    /// that whatever happens later, the file is known for a recording.
    ///
    /// # Errors
    /// [`WriteError::Write`] with what the system answered.
    pub fn begin(mut target: Target) -> Result<Self, WriteError> {
        let path = target.path.clone();
        let io_failed = |source| WriteError::Write { path: path.clone(), source };
        let file = target.file.take().ok_or_else(|| io_failed(io::ErrorKind::NotFound.into()))?;
        if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            file.set_len(0).map_err(io_failed)?;
        }
        let options = WriteOptions::new()
            .compression(Some(Compression::Zstd))
            .profile(PROFILE)
            .library(concat!("modtrail ", env!("CARGO_PKG_VERSION")))
            .chunk_size(Some(CHUNK_BYTES))
            .disable_seeking(true)
            .emit_message_indexes(false)
            .calculate_data_section_crc(false);
        let clone = file.try_clone().map_err(io_failed)?;
        let mut writer = Writer::with_options(NoSeek::new(clone), options).map_err(|error| failed(&path, error))?;
        let schema = writer.add_schema(SCHEMA_NAME, ENCODING, DESCRIPTORS).map_err(|error| failed(&path, error))?;
        let channel =
            writer.add_channel(schema, TOPIC, ENCODING, &BTreeMap::new()).map_err(|error| failed(&path, error))?;
        let mut recorder = Self { writer, file, path, channel, sequence: 0, buffer: Vec::new(), unsynced: true };
        recorder.flush()?;
        Ok(recorder)
    }

    /// Appends one event.
    ///
    /// # Errors
    /// [`WriteError::Write`] with what the system answered.
    pub fn write(&mut self, event: &Event) -> Result<(), WriteError> {
        self.buffer.clear();
        let message = to_message(event);
        message.encode(&mut self.buffer).map_err(|error| self.failed(io::Error::other(error)))?;
        let boot = event.at.boot.as_nanos();
        let header =
            MessageHeader { channel_id: self.channel, sequence: self.sequence, log_time: boot, publish_time: boot };
        self.sequence = self.sequence.wrapping_add(1);
        self.writer.write_to_known_channel(&header, &self.buffer).map_err(|error| failed(&self.path, error))?;
        // A tick alone is not worth a chunk of its own.
        self.unsynced |= !matches!(event.body, Body::Fact(Fact::Tick | Fact::Drained));
        Ok(())
    }

    /// Hands everything so far to the disk: a kill or a power cut after this costs none of it.
    ///
    /// # Errors
    /// [`WriteError::Write`] with what the system answered.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        if !self.unsynced {
            return Ok(());
        }
        self.writer.flush().map_err(|error| failed(&self.path, error))?;
        self.sync()?;
        self.unsynced = false;
        Ok(())
    }

    /// Ends the recording in order: the mark of its end, and the index.
    ///
    /// # Errors
    /// [`WriteError::Write`] with what the system answered.
    pub fn finish(mut self, at: Stamp) -> Result<(), WriteError> {
        self.write(&Event { at, body: Body::Fact(Fact::End) })?;
        self.writer.finish().map_err(|error| failed(&self.path, error))?;
        self.sync()
    }

    fn sync(&self) -> Result<(), WriteError> {
        match self.file.sync_data() {
            // A pipe or a terminal has no disk behind it.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            answer => answer.map_err(|source| self.failed(source)),
        }
    }

    fn failed(&self, source: io::Error) -> WriteError {
        WriteError::Write { path: self.path.clone(), source }
    }
}

fn failed(path: &Path, error: McapError) -> WriteError {
    WriteError::Write { path: path.to_owned(), source: io_error(error) }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "another crate's enum: only the system's answer is told apart")]
fn io_error(error: McapError) -> io::Error {
    match error {
        McapError::Io(error) => error,
        other => io::Error::other(other),
    }
}

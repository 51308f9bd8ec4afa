//! Recordings: events as they came, in an MCAP file that other tools read.
//!
//! One channel, one protobuf message per event, the schema inside the file. [`mod@write`] appends; [`read`] returns
//! every event that can be read, and reports what could not be; [`codec`] is the only translation between the two. A
//! recording may begin in the middle of a trace ([`preface`]), and may stand in several files ([`series`]).

pub mod codec;
pub mod flight;
pub mod interner;
pub mod preface;
pub mod read;
pub mod redact;
pub mod segment;
pub mod series;
#[cfg(test)]
mod tests;
pub mod write;

/// The recording's message types, generated from `proto/modtrail.proto`; `tests/schema.rs` keeps them so.
#[expect(missing_docs, reason = "generated; the schema file documents them")]
pub mod schema {
    include!("../../proto/modtrail.v1.rs");

    /// The schema as a serialised `FileDescriptorSet`, as written in each recording.
    pub static DESCRIPTORS: &[u8] = include_bytes!("../../proto/modtrail.fds");
}

/// The name of the schema in the file.
const SCHEMA_NAME: &str = "modtrail.v1.Event";
/// How messages are encoded.
const ENCODING: &str = "protobuf";
/// The name of the channel.
const TOPIC: &str = "modtrail/events";
/// Who writes such files.
const PROFILE: &str = "modtrail";

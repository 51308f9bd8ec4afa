//! Recordings as files: opened for reading, and written so that a kill or a power cut only costs what was not flushed
//! to disk.
//!
//! In: a path. Out: the bytes of a recording, for the library to read; or a file that events are appended to.

pub mod file;
pub mod read;
pub mod target;

//! A recording as a source: its events, as they were recorded, at once.
//!
//! In: a file. Out: the same events that the live source yielded, and how much of the file could be read.

use crate::event::Event;
use crate::record::read::{Coverage, ReadError, read_file};
use std::path::Path;

/// Hands over every event of the recording.
///
/// # Errors
/// [`ReadError`] where the file cannot be read or is no recording.
pub fn replay(path: &Path, each: impl FnMut(Event)) -> Result<Coverage, ReadError> {
    read_file(path, each)
}

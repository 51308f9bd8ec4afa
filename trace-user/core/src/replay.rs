//! A recording, read into a model: its events through the pipeline, at once.
//!
//! In: bytes, of one file or of the segments of a series one after the other. Out: the model, and how much of the
//! recording could be read. A recording without an end is closed where it stops, and what was open then stays open for
//! its reader.

use crate::entities::Change;
use crate::model::Model;
use crate::pipeline::Pipeline;
use crate::record::read::{Integrity, ReadError};
use crate::record::series::Series;
use std::io::Read;

/// Reads a recording into a model. `each` sees every change after the model has it.
///
/// # Errors
/// [`ReadError`] if the bytes cannot be read or are not a recording. Damage is not an error: the model counts what it
/// cost.
pub fn replay(bytes: impl Read, mut each: impl FnMut(&Change, &Model)) -> Result<(Model, Integrity), ReadError> {
    let mut pipeline = Pipeline::default();
    let mut series = Series::default();
    let integrity = series.read(bytes, None, |event| pipeline.push(event, &mut each))?;
    pipeline.close(series.end().cloned(), &mut each);
    Ok((pipeline.into_model(), integrity))
}

//! `modtrail report`: the summary of a recording.

use super::failure::Failure;
use super::{output, replay};
use crate::report::summary::summary;
use std::path::Path;
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
/// [`Failure`] where the file cannot be read.
pub fn run(file: &Path) -> Result<ExitCode, Failure> {
    let (model, ending) = replay::read(file, |_, _| {})?;
    let _ = output::line(summary(&model, ending).trim_end())?;
    replay::tell_ending(ending, file);
    Ok(ExitCode::SUCCESS)
}

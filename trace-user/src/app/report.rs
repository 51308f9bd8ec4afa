//! `modtrail report`: the summary of a recording.

use super::failure::Failure;
use super::{output, replay};
use crate::cli::ReportArgs;
use modtrail_core::report::{summary, whole};
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the file cannot be read.
pub fn run(args: &ReportArgs) -> Result<ExitCode, Failure> {
    let (model, ending) = replay::read(&args.file, |_, _| {})?;
    let text = if args.json { whole::summary(&model, ending) } else { summary::summary(&model, ending) };
    let _ = output::line(text.trim_end())?;
    replay::report_ending(ending, &args.file);
    Ok(ExitCode::SUCCESS)
}

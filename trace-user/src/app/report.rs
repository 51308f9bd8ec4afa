//! `modtrail report`: the summary of a recording.

use super::failure::Failure;
use super::{output, replay};
use crate::cli::ReportArgs;
use modtrail_core::query::narrowed;
use modtrail_core::report::document::Extent;
use modtrail_core::report::{page, summary, whole};
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the file cannot be read.
pub fn run(args: &ReportArgs) -> Result<ExitCode, Failure> {
    let (model, integrity) = replay::read(&args.file, |_, _| {})?;
    let query = args.select.query();
    let model = narrowed(model, &query);
    let text = if args.json {
        whole::summary(&model, &integrity, &query)
    } else {
        page::text(&summary::document(&model, &integrity, &query, Extent::SHORT))
    };
    let _ = output::line(text.trim_end())?;
    replay::report_faults(integrity, &args.file);
    Ok(ExitCode::SUCCESS)
}

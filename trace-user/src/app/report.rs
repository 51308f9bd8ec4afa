//! `modtrail report`: the summary of a recording, or of each of several.

use super::failure::Failure;
use super::output::{self, Written};
use super::replay;
use crate::cli::ReportArgs;
use crate::recording::read::integrity;
use modtrail_core::query::narrowed;
use modtrail_core::report::{summary, whole};
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
/// [`Failure`] if a file cannot be read.
pub fn run(args: &ReportArgs) -> Result<ExitCode, Failure> {
    let sources = replay::sources(&args.files)?;
    for (index, source) in sources.iter().enumerate() {
        let (model, faults) = source.model(|_, _| {})?;
        let integrity = integrity(&faults);
        let query = args.select.query();
        let model = narrowed(model, &query);
        let text = if args.json {
            whole::summary(&model, integrity, &query)
        } else {
            // Each under its name.
            let gap = if index == 0 { "" } else { "\n" };
            let name = if sources.len() > 1 { format!("{gap}== {} ==\n\n", source.name()) } else { String::new() };
            name + &summary::summary(&model, integrity, &query)
        };
        let written = output::line(text.trim_end())?;
        replay::report_faults(&faults);
        if written == Written::Closed {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

//! `modtrail replay`: the dashboard over a recording. Also reads a recording for every command that needs one.

use super::config::Look;
use super::failure::Failure;
use super::top;
use crate::cli::ViewArgs;
use crate::recording;
use crate::stderr;
use crate::tui::Mode;
use modtrail_core::entities::Change;
use modtrail_core::model::Model;
use modtrail_core::record::read::Integrity;
use modtrail_core::replay::replay;
use std::path::Path;
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the file cannot be read or there is no terminal.
pub fn run(file: &Path, view: &ViewArgs) -> Result<ExitCode, Failure> {
    let look = Look::of(view)?;
    let (model, integrity) = read(file, |_, _| {})?;
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    let status = top::replay(&model, look, Mode::Replay { name, damage: integrity.damage })?;
    report_faults(integrity, file);
    Ok(status)
}

/// Reads the whole recording into a model.
///
/// # Errors
/// [`Failure`] if the file cannot be read.
pub fn read(file: &Path, each: impl FnMut(&Change, &Model)) -> Result<(Model, Integrity), Failure> {
    Ok(recording::read(file, |bytes| replay(bytes, each))?)
}

/// Warns on stderr if the recording is damaged or its end is missing.
pub fn report_faults(integrity: Integrity, file: &Path) {
    for fault in integrity.faults() {
        stderr::say(format_args!("{} {fault}", file.display()));
    }
}

//! `modtrail replay`: the dashboard over a recording. Also finds and reads recordings for every command that needs
//! some.

use super::config::Look;
use super::failure::Failure;
use super::progress::Progress;
use super::top;
use crate::cli::ReplayArgs;
use crate::recording::read::{self, Faults, Source, integrity};
use crate::stderr::{self, chain};
use crate::tui::Mode;
use modtrail_core::entities::Change;
use modtrail_core::model::Model;
use modtrail_core::player::{Limits, When};
use modtrail_core::report::plain::counted;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the recording cannot be read or there is no terminal.
pub fn run(args: &ReplayArgs) -> Result<ExitCode, Failure> {
    let look = Look::of(&args.view)?;
    let source = one(&args.files, "replay shows")?;
    let opens_at = match &args.at {
        Some(text) => Some(When::parse(text, &look.settings.zone).map_err(|words| Failure::usage(&words))?),
        None => args.from_start.then_some(When::Start),
    };
    let (status, faults) = if source.is_lasting() {
        top::play(&source, look, opens_at.unwrap_or(When::End), Limits::of_memory(args.memory))?
    } else if opens_at.is_some() {
        return Err(Failure::usage(
            "what comes through a pipe is shown as it ended: --from-start and --at need a file",
        ));
    } else {
        let (model, faults) = read(&source, |_, _| {})?;
        let mode = Mode::Replay { name: source.name(), damage: integrity(&faults).damage, playback: None, today: None };
        (top::replay(&model, look, mode)?, faults)
    };
    report_faults(&faults);
    Ok(status)
}

/// The recordings that are meant. Files of a folder that are none are reported on stderr.
///
/// # Errors
/// [`Failure`] if a path cannot be read, or is not a recording.
pub fn sources(paths: &[PathBuf]) -> Result<Vec<Source>, Failure> {
    let skipped = |error| stderr::say(format_args!("skipped: {}", chain(&error)));
    Ok(read::sources(paths, skipped)?)
}

/// The one recording that is meant. `verb`: what is done with one at a time.
///
/// # Errors
/// [`Failure`] if there are several, with their names, or if it cannot be read.
pub fn one(paths: &[PathBuf], verb: &str) -> Result<Source, Failure> {
    let mut sources = sources(paths)?;
    match (sources.pop(), sources.len()) {
        (Some(source), 0) => Ok(source),
        (last, before) => {
            let names: Vec<String> = sources.iter().chain(&last).map(Source::name).collect();
            let count = counted(before as u64 + 1, "recording");
            Err(Failure::usage(&format!("these are {count} ({}), and {verb} one at a time", names.join(", "))))
        }
    }
}

/// Reads a recording into a model. A person who waits sees how far that is.
///
/// # Errors
/// [`Failure`] if a file cannot be read or is not a recording.
pub fn read(source: &Source, each: impl FnMut(&Change, &Model)) -> Result<(Model, Faults), Failure> {
    Ok(source.model_through(each, |file, bytes| Box::new(Progress::over(bytes, file.size)))?)
}

/// Warns on stderr if a file of the recording is damaged, or if its end is missing.
pub fn report_faults(faults: &Faults) {
    for (integrity, file) in faults {
        for fault in integrity.faults() {
            stderr::say(format_args!("{} {fault}", file.display()));
        }
    }
}

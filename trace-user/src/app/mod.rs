//! Connects a source to its sinks: one file per command, and what they share. In: what was typed. Out: the exit status.

pub mod config;
pub mod cut;
pub mod diff;
pub mod doctor;
pub mod explain;
pub mod failure;
pub mod follow;
pub mod history;
pub mod indexer;
pub mod job;
pub mod keys;
pub mod launcher;
pub mod log;
pub mod outlet;
pub mod output;
pub mod progress;
pub mod record;
pub mod replay;
pub mod report;
pub mod resolve;
pub mod session;
pub mod show;
pub mod top;
pub mod watch;
pub mod who;

use crate::cli::{Cli, Command};
use crate::{confine, files, stderr};
use failure::Failure;
use std::path::Path;
use std::process::ExitCode;

/// Runs what was asked for.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    if let Some(output) = cli.command.as_ref().and_then(Command::only_reads) {
        confine(output);
    }
    let outcome = match cli.command {
        None => top::run(&cli.trace, &cli.view),
        Some(Command::Top(args)) => top::run(&args.trace, &args.view),
        Some(Command::Record(args)) => record::run(&args),
        Some(Command::Replay(args)) => replay::run(&args),
        Some(Command::Diff(args)) => diff::run(&args),
        Some(Command::Report(args)) => report::run(&args),
        Some(Command::Log(args)) => log::run(&args),
        Some(Command::Watch(args)) => watch::run(&args),
        Some(Command::Show(args)) => show::run(&args),
        Some(Command::Who(args)) => who::run(&args),
        Some(Command::Cut(args)) => cut::cut(&args),
        Some(Command::Merge(args)) => cut::merge(&args),
        Some(Command::Explain(args)) => explain::run(args.name.as_deref()),
        Some(Command::Doctor(args)) => doctor::run(&args),
        Some(Command::Config(command)) => config::run(&command),
    };
    outcome.unwrap_or_else(|failure| failure.report())
}

/// Confines the process to reading, and to writing in the folder of `output`.
fn confine(output: Option<&Path>) {
    // What a link of the system's stands for is not in a folder that can be named.
    if output.is_some_and(files::is_link_of_system) {
        return;
    }
    let folder = output.filter(|path| path.as_os_str() != "-").map(files::folder);
    if let Err(answer) = confine::to_reading(folder.as_slice()) {
        stderr::say(format_args!("goes on without being confined to reading: {}", stderr::chain(&answer)));
    }
}

/// A runtime for one thread: everything waits in one place, and nothing is shared.
///
/// # Errors
/// [`Failure`] if the system provides no runtime.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Failure::cannot_trace("cannot start: no event loop", &error))
}
